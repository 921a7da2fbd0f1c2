/**
 * Chooses a SASL mechanism. Never flexible: old clients could not negotiate it.
 *
 *  0  raw tokens follow      1  SaslAuthenticate requests follow
 */
import { array, int16, message, type Of, string } from '../schema.ts'

export const SaslHandshakeRequest = message(
  'SaslHandshakeRequest',
  { key: 17, versions: '0-1', flexible: 'none', listeners: ['broker', 'controller'] },
  {
    mechanism: string(),
  },
)

export type SaslHandshakeRequest = Of<typeof SaslHandshakeRequest>

export const SaslHandshakeResponse = message(
  'SaslHandshakeResponse',
  { key: 17, versions: '0-1', flexible: 'none' },
  {
    errorCode: int16(),
    mechanisms: array(string()),
  },
)

export type SaslHandshakeResponse = Of<typeof SaslHandshakeResponse>
