/**
 * WriteTxnMarkers (key 27), versions 1 and 2: a transaction coordinator, or an administrator who aborts what hangs (KIP-664),
 * has the end of transactions written into partitions that this node leads.
 *
 * 2 transaction version: how the epoch is checked (KIP-1228)
 */
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { defineHandler } from './handler.ts'

export const writeTxnMarkers = defineHandler({
  request: WriteTxnMarkersRequest,
  response: WriteTxnMarkersResponse,
  handle(request, _context, { txnMarkers }) {
    return txnMarkers.write(request)
  },
  failed({ markers }, { errorCode }) {
    return {
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode })),
        })),
      })),
    }
  },
})
