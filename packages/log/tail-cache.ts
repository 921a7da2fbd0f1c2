/**
 * What was written last, kept in memory: a consumer or follower that is not far behind is answered from here, with
 * slices, without an await. One budget for all logs; the oldest bytes, of whatever log, make room for new ones. Those
 * who read a log's tail have done so by then, and a slow log keeps its tail for as long as a busy one is turned over.
 *
 * The budget counts whole ArrayBuffers, once each: a slice keeps alive all of the request that it came in.
 */
export interface TailChunk {
  readonly tail: LogTail
  /** Empty once its log has let go of it. */
  bytes: Uint8Array
  /** Of its first batch. */
  readonly baseOffset: number
  /** One past its last. */
  readonly endOffset: number
}

const NOTHING = new Uint8Array(0)

export class TailCache {
  readonly #limit: number
  /** All logs' chunks in the order in which they were written; `#first` is where the live ones begin. */
  #chunks: (TailChunk | null)[] = []
  #first = 0
  readonly #references = new Map<ArrayBufferLike, number>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  /** Memory held. */
  get bytes(): number {
    return this.#bytes
  }

  add(chunk: TailChunk): void {
    if (chunk.bytes.buffer.byteLength > this.#limit) {
      chunk.tail.clear(this) // a hole in a tail is no tail
      return
    }
    const { buffer } = chunk.bytes
    const count = this.#references.get(buffer) ?? 0
    this.#references.set(buffer, count + 1)
    if (count === 0) this.#bytes += buffer.byteLength
    this.#chunks.push(chunk)
    chunk.tail.push(chunk)
    while (this.#bytes > this.#limit) this.#dropOldest()
  }

  /** Frees what `chunk` holds; its log has let go of it. */
  release(chunk: TailChunk): void {
    const { buffer } = chunk.bytes
    chunk.bytes = NOTHING
    const count = this.#references.get(buffer)! - 1
    if (count > 0) {
      this.#references.set(buffer, count)
      return
    }
    this.#references.delete(buffer)
    this.#bytes -= buffer.byteLength
  }

  #dropOldest(): void {
    const chunk = this.#chunks[this.#first]!
    this.#chunks[this.#first++] = null
    if (this.#first > 1024 && this.#first * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first)
      this.#first = 0
    }
    // A log that was truncated or deleted has released its chunks before.
    if (chunk.tail.shift(chunk)) this.release(chunk)
  }
}

/** One log's part of the cache: a run of chunks without a hole, up to the end of what is written. */
export class LogTail {
  #chunks: TailChunk[] = []
  #first = 0

  get isEmpty(): boolean {
    return this.#first === this.#chunks.length
  }

  /** Lowest offset that is here; Infinity if nothing is. */
  get startOffset(): number {
    return this.#chunks[this.#first]?.baseOffset ?? Number.POSITIVE_INFINITY
  }

  push(chunk: TailChunk): void {
    this.#chunks.push(chunk)
  }

  /** The oldest chunk goes; false if it was gone. */
  shift(chunk: TailChunk): boolean {
    if (this.#chunks[this.#first] !== chunk) return false
    this.#first++
    if (this.#first === this.#chunks.length || (this.#first > 64 && this.#first * 2 > this.#chunks.length)) {
      this.#chunks = this.#chunks.slice(this.#first)
      this.#first = 0
    }
    return true
  }

  clear(cache: TailCache): void {
    for (let i = this.#first; i < this.#chunks.length; i++) cache.release(this.#chunks[i]!)
    this.#chunks = []
    this.#first = 0
  }

  /** Index of the chunk that holds `offset`, or of the one after the hole that it is in; -1: below what is here. */
  find(offset: number): number {
    let low = this.#first
    let high = this.#chunks.length - 1
    if (low > high || this.#chunks[low]!.baseOffset > offset) return -1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#chunks[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return this.#chunks[low]!.endOffset > offset ? low : low + 1
  }

  /** null past the end. */
  at(index: number): TailChunk | null {
    return this.#chunks[index] ?? null
  }
}
