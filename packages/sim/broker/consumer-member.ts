/**
 * A member of a consumer group (KIP-848): joins, tells what it has, gives up what it is to give up when it comes to it,
 * commits, wants other topics, leaves or just goes silent. Some are static; some heartbeats are lost.
 */
import type { Init } from '@ottla/protocol'
import type { ConsumerGroupHeartbeatRequest } from '@ottla/protocol/messages/consumer-group-heartbeat'
import type { ActorOptions } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { REBALANCE_TIMEOUT_MS } from './consumer-group-ledger.ts'
import type { Commit } from './group-ledger.ts'
import { COORDINATOR_BUSY, HeartbeatMember, JOINING_EPOCH, LEAVING_EPOCH, MUST_REJOIN } from './heartbeat-member.ts'
import { pick } from './setup.ts'
import { demand } from './simulation.ts'

const AWAY_EPOCH = -2
const FIRST_WITH_REGEX = 1
const TOPICS = [
  ['kept'],
  ['kept', 'agreed'],
  ['kept', 'grown'],
  ['agreed', 'grown'],
  ['kept', 'agreed', 'grown'],
] as const
const ASSIGNORS = ['uniform', 'range', null] as const

/** After which it is certain that nothing was written. */
const REFUSED = ['STALE_MEMBER_EPOCH', ...MUST_REJOIN] as const

interface Committer {
  readonly id: string
  readonly epoch: number
}

export class ConsumerMember extends HeartbeatMember {
  readonly #instanceId: string | null
  readonly #version: number
  readonly #assignor = pick(this.random, ASSIGNORS)
  #byRegex = false
  /** It has left, and was told so: it must not commit. */
  #former: Committer | null = null

  constructor(options: ActorOptions, group: string, instanceId: string | null) {
    super(options, group)
    this.#instanceId = instanceId
    this.#version = this.random.integer(2)
    this.beginAnew()
    this.#subscribe()
  }

  protected override async step(): Promise<void> {
    const dice = this.me.epoch === 0 ? 1 : this.random.float()
    if (dice < 0.03) await this.#leave()
    else if (dice < 0.06) await this.goSilent()
    else if (dice < 0.25) await this.#commit({ id: this.me.id, epoch: this.me.epoch })
    else if (dice < 0.3) await this.#commitLate()
    else {
      if (dice < 0.34) this.#subscribe()
      if (this.random.chance(0.6)) this.me.giveUp()
      await this.#beat(this.random.chance(0.2))
    }
  }

  /** Until all partitions are somebody's; then each commits once more. */
  protected override async finish(): Promise<void> {
    for (;;) {
      await this.insist(async () => {
        this.me.giveUp()
        await this.#beat(true)
      })
      const { group, id, epoch, owned } = this.me
      const isAtRest = this.groups.consumers.isAtRest(group, topic => this.#partitionsOf(topic))
      if (isAtRest && (owned.size === 0 || (await this.insist(() => this.#commit({ id, epoch }))))) return
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  #partitionsOf(topic: string): string[] {
    return this.ledger.topics.get(topic)!.partitions.map(({ name }) => name)
  }

  /** In version 0 the coordinator makes it. */
  protected override newId(): string {
    return this.#version === 0 ? '' : super.newId()
  }

  #subscribe(): void {
    this.me.topics = pick(this.random, TOPICS)
    this.#byRegex = this.#version >= FIRST_WITH_REGEX && this.random.chance(0.3)
    this.mustSayAll = true
  }

  // ------------------------------------------------------------------------------------------------------- heartbeats

  async #beat(all: boolean): Promise<void> {
    const me = this.me
    const { consumers } = this.groups
    const isFull = all || this.mustSayAll || me.epoch === JOINING_EPOCH
    const saysOwned = isFull || this.ownedHasChanged
    const asked = {
      sentMs: this.sim.time.monotonic(),
      groupEpoch: consumers.epochOf(me.group),
      isStatic: this.#instanceId !== null,
    }
    const { topics } = me
    const request = this.#request(isFull, saysOwned)
    const ask = () => this.links.ask(apis.consumerGroupHeartbeat, request, this.#version)
    const answer = await this.heartbeat(saysOwned, ask)
    if (answer.errorCode !== 0) {
      this.onRefused(answer.errorCode, 'ConsumerGroupHeartbeat', saysOwned, ['UNRELEASED_INSTANCE_ID'])
      return
    }
    if (isFull) this.mustSayAll = false
    if (isFull) me.lost = me.lost.filter(({ life }) => life === this.node.life)
    demand(me.id === '' || answer.memberId === me.id, () => `${me.id} was taken for ${answer.memberId}`)
    me.id = answer.memberId!
    const assigned = answer.assignment && this.#names(answer.assignment.topicPartitions)
    const given = consumers.onTold(me, answer.memberEpoch, assigned, asked)
    this.say(`is ${me.id} in epoch ${me.epoch}${assigned ? `, is to have ${[...assigned]}` : ''}`)
    if (isFull && me.lost.length === 0 && assigned) {
      const foreign = [...assigned].find(partition => !topics.some(topic => partition.startsWith(`${topic}-`)))
      demand(foreign === undefined, () => `${me.id} was given ${foreign}, and wants ${topics}`)
    }
    await this.groups.check(this.links, me.group, given)
  }

  #request(isFull: boolean, saysOwned: boolean): Init<typeof ConsumerGroupHeartbeatRequest> {
    const { group: groupId, id: memberId, epoch: memberEpoch, topics, owned } = this.me
    const names = this.#byRegex ? [] : [...topics]
    const regex = this.#byRegex ? topics.join('|') : ''
    return {
      groupId,
      memberId,
      memberEpoch,
      instanceId: this.#instanceId,
      rebalanceTimeoutMs: isFull ? REBALANCE_TIMEOUT_MS : -1,
      subscribedTopicNames: isFull ? names : null,
      subscribedTopicRegex: isFull && this.#version >= FIRST_WITH_REGEX ? regex : null,
      serverAssignor: isFull ? this.#assignor : null,
      topicPartitions: saysOwned ? this.#byTopicId(owned.keys()) : null,
    }
  }

  #byTopicId(partitions: Iterable<string>) {
    return [...byTopic(partitions)].map(([topic, numbers]) => ({
      topicId: this.ledger.topics.get(topic)!.id,
      partitions: numbers,
    }))
  }

  #names(assignment: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]): Set<string> {
    return new Set(
      assignment.flatMap(({ topicId, partitions }) => {
        const topic = [...this.ledger.topics.values()].find(({ id }) => id === topicId)
        demand(topic !== undefined, () => `${this.name} was given partitions of a topic ${topicId}`)
        return partitions.map(partition => `${topic.name}-${partition}`)
      }),
    )
  }

  // ---------------------------------------------------------------------------------------------------------- leaving

  async #leave(): Promise<void> {
    const { group: groupId, id: memberId, epoch } = this.me
    const isBack = this.#instanceId !== null && this.random.chance(0.6)
    const memberEpoch = isBack ? AWAY_EPOCH : LEAVING_EPOCH
    this.beginAnew()
    const request = { groupId, memberId, memberEpoch, instanceId: this.#instanceId }
    const { errorCode } = await this.links.ask(apis.consumerGroupHeartbeat, request, this.#version)
    if (errorCode !== 0) this.expectError(errorCode, 'the leaving', ...MUST_REJOIN, ...COORDINATOR_BUSY)
    else if (!isBack) this.#former = { id: memberId, epoch }
  }

  // ---------------------------------------------------------------------------------------------------------- commits

  /** In an epoch that is over, or as a member that has left. */
  async #commitLate(): Promise<void> {
    const { id, epoch } = this.me
    if (this.#former && this.random.chance(0.5)) await this.#commit(this.#former)
    else await this.#commit({ id, epoch: Math.max(0, epoch - 1 - this.random.integer(2)) })
  }

  /** Whether it was answered for. */
  async #commit(by: Committer): Promise<boolean> {
    const me = this.me
    const link = await this.links.get()
    const { losses } = this.node
    if (me.owned.size === 0) return false
    const late = [...me.owned].filter(([, since]) => by.id !== me.id || by.epoch < since)
    const way = `${this.name} ${link.number}`
    const commits = new Map([...me.owned.keys()].map(name => [name, this.groups.attempt(me.group, name, way)]))
    const what = [...commits].map(([name, { offset }]) => `${offset} for ${name}`).join(', ')
    this.say(`commits ${what} as ${by.id} in epoch ${by.epoch}`)
    this.maybeImpatient()
    const answer = await link.send(apis.offsetCommit, this.#commitRequest(by, commits), LAST_WITH_NAMES.offsetCommit)
    const isSure = me.isSure(this.sim.time.monotonic()) && by.id === me.id && by.epoch === me.epoch
    let isDone = true
    for (const { name: topic, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const name = `${topic}-${partitionIndex}`
        const commit = commits.get(name)!
        if (errorCode === 0) {
          const isWrong = late.length > 0 && !me.isDoubtful && losses === this.node.losses && !this.node.hasDiskFault
          demand(!isWrong, () => `${me.group} took a commit of ${by.id} in epoch ${by.epoch}: it has ${late.join(' ')}`)
          this.groups.onCommitted(me.group, name, commit)
          continue
        }
        isDone = false
        const code = this.expectError(errorCode, 'OffsetCommit', ...REFUSED, ...COORDINATOR_BUSY)
        if (!REFUSED.some(refused => refused === code)) continue
        this.groups.onRefused(me.group, name, commit)
        demand(!isSure || this.node.isExcused, () => `${by.id} may not commit in epoch ${by.epoch}: ${code}`)
      }
    }
    return isDone
  }

  #commitRequest({ id: memberId, epoch }: Committer, commits: ReadonlyMap<string, Commit>) {
    const topics = [...byTopic(commits.keys())].map(([name, numbers]) => ({
      name,
      partitions: numbers.map(partitionIndex => {
        const { offset, metadata } = commits.get(`${name}-${partitionIndex}`)!
        return { partitionIndex, committedOffset: offset, committedMetadata: metadata }
      }),
    }))
    const groupInstanceId = this.#instanceId
    return { groupId: this.me.group, generationIdOrMemberEpoch: epoch, memberId, groupInstanceId, topics }
  }
}

export function byTopic(partitions: Iterable<string>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const name of partitions) {
    const at = name.lastIndexOf('-')
    const topic = name.slice(0, at)
    topics.set(topic, [...(topics.get(topic) ?? []), Number(name.slice(at + 1))])
  }
  return topics
}
