/**
 * SaslHandshake (key 17), versions 0 and 1: out of place on a listener without SASL, where nobody has to say who they are;
 * no mechanism is named.
 */
import { ErrorCode } from '@ottla/protocol'
import { SaslHandshakeRequest, SaslHandshakeResponse } from '@ottla/protocol/messages/sasl-handshake'
import { defineHandler } from './handler.ts'

export const saslHandshake = defineHandler({
  request: SaslHandshakeRequest,
  response: SaslHandshakeResponse,
  handle() {
    return { errorCode: ErrorCode.ILLEGAL_SASL_STATE }
  },
})
