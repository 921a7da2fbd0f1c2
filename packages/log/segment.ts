/**
 * One segment: a `.log` file that is only ever appended to, with its indexes. Appending changes sizes and indexes in
 * memory at once; writing the bytes is log-writer.ts's, saving the indexes happens when the segment is flushed or
 * closed. Kafka rebuilds the indexes of every segment from the recovery point on after an unclean stop, and so do
 * we, so those of the active segment need not be on disk before; see docs/decisions/0005-log.md.
 */
import { DiskError, type DiskFile } from '@ottla/io'
import { BATCH_HEADER_BYTES, type BatchHeader } from '@ottla/protocol'
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import { type Folder, renameIfPresent } from './folder.ts'
import type { IndexBytes } from './index-bytes.ts'
import type { CachedIndexes, IndexCache } from './index-cache.ts'
import type { LogConfig } from './log-config.ts'
import { OffsetIndex } from './offset-index.ts'
import { scanBatches } from './scan.ts'
import { type LargestTimestamp, SegmentIndexes } from './segment-indexes.ts'
import { TimeIndex } from './time-index.ts'
import { type AbortedTransactionEntry, TransactionIndex } from './transaction-index.ts'
import type { SegmentDescription } from './types.ts'

export interface SegmentOptions {
  readonly folder: Folder
  readonly indexCache: IndexCache
  readonly baseOffset: number
  readonly createdMs: number
  readonly indexIntervalBytes: number
  readonly rollJitterMs: number
}

export interface CleanedParts {
  readonly file: DiskFile
  readonly size: number
  readonly indexes: SegmentIndexes
  readonly transactions: TransactionIndex
}

export interface RollParameters {
  readonly config: LogConfig
  readonly nowMs: number
  readonly appendBytes: number
  readonly appendLastOffset: number
  readonly appendMaxTimestamp: number
}

const MAX_RELATIVE_OFFSET = 0x7fffffff
const FILE_SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] as const

export class Segment implements CachedIndexes {
  readonly baseOffset: number
  readonly folder: Folder
  /** All that was appended. */
  size = 0
  /** What of it is in the file. */
  writtenSize = 0
  createdMs: number
  /** Takes no more appends; its indexes may leave the memory. */
  isClosed = false
  /** It was removed from its log; its files will go. */
  isDeleted = false
  /** They go. */
  #isGone = false
  #isSettled = true
  readonly #indexCache: IndexCache
  readonly #indexIntervalBytes: number
  readonly #rollJitterMs: number
  /** Stays when the indexes are dropped. */
  #largest: LargestTimestamp | null = null
  #firstTimestamp = Number.NaN
  #indexes: SegmentIndexes | null = null
  #loading: Promise<SegmentIndexes> | null = null
  #transactions: TransactionIndex | null = null
  #hasTransactionFile = false
  #file: DiskFile | null = null
  #opening: Promise<DiskFile> | null = null
  /** There is a file of this name that is not this segment's: left by a failed start or a lost deletion. */
  #startsEmpty = false
  /** The folder's entry for the file is on stable storage. */
  isEntrySynced = false

  constructor(options: SegmentOptions) {
    this.baseOffset = options.baseOffset
    this.folder = options.folder
    this.createdMs = options.createdMs
    this.#indexCache = options.indexCache
    this.#indexIntervalBytes = options.indexIntervalBytes
    this.#rollJitterMs = options.rollJitterMs
  }

  /** One that has no file yet. */
  static create(options: SegmentOptions): Segment {
    const segment = new Segment(options)
    segment.#indexes = new SegmentIndexes(options.baseOffset)
    segment.#transactions = new TransactionIndex()
    segment.#startsEmpty = true
    return segment
  }

  /**
   * What the cleaner has made of others, whole and on disk, but under other names: until it is `settled`, its files must not
   * be looked for by theirs, so its indexes stay in memory.
   */
  static cleaned(options: SegmentOptions, { file, size, indexes, transactions }: CleanedParts): Segment {
    const segment = new Segment(options)
    segment.size = size
    segment.writtenSize = size
    segment.isClosed = true
    segment.isEntrySynced = true
    segment.#file = file
    segment.#indexes = indexes
    segment.#transactions = transactions
    segment.#hasTransactionFile = transactions.entries.length > 0
    segment.#isSettled = false
    return segment
  }

  /** Its files have its names. */
  settled(): void {
    this.#isSettled = true
    this.#touch()
  }

  /** One whose file is there. Its indexes are loaded when they are needed. */
  static existing(
    options: SegmentOptions,
    { size, hasTransactionFile, isEntrySynced }: { size: number; hasTransactionFile: boolean; isEntrySynced: boolean },
  ): Segment {
    const segment = new Segment(options)
    segment.size = size
    segment.writtenSize = size
    segment.#hasTransactionFile = hasTransactionFile
    segment.isEntrySynced = isEntrySynced
    if (size === 0) segment.resetIndexes() // whatever the index files say
    return segment
  }

  get description(): SegmentDescription {
    return {
      baseOffset: this.baseOffset,
      sizeInBytes: this.size,
      largestTimestamp: (this.#indexes?.largest ?? this.#largest)?.timestamp ?? -1,
    }
  }

  // ------------------------------------------------------------------------------------------------------- appending

  shouldRoll({ config, nowMs, appendBytes, appendLastOffset, appendMaxTimestamp }: RollParameters): boolean {
    const { offset, time } = this.loadedIndexes
    const waitedMs = this.#waitedMs(nowMs, appendMaxTimestamp)
    return (
      this.size > config.segmentBytes - appendBytes ||
      (this.size > 0 && waitedMs > maxSegmentMs(config) - this.#rollJitterMs) ||
      offset.isFull(config.segmentIndexBytes) ||
      time.isFull(config.segmentIndexBytes) ||
      !this.canHold(appendLastOffset)
    )
  }

  canHold(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= MAX_RELATIVE_OFFSET
  }

  /** By the records' clock, from the first batch on; by the wall clock if they have no timestamps. */
  #waitedMs(nowMs: number, timestamp: number): number {
    const { firstTimestamp } = this.loadedIndexes
    return firstTimestamp >= 0 ? timestamp - firstTimestamp : nowMs - this.createdMs
  }

  /** Takes the batch in; its bytes are to be written at the position that `size` was before. */
  append(header: BatchHeader): void {
    this.index(header, this.size)
    this.size += header.sizeInBytes
  }

  index(header: BatchHeader, position: number): void {
    this.loadedIndexes.add(header, position, this.#indexIntervalBytes)
  }

  addAborted(entry: AbortedTransactionEntry): void {
    if (!this.#transactions) throw new Error('the transaction index is not loaded')
    this.#transactions.append(entry)
  }

  /** No more appends: the largest timestamp goes into the time index. */
  close(): void {
    this.loadedIndexes.finish()
    this.isClosed = true
  }

  // --------------------------------------------------------------------------------------------------------- indexes

  /** Of a segment that takes appends. */
  get loadedIndexes(): SegmentIndexes {
    if (!this.#indexes) throw new Error(`the indexes of segment ${this.baseOffset} are not loaded`)
    return this.#indexes
  }

  get indexBytes(): number {
    return this.loadedIndexes.memoryBytes + (this.#transactions?.memoryBytes ?? 0)
  }

  /** The index files are not as the indexes are. */
  get isUnsaved(): boolean {
    return (this.#indexes?.isUnsaved ?? false) || (this.#transactions?.isUnsaved ?? false)
  }

  unloadIndexes(): void {
    this.#largest = this.#indexes?.largest ?? this.#largest
    this.#indexes = null
    this.#transactions = null
  }

  async indexes(): Promise<SegmentIndexes> {
    this.#loading ??= this.#indexes ? null : this.#loadIndexes()
    const indexes = this.#indexes ?? (await this.#loading)!
    this.#touch()
    return indexes
  }

  #touch(): void {
    const isSaved = this.isClosed && this.#isSettled && !this.isUnsaved
    if (isSaved && !this.isDeleted && this.#indexes) this.#indexCache.used(this)
  }

  async #loadIndexes(): Promise<SegmentIndexes> {
    try {
      const [offsetBytes, timeBytes] = await Promise.all([
        this.#readIndexFile(OFFSET_INDEX_SUFFIX),
        this.#readIndexFile(TIME_INDEX_SUFFIX),
      ])
      const offset = new OffsetIndex(this.baseOffset, offsetBytes)
      const time = new TimeIndex(this.baseOffset, timeBytes)
      const isSound = offset.problem(this.writtenSize) === null && time.problem() === null
      if (isSound) this.#indexes = new SegmentIndexes(this.baseOffset, offset, time)
      else await this.rebuildIndexes()
      return this.#indexes!
    } finally {
      this.#loading = null
    }
  }

  async #readIndexFile(suffix: string): Promise<Uint8Array> {
    try {
      return await this.folder.disk.readFile(this.folder.offsetFile(this.baseOffset, suffix))
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return new Uint8Array(0)
      throw error
    }
  }

  /**
   * From the headers of the batches, because the file did not make sense. Appends go on meanwhile. They are not saved
   * here: whoever keeps files in order does that.
   */
  async rebuildIndexes(): Promise<void> {
    const rebuilt = SegmentIndexes.empty(this.baseOffset)
    const limit = this.writtenSize
    const options = { from: 0, to: limit, check: 'headers' } as const
    await scanBatches(await this.file(), options, (header, position) => {
      rebuilt.add(header, position, this.#indexIntervalBytes)
      return true
    })
    if (this.#indexes && !this.isClosed) rebuilt.takeOver(this.#indexes, limit)
    if (this.isClosed) rebuilt.finish()
    this.#indexes = rebuilt
  }

  /** Where to begin to look for `offset`: where the index says, if a batch that ends as it says is there. */
  async positionBelow(offset: number): Promise<number> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const { offset: index } = await this.indexes()
      const entry = index.find(offset)
      if (entry < 0) return 0
      const position = index.positionAt(entry)
      let isThere = false
      const piece = { from: position, to: this.writtenSize, check: 'headers', pieceBytes: BATCH_HEADER_BYTES } as const
      await scanBatches(await this.file(), piece, ({ lastOffset }) => {
        isThere = lastOffset === index.offsetAt(entry)
        return false
      })
      if (isThere) return position
      await this.rebuildIndexes()
    }
    return 0
  }

  /** To be filled again by `index`. */
  resetIndexes(): void {
    this.#indexes = SegmentIndexes.empty(this.baseOffset)
  }

  resetTransactions(): void {
    this.#transactions = new TransactionIndex()
    this.#transactions.hasCutTail = this.#hasTransactionFile
  }

  /** null: this segment has no aborted transactions, and it takes no look at the disk to know. */
  transactionsNow(): TransactionIndex | null | undefined {
    if (this.#transactions) return this.#transactions
    return this.#hasTransactionFile ? undefined : null
  }

  async transactions(): Promise<TransactionIndex | null> {
    const now = this.transactionsNow()
    if (now !== undefined) return now
    const bytes = await this.folder.disk.readFile(this.folder.offsetFile(this.baseOffset, TRANSACTION_INDEX_SUFFIX))
    const transactions = this.#transactions ?? TransactionIndex.decode(bytes)
    this.#transactions = transactions
    await this.indexes() // counts them all, and may drop them again
    return transactions
  }

  /** Known at once for a segment that was appended to, else from the last entry of the time index. */
  async largestTimestamp(): Promise<LargestTimestamp> {
    return this.#indexes?.largest ?? this.#largest ?? (await this.indexes()).largest
  }

  /** When a segment was last written to, for those whose records have no timestamps. */
  async lastModifiedMs(): Promise<number> {
    const stat = await this.folder.disk.stat(this.folder.offsetFile(this.baseOffset, LOG_SUFFIX))
    return stat ? stat.modifiedMs : this.createdMs
  }

  /** Loads what appending needs; the segment becomes (again) the active one. */
  async activate(): Promise<void> {
    this.isClosed = false
    this.#indexCache.forget(this)
    if (this.#hasTransactionFile) await this.transactions()
    else this.#transactions ??= new TransactionIndex()
    await this.indexes()
    await this.firstTimestamp()
  }

  /** The largest of the first batch; NaN if there is none. */
  async firstTimestamp(): Promise<number> {
    if (this.writtenSize === 0) return Number.NaN
    const known = this.#indexes?.firstTimestamp ?? this.#firstTimestamp
    if (!Number.isNaN(known)) return known
    const piece = { from: 0, to: this.writtenSize, check: 'headers', pieceBytes: 64 } as const
    await scanBatches(await this.file(), piece, ({ maxTimestamp }) => {
      this.#firstTimestamp = maxTimestamp
      return false
    })
    if (this.#indexes) this.#indexes.firstTimestamp = this.#firstTimestamp
    return this.#firstTimestamp
  }

  /** Appends to the index files what they lack; cuts what they have too much. */
  async saveIndexes(sync: boolean): Promise<void> {
    const { offset, time } = await this.indexes() // they may have been saved, not synced, and dropped
    await this.#saveIndex(OFFSET_INDEX_SUFFIX, offset, sync)
    await this.#saveIndex(TIME_INDEX_SUFFIX, time, sync)
    await this.#saveTransactions(sync)
    this.#touch()
  }

  async #saveIndex(suffix: string, index: IndexBytes, sync: boolean): Promise<void> {
    const { entries, savedEntries } = index
    const bytes = index.bytesFrom(savedEntries).slice()
    await this.#saveFile(suffix, bytes, savedEntries * index.entrySize, sync)
    index.savedEntries = entries
    index.hasCutTail = false
  }

  async #saveTransactions(sync: boolean): Promise<void> {
    const transactions = await this.transactions()
    if (!transactions || (transactions.entries.length === 0 && !this.#hasTransactionFile)) return
    const { savedEntries } = transactions
    const entries = transactions.entries.length
    const bytes = transactions.encodeFrom(savedEntries)
    await this.#saveFile(TRANSACTION_INDEX_SUFFIX, bytes, TransactionIndex.positionOf(savedEntries), sync)
    this.#hasTransactionFile = true
    transactions.savedEntries = entries
    transactions.hasCutTail = false
  }

  async #saveFile(suffix: string, bytes: Uint8Array, position: number, sync: boolean): Promise<void> {
    const file = await this.folder.disk.open(this.folder.offsetFile(this.baseOffset, suffix), 'write')
    try {
      if (bytes.length > 0) await file.write([bytes], position)
      if ((await file.size()) > position + bytes.length) await file.truncate(position + bytes.length)
      if (sync) await file.sync()
    } finally {
      await file.close()
    }
  }

  // ----------------------------------------------------------------------------------------------------------- files

  /** The `.log`, opened (and made, if the segment is new) at the first use. */
  file(): Promise<DiskFile> | DiskFile {
    if (this.#file) return this.#file
    if (this.#isGone) throw new DiskError('ENOENT', 'open', this.folder.offsetFile(this.baseOffset, LOG_SUFFIX))
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<DiskFile> {
    try {
      await this.folder.prepared()
      const path = this.folder.offsetFile(this.baseOffset, LOG_SUFFIX)
      const file = await this.folder.disk.open(path, 'write')
      if (this.#startsEmpty || this.writtenSize > 0) await this.#checkSize(file)
      this.#file = file
      return file
    } finally {
      this.#opening = null
    }
  }

  async #checkSize(file: DiskFile): Promise<void> {
    const size = await file.size()
    if (this.#startsEmpty) {
      if (size > 0) await file.truncate(0)
      this.#startsEmpty = false
    } else if (size < this.writtenSize) {
      await file.close()
      const cause = new Error(`${size} of ${this.writtenSize} bytes are there`)
      throw new DiskError('EIO', 'open', file.path, { cause })
    }
  }

  /** Makes the file of its full size now, where `preallocate` asks for it; the end is cut when the segment is closed. */
  async preallocate(bytes: number): Promise<void> {
    const file = await this.file()
    const size = await file.size()
    if (size < bytes && !this.isClosed) await file.truncate(bytes)
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const file = this.#file ?? (await this.file())
    await file.write(chunks, position)
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.readInto(Buffer.allocUnsafeSlow(length), position)
  }

  /** The part of `target` that was filled: all of it, unless the file ends before. */
  async readInto(target: Uint8Array, position: number): Promise<Uint8Array> {
    const file = this.#file ?? (await this.file())
    const count = await file.read(target, position)
    return count < target.length ? target.subarray(0, count) : target
  }

  /** Puts what was written on stable storage; of a closed segment its indexes too, for they will be trusted. */
  async sync(): Promise<void> {
    const file = await this.file()
    if (this.isClosed && (await file.size()) > this.size) await file.truncate(this.size) // was preallocated
    await file.sync()
    if (this.isClosed) await this.saveIndexes(true)
    if (this.isEntrySynced && !this.isClosed) return
    await this.folder.sync()
    this.isEntrySynced = true
  }

  /** Cuts the file to `size` bytes; the indexes keep what is below `offset`. */
  async truncate(size: number, offset: number): Promise<void> {
    const indexes = await this.indexes()
    await this.transactions()
    indexes.truncateTo(offset)
    this.#transactions?.truncateTo(offset)
    const file = await this.file()
    await file.truncate(size)
    // Else a power loss could bring the end back, behind batches that were written since in its place.
    await file.sync()
    this.size = size
    this.writtenSize = size
    if (size === 0) {
      indexes.firstTimestamp = Number.NaN
      this.#firstTimestamp = Number.NaN
    }
    // Behind the last entry there may be a larger timestamp than it has.
    const from = indexes.offset.positionBelow(indexes.largest.offset)
    await scanBatches(file, { from, to: size, check: 'headers' }, ({ maxTimestamp, lastOffset }) => {
      if (maxTimestamp > indexes.largest.timestamp) indexes.largest = { timestamp: maxTimestamp, offset: lastOffset }
      return true
    })
  }

  /** Renames the files, so that a crash leaves nothing that looks like a segment. */
  async markDeleted(): Promise<void> {
    this.isDeleted = true
    this.#isGone = true
    this.#indexCache.forget(this)
    await this.#opening?.catch(() => {}) // whoever reads is told
    // The log first: once it is gone the segment is, and an index without a log is removed at the next start.
    for (const suffix of FILE_SUFFIXES) {
      const path = this.folder.offsetFile(this.baseOffset, suffix)
      await renameIfPresent(this.folder.disk, path, path + DELETED_SUFFIX)
    }
  }

  /** Removes the files that `markDeleted` has renamed. */
  async removeFiles(): Promise<void> {
    await this.closeFile()
    for (const suffix of FILE_SUFFIXES) {
      await this.folder.disk.remove(this.folder.offsetFile(this.baseOffset, suffix) + DELETED_SUFFIX)
    }
  }

  async closeFile(): Promise<void> {
    const file = this.#file ?? (await this.#opening?.catch(() => null))
    this.#file = null
    await file?.close()
  }
}

/** A record of a compacted log becomes one that can be cleaned by rolling its segment. */
function maxSegmentMs({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): number {
  const isBounded = cleanupPolicy.includes('compact') && maxCompactionLagMs > 0
  return isBounded ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs
}
