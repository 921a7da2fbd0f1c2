/** The keys of SCRAM (RFC 5802, RFC 7677) that a server stores. */
import { createHmac, hash } from 'node:crypto'
import { ScramMechanism } from '../image/index.ts'

const HASHES = {
  [ScramMechanism.SCRAM_SHA_256]: 'sha256',
  [ScramMechanism.SCRAM_SHA_512]: 'sha512',
} as const

/** With them a server proves that it knows the password, and sees that a client does, but can't log in as the client. */
export function scramKeys(mechanism: ScramMechanism, saltedPassword: Uint8Array) {
  const algorithm = HASHES[mechanism]
  const keyed = (text: string) => createHmac(algorithm, saltedPassword).update(text).digest()
  return {
    storedKey: new Uint8Array(hash(algorithm, keyed('Client Key'), 'buffer')),
    serverKey: new Uint8Array(keyed('Server Key')),
  }
}
