/**
 * A coordinator's log in memory, whose replication is in the test's hands: batches are committed at once, or when the
 * test says so, or never.
 */

import { LogError } from '@ottla/log'
import { encodeEndTxnMarker, setBaseOffset, verifyBatch } from '@ottla/protocol'
import type { CoordinatorLog, EndOfTransaction, LogChunk, TransactionalProducer } from '../coordinator-log.ts'

interface StoredBatch {
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly nextOffset: number
}

interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class MemoryCoordinatorLog implements CoordinatorLog {
  readonly startOffset = 0
  maxBatchBytes = 1_000_000
  /** False: batches are committed by `commit` only. */
  commitsAtOnce = true
  /** What the next append throws. */
  nextAppendError: Error | null = null
  /** Epochs below this one are refused, of any producer. */
  lowestEpoch = 0
  readonly #batches: StoredBatch[] = []
  #waiters: Waiter[] = []
  #committedOffset = 0

  /** The first `count` batches of another, as after a crash. */
  static upTo(other: MemoryCoordinatorLog, count: number): MemoryCoordinatorLog {
    const log = new MemoryCoordinatorLog()
    log.#batches.push(...other.#batches.slice(0, count))
    log.#committedOffset = log.endOffset
    return log
  }

  get endOffset(): number {
    return this.#batches.at(-1)?.nextOffset ?? 0
  }

  get batches(): readonly StoredBatch[] {
    return this.#batches
  }

  read(offset: number, maxBytes: number): Promise<LogChunk> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    let nextOffset = offset
    for (const batch of this.#batches.filter(batch => batch.nextOffset > offset)) {
      if (chunks.length > 0 && bytes + batch.bytes.length > maxBytes) break
      chunks.push(batch.bytes)
      bytes += batch.bytes.length
      nextOffset = batch.nextOffset
    }
    return Promise.resolve({ chunks, nextOffset })
  }

  append(batch: Uint8Array): number {
    const error = this.nextAppendError
    this.nextAppendError = null
    if (error) throw error
    const { lastOffsetDelta } = verifyBatch(batch)
    const baseOffset = this.endOffset
    const bytes = Uint8Array.from(batch)
    setBaseOffset(bytes, 0, baseOffset)
    this.#batches.push({ bytes, baseOffset, nextOffset: baseOffset + lastOffsetDelta + 1 })
    if (this.commitsAtOnce) this.commit()
    return baseOffset
  }

  checkProducer({ producerId, producerEpoch }: TransactionalProducer): void {
    if (producerEpoch < this.lowestEpoch) throw new LogError('INVALID_PRODUCER_EPOCH', `producer ${producerId}`)
  }

  endTransaction({ isCommit, producerId, producerEpoch, coordinatorEpoch }: EndOfTransaction): number {
    if (producerEpoch < this.lowestEpoch) throw new LogError('INVALID_PRODUCER_EPOCH', `producer ${producerId}`)
    const options = { timestamp: 0, producerId, producerEpoch, coordinatorEpoch }
    return this.append(encodeEndTxnMarker(isCommit ? 'COMMIT' : 'ABORT', options))
  }

  whenCommitted(offset: number): Promise<void> {
    if (offset <= this.#committedOffset) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ offset, resolve, reject }))
  }

  /** The high watermark reaches the end. */
  commit(): void {
    this.#committedOffset = this.endOffset
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  /** What was appended will not be committed any more, as far as anybody knows. */
  fail(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }
}
