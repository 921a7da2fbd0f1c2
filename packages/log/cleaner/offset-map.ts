/**
 * The last offset of each key in the part of a log that is being cleaned, in memory of a fixed size: a table of 24 bytes an
 * entry, 128 bits of hash and the offset, as in Kafka's, so that `log.cleaner.dedupe.buffer.size` holds as many keys here
 * as there. It is one piece of shared memory: who has handed it to a task leaves it alone until the task is done.
 */
import { KeyHash } from './key-hash.ts'

const ENTRY_BYTES = 24
const WORDS = ENTRY_BYTES / 4
const DOUBLES = ENTRY_BYTES / 8
const HASH_WORDS = 4

/** As it crosses threads. */
export interface OffsetMapState {
  /** Shared, and not handed over: the collector of each thread that gets so much begins to work. */
  readonly memory: SharedArrayBuffer
  /** Places for entries, from its begin on. */
  readonly slots: number
  /** False: an earlier map's entries are in it. */
  readonly isCleared: boolean
  readonly secret: Uint8Array
  /** More keys are not taken. */
  readonly maxEntries: number
  readonly entries: number
  /** Every record up to here is in the map, if it has a key and was not aborted; -1: there is none. */
  readonly latestOffset: number
}

/**
 * For `maxKeys` keys if they fit into `limitBytes` of memory that may be filled by `loadFactor`. `reused`: of an earlier map
 * that nobody needs any more; its memory is taken if it is enough.
 */
export function newOffsetMap(
  maxKeys: number,
  limitBytes: number,
  loadFactor: number,
  secret: Uint8Array,
  reused: SharedArrayBuffer | null = null,
): OffsetMapState {
  const limit = Math.floor(Math.min(limitBytes, 0x7fff_ffff) / ENTRY_BYTES)
  // A search ends at a place that is free; and a map of no use would never let the cleaner get on.
  const slots = Math.max(2, Math.min(limit, Math.ceil(maxKeys / loadFactor) + 1))
  const maxEntries = Math.max(1, Math.min(Math.floor(slots * loadFactor), slots - 1))
  const isEnough = reused !== null && reused.byteLength >= slots * ENTRY_BYTES
  const memory = isEnough ? reused : new SharedArrayBuffer(roundUp(slots, limit) * ENTRY_BYTES)
  return { memory, slots, isCleared: !isEnough, secret, maxEntries, entries: 0, latestOffset: -1 }
}

/** To a power of two, so that maps that grow leave little behind. */
function roundUp(slots: number, limit: number): number {
  return Math.max(slots, Math.min(limit, 2 ** Math.ceil(Math.log2(slots))))
}

export class OffsetMap {
  readonly #state: OffsetMapState
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #slots: number
  #entries: number
  latestOffset: number

  constructor(state: OffsetMapState) {
    this.#state = state
    this.#words = new Int32Array(state.memory, 0, state.slots * WORDS)
    this.#doubles = new Float64Array(state.memory, 0, state.slots * DOUBLES)
    this.#slots = state.slots
    if (!state.isCleared) this.#words.fill(0)
    this.#entries = state.entries
    this.latestOffset = state.latestOffset
  }

  get entries(): number {
    return this.#entries
  }

  get isFull(): boolean {
    return this.#entries >= this.#state.maxEntries
  }

  /** For keys to be looked up here. */
  keyList(): KeyList {
    return new KeyList(this.#state.secret)
  }

  state(): OffsetMapState {
    return { ...this.#state, isCleared: true, entries: this.#entries, latestOffset: this.latestOffset }
  }

  /**
   * Of the keys in `keys`, at their offsets, as far as there is room: how many were taken. Each takes a place that is free
   * unless it is there.
   */
  putAll(keys: KeyList): number {
    const { words, offsets } = keys
    const table = this.#words
    const doubles = this.#doubles
    for (let i = 0; i < keys.length; i++) {
      if (this.isFull) return i
      const slot = this.#find(words, i)
      const at = slot * DOUBLES + 2
      if (doubles[at] === 0) {
        for (let word = 0; word < HASH_WORDS; word++) table[slot * WORDS + word] = words[i * HASH_WORDS + word]!
        this.#entries++
      }
      doubles[at] = offsets[i]! + 1
      this.latestOffset = offsets[i]!
    }
    return keys.length
  }

  /** Sets the `lastOffsets` of `keys`; -1: the key is not there. */
  lookUp(keys: KeyList): void {
    const { words, lastOffsets } = keys
    const doubles = this.#doubles
    // One after the other with nothing in between: so that the processor waits for the memory of several at a time.
    for (let i = 0; i < keys.length; i++) lastOffsets[i] = doubles[this.#find(words, i) * DOUBLES + 2]! - 1
  }

  /** Where key `i` is, or would go: a free place has the offset 0, all others theirs plus 1. */
  #find(hashes: Int32Array, i: number): number {
    const at = i * HASH_WORDS
    const h0 = hashes[at]!
    const words = this.#words
    const doubles = this.#doubles
    let slot = Math.floor((h0 >>> 0) * (this.#slots / 0x1_0000_0000))
    for (;;) {
      if (doubles[slot * DOUBLES + 2] === 0) return slot
      const word = slot * WORDS
      if (
        words[word] === h0 &&
        words[word + 1] === hashes[at + 1] &&
        words[word + 2] === hashes[at + 2] &&
        words[word + 3] === hashes[at + 3]
      ) {
        return slot
      }
      if (++slot === this.#slots) slot = 0
    }
  }
}

/** The hashes of the keys of a batch, and an offset for each. */
export class KeyList {
  words = new Int32Array(256 * HASH_WORDS)
  offsets = new Float64Array(256)
  /** Of each key the last offset that a map has; see `lookUp`. */
  lastOffsets = new Float64Array(256)
  length = 0
  readonly #hash: KeyHash

  constructor(secret: Uint8Array) {
    this.#hash = new KeyHash(secret)
  }

  clear(): void {
    this.length = 0
  }

  /** The key in `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number, offset: number): void {
    if (this.length === this.offsets.length) this.#grow()
    const hash = this.#hash
    hash.of(bytes, start, end)
    const at = this.length * HASH_WORDS
    this.words[at] = hash.h0
    this.words[at + 1] = hash.h1
    this.words[at + 2] = hash.h2
    this.words[at + 3] = hash.h3
    this.offsets[this.length++] = offset
  }

  #grow(): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    const offsets = new Float64Array(this.offsets.length * 2)
    offsets.set(this.offsets)
    this.offsets = offsets
    this.lastOffsets = new Float64Array(offsets.length)
  }
}
