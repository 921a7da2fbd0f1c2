/**
 * `--add-scram 'SCRAM-SHA-256=[name=alice,password=alice-secret]'`: a user whom a cluster knows from its first record on. What
 * is written are keys from which the password can't be had again.
 */
import { pbkdf2Sync } from 'node:crypto'
import { scramKeys } from '@ottla/broker'
import { ScramMechanism } from '@ottla/broker/image'
import type { UserScramCredentialRecord } from '@ottla/protocol'
import { ToolError } from './java/errors.ts'

const MECHANISMS = {
  'SCRAM-SHA-256': { mechanism: ScramMechanism.SCRAM_SHA_256, hash: 'sha256', bytes: 32, shown: 'SCRAM_SHA_256' },
  'SCRAM-SHA-512': { mechanism: ScramMechanism.SCRAM_SHA_512, hash: 'sha512', bytes: 64, shown: 'SCRAM_SHA_512' },
} as const

const DEFAULT_ITERATIONS = 4096
const MIN_ITERATIONS = 4096
const MAX_ITERATIONS = 16_384
const SALT_BYTES = 20

/** `randomBytes` makes salts. */
export function scramCredential(text: string, randomBytes: (count: number) => Uint8Array): UserScramCredentialRecord {
  const { name, parts } = parse(text.trim())
  const { mechanism, hash, bytes, shown } = MECHANISMS[name]
  const { user, salt: ownSalt, iterations = DEFAULT_ITERATIONS, password, saltedPassword } = wanted(parts)
  if (iterations < MIN_ITERATIONS)
    throw new ToolError(`The 'iterations' value must be >= ${MIN_ITERATIONS} for add-scram using ${shown}`)
  if (iterations > MAX_ITERATIONS)
    throw new ToolError(`The 'iterations' value must be <= ${MAX_ITERATIONS} for add-scram using ${shown}`)
  const salt = ownSalt ?? randomBytes(SALT_BYTES)
  const salted = password === undefined ? saltedPassword! : pbkdf2Sync(password, salt, iterations, bytes, hash)
  return { name: user, mechanism, salt: new Uint8Array(salt), iterations, ...scramKeys(mechanism, salted) }
}

interface Parsed {
  readonly name: keyof typeof MECHANISMS
  readonly parts: ReadonlyMap<string, string>
}

function parse(text: string): Parsed {
  const at = text.indexOf('=')
  if (at < 0) throw new ToolError(`Failed to find equals sign in SCRAM argument '${text}'`)
  const name = text.slice(0, at)
  const given = text.slice(at + 1)
  if (!Object.hasOwn(MECHANISMS, name)) throw new ToolError(`The add-scram mechanism ${name} is not supported.`)
  if (!given.startsWith('[')) throw new ToolError('Expected configuration string to start with [')
  if (!given.endsWith(']')) throw new ToolError('Expected configuration string to end with ]')
  const parts = new Map<string, string>()
  // As in Java, commas at the end count for nothing.
  for (const part of given.slice(1, -1).replace(/,+$/, '').split(',')) {
    const equals = part.indexOf('=')
    if (equals < 0) throw new ToolError(`No equals sign found in SCRAM component: ${part}`)
    parts.set(part.slice(0, equals), part.slice(equals + 1).replace(/^"(.*)"$/s, '$1'))
  }
  return { name: name as Parsed['name'], parts }
}

interface Wanted {
  readonly user: string
  readonly salt?: Buffer
  readonly iterations?: number
  readonly password?: string
  readonly saltedPassword?: Buffer
}

const KNOWN = ['name', 'salt', 'iterations', 'password', 'saltedpassword']

function wanted(parts: ReadonlyMap<string, string>): Wanted {
  const [user, salt, iterations, password, saltedPassword] = KNOWN.map(name => parts.get(name))
  if (user === undefined) throw new ToolError("You must supply 'name' to add-scram")
  const found: { -readonly [K in keyof Wanted]: Wanted[K] } = { user }
  if (salt !== undefined) found.salt = base64(salt, 'salt')
  if (iterations !== undefined) {
    if (!/^[+-]?\d{1,10}$/.test(iterations)) throw new ToolError(`Failed to parse iterations count: ${iterations}`)
    found.iterations = Number(iterations)
  }
  if (password !== undefined) found.password = password
  else if (saltedPassword === undefined)
    throw new ToolError("You must supply one of 'password' or 'saltedpassword' to add-scram")
  else if (salt === undefined) throw new ToolError("You must supply 'salt' with 'saltedpassword' to add-scram")
  else found.saltedPassword = base64(saltedPassword, 'saltedPassword')
  const unknown = [...parts.keys()].filter(name => !KNOWN.includes(name)).sort()
  if (unknown.length > 0) throw new ToolError(`Unknown SCRAM configurations: ${unknown.join(', ')}`)
  return found
}

function base64(text: string, what: string): Buffer {
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2,3}={0,2})?$/.test(text))
    throw new ToolError(`Failed to decode given ${what}: ${text}`)
  return Buffer.from(text, 'base64')
}
