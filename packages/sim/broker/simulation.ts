/**
 * What all of one simulation share: its seed, its time, the trace of all that happens, the node, and the first thing that
 * was found to be wrong. Whoever finds something throws a `Violation` or calls `fail`: the simulation ends with it.
 */
import { createHash } from 'node:crypto'
import { type MemoryWorld, memoryWorld, type SeededRandom, type VirtualClock } from '@ottla/io/memory'
import { chooseSetup, type Setup } from './setup.ts'

/** A promise of the product's that was broken. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export function demand(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Violation(what())
}

/** So many of the last events are shown with a violation. */
const LAST_EVENTS = 60

export class Simulation {
  readonly seed: number | string
  readonly setup: Setup
  /** The first life of the node's world; `SimNode` has the current one. */
  readonly firstWorld: MemoryWorld
  readonly time: VirtualClock
  readonly random: SeededRandom
  /** Rejects with the first violation. */
  readonly violated: Promise<never>
  /** Everybody brings to an end what he has begun, and all of it must succeed. */
  isCalm = false
  /** No more faults. */
  isMended = false
  readonly #hash = createHash('sha256')
  readonly #recent: string[] = []
  readonly #listener: ((event: string) => void) | undefined
  #reject!: (error: Error) => void
  #failure: Error | null = null

  constructor(seed: number | string, listener?: (event: string) => void) {
    this.seed = seed
    this.#listener = listener
    this.setup = chooseSetup(seed)
    this.firstWorld = memoryWorld({
      seed,
      name: NODE,
      logLevel: 'warn',
      trace: event => this.#record(event),
      ...this.setup.world,
    })
    this.time = this.firstWorld.time!
    this.random = this.firstWorld.stream('plan')
    this.violated = new Promise((_, reject) => {
      this.#reject = reject
    })
    this.violated.catch(() => undefined)
  }

  get failure(): Error | null {
    return this.#failure
  }

  get lastEvents(): readonly string[] {
    return this.#recent.slice(-LAST_EVENTS)
  }

  /** Of everything that has happened: the same seed gives the same. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** An event for the trace, in a person's words. */
  say(event: string): void {
    this.#record(`${this.time.monotonic().toFixed(3)}        ${event}`)
  }

  fail(error: unknown): void {
    if (this.#failure) return
    this.#failure = error instanceof Error ? error : new Violation(String(error))
    this.say(`VIOLATION ${this.#failure.message}`)
    this.#reject(this.#failure)
  }

  /** On the clock of nobody's machine: it goes on through every crash. */
  pause(ms: number): Promise<void> {
    return new Promise(resolve => this.time.setTimer(ms, resolve))
  }

  /** A violation if it takes longer. */
  async within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = this.time.setTimer(ms, () => late.reject(new Violation(`${what} is not done after ${ms} ms`)))
    try {
      return await Promise.race([promise, late.promise])
    } finally {
      timer.cancel()
    }
  }

  #record(event: string): void {
    this.#hash.update(event)
    this.#hash.update('\n')
    this.#listener?.(event)
    this.#recent.push(event)
    if (this.#recent.length > 20 * LAST_EVENTS) this.#recent.splice(0, 19 * LAST_EVENTS)
  }
}

export const NODE = 'broker'
export const PORT = 9092
