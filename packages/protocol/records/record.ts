/**
 * The records inside a batch of magic 2. `RecordCursor` walks them without making an object of any, for validation,
 * compaction and whoever copies records; `decodeRecords` gives objects, of any magic.
 *
 *     length varint | attributes int8 | timestampDelta varlong | offsetDelta varint | keyLength varint (-1: null) | key |
 *     valueLength varint | value | headerCount varint | (keyLength varint | key | valueLength varint | value)*
 *
 * All varints are zigzag. Handwritten, as each record of every produce request passes here.
 *
 * Nothing that a peer may have written is believed: each length is checked against what is left, memory is bounded by the
 * batch's own size, or for a compressed batch by `maxDecompressedBytes`, and what is wrong is a ProtocolError.
 */
import { decompress } from '../compression/index.ts'
import { ProtocolError } from '../errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, CURRENT_MAGIC, malformed } from './batch.ts'
import { unsafe } from './bytes.ts'
import type { KafkaRecord, RecordHeader } from './kafka-record.ts'
import { decodeLegacyRecords } from './legacy.ts'
import { readKey } from './text.ts'

export interface DecodeOptions {
  /** ERR_TOO_LARGE as soon as a compressed batch proves larger. Default: DEFAULT_MAX_DECOMPRESSED_BYTES. */
  readonly maxDecompressedBytes?: number
}

/** What a hostile batch of a few kilobytes may cost; no setting of Kafka's makes a batch as large as this. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

/** length, attributes, timestampDelta, offsetDelta, keyLength, valueLength and headerCount take a byte each at least. */
const MIN_RECORD_BYTES = 7
const NO_HEADERS: readonly RecordHeader[] = []

/**
 * All records of the batch whose header `readBatchHeader` or `verifyBatch` gave, in order. Of a compressed message set of
 * magic 0 or 1, those inside it.
 */
export function decodeRecords(bytes: Uint8Array, batch: BatchHeader, options?: DecodeOptions): KafkaRecord[] {
  if (batch.magic < CURRENT_MAGIC) {
    return decodeLegacyRecords(bytes, batch, options?.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES)
  }
  const cursor = new RecordCursor(bytes, batch, options)
  const records: KafkaRecord[] = []
  while (cursor.next()) records.push(cursor.record())
  return records
}

/** The records of a batch as they were before compression: a view on `bytes` if they are not compressed. */
export function recordsPayload(bytes: Uint8Array, batch: BatchHeader, options?: DecodeOptions): Uint8Array {
  const end = batch.position + batch.sizeInBytes
  if (end > bytes.length) {
    throw new ProtocolError('ERR_TRUNCATED', `batch at byte ${batch.position} ends at ${end} of ${bytes.length} bytes`)
  }
  const stored = bytes.subarray(batch.position + BATCH_HEADER_BYTES, end)
  if (batch.codec === 'none') return stored
  const bound = options?.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES
  return decompress(batch.codec, stored, bound)
}

/**
 * Stands on one record of a batch at a time; its fields describe that record until the next `next()`.
 *
 *     for (const cursor = new RecordCursor(bytes, batch); cursor.next(); ) check(cursor.offsetDelta, cursor.keyLength)
 */
export class RecordCursor {
  readonly batch: BatchHeader
  /** Where the positions below point into: the decompressed records. */
  readonly payload: Uint8Array
  /** Of the record in the batch, from 0; -1 before the first `next()`. */
  index = -1
  /** Where the record begins, with its length, and where it ends. */
  start = 0
  end = 0
  attributes = 0
  /** To the batch's baseTimestamp; says nothing under LogAppendTime. */
  timestampDelta = 0
  /** To the batch's baseOffset. */
  offsetDelta = 0
  /** Where keyLength stands; from here to `end` nothing depends on the record's place in the batch. */
  bodyStart = 0
  keyStart = 0
  /** -1: null. */
  keyLength = 0
  valueStart = 0
  /** -1: null. */
  valueLength = 0
  headersStart = 0
  headerCount = 0

  constructor(bytes: Uint8Array, batch: BatchHeader, options?: DecodeOptions) {
    if (batch.magic !== CURRENT_MAGIC) {
      throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `records of magic ${batch.magic} have no cursor`)
    }
    // An empty batch is left behind by compaction whatever its codec was; there is nothing to decompress then.
    this.payload = batch.count === 0 ? bytes.subarray(0, 0) : recordsPayload(bytes, batch, options)
    this.batch = batch
    if (batch.count < 0 || batch.count * MIN_RECORD_BYTES > this.payload.length) {
      throw malformed(batch, `has ${batch.count} records in ${this.payload.length} bytes`)
    }
  }

  get offset(): number {
    return this.batch.baseOffset + this.offsetDelta
  }

  get timestamp(): number {
    const { batch } = this
    return batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : batch.baseTimestamp + this.timestampDelta
  }

  get key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.payload.subarray(this.keyStart, this.keyStart + this.keyLength)
  }

  get value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.payload.subarray(this.valueStart, this.valueStart + this.valueLength)
  }

  get sizeInBytes(): number {
    return this.end - this.start
  }

  /** Goes to the next record; false after the last. Throws ERR_MALFORMED where there isn't one though there should be. */
  next(): boolean {
    const { payload } = this
    if (this.index + 1 >= this.batch.count) {
      this.index = this.batch.count
      if (this.end !== payload.length && this.batch.count > 0) {
        throw malformed(this.batch, `has ${payload.length - this.end} bytes after its last record`)
      }
      return false
    }
    this.index++
    const start = this.end
    if (start >= payload.length) throw this.#broken('is missing')
    let at = start
    const length = readVarint(payload, at)
    at = after
    const end = at + length
    // A record shorter than its fields is noticed at the last of them: positions only grow, and must arrive at `end`.
    if (length < MIN_RECORD_BYTES - 1 || end > payload.length) throw this.#broken(`has ${length} bytes`)
    this.start = start
    this.end = end
    this.attributes = payload[at]!
    this.timestampDelta = readVarlong(payload, at + 1)
    this.offsetDelta = readVarint(payload, after)
    at = after
    this.bodyStart = at
    const keyLength = readVarint(payload, at)
    at = after
    this.keyStart = at
    this.keyLength = keyLength
    if (keyLength > 0) at += keyLength
    if (at >= end) throw this.#broken(`has a key of ${keyLength} bytes`)
    const valueLength = readVarint(payload, at)
    at = after
    this.valueStart = at
    this.valueLength = valueLength
    if (valueLength > 0) at += valueLength
    if (at >= end) throw this.#broken(`has a value of ${valueLength} bytes`)
    const headerCount = readVarint(payload, at)
    this.headersStart = after
    this.headerCount = headerCount
    at = headerCount === 0 ? after : this.#skipHeaders(headerCount)
    if (at !== end) throw this.#broken(`ends ${end - at} bytes after its headers`)
    return true
  }

  /** The current record as an object. Throws ERR_MALFORMED for an offset or timestamp that is no safe integer. */
  record(): KafkaRecord {
    const { offset, timestamp } = this
    if (!Number.isSafeInteger(offset)) throw unsafe('offset', offset)
    if (!Number.isSafeInteger(timestamp)) throw unsafe('timestamp', timestamp)
    const { key, value, attributes } = this
    return { offset, timestamp, key, value, headers: this.headers(), attributes }
  }

  headers(): readonly RecordHeader[] {
    if (this.headerCount === 0) return NO_HEADERS
    const { payload } = this
    const headers: RecordHeader[] = []
    let at = this.headersStart
    for (let i = 0; i < this.headerCount; i++) {
      const keyLength = readVarint(payload, at)
      const keyEnd = after + keyLength
      const key = readKey(payload, after, keyEnd)
      const valueLength = readVarint(payload, keyEnd)
      at = valueLength > 0 ? after + valueLength : after
      headers.push({ key, value: valueLength < 0 ? null : payload.subarray(after, at) })
    }
    return headers
  }

  #skipHeaders(count: number): number {
    const { payload, end } = this
    // Two bytes each at least: a count that the record has no room for costs nothing.
    if (count < 0 || count * 2 > end - this.headersStart) throw this.#broken(`has ${count} headers`)
    let at = this.headersStart
    for (let i = 0; i < count; i++) {
      const keyLength = readVarint(payload, at)
      at = after + keyLength
      if (keyLength < 0 || at >= end) throw this.#broken(`has a header key of ${keyLength} bytes`)
      const valueLength = readVarint(payload, at)
      at = valueLength > 0 ? after + valueLength : after
      if (at > end) throw this.#broken(`has a header value of ${valueLength} bytes`)
    }
    return at
  }

  #broken(what: string): ProtocolError {
    return malformed(this.batch, `is broken: record ${this.index} of ${this.batch.count} ${what}`)
  }
}

/** Where the last varint that was read ended: a second result, without an object for it. */
let after = 0

/** At most 5 bytes, bits past the 32nd dropped, as in Java. May read past the end, as zero: the caller checks `after`. */
function readVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) {
    after = at + 1
    return (first >>> 1) ^ -(first & 1)
  }
  const second = bytes[at + 1]!
  if (second < 0x80) {
    after = at + 2
    const raw = (first & 0x7f) | (second << 7)
    return (raw >>> 1) ^ -(raw & 1)
  }
  return readLongVarint(bytes, at)
}

function readLongVarint(bytes: Uint8Array, at: number): number {
  let raw = 0
  let position = at
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = position < bytes.length ? bytes[position]! : 0
    position++
    raw |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      after = position
      return (raw >>> 1) ^ -(raw & 1)
    }
  }
  throw new ProtocolError('ERR_MALFORMED', `varint at byte ${at} of the records is longer than 5 bytes`)
}

/** At most 10 bytes, and a safe integer. */
function readVarlong(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) {
    after = at + 1
    return (first >>> 1) ^ -(first & 1)
  }
  const second = bytes[at + 1]!
  if (second < 0x80) {
    after = at + 2
    const raw = (first & 0x7f) | (second << 7)
    return (raw >>> 1) ^ -(raw & 1)
  }
  return readLongVarlong(bytes, at)
}

function readLongVarlong(bytes: Uint8Array, at: number): number {
  let low = 0
  let high = 0
  let position = at
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = position < bytes.length ? bytes[position]! : 0
    position++
    const bits = byte & 0x7f
    if (shift < 28) low |= bits << shift
    else if (shift === 28) {
      low |= bits << 28
      high = bits >>> 4
    } else high |= bits << (shift - 32)
    if (byte < 0x80) {
      after = position
      return fromZigzag(high >>> 0, low >>> 0, at)
    }
  }
  throw new ProtocolError('ERR_MALFORMED', `varint at byte ${at} of the records is longer than 10 bytes`)
}

function fromZigzag(high: number, low: number, at: number): number {
  // 2^53 itself is the last that a number holds for certain.
  if (high >= 1 << 22 && !(high === 1 << 22 && low === 0)) {
    throw new ProtocolError('ERR_MALFORMED', `timestamp delta at byte ${at} of the records is out of range`)
  }
  const half = high * 0x8000_0000 + (low >>> 1)
  return low & 1 ? -half - 1 : half
}
