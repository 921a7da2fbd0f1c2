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
 *
 * What stays is moved to the front of the bytes that it was found in: a cleaning that took memory for it anew, piece by
 * piece, made the collector stop the event loop (docs/performance.md).
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
import type { KeyList, OffsetMap } from './offset-map.ts'
import type { CleanedTransactions } from './transactions.ts'

/** What becomes of a record. */
const DROP = 0
const KEEP = 1
const KEEP_TOMBSTONE = 2
const TO_BE_LOOKED_UP = 4

/** What a builder asks for beyond what its last record takes. */
const ROOM_FOR_ONE_MORE = 64

/** False: the map was full before the end. `bytes` are whole batches. */
export function indexBatches(
  bytes: Uint8Array,
  startOffset: number,
  map: OffsetMap,
  transactions: CleanedTransactions,
): boolean {
  const keys = map.keyList()
  for (let at = 0; at < bytes.length; ) {
    const header = verifyBatch(bytes, at)
    at += header.sizeInBytes
    if (header.isControl) transactions.onControlBatch(header, bytes)
    else if (!transactions.onBatch(header)) {
      listKeys(bytes, header, startOffset, keys)
      if (map.putAll(keys) < keys.length) return false
    }
    if (header.lastOffset >= startOffset) map.latestOffset = header.lastOffset
  }
  return true
}

/** Of the records at or past `startOffset` that have one. */
function listKeys(bytes: Uint8Array, header: BatchHeader, startOffset: number, keys: KeyList): void {
  keys.clear()
  if (header.magic < CURRENT_MAGIC) {
    for (const { key, offset } of decodeRecords(bytes, header)) {
      if (key && offset >= startOffset) keys.add(key, 0, key.length, offset)
    }
    return
  }
  const cursor = new RecordCursor(bytes, header)
  const { payload } = cursor
  while (cursor.next()) {
    const { offset, keyLength, keyStart } = cursor
    if (keyLength >= 0 && offset >= startOffset) keys.add(payload, keyStart, keyStart + keyLength, offset)
  }
}

export interface FilterOptions {
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** Tombstones of magic 0 and 1 have no horizon of their own. */
  readonly retainsLegacyTombstones: boolean
  readonly highWatermark: number
}

export interface Filtered {
  /** The batches that stay: the begin of what was filtered, or memory of their own if they have grown past that. */
  readonly bytes: Uint8Array
  /** Of each of them its last offset, largest timestamp and size. */
  readonly batches: Float64Array<ArrayBuffer>
  readonly recordsRead: number
  readonly recordsKept: number
  /** Records that have no key: nothing should have let them in. */
  readonly recordsWithoutKey: number
}

/** `bytes` are whole batches, and are overwritten. */
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
  #output: Uint8Array
  #size = 0
  /** How much of `#output` may be written: what is behind is still to be read. */
  #room = 0
  readonly #batches: number[] = []
  #recordsRead = 0
  #recordsKept = 0
  #recordsWithoutKey = 0
  readonly #keys: KeyList
  /** What becomes of each record of the batch at hand. */
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
    this.#keys = map.keyList()
    this.#transactions = transactions
    this.#lastRecords = lastRecords
    this.#options = options
    this.#output = bytes
  }

  run(): Filtered {
    const bytes = this.#bytes
    for (let at = 0; at < bytes.length; ) {
      const header = verifyBatch(bytes, at)
      at += header.sizeInBytes
      if (this.#output === bytes) this.#room = at
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
    const { count, isControl } = header
    if (count > this.#keeps.length) this.#keeps = new Uint8Array(count * 2)
    if (isControl) this.#keeps.fill(KEEP, 0, count)
    else this.#judge(cursor, header)
    const keeps = this.#keeps
    let kept = 0
    let hasTombstone = false
    for (let i = 0; i < count; i++) {
      if (keeps[i] === DROP) continue
      kept++
      if (keeps[i] === KEEP_TOMBSTONE) hasTombstone = true
    }
    this.#recordsRead += count
    this.#recordsKept += kept
    if (kept === 0) return false
    const needsHorizon = (hasTombstone || isSpentMarker) && header.deleteHorizonMs === null
    if (kept === count && !needsHorizon) this.#copy(header)
    else this.#rebuild(header, cursor, needsHorizon, kept)
    return true
  }

  /** Sets `#keeps` for each record of the batch. */
  #judge(cursor: RecordCursor, { count, deleteHorizonMs }: BatchHeader): void {
    const keeps = this.#keeps
    const keys = this.#keys
    const { payload } = cursor
    const { latestOffset } = this.#map
    const isPast = deleteHorizonMs !== null && deleteHorizonMs <= this.#options.nowMs
    keys.clear()
    while (cursor.next()) {
      const { index, offset, keyStart, keyLength, valueLength } = cursor
      const isTombstone = valueLength < 0
      keeps[index] = isTombstone ? KEEP_TOMBSTONE : KEEP
      if (offset > latestOffset) continue
      if (keyLength < 0) this.#recordsWithoutKey++
      if (keyLength < 0 || (isTombstone && isPast)) keeps[index] = DROP
      else {
        keeps[index]! |= TO_BE_LOOKED_UP
        keys.add(payload, keyStart, keyStart + keyLength, offset)
      }
    }
    this.#map.lookUp(keys)
    for (let i = 0, key = 0; i < count; i++) {
      if ((keeps[i]! & TO_BE_LOOKED_UP) === 0) continue
      keeps[i] = keys.offsets[key]! >= keys.lastOffsets[key]! ? keeps[i]! & ~TO_BE_LOOKED_UP : DROP
      key++
    }
  }

  #copy({ position, sizeInBytes, lastOffset, maxTimestamp }: BatchHeader): void {
    this.#write(this.#bytes.subarray(position, position + sizeInBytes), lastOffset, maxTimestamp)
  }

  /** Goes through the records once more, as `#keeps` has it. */
  #rebuild(header: BatchHeader, cursor: RecordCursor, needsHorizon: boolean, kept: number): void {
    const { nowMs, deleteRetentionMs } = this.#options
    const deleteHorizonMs = needsHorizon ? nowMs + deleteRetentionMs : header.deleteHorizonMs
    const { baseOffset, count } = header
    // As large as their share, if they are as large as the others; it grows if they are not.
    const initialBytes = Math.ceil((cursor.payload.length * kept) / count) + ROOM_FOR_ONE_MORE
    const builder = new BatchBuilder({ baseOffset, deleteHorizonMs, initialBytes })
    cursor.index = -1
    cursor.end = 0
    while (cursor.next()) if (this.#keeps[cursor.index] !== DROP) builder.copy(cursor)
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
      this.#keys.clear()
      this.#keys.add(key, 0, key.length, offset)
      this.#map.lookUp(this.#keys)
      return offset >= this.#keys.lastOffsets[0]!
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
    if (size > this.#room) this.#grow(size)
    this.#output.set(batch, this.#size)
    this.#size = size
    this.#batches.push(lastOffset, maxTimestamp, batch.length)
  }

  /** Batches of magic 0 and 1 may be larger when they are converted, and compressed ones when they are made again. */
  #grow(size: number): void {
    const larger = new Uint8Array(Math.max(size, this.#bytes.length, this.#room * 2))
    larger.set(this.#output.subarray(0, this.#size))
    this.#output = larger
    this.#room = larger.length
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
