/**
 * SyncGroup (key 14), versions 0 to 5: the leader gives the assignments, everybody gets theirs.
 *
 * 3 static members (KIP-345) · 5 protocol type and name, which must be those of the group
 */
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { defineHandler } from './handler.ts'

export const syncGroup = defineHandler({
  request: SyncGroupRequest,
  response: SyncGroupResponse,
  handle(request, context, { groups }) {
    return groups.syncGroup(request, context)
  },
})
