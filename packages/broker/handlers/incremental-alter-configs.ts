/** IncrementalAlterConfigs (key 44), versions 0 to 1: sets, deletes, appends to and subtracts from single configs (KIP-339). */
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const incrementalAlterConfigs = defineHandler({
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
  handle(request, context, services) {
    return services.controller.request('incrementalAlterConfigs', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.incrementalAlterConfigs.failed,
})
