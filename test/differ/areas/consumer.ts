/**
 * Groups of the consumer protocol, and groups that members of both protocols share. The server's assignor is `range`: what
 * `uniform` gives to whom among equals is decided by a hash table in Apache Kafka.
 */
import type { Area, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import type { Step, Value } from '../plan.ts'
import type { Result } from '../run.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics } from './admin.ts'
import { ClassicMembers, classicWishes, excusedInClassic, groupTopics } from './classic.ts'
import { findCoordinators } from './coordinators.ts'
import { describeWishes, filterGroups, GROUPS, groupId, offsetWishes } from './groups.ts'

const IDS = ['~m0', '~m1', '~m2']
const SUBSCRIPTIONS = [['~t0'], ['~t0', '~t1'], ['~t1'], ['~never'], []]
const REGEXES = ['~t.*', '~t0|~t1', '~t1']

class ConsumerMembers extends ClassicMembers {
  /** Groups that have had members whose ids are random. */
  readonly #named = new Set<string>()
  /** Groups that have had regular expressions. */
  readonly #matching = new Set<string>()
  /** What each was assigned last. */
  readonly #assigned = new Map<string, Value>()

  override learn(step: Step, outcome: Outcome): void {
    super.learn(step, outcome)
    const isNamedByChance = step.api === 'ConsumerGroupHeartbeat' && step.request.memberId === ''
    if (step.api === 'JoinGroup' || isNamedByChance) this.#named.add(step.request.groupId as string)
    if (step.request.subscribedTopicRegex) this.#matching.add(step.request.groupId as string)
    if (step.api !== 'ConsumerGroupHeartbeat' || typeof outcome === 'string') return
    const { groupId, instanceId = null } = step.request as Record<string, string | null>
    const { errorCode, memberId, memberEpoch, assignment } = outcome as Record<string, Value>
    if (errorCode !== 'NONE' || memberId === null) return
    const key = `${groupId} ${memberId}`
    if (memberEpoch === -1) {
      this.delete(groupId!, memberId as string)
      return
    }
    this.set({ groupId: groupId!, memberId: memberId as string, epoch: memberEpoch as number, instanceId })
    if (assignment !== null) this.#assigned.set(key, (assignment as Record<string, Value>).topicPartitions!)
  }

  override excused(result: Result): string | undefined {
    const {
      step,
      differences,
      outcomes: [kafka, ottla],
    } = result
    const others = differences.filter(text => !/ssignment|topicPartitions/.test(text))
    const areAssignments = others.length === 0
    const areEpochs = others.every(text => text.startsWith('.memberEpoch'))
    if (isAbout(step, this.#named)) {
      // Who has to wait for whom, and so is behind, follows from who gets what.
      if (areAssignments || (areEpochs && others.length < differences.length))
        return 'ids by chance decide who gets what'
      if (step.api === 'ConsumerGroupHeartbeat' && isFailed(kafka) && !isFailed(ottla))
        return 'a group is upgraded though who joins does not know the protocol of before'
      if (areEpochs && step.request.memberEpoch === 0)
        return 'a group that is upgraded amid a rebalance is assigned anew'
    }
    if (areAssignments && isAbout(step, this.#matching)) return 'a new regular expression counts at once'
    const codes = [kafka, ottla].map(outcome => (typeof outcome === 'string' ? outcome : outcome.errorCode))
    if (step.api === 'JoinGroup' && codes[0] === 'UNKNOWN_SERVER_ERROR' && codes[1] === 'INCONSISTENT_GROUP_PROTOCOL')
      return 'a malformed subscription is called so'
    return super.excused(result)
  }

  assigned(group: string, memberId: string): Value {
    return this.#assigned.get(`${group} ${memberId}`) ?? []
  }
}

function isFailed(outcome: Outcome): boolean {
  return typeof outcome !== 'string' && outcome.errorCode === 'UNKNOWN_SERVER_ERROR'
}

function isAbout({ request }: Step, groups: ReadonlySet<string>): boolean {
  const asked = JSON.stringify(request)
  return [...groups].some(group => asked.includes(`"${group}"`))
}

function heartbeatWish(members: ConsumerMembers): Wish {
  return {
    api: 'ConsumerGroupHeartbeat',
    weight: 20,
    client: draw => draw.one(['c0', 'c1', 'c2']),
    fields: {
      groupId,
      memberId: () => '',
      memberEpoch: () => 0,
      instanceId: draw => draw.of([null], ['~i0', '']),
      rackId: draw => draw.of([null], ['rack', '']),
      rebalanceTimeoutMs: () => -1,
      subscribedTopicNames: draw => draw.of([null], SUBSCRIPTIONS),
      subscribedTopicRegex: draw => draw.of([null], ['', '[']),
      serverAssignor: draw => draw.of([null, 'range'], ['', 'nope']),
      topicPartitions: () => null,
    },
    finish: (request, draw) => {
      const known = members.draw(draw)
      const isJoining = known.memberId === '' || draw.chance(0.25)
      if (isJoining) return joining(request, draw)
      const { groupId, memberId, epoch, instanceId } = known
      const beat = { ...request, groupId, memberId, memberEpoch: epoch }
      if (draw.chance(0.1)) return { ...beat, memberEpoch: draw.one([-1, -1, -2]), instanceId }
      const isWhole = draw.chance(0.5)
      const topicPartitions = isWhole ? members.assigned(groupId, memberId) : null
      const subscribed = isWhole && draw.chance(0.4) ? draw.one(SUBSCRIPTIONS) : request.subscribedTopicNames
      return {
        ...beat,
        topicPartitions,
        subscribedTopicNames: subscribed ?? null,
        rebalanceTimeoutMs: isWhole ? 60_000 : -1,
      }
    },
  }
}

function joining(request: Record<string, Value>, draw: Draw): Record<string, Value> {
  const isStatic = draw.chance(0.25)
  // A static member that comes again has a new id, as clients have it.
  const ids = isStatic ? [`~s${draw.random.integer(1000)}`] : IDS
  const memberId = draw.of(draw.version === 0 && draw.chance(0.1) ? [''] : ids, ['', ' ', 'x'.repeat(40)])
  const joined = {
    ...request,
    groupId: draw.of(GROUPS, ['']),
    memberId,
    memberEpoch: 0,
    instanceId: isStatic ? draw.one(['~i0', '~i1']) : (request.instanceId ?? null),
    rebalanceTimeoutMs: draw.of([60_000], [0, -1]),
    subscribedTopicNames: draw.of(SUBSCRIPTIONS, [null]),
    topicPartitions: draw.of([[]], [null, [{ topicId: '$topic:1.0', partitions: [0] }]]),
  }
  return joined
}

function consumerWorld(): World {
  const members = new ConsumerMembers()
  const quiet = classicWishes(members).map(wish => ({ ...wish, weight: Math.ceil(wish.weight / 3) }))
  return {
    opening: groupTopics,
    wishes: [heartbeatWish(members), ...quiet, ...offsetWishes(members), ...describeWishes(), regexWish()],
    asked: step => members.asked(step),
    learn: (step, outcome) => members.learn(step, outcome),
    excused: result => members.excused(result),
  }
}

/** Regular expressions are looked up after the answer. */
function regexWish(): Wish {
  return {
    api: 'ConsumerGroupHeartbeat',
    weight: 2,
    versions: [1, 1],
    settles: 'moment',
    fields: {
      groupId: draw => draw.one(GROUPS),
      memberId: draw => draw.one(IDS),
      memberEpoch: () => 0,
      instanceId: () => null,
      rackId: () => null,
      rebalanceTimeoutMs: () => 60_000,
      subscribedTopicNames: () => null,
      subscribedTopicRegex: draw => draw.one(REGEXES),
      serverAssignor: () => null,
      topicPartitions: () => [],
    },
  }
}

export const consumer: Area = {
  name: 'consumer',
  length: 40,
  settings: { 'group.consumer.assignment.interval.ms': 0, 'group.consumer.assignors': 'range,uniform' },
  world: consumerWorld,
  prepare: findCoordinators,
  filter: filterGroups,
  excused: excusedInClassic,
  cleanUp: deleteTopics,
}
