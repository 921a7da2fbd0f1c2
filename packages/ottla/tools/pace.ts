/** So many a second, as the options `--throughput` of Java's tools ask for it: less than 0 is as fast as it goes, 0 never. */
import type { Clock } from '@ottla/io'

const SHORTEST_MS = 2
/** Without a limit others have their turn after so many, all the same. */
const IN_A_ROW = 500

export class Pace {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #startMs: number
  readonly #signal: AbortSignal | undefined

  constructor(clock: Clock, perSecond: number, signal?: AbortSignal) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#startMs = clock.monotonic()
    this.#signal = signal
  }

  /** Resolves when the next may follow the first `count`. */
  async after(count: number): Promise<void> {
    if (this.#perSecond < 0) {
      if (count % IN_A_ROW === 0) await new Promise<void>(resolve => this.#clock.nextTurn(resolve))
      return
    }
    const dueMs = this.#startMs + (count / this.#perSecond) * 1000
    const waitMs = dueMs - this.#clock.monotonic()
    // A timer is not as exact as that: short waits are made up for by a longer one.
    if (waitMs >= SHORTEST_MS) await this.#wait(waitMs)
    else if (count % IN_A_ROW === 0) await new Promise<void>(resolve => this.#clock.nextTurn(resolve))
  }

  #wait(ms: number): Promise<void> {
    if (this.#signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const done = (): void => {
        timer.cancel()
        this.#signal?.removeEventListener('abort', done)
        resolve()
      }
      // Longer than any timer takes: until the signal.
      const timer = this.#clock.setTimer(Math.min(ms, 2 ** 31 - 1), done)
      this.#signal?.addEventListener('abort', done)
    })
  }
}
