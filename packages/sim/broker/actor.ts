/** What the simulated clients have in common. */
import type { SeededRandom } from '@ottla/io/memory'
import { type ErrorName, errorName } from '@ottla/protocol'
import type { GroupLedger } from './group-ledger.ts'
import type { Ledger } from './ledger.ts'
import type { Gate } from './link.ts'
import { LinkMaker, NoAnswer } from './link.ts'
import type { SimNode } from './node.ts'
import { type Simulation, Violation } from './simulation.ts'

export interface ActorOptions {
  readonly sim: Simulation
  readonly node: SimNode
  readonly ledger: Ledger
  readonly groups: GroupLedger
  readonly gate: Gate | null
  readonly name: string
  readonly isPatient?: boolean
}

/** While a log dir is out of order, or a node stops. */
const OUT_OF_ORDER: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'KAFKA_STORAGE_ERROR',
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'NOT_CONTROLLER',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'BROKER_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'INVALID_REPLICATION_FACTOR',
])

export abstract class Actor {
  readonly name: string
  protected readonly sim: Simulation
  protected readonly node: SimNode
  protected readonly ledger: Ledger
  protected readonly groups: GroupLedger
  protected readonly links: LinkMaker
  protected readonly random: SeededRandom

  constructor(options: ActorOptions) {
    this.sim = options.sim
    this.node = options.node
    this.ledger = options.ledger
    this.groups = options.groups
    this.name = options.name
    this.links = new LinkMaker(options)
    this.random = this.links.world.stream('actor')
  }

  /** Resolves when the simulation is calm and all is done that was begun. */
  async run(): Promise<void> {
    while (!this.sim.isCalm) {
      await this.#tryStep()
      await this.sim.pause(this.random.between(...this.pauseMs))
    }
    await this.finish()
  }

  hangUp(): void {
    this.links.hangUp()
  }

  reset(): void {
    this.links.reset()
  }

  protected readonly pauseMs: readonly [number, number] = [1, 60]

  /** May end in `NoAnswer` anywhere. */
  protected abstract step(): Promise<void>

  protected abstract finish(): Promise<void>

  protected say(event: string): void {
    this.sim.say(`${this.name} ${event}`)
  }

  /** Again and again, until there is an answer. */
  protected async insist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
      }
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  /** Now and then a client does not wait for the answer. */
  protected maybeImpatient(): void {
    if (this.sim.isMended || !this.random.chance(0.06)) return
    this.sim.time.setTimer(this.random.between(0, 40), () => {
      if (!this.sim.isMended) this.hangUp()
    })
  }

  /** A violation unless it is one of those, or what the state of the node explains. */
  protected expectError(errorCode: number, what: string, ...allowed: readonly ErrorName[]): ErrorName {
    const name = errorName(errorCode)
    const isExplained = allowed.includes(name) || (this.node.isExcused && OUT_OF_ORDER.has(name))
    this.say(`${what}: ${name}`)
    if (!isExplained) throw new Violation(`${this.name}: ${what} was answered with ${name}`)
    return name
  }

  async #tryStep(): Promise<void> {
    try {
      await this.step()
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    }
  }
}
