/** How members of a share group come, are remembered, and go. */
import { metadataHash } from '../metadata-hash.ts'
import type { Turn } from '../turn.ts'
import { currentTombstone, groupEpoch, memberTombstone, targetTombstone } from './records.ts'
import type { ShareGroup, ShareMember } from './share-group.ts'

/** It has been heard of. */
export function renewSession(turn: Turn, group: ShareGroup, memberId: string): void {
  const { store, now } = turn
  const timer = group.session(memberId, later => onSessionTimeout(later, group.id, memberId))
  store.timers.set(timer, now.monotonicMs + store.configOf(group.id).shareSessionTimeoutMs)
}

function onSessionTimeout(turn: Turn, groupId: string, memberId: string): void {
  const group = turn.store.groups.get(groupId) as ShareGroup
  const member = group.members.get(memberId)!
  turn.store.log.info('member of a share group has not been heard of', { group: groupId, member: memberId })
  removeMember(turn, group, member)
}

/** What it had the others get with the next assignment. */
export function removeMember(turn: Turn, group: ShareGroup, member: ShareMember): void {
  turn.apply(currentTombstone(group.id, member.id))
  turn.apply(targetTombstone(group.id, member.id))
  turn.apply(memberTombstone(group.id, member.id))
  const hash = metadataHash(turn.store.image, group.subscribers.keys())
  turn.apply(groupEpoch(group.id, group.epoch + 1, hash))
}
