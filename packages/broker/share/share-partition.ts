/**
 * One share partition: which records of a partition a share group has in hand, and who of its members has them (KIP-932).
 * Pure: time is passed in, and what has to be written is handed out; manager.ts reads, writes and waits.
 *
 *     startOffset ─ all before it is done ─┐   records in flight    ┌─ endOffset: nobody has had any after it
 *     ─────────────────────────────────────┴────────────────────────┴───────────────────────────────────────
 */
import { Timers } from '../coordinator/group/timers.ts'
import type { StateBatch } from '../coordinator/share/state-batches.ts'
import { type AcknowledgementBatch, acknowledge } from './acknowledge.ts'
import { type AcquiredRecords, type AcquireRequest, Acquisition } from './acquire.ts'
import { type Expired, InFlight, InFlightBatch, isTerminal, NOBODY, RecordState } from './in-flight.ts'
import { InFlightBatches } from './in-flight-batches.ts'

/** What the group goes by, which may change at any time. */
export interface ShareLimits {
  /** share.delivery.count.limit */
  readonly deliveryCountLimit: number
  /** share.partition.max.record.locks */
  readonly maxRecordLocks: number
  /** share.record.lock.duration.ms */
  readonly recordLockDurationMs: number
  /** share.renew.acknowledge.enable */
  readonly isRenewEnabled: boolean
}

/** As it was written last. */
export interface StoredState {
  readonly stateEpoch: number
  /** Where the group begins; known, other than in the coordinator. */
  readonly startOffset: number
  readonly stateBatches: readonly StateBatch[]
}

/** What has to be written before anybody is told; `settle` is to be called with what became of it. */
export interface StateChange {
  readonly stateEpoch: number
  readonly startOffset: number
  readonly deliveryCompleteCount: number
  readonly stateBatches: readonly StateBatch[]
  /** Empty if the change cannot be taken back: locks that have run out. */
  readonly parts: readonly InFlight[]
}

/** Offsets that were not in flight when the state was written, between others that were. */
interface Gap {
  readonly endOffset: number
  startOffset: number
}

export class SharePartition {
  readonly limits: () => ShareLimits
  readonly batches = new InFlightBatches()
  readonly locks = new Timers<Expired>()
  readonly stateEpoch: number
  #startOffset: number
  #endOffset: number
  /** How many between the two are acknowledged or archived. */
  deliveryCompleteCount = 0
  /** Records whose locks have run out, since the start. */
  lockTimeouts = 0
  /** Something before the end may be free again: it has to be looked for. */
  mayHaveFree = false
  #gap: Gap | null = null

  /** Throws if the state makes no sense. */
  constructor(stored: StoredState, limits: () => ShareLimits) {
    this.limits = limits
    this.stateEpoch = stored.stateEpoch
    this.#startOffset = stored.startOffset
    this.#endOffset = stored.startOffset
    this.#restore(stored.stateBatches)
  }

  #restore(stateBatches: readonly StateBatch[]): void {
    let gapStartOffset = -1
    let nextOffset = this.#startOffset
    for (const { firstOffset, lastOffset, deliveryState, deliveryCount } of stateBatches) {
      if (firstOffset < this.#startOffset || lastOffset < firstOffset || !isRecordState(deliveryState)) {
        throw new Error(`the state of a share partition has a batch ${firstOffset}-${lastOffset}:${deliveryState}`)
      }
      if (gapStartOffset === -1 && firstOffset > nextOffset) gapStartOffset = nextOffset
      nextOffset = lastOffset + 1
      const whole = new InFlight(firstOffset, lastOffset, deliveryState, deliveryCount, NOBODY)
      this.batches.put(InFlightBatch.whole(whole))
      if (isTerminal(deliveryState)) this.deliveryCompleteCount += whole.size
    }
    if (this.batches.size === 0) return
    this.mayHaveFree = true
    this.#endOffset = this.batches.last!.lastOffset
    if (gapStartOffset !== -1) this.#gap = { endOffset: this.#endOffset, startOffset: gapStartOffset }
    this.#moveStart()
  }

  // -------------------------------------------------------------------------------------------------------- reading

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get inFlightCount(): number {
    return this.batches.size === 0 ? 0 : this.#endOffset - this.#startOffset + 1
  }

  /** What was not in flight when the state was written has not been handed out since either; null: all of it has. */
  get gapStartOffset(): number | null {
    return this.#gap?.endOffset === this.#endOffset ? this.#gap.startOffset : null
  }

  /** Where to read next. */
  nextFetchOffset(): number {
    const hasNone = this.batches.size === 0 || this.#startOffset > this.batches.last!.lastOffset
    if (this.mayHaveFree && !hasNone) {
      const free = this.#firstFree()
      if (free !== null) return free
    }
    this.mayHaveFree = false
    return hasNone ? this.#endOffset : this.#endOffset + 1
  }

  #firstFree(): number | null {
    let gapStartOffset = this.gapStartOffset
    for (const batch of this.batches) {
      if (gapStartOffset !== null) {
        if (batch.firstOffset > gapStartOffset) return gapStartOffset
        gapStartOffset = Math.max(batch.lastOffset + 1, gapStartOffset)
      }
      const free = batch.parts.find(part => part.isFree)
      if (free) return free.firstOffset
    }
    return null
  }

  get canAcquire(): boolean {
    return this.nextFetchOffset() !== this.#endOffset + 1 || this.inFlightCount < this.limits().maxRecordLocks
  }

  acquire(request: AcquireRequest, nowMs: number): AcquiredRecords[] {
    const acquired = new Acquisition(this, request, nowMs).run()
    // What of it was done with at once, as records of aborted transactions are, must not stay in the way.
    this.#moveStart()
    return acquired
  }

  /** New records have been handed out up to there. */
  extend(firstOffset: number, lastOffset: number): void {
    if (this.batches.first!.firstOffset === firstOffset) this.#startOffset = firstOffset
    this.#endOffset = Math.max(this.#endOffset, lastOffset)
  }

  /** Of the gap, everything before the offset has been handed out. */
  raiseGapStart(offset: number): void {
    const gap = this.#gap
    if (!gap) return
    if (gap.endOffset !== this.#endOffset || offset > gap.endOffset) this.#gap = null
    else gap.startOffset = Math.max(gap.startOffset, offset)
  }

  // ------------------------------------------------------------------------------------------------- giving them back

  /** null: nothing is to be written. Throws an ApiError if anything of it can't be; then nothing has changed. */
  acknowledge(memberId: string, acknowledged: readonly AcknowledgementBatch[], nowMs: number): StateChange | null {
    return this.#change(parts => acknowledge(this, memberId, acknowledged, parts, nowMs))
  }

  /** The member is gone: others may have what it had. */
  release(memberId: string): StateChange | null {
    return this.#change(parts => {
      const { deliveryCountLimit } = this.limits()
      for (const batch of this.batches) {
        if (!batch.isSplit && batch.only.memberId === memberId && this.#startsWithin(batch)) batch.split(this.locks)
        for (const part of batch.parts) {
          if (part.state !== RecordState.ACQUIRED || part.memberId !== memberId) continue
          part.beginGiving(this.#freedState(part), deliveryCountLimit)
          this.countDone(part)
          parts.push(part)
        }
      }
    })
  }

  /** Locks that have run out by now. What they held is free from here on, whether that can be written or not. */
  expire(nowMs: number): StateChange | null {
    const expired: Expired = []
    this.locks.fireDue(nowMs, expired)
    const { deliveryCountLimit } = this.limits()
    const given: InFlight[] = []
    for (const part of expired) {
      this.lockTimeouts += part.size
      for (const freed of this.#beyondStart(part)) {
        if (!freed.give(this.#freedState(freed), deliveryCountLimit)) {
          freed.onLockExpired()
          continue
        }
        freed.unlock(this.locks)
        if (freed.state === RecordState.AVAILABLE) this.mayHaveFree = true
        this.countDone(freed)
        given.push(freed)
      }
    }
    return given.length > 0 ? { ...this.#stateChange(given), parts: [] } : null
  }

  nextDeadlineMs(): number {
    return this.locks.nextDeadlineMs()
  }

  /** Of a batch that the log's start has come into the offsets have come to different ends. */
  #beyondStart(part: InFlight): readonly InFlight[] {
    const batch = this.batches.floor(part.firstOffset)
    if (!batch || batch.isSplit || batch.only !== part || part.state !== RecordState.ACQUIRED) return [part]
    if (!this.#startsWithin(batch)) return [part]
    batch.split(this.locks)
    return batch.parts
  }

  #freedState({ lastOffset }: InFlight): RecordState {
    return lastOffset < this.#startOffset ? RecordState.ARCHIVED : RecordState.AVAILABLE
  }

  #startsWithin({ firstOffset, lastOffset }: InFlightBatch): boolean {
    return firstOffset < this.#startOffset && lastOffset >= this.#startOffset
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
      startOffset: this.#startOffset,
      deliveryCompleteCount: this.deliveryCompleteCount,
      stateBatches: parts.map(({ firstOffset, lastOffset, state, deliveryCount }) => ({
        firstOffset,
        lastOffset,
        deliveryState: state,
        deliveryCount,
      })),
      parts,
    }
  }

  /** The part has just been given to no one any more, by acknowledgement or archiving. */
  countDone(part: InFlight): void {
    if (isTerminal(part.state)) this.deliveryCompleteCount += this.#sizeBeyondStart(part)
  }

  #sizeBeyondStart({ firstOffset, lastOffset }: InFlight): number {
    return Math.max(0, lastOffset - Math.max(this.#startOffset, firstOffset) + 1)
  }

  /** What became of a change: it is written, or it is as if it had never been. Whether others may now have more. */
  settle(change: StateChange, isWritten: boolean): boolean {
    this.#end(change.parts, isWritten)
    const isLasting = isWritten || change.parts.length === 0
    return isLasting && this.#moveStart()
  }

  #end(parts: readonly InFlight[], isWritten: boolean): void {
    for (const part of parts.flatMap(part => part.parts)) {
      const wasDone = isTerminal(part.state)
      part.endGiving(isWritten, this.locks)
      if (part.state === RecordState.AVAILABLE && part.lastOffset < this.#startOffset) part.archive(this.locks)
      if (part.state === RecordState.AVAILABLE) this.mayHaveFree = true
      if (wasDone && !isTerminal(part.state)) this.deliveryCompleteCount -= this.#sizeBeyondStart(part)
    }
  }

  // ------------------------------------------------------------------------------------------------ moving the start

  /** Past all at the beginning that is done; false: there is none. */
  #moveStart(): boolean {
    if (!this.#isStartDone) return false
    const { lastDoneOffset, doneCount } = this.#doneAtStart()
    if (lastDoneOffset === -1) return false
    if (lastDoneOffset === this.batches.last!.lastOffset) {
      this.#startOffset = Math.max(this.#startOffset, lastDoneOffset + 1)
      this.#endOffset = this.#startOffset
      this.#forget(this.batches.clear())
      this.deliveryCompleteCount = 0
      return true
    }
    const batch = this.batches.floor(lastDoneOffset)!
    const isWhole = batch.lastOffset === lastDoneOffset
    const nextOffset = isWhole ? this.batches.higher(lastDoneOffset)!.firstOffset : lastDoneOffset + 1
    this.#startOffset = Math.max(this.#startOffset, nextOffset)
    const { gapStartOffset } = this
    if (isWhole && gapStartOffset !== null) this.#startOffset = Math.min(gapStartOffset, this.#startOffset)
    this.deliveryCompleteCount -= doneCount
    this.#forget(this.batches.removeBefore(isWhole ? lastDoneOffset + 1 : batch.firstOffset))
    return true
  }

  get #isStartDone(): boolean {
    const batch = this.batches.floor(this.#startOffset)
    return batch !== undefined && (batch.partAt(this.#startOffset) ?? batch.parts.at(-1)!).isDone
  }

  /** The last offset before which, from the first batch on, everything is done; how much of it lies after the start. */
  #doneAtStart(): { lastDoneOffset: number; doneCount: number } {
    let lastDoneOffset = -1
    let doneCount = 0
    for (const batch of this.batches) {
      if (this.gapStartOffset !== null && batch.lastOffset >= this.gapStartOffset) break
      for (const part of batch.parts) {
        if (!part.isDone) return { lastDoneOffset, doneCount }
        lastDoneOffset = part.lastOffset
        doneCount += this.#sizeBeyondStart(part)
      }
    }
    return { lastDoneOffset, doneCount }
  }

  #forget(batches: readonly InFlightBatch[]): void {
    for (const batch of batches) batch.unlock(this.locks)
  }

  /** Records before it have been deleted from the log: those that nobody has are done. */
  onLogStartMoved(logStartOffset: number): void {
    if (this.#gap) this.#gap.startOffset = Math.max(this.#gap.startOffset, logStartOffset)
    if (logStartOffset > this.#startOffset) this.#startAtLeastAt(logStartOffset)
    // Those, too, that have only now come free.
    this.#archiveFree(0, this.#startOffset - 1, this.batches)
    this.#moveStart()
  }

  #startAtLeastAt(logStartOffset: number): void {
    if (this.batches.size === 0) {
      this.#startOffset = logStartOffset
      this.#endOffset = logStartOffset
      this.deliveryCompleteCount = 0
      return
    }
    const removedCount = this.#doneBetween(this.#startOffset, logStartOffset - 1)
    this.#archiveFree(this.#startOffset, logStartOffset - 1, this.batches)
    this.deliveryCompleteCount -= removedCount
    this.#startOffset = logStartOffset
    this.#endOffset = Math.max(this.#endOffset, logStartOffset)
  }

  #doneBetween(firstOffset: number, lastOffset: number): number {
    let count = 0
    for (const batch of this.batches) {
      for (const part of batch.parts) {
        if (!isTerminal(part.state)) continue
        count += Math.max(0, Math.min(lastOffset, part.lastOffset) - Math.max(firstOffset, part.firstOffset) + 1)
      }
    }
    return count
  }

  /** There are no records from `fetchOffset` up to where the log goes on. */
  archiveMissing(fetchOffset: number, nextOffset: number): void {
    if (this.batches.size === 0 || fetchOffset >= nextOffset) return
    const floor = this.batches.floor(fetchOffset)
    const from = floor && floor.lastOffset >= fetchOffset ? floor.firstOffset : fetchOffset
    const stale = this.batches.between(from, nextOffset - 1)
    this.deliveryCompleteCount += this.#archiveFree(fetchOffset, nextOffset - 1, stale)
  }

  #archiveFree(firstOffset: number, lastOffset: number, batches: Iterable<InFlightBatch>): number {
    const count = this.archive(firstOffset, lastOffset, batches, RecordState.AVAILABLE)
    if (count > 0) this.mayHaveFree = true
    return count
  }

  /** Those in `state`; returns how many offsets from the start on they are. It is not written: the log will say the same again. */
  archive(firstOffset: number, lastOffset: number, batches: Iterable<InFlightBatch>, state: RecordState): number {
    let count = 0
    for (const batch of batches) {
      if (batch.firstOffset > lastOffset) break
      if (batch.lastOffset < firstOffset) continue
      if (!batch.isSplit && !batch.lies(firstOffset, lastOffset)) {
        if (batch.only.state !== state) continue
        batch.split(this.locks)
      }
      for (const part of batch.partsWithin(firstOffset, lastOffset)) {
        if (part.state !== state) continue
        part.archive(this.locks)
        count += this.#sizeBeyondStart(part)
      }
    }
    return count
  }
}

function isRecordState(state: number): state is RecordState {
  return Object.values<number>(RecordState).includes(state)
}
