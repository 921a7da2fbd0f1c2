import { int16, int32, message, type Of, string } from '../schema.ts'

export const UnregisterBrokerRequest = message(
  'UnregisterBrokerRequest',
  { key: 64, versions: '0', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    brokerId: int32(),
  },
)

export type UnregisterBrokerRequest = Of<typeof UnregisterBrokerRequest>

export const UnregisterBrokerResponse = message(
  'UnregisterBrokerResponse',
  { key: 64, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
  },
)

export type UnregisterBrokerResponse = Of<typeof UnregisterBrokerResponse>
