/** Transactions as their coordinators and the partitions see them, and ways to end one that hangs. */
import { DescribeProducersRequest, DescribeProducersResponse } from '@ottla/protocol/messages/describe-producers'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { askBroker, askCoordinator, partitionName, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check } from '../errors.ts'
import { retry } from '../retry.ts'

const listApi = { request: ListTransactionsRequest, response: ListTransactionsResponse }
const describeApi = { request: DescribeTransactionsRequest, response: DescribeTransactionsResponse }
const producersApi = { request: DescribeProducersRequest, response: DescribeProducersResponse }
const markersApi = { request: WriteTxnMarkersRequest, response: WriteTxnMarkersResponse }
const initApi = { request: InitProducerIdRequest, response: InitProducerIdResponse }

/** With this version a producer that comes back is told of its ongoing transaction; before it that is aborted. */
const ABORTS_THE_ONGOING = 5
const FENCE_TIMEOUT_MS = 60_000

export interface TransactionListing {
  readonly transactionalId: string
  readonly coordinator: number
  readonly producerId: number
  readonly state: string
}

export interface TransactionFilter {
  readonly producerIds?: readonly number[]
  /** Only those that run longer. */
  readonly durationMs?: number
  /** A regular expression (RE2) over the whole transactional id. */
  readonly pattern?: string
}

/** Of all brokers, in the order of their ids. */
export async function listTransactions(
  cluster: Cluster,
  filter: TransactionFilter = {},
): Promise<TransactionListing[]> {
  const asked = {
    stateFilters: [],
    producerIdFilters: [...(filter.producerIds ?? [])],
    durationFilter: filter.durationMs ?? -1,
    transactionalIdPattern: filter.pattern ?? null,
  }
  const listings: TransactionListing[] = []
  for (const id of await cluster.brokerIds()) {
    const { transactionStates } = await retry(cluster.world.clock, async () => {
      const response = await askBroker(cluster, id, listApi, asked)
      check(response.errorCode, `list the transactions of broker ${id}`)
      return response
    })
    for (const { transactionalId, producerId, transactionState: state } of transactionStates)
      listings.push({ transactionalId, coordinator: id, producerId, state })
  }
  return listings
}

export type TransactionDescription = DescribeTransactionsResponse['transactionStates'][number] & {
  readonly coordinator: number
}

/** A transactional id that nobody knows is KafkaError TRANSACTIONAL_ID_NOT_FOUND. */
export async function describeTransaction(cluster: Cluster, transactionalId: string): Promise<TransactionDescription> {
  const { transactionStates } = await askCoordinator(
    cluster,
    'transaction',
    transactionalId,
    connection => connection.send(describeApi, { transactionalIds: [transactionalId] }),
    response => response.transactionStates[0]!.errorCode,
  )
  const state = transactionStates[0]!
  check(state.errorCode, `describe transaction '${transactionalId}'`)
  return { ...state, coordinator: (await cluster.coordinatorNode('transaction', transactionalId)).id }
}

export type ProducerState = DescribeProducersResponse['topics'][number]['partitions'][number]['activeProducers'][number]

/** As the leader has them, or the replica of a broker. */
export async function describeProducers(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  broker?: number,
): Promise<ProducerState[]> {
  return retry(cluster.world.clock, async () => {
    const connection = broker === undefined ? await cluster.leader(topic, partition) : await cluster.broker(broker)
    const response = await connection.send(producersApi, { topics: [{ name: topic, partitionIndexes: [partition] }] })
    const { errorCode, errorMessage, activeProducers } = response.topics[0]!.partitions[0]!
    const which = partitionName({ topic, partition })
    if (errorCode !== 0) cluster.forgetTopic(topic)
    check(errorCode, `describe producers of ${which}`, errorMessage)
    return activeProducers
  })
}

export interface AbortSpec extends TopicPartition {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
}

/** Writes an abort marker into one partition, whatever the coordinator knows. */
export async function abortTransaction(cluster: Cluster, spec: AbortSpec): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = spec
  await retry(cluster.world.clock, async () => {
    const connection = await cluster.leader(topic, partition)
    const response = await connection.send(markersApi, {
      markers: [
        {
          producerId,
          producerEpoch,
          transactionResult: false,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          coordinatorEpoch,
        },
      ],
    })
    const errorCode = response.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? -1
    if (errorCode !== 0) cluster.forgetTopic(topic)
    check(errorCode, `abort the transaction of producer ${producerId} in ${partitionName(spec)}`)
  })
}

/** Fences the producer that has the id now, by which its ongoing transaction is aborted. */
export async function fenceProducer(cluster: Cluster, transactionalId: string): Promise<void> {
  const value = { transactionalId, transactionTimeoutMs: FENCE_TIMEOUT_MS }
  await retry(cluster.world.clock, async () => {
    const response = await askCoordinator(
      cluster,
      'transaction',
      transactionalId,
      connection => connection.send(initApi, value, { maxVersion: ABORTS_THE_ONGOING }),
      ({ errorCode }) => errorCode,
    )
    check(response.errorCode, `fence the producer of '${transactionalId}'`)
  }, ['CONCURRENT_TRANSACTIONS'])
}
