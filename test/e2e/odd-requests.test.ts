/**
 * Requests that no client makes, answered as Apache Kafka 4.3.1 answers them: what is asked for twice, what has no name, and
 * numbers that mean nothing. Found by `npm run differ`, whose runs against Apache Kafka are what the answers here are taken from.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ErrorCode, encodeBatch, ZERO_UUID } from '@ottla/protocol'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '@ottla/protocol/messages/describe-topic-partitions'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '@ottla/protocol/messages/initialize-share-group-state'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '@ottla/protocol/messages/read-share-group-state-summary'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { type InProcess, inProcess, metadataApi } from './in-process.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const ADD = { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse }
const DELETE_RECORDS = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }
const DESCRIBE_CONFIGS = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const LOG_DIRS = { request: DescribeLogDirsRequest, response: DescribeLogDirsResponse }
const TOPIC_PARTITIONS = { request: DescribeTopicPartitionsRequest, response: DescribeTopicPartitionsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }
const ALTER = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const LIST_OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const DELETE_OFFSETS = { request: OffsetDeleteRequest, response: OffsetDeleteResponse }
const SHARE_FETCH = { request: ShareFetchRequest, response: ShareFetchResponse }
const SHARE_ACKNOWLEDGE = { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse }
const SHARE_OFFSETS = { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse }
const ALTER_SHARE_OFFSETS = { request: AlterShareGroupOffsetsRequest, response: AlterShareGroupOffsetsResponse }
const INITIALIZE = { request: InitializeShareGroupStateRequest, response: InitializeShareGroupStateResponse }
const SUMMARY = { request: ReadShareGroupStateSummaryRequest, response: ReadShareGroupStateSummaryResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }

const TOPIC = 2
const { NONE, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, UNKNOWN_SERVER_ERROR, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode

let broker: InProcess

before(async () => {
  broker = await inProcess()
  await broker.send(CREATE, { topics: [{ name: 't', numPartitions: 2, replicationFactor: 1 }], timeoutMs: 5000 })
  for (const keyType of [0, 1]) await broker.send(FIND, { keyType, coordinatorKeys: ['g'] })
})

after(() => broker[Symbol.asyncDispose]())

test('DeleteRecords: each partition once, no topic without partitions, nothing of an internal topic', async () => {
  const topics = [
    { name: 't', partitions: [{ partitionIndex: 0, offset: 5 }] },
    { name: 't', partitions: [{ partitionIndex: 0, offset: 0 }] },
    { name: 'empty', partitions: [] },
    { name: '__consumer_offsets', partitions: [{ partitionIndex: 0, offset: 0 }] },
  ]
  const answer = await broker.send(DELETE_RECORDS, { topics, timeoutMs: 5000 })
  assert.deepEqual(answer.topics, [
    { name: 't', partitions: [{ partitionIndex: 0, lowWatermark: 0, errorCode: NONE }] },
    {
      name: '__consumer_offsets',
      partitions: [{ partitionIndex: 0, lowWatermark: -1, errorCode: INVALID_TOPIC_EXCEPTION }],
    },
  ])
})

test('ListOffsets: each topic once, a partition that is there twice is invalid, an isolation level of its own fails', async () => {
  const at = (partitionIndex: number) => ({ partitionIndex, timestamp: -1n })
  const topics = [
    { name: 't', partitions: [at(0), at(1)] },
    { name: 't', partitions: [at(1)] },
    { name: 'empty', partitions: [] },
  ]
  const answer = await broker.send(LIST_OFFSETS, { replicaId: -1, topics })
  assert.equal(answer.topics.length, 1)
  assert.deepEqual(
    answer.topics[0]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
    [
      [0, NONE],
      [1, INVALID_REQUEST],
    ],
  )
  const odd = await broker.send(LIST_OFFSETS, { replicaId: -1, isolationLevel: 2, topics: topics.slice(0, 1) })
  assert.deepEqual(
    odd.topics[0]!.partitions.map(({ errorCode }) => errorCode),
    [UNKNOWN_SERVER_ERROR, UNKNOWN_SERVER_ERROR],
  )
})

test('Fetch: an isolation level that nobody knows fails, but only if there is something to read', async () => {
  const fetch = (topicId: string) => {
    const topics = [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
    return broker.send(FETCH, { isolationLevel: 2, topics })
  }
  assert.equal((await fetch(await broker.topicId('t'))).errorCode, UNKNOWN_SERVER_ERROR)
  const unknown = await fetch('AAAAAAAAAAAAAAAAAAAA_w')
  assert.equal(unknown.errorCode, NONE)
  assert.equal(unknown.responses[0]!.partitions[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

test('Fetch: no list of aborted transactions where there is more than there is room for', async () => {
  await broker.send(CREATE, { topics: [{ name: 'full', numPartitions: 2, replicationFactor: 1 }], timeoutMs: 5000 })
  const topicId = await broker.topicId('full')
  const records = encodeBatch([{ value: Buffer.alloc(300) }])
  const topicData = [{ name: 'full', partitionData: [0, 1].map(index => ({ index, records })) }]
  await broker.send(PRODUCE, { acks: -1, timeoutMs: 5000, topicData }, 9)
  const lists = async (fetchOffset: number, partitionMaxBytes: number) => {
    const first = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }
    const topics = [{ topicId, partitions: [first, { partition: 1, fetchOffset, partitionMaxBytes }] }]
    const { responses } = await broker.send(FETCH, { isolationLevel: 1, maxBytes: 10_000, topics })
    return responses[0]!.partitions.map(({ abortedTransactions }) => abortedTransactions)
  }
  assert.deepEqual(await lists(0, 10), [[], null])
  assert.deepEqual(await lists(0, 0), [[], []])
  assert.deepEqual(await lists(1, 10), [[], []])
})

test('DescribeLogDirs: what is asked of one topic in two places', async () => {
  const topics = [
    { topic: 't', partitions: [1] },
    { topic: 't', partitions: [0] },
  ]
  const { results } = await broker.send(LOG_DIRS, { topics })
  assert.deepEqual(results[0]!.topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex).sort(), [0, 1])
})

test('DescribeConfigs: one type that nobody knows refuses them all; of a missing topic there is the code alone', async () => {
  const topic = { resourceType: TOPIC, resourceName: 'missing', configurationKeys: null }
  const odd = { resourceType: 64, resourceName: 'x', configurationKeys: null }
  const both = await broker.send(DESCRIBE_CONFIGS, { resources: [topic, odd] })
  assert.deepEqual(
    both.results.map(({ errorCode }) => errorCode),
    [INVALID_REQUEST, INVALID_REQUEST],
  )
  const [missing] = (await broker.send(DESCRIBE_CONFIGS, { resources: [topic] })).results
  assert.equal(missing!.errorCode, UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(missing!.errorMessage, '')
})

test('IncrementalAlterConfigs: an operation that the config has not comes before what is wrong with the name', async () => {
  const append = { name: 'preallocate', configOperation: 2, value: 'true' }
  const resource = { resourceType: TOPIC, resourceName: '..', configs: [append] }
  const [refused] = (await broker.send(ALTER, { resources: [resource] })).responses
  assert.equal(refused!.errorCode, ErrorCode.INVALID_CONFIG)
  const set = { ...resource, configs: [{ ...append, configOperation: 0 }] }
  assert.equal((await broker.send(ALTER, { resources: [set] })).responses[0]!.errorCode, INVALID_TOPIC_EXCEPTION)
})

test('CreateTopics: a config is told as it was given', async () => {
  const configs = [{ name: 'preallocate', value: 'FALSE' }]
  const wanted = { name: 'given', numPartitions: 1, replicationFactor: 1, configs }
  const { topics } = await broker.send(CREATE, { topics: [wanted], timeoutMs: 5000 })
  assert.equal(topics[0]!.configs!.find(({ name }) => name === 'preallocate')!.value, 'FALSE')
})

test('a request that gives no time has no words', async () => {
  const wanted = { name: 'late', numPartitions: 1, replicationFactor: 1 }
  const { topics } = await broker.send(CREATE, { topics: [wanted], timeoutMs: 0 })
  assert.equal(topics[0]!.errorCode, ErrorCode.REQUEST_TIMED_OUT)
  assert.equal(topics[0]!.errorMessage, null)
})

test('Metadata: ids too early, and neither id nor name', async () => {
  const early = await broker.send(metadataApi, { topics: [{ topicId: await broker.topicId('t'), name: null }] }, 11)
  assert.deepEqual([early.brokers, early.clusterId, early.controllerId], [[], null, -1])
  assert.equal(early.topics[0]!.errorCode, INVALID_REQUEST)
  const nothing = await broker.send(metadataApi, { topics: [{ topicId: ZERO_UUID, name: null }] }, 13)
  assert.equal(nothing.errorCode, UNKNOWN_SERVER_ERROR)
  assert.deepEqual(nothing.brokers, [])
})

test('DescribeTopicPartitions: one topic without a name fails them all', async () => {
  const { topics } = await broker.send(TOPIC_PARTITIONS, { topics: [{ name: 't' }, { name: '' }] })
  assert.deepEqual(
    topics.map(({ errorCode }) => errorCode),
    [UNKNOWN_SERVER_ERROR, UNKNOWN_SERVER_ERROR],
  )
})

test('AddPartitionsToTxn: what is there twice is answered twice, unless something is missing', async () => {
  const stranger = { v3AndBelowTransactionalId: 'x', v3AndBelowProducerId: 99, v3AndBelowProducerEpoch: 0 }
  const add = (partitions: number[]) =>
    broker.send(ADD, { ...stranger, v3AndBelowTopics: [{ name: 't', partitions }] }, 3)
  const codes = async (partitions: number[]) =>
    (await add(partitions)).resultsByTopicV3AndBelow[0]!.resultsByPartition.map(result => result.partitionErrorCode)
  const unmapped = ErrorCode.INVALID_PRODUCER_ID_MAPPING
  assert.deepEqual(await codes([0, 0]), [unmapped, unmapped])
  assert.deepEqual(await codes([0, 0, 7]), [ErrorCode.OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION])
})

test('OffsetCommit and OffsetDelete: refused partitions of one topic together, others as they were asked for', async () => {
  const commit = (partitionIndex: number) => ({ name: 't', partitions: [{ partitionIndex, committedOffset: 1 }] })
  const counts = async (...partitions: number[]) => {
    const request = { groupId: 'g', generationIdOrMemberEpoch: -1, topics: partitions.map(commit) }
    return (await broker.send(COMMIT, request, 9)).topics.map(topic => topic.partitions.length)
  }
  assert.deepEqual(await counts(8, 9), [2])
  assert.deepEqual(await counts(0, 1), [1, 1])
  assert.deepEqual(await counts(0, 1, 9), [3])
  const topics = [0, 1].map(partitionIndex => ({ name: 't', partitions: [{ partitionIndex }] }))
  assert.equal((await broker.send(DELETE_OFFSETS, { groupId: 'g', topics })).topics.length, 2)
})

test('Produce: words only where single records are at fault', async () => {
  const produce = async (name: string, records: Uint8Array) => {
    const topicData = [{ name, partitionData: [{ index: 0, records }] }]
    const { responses } = await broker.send(PRODUCE, { acks: -1, timeoutMs: 5000, topicData }, 9)
    return responses[0]!.partitionResponses[0]!
  }
  const missing = await produce('missing', encodeBatch([{ value: Buffer.from('x') }]))
  assert.deepEqual([missing.errorCode, missing.errorMessage], [UNKNOWN_TOPIC_OR_PARTITION, null])
  const batch = encodeBatch([{ value: Buffer.from('x') }], {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  })
  const stranger = await produce('t', batch)
  assert.deepEqual([stranger.errorCode, stranger.errorMessage], [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, null])
  const broken = await produce('t', Buffer.alloc(80))
  assert.equal(broken.errorCode, ErrorCode.CORRUPT_MESSAGE)
})

test('ShareFetch: no words for the whole, a word on each partition beside one that is acknowledged, modes that are none', async () => {
  const topicId = await broker.topicId('t')
  const fetch = (more: object) => {
    const request = {
      groupId: 's',
      memberId: 'm',
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1000,
      maxRecords: 1,
      batchSize: 1,
    }
    return broker.send(SHARE_FETCH, { ...request, ...more })
  }
  const nobody = await fetch({ memberId: '' })
  assert.deepEqual([nobody.errorCode, nobody.errorMessage], [INVALID_REQUEST, null])
  const at = (partitionIndex: number, acknowledgementBatches: object[] = []) => ({
    partitionIndex,
    acknowledgementBatches,
  })
  const oddMode = await fetch({ shareAcquireMode: 2, topics: [{ topicId, partitions: [at(0)] }] })
  assert.equal(oddMode.errorCode, UNKNOWN_SERVER_ERROR)
  await fetch({ shareSessionEpoch: 0 })
  const batch = { firstOffset: 0, lastOffset: 0, acknowledgeTypes: [1] }
  const partitions = [at(9), at(0, [batch])]
  const { responses } = await fetch({ shareSessionEpoch: 1, topics: [{ topicId, partitions }] })
  const missing = responses[0]!.partitions.find(({ partitionIndex }) => partitionIndex === 9)
  assert.equal(missing!.acknowledgeErrorCode, UNKNOWN_TOPIC_OR_PARTITION)
})

test('Produce: what is said of one topic in two places is answered in one', async () => {
  const topicId = await broker.topicId('t')
  const records = encodeBatch([{ value: Buffer.from('x') }])
  const twice = (topic: object, ofRecords: Uint8Array, acks: number) => {
    const topicData = [0, 1].map(index => ({ ...topic, partitionData: [{ index, records: ofRecords }] }))
    return { acks, timeoutMs: 5000, topicData: [...topicData, { ...topic, partitionData: [] }] }
  }
  const places = async (request: object, version: number) =>
    (await broker.send(PRODUCE, request, version)).responses.map(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode }) => errorCode),
    )
  assert.deepEqual(await places(twice({ name: 't' }, records, -1), 9), [[NONE, NONE]])
  assert.deepEqual(await places(twice({ topicId }, records, -1), 13), [[NONE, NONE]])
  const transactional = encodeBatch([{ value: Buffer.from('x') }], {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  })
  const refused = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  assert.deepEqual(await places(twice({ name: 't' }, transactional, -1), 9), [[refused, refused]])
  const missing = { acks: -1, timeoutMs: 5000, topicData: [{ name: 't', partitionData: [] }] }
  assert.deepEqual(await places(missing, 9), [])
})

test('the state of share groups: each partition once, with what came of the last time', async () => {
  await broker.send(FIND, { keyType: 2, coordinatorKeys: [`s:${await broker.topicId('t')}:0`] })
  const topicId = await broker.topicId('t')
  const at = (partition: number, startOffset: number) => ({ partition, stateEpoch: 0, startOffset })
  const topics = [
    { topicId, partitions: [at(0, 3), at(0, 5)] },
    { topicId, partitions: [] },
    { topicId, partitions: [at(1, 7)] },
  ]
  const initialized = await broker.send(INITIALIZE, { groupId: 's', topics })
  assert.deepEqual(
    initialized.results.map(({ partitions }) => partitions.map(({ partition, errorCode }) => [partition, errorCode])),
    [
      [
        [0, NONE],
        [1, NONE],
      ],
    ],
  )
  const wanted = [0, 1, 0].map(partition => ({ topicId, partitions: [{ partition, leaderEpoch: 0 }] }))
  const { results } = await broker.send(SUMMARY, { groupId: 's', topics: wanted })
  assert.deepEqual(
    results.map(({ partitions }) => partitions.map(({ partition, startOffset }) => [partition, startOffset])),
    [
      [
        [0, 5],
        [1, 7],
      ],
    ],
  )
})

test('DescribeShareGroupOffsets: each topic once, and nothing of a group where something makes no sense', async () => {
  const describe = async (...partitions: number[][]) => {
    const topics = partitions.map(ofTopic => ({ topicName: 't', partitions: ofTopic }))
    const { groups } = await broker.send(SHARE_OFFSETS, { groups: [{ groupId: 'nobody', topics }] })
    return groups[0]!
  }
  const { topics } = await describe([0], [1, 0])
  assert.deepEqual(
    topics.map(topic => topic.partitions.map(({ partitionIndex }) => partitionIndex)),
    [[0, 1]],
  )
  for (const odd of [[], [-1]]) {
    const refused = await describe([0], odd)
    assert.deepEqual([refused.errorCode, refused.topics], [UNKNOWN_SERVER_ERROR, []])
  }
})

test('AlterShareGroupOffsets: each topic once, no topic that is neither there nor has partitions, the last offset', async () => {
  const at = (partitionIndex: number, startOffset: number) => ({ partitionIndex, startOffset })
  const topics = [
    { topicName: 't', partitions: [at(0, 1), at(9, 1)] },
    { topicName: 'missing', partitions: [] },
    { topicName: 't', partitions: [at(0, 2)] },
  ]
  const { responses } = await broker.send(ALTER_SHARE_OFFSETS, { groupId: 'altered', topics })
  assert.deepEqual(
    responses.map(({ topicName, partitions }) => [topicName, partitions.map(({ errorCode }) => errorCode)]),
    [['t', [NONE, UNKNOWN_TOPIC_OR_PARTITION, NONE]]],
  )
  const asked = { groupId: 'altered', topics: [{ topicName: 't', partitions: [0] }] }
  const { groups } = await broker.send(SHARE_OFFSETS, { groups: [asked] })
  assert.equal(groups[0]!.topics[0]!.partitions[0]!.startOffset, 2)
})

test('share sessions: nothing twice at the beginning, and of what is acknowledged twice the last word', async () => {
  const topicId = await broker.topicId('t')
  const member = { groupId: 's', memberId: 'twice' }
  const fetch = (shareSessionEpoch: number, partitions: number[], maxRecords: number) => {
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1000, maxRecords, batchSize: 1 }
    const topics = [{ topicId, partitions: partitions.map(partitionIndex => ({ partitionIndex })) }]
    return broker.send(SHARE_FETCH, { ...member, ...limits, shareSessionEpoch, topics })
  }
  assert.equal((await fetch(0, [0, 0], 1)).errorCode, UNKNOWN_SERVER_ERROR)
  assert.equal((await fetch(0, [0], 0)).errorCode, NONE)
  const batch = { firstOffset: 5, lastOffset: 5, acknowledgeTypes: [1] }
  const at = (acknowledgementBatches: object[]) => ({ partitionIndex: 9, acknowledgementBatches })
  const topics = [{ topicId, partitions: [at([batch]), at([])] }]
  const { responses } = await broker.send(SHARE_ACKNOWLEDGE, { ...member, shareSessionEpoch: 1, topics })
  assert.deepEqual(
    responses.map(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)),
    [[9]],
  )
})

test('ShareFetch: a negative number of records is none, but the partitions are looked at', async () => {
  const topicId = await broker.topicId('t')
  const told = async (memberId: string, maxRecords: number) => {
    const limits = { maxWaitMs: 50, minBytes: 0, maxBytes: 1000, maxRecords, batchSize: 0 }
    const topics = [{ topicId, partitions: [{ partitionIndex: 0 }] }]
    const { responses } = await broker.send(SHARE_FETCH, { groupId: 'fresh', memberId, ...limits, topics })
    return responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }
  assert.deepEqual(await told('none', 0), [])
  assert.deepEqual(await told('negative', -1), [UNKNOWN_SERVER_ERROR])
})
