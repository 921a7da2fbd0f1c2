/**
 * The whole of a one-node broker under everything that can happen to it, from one seed: `npm run sim -- broker`.
 *
 * Life after life the node serves producers, consumers, group members and admins over a simulated network, and is killed,
 * loses power, fails by its disk or is stopped; after each start an auditor looks whether all that was promised is there.
 * The last life is calm: nothing is disturbed any more, everybody must bring to an end what he has begun, and nothing may
 * be left of the node when it has stopped. What is checked, and what is not, is in the README.
 */

import { ZERO_UUID } from '@ottla/protocol'
import type { Actor, ActorOptions } from './actor.ts'
import { Admin } from './admin.ts'
import { apis } from './apis.ts'
import { Auditor } from './auditor.ts'
import { CompactedModel } from './compacted-model.ts'
import { Consumer } from './consumer.ts'
import { ConsumerMember } from './consumer-member.ts'
import { Faults } from './faults.ts'
import { GroupLedger } from './group-ledger.ts'
import { Keeper } from './keeper.ts'
import { Ledger } from './ledger.ts'
import { Gate, NoAnswer } from './link.ts'
import { Member } from './member.ts'
import { MigratingMember } from './migrating-member.ts'
import { Mover } from './mover.ts'
import { SimNode } from './node.ts'
import { ACKS, IdempotentProducer, PlainProducer } from './producer.ts'
import { pick, type TopicSetup } from './setup.ts'
import { SHARE_GROUP, ShareMember } from './share-member.ts'
import { demand, Simulation } from './simulation.ts'
import { StreamsMember } from './streams-member.ts'
import { Transactor } from './transactor.ts'
import { Vandal } from './vandal.ts'

export interface BrokerWorkloadOptions {
  readonly seed: number | string
  /** Told of all that happens. */
  readonly say?: (event: string) => void
}

export interface BrokerWorkloadSummary {
  /** Of everything that happened: the same seed gives the same. */
  readonly hash: string
  readonly lives: number
  /** Acknowledged batches and commits. */
  readonly batches: number
  readonly commits: number
  readonly fetches: number
  readonly virtualMs: number
}

/** A promise was broken: `cause` says which. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError'
  readonly lastEvents: readonly string[]

  constructor(cause: Error, lastEvents: readonly string[]) {
    super(cause.message, { cause })
    this.lastEvents = lastEvents
  }
}

type Ending = 'kill' | 'power loss' | 'stop' | 'disk failure'

const LIFE_MS = [200, 2500] as const
const DOWN_MS = [0, 800] as const
/** How long clients go on believing in a node that has lost power. */
const KEEPALIVE_MS = [20, 600] as const
/** A node that can't go on is ended; before that it may limp for a while. */
const LIMP_MS = [0, 700] as const
const CALM_LIMIT_MS = 120_000
const STORY_LIMIT_MS = 30 * 60_000
/** Without a disk or a network that take time, much happens at once; but it comes to an end. */
const MAX_EVENTS_AT_ONCE = 200_000
/** After a stop: connections that linger, and their last packets. */
const LINGER_MS = 5000

export async function runBrokerWorkload(options: BrokerWorkloadOptions): Promise<BrokerWorkloadSummary> {
  return await new BrokerWorkload(options).run()
}

class BrokerWorkload {
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #ledger = new Ledger()
  readonly #groups: GroupLedger
  readonly #gate = new Gate()
  readonly #auditor: Auditor
  readonly #actors: Actor[] = []
  readonly #faults: Faults

  constructor({ seed, say }: BrokerWorkloadOptions) {
    this.#sim = new Simulation(seed, say)
    this.#node = new SimNode(this.#sim)
    this.#groups = new GroupLedger(this.#sim, this.#node)
    this.#auditor = new Auditor({ ...this.#options('auditor'), gate: null, isPatient: false })
    this.#makeActors()
    this.#faults = new Faults(this.#sim, this.#node, this.#actors)
  }

  async run(): Promise<BrokerWorkloadSummary> {
    const sim = this.#sim
    const onRejection = (reason: unknown): void => sim.fail(reason)
    process.on('unhandledRejection', onRejection)
    try {
      await this.#runUntilTold()
    } catch (error) {
      sim.fail(error)
      throw new SimulationError(sim.failure!, sim.lastEvents)
    } finally {
      process.off('unhandledRejection', onRejection)
    }
    return {
      hash: sim.digest(),
      lives: this.#node.life + 1,
      batches: this.#ledger.acknowledged,
      commits: this.#groups.acknowledged,
      fetches: this.#ledger.fetches,
      virtualMs: Math.round(sim.time.monotonic()),
    }
  }

  /** Time goes on until the story has been told; a violation if it does not go on. */
  async #runUntilTold(): Promise<void> {
    const { time, violated } = this.#sim
    const story = Promise.race([this.#story(), violated])
    let isTold = false
    const told = (): void => {
      isTold = true
    }
    story.then(told, told)
    let [nowMs, events] = [0, 0]
    const limitMs = STORY_LIMIT_MS
    await time.runUntil(
      () => {
        if (time.monotonic() !== nowMs) [nowMs, events] = [time.monotonic(), 0]
        demand(++events < MAX_EVENTS_AT_ONCE, () => `${events} events, and time stands still`)
        return isTold
      },
      { limitMs },
    )
    await story
  }

  // ---------------------------------------------------------------------------------------------------------- people

  #options(name: string): ActorOptions {
    return { sim: this.#sim, node: this.#node, ledger: this.#ledger, groups: this.#groups, gate: this.#gate, name }
  }

  #makeActors(): void {
    const { setup, random } = this.#sim
    for (let i = 0; i < setup.producers; i++) {
      const options = this.#options(`producer${i}`)
      const isIdempotent = i === 0 || random.chance(0.5)
      this.#actors.push(isIdempotent ? new IdempotentProducer(options) : new PlainProducer(options, pick(random, ACKS)))
    }
    for (let i = 0; i < setup.consumers; i++) this.#actors.push(new Consumer(this.#options(`consumer${i}`)))
    for (let group = 0; group < setup.groups; group++) {
      const hasStatic = random.chance(0.4)
      for (let i = 0; i < setup.membersPerGroup; i++) {
        const instanceId = hasStatic && i === 0 ? `static${group}` : null
        const options = this.#options(`member${group}${i}`)
        this.#actors.push(new Member(options, `group${group}`, instanceId, hasStatic))
      }
    }
    for (let i = 0; i < setup.consumerMembers; i++) {
      const instanceId = random.chance(0.3) ? `instance${i}` : null
      this.#actors.push(new ConsumerMember(this.#options(`reader${i}`), 'readers', instanceId))
    }
    for (let i = 0; i < setup.shareMembers; i++) this.#actors.push(new ShareMember(this.#options(`sharer${i}`)))
    for (let i = 0; i < setup.keepers; i++) this.#actors.push(new Keeper(this.#options(`keeper${i}`)))
    for (let i = 0; i < setup.streamsMembers; i++)
      this.#actors.push(new StreamsMember(this.#options(`streamer${i}`), 'streamers'))
    for (let i = 0; i < setup.migratingMembers; i++)
      this.#actors.push(new MigratingMember(this.#options(`migrating${i}`), 'readers'))
    for (let i = 0; i < setup.transactors; i++) {
      const transactionalId = `transactional${i % setup.transactionalIds}`
      this.#actors.push(new Transactor(this.#options(`transactor${i}`), transactionalId))
    }
    if (setup.logDirs.length > 1) this.#actors.push(new Mover(this.#options('mover')))
    this.#actors.push(new Admin(this.#options('admin')), new Vandal(this.#options('vandal')))
  }

  // ----------------------------------------------------------------------------------------------------------- story

  async #story(): Promise<void> {
    const { setup, random } = this.#sim
    this.#sim.say(`setup ${JSON.stringify(setup)}`)
    demand(await this.#node.start(), () => 'the first start has failed')
    await this.#makeTopics()
    const work = Promise.all([...this.#actors, this.#faults].map(actor => this.#watched(actor.run())))
    work.catch(() => undefined) // the violation is told anyway
    for (let life = 0; life < setup.lives; life++) {
      if (this.#node.broker) await this.#live()
      else this.#crash(random.chance(0.5) || this.#node.hasSyncFailed)
      await this.#sim.pause(random.between(...DOWN_MS))
      this.#node.restart()
      await this.#begin()
    }
    if (!this.#node.broker || this.#node.hasDiskFault) {
      this.#crash(this.#node.hasSyncFailed)
      this.#node.restart()
      this.#ledger.onStart()
      demand(await this.#node.start(), () => 'a start that nothing disturbs has failed')
    }
    await this.#calm(work)
  }

  async #watched(run: Promise<void>): Promise<void> {
    try {
      await run
    } catch (error) {
      this.#sim.fail(error)
      throw error
    }
  }

  async #makeTopics(): Promise<void> {
    const { topics, compacted } = this.#sim.setup
    for (const { name, partitions, configs, ...traits } of topics) {
      const topic = this.#ledger.addTopic(name, await this.#makeTopic(name, partitions, configs), traits, partitions)
      for (const [key, value] of Object.entries(configs)) topic.configs.set(key, value)
    }
    if (compacted) {
      const { name, partitions, configs } = compacted
      const models = Array.from({ length: partitions }, (_, i) => new CompactedModel(`${name}-${i}`))
      this.#ledger.compacted = { name, id: await this.#makeTopic(name, partitions, configs), partitions: models }
    }
    await this.#makeInternalTopic(0, '__consumer_offsets')
    if (this.#sim.setup.transactors > 0) await this.#makeInternalTopic(1, '__transaction_state')
    if (this.#sim.setup.shareMembers > 0) await this.#makeShareGroup()
  }

  /** Gives its id. */
  async #makeTopic(name: string, numPartitions: number, configs: TopicSetup['configs']): Promise<string> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: entries }]
    const answer = await this.#auditor.ask(apis.createTopics, { topics })
    const { errorCode, errorMessage, topicId } = answer.topics[0]!
    demand(errorCode === 0, () => `topic ${name} can't be made: ${errorMessage}`)
    return topicId
  }

  async #makeShareGroup(): Promise<void> {
    const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }]
    const resources = [{ resourceType: 32, resourceName: SHARE_GROUP, configs }]
    const answer = await this.#auditor.ask(apis.alterConfigs, { resources, validateOnly: false })
    demand(
      answer.responses[0]!.errorCode === 0,
      () => `the share group has no configs: ${answer.responses[0]!.errorMessage}`,
    )
    await this.#makeInternalTopic(2, '__share_group_state', `any:${ZERO_UUID}:0`)
  }

  /** It is made when it is first asked for; its segments are small enough for the cleaner to find work. */
  async #makeInternalTopic(keyType: number, resourceName: string, key = 'any'): Promise<void> {
    const value = this.#sim.setup.internalSegmentBytes
    const configs = [{ name: 'internal.segment.bytes', configOperation: 0, value }]
    const resources = [{ resourceType: 2, resourceName, configs }]
    for (let errorCode = -1; errorCode !== 0; await this.#sim.pause(10)) {
      await this.#auditor.ask(apis.findCoordinator, { keyType, coordinatorKeys: [key] })
      const answer = await this.#auditor.ask(apis.alterConfigs, { resources, validateOnly: false })
      errorCode = answer.responses[0]!.errorCode
    }
  }

  /** A new life: it may end before it serves. */
  async #begin(): Promise<void> {
    const { random } = this.#sim
    this.#ledger.onStart()
    if (random.chance(0.1)) this.#faults.breakDisk()
    const starting = this.#node.start()
    if (random.chance(0.15)) {
      await Promise.race([starting, this.#sim.pause(random.between(0, 60))])
      // Killed while it starts: what recovery was doing is done again.
      starting.catch(() => undefined)
      if (this.#node.broker) return
      this.#crash(random.chance(0.5) || this.#node.hasSyncFailed)
      await this.#sim.pause(random.between(...DOWN_MS))
      this.#node.restart()
      return this.#begin()
    }
    await starting
  }

  async #live(): Promise<void> {
    const { random } = this.#sim
    const auditing = this.#audit()
    await Promise.race([this.#node.broker!.failed, this.#sim.pause(random.between(...LIFE_MS))])
    const ending = this.#node.hasDiskFault
      ? 'disk failure'
      : pick<Ending>(random, ['kill', 'kill', 'kill', 'power loss', 'power loss', 'stop', 'disk failure'])
    this.#sim.say(`life ${this.#node.life} is to end by ${ending}`)
    if (ending === 'stop') await this.#stop()
    else if (ending === 'disk failure') await this.#failDisk()
    else this.#crash(ending === 'power loss')
    // It ends with the node, by an answer or by none.
    await auditing
  }

  get #mustCut(): boolean {
    return this.#ledger.partitions.some(({ mustBeCut }) => mustBeCut)
  }

  async #audit(): Promise<void> {
    try {
      await this.#auditor.audit()
      // Where a disk is broken, the end of a log may have to be found in the next life.
      if (!this.#mustCut) this.#gate.open()
    } catch (error) {
      if (!(error instanceof NoAnswer)) this.#sim.fail(error)
    }
  }

  async #stop(): Promise<void> {
    await this.#node.stop()
    // What a node has flushed at its stop no loss of power can take: nothing is said to the ledger.
    this.#node.crash(this.#sim.random.chance(0.5))
    this.#auditor.hangUp()
    for (const actor of this.#actors) actor.hangUp()
  }

  async #failDisk(): Promise<void> {
    const { random } = this.#sim
    if (!this.#node.hasDiskFault) this.#faults.breakDisk()
    await Promise.race([this.#node.broker!.failed, this.#sim.pause(random.between(...LIMP_MS))])
    await this.#sim.pause(random.between(0, 50))
    // What a failed sync has dropped is on no disk, whatever the cache still shows.
    this.#crash(this.#node.hasSyncFailed || random.chance(0.3))
  }

  #crash(powerLoss: boolean): void {
    this.#node.crash(powerLoss)
    this.#ledger.onCrash(powerLoss)
    this.#groups.onCrash(powerLoss)
    if (this.#mustCut) this.#gate.close()
    if (!powerLoss) return
    // Nobody is told of it.
    this.#auditor.hangUp()
    for (const actor of this.#actors) {
      this.#sim.time.setTimer(this.#sim.random.between(...KEEPALIVE_MS), () => actor.hangUp())
    }
  }

  async #calm(work: Promise<unknown>): Promise<void> {
    const sim = this.#sim
    this.#faults.heal()
    await sim.within(this.#auditor.auditAtLast(), CALM_LIMIT_MS, 'the last but one audit')
    demand(!this.#mustCut, () => 'the audit has found no end of a log')
    this.#gate.open()
    sim.isCalm = true
    await sim.within(work, CALM_LIMIT_MS, 'what everybody had begun')
    sim.say('all work is done')
    await sim.within(this.#auditor.untilDecided(), CALM_LIMIT_MS, 'the end of the last transactions')
    await sim.within(this.#auditor.auditAtLast(), CALM_LIMIT_MS, 'the last audit')
    this.#auditor.checkDisputes()
    await sim.within(this.#auditor.checkTransactions(), CALM_LIMIT_MS, 'the audit of transactions')
    if (sim.setup.shareMembers > 0)
      await sim.within(this.#auditor.checkShares(), CALM_LIMIT_MS, 'the audit of the share group')
    if (sim.random.chance(0.5)) this.#auditor.hangUp()
    await this.#node.stop()
    await sim.pause(LINGER_MS)
    this.#node.checkLeftovers()
  }
}
