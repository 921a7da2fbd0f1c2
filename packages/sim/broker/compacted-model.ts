/**
 * What one partition of a compacted topic must show: of each key the last record that was answered for, or a later one, or
 * nothing where that may be a tombstone whose time is over; nothing that was not sent, all where it was, and in order.
 */
import { batches, decodeRecords, type RecordInput } from '@ottla/protocol'
import { demand } from './simulation.ts'

export const ID_HEADER = 'id'

export interface KeyedRecord {
  readonly id: number
  readonly key: string
  readonly isTombstone: boolean
  readonly input: RecordInput
  /** Once somebody was told, or has read it. */
  offset: number | null
}

export interface CompactedTopic {
  readonly name: string
  readonly id: string
  readonly partitions: readonly CompactedModel[]
}

/** From the begin to the end, as it was read. */
export interface Scan {
  readonly expected: ReadonlyMap<string, KeyedRecord>
  /** By key, the last one. */
  readonly found: Map<string, number>
  position: number
}

export class CompactedModel {
  readonly name: string
  readonly #sent = new Map<number, KeyedRecord>()
  readonly #at = new Map<number, KeyedRecord>()
  /** By key, the last one that is known to have been there. */
  readonly #last = new Map<string, KeyedRecord>()
  #promisedEnd = 0

  constructor(name: string) {
    this.name = name
  }

  get promisedEnd(): number {
    return this.#promisedEnd
  }

  add(record: KeyedRecord): void {
    this.#sent.set(record.id, record)
  }

  onAcknowledged(records: readonly KeyedRecord[], baseOffset: number): void {
    for (const [i, record] of records.entries()) this.#place(record, baseOffset + i)
    this.#promisedEnd = Math.max(this.#promisedEnd, baseOffset + records.length)
  }

  scan(): Scan {
    return { expected: new Map(this.#last), found: new Map(), position: 0 }
  }

  /** `promisedEnd`: as it was when it was asked for. Gives the position after it. */
  onFetched(scan: Scan, highWatermark: number, bytes: Uint8Array, promisedEnd: number): void {
    const { name } = this
    demand(
      highWatermark >= promisedEnd,
      () => `${name} ends at ${highWatermark}, but ${promisedEnd} was promised before`,
    )
    this.#promisedEnd = Math.max(this.#promisedEnd, highWatermark)
    let next = scan.position
    for (const header of batches(bytes)) {
      const { baseOffset, lastOffset } = header
      const isNext = next === scan.position ? lastOffset >= next : baseOffset >= next
      demand(isNext, () => `${name}: batch ${baseOffset} to ${lastOffset}, where ${next} or more was to come`)
      demand(lastOffset < highWatermark, () => `${name}: ${lastOffset} was read, above ${highWatermark}`)
      let before = baseOffset - 1
      for (const record of decodeRecords(bytes, header)) {
        const { offset } = record
        demand(offset > before && offset <= lastOffset, () => `${name}: record ${offset} after ${before}`)
        before = offset
        scan.found.set(this.#identify(record, offset).key, offset)
      }
      next = lastOffset + 1
    }
    // Where nothing is left before the end there is nothing to be read.
    scan.position = bytes.length === 0 ? Math.max(next, highWatermark) : next
  }

  /** What is wrong with all of it; null: nothing. A cleaning that went on meanwhile may have taken what was read first. */
  problem({ expected, found }: Scan): string | null {
    for (const [key, record] of expected) {
      const offset = found.get(key)
      if (offset !== undefined && offset >= record.offset!) continue
      if (offset === undefined && this.#mayBeGone(record)) continue
      return `${this.name}: the last record of ${key} is at ${offset}, and there was one at ${record.offset}`
    }
    return null
  }

  #mayBeGone({ key, isTombstone, offset }: KeyedRecord): boolean {
    if (isTombstone) return true
    for (const other of this.#sent.values()) {
      if (other.key === key && other.isTombstone && (other.offset === null || other.offset > offset!)) return true
    }
    return false
  }

  #place(record: KeyedRecord, offset: number): void {
    const { id, key } = record
    demand(
      record.offset === null || record.offset === offset,
      () => `${this.name}: record ${id} is at ${offset}, and was at ${record.offset}`,
    )
    const other = this.#at.get(offset) ?? record
    demand(other === record, () => `${this.name}: record ${id} is at ${offset}, where record ${other.id} was`)
    record.offset = offset
    this.#at.set(offset, record)
    if ((this.#last.get(key)?.offset ?? -1) < offset) this.#last.set(key, record)
  }

  #identify(read: ReturnType<typeof decodeRecords>[number], offset: number): KeyedRecord {
    const id = Number(Buffer.from(read.headers.find(({ key }) => key === ID_HEADER)?.value ?? []).toString())
    const record = this.#sent.get(id)
    demand(record !== undefined, () => `${this.name}: nobody has sent what is at ${offset}`)
    const { key, value = null, timestamp } = record.input
    const isSame = read.timestamp === timestamp && isSameBytes(read.key, key ?? null) && isSameBytes(read.value, value)
    demand(isSame, () => `${this.name}: record ${id} at ${offset} is not what was sent`)
    this.#place(record, offset)
    return record
  }
}

function isSameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0
}
