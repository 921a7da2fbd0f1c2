/**
 * Does the steps of a plan at both brokers, one after the other, and compares what came of each: of the step itself, and of
 * earlier ones that were still waiting.
 */
import type { Struct } from './area.ts'
import type { Barrier } from './barrier.ts'
import { differences } from './compare.ts'
import type { Step } from './plan.ts'
import { type Outcome, type Pending, Side } from './side.ts'

/** How long nothing has to happen before whoever waits is believed to wait. */
const QUIET_MS = 25
/** How long one broker may take when the other has answered. */
const PATIENCE_MS = 3000

/** [Apache Kafka, Ottla] */
export type Pair<T> = readonly [T, T]

export interface Result {
  readonly step: Step
  readonly outcomes: Pair<Outcome>
  /** The last step that had been done by then. */
  readonly at: number
  /** Where they differ: none if they don't. */
  readonly differences: readonly string[]
}

export class Run {
  readonly #sides: Pair<Side>
  readonly #barriers: Pair<Barrier>
  readonly #filter: (step: Step, outcome: Struct, prefix: string) => Struct
  #waiting: Pair<Pending>[] = []
  #wake: (() => void) | undefined

  constructor(
    bootstraps: Pair<string>,
    barriers: Pair<Barrier>,
    prefix: string,
    filter: (step: Step, outcome: Struct, prefix: string) => Struct,
  ) {
    const [kafka, ottla] = bootstraps.map(bootstrap => new Side(bootstrap, prefix, () => this.#wake?.()))
    this.#sides = [kafka!, ottla!]
    this.#barriers = barriers
    this.#filter = filter
  }

  /** Of the step, unless it has to wait, and of those before it that are answered now. */
  async step(step: Step): Promise<Result[]> {
    const pair = await this.#both(side => side.send(step))
    this.#waiting.push(pair)
    await this.#untilSettled(pair)
    await this.#settle(step)
    const done = this.#waiting.filter(([kafka, ottla]) => kafka.outcome !== undefined || ottla.outcome !== undefined)
    this.#waiting = this.#waiting.filter(waiting => !done.includes(waiting))
    return done.map(waiting => this.#result(waiting, step.id))
  }

  async #settle({ settles }: Step): Promise<void> {
    if (!settles) return
    const { prefix } = this.#sides[0].names
    await Promise.all(this.#barriers.map(barrier => barrier[settles](prefix)))
  }

  /** Until both have answered, or neither, and nothing has happened for a while. */
  async #untilSettled(own: Pair<Pending>): Promise<void> {
    const start = performance.now()
    for (;;) {
      const now = performance.now()
      if (now - start > PATIENCE_MS) return
      const ended = this.#waiting.flat().map(({ endedAt }) => endedAt)
      const areEqual = this.#waiting.every(([a, b]) => (a.outcome === undefined) === (b.outcome === undefined))
      const isAnswered = own.every(({ outcome }) => outcome !== undefined)
      const othersWait = this.#waiting.some(([a]) => a.outcome === undefined)
      if (areEqual && isAnswered && !othersWait) return
      const quietFor = now - Math.max(start, ...ended)
      if (areEqual && (isAnswered || own[0].step.mayWait) && quietFor >= QUIET_MS) return
      await this.#somethingOr(QUIET_MS / 5)
    }
  }

  #somethingOr(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #result(pair: Pair<Pending>, at: number): Result {
    const { step } = pair[0]
    const outcomes = this.#sides.map((side, i) => {
      const pending = pair[i]!
      const { outcome } = pending
      if (outcome === undefined || typeof outcome === 'string') return side.normalised(pending)
      const filtered = this.#filter(step, outcome as Struct, side.names.prefix)
      return side.normalised({ ...pending, outcome: filtered as Outcome })
    })
    const [kafka, ottla] = outcomes as [Outcome, Outcome]
    return { step, at, outcomes: [kafka, ottla], differences: differences(kafka, ottla) }
  }

  async #both<T>(work: (side: Side) => Promise<T>): Promise<Pair<T>> {
    const [kafka, ottla] = await Promise.all(this.#sides.map(work))
    return [kafka!, ottla!]
  }

  end(): void {
    for (const side of this.#sides) side.end()
  }
}
