/**
 * One partition on disk. Appends change the state in memory at once and go to the disk together at the end of the
 * turn; reads come from the tail cache or with one positioned read from a segment.
 *
 * This file is what a log means: offsets, producers, transactions, epochs, retention. The files are log-store.ts's and
 * log-reader.ts's, opening them recovery.ts's.
 */
import { DiskError, type Logger } from '@ottla/io'
import type { BatchHeader } from '@ottla/protocol'
import { checkAppend } from './append-check.ts'
import { LogError, OffsetOutOfRangeError } from './errors.ts'
import type { LogConfig } from './log-config.ts'
import { LogReader } from './log-reader.ts'
import { findLargestTimestamp, findTimestamp } from './log-search.ts'
import type { LogStore } from './log-store.ts'
import type { BatchSequence, ProducerEntry } from './producer-entry.ts'
import { carryOut, findDuplicate, NO_PLAN, planProducers } from './producer-plan.ts'
import { rebuildProducers } from './producer-recovery.ts'
import type { ProducerState } from './producer-state.ts'
import { belowLogStart, beyondBytes, olderThan, type RetentionReason, type RetentionView } from './retention.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransactionEntry } from './transaction-index.ts'
import type {
  AbortedTransaction,
  AppendOptions,
  AppendResult,
  EpochEnd,
  OffsetAndTimestamp,
  ProducerDescription,
  ReadOptions,
  ReadResult,
  SegmentDescription,
  TopicPartition,
} from './types.ts'
import type { VerificationGuard } from './verification.ts'

export interface PartitionLogParts extends TopicPartition {
  readonly topicId: string | null
  readonly logDir: string
  readonly isFuture: boolean
  readonly store: LogStore
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly logger: Logger
  /** The log was cut: puts the recovery point, which that has lowered, on disk. */
  readonly onCut: (endOffset: number) => Promise<void>
}

const DONE = Promise.resolve()
const MAX_RELATIVE_OFFSET = 0x7fffffff

/** Made by `LogManager`. Any method may throw a LogError KAFKA_STORAGE_ERROR once the log dir has failed. */
export class PartitionLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** The log dir that holds it. */
  readonly logDir: string
  readonly isFuture: boolean
  /** For the manager, and for what will clean and tier this log; not for the broker. */
  readonly store: LogStore
  readonly #producers: ProducerState
  readonly #reader: LogReader
  readonly #logger: Logger
  readonly #onCut: (endOffset: number) => Promise<void>
  #topicId: string | null
  #logStartOffset: number
  #highWatermark: number
  #isBeingCut = false

  constructor(parts: PartitionLogParts) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.logDir = parts.logDir
    this.isFuture = parts.isFuture
    this.store = parts.store
    this.#producers = parts.producers
    this.#reader = new LogReader(parts.store)
    this.#logger = parts.logger
    this.#onCut = parts.onCut
    this.#topicId = parts.topicId
    this.#logStartOffset = parts.logStartOffset
    this.#highWatermark = parts.logStartOffset
    this.updateHighWatermark(parts.highWatermark)
  }

  /** null for a folder that Kafka made before topics had ids. */
  get topicId(): string | null {
    return this.#topicId
  }

  /** For the manager, when it has written it to the folder. */
  assignTopicId(topicId: string): void {
    if (this.#topicId !== null && this.#topicId !== topicId) {
      throw new LogError(
        'INCONSISTENT_TOPIC_ID',
        `${this.topic}-${this.partition} is of topic ${this.#topicId}, not ${topicId}`,
      )
    }
    this.#topicId = topicId
  }

  get config(): LogConfig {
    return this.store.config
  }

  reconfigure(config: LogConfig): void {
    this.store.config = config
  }

  /** First offset that may be read. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.store.endOffset
  }

  /** One past the last offset that is in its file: what may be acknowledged and served. */
  get writtenEndOffset(): number {
    return this.store.writtenEndOffset
  }

  /** One past the last offset that is known to survive a power loss. */
  get recoveryPoint(): number {
    return this.store.recoveryPoint
  }

  get sizeInBytes(): number {
    return this.store.segments.sizeInBytes
  }

  get segmentCount(): number {
    return this.store.segments.all.length
  }

  get segments(): SegmentDescription[] {
    return this.store.segments.all.map(segment => segment.description)
  }

  /**
   * Decided by the broker (from the ISR), kept here because the last stable offset, retention and the checkpoint need
   * it. Starts with what the checkpoint says.
   */
  get highWatermark(): number {
    return this.#highWatermark
  }

  /** Bounded by the log's start and end; returns what it became. */
  updateHighWatermark(offset: number): number {
    this.#highWatermark = Math.max(this.#logStartOffset, Math.min(offset, this.store.endOffset))
    this.#producers.onReplicated(this.#highWatermark)
    return this.#highWatermark
  }

  /** The high watermark, or the begin of the first transaction below it that is not decided. */
  get lastStableOffset(): number {
    const first = this.#producers.firstUnstableOffset
    return first < 0 ? this.#highWatermark : Math.min(Math.max(first, this.#logStartOffset), this.#highWatermark)
  }

  // ------------------------------------------------------------------------------------------------------- appending

  /**
   * Assigns offsets (in place, in `batches`), checks sequence numbers and epochs, updates producer state, leader
   * epochs and indexes: all before it returns. `batches` must not be changed afterwards. Checks structure, size, CRC and the
   * offsets' order; what is inside a batch is the broker's to validate.
   *
   * Throws a LogError and changes nothing but `batches`: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE,
   * INVALID_RECORD, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE,
   * TRANSACTION_COORDINATOR_FENCED, KAFKA_STORAGE_ERROR; OFFSET_OUT_OF_RANGE if replicated or raft batches do not
   * follow the log's end.
   */
  append(batches: Uint8Array, options: AppendOptions): AppendResult {
    const { store } = this
    store.check()
    if (this.#isBeingCut) throw new Error('no append while the log is being cut')
    const { headers, bytes, maxTimestamp } = checkAppend(batches, options, {
      logStartOffset: this.#logStartOffset,
      logEndOffset: store.endOffset,
      config: store.config,
    })
    const first = headers[0]
    const last = headers.at(-1)
    if (!first || !last) return NOTHING_APPENDED
    if (last.lastOffset - first.baseOffset > MAX_RELATIVE_OFFSET) return this.#appendEach(headers, bytes, options)
    const hasProducers = headers.some(header => header.producerId >= 0)
    if (hasProducers && options.origin === 'client') {
      const earlier = findDuplicate(this.#producers, headers)
      if (earlier) return this.#duplicateOf(earlier)
    }
    const plan = hasProducers ? planProducers(this.#producers, headers, bytes, options) : NO_PLAN
    this.#rollIfDue(first, last, bytes.length, maxTimestamp, options.nowMs)
    const written = this.#take(headers, bytes, last.lastOffset + 1)
    carryOut(plan, this.#producers, last.lastOffset + 1, ({ producerId, firstOffset, lastOffset }, lastStableOffset) =>
      store.segments.active.addAborted({ producerId, firstOffset, lastOffset, lastStableOffset }),
    )
    return {
      firstOffset: first.baseOffset,
      lastOffset: last.lastOffset,
      duplicate: false,
      duplicateTimestamp: -1,
      sizeInBytes: bytes.length,
      written,
    }
  }

  /** Batches that are too far apart (their neighbours were compacted away) for one segment. */
  #appendEach(headers: readonly BatchHeader[], bytes: Uint8Array, options: AppendOptions): AppendResult {
    let result = NOTHING_APPENDED
    for (const { position, sizeInBytes } of headers) {
      const one = this.append(bytes.subarray(position, position + sizeInBytes), options)
      const firstOffset = result === NOTHING_APPENDED ? one.firstOffset : result.firstOffset
      result = { ...one, firstOffset, sizeInBytes: result.sizeInBytes + one.sizeInBytes }
    }
    return result
  }

  #duplicateOf({ lastOffset, offsetDelta, timestamp }: BatchSequence): AppendResult {
    return {
      firstOffset: lastOffset - offsetDelta,
      lastOffset,
      duplicate: true,
      duplicateTimestamp: timestamp,
      sizeInBytes: 0,
      // The first one may still be on its way.
      written: lastOffset < this.store.writtenEndOffset ? DONE : this.store.lastWrite,
    }
  }

  #rollIfDue(first: BatchHeader, last: BatchHeader, bytes: number, maxTimestamp: number, nowMs: number): void {
    const { store } = this
    const due = store.segments.active.shouldRoll({
      config: store.config,
      nowMs,
      appendBytes: bytes,
      appendLastOffset: last.lastOffset,
      appendMaxTimestamp: maxTimestamp,
    })
    if (due) this.#rollAt(Math.max(first.baseOffset, store.endOffset))
  }

  #rollAt(baseOffset: number): void {
    const { store } = this
    if (store.segments.active.baseOffset === baseOffset) return // it is empty: nothing to close
    this.#producers.endOffset = baseOffset
    store.snapshots.take(this.#producers)
    store.roll(baseOffset)
  }

  #take(headers: readonly BatchHeader[], bytes: Uint8Array, endOffset: number): Promise<void> {
    const { store } = this
    const { active } = store.segments
    const position = active.size
    for (const header of headers) {
      active.append(header)
      if (header.partitionLeaderEpoch >= 0) store.epochs.assign(header.partitionLeaderEpoch, header.baseOffset)
      else if (header.magic < 2 && store.epochs.latestEpoch >= 0) store.epochs.clear()
    }
    return store.append(bytes, position, headers[0]!.baseOffset, endOffset)
  }

  /** The guard to append with, or null if the transaction is open already and none is needed. May throw INVALID_PRODUCER_EPOCH. */
  startVerification(
    producerId: number,
    producerEpoch: number,
    sequence: number,
    supportsEpochBump: boolean,
    nowMs: number,
  ): VerificationGuard | null {
    return this.#producers.startVerification(producerId, producerEpoch, sequence, supportsEpochBump, nowMs)
  }

  /** Throws INVALID_PRODUCER_EPOCH or INVALID_TXN_STATE where a transactional batch of the coordinator would be refused. */
  checkTransactionalProducer(producerId: number, producerEpoch: number, guard: VerificationGuard | null): void {
    this.#producers.checkNotFenced(producerId, producerEpoch)
    this.#producers.checkVerified(producerId, producerEpoch, false, guard)
  }

  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#producers.hasOngoingTransaction(producerId, producerEpoch)
  }

  // --------------------------------------------------------------------------------------------------------- reading

  /** Not a promise when the tail cache has it. Throws or rejects with OffsetOutOfRangeError. */
  read(
    startOffset: number,
    { maxBytes, upperBoundOffset, minOneBatch }: ReadOptions,
  ): ReadResult | Promise<ReadResult> {
    this.#checkReadable(startOffset)
    const { writtenEndOffset } = this.store
    const boundOffset = Math.min(upperBoundOffset ?? writtenEndOffset, writtenEndOffset)
    if (startOffset >= boundOffset) {
      this.store.tail.readTo(startOffset)
      return { chunks: [], sizeInBytes: 0, baseOffset: startOffset, nextOffset: startOffset, release: null }
    }
    const read = { startOffset, boundOffset, maxBytes, minOneBatch: minOneBatch ?? false }
    return this.#reader.readTail(read) ?? this.#readFile(read)
  }

  async #readFile(read: Parameters<LogReader['readFile']>[0]): Promise<ReadResult> {
    for (;;) {
      const result = await this.#fromDisk(() => this.#reader.readFile(read))
      if (result) {
        if (result.nextOffset >= read.boundOffset) this.store.tail.readTo(result.nextOffset)
        return result
      }
      this.#checkReadable(read.startOffset) // its segment was deleted meanwhile
    }
  }

  #checkReadable(offset: number): void {
    this.store.check()
    const { logStartOffset, logEndOffset } = this
    if (offset >= logStartOffset && offset <= logEndOffset) return
    throw new OffsetOutOfRangeError(
      `offset ${offset} of ${this.topic}-${this.partition} is not in ${logStartOffset} to ${logEndOffset}`,
      logStartOffset,
      logEndOffset,
    )
  }

  /**
   * A disk that does not give what it was given takes the log offline; unless segments were deleted meanwhile, which is
   * what `onRemoval` is for.
   */
  async #fromDisk<T>(task: () => Promise<T>, onRemoval?: () => T | Promise<T>): Promise<T> {
    const { removals } = this.store
    try {
      return await task()
    } catch (error) {
      this.store.check()
      if (!(error instanceof DiskError)) throw error
      if (onRemoval && this.store.removals !== removals) return onRemoval()
      throw this.store.failed(error)
    }
  }

  /** Transactions aborted in [from, to), for a reader that is shown committed data only. */
  abortedTransactions(
    from: number,
    to: number,
  ): readonly AbortedTransaction[] | Promise<readonly AbortedTransaction[]> {
    this.store.check()
    const found: AbortedTransactionEntry[] = []
    const segments = this.store.segments.all.slice(Math.max(0, this.store.segments.floorIndex(from)))
    for (const [i, segment] of segments.entries()) {
      const index = segment.transactionsNow()
      if (index === undefined) {
        const rest = segments.slice(i)
        return this.#fromDisk(
          () => collectAborted(rest, from, to, found),
          () => this.abortedTransactions(from, to),
        )
      }
      if (index?.collect(from, to, found)) break
    }
    return found
  }

  /** The first record whose timestamp is `timestamp` or later; null if there is none. */
  offsetForTimestamp(timestamp: number): Promise<OffsetAndTimestamp | null> {
    return this.#search(segments => findTimestamp(segments, timestamp, this.#logStartOffset))
  }

  /** The first record with the largest timestamp; null if none has one. */
  maxTimestampOffset(): Promise<OffsetAndTimestamp | null> {
    return this.#search(findLargestTimestamp)
  }

  async #search(
    task: (segments: readonly Segment[]) => Promise<OffsetAndTimestamp | null>,
  ): Promise<OffsetAndTimestamp | null> {
    this.store.check()
    await this.store.lastWrite
    return this.#fromDisk(
      () => task(this.store.segments.all),
      () => this.#search(task),
    )
  }

  // --------------------------------------------------------------------------------------------------- start and end

  /** Moves the log's start forward to `beforeOffset`; segments below go at the next retention. OFFSET_OUT_OF_RANGE past the high watermark. Returns the new start. */
  deleteRecords(beforeOffset: number): number {
    this.store.check()
    if (beforeOffset > this.#highWatermark || beforeOffset < 0) {
      throw new OffsetOutOfRangeError(
        `records before ${beforeOffset} cannot be deleted, the high watermark is ${this.#highWatermark}`,
        this.#logStartOffset,
        this.logEndOffset,
      )
    }
    this.#raiseLogStart(beforeOffset)
    return this.#logStartOffset
  }

  #raiseLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    this.store.epochs.truncateFromStart(offset)
    this.#producers.onReplicated(offset)
    this.#producers.endOffset = Math.max(this.#producers.endOffset, offset)
  }

  /** Deletes segments by `retention.ms`, `retention.bytes` and the log's start; how many. */
  async applyRetention(nowMs: number): Promise<number> {
    this.store.check()
    const { retentionBytes, retentionMs, cleanupPolicy } = this.config
    let count = await this.#delete('log start offset', belowLogStart)
    if (!cleanupPolicy.includes('delete')) return count
    count += await this.#delete('retention.bytes', view => beyondBytes(view, retentionBytes))
    count += await this.#delete('retention.ms', view => olderThan(view, retentionMs, nowMs))
    return count
  }

  #retentionView(): RetentionView {
    const { segments, endOffset, writtenEndOffset } = this.store
    const highWatermark = Math.min(this.#highWatermark, writtenEndOffset)
    return { segments: segments.all, logStartOffset: this.#logStartOffset, logEndOffset: endOffset, highWatermark }
  }

  async #delete(reason: RetentionReason, choose: (view: RetentionView) => Promise<Segment[]>): Promise<number> {
    let view = this.#retentionView()
    const chosen = await this.#fromDisk(
      () => {
        view = this.#retentionView()
        return choose(view)
      },
      () => [],
    )
    // There were awaits in between: segments may be gone, and the one that was active may have new records.
    const { segments: current, endOffset } = this.store
    const grown = endOffset === view.logEndOffset ? null : view.segments.at(-1)
    const last = chosen.findIndex((segment, i) => current.all[i] !== segment || segment === grown)
    const segments = last < 0 ? chosen : chosen.slice(0, last)
    if (segments.length === 0) return 0
    if (segments.length === current.all.length) this.#rollAt(this.store.endOffset)
    const { topic, partition } = this
    const sizeInBytes = segments.reduce((sum, segment) => sum + segment.size, 0)
    this.#logger.info('Deleting segments', { topic, partition, reason, segments: segments.length, sizeInBytes })
    this.#raiseLogStart(this.store.segments.all[segments.length]!.baseOffset)
    await this.store.remove(segments)
    return segments.length
  }

  /**
   * Cuts the log so that its end is at most `offset`: lower where that is within a batch. No append may be made before
   * it resolves. False: nothing to cut.
   */
  truncateTo(offset: number): Promise<boolean> {
    if (offset < 0) throw new RangeError(`${offset} is not an offset`)
    return this.#cutting(async () => {
      const { store } = this
      if (offset >= store.endOffset) {
        store.epochs.truncateFromEnd(store.endOffset)
        return false
      }
      await store.idle()
      const index = store.segments.floorIndex(offset)
      if (index < 0) {
        await this.#restartAt(offset, offset)
        return true
      }
      const segment = store.segments.all[index]!
      const batch = await this.#fromDisk(() => this.#reader.findBatch(segment, offset))
      const endOffset = batch ? Math.min(offset, batch.baseOffset) : offset
      await store.cut(endOffset, batch?.position ?? segment.size)
      await this.#afterCut()
      return true
    })
  }

  /** Drops everything and goes on at `offset`. No append may be made before it resolves. */
  truncateFullyAndStartAt(offset: number, logStartOffset = offset): Promise<void> {
    return this.#cutting(() => this.#restartAt(offset, logStartOffset))
  }

  async #restartAt(offset: number, logStartOffset: number): Promise<void> {
    await this.store.restartAt(offset)
    this.store.epochs.clear()
    this.#logStartOffset = logStartOffset
    this.store.snapshots.lastOffset = 0
    this.#producers.clear(offset)
    this.#reader.forget()
    this.updateHighWatermark(offset)
    await this.#saveCut()
  }

  async #saveCut(): Promise<void> {
    await this.store.inTurn(() => this.store.saveState(true))
    await this.#onCut(this.store.endOffset)
  }

  async #afterCut(): Promise<void> {
    const { store } = this
    this.#reader.forget()
    store.epochs.truncateFromEnd(store.endOffset)
    this.#logStartOffset = Math.min(this.#logStartOffset, store.endOffset)
    const producers = this.#producers
    const recovery = {
      producers,
      snapshots: store.snapshots,
      segments: store.segments.all,
      logStartOffset: this.#logStartOffset,
      nowMs: store.environment.world.clock.now(),
      logger: this.#logger,
    }
    // Where no producer was known before the cut, there is none after it: no need to read the log.
    if (producers.isEmpty) producers.clear(store.endOffset)
    else await store.inTurn(() => rebuildProducers(recovery, store.endOffset))
    store.snapshots.lastOffset = store.snapshots.latest ?? this.#logStartOffset
    this.updateHighWatermark(this.#highWatermark)
    await this.#saveCut()
  }

  async #cutting<T>(task: () => Promise<T>): Promise<T> {
    this.store.check()
    if (this.#isBeingCut) throw new Error('the log is being cut already')
    this.#isBeingCut = true
    try {
      await this.store.beginCut()
      return await task()
    } finally {
      this.#isBeingCut = false
    }
  }

  // --------------------------------------------------------------------------------------------------- leader epochs

  /** The leader of `leaderEpoch` begins to write at `startOffset`. */
  assignEpochStart(leaderEpoch: number, startOffset: number): void {
    this.store.epochs.assign(leaderEpoch, startOffset)
  }

  /** -1: none known. */
  get latestEpoch(): number {
    return this.store.epochs.latestEpoch
  }

  /** The largest epoch ≤ `leaderEpoch` and where it ended; null if the log knows of none. */
  endOffsetForEpoch(leaderEpoch: number): EpochEnd | null {
    return this.store.epochs.endOffset(leaderEpoch, this.store.endOffset)
  }

  /** Epoch of the record at `offset`; -1 if not known. */
  epochForOffset(offset: number): number {
    return this.store.epochs.epochOf(offset)
  }

  get leaderEpochs(): readonly { readonly epoch: number; readonly startOffset: number }[] {
    return this.store.epochs.entries
  }

  // ------------------------------------------------------------------------------------------------------- producers

  get producerCount(): number {
    return this.#producers.size
  }

  activeProducers(): ProducerDescription[] {
    return this.#producers.describe()
  }

  /** For the cleaner, which keeps what they are known from. */
  producerEntries(): Iterable<ProducerEntry> {
    return this.#producers.entries()
  }

  /** A transaction has been open for longer than any may be. */
  hasLateTransaction(nowMs: number): boolean {
    return this.#producers.hasLateTransaction(nowMs)
  }

  removeExpiredProducers(nowMs: number): void {
    this.#producers.removeExpired(nowMs)
  }

  // ----------------------------------------------------------------------------------------------------- maintenance

  /** Everything appended so far survives a power loss once this resolves. */
  flush(): Promise<void> {
    return this.store.flush()
  }

  /** Begins a new segment, unless the active one is empty. */
  roll(): void {
    this.store.check()
    this.#rollAt(this.store.endOffset)
  }

  /** For the manager: the state is saved as after a clean stop, and the log takes no more calls. */
  async close(): Promise<void> {
    if (!this.store.failure) this.store.snapshots.take(this.#producers)
    await this.store.close()
  }
}

const NOTHING_APPENDED: AppendResult = {
  firstOffset: -1,
  lastOffset: -1,
  duplicate: false,
  duplicateTimestamp: -1,
  sizeInBytes: 0,
  written: DONE,
}

async function collectAborted(
  segments: readonly Segment[],
  from: number,
  to: number,
  found: AbortedTransactionEntry[],
): Promise<readonly AbortedTransaction[]> {
  for (const segment of segments) {
    const index = await segment.transactions()
    if (index?.collect(from, to, found)) break
  }
  return found
}
