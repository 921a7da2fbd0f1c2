/**
 * Record batches, the unit in which Kafka writes, stores and sends records: reading and checking their headers, walking
 * a buffer that holds several, and the few changes that a broker makes in place. What is inside a batch is record.ts's
 * (magic 2) and legacy.ts's (magic 0 and 1); making one is builder.ts's.
 *
 *     baseOffset int64 | length int32 | partitionLeaderEpoch int32 | magic int8 | crc uint32 |
 *     attributes int16 | lastOffsetDelta int32 | baseTimestamp int64 | maxTimestamp int64 | producerId int64 |
 *     producerEpoch int16 | baseSequence int32 | count int32 | records, compressed as a whole
 *
 * `length` counts what follows it; the CRC-32C covers all from `attributes` on, so that a broker may assign offset and
 * leader epoch without computing it again.
 *
 * Errors are ProtocolErrors: ERR_TRUNCATED where bytes are missing, ERR_CORRUPT where a size, magic or checksum is wrong
 * (Kafka's CORRUPT_MESSAGE), ERR_MALFORMED where the checksum holds but the content can't be (INVALID_RECORD).
 */
import { CODECS, type Codec } from '../compression/codec.ts'
import { crc32, crc32c } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'
import { int16At, int32At, int64At, setInt16, setInt32, setInt64, uint32At, unsafe } from './bytes.ts'

/** Offset and length: what comes before the bytes that `length` counts. */
export const LOG_OVERHEAD = 12
/** Enough of any batch, of whatever magic, to tell its size and magic. */
export const HEADER_BYTES_UP_TO_MAGIC = 17
export const BATCH_HEADER_BYTES = 61
export const CURRENT_MAGIC = 2
export const NO_OFFSET = -1
export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_PARTITION_LEADER_EPOCH = -1

/** The names are those of `message.timestamp.type`. */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const DELETE_HORIZON = 0x40

const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const COUNT_AT = 57

// Magic 0 and 1: offset int64 | size int32 | crc uint32 | magic int8 | attributes int8 | [timestamp int64] | key | value
const LEGACY_CRC_AT = 12
const LEGACY_ATTRIBUTES_AT = 17
const LEGACY_TIMESTAMP_AT = 18
/** Of a message with neither key nor value, without LOG_OVERHEAD. */
const LEGACY_MIN_LENGTH = [14, 22] as const
const LEGACY_HEADER_BYTES = [18, 26] as const

/** One shape for all magics. Offsets and timestamps are safe integers, timestamps in ms since 1970 or -1. */
export interface BatchHeader {
  /** Where in the buffer that it was read from the batch begins. */
  readonly position: number
  /** All of it, the first 12 bytes included. */
  readonly sizeInBytes: number
  /**
   * Magic 0 and 1: the only offset there is; for a compressed message set that is the *last* one, and the first is known
   * only once it is decompressed.
   */
  readonly baseOffset: number
  readonly lastOffset: number
  readonly lastOffsetDelta: number
  /** -1 in magic 0 and 1. */
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly codec: Codec
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** When tombstones and markers in this batch may be dropped (`baseTimestamp` then holds it); null if not yet set. */
  readonly deleteHorizonMs: number | null
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  /** -1 if there is no producer id, and in control batches. */
  readonly baseSequence: number
  /** May be less than the offsets span, or 0, after compaction. Magic 0 and 1: 1, or -1 (unknown) if compressed. */
  readonly count: number
}

export function codecOf(attributes: number): Codec {
  const codec = knownCodec(attributes)
  if (codec === null) throw new ProtocolError('ERR_MALFORMED', `unknown compression codec ${attributes & CODEC_MASK}`)
  return codec
}

/** As `codecOf`, with null for one that nobody knows. */
export function knownCodec(attributes: number): Codec | null {
  return CODECS[attributes & CODEC_MASK] ?? null
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL) !== 0
}

export interface AttributeFlags {
  readonly codec: Codec
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly hasDeleteHorizon: boolean
}

export function attributesOf(flags: AttributeFlags): number {
  return (
    CODECS.indexOf(flags.codec) |
    (flags.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME : 0) |
    (flags.isTransactional ? TRANSACTIONAL : 0) |
    (flags.isControl ? CONTROL : 0) |
    (flags.hasDeleteHorizon ? DELETE_HORIZON : 0)
  )
}

/** `sequence + increment`, going from 2^31 - 1 on to 0. */
export function addToSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > 0x7fff_ffff ? sum - 0x8000_0000 : sum
}

/** Of the batch's last record; -1 if it has none. */
export function lastSequence(batch: BatchHeader): number {
  return batch.baseSequence === NO_SEQUENCE ? NO_SEQUENCE : addToSequence(batch.baseSequence, batch.lastOffsetDelta)
}

/**
 * The size in bytes, its first 12 included, of the batch that begins at `position`: 17 bytes of it must be there
 * (HEADER_BYTES_UP_TO_MAGIC). Throws ERR_CORRUPT for a size or magic that can't be.
 */
export function batchSizeAt(bytes: Uint8Array, position: number): number {
  if (bytes.length - position < HEADER_BYTES_UP_TO_MAGIC) throw truncated(bytes, position, HEADER_BYTES_UP_TO_MAGIC)
  const length = int32At(bytes, position + LENGTH_AT)
  const magic = bytes[position + MAGIC_AT]!
  if (magic > CURRENT_MAGIC) throw corrupt(position, `has magic ${magic}`)
  const minimum = magic === CURRENT_MAGIC ? BATCH_HEADER_BYTES - LOG_OVERHEAD : LEGACY_MIN_LENGTH[magic]!
  if (length < minimum) throw corrupt(position, `of magic ${magic} gives its length as ${length}, less than ${minimum}`)
  return length + LOG_OVERHEAD
}

/** Of a batch, what tells whether it may be taken at all. */
export interface BatchPeek {
  readonly sizeInBytes: number
  readonly magic: number
  readonly attributes: number
}

/**
 * The batch at `position`, if all of it is there, without reading its header; null where there is none, or where it is
 * cut short. Throws ERR_CORRUPT for a size or magic that can't be.
 */
export function peekBatch(bytes: Uint8Array, position = 0): BatchPeek | null {
  if (bytes.length - position < HEADER_BYTES_UP_TO_MAGIC) return null
  const sizeInBytes = batchSizeAt(bytes, position)
  if (bytes.length - position < sizeInBytes) return null
  const magic = bytes[position + MAGIC_AT]!
  const attributes =
    magic < CURRENT_MAGIC ? bytes[position + LEGACY_ATTRIBUTES_AT]! : int16At(bytes, position + ATTRIBUTES_AT)
  return { sizeInBytes, magic, attributes }
}

/**
 * Reads the header at `position`. Only the header need be there (61 bytes; 26 and 18 in magic 1 and 0), not the records,
 * and no checksum is verified.
 */
export function readBatchHeader(bytes: Uint8Array, position = 0): BatchHeader {
  const sizeInBytes = batchSizeAt(bytes, position)
  const magic = bytes[position + MAGIC_AT]!
  if (magic < CURRENT_MAGIC) return readLegacyHeader(bytes, position, sizeInBytes, magic)
  if (bytes.length - position < BATCH_HEADER_BYTES) throw truncated(bytes, position, BATCH_HEADER_BYTES)
  const attributes = int16At(bytes, position + ATTRIBUTES_AT)
  const baseOffset = int64At(bytes, position, 'base offset')
  const lastOffsetDelta = int32At(bytes, position + LAST_OFFSET_DELTA_AT)
  const lastOffset = baseOffset + lastOffsetDelta
  if (!Number.isSafeInteger(lastOffset)) throw unsafe('last offset', lastOffset)
  const baseTimestamp = int64At(bytes, position + BASE_TIMESTAMP_AT, 'base timestamp')
  return {
    position,
    sizeInBytes,
    baseOffset,
    lastOffset,
    lastOffsetDelta,
    partitionLeaderEpoch: int32At(bytes, position + LEADER_EPOCH_AT),
    magic,
    crc: uint32At(bytes, position + CRC_AT),
    attributes,
    codec: codecOf(attributes),
    timestampType: attributes & LOG_APPEND_TIME ? 'LogAppendTime' : 'CreateTime',
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    deleteHorizonMs: attributes & DELETE_HORIZON ? baseTimestamp : null,
    baseTimestamp,
    maxTimestamp: int64At(bytes, position + MAX_TIMESTAMP_AT, 'max timestamp'),
    producerId: int64At(bytes, position + PRODUCER_ID_AT, 'producer id'),
    producerEpoch: int16At(bytes, position + PRODUCER_EPOCH_AT),
    baseSequence: int32At(bytes, position + BASE_SEQUENCE_AT),
    count: int32At(bytes, position + COUNT_AT),
  }
}

function readLegacyHeader(bytes: Uint8Array, position: number, sizeInBytes: number, magic: number): BatchHeader {
  const headerBytes = LEGACY_HEADER_BYTES[magic]!
  if (bytes.length - position < headerBytes) throw truncated(bytes, position, headerBytes)
  const attributes = bytes[position + LEGACY_ATTRIBUTES_AT]!
  const offset = int64At(bytes, position, 'offset')
  const timestamp = magic === 0 ? NO_TIMESTAMP : int64At(bytes, position + LEGACY_TIMESTAMP_AT, 'timestamp')
  const codec = codecOf(attributes)
  return {
    position,
    sizeInBytes,
    baseOffset: offset,
    lastOffset: offset,
    lastOffsetDelta: 0,
    partitionLeaderEpoch: NO_PARTITION_LEADER_EPOCH,
    magic,
    crc: uint32At(bytes, position + LEGACY_CRC_AT),
    attributes,
    codec,
    timestampType: magic > 0 && attributes & LOG_APPEND_TIME ? 'LogAppendTime' : 'CreateTime',
    isTransactional: false,
    isControl: false,
    deleteHorizonMs: null,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    producerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    baseSequence: NO_SEQUENCE,
    count: codec === 'none' ? 1 : -1,
  }
}

/**
 * The header of the batch at `position` if all of the batch is there; null at the end of `bytes` and where the rest is a
 * batch cut short, as at the end of a fetch response. Go on at `position + sizeInBytes`. Checksums are not verified.
 */
export function nextBatch(bytes: Uint8Array, position: number): BatchHeader | null {
  if (bytes.length - position < HEADER_BYTES_UP_TO_MAGIC) return null
  return bytes.length - position < batchSizeAt(bytes, position) ? null : readBatchHeader(bytes, position)
}

/**
 * The headers of all batches in `bytes`, in order. What to do with a last batch that was cut short is the caller's to
 * say: a consumer skips it (the broker cuts fetch responses by bytes), everybody else rejects it (ERR_TRUNCATED).
 */
export function* batches(bytes: Uint8Array, partialTail: 'skip' | 'reject' = 'reject'): Generator<BatchHeader, void> {
  let position = 0
  for (let batch = nextBatch(bytes, 0); batch !== null; batch = nextBatch(bytes, position)) {
    position += batch.sizeInBytes
    yield batch
  }
  if (position < bytes.length && partialTail === 'reject') {
    const missing = bytes.length - position < HEADER_BYTES_UP_TO_MAGIC ? HEADER_BYTES_UP_TO_MAGIC : null
    throw truncated(bytes, position, missing ?? batchSizeAt(bytes, position))
  }
}

/**
 * Reads the header at `position` and checks all that can be checked without looking at the records: that the batch is
 * there whole, its size, magic, checksum, codec and counts.
 */
export function verifyBatch(bytes: Uint8Array, position = 0): BatchHeader {
  const sizeInBytes = batchSizeAt(bytes, position)
  if (bytes.length - position < sizeInBytes) throw truncated(bytes, position, sizeInBytes)
  const end = position + sizeInBytes
  const isLegacy = bytes[position + MAGIC_AT]! < CURRENT_MAGIC
  const stored = uint32At(bytes, position + (isLegacy ? LEGACY_CRC_AT : CRC_AT))
  const actual = isLegacy ? crc32(bytes, position + MAGIC_AT, end) : crc32c(bytes, position + ATTRIBUTES_AT, end)
  if (stored !== actual) throw corrupt(position, `has checksum ${stored}, computed is ${actual}`)
  const batch = readBatchHeader(bytes, position)
  if (isLegacy) return batch
  if (batch.count < 0) throw malformed(batch, `has ${batch.count} records`)
  if (batch.lastOffsetDelta < 0) throw malformed(batch, `ends before it begins, at ${batch.lastOffset}`)
  return batch
}

/** Assigns the first offset, in place; the checksum does not cover it. Only in magic 2 do the records follow it. */
export function setBaseOffset(bytes: Uint8Array, position: number, baseOffset: number): void {
  setInt64(bytes, position, baseOffset)
}

/** Assigns the leader epoch, in place; the checksum does not cover it. Magic 2 only. */
export function setPartitionLeaderEpoch(bytes: Uint8Array, position: number, epoch: number): void {
  assertCurrentMagic(bytes, position)
  setInt32(bytes, position + LEADER_EPOCH_AT, epoch)
}

/** Assigns timestamp type and highest timestamp, in place, and a new checksum if that changes anything. Magic 2 only. */
export function setMaxTimestampAndType(
  bytes: Uint8Array,
  position: number,
  maxTimestamp: number,
  timestampType: TimestampType,
): void {
  assertCurrentMagic(bytes, position)
  const before = int16At(bytes, position + ATTRIBUTES_AT)
  const after = timestampType === 'LogAppendTime' ? before | LOG_APPEND_TIME : before & ~LOG_APPEND_TIME
  const high = int32At(bytes, position + MAX_TIMESTAMP_AT)
  const low = uint32At(bytes, position + MAX_TIMESTAMP_AT + 4)
  if (before === after && high * 0x1_0000_0000 + low === maxTimestamp) return
  setInt16(bytes, position + ATTRIBUTES_AT, after)
  setInt64(bytes, position + MAX_TIMESTAMP_AT, maxTimestamp)
  setChecksum(bytes, position)
}

/** The fields of a header that are not computed from the rest. */
export interface HeaderFields {
  readonly baseOffset: number
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
}

/** Writes a header of magic 2 in front of records that are already in place, checksum included. */
export function writeBatchHeader(bytes: Uint8Array, position: number, fields: HeaderFields): void {
  setInt64(bytes, position, fields.baseOffset)
  setInt32(bytes, position + LENGTH_AT, fields.sizeInBytes - LOG_OVERHEAD)
  setInt32(bytes, position + LEADER_EPOCH_AT, fields.partitionLeaderEpoch)
  bytes[position + MAGIC_AT] = CURRENT_MAGIC
  setInt16(bytes, position + ATTRIBUTES_AT, fields.attributes)
  setInt32(bytes, position + LAST_OFFSET_DELTA_AT, fields.lastOffsetDelta)
  setInt64(bytes, position + BASE_TIMESTAMP_AT, fields.baseTimestamp)
  setInt64(bytes, position + MAX_TIMESTAMP_AT, fields.maxTimestamp)
  setInt64(bytes, position + PRODUCER_ID_AT, fields.producerId)
  setInt16(bytes, position + PRODUCER_EPOCH_AT, fields.producerEpoch)
  setInt32(bytes, position + BASE_SEQUENCE_AT, fields.baseSequence)
  setInt32(bytes, position + COUNT_AT, fields.count)
  setChecksum(bytes, position)
}

function setChecksum(bytes: Uint8Array, position: number): void {
  const end = position + batchSizeAt(bytes, position)
  if (end > bytes.length) throw truncated(bytes, position, end - position)
  setInt32(bytes, position + CRC_AT, crc32c(bytes, position + ATTRIBUTES_AT, end))
}

function assertCurrentMagic(bytes: Uint8Array, position: number): void {
  batchSizeAt(bytes, position)
  const magic = bytes[position + MAGIC_AT]!
  if (magic !== CURRENT_MAGIC)
    throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `batch of magic ${magic} can't be changed`)
}

function truncated(bytes: Uint8Array, position: number, wanted: number): ProtocolError {
  const there = bytes.length - position
  return new ProtocolError('ERR_TRUNCATED', `batch at byte ${position} needs ${wanted} bytes, ${there} are there`)
}

function corrupt(position: number, what: string): ProtocolError {
  return new ProtocolError('ERR_CORRUPT', `batch at byte ${position} ${what}`)
}

export function malformed(batch: BatchHeader, what: string): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', `batch at offset ${batch.baseOffset} ${what}`)
}
