/**
 * The next step of one member towards what it is to have. It first gives up what it is not to have any more, and says
 * so; only then does it come to the epoch of the target assignment and get what nobody else has. So no partition is ever
 * two members'.
 */

import { ApiError } from '../../../errors.ts'
import type { MetadataImage } from '../../../image/index.ts'
import { OWNS_NOTHING, type OwnedPartitions, type Partitions, type TopicPartitions, union } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { isReconciled, type Member, MemberState } from './member.ts'

export interface Step {
  readonly group: ConsumerGroup
  readonly image: MetadataImage
  /** Its topics or its regular expression are others now: it must not keep what they don't cover. */
  readonly hasSubscriptionChanged: boolean
  /** What the member says that it has; null: as before. */
  readonly owned: readonly TopicPartitions[] | null
}

/** The same member if there is nothing to do. Throws an ApiError FENCED_MEMBER_EPOCH. */
export function reconcile(member: Member, step: Step): Member {
  const { group, hasSubscriptionChanged, owned } = step
  const { assignmentEpoch } = group
  if (!hasSubscriptionChanged && isReconciled(member, assignmentEpoch)) return member
  switch (member.state) {
    case MemberState.STABLE:
      return member.epoch === assignmentEpoch ? keepSubscribed(member, step) : advance(member, member.epoch, step)
    case MemberState.UNREVOKED_PARTITIONS:
      if (!stillHas(owned, member.pendingRevocation)) return advance(member, member.epoch, step)
      return hasSubscriptionChanged ? keepSubscribed(member, step) : member
    case MemberState.UNRELEASED_PARTITIONS:
      return advance(member, member.epoch, step)
    default:
      // What the state means is not known: it has to begin anew.
      if (owned === null || owned.length > 0) {
        throw new ApiError(
          'FENCED_MEMBER_EPOCH',
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return advance(member, assignmentEpoch, step)
  }
}

/** Without being told, it is taken to have everything. */
function stillHas(owned: readonly TopicPartitions[] | null, revoked: OwnedPartitions): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) => {
    const mine = revoked.get(topicId)
    return mine !== undefined && partitions.some(partition => mine.has(partition))
  })
}

/** At its epoch, without the topics that it is not subscribed to any more. */
function keepSubscribed(member: Member, { group, image, owned }: Step): Member {
  const subscribed = topicIdsOf(group, member, image)
  const assigned = new Map<string, ReadonlyMap<number, number>>()
  const dropped = new Map<string, ReadonlyMap<number, number>>()
  for (const [topicId, partitions] of member.assigned) {
    if (subscribed.has(topicId)) assigned.set(topicId, partitions)
    else dropped.set(topicId, partitions)
  }
  if (dropped.size === 0) return member
  const kept = { ...member, previousEpoch: member.epoch, assigned }
  const pendingRevocation = union(member.pendingRevocation, dropped)
  if (!stillHas(owned, pendingRevocation)) return kept
  return { ...kept, state: MemberState.UNREVOKED_PARTITIONS, pendingRevocation }
}

function advance(member: Member, epoch: number, { group, image, owned }: Step): Member {
  const subscribed = topicIdsOf(group, member, image)
  const { kept, revoked, free, isWaiting } = compare(member, group, subscribed)
  if (revoked.size > 0 && stillHas(owned, revoked)) {
    return {
      ...member,
      state: MemberState.UNREVOKED_PARTITIONS,
      epoch,
      previousEpoch: member.epoch,
      assigned: kept,
      pendingRevocation: revoked,
    }
  }
  return {
    ...member,
    state: isWaiting ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    epoch: group.assignmentEpoch,
    previousEpoch: member.epoch,
    assigned: free.size === 0 ? kept : union(kept, free),
    pendingRevocation: OWNS_NOTHING,
  }
}

/** What it has against what it is to have. */
function compare(member: Member, group: ConsumerGroup, subscribed: ReadonlySet<string>) {
  const target = group.targetOf(member.id)
  const kept = new Map<string, ReadonlyMap<number, number>>()
  const revoked = new Map<string, ReadonlyMap<number, number>>()
  const free = new Map<string, ReadonlyMap<number, number>>()
  let isWaiting = false
  for (const [topicId, partitions] of member.assigned) {
    const wanted = subscribed.has(topicId) ? target.get(topicId) : undefined
    put(
      kept,
      topicId,
      [...partitions].filter(([partition]) => wanted?.has(partition)),
    )
    put(
      revoked,
      topicId,
      [...partitions].filter(([partition]) => !wanted?.has(partition)),
    )
  }
  for (const [topicId, partitions] of target) {
    if (!subscribed.has(topicId)) continue
    const missing = [...partitions].filter(partition => !member.assigned.get(topicId)?.has(partition))
    const available = missing.filter(partition => isFree(member, group, topicId, partition))
    isWaiting ||= available.length < missing.length
    put(
      free,
      topicId,
      available.map(partition => [partition, group.assignmentEpoch]),
    )
  }
  return { kept, revoked, free, isWaiting }
}

function put(map: Map<string, ReadonlyMap<number, number>>, topicId: string, entries: (readonly [number, number])[]) {
  if (entries.length > 0) map.set(topicId, new Map(entries))
}

/** What it was to give up itself it may have back. */
function isFree(member: Member, group: ConsumerGroup, topicId: string, partition: number): boolean {
  return (
    group.ownerOf(topicId, partition) === undefined || (member.pendingRevocation.get(topicId)?.has(partition) ?? false)
  )
}

/** Of the topics that there are. */
export function topicIdsOf(group: ConsumerGroup, member: Member, image: MetadataImage): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const name of group.topicsOf(member)) {
    const topic = image.topicsByName.get(name)
    if (topic) ids.add(topic.id)
  }
  return ids
}

/** Without epochs. */
export function partitionsOf(owned: OwnedPartitions): Partitions {
  return new Map([...owned].map(([topicId, partitions]) => [topicId, new Set(partitions.keys())]))
}
