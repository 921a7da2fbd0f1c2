/** Transactions over the wire: what each API does to the logs, and what readers of committed data see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batches, decodeRecords, encodeBatch, errorName } from '@ottla/protocol'
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '@ottla/protocol/messages/add-offsets-to-txn'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DescribeProducersRequest, DescribeProducersResponse } from '@ottla/protocol/messages/describe-producers'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { type InProcess, inProcess } from './in-process.ts'

const createApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const initApi = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const addApi = { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse }
const addOffsetsApi = { request: AddOffsetsToTxnRequest, response: AddOffsetsToTxnResponse }
const commitApi = { request: TxnOffsetCommitRequest, response: TxnOffsetCommitResponse }
const endApi = { request: EndTxnRequest, response: EndTxnResponse }
const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const offsetsApi = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const offsetFetchApi = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const markersApi = { request: WriteTxnMarkersRequest, response: WriteTxnMarkersResponse }
const producersApi = { request: DescribeProducersRequest, response: DescribeProducersResponse }
const describeApi = { request: DescribeTransactionsRequest, response: DescribeTransactionsResponse }
const listApi = { request: ListTransactionsRequest, response: ListTransactionsResponse }

const BY_NAME = 12
const LATEST = -1n

interface Identity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** One topic of two partitions, and what a producer and a consumer do. */
class Bench implements AsyncDisposable {
  readonly node: InProcess
  readonly transactionalId = 'tx'
  producerId = -1
  producerEpoch = -1

  private constructor(node: InProcess) {
    this.node = node
  }

  static async start(config: Record<string, string | number> = {}): Promise<Bench> {
    const node = await inProcess({ config })
    await node.send(createApi, { topics: [{ name: 't', numPartitions: 2, replicationFactor: 1 }], timeoutMs: 10_000 })
    const { coordinators } = await node.send(findApi, { coordinatorKeys: ['tx'], keyType: 1 })
    assert.deepEqual([coordinators[0]!.nodeId, coordinators[0]!.errorCode], [1, 0])
    const groups = await node.send(findApi, { coordinatorKeys: ['g'], keyType: 0 })
    assert.equal(groups.coordinators[0]!.errorCode, 0)
    return new Bench(node)
  }

  async init(more: Partial<Identity> & { transactionTimeoutMs?: number } = {}): Promise<string> {
    const request = { transactionalId: 'tx', transactionTimeoutMs: 60_000, ...more }
    const { errorCode, producerId, producerEpoch } = await this.node.send(initApi, request)
    if (errorCode === 0) Object.assign(this, { producerId, producerEpoch })
    return errorName(errorCode)
  }

  async produce(
    values: readonly string[],
    partition = 0,
    version = 12,
    more: Partial<Identity> & { baseSequence?: number } = {},
  ) {
    const { producerId, producerEpoch } = { producerId: this.producerId, producerEpoch: this.producerEpoch, ...more }
    const records = values.map(value => ({ key: null, value: Buffer.from(value), timestamp: Date.now() }))
    const header = { producerId, producerEpoch, baseSequence: more.baseSequence ?? 0, isTransactional: true }
    const partitionData = [{ index: partition, records: encodeBatch(records, header) }]
    const topics = [{ name: 't', partitionData }]
    const request = { transactionalId: 'tx', acks: -1, timeoutMs: 10_000, topicData: topics }
    const { responses } = await this.node.send(produceApi, request, version)
    return errorName(responses[0]!.partitionResponses[0]!.errorCode)
  }

  async add(partitions: readonly number[], version = 3) {
    const topics = [{ name: 't', partitions: [...partitions] }]
    const { producerId, producerEpoch } = this
    const request = {
      v3AndBelowTransactionalId: 'tx',
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: topics,
    }
    const { resultsByTopicV3AndBelow } = await this.node.send(addApi, request, version)
    return resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
    )
  }

  async end(committed: boolean, version = 5, more: Partial<Identity> = {}): Promise<string> {
    const { producerId, producerEpoch } = this
    const request = { transactionalId: 'tx', producerId, producerEpoch, committed, ...more }
    const response = await this.node.send(endApi, request, version)
    if (response.errorCode === 0 && version >= 5) {
      const { producerId, producerEpoch } = response
      Object.assign(this, { producerId, producerEpoch })
    }
    return errorName(response.errorCode)
  }

  async state(): Promise<string> {
    const { transactionStates } = await this.node.send(describeApi, { transactionalIds: ['tx'] })
    return transactionStates[0]!.transactionState
  }

  /** Until all markers are written. */
  async settled(): Promise<void> {
    while (/^(Prepare|Ongoing)/.test(await this.state())) await new Promise(resolve => setImmediate(resolve))
  }

  async fetch(isolationLevel: 0 | 1, partition = 0) {
    const wanted = { partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }
    const topics = [{ topic: 't', partitions: [wanted] }]
    const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel, topics }
    const { responses } = await this.node.send(fetchApi, request, BY_NAME)
    const found = responses[0]?.partitions[0]
    return {
      values: valuesOf(found?.records ?? null),
      lastStableOffset: found?.lastStableOffset,
      highWatermark: found?.highWatermark,
      aborted: found?.abortedTransactions?.map(({ producerId, firstOffset }) => [producerId, firstOffset]) ?? null,
    }
  }

  async endOffset(isolationLevel: 0 | 1): Promise<number> {
    const partitions = [{ partitionIndex: 0, timestamp: LATEST }]
    const { topics } = await this.node.send(offsetsApi, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: 't', partitions }],
    })
    return topics[0]!.partitions[0]!.offset
  }

  async committedOffset(requireStable = true): Promise<number | string> {
    const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }]
    const response = await this.node.send(offsetFetchApi, { groups, requireStable }, 9)
    const { errorCode, committedOffset } = response.groups[0]!.topics[0]!.partitions[0]!
    return errorCode ? errorName(errorCode) : committedOffset
  }

  async commitOffset(committedOffset: number, version = 5, more: Partial<Identity> = {}): Promise<string> {
    const { producerId, producerEpoch } = this
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset }] }]
    const request = { transactionalId: 'tx', groupId: 'g', producerId, producerEpoch, topics, ...more }
    const response = await this.node.send(commitApi, request, version)
    return errorName(response.topics[0]!.partitions[0]!.errorCode)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]()
  }
}

/** Control records as `[COMMIT]`. */
function valuesOf(records: Uint8Array | null): string[] {
  if (!records) return []
  return [...batches(records)].flatMap(batch =>
    decodeRecords(records, batch).map(({ key, value }) =>
      batch.isControl ? (key![3] === 1 ? '[COMMIT]' : '[ABORT]') : Buffer.from(value ?? []).toString(),
    ),
  )
}

test('a transaction is seen when it is committed, and an aborted one is told of', async () => {
  await using bench = await Bench.start()
  assert.equal(await bench.init(), 'NONE')
  const { producerId } = bench
  assert.equal(await bench.produce(['a', 'b']), 'NONE')
  assert.deepEqual(await bench.fetch(1), { values: [], lastStableOffset: 0, highWatermark: 2, aborted: [] })
  assert.deepEqual((await bench.fetch(0)).values, ['a', 'b'])
  assert.deepEqual([await bench.endOffset(0), await bench.endOffset(1)], [2, 0])
  assert.equal(await bench.end(true), 'NONE')
  await bench.settled()
  assert.deepEqual(await bench.fetch(1), {
    values: ['a', 'b', '[COMMIT]'],
    lastStableOffset: 3,
    highWatermark: 3,
    aborted: [],
  })
  assert.equal(bench.producerEpoch, 1)
  assert.equal(await bench.produce(['c']), 'NONE')
  assert.equal(await bench.end(false), 'NONE')
  await bench.settled()
  const { values, aborted, lastStableOffset } = await bench.fetch(1)
  assert.deepEqual(values, ['a', 'b', '[COMMIT]', 'c', '[ABORT]'])
  assert.deepEqual({ aborted, lastStableOffset }, { aborted: [[producerId, 3]], lastStableOffset: 5 })
})

test('before transaction version 2 partitions are added, and the epoch stays', async () => {
  await using bench = await Bench.start()
  await bench.init()
  assert.equal(await bench.produce(['too early'], 0, 10), 'INVALID_TXN_STATE')
  assert.equal(await bench.produce(['too early'], 0, 11), 'TRANSACTION_ABORTABLE')
  assert.deepEqual(await bench.add([0, 1]), ['NONE', 'NONE'])
  assert.equal(await bench.produce(['too early']), 'NONE')
  assert.equal(await bench.produce(['b'], 1, 11), 'NONE')
  assert.equal(await bench.end(true, 4), 'NONE')
  await bench.settled()
  assert.equal(await bench.end(true, 4), 'NONE', 'again')
  assert.equal(await bench.end(false, 4), 'INVALID_TXN_STATE')
  assert.deepEqual((await bench.fetch(1, 1)).values, ['b', '[COMMIT]'])
  assert.equal(await bench.produce(['after the end'], 1, 11, { baseSequence: 1 }), 'TRANSACTION_ABORTABLE')
  assert.deepEqual(await bench.add([7, 0]), ['UNKNOWN_TOPIC_OR_PARTITION', 'OPERATION_NOT_ATTEMPTED'])
})

test('without verification the log takes what it is given, unless the client is new', async () => {
  await using bench = await Bench.start({ 'transaction.partition.verification.enable': 'false' })
  await bench.init()
  assert.equal(await bench.produce(['a'], 0, 11), 'NONE')
  assert.equal(await bench.state(), 'Empty', 'a hanging transaction')
  assert.equal(await bench.produce(['a'], 1, 12), 'NONE')
  assert.equal(await bench.state(), 'Ongoing')
})

test('offsets of a group count with the transaction', async () => {
  await using bench = await Bench.start()
  await bench.init()
  assert.equal(await bench.commitOffset(5), 'NONE')
  assert.equal(await bench.committedOffset(), 'UNSTABLE_OFFSET_COMMIT')
  assert.equal(await bench.committedOffset(false), -1)
  assert.equal(await bench.end(true), 'NONE')
  await bench.settled()
  assert.equal(await bench.committedOffset(), 5)
  assert.equal(await bench.commitOffset(6), 'NONE')
  assert.equal(await bench.end(false), 'NONE')
  await bench.settled()
  assert.equal(await bench.committedOffset(), 5)
  assert.equal(await bench.commitOffset(7, 4), 'TRANSACTION_ABORTABLE')
  assert.equal(await bench.commitOffset(7, 3), 'INVALID_TXN_STATE')
  const { producerId, producerEpoch } = bench
  const add = { transactionalId: 'tx', producerId, producerEpoch, groupId: 'g' }
  assert.equal((await bench.node.send(addOffsetsApi, add)).errorCode, 0)
  assert.equal(await bench.commitOffset(7, 3), 'NONE')
  assert.equal(await bench.commitOffset(8, 3, { producerEpoch: 0 }), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await bench.end(true, 4), 'NONE')
  await bench.settled()
  assert.equal(await bench.committedOffset(), 7)
  // The live groups and their log agree.
  await bench.node.send(endApi, { transactionalId: 'tx', producerId, producerEpoch, committed: true }, 4)
  assert.equal(await bench.committedOffset(), 7)
})

test('a second producer with the same id fences the first', async () => {
  await using bench = await Bench.start()
  await bench.init()
  const first = { producerId: bench.producerId, producerEpoch: bench.producerEpoch }
  await bench.produce(['zombie'])
  assert.equal(await bench.init(), 'CONCURRENT_TRANSACTIONS')
  await bench.settled()
  assert.equal(await bench.init(), 'NONE')
  assert.equal(await bench.produce(['late'], 0, 12, { ...first, baseSequence: 1 }), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await bench.produce(['late'], 1, 12, first), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await bench.end(true, 5, first), 'PRODUCER_FENCED')
  assert.equal(await bench.end(true, 1, first), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await bench.produce(['new']), 'NONE')
  assert.equal(await bench.end(true), 'NONE')
  await bench.settled()
  assert.deepEqual((await bench.fetch(1)).values, ['zombie', '[ABORT]', 'new', '[COMMIT]'])
})

test('a transaction that its producer forgets is aborted', async () => {
  await using bench = await Bench.start({ 'transaction.abort.timed.out.transaction.cleanup.interval.ms': 20 })
  assert.equal(await bench.init({ transactionTimeoutMs: 50 }), 'NONE')
  await bench.produce(['a'])
  await bench.settled()
  assert.equal(await bench.state(), 'CompleteAbort')
  assert.deepEqual((await bench.fetch(1)).values, ['a', '[ABORT]'])
  assert.equal(await bench.end(true), 'INVALID_TXN_STATE')
  assert.equal(await bench.init({ transactionTimeoutMs: 0 }), 'INVALID_TRANSACTION_TIMEOUT')
  assert.equal(await bench.init({ transactionTimeoutMs: 900_001 }), 'INVALID_TRANSACTION_TIMEOUT')
})

test('what hangs is found by its producers, and ended by a marker', async () => {
  await using bench = await Bench.start({ 'transaction.partition.verification.enable': 'false' })
  await bench.init()
  await bench.init()
  await bench.produce(['hanging'], 0, 11)
  const describe = {
    topics: [
      { name: 't', partitionIndexes: [0, 9] },
      { name: 'none', partitionIndexes: [0] },
    ],
  }
  const { topics } = await bench.node.send(producersApi, describe)
  const [known, missing] = topics[0]!.partitions
  const [producer] = known!.activeProducers
  const { producerId, producerEpoch } = bench
  assert.deepEqual(
    [producer!.producerId, producer!.producerEpoch, producer!.currentTxnStartOffset, producer!.coordinatorEpoch],
    [producerId, producerEpoch, 0, -1],
  )
  assert.deepEqual(
    [missing!, topics[1]!.partitions[0]!].map(({ errorCode }) => errorName(errorCode)),
    ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'],
  )
  const write = async (coordinatorEpoch: number, more = {}) => {
    const marker = { producerId, producerEpoch, transactionResult: false, coordinatorEpoch, ...more }
    const request = { markers: [{ ...marker, topics: [{ name: 't', partitionIndexes: [0, 9] }] }] }
    const { markers } = await bench.node.send(markersApi, request)
    return markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorName(errorCode))
  }
  assert.deepEqual(await write(3), ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  assert.deepEqual(await write(2), ['TRANSACTION_COORDINATOR_FENCED', 'UNKNOWN_TOPIC_OR_PARTITION'])
  assert.deepEqual(await write(3, { producerEpoch: producerEpoch - 1 }), [
    'INVALID_PRODUCER_EPOCH',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  assert.deepEqual((await bench.fetch(1)).values, ['hanging', '[ABORT]'])
})

test('transactions are listed by state, producer, age and id', async () => {
  await using bench = await Bench.start()
  await bench.init()
  await bench.produce(['a'])
  const list = async (filter: object) => {
    const { errorCode, unknownStateFilters, transactionStates } = await bench.node.send(listApi, filter)
    const found = transactionStates.map(({ transactionalId, transactionState }) => [transactionalId, transactionState])
    return errorCode ? errorName(errorCode) : [unknownStateFilters, found]
  }
  const ongoing = ['tx', 'Ongoing']
  assert.deepEqual(await list({}), [[], [ongoing]])
  assert.deepEqual(await list({ stateFilters: ['Ongoing', 'Odd'] }), [['Odd'], [ongoing]])
  assert.deepEqual(await list({ stateFilters: ['Empty'] }), [[], []])
  assert.deepEqual(await list({ producerIdFilters: [bench.producerId] }), [[], [ongoing]])
  assert.deepEqual(await list({ producerIdFilters: [99] }), [[], []])
  assert.deepEqual(await list({ durationFilter: 3_600_000 }), [[], []])
  assert.deepEqual(await list({ transactionalIdPattern: 't.' }), [[], [ongoing]])
  assert.deepEqual(await list({ transactionalIdPattern: 't' }), [[], []])
  assert.equal(await list({ transactionalIdPattern: '(?=x)' }), 'INVALID_REGULAR_EXPRESSION')
})

test('what a scrape tells of transactions: their states, and how long it took to ask whether they are open', async () => {
  await using bench = await Bench.start()
  const { metrics } = bench.node.cluster
  const inState = (state: string) => metrics.value('ottla_transactions', { state })
  const verification = 'kafka_server_addpartitionstotxnmanager_verification'
  assert.equal(inState('Ongoing'), 0)
  assert.equal(await bench.init(), 'NONE')
  assert.equal(inState('Empty'), 1)
  assert.equal(await bench.produce(['a']), 'NONE')
  assert.deepEqual([inState('Empty'), inState('Ongoing')], [0, 1])
  assert.equal(metrics.value(`${verification}timems_count`), 1)
  assert.ok(metrics.value(`${verification}timems_sum`)! > 0)
  assert.equal(await bench.end(true), 'NONE')
  await bench.settled()
  assert.deepEqual([inState('Ongoing'), inState('PrepareCommit'), inState('CompleteCommit')], [0, 0, 1])
  assert.equal(metrics.value(`${verification}failurerate_count`), 0)
  assert.notEqual(await bench.produce(['b'], 0, 12, { producerEpoch: 7 }), 'NONE')
  assert.equal(metrics.value(`${verification}failurerate_count`), 1)
  const markers = 'kafka_coordinator_transaction_transactionmarkerchannelmanager_unknowndestinationqueuesize'
  assert.equal(metrics.value(markers), 0)
  assert.ok(metrics.value('kafka_server_transaction_coordinator_metrics_partition_load_time_max')! >= 0)
})
