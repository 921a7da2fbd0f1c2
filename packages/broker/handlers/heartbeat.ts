/** Heartbeat (key 12), versions 0 to 4; 3 static members (KIP-345). */
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { defineHandler } from './handler.ts'

export const heartbeat = defineHandler({
  request: HeartbeatRequest,
  response: HeartbeatResponse,
  handle(request, context, { groups }) {
    return groups.heartbeat(request, context)
  },
})
