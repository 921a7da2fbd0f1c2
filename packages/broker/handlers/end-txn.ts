/**
 * EndTxn (key 26), versions 0 to 5: commits or aborts a transaction. Answered when that is decided for good; the markers
 * that tell the partitions are written behind it.
 *
 * 2 PRODUCER_FENCED · 4 TRANSACTION_ABORTABLE (KIP-890) · 5 the next epoch comes with the answer, and nothing may be aborted
 */
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { defineHandler } from './handler.ts'

export const endTxn = defineHandler({
  request: EndTxnRequest,
  response: EndTxnResponse,
  handle(request, { apiVersion }, { transactions }) {
    return transactions.endTxn(request, apiVersion)
  },
})
