/** Members of share groups choose their ids themselves: in the usual text of a UUID, or at least no longer. */
import { ApiError } from '../errors.ts'

const MAX_LENGTH = 36

/** Throws an ApiError. */
export function checkMemberId(memberId: string | null): asserts memberId is string {
  if (memberId !== null && memberId !== '' && memberId.length <= MAX_LENGTH) return
  throw new ApiError('INVALID_REQUEST', '')
}
