/**
 * A member of the classic protocol in a group that is being migrated: it joins, syncs and beats as a classic consumer does,
 * whatever the group is just then, and leads it where it has become a classic group again. It is an eager one: before it
 * joins it gives up all that it has.
 */
import { decode, encodeToBytes, Reader } from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import { Actor, type ActorOptions } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { type Membership, REBALANCE_TIMEOUT_MS } from './consumer-group-ledger.ts'
import { byTopic } from './consumer-member.ts'
import { NoAnswer } from './link.ts'
import { pick, SESSION_TIMEOUT_MS } from './setup.ts'
import { demand } from './simulation.ts'

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL = 'range'
const VERSION = 1
const TOPICS = [['kept'], ['kept', 'agreed']] as const

const MUST_REJOIN = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'GROUP_ID_NOT_FOUND'] as const
const COORDINATOR_BUSY = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'] as const

interface Joined {
  readonly memberId: string
  readonly metadata: Uint8Array
}

export class MigratingMember extends Actor {
  readonly #me: Membership
  #mustJoin = true

  constructor(options: ActorOptions, group: string) {
    super(options)
    this.#me = this.groups.consumers.add(this.name, group)
    this.groups.consumers.migrates(group)
    this.#me.topics = pick(this.random, TOPICS)
  }

  protected override async step(): Promise<void> {
    const dice = this.random.float()
    if (this.#mustJoin) await this.#join()
    else if (dice < 0.04) await this.#leave()
    else if (dice < 0.07) await this.#goSilent()
    else if (dice < 0.3) await this.#commit()
    else await this.#beat()
  }

  protected override async finish(): Promise<void> {
    for (;;) {
      await this.insist(() => (this.#mustJoin ? this.#join() : this.#beat()))
      const isAtRest = this.groups.consumers.isAtRest(this.#me.group, topic =>
        this.ledger.topics.get(topic)!.partitions.map(({ name }) => name),
      )
      if (isAtRest && (this.#me.owned.size === 0 || (await this.insist(() => this.#commit())))) return
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  // ----------------------------------------------------------------------------------------------------------- joining

  async #join(): Promise<void> {
    const me = this.#me
    me.owned = new Map()
    me.told = new Set()
    this.#mustJoin = true
    const groupEpoch = this.groups.consumers.epochOf(me.group)
    const subscription = encodeToBytes(ConsumerProtocolSubscription, VERSION, {
      topics: [...me.topics],
      ownedPartitions: [],
    })
    const answer = await this.#orLost(() =>
      this.links.ask(apis.joinGroup, {
        groupId: me.group,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        memberId: me.id,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: PROTOCOL, metadata: Uint8Array.from([0, VERSION, ...subscription]) }],
      }),
    )
    if (answer.errorCode !== 0) {
      const code = this.expectError(
        answer.errorCode,
        'JoinGroup',
        'MEMBER_ID_REQUIRED',
        ...MUST_REJOIN,
        ...COORDINATOR_BUSY,
      )
      if (code === 'MEMBER_ID_REQUIRED') me.restart(answer.memberId)
      if (code === 'UNKNOWN_MEMBER_ID') me.restart('')
      return
    }
    const { generationId, memberId, leader, members } = answer
    demand(me.id === memberId, () => `${me.id} was taken for ${memberId}`)
    const assignments = leader === memberId ? this.#decide(members) : []
    await this.#sync(generationId, assignments, groupEpoch)
  }

  async #sync(
    generationId: number,
    assignments: readonly { memberId: string; assignment: Uint8Array }[],
    groupEpoch: number,
  ): Promise<void> {
    const me = this.#me
    const sentMs = this.sim.time.monotonic()
    const { life } = this.node
    const answer = await this.#orLost(() =>
      this.links.ask(apis.syncGroup, {
        groupId: me.group,
        generationId,
        memberId: me.id,
        protocolType: PROTOCOL_TYPE,
        protocolName: PROTOCOL,
        assignments: [...assignments],
      }),
    )
    if (answer.errorCode !== 0) return this.#onError(answer.errorCode, 'SyncGroup')
    me.lost = me.lost.filter(lost => lost.life === life)
    const { assignment } = answer
    const body = new Reader(assignment)
    const topics =
      assignment.length === 0 ? [] : decode(ConsumerProtocolAssignment, body.int16(), body).assignedPartitions
    const assigned = new Set(topics.flatMap(({ topic, partitions }) => partitions.map(p => `${topic}-${p}`)))
    this.say(`is ${me.id} in generation ${generationId}, has ${[...assigned]}`)
    this.#mustJoin = false
    const given = this.groups.consumers.onTold(me, generationId, assigned, { sentMs, groupEpoch, isStatic: false })
    await this.groups.check(this.links, me.group, given)
  }

  /** Each partition goes to one of those who want its topic. */
  #decide(members: readonly Joined[]) {
    const wanted = members.map(({ memberId, metadata }) => {
      const body = new Reader(metadata)
      return { memberId, topics: decode(ConsumerProtocolSubscription, body.int16(), body).topics, mine: [] as string[] }
    })
    for (const topic of new Set(wanted.flatMap(({ topics }) => topics))) {
      const takers = wanted.filter(({ topics }) => topics.includes(topic))
      for (const [i, { name }] of this.ledger.topics.get(topic)!.partitions.entries())
        takers[i % takers.length]!.mine.push(name)
    }
    return wanted.map(({ memberId, mine }) => {
      const assignedPartitions = [...byTopic(mine)].map(([topic, partitions]) => ({ topic, partitions }))
      const body = encodeToBytes(ConsumerProtocolAssignment, VERSION, { assignedPartitions })
      return { memberId, assignment: Uint8Array.from([0, VERSION, ...body]) }
    })
  }

  // ----------------------------------------------------------------------------------------------------- being a member

  async #beat(): Promise<void> {
    const { group: groupId, id: memberId, epoch: generationId } = this.#me
    const sentMs = this.sim.time.monotonic()
    this.maybeImpatient()
    const { errorCode } = await this.links.ask(apis.heartbeat, { groupId, generationId, memberId })
    if (errorCode === 0) this.#me.onHeard(sentMs, true)
    else this.#onError(errorCode, 'Heartbeat')
  }

  async #leave(): Promise<void> {
    const { group: groupId, id: memberId } = this.#me
    this.#beginAnew()
    const answer = await this.links.ask(apis.leaveGroup, { groupId, members: [{ memberId }] })
    const errorCode = answer.errorCode || answer.members[0]!.errorCode
    if (errorCode !== 0) this.expectError(errorCode, 'LeaveGroup', ...MUST_REJOIN, ...COORDINATOR_BUSY)
  }

  async #goSilent(): Promise<void> {
    this.say('goes silent')
    this.#beginAnew()
    this.hangUp()
    await this.sim.pause(this.random.between(0, 2 * SESSION_TIMEOUT_MS))
  }

  #beginAnew(): void {
    this.#me.restart('')
    this.#mustJoin = true
  }

  async #commit(): Promise<boolean> {
    const me = this.#me
    const link = await this.links.get()
    const way = `${this.name} ${link.number}`
    if (me.owned.size === 0) return false
    const commits = new Map([...me.owned.keys()].map(name => [name, this.groups.attempt(me.group, name, way)]))
    const topics = [...byTopic(commits.keys())].map(([name, numbers]) => ({
      name,
      partitions: numbers.map(partitionIndex => {
        const { offset, metadata } = commits.get(`${name}-${partitionIndex}`)!
        return { partitionIndex, committedOffset: offset, committedMetadata: metadata }
      }),
    }))
    const request = { groupId: me.group, generationIdOrMemberEpoch: me.epoch, memberId: me.id, topics }
    this.maybeImpatient()
    const answer = await link.send(apis.offsetCommit, request, LAST_WITH_NAMES.offsetCommit)
    let error = 0
    for (const { name: topic, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const name = `${topic}-${partitionIndex}`
        if (errorCode === 0) this.groups.onCommitted(me.group, name, commits.get(name)!)
        else error = errorCode
      }
    }
    if (error !== 0) this.#onError(error, 'OffsetCommit')
    return error === 0
  }

  async #orLost<T>(ask: () => Promise<T>): Promise<T> {
    this.maybeImpatient()
    try {
      return await ask()
    } catch (error) {
      if (error instanceof NoAnswer) this.#me.lost = [...this.#me.lost, { life: this.node.life, owned: new Set() }]
      throw error
    }
  }

  #onError(errorCode: number, what: string): void {
    const code = this.expectError(errorCode, what, ...MUST_REJOIN, ...COORDINATOR_BUSY)
    if (COORDINATOR_BUSY.some(busy => busy === code)) return
    if (code === 'REBALANCE_IN_PROGRESS') this.#mustJoin = true
    else this.#beginAnew()
  }
}
