/**
 * What a client of a coordinator is told when the coordinator's log can't be read or written: errors of a partition mean
 * nothing to it, and some of them older clients would not try again.
 */
import { ErrorCode } from '@ottla/protocol'
import { ApiError, errorCodeOf } from '../errors.ts'

const MAPPED: ReadonlyMap<number, number> = new Map([
  [ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
  [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
  [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
  [ErrorCode.RECORD_LIST_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
  [ErrorCode.INVALID_FETCH_SIZE, ErrorCode.UNKNOWN_SERVER_ERROR],
])

/** UNKNOWN_SERVER_ERROR for what is a bug. */
export function coordinatorErrorCode(error: unknown): number {
  const code = errorCodeOf(error)
  return MAPPED.get(code) ?? code
}

/** The partition is not this node's any more, so that loading it again makes no sense. */
export function isLostPartition(error: unknown): boolean {
  const code = errorCodeOf(error)
  return code === ErrorCode.NOT_LEADER_OR_FOLLOWER || code === ErrorCode.KAFKA_STORAGE_ERROR
}

export function notCoordinator(name: string): ApiError {
  return new ApiError('NOT_COORDINATOR', `this node does not coordinate ${name}`)
}

export function loadInProgress(name: string): ApiError {
  return new ApiError('COORDINATOR_LOAD_IN_PROGRESS', `${name} is being loaded`)
}
