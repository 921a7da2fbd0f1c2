/** ListPartitionReassignments (key 46), version 0 (KIP-455): what is under way. */
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/list-partition-reassignments'
import { defineHandler } from './handler.ts'

export const listPartitionReassignments = defineHandler({
  request: ListPartitionReassignmentsRequest,
  response: ListPartitionReassignmentsResponse,
  handle(request, context, services) {
    return services.controller.request('listPartitionReassignments', request, context.apiVersion)
  },
})
