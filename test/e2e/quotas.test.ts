/** Quotas of clients: who uses up what is set for it is told so, and not heard for as long as it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch, encodeRequest, errorName } from '@ottla/protocol'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { ApiVersionsRequest } from '@ottla/protocol/messages/api-versions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { type InProcess, inProcess, metadataApi } from './in-process.ts'

const quotasApi = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const createApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const deleteApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }

type Connection = Awaited<ReturnType<InProcess['connect']>>

/** One whole window is measured beside the running one: what is too much passes within a second. */
const SHORT = { config: { 'quota.window.num': 2, 'controller.quota.window.num': 2 }, topics: ['a'] }

async function limit(open: InProcess, entity: Record<string, string | null>, key: string, value: number | null) {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
  const ops = [{ key, value: value ?? 0, remove: value === null }]
  const { entries } = await open.send(quotasApi, { entries: [{ entity: parts, ops }], validateOnly: false })
  assert.equal(errorName(entries[0]!.errorCode), 'NONE')
}

function produce(connection: Connection, topicId: string, sizeInBytes: number) {
  const records = encodeBatch([{ value: Buffer.alloc(sizeInBytes, 'x') }])
  const topicData = [{ topicId, partitionData: [{ index: 0, records }] }]
  return connection.send(produceApi, { acks: -1, timeoutMs: 1000, topicData })
}

/** How long after `startMs`, before the request that is too much, the broker hears the client again. */
async function silence(open: InProcess, connection: Connection, startMs: number): Promise<number> {
  await connection.send(metadataApi, { topics: [] })
  return open.cluster.world.clock.monotonic() - startMs
}

test('who produces more than it may is answered, told how long to wait, and not heard until then', async () => {
  await using open = await inProcess(SHORT)
  const topicId = await open.topicId('a')
  await limit(open, { 'client-id': 'fast' }, 'producer_byte_rate', 100_000)
  const fast = await open.connect('fast')
  const other = await open.connect('other')
  assert.equal((await produce(fast, topicId, 50_000)).throttleTimeMs, 0)
  const startMs = open.cluster.world.clock.monotonic()
  const { throttleTimeMs, responses } = await produce(fast, topicId, 100_000)
  assert.ok(throttleTimeMs > 250 && throttleTimeMs <= 520, `${throttleTimeMs} ms`)
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0, 'what came is stored all the same')
  assert.equal((await produce(other, topicId, 500_000)).throttleTimeMs, 0)
  const silentMs = await silence(open, fast, startMs)
  assert.ok(silentMs >= throttleTimeMs - 20, `heard after ${silentMs} ms`)
  await limit(open, { 'client-id': 'fast' }, 'producer_byte_rate', null)
  assert.equal((await produce(fast, topicId, 500_000)).throttleTimeMs, 0, 'at once')
  for (const connection of [fast, other]) connection.close()
})

test('who wants no answer is not heard for as long', async () => {
  await using open = await inProcess(SHORT)
  const topicId = await open.topicId('a')
  await limit(open, { 'client-id': 'mute' }, 'producer_byte_rate', 100_000)
  const records = encodeBatch([{ value: Buffer.alloc(150_000, 'x') }])
  const topicData = [{ topicId, partitionData: [{ index: 0, records }] }]
  const { network, clock } = open.cluster.world
  const [host = '', port] = open.cluster.bootstrapServers.split(':')
  const socket = await network.connect({ host, port: Number(port) })
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.start({ onData: () => resolve(), onDrain() {}, onClose: () => resolve() })
  const startMs = clock.monotonic()
  const header = { correlationId: 1, clientId: 'mute' }
  socket.write(encodeRequest(ProduceRequest, 13, header, { acks: 0, timeoutMs: 1000, topicData }))
  socket.write(encodeRequest(ApiVersionsRequest, 0, header, {}))
  await promise
  const silentMs = clock.monotonic() - startMs
  assert.ok(silentMs > 400, `heard after ${silentMs} ms`)
  socket.destroy()
})

test('who fetches more than it may gets nothing for now, keeps its session, and misses nothing', async () => {
  await using open = await inProcess(SHORT)
  const topicId = await open.topicId('a')
  for (let i = 0; i < 6; i++) await produce(open.connection, topicId, 50_000)
  await limit(open, { user: 'ANONYMOUS', 'client-id': null }, 'consumer_byte_rate', 100_000)
  const reader = await open.connect('reader')
  let fetchOffset = 0
  let sessionId = 0
  let sessionEpoch = 0
  let throttled = 0
  for (let round = 0; fetchOffset < 6; round++) {
    assert.ok(round < 50, 'it comes to an end')
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 60_000 }]
    const wanted = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1e9,
      sessionId,
      sessionEpoch,
      topics: [{ topicId, partitions }],
    }
    const answer = await reader.send(fetchApi, wanted)
    assert.equal(answer.errorCode, 0)
    const found = answer.responses[0]?.partitions[0]?.records
    if (answer.throttleTimeMs > 0) {
      throttled++
      assert.deepEqual(answer.responses, [])
    } else {
      assert.ok(found!.length > 50_000 && found!.length < 100_000)
      fetchOffset++
    }
    // A session that was to begin with an answer that is empty has not begun.
    sessionId = answer.sessionId
    sessionEpoch = sessionId === 0 ? 0 : sessionEpoch + 1
  }
  assert.ok(throttled >= 2, `${throttled} times`)
  reader.close()
})

test('a fetch is given no more than a window may hold', async () => {
  await using open = await inProcess(SHORT)
  const topicId = await open.topicId('a')
  for (let i = 0; i < 6; i++) await produce(open.connection, topicId, 50_000)
  await limit(open, { 'client-id': null }, 'consumer_byte_rate', 120_000)
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e9 }]
  const wanted = { maxWaitMs: 0, maxBytes: 1e9, sessionEpoch: -1, topics: [{ topicId, partitions }] }
  const answer = await open.connection.send(fetchApi, wanted)
  assert.equal(answer.throttleTimeMs, 0)
  const { length } = answer.responses[0]!.partitions[0]!.records!
  assert.ok(length > 100_000 && length <= 120_000, `${length} bytes`)
})

test("who takes more of the broker's time than it may waits, a window at most", async () => {
  await using open = await inProcess(SHORT)
  await limit(open, { user: null }, 'request_percentage', 1e-6)
  const startMs = open.cluster.world.clock.monotonic()
  const { throttleTimeMs } = await open.connection.send(metadataApi, { topics: [{ name: 'a' }] })
  assert.equal(throttleTimeMs, 1000)
  const silentMs = await silence(open, open.connection, startMs)
  assert.ok(silentMs > 950, `heard after ${silentMs} ms`)
})

test('who makes and deletes more partitions than it may is refused in versions that know of it', async () => {
  await using open = await inProcess(SHORT)
  await limit(open, { 'client-id': 'maker' }, 'controller_mutation_rate', 4)
  let serial = 0
  // Whoever is throttled is not heard for a while: each comes from elsewhere.
  const create = async (version: number, numPartitions: number) => {
    const maker = await open.connect('maker')
    const wanted = { name: `made-${serial++}`, numPartitions, replicationFactor: 1 }
    const request = { topics: [wanted], timeoutMs: 1000, validateOnly: false }
    const { throttleTimeMs, topics } = await maker.send(createApi, request, { maxVersion: version })
    maker.close()
    return [errorName(topics[0]!.errorCode), throttleTimeMs > 0]
  }
  assert.deepEqual(await create(7, 12), ['NONE', false], 'one request may be too much')
  assert.deepEqual(await create(7, 1), ['THROTTLING_QUOTA_EXCEEDED', true])
  assert.deepEqual(await create(5, 1), ['NONE', true])
  const maker = await open.connect('maker')
  const topics = [{ name: 'made-0' }]
  const startMs = open.cluster.world.clock.monotonic()
  const refused = await maker.send(deleteApi, { topics, timeoutMs: 1000 })
  assert.equal(errorName(refused.responses[0]!.errorCode), 'THROTTLING_QUOTA_EXCEEDED')
  const silentMs = await silence(open, maker, startMs)
  assert.ok(silentMs >= refused.throttleTimeMs - 20, `heard after ${silentMs} ms`)
  const done = await maker.send(deleteApi, { topics, timeoutMs: 1000 })
  assert.equal(errorName(done.responses[0]!.errorCode), 'NONE')
  maker.close()
})

test('a topic that is wanted by its name only is made at the cost of who wants it', async () => {
  await using open = await inProcess(SHORT)
  await limit(open, { 'client-id': 'asker' }, 'controller_mutation_rate', 0.1)
  const asker = await open.connect('asker')
  const ask = async (name: string) => {
    const request = { topics: [{ name }], allowAutoTopicCreation: true }
    await asker.send(metadataApi, request)
    const { topics } = await open.send(metadataApi, { topics: [{ name }], allowAutoTopicCreation: false })
    return errorName(topics[0]!.errorCode)
  }
  assert.equal(await ask('first'), 'NONE')
  assert.equal(await ask('second'), 'UNKNOWN_TOPIC_OR_PARTITION')
  asker.close()
})

test('an address that connects faster than it may is not let in', async () => {
  await using open = await inProcess(SHORT)
  await limit(open, { ip: '127.0.0.1' }, 'connection_creation_rate', 1)
  const outcomes: string[] = []
  for (let i = 0; i < 4; i++) {
    const outcome = await open.connect('many').then(
      connection => {
        connection.close()
        return 'open'
      },
      () => 'closed',
    )
    outcomes.push(outcome)
  }
  assert.ok(outcomes.includes('closed') && outcomes[0] === 'open', outcomes.join(' '))
})

test('quotas are told in the order of Kafka, and so are the parts of whom they are for', async () => {
  await using node = await inProcess()
  const entity = [
    { entityType: 'user', entityName: 'u' },
    { entityType: 'client-id', entityName: 'c' },
  ]
  const keys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage']
  const entries = [{ entity, ops: keys.map(key => ({ key, value: 1000, remove: false })) }]
  const altered = await node.send(quotasApi, { entries })
  const types = ['client-id', 'user']
  assert.deepEqual(
    altered.entries[0]!.entity.map(({ entityType }) => entityType),
    types,
  )
  const describe = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }
  const described = await node.send(describe, { components: [{ entityType: 'user', matchType: 0, match: 'u' }] })
  const [found] = described.entries!
  assert.deepEqual(
    found!.entity.map(({ entityType }) => entityType),
    types,
  )
  assert.deepEqual(
    found!.values.map(({ key }) => key),
    ['consumer_byte_rate', 'request_percentage', 'producer_byte_rate'],
  )
})

test('entities are told in the order in which Apache Kafka 4.3.1 tells them', async () => {
  await using node = await inProcess()
  const entities: Record<string, string | null>[] = [
    { user: 'user-0' },
    { user: 'user-1', 'client-id': null },
    { user: 'user-4', 'client-id': 'client-2' },
  ]
  const users: string[] = []
  const describe = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }
  for (const entity of entities) {
    await limit(node, entity, 'producer_byte_rate', 1000)
    const { entries } = await node.send(describe, { components: [] })
    const named = entries!.map(each => each.entity.find(({ entityType }) => entityType === 'user')!.entityName)
    users.push(named.join(' '))
  }
  assert.deepEqual(users, ['user-0', 'user-0 user-1', 'user-4 user-0 user-1'])
})

test('of entities that share a slot of the table the one of fewer parts is told first', async () => {
  await using node = await inProcess()
  await limit(node, { user: 'User1' }, 'producer_byte_rate', 1000)
  await limit(node, { user: 'User1', 'client-id': 'Client1' }, 'producer_byte_rate', 1000)
  const describe = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }
  const { entries } = await node.send(describe, { components: [{ entityType: 'user', matchType: 0, match: 'User1' }] })
  assert.deepEqual(
    entries!.map(({ entity }) => entity.length),
    [1, 2],
  )
})
