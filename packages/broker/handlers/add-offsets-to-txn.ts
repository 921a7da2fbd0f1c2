/**
 * AddOffsetsToTxn (key 25), versions 0 to 4: the partition of `__consumer_offsets` that a group belongs to joins a
 * transaction. Clients of transaction version 2 do without: TxnOffsetCommit does it.
 *
 * 2 PRODUCER_FENCED · 4 TRANSACTION_ABORTABLE (KIP-890)
 */
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '@ottla/protocol/messages/add-offsets-to-txn'
import { OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import { topicPartitions } from '../coordinator/transaction/transaction.ts'
import { defineHandler } from './handler.ts'

/** Of whoever speaks this API. */
const TRANSACTION_VERSION = 0

export const addOffsetsToTxn = defineHandler({
  request: AddOffsetsToTxnRequest,
  response: AddOffsetsToTxnResponse,
  async handle({ transactionalId, producerId, producerEpoch, groupId }, { apiVersion }, { transactions, groups }) {
    const partitions = topicPartitions([{ name: OFFSETS_TOPIC, partitions: [groups.partitionFor(groupId)] }])
    const call = {
      transactionalId,
      producerId,
      producerEpoch,
      partitions,
      transactionVersion: TRANSACTION_VERSION,
    }
    return { errorCode: await transactions.addPartitions(call, apiVersion) }
  },
})
