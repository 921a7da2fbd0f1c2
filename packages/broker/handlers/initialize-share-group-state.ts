/** InitializeShareGroupState (key 83), version 0: the group coordinator has the state of share partitions made. */
import {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '@ottla/protocol/messages/initialize-share-group-state'
import { defineHandler } from './handler.ts'
import { failedPartitions } from './share-group-state.ts'

export const initializeShareGroupState = defineHandler({
  request: InitializeShareGroupStateRequest,
  response: InitializeShareGroupStateResponse,
  handle(request, _context, { shares }) {
    return shares.coordinator.initializeShareGroupState(request)
  },
  failed: failedPartitions,
})
