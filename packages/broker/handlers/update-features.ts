/** UpdateFeatures (key 57), versions 0 to 2 (KIP-584): 1 upgrade types, only validating (KIP-778) · 2 one result for all. */
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { defineHandler } from './handler.ts'

export const updateFeatures = defineHandler({
  request: UpdateFeaturesRequest,
  response: UpdateFeaturesResponse,
  handle(request, context, services) {
    return services.controller.request('updateFeatures', request, context.apiVersion)
  },
})
