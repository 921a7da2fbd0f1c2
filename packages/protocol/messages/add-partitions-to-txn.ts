/**
 * Adds partitions to a transaction.
 *
 *  3  flexible; the last one that clients speak
 *  4  brokers only: many transactions at once, or just to verify (KIP-890)     5  TRANSACTION_ABORTABLE
 */
import { array, bool, int16, int32, int64, message, type Of, string } from '../schema.ts'

const AddPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32()),
}

const AddPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
}

const AddPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(AddPartitionsToTxnPartitionResult),
}

export const AddPartitionsToTxnRequest = message(
  'AddPartitionsToTxnRequest',
  { key: 24, versions: '0-5', flexible: '3+', listeners: ['broker'] },
  {
    transactions: array(
      {
        transactionalId: string('4+'),
        producerId: int64('4+'),
        producerEpoch: int16('4+'),
        verifyOnly: bool('4+'),
        topics: array(AddPartitionsToTxnTopic, '4+'),
      },
      '4+',
    ),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array(AddPartitionsToTxnTopic, '0-3'),
  },
)

export type AddPartitionsToTxnRequest = Of<typeof AddPartitionsToTxnRequest>

export const AddPartitionsToTxnResponse = message(
  'AddPartitionsToTxnResponse',
  { key: 24, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16('4+', 0, { ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string('4+'),
        topicResults: array(AddPartitionsToTxnTopicResult, '4+'),
      },
      '4+',
    ),
    resultsByTopicV3AndBelow: array(AddPartitionsToTxnTopicResult, '0-3'),
  },
)

export type AddPartitionsToTxnResponse = Of<typeof AddPartitionsToTxnResponse>
