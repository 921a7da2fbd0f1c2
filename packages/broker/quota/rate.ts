/**
 * The two measures of Kafka's quotas. A rate is summed up in windows of time: as many as are configured count, and the one
 * that is running; how long all of them are is known to the millisecond, so that it is known as well for how long nothing may
 * come until the rate is within its bound. A token bucket is for what comes in lumps: it lets one lump through that is larger
 * than what is left, and then nobody until it has filled up again.
 *
 * Facts from Kafka's `Rate`, `SampledStat`, `TokenBucket` and `QuotaUtils`: the same events at the same times give the same
 * pauses.
 */

export interface QuotaWindow {
  /** The running one included. */
  readonly count: number
  readonly sizeMs: number
}

export class WindowedRate {
  readonly #window: QuotaWindow
  /** In the order in which they were begun, up to one more than count: the oldest may reach out of the measured time. */
  readonly #samples: Sample[] = []
  #current = 0

  constructor(window: QuotaWindow) {
    this.#window = window
  }

  /** A negative value takes back what was recorded. */
  record(value: number, nowMs: number): void {
    let sample = this.#samples[this.#current] ?? this.#add(nowMs)
    if (nowMs - sample.startMs >= this.#window.sizeMs) sample = this.#advance(nowMs)
    sample.value += value
    sample.lastMs = nowMs
  }

  /** A second. */
  perSecond(nowMs: number): number {
    const windowMs = this.#measuredMs(nowMs)
    let sum = 0
    for (const { value } of this.#samples) sum += value
    return sum / (windowMs / 1000)
  }

  /** As `perSecond`, for those who only look on: what is paused later does not depend on whether anybody has looked. */
  observe(nowMs: number): number {
    let sum = 0
    let oldestMs = nowMs
    for (const sample of this.#samples) {
      if (this.#isOver(sample, nowMs)) continue
      sum += sample.value
      oldestMs = Math.min(oldestMs, sample.startMs)
    }
    return sum / (this.#spanMs(nowMs - oldestMs) / 1000)
  }

  /** For how long nothing may come until the rate is `bound` a second; 0 if it is within it. */
  pauseMs(bound: number, nowMs: number): number {
    const rate = this.perSecond(nowMs)
    return !(rate > bound) ? 0 : Math.round(((rate - bound) / bound) * this.#measuredMs(nowMs))
  }

  #add(nowMs: number): Sample {
    const sample = { startMs: nowMs, lastMs: nowMs, value: 0 }
    this.#samples.push(sample)
    return sample
  }

  #advance(nowMs: number): Sample {
    this.#current = (this.#current + 1) % (this.#window.count + 1)
    const sample = this.#samples[this.#current]
    if (!sample) return this.#add(nowMs)
    restart(sample, nowMs)
    return sample
  }

  /** Nothing that lies outside of it counts any more; at least all windows but the running one, however young they are. */
  #measuredMs(nowMs: number): number {
    if (this.#samples.length === 0) this.#add(nowMs)
    let oldestMs = Number.POSITIVE_INFINITY
    for (const sample of this.#samples) {
      if (this.#isOver(sample, nowMs)) restart(sample, nowMs)
      oldestMs = Math.min(oldestMs, sample.startMs)
    }
    return this.#spanMs(nowMs - oldestMs)
  }

  #isOver({ lastMs }: Sample, nowMs: number): boolean {
    const { count, sizeMs } = this.#window
    return nowMs - lastMs >= count * sizeMs
  }

  #spanMs(elapsedMs: number): number {
    const { count, sizeMs } = this.#window
    const missing = Math.max(0, count - 1 - Math.floor(elapsedMs / sizeMs))
    return Math.max(1, elapsedMs + missing * sizeMs)
  }
}

interface Sample {
  startMs: number
  lastMs: number
  value: number
}

function restart(sample: Sample, nowMs: number): void {
  sample.startMs = nowMs
  sample.lastMs = nowMs
  sample.value = 0
}

export class TokenBucket {
  readonly #window: QuotaWindow
  /** null: full, however large it is. */
  #tokens: number | null = null
  #lastMs = 0

  constructor(window: QuotaWindow) {
    this.#window = window
  }

  /** For how long there are no tokens at `perSecond`; 0 if there are. */
  pauseMs(perSecond: number, nowMs: number): number {
    const tokens = this.#refill(perSecond, nowMs)
    return tokens < 0 ? Math.round((-tokens / perSecond) * 1000) : 0
  }

  take(tokens: number, perSecond: number, nowMs: number): void {
    this.#tokens = this.#refill(perSecond, nowMs) - tokens
  }

  /** How many there are; below 0: so many are owed. */
  tokensAt(perSecond: number, nowMs: number): number {
    const full = (this.#window.count * this.#window.sizeMs * perSecond) / 1000
    const passed = ((nowMs - this.#lastMs) * perSecond) / 1000
    return this.#tokens === null ? full : Math.min(full, this.#tokens + passed)
  }

  #refill(perSecond: number, nowMs: number): number {
    this.#tokens = this.tokensAt(perSecond, nowMs)
    this.#lastMs = nowMs
    return this.#tokens
  }
}
