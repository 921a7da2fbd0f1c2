/** CreateTopics (key 19), versions 2 to 7: 4 defaults for partitions and replicas (KIP-464) · 5 configs in the response · 7 topic ids. */
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const createTopics = defineHandler({
  request: CreateTopicsRequest,
  response: CreateTopicsResponse,
  handle(request, context, services) {
    return services.controller.request('createTopics', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.createTopics.failed,
})
