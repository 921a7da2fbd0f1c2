/** DeleteTopics (key 20), versions 1 to 6: 5 error messages · 6 by topic id. */
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'
import { changePartitions } from './partition-quota.ts'

/** Clients know of THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 5

export const deleteTopics = defineHandler({
  request: DeleteTopicsRequest,
  response: DeleteTopicsResponse,
  handle(request, context, services) {
    return changePartitions('deleteTopics', request, STRICT_SINCE, context, services)
  },
  failed: CONTROLLER_APIS.deleteTopics.failed,
})
