/** What a coordinator needs of the log partition that holds its records. This node must lead the partition. */

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
   * NOT_LEADER_OR_FOLLOWER, MESSAGE_TOO_LARGE, KAFKA_STORAGE_ERROR.
   */
  append(batch: Uint8Array): number

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
