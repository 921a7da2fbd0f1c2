/**
 * What an append does to producers: found out before anything is changed, so that an append that is refused changes
 * nothing; and then made true.
 */
import { type BatchHeader, lastSequence, ProtocolError } from '@ottla/protocol'
import { asLogError } from './append-check.ts'
import type { CompletedTransaction, ProducerAppend } from './producer-append.ts'
import type { BatchSequence } from './producer-entry.ts'
import { applyBatch } from './producer-replay.ts'
import type { ProducerState } from './producer-state.ts'
import type { AppendOptions } from './types.ts'

export interface ProducerPlan {
  readonly appends: ReadonlyMap<number, ProducerAppend>
  readonly completed: readonly CompletedTransaction[]
}

export const NO_PLAN: ProducerPlan = { appends: new Map(), completed: [] }

/** Of the first of the batches that is in the log already; null: none is. */
export function findDuplicate(producers: ProducerState, headers: readonly BatchHeader[]): BatchSequence | null {
  for (const header of headers) {
    if (header.producerId < 0) continue
    const { producerId, producerEpoch, baseSequence } = header
    const earlier = producers.findDuplicate(producerId, producerEpoch, baseSequence, lastSequence(header))
    if (earlier) return earlier
  }
  return null
}

/** Throws a LogError where one of the batches is not its producer's next. */
export function planProducers(
  producers: ProducerState,
  headers: readonly BatchHeader[],
  bytes: Uint8Array,
  options: AppendOptions,
): ProducerPlan {
  try {
    return plan(producers, headers, bytes, options)
  } catch (error) {
    throw error instanceof ProtocolError ? asLogError(error) : error
  }
}

function plan(
  producers: ProducerState,
  headers: readonly BatchHeader[],
  bytes: Uint8Array,
  { origin, verificationGuard, transactionVersion = 0 }: AppendOptions,
): ProducerPlan {
  const appends = new Map<number, ProducerAppend>()
  const completed: CompletedTransaction[] = []
  for (const header of headers) {
    const { producerId, producerEpoch, isTransactional, isControl } = header
    if (producerId < 0) continue
    let append = appends.get(producerId)
    if (!append) {
      append = producers.prepare(producerId, origin)
      appends.set(producerId, append)
    }
    if (isTransactional && (origin === 'client' || origin === 'coordinator')) {
      producers.checkVerified(producerId, producerEpoch, isControl, verificationGuard)
    }
    const ended = applyBatch(append, header, bytes, transactionVersion)
    if (ended) completed.push(ended)
  }
  for (const { producerId, producerEpoch, isTransactional, isControl } of headers) {
    if (isTransactional) producers.endVerification(producerId, producerEpoch, isControl)
  }
  return { appends, completed }
}

/** `onAborted`: a transaction was, and where the last stable offset is then: for the transaction index. */
export function carryOut(
  { appends, completed }: ProducerPlan,
  producers: ProducerState,
  endOffset: number,
  onAborted: (transaction: CompletedTransaction, lastStableOffset: number) => void,
): void {
  for (const append of appends.values()) producers.update(append)
  for (const transaction of completed) {
    if (transaction.isAborted) onAborted(transaction, producers.lastStableOffsetAfter(transaction))
    producers.complete(transaction)
  }
  producers.endOffset = endOffset
}
