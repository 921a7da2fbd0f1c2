/** Produce, Fetch and what goes with them, as a client of any kind sees them: behaviour and error codes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Producer } from '@ottla/client'
import { type BatchOptions, ErrorCode, encodeBatch, ZERO_UUID } from '@ottla/protocol'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@ottla/protocol/messages/offset-for-leader-epoch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { type InProcess, inProcess } from './in-process.ts'

const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const listOffsetsApi = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const deleteRecordsApi = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }
const epochApi = { request: OffsetForLeaderEpochRequest, response: OffsetForLeaderEpochResponse }

const UNKNOWN_ID = 'b3R0bGEtdGVzdC10b3BpYw'
const WITH_NAMES = 12
const BATCH_BYTES = batch().length

function batch(count = 1, options: BatchOptions = {}, timestamp = Date.now()): Uint8Array {
  return encodeBatch(
    Array.from({ length: count }, () => ({ value: Buffer.alloc(100), timestamp })),
    options,
  )
}

interface Produced {
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
}

async function produce(open: InProcess, records: Uint8Array | null, options: Produced = {}) {
  const { topic = 'a', topicId = ZERO_UUID, partition = 0, acks = -1, version = WITH_NAMES } = options
  const { responses } = await open.send(
    produceApi,
    { acks, timeoutMs: 1000, topicData: [{ name: topic, topicId, partitionData: [{ index: partition, records }] }] },
    version,
  )
  return responses[0]!.partitionResponses[0]!
}

interface Fetched {
  readonly offset?: number
  readonly partition?: number
  readonly topic?: string
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly minBytes?: number
  readonly maxWaitMs?: number
  readonly epoch?: number
  readonly lastFetchedEpoch?: number
  readonly committed?: boolean
  readonly sessionId?: number
  readonly sessionEpoch?: number
  readonly partitions?: readonly number[]
}

function fetchAll(open: InProcess, options: Fetched = {}, version = WITH_NAMES) {
  const { partitions = [options.partition ?? 0], topic = 'a' } = options
  return open.send(
    fetchApi,
    {
      maxWaitMs: options.maxWaitMs ?? 0,
      minBytes: options.minBytes ?? 0,
      maxBytes: options.maxBytes ?? 1 << 20,
      isolationLevel: options.committed ? 1 : 0,
      sessionId: options.sessionId ?? 0,
      sessionEpoch: options.sessionEpoch ?? -1,
      topics:
        partitions.length === 0
          ? []
          : [
              {
                topic,
                partitions: partitions.map(partition => ({
                  partition,
                  fetchOffset: options.offset ?? 0,
                  partitionMaxBytes: options.partitionMaxBytes ?? 1 << 20,
                  currentLeaderEpoch: options.epoch ?? -1,
                  lastFetchedEpoch: options.lastFetchedEpoch ?? -1,
                })),
              },
            ],
    },
    version,
  )
}

async function fetchOne(open: InProcess, options: Fetched = {}, version?: number) {
  const { responses } = await fetchAll(open, options, version)
  return responses[0]!.partitions[0]!
}

function sizeOf(records: unknown): number {
  return (records as Uint8Array | null)?.length ?? 0
}

// ---------------------------------------------------------------------------------------------------------- produce

test('produce: unknown topics and partitions, by name and by id', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const codes = {
    name: (await produce(open, batch(), { topic: 'nothing' })).errorCode,
    partition: (await produce(open, batch(), { partition: 7 })).errorCode,
    negative: (await produce(open, batch(), { partition: -1 })).errorCode,
    id: (await produce(open, batch(), { topicId: UNKNOWN_ID, version: 13 })).errorCode,
    zero: (await produce(open, batch(), { version: 13 })).errorCode,
    right: (await produce(open, batch(), { topicId: await open.topicId('a'), version: 13 })).errorCode,
  }
  assert.deepEqual(codes, {
    name: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    partition: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    negative: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    id: ErrorCode.UNKNOWN_TOPIC_ID,
    zero: ErrorCode.UNKNOWN_TOPIC_ID,
    right: 0,
  })
})

test('produce: acks other than -1, 0 and 1 are refused; no topic is created', async () => {
  await using open = await inProcess({ topics: ['a'] })
  for (const acks of [2, -2, 32_767])
    assert.equal((await produce(open, batch(), { acks })).errorCode, ErrorCode.INVALID_REQUIRED_ACKS)
  assert.equal((await fetchOne(open)).highWatermark, 0)
})

test('produce: what one partition is refused for does not hurt another in the same request', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 3 }] })
  const broken = Uint8Array.from(batch())
  broken[70] = 9
  const { responses } = await open.send(produceApi, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      {
        topicId: await open.topicId('a'),
        partitionData: [batch(), broken, batch()].map((records, index) => ({ index, records })),
      },
    ],
  })
  assert.deepEqual(
    responses[0]!.partitionResponses.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset]),
    [
      [0, 0, 0],
      [1, ErrorCode.CORRUPT_MESSAGE, -1],
      [2, 0, 0],
    ],
  )
})

test('produce: a transactional batch without a transactional id refuses all of the request', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 2 }] })
  const transactional = batch(1, { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  const partitionData = [batch(), transactional].map((records, index) => ({ index, records }))
  const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'a', partitionData }] }
  const { responses } = await open.send(produceApi, request, WITH_NAMES)
  const refused = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  assert.deepEqual(
    responses[0]!.partitionResponses.map(({ errorCode }) => errorCode),
    [refused, refused],
  )
  assert.equal((await produce(open, batch())).baseOffset, 0)
})

test('produce: a refused append tells where the log begins, except where the bytes are in doubt', async () => {
  await using open = await inProcess({ topics: ['a'] })
  await produce(open, batch(3))
  await open.send(deleteRecordsApi, {
    timeoutMs: 1000,
    topics: [{ name: 'a', partitions: [{ partitionIndex: 0, offset: 2 }] }],
  })
  const refused = async (records: Uint8Array | null) => {
    const { errorCode, logStartOffset } = await produce(open, records)
    return [errorCode, logStartOffset]
  }
  const broken = Uint8Array.from(batch())
  broken[70] = 9
  assert.deepEqual(await refused(batch(1, {}, Date.now() + 9_999_999)), [ErrorCode.INVALID_TIMESTAMP, 2])
  assert.deepEqual(await refused(batch(2, { lastOffset: 5 })), [ErrorCode.INVALID_RECORD, 2])
  assert.deepEqual(await refused(broken), [ErrorCode.CORRUPT_MESSAGE, -1])
  assert.deepEqual(await refused(null), [ErrorCode.INVALID_RECORD, -1])
  assert.deepEqual(await refused(batch(20_000)), [ErrorCode.MESSAGE_TOO_LARGE, -1])
})

test('produce: internal topics are not for clients', async () => {
  await using open = await inProcess()
  await open.client.groupCoordinator('g')
  const refused = await produce(open, batch(), { topic: '__consumer_offsets' })
  assert.equal(refused.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
})

test('produce: acks 0 has no answer; an error closes the connection, and only that one', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const other = await open.connect()
  const send = (topic: string) =>
    other.send(
      produceApi,
      { acks: 0, timeoutMs: 1, topicData: [{ name: topic, partitionData: [{ index: 0, records: batch() }] }] },
      { maxVersion: WITH_NAMES, oneWay: true },
    )
  await send('a')
  // Answers come in order: this one is the first.
  await other.send(fetchApi, { maxWaitMs: 0, minBytes: 0, topics: [] }, { maxVersion: WITH_NAMES })
  assert.equal((await fetchOne(open)).highWatermark, 1)
  await send('nothing')
  await assert.rejects(other.send(fetchApi, { maxWaitMs: 0, minBytes: 0, topics: [] }), { code: 'ERR_CONNECTION' })
  assert.equal((await fetchOne(open)).highWatermark, 1)
})

test('produce: a retry of an idempotent batch has the first answer; a gap and an old epoch are refused', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const of = (baseSequence: number, producerEpoch = 0) => batch(2, { producerId: 1000, producerEpoch, baseSequence })
  assert.equal((await produce(open, of(0))).baseOffset, 0)
  assert.equal((await produce(open, of(2))).baseOffset, 2)
  const retry = await produce(open, of(0))
  assert.deepEqual([retry.errorCode, retry.baseOffset], [0, 0])
  assert.equal((await produce(open, of(10))).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  assert.equal((await produce(open, of(0, 1))).baseOffset, 4)
  assert.equal((await produce(open, of(4, 0))).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
  assert.equal((await fetchOne(open)).highWatermark, 6)
})

test('produce: record errors say which and why, from version 8 on', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', config: { 'cleanup.policy': 'compact' } }] })
  const records = encodeBatch([{ key: Buffer.from('k') }, {}, {}])
  const told = await produce(open, records)
  assert.equal(told.errorCode, ErrorCode.INVALID_RECORD)
  assert.deepEqual(
    told.recordErrors.map(({ batchIndex }) => batchIndex),
    [1, 2],
  )
  assert.ok(told.errorMessage)
  assert.equal((await produce(open, records, { version: 7 })).errorCode, ErrorCode.INVALID_RECORD)
})

test('the producer: order is kept while the topic is still being created, and after a refused batch', async () => {
  await using open = await inProcess({ config: { 'num.partitions': 1 } })
  await using producer = new Producer(open.client)
  const value = (length: number) => Buffer.alloc(length)
  const first = await Promise.all(
    Array.from({ length: 50 }, (_, i) => producer.send({ topic: 'fresh', value: value(i) })),
  )
  assert.deepEqual(
    first.map(({ offset }) => offset),
    first.map((_, i) => i),
  )
  await assert.rejects(producer.send({ topic: 'fresh', value: value(2_000_000) }), { code: 'MESSAGE_TOO_LARGE' })
  assert.equal((await producer.send({ topic: 'fresh', value: value(1) })).offset, 50)
  await assert.rejects(producer.send({ topic: 'fresh', partition: 9, value: null }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
})

// ------------------------------------------------------------------------------------------------------------ fetch

test('the producer: without a key a slow sender fills one partition after another, a batch in each', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 12 }] })
  await using producer = new Producer(open.client, { batchBytes: 4000 })
  const partitions: number[] = []
  for (let i = 0; i < 200; i++)
    partitions.push((await producer.send({ topic: 'a', value: Buffer.alloc(900) })).partition)
  const turns = partitions.filter((partition, i) => partition !== partitions[i - 1]).length
  assert.ok(turns > 25 && turns <= 41, `${turns} turns`)
  assert.ok(new Set(partitions).size > 6, `${new Set(partitions).size} of 12 partitions`)
})

test('fetch: whole batches within max bytes, but always one', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 2 }] })
  for (const partition of [0, 0, 0, 1, 1]) await produce(open, batch(), { partition })
  const sizes = async (options: Fetched, partitions = [0, 1]) => {
    const { responses } = await fetchAll(open, { partitions, ...options })
    return responses[0]!.partitions.map(({ records }) => sizeOf(records) / BATCH_BYTES)
  }
  assert.deepEqual(await sizes({}), [3, 2])
  assert.deepEqual(await sizes({ partitionMaxBytes: BATCH_BYTES * 2 }), [2, 2])
  assert.deepEqual(await sizes({ maxBytes: BATCH_BYTES * 4 }), [3, 1])
  assert.deepEqual(await sizes({ maxBytes: 1 }), [1, 0], 'progress, by the first partition that has something')
  assert.deepEqual(await sizes({ partitionMaxBytes: 1 }), [1, 0])
  assert.deepEqual(await sizes({ offset: 2 }), [1, 0])
  assert.deepEqual(await sizes({ offset: 2, partitionMaxBytes: 1 }, [1, 0]), [0, 1], 'the first has nothing')
})

test('fetch: offsets out of range, unknown partitions and wrong epochs', async () => {
  await using open = await inProcess({ topics: ['a'] })
  await produce(open, batch(3))
  const code = async (options: Fetched, version?: number) => (await fetchOne(open, options, version)).errorCode
  assert.equal(await code({ offset: 3 }), 0)
  assert.equal(await code({ offset: 4 }), ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await code({ offset: -1 }), ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await code({ partition: 5 }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await code({ topic: 'nothing' }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await code({ epoch: 0 }), 0)
  assert.equal(await code({ epoch: 1 }), ErrorCode.UNKNOWN_LEADER_EPOCH)
  const byId = await open.send(fetchApi, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topicId: UNKNOWN_ID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
  })
  assert.equal(byId.responses[0]!.partitions[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

test('fetch: who claims to be a follower that is none is told so, in every version', async () => {
  await using open = await inProcess({ topics: ['a'] })
  for (const version of [4, 11, 12, 13, 15, 16, 18]) {
    const me = version >= 15 ? { replicaState: { replicaId: 99, replicaEpoch: 1 } } : { replicaId: 99 }
    const topic = version >= 13 ? { topicId: await open.topicId('a') } : { topic: 'a' }
    const topics = [{ ...topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }]
    const { responses } = await open.send(fetchApi, { maxWaitMs: 0, minBytes: 0, topics, ...me }, version)
    const { errorCode, currentLeader } = responses[0]!.partitions[0]!
    assert.equal(errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert.equal(currentLeader.leaderEpoch, version >= 16 ? 0 : -1)
  }
})

test('fetch: an error is answered at once, however long the client would wait', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const startedMs = performance.now()
  await fetchOne(open, { offset: 9, minBytes: 1, maxWaitMs: 5000 })
  assert.ok(performance.now() - startedMs < 2000)
})

test('fetch: waits for min bytes, and answers when they have come', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const poller = await open.connect()
  let isAnswered = false
  const polled = poller
    .send(
      fetchApi,
      {
        maxWaitMs: 20_000,
        minBytes: BATCH_BYTES * 2,
        topics: [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
      },
      { maxVersion: WITH_NAMES },
    )
    .then(response => {
      isAnswered = true
      return response
    })
  await produce(open, batch())
  assert.equal((await fetchOne(open)).highWatermark, 1)
  assert.equal(isAnswered, false)
  await produce(open, batch())
  assert.equal(sizeOf((await polled).responses[0]!.partitions[0]!.records), BATCH_BYTES * 2)
})

test('fetch: read_committed without transactions is what everybody reads, with an empty list of aborted ones', async () => {
  await using open = await inProcess({ topics: ['a'] })
  await produce(open, batch(2))
  const committed = await fetchOne(open, { committed: true })
  assert.deepEqual([committed.highWatermark, committed.lastStableOffset], [2, 2])
  assert.deepEqual(committed.abortedTransactions, [])
  assert.equal((await fetchOne(open)).abortedTransactions, null)
})

test('fetch: a session answers with what is new, and with its errors', async () => {
  await using open = await inProcess({ topics: [{ name: 'a', partitions: 3 }] })
  const partitionsOf = async (options: Fetched) => {
    const { errorCode, sessionId, responses } = await fetchAll(open, options)
    const partitions = responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))
    return { errorCode, sessionId, partitions }
  }
  const first = await partitionsOf({ sessionEpoch: 0, partitions: [0, 1, 2] })
  const { sessionId } = first
  assert.deepEqual([sessionId > 0, first.partitions], [true, [0, 1, 2]])
  assert.deepEqual(await partitionsOf({ sessionId, sessionEpoch: 1, partitions: [] }), {
    errorCode: 0,
    sessionId,
    partitions: [],
  })
  await produce(open, batch(), { partition: 1 })
  assert.deepEqual((await partitionsOf({ sessionId, sessionEpoch: 2, partitions: [] })).partitions, [1])
  assert.equal(
    (await partitionsOf({ sessionId, sessionEpoch: 2, partitions: [] })).errorCode,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  )
  assert.equal(
    (await partitionsOf({ sessionId: sessionId + 1, sessionEpoch: 3, partitions: [] })).errorCode,
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  )
  const byId = await fetchAll(open, { sessionId, sessionEpoch: 3, partitions: [] }, 13)
  assert.equal(byId.errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
})

// ---------------------------------------------------------------------------------------------------------- offsets

async function listOffset(open: InProcess, timestamp: bigint, version?: number, epoch = -1) {
  const partitions = [{ partitionIndex: 0, timestamp, currentLeaderEpoch: epoch }]
  const { topics } = await open.send(listOffsetsApi, { replicaId: -1, topics: [{ name: 'a', partitions }] }, version)
  const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!
  return { errorCode, offset, timestamp: Number(found) }
}

test('list offsets: every special timestamp, from the version on in which it means something', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const now = Date.now()
  for (const timestamp of [now - 3000, now - 1000, now - 2000]) await produce(open, batch(1, {}, timestamp))
  const none = { errorCode: 0, offset: -1, timestamp: -1 }
  const unsupported = { errorCode: ErrorCode.UNSUPPORTED_VERSION, offset: -1, timestamp: -1 }
  assert.deepEqual(await listOffset(open, -1n), { errorCode: 0, offset: 3, timestamp: -1 })
  assert.deepEqual(await listOffset(open, -2n), { errorCode: 0, offset: 0, timestamp: -1 })
  assert.deepEqual(await listOffset(open, -3n), { errorCode: 0, offset: 1, timestamp: now - 1000 })
  assert.deepEqual(await listOffset(open, -4n), { errorCode: 0, offset: 0, timestamp: -1 })
  assert.deepEqual(await listOffset(open, -5n), none)
  for (const [timestamp, since] of [
    [-3n, 7],
    [-4n, 8],
    [-5n, 9],
    [-6n, 11],
  ] as const) {
    assert.deepEqual(await listOffset(open, timestamp, since - 1), unsupported, `${timestamp}`)
    assert.equal((await listOffset(open, timestamp, since)).errorCode, 0, `${timestamp}`)
  }
  assert.deepEqual(await listOffset(open, -7n), unsupported)
  assert.deepEqual(await listOffset(open, BigInt(now - 3000)), { errorCode: 0, offset: 0, timestamp: now - 3000 })
  assert.deepEqual(await listOffset(open, BigInt(now - 2500)), { errorCode: 0, offset: 1, timestamp: now - 1000 })
  assert.deepEqual(await listOffset(open, BigInt(now)), none)
  assert.deepEqual(await listOffset(open, 2n ** 62n), none)
  assert.equal((await listOffset(open, -1n, 4, 5)).errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH)
})

test('list offsets: a partition that is asked for twice, or is not there', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const partitions = [0, 0, 4].map(partitionIndex => ({ partitionIndex, timestamp: -1n }))
  const { topics } = await open.send(listOffsetsApi, { replicaId: -1, topics: [{ name: 'a', partitions }] })
  assert.deepEqual(
    topics[0]!.partitions.map(({ errorCode }) => errorCode),
    [ErrorCode.INVALID_REQUEST, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    'once, however often it was asked for',
  )
})

test('delete records: to an offset, to the end, out of range, on a compacted topic', async () => {
  const compacted = { name: 'compacted', config: { 'cleanup.policy': 'compact' } }
  await using open = await inProcess({ topics: ['a', compacted] })
  for (let i = 0; i < 5; i++) await produce(open, batch())
  const cut = async (offset: number, name = 'a', partitionIndex = 0) => {
    const request = { timeoutMs: 1000, topics: [{ name, partitions: [{ partitionIndex, offset }] }] }
    const { topics } = await open.send(deleteRecordsApi, request)
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    return [errorCode, lowWatermark]
  }
  assert.deepEqual(await cut(2), [0, 2])
  assert.deepEqual(await cut(1), [0, 2], 'never back')
  assert.equal((await listOffset(open, -2n)).offset, 2)
  assert.equal((await fetchOne(open, { offset: 1 })).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.deepEqual(await cut(6), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  assert.deepEqual(await cut(-2), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  assert.deepEqual(await cut(0, 'nothing'), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  assert.deepEqual(await cut(0, 'a', 9), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  assert.deepEqual(await cut(0, 'compacted'), [ErrorCode.POLICY_VIOLATION, -1])
  assert.deepEqual(await cut(-1), [0, 5])
  assert.equal((await produce(open, batch())).baseOffset, 5)
})

test('offset for leader epoch: the end of an epoch, one that was never, wrong epochs', async () => {
  await using open = await inProcess({ topics: ['a'] })
  await produce(open, batch(3))
  const end = async (leaderEpoch: number, currentLeaderEpoch = -1, topic = 'a') => {
    const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }]
    const { topics } = await open.send(epochApi, { topics: [{ topic, partitions }] })
    const found = topics[0]!.partitions[0]!
    return [found.errorCode, found.leaderEpoch, found.endOffset]
  }
  assert.deepEqual(await end(0), [0, 0, 3])
  assert.deepEqual(await end(5), [0, -1, -1])
  assert.deepEqual(await end(-1), [0, -1, -1])
  assert.deepEqual(await end(-2), [0, -2, 0], 'before all epochs there are')
  assert.deepEqual(await end(0, -2), [ErrorCode.FENCED_LEADER_EPOCH, -1, -1])
  assert.deepEqual(await end(0, 1), [ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1])
  assert.deepEqual(await end(0, -1, 'nothing'), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1])
})
