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
