/** ShareGroupHeartbeat (key 76), version 1: a member of a share group comes, stays or goes (KIP-932). */
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import { defineHandler } from './handler.ts'
import { checkMemberId } from './share-member-id.ts'
import { checkShareVersion } from './share-version.ts'

export const shareGroupHeartbeat = defineHandler({
  request: ShareGroupHeartbeatRequest,
  response: ShareGroupHeartbeatResponse,
  handle(request, context, services) {
    checkShareVersion(services)
    checkMemberId(request.memberId)
    return services.groups.shares.shareGroupHeartbeat(request, context)
  },
})
