/**
 * Clients of both protocols in one group, doing what clients do in any order, while topics grow, times run out and the
 * coordinator is lost at any record; and what must hold whatever they do. What a client holds is what it would read.
 */
import assert from 'node:assert/strict'
import { ErrorCode, encodeToBytes } from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import type { Effects } from '../../shard.ts'
import { decodeAssignment } from '../consumer/consumer-protocol.ts'
import { GroupMachine } from '../machine.ts'
import type { GroupRecord } from '../records.ts'
import type { GroupApi, GroupRequest, GroupResponse, RequestOf, ResponseOf } from '../requests.ts'
import { groupSerde } from '../serde.ts'
import { imageWith } from './image.ts'
import { OWN_CONFIG, TEST_CONFIG } from './scenario.ts'

export const CLIENTS = 6
const GROUP = 'g'
const TOPICS = ['t', 'u'] as const
const SUBSCRIPTIONS = [['t'], ['t', 'u'], ['u'], []]
const SESSION_MS = 45_000
const REBALANCE_MS = 10_000

export type Step =
  | { readonly do: 'beat' | 'give up' | 'leave' | 'restart client' | 'other protocol'; readonly client: number }
  | { readonly do: 'subscribe'; readonly client: number; readonly to: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'grow'; readonly topic: number }
  | { readonly do: 'restart' }
  /** At the next records, of which only so many parts are written. */
  | { readonly do: 'crash'; readonly parts: number }

/** `t-0` */
type Partition = string

class Client {
  readonly name: string
  readonly instanceId: string | null
  isClassic: boolean
  topics: readonly string[] = ['t']
  regex = ''
  memberId = ''
  epoch = 0
  /** It is about to lose what it has been told to give up, or has not been told anything. */
  wanted: ReadonlySet<Partition> | null = null
  readonly held = new Set<Partition>()
  mustJoin = true
  mustSync = false
  /** The coordinator has forgotten that it was about to be called to a rebalance: it will find out when it is heard. */
  isForgotten = false
  /** Of a classic group that it leads. */
  members: readonly string[] = []
  #incarnation = 0

  constructor(index: number) {
    this.name = `c${index}`
    this.instanceId = index % 3 === 0 ? `i${index}` : null
    this.isClassic = index % 2 === 1
    this.restart()
  }

  /** Another process in its place. */
  restart(): void {
    this.#incarnation++
    this.forget()
  }

  forget(): void {
    this.memberId = this.isClassic ? '' : `${this.name}.${this.#incarnation}`
    this.epoch = 0
    this.wanted = null
    this.held.clear()
    this.mustJoin = true
    this.mustSync = false
    this.isForgotten = false
  }
}

export class ConsumerSimulation {
  readonly clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i))
  readonly #log: { readonly key: Uint8Array; readonly value: Uint8Array | null }[] = []
  readonly #waiting = new Map<
    number,
    { readonly client: Client; readonly api: GroupApi; readonly sent: Client['epoch'] }
  >()
  readonly #partitions: Record<string, number> = { t: 4, u: 3 }
  #machine = this.#replayed()
  #image = imageWith(this.#partitions)
  #elapsedMs = 0
  #requests = 0
  #uuids = 0
  #epoch = -1
  #partsUntilCrash: number | null = null

  constructor() {
    this.#load()
  }

  step(step: Step): void {
    switch (step.do) {
      case 'advance':
        this.#advance(step.ms)
        break
      case 'grow':
        this.#grow(TOPICS[step.topic]!)
        break
      case 'restart':
        this.#restart()
        break
      case 'crash':
        this.#partsUntilCrash = step.parts
        break
      default:
        this.#act(step, this.clients[step.client]!)
    }
    this.check()
  }

  // ------------------------------------------------------------------------------------------------------- clients

  #act(step: Extract<Step, { readonly client: number }>, client: Client): void {
    switch (step.do) {
      case 'beat':
        if (client.isClassic) this.#beatClassic(client)
        else this.#beat(client)
        break
      case 'give up':
        if (client.wanted)
          for (const partition of client.held) if (!client.wanted.has(partition)) client.held.delete(partition)
        break
      case 'leave':
        this.#leave(client)
        break
      case 'restart client':
        client.restart()
        break
      case 'other protocol':
        client.isClassic = !client.isClassic
        client.restart()
        break
      case 'subscribe':
        this.#subscribe(client, step.to)
    }
  }

  #subscribe(client: Client, to: number): void {
    const topics = SUBSCRIPTIONS[to]
    client.topics = topics ?? []
    client.regex = topics ? '' : '[tu]'
    if (client.isClassic) {
      client.regex = ''
      client.mustJoin = true
    }
  }

  #beat(client: Client): void {
    const isJoining = client.mustJoin
    const owned = isJoining ? [] : this.#topicPartitions(client.held)
    this.#call(client, 'consumerGroupHeartbeat', {
      groupId: GROUP,
      memberId: client.memberId,
      memberEpoch: isJoining ? 0 : client.epoch,
      instanceId: client.instanceId,
      rackId: null,
      rebalanceTimeoutMs: REBALANCE_MS,
      subscribedTopicNames: [...client.topics],
      subscribedTopicRegex: client.regex,
      serverAssignor: null,
      topicPartitions: owned,
    })
  }

  /** An eager consumer: it gives up everything before it joins. */
  #beatClassic(client: Client): void {
    if (client.mustJoin) {
      client.held.clear()
      const body = encodeToBytes(ConsumerProtocolSubscription, 1, { topics: [...client.topics], ownedPartitions: [] })
      this.#call(client, 'joinGroup', {
        groupId: GROUP,
        memberId: client.memberId,
        groupInstanceId: client.instanceId,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Uint8Array.from([0, 1, ...body]) }],
        reason: null,
      })
      return
    }
    const { memberId, instanceId: groupInstanceId, epoch: generationId } = client
    const me = { groupId: GROUP, memberId, groupInstanceId, generationId }
    if (!client.mustSync) this.#call(client, 'heartbeat', me)
    else {
      const assignments = this.#assignAsLeader(client.members)
      this.#call(client, 'syncGroup', { ...me, protocolType: null, protocolName: null, assignments })
    }
  }

  /** To each in turn, whatever they are subscribed to: what a leader does is not this test's. */
  #assignAsLeader(members: readonly string[]) {
    const all = Object.entries(this.#partitions).flatMap(([topic, count]) =>
      numbers(count).map(number => ({ topic, number })),
    )
    return members.map((memberId, place) => {
      const assignedPartitions = all
        .filter((_, i) => i % members.length === place)
        .map(({ topic, number }) => ({ topic, partitions: [number] }))
      const merged = TOPICS.map(topic => ({
        topic,
        partitions: assignedPartitions.filter(each => each.topic === topic).flatMap(({ partitions }) => partitions),
      }))
      const body = encodeToBytes(ConsumerProtocolAssignment, 1, { assignedPartitions: merged })
      return { memberId, assignment: Uint8Array.from([0, 1, ...body]) }
    })
  }

  #leave(client: Client): void {
    const { memberId, instanceId } = client
    if (client.isClassic) {
      const members = [{ memberId, groupInstanceId: instanceId, reason: null }]
      this.#call(client, 'leaveGroup', { groupId: GROUP, memberId: '', members })
    } else {
      this.#call(client, 'consumerGroupHeartbeat', {
        groupId: GROUP,
        memberId,
        memberEpoch: instanceId === null ? -1 : -2,
        instanceId,
        rackId: null,
        rebalanceTimeoutMs: -1,
        subscribedTopicNames: null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: null,
      })
    }
    client.restart()
  }

  #call<Api extends GroupApi>(client: Client, api: Api, request: RequestOf<Api>): void {
    const requestId = this.#requests++
    this.#waiting.set(requestId, { client, api, sent: client.epoch })
    const caller = { apiVersion: api === 'consumerGroupHeartbeat' ? 1 : 9, clientId: client.name, clientHost: '/' }
    this.#take(this.#machine.handle(requestId, { api, request, caller } as GroupRequest, this.#now))
  }

  // -------------------------------------------------------------------------------------------------------- answers

  #take({ records, completions, isAtomic, wholes = [] }: Effects<GroupResponse, GroupRecord>): void {
    const bytes = records.map(record => groupSerde.encode(record))
    if (this.#partsUntilCrash !== null && records.length > 0) {
      const cuts = isAtomic ? [0, bytes.length] : cutsOf(bytes.length, wholes)
      const written = cuts[Math.min(this.#partsUntilCrash, cuts.length - 1)]!
      this.#partsUntilCrash = null
      this.#log.push(...bytes.slice(0, written))
      this.#lose()
      return
    }
    this.#log.push(...bytes)
    this.#answer(completions)
  }

  #answer(completions: Effects<GroupResponse, GroupRecord>['completions']): void {
    for (const { requestId, response } of completions) {
      const waiting = this.#waiting.get(requestId)
      assert.ok(waiting, `request ${requestId} was answered twice, or never made`)
      this.#waiting.delete(requestId)
      const { client, api } = waiting
      if (api === 'joinGroup') this.#joined(client, response as ResponseOf<'joinGroup'>)
      else if (api === 'syncGroup') this.#synced(client, response as ResponseOf<'syncGroup'>)
      else if (api === 'consumerGroupHeartbeat') this.#told(client, response as ResponseOf<'consumerGroupHeartbeat'>)
      else if (api === 'heartbeat') this.#heard(client, (response as ResponseOf<'heartbeat'>).errorCode ?? 0)
    }
  }

  #told(client: Client, response: ResponseOf<'consumerGroupHeartbeat'>): void {
    const { errorCode, memberId, memberEpoch = 0, assignment } = response
    if (client.isClassic || memberEpoch < 0) return
    if (errorCode) {
      // Somebody with its instance id is still there: it tries again, with nothing.
      client.forget()
      return
    }
    if (memberId !== client.memberId) return
    assert.ok(client.mustJoin || memberEpoch >= client.epoch, `${client.name} goes back to epoch ${memberEpoch}`)
    client.epoch = memberEpoch
    client.mustJoin = false
    const told = assignment?.topicPartitions
    if (told) client.wanted = this.#names(told.map(({ topicId, partitions }) => [topicId!, partitions!]))
    // It takes what is new once it has given up what it is to give up.
    if (client.wanted && [...client.held].every(partition => client.wanted!.has(partition)))
      for (const partition of client.wanted) client.held.add(partition)
  }

  #joined(client: Client, { errorCode, memberId, generationId, leader, members }: ResponseOf<'joinGroup'>): void {
    if (!client.isClassic) return
    if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = memberId!
    else if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) client.mustJoin = true
    else if (errorCode) client.forget()
    else {
      client.memberId = memberId!
      client.epoch = generationId!
      client.members = leader === memberId ? (members ?? []).map(member => member.memberId!) : []
      client.mustJoin = false
      client.mustSync = true
      client.isForgotten = false
    }
  }

  #synced(client: Client, { errorCode, assignment }: ResponseOf<'syncGroup'>): void {
    if (!client.isClassic) return
    if (errorCode) {
      this.#heard(client, errorCode)
      return
    }
    client.mustSync = false
    const { assignedPartitions = [] } = (assignment?.length ? decodeAssignment(assignment) : null) ?? {}
    for (const { topic, partitions } of assignedPartitions) for (const p of partitions) client.held.add(`${topic}-${p}`)
  }

  #heard(client: Client, errorCode: number): void {
    if (!client.isClassic || errorCode === ErrorCode.NONE) return
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) {
      client.mustJoin = true
      client.held.clear()
    } else client.forget()
  }

  // ---------------------------------------------------------------------------------------------- the world around

  #grow(topic: string): void {
    if (this.#partitions[topic]! >= 8) return
    this.#partitions[topic]!++
    const provenance = { ...this.#image.provenance, offset: this.#image.provenance.offset + 1 }
    this.#image = { ...imageWith(this.#partitions), provenance }
    this.#take(this.#machine.onTopicsChanged(new Set([topic]), this.#now))
  }

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#machine.nextDeadlineMs(); next <= untilMs; next = this.#machine.nextDeadlineMs()) {
      this.#elapsedMs = Math.max(next, this.#elapsedMs)
      this.#take(this.#machine.expire(this.#now))
    }
    this.#elapsedMs = untilMs
  }

  #restart(): void {
    this.#answer(this.#machine.onUnload())
    this.#load()
  }

  /** Nobody is answered: to a client it is as if its request had been lost on the way back. */
  #lose(): void {
    for (const { client } of this.#waiting.values()) if (client.isClassic) client.mustJoin = true
    this.#waiting.clear()
    this.#load()
  }

  #load(): void {
    this.#machine = this.#replayed()
    const isClassic = this.#described.errorCode !== ErrorCode.NONE
    for (const client of this.clients) if (client.isClassic && isClassic) client.isForgotten = true
    this.#take(this.#machine.onLoaded(this.#now, this.#log.length))
  }

  #replayed(): GroupMachine {
    const machine = new GroupMachine({
      config: { ...TEST_CONFIG, initialRebalanceDelayMs: 0 },
      configOf: () => OWN_CONFIG,
      image: () => this.#image,
      newUuid: () => String(this.#uuids++),
      maxBatchBytes: () => 1_000_000,
      log: { info() {} },
    })
    for (const [offset, { key, value }] of this.#log.entries()) {
      const decoded = groupSerde.decode(key, value)
      assert.ok('record' in decoded)
      machine.replay(decoded.record, { offset, producerId: -1, producerEpoch: -1 })
    }
    return machine
  }

  get #now() {
    return { wallMs: 1_000_000 + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  // ------------------------------------------------------------------------------------------------- what must hold

  get #described() {
    return this.#machine.describeConsumerGroup(GROUP)
  }

  check(): void {
    const { members = [], groupEpoch = -1, errorCode } = this.#described
    // Made anew, or of the other kind.
    if (errorCode !== ErrorCode.NONE) this.#epoch = -1
    else {
      assert.ok(groupEpoch >= this.#epoch, `the group's epoch went from ${this.#epoch} to ${groupEpoch}`)
      this.#epoch = groupEpoch
    }
    const owners = new Map<Partition, string>()
    for (const { memberId, assignment } of members) {
      const owned = this.#names(assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]))
      for (const partition of owned) {
        assert.equal(owners.get(partition), undefined, `${partition} is ${owners.get(partition)}'s and ${memberId}'s`)
        owners.set(partition, memberId)
      }
    }
    const known = new Set(members.map(({ memberId }) => memberId))
    for (const client of this.clients) {
      if (!known.has(client.memberId) || client.mustJoin || client.isForgotten) continue
      for (const partition of client.held) {
        assert.equal(owners.get(partition), client.memberId, `${client.name} reads ${partition}, which is not its own`)
      }
    }
  }

  /** A machine made from the log knows what this one knows. */
  checkLog(): void {
    const other = this.#replayed()
    const kinds = (machine: GroupMachine) => machine.listGroups([], ['consumer']).map(group => ({ ...group }))
    assert.deepEqual(kinds(other), kinds(this.#machine))
    const described = (machine: GroupMachine) => {
      const { members = [], ...group } = machine.describeConsumerGroup(GROUP)
      return { ...group, members: members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1)) }
    }
    assert.deepEqual(described(other), described(this.#machine))
  }

  /**
   * Everybody goes on in good order: in the end every partition that anybody is subscribed to is read by one of them.
   * Whoever is a member without a client has to run out of time first, and that may begin the whole thing anew.
   */
  settle(): void {
    this.#partsUntilCrash = null
    if (this.clients.every(({ isClassic }) => isClassic)) this.step({ do: 'other protocol', client: 1 })
    for (let round = 0; round < 250 && !this.#isSettled; round++) {
      for (let client = 0; client < CLIENTS; client++) {
        this.step({ do: 'give up', client })
        this.step({ do: 'beat', client })
      }
      this.step({ do: 'advance', ms: 1100 })
    }
    const { groupState, members } = this.#described
    assert.ok(this.#isSettled, `${groupState} ${this.clients.map(each => [...each.held])} ${JSON.stringify(members)}`)
  }

  get #isSettled(): boolean {
    if (this.#described.groupState !== 'Stable') return false
    const subscribed = new Set(
      this.clients.flatMap(client => (client.isClassic || client.regex === '' ? client.topics : TOPICS)),
    )
    const expected = [...subscribed].flatMap(topic => numbers(this.#partitions[topic]!).map(p => `${topic}-${p}`))
    const held = this.clients.flatMap(client => [...client.held])
    return held.toSorted().join() === expected.toSorted().join()
  }

  #names(topics: [topicId: string, partitions: readonly number[]][]): Set<Partition> {
    return new Set(
      topics.flatMap(([id, partitions]) => partitions.map(p => `${this.#image.topicsById.get(id)?.name}-${p}`)),
    )
  }

  #topicPartitions(held: ReadonlySet<Partition>) {
    return TOPICS.map(topic => ({
      topicId: this.#image.topicsByName.get(topic)!.id,
      partitions: [...held].filter(name => name.startsWith(topic)).map(name => Number(name.slice(2))),
    })).filter(({ partitions }) => partitions.length > 0)
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Where a batch may end. */
function cutsOf(length: number, wholes: readonly { readonly start: number; readonly end: number }[]): number[] {
  const all = Array.from({ length: length + 1 }, (_, i) => i)
  return all.filter(i => !wholes.some(({ start, end }) => i > start && i < end))
}
