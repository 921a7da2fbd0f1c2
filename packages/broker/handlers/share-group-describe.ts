/** ShareGroupDescribe (key 77), version 1: share groups with their members and what these are assigned (KIP-932). */
import { ErrorCode } from '@ottla/protocol'
import { ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'
import { checkShareVersion } from './share-version.ts'

export const shareGroupDescribe = defineHandler({
  request: ShareGroupDescribeRequest,
  response: ShareGroupDescribeResponse,
  async handle({ groupIds, includeAuthorizedOperations }, _context, services) {
    checkShareVersion(services)
    const response = await services.groups.shares.shareGroupDescribe(groupIds)
    if (!includeAuthorizedOperations) return response
    const groups = response.groups?.map(group =>
      (group.errorCode ?? ErrorCode.NONE) === ErrorCode.NONE
        ? { ...group, authorizedOperations: GROUP_OPERATIONS }
        : group,
    )
    return { ...response, groups }
  },
  failed({ groupIds }, { errorCode }) {
    return { groups: groupIds.map(groupId => ({ groupId, errorCode })) }
  },
})
