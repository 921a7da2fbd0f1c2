/**
 * State and members of classic groups.
 *
 *  3  authorized operations  4  static members       5  flexible       6  GROUP_ID_NOT_FOUND, not a dead group
 */
import { array, bool, bytes, int16, int32, message, type Of, string } from '../schema.ts'

export const DescribeGroupsRequest = message(
  'DescribeGroupsRequest',
  { key: 15, versions: '0-6', flexible: '5+', listeners: ['broker'] },
  {
    groups: array(string()),
    includeAuthorizedOperations: bool('3+'),
  },
)

export type DescribeGroupsRequest = Of<typeof DescribeGroupsRequest>

export const DescribeGroupsResponse = message(
  'DescribeGroupsResponse',
  { key: 15, versions: '0-6', flexible: '5+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string('6+', null, { nullable: '6+' }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string('4+', null, { nullable: '4+', ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32('3+', -2147483648),
    }),
  },
)

export type DescribeGroupsResponse = Of<typeof DescribeGroupsResponse>
