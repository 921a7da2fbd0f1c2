/**
 * Hands the assignments of a classic group from its leader to the members.
 *
 *  3  static members         4  flexible             5  protocol type and name, which must be the group's
 */
import { array, bytes, int16, int32, message, type Of, string } from '../schema.ts'

export const SyncGroupRequest = message(
  'SyncGroupRequest',
  { key: 14, versions: '0-5', flexible: '4+', listeners: ['broker'] },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', null, { nullable: '3+' }),
    protocolType: string('5+', null, { nullable: '5+', ignorable: true }),
    protocolName: string('5+', null, { nullable: '5+', ignorable: true }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
)

export type SyncGroupRequest = Of<typeof SyncGroupRequest>

export const SyncGroupResponse = message(
  'SyncGroupResponse',
  { key: 14, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16(),
    protocolType: string('5+', null, { nullable: '5+', ignorable: true }),
    protocolName: string('5+', null, { nullable: '5+', ignorable: true }),
    assignment: bytes(),
  },
)

export type SyncGroupResponse = Of<typeof SyncGroupResponse>
