import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DataPoint, dataPoints } from './otlp.ts'
import { OtlpError } from './protobuf.ts'
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
  {
    name: 'times',
    kind: 'histogram',
    isDelta: true,
    points: [{ count: 6, sum: 9.5, bounds: [0.5, 1], counts: [1, 2, 3], attributes: { topic: 'a' } }],
  },
  { name: 'bounds', kind: 'histogram', points: [{ count: 6, sum: 9.5, bounds: [1, 0.5], counts: [1, 2, 3] }] },
  {
    name: 'sizes',
    kind: 'exponentialHistogram',
    points: [
      {
        ...{ count: 9, sum: 3, scale: -1, zeroCount: 2, zeroThreshold: 0.25 },
        positive: { offset: -1, counts: [1, 0, 3] },
        negative: { offset: 0, counts: [2, 1] },
      },
    ],
  },
  {
    name: 'quantiles',
    kind: 'summary',
    points: [
      {
        count: 4,
        sum: 10,
        quantiles: [
          [0.5, 2],
          [0.99, 4],
        ],
      },
    ],
  },
] as const

test('gauges, sums and distributions with their attributes; of what makes no sense, that it is there', () => {
  const resource = new Map([['client_rack', 'r1']])
  const of = (
    name: string,
    kind: string,
    isDelta: boolean,
    value: number | string[],
    attributes: [string, string][] = [],
  ) => ({
    ...{ name, kind, isDelta, value, resource },
    attributes: new Map(attributes),
  })
  assert.deepEqual([...dataPoints(otlpBytes(METRICS, { client_rack: 'r1' }))].map(readable), [
    of('org.apache.kafka.producer.record.send.rate', 'gauge', false, 2.5),
    of('org.apache.kafka.producer.record.send.total', 'counter', true, 7, [['topic', 'größe']]),
    of('org.apache.kafka.producer.record.send.total', 'counter', true, -3),
    of('up.and.down', 'gauge', false, 1),
    of('times', 'histogram', true, ['0.5 1', '1 3', '+Inf 6', 'sum 9.5', 'count 6'], [['topic', 'a']]),
    null,
    of('sizes', 'histogram', false, [
      ...['-4 1', '-1 3', '0.25 5', '1 6', '4 6', '16 9', '+Inf 9'],
      ...['sum 3', 'count 9'],
    ]),
    of('quantiles', 'summary', false, ['0.5 2', '0.99 4', 'sum 10', 'count 4']),
  ])
})

/** A distribution as the lines that it is in a scrape. */
function readable(point: DataPoint | null) {
  if (!point || typeof point.value === 'number') return point
  const lines = Array.from(point.value.samples({}), ({ suffix, labels, value }) => {
    return `${labels.le ?? labels.quantile ?? suffix.slice(1)} ${value}`
  })
  return { ...point, value: lines }
}

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
