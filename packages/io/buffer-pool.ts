/**
 * Memory for what is read from network and disk, used again: where much is read, the garbage collector would otherwise
 * run for every few megabytes of it, and look through the whole heap each time. Sizes are powers of two. What is larger
 * than the largest is made for its user alone; what is smaller than the smallest, too: it lives in Node's own slabs.
 */
const MIN_BYTES = 4 * 1024
const MAX_BYTES = 2 * 1024 * 1024
export class BufferPool {
  readonly #maxIdleBytes: number
  /** What was taken and may be given back, once. */
  readonly #lent = new WeakSet<ArrayBufferLike>()
  /** By size; the one that was given back last is the last. */
  readonly #idle = new Map<number, Uint8Array[]>()
  #idleBytes = 0

  /** `maxIdleBytes`: how much may lie here unused. */
  constructor(maxIdleBytes: number) {
    this.#maxIdleBytes = maxIdleBytes
  }

  get idleBytes(): number {
    return this.#idleBytes
  }

  take(size: number): Uint8Array {
    if (size < MIN_BYTES) return Buffer.allocUnsafe(size)
    if (size > MAX_BYTES) return Buffer.allocUnsafeSlow(size)
    const capacity = 2 ** Math.ceil(Math.log2(size))
    const idle = this.#idle.get(capacity)?.pop()
    if (idle) this.#idleBytes -= capacity
    const memory = idle ?? Buffer.allocUnsafeSlow(capacity)
    this.#lent.add(memory.buffer)
    return memory.subarray(0, size)
  }

  /**
   * All of what was taken, or a part of it: nobody may look at any of it any more. What is not from here, or was given
   * back before, is left alone.
   */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return
    const capacity = buffer.byteLength
    const idle = this.#idle.get(capacity) ?? []
    idle.push(Buffer.from(buffer))
    this.#idleBytes += capacity
    // To the end: what is asked for now has a place, rather than sizes that nobody wants any more.
    this.#idle.delete(capacity)
    this.#idle.set(capacity, idle)
    this.#trim()
  }

  #trim(): void {
    for (const [capacity, idle] of this.#idle) {
      while (this.#idleBytes > this.#maxIdleBytes && idle.pop()) this.#idleBytes -= capacity
      if (this.#idleBytes <= this.#maxIdleBytes) return
    }
  }
}
