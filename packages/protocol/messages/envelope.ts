/**
 * A client's request as a broker forwards it to the controller: header and body as they came, and who sent it.
 */
import { bytes, int16, message, type Of } from '../schema.ts'

export const EnvelopeRequest = message(
  'EnvelopeRequest',
  { key: 58, versions: '0', flexible: '0+', listeners: ['controller'] },
  {
    requestData: bytes(),
    requestPrincipal: bytes('0+', undefined, { nullable: '0+' }),
    clientHostAddress: bytes(),
  },
)

export type EnvelopeRequest = Of<typeof EnvelopeRequest>

export const EnvelopeResponse = message(
  'EnvelopeResponse',
  { key: 58, versions: '0', flexible: '0+' },
  {
    responseData: bytes('0+', null, { nullable: '0+' }),
    errorCode: int16(),
  },
)

export type EnvelopeResponse = Of<typeof EnvelopeResponse>
