/**
 * The records of `__consumer_offsets`, `__transaction_state` and `__share_group_state`: key and value each begin with an
 * int16, the record type in the key, the version of its schema in the value.
 */
import { decode, encode } from '../codec.ts'
import { Reader } from '../reader.ts'
import type { Init, Message } from '../schema.ts'
import { Writer } from '../writer.ts'

/** What a record type's key and value look like. */
export interface CoordinatorSchema<K extends Message = Message, V extends Message = Message> {
  readonly key: K
  readonly value: V
}

/** Schemas by record type. */
export type CoordinatorSchemas = ReadonlyMap<number, CoordinatorSchema>

export interface DecodedCoordinatorRecord {
  readonly recordType: number
  readonly key: object
  /** null: a tombstone. */
  readonly value: object | null
  /** Of the value's schema; -1 for a tombstone. */
  readonly valueVersion: number
}

/** The record type is the schema's `key`. */
export function encodeCoordinatorKey<K extends Message>(recordType: number, schema: K, value: Init<K>): Uint8Array {
  const writer = new Writer(64)
  writer.int16(recordType)
  encode(schema, schema.versions.max, value, writer)
  return writer.finish()[0]!
}

export function encodeCoordinatorValue<V extends Message>(schema: V, version: number, value: Init<V>): Uint8Array {
  const writer = new Writer(128)
  writer.int16(version)
  encode(schema, version, value, writer)
  return writer.finish()[0]!
}

/**
 * null for a record type that `schemas` lacks: whoever reads the log decides what to do with it. An unknown version of
 * the value and bytes that end too early are a ProtocolError; bytes behind the body are ignored, as Kafka does.
 */
export function decodeCoordinatorRecord(
  schemas: CoordinatorSchemas,
  key: Uint8Array,
  value: Uint8Array | null,
): DecodedCoordinatorRecord | null {
  const recordType = coordinatorRecordType(key)
  const schema = schemas.get(recordType)
  if (!schema) return null
  const decodedKey = decode(schema.key, schema.key.versions.max, new Reader(key, 2))
  if (value === null) return { recordType, key: decodedKey, value: null, valueVersion: -1 }
  const reader = new Reader(value)
  const valueVersion = reader.int16()
  return { recordType, key: decodedKey, value: decode(schema.value, valueVersion, reader), valueVersion }
}

export function coordinatorRecordType(key: Uint8Array): number {
  return new Reader(key).int16()
}
