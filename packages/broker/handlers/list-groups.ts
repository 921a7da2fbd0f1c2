/** ListGroups (key 16), versions 0 to 5: groups that this node coordinates; 4 filter by state (KIP-518) · 5 by type (KIP-848). */
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { defineHandler } from './handler.ts'

export const listGroups = defineHandler({
  request: ListGroupsRequest,
  response: ListGroupsResponse,
  handle(request, _context, { groups }) {
    return groups.listGroups(request)
  },
})
