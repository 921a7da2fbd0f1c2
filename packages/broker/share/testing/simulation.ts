/**
 * A share partition under random use, beside the simplest model there is: for each offset who has it until when, and
 * whether it is done for good. What holds all the time:
 *
 * - nobody is given what another one has, what is done and known to be, or what is not in the log;
 * - nothing is given more often than the limit;
 * - the start never goes back, all before it is done or deleted, and the count of what is done is right;
 * - a restart forgets who had what, and nothing that anybody was told;
 * - in the end all is delivered and done.
 */
import assert from 'node:assert/strict'
import { combineStateBatches, type StateBatch } from '../../coordinator/share/state-batches.ts'
import { ApiError } from '../../errors.ts'
import { AcknowledgeType } from '../acknowledge.ts'
import type { FetchedBatch } from '../acquire.ts'
import { isTerminal } from '../in-flight.ts'
import { SharePartition, type StateChange } from '../share-partition.ts'

export const MEMBERS = ['a', 'b', 'c']
const LIMIT = 5
const LOCK_MS = 1000
const MAX_LOCKS = 40

export type Step =
  | { readonly do: 'append'; readonly count: number; readonly isAborted: boolean }
  | {
      readonly do: 'fetch'
      readonly member: number
      readonly max: number
      readonly read: number
      readonly limit: boolean
    }
  | {
      readonly do: 'acknowledge'
      readonly member: number
      readonly skip: number
      readonly take: number
      readonly type: number
    }
  | { readonly do: 'release'; readonly member: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle'; readonly isWritten: boolean }
  | { readonly do: 'restart'; readonly written: number }
  | { readonly do: 'log start'; readonly by: number }

interface Pending {
  readonly change: StateChange
  /** What the member said, to be told when it is written. */
  readonly offsets: readonly number[]
  readonly isFinal: boolean
}

export class Simulation {
  readonly #batches: FetchedBatch[] = []
  #logStartOffset = 0
  #logEndOffset = 0
  #stored: { startOffset: number; stateBatches: readonly StateBatch[] } = { startOffset: 0, stateBatches: [] }
  #partition = this.#load()
  #pending: Pending[] = []
  #nowMs = 0
  #startOffset = 0
  readonly #holders = new Map<number, { readonly member: string; readonly untilMs: number }>()
  /** Somebody was told that it is. */
  readonly #done = new Set<number>()
  readonly #aborted = new Set<number>()

  step(step: Step): void {
    switch (step.do) {
      case 'append':
        this.#append(step.count, step.isAborted)
        break
      case 'fetch':
        this.#fetch(MEMBERS[step.member]!, step.max, step.read, step.limit)
        break
      case 'acknowledge':
        this.#acknowledge(MEMBERS[step.member]!, step.skip, step.take, step.type)
        break
      case 'release':
        this.#release(MEMBERS[step.member]!)
        break
      case 'advance':
        this.#advance(step.ms)
        break
      case 'settle':
        this.#settle(step.isWritten)
        break
      case 'restart':
        this.#restart(step.written)
        break
      case 'log start':
        this.#moveLogStart(step.by)
        break
    }
    this.#check()
  }

  /** Everybody works on, and nothing fails any more. */
  finish(): void {
    while (this.#pending.length > 0) this.#settle(true)
    this.#advance(LOCK_MS + 1)
    while (this.#pending.length > 0) this.#settle(true)
    // What was aborted gives nothing, and more may come behind it.
    for (let idle = 0; idle < this.#batches.length + 2; ) {
      const count = this.#fetch('a', 10, 3, false)
      this.#acknowledge('a', 0, Number.POSITIVE_INFINITY, AcknowledgeType.ACCEPT)
      while (this.#pending.length > 0) this.#settle(true)
      this.#check()
      idle = count === 0 ? idle + 1 : 0
    }
    const { startOffset, deliveryCompleteCount } = this.#partition.window
    const lag = this.#logEndOffset - startOffset - deliveryCompleteCount
    assert.ok(lag <= 0, `${lag} records are left behind`)
  }

  // ---------------------------------------------------------------------------------------------------------- steps

  #append(count: number, isAborted: boolean): void {
    const lastOffset = this.#logEndOffset + count - 1
    this.#batches.push({ baseOffset: this.#logEndOffset, lastOffset, isAborted })
    if (isAborted) for (let offset = this.#logEndOffset; offset <= lastOffset; offset++) this.#aborted.add(offset)
    this.#logEndOffset += count
  }

  #fetch(memberId: string, maxRecords: number, read: number, isRecordLimit: boolean): number {
    if (!this.#partition.canAcquire) return 0
    const fetchOffset = this.#partition.nextFetchOffset()
    if (fetchOffset < this.#logStartOffset) {
      this.#partition.onLogStartMoved(this.#logStartOffset)
      return 0
    }
    const batches = this.#batches.filter(({ lastOffset }) => lastOffset >= fetchOffset).slice(0, read)
    const request = { memberId, isRecordLimit, batchSize: 7, maxRecords, fetchOffset, batches }
    const acquired = this.#partition.acquire(request, this.#nowMs)
    let count = 0
    let next = 0
    for (const { firstOffset, lastOffset, deliveryCount } of acquired) {
      assert.ok(firstOffset >= next && lastOffset >= firstOffset, 'in order, and each once')
      assert.ok(deliveryCount >= 1 && deliveryCount <= LIMIT, `delivered ${deliveryCount} times`)
      next = lastOffset + 1
      count += lastOffset - firstOffset + 1
      for (let offset = firstOffset; offset <= lastOffset; offset++) this.#take(offset, memberId)
    }
    if (isRecordLimit) assert.ok(count <= maxRecords, `${count} instead of ${maxRecords}`)
    assert.ok(next <= (batches.at(-1)?.lastOffset ?? -1) + 1, 'only what was read')
    return count
  }

  #take(offset: number, member: string): void {
    assert.ok(!this.#done.has(offset), `${offset} was done`)
    assert.ok(!this.#aborted.has(offset), `${offset} is of an aborted transaction`)
    const holder = this.#holders.get(offset)
    assert.ok(!holder || holder.untilMs <= this.#nowMs, `${member} is given ${offset}, which ${holder?.member} has`)
    for (const { offsets } of this.#pending) assert.ok(!offsets.includes(offset), `${offset} is being written`)
    this.#holders.set(offset, { member, untilMs: this.#nowMs + LOCK_MS })
  }

  #acknowledge(member: string, skip: number, take: number, type: number): void {
    const held = [...this.#holders].filter(([, holder]) => holder.member === member && holder.untilMs > this.#nowMs)
    const offsets = held.map(([offset]) => offset).sort((a, b) => a - b)
    const chosen = offsets.slice(skip % (offsets.length || 1)).slice(0, take)
    if (chosen.length === 0) return
    const batches = runs(chosen).map(([firstOffset, lastOffset]) => ({
      firstOffset,
      lastOffset,
      acknowledgeTypes: [type],
    }))
    let change: StateChange | null
    try {
      change = this.#partition.acknowledge(member, batches, this.#nowMs)
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error))
      assert.fail(`${member} has ${chosen}: ${error.message}`)
    }
    for (const offset of chosen) {
      if (type === AcknowledgeType.RENEW) this.#holders.set(offset, { member, untilMs: this.#nowMs + LOCK_MS })
      else this.#holders.delete(offset)
    }
    if (!change) return
    const isFinal = type !== AcknowledgeType.RELEASE
    this.#pending.push({ change, offsets: chosen, isFinal })
  }

  #release(member: string): void {
    const change = this.#partition.release(member)
    const offsets = [...this.#holders].filter(([, holder]) => holder.member === member).map(([offset]) => offset)
    for (const offset of offsets) this.#holders.delete(offset)
    if (change) this.#pending.push({ change, offsets, isFinal: false })
  }

  #advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#partition.nextDeadlineMs() <= untilMs) {
      this.#nowMs = this.#partition.nextDeadlineMs()
      const change = this.#partition.expire(this.#nowMs)
      if (change) this.#pending.push({ change, offsets: [], isFinal: false })
    }
    this.#nowMs = untilMs
    for (const [offset, { untilMs: end }] of [...this.#holders]) if (end <= untilMs) this.#holders.delete(offset)
  }

  /** In the order in which they were made. */
  #settle(isWritten: boolean): void {
    const pending = this.#pending.shift()
    if (!pending) return
    const { change, offsets, isFinal } = pending
    if (isWritten) this.#write(change)
    this.#partition.settle(change, isWritten)
    if (isWritten && isFinal) for (const offset of offsets) this.#done.add(offset)
    // Whoever had them may have them again: it was told that it has said nothing.
    if (!isWritten) this.#findHolders()
  }

  #findHolders(): void {
    for (const batch of this.#partition.window.batches) {
      for (const { firstOffset, lastOffset, memberId: member, lockedUntilMs: untilMs } of batch.parts) {
        if (member === '') continue
        for (let offset = firstOffset; offset <= lastOffset; offset++) this.#holders.set(offset, { member, untilMs })
      }
    }
  }

  #write({ startOffset, stateBatches }: StateChange): void {
    this.#stored = {
      startOffset,
      stateBatches: combineStateBatches(this.#stored.stateBatches, stateBatches, startOffset),
    }
  }

  /** Some of what was being written had been, though nobody was told. */
  #restart(written: number): void {
    for (const { change } of this.#pending.slice(0, written)) this.#write(change)
    for (const { offsets } of this.#pending) for (const offset of offsets) this.#holders.delete(offset)
    this.#pending = []
    this.#holders.clear()
    this.#partition = this.#load()
    this.#startOffset = this.#partition.window.startOffset
  }

  #moveLogStart(by: number): void {
    this.#logStartOffset = Math.min(this.#logStartOffset + by, this.#logEndOffset)
    while ((this.#batches[0]?.lastOffset ?? Number.POSITIVE_INFINITY) < this.#logStartOffset) this.#batches.shift()
  }

  #load(): SharePartition {
    const limits = {
      deliveryCountLimit: LIMIT,
      maxRecordLocks: MAX_LOCKS,
      recordLockDurationMs: LOCK_MS,
      isRenewEnabled: true,
    }
    return new SharePartition({ stateEpoch: 1, ...this.#stored }, () => limits)
  }

  // --------------------------------------------------------------------------------------------------------- checks

  #check(): void {
    const { startOffset, endOffset, deliveryCompleteCount, batches } = this.#partition.window
    assert.ok(startOffset >= this.#startOffset, `the start went from ${this.#startOffset} to ${startOffset}`)
    this.#startOffset = startOffset
    let doneCount = 0
    let next = 0
    for (const batch of batches) {
      assert.ok(batch.firstOffset >= next, 'batches overlap')
      next = batch.lastOffset + 1
      for (const part of batch.parts) {
        if (!isTerminal(part.state)) continue
        doneCount += Math.max(0, part.lastOffset - Math.max(part.firstOffset, startOffset) + 1)
      }
    }
    assert.equal(deliveryCompleteCount, doneCount, 'done between start and end')
    assert.ok(next <= endOffset + 1)
  }
}

function runs(offsets: readonly number[]): [number, number][] {
  const found: [number, number][] = []
  for (const offset of offsets) {
    const last = found.at(-1)
    if (last && last[1] + 1 === offset) last[1] = offset
    else found.push([offset, offset])
  }
  return found
}
