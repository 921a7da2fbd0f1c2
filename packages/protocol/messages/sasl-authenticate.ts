import { bytes, int16, int64, message, type Of, string } from '../schema.ts'

export const SaslAuthenticateRequest = message(
  'SaslAuthenticateRequest',
  { key: 36, versions: '0-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    authBytes: bytes(),
  },
)

export type SaslAuthenticateRequest = Of<typeof SaslAuthenticateRequest>

export const SaslAuthenticateResponse = message(
  'SaslAuthenticateResponse',
  { key: 36, versions: '0-2', flexible: '2+' },
  {
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64('1+', 0, { ignorable: true }),
  },
)

export type SaslAuthenticateResponse = Of<typeof SaslAuthenticateResponse>
