/** What goes without being asked: transactions that are open for too long, and ids that nobody has used for long. */
import { abortByCoordinator } from './end-transaction.ts'
import { isIdle, NEVER_TIMES_OUT_MS, type Transaction } from './transaction.ts'
import type { Turn } from './turn.ts'

/** Looked at in one go: a million of them must not keep everybody else waiting. */
const TRANSACTIONS_A_TURN = 5_000

/** Some more of the ongoing transactions; false: that was all. */
export function abortTimedOut(turn: Turn, transactionalIds: Iterator<string>): boolean {
  for (let seen = 0; seen < TRANSACTIONS_A_TURN; seen++) {
    const next = transactionalIds.next()
    if (next.done) return false
    const transaction = turn.store.get(next.value)
    if (transaction && hasTimedOut(turn, transaction)) abort(turn, transaction)
  }
  return true
}

function hasTimedOut({ now }: Turn, { state, timeoutMs, startMs }: Transaction): boolean {
  return state === 'Ongoing' && timeoutMs !== NEVER_TIMES_OUT_MS && startMs + timeoutMs < now.wallMs
}

function abort(turn: Turn, transaction: Transaction): void {
  // Without a producer id at hand it stays for the next time.
  if (abortByCoordinator(turn, transaction) !== 0) return
  const { transactionalId, producerId, timeoutMs } = transaction
  turn.store.options.log.info('aborted a transaction that timed out', { transactionalId, producerId, timeoutMs })
}

/** Some more of all ids; false: that was all. */
export function removeExpired(turn: Turn, transactions: Iterator<Transaction>): boolean {
  const before = turn.recordCount
  let isMore = true
  for (let seen = 0; isMore && seen < TRANSACTIONS_A_TURN; seen++) {
    const next = transactions.next()
    isMore = !next.done
    if (!next.done && isExpired(turn, next.value)) turn.remove(next.value.transactionalId)
  }
  const ids = turn.recordCount - before
  if (ids > 0) turn.store.options.log.info('expired transactional ids', { ids })
  return isMore
}

function isExpired({ now, store }: Turn, transaction: Transaction): boolean {
  return isIdle(transaction) && transaction.lastUpdateMs <= now.wallMs - store.options.config.idExpirationMs
}
