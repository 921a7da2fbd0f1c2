/** AlterPartitionReassignments (key 45), versions 0 to 1 (KIP-455): 1 may forbid another replication factor (KIP-860). */
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const alterPartitionReassignments = defineHandler({
  request: AlterPartitionReassignmentsRequest,
  response: AlterPartitionReassignmentsResponse,
  handle(request, context, services) {
    return services.controller.request('alterPartitionReassignments', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.alterPartitionReassignments.failed,
})
