import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Summary } from './summary.ts'

const WINDOWS = { count: 2, lengthMs: 30_000 }

test('quantiles are within an eighth of the values, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.01, 0.5, 0.95, 0.999, 1),
      (values, quantile) => {
        const summary = new Summary(WINDOWS, 1000)
        for (const value of values) summary.record(value, 0)
        const exact = [...values].sort((a, b) => a - b)[Math.ceil(quantile * values.length) - 1]!
        const [told] = summary.quantiles([quantile], 0)
        assert.ok(Math.abs(told! - exact) <= exact / 8 + 0.001, `${told} for ${exact}`)
        assert.equal(summary.count, values.length)
      },
    ),
  )
})

test('an old peak is forgotten after as many windows as there are; count and sum stay', () => {
  const summary = new Summary(WINDOWS, 1000)
  summary.record(500, 0)
  summary.record(1, 30_000)
  assert.ok(summary.quantiles([1], 59_999)[0]! > 400)
  summary.record(1, 60_000)
  assert.ok(summary.quantiles([1], 60_001)[0]! < 2)
  assert.deepEqual([summary.count, summary.sum], [3, 502])
})

test('after a silence longer than all windows nothing is known', () => {
  const summary = new Summary(WINDOWS, 1000)
  summary.record(5, 1_000)
  assert.ok(Number.isNaN(summary.quantiles([0.5], 1_000_000)[0]))
  assert.equal(summary.count, 1)
})

test('what is out of range counts as the nearest that is not', () => {
  const summary = new Summary(WINDOWS, 1)
  summary.record(-5, 0)
  summary.record(1e15, 0)
  const [low, high] = summary.quantiles([0.5, 1], 0)
  assert.equal(low, 0)
  assert.ok(high! > 1.8e9 && high! < 2 ** 31)
})
