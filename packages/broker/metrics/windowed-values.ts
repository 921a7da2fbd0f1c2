/**
 * What something was on the average, and at the most, over the last windows (metrics.num.samples of metrics.sample.window.ms each): Kafka's
 * `Avg` and `Max`. A few numbers, for those things that there is one of for each client.
 */
import type { Windows } from './summary.ts'

interface Window {
  startMs: number
  count: number
  sum: number
  max: number
}

export class WindowedValues {
  readonly #windows: Window[] = []
  readonly #options: Windows
  #current = 0

  constructor(windows: Windows) {
    this.#options = windows
  }

  record(value: number, nowMs: number): void {
    const window = this.#windowAt(nowMs)
    window.count++
    window.sum += value
    window.max = Math.max(window.max, value)
  }

  /** NaN: there was nothing in the last windows. */
  average(nowMs: number): number {
    let count = 0
    let sum = 0
    for (const window of this.#last(nowMs)) {
      count += window.count
      sum += window.sum
    }
    return sum / count
  }

  /** NaN as well. */
  max(nowMs: number): number {
    const last = this.#last(nowMs)
    return last.length === 0 ? Number.NaN : Math.max(...last.map(({ max }) => max))
  }

  #last(nowMs: number): readonly Window[] {
    const { count, lengthMs } = this.#options
    return this.#windows.filter(({ startMs }) => nowMs - startMs < count * lengthMs)
  }

  #windowAt(nowMs: number): Window {
    const current = this.#windows[this.#current]
    if (current && nowMs - current.startMs < this.#options.lengthMs) return current
    if (current) this.#current = (this.#current + 1) % this.#options.count
    const fresh = { startMs: nowMs, count: 0, sum: 0, max: Number.NEGATIVE_INFINITY }
    this.#windows[this.#current] = fresh
    return fresh
  }
}
