/** RenewDelegationToken (key 39), versions 1 and 2 (KIP-48): refused on a listener without SASL, as in Kafka. */
import { ErrorCode } from '@ottla/protocol'
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@ottla/protocol/messages/renew-delegation-token'
import { defineHandler } from './handler.ts'

export const renewDelegationToken = defineHandler({
  request: RenewDelegationTokenRequest,
  response: RenewDelegationTokenResponse,
  handle() {
    return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1 }
  },
})
