/**
 * How members go: they leave, or they are fenced because a time is over. Their partitions are free at once, and the
 * group's epoch goes up. Where only members of the classic protocol are left, the group becomes a classic one.
 */
import { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import type { ConsumerGroup, MemberTimer } from './consumer-group.ts'
import { downgradeWithout } from './downgrade.ts'
import { bumpEpoch } from './epoch.ts'
import { type Member, MemberState, regexOf } from './member.ts'
import { memberTombstones, regexTombstone } from './records.ts'

// ------------------------------------------------------------------------------------------------------------ time

const REASONS: Readonly<Record<MemberTimer, string>> = {
  session: 'its session has expired',
  rebalance: 'it has not given up its partitions in time',
  join: 'it has not joined again in time',
  sync: 'it has not synced in time',
}

export function setTimer(
  turn: Turn,
  group: ConsumerGroup,
  memberId: string,
  which: MemberTimer,
  delayMs: number,
): void {
  const timer = group.timer(memberId, which, () => new Timer(turn => onTimeout(turn, group, memberId, which)))
  turn.store.timers.set(timer, turn.now.monotonicMs + delayMs)
}

export function cancelTimer(turn: Turn, group: ConsumerGroup, memberId: string, which: MemberTimer): void {
  const timer = group.timerIfMade(memberId, which)
  if (timer) turn.store.timers.cancel(timer)
}

export function isTimerSet(group: ConsumerGroup, memberId: string, which: MemberTimer): boolean {
  return (group.timerIfMade(memberId, which)?.heapIndex ?? -1) >= 0
}

function onTimeout(turn: Turn, group: ConsumerGroup, memberId: string, which: MemberTimer): void {
  const member = group.members.get(memberId)
  if (!member) return
  turn.store.log.info('member is fenced', { group: group.id, member: memberId, reason: REASONS[which] })
  removeMembers(turn, group, [member])
}

/** How long a member may be silent. */
export function sessionTimeoutMs(turn: Turn, group: ConsumerGroup, member: Member): number {
  return member.classic?.sessionTimeoutMs ?? turn.store.configOf(group.id).consumerSessionTimeoutMs
}

/** It has been heard of. */
export function renewSession(turn: Turn, group: ConsumerGroup, member: Member): void {
  setTimer(turn, group, member.id, 'session', sessionTimeoutMs(turn, group, member))
}

/** Members of the classic protocol have the other two timers. */
export function limitRevocation(turn: Turn, group: ConsumerGroup, member: Member): void {
  if (member.classic || member.state !== MemberState.UNREVOKED_PARTITIONS)
    cancelTimer(turn, group, member.id, 'rebalance')
  else setTimer(turn, group, member.id, 'rebalance', member.rebalanceTimeoutMs)
}

// --------------------------------------------------------------------------------------------------------- removal

export function removeMembers(turn: Turn, group: ConsumerGroup, members: readonly Member[]): void {
  if (members.length === 0 || downgradeWithout(turn, group, members)) return
  turn.atomically(() => {
    for (const { id } of members) for (const tombstone of memberTombstones(group.id, id)) turn.apply(tombstone)
    for (const regex of new Set(members.map(regexOf))) {
      if (regex !== undefined && group.regexSubscribers(regex) === 0) turn.apply(regexTombstone(group.id, regex))
    }
    const isStale = group.isMetadataStale
    bumpEpoch(turn, group, true)
    // Only a heartbeat counts as having looked.
    group.isMetadataStale = isStale
  })
}
