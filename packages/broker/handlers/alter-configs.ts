/** AlterConfigs (key 33), versions 0 to 2: replaces all configs of a resource. Deprecated since KIP-339 for IncrementalAlterConfigs. */
import { AlterConfigsRequest, AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'
import { alterOwn, checkBroker } from './own-configs.ts'

export const alterConfigs = defineHandler({
  request: AlterConfigsRequest,
  response: AlterConfigsResponse,
  handle(request, context, services) {
    return alterOwn(
      request.resources,
      resource => {
        checkBroker(resource, context, services)
        return false
      },
      resources => services.controller.request('alterConfigs', { ...request, resources }, context.apiVersion),
    )
  },
  failed: CONTROLLER_APIS.alterConfigs.failed,
})
