/**
 * TxnOffsetCommit (key 28), versions 0 to 5: offsets of a group, as a part of a producer's transaction.
 *
 * 2 leader epochs · 3 member and generation, to fence (KIP-447) · 4 TRANSACTION_ABORTABLE (KIP-890) · 5 the group joins the
 * transaction by it
 */
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'
import { defineHandler } from './handler.ts'

export const txnOffsetCommit = defineHandler({
  request: TxnOffsetCommitRequest,
  response: TxnOffsetCommitResponse,
  handle(request, context, { groups }) {
    return groups.txnOffsetCommit(request, context)
  },
  failed({ topics }, { errorCode }) {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    }
  },
})
