/** What an error of the persister is to a member of a share group, which knows nothing of share coordinators. */
import { ErrorCode, errorName } from '@ottla/protocol'
import { ApiError } from '../errors.ts'

interface Result {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** null: there is none. */
export function persisterError(result: Result | undefined): ApiError | null {
  if (!result) return new ApiError('UNKNOWN_SERVER_ERROR', 'the share coordinator says nothing of the partition')
  const { errorCode, errorMessage } = result
  const message = errorMessage ?? errorName(errorCode)
  switch (errorCode) {
    case ErrorCode.NONE:
      return null
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      return new ApiError('COORDINATOR_NOT_AVAILABLE', message)
    case ErrorCode.GROUP_ID_NOT_FOUND:
      return new ApiError('GROUP_ID_NOT_FOUND', message)
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return new ApiError('UNKNOWN_TOPIC_OR_PARTITION', message)
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.FENCED_STATE_EPOCH:
      return new ApiError('NOT_LEADER_OR_FOLLOWER', message)
    default:
      return new ApiError('UNKNOWN_SERVER_ERROR', message)
  }
}
