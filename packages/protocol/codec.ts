/**
 * Encodes and decodes messages. Each (schema, version, direction) is compiled when it is first used, into the source of
 * one function (codec-source.ts) or, where code generation is forbidden (a browser's CSP,
 * `--disallow-code-generation-from-strings`), into closures (codec-closures.ts). Only our own schemas are compiled; no
 * byte of a peer gets near `new Function`.
 */

import { closureDecoder, closureEncoder } from './codec-closures.ts'
import { decodeSource, encodeSource, type Runtime } from './codec-source.ts'
import { ProtocolError } from './errors.ts'
import { Reader } from './reader.ts'
import { type Init, inRange, type Message, type Of } from './schema.ts'
import { utf8Read, uuidRead } from './text.ts'
import { Writer } from './writer.ts'

export type Encoder = (writer: Writer, value: object) => void
export type Decoder = (reader: Reader) => object

/** By version. */
interface Compiled {
  readonly encoders: (Encoder | undefined)[]
  readonly decoders: (Decoder | undefined)[]
  /** Closures that say why the generated code has refused. */
  readonly explainers: (Decoder | undefined)[]
}

const compiled = new WeakMap<Message, Compiled>()

/** False: closures do the work. */
export const generatesCode = mayGenerateCode()

/**
 * Appends `value` to `writer`; fields left out have their defaults. Throws a ProtocolError ERR_UNSUPPORTED_VERSION for a
 * version that the schema lacks, and for a value that the version cannot carry; TypeError or RangeError for a value of
 * the wrong type. The writer is of no use after that.
 */
export function encode<M extends Message>(schema: M, version: number, value: Init<M>, writer: Writer): void {
  const { encoders } = codecOf(schema)
  encoders[version] ??= makeEncoder(schema, version)
  try {
    encoders[version](writer, value)
  } catch (error) {
    throw generatesCode ? whyNotEncoded(schema, version, value, error) : error
  }
}

/**
 * Reads one message; what follows it is left in the reader. Throws a ProtocolError that names message, field and position;
 * ERR_TOO_LARGE if the message has more elements than the reader allows.
 */
export function decode<M extends Message>(schema: M, version: number, reader: Reader): Of<M> {
  const { decoders } = codecOf(schema)
  decoders[version] ??= makeDecoder(schema, version)
  const { position: start, elementsLeft } = reader
  try {
    return decoders[version](reader) as Of<M>
  } catch (error) {
    throw generatesCode ? whyNotDecoded(schema, version, new Reader(reader.bytes, start, elementsLeft), error) : error
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
  assertEnd(schema, version, reader)
  return value
}

/** Throws a ProtocolError if anything is left in `reader`. */
export function assertEnd(schema: Message, version: number, reader: Reader): void {
  if (reader.remaining === 0) return
  throw new ProtocolError('ERR_MALFORMED', `${schema.name} v${version}: ${reader.remaining} bytes follow its end`)
}

function codecOf(schema: Message): Compiled {
  let codec = compiled.get(schema)
  if (!codec) {
    codec = { encoders: [], decoders: [], explainers: [] }
    compiled.set(schema, codec)
  }
  return codec
}

function makeEncoder(schema: Message, version: number): Encoder {
  checkVersion(schema, version)
  return generatesCode ? generate(encodeSource(schema, version)) : closureEncoder(schema, version)
}

function makeDecoder(schema: Message, version: number): Decoder {
  checkVersion(schema, version)
  return generatesCode ? generate(decodeSource(schema, version)) : closureDecoder(schema, version)
}

function checkVersion(schema: Message, version: number): void {
  if (Number.isInteger(version) && inRange(schema.versions, version)) return
  const { min, max } = schema.versions
  throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `${schema.name} has versions ${min} to ${max}, not ${version}`)
}

const runtime: Runtime = {
  fail(): never {
    throw new ProtocolError('ERR_MALFORMED', 'refused by generated code')
  },
  unsupported(): never {
    throw new ProtocolError('ERR_UNSUPPORTED_VERSION', 'refused by generated code')
  },
  utf8Read,
  uuidRead,
  noBytes: new Uint8Array(0),
  noElements: Object.freeze([]),
  noFields: Object.freeze({}),
}

function generate<F>(source: string): F {
  return new Function('runtime', source)(runtime) as F
}

function mayGenerateCode(): boolean {
  try {
    new Function('')
    return true
  } catch {
    return false
  }
}

/** The generated code has refused; the closures go the same way again, and find out where. */
function whyNotDecoded(schema: Message, version: number, reader: Reader, refusal: unknown): unknown {
  const { explainers } = codecOf(schema)
  explainers[version] ??= closureDecoder(schema, version)
  try {
    explainers[version](reader)
  } catch (reason) {
    return reason
  }
  return new Error(`generated code refuses what ${schema.name} v${version} may be`, { cause: refusal })
}

function whyNotEncoded(schema: Message, version: number, value: object, refusal: unknown): unknown {
  try {
    closureEncoder(schema, version)(new Writer(), value)
  } catch (reason) {
    return reason
  }
  return new Error(`generated code refuses what ${schema.name} v${version} may be`, { cause: refusal })
}
