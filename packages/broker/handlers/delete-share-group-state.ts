/** DeleteShareGroupState (key 86), version 0: the group coordinator has the state of share partitions deleted. */
import {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '@ottla/protocol/messages/delete-share-group-state'
import { defineHandler } from './handler.ts'
import { failedPartitions } from './share-group-state.ts'

export const deleteShareGroupState = defineHandler({
  request: DeleteShareGroupStateRequest,
  response: DeleteShareGroupStateResponse,
  handle(request, _context, { shares }) {
    return shares.coordinator.deleteShareGroupState(request)
  },
  failed: failedPartitions,
})
