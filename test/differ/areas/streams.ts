/** Groups of the streams protocol: topologies, tasks that go from one member to another, epochs, endpoints, shutdowns. */
import type { Area, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import { type Step, show, type Value } from '../plan.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics } from './admin.ts'
import { ClassicMembers, classicWishes, excusedInClassic, groupTopics } from './classic.ts'
import { findCoordinators } from './coordinators.ts'
import { describeWishes, filterGroups, GROUPS, groupId, offsetWishes } from './groups.ts'

const IDS = ['~m0', '~m1', '~m2']

class StreamsMembers extends ClassicMembers {
  readonly #tasks = new Map<string, Record<string, Value>>()

  override learn(step: Step, outcome: Outcome): void {
    super.learn(step, outcome)
    if (step.api !== 'StreamsGroupHeartbeat' || typeof outcome === 'string' || outcome.errorCode !== 'NONE') return
    const { groupId, memberId } = step.request as Record<string, string>
    const epoch = outcome.memberEpoch as number
    if (epoch < 0) {
      this.delete(groupId!, memberId!)
      return
    }
    this.set({ groupId: groupId!, memberId: memberId!, epoch, instanceId: null })
    const { activeTasks = null, standbyTasks = null, warmupTasks = null } = outcome
    if (activeTasks !== null) this.#tasks.set(`${groupId} ${memberId}`, { activeTasks, standbyTasks, warmupTasks })
  }

  /** What it was told to have last. */
  tasks(group: string, memberId: string): Record<string, Value> {
    return this.#tasks.get(`${group} ${memberId}`) ?? { activeTasks: [], standbyTasks: [], warmupTasks: [] }
  }
}

const changelog = (name: string) => ({ name, partitions: 0, replicationFactor: 1, topicConfigs: [] })

const reads = (subtopologyId: string, sourceTopics: readonly string[], more: Record<string, Value> = {}) => ({
  subtopologyId,
  sourceTopics,
  sourceTopicRegex: [],
  stateChangelogTopics: [],
  repartitionSinkTopics: [],
  repartitionSourceTopics: [],
  copartitionGroups: [],
  ...more,
})

const TOPOLOGIES: readonly Value[] = [
  { epoch: 0, subtopologies: [reads('s0', ['~t0'])] },
  { epoch: 0, subtopologies: [reads('s0', ['~t0'])] },
  { epoch: 0, subtopologies: [reads('s0', ['~t0']), reads('s1', ['~t1'])] },
  { epoch: 1, subtopologies: [reads('s0', ['~t1'])] },
]
const WILD_TOPOLOGIES: readonly Value[] = [
  { epoch: 0, subtopologies: [] },
  { epoch: -1, subtopologies: [reads('s0', ['~t0'])] },
  { epoch: 0, subtopologies: [reads('s0', ['~never'])] },
  { epoch: 0, subtopologies: [reads('s0', ['~t0'], { sourceTopicRegex: ['a.*'] })] },
  { epoch: 0, subtopologies: [reads('s0', ['~t0'], { stateChangelogTopics: [changelog('~log')] })] },
  { epoch: 0, subtopologies: [reads('s0', ['~t0']), reads('s0', ['~t1'])] },
  {
    epoch: 0,
    subtopologies: [
      reads('s0', ['~t0', '~t1'], {
        copartitionGroups: [{ sourceTopics: [0, 1], sourceTopicRegex: [], repartitionSourceTopics: [] }],
      }),
    ],
  },
  { epoch: 0, subtopologies: [reads('s0', ['a/b'])] },
  { epoch: 0, subtopologies: [reads('', ['~t0'])] },
]

const tasks = (draw: Draw): Value =>
  draw.one([[], [{ subtopologyId: 's0', partitions: [0] }], [{ subtopologyId: 's0', partitions: [0, 1] }]])

function heartbeatWish(members: StreamsMembers): Wish {
  return {
    api: 'StreamsGroupHeartbeat',
    weight: 20,
    settles: 'moment',
    fields: {
      groupId,
      memberId: draw => draw.of(IDS, ['', ' ', 'x'.repeat(40)]),
      memberEpoch: () => 0,
      endpointInformationEpoch: draw => draw.of([0], [-1, 1]),
      instanceId: draw => draw.of([null], ['~i0', '']),
      rackId: draw => draw.of([null], ['rack', '']),
      rebalanceTimeoutMs: () => -1,
      topology: () => null,
      activeTasks: () => null,
      standbyTasks: () => null,
      warmupTasks: () => null,
      processId: () => null,
      userEndpoint: draw => draw.of([null], [{ host: 'h', port: 1 }]),
      clientTags: draw => draw.of([null], [[], [{ key: 'zone', value: 'a' }]]),
      taskOffsets: draw => draw.of([null], [[], [{ subtopologyId: 's0', partition: 0, offset: 3 }]]),
      taskEndOffsets: () => null,
      shutdownApplication: draw => draw.of([false], [true]),
    },
    finish: (request, draw) => {
      const known = members.draw(draw)
      if (known.memberId === '' || draw.chance(0.25)) return joining(request, draw)
      const { groupId, memberId, epoch } = known
      const beat = { ...request, groupId, memberId, memberEpoch: epoch }
      if (draw.chance(0.1)) return { ...beat, memberEpoch: draw.of([-1], [-2]) }
      if (draw.chance(0.5)) return { ...beat, ...members.tasks(groupId, memberId), rebalanceTimeoutMs: 60_000 }
      if (draw.isWild()) return { ...beat, activeTasks: tasks(draw), standbyTasks: tasks(draw), warmupTasks: [] }
      return beat
    },
  }
}

function joining(request: Record<string, Value>, draw: Draw): Record<string, Value> {
  const none = draw.of<Value>([[]], [null])
  return {
    ...request,
    groupId: draw.of(GROUPS, ['']),
    memberEpoch: 0,
    // Of the heartbeat that makes the group, Apache Kafka forgets it.
    shutdownApplication: false,
    rebalanceTimeoutMs: draw.of([60_000], [0, -1]),
    topology: draw.of(TOPOLOGIES, [null, ...WILD_TOPOLOGIES]),
    processId: draw.of(['~p0', '~p1'], ['', null]),
    clientTags: draw.of<Value>([[]], [null]),
    activeTasks: draw.isWild() ? tasks(draw) : none,
    standbyTasks: none,
    warmupTasks: none,
  }
}

function streamsWorld(): World {
  const members = new StreamsMembers()
  const heartbeat = heartbeatWish(members)
  const seldom = classicWishes(members).map(wish => ({ ...wish, weight: 1 }))
  return {
    opening: groupTopics,
    wishes: [heartbeat, ...offsetWishes(members), ...describeWishes(), ...seldom],
    asked: step => members.asked(step),
    learn: (step, outcome) => members.learn(step, outcome),
    excused: result => members.excused(result),
  }
}

/** A member that shows by what it lacks that an answer has not reached it is told its tasks again. */
function toldAgain({ api, request }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (api !== 'StreamsGroupHeartbeat' || typeof kafka === 'string' || typeof ottla === 'string') return undefined
  const isAgain = request.activeTasks !== null && kafka.activeTasks === null && ottla.activeTasks !== null
  return isAgain ? 'a member that lacks tasks is told them again' : undefined
}

/** In Apache Kafka what is told of the endpoints of a new group is lost, but told where a classic group was before. */
function firstEndpoint({ api, request }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (api !== 'StreamsGroupHeartbeat' || request.memberEpoch !== 0) return undefined
  if (typeof kafka === 'string' || typeof ottla === 'string') return undefined
  const isFirst = kafka.endpointInformationEpoch === 1 && ottla.endpointInformationEpoch === 0
  const isSame = show({ ...kafka, endpointInformationEpoch: 0 }) === show(ottla)
  return isFirst && isSame ? 'the endpoints of a new group begin with epoch 0' : undefined
}

export const streams: Area = {
  name: 'streams',
  length: 30,
  settings: {
    'group.streams.initial.rebalance.delay.ms': 0,
    'group.streams.assignment.interval.ms': 0,
  },
  world: streamsWorld,
  prepare: findCoordinators,
  filter: filterGroups,
  excused: (step, kafka, ottla) =>
    toldAgain(step, kafka, ottla) ?? firstEndpoint(step, kafka, ottla) ?? excusedInClassic(step, kafka, ottla),
  cleanUp: deleteTopics,
}
