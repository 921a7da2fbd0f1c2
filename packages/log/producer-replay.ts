/** Brings producer state up to date with batches that are in the log already: recovery, truncation, replication. */
import { type BatchHeader, lastSequence } from '@ottla/protocol'
import { readMarker } from './append-check.ts'
import type { CompletedTransaction, ProducerAppend, ProducerBatch } from './producer-append.ts'
import type { ProducerState } from './producer-state.ts'

export function producerBatch(header: BatchHeader): ProducerBatch {
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: lastSequence(header),
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    maxTimestamp: header.maxTimestamp,
    isTransactional: header.isTransactional,
  }
}

/** What one batch does to its producer; the result is a transaction that it ended. */
export function applyBatch(
  append: ProducerAppend,
  header: BatchHeader,
  bytes: Uint8Array,
  transactionVersion: number,
): CompletedTransaction | null {
  if (!header.isControl) {
    append.appendData(producerBatch(header))
    return null
  }
  const marker = readMarker(bytes, header)
  return marker && append.appendMarker(marker, producerBatch(header), transactionVersion)
}

/**
 * As a follower would take it. `onAborted` hears of a transaction that was aborted, and of the last stable offset after
 * that, for the transaction index.
 */
export function replayBatch(
  state: ProducerState,
  header: BatchHeader,
  bytes: Uint8Array,
  onAborted?: (transaction: CompletedTransaction, lastStableOffset: number) => void,
): void {
  if (header.producerId >= 0) {
    const append = state.prepare(header.producerId, 'replication')
    const completed = applyBatch(append, header, bytes, 0)
    state.update(append)
    if (completed) {
      if (completed.isAborted) onAborted?.(completed, state.lastStableOffsetAfter(completed))
      state.complete(completed)
    }
  }
  state.endOffset = header.lastOffset + 1
}
