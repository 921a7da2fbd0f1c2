/**
 * Keeps a member of a classic group alive, and tells it of rebalances.
 *
 *  3  static members         4  flexible
 */
import { int16, int32, message, type Of, string } from '../schema.ts'

export const HeartbeatRequest = message(
  'HeartbeatRequest',
  { key: 12, versions: '0-4', flexible: '4+', listeners: ['broker'] },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', null, { nullable: '3+' }),
  },
)

export type HeartbeatRequest = Of<typeof HeartbeatRequest>

export const HeartbeatResponse = message(
  'HeartbeatResponse',
  { key: 12, versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16(),
  },
)

export type HeartbeatResponse = Of<typeof HeartbeatResponse>
