/**
 * Requests and responses with their headers, as frames: int32 size, header, body. Which header goes with a body follows
 * from whether the body's version is flexible, with one exception: the response to ApiVersions has header version 0
 * always, as its reader can't know yet what the broker speaks (KIP-511).
 */

import { flexibleSince } from './apis.ts'
import { decode, encode } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { Reader } from './reader.ts'
import { type Init, inRange, type Message, type Of } from './schema.ts'
import { Writer } from './writer.ts'

const API_VERSIONS = 18
const SIZE_BYTES = 4

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Stands at the first byte of the body. */
  readonly body: Reader
}

/** Of a frame without its size. The header of an API that nobody knows is read as the older of the two. */
export function decodeRequestHeader(frame: Uint8Array): RequestHeader {
  const body = new Reader(frame)
  const apiKey = body.int16()
  const apiVersion = body.int16()
  const correlationId = body.int32()
  const length = body.int16()
  const clientId = length < 0 ? null : body.text(length)
  if (apiVersion >= flexibleSince(apiKey)) body.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, body }
}

/** With its size in front: ready to be written. */
export function encodeRequest<M extends Message>(
  schema: M,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  value: Init<M>,
): Uint8Array[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(schema.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else writer.string(header.clientId)
  if (inRange(schema.flexible, version)) writer.uvarint(0)
  encode(schema, version, value, writer)
  return framed(writer)
}

/** With its size in front: ready to be written. */
export function encodeResponse<M extends Message>(
  schema: M,
  version: number,
  correlationId: number,
  value: Init<M>,
): Uint8Array[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasTags(schema, version)) writer.uvarint(0)
  encode(schema, version, value, writer)
  return framed(writer)
}

/** Of a frame without its size. */
export function decodeResponse<M extends Message>(
  schema: M,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Of<M> } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (hasTags(schema, version)) reader.skipTags()
  const body = decode(schema, version, reader)
  if (reader.remaining > 0) {
    throw new ProtocolError('ERR_MALFORMED', `${schema.name} v${version}: ${reader.remaining} bytes follow its end`)
  }
  return { correlationId, body }
}

function hasTags(schema: Message, version: number): boolean {
  return schema.key !== API_VERSIONS && inRange(schema.flexible, version)
}

function framed(writer: Writer): Uint8Array[] {
  const size = writer.length - SIZE_BYTES
  const chunks = writer.finish()
  const first = chunks[0]!
  new DataView(first.buffer, first.byteOffset).setInt32(0, size)
  return chunks
}
