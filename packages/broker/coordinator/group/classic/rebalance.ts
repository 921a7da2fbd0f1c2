/**
 * How a classic group comes to its next generation: members are called to join again, the last one or the time ends the
 * joining, the leader assigns, and those who miss one of it are removed.
 */
import { ErrorCode } from '@ottla/protocol'
import type { GroupStore } from '../group-store.ts'
import type { Rebalance } from '../observer.ts'
import type { ResponseOf } from '../requests.ts'
import { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import { ClassicGroup } from './classic-group.ts'
import { type Member, NO_ASSIGNMENT } from './member.ts'
import { groupMetadata } from './records.ts'

/** When not one member came back: how often to look again at least, whatever timeout the members asked for. */
const MIN_RETRY_MS = 100

// --------------------------------------------------------------------------------------------------------- groups

/** In the place of whatever group has the id. */
export function createClassicGroup(store: GroupStore, id: string, stateTimestampMs: number): ClassicGroup {
  const group = newClassicGroup(id, stateTimestampMs)
  store.add(group)
  return group
}

/** Nobody knows of it yet. */
export function newClassicGroup(id: string, stateTimestampMs: number): ClassicGroup {
  const join = new Timer<Turn>(turn => onInitialDelay(turn, group))
  const sync = new Timer<Turn>(turn => onSyncTimeout(turn, group))
  const group = new ClassicGroup(id, { join, sync }, stateTimestampMs)
  return group
}

/** undefined: there is none, or a group of another kind has the id. */
export function classicGroup(store: GroupStore, id: string): ClassicGroup | undefined {
  const group = store.groups.get(id)
  return group instanceof ClassicGroup ? group : undefined
}

export function sessionTimer(group: ClassicGroup, memberId: string): Timer<Turn> {
  return new Timer(turn => onSessionTimeout(turn, group, memberId))
}

// -------------------------------------------------------------------------------------------------------- answers

export function answerJoin(turn: Turn, group: ClassicGroup, member: Member, response: ResponseOf<'joinGroup'>): void {
  const requestId = group.takeJoin(member)
  if (requestId !== null) turn.complete(requestId, response)
}

/** False: nobody was waiting. */
export function answerSync(turn: Turn, member: Member, response: ResponseOf<'syncGroup'>): boolean {
  const requestId = member.syncRequestId
  if (requestId === null) return false
  member.syncRequestId = null
  turn.complete(requestId, response)
  return true
}

/** The current generation, as a member of it is told; the leader also learns who is in it. */
export function joinedResponse(group: ClassicGroup, memberId: string): ResponseOf<'joinGroup'> {
  const members = group.isLeader(memberId)
    ? [...group.members.values()].map(member => member.asJoined(group.protocolName!))
    : []
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId!,
    skipAssignment: false,
    memberId,
    members,
  }
}

// -------------------------------------------------------------------------------------------------------- sessions

export function renewSession(turn: Turn, member: Member, timeoutMs = member.sessionTimeoutMs): void {
  turn.store.timers.set(member.sessionTimer, turn.now.monotonicMs + timeoutMs)
}

function onSessionTimeout(turn: Turn, group: ClassicGroup, memberId: string): void {
  if (group.isPending(memberId)) {
    turn.store.log.info('pending member has not joined', { group: group.id, member: memberId })
    removePending(turn, group, memberId)
    if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) completeJoining(turn, group)
    return
  }
  const member = group.members.get(memberId)
  if (!member || member.countsAsAlive) return
  turn.store.log.info('member has failed', { group: group.id, member: memberId })
  removeMember(turn, group, member)
  afterLoss(turn, group, `member ${memberId} has failed`)
}

/** Takes the member out and tells it so, if it waits; what that means for the group is the caller's. */
export function removeMember(turn: Turn, group: ClassicGroup, member: Member): void {
  group.remove(member.id)
  turn.store.timers.cancel(member.sessionTimer)
  // A new member may be removed while it waits for the rebalance: if it is still there, it can join as a new one.
  answerJoin(turn, group, member, { memberId: '', errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
  answerSync(turn, member, { errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
}

export function removePending(turn: Turn, group: ClassicGroup, memberId: string): void {
  const timer = group.removePending(memberId)
  if (timer) turn.store.timers.cancel(timer)
}

function afterLoss(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(turn, group, reason)
  else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) completeJoining(turn, group)
}

// --------------------------------------------------------------------------------------------------------- joining

/** A rebalance, or, if one is under way, its end if nobody else is waited for. */
export function rebalanceOrCompleteJoining(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.canRebalance) prepareRebalance(turn, group, reason)
  else completeJoiningIfAllJoined(turn, group)
}

export function completeJoiningIfAllJoined(turn: Turn, group: ClassicGroup): void {
  // The initial rebalance takes its time, whoever is there.
  if (group.state !== 'PreparingRebalance' || group.isInitialRebalance || !group.hasAllMembersJoined) return
  completeJoining(turn, group)
}

export function prepareRebalance(turn: Turn, group: ClassicGroup, reason: string): void {
  const { store, now } = turn
  if (group.state === 'CompletingRebalance') callBackThoseWhoSync(turn, group)
  group.clearPendingSyncs()
  store.timers.cancel(group.syncTimer)
  const isInitial = group.state === 'Empty'
  group.transitionTo('PreparingRebalance', now.wallMs)
  store.log.info('preparing rebalance', { group: group.id, generation: group.generation, reason })
  tell(turn, group, 'preparing', reason)
  if (isInitial) {
    const delayMs = store.config.initialRebalanceDelayMs
    group.initialRebalance = { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0) }
    store.timers.set(group.joinTimer, now.monotonicMs + delayMs)
  } else if (group.hasAllMembersJoined) {
    completeJoining(turn, group)
  } else {
    store.timers.set(group.joinTimer, now.monotonicMs + group.rebalanceTimeoutMs)
  }
}

/** To those who trace what happens. */
export function tell({ store }: Turn, group: ClassicGroup, phase: Rebalance['phase'], reason = ''): void {
  const { id, generation, members } = group
  store.observer.onRebalance({ group: id, phase, generation, members: members.size, reason })
}

function callBackThoseWhoSync(turn: Turn, group: ClassicGroup): void {
  for (const member of group.members.values()) {
    member.assignment = NO_ASSIGNMENT
    if (answerSync(turn, member, { errorCode: ErrorCode.REBALANCE_IN_PROGRESS })) renewSession(turn, member)
  }
}

/** The time to join is up. While members keep coming, the first rebalance of a group is put off. */
function onInitialDelay(turn: Turn, group: ClassicGroup): void {
  const { delayMs, remainingMs } = group.initialRebalance
  if (!group.isInitialRebalance || !group.newMemberAdded || remainingMs === 0) {
    completeJoining(turn, group)
    return
  }
  group.newMemberAdded = false
  const nextMs = Math.min(turn.store.config.initialRebalanceDelayMs, remainingMs)
  group.initialRebalance = { delayMs: nextMs, remainingMs: Math.max(remainingMs - delayMs, 0) }
  turn.store.timers.set(group.joinTimer, turn.now.monotonicMs + nextMs)
}

/**
 * Removes the dynamic members that have not joined again and goes on with the rest: static members are given their
 * session timeout to come back.
 */
export function completeJoining(turn: Turn, group: ClassicGroup): void {
  const { store, now } = turn
  store.timers.cancel(group.joinTimer)
  for (const member of group.members.values()) {
    if (!member.isAwaitingJoin && !member.isStatic) removeMember(turn, group, member)
  }
  if (group.members.size > 0 && !group.electLeaderAmongJoined()) {
    store.log.info('no member has rejoined', { group: group.id, generation: group.generation })
    store.timers.set(group.joinTimer, now.monotonicMs + Math.max(group.rebalanceTimeoutMs, MIN_RETRY_MS))
    return
  }
  group.beginGeneration(now.wallMs)
  if (group.state === 'Empty') {
    store.log.info('group is empty', { group: group.id, generation: group.generation })
    turn.emit(groupMetadata(group))
    return
  }
  store.log.info('members have joined', { group: group.id, generation: group.generation, members: group.members.size })
  for (const member of group.members.values()) {
    answerJoin(turn, group, member, joinedResponse(group, member.id))
    renewSession(turn, member)
    member.isNew = false
    group.awaitSync(member.id)
  }
  store.timers.set(group.syncTimer, now.monotonicMs + group.rebalanceTimeoutMs)
}

// --------------------------------------------------------------------------------------------------------- syncing

export function memberHasSynced(turn: Turn, group: ClassicGroup, memberId: string): void {
  group.synced(memberId)
  if (group.pendingSyncs.size === 0) turn.store.timers.cancel(group.syncTimer)
}

/** Members that have not asked for their assignment would hold partitions that nobody reads. */
function onSyncTimeout(turn: Turn, group: ClassicGroup): void {
  const late = [...group.pendingSyncs]
  if (late.length === 0) return
  for (const memberId of late) removeMember(turn, group, group.members.get(memberId)!)
  prepareRebalance(turn, group, `members ${late.join(', ')} did not sync in time`)
}
