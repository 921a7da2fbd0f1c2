/**
 * Bounds the bytes of requests that are being received or handled, over all connections. A frame asks for its size
 * before its bytes are read; while nothing is left, connections wait in line and their sockets are not read. What a
 * request takes beyond its frame is charged when it is known.
 */

export class RequestMemory {
  readonly #capacity: number
  #available: number
  /** Size by callback, in the order of asking. */
  readonly #waiting = new Map<() => void, number>()
  #granting = false

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
    this.#available = capacityBytes
  }

  get usedBytes(): number {
    return this.#capacity - this.#available
  }

  get availableBytes(): number {
    return this.#available
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  /**
   * True: the bytes are the caller's until `release`. False: `granted` is called when they are. A frame is granted while
   * anything at all is left, so that one larger than the capacity is not refused for ever.
   */
  take(size: number, granted: () => void): boolean {
    if (this.#available > 0 && this.#waiting.size === 0) {
      this.#available -= size
      return true
    }
    this.#waiting.set(granted, size)
    return false
  }

  /** Bytes that are taken already: who asks next has to wait for them. To be given back with `release`. */
  charge(size: number): void {
    this.#available -= size
  }

  /** The connection that waits with this callback is gone. */
  cancel(granted: () => void): void {
    this.#waiting.delete(granted)
  }

  release(size: number): void {
    this.#available += size
    // Whoever is granted may release at once: the loop that is running goes on with that, or the stack would grow.
    if (this.#granting) return
    this.#granting = true
    try {
      for (const [granted, wanted] of this.#waiting) {
        if (this.#available <= 0) break
        this.#waiting.delete(granted)
        this.#available -= wanted
        granted()
      }
    } finally {
      this.#granting = false
    }
  }
}
