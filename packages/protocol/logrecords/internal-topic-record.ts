/**
 * All records of `__consumer_offsets`, of `__transaction_state` and of `__share_group_state`, each topic's as one union
 * told apart by `type`: the name of key and value schema without `Key` and `Value`. For tools, and for readers of a whole
 * topic; whoever keeps a few record types in shape of its own uses coordinator-record.ts, on which this stands.
 */
import type { Message, Of } from '../schema.ts'
import * as consumerOffsets from './consumer-offsets.ts'
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
} from './coordinator-record.ts'
import * as shareGroupState from './share-group-state.ts'
import * as transactionState from './transaction-state.ts'

type Schemas = { readonly [name: string]: Message }
type TypeOf<S extends Schemas> = keyof S extends infer N ? (N extends `${infer T}Key` ? T : never) : never

/** One record of a topic whose schemas are `S`. */
export type InternalTopicRecord<S extends Schemas, T extends TypeOf<S> = TypeOf<S>> = {
  [N in T]: {
    readonly type: N
    readonly key: Of<S[`${N}Key`]>
    /** null: a tombstone. */
    readonly value: Of<S[`${N}Value`]> | null
    /** Of the value's schema; -1 with a tombstone. */
    readonly version: number
  }
}[T]

/** Of a type that a later version of Kafka brought: readers pass over it (KIP-915). */
export interface UnknownRecord {
  readonly type: 'Unknown'
  readonly recordType: number
}

export interface InternalTopic<S extends Schemas> {
  encode(record: InternalTopicRecord<S>): { readonly key: Uint8Array; readonly value: Uint8Array | null }
  /** A value of an unknown version, and bytes that are no record, are a ProtocolError. */
  decode(key: Uint8Array, value: Uint8Array | null): InternalTopicRecord<S> | UnknownRecord
}

export type ConsumerOffsetsRecord = InternalTopicRecord<typeof consumerOffsets>
export type TransactionStateRecord = InternalTopicRecord<typeof transactionState>
export type ShareGroupStateRecord = InternalTopicRecord<typeof shareGroupState>

export const consumerOffsetsTopic: InternalTopic<typeof consumerOffsets> = internalTopic(consumerOffsets)
export const transactionStateTopic: InternalTopic<typeof transactionState> = internalTopic(transactionState)
export const shareGroupStateTopic: InternalTopic<typeof shareGroupState> = internalTopic(shareGroupState)

function internalTopic<S extends Schemas>(schemas: S): InternalTopic<S> {
  const byRecordType = new Map<number, CoordinatorSchema>()
  const byType = new Map<string, CoordinatorSchema>()
  for (const [name, key] of Object.entries(schemas)) {
    if (!name.endsWith('Key')) continue
    const schema = { key, value: schemas[name.replace(/Key$/, 'Value')]! }
    byRecordType.set(key.key, schema)
    byType.set(typeName(key), schema)
  }
  return {
    encode({ type, key, value, version }: { type: string; key: object; value: object | null; version: number }) {
      const schema = byType.get(type)
      if (!schema) throw new TypeError(`'${type}' is no type of record`)
      return {
        key: encodeCoordinatorKey(schema.key.key, schema.key, key),
        value: value && encodeCoordinatorValue(schema.value, version, value),
      }
    },
    decode(keyBytes, valueBytes) {
      const record = decodeCoordinatorRecord(byRecordType, keyBytes, valueBytes)
      if (!record) return { type: 'Unknown', recordType: coordinatorRecordType(keyBytes) }
      const { recordType, key, value, valueVersion } = record
      const type = typeName(byRecordType.get(recordType)!.key)
      return { type, key, value, version: valueVersion } as InternalTopicRecord<S>
    },
  }
}

function typeName(key: Message): string {
  return key.name.replace(/Key$/, '')
}
