/**
 * What each active producer of a log wrote last: the batch that holds it must not be lost to the cleaner, since the log,
 * read again after a crash, knows sequence numbers and epochs from it. Three numbers a producer in one piece of memory that
 * threads share: there may be a million of them.
 */
import type { BatchHeader } from '@ottla/protocol'
import type { ProducerEntry } from '../producer-entry.ts'

const NUMBERS = 3

/** Producer id, offset of its last record or -1, epoch; ascending by producer id. */
export type LastRecordsState = Float64Array

export function lastRecordsOf(producers: Iterable<ProducerEntry>): LastRecordsState {
  const entries = Array.from(producers, entry => entry).sort((a, b) => a.producerId - b.producerId)
  const state = new Float64Array(new SharedArrayBuffer(entries.length * NUMBERS * 8))
  for (const [i, { producerId, lastDataOffset, producerEpoch }] of entries.entries()) {
    state.set([producerId, lastDataOffset, producerEpoch], i * NUMBERS)
  }
  return state
}

export class LastRecords {
  readonly #state: LastRecordsState

  constructor(state: LastRecordsState) {
    this.#state = state
  }

  /** The last data of its producer, or of one that has none a marker of its epoch. */
  isLast({ producerId, producerEpoch, lastOffset, isControl }: BatchHeader): boolean {
    if (producerId < 0) return false
    const state = this.#state
    let low = 0
    let high = state.length / NUMBERS - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const id = state[middle * NUMBERS]!
      if (id === producerId) {
        const lastDataOffset = state[middle * NUMBERS + 1]!
        if (lastDataOffset >= 0) return lastOffset === lastDataOffset
        return isControl && producerEpoch === state[middle * NUMBERS + 2]
      }
      if (id < producerId) low = middle + 1
      else high = middle - 1
    }
    return false
  }
}
