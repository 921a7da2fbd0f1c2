/**
 * One share partition: which records of a partition a share group has in hand, and who of its members has them (KIP-932).
 * Pure: time is passed in, and what has to be written is handed out; loaded-share-partition.ts reads, writes and waits.
 * The records are in its window, share-window.ts.
 */
import type { StateBatch } from '../coordinator/share/state-batches.ts'
import { type AcknowledgementBatch, acknowledge } from './acknowledge.ts'
import { type AcquiredRecords, type AcquireRequest, Acquisition } from './acquire.ts'
import { type Expired, type InFlight, isTerminal, RecordState } from './in-flight.ts'
import { type ShareLimits, ShareWindow, type StoredState } from './share-window.ts'

/** What has to be written before anybody is told; `settle` is to be called with what became of it. */
export interface StateChange {
  readonly stateEpoch: number
  readonly startOffset: number
  readonly deliveryCompleteCount: number
  readonly stateBatches: readonly StateBatch[]
  /** Empty if the change cannot be taken back: locks that have run out. */
  readonly parts: readonly InFlight[]
}

export class SharePartition {
  readonly window: ShareWindow
  readonly stateEpoch: number
  /** Records whose locks have run out, since the start. */
  lockTimeouts = 0

  /** Throws if the state makes no sense. */
  constructor(stored: StoredState, limits: () => ShareLimits) {
    this.window = new ShareWindow(stored, limits)
    this.stateEpoch = stored.stateEpoch
  }

  // ------------------------------------------------------------------------------------------------ handing them out

  get canAcquire(): boolean {
    return this.window.canAcquire
  }

  /** Where to read next. */
  nextFetchOffset(): number {
    return this.window.nextFetchOffset()
  }

  /** Records before it have been deleted from the log. */
  onLogStartMoved(logStartOffset: number): void {
    this.window.onLogStartMoved(logStartOffset)
  }

  acquire(request: AcquireRequest, nowMs: number): AcquiredRecords[] {
    const acquired = new Acquisition(this.window, request, nowMs).run()
    // What of it was done with at once, as records of aborted transactions are, must not stay in the way.
    this.window.moveStart()
    return acquired
  }

  // ------------------------------------------------------------------------------------------------- giving them back

  /** null: nothing is to be written. Throws an ApiError if anything of it can't be; then nothing has changed. */
  acknowledge(memberId: string, acknowledged: readonly AcknowledgementBatch[], nowMs: number): StateChange | null {
    return this.#change(parts => acknowledge(this.window, memberId, acknowledged, parts, nowMs))
  }

  /** The member is gone: others may have what it had. */
  release(memberId: string): StateChange | null {
    return this.#change(parts => {
      const { deliveryCountLimit } = this.window.limits()
      for (const batch of this.window.batches) {
        if (!batch.isSplit && batch.only.memberId === memberId && this.window.startsWithin(batch))
          batch.split(this.window.locks)
        for (const part of batch.parts) {
          if (part.state !== RecordState.ACQUIRED || part.memberId !== memberId) continue
          part.beginGiving(this.#freedState(part), deliveryCountLimit)
          this.window.countDone(part)
          parts.push(part)
        }
      }
    })
  }

  /** Locks that have run out by now. What they held is free from here on, whether that can be written or not. */
  expire(nowMs: number): StateChange | null {
    const expired: Expired = []
    this.window.locks.fireDue(nowMs, expired)
    const { deliveryCountLimit } = this.window.limits()
    const given: InFlight[] = []
    for (const part of expired) {
      this.lockTimeouts += part.size
      for (const freed of this.#beyondStart(part)) {
        if (!freed.give(this.#freedState(freed), deliveryCountLimit)) {
          freed.onLockExpired()
          continue
        }
        freed.unlock(this.window.locks)
        if (freed.state === RecordState.AVAILABLE) this.window.mayHaveFree = true
        this.window.countDone(freed)
        given.push(freed)
      }
    }
    return given.length > 0 ? { ...this.#stateChange(given), parts: [] } : null
  }

  nextDeadlineMs(): number {
    return this.window.locks.nextDeadlineMs()
  }

  /** Of a batch that the log's start has come into the offsets have come to different ends. */
  #beyondStart(part: InFlight): readonly InFlight[] {
    const batch = this.window.batches.floor(part.firstOffset)
    if (!batch || batch.isSplit || batch.only !== part || part.state !== RecordState.ACQUIRED) return [part]
    if (!this.window.startsWithin(batch)) return [part]
    batch.split(this.window.locks)
    return batch.parts
  }

  #freedState({ lastOffset }: InFlight): RecordState {
    return lastOffset < this.window.startOffset ? RecordState.ARCHIVED : RecordState.AVAILABLE
  }

  #change(make: (parts: InFlight[]) => void): StateChange | null {
    const parts: InFlight[] = []
    try {
      make(parts)
    } catch (error) {
      this.#end(parts, false)
      throw error
    }
    return parts.length > 0 ? this.#stateChange(parts) : null
  }

  #stateChange(parts: readonly InFlight[]): StateChange {
    return {
      stateEpoch: this.stateEpoch,
      startOffset: this.window.startOffset,
      deliveryCompleteCount: this.window.deliveryCompleteCount,
      stateBatches: parts.map(({ firstOffset, lastOffset, state, deliveryCount }) => ({
        firstOffset,
        lastOffset,
        deliveryState: state,
        deliveryCount,
      })),
      parts,
    }
  }

  /** What became of a change: it is written, or it is as if it had never been. Whether others may now have more. */
  settle(change: StateChange, isWritten: boolean): boolean {
    this.#end(change.parts, isWritten)
    const isLasting = isWritten || change.parts.length === 0
    return isLasting && this.window.moveStart()
  }

  #end(parts: readonly InFlight[], isWritten: boolean): void {
    for (const part of parts.flatMap(part => part.parts)) {
      const wasDone = isTerminal(part.state)
      part.endGiving(isWritten, this.window.locks)
      if (part.state === RecordState.AVAILABLE && part.lastOffset < this.window.startOffset)
        part.archive(this.window.locks)
      if (part.state === RecordState.AVAILABLE) this.window.mayHaveFree = true
      if (wasDone && !isTerminal(part.state)) this.window.deliveryCompleteCount -= this.window.sizeBeyondStart(part)
    }
  }
}
