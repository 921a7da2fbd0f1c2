/** ConsumerGroupDescribe (key 69), versions 0 and 1: groups of the consumer protocol; 1 says which protocol each member uses. */
import { ErrorCode } from '@ottla/protocol'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'

export const consumerGroupDescribe = defineHandler({
  request: ConsumerGroupDescribeRequest,
  response: ConsumerGroupDescribeResponse,
  async handle(request, _context, { groups: coordinator }) {
    const response = await coordinator.consumerGroupDescribe(request)
    if (!request.includeAuthorizedOperations) return response
    const groups = response.groups?.map(group =>
      group.errorCode === ErrorCode.NONE ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group,
    )
    return { ...response, groups }
  },
  failed({ groupIds }, { errorCode }) {
    return { groups: groupIds.map(groupId => ({ groupId, errorCode })) }
  },
})
