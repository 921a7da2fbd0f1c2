/**
 * The streams protocol's edges (KIP-1071), asked for by the protocol itself: what may be in a heartbeat, what becomes of
 * topologies and their topics, who gets which task when, and what others may do with such a group. Every answer has to be
 * Apache Kafka's, which is kept in ../expected/streams-groups.txt; one check a case, each with a group and topics of its own.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode, type Init } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import { Probe, runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const DELETE_TOPICS = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const CONFIGS = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const CHANGE = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const HEARTBEAT = { request: StreamsGroupHeartbeatRequest, response: StreamsGroupHeartbeatResponse }
const DESCRIBE = { request: StreamsGroupDescribeRequest, response: StreamsGroupDescribeResponse }
const CLASSIC_DESCRIBE = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const METADATA = { request: MetadataRequest, response: MetadataResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const FETCH = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const DELETE_OFFSETS = { request: OffsetDeleteRequest, response: OffsetDeleteResponse }
const LIST = { request: ListGroupsRequest, response: ListGroupsResponse }
const DELETE = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }

const MAX_SIZE = 4
const PATIENCE_MS = 15_000
const GROUP_RESOURCE = 32
const TOPIC_RESOURCE = 2

type Heartbeat = Init<typeof StreamsGroupHeartbeatRequest>
type Topology = NonNullable<Heartbeat['topology']>
type Subtopology = NonNullable<Topology['subtopologies']>[number]

export async function streamsGroups(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'streams-groups')
  mkdirSync(folder)
  const settings = {
    'group.streams.max.size': MAX_SIZE,
    'group.streams.initial.rebalance.delay.ms': 0,
    'group.streams.assignment.interval.ms': 0,
    'group.streams.min.session.timeout.ms': 1000,
    'group.streams.min.heartbeat.interval.ms': 500,
    'offsets.topic.num.partitions': 5,
  }
  const broker = await brokers.start(kind, { folder, settings })
  await prepare(broker.bootstrap)
  await runCases('streams-groups', context, broker, CASES, name => new StreamsProbe(name, broker.bootstrap))
}

/** Topics two and three of so many partitions, and a coordinator that is there. */
async function prepare(bootstrap: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const topics = Object.entries({ two: 2, three: 3 }).map(([name, numPartitions]) => ({ name, numPartitions }))
  await asker.ask(CREATE, 7, { topics: topics.map(topic => ({ ...topic, replicationFactor: 1 })), timeoutMs: 10_000 })
  for (;;) {
    const request = { groups: [{ groupId: 'any', topics: [] }] }
    const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: ['any'] })
    if (coordinators[0]!.errorCode === 0 && (await asker.ask(FETCH, 8, request)).groups[0]!.errorCode === 0) break
    await sleep(100)
  }
  asker.end()
}

class StreamsProbe extends Probe {
  readonly group: string

  constructor(name: string, bootstrap: string) {
    super(bootstrap)
    this.group = name.replaceAll(/[^a-z0-9]+/g, '-')
  }

  /** `process` is its own unless told otherwise. */
  member(name: string, processId = `p-${name}`): Member {
    return new Member(this, name, processId)
  }

  tell<Response extends object>(what: string, answer: Response | Promise<Response>): Promise<Response> {
    return this.notes.tell(what, answer)
  }

  admin(): Asker {
    return this.asker('admin')
  }

  describe(groupIds = [this.group]) {
    return this.admin().ask(DESCRIBE, 0, { groupIds })
  }

  async topic(name: string, numPartitions: number) {
    const topics = [{ name, numPartitions, replicationFactor: 1 }]
    await this.admin().ask(CREATE, 7, { topics, timeoutMs: 10_000 })
    // Apache Kafka's coordinator hears of it a moment later than its clients.
    await sleep(500)
  }

  async configure(name: string, value: string) {
    const resources = [
      { resourceType: GROUP_RESOURCE, resourceName: this.group, configs: [{ name, value, configOperation: 0 }] },
    ]
    return this.admin().ask(CHANGE, 1, { resources })
  }
}

class Member {
  readonly #probe: StreamsProbe
  readonly #asker: Asker
  readonly id: string
  readonly processId: string
  epoch = 0
  topology: Topology = reads('two')
  more: Heartbeat = {}

  constructor(probe: StreamsProbe, name: string, processId: string) {
    this.#probe = probe
    this.#asker = probe.asker(name)
    this.id = `${probe.group}-${name}`
    this.processId = processId
  }

  with(topology: Topology, more: Heartbeat = {}): this {
    this.topology = topology
    this.more = more
    return this
  }

  async #ask(request: Heartbeat) {
    const who = { groupId: this.#probe.group, memberId: this.id, memberEpoch: this.epoch }
    const response = await this.#asker.ask(HEARTBEAT, 0, { ...who, endpointInformationEpoch: 0, ...request })
    if (response.errorCode === ErrorCode.NONE) this.epoch = response.memberEpoch
    return response
  }

  join(more: Heartbeat = {}) {
    const { processId, topology } = this
    const none = { activeTasks: [], standbyTasks: [], warmupTasks: [] }
    const request = { memberEpoch: 0, rebalanceTimeoutMs: 10_000, processId, topology, ...none, clientTags: [] }
    return this.#ask({ ...request, ...this.more, ...more })
  }

  /** Without saying what it has. */
  beat(more: Heartbeat = {}) {
    return this.#ask(more)
  }

  /** `0:0,1` */
  has(active: string, standby = '', more: Heartbeat = {}) {
    return this.#ask({ activeTasks: tasks(active), standbyTasks: tasks(standby), warmupTasks: [], ...more })
  }

  leave(more: Heartbeat = {}) {
    return this.#ask({ memberEpoch: -1, ...more })
  }

  /** Heartbeats until the answer has no status. */
  untilReady() {
    return poll(
      'no status',
      async () => {
        const response = await this.beat()
        return (response.status ?? []).length === 0 ? response : undefined
      },
      PATIENCE_MS,
      100,
    )
  }

  commit(partition: number, more: Init<typeof OffsetCommitRequest> = {}, version = 9) {
    const partitions = [{ partitionIndex: partition, committedOffset: 5, committedMetadata: '' }]
    return this.#asker.ask(COMMIT, version, {
      groupId: this.#probe.group,
      memberId: this.id,
      generationIdOrMemberEpoch: this.epoch,
      topics: [{ name: 'two', partitions }],
      ...more,
    })
  }

  fetch(memberId: string | null = this.id, memberEpoch = this.epoch) {
    const topics = [{ name: 'two', partitionIndexes: [0, 1] }]
    const groups = [{ groupId: this.#probe.group, memberId, memberEpoch, topics }]
    return this.#asker.ask(FETCH, 9, { groups })
  }
}

function tasks(text: string) {
  return text
    .split(' ')
    .filter(Boolean)
    .map(part => {
      const [subtopologyId = '', partitions = ''] = part.split(':')
      return { subtopologyId, partitions: partitions.split(',').map(Number) }
    })
}

/** One subtopology that reads topics. */
function reads(...sourceTopics: string[]): Topology {
  return topology({ sourceTopics })
}

/** Subtopologies 0, 1, ... */
function topology(...parts: Partial<Subtopology>[]): Topology {
  return { epoch: 0, subtopologies: parts.map((part, i) => ({ subtopologyId: String(i), ...part })) }
}

const internal = (name: string, partitions = 0, config: Readonly<Record<string, string>> = {}) => ({
  name,
  partitions,
  replicationFactor: 0,
  topicConfigs: Object.entries(config).map(([key, value]) => ({ key, value })),
})

/** Two parts with a repartition topic between them and state behind it. */
function counting(prefix: string): Topology {
  const repartition = internal(`${prefix}-repartition`, 0, { 'cleanup.policy': 'delete', 'retention.ms': '-1' })
  const changelog = internal(`${prefix}-changelog`, 0, { 'cleanup.policy': 'compact' })
  return topology(
    { sourceTopics: ['two', 'three'], repartitionSinkTopics: [repartition.name] },
    { repartitionSourceTopics: [repartition], stateChangelogTopics: [changelog] },
  )
}

// ------------------------------------------------------------------------------------------------------------- cases

const CASES: Record<string, (probe: StreamsProbe) => Promise<void>> = {
  async 'a heartbeat that makes no sense'(p) {
    const a = p.member('a')
    await p.tell('no group id', a.join({ groupId: '' }))
    await p.tell('a blank group id', a.join({ groupId: '  ' }))
    await p.tell('no member id', a.join({ memberId: '' }))
    await p.tell('an empty rack', a.join({ rackId: '' }))
    await p.tell('an instance id', a.join({ instanceId: 'i' }))
    await p.tell('an empty instance id', a.join({ instanceId: '' }))
    await p.tell('no rebalance timeout', a.join({ rebalanceTimeoutMs: -1 }))
    await p.tell('tasks, while joining', a.join({ activeTasks: tasks('0:0') }))
    await p.tell('standby tasks, while joining', a.join({ standbyTasks: tasks('0:0') }))
    await p.tell('warm-up tasks', a.join({ warmupTasks: tasks('0:0') }))
    await p.tell('no task lists', a.join({ activeTasks: null, standbyTasks: null, warmupTasks: null }))
    await p.tell('no topology', a.join({ topology: null }))
    await p.tell('task offsets', a.join({ taskOffsets: [] }))
    await p.tell('task end offsets', a.join({ taskEndOffsets: [] }))
    await p.tell('a pattern of topics', a.join({ topology: topology({ sourceTopicRegex: ['t.*'] }) }))
    await p.tell('epoch -2', a.beat({ memberEpoch: -2 }))
    await p.tell('epoch -3', a.beat({ memberEpoch: -3 }))
    await p.tell('a group that is not there', a.beat({ memberEpoch: 1 }))
    await p.tell('leaving a group that is not there', a.leave())
    await a.join()
    await p.tell('some task lists', a.beat({ activeTasks: [] }))
    await p.tell('a topology, while not joining', a.beat({ topology: reads('two') }))
    await p.tell('a member that is not there', p.member('b').beat({ memberEpoch: 1 }))
    await p.tell('leaving without being there', p.member('b').leave())
    await p.tell('a task of no subtopology', a.has('7:0'))
    await p.tell('a task that the subtopology has not', a.has('0:2'))
    await p.tell('a negative task', a.has('0:-1'))
    await p.tell('the group', p.describe())
  },

  async 'a topology that makes no sense'(p) {
    const a = p.member('a')
    const join = (what: string, wrong: Topology) => p.tell(what, a.join({ topology: wrong }))
    const source = { sourceTopics: ['two'] }
    await join('a changelog with partitions', topology({ ...source, stateChangelogTopics: [internal('c', 3)] }))
    await join('a topic of the broker', reads('__consumer_offsets'))
    await join('a topic name that cannot be', reads('no topic'))
    await join('a topic name that is empty', topology({ ...source, repartitionSinkTopics: [''] }))
    await join('no subtopologies', topology())
    await p.tell('and then another topology', p.member('b').join())
    await p.tell('the group', p.describe())
  },

  async 'a subtopology without sources'(p) {
    await p.tell('join', p.member('a').join({ topology: topology({ stateChangelogTopics: [internal('c')] }) }))
    await p.tell('the group', p.describe())
  },

  async 'repartition topics in a circle'(p) {
    const parts = [
      { repartitionSourceTopics: [internal('x')], repartitionSinkTopics: ['y'] },
      { repartitionSourceTopics: [internal('y')], repartitionSinkTopics: ['x'] },
    ]
    await p.tell('join', p.member('a').join({ topology: topology(...parts) }))
    await p.tell('the group', p.describe())
  },

  async 'a repartition topic that nothing writes to'(p) {
    const wrong = topology({ sourceTopics: ['two'], repartitionSourceTopics: [internal('nobody')] })
    await p.tell('join', p.member('a').join({ topology: wrong }))
  },

  async 'two subtopologies of one id'(p) {
    const same = { subtopologyId: '0', sourceTopics: ['two'] }
    await p.tell('join', p.member('a').join({ topology: topology(same, same) }))
  },

  async 'a negative topology epoch'(p) {
    await p.tell('join', p.member('a').join({ topology: { ...reads('two'), epoch: -1 } }))
  },

  async 'a copartition group of topics that are not there'(p) {
    const copartitionGroups = [{ sourceTopics: [7] }]
    await p.tell('join', p.member('a').join({ topology: topology({ sourceTopics: ['two'], copartitionGroups }) }))
  },

  async 'a repartition topic of less than nothing'(p) {
    const repartitionSourceTopics = [internal('negative', -1)]
    const wrong = topology({ sourceTopics: ['two'], repartitionSourceTopics })
    await p.tell('join', p.member('a').join({ topology: wrong }))
  },

  async alone(p) {
    const a = p.member('a')
    await p.tell(
      'joins',
      a.join({
        rackId: 'r',
        clientTags: [
          { key: 'z', value: '1' },
          { key: 'a', value: '2' },
        ],
      }),
    )
    await p.tell('nothing new', a.beat())
    await p.tell('says what it has', a.has('0:0,1'))
    await p.tell('the group', p.describe())
    await p.tell('joins again', a.join())
    await p.tell('on another process', a.join({ processId: 'p2' }))
    await p.tell('the group', p.describe())
    await p.tell('leaves', a.leave())
    await p.tell('the group', p.describe())
    await p.tell('and is not there', a.beat({ memberEpoch: 3 }))
  },

  async 'two members'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await p.tell('a', a.join())
    await p.tell('b', b.join())
    await p.tell('the group', p.describe())
    await p.tell('a is to revoke', a.has('0:0,1'))
    await p.tell('b waits', b.has(''))
    await p.tell('a, asked again', a.has('0:0,1'))
    await p.tell('a, silent about it', a.beat())
    await p.tell('the group', p.describe())
    await p.tell('a has revoked', a.has('0:0'))
    await p.tell('b gets it', b.has(''))
    await p.tell('a is told nothing', a.has('0:0'))
    await p.tell('b neither', b.has('0:1'))
    await p.tell('the group', p.describe())
    await p.tell('b leaves', b.leave())
    await p.tell('a gets all', a.has('0:0'))
    await p.tell('the group', p.describe())
  },

  async 'two members of one process'(p) {
    const [a, b] = [p.member('a', 'p'), p.member('b', 'p')]
    await p.tell('a', a.join())
    await p.tell('b', b.join())
    await p.tell('a is to revoke', a.has('0:0,1'))
    await p.tell('a has revoked', a.has('0:0'))
    await p.tell('b gets it', b.has(''))
    await p.tell('the group', p.describe())
  },

  async epochs(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join()
    await b.join()
    await p.tell('ahead', a.beat({ memberEpoch: 9 }))
    await p.tell('a is to revoke', a.has('0:0,1'))
    await a.has('0:0')
    await p.tell('the group', p.describe())
    await p.tell('the one before, with more', a.has('0:0,1', '', { memberEpoch: a.epoch - 1 }))
    await p.tell('the one before, silent', a.beat({ memberEpoch: a.epoch - 1 }))
    await p.tell('long ago', a.has('', '', { memberEpoch: 1 }))
    await p.tell('from the beginning', a.join())
  },

  async 'topology epochs'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await p.tell('epoch 3', a.join({ topology: { ...reads('two'), epoch: 3 } }))
    await p.tell('epoch 2', b.join({ topology: { ...reads('three'), epoch: 2 } }))
    await p.tell('epoch 2, again', b.beat())
    await p.tell('epoch 3, other topics', p.member('c').join({ topology: { ...reads('three'), epoch: 3 } }))
    await p.tell('epoch 4', p.member('c').join({ topology: { ...reads('two'), epoch: 4 } }))
    await p.tell('the group', p.describe())
  },

  async 'source topics that are not there'(p) {
    const a = p.member('a').with(reads('two', `${p.group}-late`, `${p.group}-later`))
    await p.tell('join', a.join())
    await p.tell('again', a.beat())
    await p.tell('the group', p.describe())
    await p.topic(`${p.group}-late`, 4)
    await p.tell('one is made', a.beat())
    await p.topic(`${p.group}-later`, 1)
    await a.untilReady()
    await p.tell('all are there', p.describe())
    await p.admin().ask(DELETE_TOPICS, 6, { topics: [{ name: `${p.group}-late` }], timeoutMs: 10_000 })
    await poll('the epoch', async () => ((await a.has('0:0,1,2,3')).status?.length ? true : undefined), PATIENCE_MS)
    await p.tell('one is gone', p.describe())
  },

  async 'source topics read together'(p) {
    const wrong = topology({ sourceTopics: ['two', 'three'], copartitionGroups: [{ sourceTopics: [0, 1] }] })
    await p.tell('join', p.member('a').join({ topology: wrong }))
    await p.tell('the group', p.describe())
  },

  async 'a repartition topic read with another'(p) {
    const topics = { repartitionSourceTopics: [internal(`${p.group}-r`, 5)], sourceTopics: ['two'] }
    const copartitionGroups = [{ sourceTopics: [0], repartitionSourceTopics: [0] }]
    const wrong = topology({ ...topics, copartitionGroups, repartitionSinkTopics: [`${p.group}-r`] })
    await p.tell('five and two', p.member('a').join({ topology: wrong }))
  },

  async 'repartition topics read together'(p) {
    const name = (n: number) => `${p.group}-r${n}`
    const parts = [
      { sourceTopics: ['two'], repartitionSinkTopics: [name(1)] },
      { sourceTopics: ['three'], repartitionSinkTopics: [name(2)] },
      {
        repartitionSourceTopics: [internal(name(1)), internal(name(2))],
        copartitionGroups: [{ repartitionSourceTopics: [0, 1] }],
        stateChangelogTopics: [internal(`${p.group}-c`)],
      },
    ]
    const a = p.member('a').with(topology(...parts))
    await p.tell('join', a.join())
    await a.untilReady()
    await p.tell('the group', p.describe())
  },

  async 'internal topics'(p) {
    const a = p.member('a').with(counting(p.group))
    await p.tell('join', a.join())
    await a.untilReady()
    await p.tell('the group', p.describe())
    const topics = ['repartition', 'changelog'].map(kind => ({ name: `${p.group}-${kind}` }))
    const { topics: made } = await p.admin().ask(METADATA, 12, { topics, allowAutoTopicCreation: false })
    for (const { name, partitions } of made) p.notes.lines.push(`${name} has ${partitions.length}`)
    const keys = ['cleanup.policy', 'retention.ms']
    const resources = topics.map(({ name }) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName: name,
      configurationKeys: keys,
    }))
    const { results } = await p.admin().ask(CONFIGS, 4, { resources })
    for (const { resourceName, configs } of results) {
      const shown = configs.map(({ name, value, configSource }) => `${name}=${value} of ${configSource}`).sort()
      p.notes.lines.push(`${resourceName}: ${shown.join(', ')}`)
    }
  },

  async 'internal topics that have other partitions'(p) {
    await p.topic(`${p.group}-changelog`, 7)
    await p.tell('join', p.member('a').with(counting(p.group)).join())
    await p.tell('the group', p.describe())
  },

  async 'internal topics that cannot be made'(p) {
    const bad = internal(`${p.group}-changelog`, 0, { 'no.such.config': '1' })
    const a = p.member('a').with(topology({ sourceTopics: ['two'], stateChangelogTopics: [bad] }))
    await p.tell('join', a.join())
    await poll(
      'the failure is told',
      async () => ((await a.beat()).status?.[0]?.statusDetail.includes('Creation failed') ? true : undefined),
      PATIENCE_MS,
    )
    await p.tell('again', a.beat())
  },

  async 'standby tasks'(p) {
    p.notes.lines.push(
      `configured: ${(await p.configure('streams.num.standby.replicas', '1')).responses[0]!.errorCode}`,
    )
    const changelog = { sourceTopics: ['two'], stateChangelogTopics: [internal(`${p.group}-changelog`)] }
    const [a, b] = ['a', 'b'].map(name => p.member(name).with(topology(changelog))) as [Member, Member]
    await a.join()
    await a.untilReady()
    await p.tell('one has all', p.describe())
    await p.tell('b joins', b.join())
    await p.tell('a revokes', a.has('0:0,1'))
    await p.tell('a has revoked', a.has('0:0'))
    await p.tell('a gets the copy', a.has('0:0'))
    await p.tell('b gets both', b.has(''))
    await p.tell('settled', a.has('0:0', '0:1'))
    await p.tell('the group', p.describe())
    await p.configure('streams.num.standby.replicas', '0')
    await poll('no copies', async () => ((await a.has('0:0', '0:1')).standbyTasks ? true : undefined), PATIENCE_MS)
    await p.tell('the group', p.describe())
    await p.tell('a', a.has('0:0'))
    await p.tell('b', b.has('0:1', '0:0'))
    await p.tell('b', b.has('0:1'))
    await p.tell('the group', p.describe())
  },

  async endpoints(p) {
    const [a, b, c] = [p.member('a'), p.member('b'), p.member('c')]
    await p.tell('a', a.join({ userEndpoint: { host: 'one', port: 65_535 } }))
    await p.tell('a knows', a.beat({ endpointInformationEpoch: 0 }))
    await p.tell('a says another', a.beat({ endpointInformationEpoch: 7 }))
    await p.tell('b', b.join({ userEndpoint: { host: 'two', port: 2 } }))
    await p.tell('a revokes', a.has('0:0,1'))
    await p.tell('a has', a.has('0:0', '', { endpointInformationEpoch: 2 }))
    await p.tell('b gets', b.has('', '', { endpointInformationEpoch: 2 }))
    await p.tell('a knows', a.has('0:0', '', { endpointInformationEpoch: 3 }))
    await p.tell('one without', c.join())
    await p.tell('the group', p.describe())
  },

  async 'the end of the application'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join()
    await b.join()
    await p.tell('a says so', a.beat({ shutdownApplication: true }))
    await p.tell('b hears of it', b.beat())
    await p.tell('a leaves', a.leave())
    await p.tell('b still', b.beat())
    await b.leave()
    await p.tell('a new one does not', b.join())
    await p.tell('by leaving', b.leave({ shutdownApplication: true }))
    await p.tell('a new one does not', b.join())
  },

  async 'too many'(p) {
    const members = ['a', 'b', 'c', 'd', 'e'].map(name => p.member(name))
    for (const member of members) await p.tell(member.id, member.join())
    await p.tell('not even one that is there', members[0]!.join())
    await p.tell('which goes on', members[0]!.beat())
  },

  async 'the initial delay'(p) {
    await p.configure('streams.initial.rebalance.delay.ms', '1500')
    // Of these two Java's hash table has the first one first.
    const [a, b] = [p.member('b'), p.member('c')]
    await p.tell('a', a.join())
    await p.tell('b', b.join())
    await p.tell('a waits', a.has(''))
    await p.tell('the group', p.describe())
    await poll('an assignment', async () => ((await a.has('')).activeTasks?.length ? true : undefined), PATIENCE_MS)
    await p.tell('b', b.has(''))
    await p.tell('the group', p.describe())
  },

  async 'the assignment interval'(p) {
    await p.configure('streams.assignment.interval.ms', '15000')
    const [a, b] = [p.member('a'), p.member('b')]
    await p.tell('a', a.join())
    await p.tell('b', b.join())
    await p.tell('a goes on', a.beat())
    await p.tell('the group', p.describe())
  },

  async silence(p) {
    await p.configure('streams.heartbeat.interval.ms', '500')
    await p.configure('streams.session.timeout.ms', '1000')
    const a = p.member('a')
    await p.tell('a', a.join())
    await poll(
      'an empty group',
      async () => ((await p.describe()).groups[0]!.groupState === 'Empty' ? true : undefined),
      PATIENCE_MS,
    )
    await p.tell('a', a.beat())
    await p.tell('the group', p.describe())
  },

  async 'no revocation'(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await a.join({ rebalanceTimeoutMs: 700 })
    await b.join()
    await p.tell('a is to revoke', a.has('0:0,1'))
    const state = async () => ((await p.describe()).groups[0]!.members.length === 1 ? true : undefined)
    await poll('a is removed', state, PATIENCE_MS)
    await p.tell('a', a.has('0:0,1'))
    await p.tell('b', b.has(''))
    await p.tell('the group', p.describe())
  },

  async offsets(p) {
    const [a, b] = [p.member('a'), p.member('b')]
    await p.tell('nobody, to nobody', a.commit(0, { memberId: '', generationIdOrMemberEpoch: 3 }))
    await a.join()
    await p.tell('a member', a.commit(0))
    await p.tell('an older version', a.commit(0, {}, 8))
    await p.tell('an epoch ahead', a.commit(0, { generationIdOrMemberEpoch: 99 }))
    await p.tell('without an epoch', a.commit(0, { generationIdOrMemberEpoch: -1 }))
    await p.tell('nobody', a.commit(0, { memberId: '', generationIdOrMemberEpoch: -1 }))
    await p.tell('a stranger', a.commit(0, { memberId: 'stranger' }))
    const before = a.epoch
    await b.join()
    await a.has('0:0,1')
    await a.has('0:0')
    await p.tell('an older epoch, a task that it kept', a.commit(0, { generationIdOrMemberEpoch: before }))
    await p.tell('an older epoch, a task that it gave up', a.commit(1, { generationIdOrMemberEpoch: before }))
    const both = [0, 1].map(partitionIndex => ({ partitionIndex, committedOffset: 6, committedMetadata: '' }))
    const older = { generationIdOrMemberEpoch: before, topics: [{ name: 'two', partitions: both }] }
    await p.tell('an older epoch, both', a.commit(0, older))
    await p.tell('an epoch before its own', a.commit(0, { generationIdOrMemberEpoch: 1 }))
    const other = [{ name: 'three', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }]
    await p.tell('an older epoch, another topic', a.commit(0, { generationIdOrMemberEpoch: before, topics: other }))
    await p.tell('fetched', a.fetch())
    await p.tell('in another epoch', a.fetch(a.id, 1))
    await p.tell('by a stranger', a.fetch('stranger', 1))
    await p.tell('by an administrator', a.fetch(null, -1))
    const topics = ['two', 'three'].map(name => ({ name, partitions: [{ partitionIndex: 0 }] }))
    await p.tell('deleted', p.admin().ask(DELETE_OFFSETS, 0, { groupId: p.group, topics }))
    await a.leave()
    await b.leave()
    await p.tell('deleted from the empty group', p.admin().ask(DELETE_OFFSETS, 0, { groupId: p.group, topics }))
    await p.tell('to the empty group', a.commit(1, { memberId: '', generationIdOrMemberEpoch: -1 }))
    await p.tell('by a member, to the empty group', a.commit(1, { generationIdOrMemberEpoch: 5 }))
    await p.tell('fetched', a.fetch(null, -1))
  },

  async administration(p) {
    const a = p.member('a')
    await a.join()
    const list = async (what: string, filter: Init<typeof ListGroupsRequest>) => {
      const { groups } = await p.admin().ask(LIST, 5, filter)
      const own = groups.filter(({ groupId }) => groupId === p.group)
      p.notes.lines.push(`${what}: ${own.map(g => `${g.protocolType} ${g.groupState} ${g.groupType}`)}`)
    }
    await list('all', {})
    await list('streams', { typesFilter: ['Streams'] })
    await list('classic', { typesFilter: ['classic'] })
    await list('stable', { statesFilter: ['stable'] })
    await list('empty', { statesFilter: ['Empty'] })
    await p.tell('deleted with a member', p.admin().ask(DELETE, 2, { groupsNames: [p.group] }))
    await p.tell('described as classic', p.admin().ask(CLASSIC_DESCRIBE, 6, { groups: [p.group] }))
    await p.tell('described as classic, v5', p.admin().ask(CLASSIC_DESCRIBE, 5, { groups: [p.group] }))
    await p.tell('described', p.describe(['', 'not-there', p.group]))
    const request = { groupIds: [p.group], includeAuthorizedOperations: true }
    const { groups } = await p.admin().ask(DESCRIBE, 0, request)
    p.notes.lines.push(`operations ${groups[0]!.authorizedOperations}`)
    await a.leave()
    await list('empty', { statesFilter: ['Empty'] })
    await p.tell('deleted', p.admin().ask(DELETE, 2, { groupsNames: [p.group] }))
    await p.tell('described', p.describe())
    await p.tell('anew', a.join())
  },

  async 'classic groups'(p) {
    const a = p.member('a')
    const classic = (memberId = '') => {
      const protocols = [{ name: 'range', metadata: Uint8Array.from([0, 0, 0, 0, 0, 0, 255, 255, 255, 255]) }]
      const times = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 20_000 }
      return p
        .asker('classic')
        .ask(JOIN, 3, { groupId: p.group, memberId, ...times, protocolType: 'consumer', protocols })
    }
    await p.tell('offsets of a lone consumer', a.commit(0, { memberId: '', generationIdOrMemberEpoch: -1 }))
    await p.tell('a streams group takes its place', a.join())
    await p.tell('and has its offsets', a.fetch())
    const refused = await classic()
    p.notes.lines.push(`classic: ${refused.errorCode}`)
    await a.leave()
    const joined = await classic()
    p.notes.lines.push(`classic, when it is empty: ${joined.errorCode}`)
    await p.tell('streams', a.join())
    await p.tell('described', p.describe())
    await p.tell('streams, not joining', a.beat({ memberEpoch: 1 }))
  },
}
