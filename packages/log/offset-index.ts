/**
 * `.index`: where in a segment's file an offset is to be found. 8 bytes an entry: offset relative to the segment's
 * base, position; of the last offset of a batch, and the position at which that batch begins. Sparse: an entry
 * every `index.interval.bytes`, so a reader walks the batches from the entry below the offset that it looks for.
 *
 * Held in memory as the bytes of the file; loading and saving is index-file.ts's matter.
 */
import { IndexBytes } from './index-bytes.ts'

const ENTRY_SIZE = 8
const MAX_RELATIVE_OFFSET = 0x7fffffff

export class OffsetIndex extends IndexBytes {
  readonly baseOffset: number

  constructor(baseOffset: number, bytes?: Uint8Array) {
    super(ENTRY_SIZE, bytes)
    this.baseOffset = baseOffset
  }

  /** Of the last entry; the base offset if there is none. */
  get lastOffset(): number {
    return this.entries === 0 ? this.baseOffset : this.offsetAt(this.entries - 1)
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.view.getUint32(entry * ENTRY_SIZE)
  }

  positionAt(entry: number): number {
    return this.view.getUint32(entry * ENTRY_SIZE + 4)
  }

  isFull(maxBytes: number): boolean {
    return this.entries >= Math.floor(maxBytes / ENTRY_SIZE)
  }

  append(offset: number, position: number): void {
    const relative = offset - this.baseOffset
    if (relative < 0 || relative > MAX_RELATIVE_OFFSET) throw new Error(`offset ${offset} is not in this segment`)
    if (this.entries > 0 && offset <= this.lastOffset) throw new Error(`offset ${offset} is indexed already`)
    const at = this.grow()
    this.view.setUint32(at, relative)
    this.view.setUint32(at + 4, position)
  }

  /** The last entry at or below `offset`; -1 if there is none, and then the segment's begin is the place to look from. */
  find(offset: number): number {
    let low = 0
    let high = this.entries - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.offsetAt(middle) <= offset) low = middle + 1
      else high = middle - 1
    }
    return high
  }

  /** Where to begin to look for `offset`. */
  positionBelow(offset: number): number {
    const entry = this.find(offset)
    return entry < 0 ? 0 : this.positionAt(entry)
  }

  /** Keeps the entries below `offset`. */
  truncateTo(offset: number): void {
    this.truncateEntries(this.find(offset - 1) + 1)
  }

  /** What is wrong with it, if it is to index a file of `fileSize` bytes; null: nothing. */
  problem(fileSize: number): string | null {
    let previousOffset = -1
    let previousPosition = -1
    for (let entry = 0; entry < this.entries; entry++) {
      const offset = this.view.getUint32(entry * ENTRY_SIZE)
      const position = this.positionAt(entry)
      if (offset <= previousOffset || position <= previousPosition) return `entry ${entry} is not above the one before`
      if (offset > MAX_RELATIVE_OFFSET || position >= fileSize) return `entry ${entry} points out of the segment`
      previousOffset = offset
      previousPosition = position
    }
    return null
  }
}
