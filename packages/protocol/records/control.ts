/**
 * Control records: what brokers write among the records for each other, and consumers never see. The end of a transaction
 * in any partition, and in a quorum's log elections, snapshots and voters. The key is a version and a type; the value
 * depends on the type. The messages themselves are in logrecords/control.ts.
 */
import { decode, decodeFromBytes, encodeToBytes } from '../codec.ts'
import { ProtocolError } from '../errors.ts'
import {
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../logrecords/control.ts'
import { Reader } from '../reader.ts'
import type { Init, Message, Of } from '../schema.ts'
import { type BatchOptions, type BuilderOptions, encodeBatch } from './builder.ts'
import { int16At, setInt16 } from './bytes.ts'

/** Type in the key, by name. */
export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const
export type ControlType = keyof typeof ControlType

/** A decoded control record. Types that this version does not know are 'UNKNOWN', to be passed over. */
export type ControlRecord =
  | { readonly type: 'ABORT' | 'COMMIT'; readonly coordinatorEpoch: number }
  | { readonly type: 'LEADER_CHANGE'; readonly message: LeaderChangeMessage }
  | { readonly type: 'SNAPSHOT_HEADER'; readonly message: SnapshotHeaderRecord }
  | { readonly type: 'SNAPSHOT_FOOTER'; readonly message: SnapshotFooterRecord }
  | { readonly type: 'KRAFT_VERSION'; readonly message: KRaftVersionRecord }
  | { readonly type: 'KRAFT_VOTERS'; readonly message: VotersRecord }
  | { readonly type: 'UNKNOWN'; readonly id: number }

/** A control record of a quorum's log, to be written. */
export type QuorumControlRecord =
  | { readonly type: 'LEADER_CHANGE'; readonly message: Init<typeof LeaderChangeMessage> }
  | { readonly type: 'SNAPSHOT_HEADER'; readonly message: Init<typeof SnapshotHeaderRecord> }
  | { readonly type: 'SNAPSHOT_FOOTER'; readonly message: Init<typeof SnapshotFooterRecord> }
  | { readonly type: 'KRAFT_VERSION'; readonly message: Init<typeof KRaftVersionRecord> }
  | { readonly type: 'KRAFT_VOTERS'; readonly message: Init<typeof VotersRecord> }

const KEY_BYTES = 4
const END_TXN_MARKER_VERSION = 0

const NAMES = new Map<number, ControlType>(Object.entries(ControlType).map(([name, id]) => [id, name as ControlType]))

const SCHEMAS = {
  LEADER_CHANGE: LeaderChangeMessage,
  SNAPSHOT_HEADER: SnapshotHeaderRecord,
  SNAPSHOT_FOOTER: SnapshotFooterRecord,
  KRAFT_VERSION: KRaftVersionRecord,
  KRAFT_VOTERS: VotersRecord,
}

/** Throws ERR_MALFORMED for a key or value that no version of Kafka writes. Versions above ours are read as our highest. */
export function decodeControlRecord(record: {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}): ControlRecord {
  const id = typeIn(record.key)
  const type = NAMES.get(id)
  if (type === undefined) return { type: 'UNKNOWN', id }
  const { value } = record
  if (value === null || value.length < 2) throw malformed(`${type} has a value of ${value?.length ?? 'no'} bytes`)
  const version = int16At(value, 0)
  if (version < 0) throw malformed(`${type} has version ${version}`)
  if (type === 'ABORT' || type === 'COMMIT') {
    return { type, coordinatorEpoch: decodeKnown(EndTxnMarker, version, value.subarray(2)).coordinatorEpoch }
  }
  // The version is the message's first field, and part of it.
  return { type, message: decodeKnown(SCHEMAS[type], version, value) } as ControlRecord
}

/** What a later version adds comes after what this one knows. */
function decodeKnown<M extends Message>(schema: M, version: number, bytes: Uint8Array): Of<M> {
  const { max } = schema.versions
  return version > max ? decode(schema, max, new Reader(bytes)) : decodeFromBytes(schema, version, bytes)
}

function typeIn(key: Uint8Array | null): number {
  if (key === null || key.length < KEY_BYTES) throw malformed(`has a key of ${key?.length ?? 'no'} bytes`)
  const version = int16At(key, 0)
  if (version < 0) throw malformed(`has key version ${version}`)
  return int16At(key, 2)
}

function keyOf(type: ControlType): Uint8Array {
  const key = new Uint8Array(KEY_BYTES)
  setInt16(key, 2, ControlType[type])
  return key
}

export interface EndTxnMarkerOptions {
  readonly baseOffset?: number
  readonly timestamp: number
  readonly partitionLeaderEpoch?: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
}

/** The batch that ends a transaction in a partition. */
export function encodeEndTxnMarker(result: 'ABORT' | 'COMMIT', options: EndTxnMarkerOptions): Uint8Array {
  const { coordinatorEpoch, timestamp } = options
  const body = encodeToBytes(EndTxnMarker, END_TXN_MARKER_VERSION, { coordinatorEpoch })
  const value = new Uint8Array(2 + body.length)
  setInt16(value, 0, END_TXN_MARKER_VERSION)
  value.set(body, 2)
  const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch } = options
  const header = { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, isTransactional: true, isControl: true }
  return encodeBatch([{ key: keyOf(result), value, timestamp }], header)
}

export interface QuorumControlOptions {
  readonly baseOffset: number
  readonly timestamp: number
  readonly partitionLeaderEpoch: number
}

/** A batch of control records for a quorum's log or snapshot. The version written is the message's own `version` field. */
export function encodeQuorumControl(
  records: readonly QuorumControlRecord[],
  { baseOffset, timestamp, partitionLeaderEpoch }: QuorumControlOptions,
): Uint8Array {
  const header: BatchOptions & BuilderOptions = { baseOffset, partitionLeaderEpoch, isControl: true }
  const inputs = records.map(({ type, message }) => {
    const value = encodeToBytes<Message>(SCHEMAS[type], message.version ?? 0, message)
    return { key: keyOf(type), value, timestamp }
  })
  return encodeBatch(inputs, header)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', `control record ${what}`)
}
