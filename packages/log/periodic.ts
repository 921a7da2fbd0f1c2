/** Something that is done from time to time, never twice at once. */
import type { Clock, Logger, Timer } from '@ottla/io'

export class PeriodicTask {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #name: string
  readonly #intervalMs: number
  readonly #task: () => Promise<void>
  #timer: Timer | null = null
  #running: Promise<void> | null = null
  #isStopped = false

  constructor(clock: Clock, logger: Logger, name: string, intervalMs: number, task: () => Promise<void>) {
    this.#clock = clock
    this.#logger = logger
    this.#name = name
    this.#intervalMs = intervalMs
    this.#task = task
  }

  start(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#running = this.#run()
    })
  }

  /** Resolves when it is not, and will not be, at work. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      await this.#task()
    } catch (error) {
      this.#logger.error('A periodic task has failed', { task: this.#name, error: error as Error })
    }
    if (!this.#isStopped) this.start(this.#intervalMs)
  }
}

/** Runs `task` for each item, at most `limit` at a time; rejects with the first error, when all that was begun is done. */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { error: unknown } | null = null
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failure; next = iterator.next()) {
      try {
        await task(next.value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, work))
  if (failure) throw (failure as { error: unknown }).error
}
