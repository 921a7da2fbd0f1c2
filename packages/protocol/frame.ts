/**
 * Requests and responses with their headers, as frames: int32 size, header, body. Which header goes with a body follows
 * from whether the body's version is flexible, with one exception: the response to ApiVersions has header version 0
 * always, as its reader can't know yet what the broker speaks (KIP-511).
 *
 * The headers are written and read by hand: two integers and a string, for every request there is.
 */

import { ApiKey, flexibleSince } from './apis.ts'
import { assertEnd, decode, encode } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { Reader } from './reader.ts'
import { type Init, inRange, type Message, type Of } from './schema.ts'
import { Writer } from './writer.ts'

const SIZE_BYTES = 4

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Stands at the first byte of the body. */
  readonly body: Reader
}

/**
 * Of a frame without its size. Throws a ProtocolError. The header of an API that nobody knows is read as the older of the
 * two.
 */
export function decodeRequestHeader(frame: Uint8Array): RequestHeader {
  const body = new Reader(frame)
  try {
    const apiKey = body.int16()
    const apiVersion = body.int16()
    const correlationId = body.int32()
    // An int16 in the newer header too, whose other strings would have a varint: it is read before the version is known.
    const length = body.int16()
    const clientId = length < 0 ? null : body.text(length)
    if (apiVersion >= flexibleSince(apiKey)) body.skipTags()
    return { apiKey, apiVersion, correlationId, clientId, body }
  } catch (error) {
    throw inHeader(error, 'RequestHeader')
  }
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
  if (responseHasTags(schema, version)) writer.uvarint(0)
  encode(schema, version, value, writer)
  return framed(writer)
}

/** Of a frame without its size. Throws a ProtocolError. */
export function decodeResponse<M extends Message>(
  schema: M,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Of<M> } {
  const reader = new Reader(frame)
  const correlationId = decodeResponseHeader(reader, responseHasTags(schema, version))
  const body = decode(schema, version, reader)
  assertEnd(schema, version, reader)
  return { correlationId, body }
}

function decodeResponseHeader(reader: Reader, hasTags: boolean): number {
  try {
    const correlationId = reader.int32()
    if (hasTags) reader.skipTags()
    return correlationId
  } catch (error) {
    throw inHeader(error, 'ResponseHeader')
  }
}

function responseHasTags(schema: Message, version: number): boolean {
  return schema.key !== ApiKey.ApiVersions && inRange(schema.flexible, version)
}

function inHeader(error: unknown, name: string): unknown {
  return error instanceof ProtocolError
    ? new ProtocolError(error.code, `${name}: ${error.message}`, { cause: error })
    : error
}

function framed(writer: Writer): Uint8Array[] {
  const size = writer.length - SIZE_BYTES
  const chunks = writer.finish()
  const first = chunks[0]!
  first[0] = size >>> 24
  first[1] = size >>> 16
  first[2] = size >>> 8
  first[3] = size
  return chunks
}
