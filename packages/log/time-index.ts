/**
 * `.timeindex`: 12 bytes an entry: a timestamp, and the relative offset of the last record of the batch that has it.
 * Each entry says: up to here, no record has a larger timestamp. Written along with an entry of the offset index,
 * if the largest timestamp has grown since, and once more when the segment is closed: so the last entry tells the
 * largest timestamp of a closed segment.
 */
import { IndexBytes } from './index-bytes.ts'

const ENTRY_SIZE = 12
const MAX_RELATIVE_OFFSET = 0x7fffffff
const NO_TIMESTAMP = -1

export class TimeIndex extends IndexBytes {
  readonly baseOffset: number

  constructor(baseOffset: number, bytes?: Uint8Array) {
    super(ENTRY_SIZE, bytes)
    this.baseOffset = baseOffset
  }

  get lastTimestamp(): number {
    return this.entries === 0 ? NO_TIMESTAMP : this.timestampAt(this.entries - 1)
  }

  get lastOffset(): number {
    return this.entries === 0 ? this.baseOffset : this.offsetAt(this.entries - 1)
  }

  timestampAt(entry: number): number {
    const at = entry * ENTRY_SIZE
    return this.view.getInt32(at) * 2 ** 32 + this.view.getUint32(at + 4)
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.view.getUint32(entry * ENTRY_SIZE + 8)
  }

  /** One entry stays free for the one that closing the segment writes. */
  isFull(maxBytes: number): boolean {
    return this.entries >= Math.floor(maxBytes / ENTRY_SIZE) - 1
  }

  /** Nothing is added unless the timestamp is larger than the last one. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp) return
    const relative = offset - this.baseOffset
    if (relative < 0 || relative > MAX_RELATIVE_OFFSET) throw new Error(`offset ${offset} is not in this segment`)
    if (this.entries > 0 && offset < this.lastOffset) throw new Error(`offset ${offset} is below the last one indexed`)
    const at = this.grow()
    this.view.setInt32(at, Math.floor(timestamp / 2 ** 32))
    this.view.setUint32(at + 4, timestamp >>> 0)
    this.view.setUint32(at + 8, relative)
  }

  /** Offset of the last entry whose timestamp is at or below; the base offset if there is none. */
  offsetBelow(timestamp: number): number {
    let low = 0
    let high = this.entries - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.timestampAt(middle) <= timestamp) low = middle + 1
      else high = middle - 1
    }
    return high < 0 ? this.baseOffset : this.offsetAt(high)
  }

  /** Keeps the entries below `offset`. */
  truncateTo(offset: number): void {
    let keep = this.entries
    while (keep > 0 && this.offsetAt(keep - 1) >= offset) keep--
    this.truncateEntries(keep)
  }

  problem(): string | null {
    let previousTimestamp = NO_TIMESTAMP
    let previousOffset = -1
    for (let entry = 0; entry < this.entries; entry++) {
      const timestamp = this.timestampAt(entry)
      const offset = this.view.getUint32(entry * ENTRY_SIZE + 8)
      if (timestamp <= previousTimestamp || offset < previousOffset || offset > MAX_RELATIVE_OFFSET) {
        return `entry ${entry} is not above the one before`
      }
      previousTimestamp = timestamp
      previousOffset = offset
    }
    return null
  }
}
