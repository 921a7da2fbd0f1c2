/** DescribeTransactions (key 65), version 0: state, producer and partitions of transactional ids (KIP-664). */
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { defineHandler } from './handler.ts'

export const describeTransactions = defineHandler({
  request: DescribeTransactionsRequest,
  response: DescribeTransactionsResponse,
  handle({ transactionalIds }, _context, { transactions }) {
    return transactions.describeTransactions(transactionalIds)
  },
  failed({ transactionalIds }, { errorCode }) {
    return { transactionStates: transactionalIds.map(transactionalId => ({ transactionalId, errorCode })) }
  },
})
