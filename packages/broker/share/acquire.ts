/**
 * Hands records that were read from the log to a member: first those that are free again, then new ones. Batches of the log
 * are not cut, so that a member may get more than it asked for, unless it insists (KIP-1206). Records that come back for
 * the last times are handed out in ever smaller numbers, the last time alone: one that can't be processed shall not
 * take others with it.
 */
import { InFlight, InFlightBatch, RecordState } from './in-flight.ts'
import type { ShareWindow } from './share-window.ts'

/** A batch that was read from the log. */
export interface FetchedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Of a transaction that was aborted, where the group reads committed records only. */
  readonly isAborted: boolean
}

export interface AcquireRequest {
  readonly memberId: string
  /** Never more than `maxRecords`, though a batch be cut. */
  readonly isRecordLimit: boolean
  /** About how many offsets shall be one batch to be acknowledged. */
  readonly batchSize: number
  readonly maxRecords: number
  /** Where was read from: it may be that there is nothing until the first batch. */
  readonly fetchOffset: number
  /** In order. */
  readonly batches: readonly FetchedBatch[]
}

export interface AcquiredRecords {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly deliveryCount: number
}

const LEAST_THROTTLED_COUNT = 2

export class Acquisition {
  readonly #window: ShareWindow
  readonly #request: AcquireRequest
  readonly #lockedUntilMs: number
  readonly #deliveryCountLimit: number
  /** From this count on a record is delivered with fewer others. */
  readonly #throttledCount: number
  readonly #acquired: AcquiredRecords[] = []
  #left = 0
  #lastOffset = -1

  constructor(window: ShareWindow, request: AcquireRequest, nowMs: number) {
    const { deliveryCountLimit, recordLockDurationMs } = window.limits()
    this.#window = window
    this.#request = request
    this.#lockedUntilMs = nowMs + recordLockDurationMs
    this.#deliveryCountLimit = deliveryCountLimit
    this.#throttledCount = Math.max(LEAST_THROTTLED_COUNT, Math.ceil(deliveryCountLimit / 2))
  }

  run(): AcquiredRecords[] {
    const { batches, fetchOffset } = this.#request
    const window = this.#window
    const first = batches[0]
    const last = batches.at(-1)
    if (!first || !last || last.lastOffset < window.startOffset || !this.#setLimits(last.lastOffset)) return []
    window.archiveMissing(fetchOffset, first.baseOffset)
    const baseOffset = this.#baseOffset(first.baseOffset)
    const known = window.batches.between(Math.min(first.baseOffset, baseOffset), this.#lastOffset)
    if (known.length === 0) {
      this.#acquireNew(baseOffset, this.#lastOffset)
      return this.#withoutAborted()
    }
    this.#acquireAmong(known, baseOffset, first.baseOffset)
    const next = known.at(-1)!.lastOffset + 1
    if (this.#left > 0 && next <= this.#lastOffset) this.#acquireNew(next, this.#lastOffset)
    const end = this.#acquired.at(-1)
    if (end) window.raiseGapStart(end.lastOffset + 1)
    return this.#withoutAborted()
  }

  /** How many may be handed out, and up to where; false: none. */
  #setLimits(lastFetchedOffset: number): boolean {
    const { maxRecords, fetchOffset } = this.#request
    const { inFlightCount, endOffset, limits } = this.#window
    this.#lastOffset = lastFetchedOffset
    this.#left = Math.min(maxRecords, limits().maxRecordLocks - inFlightCount)
    if (this.#left > 0) return true
    // There is room for nothing new, but what is in flight and free can be had.
    if (maxRecords <= 0 || fetchOffset > endOffset) return false
    this.#left = Math.min(maxRecords, endOffset - fetchOffset + 1)
    this.#lastOffset = Math.min(lastFetchedOffset, endOffset)
    return true
  }

  #baseOffset(firstFetchedOffset: number): number {
    const { batches, startOffset } = this.#window
    const floor = batches.floor(firstFetchedOffset)
    if (floor && floor.lastOffset >= firstFetchedOffset) return floor.firstOffset
    return Math.max(firstFetchedOffset, startOffset)
  }

  #acquireAmong(known: readonly InFlightBatch[], baseOffset: number, fetchedOffset: number): void {
    let gapStartOffset = Math.max(baseOffset, this.#window.startOffset)
    for (const batch of known) {
      if (this.#left <= 0) break
      if (this.#window.gapStartOffset !== null) {
        if (gapStartOffset < batch.firstOffset) this.#acquireNew(gapStartOffset, batch.firstOffset - 1)
        gapStartOffset = Math.max(gapStartOffset, batch.lastOffset + 1)
        if (this.#left <= 0) break
      }
      const isThrottled = this.#isThrottled(batch, fetchedOffset)
      if (isThrottled && this.#acquired.length > 0) {
        this.#left = 0
        break
      }
      const before = this.#acquired.length
      this.#acquireFree(batch, fetchedOffset, isThrottled)
      if (isThrottled && this.#acquired.length > before) {
        this.#left = 0
        break
      }
    }
  }

  #acquireFree(batch: InFlightBatch, fetchedOffset: number, isThrottled: boolean): void {
    const isWhole = batch.lies(fetchedOffset, this.#lastOffset) && !batch.isSplit
    const isTooMuch = this.#request.isRecordLimit && batch.size > this.#left
    if (!batch.isSplit && !batch.only.isFree) return
    if (isWhole && !isTooMuch && !isThrottled) {
      this.#take(batch.only)
      this.#add(batch.firstOffset, batch.lastOffset, batch.only.deliveryCount)
      return
    }
    batch.split(this.#window.locks)
    this.#acquireParts(batch, fetchedOffset)
  }

  #isThrottled(batch: InFlightBatch, fetchedOffset: number): boolean {
    return batch
      .partsWithin(fetchedOffset, this.#lastOffset)
      .some(part => part.isFree && part.deliveryCount >= this.#throttledCount)
  }

  #acquireParts(batch: InFlightBatch, fetchedOffset: number): void {
    const { isRecordLimit } = this.#request
    const limit = this.#deliveryCountLimit
    const isLastAlone = limit > 2
    /** Counted from the batch's size; what is over it already when the first such record comes is not held back. */
    let throttledSize = -1
    const taken: InFlight[] = []
    for (const part of batch.partsWithin(fetchedOffset, this.#lastOffset)) {
      if (!part.isFree) continue
      const { deliveryCount } = part
      if (isLastAlone && deliveryCount === limit - 1 && taken.length > 0) break
      if (throttledSize < 0 && deliveryCount >= this.#throttledCount) {
        throttledSize = Math.max(1, batch.size >> (deliveryCount - this.#throttledCount + 1))
      }
      this.#take(part)
      taken.push(part)
      if (isLastAlone && part.deliveryCount === limit) break
      if (taken.length === throttledSize || (isRecordLimit && taken.length === this.#left)) break
    }
    this.#addRuns(taken)
  }

  #take(part: InFlight): void {
    part.acquire(this.#request.memberId)
    part.lock(this.#lockedUntilMs, this.#window.locks)
  }

  #addRuns(parts: readonly InFlight[]): void {
    let from = 0
    for (let i = 1; i <= parts.length; i++) {
      const previous = parts[i - 1]!
      const next = parts[i]
      const isOn = next?.firstOffset === previous.lastOffset + 1 && next.deliveryCount === previous.deliveryCount
      if (isOn) continue
      this.#add(parts[from]!.firstOffset, previous.lastOffset, previous.deliveryCount)
      from = i
    }
  }

  #add(firstOffset: number, lastOffset: number, deliveryCount: number): void {
    this.#acquired.push({ firstOffset, lastOffset, deliveryCount })
    this.#left -= lastOffset - firstOffset + 1
  }

  // ------------------------------------------------------------------------------------------------------ new ones

  #acquireNew(from: number, to: number): void {
    const window = this.#window
    const { isRecordLimit } = this.#request
    const maxRecords = this.#left
    const firstOffset = window.batches.size === 0 ? Math.max(from, window.endOffset) : from
    let lastOffset = to
    if (maxRecords < to - firstOffset + 1) {
      lastOffset = this.#endOfBatch(firstOffset + maxRecords - 1)
      if (window.gapStartOffset !== null) lastOffset = Math.min(lastOffset, to)
    }
    const isCut = isRecordLimit && lastOffset - firstOffset + 1 > maxRecords
    if (isCut) this.#putCut(firstOffset, firstOffset + maxRecords - 1, lastOffset)
    else for (const [first, last] of this.#runs(firstOffset, lastOffset)) this.#put(first, last)
    window.extend(firstOffset, lastOffset)
    window.raiseGapStart((isCut ? firstOffset + maxRecords - 1 : lastOffset) + 1)
  }

  /** Of the batch in the log that has the offset. */
  #endOfBatch(offset: number): number {
    const { batches } = this.#request
    const batch = batches.findLast(({ baseOffset }) => baseOffset <= offset)
    return batch && offset <= batch.lastOffset ? batch.lastOffset : offset
  }

  /** Of about `batchSize` offsets, with their ends at the ends of batches of the log. */
  *#runs(firstOffset: number, lastOffset: number): Generator<[number, number]> {
    const { batches, batchSize, isRecordLimit } = this.#request
    let from = firstOffset
    if (!isRecordLimit && lastOffset - firstOffset + 1 > batchSize) {
      for (const { baseOffset } of batches) {
        if (baseOffset > lastOffset) break
        if (baseOffset - from < batchSize) continue
        yield [from, baseOffset - 1]
        from = baseOffset
      }
    }
    yield [from, lastOffset]
  }

  #put(firstOffset: number, lastOffset: number): void {
    const whole = new InFlight(firstOffset, lastOffset, RecordState.ACQUIRED, 1, this.#request.memberId)
    whole.lock(this.#lockedUntilMs, this.#window.locks)
    this.#window.batches.put(InFlightBatch.whole(whole))
    this.#add(firstOffset, lastOffset, 1)
  }

  /** What is over is in flight, too, and free. */
  #putCut(firstOffset: number, lastAcquiredOffset: number, lastOffset: number): void {
    const { locks, batches } = this.#window
    const parts = Array.from({ length: lastOffset - firstOffset + 1 }, (_, i) => {
      const offset = firstOffset + i
      if (offset > lastAcquiredOffset) return new InFlight(offset, offset, RecordState.AVAILABLE, 0, '')
      const part = new InFlight(offset, offset, RecordState.ACQUIRED, 1, this.#request.memberId)
      part.lock(this.#lockedUntilMs, locks)
      return part
    })
    this.#window.mayHaveFree = true
    batches.put(new InFlightBatch(parts, true))
    this.#add(firstOffset, lastAcquiredOffset, 1)
  }

  // ------------------------------------------------------------------------------------------- aborted transactions

  /** They are done with at once. It is not written: whoever reads them again finds the same. */
  #withoutAborted(): AcquiredRecords[] {
    let acquired = this.#acquired
    for (const { baseOffset, lastOffset, isAborted } of this.#request.batches) {
      if (!isAborted || acquired.length === 0) continue
      const { batches } = this.#window
      const floor = batches.floor(baseOffset)
      const found = batches.between(floor?.firstOffset ?? baseOffset, lastOffset)
      this.#window.deliveryCompleteCount += this.#window.archive(baseOffset, lastOffset, found, RecordState.ACQUIRED)
      acquired = acquired.flatMap(records => without(records, baseOffset, lastOffset))
    }
    return acquired
  }
}

function without(records: AcquiredRecords, firstOffset: number, lastOffset: number): AcquiredRecords[] {
  if (records.lastOffset < firstOffset || records.firstOffset > lastOffset) return [records]
  const before = { ...records, lastOffset: firstOffset - 1 }
  const after = { ...records, firstOffset: lastOffset + 1 }
  return [before, after].filter(part => part.firstOffset <= part.lastOffset)
}
