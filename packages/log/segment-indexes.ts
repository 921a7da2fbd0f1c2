/** The two sparse indexes of a segment, and what it takes to go on with them. */
import type { BatchHeader } from '@ottla/protocol'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'

export interface LargestTimestamp {
  /** -1: no record has one. */
  readonly timestamp: number
  /** Of the last record in the batch that has it. */
  readonly offset: number
}

export class SegmentIndexes {
  readonly offset: OffsetIndex
  readonly time: TimeIndex
  largest: LargestTimestamp
  /** Largest timestamp of the first batch; NaN: not known yet, or the segment is empty. */
  firstTimestamp = Number.NaN
  #bytesSinceEntry = 0

  constructor(baseOffset: number, offset = new OffsetIndex(baseOffset), time = new TimeIndex(baseOffset)) {
    this.offset = offset
    this.time = time
    this.largest = { timestamp: time.lastTimestamp, offset: time.lastOffset }
  }

  /** To be filled again from the log; what the files hold is void. */
  static empty(baseOffset: number): SegmentIndexes {
    const indexes = new SegmentIndexes(baseOffset)
    indexes.offset.hasCutTail = true
    indexes.time.hasCutTail = true
    return indexes
  }

  get memoryBytes(): number {
    return this.offset.memoryBytes + this.time.memoryBytes
  }

  get isUnsaved(): boolean {
    return this.offset.isUnsaved || this.time.isUnsaved
  }

  /** An entry falls due before a batch that comes more than the interval behind the last one, as Kafka has it. */
  add(
    { maxTimestamp, lastOffset, sizeInBytes }: Pick<BatchHeader, 'maxTimestamp' | 'lastOffset' | 'sizeInBytes'>,
    position: number,
    intervalBytes: number,
  ): void {
    if (Number.isNaN(this.firstTimestamp)) this.firstTimestamp = maxTimestamp
    if (maxTimestamp > this.largest.timestamp) this.largest = { timestamp: maxTimestamp, offset: lastOffset }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offset.append(lastOffset, position)
      this.time.maybeAppend(this.largest.timestamp, this.largest.offset)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += sizeInBytes
  }

  /** The segment is closed: its largest timestamp goes into the time index. */
  finish(): void {
    this.time.maybeAppend(this.largest.timestamp, this.largest.offset)
    this.offset.trim()
    this.time.trim()
  }

  /** Keeps what is below `offset`; `largest` is to be found again. */
  truncateTo(offset: number): void {
    this.offset.truncateTo(offset)
    this.time.truncateTo(offset)
    this.largest = { timestamp: this.time.lastTimestamp, offset: this.time.lastOffset }
    this.#bytesSinceEntry = 0
  }

  /** Entries of `other` for batches at `position` and behind: they came while this one was being made. */
  takeOver(other: SegmentIndexes, position: number): void {
    const { offset, time } = other
    for (let entry = 0; entry < offset.entries; entry++) {
      if (offset.positionAt(entry) < position || offset.offsetAt(entry) <= this.offset.lastOffset) continue
      this.offset.append(offset.offsetAt(entry), offset.positionAt(entry))
    }
    for (let entry = 0; entry < time.entries; entry++) {
      if (time.offsetAt(entry) > this.time.lastOffset)
        this.time.maybeAppend(time.timestampAt(entry), time.offsetAt(entry))
    }
    if (other.largest.timestamp > this.largest.timestamp) this.largest = other.largest
    this.#bytesSinceEntry = other.#bytesSinceEntry
  }
}
