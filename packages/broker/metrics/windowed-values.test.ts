import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WindowedValues } from './windowed-values.ts'

test('the average and the most of the last windows, and nothing of what was before', () => {
  const values = new WindowedValues({ count: 2, lengthMs: 30_000 })
  assert.ok(Number.isNaN(values.average(0)) && Number.isNaN(values.max(0)))
  values.record(10, 0)
  values.record(20, 29_999)
  assert.equal(values.average(29_999), 15)
  values.record(60, 30_000)
  assert.deepEqual([values.average(59_999), values.max(59_999)], [30, 60])
  assert.equal(values.average(60_000), 60, 'the first window has gone')
  values.record(80, 61_000)
  assert.equal(values.average(61_000), 70)
  values.record(100, 200_000)
  assert.equal(values.average(200_000), 100)
  assert.ok(Number.isNaN(values.average(260_000)))
})
