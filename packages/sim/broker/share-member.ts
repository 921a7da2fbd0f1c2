/**
 * A member of a share group (KIP-932): fetches what it is assigned, accepts, releases and rejects records, keeps them for
 * longer, lets locks run out, closes its session, leaves, or dies; another one comes in its place.
 */
import { batches, type ErrorName } from '@ottla/protocol'
import { Actor, type ActorOptions } from './actor.ts'
import { apis } from './apis.ts'
import type { TopicModel } from './ledger.ts'
import type { Link } from './link.ts'
import type { PartitionModel } from './partition-model.ts'
import { pick, SESSION_TIMEOUT_MS, SHARED_TOPIC } from './setup.ts'
import { demand } from './simulation.ts'

export const SHARE_GROUP = 'sharers'
const HEARTBEAT_MS = 100
const LATEST = 2
const FIRST_WITH_RENEWAL = 2
const FINAL_EPOCH = -1
const LEAVE_EPOCH = -1

const ACCEPT = 1
const RELEASE = 2
const REJECT = 3
const RENEW = 4

const MUST_REJOIN = ['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND'] as const
const COORDINATOR_BUSY = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'] as const

/** What is said of records of one partition. */
interface Said {
  readonly partition: number
  readonly model: PartitionModel
  readonly types: ReadonlyMap<number, number>
  /** Answered before then, all of them must be taken. */
  untilMs: number
}

export class ShareMember extends Actor {
  readonly #version: number
  #memberId = ''
  #ids = 0
  #memberEpoch = 0
  #assigned: readonly number[] = []
  #heardMs = Number.NEGATIVE_INFINITY
  #hasLost = false
  // The session, which ends with its connection.
  #link: Link | null = null
  #sessionEpoch = 0
  #inSession: readonly number[] = []
  /** Offsets by partition. */
  readonly #acquired = new Map<number, Set<number>>()

  constructor(options: ActorOptions) {
    super(options)
    this.#version = 1 + this.random.integer(LATEST)
    this.#beginAnew()
  }

  protected override async step(): Promise<void> {
    if (this.sim.time.monotonic() > this.#heardMs + HEARTBEAT_MS) await this.#beat()
    const dice = this.random.float()
    if (dice < 0.02) await this.#leave()
    else if (dice < 0.05) await this.#die()
    else if (dice < 0.08) await this.#closeSession()
    else if (dice < 0.35) await this.#acknowledge()
    else if (dice < 0.42) await this.#renew()
    else if (dice < 0.9) await this.#fetch(pick(this.random, [0, 20, 200]))
    else await this.sim.pause(this.random.between(0, 600))
  }

  /** Until nothing is left that was there when it began. */
  protected override async finish(): Promise<void> {
    const ends = this.#topic.partitions.map(model => [model, model.promisedEnd] as const)
    const sinceMs = this.sim.time.monotonic()
    while (ends.some(([model, end]) => !this.groups.shares.isSettled(model, end, sinceMs))) {
      await this.insist(async () => {
        await this.#beat()
        await this.#fetch(20)
        await this.#acknowledge()
      })
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  get #topic(): TopicModel {
    return this.ledger.topics.get(SHARED_TOPIC)!
  }

  #beginAnew(): void {
    this.#memberId = `${this.name}.${this.#ids++}`
    this.#memberEpoch = 0
    this.#assigned = []
    this.#hasLost = false
    this.#heardMs = Number.NEGATIVE_INFINITY
    this.#endSession()
  }

  #endSession(): void {
    this.#link = null
    for (const [partition, offsets] of this.#acquired)
      for (const offset of offsets) this.groups.shares.giveBack(this.#topic.partitions[partition]!, offset, false)
    this.#acquired.clear()
  }

  // -------------------------------------------------------------------------------------------------------- the group

  async #beat(): Promise<void> {
    const sentMs = this.sim.time.monotonic()
    const subscribedTopicNames = this.#memberEpoch === 0 || this.random.chance(0.2) ? [SHARED_TOPIC] : null
    const { errorCode, memberEpoch, assignment } = await this.#sayBeat(this.#memberEpoch, subscribedTopicNames)
    if (errorCode !== 0) {
      const isSure = this.sim.time.monotonic() < this.#heardMs + SESSION_TIMEOUT_MS && !this.#hasLost
      const code = this.expectError(errorCode, 'ShareGroupHeartbeat', ...MUST_REJOIN, ...COORDINATOR_BUSY)
      if (!MUST_REJOIN.some(known => known === code)) return
      demand(!isSure || this.node.isExcused, () => `${this.#memberId} is ${code}, and was heard of in time`)
      this.#beginAnew()
      return
    }
    const isBack = memberEpoch < this.#memberEpoch && !this.node.hasDiskFault
    demand(!isBack, () => `${this.#memberId} was told epoch ${memberEpoch}, after ${this.#memberEpoch}`)
    this.#heardMs = sentMs
    this.#memberEpoch = memberEpoch
    if (!assignment) return
    for (const { topicId } of assignment.topicPartitions)
      demand(topicId === this.#topic.id, () => `${this.#memberId} was assigned topic ${topicId}`)
    this.#assigned = assignment.topicPartitions.flatMap(({ partitions }) => partitions)
  }

  async #sayBeat(memberEpoch: number, subscribedTopicNames: string[] | null) {
    this.maybeImpatient()
    try {
      const request = { groupId: SHARE_GROUP, memberId: this.#memberId, memberEpoch, subscribedTopicNames }
      return await this.links.ask(apis.shareGroupHeartbeat, request)
    } catch (error) {
      this.#hasLost = true
      throw error
    }
  }

  async #leave(): Promise<void> {
    if (this.#memberEpoch === 0) return
    await this.#closeSession()
    const { errorCode } = await this.#sayBeat(LEAVE_EPOCH, null)
    if (errorCode !== 0) this.expectError(errorCode, 'the leaving', ...MUST_REJOIN, ...COORDINATOR_BUSY)
    this.#beginAnew()
  }

  async #die(): Promise<void> {
    this.say('dies')
    this.#beginAnew()
    this.hangUp()
    await this.sim.pause(this.random.between(0, 2 * SESSION_TIMEOUT_MS))
  }

  // ------------------------------------------------------------------------------------------------------ the session

  /** With a connection, the session is lost, and all that was acquired. */
  async #session(): Promise<Link> {
    const link = await this.links.get()
    if (this.#link !== link) {
      this.#endSession()
      this.#link = link
      this.#sessionEpoch = 0
      this.#inSession = []
    }
    return link
  }

  async #fetch(maxWaitMs: number): Promise<void> {
    const link = await this.#session()
    const said = this.#sessionEpoch > 0 && this.random.chance(0.5) ? this.#choose() : []
    const sentMs = this.sim.time.monotonic()
    const added = this.#assigned.filter(partition => !this.#inSession.includes(partition))
    const gone = this.#inSession.filter(partition => !this.#assigned.includes(partition))
    const { id: topicId } = this.#topic
    const named = new Map([...added.map(partition => [partition, [] as Batch[]] as const), ...batchesOf(said)])
    const request = {
      groupId: SHARE_GROUP,
      memberId: this.#memberId,
      shareSessionEpoch: this.#sessionEpoch++,
      maxWaitMs,
      minBytes: pick(this.random, [0, 1]),
      maxBytes: pick(this.random, [500, 1 << 20]),
      maxRecords: this.sim.isCalm ? 500 : pick(this.random, [1, 10, 500]),
      batchSize: pick(this.random, [1, 10, 500]),
      shareAcquireMode: this.#version > 1 ? this.random.integer(2) : 0,
      topics: named.size > 0 ? [{ topicId, partitions: partitionsOf(named) }] : [],
      forgottenTopicsData: gone.length > 0 ? [{ topicId, partitions: gone }] : [],
    }
    this.#inSession = this.#assigned
    this.groups.shares.beginFetch(this.#topic.partitions)
    const answer = await this.#send(said, () => link.send(apis.shareFetch, request, this.#version))
    this.groups.shares.endFetch(this.#topic.partitions)
    demand(answer.errorCode === 0 || this.node.isExcused, () => `ShareFetch of ${this.#memberId}: ${answer.errorCode}`)
    const parts = answer.responses.flatMap(({ partitions }) => partitions)
    for (const one of said) {
      const part = parts.find(({ partitionIndex }) => partitionIndex === one.partition)
      demand(part !== undefined, () => `nothing is said of what ${this.#memberId} has acknowledged`)
      this.#onAnswer(one, part.acknowledgeErrorCode)
    }
    for (const part of parts) this.#onPart(part, link, sentMs)
  }

  #onPart(part: FetchedPart, link: Link, sentMs: number): void {
    const { partitionIndex: partition, errorCode, acquiredRecords, records } = part
    const model = this.#topic.partitions[partition]!
    if (errorCode !== 0) {
      this.expectError(errorCode, `ShareFetch of ${model.name}`, ...COORDINATOR_BUSY)
      return
    }
    const bytes = records instanceof Uint8Array ? records : new Uint8Array(0)
    model.onShared(bytes)
    const found = [...batches(bytes)]
    const acquired = this.#acquired.get(partition) ?? new Set()
    this.#acquired.set(partition, acquired)
    for (const { firstOffset, lastOffset, deliveryCount } of acquiredRecords) {
      this.say(`was given ${firstOffset} to ${lastOffset} of ${model.name}, time ${deliveryCount}`)
      for (let offset = firstOffset; offset <= lastOffset; offset++) {
        const isThere = found.some(({ baseOffset, lastOffset: last }) => baseOffset <= offset && offset <= last)
        demand(isThere, () => `${this.#memberId} has acquired ${offset} of ${model.name}, and was not given it`)
        this.groups.shares.onDelivered(model, offset, deliveryCount, { actor: this.name, link, sentMs })
        acquired.add(offset)
      }
    }
  }

  /** All that it has is anybody's again. */
  async #closeSession(): Promise<void> {
    const link = await this.#session()
    if (this.#sessionEpoch === 0) return
    const said = this.#choose()
    const topics = [{ topicId: this.#topic.id, partitions: partitionsOf(batchesOf(said)) }]
    const request = { groupId: SHARE_GROUP, memberId: this.#memberId, shareSessionEpoch: FINAL_EPOCH, topics }
    this.#endSession()
    this.say('closes its session')
    const { errorCode, responses } = await this.#send(said, () =>
      link.send(apis.shareAcknowledge, request, this.#version),
    )
    this.#onAcknowledged(said, errorCode, responses)
  }

  // --------------------------------------------------------------------------------------------------- acknowledgement

  /** Of some of what it has, what it says. */
  #choose(): Said[] {
    const said: Said[] = []
    for (const [partition, offsets] of this.#acquired) {
      const model = this.#topic.partitions[partition]!
      const types = new Map<number, number>()
      const type = pick(this.random, [ACCEPT, ACCEPT, ACCEPT, RELEASE, REJECT])
      for (const offset of [...offsets].sort((a, b) => a - b)) {
        if (!this.sim.isCalm && this.random.chance(0.2)) continue
        const isOther = this.random.chance(0.1)
        types.set(offset, this.sim.isCalm ? ACCEPT : isOther ? pick(this.random, [ACCEPT, RELEASE, REJECT]) : type)
      }
      if (types.size > 0) said.push({ partition, model, types, untilMs: Number.POSITIVE_INFINITY })
    }
    for (const one of said) {
      for (const [offset, type] of one.types) {
        this.#acquired.get(one.partition)!.delete(offset)
        one.untilMs = Math.min(one.untilMs, this.groups.shares.giveBack(one.model, offset, type !== RELEASE))
      }
    }
    return said
  }

  async #acknowledge(): Promise<void> {
    const link = await this.#session()
    const said = this.#sessionEpoch > 0 ? this.#choose() : []
    if (said.length === 0) return
    const topics = [{ topicId: this.#topic.id, partitions: partitionsOf(batchesOf(said)) }]
    const shareSessionEpoch = this.#sessionEpoch++
    const request = { groupId: SHARE_GROUP, memberId: this.#memberId, shareSessionEpoch, topics }
    const { errorCode, responses } = await this.#send(said, () =>
      link.send(apis.shareAcknowledge, request, this.#version),
    )
    this.#onAcknowledged(said, errorCode, responses)
  }

  #onAcknowledged(said: readonly Said[], errorCode: number, topics: readonly AcknowledgedTopic[]): void {
    demand(errorCode === 0 || this.node.isExcused, () => `ShareAcknowledge of ${this.#memberId}: ${errorCode}`)
    const parts = topics.flatMap(({ partitions }) => partitions)
    for (const one of said) {
      const part = parts.find(({ partitionIndex }) => partitionIndex === one.partition)
      if (part) this.#onAnswer(one, part.errorCode)
    }
  }

  #onAnswer({ model, types, untilMs }: Said, errorCode: number): void {
    const { shares } = this.groups
    this.say(`has said of ${model.name}: ${[...types].map(pair => pair.join(' is ')).join(', ')}`)
    if (errorCode === 0) {
      for (const [offset, type] of types) shares.onGivenBack(model, offset, type !== RELEASE)
      return
    }
    const code = this.#expectRefusal(errorCode, 'what was said')
    if (code !== 'INVALID_RECORD_STATE') return
    const isSure = this.sim.time.monotonic() < untilMs
    demand(!isSure || this.node.isExcused, () => `${this.#memberId} has records of ${model.name}: ${code}`)
    for (const offset of types.keys()) shares.onRefused(model, offset)
  }

  /** Where a log dir has failed, nobody knows of the share partition. */
  #expectRefusal(errorCode: number, what: string): ErrorName {
    const fenced = this.node.isExcused ? (['UNKNOWN_TOPIC_OR_PARTITION'] as const) : []
    return this.expectError(errorCode, what, 'INVALID_RECORD_STATE', ...fenced, ...COORDINATOR_BUSY)
  }

  /** It needs more time for all that it has of one partition. */
  async #renew(): Promise<void> {
    const link = await this.#session()
    const some = [...this.#acquired].filter(([, offsets]) => offsets.size > 0)
    if (this.#sessionEpoch === 0 || this.#version < FIRST_WITH_RENEWAL || some.length === 0) return
    const [partition, offsets] = pick(this.random, some)
    const model = this.#topic.partitions[partition]!
    const types = new Map([...offsets].sort((a, b) => a - b).map(offset => [offset, RENEW]))
    const said = [{ partition, model, types, untilMs: 0 }]
    const topics = [{ topicId: this.#topic.id, partitions: partitionsOf(batchesOf(said)) }]
    const shareSessionEpoch = this.#sessionEpoch++
    const sentMs = this.sim.time.monotonic()
    const member = { groupId: SHARE_GROUP, memberId: this.#memberId, shareSessionEpoch }
    const { errorCode, responses } = await this.#send([], () =>
      link.send(apis.shareAcknowledge, { ...member, isRenewAck: true, topics }, this.#version),
    )
    demand(errorCode === 0 || this.node.isExcused, () => `the renewal of ${this.#memberId}: ${errorCode}`)
    const part = responses.flatMap(({ partitions }) => partitions)[0]
    if (!part) return
    if (part.errorCode !== 0) this.#expectRefusal(part.errorCode, 'the renewal')
    else for (const offset of types.keys()) this.groups.shares.onRenewed(model, offset, sentMs)
  }

  /** What nobody has answered may still be done, as long as the member is known by its id. */
  async #send<T>(said: readonly Said[], send: () => Promise<T>): Promise<T> {
    this.maybeImpatient()
    try {
      return await send()
    } catch (error) {
      if (said.length > 0) this.#beginAnew()
      throw error
    }
  }
}

interface FetchedPart {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly records: unknown
  readonly acquiredRecords: readonly {
    readonly firstOffset: number
    readonly lastOffset: number
    readonly deliveryCount: number
  }[]
}

interface AcknowledgedTopic {
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
}

interface Batch {
  readonly firstOffset: number
  lastOffset: number
  acknowledgeTypes: number[]
}

/** Offsets that follow one another are one; of one kind, they have one type. */
function batchesOf(said: readonly Said[]): Map<number, Batch[]> {
  const named = new Map<number, Batch[]>()
  for (const { partition, types } of said) {
    const found: Batch[] = []
    for (const [offset, type] of types) {
      const last = found.at(-1)
      if (last?.lastOffset === offset - 1) {
        last.lastOffset = offset
        last.acknowledgeTypes.push(type)
      } else found.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] })
    }
    for (const batch of found) if (new Set(batch.acknowledgeTypes).size === 1) batch.acknowledgeTypes.length = 1
    named.set(partition, found)
  }
  return named
}

function partitionsOf(named: ReadonlyMap<number, Batch[]>) {
  return [...named].map(([partitionIndex, acknowledgementBatches]) => ({ partitionIndex, acknowledgementBatches }))
}
