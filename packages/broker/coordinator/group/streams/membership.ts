/** How streams groups and their members come and go: what is due in time, and what becomes of a member that is gone. */
import type { GroupStore } from '../group-store.ts'
import { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import { configureTopology } from './configured-topology.ts'
import { type Member, MemberState } from './member.ts'
import { groupEpoch, memberTombstones } from './records.ts'
import { StreamsGroup } from './streams-group.ts'
import { newTarget } from './target-assignment.ts'

/** Not in the store yet: records bring it there. */
export function newStreamsGroup(id: string): StreamsGroup {
  const group: StreamsGroup = new StreamsGroup(id, new Timer<Turn>(turn => onInitialDelay(turn, group)))
  return group
}

/** undefined: there is none, or a group of another kind has the id. */
export function streamsGroup(store: GroupStore, id: string): StreamsGroup | undefined {
  const group = store.groups.get(id)
  return group instanceof StreamsGroup ? group : undefined
}

// -------------------------------------------------------------------------------------------------------- timers

export function renewSession(turn: Turn, group: StreamsGroup, memberId: string): void {
  const { streamsSessionTimeoutMs } = turn.store.configOf(group.id)
  turn.store.timers.set(timersOf(group, memberId).session, turn.now.monotonicMs + streamsSessionTimeoutMs)
}

/** A member that is to revoke has its rebalance timeout to do so. */
export function watchRevocation(turn: Turn, group: StreamsGroup, { id, state, rebalanceTimeoutMs }: Member): void {
  const { rebalance } = timersOf(group, id)
  if (state !== MemberState.UNREVOKED_TASKS) turn.store.timers.cancel(rebalance)
  else turn.store.timers.set(rebalance, turn.now.monotonicMs + rebalanceTimeoutMs)
}

function timersOf(group: StreamsGroup, memberId: string) {
  return group.timersOf(memberId, () => ({
    session: new Timer<Turn>(turn => removeMember(turn, group, memberId, 'it has not been heard of in time')),
    rebalance: new Timer<Turn>(turn => removeMember(turn, group, memberId, 'it has not revoked its tasks in time')),
  }))
}

/** Those who have joined by now are assigned together. */
function onInitialDelay(turn: Turn, group: StreamsGroup): void {
  const { topology, epoch, assignmentConfigs: configs } = group
  if (group.isEmpty || !topology || epoch <= group.assignmentEpoch) return
  const configured = group.configured ?? configureTopology(topology, turn.store.image)
  const { records } = newTarget(group, group.members, configured, { epoch, configs }, turn.now)
  for (const record of records) turn.apply(record)
  turn.store.log.info('assigned tasks', { group: group.id, epoch })
}

// --------------------------------------------------------------------------------------------------------- leaving

/** Others learn of it with the next epoch. */
export function removeMember(turn: Turn, group: StreamsGroup, memberId: string, reason: string): void {
  const { metadataHash, validatedTopologyEpoch, assignmentConfigs } = group
  for (const tombstone of memberTombstones(group.id, memberId)) turn.apply(tombstone)
  const epoch = group.epoch + 1
  turn.apply(groupEpoch(group.id, { epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs }))
  turn.store.log.info('member is removed', { group: group.id, member: memberId, epoch, reason })
}
