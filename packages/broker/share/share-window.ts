/**
 * The records of a share partition that are in flight: between its start, before which all is done, and its end, after
 * which nobody has had any. Pure; who has what, and what is to be written of it, is share-partition.ts's.
 *
 *     startOffset ─ all before it is done ─┐   records in flight    ┌─ endOffset: nobody has had any after it
 *     ─────────────────────────────────────┴────────────────────────┴───────────────────────────────────────
 */
import { Timers } from '../coordinator/group/timers.ts'
import type { StateBatch } from '../coordinator/share/state-batches.ts'
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

/** Offsets that were not in flight when the state was written, between others that were. */
interface Gap {
  readonly endOffset: number
  startOffset: number
}

export class ShareWindow {
  readonly limits: () => ShareLimits
  readonly batches = new InFlightBatches()
  readonly locks = new Timers<Expired>()
  #startOffset: number
  #endOffset: number
  /** How many between the two are acknowledged or archived. */
  deliveryCompleteCount = 0
  /** Something before the end may be free again: it has to be looked for. */
  mayHaveFree = false
  #gap: Gap | null = null

  /** Throws if the state makes no sense. */
  constructor({ startOffset, stateBatches }: StoredState, limits: () => ShareLimits) {
    this.limits = limits
    this.#startOffset = startOffset
    this.#endOffset = startOffset
    this.#restore(stateBatches)
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
    this.moveStart()
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

  startsWithin({ firstOffset, lastOffset }: InFlightBatch): boolean {
    return firstOffset < this.#startOffset && lastOffset >= this.#startOffset
  }

  /** The part has just been given to no one any more, by acknowledgement or archiving. */
  countDone(part: InFlight): void {
    if (isTerminal(part.state)) this.deliveryCompleteCount += this.sizeBeyondStart(part)
  }

  sizeBeyondStart({ firstOffset, lastOffset }: InFlight): number {
    return Math.max(0, lastOffset - Math.max(this.#startOffset, firstOffset) + 1)
  }

  // ------------------------------------------------------------------------------------------------ moving the start

  /** Past all at the beginning that is done; false: there is none. */
  moveStart(): boolean {
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
        doneCount += this.sizeBeyondStart(part)
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
    this.moveStart()
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
        count += this.sizeBeyondStart(part)
      }
    }
    return count
  }
}

function isRecordState(state: number): state is RecordState {
  return Object.values<number>(RecordState).includes(state)
}
