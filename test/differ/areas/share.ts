/**
 * Share groups: members, sessions of fetches, deliveries and what is acknowledged of them, offsets, and the state that the
 * share coordinator keeps. A step that may find nothing to deliver waits a while for it: a share partition is loaded when it
 * is first asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ZERO_UUID } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { Asker } from '../../interop/prober.ts'
import type { Area, Struct, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import { type Request, type Step, show, type Value } from '../plan.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics } from './admin.ts'
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
        maxRecords: draw => draw.of([500], [1, 2, 0, -1]),
        batchSize: draw => draw.of([500, 1], [2, 0, -1]),
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

const PARTITION_COUNTS: Readonly<Record<string, number>> = { '~t0': 2, '~t1': 1 }

/** Whether a partition is asked for that a topic which is there has not. */
function isMissing(topicName: Value | undefined, partition: Value | undefined): boolean {
  return (partition as number) >= (PARTITION_COUNTS[topicName as string] ?? Number.POSITIVE_INFINITY)
}

function offsetsWishes(): Wish[] {
  return [
    {
      api: 'DescribeShareGroupOffsets',
      weight: 4,
      fields: { groupId, topicName, 'groups[].topics[].partitions[]*': partitionIndex },
      // For a partition that is not there Apache Kafka asks itself again and again, and answers nobody.
      finish: request => {
        const topics = (request.groups as Record<string, Value>[]).flatMap(group => (group.topics ?? []) as Struct[])
        const isOdd = topics.some(({ topicName, partitions }) =>
          (partitions as number[]).some(partition => isMissing(topicName as string, partition)),
        )
        return isOdd ? null : request
      },
    },
    {
      api: 'AlterShareGroupOffsets',
      weight: 2,
      settles: 'moment',
      fields: { groupId, topicName, partitionIndex, startOffset: draw => draw.of([0, 1, 2], [-1, 100]) },
      // Where a topic that is there is left without a partition Apache Kafka writes that down, and can't delete the group any more.
      finish: request => {
        const topics = request.topics as { topicName: string; partitions: { partitionIndex: number }[] }[]
        const isOdd = topics.some(({ topicName, partitions }) => {
          const isNegative = partitions.some(({ partitionIndex }) => partitionIndex < 0)
          const isEmpty = partitions.every(({ partitionIndex }) => isMissing(topicName, partitionIndex))
          return topicName in PARTITION_COUNTS && (isNegative || isEmpty)
        })
        return isOdd ? null : request
      },
    },
    { api: 'DeleteShareGroupOffsets', weight: 1, settles: 'moment', fields: { groupId, topicName } },
  ]
}

/** What brokers ask each other. */
function stateWishes(members: ShareMembers): Wish[] {
  const fields = {
    groupId,
    topicId: (draw: Draw) => members.pool.draw('topic', draw, ZERO_UUID),
    partition: partitionIndex,
    leaderEpoch: (draw: Draw) => draw.of([0], [-1, 1]),
    stateEpoch: (draw: Draw) => draw.of([0, 1, 2], [-1, 3]),
    startOffset: (draw: Draw) => draw.of([0, 1, 2], [-1]),
    deliveryCompleteCount: (draw: Draw) => draw.of([0, 1], [-1]),
    'topics[].partitions[].stateBatches[]': (draw: Draw) => draw.one([0, 0, 1]),
    firstOffset: (draw: Draw) => draw.one([0, 1]),
    lastOffset: (draw: Draw) => draw.one([1, 3]),
    deliveryState: (draw: Draw) => draw.of([0, 2], [4]),
    deliveryCount: (draw: Draw) => draw.one([1, 2]),
  }
  return [
    { api: 'ReadShareGroupStateSummary', weight: 2, fields },
    { api: 'ReadShareGroupState', weight: 1, fields },
    { api: 'InitializeShareGroupState', weight: 1, fields },
    { api: 'WriteShareGroupState', weight: 1, fields },
    { api: 'DeleteShareGroupState', weight: 1, fields },
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
  const wishes = [heartbeatWish(members), ...deliveryWishes(members), ...offsetsWishes(), ...stateWishes(members)]
  const seldom = [...offsetWishes(members), ...describeWishes()].map(wish => ({ ...wish, weight: 1 }))
  return {
    opening: [...topics, configure],
    wishes: [...wishes, ...seldom].map(wish => withOwnClient(wish)),
    learn: (step, outcome) => members.learn(step, outcome),
    excused: result => {
      const areAssignments = result.differences.every(text => text.includes('topicPartitions'))
      return areAssignments ? 'random topic ids decide which partition goes to whom' : members.excusedInMemory(result)
    },
  }
}

/** A share session belongs to its connection: each member has one. */
function withOwnClient(wish: Wish): Wish {
  return { ...wish, clientOf }
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

/** But for share partitions without anything: which of those that are loaded together are ready first is chance. */
function readyLater({ api }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (api !== 'ShareFetch' || typeof kafka === 'string' || typeof ottla === 'string') return undefined
  const told = ({ responses }: Record<string, Value>) =>
    (responses as Record<string, Value>[]).flatMap(({ topicId, partitions }) =>
      (partitions as Record<string, Value>[])
        .filter(
          ({ records, acknowledgeErrorCode }) => (records as Value[]).length > 0 || acknowledgeErrorCode !== 'NONE',
        )
        .map(({ errorCode: _, ...partition }) => ({ topicId, ...partition })),
    )
  const hasSame = kafka.errorCode === ottla.errorCode && show(told(kafka)) === show(told(ottla))
  return hasSame ? 'a share partition without records is told of now or later' : undefined
}

/** Kafka takes it for one into which the start has moved, and finds nothing there either. */
function fromBeforeTheStart({ api, request }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (typeof kafka === 'string' || typeof ottla === 'string' || kafka.errorCode !== 'UNKNOWN_SERVER_ERROR')
    return undefined
  const isAcknowledging = api === 'ShareFetch' || api === 'ShareAcknowledge'
  const isSo = isAcknowledging && JSON.stringify(request).includes('"firstOffset":-')
  const isRefused = JSON.stringify(ottla).includes('INVALID_RECORD_STATE')
  return isSo && isRefused ? 'an acknowledgement that begins before the start finds nothing' : undefined
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
  excused: (...about) => unknownTopic(...about) ?? fromBeforeTheStart(...about) ?? readyLater(...about),
  cleanUp: deleteTopics,
}
