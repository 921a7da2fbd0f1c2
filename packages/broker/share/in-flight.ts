/**
 * Records of a share partition between its start and its end, and what has become of them: one offset, or a run of
 * offsets that have shared everything so far.
 *
 *     available ──acquire──> acquired ──accept──> acknowledged
 *         ^                     │  └────reject, or delivered too often──> archived
 *         └──release, time out──┘
 *
 * What a member says takes effect at once, but holds only when it has been written: until then it can be taken back.
 */
import { Timer, type Timers } from '../coordinator/group/timers.ts'

/** As they are written; 3 is for later versions. */
export const RecordState = { AVAILABLE: 0, ACQUIRED: 1, ACKNOWLEDGED: 2, ARCHIVED: 4 } as const
export type RecordState = (typeof RecordState)[keyof typeof RecordState]

/** Whose locks have run out, in one turn. */
export type Expired = InFlight[]
export type Locks = Timers<Expired>

export const NOBODY = ''

export function isTerminal(state: RecordState): boolean {
  return state === RecordState.ACKNOWLEDGED || state === RecordState.ARCHIVED
}

export class InFlight {
  readonly firstOffset: number
  readonly lastOffset: number
  deliveryCount: number
  #state: RecordState
  #memberId: string
  /** Ends the time for which the member may keep it. */
  #lock: Timer<Expired> | null = null
  #hasLockExpired = false
  /** What it was before the change that is being written. */
  #before: { readonly state: RecordState; readonly memberId: string; readonly deliveryCountLimit: number } | null = null
  #isArchivedForGood = false
  #parts: readonly InFlight[] | null = null

  constructor(firstOffset: number, lastOffset: number, state: RecordState, deliveryCount: number, memberId: string) {
    this.firstOffset = firstOffset
    this.lastOffset = lastOffset
    this.deliveryCount = deliveryCount
    this.#state = state
    this.#memberId = memberId
  }

  get state(): RecordState {
    return this.#state
  }

  /** '' unless it is acquired. */
  get memberId(): string {
    return this.#memberId
  }

  get size(): number {
    return this.lastOffset - this.firstOffset + 1
  }

  get isChanging(): boolean {
    return this.#before !== null
  }

  get isFree(): boolean {
    return this.#state === RecordState.AVAILABLE && !this.isChanging
  }

  /** Nothing more will happen to it. */
  get isDone(): boolean {
    return isTerminal(this.#state) && !this.isChanging
  }

  /** On the clock of the deadlines; Infinity if it is not locked. */
  get lockedUntilMs(): number {
    return this.#lock?.deadlineMs ?? Number.POSITIVE_INFINITY
  }

  /** Its offsets one by one, which take its place. */
  split(locks: Locks): readonly InFlight[] {
    this.#parts = Array.from({ length: this.size }, (_, i) => {
      const offset = this.firstOffset + i
      const part = new InFlight(offset, offset, this.#state, this.deliveryCount, this.#memberId)
      if (this.#lock) part.lock(this.lockedUntilMs, locks)
      part.#before = this.#before
      part.#hasLockExpired = this.#hasLockExpired
      return part
    })
    this.unlock(locks)
    return this.#parts
  }

  /** What has taken its place, or itself. */
  get parts(): readonly InFlight[] {
    return this.#parts ?? [this]
  }

  /** False: it is not free. */
  acquire(memberId: string): boolean {
    if (!this.isFree) return false
    this.#state = RecordState.ACQUIRED
    this.#memberId = memberId
    this.deliveryCount++
    return true
  }

  lock(untilMs: number, locks: Locks): void {
    this.#lock ??= new Timer(expired => expired.push(this))
    this.#hasLockExpired = false
    locks.set(this.#lock, untilMs)
  }

  unlock(locks: Locks): void {
    if (this.#lock) locks.cancel(this.#lock)
    this.#lock = null
  }

  /** The member does not have it any more; who has been given it too often loses it for everybody. */
  give(state: RecordState, deliveryCountLimit: number): boolean {
    if (this.isChanging || this.#state !== RecordState.ACQUIRED) return false
    const isTooOften = state === RecordState.AVAILABLE && this.deliveryCount >= deliveryCountLimit
    this.#state = isTooOften ? RecordState.ARCHIVED : state
    this.#memberId = NOBODY
    return true
  }

  /** As `give`, until it is known whether that has been written. */
  beginGiving(state: RecordState, deliveryCountLimit: number): boolean {
    const before = { state: this.#state, memberId: this.#memberId, deliveryCountLimit }
    if (!this.give(state, deliveryCountLimit)) return false
    this.#before = before
    return true
  }

  /** While a change is being written nobody is told; if it has to be taken back, the record is free then. */
  onLockExpired(): void {
    this.#hasLockExpired = true
  }

  endGiving(isWritten: boolean, locks: Locks): void {
    const before = this.#before
    this.#before = null
    if (isWritten || this.#isArchivedForGood || !before) {
      this.unlock(locks)
      return
    }
    if (this.#hasLockExpired) {
      const isTooOften = this.deliveryCount >= before.deliveryCountLimit
      this.#state = isTooOften ? RecordState.ARCHIVED : RecordState.AVAILABLE
      this.unlock(locks)
      return
    }
    this.#state = before.state
    this.#memberId = before.memberId
  }

  /** Whatever it was: nobody can have it any more, and nothing is to be written. */
  archive(locks: Locks): void {
    this.#isArchivedForGood = true
    this.#state = RecordState.ARCHIVED
    this.#memberId = NOBODY
    this.unlock(locks)
  }
}

/** What was acquired, or written, as one: it stays one until its offsets go different ways. */
export class InFlightBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  #parts: readonly InFlight[]
  #isSplit: boolean

  /** One part that is all of it, or one for each offset. */
  constructor(parts: readonly InFlight[], isSplit: boolean) {
    this.firstOffset = parts[0]!.firstOffset
    this.lastOffset = parts.at(-1)!.lastOffset
    this.#parts = parts
    this.#isSplit = isSplit
  }

  static whole(part: InFlight): InFlightBatch {
    return new InFlightBatch([part], false)
  }

  get size(): number {
    return this.lastOffset - this.firstOffset + 1
  }

  get isSplit(): boolean {
    return this.#isSplit
  }

  get parts(): readonly InFlight[] {
    return this.#parts
  }

  /** The one part of a batch that is not split. */
  get only(): InFlight {
    return this.#parts[0]!
  }

  lies(firstOffset: number, lastOffset: number): boolean {
    return this.firstOffset >= firstOffset && this.lastOffset <= lastOffset
  }

  /** Those of its offsets that lie there, if it is split; else all of it. */
  partsWithin(firstOffset: number, lastOffset: number): readonly InFlight[] {
    if (!this.#isSplit) return this.#parts
    const from = Math.max(0, firstOffset - this.firstOffset)
    return this.#parts.slice(from, Math.max(from, lastOffset - this.firstOffset + 1))
  }

  partAt(offset: number): InFlight | undefined {
    return this.#isSplit ? this.#parts[offset - this.firstOffset] : this.#parts[0]
  }

  split(locks: Locks): void {
    if (this.#isSplit) return
    this.#parts = this.only.split(locks)
    this.#isSplit = true
  }

  /** Nobody will ask for it any more. */
  unlock(locks: Locks): void {
    for (const part of this.#parts) part.unlock(locks)
  }
}
