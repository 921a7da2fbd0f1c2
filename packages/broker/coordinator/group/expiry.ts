/**
 * What goes without being asked: offsets that are too old, groups with neither members nor offsets, and the offsets of
 * deleted topics.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type { Group } from './group.ts'
import { kindOf } from './kinds.ts'
import { NEVER, type OffsetCommitRecord, offsetTombstone } from './offset-records.ts'
import type { CommittedOffset } from './offsets.ts'
import type { Turn } from './turn.ts'

export interface DeletedTopic {
  readonly name: string
  readonly id: string
}

/** Offsets that are looked at in one go: a million of them must not keep everybody else waiting. */
const OFFSETS_A_TURN = 10_000

/** Looks through some more of the groups; false: that was all. */
export function removeExpired(turn: Turn, groups: Iterator<Group>): boolean {
  const { store } = turn
  const before = turn.recordCount
  let isMore = true
  for (let seen = 0; isMore && seen < OFFSETS_A_TURN; ) {
    const next = groups.next()
    isMore = !next.done
    if (next.done) break
    const group = next.value
    seen += 1 + countOffsets(turn, group)
    const isBare = removeExpiredOffsets(turn, group)
    // A share group stays until it is deleted: what it has read nobody else knows.
    if (isBare && group.isEmpty && group.kind !== 'share')
      for (const tombstone of kindOf(group).tombstones(group)) turn.apply(tombstone)
  }
  const tombstones = turn.recordCount - before
  if (tombstones > 0) store.log.info('expired offsets and empty groups', { tombstones })
  return isMore
}

function countOffsets({ store }: Turn, group: Group): number {
  let count = 0
  for (const partitions of store.offsets.ofGroup(group.id)?.values() ?? []) count += partitions.size
  return count
}

/** Whether the group has no offsets any more, decided or not. */
function removeExpiredOffsets(turn: Turn, group: Group): boolean {
  const { offsets } = turn.store
  const topics = offsets.ofGroup(group.id)
  for (const [topic, partitions] of [...(topics ?? [])]) {
    if (group.isSubscribedTo(topic)) continue
    for (const [partition, offset] of [...partitions]) {
      if (!isExpired(turn, group, offset) || offsets.isPending(group.id, topic, partition)) continue
      turn.apply(offsetTombstone(group.id, topic, partition))
      turn.store.observer.counters.offsetExpirations++
    }
  }
  return !offsets.ofGroup(group.id) && !offsets.pendingOfGroup(group.id)
}

function isExpired({ now, store }: Turn, group: Group, offset: CommittedOffset): boolean {
  const unusedSinceMs = group.unusedSince(offset.commitTimestampMs)
  if (unusedSinceMs === null) return false
  if (offset.expireTimestampMs !== NEVER) return now.wallMs >= offset.expireTimestampMs
  return now.wallMs - unusedSinceMs >= store.config.offsetsRetentionMs
}

/** Offsets of a topic that was deleted mean nothing, not even in a new topic of the same name. */
export function removeDeletedTopics(turn: Turn, deleted: readonly DeletedTopic[]): void {
  const stale: OffsetCommitRecord[] = []
  for (const { name, id } of deleted) {
    for (const [group, partition, { topicId }] of turn.store.offsets.ofTopic(name)) {
      if (topicId === id || topicId === ZERO_UUID) stale.push(offsetTombstone(group, name, partition))
    }
  }
  for (const tombstone of stale) turn.apply(tombstone)
  turn.store.observer.counters.offsetDeletions += stale.length
}
