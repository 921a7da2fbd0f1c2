import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Codec, compress, ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { EMPTY_IMAGE, type MetadataImage } from '../image/index.ts'
import { PersistentMap } from '../image/persistent-map.ts'
import { subscriptionId } from './client-instances.ts'
import { ClientTelemetry } from './client-telemetry.ts'
import { otlpBytes, type TestMetric } from './testing/otlp-bytes.ts'

const ID = 'AQIDBAUGBwgJCgsMDQ4PEA'
const CALLER = {
  clientId: 'billing-1',
  softwareName: 'apache-kafka-java',
  softwareVersion: '4.3.1',
  address: '127.0.0.1',
  port: 4711,
  connectionId: 1,
}
const TOTAL = 'org.apache.kafka.producer.record.send.total'
const EXPORTED = 'org_apache_kafka_producer_record_send_total'
const LABELS = { client_id: 'billing-1', client_instance_id: ID, client_software_name: 'apache-kafka-java' }

function image(subscriptions: Record<string, Record<string, string>>): MetadataImage {
  let configs = PersistentMap.empty<MetadataImage['configs'] extends PersistentMap<infer T> ? T : never>()
  for (const [name, values] of Object.entries(subscriptions))
    configs = configs.set(`16:${name}`, { type: 16, name, values: new Map(Object.entries(values)) })
  return { ...EMPTY_IMAGE, configs }
}

class Probe {
  readonly telemetry = new ClientTelemetry(20_000, () => ID)
  nowMs = 1_000_000

  constructor(
    subscriptions: Record<string, Record<string, string>> = { all: { metrics: '*', 'interval.ms': '1000' } },
  ) {
    this.telemetry.reload(image(subscriptions))
  }

  get(clientInstanceId = ID, caller = CALLER) {
    return this.telemetry.getSubscriptions({ clientInstanceId }, caller, this.nowMs)
  }

  push(more: { subscriptionId?: number; terminating?: boolean; compressionType?: number; metrics?: Uint8Array } = {}) {
    const request = {
      clientInstanceId: ID,
      subscriptionId: subscriptionId({ metrics: ['*'], intervalMs: 1000 }, ID),
      terminating: false,
      compressionType: 0,
      metrics: new Uint8Array(0),
      ...more,
    }
    const { errorCode, take } = this.telemetry.push(request, CALLER, this.nowMs)
    for (let step = take?.next(); step; step = take!.next()) if (step.done) return step.value
    return errorCode
  }

  exported(name = EXPORTED): [object, number][] {
    for (const family of this.telemetry.series.families()) {
      if (family.name === name) return [...family.samples].map(({ labels, value }) => [labels, value])
    }
    return []
  }
}

const total = (value: number, more: Partial<TestMetric> = {}): Uint8Array =>
  otlpBytes([{ name: TOTAL, kind: 'sum', isMonotonic: true, isDelta: true, points: [{ value }], ...more }])

test('a client is told what is wanted of it, once an interval, and at once after a change', () => {
  const probe = new Probe({
    a: { metrics: 'b.,a.', 'interval.ms': '5000', match: 'client_id=billing.*,client_software_version=4.*' },
    b: { metrics: 'c.', 'interval.ms': '3000' },
    c: { metrics: 'd.', 'interval.ms': '100', match: 'client_id=billing' },
  })
  const told = probe.get()
  assert.deepEqual(told.requestedMetrics, ['a.', 'b.', 'c.'])
  assert.equal(told.pushIntervalMs, 3000)
  assert.deepEqual(told.acceptedCompressionTypes, [4, 3, 1, 2])
  assert.equal(told.telemetryMaxBytes, 20_000)
  assert.equal(told.deltaTemporality, true)
  probe.nowMs += 2999
  assert.equal(probe.get().errorCode, ErrorCode.THROTTLING_QUOTA_EXCEEDED)
  assert.deepEqual(probe.telemetry.reload(image({ all: { metrics: '*,x.' } })), [])
  const changed = probe.get()
  assert.deepEqual(changed.requestedMetrics, ['*'])
  assert.notEqual(changed.subscriptionId, told.subscriptionId)
  assert.equal(probe.telemetry.counters.throttled, 1)
})

test('who has no id is given one; who is not known by its software does not match by it', () => {
  const probe = new Probe({ a: { metrics: '*', match: 'client_software_name=.*' } })
  const told = probe.get(ZERO_UUID, { ...CALLER, softwareName: '' })
  assert.equal(told.clientInstanceId, ID)
  assert.deepEqual(told.requestedMetrics, [])
  assert.equal(told.pushIntervalMs, 300_000)
})

test('an expression that only Java knows leaves its subscription out, and no other', () => {
  const probe = new Probe()
  const refused = probe.telemetry.reload(
    image({ java: { metrics: '*', match: 'client_id=(?i:(?<!x)+?++)' }, b: { metrics: 'b.' } }),
  )
  assert.deepEqual(
    refused.map(({ name }) => name),
    ['java'],
  )
  assert.deepEqual(probe.get().requestedMetrics, ['b.'])
})

test('the subscription id is the one that Apache Kafka computes', () => {
  // Told by its classes: Crc32C.compute("[*]1000") ^ Uuid.fromString(ID).hashCode().
  assert.equal(subscriptionId({ metrics: ['*'], intervalMs: 1000 }, ID), 848_016_041)
})

test('pushes: when they may come, and what is wrong with them, in the order in which Kafka looks', () => {
  const probe = new Probe()
  assert.equal(probe.push(), ErrorCode.NONE, 'whom another broker told may push at once')
  assert.equal(probe.push(), ErrorCode.THROTTLING_QUOTA_EXCEEDED)
  probe.nowMs += 1000
  assert.equal(probe.push({ subscriptionId: 1 }), ErrorCode.UNKNOWN_SUBSCRIPTION_ID)
  assert.equal(probe.get().errorCode ?? 0, ErrorCode.NONE, 'it may ask at once what is wanted now')
  probe.nowMs += 1000
  assert.equal(probe.push({ compressionType: 5 }), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  assert.equal(probe.get().errorCode ?? 0, ErrorCode.NONE)
  probe.nowMs += 1000
  assert.equal(probe.push({ metrics: new Uint8Array(20_001) }), ErrorCode.TELEMETRY_TOO_LARGE)
  probe.nowMs += 1000
  assert.equal(probe.push({ metrics: new Uint8Array(9) }), ErrorCode.INVALID_RECORD)
  assert.equal(probe.push({ terminating: true }), ErrorCode.NONE, 'the last one may come early')
  probe.nowMs += 1000
  assert.equal(probe.push(), ErrorCode.INVALID_REQUEST, 'and it is the last one')
  const { unknownSubscriptions, throttled, errors } = probe.telemetry.counters
  assert.deepEqual([unknownSubscriptions, throttled, errors], [1, 1, 1])
})

test('nobody may push under a reserved id', () => {
  const probe = new Probe()
  for (const clientInstanceId of [ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ']) {
    const request = {
      clientInstanceId,
      subscriptionId: 0,
      terminating: false,
      compressionType: 0,
      metrics: new Uint8Array(0),
    }
    assert.equal(probe.telemetry.push(request, CALLER, 0).errorCode, ErrorCode.INVALID_REQUEST)
  }
})

test('differences add up, sums since the begin replace each other, in every codec', () => {
  const probe = new Probe()
  const codecs: Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  for (const [compressionType, codec] of codecs.entries()) {
    assert.equal(probe.push({ compressionType, metrics: compress(codec, total(10)) }), ErrorCode.NONE, codec)
    probe.nowMs += 1000
  }
  assert.deepEqual(probe.exported(), [[LABELS, 50]])
  probe.push({ metrics: total(7, { isDelta: false }) })
  assert.deepEqual(probe.exported(), [[LABELS, 7]])
})

test('what decompresses to more than is allowed is refused', () => {
  const probe = new Probe()
  const bomb = compress('gzip', new Uint8Array(5_000_000))
  assert.ok(bomb.length < 20_000)
  assert.equal(probe.push({ compressionType: 1, metrics: bomb }), ErrorCode.INVALID_RECORD)
})

test('names and labels of clients pass for nothing else', () => {
  const probe = new Probe()
  const points = [
    { value: 1, attributes: { client_instance_id: 'forged', __name__: 'x', 'a-b': 'c', le: '1', '7': 'y' } },
  ]
  probe.push({ metrics: otlpBytes([{ name: 'kafka_server_kafkaserver_brokerstate', kind: 'gauge', points }]) })
  assert.deepEqual(probe.exported('kafka_server_kafkaserver_brokerstate'), [])
  assert.deepEqual(probe.exported('client_kafka_server_kafkaserver_brokerstate'), [
    [{ ...LABELS, _7: 'y', a_b: 'c', _le: '1' }, 1],
  ])
})

test('a client has a thousand series and no more', () => {
  const probe = new Probe()
  const points = Array.from({ length: 150 }, (_, i) => ({ value: i, attributes: { t: String(i) } }))
  for (let i = 0; i < 8; i++) {
    const metrics = compress('gzip', otlpBytes([{ name: `m${i}`, kind: 'gauge', points }]))
    assert.equal(probe.push({ compressionType: 1, metrics }), ErrorCode.NONE)
    probe.nowMs += 1000
  }
  const { series } = probe.telemetry
  assert.equal(series.size, 1000)
  assert.equal(series.dropped, 200)
  probe.nowMs += 58_999
  series.expire(probe.nowMs)
  assert.equal(series.size, 1000)
  probe.nowMs += 1
  series.expire(probe.nowMs)
  assert.equal(series.size, 0)
  assert.deepEqual([...series.families()], [])
})

test('who disconnects is forgotten, and so is who does not come again; there are never too many', () => {
  const probe = new Probe()
  const come = (i: number): void => {
    probe.get(Buffer.from(String(i).padStart(16, 'x')).toString('base64url'), { ...CALLER, connectionId: i })
  }
  for (let i = 0; i < 20_000; i++) come(i)
  assert.equal(probe.telemetry.instanceCount, 16_384)
  probe.telemetry.onDisconnected(19_999)
  assert.equal(probe.telemetry.instanceCount, 16_383)
  probe.nowMs += 60_001
  come(1)
  assert.equal(probe.telemetry.instanceCount, 1)
})

const histogram = (name: string, counts: readonly number[], more: Partial<TestMetric> = {}): Uint8Array =>
  otlpBytes([
    {
      ...{ name, kind: 'histogram', isDelta: true, ...more },
      points: [{ count: 0, sum: 1.5, bounds: counts.slice(1).map((_, i) => i), counts }],
    },
  ])

test('differences of a histogram add up; each of its lines is a series, and none of them is anybody else’s', () => {
  const probe = new Probe()
  const name = 'org.apache.kafka.producer.times'
  const exported = 'org_apache_kafka_producer_times'
  const push = (metrics: Uint8Array) => {
    probe.nowMs += 1000
    assert.equal(probe.push({ metrics }), ErrorCode.NONE)
  }
  push(histogram(name, [1, 2, 3]))
  push(histogram(name, [1, 0, 1]))
  const { series } = probe.telemetry
  assert.deepEqual(probe.exported(exported), [
    [{ ...LABELS, le: 0 }, 2],
    [{ ...LABELS, le: 1 }, 4],
    [{ ...LABELS, le: '+Inf' }, 8],
    [LABELS, 3],
    [LABELS, 8],
  ])
  assert.deepEqual(
    [...series.families()].map(({ type }) => type),
    ['histogram'],
  )
  assert.equal(series.size, 5)
  push(otlpBytes([{ name: `${name}.count`, kind: 'gauge', points: [{ value: 1 }] }]))
  assert.equal(series.dropped, 1, 'it would have the name of a line of the histogram')
  push(otlpBytes([{ name: `${name}.counts`, kind: 'gauge', points: [{ value: 1 }] }]))
  push(otlpBytes([{ name: 'x.sum', kind: 'gauge', points: [{ value: 1 }] }]))
  push(histogram('x', [1, 1]))
  assert.deepEqual([series.size, series.dropped], [7, 2])
  push(histogram(name, [5], { isDelta: false }))
  assert.deepEqual([series.size, series.dropped], [5, 2], 'with other bounds it begins anew')
  probe.nowMs += 60_000
  series.expire(probe.nowMs)
  assert.equal(series.size, 0)
})

test('a client has a thousand lines of histograms and no more', () => {
  const probe = new Probe()
  for (let i = 0; i < 12; i++) {
    probe.nowMs += 1000
    assert.equal(probe.push({ metrics: histogram(`h${i}`, new Array(100).fill(1)) }), ErrorCode.NONE)
  }
  const { series } = probe.telemetry
  assert.deepEqual([series.size, series.dropped], [9 * 102, 3])
  probe.nowMs += 1000
  probe.push({ metrics: histogram('h0', new Array(100).fill(1)) })
  assert.equal(series.size, 9 * 102, 'those that are there go on')
})

test('of a distribution that nobody has the patience for, nothing is taken', () => {
  const probe = new Probe()
  assert.equal(
    probe.push({ metrics: compress('gzip', histogram('h', new Array(5000).fill(1))), compressionType: 1 }),
    ErrorCode.INVALID_RECORD,
  )
  assert.equal(probe.telemetry.series.size, 0)
})
