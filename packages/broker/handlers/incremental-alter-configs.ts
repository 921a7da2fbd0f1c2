/** IncrementalAlterConfigs (key 44), versions 0 to 1: sets, deletes, appends to and subtracts from single configs (KIP-339). */
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { ConfigResourceType } from '../image/index.ts'
import { defineHandler } from './handler.ts'
import { changeLevels } from './loggers.ts'
import { alterOwn, checkBroker, checkChanges, requireThisBroker } from './own-configs.ts'

export const incrementalAlterConfigs = defineHandler({
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
  handle(request, context, services) {
    const { resources: all, validateOnly } = request
    return alterOwn(
      all,
      resource => {
        checkBroker(resource, context, services)
        if (resource.resourceType !== ConfigResourceType.BROKER_LOGGER) return false
        checkChanges(resource.configs)
        requireThisBroker(resource.resourceName, services)
        changeLevels(services.world.logger.levels, resource.configs, validateOnly)
        return true
      },
      resources =>
        services.controller.request('incrementalAlterConfigs', { ...request, resources }, context.apiVersion),
    )
  },
  failed: CONTROLLER_APIS.incrementalAlterConfigs.failed,
})
