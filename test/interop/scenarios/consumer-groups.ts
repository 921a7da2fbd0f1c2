/**
 * The consumer group protocol (KIP-848), asked for by the protocol itself: joining, giving up partitions, epochs, static
 * members, regular expressions, offsets, and groups that turn from classic to consumer and back with members of both.
 * Every answer has to be Apache Kafka's, which is kept in ../expected/consumer-groups.txt; one check a case, each with
 * groups of its own. Answers of two assignors that need not agree on who gets which are kept out by asking for `range`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeToBytes, type Init } from '@ottla/protocol'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
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

const BEAT = { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse }
const DESCRIBE = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }
const DESCRIBE_CLASSIC = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const SYNC = { request: SyncGroupRequest, response: SyncGroupResponse }
const HEARTBEAT = { request: HeartbeatRequest, response: HeartbeatResponse }
const LEAVE = { request: LeaveGroupRequest, response: LeaveGroupResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const FETCH = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const DELETE_OFFSETS = { request: OffsetDeleteRequest, response: OffsetDeleteResponse }
const LIST = { request: ListGroupsRequest, response: ListGroupsResponse }
const DELETE = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }

/** An id that sorts before any that a broker makes. */
const FIRST = '.a'

type Topics = Readonly<Record<string, string>>
type Heartbeat = Init<typeof ConsumerGroupHeartbeatRequest>

const SETTINGS = {
  'group.consumer.max.size': 3,
  'group.consumer.assignment.interval.ms': 0,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 5,
}

export async function consumerGroups(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'consumer-groups')
  mkdirSync(folder)
  const broker = await brokers.start(kind, { folder, settings: SETTINGS })
  const topics = await prepare(broker.bootstrap)
  await runCases('consumer-groups', context, broker, CASES, name => new GroupProbe(name, broker.bootstrap, topics))
}

/** Topics t and u of two partitions, and a coordinator that is there. Returns their ids. */
async function prepare(bootstrap: string): Promise<Topics> {
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
  return Object.fromEntries(created.topics.map(({ name, topicId }) => [name, topicId]))
}

class GroupProbe extends Probe {
  readonly group: string
  readonly topics: Topics

  constructor(name: string, bootstrap: string, topics: Topics) {
    super(bootstrap)
    this.group = name.replaceAll(/[ :,]+/g, '-')
    this.topics = topics
    for (const [topic, id] of Object.entries(topics)) this.notes.name(id, topic.toUpperCase())
  }

  member(name: string, instanceId: string | null = null): Member {
    return new Member(this, name, instanceId)
  }

  classic(name: string, instanceId: string | null = null): ClassicMember {
    return new ClassicMember(this, name, instanceId)
  }

  get admin(): Asker {
    return this.asker('admin')
  }

  tell<Response extends object>(what: string, answer: Response | Promise<Response>): Promise<Response> {
    return this.notes.tell(what, answer)
  }

  describe(version = 1) {
    return this.admin.ask(DESCRIBE, version, { groupIds: [this.group] })
  }

  list() {
    return this.admin.ask(LIST, 5, {}).then(({ groups }) => groups.filter(({ groupId }) => groupId === this.group))
  }
}

/** Of the consumer protocol. Its id is its name, as long as it makes it itself. */
class Member {
  readonly #probe: GroupProbe
  readonly #asker: Asker
  id: string
  instanceId: string | null
  epoch = 0
  owned: NonNullable<Heartbeat['topicPartitions']> = []

  constructor(probe: GroupProbe, name: string, instanceId: string | null) {
    this.#probe = probe
    this.#asker = probe.asker(name)
    this.id = name
    this.instanceId = instanceId
  }

  /** What the member knows, and `more`; remembers what it is told. */
  async beat(more: Heartbeat = {}, version = 1) {
    const response = await this.#asker.ask(BEAT, version, {
      groupId: this.#probe.group,
      memberId: this.id,
      memberEpoch: this.epoch,
      instanceId: this.instanceId,
      ...more,
    })
    if (response.errorCode !== 0) return response
    this.epoch = response.memberEpoch
    if (response.assignment) this.owned = response.assignment.topicPartitions
    return response
  }

  join(more: Heartbeat = {}, version = 1) {
    this.owned = []
    return this.beat(
      {
        memberEpoch: 0,
        rebalanceTimeoutMs: 10_000,
        topicPartitions: [],
        ...(more.subscribedTopicRegex == null ? { subscribedTopicNames: ['t'] } : {}),
        serverAssignor: 'range',
        ...more,
      },
      version,
    )
  }

  /** Says that it has what it was told. */
  ack(more: Heartbeat = {}) {
    return this.beat({ topicPartitions: this.owned, ...more })
  }

  leave(memberEpoch = -1) {
    return this.beat({ memberEpoch })
  }

  commit(epoch: number, partitionIndex = 0, version = 9) {
    return this.#asker.ask(COMMIT, version, {
      groupId: this.#probe.group,
      generationIdOrMemberEpoch: epoch,
      memberId: this.id,
      topics: [{ name: 't', partitions: [{ partitionIndex, committedOffset: 5, committedMetadata: '' }] }],
    })
  }

  fetch(memberEpoch: number, memberId: string | null = this.id, version = 9) {
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const group = { groupId: this.#probe.group, topics, ...(version >= 9 ? { memberId, memberEpoch } : {}) }
    return this.#asker.ask(FETCH, version, { groups: [group] })
  }
}

/** Of the classic protocol, as a cooperative consumer: it says what it has when it joins. */
class ClassicMember {
  readonly #probe: GroupProbe
  readonly #asker: Asker
  id = ''
  readonly instanceId: string | null
  generation = -1
  topics = ['t']
  owned: { topic: string; partitions: number[] }[] = []

  constructor(probe: GroupProbe, name: string, instanceId: string | null) {
    this.#probe = probe
    this.#asker = probe.asker(name)
    this.instanceId = instanceId
  }

  async join(more: Init<typeof JoinGroupRequest> = {}, version = 9) {
    const body = encodeToBytes(ConsumerProtocolSubscription, 1, { topics: this.topics, ownedPartitions: this.owned })
    const response = await this.#asker.ask(JOIN, version, {
      groupId: this.#probe.group,
      memberId: this.id,
      groupInstanceId: this.instanceId,
      sessionTimeoutMs: 20_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'consumer',
      protocols: [{ name: 'cooperative', metadata: Buffer.from([0, 1, ...body]) }],
      ...more,
    })
    if (response.memberId !== '') {
      if (this.id === '') this.#probe.notes.name(response.memberId, `id of ${this.#asker.name}`)
      this.id = response.memberId
    }
    if (response.errorCode === 0) this.generation = response.generationId
    return response
  }

  /** Both steps of joining. */
  async enter() {
    const response = await this.join()
    return response.errorCode === 79 ? this.join() : response
  }

  /** As a leader: partitions of t for each member. */
  sync(assignments: [ClassicMember, number[]][] = [], more: Init<typeof SyncGroupRequest> = {}) {
    return this.#asker.ask(SYNC, 5, {
      groupId: this.#probe.group,
      generationId: this.generation,
      memberId: this.id,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocolName: 'cooperative',
      assignments: assignments.map(([{ id: memberId }, partitions]) => {
        const assignedPartitions = [{ topic: 't', partitions }]
        const body = encodeToBytes(ConsumerProtocolAssignment, 1, { assignedPartitions })
        return { memberId, assignment: Buffer.from([0, 1, ...body]) }
      }),
      ...more,
    })
  }

  heartbeat(more: Init<typeof HeartbeatRequest> = {}) {
    const { id: memberId, instanceId: groupInstanceId, generation: generationId } = this
    const request = { groupId: this.#probe.group, memberId, groupInstanceId, generationId }
    return this.#asker.ask(HEARTBEAT, 4, { ...request, ...more })
  }

  leave() {
    const { id: memberId, instanceId: groupInstanceId } = this
    const members = [{ memberId, groupInstanceId }]
    return this.#asker.ask(LEAVE, 5, { groupId: this.#probe.group, members })
  }
}

// ------------------------------------------------------------------------------------------------------------- cases

const CASES: Record<string, (probe: GroupProbe) => Promise<void>> = {
  async 'heartbeat: what is refused at once'(p) {
    const a = p.member('a')
    await p.tell('no group id', a.join({ groupId: '' }))
    await p.tell('a blank for a group id', a.join({ groupId: ' ' }))
    await p.tell('no member id', a.join({ memberId: '' }))
    await p.tell('no member id, v0, at an epoch', a.beat({ memberId: '', memberEpoch: 1 }, 0))
    await p.tell('no member id, v0, leaving', a.beat({ memberId: '', memberEpoch: -1 }, 0))
    await p.tell('an empty instance id', a.join({ instanceId: '' }))
    await p.tell('an empty rack', a.join({ rackId: '' }))
    await p.tell('no rebalance timeout', a.join({ rebalanceTimeoutMs: -1 }))
    await p.tell('no list of partitions', a.join({ topicPartitions: null }))
    await p.tell('partitions', a.join({ topicPartitions: [{ topicId: p.topics.t!, partitions: [0] }] }))
    await p.tell('no subscription', a.join({ subscribedTopicNames: null }))
    await p.tell('an assignor that is not there', a.join({ serverAssignor: 'sticky' }))
    await p.tell('an epoch that there is not', a.beat({ memberEpoch: -3 }))
    await p.tell('away without an instance id', a.beat({ memberEpoch: -2 }))
    await p.tell('an epoch in no group', a.beat({ memberEpoch: 1 }))
    await p.tell('leaving no group', a.beat({ memberEpoch: -1 }))
    await p.tell(
      'no groups',
      p.list().then(groups => ({ groups })),
    )
  },

  async 'join: alone'(p) {
    const a = p.member('a')
    await p.tell('first', a.join())
    await p.tell('nothing new', a.beat())
    await p.tell('with what it has', a.ack())
    await p.tell('a full request', a.ack({ rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['t'] }))
    await p.tell('from the beginning', a.join())
    await p.tell('the state', p.describe())
    await p.tell('the state, v0', p.describe(0))
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('leaves', a.leave())
    await p.tell('the state', p.describe())
    await p.tell('leaves again', a.leave())
    await p.tell('stays', a.beat({ memberEpoch: 1 }))
  },

  async 'join: without an id, v0'(p) {
    const a = p.member('a')
    const response = await a.join({ memberId: '' }, 0)
    p.notes.name(response.memberId!, 'M')
    await p.tell('joined', response)
    await p.tell('goes on', a.beat({ memberId: response.memberId! }, 0))
  },

  async 'join: nothing to read'(p) {
    await p.tell('no topics', p.member('a').join({ subscribedTopicNames: [] }))
    await p.tell('a topic that is not there', p.member('b').join({ subscribedTopicNames: ['nowhere'] }))
    await p.tell('the state', p.describe())
  },

  async 'two members'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join()
    await p.tell('b joins', b.join())
    await p.tell('a is told', a.beat())
    await p.tell('a has not done it', a.beat())
    await p.tell('b waits', b.beat())
    await p.tell('the state', p.describe())
    await p.tell('a has done it', a.ack())
    await p.tell('b has it', b.beat())
    await p.tell('b says so', b.ack())
    await p.tell('the state', p.describe())
    await p.tell('b leaves', b.leave())
    await p.tell('a has all', a.beat())
    await p.tell('the state', p.describe())
  },

  async 'one that does not give up'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join({ rebalanceTimeoutMs: 500 })
    await b.join()
    await p.tell('a is told', a.beat())
    await sleep(1500)
    await p.tell('a is fenced', a.beat())
    await p.tell('b has all', b.beat())
    await p.tell('a comes back', a.join())
  },

  async epochs(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join()
    await b.join()
    await a.beat()
    await a.ack()
    await p.tell('of the past, without partitions', a.beat({ memberEpoch: 1 }))
    await p.tell('of the past, with its own', a.ack({ memberEpoch: 1 }))
    const others = [{ topicId: p.topics.t!, partitions: [0, 1] }]
    await p.tell('of the past, with others', a.beat({ memberEpoch: 1, topicPartitions: others }))
    await p.tell('of the future', a.beat({ memberEpoch: 3 }))
    await p.tell('nobody', p.member('c').beat({ memberEpoch: 2 }))
    await p.tell('nobody leaves', p.member('c').beat({ memberEpoch: -1 }))
  },

  async 'another subscription'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join()
    await p.tell('u, too', a.beat({ subscribedTopicNames: ['t', 'u', 't'] }))
    await p.tell('only u', a.beat({ subscribedTopicNames: ['u'] }))
    await p.tell('has given up t', a.ack())
    await p.tell('b for t', b.join())
    await p.tell('a again', a.beat())
    await p.tell('nothing', a.beat({ subscribedTopicNames: [] }))
    await p.tell('has given up all', a.ack())
    await p.tell('another assignor', a.beat({ serverAssignor: 'uniform', subscribedTopicNames: ['u'] }))
    await p.tell('another rack', a.beat({ rackId: 'r' }))
    await p.tell('the state', p.describe())
  },

  async 'regular expressions'(p) {
    const a = p.member('a')
    await p.tell('broken', a.join({ subscribedTopicRegex: '(', subscribedTopicNames: null }))
    await p.tell('no lookahead', a.join({ subscribedTopicRegex: 't(?=x)', subscribedTopicNames: null }))
    await p.tell(
      'no groups',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('joins', a.join({ subscribedTopicRegex: '[tu]', subscribedTopicNames: null }))
    await sleep(1000)
    await p.tell('is told', a.beat())
    await p.tell('the state', p.describe())
    const b = p.member('b')
    await p.tell('another with the same', b.join({ subscribedTopicRegex: '[tu]', subscribedTopicNames: null }))
    await p.tell('a gives up', a.beat())
    await p.tell('a has', a.ack())
    await p.tell('b has', b.beat())
    await p.tell('a by name', a.beat({ subscribedTopicRegex: '', subscribedTopicNames: ['t'] }))
    await p.tell('the state', p.describe())
    await p.tell('broken, later', a.beat({ subscribedTopicRegex: '*' }))
    await p.tell('the one that is there', a.beat({ subscribedTopicRegex: '[tu]', subscribedTopicNames: [] }))
    await p.tell('v0 knows none', a.join({ memberId: 'a' }, 0))
  },

  async 'static members'(p) {
    const a = p.member('a', 'i')
    await p.tell('joins', a.join())
    const other = p.member('other', 'i')
    await p.tell('another, at once', other.join())
    await p.tell('another, at an epoch', other.beat({ memberEpoch: 1 }))
    await p.tell('the same id and another instance', a.beat({ instanceId: 'j' }))
    await p.tell('the same id and none', a.beat({ instanceId: null }))
    await p.tell('away', a.leave(-2))
    await p.tell('the state', p.describe())
    await p.tell('heard of, all the same', a.beat({ memberEpoch: 1 }))
    await p.tell('another takes its place', other.join())
    await p.tell('the one before', a.beat({ memberEpoch: 1 }))
    await p.tell('the one before leaves', a.beat({ memberEpoch: -1 }))
    await p.tell('the one before is away', a.beat({ memberEpoch: -2 }))
    await p.tell('goes on', other.beat())
    await p.tell('away again', other.leave(-2))
    await p.tell('back under its own id, with other topics', other.join({ subscribedTopicNames: ['u'] }))
    await p.tell('leaves for good', other.leave())
    await p.tell('the state', p.describe())
  },

  async 'too many'(p) {
    for (const name of ['a', 'b', 'c']) await p.member(name, `i${name}`).join()
    await p.tell('a fourth', p.member('d').join())
    await p.tell('a fourth, static', p.member('d', 'id').join())
    await p.tell('one that is there', p.member('a', 'ia').beat({ memberEpoch: 1 }))
    const old = p.classic('old')
    await p.tell('a classic one', old.join())
  },

  async offsets(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await p.tell('of no group', a.commit(1))
    await a.join()
    await p.tell('at its epoch', a.commit(1))
    await p.tell('of the future', a.commit(2))
    await p.tell('v8', a.commit(1, 0, 8))
    await p.tell('nobody', b.commit(1))
    await p.tell('an administrator', p.member('').commit(-1))
    await b.join()
    await a.beat()
    await a.ack()
    await b.beat()
    await p.tell('of an epoch before, what it has had since', a.commit(1, 0))
    await p.tell('of an epoch before, what it has given up', a.commit(1, 1))
    await p.tell('of an epoch before, what it has got since', b.commit(1, 1))
    await p.tell('fetched at the epoch', a.fetch(2))
    await p.tell('fetched at another', a.fetch(1))
    await p.tell('fetched by nobody', a.fetch(2, 'nobody'))
    await p.tell('fetched by an administrator', a.fetch(-1, null))
    await p.tell('fetched, v8', a.fetch(0, null, 8))
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    await p.tell('deleted while subscribed', p.admin.ask(DELETE_OFFSETS, 0, { groupId: p.group, topics }))
    await p.tell('the group deleted', p.admin.ask(DELETE, 2, { groupsNames: [p.group] }))
    await a.leave()
    await b.leave()
    await p.tell('an administrator, when nobody is left', p.member('').commit(-1))
    await p.tell('deleted when nobody is left', p.admin.ask(DELETE_OFFSETS, 0, { groupId: p.group, topics }))
    await p.tell('the group deleted', p.admin.ask(DELETE, 2, { groupsNames: [p.group] }))
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
  },

  async 'groups of the other kind'(p) {
    const old = p.classic('old')
    await old.join({ protocolType: 'connect' })
    await old.join({ protocolType: 'connect' })
    await p.tell('a consumer in a group of connectors', p.member('a').join())
    await p.tell('at an epoch', p.member('a').beat({ memberEpoch: 1 }))
    await p.tell('leaving', p.member('a').beat({ memberEpoch: -1 }))
    await p.tell('described', p.describe())
    await p.tell('nothing described', p.admin.ask(DESCRIBE, 1, { groupIds: ['', 'nowhere'] }))
    const groupsNames = [p.group]
    await p.tell('deleted', p.admin.ask(DELETE, 2, { groupsNames }))
  },

  async 'described as a classic one'(p) {
    await p.member('a').join()
    await p.tell('v6', p.admin.ask(DESCRIBE_CLASSIC, 6, { groups: [p.group] }))
    await p.tell('v5', p.admin.ask(DESCRIBE_CLASSIC, 5, { groups: [p.group] }))
    const request = { groupIds: [p.group], includeAuthorizedOperations: true }
    await p.tell('what one may do', p.admin.ask(DESCRIBE, 1, request))
  },

  async 'without members it becomes what is joined'(p) {
    const a = p.member('a')
    const old = p.classic('old')
    await a.join()
    await a.leave()
    await p.tell('a classic member with an id', p.classic('x').join({ memberId: 'x' }))
    await p.tell('a classic member', old.enter())
    await p.tell('syncs', old.sync([[old, [0, 1]]]))
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('leaves', old.leave())
    await p.tell('a consumer', a.join())
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
  },

  async 'upgrade and downgrade'(p) {
    const [old, a] = [p.classic('old'), p.member(FIRST)]
    await old.enter()
    await p.tell('classic', old.sync([[old, [0, 1]]]))
    await p.tell('a consumer joins', a.join())
    await p.tell('the state', p.describe())
    await p.tell('the classic one is told', old.heartbeat())
    await p.tell('syncs too early', old.sync())
    old.owned = [{ topic: 't', partitions: [0, 1] }]
    await p.tell('joins with all', old.join())
    await p.tell('syncs', old.sync())
    await p.tell('is told to come again', old.heartbeat())
    await p.tell('the consumer waits', a.beat())
    const mine = (await p.describe()).groups[0]!.members.find(({ memberId }) => memberId === old.id)
    old.owned = [
      { topic: 't', partitions: mine!.targetAssignment.topicPartitions.flatMap(({ partitions }) => partitions) },
    ]
    await p.tell('joins with its own', old.join())
    await p.tell('syncs', old.sync())
    await p.tell('is content', old.heartbeat())
    await p.tell('the consumer has it', a.beat())
    await p.tell('the state', p.describe())
    await p.tell('another generation', old.heartbeat({ generationId: 1 }))
    await p.tell('another protocol', old.sync([], { protocolName: 'range' }))
    await p.tell('another protocol type', old.sync([], { protocolType: 'connect' }))
    await p.tell('a consumer that beats the old way', old.heartbeat({ memberId: FIRST }))
    await p.tell('nobody beats', old.heartbeat({ memberId: 'nobody' }))
    await p.tell(
      'a classic member with other protocols',
      p.classic('x').join({ memberId: 'x', protocols: [{ name: 'x' }] }),
    )
    await p.tell('a classic member without protocols', p.classic('x').join({ memberId: 'x', protocols: [] }))
    await p.tell('the consumer leaves', a.leave())
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('the classic one is told', old.heartbeat())
    await p.tell('joins', old.join())
    await p.tell('syncs', old.sync([[old, [0, 1]]]))
    await p.tell('described', p.admin.ask(DESCRIBE_CLASSIC, 6, { groups: [p.group] }))
  },

  async 'a classic member in a consumer group'(p) {
    const [a, old] = [p.member(FIRST), p.classic('old')]
    await a.join()
    await p.tell('without an id', old.join())
    await p.tell('with it', old.join())
    await p.tell('syncs', old.sync())
    await p.tell('beats', old.heartbeat())
    await p.tell('a gives up', a.beat())
    await p.tell('a has', a.ack())
    await p.tell('the classic one is told', old.heartbeat())
    await p.tell('joins', old.join())
    await p.tell('syncs', old.sync())
    await p.tell('the state', p.describe())
    await p.tell('leaves', old.leave())
    await p.tell('leaves again', old.leave())
    await p.tell('a has all', a.beat())
    const admin = { groupId: p.group, members: [{ memberId: FIRST, groupInstanceId: null }] }
    await p.tell('a consumer is made to leave', p.admin.ask(LEAVE, 5, admin))
    await p.tell('the state', p.describe())
  },

  async 'a static consumer comes back with the classic protocol'(p) {
    const [a, b] = [p.member('a', 'i'), p.classic('b', 'j')]
    await a.join()
    await b.enter()
    await b.sync()
    await a.beat()
    await a.ack()
    await b.heartbeat()
    await b.enter()
    await b.sync()
    const old = p.classic('old', 'i')
    await p.tell('in its place', old.enter())
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('syncs', old.sync())
    await p.tell('the other one', b.heartbeat())
    await p.tell('described', p.admin.ask(DESCRIBE_CLASSIC, 6, { groups: [p.group] }))
    const again = p.member('again', 'i')
    await p.tell('and with the consumer protocol again', again.join())
    await p.tell(
      'the list',
      p.list().then(groups => ({ groups })),
    )
    await p.tell('the one before', old.heartbeat())
  },
}
