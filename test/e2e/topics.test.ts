/** Metadata, the life of topics, and their configuration, as a client of any kind sees them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { AlterConfigsRequest, AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '@ottla/protocol/messages/describe-topic-partitions'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { type InProcess, inProcess, metadataApi } from './in-process.ts'

const createTopicsApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const deleteTopicsApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const createPartitionsApi = { request: CreatePartitionsRequest, response: CreatePartitionsResponse }
const describeApi = { request: DescribeTopicPartitionsRequest, response: DescribeTopicPartitionsResponse }
const describeConfigsApi = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const alterConfigsApi = { request: AlterConfigsRequest, response: AlterConfigsResponse }
const incrementalApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }

const UNKNOWN_ID = 'b3R0bGEtdGVzdC10b3BpYw'
const TOPIC = 2
const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

test('metadata: null is all, an empty list none; in version 0 an empty list is all', async () => {
  await using open = await inProcess({ topics: ['a', 'b'] })
  const names = async (topics: { name: string }[] | null, version?: number) =>
    (await open.send(metadataApi, { topics }, version)).topics.map(({ name }) => name).sort()
  assert.deepEqual(await names(null), ['a', 'b'])
  assert.deepEqual(await names([]), [])
  assert.deepEqual(await names([], 1), [])
  assert.deepEqual(await names([], 0), ['a', 'b'])
  assert.deepEqual(await names([{ name: 'b' }, { name: 'b' }]), ['b'])
})

test('metadata: the address that was connected to, and who leads', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 2 }] })
  const { brokers, clusterId, controllerId, topics } = await open.send(metadataApi, { topics: null })
  assert.deepEqual(
    brokers.map(({ host, port }) => `${host}:${port}`),
    [open.cluster.bootstrapServers],
  )
  assert.equal(clusterId, open.cluster.clusterId)
  assert.equal(controllerId, brokers[0]!.nodeId)
  assert.deepEqual(
    topics[0]!.partitions.map(p => [p.partitionIndex, p.errorCode, p.leaderId, p.replicaNodes, p.isrNodes]),
    [0, 1].map(index => [index, 0, controllerId, [controllerId], [controllerId]]),
  )
})

test('metadata: by id, by an id that nobody has, and by id before there were any', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const topicId = await open.topicId('a')
  const ask = async (id: string, name: string | null, version?: number) => {
    const { topics } = await open.send(metadataApi, { topics: [{ topicId: id, name }] }, version)
    return topics.map(topic => [topic.errorCode, topic.name, topic.topicId])
  }
  assert.deepEqual(await ask(topicId, null), [[0, 'a', topicId]])
  assert.deepEqual(await ask(UNKNOWN_ID, null), [[ErrorCode.UNKNOWN_TOPIC_ID, null, UNKNOWN_ID]])
  for (const version of [10, 11]) {
    assert.deepEqual(await ask(topicId, 'a', version), [[ErrorCode.INVALID_REQUEST, 'a', topicId]])
    assert.deepEqual(await ask(ZERO_UUID, null, version), [[ErrorCode.INVALID_REQUEST, '', ZERO_UUID]])
  }
})

test('metadata: a missing topic is created if the client asks for that and the cluster allows it', async () => {
  const ask = async (open: InProcess, name: string, allowAutoTopicCreation: boolean) => {
    const { topics } = await open.send(metadataApi, { topics: [{ name }], allowAutoTopicCreation })
    return topics[0]!.errorCode
  }
  await using open = await inProcess()
  assert.equal(await ask(open, 'a', false), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await ask(open, 'a', false), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await ask(open, 'bad/name', true), ErrorCode.INVALID_TOPIC_EXCEPTION)
  assert.equal((await open.client.topic('a', true)).partitions.length > 0, true)
  await using closed = await inProcess({ config: { 'auto.create.topics.enable': false } })
  assert.equal(await ask(closed, 'a', true), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const { errorCode } = (
    await closed.send(createTopicsApi, {
      topics: [{ name: 'b', numPartitions: 1, replicationFactor: 1 }],
    })
  ).topics[0]!
  assert.equal(errorCode, 0)
  assert.equal(await ask(closed, 'a', true), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

test('describe topic partitions: page by page, across topics, until there is no cursor', async () => {
  await using open = await inProcess({
    topics: [
      { name: 'a', partitions: 3 },
      { name: 'b', partitions: 1 },
      { name: 'c', partitions: 4 },
    ],
  })
  for (const limit of [1, 2, 3, 5, 8, 2000]) {
    const seen: string[] = []
    let cursor: { topicName: string; partitionIndex: number } | null = null
    let pages = 0
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask(cursor)
      const onPage = page.topics.flatMap(t => t.partitions.map(p => `${t.name}${p.partitionIndex}`))
      assert.ok(onPage.length <= limit)
      seen.push(...onPage)
      cursor = page.nextCursor
      pages++
    } while (cursor)
    assert.deepEqual(seen, ['a0', 'a1', 'a2', 'b0', 'c0', 'c1', 'c2', 'c3'])
    assert.equal(pages, Math.ceil(8 / limit), `limit ${limit}`)
    async function ask(from: typeof cursor) {
      return open.send(describeApi, { topics: [], responsePartitionLimit: limit, cursor: from })
    }
  }
})

test('describe topic partitions: what is not there, and a cursor that is nowhere', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const codes = async (names: string[], cursor: { topicName: string; partitionIndex: number } | null = null) => {
    const { topics } = await open.send(describeApi, { topics: names.map(name => ({ name })), cursor })
    return topics.map(({ name, errorCode }) => [name, errorCode])
  }
  assert.deepEqual(await codes(['nothing', 'a', 'bad/name']), [
    ['a', 0],
    ['bad/name', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['nothing', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ])
  const invalid = [['a', ErrorCode.INVALID_REQUEST]]
  assert.deepEqual(await codes(['a'], { topicName: 'a', partitionIndex: -1 }), invalid)
  assert.deepEqual(await codes(['a'], { topicName: 'z', partitionIndex: 0 }), invalid)
})

test('topics: created with an answer that says what they are, refused with a code that says why', async () => {
  await using open = await inProcess({ topics: ['there'], config: { 'num.partitions': 4 } })
  const make = async (
    topic: {
      name: string
      numPartitions?: number
      replicationFactor?: number
      configs?: { name: string; value: string }[]
    },
    validateOnly = false,
  ) => {
    const full = { numPartitions: 1, replicationFactor: 1, ...topic }
    return (await open.send(createTopicsApi, { topics: [full], validateOnly })).topics[0]!
  }
  const made = await make({ name: 'a', numPartitions: -1, replicationFactor: -1 })
  assert.deepEqual([made.errorCode, made.numPartitions, made.replicationFactor], [0, 4, 1])
  assert.equal(made.topicId, await open.topicId('a'))
  assert.equal((await make({ name: 'dry' }, true)).errorCode, 0)
  const codes = {
    there: (await make({ name: 'there' })).errorCode,
    dry: (await make({ name: 'dry' })).errorCode,
    name: (await make({ name: 'a/b' })).errorCode,
    dot: (await make({ name: '.' })).errorCode,
    long: (await make({ name: 'x'.repeat(250) })).errorCode,
    collision: (await make({ name: 'with.dot' })).errorCode || (await make({ name: 'with_dot' })).errorCode,
    partitions: (await make({ name: 'p', numPartitions: 0 })).errorCode,
    factor: (await make({ name: 'f', replicationFactor: 2 })).errorCode,
    config: (await make({ name: 'c', configs: [{ name: 'no.such', value: '1' }] })).errorCode,
    value: (await make({ name: 'c', configs: [{ name: 'retention.ms', value: 'x' }] })).errorCode,
  }
  assert.deepEqual(codes, {
    there: ErrorCode.TOPIC_ALREADY_EXISTS,
    dry: 0,
    name: ErrorCode.INVALID_TOPIC_EXCEPTION,
    dot: ErrorCode.INVALID_TOPIC_EXCEPTION,
    long: ErrorCode.INVALID_TOPIC_EXCEPTION,
    collision: ErrorCode.INVALID_TOPIC_EXCEPTION,
    partitions: ErrorCode.INVALID_PARTITIONS,
    factor: ErrorCode.INVALID_REPLICATION_FACTOR,
    config: ErrorCode.INVALID_CONFIG,
    value: ErrorCode.INVALID_CONFIG,
  })
})

test('topics: a deleted one is gone by name and id, and its name is free', async () => {
  await using open = await inProcess({ topics: ['a', 'b'] })
  const topicId = await open.topicId('a')
  const remove = async (topic: { name?: string | null; topicId?: string }) =>
    (await open.send(deleteTopicsApi, { topics: [{ name: null, ...topic }], timeoutMs: 1000 })).responses[0]!.errorCode
  assert.equal(await remove({ topicId }), 0)
  assert.equal(await remove({ topicId }), ErrorCode.UNKNOWN_TOPIC_ID)
  assert.equal(await remove({ name: 'a' }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  await open.cluster.createTopic('a')
  assert.notEqual(await open.topicId('a'), topicId)
})

test('partitions: more, never fewer', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const grow = async (count: number, name = 'a') => {
    const request = { topics: [{ name, count, assignments: null }], timeoutMs: 1000 }
    return (await open.send(createPartitionsApi, request)).results[0]!.errorCode
  }
  assert.equal(await grow(5), 0)
  assert.equal(await grow(5), ErrorCode.INVALID_PARTITIONS)
  assert.equal(await grow(2), ErrorCode.INVALID_PARTITIONS)
  assert.equal(await grow(2, 'nothing'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const { topics } = await open.send(metadataApi, { topics: [{ name: 'a' }] })
  assert.deepEqual(
    topics[0]!.partitions.map(({ errorCode }) => errorCode),
    [0, 0, 0, 0, 0],
  )
})

test('configs: set, append, subtract, delete, replace; what is refused changes nothing', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const alter = async (name: string, value: string | null, configOperation: number, resourceName = 'a') => {
    const configs = [{ name, value, configOperation }]
    const request = { resources: [{ resourceType: TOPIC, resourceName, configs }] }
    return (await open.send(incrementalApi, request)).responses[0]!.errorCode
  }
  const own = async () => {
    const { results } = await open.send(describeConfigsApi, {
      resources: [{ resourceType: TOPIC, resourceName: 'a', configurationKeys: null }],
    })
    const set = results[0]!.configs.filter(({ configSource }) => configSource === 1)
    return Object.fromEntries(set.map(({ name, value }) => [name, value]))
  }
  assert.equal(await alter('retention.ms', '1000', Operation.set), 0)
  assert.equal(await alter('cleanup.policy', 'compact', Operation.append), 0)
  assert.deepEqual(await own(), { 'retention.ms': '1000', 'cleanup.policy': 'delete,compact' })
  assert.equal(await alter('cleanup.policy', 'delete', Operation.subtract), 0)
  assert.equal(await alter('retention.ms', null, Operation.delete), 0)
  assert.deepEqual(await own(), { 'cleanup.policy': 'compact' })
  assert.equal(await alter('retention.ms', 'x', Operation.set), ErrorCode.INVALID_CONFIG)
  assert.equal(await alter('no.such', '1', Operation.set), ErrorCode.INVALID_CONFIG)
  assert.equal(await alter('retention.ms', '1', Operation.set, 'nothing'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.deepEqual(await own(), { 'cleanup.policy': 'compact' })
  const resources = [{ resourceType: TOPIC, resourceName: 'a', configs: [{ name: 'segment.ms', value: '70000' }] }]
  assert.equal((await open.send(alterConfigsApi, { resources, validateOnly: true })).responses[0]!.errorCode, 0)
  assert.deepEqual(await own(), { 'cleanup.policy': 'compact' })
  assert.equal((await open.send(alterConfigsApi, { resources })).responses[0]!.errorCode, 0)
  assert.deepEqual(await own(), { 'segment.ms': '70000' }, 'all others are back to their defaults')
})
