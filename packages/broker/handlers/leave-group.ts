/** LeaveGroup (key 13), versions 0 to 5; 3 many members at once, by instance id too (KIP-345) · 5 reason (KIP-800). */
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { defineHandler } from './handler.ts'

export const leaveGroup = defineHandler({
  request: LeaveGroupRequest,
  response: LeaveGroupResponse,
  handle(request, context, { groups }) {
    return groups.leaveGroup(request, context)
  },
})
