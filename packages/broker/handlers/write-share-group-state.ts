/**
 * WriteShareGroupState (key 85), versions 0 to 1: who leads a partition writes what has become of records.
 *
 * 1 how many records are done (KIP-1226)
 */
import {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '@ottla/protocol/messages/write-share-group-state'
import { defineHandler } from './handler.ts'
import { failedPartitions } from './share-group-state.ts'

export const writeShareGroupState = defineHandler({
  request: WriteShareGroupStateRequest,
  response: WriteShareGroupStateResponse,
  handle(request, _context, { shares }) {
    return shares.coordinator.writeShareGroupState(request)
  },
  failed: failedPartitions,
})
