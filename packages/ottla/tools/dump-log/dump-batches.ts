/** `kafka-dump-log` of a segment or a snapshot: a line for each batch, and with deep iteration one for each of its records. */
import {
  addToSequence,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  CURRENT_MAGIC,
  DEFAULT_MAX_DECOMPRESSED_BYTES,
  decodeControlRecord,
  decodeRecords,
  decompress,
  type KafkaRecord,
  lastSequence,
  type Message,
  NO_SEQUENCE,
  nextBatch,
  ProtocolError,
  RecordCursor,
  verifyBatch,
} from '@ottla/protocol'
import * as control from '@ottla/protocol/logrecords/control'
import { messageJson } from '../java/message-json.ts'
import type { RecordDecoder } from './decoders.ts'
import { type Output, optionalLong } from './output.ts'
import type { FileBatch, SegmentFile } from './segment-file.ts'

export interface BatchDumpOptions {
  readonly isDeep: boolean
  readonly printsContents: boolean
  readonly skipsMetadata: boolean
  readonly decode: RecordDecoder
  /** null: all of the file. */
  readonly maxBytes: number | null
}

/** Offsets after which not the next one follows, by the one before. */
export type Gaps = Map<number, number>

export async function dumpBatches(
  file: SegmentFile,
  name: string,
  options: BatchDumpOptions,
  output: Output,
): Promise<Gaps> {
  const gaps: Gaps = new Map()
  const { maxBytes } = options
  const end = Math.min(file.sizeInBytes, maxBytes ?? file.sizeInBytes)
  let validBytes = 0
  let lastOffset = -1
  for (const batch of file.batches(0, end)) {
    output.line(batchLine(batch))
    if (options.isDeep) {
      for (const record of recordsOf(batch)) {
        if (record.offset !== lastOffset + 1) gaps.set(lastOffset, record.offset)
        lastOffset = record.offset
        output.line(recordLine(batch, record, options))
        if (output.isFull) await output.flush()
      }
    }
    validBytes += batch.bytes.length
    if (output.isFull) await output.flush()
  }
  const trailing = end - validBytes
  if (trailing > 0 && maxBytes === null) output.line(`Found ${trailing} invalid bytes at the end of ${name}`)
  return gaps
}

function batchLine({ header, bytes, position }: FileBatch): string {
  const { magic, codec, crc, isControl, isTransactional, producerId, producerEpoch } = header
  const own =
    magic < CURRENT_MAGIC
      ? `offset: ${header.lastOffset}`
      : `baseOffset: ${header.baseOffset} lastOffset: ${header.lastOffset} count: ${header.count}` +
        ` baseSequence: ${header.baseSequence} lastSequence: ${lastSequence(header)}` +
        ` producerId: ${producerId} producerEpoch: ${producerEpoch}` +
        ` partitionLeaderEpoch: ${header.partitionLeaderEpoch} isTransactional: ${isTransactional}` +
        ` isControl: ${isControl} deleteHorizonMs: ${optionalLong(header.deleteHorizonMs)}`
  return (
    `${own} position: ${position} ${timestampType(header)}: ${header.maxTimestamp} size: ${bytes.length}` +
    ` magic: ${magic} compresscodec: ${codec} crc: ${crc} isvalid: ${isValid(bytes)}`
  )
}

function timestampType({ magic, timestampType }: BatchHeader): string {
  return magic === 0 ? 'NoTimestampType' : timestampType
}

function isValid(bytes: Uint8Array, position = 0): boolean {
  try {
    verifyBatch(bytes, position)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

interface DumpedRecord extends KafkaRecord {
  /** Of a message of magic 0 or 1, which has its own. */
  readonly checksum: { readonly crc: number; readonly isValid: boolean } | null
  readonly sequence: number
}

function* recordsOf({ header, bytes }: FileBatch): Generator<DumpedRecord, void> {
  if (header.magic < CURRENT_MAGIC) {
    const checksums = legacyChecksums(header, bytes)
    for (const record of decodeRecords(bytes, header))
      yield { ...record, checksum: checksums.shift() ?? null, sequence: NO_SEQUENCE }
    return
  }
  // A batch that compaction has emptied is nothing but its header.
  if (header.count === 0 && bytes.length === BATCH_HEADER_BYTES) return
  for (const cursor = new RecordCursor(bytes, header); cursor.next(); ) {
    const { baseSequence } = header
    const sequence = baseSequence < 0 ? NO_SEQUENCE : addToSequence(baseSequence, cursor.offsetDelta)
    yield { ...cursor.record(), checksum: null, sequence }
  }
}

function legacyChecksums(header: BatchHeader, bytes: Uint8Array): NonNullable<DumpedRecord['checksum']>[] {
  if (header.codec === 'none') return [{ crc: header.crc, isValid: isValid(bytes) }]
  const [wrapper] = decodeRecords(bytes, { ...header, codec: 'none' })
  const set = decompress(header.codec, wrapper!.value!, DEFAULT_MAX_DECOMPRESSED_BYTES, header.magic)
  const found: NonNullable<DumpedRecord['checksum']>[] = []
  let position = 0
  for (let message = nextBatch(set, 0); message; message = nextBatch(set, position)) {
    found.push({ crc: message.crc, isValid: isValid(set, position) })
    position += message.sizeInBytes
  }
  return found
}

function recordLine({ header }: FileBatch, record: DumpedRecord, options: BatchDumpOptions): string {
  const { skipsMetadata, printsContents, decode } = options
  let line = skipsMetadata ? '' : recordMetadata(header, record)
  if (!printsContents || header.isControl) return line
  let prefix = skipsMetadata ? '| ' : ' '
  const { key, value } = decode(record)
  if (key !== null) {
    line += `${prefix}key: ${key}`
    prefix = ' '
  }
  return value === null ? line : `${line}${prefix}payload: ${value}`
}

function recordMetadata(header: BatchHeader, record: DumpedRecord): string {
  const { offset, timestamp, key, value, headers, checksum, sequence } = record
  const sizes = `keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1}`
  const start = `| offset: ${offset} ${timestampType(header)}: ${timestamp} ${sizes}`
  if (header.magic < CURRENT_MAGIC) return `${start} isValid: ${checksum?.isValid} crc: ${checksum?.crc}`
  const names = headers.map(each => each.key).join(',')
  return `${start} sequence: ${sequence} headerKeys: [${names}]${header.isControl ? controlText(record) : ''}`
}

const CONTROLS: Readonly<Record<string, readonly [shown: string, schema: Message]>> = {
  LEADER_CHANGE: ['LeaderChange:', control.LeaderChangeMessage],
  SNAPSHOT_HEADER: ['SnapshotHeader', control.SnapshotHeaderRecord],
  SNAPSHOT_FOOTER: ['SnapshotFooter', control.SnapshotFooterRecord],
  KRAFT_VERSION: ['KRaftVersion', control.KRaftVersionRecord],
  KRAFT_VOTERS: ['KRaftVoters', control.VotersRecord],
}

function controlText(record: KafkaRecord): string {
  const decoded = decodeControlRecord(record)
  if (decoded.type === 'UNKNOWN') return ` controlType: UNKNOWN(${decoded.id})`
  if ('coordinatorEpoch' in decoded)
    return ` endTxnMarker: ${decoded.type} coordinatorEpoch: ${decoded.coordinatorEpoch}`
  const [shown, schema] = CONTROLS[decoded.type]!
  return ` ${shown} ${messageJson(schema, decoded.message.version, decoded.message)}`
}
