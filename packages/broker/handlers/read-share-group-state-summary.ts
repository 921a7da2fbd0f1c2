/**
 * ReadShareGroupStateSummary (key 87), versions 0 to 1: how far a share group has come, without what is in flight.
 *
 * 1 how many records are done (KIP-1226)
 */
import {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '@ottla/protocol/messages/read-share-group-state-summary'
import { defineHandler } from './handler.ts'
import { failedPartitions } from './share-group-state.ts'

export const readShareGroupStateSummary = defineHandler({
  request: ReadShareGroupStateSummaryRequest,
  response: ReadShareGroupStateSummaryResponse,
  handle(request, _context, { shares }) {
    return shares.coordinator.readShareGroupStateSummary(request)
  },
  failed: failedPartitions,
})
