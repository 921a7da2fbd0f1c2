/**
 * Cleans one log once: takes the last offset of each key in its dirty part, as far as the map has room, and makes new
 * segments of all up to there, group by group. What costs time is done by worker threads; here is the order of reading,
 * handing over, writing and swapping, and what may stop it at any point with nothing lost.
 */
import { DiskError, type WorkerTask, type World } from '@ottla/io'
import type { LogStore } from '../log-store.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { Segment } from '../segment.ts'
import type { AbortedTransactionEntry } from '../transaction-index.ts'
import type { FilterTask, FilterTaskResult, IndexTask, IndexTaskResult } from './clean-task.ts'
import { CleanedSegment } from './cleaned-segment.ts'
import type { CleanerConfig } from './cleaner-config.ts'
import type { FilterOptions } from './filter.ts'
import { type LastRecordsState, lastRecordsOf } from './last-records.ts'
import { newOffsetMap, type OffsetMapState } from './offset-map.ts'
import { type DirtyRange, type GroupableSegment, groupSegments } from './plan.ts'
import { PieceMemory, type SegmentPiece, segmentPieces } from './segment-pieces.ts'
import { type CleanedTransactionsState, NO_TRANSACTIONS } from './transactions.ts'

/** The same file, in a checkout and as it is published. */
const TASKS = new URL(import.meta.url.endsWith('.ts') ? './clean-task.ts' : './clean-task.js', import.meta.url).href
const INDEX: WorkerTask = { moduleUrl: TASKS, exportName: 'indexPiece' }
const FILTER: WorkerTask = { moduleUrl: TASKS, exportName: 'filterPiece' }

/** Not an error: the log is not what it was, or is not to be cleaned any more. */
export class CleaningAborted extends Error {
  override name = 'CleaningAborted'
}

export interface CleaningStats {
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly recordsRead: number
  readonly recordsKept: number
  readonly recordsWithoutKey: number
  readonly indexBytesRead: number
  readonly indexMs: number
  readonly elapsedMs: number
  /** How full the map of keys became, 0 to 1. */
  readonly bufferUtilization: number
}

export interface CleaningOptions {
  readonly world: World
  readonly log: PartitionLog
  readonly range: DirtyRange
  readonly config: CleanerConfig
  readonly memory: CleanerMemory
  /** Waits until so many bytes more may be read or written. */
  throttle(bytes: number): Promise<void>
  /** True: stop. */
  isUnwanted(): boolean
}

/** What one cleaner thread has, one cleaning after the other. */
export class CleanerMemory {
  map: SharedArrayBuffer | null = null
  readonly pieces: PieceMemory

  constructor({ ioBufferSize, threads }: CleanerConfig) {
    this.pieces = new PieceMemory(Math.floor(ioBufferSize / Math.max(1, threads) / 2))
  }
}

export interface CleaningResult {
  /** The log is clean up to here. */
  readonly endOffset: number
  readonly stats: CleaningStats
}

interface Group extends GroupableSegment {
  readonly segment: Segment
}

/** Rejects with CleaningAborted, a DiskError, or what is wrong with the log. */
export function cleanLog(options: CleaningOptions): Promise<CleaningResult> {
  return new LogCleaning(options).run()
}

class LogCleaning {
  readonly #options: CleaningOptions
  readonly #store: LogStore
  readonly #nowMs: number
  readonly #cuts: number
  readonly #memory: PieceMemory
  #map: OffsetMapState
  #transactions: CleanedTransactionsState = NO_TRANSACTIONS
  /** Aborted transactions that begin behind the piece at hand, ascending. */
  #upcoming: AbortedTransactionEntry[] = []
  /** Tombstones of magic 0 and 1 in segments that were written to before it go. */
  #legacyHorizonMs = 0
  /** Offsets of the markers of those that were found so far and may be found again: of one that spans segments. */
  #knownMarkers: number[] = []
  #stats = {
    bytesRead: 0,
    bytesWritten: 0,
    recordsRead: 0,
    recordsKept: 0,
    recordsWithoutKey: 0,
    indexBytesRead: 0,
    indexMs: 0,
    elapsedMs: 0,
    bufferUtilization: 0,
  }

  constructor(options: CleaningOptions) {
    const { world, log, range, config, memory } = options
    this.#options = options
    this.#store = log.store
    this.#nowMs = world.clock.now()
    this.#cuts = log.store.cuts
    const threads = Math.max(1, config.threads)
    this.#memory = memory.pieces
    const keys = Math.max(0, range.endOffset - range.firstDirtyOffset)
    const mapBytes = Math.floor(config.dedupeBufferSize / threads)
    this.#map = newOffsetMap(keys, mapBytes, config.dedupeBufferLoadFactor, world.random.bytes(16), memory.map)
    memory.map = this.#map.memory
  }

  async run(): Promise<CleaningResult> {
    const { world, range } = this.#options
    const startMs = world.clock.monotonic()
    try {
      // What replaces segments is on disk, so they have to be.
      await this.#store.syncThrough(range.endOffset)
      await this.#index()
      const endOffset = this.#map.latestOffset + 1
      this.#stats.indexMs = world.clock.monotonic() - startMs
      this.#forgetTransactions()
      this.#legacyHorizonMs = await this.#findLegacyHorizon()
      for (const group of await this.#groups(endOffset)) await this.#cleanGroup(group)
      this.#stats.elapsedMs = world.clock.monotonic() - startMs
      this.#stats.bufferUtilization = this.#map.entries / this.#map.slots
      return { endOffset, stats: this.#stats }
    } catch (error) {
      this.#check() // it may have failed because of that
      throw error
    }
  }

  async #findLegacyHorizon(): Promise<number> {
    const clean = this.#segments(this.#store.segments.first.baseOffset, this.#options.range.firstDirtyOffset).at(-1)
    return clean ? (await clean.lastModifiedMs()) - this.#options.log.config.deleteRetentionMs : 0
  }

  #check(): void {
    const { log, isUnwanted } = this.#options
    const isCleanable = !this.#store.failure && log.config.cleanupPolicy.includes('compact')
    if (!isCleanable || isUnwanted() || this.#store.cuts !== this.#cuts) throw new CleaningAborted()
  }

  // ------------------------------------------------------------------------------------------------------------ index

  async #index(): Promise<void> {
    const { firstDirtyOffset, endOffset } = this.#options.range
    const dirty = this.#segments(firstDirtyOffset, endOffset)
    for (const [i, segment] of dirty.entries()) {
      // One whose marker comes before the first dirty offset would never end here: the marker is not read. Apache Kafka has
      // it begin all the same, and keeps what later records of its producer replace.
      await this.#findAborted(segment, dirty[i + 1]?.baseOffset ?? endOffset, firstDirtyOffset)
      if (!(await this.#indexSegment(segment))) return
      // What comes after its last batch was cleaned away earlier.
      this.#map = { ...this.#map, latestOffset: (dirty[i + 1]?.baseOffset ?? endOffset) - 1 }
    }
  }

  async #indexSegment(segment: Segment): Promise<boolean> {
    const { world, range, throttle } = this.#options
    const startOffset = range.firstDirtyOffset
    const from = startOffset > segment.baseOffset ? await segment.positionBelow(startOffset) : 0
    for await (const { bytes, memory, lastOffset } of segmentPieces(segment, from, this.#memory)) {
      await throttle(bytes.length)
      this.#check()
      const task: IndexTask = {
        bytes,
        startOffset,
        map: this.#map,
        transactions: this.#transactions,
        begun: this.#begun(lastOffset),
      }
      const result = await world.workers.run<IndexTaskResult>(INDEX, task)
      this.#memory.giveBack(memory)
      this.#map = result.map
      this.#transactions = result.transactions
      this.#stats.indexBytesRead += bytes.length
      this.#stats.bytesRead += bytes.length
      if (result.isFull) return false
    }
    return true
  }

  // ----------------------------------------------------------------------------------------------------- transactions

  #forgetTransactions(): void {
    this.#transactions = NO_TRANSACTIONS
    this.#upcoming = []
    this.#knownMarkers = []
  }

  /** Those that were aborted and touch `segment`, which ends below `endOffset` and is read from `startOffset` on. */
  async #findAborted(segment: Segment, endOffset: number, startOffset = segment.baseOffset): Promise<void> {
    const from = Math.max(startOffset, segment.baseOffset)
    const found: AbortedTransactionEntry[] = []
    const { all } = this.#store.segments
    for (const each of all.slice(all.indexOf(segment))) {
      const index = await each.transactions()
      if (index?.collect(from, endOffset, found)) break
    }
    const known = new Set(this.#knownMarkers)
    const fresh = found.filter(({ lastOffset }) => !known.has(lastOffset))
    this.#knownMarkers = found.map(({ lastOffset }) => lastOffset)
    this.#upcoming = [...this.#upcoming, ...fresh].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  #begun(offset: number): AbortedTransactionEntry[] {
    const count = this.#upcoming.findIndex(({ firstOffset }) => firstOffset > offset)
    return this.#upcoming.splice(0, count < 0 ? this.#upcoming.length : count)
  }

  // ----------------------------------------------------------------------------------------------------------- filter

  #segments(from: number, to: number): Segment[] {
    return to <= from ? [] : this.#store.segments.between(from, to).filter(({ baseOffset }) => baseOffset < to)
  }

  async #groups(endOffset: number): Promise<Group[][]> {
    const { segments, config } = this.#store
    const groups: Group[] = []
    for (const segment of this.#segments(segments.first.baseOffset, endOffset)) {
      const { offset, time } = await segment.indexes()
      const { baseOffset, size } = segment
      groups.push({
        segment,
        baseOffset,
        sizeInBytes: size,
        offsetIndexBytes: offset.sizeInBytes,
        timeIndexBytes: time.sizeInBytes,
      })
    }
    return groupSegments(groups, config, this.#options.range.endOffset)
  }

  async #cleanGroup(group: readonly Group[]): Promise<void> {
    const segments = group.map(({ segment }) => segment)
    const { indexIntervalBytes } = this.#store.config
    const cleaned = await CleanedSegment.create(this.#store.folder, segments[0]!.baseOffset, indexIntervalBytes)
    let isSwapped = false
    try {
      await this.#filterInto(segments, cleaned)
      this.#check()
      await cleaned.finish(await segments.at(-1)!.lastModifiedMs())
      this.#check()
      isSwapped = await this.#store.replace(segments, cleaned, this.#cuts)
      if (!isSwapped) throw new CleaningAborted()
    } finally {
      if (!isSwapped) await this.#discard(cleaned)
    }
  }

  async #filterInto(segments: readonly Segment[], cleaned: CleanedSegment): Promise<void> {
    const { log } = this.#options
    const lastRecords = lastRecordsOf(log.producerEntries())
    let writing: Promise<void> = Promise.resolve()
    for (const segment of segments) {
      const { all } = this.#store.segments
      await this.#findAborted(segment, all[all.indexOf(segment) + 1]?.baseOffset ?? log.logEndOffset)
      const options = await this.#filterOptions(segment)
      for await (const piece of segmentPieces(segment, 0, this.#memory)) {
        const result = await this.#filterPiece(piece, options, lastRecords)
        await writing
        const written = cleaned.append(result.bytes, result.batches, result.kept)
        writing = written.then(() => this.#memory.giveBack(piece.memory))
        writing.catch(() => {}) // it is awaited, but not at once
        await this.#options.throttle(result.bytes.length)
      }
    }
    await writing
  }

  async #filterOptions(segment: Segment): Promise<FilterOptions> {
    const { log } = this.#options
    return {
      nowMs: this.#nowMs,
      deleteRetentionMs: log.config.deleteRetentionMs,
      retainsLegacyTombstones: (await segment.lastModifiedMs()) > this.#legacyHorizonMs,
      highWatermark: log.highWatermark,
    }
  }

  async #filterPiece(
    { bytes, lastOffset }: SegmentPiece,
    options: FilterOptions,
    lastRecords: LastRecordsState,
  ): Promise<FilterTaskResult> {
    await this.#options.throttle(bytes.length)
    this.#check()
    const task: FilterTask = {
      bytes,
      map: this.#map,
      transactions: this.#transactions,
      begun: this.#begun(lastOffset),
      lastRecords,
      options,
    }
    const result = await this.#options.world.workers.run<FilterTaskResult>(FILTER, task)
    this.#transactions = result.transactions
    this.#stats.bytesRead += bytes.length
    this.#stats.bytesWritten += result.bytes.length
    this.#stats.recordsRead += result.recordsRead
    this.#stats.recordsKept += result.recordsKept
    this.#stats.recordsWithoutKey += result.recordsWithoutKey
    return result
  }

  /** After a failure of the disk its files are left for the next start. */
  async #discard(cleaned: CleanedSegment): Promise<void> {
    try {
      await cleaned.discard()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }
}
