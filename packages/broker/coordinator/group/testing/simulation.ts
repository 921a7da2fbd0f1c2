/**
 * A few clients that do what clients do, in any order, against one group machine; and what must hold whatever they do.
 * Every record goes through bytes into a log of its own, from which a second machine can be made at any time.
 */
import assert from 'node:assert/strict'
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { EMPTY_IMAGE } from '../../../image/index.ts'
import type { Effects } from '../../shard.ts'
import { GroupMachine } from '../machine.ts'
import type { GroupRecord } from '../records.ts'
import type { GroupApi, GroupRequest, GroupResponse, RequestOf, ResponseOf } from '../requests.ts'
import { groupSerde } from '../serde.ts'
import { OWN_CONFIG, TEST_CONFIG } from './scenario.ts'
import { subscription } from './show.ts'

export const GROUPS = ['g', 'h'] as const
export const CLIENTS = 6
/** Of the one topic that everybody reads. */
const PARTITIONS = 7

export type Step =
  | { readonly do: 'join' | 'sync' | 'heartbeat' | 'leave' | 'commit' | 'restart client'; readonly client: number }
  | { readonly do: 'other protocols'; readonly client: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'restart' }
  | { readonly do: 'delete'; readonly group: number }

class Client {
  readonly name: string
  readonly group: string
  /** Every other one is static. */
  readonly instanceId: string | null
  readonly apiVersion: number
  memberId = ''
  generation = -1
  isLeader = false
  members: readonly string[] = []
  protocols = 'range:t;sticky:t'

  constructor(index: number) {
    this.name = `c${index}`
    this.group = GROUPS[index % GROUPS.length]!
    this.instanceId = index % 4 < 2 ? null : `i${index}`
    this.apiVersion = index === 0 ? 3 : 9
  }

  forget(): void {
    this.memberId = ''
    this.generation = -1
    this.isLeader = false
  }
}

interface Waiting {
  readonly client: Client
  readonly api: GroupApi
  /** Of the client when it asked. */
  readonly memberId: string
  readonly generation: number
}

export class Simulation {
  readonly #clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i))
  readonly #waiting = new Map<number, Waiting>()
  readonly #log: { readonly key: Uint8Array; readonly value: Uint8Array | null }[] = []
  /** group, generation → member → what it was told to read. */
  readonly #assigned = new Map<string, Map<string, Uint8Array>>()
  readonly #generations = new Map<string, number>()
  #machine = this.#replayed()
  #elapsedMs = 0
  #requests = 0
  #uuids = 0

  constructor() {
    this.#load()
  }

  step(step: Step): void {
    switch (step.do) {
      case 'advance':
        this.#advance(step.ms)
        break
      case 'restart':
        this.#restart()
        break
      case 'delete':
        this.#delete(GROUPS[step.group]!)
        break
      default:
        this.#act(step.do, this.#clients[step.client]!)
    }
  }

  /** The end of the world: nobody may be left without an answer. */
  finish(): void {
    this.checkLog()
    this.#answer(this.#machine.onUnload())
    assert.equal(this.#waiting.size, 0, 'requests without an answer')
  }

  /** A machine made from the log knows the same offsets and, of groups at rest, the same members. */
  checkLog(): void {
    const other = this.#replayed()
    const groupsOf = (machine: GroupMachine) => new Set(machine.listGroups([], []).map(({ groupId }) => groupId))
    assert.deepEqual(groupsOf(other), groupsOf(this.#machine))
    for (const groupId of GROUPS) {
      const fetch = { groupId, memberId: null, memberEpoch: -1, topics: null }
      assert.deepEqual(other.fetchOffsets(fetch, true), this.#machine.fetchOffsets(fetch, true))
      const described = this.#machine.describeGroup(groupId, 6)
      const isAtRest = described.groupState === 'Stable' || described.groupState === 'Empty'
      if (isAtRest) assert.deepEqual(other.describeGroup(groupId, 6), described)
    }
  }

  // ------------------------------------------------------------------------------------------------------- clients

  #act(what: Exclude<Step['do'], 'advance' | 'restart' | 'delete'>, client: Client): void {
    const { group: groupId, memberId, generation: generationId, instanceId: groupInstanceId } = client
    const me = { groupId, memberId, groupInstanceId }
    switch (what) {
      case 'restart client':
        client.forget()
        break
      case 'other protocols':
        client.protocols = client.protocols.startsWith('range') ? 'sticky:t;range:t' : 'range:t;sticky:t'
        break
      case 'join':
        this.#join(client)
        break
      case 'sync': {
        const assignments = client.isLeader ? assign(client.members, generationId) : []
        const request = { ...me, generationId, protocolType: null, protocolName: null, assignments }
        this.#call(client, 'syncGroup', request)
        break
      }
      case 'heartbeat':
        this.#call(client, 'heartbeat', { ...me, generationId })
        break
      case 'leave':
        this.#call(client, 'leaveGroup', { ...me, members: [{ memberId, groupInstanceId, reason: null }] })
        break
      case 'commit': {
        const partition = { committedLeaderEpoch: -1, committedMetadata: client.name }
        const partitions = [{ partitionIndex: 0, committedOffset: this.#requests, ...partition }]
        const topics = [{ name: 't', topicId: ZERO_UUID, partitions }]
        this.#call(client, 'offsetCommit', {
          ...me,
          generationIdOrMemberEpoch: generationId,
          retentionTimeMs: -1,
          topics,
        })
      }
    }
  }

  /** A group of the same name begins anew. */
  #delete(group: string): void {
    this.#call(this.#clients[0]!, 'deleteGroups', { groupsNames: [group] })
    if (this.#machine.listGroups([], []).some(({ groupId }) => groupId === group)) return
    this.#generations.delete(group)
    for (const key of [...this.#assigned.keys()]) if (key.startsWith(`${group} `)) this.#assigned.delete(key)
  }

  #join(client: Client): void {
    this.#call(client, 'joinGroup', {
      groupId: client.group,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 5_000,
      protocolType: 'consumer',
      protocols: client.protocols.split(';').map(subscription),
      reason: null,
    })
  }

  #call<Api extends GroupApi>(client: Client, api: Api, request: RequestOf<Api>): void {
    const requestId = this.#requests++
    const { memberId, generation, name, apiVersion } = client
    this.#waiting.set(requestId, { client, api, memberId, generation })
    const call = { api, request, caller: { apiVersion, clientId: name, clientHost: '/' } } as GroupRequest
    this.#take(this.#machine.handle(requestId, call, this.#now))
  }

  // -------------------------------------------------------------------------------------------------------- answers

  #take({ records, completions }: Effects<GroupResponse, GroupRecord>): void {
    for (const record of records) this.#log.push(groupSerde.encode(record))
    this.#answer(completions)
  }

  #answer(completions: Effects<GroupResponse, GroupRecord>['completions']): void {
    for (const { requestId, response } of completions) {
      const waiting = this.#waiting.get(requestId)
      assert.ok(waiting, `request ${requestId} was answered twice, or never made`)
      this.#waiting.delete(requestId)
      if (waiting.api === 'joinGroup') this.#joined(waiting.client, response as ResponseOf<'joinGroup'>)
      else if (waiting.api === 'syncGroup') this.#synced(waiting, response as ResponseOf<'syncGroup'>)
      else if (isUnknown(response)) waiting.client.forget()
    }
  }

  #joined(client: Client, response: ResponseOf<'joinGroup'>): void {
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = response.memberId!
    if (isUnknown(response)) client.forget()
    if (response.errorCode !== ErrorCode.NONE) return
    const { generationId, memberId, leader, members } = response
    const before = this.#generations.get(client.group) ?? 0
    assert.ok(generationId! >= before, `generation ${generationId} after ${before}`)
    this.#generations.set(client.group, generationId!)
    client.memberId = memberId!
    client.generation = generationId!
    client.isLeader = leader === memberId && !response.skipAssignment
    client.members = members!.map(member => member.memberId!)
    if (client.isLeader) assert.ok(client.members.includes(memberId!), 'a leader that is not told of itself')
  }

  #synced({ client, memberId, generation }: Waiting, response: ResponseOf<'syncGroup'>): void {
    if (isUnknown(response)) client.forget()
    if (response.errorCode !== ErrorCode.NONE) return
    const key = `${client.group} ${generation}`
    const assigned = this.#assigned.get(key) ?? new Map<string, Uint8Array>()
    this.#assigned.set(key, assigned)
    const known = assigned.get(memberId)
    if (known) assert.deepEqual(response.assignment, known, 'another assignment for the same generation')
    assigned.set(memberId, response.assignment!)
    // A static member that was restarted has what it had under its old id: one of its names is enough.
    const byInstance = new Map([...assigned].map(([id, partitions]) => [id.replace(/-\d+$/, ''), partitions]))
    const all = [...byInstance.values()].flatMap(partitions => [...partitions])
    assert.equal(new Set(all).size, all.length, `a partition was assigned twice in ${key}`)
  }

  // ---------------------------------------------------------------------------------------------------- time, crash

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#machine.nextDeadlineMs(); next <= untilMs; next = this.#machine.nextDeadlineMs()) {
      this.#elapsedMs = Math.max(next, this.#elapsedMs)
      this.#take(this.#machine.expire(this.#now))
    }
    this.#elapsedMs = untilMs
  }

  /** Members and generations that were not written are gone, as after a crash. */
  #restart(): void {
    this.#answer(this.#machine.onUnload())
    assert.equal(this.#waiting.size, 0, 'requests without an answer')
    this.#machine = this.#replayed()
    this.#generations.clear()
    this.#assigned.clear()
    this.#load()
  }

  #load(): void {
    this.#take(this.#machine.onLoaded(this.#now, this.#log.length))
  }

  #replayed(): GroupMachine {
    const machine = new GroupMachine({
      config: { ...TEST_CONFIG, maxSize: 3 },
      configOf: () => OWN_CONFIG,
      image: () => EMPTY_IMAGE,
      newUuid: () => String(++this.#uuids),
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
}

function isUnknown(response: GroupResponse): boolean {
  if (!('errorCode' in response)) return false
  return response.errorCode === ErrorCode.UNKNOWN_MEMBER_ID || response.errorCode === ErrorCode.FENCED_INSTANCE_ID
}

/** Every partition to one of them, another one in every generation. */
function assign(members: readonly string[], generation: number) {
  return members.map((memberId, place) => {
    const mine = Array.from({ length: PARTITIONS }, (_, p) => p).filter(
      p => (p + generation) % members.length === place,
    )
    return { memberId, assignment: Uint8Array.from(mine) }
  })
}
