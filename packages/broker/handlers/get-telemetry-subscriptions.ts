/** GetTelemetrySubscriptions (key 71), version 0: which metrics a client is to push, and how often (KIP-714). */
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '@ottla/protocol/messages/get-telemetry-subscriptions'
import type { Caller } from '../telemetry/client-telemetry.ts'
import { defineHandler, type RequestContext } from './handler.ts'

export const getTelemetrySubscriptions = defineHandler({
  request: GetTelemetrySubscriptionsRequest,
  response: GetTelemetrySubscriptionsResponse,
  handle(request, context, { telemetry, world }) {
    return telemetry.getSubscriptions(request, telemetryCaller(context), world.clock.now())
  },
})

export function telemetryCaller(context: RequestContext): Caller {
  const { clientId, clientSoftware, clientAddress, clientPort, connectionId } = context
  return {
    clientId,
    softwareName: clientSoftware.name,
    softwareVersion: clientSoftware.version,
    address: clientAddress,
    port: clientPort,
    connectionId,
  }
}
