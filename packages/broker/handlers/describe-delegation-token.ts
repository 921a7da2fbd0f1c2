/** DescribeDelegationToken (key 41), versions 1 to 3 (KIP-48): refused on a listener without SASL, as in Kafka. */
import { ErrorCode } from '@ottla/protocol'
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from '@ottla/protocol/messages/describe-delegation-token'
import { defineHandler } from './handler.ts'

export const describeDelegationToken = defineHandler({
  request: DescribeDelegationTokenRequest,
  response: DescribeDelegationTokenResponse,
  handle() {
    return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED }
  },
})
