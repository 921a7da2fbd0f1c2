/** InitProducerId of a producer with a transactional id: it gets an epoch, and whoever had the id before is fenced. */
import { ErrorCode } from '@ottla/protocol'
import { abortByCoordinator } from './end-transaction.ts'
import { type InitProducerIdCall, type ProducerAnswer, type ProducerIdAndEpoch, refused } from './requests.ts'
import {
  isDecided,
  isExhausted,
  NO_PRODUCER_EPOCH,
  newTransaction,
  type Transaction,
  withNewProducerId,
  withNextEpoch,
} from './transaction.ts'
import type { Turn } from './turn.ts'

export function initProducerId(turn: Turn, requestId: number, call: InitProducerIdCall): void {
  turn.complete(requestId, init(turn, call))
}

function init(turn: Turn, call: InitProducerIdCall): ProducerAnswer {
  const { transactionalId, expected } = call
  let transaction = turn.store.get(transactionalId)
  if (!transaction) {
    const producerId = turn.store.options.takeProducerId()
    if (producerId === null) return refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    transaction = newTransaction(transactionalId, producerId)
  }
  if (isDecided(transaction)) return refused(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (expected && !mayGoOn(transaction, expected)) return refused(ErrorCode.PRODUCER_FENCED)
  if (transaction.state === 'Ongoing') {
    // It asks again until the transaction that was left open has been aborted.
    return refused(abortByCoordinator(turn, transaction) || ErrorCode.CONCURRENT_TRANSACTIONS)
  }
  return begin(turn, transaction, call)
}

/** An id that was given just now, the one it has, or the one that it lost when the epochs of that were used up. */
function mayGoOn(transaction: Transaction, { producerId, producerEpoch }: ProducerIdAndEpoch): boolean {
  if (transaction.producerEpoch === NO_PRODUCER_EPOCH || producerId === transaction.producerId) return true
  return producerId === transaction.previousProducerId && isExhausted(producerEpoch)
}

function begin(turn: Turn, transaction: Transaction, { expected, timeoutMs }: InitProducerIdCall): ProducerAnswer {
  const { wallMs } = turn.now
  let next: Transaction | null
  if (isExhausted(transaction.producerEpoch)) {
    if (expected && expected.producerEpoch !== transaction.producerEpoch) return refused(ErrorCode.UNKNOWN_SERVER_ERROR)
    const producerId = turn.store.options.takeProducerId()
    if (producerId === null) return refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    next = withNewProducerId(transaction, producerId, expected !== null, timeoutMs, wallMs)
  } else {
    next = withNextEpoch(transaction, expected?.producerEpoch ?? null, timeoutMs, wallMs)
    if (!next) return refused(ErrorCode.PRODUCER_FENCED)
  }
  // An id that new clients had before the feature was taken back is written as one of old ones.
  const unwritable = turn.checkWritable({ ...next, clientTransactionVersion: 0 })
  if (unwritable !== ErrorCode.NONE) return refused(unwritable)
  turn.put(next)
  return { errorCode: ErrorCode.NONE, producerId: next.producerId, producerEpoch: next.producerEpoch }
}
