/**
 * Share groups: members, sessions of fetches, deliveries and what is acknowledged of them, offsets, and the state that the
 * share coordinator keeps. A step that may find nothing to deliver waits a while for it: a share partition is loaded when it
 * is first asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ZERO_UUID } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { Asker } from '../../interop/prober.ts'
import type { Area, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import type { Request, Step, Value } from '../plan.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics, neverAnswered } from './admin.ts'
import { findCoordinators } from './coordinators.ts'
import { describeWishes, filterGroups, groupId, Members, offsetWishes, partitionIndex, topicName } from './groups.ts'
import { createTopics } from './records.ts'

const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const IDS = ['~m0', '~m1', '~m2']

/** What a member has of a session, and what it has been given. */
class ShareMembers extends Members {
  readonly #sessions = new Map<string, number>()

  override learn(step: Step, outcome: Outcome): void {
    super.learn(step, outcome)
    if (typeof outcome === 'string' || outcome.errorCode !== 'NONE') return
    const { groupId, memberId, shareSessionEpoch } = step.request as {
      groupId: string
      memberId: string
      shareSessionEpoch: number
    }
    if (step.api === 'ShareGroupHeartbeat') {
      const epoch = outcome.memberEpoch as number
      if (epoch === -1) this.delete(groupId, memberId)
      else this.set({ groupId, memberId, epoch, instanceId: null })
    }
    if (step.api === 'ShareFetch' || step.api === 'ShareAcknowledge')
      this.#sessions.set(`${groupId} ${memberId}`, shareSessionEpoch === -1 ? 0 : shareSessionEpoch + 1)
  }

  session(groupId: string, memberId: string): number {
    return this.#sessions.get(`${groupId} ${memberId}`) ?? 0
  }
}

const clientOf = ({ memberId }: Request) => (IDS.includes(memberId as string) ? `c${String(memberId).at(-1)}` : 'c9')

/**
 * Nothing twice, and no topic without partitions: what Apache Kafka makes of that is a hash table's doing, or an error that nobody
 * has meant.
 */
function withoutTwins(value: Value): Value {
  if (Array.isArray(value)) {
    const kept = new Map<string, Value>()
    for (const item of value as Value[]) {
      const whole = withoutTwins(item)
      if (
        !(isStruct(whole) && [whole.partitions, whole.topics].some(inner => Array.isArray(inner) && inner.length === 0))
      )
        kept.set(placeOf(item), whole)
    }
    return [...kept.values()]
  }
  if (!isStruct(value) || '$' in value || 'acknowledgeTypes' in value) return value
  const inner = (name: string, field: Value | undefined) =>
    name === 'acknowledgementBatches' || field === undefined ? field : withoutTwins(field)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, inner(name, field)]))
}

function isStruct(value: Value): value is Record<string, Value> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function placeOf(value: Value): string {
  if (!isStruct(value)) return String(value)
  const { groupId, topicId, topicName, partitionIndex, partition } = value
  return String(groupId ?? topicId ?? topicName ?? partitionIndex ?? partition)
}

function heartbeatWish(members: ShareMembers): Wish {
  return {
    api: 'ShareGroupHeartbeat',
    weight: 8,
    settles: 'moment',
    fields: {
      groupId,
      memberId: draw => draw.of(IDS, ['', ' ', 'x'.repeat(40)]),
      memberEpoch: () => 0,
      rackId: draw => draw.of([null], ['', 'r']),
      subscribedTopicNames: draw => draw.of([null], [['~t0'], []]),
    },
    finish: (request, draw) => {
      const known = members.draw(draw)
      if (known.memberId === '' || draw.chance(0.2))
        return { ...request, subscribedTopicNames: draw.of([['~t0'], ['~t0', '~t1'], ['~t1']], [null, [], ['~never']]) }
      const memberEpoch = draw.chance(0.1) ? -1 : known.epoch
      return { ...request, groupId: known.groupId, memberId: known.memberId, memberEpoch }
    },
  }
}

function acknowledgementFields(members: ShareMembers) {
  return {
    'topics[].topicId': (draw: Draw) => members.pool.draw('topic', draw, draw.one([ZERO_UUID, '$topic:0.0'])),
    partitionIndex,
    'topics[].partitions[].acknowledgementBatches[]': (draw: Draw) => draw.one([0, 1, 1, 2]),
    firstOffset: (draw: Draw) => draw.of([0, 1, 2, 3], [-1, 100]),
    lastOffset: () => 0,
    'topics[].partitions[].acknowledgementBatches[].acknowledgeTypes': (draw: Draw) =>
      draw.of<Value>([[1], [2], [3], [1, 2], [1]], [[], [0], [4], [5], [-1], [1, 1, 1, 1, 1]]),
    isRenewAck: (draw: Draw) => draw.of([false], [true]),
  }
}

/** Ranges that end where or after they begin, mostly; and the session as it is believed to be. */
function withSession(members: ShareMembers, isAcknowledge: boolean) {
  return (request: Record<string, Value>, draw: Draw) => {
    const { groupId, memberId } = members.draw(draw)
    const epoch = members.session(groupId, memberId)
    for (const topic of request.topics as Record<string, Value>[]) {
      for (const partition of topic.partitions as Record<string, Value>[]) {
        if (!isAcknowledge && epoch === 0 && !draw.isWild()) partition.acknowledgementBatches = []
        for (const batch of partition.acknowledgementBatches as Record<string, Value>[]) {
          const types = batch.acknowledgeTypes as readonly number[]
          const length = types.length > 1 && !draw.isWild() ? types.length - 1 : draw.of([0, 0, 1, 2], [-1])
          batch.lastOffset = (batch.firstOffset as number) + length
        }
      }
    }
    const shareSessionEpoch = draw.of([epoch], [0, -1, 1, 2, 100])
    return {
      ...request,
      groupId: draw.of([groupId], [null]),
      memberId: draw.of([memberId], [null, '']),
      shareSessionEpoch,
    }
  }
}

function deliveryWishes(members: ShareMembers): Wish[] {
  return [
    {
      api: 'ShareFetch',
      weight: 10,
      fields: {
        ...acknowledgementFields(members),
        maxWaitMs: () => 400,
        minBytes: () => 1,
        maxBytes: draw => draw.of([1_000_000], [0, 100]),
        maxRecords: draw => draw.of([500], [1, 2]),
        batchSize: draw => draw.of([500, 1], [2]),
        shareAcquireMode: draw => draw.of([0], [1, 2]),
        partitionMaxBytes: () => undefined,
        'forgottenTopicsData[]': draw => draw.of([0], [1]),
        'forgottenTopicsData[].topicId': draw => members.pool.draw('topic', draw, ZERO_UUID),
        'forgottenTopicsData[].partitions[]*': partitionIndex,
      },
      finish: withSession(members, false),
    },
    {
      api: 'ShareAcknowledge',
      weight: 8,
      settles: 'moment',
      fields: acknowledgementFields(members),
      finish: withSession(members, true),
    },
    {
      api: 'Produce',
      weight: 4,
      versions: [9, 12],
      fields: {
        transactionalId: () => null,
        acks: () => -1,
        timeoutMs: () => 5000,
        'topicData[]': () => 1,
        'topicData[].name': draw => draw.one(['~t0', '~t0', '~t1']),
        'topicData[].partitionData[]': () => 1,
        index: draw => draw.one([0, 0, 1]),
        records: draw => ({ $: 'batch', values: draw.one([['a'], ['a', 'b'], ['a', 'b', 'c']]), timestamp: -1 }),
      },
    },
  ]
}

function stateWishes(members: ShareMembers): Wish[] {
  const topicId = (draw: Draw) => members.pool.draw('topic', draw, ZERO_UUID)
  return [
    {
      api: 'DescribeShareGroupOffsets',
      weight: 4,
      // A negative partition is an error of the server in Apache Kafka.
      fields: { groupId, topicName, 'groups[].topics[].partitions[]*': draw => draw.of([0, 0, 1], [2]) },
    },
    {
      api: 'AlterShareGroupOffsets',
      weight: 2,
      settles: 'moment',
      fields: { groupId, topicName, partitionIndex, startOffset: draw => draw.of([0, 1, 2], [-1, 100]) },
    },
    { api: 'DeleteShareGroupOffsets', weight: 1, settles: 'moment', fields: { groupId, topicName } },
    {
      api: 'ReadShareGroupStateSummary',
      weight: 2,
      fields: { groupId, topicId, partition: partitionIndex, leaderEpoch: draw => draw.of([0], [-1, 1]) },
    },
  ]
}

function shareWorld(): World {
  const members = new ShareMembers()
  const topics = createTopics([
    { name: '~t0', numPartitions: 2, replicationFactor: 1 },
    { name: '~t1', numPartitions: 1, replicationFactor: 1 },
  ])
  const configs = [{ name: 'share.auto.offset.reset', value: 'earliest', configOperation: 0 }]
  const resources = ['~g0', '~g1'].map(resourceName => ({ resourceType: 32, resourceName, configs }))
  const configure: World['opening'][number] = {
    api: 'IncrementalAlterConfigs',
    version: 1,
    client: 'c0',
    request: { resources },
    settles: 'metadata',
  }
  const wishes = [heartbeatWish(members), ...deliveryWishes(members), ...stateWishes(members)]
  const seldom = [...offsetWishes(members), ...describeWishes()].map(wish => ({ ...wish, weight: 1 }))
  return {
    opening: [...topics, configure],
    wishes: [...wishes, ...seldom].map(wish => withOwnClient(wish)),
    learn: (step, outcome) => members.learn(step, outcome),
    excused: ({ differences }) =>
      differences.every(text => text.includes('topicPartitions'))
        ? 'random topic ids decide which partition goes to whom'
        : undefined,
  }
}

/** A share session belongs to its connection: each member has one. */
function withOwnClient(wish: Wish): Wish {
  const finish = (request: Record<string, Value>, draw: Draw) => {
    const finished = wish.finish ? wish.finish(request, draw) : request
    return finished === null || wish.api === 'Produce' ? finished : (withoutTwins(finished) as Request)
  }
  return { ...wish, clientOf, finish }
}

async function findShareCoordinator(bootstrap: string): Promise<void> {
  await findCoordinators(bootstrap)
  const asker = new Asker('differ', bootstrap)
  for (;;) {
    const { coordinators } = await asker.ask(FIND, 6, { keyType: 2, coordinatorKeys: ['any:AAAAAAAAAAAAAAAAAAAA_w:0'] })
    if (coordinators[0]!.errorCode === 0) break
    await sleep(50)
  }
  await sleep(1000)
  asker.end()
}

function unknownTopic({ api }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (api !== 'ShareFetch' || typeof kafka === 'string' || typeof ottla === 'string') return undefined
  const isSo = kafka.errorCode === 'UNKNOWN_SERVER_ERROR' && JSON.stringify(ottla).includes('UNKNOWN_TOPIC_ID')
  return isSo ? 'a topic id that nobody knows is called so' : undefined
}

export const share: Area = {
  name: 'share',
  length: 35,
  settings: { 'group.share.assignment.interval.ms': 0, 'group.share.max.share.sessions': 1000 },
  world: shareWorld,
  prepare: findShareCoordinator,
  filter: filterGroups,
  excused: (step, kafka, ottla) => neverAnswered(step, kafka) ?? unknownTopic(step, kafka, ottla),
  cleanUp: deleteTopics,
}
