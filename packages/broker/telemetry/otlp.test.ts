import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataPoints, OtlpError } from './otlp.ts'
import { otlpBytes } from './testing/otlp-bytes.ts'

const METRICS = [
  { name: 'org.apache.kafka.producer.record.send.rate', kind: 'gauge', points: [{ value: 2.5 }] },
  {
    name: 'org.apache.kafka.producer.record.send.total',
    kind: 'sum',
    isDelta: true,
    isMonotonic: true,
    points: [
      { value: 7, isInteger: true, attributes: { topic: 'größe' } },
      { value: -3, isInteger: true },
    ],
  },
  { name: 'up.and.down', kind: 'sum', points: [{ value: 1 }] },
  { name: 'times', kind: 'histogram', points: [{ value: 1 }] },
] as const

test('gauges and sums with their attributes; of what else there is, that it is there', () => {
  const resource = new Map([['client_rack', 'r1']])
  const of = (name: string, kind: string, isDelta: boolean, value: number, attributes: [string, string][] = []) => ({
    ...{ name, kind, isDelta, value, resource },
    attributes: new Map(attributes),
  })
  assert.deepEqual(
    [...dataPoints(otlpBytes(METRICS, { client_rack: 'r1' }))],
    [
      of('org.apache.kafka.producer.record.send.rate', 'gauge', false, 2.5),
      of('org.apache.kafka.producer.record.send.total', 'counter', true, 7, [['topic', 'größe']]),
      of('org.apache.kafka.producer.record.send.total', 'counter', true, -3),
      of('up.and.down', 'gauge', false, 1),
      null,
    ],
  )
})

test('cut anywhere, or with any byte changed, it is read or refused with one kind of error', () => {
  const whole = otlpBytes(METRICS, { client_rack: 'r1' })
  let refused = 0
  const attempt = (bytes: Uint8Array): void => {
    try {
      for (const _point of dataPoints(bytes));
    } catch (error) {
      assert.ok(error instanceof OtlpError, String(error))
      refused++
    }
  }
  for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length))
  assert.ok(refused > whole.length / 2)
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 0x7f, 0x80, 0xff])
      attempt(Buffer.concat([whole.subarray(0, at), Buffer.from([value]), whole.subarray(at + 1)]))
  }
})
