import { bool, bytes, int8, int16, int32, message, type Of, uuid } from '../schema.ts'

export const PushTelemetryRequest = message(
  'PushTelemetryRequest',
  { key: 72, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
)

export type PushTelemetryRequest = Of<typeof PushTelemetryRequest>

export const PushTelemetryResponse = message(
  'PushTelemetryResponse',
  { key: 72, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
)

export type PushTelemetryResponse = Of<typeof PushTelemetryResponse>
