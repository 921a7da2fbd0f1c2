/** What a scrape tells of quotas: who is measured, how fast it is, how long it had to wait, and who waits now. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '@ottla/protocol'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { type InProcess, inProcess } from './in-process.ts'

const quotasApi = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const createApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }

const QUOTA = 'kafka_server_quota_'
const USER = 'ANONYMOUS'

type Entity = Readonly<Record<string, string | null>>

async function limit({ send }: InProcess, entity: Entity, key: string, value: number | null): Promise<void> {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
  const ops = [{ key, value: value ?? 0, remove: value === null }]
  const { entries } = await send(quotasApi, { entries: [{ entity: parts, ops }], validateOnly: false })
  assert.equal(entries[0]!.errorCode, 0)
}

function produceRequest(topicId: string, sizeInBytes: number) {
  const records = encodeBatch([{ value: Buffer.alloc(sizeInBytes, 'x') }])
  return { acks: -1, timeoutMs: 1000, topicData: [{ topicId, partitionData: [{ index: 0, records }] }] }
}

test('whose bytes are limited has a rate, and a throttle time once it had to wait; nobody else has', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const { metrics } = open.cluster
  const topicId = await open.topicId('a')
  await limit(open, { user: USER, 'client-id': null }, 'producer_byte_rate', 10_000)
  await limit(open, { 'client-id': 'reader' }, 'consumer_byte_rate', 1_000_000)
  const writer = await open.connect('writer')
  const reader = await open.connect('reader')
  await writer.send(produceApi, produceRequest(topicId, 50_000))
  const who = { resource: 'Produce', user: USER, clientId: 'writer' }
  const rate = metrics.value(`${QUOTA}byte_rate`, who)!
  // Ten windows of a second, nine of them not begun yet.
  assert.ok(rate > 4000 && rate < 5200, `${rate} bytes a second`)
  assert.equal(metrics.value(`${QUOTA}throttle_time`, who), undefined)
  const { throttleTimeMs } = await writer.send(produceApi, produceRequest(topicId, 60_000))
  assert.ok(throttleTimeMs > 0)
  assert.equal(metrics.value(`${QUOTA}throttle_time`, who), throttleTimeMs)
  assert.equal(metrics.value('kafka_server_produce_queue_size'), 1)
  assert.equal(metrics.value('ottla_quota_throttles_total', { resource: 'Produce' }), 1)

  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 40_000 }]
  await reader.send(fetchApi, { maxWaitMs: 0, minBytes: 1, maxBytes: 40_000, topics: [{ topicId, partitions }] })
  const read = metrics.value(`${QUOTA}byte_rate`, { resource: 'Fetch', clientId: 'reader' })!
  assert.ok(read > 4000 && read < 5200, `${read} bytes a second`)
  assert.equal(metrics.value('ottla_quota_clients', { resource: 'Fetch' }), 1)
  assert.equal(metrics.value('kafka_server_fetch_queue_size'), 0)

  const network = 'kafka_network_requestmetrics_throttletimems'
  assert.equal(metrics.value(`${network}_count`, { request: 'Produce' }), 2)
  assert.equal(metrics.value(`${network}_sum`, { request: 'Produce' }), throttleTimeMs)
  assert.equal(metrics.value(`${network}_sum`, { request: 'Fetch' }), 0)
  const text = [...metrics.text()].join('')
  assert.ok(!text.includes('clientId="test"'), 'who is not limited is not measured')
  writer.close()
  reader.close()
})

test('a connection that goes while it is not heard does not wait any more', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const { metrics, world } = open.cluster
  await limit(open, { 'client-id': 'writer' }, 'producer_byte_rate', 1)
  const writer = await open.connect('writer')
  await writer.send(produceApi, produceRequest(await open.topicId('a'), 5000))
  assert.equal(metrics.value('kafka_server_produce_queue_size'), 1)
  writer.close()
  while (metrics.value('kafka_server_produce_queue_size') !== 0)
    await new Promise<void>(resolve => world.clock.nextTurn(resolve))
})

test('partitions: how many a second, how many more at once, and who was refused', async () => {
  await using open = await inProcess()
  const { metrics } = open.cluster
  await limit(open, { user: null }, 'controller_mutation_rate', 1)
  const create = (name: string, numPartitions: number) =>
    open.send(createApi, { topics: [{ name, numPartitions, replicationFactor: 1 }], timeoutMs: 5000 })
  const { topics } = await create('a', 30)
  assert.equal(topics[0]!.errorCode, 0)
  const who = { resource: 'ControllerMutation', user: USER }
  const tokens = metrics.value(`${QUOTA}tokens`, who)!
  assert.ok(tokens >= -19 && tokens < -17, `${tokens} of eleven and none`)
  const rate = metrics.value(`${QUOTA}mutation_rate`, who)!
  assert.ok(rate > 0.9 && rate <= 1, `${rate} a second, of half a minute`)
  const { throttleTimeMs } = await create('b', 1)
  assert.ok(throttleTimeMs > 0)
  assert.equal(metrics.value(`${QUOTA}throttle_time`, who), throttleTimeMs)
  assert.equal(metrics.value('kafka_server_controllermutation_queue_size'), 1)
})

test('the time of the broker, and how fast connections come', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const { metrics } = open.cluster
  await limit(open, { 'client-id': 'busy' }, 'request_percentage', 1000)
  await limit(open, { ip: '127.0.0.1' }, 'connection_creation_rate', 1000)
  const busy = await open.connect('busy')
  await busy.send(produceApi, produceRequest(await open.topicId('a'), 100))
  assert.ok(metrics.value(`${QUOTA}request_time`, { resource: 'Request', clientId: 'busy' })! > 0)
  const server = 'kafka_server_socket_server_metrics_'
  const [listener] = [...metrics.text()].join('').match(/(?<=connection_accept_rate\{listener=")[^"]+/) ?? []
  assert.ok(metrics.value(`${server}connection_accept_rate`, { listener: listener! })! > 0)
  assert.ok(metrics.value(`${server}broker_connection_accept_rate`)! > 0)
  assert.ok(Number.isNaN(metrics.value(`${server}connection_accept_throttle_time`, { listener: listener! })))
  busy.close()
})
