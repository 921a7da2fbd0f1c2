/** DeleteGroups (key 42), versions 0 to 2: groups without members, with their offsets. */
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { defineHandler } from './handler.ts'

export const deleteGroups = defineHandler({
  request: DeleteGroupsRequest,
  response: DeleteGroupsResponse,
  handle(request, context, { groups }) {
    return groups.deleteGroups(request, context)
  },
  failed({ groupsNames }, { errorCode }) {
    return { results: groupsNames.map(groupId => ({ groupId, errorCode })) }
  },
})
