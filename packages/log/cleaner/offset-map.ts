/**
 * The last offset of each key in the part of a log that is being cleaned, in memory of a fixed size: a table of 24 bytes an
 * entry, 128 bits of hash and the offset, as in Kafka's, so that `log.cleaner.dedupe.buffer.size` holds as many keys here
 * as there. It is one piece of memory, which goes from thread to thread without a copy.
 */
import { KeyHash } from './key-hash.ts'

const ENTRY_BYTES = 24
const WORDS = ENTRY_BYTES / 4
const DOUBLES = ENTRY_BYTES / 8

/** As it crosses threads. */
export interface OffsetMapState {
  readonly memory: ArrayBuffer
  readonly secret: Uint8Array
  /** More keys are not taken. */
  readonly maxEntries: number
  readonly entries: number
  /** Every record up to here is in the map, if it has a key and was not aborted; -1: there is none. */
  readonly latestOffset: number
}

/** For `maxKeys` keys if they fit into `limitBytes` of memory that may be filled by `loadFactor`. */
export function newOffsetMap(
  maxKeys: number,
  limitBytes: number,
  loadFactor: number,
  secret: Uint8Array,
): OffsetMapState {
  const limit = Math.floor(Math.min(limitBytes, 0x7fff_ffff) / ENTRY_BYTES)
  // A search ends at a place that is free; and a map of no use would never let the cleaner get on.
  const slots = Math.max(2, Math.min(limit, Math.ceil(maxKeys / loadFactor) + 1))
  const maxEntries = Math.max(1, Math.min(Math.floor(slots * loadFactor), slots - 1))
  return { memory: new ArrayBuffer(slots * ENTRY_BYTES), secret, maxEntries, entries: 0, latestOffset: -1 }
}

export class OffsetMap {
  readonly #state: OffsetMapState
  readonly #hash: KeyHash
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #slots: number
  #entries: number
  latestOffset: number

  constructor(state: OffsetMapState) {
    this.#state = state
    this.#hash = new KeyHash(state.secret)
    this.#words = new Int32Array(state.memory)
    this.#doubles = new Float64Array(state.memory)
    this.#slots = state.memory.byteLength / ENTRY_BYTES
    this.#entries = state.entries
    this.latestOffset = state.latestOffset
  }

  get entries(): number {
    return this.#entries
  }

  /** How much of it is used, 0 to 1. */
  get utilization(): number {
    return this.#entries / this.#slots
  }

  get isFull(): boolean {
    return this.#entries >= this.#state.maxEntries
  }

  state(): OffsetMapState {
    return { ...this.#state, entries: this.#entries, latestOffset: this.latestOffset }
  }

  /** Of the key in `bytes[start, end)`, which takes a place that is free unless the key is there; see `isFull`. */
  put(bytes: Uint8Array, start: number, end: number, offset: number): void {
    const slot = this.#find(bytes, start, end)
    const at = slot * DOUBLES + 2
    if (this.#doubles[at] === 0) {
      const { h0, h1, h2, h3 } = this.#hash
      const words = this.#words
      const word = slot * WORDS
      words[word] = h0
      words[word + 1] = h1
      words[word + 2] = h2
      words[word + 3] = h3
      this.#entries++
    }
    this.#doubles[at] = offset + 1
    this.latestOffset = offset
  }

  /** -1: the key is not there. */
  get(bytes: Uint8Array, start: number, end: number): number {
    return this.#doubles[this.#find(bytes, start, end) * DOUBLES + 2]! - 1
  }

  /** Where the key is, or would go: a free place has the offset 0, all others theirs plus 1. */
  #find(bytes: Uint8Array, start: number, end: number): number {
    const hash = this.#hash
    hash.of(bytes, start, end)
    const { h0, h1, h2, h3 } = hash
    const words = this.#words
    const doubles = this.#doubles
    let slot = Math.floor((h0 >>> 0) * (this.#slots / 0x1_0000_0000))
    for (;;) {
      if (doubles[slot * DOUBLES + 2] === 0) return slot
      const word = slot * WORDS
      if (words[word] === h0 && words[word + 1] === h1 && words[word + 2] === h2 && words[word + 3] === h3) return slot
      if (++slot === this.#slots) slot = 0
    }
  }
}
