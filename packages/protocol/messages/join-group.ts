/**
 * Joins a classic group, and waits until the group's other members have, too.
 *
 *  1  rebalance timeout of its own, before it was the session's
 *  4  the first attempt gets a member id and MEMBER_ID_REQUIRED (KIP-394)
 *  5  static members         6  flexible             7  protocol type in the response
 *  8  a reason, for the log  9  a leader may be told that the assignment stands (KIP-814)
 */
import { array, bool, bytes, int16, int32, message, type Of, string } from '../schema.ts'

export const JoinGroupRequest = message(
  'JoinGroupRequest',
  { key: 11, versions: '0-9', flexible: '6+', listeners: ['broker'] },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32('1+', -1, { ignorable: true }),
    memberId: string(),
    groupInstanceId: string('5+', null, { nullable: '5+' }),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string('8+', null, { nullable: '8+', ignorable: true }),
  },
)

export type JoinGroupRequest = Of<typeof JoinGroupRequest>

export const JoinGroupResponse = message(
  'JoinGroupResponse',
  { key: 11, versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', 0, { ignorable: true }),
    errorCode: int16(),
    generationId: int32('0+', -1),
    protocolType: string('7+', null, { nullable: '7+', ignorable: true }),
    protocolName: string('0+', '', { nullable: '7+' }),
    leader: string(),
    skipAssignment: bool('9+'),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string('5+', null, { nullable: '5+', ignorable: true }),
      metadata: bytes(),
    }),
  },
)

export type JoinGroupResponse = Of<typeof JoinGroupResponse>
