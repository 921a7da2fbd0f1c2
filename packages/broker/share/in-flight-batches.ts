/** The batches in flight of a share partition, in the order of their offsets: as many as there may be locks, at most. */
import type { InFlightBatch } from './in-flight.ts'

export class InFlightBatches {
  readonly #batches: InFlightBatch[] = []
  /** Since the start: how many there were, and of how many offsets. */
  addedCount = 0
  addedOffsets = 0

  get size(): number {
    return this.#batches.length
  }

  get first(): InFlightBatch | undefined {
    return this.#batches[0]
  }

  get last(): InFlightBatch | undefined {
    return this.#batches.at(-1)
  }

  [Symbol.iterator](): ArrayIterator<InFlightBatch> {
    return this.#batches[Symbol.iterator]()
  }

  /** The last one that begins at the offset or before. */
  floor(offset: number): InFlightBatch | undefined {
    return this.#batches[this.#indexAfter(offset) - 1]
  }

  /** The first one that begins after the offset. */
  higher(offset: number): InFlightBatch | undefined {
    return this.#batches[this.#indexAfter(offset)]
  }

  /** Those that begin there, both ends included; a copy. */
  between(firstOffset: number, lastOffset: number): InFlightBatch[] {
    return this.#batches.slice(this.#indexAfter(firstOffset - 1), this.#indexAfter(lastOffset))
  }

  /** In the place of whatever began at the same offset. */
  put(batch: InFlightBatch): void {
    this.addedCount++
    this.addedOffsets += batch.size
    const index = this.#indexAfter(batch.firstOffset - 1)
    const isThere = this.#batches[index]?.firstOffset === batch.firstOffset
    this.#batches.splice(index, isThere ? 1 : 0, batch)
  }

  /** All that begin before the offset; returns them. */
  removeBefore(offset: number): InFlightBatch[] {
    return this.#batches.splice(0, this.#indexAfter(offset - 1))
  }

  clear(): InFlightBatch[] {
    return this.#batches.splice(0)
  }

  /** How many begin at the offset or before. */
  #indexAfter(offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#batches[middle]!.firstOffset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
