/**
 * Histograms and summaries as clients push them, and as Prometheus' text has them. Differences are added up: what is known
 * and what has come since make a new one.
 *
 * An exponential histogram has buckets of ever the same ratio, 2^(2^-scale). The text knows only bounds, so each bucket
 * becomes one: a histogram of the next scale below has every other bound of it, whence buckets can be put together when
 * there are too many, and bounds that stay have the counts that they had.
 */
import { type Labels, type Sample, sample } from '../metrics/index.ts'

export interface Distribution {
  readonly type: 'histogram' | 'summary'
  /** That it takes in a scrape. */
  readonly lines: number
  /** With what has come since, in no more than so many lines; `since` alone where the two don't fit together. */
  plus(since: Distribution, maxLines: number): Distribution
  samples(labels: Labels): Iterable<Sample>
}

/** `le` by its bound: whoever has it is below the next one, too. */
function* cumulative(
  buckets: Iterable<readonly [bound: number, count: number]>,
  total: number,
  labels: Labels,
): Iterable<Sample> {
  let sum = 0
  let last: number | null = null
  for (const [bound, count] of buckets) {
    // Bounds that are too small or too large for a double fall together.
    if (last !== null && bound !== last && Number.isFinite(last)) yield sample(sum, { ...labels, le: last }, '_bucket')
    sum += count
    last = bound
  }
  if (last !== null && Number.isFinite(last)) yield sample(sum, { ...labels, le: last }, '_bucket')
  yield sample(total, { ...labels, le: '+Inf' }, '_bucket')
}

function* ends(sum: number | null, count: number, labels: Labels): Iterable<Sample> {
  if (sum !== null) yield sample(sum, labels, '_sum')
  yield sample(count, labels, '_count')
}

/** Of values that may be below zero nobody tells a sum. */
function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

function total(counts: readonly number[]): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

/** `_sum`, `_count`, and the bucket without a bound. */
const END_LINES = 3
const MAX_BOUNDS = 200

export class ExplicitHistogram implements Distribution {
  readonly type = 'histogram'
  readonly #bounds: readonly number[]
  readonly #counts: readonly number[]
  readonly #sum: number | null

  /** One count more than bounds; null: they make no sense. */
  static of(bounds: readonly number[], counts: readonly number[], sum: number | null): ExplicitHistogram | null {
    if (counts.length !== bounds.length + 1 || bounds.length > MAX_BOUNDS) return null
    const isSorted = bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]!))
    return isSorted ? new ExplicitHistogram(bounds, counts, sum) : null
  }

  private constructor(bounds: readonly number[], counts: readonly number[], sum: number | null) {
    this.#bounds = bounds
    this.#counts = counts
    this.#sum = sum
  }

  get lines(): number {
    return this.#bounds.length + END_LINES
  }

  plus(since: Distribution): Distribution {
    if (!(since instanceof ExplicitHistogram) || !sameNumbers(since.#bounds, this.#bounds)) return since
    const counts = this.#counts.map((count, i) => count + since.#counts[i]!)
    return new ExplicitHistogram(this.#bounds, counts, plus(this.#sum, since.#sum))
  }

  *samples(labels: Labels): Iterable<Sample> {
    const count = total(this.#counts)
    yield* cumulative(
      this.#bounds.map((bound, i) => [bound, this.#counts[i]!] as const),
      count,
      labels,
    )
    yield* ends(this.#sum, count, labels)
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, i) => number === b[i])
}

/** One after the other, from the index `offset` on. */
export interface Buckets {
  readonly offset: number
  readonly counts: readonly number[]
}

export interface Exponential {
  readonly scale: number
  readonly sum: number | null
  /** Of values no further from zero than the threshold. */
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positive: Buckets
  readonly negative: Buckets
}

/** As OpenTelemetry bounds them: finer ones have more buckets than anybody counts, coarser ones a single one. */
const MIN_SCALE = -10
const MAX_SCALE = 20
const MAX_BUCKETS = 80
/** However coarse: two on either side of zero. */
const LEAST_BUCKETS = 4
const MAX_INDEX = 0x7fff_ffff

export class ExponentialHistogram implements Distribution {
  readonly type = 'histogram'
  readonly #is: Exponential

  /** null: it makes no sense. */
  static of(is: Exponential): ExponentialHistogram | null {
    const { scale, zeroThreshold, positive, negative } = is
    const isInRange = scale >= MIN_SCALE && scale <= MAX_SCALE && zeroThreshold >= 0 && Number.isFinite(zeroThreshold)
    if (!isInRange || [positive, negative].some(({ offset }) => Math.abs(offset) > MAX_INDEX)) return null
    return new ExponentialHistogram(coarse({ ...is, positive: trimmed(positive), negative: trimmed(negative) }))
  }

  private constructor(is: Exponential) {
    this.#is = is
  }

  get lines(): number {
    const { positive, negative } = this.#is
    return positive.counts.length + negative.counts.length + 1 + END_LINES
  }

  plus(since: Distribution, maxLines: number): Distribution {
    if (!(since instanceof ExponentialHistogram)) return since
    const scale = Math.min(this.#is.scale, since.#is.scale)
    const [a, b] = [scaled(this.#is, scale), scaled(since.#is, scale)]
    const sides = [span([a.positive, b.positive]), span([a.negative, b.negative])]
    const shift = shiftFor(sides, Math.min(MAX_BUCKETS, maxLines - 1 - END_LINES))
    const together = (one: Buckets, other: Buckets) => merged(shifted(one, shift), shifted(other, shift))
    return new ExponentialHistogram({
      scale: scale - shift,
      sum: plus(a.sum, b.sum),
      zeroCount: a.zeroCount + b.zeroCount,
      zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
      positive: together(a.positive, b.positive),
      negative: together(a.negative, b.negative),
    })
  }

  *samples(labels: Labels): Iterable<Sample> {
    const { sum, zeroCount, positive, negative } = this.#is
    const count = total(positive.counts) + zeroCount + total(negative.counts)
    yield* cumulative(this.#bounds(), count, labels)
    yield* ends(sum, count, labels)
  }

  /** In the order of the numbers: from the largest below zero to the largest above. */
  *#bounds(): Iterable<readonly [bound: number, count: number]> {
    const { scale, zeroCount, zeroThreshold, positive, negative } = this.#is
    const power = (index: number) => 2 ** (index * 2 ** -scale)
    for (let i = negative.counts.length - 1; i >= 0; i--) yield [-power(negative.offset + i), negative.counts[i]!]
    yield [zeroThreshold, zeroCount]
    for (const [i, count] of positive.counts.entries()) {
      // What lies within the threshold is not told apart.
      yield [Math.max(zeroThreshold, power(positive.offset + i + 1)), count]
    }
  }
}

const NONE: Buckets = { offset: 0, counts: [] }

/** Without what is empty at the ends. */
function trimmed({ offset, counts }: Buckets): Buckets {
  const first = counts.findIndex(count => count > 0)
  if (first < 0) return NONE
  const last = counts.findLastIndex(count => count > 0)
  return { offset: offset + first, counts: counts.slice(first, last + 1) }
}

interface Span {
  readonly first: number
  readonly last: number
}

/** null: there is nothing. */
function span(all: readonly Buckets[]): Span | null {
  const some = all.filter(({ counts }) => counts.length > 0)
  if (some.length === 0) return null
  return {
    first: Math.min(...some.map(({ offset }) => offset)),
    last: Math.max(...some.map(({ offset, counts }) => offset + counts.length - 1)),
  }
}

/** How often two buckets have to become one until there are no more than so many, or as few as there can be. */
function shiftFor(sides: readonly (Span | null)[], maxBuckets: number): number {
  const most = Math.max(maxBuckets, LEAST_BUCKETS)
  for (let shift = 0; ; shift++) {
    let count = 0
    for (const side of sides) if (side) count += indexAt(side.last, shift) - indexAt(side.first, shift) + 1
    if (count <= most) return shift
  }
}

function indexAt(index: number, shift: number): number {
  return Math.floor(index / 2 ** shift)
}

function shifted(buckets: Buckets, shift: number): Buckets {
  if (shift === 0 || buckets.counts.length === 0) return buckets
  const { offset, counts } = buckets
  const first = indexAt(offset, shift)
  const result = new Array<number>(indexAt(offset + counts.length - 1, shift) - first + 1).fill(0)
  for (const [i, count] of counts.entries()) result[indexAt(offset + i, shift) - first]! += count
  return { offset: first, counts: result }
}

function scaled(is: Exponential, scale: number): Exponential {
  const shift = is.scale - scale
  return { ...is, scale, positive: shifted(is.positive, shift), negative: shifted(is.negative, shift) }
}

function coarse(is: Exponential): Exponential {
  return scaled(is, is.scale - shiftFor([span([is.positive]), span([is.negative])], MAX_BUCKETS))
}

function merged(a: Buckets, b: Buckets): Buckets {
  const whole = span([a, b])
  if (!whole) return NONE
  const counts = new Array<number>(whole.last - whole.first + 1).fill(0)
  for (const one of [a, b]) {
    for (const [i, count] of one.counts.entries()) counts[one.offset + i - whole.first]! += count
  }
  return { offset: whole.first, counts }
}

export interface Quantile {
  readonly quantile: number
  readonly value: number
}

const MAX_QUANTILES = 32

export class QuantileSummary implements Distribution {
  readonly type = 'summary'
  readonly #quantiles: readonly Quantile[]
  readonly #sum: number
  readonly #count: number

  /** null: it makes no sense. */
  static of(quantiles: readonly Quantile[], sum: number, count: number): QuantileSummary | null {
    const areSome = quantiles.length <= MAX_QUANTILES
    const areQuantiles = quantiles.every(({ quantile }) => quantile >= 0 && quantile <= 1)
    const isOnce = new Set(quantiles.map(({ quantile }) => quantile)).size === quantiles.length
    return areSome && areQuantiles && isOnce ? new QuantileSummary(quantiles, sum, count) : null
  }

  private constructor(quantiles: readonly Quantile[], sum: number, count: number) {
    this.#quantiles = quantiles
    this.#sum = sum
    this.#count = count
  }

  get lines(): number {
    return this.#quantiles.length + 2
  }

  /** Quantiles can't be added, and OpenTelemetry has no differences of them. */
  plus(since: Distribution): Distribution {
    return since
  }

  *samples(labels: Labels): Iterable<Sample> {
    for (const { quantile, value } of this.#quantiles) yield sample(value, { ...labels, quantile })
    yield* ends(this.#sum, this.#count, labels)
  }
}
