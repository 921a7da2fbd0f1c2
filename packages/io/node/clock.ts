/** The machine's clocks and timers. */
import type { Clock, Timer } from '../io.ts'

/** Node takes delays of up to 2^31 - 1 ms and turns longer ones into 1; longer ones are waited for in stages. */
const LONGEST_MS = 2 ** 31 - 1

export class NodeClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a delay must be a number')
    return delayMs > 0 ? new NodeTimer(performance.now() + delayMs, callback) : new NodeTurn(callback)
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback)
  }
}

class NodeTimer implements Timer {
  readonly #dueMs: number
  readonly #callback: () => void
  #handle: NodeJS.Timeout

  constructor(dueMs: number, callback: () => void) {
    this.#dueMs = dueMs
    this.#callback = callback
    this.#handle = this.#arm(dueMs - performance.now())
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }

  #arm(delayMs: number): NodeJS.Timeout {
    // A process that was not given the processor meanwhile may find that it is due already.
    return setTimeout(() => this.#onTimeout(), Math.min(Math.max(1, Math.ceil(delayMs)), LONGEST_MS))
  }

  /** Node's timers count whole milliseconds and may be up to one early: a deadline seen too soon would be missed. */
  #onTimeout(): void {
    const leftMs = this.#dueMs - performance.now()
    if (leftMs > 0) this.#handle = this.#arm(leftMs)
    else this.#callback()
  }
}

class NodeTurn implements Timer {
  readonly #handle: NodeJS.Immediate

  constructor(callback: () => void) {
    this.#handle = setImmediate(callback)
  }

  cancel(): void {
    clearImmediate(this.#handle)
  }
}
