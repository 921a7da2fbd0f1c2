/** DeleteTopics (key 20), versions 1 to 6: 5 error messages · 6 by topic id. */
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const deleteTopics = defineHandler({
  request: DeleteTopicsRequest,
  response: DeleteTopicsResponse,
  handle(request, context, services) {
    return services.controller.request('deleteTopics', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.deleteTopics.failed,
})
