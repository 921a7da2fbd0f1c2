/**
 * JoinGroup (key 11), versions 0 to 9: the answer comes when the rebalance completes.
 *
 * 1 rebalance timeout · 4 member id required (KIP-394) · 5 static members (KIP-345) · 7 protocol type, null for no
 * protocol · 8 reason (KIP-800) · 9 skip assignment (KIP-814)
 */
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { defineHandler } from './handler.ts'

export const joinGroup = defineHandler({
  request: JoinGroupRequest,
  response: JoinGroupResponse,
  handle(request, context, { groups }) {
    return groups.joinGroup(request, context)
  },
})
