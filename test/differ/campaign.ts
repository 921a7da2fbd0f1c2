/** Runs seed after seed of one area against a pair of brokers, and tells what it finds, each kind of difference once. */

import { SeededRandom } from '@ottla/io/memory'
import type { Message } from '@ottla/protocol'
import type { Area, Wish, World } from './area.ts'
import { Barrier } from './barrier.ts'
import { signature } from './compare.ts'
import { Draw, drawRequest } from './draw.ts'
import { type Step, show, showStep } from './plan.ts'
import { type Pair, type Result, Run } from './run.ts'
import { shrink } from './shrink.ts'
import { schemasOf } from './side.ts'

export interface Found {
  readonly seed: number
  readonly plan: readonly Step[]
  readonly result: Result
  readonly signature: string
}

export class Campaign {
  readonly #area: Area
  readonly #bootstraps: Pair<string>
  readonly #barriers: Pair<Barrier>
  readonly #trace: boolean
  #runs = 0
  /** How often each difference came up. */
  readonly found = new Map<string, number>()
  readonly excused = new Map<string, number>()
  steps = 0

  constructor(area: Area, bootstraps: Pair<string>, trace: boolean) {
    this.#area = area
    this.#bootstraps = bootstraps
    this.#barriers = [new Barrier(bootstraps[0]), new Barrier(bootstraps[1])]
    this.#trace = trace
  }

  async prepare(): Promise<void> {
    await Promise.all(this.#bootstraps.map(bootstrap => this.#area.prepare?.(bootstrap)))
  }

  /** Whether the brokers answered alike throughout. */
  async seed(seed: number): Promise<boolean> {
    const world = this.#area.world()
    const random = new SeededRandom(seed, this.#area.name)
    const plan: Step[] = []
    const next = async () => {
      if (plan.length >= this.#area.length) return undefined
      const id = plan.length + 1
      const opening = world.opening[plan.length]
      const step = opening ? { ...opening, id } : await drawStep(world, id, random)
      plan.push(step)
      return step
    }
    const words: Result[] = []
    const result = await this.#run(next, isHarmless, world, harmless => words.push(harmless))
    for (const difference of result ? [...words, result] : words) {
      const kind = signature(difference.step.api, difference.differences)
      const times = this.found.get(kind) ?? 0
      this.found.set(kind, times + 1)
      const before = plan.filter(({ id }) => id <= difference.at)
      if (times === 0) await this.#tell({ seed, plan: before, result: difference, signature: kind })
    }
    return result === undefined && words.length === 0
  }

  /** Until the first difference that does harm, which is returned. */
  async #run(
    next: () => Promise<Step | undefined>,
    isHarmless: (result: Result) => boolean,
    world?: World,
    onHarmless?: (result: Result) => void,
  ): Promise<Result | undefined> {
    // Of one length, and no other area's.
    const prefix = `d${process.pid}${this.#area.name.slice(0, 2)}${String(++this.#runs).padStart(5, '0')}`
    const filter = this.#area.filter ?? ((_, answer) => answer)
    const run = new Run(this.#bootstraps, this.#barriers, prefix, filter)
    try {
      for (let step = await next(); step; step = await next()) {
        if (this.#trace && world) console.log(showStep(step))
        this.steps++
        world?.asked?.(step)
        for (const result of await run.step(step)) {
          if (this.#trace && world) this.#traceResult(result)
          if (result.differences.length > 0) {
            const why = world?.excused?.(result) ?? this.#area.excused?.(result.step, ...result.outcomes)
            if (why !== undefined) {
              this.excused.set(why, (this.excused.get(why) ?? 0) + 1)
              return undefined
            }
            if (!isHarmless(result)) return result
            onHarmless?.(result)
          }
          world?.learn?.(result.step, result.outcomes[0])
        }
      }
      return undefined
    } finally {
      run.end()
      await Promise.all(this.#bootstraps.map(bootstrap => this.#area.cleanUp?.(bootstrap, prefix)))
    }
  }

  #traceResult({ step, outcomes: [kafka, ottla], differences }: Result): void {
    console.log(`    ${step.id}> ${show(kafka)}`)
    if (differences.length > 0) console.log(`    ${step.id}! ${show(ottla)}`)
  }

  async #tell(found: Found): Promise<void> {
    let last = found.result
    const plan = await shrink(found.plan, async candidate => {
      const isSame = (result: Result) => signature(result.step.api, result.differences) === found.signature
      const result = await this.#run(fromList(candidate), other => !isSame(other) && isHarmless(other))
      if (!result || !isSame(result)) return false
      last = result
      return true
    })
    console.log(`\nseed ${found.seed}: ${found.signature}`)
    for (const step of plan) console.log(`  ${showStep(step)}`)
    console.log(`  of step ${last.step.id}:`)
    for (const difference of last.differences.slice(0, 10)) console.log(`    ${difference}`)
    console.log(`    Kafka ${show(last.outcomes[0]).slice(0, 1500)}`)
    console.log(`    Ottla ${show(last.outcomes[1]).slice(0, 1500)}`)
  }

  end(): void {
    for (const { asker } of this.#barriers) asker.end()
  }
}

/** Only that there are words, or none: nothing comes of it. */
function isHarmless({ differences }: Result): boolean {
  return differences.every(difference => /essage: (words|null|), not (words|null|)$/.test(difference))
}

function fromList(plan: readonly Step[]): () => Promise<Step | undefined> {
  let at = 0
  return async () => plan[at++]
}

async function drawStep(world: World, id: number, random: SeededRandom): Promise<Step> {
  for (;;) {
    const wish = pick(world.wishes, random)
    const { request: schema } = await schemasOf(wish.api)
    const [min, max] = wish.versions ?? servedVersions(schema)
    // The newest as often as all others: most fields are there.
    const version = random.chance(0.5) ? max : min + random.integer(max - min + 1)
    const draw = new Draw(random, version)
    const drawn = drawRequest(wish, schema, draw)
    const request = wish.finish ? wish.finish(drawn, draw) : drawn
    if (request === null) continue
    const client = wish.clientOf?.(request) ?? wish.client?.(draw) ?? 'c0'
    const { api, mayWait, settles } = wish
    return { id, api, version, client, request, ...(mayWait && { mayWait }), ...(settles && { settles }) }
  }
}

function servedVersions({ versions: { min, max }, latestVersionUnstable }: Message): [number, number] {
  return [min, latestVersionUnstable ? max - 1 : max]
}

function pick(wishes: readonly Wish[], random: SeededRandom): Wish {
  const total = wishes.reduce((sum, { weight }) => sum + weight, 0)
  let left = random.integer(total)
  for (const wish of wishes) {
    left -= wish.weight
    if (left < 0) return wish
  }
  throw new Error('no wishes')
}
