/**
 * ListTransactions (key 66), versions 0 to 2: the transactional ids that this node coordinates (KIP-664).
 *
 * 1 those that have been open for long (KIP-994) · 2 those whose id matches an expression of RE2 (KIP-1152)
 */
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { defineHandler } from './handler.ts'

export const listTransactions = defineHandler({
  request: ListTransactionsRequest,
  response: ListTransactionsResponse,
  handle(request, _context, { transactions }) {
    return transactions.listTransactions(request)
  },
})
