/** What is produced, consumed and committed stands in the metrics, to the byte; and Prometheus' parser understands them. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { encodeBatch } from '@ottla/protocol'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '@ottla/protocol/messages/get-telemetry-subscriptions'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { PushTelemetryRequest, PushTelemetryResponse } from '@ottla/protocol/messages/push-telemetry'
import { createCluster } from 'ottla'
import parse from 'parse-prometheus-text-format'
import { otlpBytes } from '../../packages/broker/telemetry/testing/otlp-bytes.ts'
import { type InProcess, inProcess } from './in-process.ts'

const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const commitApi = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const configsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const subscriptionsApi = { request: GetTelemetrySubscriptionsRequest, response: GetTelemetrySubscriptionsResponse }
const pushApi = { request: PushTelemetryRequest, response: PushTelemetryResponse }
const deleteGroupsApi = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }
const deleteApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const TOPICS = 'kafka_server_brokertopicmetrics_'

function batch(records: number): Buffer {
  const value = Buffer.alloc(100, 1)
  return Buffer.from(
    encodeBatch(
      Array.from({ length: records }, () => ({ key: null, value, timestamp: Date.now() })),
      {},
    ),
  )
}

async function produce({ send }: InProcess, name: string, records: Uint8Array, acks = -1): Promise<number> {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const { responses } = await send(produceApi, { acks, timeoutMs: 5000, topicData }, 9)
  return responses[0]!.partitionResponses[0]!.errorCode
}

async function fetchAll({ send }: InProcess, topic: string): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }]
  const request = { maxBytes: 1_000_000, maxWaitMs: 100, topics: [{ topic, partitions }] }
  const { responses } = await send(fetchApi, request, 12)
  return (responses[0]!.partitions[0]!.records as Uint8Array).length
}

test('bytes, records and requests are what was sent', async () => {
  await using broker = await inProcess({ topics: ['a', 'b'] })
  const { metrics } = broker.cluster
  const one = batch(3)
  for (const topic of ['a', 'a', 'b']) assert.equal(await produce(broker, topic, one), 0)
  const broken = Buffer.from(one)
  broken[70]! ^= 1
  assert.notEqual(await produce(broker, 'a', broken), 0)
  assert.equal(await fetchAll(broker, 'a'), 2 * one.length)

  const of = (name: string, topic?: string) =>
    metrics.value(`${TOPICS}${name}_total`, topic === undefined ? {} : { topic })
  assert.deepEqual(
    ['messagesin', 'bytesin', 'bytesout', 'totalproducerequests', 'failedproducerequests', 'totalfetchrequests'].map(
      name => [of(name, 'a'), of(name, 'b'), of(name)],
    ),
    [
      [6, 3, 9],
      [2 * one.length, one.length, 3 * one.length],
      [2 * one.length, 0, 2 * one.length],
      [3, 1, 4],
      [0, 0, 0],
      [1, 0, 1],
    ],
  )
  assert.equal(of('invalidmessagecrcrecords'), 1)
  const network = 'kafka_network_requestmetrics_'
  assert.equal(metrics.value(`${network}requests_total`, { request: 'Produce', version: 9 }), 4)
  assert.equal(metrics.value(`${network}errors_total`, { request: 'Produce', error: 'NONE' }), 3)
  assert.equal(metrics.value(`${network}errors_total`, { request: 'Produce', error: 'CORRUPT_MESSAGE' }), 1)
  assert.equal(metrics.value(`${network}totaltimems_count`, { request: 'FetchConsumer' }), 1)
  assert.equal(metrics.value('kafka_log_log_logendoffset', { topic: 'a', partition: 0 }), 6)
  assert.equal(metrics.value('kafka_log_log_size', { topic: 'a', partition: 0 }), 2 * one.length)
})

test('a deleted topic takes its series along, and leaves the sums', async () => {
  await using broker = await inProcess({ topics: ['gone', 'stays'] })
  const { metrics } = broker.cluster
  await produce(broker, 'gone', batch(1))
  const before = metrics.value(`${TOPICS}messagesin_total`)
  await broker.send(deleteApi, { topics: [{ name: 'gone' }], timeoutMs: 5000 }, 6)
  const text = [...metrics.text()].join('')
  assert.ok(!text.includes('topic="gone"'))
  assert.ok(text.includes('topic="stays"'))
  assert.equal(metrics.value(`${TOPICS}messagesin_total`), before)
  assert.equal(metrics.value('kafka_controller_kafkacontroller_globaltopiccount'), 1)
  assert.equal(metrics.value('kafka_controller_kafkacontroller_globalpartitioncount'), 1)
  assert.equal(metrics.value('kafka_server_replicamanager_partitioncount'), 1)
})

test('a fetch that waits is in the purgatory, and its waiting is no time of this node', async () => {
  await using broker = await inProcess({ topics: ['a'] })
  const { metrics } = broker.cluster
  const other = await broker.connect()
  const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const waiting = other.send(fetchApi, { maxBytes: 1000, minBytes: 1, maxWaitMs: 5000, topics }, { maxVersion: 12 })
  const delayed = () =>
    metrics.value('kafka_server_delayedoperationpurgatory_numdelayedoperations', { delayedOperation: 'Fetch' })
  while (delayed() === 0) await new Promise<void>(resolve => broker.cluster.world.clock.nextTurn(resolve))
  assert.equal(delayed(), 1)
  await produce(broker, 'a', batch(1))
  await waiting
  assert.equal(delayed(), 0)
  other.close()
  const time = (part: string) => metrics.value(`kafka_network_requestmetrics_${part}timems_sum`, { request: 'Fetch' })!
  assert.ok(time('remote') > time('local') / 100)
  const parts = time('local') + time('remote') + time('responsesend')
  assert.ok(Math.abs(parts - time('total')) < 0.001, `${parts} ms of ${time('total')}`)
})

test('a fetch that has waited in vain, the room that retention leaves, and how the node stands', async () => {
  const config = { 'log.retention.bytes': 10_000 }
  await using broker = await inProcess({ topics: ['a'], config })
  const { metrics } = broker.cluster
  await produce(broker, 'a', batch(30))
  const partitions = [{ partition: 0, fetchOffset: 30, partitionMaxBytes: 1000 }]
  const topics = [{ topic: 'a', partitions }]
  const expired = () => metrics.value('kafka_server_delayedfetchmetrics_expires_total', { fetcherType: 'consumer' })
  await broker.send(fetchApi, { maxBytes: 1000, minBytes: 1, maxWaitMs: 0, topics }, 12)
  assert.equal(expired(), 0, 'it did not want to wait')
  await broker.send(fetchApi, { maxBytes: 1000, minBytes: 1, maxWaitMs: 20, topics }, 12)
  assert.equal(expired(), 1)

  const size = metrics.value('kafka_log_log_size', { topic: 'a', partition: 0 })!
  const percent = metrics.value('kafka_log_log_retentionsizeinpercent', { topic: 'a', partition: 0 })
  assert.equal(percent, Math.floor(size / 100))
  const logDirectory = [...metrics.text()].join('').match(/logdirectorycordoned\{logDirectory="([^"]+)"/)![1]!
  assert.equal(metrics.value('kafka_log_logmanager_logdirectorycordoned', { logDirectory }), 0)
  assert.equal(metrics.value('kafka_log_logmanager_cordonedlogdirectorycount'), 0)
  const moves = { clientId: 'ReplicaAlterLogDirs' }
  assert.equal(metrics.value('kafka_server_replicaalterlogdirsmanager_maxlag', moves), 0)
  assert.equal(metrics.value('kafka_server_assignmentsmanager_queuedreplicatodirassignments'), 0)

  assert.equal(metrics.value('kafka_server_raft_metrics_current_state_info', { state: 'leader' }), 1)
  assert.equal(metrics.value('kafka_server_raft_metrics_number_of_observers'), 0)
  assert.equal(metrics.value('kafka_controller_kafkacontroller_brokerregistrationstate', { broker: 1 }), 30)
  assert.equal(metrics.value('kafka_server_metadataloader_finalizedlevel', { featureName: 'shareVersion' }), 1)
  assert.equal(metrics.value('kafka_controller_controllerstats_uncleanleaderelections_total'), 0)
  assert.ok(metrics.value('kafka_controller_controllereventmanager_eventqueueprocessingtimems_count')! > 0)
  assert.ok(metrics.value('kafka_server_snapshotemitter_latestsnapshotgeneratedagems')! >= 0)
})

test('groups and offsets are counted', async () => {
  await using broker = await inProcess({ topics: ['a'] })
  const { metrics } = broker.cluster
  await broker.send(findApi, { key: 'g', keyType: 0 }, 3)
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
  await broker.send(commitApi, { groupId: 'g', topics: [{ name: 'a', partitions }] }, 8)
  const group = (name: string) => metrics.value(`kafka_coordinator_group_groupmetadatamanager_${name}`)
  assert.deepEqual([group('numgroups'), group('numgroupsempty'), group('numoffsets')], [1, 1, 1])
  assert.equal(metrics.value('kafka_server_group_coordinator_metrics_offset_commit_count'), 1)
  assert.equal(metrics.value('kafka_server_group_coordinator_metrics_num_partitions', { state: 'active' }), 50)
  await broker.send(deleteGroupsApi, { groupsNames: ['g'] }, 2)
  assert.deepEqual([group('numgroups'), group('numoffsets')], [0, 0])
  assert.equal(metrics.value('kafka_server_group_coordinator_metrics_offset_deletion_count'), 1)
})

test("Prometheus' format, over HTTP, with every family and every series once", async () => {
  await using cluster = await createCluster({ topics: ['a'], metricsPort: 0 })
  const response = await fetch(`${cluster.metricsUrl}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  const series = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  assert.equal(new Set(series.map(line => line.slice(0, line.lastIndexOf(' ')))).size, series.length)
  const families = parse(text)
  const names = families.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  const valueIn = (name: string) => families.find(family => family.name === name)?.metrics[0]?.value
  assert.equal(valueIn('kafka_controller_kafkacontroller_activecontrollercount'), '1')
  assert.equal(valueIn('kafka_server_kafkaserver_brokerstate'), '3')
  assert.ok(Number(valueIn('process_resident_memory_bytes')) > 1_000_000)
  if (process.platform === 'linux') assert.ok(Number(valueIn('kafka_server_kafkaserver_linux_disk_write_bytes')) >= 0)
  assert.ok(Number(valueIn('nodejs_eventloop_lag_p99_seconds')) >= 0)
})

test('histograms and summaries that a client has pushed are scraped as such', async () => {
  await using open = await inProcess({ metricsPort: 0 })
  const configs = { metrics: '*', 'interval.ms': '100' }
  const entries = Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value }))
  const resources = [{ resourceType: 16, resourceName: 'all', configs: entries }]
  const { responses } = await open.send(configsApi, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0)
  const { clientInstanceId, subscriptionId } = await open.send(subscriptionsApi, {})
  const metrics = otlpBytes([
    {
      name: 'org.apache.kafka.app.times',
      kind: 'histogram',
      points: [{ count: 6, sum: 9.5, bounds: [0.5, 1], counts: [1, 2, 3], attributes: { topic: 'a' } }],
    },
    {
      name: 'org.apache.kafka.app.sizes',
      kind: 'exponentialHistogram',
      points: [{ count: 5, sum: 20, scale: 0, zeroCount: 1, positive: { offset: 1, counts: [3, 1] } }],
    },
    {
      name: 'org.apache.kafka.app.quantiles',
      kind: 'summary',
      points: [{ count: 4, sum: 10, quantiles: [[0.5, 2]] }],
    },
  ])
  const { errorCode } = await open.send(pushApi, { clientInstanceId, subscriptionId, metrics })
  assert.equal(errorCode, 0)
  const text = await (await fetch(`${open.cluster.metricsUrl}/metrics`)).text()
  const pushed = parse(text).filter(({ name }) => name.startsWith('org_apache_kafka_app_'))
  assert.deepEqual(
    pushed.map(({ name, type, metrics: [only] }) => [name, type, only!.buckets ?? only!.quantiles]),
    [
      ['org_apache_kafka_app_times', 'HISTOGRAM', { '0.5': '1', '1': '3', '+Inf': '6' }],
      ['org_apache_kafka_app_sizes', 'HISTOGRAM', { '0': '1', '4': '4', '8': '5', '+Inf': '5' }],
      ['org_apache_kafka_app_quantiles', 'SUMMARY', { '0.5': '2' }],
    ],
  )
  // The parser knows no sums and counts with labels.
  const ends = [...text.matchAll(/^org_apache_kafka_app_(\w+_(?:sum|count))\{.*\} (.*)$/gm)]
  assert.deepEqual(
    ends.map(([, name, value]) => `${name} ${value}`),
    ['times_sum 9.5', 'times_count 6', 'sizes_sum 20', 'sizes_count 5', 'quantiles_sum 10', 'quantiles_count 4'],
  )
})

test('health, paths that are not there, methods that are not meant', async () => {
  await using cluster = await createCluster({ metricsPort: 0 })
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${cluster.metricsUrl}${path}`, init)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask('/readyz'), [200, 'running\n'])
  assert.deepEqual(await ask('/healthz'), [200, 'alive\n'])
  assert.deepEqual(await ask('/healthz?verbose'), [200, 'alive\n'])
  assert.deepEqual(await ask('/metrics', { method: 'HEAD' }), [200, ''])
  assert.equal((await ask('/'))[0], 404)
  assert.equal((await ask('/metrics', { method: 'POST', body: 'x' }))[0], 405)
})

test('impossible requests are answered or closed, and nobody else notices', async () => {
  await using cluster = await createCluster({ metricsPort: 0 })
  const { port } = new URL(cluster.metricsUrl!)
  for (const bytes of [
    'GIVE /metrics HTTP/1.1\r\n\r\n',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    '\0\0\0\x10\0\x12\0\0',
  ]) {
    const answer = await raw(Number(port), bytes)
    assert.match(answer, /^HTTP\/1\.1 4\d\d /)
  }
  assert.equal((await fetch(`${cluster.metricsUrl}/healthz`)).status, 200)
})

/** Until the other side closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', data => {
      received += data.toString()
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}
