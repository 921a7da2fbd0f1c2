import { array, bytes, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const CreateDelegationTokenRequest = message(
  'CreateDelegationTokenRequest',
  { key: 38, versions: '1-3', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    ownerPrincipalType: string('3+', '', { nullable: '3+' }),
    ownerPrincipalName: string('3+', '', { nullable: '3+' }),
    renewers: array({
      principalType: string(),
      principalName: string(),
    }),
    maxLifetimeMs: int64(),
  },
)

export type CreateDelegationTokenRequest = Of<typeof CreateDelegationTokenRequest>

export const CreateDelegationTokenResponse = message(
  'CreateDelegationTokenResponse',
  { key: 38, versions: '1-3', flexible: '2+' },
  {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
)

export type CreateDelegationTokenResponse = Of<typeof CreateDelegationTokenResponse>
