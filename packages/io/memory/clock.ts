/**
 * Virtual time. Nothing happens by itself: whoever owns the clock moves it, by `advance` or `runUntil`, and every timer
 * that falls due on the way is called in order of time, then of setting. Between two events all promise callbacks run,
 * so that the program's steps depend on nothing but the order of events.
 *
 * What awaits anything but this world (a file, `WebAssembly.instantiate`, a thread) would be overtaken by virtual time:
 * give such a promise to `hold`, and time stands still until it has settled.
 */
import type { Clock, Timer } from '../io.ts'
import { microtasksDone, realTurn } from '../node/turn.ts'
import { EventHeap, type ScheduledEvent } from './event-heap.ts'

export interface VirtualClockOptions {
  /** The wall clock at the start, milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  readonly startMs?: number
  /**
   * 'manual' (default): events run only within `advance` and `runUntil`. 'auto': those that are due now also run by
   * themselves, at the next real turn, so that a program with awaits of its own moves on while time stands still.
   */
  readonly flow?: 'manual' | 'auto'
}

export interface RunUntilOptions {
  /** Give up after so much virtual time. Default 10 minutes. */
  readonly limitMs?: number
}

const DEFAULT_START_MS = Date.UTC(2026, 0, 1)
const DEFAULT_LIMIT_MS = 10 * 60_000
/** After so many events the real event loop gets a turn, for signals and the time-outs of a test runner. */
const EVENTS_A_TURN = 512

export class VirtualClock implements Clock {
  readonly #startMs: number
  readonly #isAuto: boolean
  readonly #heap = new EventHeap()
  readonly #held = new Set<Promise<void>>()
  #elapsedMs = 0
  #eventsRun = 0
  #isRunning = false
  #isPumpDue = false
  /** Set while events run by themselves. */
  #pumping: Promise<void> | null = null

  constructor(options: VirtualClockOptions = {}) {
    this.#startMs = options.startMs ?? DEFAULT_START_MS
    this.#isAuto = options.flow === 'auto'
  }

  now(): number {
    return Math.floor(this.#startMs + this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a delay must be a number')
    const event = this.#schedule(Math.max(0, delayMs), callback)
    return { cancel: () => this.#heap.cancel(event) }
  }

  nextTurn(callback: () => void): void {
    this.#schedule(0, callback)
  }

  /** Events that are waiting for their time. */
  get pending(): number {
    return this.#heap.size
  }

  /** Events that have run since the start. */
  get eventsRun(): number {
    return this.#eventsRun
  }

  /** When the next event is due, on the monotonic clock; null if there is none. */
  get nextDueMs(): number | null {
    return this.#heap.peek()?.timeMs ?? null
  }

  /** Moves time on by `ms`, running what falls due. Rejects with what a callback throws. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time can't move by ${ms} ms`)
    await this.#run(async () => {
      const untilMs = this.#elapsedMs + ms
      await this.#settle()
      while (this.#runNext(untilMs)) await this.#settle()
      this.#elapsedMs = untilMs
    })
  }

  /**
   * Runs events until the promise has settled, and gives what it gives; or until the condition, which is asked after
   * every event, is true. Rejects when nothing is left to run or the time is up: the goal would never be reached.
   */
  runUntil<T>(goal: Promise<T>, options?: RunUntilOptions): Promise<T>
  runUntil(goal: () => boolean, options?: RunUntilOptions): Promise<undefined>
  async runUntil<T>(goal: Promise<T> | (() => boolean), options: RunUntilOptions = {}): Promise<T | undefined> {
    const limitMs = options.limitMs ?? DEFAULT_LIMIT_MS
    const { isReached, result } = watch(goal)
    await this.#run(async () => {
      const untilMs = this.#elapsedMs + limitMs
      await this.#settle()
      while (!isReached()) {
        if (!this.#runNext(untilMs)) throw this.#neverReached(limitMs)
        await this.#settle()
      }
    })
    return result()
  }

  /** Keeps time from moving until `promise` has settled. Returns it. */
  hold<T>(promise: Promise<T>): Promise<T> {
    const release = (): void => {
      this.#held.delete(held)
    }
    const held: Promise<void> = promise.then(release, release)
    this.#held.add(held)
    return promise
  }

  #neverReached(limitMs: number): Error {
    const why = this.#heap.size === 0 ? 'nothing is scheduled any more' : `${limitMs} ms of virtual time are up`
    return new Error(`runUntil: ${why}, and what it waits for has not come`)
  }

  #schedule(delayMs: number, callback: () => void): ScheduledEvent {
    const event = this.#heap.add(this.#elapsedMs + delayMs, callback)
    if (this.#isAuto && delayMs === 0) this.#pumpSoon()
    return event
  }

  #runNext(untilMs: number): boolean {
    const next = this.#heap.peek()
    if (!next || next.timeMs > untilMs) return false
    this.#heap.take()
    this.#elapsedMs = next.timeMs
    this.#eventsRun++
    next.callback()
    return true
  }

  async #settle(): Promise<void> {
    if (this.#eventsRun % EVENTS_A_TURN === 0) await realTurn()
    await null
    await microtasksDone()
    while (this.#held.size > 0) {
      await Promise.all(this.#held)
      await microtasksDone()
    }
  }

  async #run(body: () => Promise<void>): Promise<void> {
    while (this.#pumping) await this.#pumping
    if (this.#isRunning) throw new Error('time is being moved already: await one advance or runUntil before the next')
    this.#isRunning = true
    try {
      await body()
    } finally {
      this.#isRunning = false
      if (this.#isAuto && (this.nextDueMs ?? Number.POSITIVE_INFINITY) <= this.#elapsedMs) this.#pumpSoon()
    }
  }

  #pumpSoon(): void {
    if (this.#isPumpDue || this.#isRunning) return
    this.#isPumpDue = true
    // An error has nobody to go to but the process, as it would from a real timer.
    void realTurn().then(() => this.#pump())
  }

  async #pump(): Promise<void> {
    this.#isPumpDue = false
    if (this.#isRunning) return
    const done = this.#run(async () => {
      await this.#settle()
      while (this.#runNext(this.#elapsedMs)) await this.#settle()
    })
    this.#pumping = done.then(
      () => {
        this.#pumping = null
      },
      () => {
        this.#pumping = null
      },
    )
    await done
  }
}

function watch<T>(goal: Promise<T> | (() => boolean)): {
  isReached: () => boolean
  result: () => Promise<T> | undefined
} {
  if (typeof goal === 'function') return { isReached: goal, result: () => undefined }
  let isSettled = false
  const settled = (): void => {
    isSettled = true
  }
  goal.then(settled, settled)
  return { isReached: () => isSettled, result: () => goal }
}

/**
 * One node's view of time: a wall clock that may be wrong, and timers that end with the node. Monotonic time and the
 * timers themselves come from `base`, which all nodes share.
 */
export class LocalClock implements Clock {
  readonly #base: Clock
  #offsetMs = 0
  #isAlive = true
  #pending = 0

  constructor(base: Clock, offsetMs = 0) {
    this.#base = base
    this.#offsetMs = offsetMs
  }

  /** Timers of this node that were neither called nor cancelled: what was left behind, once it has stopped. */
  get pending(): number {
    return this.#pending
  }

  /** How far this node's wall clock is ahead. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  now(): number {
    return this.#base.now() + this.#offsetMs
  }

  monotonic(): number {
    return this.#base.monotonic()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let isPending = true
    const end = (): void => {
      if (isPending) this.#pending--
      isPending = false
    }
    this.#pending++
    const timer = this.#base.setTimer(delayMs, () => {
      end()
      if (this.#isAlive) callback()
    })
    return {
      cancel: () => {
        end()
        timer.cancel()
      },
    }
  }

  nextTurn(callback: () => void): void {
    this.#base.nextTurn(() => {
      if (this.#isAlive) callback()
    })
  }

  /** The wall clock jumps, forth or back. */
  jump(ms: number): void {
    this.#offsetMs += ms
  }

  /** The process is dead: none of its timers is called any more. */
  kill(): void {
    this.#isAlive = false
  }
}
