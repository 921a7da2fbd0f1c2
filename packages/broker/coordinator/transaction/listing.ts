/** What ListTransactions and DescribeTransactions tell. */
import { ErrorCode } from '@ottla/protocol'
import type { DescribeTransactionsResponse } from '@ottla/protocol/messages/describe-transactions'
import type { ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import type { TransactionStore } from './store.ts'
import type { Transaction, TransactionState } from './transaction.ts'

export type ListedTransaction = ListTransactionsResponse['transactionStates'][number]
export type DescribedTransaction = DescribeTransactionsResponse['transactionStates'][number]

/** null, or -1 for a time: anything. */
export interface ListFilter {
  readonly states: ReadonlySet<TransactionState> | null
  readonly producerIds: ReadonlySet<number> | null
  /** Begun longer ago than this. */
  readonly durationMs: number
  readonly matchesId: ((transactionalId: string) => boolean) | null
}

export function listTransactions(store: TransactionStore, filter: ListFilter, wallMs: number): ListedTransaction[] {
  const listed: ListedTransaction[] = []
  for (const transaction of store.all()) {
    if (!isWanted(transaction, filter, wallMs)) continue
    const { transactionalId, producerId, state } = transaction
    listed.push({ transactionalId, producerId, transactionState: state })
  }
  return listed
}

function isWanted(transaction: Transaction, filter: ListFilter, wallMs: number): boolean {
  const { states, producerIds, durationMs, matchesId } = filter
  if (producerIds && !producerIds.has(transaction.producerId)) return false
  if (states && !states.has(transaction.state)) return false
  if (durationMs >= 0 && wallMs - transaction.startMs <= durationMs) return false
  return matchesId?.(transaction.transactionalId) ?? true
}

export function describeTransaction(store: TransactionStore, transactionalId: string): DescribedTransaction {
  const transaction = store.get(transactionalId)
  if (!transaction) return notDescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  const { state, timeoutMs, startMs, producerId, producerEpoch, partitions } = transaction
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startMs,
    producerId,
    producerEpoch,
    topics: [...partitions].map(([topic, ids]) => ({ topic, partitions: [...ids] })),
  }
}

export function notDescribed(transactionalId: string, errorCode: number): DescribedTransaction {
  const nothing = { transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0 }
  return { errorCode, transactionalId, ...nothing, producerId: 0, producerEpoch: 0, topics: [] }
}
