/**
 * OffsetFetch (key 9), versions 1 to 10.
 *
 * 2 all topics, top-level error · 5 leader epoch · 7 stable offsets only (KIP-447) · 8 many groups (KIP-709) · 10 topic
 * ids (KIP-516)
 */
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { defineHandler } from './handler.ts'

export const offsetFetch = defineHandler({
  request: OffsetFetchRequest,
  response: OffsetFetchResponse,
  handle(request, context, { groups }) {
    return groups.offsetFetch(request, context)
  },
})
