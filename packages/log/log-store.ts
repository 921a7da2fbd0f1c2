/**
 * The files of one log as a whole: writes, flushes, rolls, deletions and cuts, in an order in which a crash at any point
 * leaves something that recovery.ts understands. Knows batches as bytes and offsets; what they mean for producers
 * and epochs is partition-log.ts's.
 *
 * Two sequences of disk work: the writer's, which takes appends to the active segment, and `#inTurn`, for all else.
 * Nothing in `#inTurn` waits for the writer; so the writer may wait for a flush there.
 */
import type { BufferPool, Timer, World } from '@ottla/io'
import { readBatchHeader } from '@ottla/protocol'
import { encodeEpochCheckpoint } from './checkpoints.ts'
import type { EpochCache } from './epoch-cache.ts'
import { LogError } from './errors.ts'
import { CLEANED_SUFFIX, LEADER_EPOCH_FILE, SWAP_SUFFIX } from './file-names.ts'
import type { Folder } from './folder.ts'
import type { IndexCache } from './index-cache.ts'
import type { LogConfig } from './log-config.ts'
import { LogWriter } from './log-writer.ts'
import { type CleanedParts, Segment, type SegmentOptions } from './segment.ts'
import type { Segments } from './segments.ts'
import type { Snapshots } from './snapshots.ts'
import { LogTail, type TailCache } from './tail-cache.ts'

/** What the logs of one manager share. */
export interface LogEnvironment {
  readonly world: World
  readonly indexCache: IndexCache
  readonly tailCache: TailCache
  /** For what is read from files, and given back. */
  readonly readMemory: BufferPool
  readonly flushTimes: FlushTimes
}

/** Flushes to stable storage since the start, and the milliseconds that they took. */
export interface FlushTimes {
  count: number
  totalMs: number
}

export interface StoreParts {
  readonly folder: Folder
  readonly segments: Segments
  readonly snapshots: Snapshots
  readonly epochs: EpochCache
  readonly endOffset: number
  readonly recoveryPoint: number
}

/** What the cleaner has written, to be put in the place of segments: see cleaner/cleaned-segment.ts. */
export interface CleanedFiles extends CleanedParts {
  readonly baseOffset: number
  /** Of all its files, from one suffix to another; the `.log` first. */
  rename(from: string, to: string): Promise<void>
}

export class LogStore {
  readonly environment: LogEnvironment
  readonly folder: Folder
  readonly segments: Segments
  readonly snapshots: Snapshots
  readonly epochs: EpochCache
  readonly tail = new LogTail()
  config: LogConfig
  /** One past what was appended. */
  endOffset: number
  /** One past what is in its file. */
  writtenEndOffset: number
  /** One past what is on stable storage. */
  recoveryPoint: number
  lastFlushMs: number
  /** Counts removals of segments: who reads files with awaits in between can tell whether some went meanwhile. */
  removals = 0
  /** Counts cuts: offsets may come again, and mean something else. */
  #cuts = 0
  readonly #name: string
  readonly #writer: LogWriter
  readonly #onDiskFailure: (error: Error) => void
  readonly #timers = new Set<Timer>()
  /** Closed by a roll, and not yet flushed with their indexes. */
  #unsealed: Segment[] = []
  /** Taken out of the log, and not yet out of the folder for certain. */
  #removing: Segment[] = []
  /** Their files are renamed, and not yet removed. */
  readonly #deleted = new Set<Segment>()
  #turn: Promise<unknown> = Promise.resolve()
  /** As `writtenEndOffset`, and what has been written but is to be flushed before that moves. */
  #fileEndOffset: number
  /** Up to where a flush was asked for. */
  #flushTarget: number
  #lastWrite: Promise<void> = Promise.resolve()
  #failure: LogError | null = null

  constructor(
    environment: LogEnvironment,
    parts: StoreParts,
    name: string,
    config: LogConfig,
    onDiskFailure: (error: Error) => void,
  ) {
    this.environment = environment
    this.folder = parts.folder
    this.segments = parts.segments
    this.snapshots = parts.snapshots
    this.epochs = parts.epochs
    this.config = config
    this.endOffset = parts.endOffset
    this.writtenEndOffset = parts.endOffset
    this.recoveryPoint = parts.recoveryPoint
    this.lastFlushMs = environment.world.clock.now()
    this.#fileEndOffset = parts.endOffset
    this.#flushTarget = parts.recoveryPoint
    this.#name = name
    this.#onDiskFailure = onDiskFailure
    this.#writer = new LogWriter(environment.world.clock, {
      onWritten: (chunks, startOffset, endOffset) => this.#onWritten(chunks, startOffset, endOffset),
      sync: endOffset => {
        this.#fileEndOffset = endOffset
        return this.syncThrough(endOffset)
      },
      onFailure: error => this.failed(error),
    })
  }

  /** Resolves when all that was appended so far is written. */
  get lastWrite(): Promise<void> {
    return this.#lastWrite
  }

  // -------------------------------------------------------------------------------------------------------- failure

  get failure(): LogError | null {
    return this.#failure
  }

  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** From now on everything is refused. The first reason stands. */
  fail(code: 'KAFKA_STORAGE_ERROR' | 'NOT_LEADER_OR_FOLLOWER', reason: string, cause?: unknown): LogError {
    if (this.#failure) return this.#failure
    this.#failure = new LogError(code, `${this.#name}: ${reason}`, { cause })
    this.#writer.fail(this.#failure)
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.tail.clear()
    return this.#failure
  }

  /** The disk refused something that this log cannot do without. */
  failed(error: unknown): LogError {
    if (error === this.#failure && this.#failure) return this.#failure
    const failure = this.fail('KAFKA_STORAGE_ERROR', 'the log dir has failed', error)
    this.#onDiskFailure(error instanceof Error ? error : new Error(String(error)))
    return failure
  }

  /** Runs `task` after all others that were handed in before; a failure takes the log offline. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      this.check()
      try {
        return await task()
      } catch (error) {
        throw this.failed(error)
      }
    }
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => {}) // the one who asked is told
    return result
  }

  // -------------------------------------------------------------------------------------------------------- appends

  /** The batches of one append, which are in the active segment's books already, from `position` on. */
  append(bytes: Uint8Array, position: number, startOffset: number, endOffset: number): Promise<void> {
    this.endOffset = endOffset
    const flush = endOffset - Math.max(this.recoveryPoint, this.#flushTarget) >= this.config.flushMessages
    if (flush) this.#flushTarget = endOffset
    this.#lastWrite = this.#writer.append(this.segments.active, bytes, position, startOffset, endOffset, flush)
    return this.#lastWrite
  }

  #onWritten(chunks: readonly Uint8Array[], startOffset: number, endOffset: number): void {
    this.writtenEndOffset = endOffset
    this.#fileEndOffset = endOffset
    const { tailCache } = this.environment
    let baseOffset = startOffset
    for (let i = 0; i < chunks.length; i++) {
      const bytes = chunks[i]!
      const end = i + 1 < chunks.length ? readBatchHeader(chunks[i + 1]!).baseOffset : endOffset
      tailCache.add(this.tail, bytes, baseOffset, end)
      baseOffset = end
    }
  }

  /** A new active segment from `baseOffset` on. The old one is flushed in the background. */
  roll(baseOffset: number): void {
    const closed = this.segments.active
    closed.close()
    this.#unsealed.push(closed)
    const segment = this.#newSegment(baseOffset)
    this.segments.add(segment)
    this.#lastWrite.then(
      () => this.#flushRolled(segment),
      () => {}, // the log is offline
    )
  }

  async #flushRolled(active: Segment): Promise<void> {
    try {
      await this.#inTurn(async () => {
        if (this.config.preallocate) await active.preallocate(this.config.segmentBytes)
        else await active.file()
      })
      await this.syncThrough(active.baseOffset)
    } catch (error) {
      if (!this.#failure) this.failed(error)
    }
  }

  #newSegment(baseOffset: number): Segment {
    return Segment.create(this.#segmentOptions(baseOffset))
  }

  #segmentOptions(baseOffset: number): SegmentOptions {
    const { world, indexCache } = this.environment
    const { segmentJitterMs, segmentMs, indexIntervalBytes } = this.config
    return {
      folder: this.folder,
      indexCache,
      baseOffset,
      createdMs: world.clock.now(),
      indexIntervalBytes,
      rollJitterMs: segmentJitterMs > 0 ? world.random.integer(Math.min(segmentJitterMs, segmentMs)) : 0,
    }
  }

  // ---------------------------------------------------------------------------------------------------------- flush

  /** All that was appended before the call is on stable storage once it resolves. */
  async flush(): Promise<void> {
    const endOffset = this.endOffset
    this.check()
    this.#flushTarget = Math.max(this.#flushTarget, endOffset)
    await this.#lastWrite
    await this.syncThrough(endOffset)
  }

  /** As `flush`, of what is in its file. */
  syncThrough(target: number): Promise<void> {
    return this.#inTurn(async () => {
      const endOffset = Math.min(target, this.#fileEndOffset) // less, if the log was cut meanwhile
      if (endOffset > this.recoveryPoint || this.#unsealed.length > 0) await this.#sync(endOffset)
    })
  }

  async #sync(endOffset: number): Promise<void> {
    const { world, flushTimes } = this.environment
    const startedMs = world.clock.monotonic()
    await this.saveState(true)
    // Those that are being removed too: a loss of power could bring them back, below the recovery point.
    const unflushed = [...this.#removing, ...this.#unsealed, ...this.segments.between(this.recoveryPoint, endOffset)]
    for (const segment of new Set(unflushed)) {
      const { isClosed } = segment
      if (segment.baseOffset >= endOffset && isClosed) continue // rolled meanwhile: perhaps not written yet
      await segment.sync()
      if (isClosed) this.#unsealed = this.#unsealed.filter(other => other !== segment)
    }
    this.#advanceRecoveryPoint(endOffset)
    flushTimes.count++
    flushTimes.totalMs += world.clock.monotonic() - startedMs
  }

  /**
   * What may stand in the checkpoint. After a crash the segment that holds it and all later ones are read, and those
   * before are trusted with their indexes. So it stays below the end of a segment until its indexes are flushed, too:
   * which is when the segment is rolled, and not before.
   */
  get checkpointedRecoveryPoint(): number {
    const unsealed = this.#unsealed[0]
    if (unsealed) return Math.min(this.recoveryPoint, unsealed.baseOffset)
    const { active } = this.segments
    const isAtEnd = this.recoveryPoint === this.endOffset && this.endOffset > active.baseOffset && !active.isClosed
    return isAtEnd ? this.recoveryPoint - 1 : this.recoveryPoint
  }

  #advanceRecoveryPoint(endOffset: number): void {
    this.recoveryPoint = Math.max(this.recoveryPoint, endOffset)
    this.#flushTarget = Math.max(this.#flushTarget, this.recoveryPoint)
    this.lastFlushMs = this.environment.world.clock.now()
  }

  /** What recovery finds out only by reading the log from the recovery point on: it must be on disk before that moves. */
  async saveState(sync: boolean): Promise<void> {
    await this.snapshots.write(sync)
    if (!this.epochs.isDirty) return
    const bytes = encodeEpochCheckpoint(this.epochs.entries)
    this.epochs.isDirty = false
    await this.folder.disk.writeFileAtomic(this.folder.file(LEADER_EPOCH_FILE), bytes)
  }

  // --------------------------------------------------------------------------------------------- deletions and cuts

  /**
   * Takes `segments` out of the log, at once for readers; their files are renamed now and removed after
   * file.delete.delay.ms. At least the active one must stay.
   */
  remove(segments: readonly Segment[]): Promise<void> {
    this.segments.remove(segments)
    this.#areDeleted(segments)
    this.#removing.push(...segments)
    return this.#inTurn(async () => {
      await this.#deleteFiles(segments)
      await this.folder.sync()
      this.#removing = this.#removing.filter(segment => !segments.includes(segment))
      this.#unsealed = this.#unsealed.filter(segment => !segments.includes(segment))
    })
  }

  #areDeleted(segments: readonly Segment[]): void {
    this.removals++
    for (const segment of segments) segment.isDeleted = true
  }

  async #deleteFiles(segments: readonly Segment[]): Promise<void> {
    // The offsets that come next are known by the first segment that is left: it must be there before the others go.
    const { active } = this.segments
    if (active.size === 0) {
      await active.file()
      await this.folder.sync()
    }
    this.#later(await this.#markDeleted(segments))
  }

  /** Returns what removes the files for good. */
  async #markDeleted(segments: readonly Segment[]): Promise<() => Promise<void>> {
    const snapshots: number[] = []
    for (const segment of segments) {
      this.#deleted.add(segment)
      await segment.markDeleted()
      snapshots.push(...(await this.#markSnapshotsDeleted([segment])))
    }
    return () => this.#removeDeleted(segments, snapshots)
  }

  /** Those at the begin of `segments`. */
  async #markSnapshotsDeleted(segments: readonly Segment[]): Promise<number[]> {
    const marked: number[] = []
    for (const { baseOffset } of segments) if (await this.snapshots.markDeleted(baseOffset)) marked.push(baseOffset)
    return marked
  }

  async #removeDeleted(segments: readonly Segment[], snapshots: readonly number[]): Promise<void> {
    for (const segment of segments) {
      await segment.removeFiles()
      this.#deleted.delete(segment)
    }
    for (const offset of snapshots) await this.snapshots.removeDeleted(offset)
  }

  #later(task: () => Promise<void>): void {
    const { clock } = this.environment.world
    const timer = clock.setTimer(this.config.fileDeleteDelayMs, () => {
      this.#timers.delete(timer)
      this.#inTurn(task).catch(() => {}) // the log is offline, and that was reported
    })
    this.#timers.add(timer)
  }

  /**
   * Puts what the cleaner has made of `old`, and flushed, in their place. At once for readers; on disk in steps, each of which
   * the next start can finish or take back: see folder-files.ts. False: they are not there any more as they were when `cuts`
   * was as given.
   */
  replace(old: readonly Segment[], cleaned: CleanedFiles, cuts: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const { all, active } = this.segments
      if (this.#cuts !== cuts) return false
      const at = all.indexOf(old[0]!)
      if (at < 0 || old.some((segment, i) => segment.isDeleted || segment === active || all[at + i] !== segment))
        return false
      await this.folder.sync()
      await cleaned.rename(CLEANED_SUFFIX, SWAP_SUFFIX)
      // From here on it is done, whatever happens: no file of the old ones may go before that is on disk.
      await this.folder.sync()
      const segment = Segment.cleaned(this.#segmentOptions(cleaned.baseOffset), cleaned)
      this.segments.replace(old, segment)
      this.#areDeleted(old)
      this.tail.forgetBelow(this.segments.all[at + 1]!.baseOffset)
      this.#unsealed = this.#unsealed.filter(other => !old.includes(other))
      for (const each of old) {
        this.#deleted.add(each)
        await each.markDeleted()
      }
      await this.folder.sync()
      await cleaned.rename(SWAP_SUFFIX, '')
      await this.folder.sync()
      segment.settled()
      const snapshots = await this.#markSnapshotsDeleted(old.slice(1))
      this.#later(() => this.#removeDeleted(old, snapshots))
      return true
    })
  }

  get cuts(): number {
    return this.#cuts
  }

  /** The log is about to be cut: once this resolves, nothing is replaced by what was made from it before. */
  beginCut(): Promise<void> {
    this.#cuts++
    return this.#inTurn(async () => {})
  }

  /**
   * Cuts the log at `offset`: drops the segments that begin after it and shortens the one that holds it to
   * `position` bytes. Nothing may be appended meanwhile.
   */
  async cut(offset: number, position: number): Promise<void> {
    await this.#writer.idle()
    await this.#inTurn(async () => {
      this.tail.clear()
      const dropped = this.segments.all.filter(segment => segment.baseOffset > offset)
      this.segments.remove(dropped)
      this.#areDeleted(dropped)
      // From the end, so that a crash leaves no hole.
      await this.#deleteFiles(dropped.reverse())
      await this.folder.sync()
      await this.segments.active.activate()
      await this.segments.active.truncate(position, offset)
      this.#setEnd(offset)
      // What goes into these files next must not be found under the old ones after a power loss.
      await this.snapshots.removeWhere(snapshot => snapshot > offset)
      await this.folder.sync()
    })
  }

  /** Drops all segments; the log goes on, empty, at `offset`. Nothing may be appended meanwhile. */
  async restartAt(offset: number): Promise<void> {
    await this.#writer.idle()
    await this.#inTurn(async () => {
      this.tail.clear()
      const dropped = this.segments.all.toReversed()
      this.#areDeleted(dropped)
      // From the end, and before the new one is made: one of them may have its name.
      const removeLater = await this.#markDeleted(dropped)
      this.segments.remove(dropped, this.#newSegment(offset))
      this.#setEnd(offset)
      await this.snapshots.removeWhere(() => true)
      await this.segments.active.file()
      await this.folder.sync()
      this.#later(removeLater)
    })
  }

  #setEnd(offset: number): void {
    this.endOffset = offset
    this.writtenEndOffset = offset
    this.#fileEndOffset = offset
    this.recoveryPoint = Math.min(this.recoveryPoint, offset)
    this.#flushTarget = this.recoveryPoint
    this.#lastWrite = Promise.resolve()
    this.#unsealed = this.#unsealed.filter(segment => segment.isClosed && !segment.isDeleted)
  }

  /** For what else has to be done on disk in order with the rest. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    return this.#inTurn(task)
  }

  /** Resolves when all that was appended is written; rejects if that failed. */
  idle(): Promise<void> {
    return this.#writer.idle()
  }

  // ---------------------------------------------------------------------------------------------------------- close

  /** After this the files are as Apache Kafka leaves them at a clean stop. */
  async close(): Promise<void> {
    await this.#writer.idle()
    await this.#inTurn(async () => {
      const { active } = this.segments
      active.close()
      // An empty segment, too: its name tells where the log ends. But for that of a log that never had a batch.
      const isNew = this.endOffset === 0 && active.size === 0
      await this.saveState(true)
      const isFlushed = this.recoveryPoint === this.endOffset && this.#unsealed.length + this.#removing.length === 0
      if (!isFlushed || active.isUnsaved) await this.#sync(this.endOffset)
      for (const segment of this.segments.all) if (segment.isUnsaved) await segment.saveIndexes(true)
      if (!isNew && !active.isEntrySynced) await active.sync()
    })
    await this.release('the log is closed')
  }

  /** Lets go of all files without writing anything. */
  async release(reason: string): Promise<void> {
    this.fail('KAFKA_STORAGE_ERROR', reason)
    await this.#turn
    // Those that wait for their removal are still open; their files go at the next start.
    for (const segment of [...this.segments.all, ...this.#removing, ...this.#deleted]) {
      this.environment.indexCache.forget(segment)
      await segment.closeFile().catch(() => {}) // nothing depends on it any more
    }
  }
}
