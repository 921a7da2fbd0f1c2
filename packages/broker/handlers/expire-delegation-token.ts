/** ExpireDelegationToken (key 40), versions 1 and 2 (KIP-48): refused on a listener without SASL, as in Kafka. */
import { ErrorCode } from '@ottla/protocol'
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from '@ottla/protocol/messages/expire-delegation-token'
import { defineHandler } from './handler.ts'

export const expireDelegationToken = defineHandler({
  request: ExpireDelegationTokenRequest,
  response: ExpireDelegationTokenResponse,
  handle() {
    return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1 }
  },
})
