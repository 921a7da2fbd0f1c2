/** Bounds what the cleaner reads and writes a second, on average. Pure: it says how long to wait, and is told the time. */
export class Throttle {
  bytesPerSecond: number
  /** When what was done so far will be paid for. */
  #paidMs = 0

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond
  }

  /** So many bytes were read or written: how long to wait before the next. */
  delayMs(bytes: number, nowMs: number): number {
    this.#paidMs = Math.max(this.#paidMs, nowMs) + (bytes / this.bytesPerSecond) * 1000
    return this.#paidMs - nowMs
  }
}
