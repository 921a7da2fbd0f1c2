/** What a log knows about one producer: its epoch, its last five batches and its open transaction. */

/** A retry may repeat any of the requests that a producer may have in flight. */
export const BATCHES_KEPT = 5
export const NO_PRODUCER_ID = -1
export const NO_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_OFFSET = -1
const MAX_SEQUENCE = 0x7fffffff

export interface BatchSequence {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
}

/** Sequence numbers go round after 2^31 - 1. */
export function sequenceBefore(sequence: number, count: number): number {
  return sequence >= count ? sequence - count : MAX_SEQUENCE - (count - sequence) + 1
}

export function sequenceAfter(sequence: number, count: number): number {
  return sequence > MAX_SEQUENCE - count ? count - (MAX_SEQUENCE - sequence) - 1 : sequence + count
}

export class ProducerEntry {
  readonly producerId: number
  producerEpoch = NO_EPOCH
  coordinatorEpoch = -1
  lastTimestamp = -1
  /** -1: no open transaction. */
  currentTxnFirstOffset = NO_OFFSET
  /** Oldest first; of `producerEpoch` only. */
  batches: BatchSequence[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? NO_SEQUENCE
  }

  get lastDataOffset(): number {
    return this.batches.at(-1)?.lastOffset ?? NO_OFFSET
  }

  get lastOffsetDelta(): number {
    return this.batches.at(-1)?.offsetDelta ?? 0
  }

  setEpoch(epoch: number): void {
    if (epoch === this.producerEpoch) return
    this.producerEpoch = epoch
    this.batches = []
  }

  addBatch(epoch: number, batch: BatchSequence): void {
    this.setEpoch(epoch)
    if (this.batches.length === BATCHES_KEPT) this.batches.shift()
    this.batches.push(batch)
    this.lastTimestamp = batch.timestamp
  }

  /** The batch that has exactly these sequence numbers, in this epoch. */
  findDuplicate(epoch: number, firstSequence: number, lastSequence: number): BatchSequence | null {
    if (epoch !== this.producerEpoch) return null
    for (const batch of this.batches) {
      if (batch.lastSequence === lastSequence && sequenceBefore(lastSequence, batch.offsetDelta) === firstSequence) {
        return batch
      }
    }
    return null
  }

  isExpired(nowMs: number, expirationMs: number): boolean {
    return this.currentTxnFirstOffset === NO_OFFSET && nowMs - this.lastTimestamp >= expirationMs
  }

  /** Takes over what an append has found out. */
  update(next: ProducerEntry): void {
    this.setEpoch(next.producerEpoch)
    for (const batch of next.batches) {
      if (this.batches.length === BATCHES_KEPT) this.batches.shift()
      this.batches.push(batch)
    }
    this.coordinatorEpoch = next.coordinatorEpoch
    this.currentTxnFirstOffset = next.currentTxnFirstOffset
    this.lastTimestamp = next.lastTimestamp
  }
}
