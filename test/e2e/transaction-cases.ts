/** Requests of transactions for every-version.test.ts: of a producer that no coordinator knows, since none was asked for. */
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '@ottla/protocol/messages/add-offsets-to-txn'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { DescribeProducersRequest, DescribeProducersResponse } from '@ottla/protocol/messages/describe-producers'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'

const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16

const producer = { producerId: 1, producerEpoch: 0 }
const topics = [{ name: 'a', partitions: [0, 1] }]

export const TRANSACTION_CASES = [
  {
    request: AddPartitionsToTxnRequest,
    response: AddPartitionsToTxnResponse,
    value: (version: number) =>
      version >= 4
        ? { transactions: [{ transactionalId: 'tx', ...producer, verifyOnly: version === 4, topics }] }
        : {
            v3AndBelowTransactionalId: 'tx',
            v3AndBelowProducerId: 1,
            v3AndBelowProducerEpoch: 0,
            v3AndBelowTopics: topics,
          },
  },
  {
    request: AddOffsetsToTxnRequest,
    response: AddOffsetsToTxnResponse,
    errors: [NOT_COORDINATOR],
    value: () => ({ transactionalId: 'tx', ...producer, groupId: 'g' }),
  },
  {
    request: EndTxnRequest,
    response: EndTxnResponse,
    errors: [NOT_COORDINATOR],
    value: () => ({ transactionalId: 'tx', ...producer, committed: true }),
  },
  {
    request: WriteTxnMarkersRequest,
    response: WriteTxnMarkersResponse,
    value: (version: number) => ({
      markers: [
        {
          producerId: version,
          producerEpoch: 0,
          transactionResult: true,
          topics: [{ name: 'a', partitionIndexes: [0, 1] }],
          coordinatorEpoch: 0,
        },
      ],
    }),
  },
  {
    request: TxnOffsetCommitRequest,
    response: TxnOffsetCommitResponse,
    errors: [COORDINATOR_NOT_AVAILABLE],
    value: () => ({
      transactionalId: 'tx',
      groupId: 'g',
      ...producer,
      topics: [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }],
    }),
  },
  {
    request: DescribeProducersRequest,
    response: DescribeProducersResponse,
    value: () => ({ topics: [{ name: 'a', partitionIndexes: [0, 1] }] }),
  },
  {
    request: DescribeTransactionsRequest,
    response: DescribeTransactionsResponse,
    errors: [NOT_COORDINATOR],
    value: () => ({ transactionalIds: ['tx'] }),
  },
  { request: ListTransactionsRequest, response: ListTransactionsResponse, value: () => ({}) },
]
