/** What a coordinator needs of the log partition that holds its records. This node must lead the partition. */
import type { VerificationGuard } from '@ottla/log'

/** Whoever writes to the partition within a transaction. */
export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** null: its transaction is open in this partition already, or nobody verifies. */
  readonly verificationGuard: VerificationGuard | null
}

/** The end of a producer's transaction in this partition. */
export interface EndOfTransaction {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isCommit: boolean
  /** Leader epoch of whoever decided it in `__transaction_state`. */
  readonly coordinatorEpoch: number
  readonly transactionVersion: number
}

export interface CoordinatorLog {
  /** First offset that may be read. */
  readonly startOffset: number
  /** Of the next record. */
  readonly endOffset: number
  /** What the topic takes (`max.message.bytes`). */
  readonly maxBatchBytes: number

  /** Whole batches from `offset` on, at least one if there is any; none at the end. Rejects as `append` throws. */
  read(offset: number, maxBytes: number): Promise<LogChunk>

  /**
   * Assigns offsets to one batch; returns its first. Throws if nothing was appended: ApiError or LogError, as
   * NOT_LEADER_OR_FOLLOWER, MESSAGE_TOO_LARGE, KAFKA_STORAGE_ERROR; a transactional one that `checkProducer` has found
   * good is not refused for its producer's sake.
   */
  append(batch: Uint8Array, verificationGuard?: VerificationGuard | null): number

  /** Throws INVALID_PRODUCER_EPOCH or INVALID_TXN_STATE if a transactional batch of this producer would be refused. */
  checkProducer(producer: TransactionalProducer): void

  /** Writes a marker; returns its offset. Throws as `append`, INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED. */
  endTransaction(end: EndOfTransaction): number

  /**
   * Resolves once everything below `offset` is committed, that is, below the high watermark. Rejects when that can't be
   * counted on any more: leadership was lost, the disk has failed.
   */
  whenCommitted(offset: number): Promise<void>
}

export interface LogChunk {
  readonly chunks: readonly Uint8Array[]
  /** Where to read on. */
  readonly nextOffset: number
}
