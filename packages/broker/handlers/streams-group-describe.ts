/** StreamsGroupDescribe (key 89), version 0 (KIP-1071): groups of the streams protocol, with their topology and tasks. */
import { ErrorCode } from '@ottla/protocol'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'
import { checkStreamsProtocol } from './streams-protocol.ts'

export const streamsGroupDescribe = defineHandler({
  request: StreamsGroupDescribeRequest,
  response: StreamsGroupDescribeResponse,
  async handle(request, _context, services) {
    checkStreamsProtocol(services)
    const response = await services.groups.streams.describe(request)
    if (!request.includeAuthorizedOperations) return response
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
