/**
 * AddPartitionsToTxn (key 24), versions 0 to 5: partitions join a transaction, all or none. Clients speak up to version 3;
 * from 4 on brokers ask for many transactions at once, to add or only to verify (KIP-890).
 *
 * 2 PRODUCER_FENCED · 4 many transactions · 5 TRANSACTION_ABORTABLE
 */
import { ErrorCode } from '@ottla/protocol'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { topicPartitions } from '../coordinator/transaction/transaction.ts'
import type { PartitionCode } from '../coordinator/transaction-coordinator.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'
import { isInternalTopic } from './topic-names.ts'

type Transaction = AddPartitionsToTxnRequest['transactions'][number]
type Topics = Transaction['topics']
type Results = AddPartitionsToTxnResponse['resultsByTopicV3AndBelow']

const BROKERS_SINCE = 4
/** Whoever speaks a version of brokers has a client of transaction version 2. */
const EPOCH_BUMP_VERSION = 2

export const addPartitionsToTxn = defineHandler({
  request: AddPartitionsToTxnRequest,
  response: AddPartitionsToTxnResponse,
  async handle(request, { apiVersion }, services) {
    const transactions = apiVersion < BROKERS_SINCE ? [asTransaction(request)] : request.transactions
    const results = await Promise.all(
      transactions.map(async transaction => {
        const { transactionalId } = transaction
        return { transactionalId, topicResults: await add(transaction, apiVersion, services) }
      }),
    )
    if (apiVersion >= BROKERS_SINCE) return { resultsByTransaction: results }
    return { resultsByTopicV3AndBelow: results[0]!.topicResults }
  },
  failed(request, { errorCode }, apiVersion) {
    if (apiVersion >= BROKERS_SINCE) return { errorCode }
    return { resultsByTopicV3AndBelow: sameForAll(request.v3AndBelowTopics, errorCode) }
  },
})

/** As clients ask for one. */
function asTransaction(request: AddPartitionsToTxnRequest): Transaction {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  }
}

async function add(transaction: Transaction, apiVersion: number, services: Services): Promise<Results> {
  const { transactionalId, producerId, producerEpoch, topics, verifyOnly } = transaction
  const isClient = apiVersion < BROKERS_SINCE
  const check = (topic: string, partition: number): number => {
    if (isClient && isInternalTopic(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    const isThere = services.metadata.topic(topic)?.partitions[partition]
    return isThere ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  // One that can't be added keeps the others out.
  if (topics.some(({ name, partitions }) => partitions.some(partition => check(name, partition) !== ErrorCode.NONE)))
    return resultsOf(topics, (topic, partition) => check(topic, partition) || ErrorCode.OPERATION_NOT_ATTEMPTED)
  const call = { transactionalId, producerId, producerEpoch, partitions: topicPartitions(topics) }
  if (verifyOnly) return resultsOf(topics, await services.transactions.verifyPartitions(call))
  const transactionVersion = isClient ? 0 : EPOCH_BUMP_VERSION
  const errorCode = await services.transactions.addPartitions({ ...call, transactionVersion }, apiVersion)
  return sameForAll(topics, errorCode)
}

/** As they were asked for, what is there twice, too. */
function sameForAll(topics: Topics, partitionErrorCode: number): Results {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode })),
  }))
}

/** Each partition once. */
function resultsOf(topics: Topics, codeOf: PartitionCode): Results {
  return [...topicPartitions(topics)].map(([name, partitions]) => ({
    name,
    resultsByPartition: [...partitions].map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }))
}
