/**
 * A member of a streams group (KIP-1071) whose topology has two parts without state: joins, tells which tasks it has, gives
 * up what it is to give up when it comes to it, leaves or just goes silent; some heartbeats are lost.
 */
import type { Init } from '@ottla/protocol'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { Actor, type ActorOptions } from './actor.ts'
import { apis } from './apis.ts'
import { type Membership, REBALANCE_TIMEOUT_MS } from './consumer-group-ledger.ts'
import { byTopic } from './consumer-member.ts'
import { NoAnswer } from './link.ts'
import { SESSION_TIMEOUT_MS } from './setup.ts'
import { demand } from './simulation.ts'

/** What each part of the topology reads. */
const SOURCES: Readonly<Record<string, string>> = { 0: 'kept', 1: 'agreed' }
const JOINING_EPOCH = 0
const LEAVING_EPOCH = -1

const MUST_REJOIN = ['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND'] as const
const COORDINATOR_BUSY = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'] as const

export class StreamsMember extends Actor {
  readonly #me: Membership
  #mustSayAll = true
  #saidOwned = ''
  #ids = 0

  constructor(options: ActorOptions, group: string) {
    super(options)
    this.#me = this.groups.consumers.add(this.name, group)
    this.#me.topics = Object.keys(SOURCES)
    this.#beginAnew()
  }

  protected override async step(): Promise<void> {
    const dice = this.#me.epoch === 0 ? 1 : this.random.float()
    if (dice < 0.04) await this.#leave()
    else if (dice < 0.08) await this.#goSilent()
    else {
      if (this.random.chance(0.6)) this.#me.giveUp()
      await this.#beat(this.random.chance(0.3))
    }
  }

  /** Until all tasks are somebody's. */
  protected override async finish(): Promise<void> {
    const tasksOf = (part: string) =>
      this.ledger.topics.get(SOURCES[part]!)!.partitions.map((_, task) => `${part}-${task}`)
    while (!this.groups.consumers.isAtRest(this.#me.group, tasksOf)) {
      await this.insist(async () => {
        this.#me.giveUp()
        await this.#beat(true)
      })
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  #beginAnew(id = `${this.name}.${this.#ids++}`): void {
    this.#me.restart(id)
    this.#mustSayAll = true
  }

  async #beat(all: boolean): Promise<void> {
    const me = this.#me
    const { consumers } = this.groups
    const isJoin = me.epoch === JOINING_EPOCH
    const owned = [...me.owned.keys()].sort().join()
    const saysOwned = all || this.#mustSayAll || isJoin || owned !== this.#saidOwned
    const groupEpoch = consumers.epochOf(me.group)
    const asked = { sentMs: this.sim.time.monotonic(), groupEpoch, isStatic: false }
    const answer = await this.#ask(this.#request(saysOwned), saysOwned)
    if (answer.errorCode !== 0) return this.#onError(answer.errorCode, saysOwned)
    demand(answer.memberId === me.id, () => `${me.id} was taken for ${answer.memberId}`)
    if (saysOwned) {
      this.#saidOwned = owned
      this.#mustSayAll = false
    }
    const assigned = answer.activeTasks && new Set(answer.activeTasks.flatMap(namesOf))
    if (assigned) me.lost = me.lost.filter(({ life }) => life === this.node.life)
    consumers.onTold(me, answer.memberEpoch, assigned, asked)
    this.say(`is ${me.id} in epoch ${me.epoch}${assigned ? `, is to have ${[...assigned]}` : ''}`)
  }

  #request(saysOwned: boolean): Init<typeof StreamsGroupHeartbeatRequest> {
    const { group: groupId, id: memberId, epoch: memberEpoch, owned } = this.#me
    const activeTasks = [...byTopic(owned.keys())].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
    const tasks = saysOwned ? { activeTasks, standbyTasks: [], warmupTasks: [] } : {}
    const request = { groupId, memberId, memberEpoch, ...tasks }
    if (memberEpoch !== JOINING_EPOCH) return request
    const subtopologies = Object.entries(SOURCES).map(([subtopologyId, topic]) => ({
      subtopologyId,
      sourceTopics: [topic],
      sourceTopicRegex: [],
      stateChangelogTopics: [],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: [],
    }))
    const joining = { rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, processId: this.name, clientTags: [] }
    return { ...request, ...joining, topology: { epoch: 0, subtopologies } }
  }

  async #ask(request: Init<typeof StreamsGroupHeartbeatRequest>, saysOwned: boolean) {
    this.maybeImpatient()
    try {
      return await this.links.ask(apis.streamsGroupHeartbeat, request)
    } catch (error) {
      if (error instanceof NoAnswer) this.#onLost(saysOwned)
      throw error
    }
  }

  #onLost(saysOwned: boolean): void {
    const owned = saysOwned ? new Set(this.#me.owned.keys()) : null
    this.#me.lost = [...this.#me.lost, { life: this.node.life, owned }]
    this.#mustSayAll = true
  }

  #onError(errorCode: number, saysOwned: boolean): void {
    const me = this.#me
    const isSure = me.isSure(this.sim.time.monotonic())
    const code = this.expectError(errorCode, 'StreamsGroupHeartbeat', ...MUST_REJOIN, ...COORDINATOR_BUSY)
    if (!MUST_REJOIN.some(known => known === code)) {
      this.#onLost(saysOwned)
      return
    }
    demand(!isSure || this.node.isExcused, () => `${me.id} in epoch ${me.epoch} is ${code}, and has done all in time`)
    this.#beginAnew(code === 'FENCED_MEMBER_EPOCH' ? me.id : undefined)
  }

  async #leave(): Promise<void> {
    const { group: groupId, id: memberId } = this.#me
    this.#beginAnew()
    const request = { groupId, memberId, memberEpoch: LEAVING_EPOCH }
    const { errorCode } = await this.links.ask(apis.streamsGroupHeartbeat, request)
    if (errorCode !== 0) this.expectError(errorCode, 'the leaving', ...MUST_REJOIN, ...COORDINATOR_BUSY)
  }

  async #goSilent(): Promise<void> {
    this.say('goes silent')
    this.#beginAnew()
    this.hangUp()
    await this.sim.pause(this.random.between(0, 2 * SESSION_TIMEOUT_MS))
  }
}

function namesOf({
  subtopologyId,
  partitions,
}: {
  readonly subtopologyId: string
  readonly partitions: readonly number[]
}) {
  return partitions.map(partition => `${subtopologyId}-${partition}`)
}
