import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Buckets,
  type Distribution,
  ExplicitHistogram,
  ExponentialHistogram,
  QuantileSummary,
} from './distributions.ts'

const MANY = 1000

/** `le` or quantile, or what it is the end of, with its value. */
function lines(distribution: Distribution): [string, number][] {
  return Array.from(distribution.samples({}), ({ labels, suffix, value }) => {
    return [String(labels.le ?? labels.quantile ?? suffix), value] as const
  }).map(([name, value]) => [name, value])
}

test('what has come since is added where the bounds are the same, and takes the place of it where they are not', () => {
  const known = ExplicitHistogram.of([1, 2], [1, 2, 3], 10)!
  const sum = known.plus(ExplicitHistogram.of([1, 2], [4, 0, 1], 2.5)!)
  const expected = [
    ['1', 5],
    ['2', 7],
    ['+Inf', 11],
    ['_sum', 12.5],
    ['_count', 11],
  ]
  assert.deepEqual(lines(sum), expected)
  assert.equal(sum.lines, expected.length)
  const other = ExplicitHistogram.of([1, 3], [1, 1, 1], null)!
  assert.deepEqual(lines(known.plus(other)), lines(other))
  assert.ok(!lines(other).some(([name]) => name === '_sum'), 'where there are values below zero there is none')
})

test('bounds and counts that make no sense are no histogram', () => {
  assert.equal(ExplicitHistogram.of([2, 1], [1, 1, 1], null), null)
  assert.equal(ExplicitHistogram.of([1, 1], [1, 1, 1], null), null)
  assert.equal(ExplicitHistogram.of([1, Number.NaN], [1, 1, 1], null), null)
  assert.equal(ExplicitHistogram.of([1, Number.POSITIVE_INFINITY], [1, 1, 1], null), null)
  assert.equal(ExplicitHistogram.of([1, 2], [1, 1], null), null)
  assert.equal(
    ExplicitHistogram.of(
      Array.from({ length: 201 }, (_, i) => i),
      new Array(202).fill(1),
      null,
    ),
    null,
  )
  assert.equal(QuantileSummary.of([{ quantile: 2, value: 1 }], 0, 0), null)
  assert.equal(
    QuantileSummary.of(
      [
        { quantile: 1, value: 1 },
        { quantile: 1, value: 1 },
      ],
      0,
      0,
    ),
    null,
  )
  const none = { offset: 0, counts: [] }
  const is = { scale: 0, sum: null, zeroCount: 0, zeroThreshold: 0, positive: none, negative: none }
  assert.equal(ExponentialHistogram.of({ ...is, scale: 21 }), null)
  assert.equal(ExponentialHistogram.of({ ...is, zeroThreshold: Number.NaN }), null)
  assert.equal(ExponentialHistogram.of({ ...is, positive: { offset: 2 ** 40, counts: [1] } }), null)
})

/** As OpenTelemetry counts them at a scale. */
function histogramOf(values: readonly number[], scale: number): ExponentialHistogram {
  const side = (magnitudes: readonly number[]): Buckets => {
    if (magnitudes.length === 0) return { offset: 0, counts: [] }
    const indexes = magnitudes.map(value => Math.ceil(Math.log2(value) * 2 ** scale) - 1)
    const offset = Math.min(...indexes)
    const counts = new Array<number>(Math.max(...indexes) - offset + 1).fill(0)
    for (const index of indexes) counts[index - offset]!++
    return { offset, counts }
  }
  return ExponentialHistogram.of({
    scale,
    sum: values.reduce((sum, value) => sum + value, 0),
    zeroCount: values.filter(value => value === 0).length,
    zeroThreshold: 0,
    positive: side(values.filter(value => value > 0)),
    negative: side(values.filter(value => value < 0).map(Math.abs)),
  })!
}

/** None of them is on a bound, where the last bit of a logarithm would decide. */
const number = fc.oneof(
  fc.constant(0),
  fc
    .tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: 1, max: 999 }), fc.boolean())
    .map(([power, part, isNegative]) => (isNegative ? -1 : 1) * 2 ** power * (1 + part / 1000.7)),
)
const pushes = fc.array(fc.tuple(fc.array(number, { maxLength: 20 }), fc.integer({ min: -3, max: 8 })), {
  minLength: 1,
  maxLength: 6,
})

test('whatever is pushed at whatever scale: below each bound there are as many values as there are', () => {
  fc.assert(
    fc.property(pushes, fc.integer({ min: 8, max: 200 }), (all, maxLines) => {
      let together: Distribution = histogramOf(...all[0]!)
      for (const [values, scale] of all.slice(1)) together = together.plus(histogramOf(values, scale), maxLines)
      const values = all.flatMap(([some]) => some)
      const found = lines(together)
      assert.equal(found.length, together.lines)
      assert.ok(
        together.lines <= (all.length > 1 ? Math.min(84, Math.max(maxLines, 8)) : 84),
        `${together.lines} lines`,
      )
      let last = Number.NEGATIVE_INFINITY
      for (const [name, count] of found) {
        if (name.startsWith('_')) continue
        const bound = name === '+Inf' ? Number.POSITIVE_INFINITY : Number(name)
        assert.ok(bound > last, 'in their order, each once')
        last = bound
        assert.equal(count, values.filter(value => value <= bound).length, `up to ${name}`)
      }
      assert.deepEqual(found.at(-1), ['_count', values.length])
    }),
  )
})

test('buckets as far apart as numbers can be take no memory, and bounds beyond numbers are none', () => {
  const far = (offset: number) =>
    ExponentialHistogram.of({
      ...{ scale: 20, sum: 1, zeroCount: 0, zeroThreshold: 0 },
      positive: { offset, counts: [1] },
      negative: { offset: 0, counts: [0, 0] },
    })!
  const both = far(-0x7fff_ffff).plus(far(0x7fff_ffff), MANY)
  assert.ok(both.lines < 90)
  const found = lines(both)
  assert.equal(new Set(found.map(([name]) => name)).size, found.length)
  assert.deepEqual(found.at(-1), ['_count', 2])
  const alone = ExponentialHistogram.of({
    ...{ scale: -10, sum: 1, zeroCount: 3, zeroThreshold: 0 },
    positive: { offset: -5, counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 2] },
    negative: { offset: 3, counts: [4] },
  })!
  // All others are too large or too small for a number.
  assert.deepEqual(lines(alone), [
    ['0', 8],
    [String(2 ** -1024), 8],
    ['1', 8],
    ['+Inf', 10],
    ['_sum', 1],
    ['_count', 10],
  ])
})
