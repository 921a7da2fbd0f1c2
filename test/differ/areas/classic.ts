/** Classic groups: joins that wait for others, leaders that assign, static members that come again, batches that leave. */
import type { Area, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import type { Made, Step, Value } from '../plan.ts'
import type { Result } from '../run.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics } from './admin.ts'
import { findCoordinators } from './coordinators.ts'
import { describeWishes, filterGroups, groupId, Members, offsetWishes } from './groups.ts'
import { createTopics } from './records.ts'

const CLIENTS = ['c0', 'c1', 'c2']
const client = (draw: Draw) => draw.one(CLIENTS)

/** Members of classic groups, and what their leaders know. */
export class ClassicMembers extends Members {
  /** Those whose join or sync is not answered: another of the same member is different on purpose. */
  readonly waiting = new Map<number, string>()
  readonly #leaders = new Map<string, readonly string[]>()

  asked({ id, api, request }: Step): void {
    if (api === 'JoinGroup' || api === 'SyncGroup') this.waiting.set(id, request.memberId as string)
  }

  override learn(step: Step, outcome: Outcome): void {
    super.learn(step, outcome)
    this.waiting.delete(step.id)
    if (typeof outcome === 'string') return
    const group = step.request.groupId as string
    if (step.api === 'JoinGroup') this.#joined(group, step, outcome)
    if (step.api === 'LeaveGroup')
      for (const { memberId } of this.of(group)) if (step.request.memberId === memberId) this.delete(group, memberId)
  }

  #joined(group: string, { request }: Step, outcome: Record<string, Value>): void {
    const { errorCode, memberId, generationId, leader, members } = outcome
    if (errorCode !== 'NONE' && errorCode !== 'MEMBER_ID_REQUIRED') return
    const instanceId = (request.groupInstanceId ?? null) as string | null
    for (const old of this.of(group))
      if (instanceId !== null && old.instanceId === instanceId) this.delete(group, old.memberId)
    this.set({ groupId: group, memberId: memberId as string, epoch: generationId as number, instanceId })
    if (leader === memberId && errorCode === 'NONE') {
      const all = (members as Record<string, string>[]).map(member => member.memberId!)
      this.#leaders.set(`${group} ${memberId}`, all)
    }
  }

  excused(result: Result): string | undefined {
    return this.excusedInMemory(result)
  }

  /** Whom a leader has to assign something. */
  led(group: string, memberId: string): readonly string[] {
    return this.#leaders.get(`${group} ${memberId}`) ?? []
  }

  isWaiting(memberId: string): boolean {
    return [...this.waiting.values()].includes(memberId)
  }
}

function subscription(draw: Draw): Made {
  if (draw.isWild()) return { $: 'text', text: draw.one(['', 'x', '\u0000\u0001\u0000\u0000']) }
  return { $: 'subscription', version: draw.one([0, 1, 2, 3]), topics: draw.one([['~t0'], ['~t0', '~t1'], []]) }
}

const PROTOCOLS = [['range'], ['range', 'roundrobin'], ['roundrobin', 'range']]

function joinWish(members: ClassicMembers): Wish {
  return {
    api: 'JoinGroup',
    weight: 12,
    client,
    mayWait: true,
    fields: {
      groupId,
      sessionTimeoutMs: draw => draw.of([60_000], [0, -1, 10_000_000]),
      rebalanceTimeoutMs: draw => draw.of([120_000], [60_000]),
      protocolType: draw => draw.of(['consumer'], ['connect', '']),
      protocols: draw => {
        const names = draw.of(PROTOCOLS, [[], ['sticky'], ['']])
        return names.map(name => ({ name, metadata: subscription(draw) }))
      },
      reason: draw => draw.of([null], ['why not']),
    },
    finish: (request, draw) => {
      const known = members.draw(draw)
      const isNew = known.memberId === '' || draw.chance(0.4)
      const memberId = isNew ? draw.of([''], ['~nobody']) : known.memberId
      if (memberId !== '' && members.isWaiting(memberId)) return null
      const instanceId = isNew ? draw.one([null, null, null, '~i0', '~i1']) : known.instanceId
      const named = draw.version >= 5 ? { groupInstanceId: instanceId } : {}
      return { ...request, groupId: known.groupId, memberId, ...named }
    },
  }
}

function syncWish(members: ClassicMembers): Wish {
  return {
    api: 'SyncGroup',
    weight: 10,
    client,
    mayWait: true,
    fields: {
      protocolType: draw => draw.of(['consumer', null], ['connect', '']),
      protocolName: draw => draw.of(['range', null], ['roundrobin', '']),
      assignments: () => [],
    },
    finish: (request, draw) => {
      const { groupId, memberId, epoch, instanceId } = members.draw(draw)
      if (members.isWaiting(memberId)) return null
      const led = draw.isWild() ? [memberId, '~nobody'] : members.led(groupId, memberId)
      const assignments = led.map((member, i) => ({
        memberId: member,
        assignment: { $: 'assignment', topic: '~t0', partitions: [i] },
      }))
      const named = draw.version >= 3 ? { groupInstanceId: instanceId } : {}
      return { ...request, groupId, memberId, generationId: epoch, assignments, ...named }
    },
  }
}

function leaveWish(members: ClassicMembers): Wish {
  return {
    api: 'LeaveGroup',
    weight: 3,
    client,
    fields: {
      groupId,
      'members[].reason': draw => draw.of([null], ['']),
    },
    finish: (request, draw) => {
      const { groupId, memberId } = members.draw(draw)
      if (draw.version < 3) return { groupId, memberId }
      const leaving = (request.members as Record<string, Value>[]).map(member => {
        const one = members.draw(draw)
        const isStatic = one.instanceId !== null
        const id = isStatic && draw.chance(0.7) ? '' : one.memberId
        return { ...member, memberId: id, groupInstanceId: one.instanceId }
      })
      return { groupId, members: leaving }
    },
  }
}

export function classicWishes(members: ClassicMembers): Wish[] {
  const heartbeat: Wish = {
    api: 'Heartbeat',
    weight: 5,
    client,
    fields: {},
    finish: (request, draw) => {
      const { groupId, memberId, epoch, instanceId } = members.draw(draw)
      const named = draw.version >= 3 ? { groupInstanceId: instanceId } : {}
      return { ...request, groupId, memberId, generationId: epoch, ...named }
    },
  }
  return [joinWish(members), syncWish(members), heartbeat, leaveWish(members)]
}

export const groupTopics = createTopics([
  { name: '~t0', numPartitions: 2, replicationFactor: 1 },
  { name: '~t1', numPartitions: 1, replicationFactor: 1 },
])

function classicWorld(): World {
  const members = new ClassicMembers()
  return {
    opening: groupTopics,
    wishes: [...classicWishes(members), ...offsetWishes(members), ...describeWishes()],
    asked: step => members.asked(step),
    learn: (step, outcome) => members.learn(step, outcome),
    excused: result => members.excused(result),
  }
}

/** Members who can't be answered as they wish are told so; in Apache Kafka some of them are not. */
export function excusedInClassic(step: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (step.api !== 'JoinGroup' && step.api !== 'SyncGroup') return undefined
  if (typeof ottla === 'string') return undefined
  if (isLedByAnother(kafka, ottla)) return 'who leads when the leader is gone is the doing of a hash table'
  if (kafka !== 'no answer') return undefined
  const { errorCode } = ottla
  if (errorCode === 'REBALANCE_IN_PROGRESS' || errorCode === 'UNKNOWN_MEMBER_ID')
    return `a waiting ${step.api} is answered with ${errorCode}, not left without an answer`
  return undefined
}

function isLedByAnother(kafka: Outcome, ottla: Record<string, Value>): boolean {
  if (typeof kafka === 'string' || kafka.errorCode !== 'NONE' || ottla.errorCode !== 'NONE') return false
  return kafka.leader !== ottla.leader && kafka.generationId === ottla.generationId && kafka.generationId !== 1
}

export const classic: Area = {
  name: 'classic',
  length: 40,
  world: classicWorld,
  prepare: findCoordinators,
  filter: filterGroups,
  excused: excusedInClassic,
  cleanUp: deleteTopics,
}
