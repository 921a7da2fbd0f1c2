/**
 * Leaves a classic group.
 *
 *  3  several members, by member or instance id: the single one is gone        4  flexible
 *  5  a reason, for the log
 */
import { array, int16, int32, message, type Of, string } from '../schema.ts'

export const LeaveGroupRequest = message(
  'LeaveGroupRequest',
  { key: 13, versions: '0-5', flexible: '4+', listeners: ['broker'] },
  {
    groupId: string(),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', null, { nullable: '3+' }),
        reason: string('5+', null, { nullable: '5+', ignorable: true }),
      },
      '3+',
    ),
  },
)

export type LeaveGroupRequest = Of<typeof LeaveGroupRequest>

export const LeaveGroupResponse = message(
  'LeaveGroupResponse',
  { key: 13, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', '', { nullable: '3+' }),
        errorCode: int16('3+'),
      },
      '3+',
    ),
  },
)

export type LeaveGroupResponse = Of<typeof LeaveGroupResponse>
