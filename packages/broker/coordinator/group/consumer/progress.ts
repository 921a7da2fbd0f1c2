/**
 * What a heartbeat and a join of the classic protocol have in common: the member's record and its subscription, the
 * group's epoch, the target assignment, and the member's own step towards it.
 */
import { ApiError } from '../../../errors.ts'
import { groupTombstone } from '../classic/records.ts'
import type { Turn } from '../turn.ts'
import type { TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { limitRevocation } from './departure.ts'
import { rebalance } from './epoch.ts'
import { type Member, regexOf, sameMetadata, sameNames, sameProgress } from './member.ts'
import { reconcile } from './reconcile.ts'
import type { ConsumerGroupRecord } from './record-shapes.ts'
import {
  currentRecord,
  memberRecord,
  memberTombstones,
  partitionMetadataTombstone,
  regexTombstone,
  targetRecord,
} from './records.ts'
import { checkRegex, refreshIfDue } from './regular-expressions.ts'
import { updateTarget } from './target.ts'

export interface Update {
  /** As it was, or a new one; a static member under its new id. */
  readonly member: Member
  /** Who had the static member's place until now. */
  readonly replaced: Member | null
  readonly after: Member
}

/** Throws an ApiError: after this, nothing may fail. */
export function checkUpdate(turn: Turn, group: ConsumerGroup, update: Update): void {
  const { member, after } = update
  const regex = regexOf(after)
  if (regex !== undefined && regex !== regexOf(member) && group.regexSubscribers(regex) === 0) checkRegex(regex)
  const records = [...replacement(group, update), memberRecord(group.id, after)]
  if (!turn.fits(records)) throw new ApiError('UNKNOWN_SERVER_ERROR', `what member ${after.id} says is too large`)
}

/** The group may be new, or take the place of a classic one without members. */
export function install(turn: Turn, group: ConsumerGroup): void {
  const { store } = turn
  const known = store.groups.get(group.id)
  if (known === group) return
  if (known) turn.apply(groupTombstone(group.id))
  store.add(group)
}

/**
 * Writes what the member says of itself. What changes with it is one change: a group whose new member is known but not
 * counted would never give it anything. True: it is subscribed to something else than before.
 */
export function updateMember(turn: Turn, group: ConsumerGroup, update: Update): boolean {
  const { member, after } = update
  const regex = { before: regexOf(member), after: regexOf(after) }
  const isLast = regex.before !== undefined && group.regexSubscribers(regex.before) === 1
  const isFirst = regex.after !== undefined && group.regexSubscribers(regex.after) === 0
  const hasOtherNames = !sameNames(member.subscribedTopicNames, after.subscribedTopicNames)
  const hasOtherRegex = member.subscribedTopicRegex !== after.subscribedTopicRegex
  turn.atomically(() => {
    for (const record of replacement(group, update)) turn.apply(record)
    if (!group.members.has(after.id) || !sameMetadata(member, after)) turn.apply(memberRecord(group.id, after))
    // Of the last one that goes here, it still counts when it was looked up.
    refreshIfDue(turn, group, hasOtherRegex && isFirst)
    if (hasOtherRegex && isLast) turn.apply(regexTombstone(group.id, regex.before!))
    // One that has not been looked up yet brings no topics: the epoch goes up when it has been.
    const isResolved = regex.after === undefined ? regex.before !== undefined : group.resolvedRegexes.has(regex.after)
    const hasChanged = hasOtherNames || (hasOtherRegex && isResolved)
    if (!hasChanged && !group.isMetadataStale) return
    rebalance(turn, group, hasChanged)
    if (group.hasPartitionMetadataRecord) turn.apply(partitionMetadataTombstone(group.id))
  })
  return hasOtherNames || hasOtherRegex
}

function replacement(group: ConsumerGroup, { member, replaced }: Update): ConsumerGroupRecord[] {
  if (!replaced) return []
  return [
    ...memberTombstones(group.id, replaced.id),
    memberRecord(group.id, member),
    targetRecord(group.id, member.id, group.targetOf(replaced.id)),
    currentRecord(group.id, member),
  ]
}

/** As far as it can go by now: returns what it has come to. */
export function advanceMember(
  turn: Turn,
  group: ConsumerGroup,
  memberId: string,
  owned: readonly TopicPartitions[] | null,
  hasSubscriptionChanged: boolean,
): Member {
  updateTarget(turn, group)
  return reconcileMember(turn, group, memberId, owned, hasSubscriptionChanged)
}

export function reconcileMember(
  turn: Turn,
  group: ConsumerGroup,
  memberId: string,
  owned: readonly TopicPartitions[] | null,
  hasSubscriptionChanged: boolean,
): Member {
  const member = group.members.get(memberId)!
  const { image, log } = turn.store
  const next = reconcile(member, { group, image, hasSubscriptionChanged, owned })
  if (sameProgress(member, next)) return member
  const record = currentRecord(group.id, next)
  if (!turn.fits([record])) {
    log.info('an assignment is too large for the offsets topic', { group: group.id, member: memberId })
    return member
  }
  turn.apply(record)
  limitRevocation(turn, group, next)
  return group.members.get(memberId)!
}
