/** What goes into and comes out of a log. */
import type { VerificationGuard } from './verification.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/**
 * Who made the batches. `client`: a producer, offsets are assigned, sequence numbers checked. `coordinator`: this
 * broker (internal topics, transaction markers), offsets are assigned, sequence numbers not checked. `raft`: the
 * quorum's leader, which has assigned offsets and epochs itself. `replication`: copied from a leader, taken as it is.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'raft' | 'replication'

export interface AppendOptions {
  readonly origin: AppendOrigin
  /** Of the leader: written into each batch, except for `replication`, where batches of a higher epoch are left out. */
  readonly leaderEpoch: number
  /** Wall clock; decides when a segment without timestamps is rolled. */
  readonly nowMs: number
  /** The caller has just compared the CRC of each batch, so that it need not be done again. */
  readonly checksumsVerified?: boolean
  /** For a producer's transactional batches, when the broker verifies transactions: from `startVerification`. */
  readonly verificationGuard?: VerificationGuard | null
  /** Of a transaction marker (origin `coordinator`): the transaction version of its producer, 0 to 2. */
  readonly transactionVersion?: number
}

export interface AppendResult {
  /** -1 if nothing was appended (replication: all batches were of a higher epoch). */
  readonly firstOffset: number
  readonly lastOffset: number
  /** A retry of a batch that is in the log: these are the offsets that it has had since, and nothing was appended. */
  readonly duplicate: boolean
  /** Of the batch that a duplicate repeats: its timestamp; else -1. */
  readonly duplicateTimestamp: number
  /** Bytes appended. */
  readonly sizeInBytes: number
  /**
   * Resolves when the bytes are in the file (and flushed, if `flush.messages` asks for it): from then on they survive
   * this process, may be acknowledged, and are below `writtenEndOffset`. Rejects with KAFKA_STORAGE_ERROR. It may be
   * ignored: the same failure is reported for the whole log dir.
   */
  readonly written: Promise<void>
}

export interface ReadOptions {
  /** Whole batches up to this many bytes. */
  readonly maxBytes: number
  /** No batch that begins at or after this offset; never more than `writtenEndOffset`, which is the default. */
  readonly upperBoundOffset?: number
  /** Return the first batch even if it is larger than `maxBytes`. */
  readonly minOneBatch?: boolean
}

export interface ReadResult {
  /** Whole batches, in order, as slices of a cache or of a read: not to be changed. */
  readonly chunks: readonly Uint8Array[]
  readonly sizeInBytes: number
  /** Base offset of the first batch, which may be below the offset asked for; that offset itself if there is none. */
  readonly baseOffset: number
  /** Where to read on: one past the last batch. */
  readonly nextOffset: number
  /**
   * To be called when nobody will look at `chunks` any more: their memory is used for the next read. May be left out.
   * null: it is not for this read alone.
   */
  readonly release: (() => void) | null
}

export interface OffsetAndTimestamp {
  readonly offset: number
  /** -1: none. */
  readonly timestamp: number
  /** -1: not known. */
  readonly leaderEpoch: number
}

export interface EpochEnd {
  readonly leaderEpoch: number
  /** Exclusive. */
  readonly endOffset: number
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** As DescribeProducers shows it. */
export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1: no open transaction. */
  readonly currentTxnStartOffset: number
}

export interface SegmentDescription {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** -1: no record has a timestamp. */
  readonly largestTimestamp: number
}

export interface ReplicaDescription {
  readonly topic: string
  readonly partition: number
  readonly sizeInBytes: number
  /** How far the log is behind what it should hold: for a future log, behind the current one. */
  readonly offsetLag: number
  readonly isFuture: boolean
}

/** As DescribeLogDirs shows it. */
export interface LogDirDescription {
  readonly path: string
  /** Kafka's directory id; null if the dir was never readable. */
  readonly directoryId: string | null
  /** null: online. */
  readonly error: Error | null
  /** No new log is put there. */
  readonly isCordoned: boolean
  /** -1: not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly replicas: readonly ReplicaDescription[]
}
