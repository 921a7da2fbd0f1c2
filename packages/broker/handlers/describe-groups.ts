/**
 * DescribeGroups (key 15), versions 0 to 6: groups of the classic protocol.
 *
 * 3 authorized operations (KIP-430) · 4 static members (KIP-345) · 6 GROUP_ID_NOT_FOUND with a message, where before a
 * group that is not there is dead (KIP-1043)
 */
import { ErrorCode } from '@ottla/protocol'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'

export const describeGroups = defineHandler({
  request: DescribeGroupsRequest,
  response: DescribeGroupsResponse,
  async handle(request, context, services) {
    const response = await services.groups.describeGroups(request, context)
    if (context.apiVersion < 3 || !request.includeAuthorizedOperations) return response
    const groups = response.groups?.map(group =>
      (group.errorCode ?? ErrorCode.NONE) === ErrorCode.NONE
        ? { ...group, authorizedOperations: GROUP_OPERATIONS }
        : group,
    )
    return { ...response, groups }
  },
  failed({ groups }, { errorCode }) {
    return { groups: groups.map(groupId => ({ groupId, errorCode })) }
  },
})
