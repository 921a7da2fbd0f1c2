/**
 * The end of a transaction: decided by EndTxn, or by the coordinator itself (a new producer with the same id, a
 * timeout); complete when every partition has its marker.
 */
import { ErrorCode } from '@ottla/protocol'
import {
  type EndTransactionCall,
  type MarkerErrand,
  type MarkersWrittenCall,
  type ProducerAnswer,
  refused,
} from './requests.ts'
import {
  bumpsEpochs,
  completed,
  decided,
  fenced,
  isDecided,
  isExhausted,
  MAX_EPOCH,
  NO_PRODUCER_ID,
  type Transaction,
  without,
} from './transaction.ts'
import type { Turn } from './turn.ts'

const LEGACY_VERSION = 0

export function endTransaction(turn: Turn, requestId: number, call: EndTransactionCall): void {
  const transaction = turn.store.get(call.transactionalId)
  const end = bumpsEpochs(call.transactionVersion) ? endWithEpochBump : endLegacy
  turn.complete(requestId, transaction ? end(turn, transaction, call) : refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING))
}

/** Transaction versions 0 and 1: the epoch stays, and whoever asks for the same end again is told that it is so. */
function endLegacy(turn: Turn, transaction: Transaction, call: EndTransactionCall): ProducerAnswer {
  const { isCommit } = call
  if (transaction.producerId !== call.producerId) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (transaction.producerEpoch !== call.producerEpoch) return refused(ErrorCode.PRODUCER_FENCED)
  if (isDecided(transaction)) return refused(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (transaction.state === 'Ongoing') {
    const unwritable = turn.checkWritable({ ...transaction, clientTransactionVersion: LEGACY_VERSION })
    if (unwritable !== ErrorCode.NONE) return refused(unwritable)
    decide(turn, transaction, isCommit, LEGACY_VERSION, NO_PRODUCER_ID)
    return refused(ErrorCode.NONE)
  }
  const isSame = transaction.state === (isCommit ? 'CompleteCommit' : 'CompleteAbort')
  return refused(isSame ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE)
}

/**
 * Transaction version 2: each end gives the next epoch, so that a repeated request is known by the epoch before. A client
 * that does not know whether anything was begun may abort nothing.
 */
function endWithEpochBump(turn: Turn, transaction: Transaction, call: EndTransactionCall): ProducerAnswer {
  const { isCommit, producerEpoch } = call
  const { state } = transaction
  // Before the ids are looked at: the producer may know of the next one already.
  if (isDecided(transaction)) return refused(ErrorCode.CONCURRENT_TRANSACTIONS)
  const isRetryAfterLastEpoch =
    transaction.previousProducerId === call.producerId &&
    producerEpoch === MAX_EPOCH - 1 &&
    transaction.producerEpoch === 0
  if (transaction.producerId !== call.producerId && !isRetryAfterLastEpoch)
    return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const isRetry = transaction.producerEpoch === producerEpoch + 1 || isRetryAfterLastEpoch
  const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort'
  if (transaction.producerEpoch !== producerEpoch && !(isComplete && isRetry)) return refused(ErrorCode.PRODUCER_FENCED)
  if (isComplete && isRetry) {
    const isSame = state === (isCommit ? 'CompleteCommit' : 'CompleteAbort')
    if (!isSame) return refused(ErrorCode.INVALID_TXN_STATE)
    return answer(transaction)
  }
  if (state !== 'Ongoing' && isCommit) return refused(ErrorCode.INVALID_TXN_STATE)
  const unwritable = turn.checkWritable({ ...transaction, clientTransactionVersion: call.transactionVersion })
  if (unwritable !== ErrorCode.NONE) return refused(unwritable)
  const nextProducerId = idAfter(turn, transaction)
  if (nextProducerId === null) return refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  const next = decide(turn, transaction, isCommit, call.transactionVersion, nextProducerId)
  return answer(completed(next, turn.now.wallMs))
}

function answer({ producerId, producerEpoch }: Transaction): ProducerAnswer {
  return { errorCode: ErrorCode.NONE, producerId, producerEpoch }
}

/** Another one where the epochs of this one are used up, else NO_PRODUCER_ID; null: none is at hand. */
function idAfter(turn: Turn, { producerEpoch }: Transaction): number | null {
  return isExhausted(producerEpoch) ? turn.store.options.takeProducerId() : NO_PRODUCER_ID
}

/** Of an ongoing transaction: nobody who takes part in it gets any further. Returns an error code. */
export function abortByCoordinator(turn: Turn, transaction: Transaction): number {
  // It has become too large since: max.message.bytes was lowered.
  const version = turn.store.options.transactionVersion()
  const unwritable = turn.checkWritable({ ...transaction, clientTransactionVersion: version })
  if (unwritable !== ErrorCode.NONE) return unwritable
  if (!bumpsEpochs(version)) {
    decide(turn, fenced(transaction), false, LEGACY_VERSION, NO_PRODUCER_ID)
    return ErrorCode.NONE
  }
  const nextProducerId = idAfter(turn, transaction)
  if (nextProducerId === null) return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
  decide(turn, transaction, false, version, nextProducerId)
  return ErrorCode.NONE
}

function decide(
  turn: Turn,
  transaction: Transaction,
  isCommit: boolean,
  transactionVersion: number,
  nextProducerId: number,
): Transaction {
  const next = decided(transaction, isCommit, transactionVersion, nextProducerId, turn.now.wallMs)
  turn.put(next)
  finish(turn, next)
  return next
}

/** What was decided is told to the partitions; with none the transaction is complete. */
export function finish(turn: Turn, transaction: Transaction): void {
  if (transaction.partitions.size > 0) turn.send(markersOf(transaction))
  else turn.put(completed(transaction, turn.now.wallMs))
}

function markersOf(transaction: Transaction): MarkerErrand {
  const { transactionalId, producerId, producerEpoch, state, clientTransactionVersion, partitions } = transaction
  return {
    transactionalId,
    producerId,
    producerEpoch,
    isCommit: state === 'PrepareCommit',
    transactionVersion: clientTransactionVersion,
    partitions,
  }
}

/** With the last marker the transaction is complete. What comes from another decision, or too late, changes nothing. */
export function markersWritten(turn: Turn, requestId: number, call: MarkersWrittenCall): void {
  turn.complete(requestId, { errorCode: ErrorCode.NONE })
  const transaction = turn.store.get(call.transactionalId)
  if (!transaction || !isDecided(transaction)) return
  if (transaction.producerId !== call.producerId || transaction.producerEpoch !== call.producerEpoch) return
  const partitions = without(transaction.partitions, call.partitions)
  // Which partitions are left is not written down: after a restart all of them are told again.
  if (partitions.size > 0) turn.store.put({ ...transaction, partitions })
  else turn.put(completed(transaction, turn.now.wallMs))
}
