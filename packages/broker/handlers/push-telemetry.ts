/**
 * PushTelemetry (key 72), version 0: takes in the metrics of a client (KIP-714). A large push is read in parts, so that it
 * does not hold up others.
 */
import { PushTelemetryRequest, PushTelemetryResponse } from '@ottla/protocol/messages/push-telemetry'
import { telemetryCaller } from './get-telemetry-subscriptions.ts'
import { defineHandler } from './handler.ts'

export const pushTelemetry = defineHandler({
  request: PushTelemetryRequest,
  response: PushTelemetryResponse,
  async handle(request, context, { telemetry, world: { clock } }) {
    const { errorCode, take } = telemetry.push(request, telemetryCaller(context), clock.now())
    if (!take) return { errorCode }
    for (;;) {
      const step = take.next()
      if (step.done) return { errorCode: step.value }
      await new Promise<void>(resolve => clock.nextTurn(resolve))
    }
  },
})
