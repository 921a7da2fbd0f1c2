/** ElectLeaders (key 43), versions 0 to 2: preferred leaders, or from 1 on anyone where there is none (KIP-460). */

import type { Init } from '@ottla/protocol'
import { ElectLeadersRequest, ElectLeadersResponse } from '@ottla/protocol/messages/elect-leaders'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const electLeaders = defineHandler({
  request: ElectLeadersRequest,
  response: ElectLeadersResponse,
  async handle(request, { apiVersion }, services) {
    return inVersion(await services.controller.request('electLeaders', request, apiVersion), apiVersion)
  },
  failed: (request, failure, apiVersion) =>
    inVersion(CONTROLLER_APIS.electLeaders.failed(request, failure), apiVersion),
})

/** At first there was no place for an error of the whole: each partition has it. */
function inVersion(response: Init<typeof ElectLeadersResponse>, apiVersion: number) {
  return apiVersion === 0 ? { ...response, errorCode: 0 } : response
}
