/** One of the cleaner's loops, which Kafka has threads for: what it may wait for, and what it has done last. */
import type { Clock, Timer } from '@ottla/io'
import { CleanerMemory, type CleaningStats } from './clean-log.ts'
import type { CleanerConfig } from './cleaner-config.ts'

/** Longer than a timer can be set for is for ever. */
const MAX_PAUSE_MS = 0x7fff_ffff

export class CleanerThread {
  readonly #clock: Clock
  #pause: { readonly timer: Timer; readonly resolve: () => void } | null = null
  #isStopped = false
  /** What it does until it is stopped. Set by who starts it. */
  running: Promise<void> = Promise.resolve()
  /** It has met an error that is nobody's in particular, and does nothing any more. */
  isDead = false
  lastStats: CleaningStats | null = null
  /** How long a dirty record was late when it last found something to clean. */
  lastCompactionDelayMs = 0

  readonly memory: CleanerMemory

  constructor(clock: Clock, config: CleanerConfig) {
    this.#clock = clock
    this.memory = new CleanerMemory(config)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(Math.min(delayMs, MAX_PAUSE_MS), () => this.wake())
      this.#pause = { timer, resolve }
    })
  }

  /** Ends a pause: there is a reason to look around. */
  wake(): void {
    this.#pause?.timer.cancel()
    this.#pause?.resolve()
    this.#pause = null
  }

  /** Resolves when it has come to its end. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.wake()
    await this.running
  }
}
