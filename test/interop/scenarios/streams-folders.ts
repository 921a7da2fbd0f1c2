/**
 * A streams group that moves between brokers with the data folder: what one wrote and left, in good order or killed, the
 * other describes as it was, and its members go on with their tasks and offsets as if nothing had happened. Not even the
 * group's epoch changes, so both compute the same hash of its topics.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ErrorCode } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import type { BrokerKind, RunningBroker } from '../brokers.ts'
import { createTopics, helperFor } from '../clients.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'

const HEARTBEAT = { request: StreamsGroupHeartbeatRequest, response: StreamsGroupHeartbeatResponse }
const DESCRIBE = { request: StreamsGroupDescribeRequest, response: StreamsGroupDescribeResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const FETCH = { request: OffsetFetchRequest, response: OffsetFetchResponse }

const GROUP = 'moving'
const PATIENCE_MS = 60_000
const SETTINGS = {
  'group.streams.initial.rebalance.delay.ms': 0,
  'group.streams.assignment.interval.ms': 0,
  'group.streams.num.standby.replicas': 1,
}

export async function streamsFolders(context: Context): Promise<void> {
  const { report, brokers, kind } = context
  const turns: [BrokerKind, BrokerKind][] =
    kind === 'kafka'
      ? [['kafka', 'kafka']]
      : [
          ['ottla', 'kafka'],
          ['kafka', 'ottla'],
        ]
  for (const [first, second] of turns) {
    for (const leaving of ['stopped', 'killed'] as const) {
      const name = `streams-folders/${first} ${leaving}, then ${second}`
      const missing = brokers.missing(first) ?? brokers.missing(second)
      if (missing) report.skip(name, missing)
      else await report.check(name, () => move(context, first, second, leaving))
    }
  }
}

async function move(context: Context, first: BrokerKind, second: BrokerKind, leaving: 'stopped' | 'killed') {
  const folder = join(context.kit.scratch, `streams-folder-${first}-${leaving}-${second}`)
  const start = (kind: BrokerKind) => context.brokers.start(kind, { folder, settings: SETTINGS })
  const one = await start(first)
  await createTopics(helperFor(context.kit.clients), one.bootstrap, [{ name: 'moving.in', partitions: 3 }])
  const members = [new Member('a', true), new Member('b', false)]
  await untilCoordinated(one)
  await settle(one, members)
  for (const member of members) await member.commit(one)
  const before = await known(one)
  assert.equal(before.group.groupState, 'Stable')
  await (leaving === 'killed' ? one.kill() : one.stop())

  const two = await start(second)
  for (const member of members) {
    const answer = await member.goOn(two)
    assert.equal(answer.memberEpoch, member.epoch)
    assert.deepEqual(answer.status, [])
    assert.equal(answer.activeTasks, null, 'told anew')
  }
  assert.deepEqual(await known(two), before)
  await members[1]!.leave(two)
  await settle(two, [members[0]!])
  const alone = await known(two)
  await two.stop()

  const again = await start(first)
  await members[0]!.goOn(again)
  assert.deepEqual(await known(again), alone)
  await again.stop()
}

class Member {
  readonly id: string
  readonly #hasEndpoint: boolean
  epoch = 0
  active: number[] = []
  standby: number[] = []

  constructor(id: string, hasEndpoint: boolean) {
    this.id = id
    this.#hasEndpoint = hasEndpoint
  }

  async #ask(broker: RunningBroker, request: Partial<StreamsGroupHeartbeatRequest>) {
    const asker = new Asker(this.id, broker.bootstrap)
    try {
      const who = { groupId: GROUP, memberId: this.id, memberEpoch: this.epoch, endpointInformationEpoch: 0 }
      return await asker.ask(HEARTBEAT, 0, { ...who, ...request })
    } finally {
      asker.end()
    }
  }

  /** Joins, or goes on; takes what it is told. */
  async beat(broker: RunningBroker) {
    const tasks = (partitions: number[]) => (partitions.length > 0 ? [{ subtopologyId: '0', partitions }] : [])
    const owned = { activeTasks: tasks(this.active), standbyTasks: tasks(this.standby), warmupTasks: [] }
    const answer = await this.#ask(broker, this.epoch === 0 ? { ...joining(this.#hasEndpoint), ...owned } : owned)
    assert.equal(answer.errorCode, ErrorCode.NONE, `${answer.errorMessage}`)
    this.epoch = answer.memberEpoch
    if (answer.activeTasks) this.active = answer.activeTasks.flatMap(({ partitions }) => partitions)
    if (answer.standbyTasks) this.standby = answer.standbyTasks.flatMap(({ partitions }) => partitions)
    return answer
  }

  /** As soon as the coordinator is there. */
  goOn(broker: RunningBroker) {
    return poll(
      'the coordinator',
      async () => {
        const answer = await this.#ask(broker, {})
        return answer.errorCode === ErrorCode.NONE ? answer : undefined
      },
      PATIENCE_MS,
    )
  }

  leave(broker: RunningBroker) {
    return this.#ask(broker, { memberEpoch: -1 })
  }

  async commit(broker: RunningBroker) {
    const asker = new Asker(this.id, broker.bootstrap)
    const partitions = this.active.map(partitionIndex => ({
      partitionIndex,
      committedOffset: 7,
      committedMetadata: 'x',
    }))
    const topics = [{ name: 'moving.in', partitions }]
    const who = { groupId: GROUP, memberId: this.id, generationIdOrMemberEpoch: this.epoch }
    const answer = await asker.ask(COMMIT, 9, { ...who, topics })
    assert.ok(answer.topics.every(topic => topic.partitions.every(({ errorCode }) => errorCode === ErrorCode.NONE)))
    asker.end()
  }
}

function joining(hasEndpoint: boolean) {
  const topicConfigs = [{ key: 'cleanup.policy', value: 'compact' }]
  const changelog = { name: 'moving-changelog', partitions: 0, replicationFactor: 0, topicConfigs }
  const subtopology = {
    subtopologyId: '0',
    sourceTopics: ['moving.in'],
    sourceTopicRegex: [],
    stateChangelogTopics: [changelog],
    repartitionSinkTopics: [],
    repartitionSourceTopics: [],
    copartitionGroups: [],
  }
  return {
    rebalanceTimeoutMs: 10_000,
    processId: hasEndpoint ? 'one' : 'two',
    topology: { epoch: 5, subtopologies: [subtopology] },
    rackId: hasEndpoint ? 'rack' : null,
    clientTags: [{ key: 'zone', value: 'z' }],
    ...(hasEndpoint ? { userEndpoint: { host: 'here', port: 8080 } } : {}),
  }
}

/** Whoever asks first for a coordinator has its topic made. */
async function untilCoordinated(broker: RunningBroker): Promise<void> {
  const asker = new Asker('any', broker.bootstrap)
  const isThere = async () => {
    const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: [GROUP] })
    if (coordinators[0]!.errorCode !== ErrorCode.NONE) return undefined
    const fetched = await asker.ask(FETCH, 8, { groups: [{ groupId: GROUP, topics: [] }] })
    return fetched.groups[0]!.errorCode === ErrorCode.NONE || undefined
  }
  await poll('a coordinator', isThere, PATIENCE_MS)
  asker.end()
}

async function settle(broker: RunningBroker, members: readonly Member[]): Promise<void> {
  await poll(
    'a stable group',
    async () => {
      for (const member of members) await member.beat(broker)
      const { group } = await known(broker)
      const isReady = group.groupState === 'Stable' && group.members.length === members.length
      const tasks = members.flatMap(({ active }) => active)
      return (isReady && tasks.length === 3) || undefined
    },
    PATIENCE_MS,
    200,
  )
}

async function known(broker: RunningBroker) {
  const asker = new Asker('admin', broker.bootstrap)
  const { groups } = await asker.ask(DESCRIBE, 0, { groupIds: [GROUP] })
  const group = groups[0]!
  // Apache Kafka forgets with a restart what it has decided, and tells it again after the next change only.
  for (const topic of group.topology?.subtopologies?.flatMap(part => part.stateChangelogTopics) ?? [])
    topic.partitions = 0
  group.members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const fetched = await asker.ask(FETCH, 9, { groups: [{ groupId: GROUP, topics: null, memberId: null }] })
  asker.end()
  const offsets = fetched.groups[0]!.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset, metadata }) => [
      name,
      partitionIndex,
      committedOffset,
      metadata,
    ]),
  )
  return { group, offsets: offsets.sort() }
}
