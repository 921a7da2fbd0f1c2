/**
 * Memory for requests, used again: where producers send much, the garbage collector would otherwise run for every few
 * megabytes of it, and look through the whole heap each time. Sizes are powers of two. What is larger than the largest is
 * made for its frame alone; what is smaller than the smallest, too: it lives in Node's own slabs.
 */
const MIN_BYTES = 4 * 1024
const MAX_BYTES = 2 * 1024 * 1024
/** How much may lie here unused. */
const MAX_IDLE_BYTES = 8 * 1024 * 1024

export class FramePool {
  /** Each is the memory of one frame, and of nothing else. */
  readonly #made = new WeakSet<ArrayBufferLike>()
  readonly #idle = new Map<number, Uint8Array[]>()
  #idleBytes = 0

  get idleBytes(): number {
    return this.#idleBytes
  }

  take(size: number): Uint8Array {
    if (size < MIN_BYTES) return Buffer.allocUnsafe(size)
    if (size > MAX_BYTES) return Buffer.allocUnsafeSlow(size)
    const capacity = 2 ** Math.ceil(Math.log2(size))
    const memory = this.#idle.get(capacity)?.pop()
    if (!memory) return this.#make(capacity).subarray(0, size)
    this.#idleBytes -= capacity
    return memory.subarray(0, size)
  }

  #make(capacity: number): Uint8Array {
    const memory = Buffer.allocUnsafeSlow(capacity)
    this.#made.add(memory.buffer)
    return memory
  }

  /** `frame` may be any: one that was not taken here is left alone. Nobody may look at it any more. */
  giveBack({ buffer }: Uint8Array): void {
    const capacity = buffer.byteLength
    if (!this.#made.has(buffer) || this.#idleBytes + capacity > MAX_IDLE_BYTES) return
    let idle = this.#idle.get(capacity)
    if (!idle) {
      idle = []
      this.#idle.set(capacity, idle)
    }
    idle.push(new Uint8Array(buffer))
    this.#idleBytes += capacity
  }
}
