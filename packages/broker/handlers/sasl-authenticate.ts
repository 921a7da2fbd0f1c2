/** SaslAuthenticate (key 36), versions 0 to 2: out of place on a listener without SASL, in the words of Kafka. */
import { ErrorCode } from '@ottla/protocol'
import { SaslAuthenticateRequest, SaslAuthenticateResponse } from '@ottla/protocol/messages/sasl-authenticate'
import { defineHandler } from './handler.ts'

export const saslAuthenticate = defineHandler({
  request: SaslAuthenticateRequest,
  response: SaslAuthenticateResponse,
  handle() {
    const errorMessage = 'SaslAuthenticate request received after successful authentication'
    return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage }
  },
})
