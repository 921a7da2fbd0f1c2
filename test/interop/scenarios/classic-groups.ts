/**
 * The group coordinator's edges, asked for by the protocol itself: what no client does on purpose, in versions that none
 * speaks any more. Every answer has to be Apache Kafka's, which is kept in ../expected/classic-groups.txt; one check a
 * case, each with groups of its own.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode, type Init } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { Probe, runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const SYNC = { request: SyncGroupRequest, response: SyncGroupResponse }
const HEARTBEAT = { request: HeartbeatRequest, response: HeartbeatResponse }
const LEAVE = { request: LeaveGroupRequest, response: LeaveGroupResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const FETCH = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const DELETE_OFFSETS = { request: OffsetDeleteRequest, response: OffsetDeleteResponse }
const DESCRIBE = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const LIST = { request: ListGroupsRequest, response: ListGroupsResponse }
const DELETE = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }

/** Nobody's topic id. */
const NO_TOPIC = 'AAAAAAAAAAAAAAAAAAAA_w'
const MAX_SIZE = 3

export async function classicGroups(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'classic-groups')
  mkdirSync(folder)
  const settings = { 'group.max.size': MAX_SIZE, 'offset.metadata.max.bytes': 8, 'offsets.topic.num.partitions': 5 }
  const broker = await brokers.start(kind, { folder, settings })
  const topicId = await prepare(broker.bootstrap)
  await runCases('classic-groups', context, broker, CASES, name => new GroupProbe(name, broker.bootstrap, topicId))
}

/** Topics t and u of two partitions, and a coordinator that is there. Returns t's id. */
async function prepare(bootstrap: string): Promise<string> {
  const asker = new Asker('setup', bootstrap)
  const topics = ['t', 'u'].map(name => ({ name, numPartitions: 2, replicationFactor: 1 }))
  const created = await asker.ask(CREATE, 7, { topics, timeoutMs: 10_000 })
  for (;;) {
    const request = { groups: [{ groupId: 'any', topics: [] }] }
    const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: ['any'] })
    if (coordinators[0]!.errorCode === 0 && (await asker.ask(FETCH, 8, request)).groups[0]!.errorCode === 0) break
    await sleep(100)
  }
  asker.end()
  return created.topics.find(({ name }) => name === 't')!.topicId
}

/** One case: its group, its members, its notes. */
class GroupProbe extends Probe {
  readonly group: string
  readonly topicId: string

  constructor(name: string, bootstrap: string, topicId: string) {
    super(bootstrap)
    this.group = name.replaceAll(' ', '-')
    this.topicId = topicId
    this.notes.name(topicId, 'T')
  }

  member(name: string, instanceId: string | null = null): Member {
    return new Member(this, name, instanceId)
  }

  /** Two dynamic members in a stable group, a leading; partition 0 is a's, 1 is b's. */
  async pair(): Promise<[Member, Member]> {
    const a = this.member('a')
    const b = this.member('b')
    await a.enter()
    await a.sync({ assignments: a.assign('00') })
    await b.join()
    const joined = b.join()
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await Promise.all([a.join(), joined])
    await Promise.all([a.sync({ assignments: [...a.assign('00'), ...b.assign('01')] }), b.sync()])
    return [a, b]
  }

  admin(): Asker {
    return this.asker('admin')
  }

  tell<Response extends object>(what: string, answer: Response | Promise<Response>): Promise<Response> {
    return this.notes.tell(what, answer)
  }
}

class Member {
  readonly #asker: Asker
  /** As clients have them: heartbeats pass by a JoinGroup that waits. */
  readonly #heart: Asker
  readonly group: string
  readonly instanceId: string | null
  id = ''
  generation = -1
  protocols: string[] = ['range']

  constructor(probe: GroupProbe, name: string, instanceId: string | null) {
    this.#asker = probe.asker(name)
    this.#heart = probe.asker(`${name} beats`)
    this.group = probe.group
    this.instanceId = instanceId
  }

  /** Remembers what it is told: its id, its generation. */
  async join(more: Init<typeof JoinGroupRequest> = {}, version = 9) {
    const subscription = Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 1, 116, 255, 255, 255, 255])
    const response = await this.#asker.ask(JOIN, version, {
      groupId: this.group,
      memberId: this.id,
      ...(version >= 5 ? { groupInstanceId: this.instanceId } : {}),
      sessionTimeoutMs: 20_000,
      rebalanceTimeoutMs: version >= 1 ? 20_000 : -1,
      protocolType: 'consumer',
      protocols: this.protocols.map(name => ({ name, metadata: subscription })),
      ...more,
    })
    const { errorCode, memberId, generationId } = response
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.id = memberId
    if (errorCode === ErrorCode.NONE) this.generation = generationId
    return response
  }

  /** Both steps of joining. */
  async enter(more: Init<typeof JoinGroupRequest> = {}) {
    const response = await this.join(more)
    return response.errorCode === ErrorCode.MEMBER_ID_REQUIRED ? this.join(more) : response
  }

  assign(hex: string) {
    return [{ memberId: this.id, assignment: Buffer.from(hex, 'hex') }]
  }

  sync(more: Init<typeof SyncGroupRequest> = {}, version = 5) {
    return this.#asker.ask(SYNC, version, {
      groupId: this.group,
      generationId: this.generation,
      memberId: this.id,
      ...(version >= 3 ? { groupInstanceId: this.instanceId } : {}),
      ...(version >= 5 ? { protocolType: 'consumer', protocolName: this.protocols[0]! } : {}),
      ...more,
    })
  }

  heartbeat(more: Init<typeof HeartbeatRequest> = {}, version = 4) {
    const me = { groupId: this.group, generationId: this.generation, memberId: this.id }
    const instance = version >= 3 ? { groupInstanceId: this.instanceId } : {}
    return this.#heart.ask(HEARTBEAT, version, { ...me, ...instance, ...more })
  }

  /** Heartbeats until the answer is this one. */
  async until(errorCode: number): Promise<void> {
    await poll(
      `heartbeat ${errorCode}`,
      async () => (await this.heartbeat()).errorCode === errorCode || undefined,
      10_000,
      20,
    )
  }

  leave(version = 5) {
    const { id: memberId, instanceId: groupInstanceId, group: groupId } = this
    return this.#asker.ask(
      LEAVE,
      version,
      version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId, groupInstanceId }] },
    )
  }

  commit(more: Init<typeof OffsetCommitRequest> = {}, version = 9) {
    return this.#asker.ask(COMMIT, version, {
      groupId: this.group,
      generationIdOrMemberEpoch: this.generation,
      memberId: this.id,
      ...(version >= 7 ? { groupInstanceId: this.instanceId } : {}),
      topics: [offsets('t', 0, 5)],
      ...more,
    })
  }
}

function offsets(name: string, partitionIndex: number, committedOffset: number, committedMetadata: string | null = '') {
  return { name, partitions: [{ partitionIndex, committedOffset, committedMetadata }] }
}

const wanted = (...partitionIndexes: number[]) => [{ name: 't', partitionIndexes }]

// ------------------------------------------------------------------------------------------------------------- cases

const CASES: Record<string, (probe: GroupProbe) => Promise<void>> = {
  async 'join: what is refused at once'(p) {
    const a = p.member('a')
    await p.tell('no group id', a.join({ groupId: '' }))
    await p.tell('no group id, v5', a.join({ groupId: '' }, 5))
    await p.tell('session too short', a.join({ sessionTimeoutMs: 999 }))
    await p.tell('session too long', a.join({ sessionTimeoutMs: 1_800_001 }))
    await p.tell('a member of no group', a.join({ memberId: 'nobody' }))
    await p.tell('a member of no group, v0', a.join({ memberId: 'nobody' }, 0))
    await p.tell('no protocols', a.join({ protocols: [] }))
    await p.tell('no protocol type', a.join({ protocolType: '' }))
    await p.tell('the group is there', p.admin().ask(DESCRIBE, 6, { groups: [p.group] }))
  },

  async 'join: ids, from version 4 on'(p) {
    const a = p.member('a')
    await p.tell('without one', a.join())
    await p.tell('with it', a.join())
    const old = p.member('old')
    const joined = old.join({}, 3)
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await a.join()
    await p.tell('version 3', joined)
    await p.tell('an id and an instance id that nobody has', p.member('x', 'i').join({ memberId: 'x' }))
    const pending = p.member('pending')
    await pending.join()
    await p.tell('an id and an instance id that do not belong together', pending.join({ groupInstanceId: 'i' }))
  },

  async 'join: other protocols'(p) {
    const [a] = await p.pair()
    const c = p.member('c')
    await p.tell('of another type', c.join({ protocolType: 'connect' }))
    await p.tell('of another name', c.join({ protocols: [{ name: 'sticky' }] }))
    await p.tell('a member that forgets the common one', a.join({ protocols: [{ name: 'sticky' }] }))
    await p.tell('and goes on', a.heartbeat())
  },

  async 'join: again'(p) {
    const [a, b] = await p.pair()
    await p.tell('a follower of a stable group', b.join())
    const joined = a.join()
    await b.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await p.tell('a follower, while the group prepares', b.join())
    await p.tell('the leader', joined)
    await p.tell('the leader, before it has synced', a.join())
    await p.tell('a follower, before it has synced', b.join())
    await p.tell('a follower, v6', b.join({}, 6))
    await p.tell('the state', p.admin().ask(DESCRIBE, 5, { groups: [p.group] }))
  },

  async 'join: too many'(p) {
    const [a] = await p.pair()
    const given = p.member('given')
    const waiting = p.member('waiting')
    await Promise.all([given.join(), waiting.join()])
    // They wait for a and b, who come when there is no more room.
    const joins = [waiting, p.member('i', 'i'), p.member('j', 'j')].map(member => member.join().catch(() => null))
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await sleep(300)
    await p.tell('a new member', p.member('c').join())
    await p.tell('a new static member', p.member('k', 'k').join())
    await p.tell('one that was given an id', given.join())
    await p.tell('even one that was there before', a.join())
    await p.tell('and is not any more', a.heartbeat())
    void joins
  },

  async 'static members: a restart'(p) {
    const a = p.member('a', 'i')
    await p.tell('the first', a.join())
    await a.sync({ assignments: a.assign('00') })
    const b = p.member('b', 'j')
    const joined = b.join()
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await p.tell('the leader', a.join())
    await p.tell('the second', joined)
    await Promise.all([a.sync({ assignments: [...a.assign('00'), ...b.assign('01')] }), b.sync()])
    const b2 = p.member('b', 'j')
    await p.tell('a follower', b2.join())
    await p.tell('its assignment', b2.sync())
    await p.tell('before version 9', p.member('b', 'j').join({}, 8))
    const a2 = p.member('a', 'i')
    await p.tell('the leader', a2.join())
    await p.tell('its assignment', a2.sync())
    await p.tell('before version 9', p.member('a', 'i').join({}, 8))
    await p.tell('the group', p.admin().ask(DESCRIBE, 6, { groups: [p.group] }))
  },

  async 'static members: the old self is fenced'(p) {
    const old = p.member('old', 'i')
    await old.join()
    await old.sync({ assignments: old.assign('00') })
    await p.member('new', 'i').join()
    await p.tell('heartbeat', old.heartbeat())
    await p.tell('join', old.join())
    await p.tell('sync', old.sync())
    await p.tell('commit', old.commit())
    await p.tell('leave', old.leave())
    const stranger = p.member('stranger', 'k')
    stranger.id = old.id
    stranger.generation = old.generation
    await p.tell('an instance id that nobody has: heartbeat', stranger.heartbeat())
    await p.tell('commit', stranger.commit())
    await p.tell('leave', stranger.leave())
  },

  async 'static members: a restart while others wait'(p) {
    const a = p.member('a', 'i')
    await a.join()
    await a.sync({ assignments: a.assign('00') })
    const b = p.member('b')
    await b.join()
    const joined = b.join()
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    const a2 = p.member('a2', 'i')
    await p.tell('while the group prepares', a2.join())
    await p.tell('the other', joined)
    const synced = b.sync()
    await b.until(ErrorCode.NONE)
    const a3 = p.member('a3', 'i')
    const again = a3.join()
    await p.tell('who synced has to join again', synced)
    await p.tell('and does', b.join())
    await p.tell('before the assignment', again)
  },

  async 'sync: what is refused'(p) {
    const a = p.member('a')
    await p.tell('no group', a.sync())
    await p.tell('no group id', a.sync({ groupId: '' }))
    await p.tell('no protocol name, v5', a.sync({ protocolName: null }))
    await p.tell('no protocol type, v5', a.sync({ protocolType: null }))
    await a.join()
    await p.tell('an empty group', a.sync({ generationId: 0 }))
    await a.join()
    await p.tell('no member', a.sync({ memberId: 'nobody' }))
    await p.tell('an older generation', a.sync({ generationId: 0 }))
    await p.tell('a later generation', a.sync({ generationId: 9 }))
    await p.tell('another protocol type', a.sync({ protocolType: 'connect' }))
    await p.tell('another protocol', a.sync({ protocolName: 'sticky' }))
    await p.tell('version 0', a.sync({ assignments: a.assign('07') }, 0))
    await p.tell('version 4', a.sync({}, 4))
    await p.tell('version 5', a.sync())
  },

  async 'sync: while others join'(p) {
    const [a, b] = await p.pair()
    const joined = a.join()
    await b.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await p.tell('a follower', b.sync())
    await p.tell('joins', b.join())
    await joined
    const synced = b.sync()
    const c = p.member('c')
    await c.join()
    const cJoined = c.join()
    await p.tell('and is called back', synced)
    await p.tell('as is the leader', a.sync({ assignments: a.assign('00') }))
    await Promise.all([a.join(), b.join()])
    await p.tell('c', cJoined)
    const assigned = a.sync({ assignments: a.assign('00') })
    await p.tell('whom the leader forgets', b.sync())
    await p.tell('the leader', assigned)
    await p.tell('c', c.sync())
  },

  async heartbeat(p) {
    const a = p.member('a')
    await p.tell('no group', a.heartbeat())
    await p.tell('no group id', a.heartbeat({ groupId: '' }))
    await a.join()
    await p.tell('before it has joined', a.heartbeat({ generationId: 0 }))
    await a.join()
    await p.tell('before it has synced', a.heartbeat())
    await p.tell('an older generation', a.heartbeat({ generationId: 0 }))
    await p.tell('no member, v0', a.heartbeat({ memberId: 'nobody' }, 0))
    await a.sync()
    await p.tell('in a stable group', a.heartbeat())
    await a.leave()
    await p.tell('after it has left', a.heartbeat())
  },

  async 'session timeout'(p) {
    const a = p.member('a')
    await a.enter({ sessionTimeoutMs: 1000 })
    await a.sync({ assignments: a.assign('00') })
    const b = p.member('b')
    await b.join()
    const joined = b.join()
    await p.tell('who waits goes on without the silent one', joined)
    await p.tell('which is unknown', a.heartbeat())
    await p.tell('and so is what it would commit', a.commit())
    await p.tell('it may not even join', a.join())
  },

  async 'who joins must sync'(p) {
    const a = p.member('a')
    await a.enter({ rebalanceTimeoutMs: 1000 })
    await p.tell('a', a.heartbeat())
    await a.until(ErrorCode.UNKNOWN_MEMBER_ID)
    await p.tell('nobody is left', p.admin().ask(DESCRIBE, 6, { groups: [p.group] }))
  },

  async 'leave: what is refused'(p) {
    const a = p.member('a')
    await p.tell('no group, v2', a.leave(2))
    await p.tell('no group, v5', a.leave())
    await p.tell('no group id', p.admin().ask(LEAVE, 5, { groupId: '', members: [{ memberId: 'x' }] }))
    await a.enter()
    await a.sync()
    const member = { memberId: 'nobody' }
    await p.tell('no member, v0', p.admin().ask(LEAVE, 0, { groupId: p.group, memberId: 'nobody' }))
    await p.tell('no member, v3', p.admin().ask(LEAVE, 3, { groupId: p.group, members: [member] }))
    await p.tell('nobody at all', p.admin().ask(LEAVE, 5, { groupId: p.group, members: [] }))
    await p.tell('neither id', p.admin().ask(LEAVE, 5, { groupId: p.group, members: [{ memberId: '' }] }))
  },

  async leave(p) {
    const a = p.member('a')
    await a.join()
    await p.tell('with an id that never joined', a.leave())
    await p.tell('joins nonetheless', a.join())
    const b = p.member('b', 'i')
    await b.join()
    await b.sync()
    const c = p.member('c')
    await c.join()
    const members = [
      { memberId: '', groupInstanceId: 'i' },
      { memberId: c.id, reason: 'why not' },
      { memberId: 'nobody' },
    ]
    await p.tell('many at once', p.admin().ask(LEAVE, 5, { groupId: p.group, members }))
    await p.tell('and again', p.admin().ask(LEAVE, 4, { groupId: p.group, members }))
    await p.tell('the group', p.admin().ask(DESCRIBE, 6, { groups: [p.group] }))
    const d = p.member('d')
    await d.enter()
    await p.tell('version 1', d.leave(1))
    await p.tell('the next generation', p.member('e', 'e').join())
  },

  async 'commit: without a group'(p) {
    const lone = p.member('lone')
    for (const version of [2, 5, 6, 9]) await p.tell(`version ${version}`, lone.commit({}, version))
    await p.tell('with a generation, v8', lone.commit({ groupId: `${p.group}-8`, generationIdOrMemberEpoch: 1 }, 8))
    await p.tell('with a generation, v9', lone.commit({ groupId: `${p.group}-9`, generationIdOrMemberEpoch: 1 }, 9))
    await p.tell('with a generation, to an empty group', lone.commit({ generationIdOrMemberEpoch: 1 }))
    await p.tell('with a member id', lone.commit({ memberId: 'x' }))
    await p.tell('with an instance id', lone.commit({ groupInstanceId: 'i' }))
    await p.tell('no group id', lone.commit({ groupId: '' }))
    const topics = [offsets('t', 0, 1), offsets('t', 7, 1), offsets('nosuch', 0, 1), offsets('u', 1, 1, 'too long!')]
    await p.tell('some that are not there', lone.commit({ topics: [...topics, offsets('u', 0, 2, null)] }))
    await p.tell('none at all', lone.commit({ topics: [] }))
    await p.tell('none that is there', lone.commit({ topics: [offsets('nosuch', 0, 1)] }))
    const byId = (topicId: string) => ({ topicId, partitions: [{ partitionIndex: 1, committedOffset: -7 }] })
    await p.tell('by id', lone.commit({ topics: [byId(p.topicId), byId(NO_TOPIC)] }, 10))
    const all = { groups: [{ groupId: p.group, topics: null }] }
    await p.tell('what is there now', p.admin().ask(FETCH, 9, all))
  },

  async 'commit: in a group'(p) {
    const a = p.member('a')
    await a.join()
    await p.tell('before it has joined', a.commit())
    await a.join()
    await p.tell('before it has synced', a.commit())
    await p.tell('before it has synced, v2', a.commit({}, 2))
    await a.sync()
    await p.tell('in a stable group', a.commit())
    await p.tell('an older generation', a.commit({ generationIdOrMemberEpoch: 0 }))
    await p.tell('no member', a.commit({ memberId: 'nobody' }))
    await p.tell('neither', a.commit({ memberId: '', generationIdOrMemberEpoch: -1 }))
    await p.tell('a member without a generation', a.commit({ generationIdOrMemberEpoch: -1 }))
    const b = p.member('b')
    await b.join()
    const joined = b.join()
    await a.until(ErrorCode.REBALANCE_IN_PROGRESS)
    await p.tell('while others join', a.commit())
    await p.tell(
      'after it has left',
      a.leave().then(() => a.commit()),
    )
    await joined
  },

  async 'fetch: version by version'(p) {
    await p.member('lone').commit({ topics: [offsets('t', 0, 5, 'note'), offsets('u', 1, 6)] })
    const one = { groupId: p.group, topics: wanted(0, 1, 9) }
    for (const version of [1, 2, 5, 7]) await p.tell(`version ${version}`, p.admin().ask(FETCH, version, one))
    await p.tell('all', p.admin().ask(FETCH, 2, { groupId: p.group, topics: null }))
    await p.tell('stable ones', p.admin().ask(FETCH, 7, { ...one, requireStable: true }))
    await p.tell('none', p.admin().ask(FETCH, 7, { groupId: p.group, topics: [] }))
    const missing = { groupId: `${p.group}-missing`, topics: wanted(0) }
    await p.tell('no group, v1', p.admin().ask(FETCH, 1, missing))
    await p.tell('no group, v7', p.admin().ask(FETCH, 7, missing))
    await p.tell('no group, all', p.admin().ask(FETCH, 7, { ...missing, topics: null }))
    await p.tell('no group id', p.admin().ask(FETCH, 7, { ...missing, groupId: '' }))
    const nosuch = { ...one, topics: [{ name: 'nosuch', partitionIndexes: [0] }] }
    await p.tell('no topic', p.admin().ask(FETCH, 7, nosuch))
    const many = { groups: [one, missing, { groupId: p.group, topics: null }] }
    await p.tell('many groups', p.admin().ask(FETCH, 8, many))
    const id = (topicId: string) => ({ topicId, partitionIndexes: [0, 1] })
    const byId = [{ groupId: p.group, topics: [id(p.topicId), id(NO_TOPIC)] }]
    await p.tell('by id', p.admin().ask(FETCH, 10, { groups: byId }))
    await p.tell('as somebody', p.admin().ask(FETCH, 9, { groups: [{ ...one, memberId: 'x', memberEpoch: 7 }] }))
  },

  async 'delete offsets'(p) {
    const topics = (name: string, ...partitions: number[]) => [
      { name, partitions: partitions.map(partitionIndex => ({ partitionIndex })) },
    ]
    const erase = (...list: ReturnType<typeof topics>) =>
      p.admin().ask(DELETE_OFFSETS, 0, { groupId: p.group, topics: list })
    await p.tell('no group', erase(...topics('t', 0)))
    await p.tell('no group id', p.admin().ask(DELETE_OFFSETS, 0, { groupId: '', topics: [] }))
    const a = p.member('a')
    await a.enter()
    await p.tell('before the group has synced', erase(...topics('t', 0)))
    await a.sync()
    await a.commit({ topics: [offsets('t', 0, 1), offsets('u', 0, 2), offsets('u', 1, 3)] })
    await p.tell(
      'of what is subscribed to, and what is not',
      erase(...topics('t', 0), ...topics('u', 0, 7), ...topics('nosuch', 0)),
    )
    await a.leave()
    await p.tell('of an empty group', erase(...topics('t', 0, 1)))
    await p.tell('what is left', p.admin().ask(FETCH, 7, { groupId: p.group, topics: null }))
    const worker = p.member('worker')
    await worker.enter({ protocolType: 'connect' })
    await p.tell('of a group of other things', erase(...topics('u', 1)))
  },

  async describe(p) {
    const ask = (version: number, more: Init<typeof DescribeGroupsRequest> = {}) =>
      p.admin().ask(DESCRIBE, version, { groups: [p.group], ...more })
    await p.tell('no group, v5', ask(5))
    await p.tell('no group, v6', ask(6))
    await p.tell('no group id', ask(6, { groups: [''] }))
    await p.member('lone').commit()
    await p.tell('a group that only commits', ask(6, { includeAuthorizedOperations: true }))
    const a = p.member('a', 'i')
    await a.enter()
    await p.tell('before the leader has synced', ask(6))
    await a.sync({ assignments: a.assign('0102') })
    for (const version of [0, 3, 4]) await p.tell(`version ${version}`, ask(version))
    await p.tell('what may be done to it', ask(3, { includeAuthorizedOperations: true }))
    await p.tell('many, one twice', ask(6, { groups: [p.group, 'none', p.group] }))
    await a.leave()
    await p.tell('an empty one', ask(6))
  },

  async list(p) {
    await p.pair()
    await p.member('lone').commit({ groupId: `${p.group}-lone` })
    const ask = async (version: number, more: Init<typeof ListGroupsRequest> = {}) => {
      const response = await p.admin().ask(LIST, version, more)
      return { ...response, groups: response.groups.filter(({ groupId }) => groupId.startsWith(p.group)) }
    }
    for (const version of [0, 3, 4, 5]) await p.tell(`version ${version}`, ask(version))
    for (const state of ['Stable', 'sTABLE', 'Empty', ' empty ', 'Dead', 'nonsense']) {
      await p.tell(`in state '${state}'`, ask(4, { statesFilter: [state] }))
    }
    await p.tell('in either state', ask(5, { statesFilter: ['empty', 'stable'] }))
    for (const type of ['classic', 'CLASSIC', 'consumer', 'nonsense']) {
      await p.tell(`of type '${type}'`, ask(5, { typesFilter: [type] }))
    }
    await p.tell('of several types', ask(5, { typesFilter: ['share', 'classic'], statesFilter: ['Stable'] }))
  },

  async 'delete groups'(p) {
    const erase = (version: number, ...groupsNames: string[]) => p.admin().ask(DELETE, version, { groupsNames })
    await p.tell('no group', erase(2, p.group))
    await p.tell('no group id', erase(2, ''))
    await p.member('lone').commit()
    await p.tell('a group that only commits', erase(0, p.group, p.group))
    await p.tell('its offsets', p.admin().ask(FETCH, 7, { groupId: p.group, topics: null }))
    const a = p.member('a')
    await a.enter()
    await p.tell('a group with members', erase(1, p.group, `${p.group}-none`))
    await a.leave()
    await p.tell('an empty one', erase(2, p.group))
    await p.tell('is gone', p.admin().ask(DESCRIBE, 6, { groups: [p.group] }))
    await p.tell('and begins anew', p.member('b', 'b').join())
  },

  async 'find coordinator'(p) {
    for (const version of [0, 1, 3]) await p.tell(`version ${version}`, p.admin().ask(FIND, version, { key: p.group }))
    for (const version of [4, 6]) {
      await p.tell(`version ${version}`, p.admin().ask(FIND, version, { coordinatorKeys: [p.group, '', p.group] }))
    }
    await p.tell('of nothing', p.admin().ask(FIND, 4, { coordinatorKeys: [] }))
    await p.tell('of an unknown kind', p.admin().ask(FIND, 4, { coordinatorKeys: ['x'], keyType: 9 }))
    await p.tell('of an unknown kind, v1', p.admin().ask(FIND, 1, { key: 'x', keyType: 9 }))
    await p.tell('of share groups, too early', p.admin().ask(FIND, 5, { coordinatorKeys: ['x'], keyType: 2 }))
  },
}
