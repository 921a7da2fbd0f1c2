/**
 * What the batches of the metadata log and of its snapshots hold: metadata records, or control records of the quorum
 * itself (who leads, who votes, where a snapshot begins and ends). A batch holds the one or the other.
 */
import {
  type BatchHeader,
  batches,
  decodeFromBytes,
  decodeMetadataRecord,
  decodeRecords,
  encodeBatch,
  encodeMetadataRecord,
  encodeToBytes,
  type Message,
  ProtocolError,
} from '@ottla/protocol'
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '@ottla/protocol/logrecords/control'
import { MetadataError } from '../errors.ts'
import type { MetadataRecord } from '../image/index.ts'

/** Kafka's bound for a batch of the metadata log: no reader takes a larger one. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024
const MAX_BATCH_RECORDS = 10_000
/** Enough for any batch header and the framing of its records. */
const RECORD_OVERHEAD_BYTES = 32

export type ControlRecord =
  | { readonly type: 'LeaderChange'; readonly value: LeaderChangeMessage }
  | { readonly type: 'SnapshotHeader'; readonly value: SnapshotHeaderRecord }
  | { readonly type: 'SnapshotFooter'; readonly value: SnapshotFooterRecord }
  | { readonly type: 'KRaftVersion'; readonly value: KRaftVersionRecord }
  | { readonly type: 'Voters'; readonly value: VotersRecord }

const SCHEMAS: Record<ControlRecord['type'], Message> = {
  LeaderChange: LeaderChangeMessage,
  SnapshotHeader: SnapshotHeaderRecord,
  SnapshotFooter: SnapshotFooterRecord,
  KRaftVersion: KRaftVersionRecord,
  Voters: VotersRecord,
}
/** In the key of the record, after a version that is 0. */
const TYPE_CODES: Record<ControlRecord['type'], number> = {
  LeaderChange: 2,
  SnapshotHeader: 3,
  SnapshotFooter: 4,
  KRaftVersion: 5,
  Voters: 6,
}
const TYPES = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as ControlRecord['type']]))
/** All of them are written, as Kafka 4.3 does, in the first version of their schema, which the value repeats. */
const CONTROL_VERSION = 0

export interface Place {
  readonly baseOffset: number
  readonly epoch: number
  readonly timestampMs: number
}

/** A batch, decoded. `records` of a control batch are none, `controls` of a data batch. */
export interface MetadataBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
  readonly timestampMs: number
  readonly sizeInBytes: number
  readonly records: readonly MetadataRecord[]
  readonly controls: readonly ControlRecord[]
}

export interface EncodedBatch {
  readonly batch: MetadataBatch
  readonly bytes: Uint8Array
}

export function encodeControlBatch(controls: readonly ControlRecord[], place: Place): EncodedBatch {
  const { baseOffset, epoch, timestampMs } = place
  const inputs = controls.map(({ type, value }) => {
    const key = Buffer.alloc(4)
    key.writeInt16BE(TYPE_CODES[type], 2)
    return { key, value: encodeToBytes(SCHEMAS[type], CONTROL_VERSION, value), timestamp: timestampMs }
  })
  const bytes = encodeBatch(inputs, { baseOffset, partitionLeaderEpoch: epoch, isControl: true })
  return { bytes, batch: { ...place, ...extent(place, controls.length, bytes), records: [], controls } }
}

/**
 * One batch if it is to be atomic, else as many as Kafka's bounds ask for. Throws a ProtocolError ERR_TOO_LARGE for an
 * atomic batch, or a single record, past them.
 */
export function* encodeDataBatches(
  records: readonly MetadataRecord[],
  place: Place,
  isAtomic: boolean,
): Generator<EncodedBatch, void> {
  let { baseOffset } = place
  let values: Uint8Array[] = []
  let sizeInBytes = 0
  const { epoch, timestampMs } = place
  const flush = (): EncodedBatch => {
    const inputs = values.map(value => ({ value, timestamp: timestampMs }))
    const bytes = encodeBatch(inputs, { baseOffset, partitionLeaderEpoch: epoch })
    const from = baseOffset - place.baseOffset
    const at = { ...place, baseOffset }
    const part = records.slice(from, from + values.length)
    baseOffset += values.length
    values = []
    sizeInBytes = 0
    return { bytes, batch: { ...at, ...extent(at, part.length, bytes), records: part, controls: [] } }
  }
  for (const record of records) {
    const value = encodeMetadataRecord(record)
    const added = value.length + RECORD_OVERHEAD_BYTES
    if (sizeInBytes + added > MAX_BATCH_BYTES || values.length === MAX_BATCH_RECORDS) {
      if (isAtomic || values.length === 0) {
        throw new ProtocolError('ERR_TOO_LARGE', `${records.length} metadata records are too many for one batch`)
      }
      yield flush()
    }
    values.push(value)
    sizeInBytes += added
  }
  if (values.length > 0) yield flush()
}

function extent({ baseOffset }: Place, count: number, bytes: Uint8Array) {
  return { lastOffset: baseOffset + count - 1, sizeInBytes: bytes.length }
}

/** Whole batches. Throws a MetadataError that names the offset: what cannot be read may not be skipped. */
export function* decodeBatches(bytes: Uint8Array): Generator<MetadataBatch, void> {
  for (const header of batches(bytes)) yield decodeBatch(bytes, header)
}

export function decodeBatch(bytes: Uint8Array, header: BatchHeader): MetadataBatch {
  const { baseOffset, lastOffset, partitionLeaderEpoch, maxTimestamp, sizeInBytes, isControl } = header
  const records: MetadataRecord[] = []
  const controls: ControlRecord[] = []
  let offset = baseOffset
  try {
    for (const { offset: at, key, value } of decodeRecords(bytes, header)) {
      offset = at
      if (value === null) throw new ProtocolError('ERR_MALFORMED', 'a metadata record has no value')
      if (isControl) controls.push(decodeControl(key, value))
      else records.push(decodeMetadataRecord(value))
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new MetadataError('ERR_BROKEN_RECORD', `offset ${offset} of the metadata log: ${cause.message}`, { cause })
  }
  const place = { baseOffset, lastOffset, epoch: partitionLeaderEpoch, timestampMs: maxTimestamp, sizeInBytes }
  return { ...place, records, controls }
}

function decodeControl(key: Uint8Array | null, value: Uint8Array): ControlRecord {
  const type = key && key.length >= 4 ? TYPES.get((key[2]! << 8) | key[3]!) : undefined
  if (!type) throw new ProtocolError('ERR_MALFORMED', 'a control record of a type that a quorum does not write')
  return { type, value: decodeFromBytes(SCHEMAS[type], CONTROL_VERSION, value) } as unknown as ControlRecord
}
