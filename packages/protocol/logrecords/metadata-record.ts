/**
 * The records of `__cluster_metadata`: what the value of each holds, as one union told apart by `type`.
 *
 *     value: frame version uvarint (1) | record type uvarint | version uvarint | body
 */
import { assertEnd, decode, encode } from '../codec.ts'
import { ProtocolError } from '../errors.ts'
import { Reader } from '../reader.ts'
import type { Message, Of } from '../schema.ts'
import { Writer } from '../writer.ts'
import * as clusterMetadata from './cluster-metadata.ts'

const schemas = clusterMetadata as typeof clusterMetadata & Record<string, Message>
type Schemas = { [K in keyof typeof clusterMetadata]: (typeof clusterMetadata)[K] }

export type MetadataRecordType = keyof Schemas
export type MetadataRecordOf<T extends MetadataRecordType> = {
  readonly type: T
  /** Of the body's schema. */
  readonly version: number
  readonly value: Of<Schemas[T]>
}
export type MetadataRecord = { [T in MetadataRecordType]: MetadataRecordOf<T> }[MetadataRecordType]

const FRAME_VERSION = 1

const byKey = new Map<number, Message>(Object.values<Message>(schemas).map(schema => [schema.key, schema]))

export function encodeMetadataRecord(record: MetadataRecord): Uint8Array {
  const schema: Message = schemas[record.type]
  const writer = new Writer(128)
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(schema.key)
  writer.uvarint(record.version)
  encode(schema, record.version, record.value, writer)
  return writer.finish()[0]!
}

/** Throws a ProtocolError for anything that this version does not know whole: the metadata log may not be read past it. */
export function decodeMetadataRecord(bytes: Uint8Array): MetadataRecord {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION)
    throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `metadata record of frame version ${frameVersion}`)
  const key = reader.uvarint()
  const version = reader.uvarint()
  const schema = byKey.get(key)
  if (!schema) throw new ProtocolError('ERR_MALFORMED', `metadata record of the unknown type ${key}`)
  const value = decode(schema, version, reader)
  assertEnd(schema, version, reader)
  return { type: schema.name, version, value } as MetadataRecord
}
