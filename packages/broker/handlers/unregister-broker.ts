/** UnregisterBroker (key 64), version 0 (KIP-631): forgets a broker. One that is alive registers again. */
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { defineHandler } from './handler.ts'

export const unregisterBroker = defineHandler({
  request: UnregisterBrokerRequest,
  response: UnregisterBrokerResponse,
  handle(request, context, services) {
    return services.controller.request('unregisterBroker', request, context.apiVersion)
  },
})
