/**
 * What was written last, kept in memory: a consumer or follower that is not far behind is answered from here, with
 * slices, without an await. One budget for all logs; the oldest bytes, of whatever log, make room for new ones. Those
 * who read a log's tail have done so by then, and a slow log keeps its tail for as long as a busy one is turned over.
 *
 * Batches are copied into blocks, which are filled and dropped one after the other. So the budget is what it says however
 * small the batches are, the memory that a request came in is free for the next one, and a block that nobody has read
 * from is filled again: while producers only write, no memory is left to the garbage collector. A block that somebody
 * was given a slice of is never written again; a slow reader may hold it for long.
 *
 * A log whose bytes have gone from here unread has no reader near its end, and is not copied until it has one.
 */
const MAX_BLOCK_BYTES = 1024 * 1024
/** Of a small budget, a block is this part, so that only so much of it goes at a time. */
const BLOCKS_IN_BUDGET = 16

interface Block {
  readonly memory: Uint8Array
  used: number
  readonly chunks: TailChunk[]
  /** A reader has slices of it. */
  isShared: boolean
}

export interface TailChunk {
  readonly tail: LogTail
  readonly block: Block
  readonly bytes: Uint8Array
  /** Of its first batch. */
  readonly baseOffset: number
  /** One past its last. */
  readonly endOffset: number
}

export class TailCache {
  readonly #limit: number
  readonly #blockBytes: number
  #blocks: Block[] = []
  /** The block that was dropped last, if it can be filled again. */
  #spare: Uint8Array | null = null
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
    this.#blockBytes = Math.min(MAX_BLOCK_BYTES, Math.ceil(limitBytes / BLOCKS_IN_BUDGET))
  }

  /** Memory held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes a copy of `bytes`, which are the batches that follow those that `tail` has. */
  add(tail: LogTail, bytes: Uint8Array, baseOffset: number, endOffset: number): void {
    if (!tail.isWanted) return
    if (bytes.length > this.#limit) {
      tail.clear() // a hole in a tail is no tail
      return
    }
    const block = this.#blockFor(bytes.length)
    if (!tail.isWanted) return // what made room was its own, and unread
    const copy = block.memory.subarray(block.used, block.used + bytes.length)
    copy.set(bytes)
    block.used += bytes.length
    const chunk = { tail, block, bytes: copy, baseOffset, endOffset }
    block.chunks.push(chunk)
    tail.push(chunk)
  }

  #blockFor(size: number): Block {
    const last = this.#blocks.at(-1)
    if (last && last.memory.length - last.used >= size) return last
    const blockBytes = Math.max(size, this.#blockBytes)
    while (this.#bytes + blockBytes > this.#limit && this.#blocks.length > 0) this.#dropOldest()
    const memory = this.#spare?.length === blockBytes ? this.#spare : Buffer.allocUnsafeSlow(blockBytes)
    this.#spare = null
    const block = { memory, used: 0, chunks: [], isShared: false }
    this.#blocks.push(block)
    this.#bytes += blockBytes
    return block
  }

  #dropOldest(): void {
    const { memory, chunks, isShared } = this.#blocks.shift()!
    // A log that was truncated or deleted has let go of its chunks before.
    for (const chunk of chunks) chunk.tail.shift(chunk)
    this.#bytes -= memory.length
    this.#spare = isShared ? null : memory
  }
}

/** The bytes of a chunk, for as long as the caller wants them. */
export function share(chunk: TailChunk): Uint8Array {
  chunk.block.isShared = true
  chunk.tail.readTo(chunk.endOffset)
  return chunk.bytes
}

/** One log's part of the cache: a run of chunks without a hole, up to the end of what is written. */
export class LogTail {
  #chunks: TailChunk[] = []
  #first = 0
  #isWanted = true
  /** Nobody has read further. */
  #readTo = -1

  /** False: nobody reads what is written, and a tail is not kept. */
  get isWanted(): boolean {
    return this.#isWanted
  }

  /** A reader is at `offset`, near the end of the log: what follows is for it. */
  readTo(offset: number): void {
    this.#isWanted = true
    if (offset > this.#readTo) this.#readTo = offset
  }

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

  /** The oldest chunk goes, if it is this one; all others too, if neither it nor one of them was read. */
  shift(chunk: TailChunk): void {
    if (this.#chunks[this.#first] !== chunk) return
    if (this.#readTo <= chunk.baseOffset) {
      this.#isWanted = false
      this.clear()
      return
    }
    this.#first++
    if (this.#first === this.#chunks.length || (this.#first > 64 && this.#first * 2 > this.#chunks.length)) {
      this.#chunks = this.#chunks.slice(this.#first)
      this.#first = 0
    }
  }

  clear(): void {
    this.#chunks = []
    this.#first = 0
  }

  /** Batches that begin below were cleaned: what the log says of their transactions is about what is left of them. */
  forgetBelow(offset: number): void {
    while (this.#first < this.#chunks.length && this.#chunks[this.#first]!.baseOffset < offset) this.#first++
    if (this.isEmpty) this.clear()
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
