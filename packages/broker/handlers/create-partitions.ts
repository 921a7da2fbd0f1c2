/** CreatePartitions (key 37), versions 0 to 3: more partitions for topics that are there. */
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const createPartitions = defineHandler({
  request: CreatePartitionsRequest,
  response: CreatePartitionsResponse,
  handle(request, context, services) {
    return services.controller.request('createPartitions', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.createPartitions.failed,
})
