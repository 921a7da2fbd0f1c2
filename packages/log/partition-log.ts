/**
 * One partition on disk. Appends change the state in memory at once and go to the disk together at the end of the
 * turn; reads come from the tail cache or with one positioned read from a segment.
 */
import type { LogConfig } from './log-config.ts'
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

/** Made by `LogManager`. Any method may throw a LogError KAFKA_STORAGE_ERROR once the log dir has failed. */
export interface PartitionLog extends TopicPartition {
  /** null for a folder that Kafka made before topics had ids. */
  readonly topicId: string | null
  /** The log dir that holds it. */
  readonly logDir: string
  readonly isFuture: boolean
  readonly config: LogConfig
  reconfigure(config: LogConfig): void

  /** First offset that may be read. */
  readonly logStartOffset: number
  /** The next offset to be assigned. */
  readonly logEndOffset: number
  /** One past the last offset that is in its file: what may be acknowledged and served. */
  readonly writtenEndOffset: number
  /** One past the last offset that is known to survive a power loss. */
  readonly recoveryPoint: number

  /**
   * Decided by the broker (from the ISR), kept here because the last stable offset, retention and the checkpoint need
   * it. Starts with what the checkpoint says.
   */
  readonly highWatermark: number
  /** Bounded by the log's start and end; returns what it became. */
  updateHighWatermark(offset: number): number
  /** The high watermark, or the begin of the first transaction below it that is not decided. */
  readonly lastStableOffset: number

  /**
   * Assigns offsets (in place, in `batches`), checks sequence numbers and epochs, updates producer state, leader
   * epochs and indexes: all before it returns. `batches` must not be changed afterwards. Checks structure, size, CRC and the
   * offsets' order; what is inside a batch is the broker's to validate.
   *
   * Throws a LogError and changes nothing: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_RECORD,
   * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED,
   * KAFKA_STORAGE_ERROR; OFFSET_OUT_OF_RANGE if replicated or raft batches do not follow the log's end.
   */
  append(batches: Uint8Array, options: AppendOptions): AppendResult

  /** The guard to append with, or null if the transaction is open already and none is needed. May throw INVALID_PRODUCER_EPOCH. */
  startVerification(
    producerId: number,
    producerEpoch: number,
    sequence: number,
    supportsEpochBump: boolean,
    nowMs: number,
  ): VerificationGuard | null
  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean

  /** Not a promise when the tail cache has it. Throws or rejects with OffsetOutOfRangeError. */
  read(startOffset: number, options: ReadOptions): ReadResult | Promise<ReadResult>
  /** Transactions aborted in [from, to), for a reader that is shown committed data only. */
  abortedTransactions(from: number, to: number): readonly AbortedTransaction[] | Promise<readonly AbortedTransaction[]>

  /** The first record whose timestamp is `timestamp` or later; null if there is none. */
  offsetForTimestamp(timestamp: number): Promise<OffsetAndTimestamp | null>
  /** The first record with the largest timestamp; null if none has one. */
  maxTimestampOffset(): Promise<OffsetAndTimestamp | null>

  /** Moves the log's start forward to `beforeOffset`; segments below go at the next retention. OFFSET_OUT_OF_RANGE past the high watermark. Returns the new start. */
  deleteRecords(beforeOffset: number): number
  /** Cuts the log so that its end is at most `offset`. No append may be made before it resolves. False: nothing to cut. */
  truncateTo(offset: number): Promise<boolean>
  /** Drops everything and goes on at `offset`. No append may be made before it resolves. */
  truncateFullyAndStartAt(offset: number, logStartOffset?: number): Promise<void>

  /** The leader of `leaderEpoch` begins to write at `startOffset`. */
  assignEpochStart(leaderEpoch: number, startOffset: number): void
  /** -1: none known. */
  readonly latestEpoch: number
  /** The largest epoch ≤ `leaderEpoch` and where it ended; null if the log knows of none. */
  endOffsetForEpoch(leaderEpoch: number): EpochEnd | null
  /** Epoch of the record at `offset`; -1 if not known. */
  epochForOffset(offset: number): number
  readonly leaderEpochs: readonly { readonly epoch: number; readonly startOffset: number }[]

  activeProducers(): ProducerDescription[]
  /** A transaction has been open for longer than any may be. */
  hasLateTransaction(nowMs: number): boolean
  removeExpiredProducers(nowMs: number): void

  readonly sizeInBytes: number
  readonly segments: readonly SegmentDescription[]

  /** Everything appended so far survives a power loss once this resolves. */
  flush(): Promise<void>
  /** Begins a new segment, unless the active one is empty. */
  roll(): void
  /** Deletes segments by `retention.ms`, `retention.bytes` and the log's start; how many. */
  applyRetention(nowMs: number): Promise<number>
}
