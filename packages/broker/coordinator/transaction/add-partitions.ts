/** Partitions join a transaction: by AddPartitionsToTxn, by AddOffsetsToTxn, or by being written to (KIP-890). */
import { ErrorCode } from '@ottla/protocol'
import type { AddPartitionsCall, ProducerIdAndEpoch } from './requests.ts'
import type { TransactionStore } from './store.ts'
import {
  hasAll,
  hasPartition,
  isDecided,
  type TopicPartitions,
  type Transaction,
  withPartitions,
} from './transaction.ts'
import type { Turn } from './turn.ts'

export interface VerifyCall extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly partitions: TopicPartitions
}

export function addPartitions(turn: Turn, requestId: number, call: AddPartitionsCall): void {
  turn.complete(requestId, { errorCode: add(turn, call) })
}

function add(turn: Turn, call: AddPartitionsCall): number {
  const transaction = turn.store.get(call.transactionalId)
  if (!transaction) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  // First: the producer's next id may be one that it has been told of already.
  if (isDecided(transaction)) return ErrorCode.CONCURRENT_TRANSACTIONS
  const errorCode = checkProducer(transaction, call)
  if (errorCode !== ErrorCode.NONE) return errorCode
  if (transaction.state === 'Ongoing' && hasAll(transaction.partitions, call.partitions)) return ErrorCode.NONE
  const next = withPartitions(transaction, call.partitions, call.transactionVersion, turn.now.wallMs)
  const unwritable = turn.checkWritable(next)
  if (unwritable === ErrorCode.NONE) turn.put(next)
  return unwritable
}

function checkProducer(transaction: Transaction, { producerId, producerEpoch }: ProducerIdAndEpoch): number {
  if (transaction.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  return transaction.producerEpoch === producerEpoch ? ErrorCode.NONE : ErrorCode.PRODUCER_FENCED
}

/** Whether these partitions are in the transaction: an error for all of them, or one for each. */
export function verifyPartitions(
  store: TransactionStore,
  call: VerifyCall,
): (topic: string, partition: number) => number {
  const transaction = store.get(call.transactionalId)
  const errorCode = transaction ? checkVerified(transaction, call) : ErrorCode.INVALID_PRODUCER_ID_MAPPING
  if (!transaction || errorCode !== ErrorCode.NONE) return () => errorCode
  const { partitions } = transaction
  return (topic, partition) =>
    hasPartition(partitions, topic, partition) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE
}

function checkVerified(transaction: Transaction, call: VerifyCall): number {
  return checkProducer(transaction, call) || (isDecided(transaction) ? ErrorCode.CONCURRENT_TRANSACTIONS : 0)
}
