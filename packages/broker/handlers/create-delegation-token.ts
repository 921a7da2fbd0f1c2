/**
 * CreateDelegationToken (key 38), versions 1 to 3 (KIP-48): only who has authenticated may have a token, and nobody has on
 * a listener without SASL. The answer still says whose it would have been.
 */
import { ErrorCode } from '@ottla/protocol'
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from '@ottla/protocol/messages/create-delegation-token'
import { defineHandler } from './handler.ts'

export const createDelegationToken = defineHandler({
  request: CreateDelegationTokenRequest,
  response: CreateDelegationTokenResponse,
  handle({ ownerPrincipalType, ownerPrincipalName }, { principal, apiVersion }) {
    const [type, name] = split(principal)
    // Kafka stumbles over a name without a type before it looks at the listener.
    const isBroken = Boolean(ownerPrincipalName) && ownerPrincipalType === null
    const owner =
      ownerPrincipalName && ownerPrincipalType !== null ? [ownerPrincipalType, ownerPrincipalName] : [type, name]
    return {
      errorCode: isBroken ? ErrorCode.UNKNOWN_SERVER_ERROR : ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
      principalType: owner[0]!,
      principalName: owner[1]!,
      ...(apiVersion >= 3 && { tokenRequesterPrincipalType: type, tokenRequesterPrincipalName: name }),
      issueTimestampMs: -1,
      expiryTimestampMs: -1,
      maxTimestampMs: -1,
    }
  },
})

/** `User:ANONYMOUS`; names may have colons, types don't. */
function split(principal: string): [string, string] {
  const colon = principal.indexOf(':')
  return [principal.slice(0, colon), principal.slice(colon + 1)]
}
