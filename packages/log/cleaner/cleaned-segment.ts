/**
 * The segment that a cleaning makes of others, while it is made: written as `.log.cleaned` with its indexes beside it, which
 * the next start removes if it finds them.
 */
import type { DiskFile } from '@ottla/io'
import {
  CLEANED_SUFFIX,
  INDEX_SUFFIXES,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../file-names.ts'
import type { Folder } from '../folder.ts'
import type { CleanedFiles } from '../log-store.ts'
import { SegmentIndexes } from '../segment-indexes.ts'
import { type AbortedTransactionEntry, TransactionIndex } from '../transaction-index.ts'

/** Numbers of a batch: see `Filtered`. */
const NUMBERS = 3

export class CleanedSegment implements CleanedFiles {
  readonly baseOffset: number
  readonly file: DiskFile
  readonly indexes: SegmentIndexes
  readonly transactions = new TransactionIndex()
  size = 0
  readonly #folder: Folder
  readonly #indexIntervalBytes: number
  #suffixes: readonly string[] = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX]

  private constructor(folder: Folder, baseOffset: number, indexIntervalBytes: number, file: DiskFile) {
    this.#folder = folder
    this.baseOffset = baseOffset
    this.#indexIntervalBytes = indexIntervalBytes
    this.file = file
    this.indexes = new SegmentIndexes(baseOffset)
  }

  /** Over what an earlier attempt may have left. */
  static async create(folder: Folder, baseOffset: number, indexIntervalBytes: number): Promise<CleanedSegment> {
    await removeCleaned(folder, baseOffset)
    const file = await folder.disk.open(folder.offsetFile(baseOffset, LOG_SUFFIX + CLEANED_SUFFIX), 'create')
    return new CleanedSegment(folder, baseOffset, indexIntervalBytes, file)
  }

  /** `batches` says of each batch its last offset, largest timestamp and size. */
  async append(bytes: Uint8Array, batches: Float64Array, aborted: readonly AbortedTransactionEntry[]): Promise<void> {
    let position = this.size
    for (let i = 0; i < batches.length; i += NUMBERS) {
      const batch = { lastOffset: batches[i]!, maxTimestamp: batches[i + 1]!, sizeInBytes: batches[i + 2]! }
      this.indexes.add(batch, position, this.#indexIntervalBytes)
      position += batch.sizeInBytes
    }
    for (const entry of aborted) this.transactions.append(entry)
    const from = this.size
    this.size = position
    if (bytes.length > 0) await this.file.write([bytes], from)
  }

  /** All of it is on disk once this resolves, but for its names. `modifiedMs`: of the last segment that is in it. */
  async finish(modifiedMs: number): Promise<void> {
    const { disk } = this.#folder
    this.indexes.finish()
    await this.#save(OFFSET_INDEX_SUFFIX, this.indexes.offset.bytesFrom(0))
    await this.#save(TIME_INDEX_SUFFIX, this.indexes.time.bytesFrom(0))
    if (this.transactions.entries.length > 0) {
      this.#suffixes = [...this.#suffixes, TRANSACTION_INDEX_SUFFIX]
      await this.#save(TRANSACTION_INDEX_SUFFIX, this.transactions.encodeFrom(0))
    }
    const { offset, time } = this.indexes
    offset.savedEntries = offset.entries
    time.savedEntries = time.entries
    this.transactions.savedEntries = this.transactions.entries.length
    // Retention goes by it where records have no timestamps.
    await disk.setModified(this.file.path, modifiedMs)
    await this.file.sync()
  }

  async #save(suffix: string, bytes: Uint8Array): Promise<void> {
    const path = this.#folder.offsetFile(this.baseOffset, suffix + CLEANED_SUFFIX)
    const file = await this.#folder.disk.open(path, 'create')
    try {
      if (bytes.length > 0) await file.write([bytes.slice()], 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async rename(from: string, to: string): Promise<void> {
    for (const suffix of this.#suffixes) {
      const path = this.#folder.offsetFile(this.baseOffset, suffix)
      await this.#folder.disk.rename(path + from, path + to)
    }
  }

  /** It is not wanted any more. */
  async discard(): Promise<void> {
    await this.file.close()
    await removeCleaned(this.#folder, this.baseOffset)
  }
}

async function removeCleaned(folder: Folder, baseOffset: number): Promise<void> {
  for (const suffix of [LOG_SUFFIX, ...INDEX_SUFFIXES]) {
    await folder.disk.remove(folder.offsetFile(baseOffset, suffix + CLEANED_SUFFIX))
  }
}
