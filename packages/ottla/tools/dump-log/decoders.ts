/**
 * What `kafka-dump-log` shows for a record's key and value: text, numbers, or the JSON of what the cluster keeps in its own
 * topics. What can't be decoded is told in the place of the key, and the next record is read.
 */
import {
  type CoordinatorSchema,
  type CoordinatorSchemas,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  decodeFromBytes,
  decodeMetadataRecord,
  type KafkaRecord,
  type Message,
  ProtocolError,
} from '@ottla/protocol'
import * as clusterMetadata from '@ottla/protocol/logrecords/cluster-metadata'
import * as consumerOffsets from '@ottla/protocol/logrecords/consumer-offsets'
import * as shareGroupState from '@ottla/protocol/logrecords/share-group-state'
import * as transactionState from '@ottla/protocol/logrecords/transaction-state'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import { ToolError } from '../java/errors.ts'
import { type BytesReader, messageJson } from '../java/message-json.ts'

/** null: there is none, and nothing is printed for it. */
export interface Shown {
  readonly key: string | null
  readonly value: string | null
}

export type RecordDecoder = (record: KafkaRecord) => Shown

type BytesDecoder = (bytes: Uint8Array) => string

const PACKAGE = 'org.apache.kafka.tools.api.'
export const STRING_DECODER = `${PACKAGE}StringDecoder`

/** Apache Kafka's own, by the names of their classes. */
const BYTES_DECODERS: Readonly<Record<string, BytesDecoder>> = {
  [STRING_DECODER]: bytes => Buffer.from(bytes).toString('utf8'),
  [`${PACKAGE}IntegerDecoder`]: bytes => String(sized(bytes, 4).readInt32BE()),
  [`${PACKAGE}LongDecoder`]: bytes => String(sized(bytes, 8).readBigInt64BE()),
  // Java's prints where the array is in memory; these are the bytes.
  [`${PACKAGE}DefaultDecoder`]: bytes => Buffer.from(bytes).toString('hex'),
}

function sized(bytes: Uint8Array, size: number): Buffer {
  if (bytes.length < size)
    throw new ToolError(`${bytes.length} bytes are too few for this decoder`, 'java.nio.BufferUnderflowException')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

export function bytesDecoder(keyClass: string, valueClass: string): RecordDecoder {
  const ofValue = decoderClass(valueClass)
  const ofKey = decoderClass(keyClass)
  return ({ key, value }) => ({ key: key && ofKey(key), value: value && ofValue(value) })
}

function decoderClass(name: string): BytesDecoder {
  const decoder = BYTES_DECODERS[name]
  if (decoder) return decoder
  const known = Object.keys(BYTES_DECODERS).join(', ')
  throw new ToolError(`Failed to load decoder class ${name}: there are ${known}`, 'java.lang.RuntimeException')
}

// ------------------------------------------------------------------------------------------- the cluster's own topics

type Schemas = Readonly<Record<string, Message>>
type ValueJson = (schema: Message, version: number, value: object) => string

export const offsetsDecoder: RecordDecoder = coordinatorDecoder(consumerOffsets, (schema, version, value) => {
  const isConsumers = (value as { protocolType?: string }).protocolType === 'consumer'
  return messageJson(schema, version, value, isConsumers ? consumerProtocolJson : undefined)
})

export const transactionLogDecoder: RecordDecoder = coordinatorDecoder(transactionState, messageJson)
export const shareGroupStateDecoder: RecordDecoder = coordinatorDecoder(shareGroupState, messageJson)

function coordinatorDecoder(schemas: Schemas, valueJson: ValueJson): RecordDecoder {
  const byRecordType: CoordinatorSchemas = new Map(
    Object.entries(schemas)
      .filter(([name]) => name.endsWith('Key'))
      .map(([name, key]): [number, CoordinatorSchema] => [
        key.key,
        { key, value: schemas[name.replace(/Key$/, 'Value')]! },
      ]),
  )
  return ({ offset, key, value }) => {
    if (!key)
      throw new ToolError(
        `Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`,
        'java.lang.RuntimeException',
      )
    try {
      const record = decodeCoordinatorRecord(byRecordType, key, value)
      if (!record) {
        const type = coordinatorRecordType(key)
        return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, value: null }
      }
      const schema = byRecordType.get(record.recordType)!
      const shownKey = `{"type":"${record.recordType}","data":${messageJson(schema.key, 0, record.key)}}`
      if (!record.value) return { key: shownKey, value: '<DELETE>' }
      const json = valueJson(schema.value, record.valueVersion, record.value)
      return { key: shownKey, value: `{"version":"${record.valueVersion}","data":${json}}` }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { key: `Error at offset ${offset}, skipping. ${error.message}`, value: null }
    }
  }
}

/** What members of a classic group of consumers say of themselves, and what they are told: bytes that have a schema. */
const consumerProtocolJson: BytesReader = (field, bytes) => {
  const schema = { subscription: ConsumerProtocolSubscription, assignment: ConsumerProtocolAssignment }[field]
  if (!schema || bytes.length < 2) return null
  const version = (bytes[0]! << 8) | bytes[1]!
  try {
    return messageJson(schema, version, decodeFromBytes<Message>(schema, version, bytes.subarray(2)))
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

const METADATA_SCHEMAS: Schemas = clusterMetadata

export const clusterMetadataDecoder: RecordDecoder = ({ offset, value }) => {
  try {
    if (!value) throw new ProtocolError('ERR_MALFORMED', 'the record has no value')
    const record = decodeMetadataRecord(value)
    const json = messageJson(METADATA_SCHEMAS[record.type]!, record.version, record.value)
    return { key: null, value: `{"type":"${recordTypeName(record.type)}","version":${record.version},"data":${json}}` }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { key: null, value: `Error at ${offset}, skipping. ${error.message}` }
  }
}

/** `FeatureLevelRecord` is FEATURE_LEVEL_RECORD. */
function recordTypeName(type: string): string {
  return type.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase()
}
