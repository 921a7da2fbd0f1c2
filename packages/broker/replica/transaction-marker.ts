/** The end of a transaction in a partition that this node leads: a control batch, which the log checks and acts upon. */
import { encodeEndTxnMarker } from '@ottla/protocol'
import { ApiError } from '../errors.ts'
import type { Partition } from './partition.ts'

export interface TransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isCommit: boolean
  /** Leader epoch of whoever decided it in `__transaction_state`. */
  readonly coordinatorEpoch: number
  readonly transactionVersion: number
}

/**
 * Returns its offset; `partition.whenCommitted` says when it counts. Throws NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR,
 * INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED.
 */
export function appendTransactionMarker(partition: Partition, marker: TransactionMarker, nowMs: number): number {
  const { isCommit, transactionVersion, producerId, producerEpoch, coordinatorEpoch } = marker
  // There can be no such batch; Kafka finds it out when it makes one.
  if (producerId < 0 || producerEpoch < 0)
    throw new ApiError('UNKNOWN_SERVER_ERROR', `a marker of producer ${producerId} with epoch ${producerEpoch}`)
  const options = { timestamp: nowMs, producerId, producerEpoch, coordinatorEpoch }
  const batch = encodeEndTxnMarker(isCommit ? 'COMMIT' : 'ABORT', options)
  const { leaderEpoch } = partition
  const append = { origin: 'coordinator', leaderEpoch, nowMs, transactionVersion } as const
  const appended = partition.leaderLog(-1).append(batch, append)
  // A failure reaches whoever waits through whenCommitted, and everybody through the log dir.
  appended.written.then(
    () => partition.onWritten(appended.sizeInBytes),
    error => partition.fail(error),
  )
  return appended.firstOffset
}
