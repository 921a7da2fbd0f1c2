/**
 * Making batches of magic 2: `encodeBatch` for records at hand, `BatchBuilder` for those that come one by one (the
 * client's accumulator, compaction), `recompressBatch` for a topic whose `compression.type` is not the producer's.
 * For the same records and options the bytes are those that Apache Kafka writes, as far as they are not compressed.
 */
import { type Codec, compress } from '../compression/index.ts'
import { allocate } from '../compression/memory.ts'
import { ProtocolError } from '../errors.ts'
import {
  attributesOf,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  malformed,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  type TimestampType,
  writeBatchHeader,
} from './batch.ts'
import { setVarint, setVarlong, unsafe, varintLength, varlongLength } from './bytes.ts'
import type { RecordHeader } from './kafka-record.ts'
import { type DecodeOptions, type RecordCursor, recordsPayload } from './record.ts'
import { keyLength, writeKey } from './text.ts'

/** A record to be written. */
export interface RecordInput {
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds since 1970. Default -1: none. */
  readonly timestamp?: number
  /** Absolute; must grow from record to record. Default: one more than the one before, the first at `baseOffset`. */
  readonly offset?: number
}

/** What stands in the header. All can be said as late as at `build`, when it is known. */
export interface BatchOptions {
  /** Default 'none'. */
  readonly codec?: Codec
  /** The codec's own scale: gzip 1 to 9, lz4 1 to 17, zstd -131072 to 22. Default: the codec's. */
  readonly level?: number
  /** Given: LogAppendTime, and this is the time of all records. Default: CreateTime. */
  readonly logAppendTimeMs?: number
  readonly partitionLeaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** The batch ends there though its last record does not: compaction keeps the range that the batch once had. */
  readonly lastOffset?: number
  /** Replaces the highest timestamp of the records; an empty batch keeps the one it had. */
  readonly maxTimestamp?: number
}

export interface BuilderOptions {
  /** Default 0, as producers write it. */
  readonly baseOffset?: number
  /** When tombstones and markers in this batch may be dropped; takes the place of the base timestamp. */
  readonly deleteHorizonMs?: number | null
  /** Bytes to begin with; grows as needed. */
  readonly initialBytes?: number
}

const NO_HEADERS: readonly RecordHeader[] = []
const MAX_DELTA = 0x7fff_ffff
/** attributes, and the longest possible length, timestampDelta and offsetDelta. */
const MAX_RECORD_OVERHEAD = 1 + 5 + 10 + 5

/** One batch of `records`, which may be none only if `lastOffset` says where the batch ends. */
export function encodeBatch(records: readonly RecordInput[], options: BatchOptions & BuilderOptions = {}): Uint8Array {
  let initialBytes = options.initialBytes ?? 0
  if (options.initialBytes === undefined) {
    // Headers apart, all will fit.
    for (const { key, value } of records)
      initialBytes += MAX_RECORD_OVERHEAD + 11 + (key?.length ?? 0) + (value?.length ?? 0)
  }
  const builder = new BatchBuilder({ ...options, initialBytes })
  for (const record of records) builder.append(record)
  return builder.build(options)
}

export class BatchBuilder {
  readonly baseOffset: number
  readonly #deleteHorizonMs: number | null
  /** The header's room, then the records. */
  #bytes: Uint8Array
  #end = BATCH_HEADER_BYTES
  #count = 0
  #lastOffset: number
  #baseTimestamp = NO_TIMESTAMP
  #maxTimestamp = NO_TIMESTAMP

  constructor(options: BuilderOptions = {}) {
    this.baseOffset = options.baseOffset ?? 0
    this.#lastOffset = this.baseOffset - 1
    this.#deleteHorizonMs = options.deleteHorizonMs ?? null
    if (this.#deleteHorizonMs !== null) this.#baseTimestamp = this.#deleteHorizonMs
    this.#bytes = allocate(BATCH_HEADER_BYTES + (options.initialBytes ?? 512))
  }

  /** How many records were appended. */
  get count(): number {
    return this.#count
  }

  /** Of the batch as it stands, before compression. */
  get sizeInBytes(): number {
    return this.#end
  }

  /** The highest timestamp so far; -1 if there is none. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** What the batch would grow to by `append(record)`, before compression. */
  sizeWith(record: RecordInput): number {
    const timestamp = record.timestamp ?? NO_TIMESTAMP
    const offset = record.offset ?? this.#lastOffset + 1
    const timestampDelta = this.#count === 0 && this.#deleteHorizonMs === null ? 0 : timestamp - this.#baseTimestamp
    const length = 1 + varlongLength(timestampDelta) + varintLength(offset - this.baseOffset) + bodyLength(record)
    return this.#end + varintLength(length) + length
  }

  append(record: RecordInput): void {
    const { key = null, value = null, headers = NO_HEADERS } = record
    const { offset = this.#lastOffset + 1, timestamp = NO_TIMESTAMP } = record
    if (!this.#mayFollow(offset)) throw new RangeError(`offset ${offset} can't follow ${this.#lastOffset}`)
    if (!Number.isSafeInteger(timestamp) || timestamp < NO_TIMESTAMP) throw new RangeError(`timestamp ${timestamp}`)
    let at = this.#begin(offset, timestamp, 0, bodyLength(record))
    const bytes = this.#bytes
    at = setBytes(bytes, at, key)
    at = setBytes(bytes, at, value)
    at = setVarint(bytes, at, headers.length)
    for (const header of headers) {
      const length = keyLength(header.key)
      at = writeKey(bytes, setVarint(bytes, at, length), header.key, length)
      at = setBytes(bytes, at, header.value)
    }
    this.#end = at
  }

  /**
   * Appends the record that `cursor` stands on, with its offset and timestamp, without taking it apart. Throws
   * ERR_MALFORMED for an offset that is not past the last one or a timestamp out of range: they are a peer's.
   */
  copy(cursor: RecordCursor): void {
    const { offset, timestamp } = cursor
    if (!this.#mayFollow(offset)) throw malformed(cursor.batch, `has offset ${offset} after ${this.#lastOffset}`)
    if (!Number.isSafeInteger(timestamp)) throw unsafe('timestamp', timestamp)
    const body = cursor.payload.subarray(cursor.bodyStart, cursor.end)
    const at = this.#begin(offset, timestamp, cursor.attributes, body.length)
    this.#bytes.set(body, at)
    this.#end = at + body.length
  }

  /**
   * The batch. Without compression it is a view on the builder's own memory, so this ends the builder's life; a batch is
   * built again (with another producer id, say) only as long as none was used.
   */
  build(options: BatchOptions = {}): Uint8Array {
    const codec = options.codec ?? 'none'
    let batch = this.#bytes.subarray(0, this.#end)
    if (codec !== 'none' && this.#count > 0) {
      const compressed = compress(codec, batch.subarray(BATCH_HEADER_BYTES), options.level)
      batch = allocate(BATCH_HEADER_BYTES + compressed.length)
      batch.set(compressed, BATCH_HEADER_BYTES)
    }
    this.#writeHeader(batch, this.#count > 0 ? codec : 'none', options)
    return batch
  }

  #writeHeader(batch: Uint8Array, codec: Codec, options: BatchOptions): void {
    const lastOffset = options.lastOffset ?? this.#lastOffset
    if (lastOffset < this.#lastOffset || lastOffset < this.baseOffset || lastOffset - this.baseOffset > MAX_DELTA) {
      throw new RangeError(
        `batch from ${this.baseOffset} with records up to ${this.#lastOffset} can't end at ${lastOffset}`,
      )
    }
    const producerId = options.producerId ?? NO_PRODUCER_ID
    const isTransactional = options.isTransactional ?? false
    if (isTransactional && producerId === NO_PRODUCER_ID)
      throw new RangeError('a transactional batch needs a producer id')
    const isLogAppendTime = options.logAppendTimeMs !== undefined
    const timestampType: TimestampType = isLogAppendTime ? 'LogAppendTime' : 'CreateTime'
    const hasDeleteHorizon = this.#deleteHorizonMs !== null && this.#count > 0
    writeBatchHeader(batch, 0, {
      baseOffset: this.baseOffset,
      sizeInBytes: batch.length,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH,
      attributes: attributesOf({
        codec,
        timestampType,
        isTransactional,
        isControl: options.isControl ?? false,
        hasDeleteHorizon,
      }),
      lastOffsetDelta: lastOffset - this.baseOffset,
      baseTimestamp: this.#count > 0 ? this.#baseTimestamp : NO_TIMESTAMP,
      maxTimestamp: options.maxTimestamp ?? options.logAppendTimeMs ?? this.#maxTimestamp,
      producerId,
      producerEpoch: options.producerEpoch ?? NO_PRODUCER_EPOCH,
      baseSequence: options.baseSequence ?? NO_SEQUENCE,
      count: this.#count,
    })
  }

  /** Writes what comes before the key, with room for the rest; returns where the key goes. */
  #begin(offset: number, timestamp: number, attributes: number, bodyBytes: number): number {
    const offsetDelta = offset - this.baseOffset
    if (this.#count === 0 && this.#deleteHorizonMs === null) this.#baseTimestamp = timestamp
    const timestampDelta = timestamp - this.#baseTimestamp
    this.#reserve(MAX_RECORD_OVERHEAD + bodyBytes)
    const bytes = this.#bytes
    const length = 1 + varlongLength(timestampDelta) + varintLength(offsetDelta) + bodyBytes
    let at = setVarint(bytes, this.#end, length)
    bytes[at++] = attributes
    at = setVarlong(bytes, at, timestampDelta)
    at = setVarint(bytes, at, offsetDelta)
    this.#lastOffset = offset
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#count++
    return at
  }

  #mayFollow(offset: number): boolean {
    return offset > this.#lastOffset && offset - this.baseOffset <= MAX_DELTA && Number.isSafeInteger(offset)
  }

  #reserve(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#bytes.length) return
    if (needed > MAX_DELTA) throw new ProtocolError('ERR_TOO_LARGE', `a batch can't hold ${needed} bytes`)
    const grown = allocate(Math.min(Math.max(needed, this.#bytes.length * 2), MAX_DELTA))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
  }
}

/**
 * The same batch in another codec: records, offsets and header stay as they are. `bytes` itself is returned, cut to the
 * batch, if that is its codec already or it is empty.
 */
export function recompressBatch(
  bytes: Uint8Array,
  batch: BatchHeader,
  options: { readonly codec: Codec; readonly level?: number } & DecodeOptions,
): Uint8Array {
  if (batch.codec === options.codec || batch.count === 0) {
    return bytes.subarray(batch.position, batch.position + batch.sizeInBytes)
  }
  const payload = recordsPayload(bytes, batch, options)
  const stored = options.codec === 'none' ? payload : compress(options.codec, payload, options.level)
  const result = allocate(BATCH_HEADER_BYTES + stored.length)
  result.set(stored, BATCH_HEADER_BYTES)
  const hasDeleteHorizon = batch.deleteHorizonMs !== null
  const attributes = attributesOf({ ...batch, codec: options.codec, hasDeleteHorizon })
  writeBatchHeader(result, 0, { ...batch, sizeInBytes: result.length, attributes })
  return result
}

function bodyLength(record: RecordInput): number {
  const { key, value, headers = NO_HEADERS } = record
  let length = bytesLength(key) + bytesLength(value) + varintLength(headers.length)
  for (const header of headers) {
    const key = keyLength(header.key)
    length += varintLength(key) + key + bytesLength(header.value)
  }
  return length
}

function bytesLength(bytes: Uint8Array | null | undefined): number {
  return bytes == null ? 1 : varintLength(bytes.length) + bytes.length
}

function setBytes(target: Uint8Array, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return setVarint(target, at, -1)
  const start = setVarint(target, at, bytes.length)
  if (bytes.length <= 16) for (let i = 0; i < bytes.length; i++) target[start + i] = bytes[i]!
  else target.set(bytes, start)
  return start + bytes.length
}
