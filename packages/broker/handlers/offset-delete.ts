/** OffsetDelete (key 47), version 0 (KIP-496): offsets of topics that the group does not subscribe to. */
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { defineHandler } from './handler.ts'

export const offsetDelete = defineHandler({
  request: OffsetDeleteRequest,
  response: OffsetDeleteResponse,
  handle(request, context, { groups }) {
    return groups.offsetDelete(request, context)
  },
})
