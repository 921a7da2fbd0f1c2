import assert from 'node:assert/strict'
import { test } from 'node:test'
import parse from 'parse-prometheus-text-format'
import { counter, gauge, nameOf, sample } from './family.ts'
import { text } from './text.ts'

const ODD = 'a"b\\c\nd{}=,'

test('what a strange name may hold comes out of a parser as it went in', () => {
  const family = {
    ...gauge('ottla_odd', ['topic'], 'Odd \\ help\nof two lines.'),
    samples: [sample(1.5, { topic: ODD })],
  }
  const [parsed] = parse([...text([family])].join(''))
  assert.equal(parsed!.name, 'ottla_odd')
  assert.equal(parsed!.metrics[0]!.labels!.topic, ODD)
})

test('numbers as Prometheus writes them; a family without samples says nothing', () => {
  const values = [1, 1e21, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const family = { ...gauge('ottla_n', ['i'], 'Numbers.'), samples: values.map((value, i) => sample(value, { i })) }
  const lines = [...text([family, { ...gauge('ottla_none', [], 'None.'), samples: [] }])].join('').split('\n')
  assert.deepEqual(lines.slice(2, -1), [
    'ottla_n{i="0"} 1',
    'ottla_n{i="1"} 1e+21',
    'ottla_n{i="2"} -0.5',
    'ottla_n{i="3"} NaN',
    'ottla_n{i="4"} +Inf',
    'ottla_n{i="5"} -Inf',
  ])
})

test('a hundred thousand series come in pieces of some kilobytes', () => {
  const samples = Array.from({ length: 100_000 }, (_, i) => sample(i, { topic: 'orders', partition: i }))
  const pieces = [...text([{ ...gauge('ottla_many', ['topic', 'partition'], 'Many.'), samples }])]
  assert.ok(pieces.length > 100)
  assert.ok(Math.max(...pieces.map(piece => piece.length)) < 17 * 1024)
})

test('names are those that the JMX exporter makes', () => {
  assert.equal(
    counter('kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec', [], '').name,
    'kafka_server_brokertopicmetrics_bytesin_total',
  )
  assert.equal(
    nameOf('kafka.server:type=socket-server-metrics><connection-creation-total', 'counter'),
    'kafka_server_socket_server_metrics_connection_creation_total',
  )
  assert.equal(
    nameOf('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups', 'gauge'),
    'kafka_coordinator_group_groupmetadatamanager_numgroups',
  )
  assert.throws(() => nameOf('nonsense', 'gauge'))
})
