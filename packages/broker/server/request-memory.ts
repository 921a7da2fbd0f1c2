/**
 * Bounds the bytes of requests that are being received or handled, over all connections. A frame asks for its size
 * before its bytes are read; while nothing is left, connections wait in line and their sockets are not read.
 */

export class RequestMemory {
  readonly #capacity: number
  #available: number
  readonly #waiting: { size: number; granted: () => void; cancelled: boolean }[] = []

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
    this.#available = capacityBytes
  }

  get usedBytes(): number {
    return this.#capacity - this.#available
  }

  /**
   * True: the bytes are the caller's until `release`. False: `granted` is called when they are. A frame is granted while
   * anything at all is left, so that one larger than the capacity is not refused for ever.
   */
  take(size: number, granted: () => void): boolean {
    if (this.#available > 0 && this.#waiting.length === 0) {
      this.#available -= size
      return true
    }
    this.#waiting.push({ size, granted, cancelled: false })
    return false
  }

  /** The connection that waits with this callback is gone. */
  cancel(granted: () => void): void {
    const waiting = this.#waiting.find(entry => entry.granted === granted)
    if (waiting) waiting.cancelled = true
  }

  release(size: number): void {
    this.#available += size
    while (this.#available > 0 && this.#waiting.length > 0) {
      const next = this.#waiting.shift()!
      if (next.cancelled) continue
      this.#available -= next.size
      next.granted()
    }
  }
}
