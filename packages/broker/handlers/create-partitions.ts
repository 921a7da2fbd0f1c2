/** CreatePartitions (key 37), versions 0 to 3: more partitions for topics that are there. */
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'
import { changePartitions } from './partition-quota.ts'

/** Clients know of THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 3

export const createPartitions = defineHandler({
  request: CreatePartitionsRequest,
  response: CreatePartitionsResponse,
  handle(request, context, services) {
    return changePartitions('createPartitions', request, STRICT_SINCE, context, services)
  },
  failed: CONTROLLER_APIS.createPartitions.failed,
})
