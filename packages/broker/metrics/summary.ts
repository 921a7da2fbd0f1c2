/**
 * How long something took, or how large it was: count and sum since the start, and quantiles over the last windows
 * (metrics.num.samples of metrics.sample.window.ms each), so that an old peak is forgotten.
 *
 * Values are counted in buckets, eight to each power of two, which tells a quantile to within 6 %. Recording one is a few
 * additions; memory is fixed.
 */
import type { Sample } from './family.ts'

export interface Windows {
  readonly count: number
  readonly lengthMs: number
}

const SUB_BUCKETS_BITS = 3
const SUB_BUCKETS = 1 << SUB_BUCKETS_BITS
const MAX_VALUE = 0x7fff_ffff
const BUCKETS = bucketOf(MAX_VALUE) + 1
export const QUANTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999] as const

export class Summary {
  readonly #windows: readonly Uint32Array[]
  readonly #windowMs: number
  /** What is recorded, in units of `1 / scale`. */
  readonly #scale: number
  #current = 0
  #currentEndsMs = Number.NEGATIVE_INFINITY
  #count = 0
  #sum = 0

  /** `scale`: into how many parts a unit is divided; 1000 for milliseconds makes microseconds count. */
  constructor(windows: Windows, scale: number) {
    this.#windows = Array.from({ length: windows.count }, () => new Uint32Array(BUCKETS))
    this.#windowMs = windows.lengthMs
    this.#scale = scale
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  record(value: number, nowMs: number): void {
    if (nowMs >= this.#currentEndsMs) this.#turn(nowMs)
    this.#count++
    this.#sum += value
    const bucket = bucketOf(Math.min(Math.max(Math.round(value * this.#scale), 0), MAX_VALUE))
    this.#windows[this.#current]![bucket]!++
  }

  /** NaN where nothing was recorded in the last windows. */
  quantiles(wanted: readonly number[], nowMs: number): number[] {
    if (nowMs >= this.#currentEndsMs) this.#turn(nowMs)
    const merged = new Float64Array(BUCKETS)
    let total = 0
    for (const window of this.#windows) {
      for (let i = 0; i < BUCKETS; i++) {
        merged[i]! += window[i]!
        total += window[i]!
      }
    }
    return wanted.map(quantile => (total === 0 ? Number.NaN : this.#valueAt(merged, Math.ceil(quantile * total))))
  }

  *samples(labels: Readonly<Record<string, string | number>>, nowMs: number): Iterable<Sample> {
    for (const [i, value] of this.quantiles(QUANTILES, nowMs).entries())
      yield { value, labels: { ...labels, quantile: QUANTILES[i]! }, suffix: '' }
    yield { value: this.#sum, labels, suffix: '_sum' }
    yield { value: this.#count, labels, suffix: '_count' }
  }

  #valueAt(merged: Float64Array, rank: number): number {
    let seen = 0
    let bucket = 0
    for (; bucket < BUCKETS - 1; bucket++) {
      seen += merged[bucket]!
      if (seen >= rank) break
    }
    return middleOf(bucket) / this.#scale
  }

  #turn(nowMs: number): void {
    // Windows in which nobody recorded anything are empty too.
    const missed = Math.floor((nowMs - this.#currentEndsMs) / this.#windowMs) + 1
    for (let i = 0; i < Math.min(missed, this.#windows.length); i++) {
      this.#current = (this.#current + 1) % this.#windows.length
      this.#windows[this.#current]!.fill(0)
    }
    this.#currentEndsMs = nowMs + this.#windowMs
  }
}

/** Values below eight have a bucket each. */
function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value
  const shift = 31 - Math.clz32(value) - SUB_BUCKETS_BITS
  return (shift + 1) * SUB_BUCKETS + ((value >> shift) & (SUB_BUCKETS - 1))
}

function middleOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1
  const low = (SUB_BUCKETS + (bucket % SUB_BUCKETS)) * 2 ** shift
  return low + (2 ** shift - 1) / 2
}
