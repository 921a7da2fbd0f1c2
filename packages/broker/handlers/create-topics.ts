/** CreateTopics (key 19), versions 2 to 7: 4 defaults for partitions and replicas (KIP-464) · 5 configs in the response · 7 topic ids. */
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'
import { changePartitions } from './partition-quota.ts'

/** Clients know of THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 6

export const createTopics = defineHandler({
  request: CreateTopicsRequest,
  response: CreateTopicsResponse,
  handle(request, context, services) {
    return changePartitions('createTopics', request, STRICT_SINCE, context, services)
  },
  failed: CONTROLLER_APIS.createTopics.failed,
})
