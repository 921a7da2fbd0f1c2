/**
 * Encodes and decodes messages. Each (schema, version, direction) is compiled when it is first used: the schema is
 * turned into the source of one straight-line function, where the version has already decided everything it decides.
 * Only our own schemas are compiled; no byte of a peer gets near `new Function`.
 *
 * Where code generation is forbidden (a browser's CSP, `--disallow-code-generation-from-strings`) the interpreter takes
 * its place, with the same results.
 */

import { decodeSource, encodeSource } from './codec-source.ts'
import { ProtocolError } from './errors.ts'
import { interpretDecode, interpretEncode } from './interpreter.ts'
import { Reader } from './reader.ts'
import { type Init, inRange, type Message, type Of } from './schema.ts'
import { Writer } from './writer.ts'

export type Encoder = (writer: Writer, value: object) => void
export type Decoder = (reader: Reader) => object

interface Compiled {
  readonly encoders: (Encoder | undefined)[]
  readonly decoders: (Decoder | undefined)[]
}

const compiled = new WeakMap<Message, Compiled>()
const canGenerate = mayGenerateCode()

/**
 * Appends `value` to `writer`; fields left out have their defaults. Throws ERR_UNSUPPORTED_VERSION for a version that the
 * schema lacks, and for a value that the version cannot carry; TypeError or RangeError for one of the wrong type.
 */
export function encode<M extends Message>(schema: M, version: number, value: Init<M>, writer: Writer): void {
  const { encoders } = codecOf(schema)
  encoders[version] ??= makeEncoder(schema, version)
  encoders[version](writer, value)
}

/** Reads one message; what follows it is left in the reader. Throws a ProtocolError that names message and position. */
export function decode<M extends Message>(schema: M, version: number, reader: Reader): Of<M> {
  const { decoders } = codecOf(schema)
  decoders[version] ??= makeDecoder(schema, version)
  try {
    return decoders[version](reader) as Of<M>
  } catch (error) {
    throw decodeError(error, schema, version, reader)
  }
}

/** `value` as bytes of its own. */
export function encodeToBytes<M extends Message>(schema: M, version: number, value: Init<M>): Uint8Array {
  const writer = new Writer()
  encode(schema, version, value, writer)
  const chunks = writer.finish()
  if (chunks.length === 1) return chunks[0]!
  const bytes = new Uint8Array(writer.length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** The message that `bytes` hold, no more and no less. */
export function decodeFromBytes<M extends Message>(schema: M, version: number, bytes: Uint8Array): Of<M> {
  const reader = new Reader(bytes)
  const value = decode(schema, version, reader)
  if (reader.remaining > 0) {
    throw new ProtocolError('ERR_MALFORMED', `${schema.name} v${version}: ${reader.remaining} bytes follow its end`)
  }
  return value
}

function codecOf(schema: Message): Compiled {
  let codec = compiled.get(schema)
  if (!codec) {
    codec = { encoders: [], decoders: [] }
    compiled.set(schema, codec)
  }
  return codec
}

function makeEncoder(schema: Message, version: number): Encoder {
  checkVersion(schema, version)
  if (!canGenerate) return (writer, value) => interpretEncode(schema, version, value, writer)
  return generate(encodeSource(schema, version), 'writer', 'value')
}

function makeDecoder(schema: Message, version: number): Decoder {
  checkVersion(schema, version)
  if (!canGenerate) return reader => interpretDecode(schema, version, reader)
  return generate(decodeSource(schema, version), 'reader')
}

function checkVersion(schema: Message, version: number): void {
  if (inRange(schema.versions, version)) return
  const { min, max } = schema.versions
  throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `${schema.name} has versions ${min} to ${max}, not ${version}`)
}

/** What generated code calls; everything else in it is plain JavaScript. */
const runtime = {
  malformed(what: string, at: number): never {
    throw new ProtocolError('ERR_MALFORMED', `${what} at byte ${at}`)
  },
  unsupported(field: string): never {
    throw new ProtocolError(
      'ERR_UNSUPPORTED_VERSION',
      `field ${field} can't be left at its default, and this version lacks it`,
    )
  },
  isNull(field: string): never {
    throw new TypeError(`field ${field} can't be null`)
  },
  noBytes: new Uint8Array(0),
  none: Object.freeze([]),
  empty: Object.freeze({}),
}
export type Runtime = typeof runtime

function generate<F>(source: string, ...parameters: string[]): F {
  return new Function('runtime', `return function (${parameters.join(', ')}) {\n${source}\n}`)(runtime) as F
}

function mayGenerateCode(): boolean {
  try {
    new Function('')
    return true
  } catch {
    return false
  }
}

function decodeError(error: unknown, schema: Message, version: number, reader: Reader): unknown {
  const where = `${schema.name} v${version}`
  if (error instanceof ProtocolError)
    return new ProtocolError(error.code, `${where}: ${error.message}`, { cause: error })
  // DataView's: the reader spans exactly the frame.
  if (error instanceof RangeError)
    return new ProtocolError(
      'ERR_TRUNCATED',
      `${where} goes on after byte ${reader.bytes.length}, where its bytes end`,
      { cause: error },
    )
  return error
}
