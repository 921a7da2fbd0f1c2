/**
 * ReadShareGroupState (key 84), version 0: who leads a partition asks how far a share group has come in it, and
 * keeps those who led it before from writing.
 */
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import { defineHandler } from './handler.ts'
import { failedPartitions } from './share-group-state.ts'

export const readShareGroupState = defineHandler({
  request: ReadShareGroupStateRequest,
  response: ReadShareGroupStateResponse,
  handle(request, _context, { shares }) {
    return shares.coordinator.readShareGroupState(request)
  },
  failed: failedPartitions,
})
