import { array, bool, int8, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const GetTelemetrySubscriptionsRequest = message(
  'GetTelemetrySubscriptionsRequest',
  { key: 71, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    clientInstanceId: uuid(),
  },
)

export type GetTelemetrySubscriptionsRequest = Of<typeof GetTelemetrySubscriptionsRequest>

export const GetTelemetrySubscriptionsResponse = message(
  'GetTelemetrySubscriptionsResponse',
  { key: 71, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
)

export type GetTelemetrySubscriptionsResponse = Of<typeof GetTelemetrySubscriptionsResponse>
