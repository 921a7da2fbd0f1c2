/**
 * The one kind of record in `__transaction_state`: all that is known of a transactional id. The last one of an id is
 * what counts; without a value it says that the id has expired.
 */
import { ProtocolError } from '@ottla/protocol'
import type { TransactionLogValue } from '@ottla/protocol/logrecords/transaction-state'
import {
  NO_PARTITIONS,
  NO_PRODUCER_EPOCH,
  TRANSACTION_STATES,
  type Transaction,
  topicPartitions,
} from './transaction.ts'

export interface TransactionRecord {
  readonly transactionalId: string
  readonly value: TransactionLogValue | null
  /** Of the value. */
  readonly version: number
}

/** Knows next producer ids and transaction versions. */
const FLEXIBLE_VERSION = 1
const UNUSED_EPOCH = -1

/** `transactionVersion`: of the cluster. Brokers older than that feature read version 0 only. */
export function transactionRecord(transaction: Transaction, transactionVersion: number): TransactionRecord {
  const version = transactionVersion >= 1 ? FLEXIBLE_VERSION : 0
  const isFlexible = version >= FLEXIBLE_VERSION
  const { transactionalId, state, partitions } = transaction
  const value: TransactionLogValue = {
    producerId: transaction.producerId,
    previousProducerId: isFlexible ? transaction.previousProducerId : -1,
    nextProducerId: isFlexible ? transaction.nextProducerId : -1,
    producerEpoch: transaction.producerEpoch,
    nextProducerEpoch: UNUSED_EPOCH,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: TRANSACTION_STATES.indexOf(state),
    transactionPartitions:
      state === 'Empty' ? null : [...partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] })),
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
    clientTransactionVersion: isFlexible ? transaction.clientTransactionVersion : 0,
  }
  return { transactionalId, value, version }
}

export function tombstone(transactionalId: string): TransactionRecord {
  return { transactionalId, value: null, version: 0 }
}

/** Throws a ProtocolError for a state that nobody can have written. */
export function fromValue(transactionalId: string, value: TransactionLogValue): Transaction {
  const state = TRANSACTION_STATES[value.transactionStatus]
  if (state === undefined || state === 'Dead' || state === 'PrepareEpochFence')
    throw new ProtocolError('ERR_MALFORMED', `${transactionalId} has state ${value.transactionStatus}`)
  const written = state === 'Empty' ? [] : (value.transactionPartitions ?? [])
  const topics = written.map(({ topic, partitionIds }) => ({
    name: topic,
    partitions: partitionIds,
  }))
  return {
    transactionalId,
    state,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    partitions: topics.length === 0 ? NO_PARTITIONS : topicPartitions(topics),
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    clientTransactionVersion: value.clientTransactionVersion,
  }
}

const RECORD_OVERHEAD_BYTES = 192
const PARTITION_BYTES = 4
const TOPIC_OVERHEAD_BYTES = 8

/** What any record of the transaction takes in a batch, that of its decision included, or a few bytes more. */
export function maxBytesOf({ transactionalId, partitions }: Transaction): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(transactionalId)
  for (const [topic, ids] of partitions)
    bytes += TOPIC_OVERHEAD_BYTES + Buffer.byteLength(topic) + ids.size * PARTITION_BYTES
  return bytes
}
