/**
 * What the cleaner does with the bytes of a log, piece by piece and without waiting for anything. `indexBatches` takes the
 * dirty part's keys into the offset map; `filterBatches` leaves out what is not wanted any more:
 *
 * - a record that has a later one with its key; a tombstone, once its batch's delete horizon has passed; one without a key;
 * - the records of aborted transactions; the marker of a transaction of which nothing is left, when its horizon has passed.
 *
 * Offsets never change. A batch that loses nothing stays as it is, to the byte; one that loses records is made again with
 * the same header and codec; one that loses all of them goes, unless it is what the log knows its producer's sequence number
 * or epoch from, or ends at the high watermark: then it stays, empty. A tombstone gets its horizon when it is first cleaned.
 */
import {
  BatchBuilder,
  type BatchHeader,
  CURRENT_MAGIC,
  decodeRecords,
  encodeBatch,
  RecordCursor,
  verifyBatch,
} from '@ottla/protocol'
import type { LastRecords } from './last-records.ts'
import type { OffsetMap } from './offset-map.ts'
import type { CleanedTransactions } from './transactions.ts'

/** What a builder asks for beyond what its last record takes. */
const ROOM_FOR_ONE_MORE = 64

/** False: the map was full before the end. `bytes` are whole batches. */
export function indexBatches(
  bytes: Uint8Array,
  startOffset: number,
  map: OffsetMap,
  transactions: CleanedTransactions,
): boolean {
  for (let at = 0; at < bytes.length; ) {
    const header = verifyBatch(bytes, at)
    at += header.sizeInBytes
    if (header.isControl) transactions.onControlBatch(header, bytes)
    else if (!transactions.onBatch(header) && !indexRecords(bytes, header, startOffset, map)) return false
    if (header.lastOffset >= startOffset) map.latestOffset = header.lastOffset
  }
  return true
}

function indexRecords(bytes: Uint8Array, header: BatchHeader, startOffset: number, map: OffsetMap): boolean {
  if (header.magic < CURRENT_MAGIC) {
    for (const { key, offset } of decodeRecords(bytes, header)) {
      if (!key || offset < startOffset) continue
      if (map.isFull) return false
      map.put(key, 0, key.length, offset)
    }
    return true
  }
  for (const cursor = new RecordCursor(bytes, header); cursor.next(); ) {
    const { offset, keyLength, keyStart } = cursor
    if (keyLength < 0 || offset < startOffset) continue
    if (map.isFull) return false
    map.put(cursor.payload, keyStart, keyStart + keyLength, offset)
  }
  return true
}

export interface FilterOptions {
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** Tombstones of magic 0 and 1 have no horizon of their own. */
  readonly retainsLegacyTombstones: boolean
  readonly highWatermark: number
}

export interface Filtered {
  /** The batches that stay. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Of each of them its last offset, largest timestamp and size. */
  readonly batches: Float64Array<ArrayBuffer>
  readonly recordsRead: number
  readonly recordsKept: number
  /** Records that have no key: nothing should have let them in. */
  readonly recordsWithoutKey: number
}

/** `bytes` are whole batches. */
export function filterBatches(
  bytes: Uint8Array,
  map: OffsetMap,
  transactions: CleanedTransactions,
  lastRecords: LastRecords,
  options: FilterOptions,
): Filtered {
  const filter = new Filter(bytes, map, transactions, lastRecords, options)
  return filter.run()
}

class Filter {
  readonly #bytes: Uint8Array
  readonly #map: OffsetMap
  readonly #transactions: CleanedTransactions
  readonly #lastRecords: LastRecords
  readonly #options: FilterOptions
  #output: Uint8Array<ArrayBuffer>
  #size = 0
  readonly #batches: number[] = []
  #recordsRead = 0
  #recordsKept = 0
  #recordsWithoutKey = 0
  /** Of the batch at hand: its record stays. */
  #keeps = new Uint8Array(1024)

  constructor(
    bytes: Uint8Array,
    map: OffsetMap,
    transactions: CleanedTransactions,
    lastRecords: LastRecords,
    options: FilterOptions,
  ) {
    this.#bytes = bytes
    this.#map = map
    this.#transactions = transactions
    this.#lastRecords = lastRecords
    this.#options = options
    this.#output = new Uint8Array(bytes.length)
  }

  run(): Filtered {
    const bytes = this.#bytes
    for (let at = 0; at < bytes.length; ) {
      const header = verifyBatch(bytes, at)
      at += header.sizeInBytes
      this.#filter(header)
    }
    return {
      bytes: this.#output.subarray(0, this.#size),
      batches: Float64Array.from(this.#batches),
      recordsRead: this.#recordsRead,
      recordsKept: this.#recordsKept,
      recordsWithoutKey: this.#recordsWithoutKey,
    }
  }

  #filter(header: BatchHeader): void {
    const { isControl, deleteHorizonMs } = header
    const isSpent = isControl
      ? this.#transactions.onControlBatch(header, this.#bytes)
      : this.#transactions.onBatch(header)
    const isPast = deleteHorizonMs !== null && deleteHorizonMs <= this.#options.nowMs
    const dropsAll = isSpent && (!isControl || isPast)
    if (!dropsAll && header.magic < CURRENT_MAGIC) {
      this.#convert(header)
      return
    }
    const isKept = !dropsAll && this.#keepRecords(header, isControl && isSpent)
    if (isKept || header.magic < CURRENT_MAGIC || !this.#staysEmpty(header)) return
    this.#write(emptyBatch(header), header.lastOffset, header.maxTimestamp)
  }

  #staysEmpty(header: BatchHeader): boolean {
    return header.lastOffset + 1 === this.#options.highWatermark || this.#lastRecords.isLast(header)
  }

  /** False: no record is left. */
  #keepRecords(header: BatchHeader, isSpentMarker: boolean): boolean {
    const cursor = new RecordCursor(this.#bytes, header)
    if (header.count > this.#keeps.length) this.#keeps = new Uint8Array(header.count * 2)
    const keeps = this.#keeps
    let kept = 0
    let keptBytes = 0
    let hasTombstone = false
    while (cursor.next()) {
      const stays = header.isControl || this.#stays(cursor, header)
      keeps[cursor.index] = stays ? 1 : 0
      if (!stays) continue
      kept++
      keptBytes += cursor.sizeInBytes
      hasTombstone ||= cursor.valueLength < 0
    }
    this.#recordsRead += header.count
    this.#recordsKept += kept
    if (kept === 0) return false
    const needsHorizon = (hasTombstone || isSpentMarker) && header.deleteHorizonMs === null
    if (kept === header.count && !needsHorizon) this.#copy(header)
    else this.#rebuild(header, cursor, needsHorizon, keptBytes)
    return true
  }

  #stays(
    { offset, payload, keyStart, keyLength, valueLength }: RecordCursor,
    { deleteHorizonMs }: BatchHeader,
  ): boolean {
    if (offset > this.#map.latestOffset) return true
    if (keyLength < 0) {
      this.#recordsWithoutKey++
      return false
    }
    if (valueLength < 0 && deleteHorizonMs !== null && deleteHorizonMs <= this.#options.nowMs) return false
    return offset >= this.#map.get(payload, keyStart, keyStart + keyLength)
  }

  #copy({ position, sizeInBytes, lastOffset, maxTimestamp }: BatchHeader): void {
    this.#write(this.#bytes.subarray(position, position + sizeInBytes), lastOffset, maxTimestamp)
  }

  /** Goes through the records once more, as `#keeps` has it. */
  #rebuild(header: BatchHeader, cursor: RecordCursor, needsHorizon: boolean, bytes: number): void {
    const { nowMs, deleteRetentionMs } = this.#options
    const deleteHorizonMs = needsHorizon ? nowMs + deleteRetentionMs : header.deleteHorizonMs
    const { baseOffset } = header
    const builder = new BatchBuilder({ baseOffset, deleteHorizonMs, initialBytes: bytes + ROOM_FOR_ONE_MORE })
    cursor.index = -1
    cursor.end = 0
    while (cursor.next()) if (this.#keeps[cursor.index] === 1) builder.copy(cursor)
    const { maxTimestamp } = builder
    const isAppendTime = header.timestampType === 'LogAppendTime'
    const batch = builder.build({ ...optionsOf(header), codec: header.codec })
    this.#write(batch, header.lastOffset, isAppendTime ? header.maxTimestamp : maxTimestamp)
  }

  /** Magic 0 and 1 become magic 2, as whatever Kafka has cleaned. */
  #convert(header: BatchHeader): void {
    const records = decodeRecords(this.#bytes, header)
    this.#recordsRead += records.length
    const kept = records.filter(({ offset, key, value }) => {
      if (offset > this.#map.latestOffset) return true
      if (!key) this.#recordsWithoutKey++
      if (!key || (!value && !this.#options.retainsLegacyTombstones)) return false
      return offset >= this.#map.get(key, 0, key.length)
    })
    const [first] = kept
    const last = kept.at(-1)
    if (!first || !last) return
    this.#recordsKept += kept.length
    const deleteHorizonMs = kept.some(({ value }) => !value)
      ? this.#options.nowMs + this.#options.deleteRetentionMs
      : null
    const isAppendTime = header.timestampType === 'LogAppendTime'
    const maxTimestamp = kept.reduce((max, { timestamp }) => Math.max(max, timestamp), -1)
    const { codec } = header
    const times = isAppendTime ? { logAppendTimeMs: header.maxTimestamp } : {}
    const batch = encodeBatch(kept, { baseOffset: first.offset, codec, deleteHorizonMs, ...times })
    this.#write(batch, last.offset, isAppendTime ? header.maxTimestamp : maxTimestamp)
  }

  #write(batch: Uint8Array, lastOffset: number, maxTimestamp: number): void {
    const size = this.#size + batch.length
    if (size > this.#output.length) {
      const larger = new Uint8Array(Math.max(size, this.#output.length * 2))
      larger.set(this.#output.subarray(0, this.#size))
      this.#output = larger
    }
    this.#output.set(batch, this.#size)
    this.#size = size
    this.#batches.push(lastOffset, maxTimestamp, batch.length)
  }
}

/** What a batch made anew has of the one that it replaces. The last offset with the first gives the last sequence number. */
function optionsOf(header: BatchHeader) {
  const { partitionLeaderEpoch, producerId, producerEpoch, baseSequence, isTransactional, isControl, lastOffset } =
    header
  const times = header.timestampType === 'LogAppendTime' ? { logAppendTimeMs: header.maxTimestamp } : {}
  return {
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional,
    isControl,
    lastOffset,
    ...times,
  }
}

function emptyBatch(header: BatchHeader): Uint8Array {
  const { baseOffset, maxTimestamp } = header
  return encodeBatch([], { ...optionsOf(header), baseOffset, maxTimestamp })
}
