/**
 * ConsumerGroupHeartbeat (key 68), versions 0 and 1: all that a member of a consumer group says (KIP-848).
 *
 * 1 subscription by regular expression; the client makes the member's id (KIP-1082)
 */
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { defineHandler } from './handler.ts'

export const consumerGroupHeartbeat = defineHandler({
  request: ConsumerGroupHeartbeatRequest,
  response: ConsumerGroupHeartbeatResponse,
  handle(request, context, { groups }) {
    return groups.consumerGroupHeartbeat(request, context)
  },
})
