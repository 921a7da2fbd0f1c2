/** What all kinds of groups are asked: offsets, descriptions, deletion. Areas mix these with how their members live. */
import { ZERO_UUID } from '@ottla/protocol'
import type { Struct, Wish } from '../area.ts'
import type { Draw } from '../draw.ts'
import { type Step, show, type Value } from '../plan.ts'
import { Pool } from '../pool.ts'
import type { Result } from '../run.ts'
import type { Outcome } from '../side.ts'
import { filterLists } from './admin.ts'

export const GROUPS = ['~g0', '~g0', '~g1']
/** Never the empty one: offsets may be committed for it, which other runs would find. */
export const groupId = (draw: Draw) => draw.of(GROUPS, ['~g9'])
export const topicName = (draw: Draw) => draw.of(['~t0', '~t0', '~t1'], ['~never', '', 'a/b'])
export const partitionIndex = (draw: Draw) => draw.of([0, 0, 1], [-1, 2])

/** What somebody says of itself: in the old protocol a generation, in the new ones an epoch. */
export interface MemberName {
  readonly groupId: string
  readonly memberId: string
  readonly epoch: number
  readonly instanceId: string | null
}

/** Everybody who has been told who he is; the last word of each counts. */
export class Members {
  readonly pool = new Pool()
  readonly #known = new Map<string, MemberName>()
  /** Of a commit that has stored nothing. */
  readonly #halfMade = new Set<string>()
  /** Without members, and joined by one that nobody knows. */
  readonly #halfGone = new Set<string>()

  learn(step: Step, outcome: Outcome): void {
    this.pool.add(outcome)
    if (typeof outcome === 'string') return
    if (step.api === 'JoinGroup' && outcome.errorCode === 'UNKNOWN_MEMBER_ID')
      this.#halfGone.add(step.request.groupId as string)
    if (step.api !== 'OffsetCommit') return
    if (/"OFFSET_METADATA_TOO_LARGE"/.test(show(outcome)) && !/"NONE"/.test(show(outcome)))
      this.#halfMade.add(step.request.groupId as string)
  }

  /** Where a difference comes from groups that Apache Kafka has made, or removed, in memory only. */
  excusedInMemory({ step, outcomes }: Result): string | undefined {
    const texts = [show(step.request), ...outcomes.map(show)]
    const isAbout = (groups: ReadonlySet<string>) =>
      [...groups].some(group => texts.some(text => text.includes(`"${group}"`)))
    if (isAbout(this.#halfMade)) return 'a commit that stores nothing makes no group'
    const isRead = step.api === 'ListGroups' || step.api.includes('Describe')
    return isRead && isAbout(this.#halfGone) ? 'a group that goes is gone for everybody' : undefined
  }

  set(member: MemberName): void {
    this.#known.set(`${member.groupId} ${member.memberId}`, member)
  }

  of(groupId: string): MemberName[] {
    return [...this.#known.values()].filter(member => member.groupId === groupId)
  }

  delete(groupId: string, memberId: string): void {
    this.#known.delete(`${groupId} ${memberId}`)
  }

  /** One who is believed to be there, with now and then a word that is wrong; nobody, if nobody is. */
  draw(draw: Draw): MemberName {
    const group = groupId(draw)
    const known = this.of(group)
    const nobody = { groupId: group, memberId: '', epoch: -1, instanceId: null }
    const member = known.length === 0 || draw.chance(0.1) ? nobody : draw.one(known)
    if (!draw.isWild()) return member
    return draw.one<MemberName>([
      { ...member, epoch: member.epoch + draw.one([1, -1]) },
      { ...member, epoch: draw.one([-1, 0, -2, 100]) },
      { ...member, memberId: draw.one(['', '~nobody', 'x']) },
      { ...member, instanceId: draw.one([null, '', '~i0', '~i9']) },
      { ...member, groupId: groupId(draw) },
    ])
  }
}

const offsetFields = {
  'topics[].name': topicName,
  'groups[].topics[].name': topicName,
  partitionIndex,
  committedOffset: (draw: Draw) => draw.of([0, 1, 2, 3], [-1, -2]),
  committedLeaderEpoch: (draw: Draw) => draw.of([-1, 0], [5, -2]),
  committedMetadata: (draw: Draw) => draw.of(['', 'm', null], ['x'.repeat(5000)]),
  retentionTimeMs: (draw: Draw) => draw.of([-1], [0, 1_000_000]),
}

export function offsetWishes(members: Members): Wish[] {
  const topicId = (draw: Draw) => members.pool.draw('topic', draw, draw.one([ZERO_UUID, '$topic:0.0']))
  const howMany = (draw: Draw) => draw.one([null, 1, 1, 2, 0])
  return [
    {
      api: 'OffsetCommit',
      weight: 8,
      fields: { ...offsetFields, 'topics[].topicId': topicId },
      finish: (request, draw) => {
        const { groupId, memberId, epoch, instanceId } = members.draw(draw)
        const named = draw.version >= 7 ? { groupInstanceId: instanceId } : {}
        return { ...request, groupId, memberId, generationIdOrMemberEpoch: epoch, ...named }
      },
    },
    {
      api: 'OffsetFetch',
      weight: 5,
      fields: {
        groupId,
        'groups[].groupId': groupId,
        'groups[].memberId': () => null,
        'groups[].memberEpoch': () => -1,
        'topics[]': draw => (draw.version < 2 ? 1 : howMany(draw)),
        'groups[].topics[]': howMany,
        'topics[].name': topicName,
        'groups[].topics[].name': topicName,
        'groups[].topics[].topicId': topicId,
        'topics[].partitionIndexes[]*': partitionIndex,
        'groups[].topics[].partitionIndexes[]*': partitionIndex,
      },
      finish: (request, draw) => {
        if (draw.version < 9 || draw.chance(0.4)) return request
        for (const group of request.groups as Record<string, Value>[]) {
          const { groupId, memberId, epoch } = members.draw(draw)
          Object.assign(group, { groupId, memberId, memberEpoch: epoch })
        }
        return request
      },
    },
    {
      api: 'OffsetDelete',
      weight: 2,
      fields: { groupId, 'topics[].name': topicName, partitionIndex },
    },
    { api: 'DeleteGroups', weight: 1, fields: { 'groupsNames[]*': groupId } },
  ]
}

const STATES = ['Stable', 'Empty', 'PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling', 'Dead']

export function describeWishes(): Wish[] {
  const includeAuthorizedOperations = (draw: Draw) => draw.chance(0.2)
  return [
    { api: 'DescribeGroups', weight: 3, fields: { 'groups[]*': groupId, includeAuthorizedOperations } },
    { api: 'ConsumerGroupDescribe', weight: 2, fields: { 'groupIds[]*': groupId, includeAuthorizedOperations } },
    { api: 'ShareGroupDescribe', weight: 1, fields: { 'groupIds[]*': groupId, includeAuthorizedOperations } },
    { api: 'StreamsGroupDescribe', weight: 1, fields: { 'groupIds[]*': groupId, includeAuthorizedOperations } },
    {
      api: 'ListGroups',
      weight: 2,
      fields: {
        'statesFilter[]': draw => draw.one([0, 0, 1, 2]),
        'statesFilter[]*': draw => draw.of(STATES, ['', 'stable', 'Nope']),
        'typesFilter[]': draw => draw.one([0, 0, 1]),
        'typesFilter[]*': draw => draw.of(['classic', 'consumer', 'share', 'streams'], ['Classic', 'nope', '']),
      },
    },
  ]
}

export function filterGroups(step: Step, answer: Struct, prefix: string): Struct {
  if (step.api === 'ListGroups') {
    answer.groups = (answer.groups as { groupId: string }[]).filter(({ groupId }) => groupId.startsWith(prefix))
  }
  return filterLists(step, answer, prefix)
}
