/**
 * JoinGroup. A dynamic member first asks for an id (from version 4 on) and joins with it; a static one is known by its
 * instance id and takes the place that it had (KIP-345). The answer comes when the rebalance completes.
 */
import { ErrorCode } from '@ottla/protocol'
import type { JoinGroupRequest } from '@ottla/protocol/messages/join-group'
import { NEW_MEMBER_JOIN_TIMEOUT_MS } from '../config.ts'
import { kindOf } from '../kinds.ts'
import type { Caller } from '../requests.ts'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { Member, type MemberInit, NO_ASSIGNMENT, ownProtocols } from './member.ts'
import {
  answerJoin,
  answerSync,
  classicGroup,
  completeJoiningIfAllJoined,
  createClassicGroup,
  joinedResponse,
  prepareRebalance,
  rebalanceOrCompleteJoining,
  removeMember,
  removePending,
  renewSession,
  sessionTimer,
} from './rebalance.ts'
import { groupMetadata, newGroupMetadata } from './records.ts'

/** A JoinGroup on its way through this file. */
interface Join {
  readonly requestId: number
  readonly request: JoinGroupRequest
  readonly caller: Caller
  readonly rebalanceTimeoutMs: number
  readonly protocols: MemberInit['protocols']
}

const REQUIRES_MEMBER_ID_SINCE = 4
const SKIPS_ASSIGNMENT_SINCE = 9

export function joinGroup(turn: Turn, requestId: number, request: JoinGroupRequest, caller: Caller): void {
  const { store, now } = turn
  const { groupId, memberId } = request
  makeRoom(turn, groupId)
  const known = classicGroup(store, groupId)
  if (!known && store.groups.has(groupId)) {
    refuse(turn, requestId, '', ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return
  }
  if (!known && memberId !== '') {
    refuse(turn, requestId, memberId, ErrorCode.UNKNOWN_MEMBER_ID)
    return
  }
  const group = known ?? createClassicGroup(store, groupId, now.wallMs)
  const join: Join = {
    requestId,
    request,
    caller,
    // Version 0 has no timeout of its own for rebalances.
    rebalanceTimeoutMs: caller.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocols: ownProtocols(request.protocols),
  }
  if (!hasRoom(turn, group, memberId)) turnAway(turn, group, join)
  else if (memberId === '') joinAsNew(turn, group, join)
  else joinAgain(turn, group, join)
  if (!known) turn.emit(newGroupMetadata(group))
}

/** A streams group without members goes, though the member may be one that nobody knows. */
function makeRoom(turn: Turn, groupId: string): void {
  const group = turn.store.groups.get(groupId)
  if (group?.kind !== 'streams' || !group.isEmpty) return
  for (const tombstone of kindOf(group).tombstones(group)) turn.apply(tombstone)
}

function refuse(turn: Turn, requestId: number, memberId: string, errorCode: number): void {
  turn.complete(requestId, { memberId, errorCode })
}

/** While members join, who comes last is turned away, so that a group that is too large shrinks with the next rebalance. */
function hasRoom(turn: Turn, group: ClassicGroup, memberId: string): boolean {
  const { maxSize } = turn.store.config
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return member?.isAwaitingJoin || group.joinsWaiting < maxSize
    default:
      return member !== undefined || group.members.size < maxSize
  }
}

function turnAway(turn: Turn, group: ClassicGroup, { requestId, request }: Join): void {
  const member = group.members.get(request.memberId)
  if (member) removeMember(turn, group, member)
  removePending(turn, group, request.memberId)
  refuse(turn, requestId, '', ErrorCode.GROUP_MAX_SIZE_REACHED)
  completeJoiningIfAllJoined(turn, group)
}

// ----------------------------------------------------------------------------------------------------- new members

function joinAsNew(turn: Turn, group: ClassicGroup, join: Join): void {
  const { request, caller, requestId } = join
  const { groupInstanceId } = request
  if (!group.supports(request.protocolType, join.protocols)) {
    refuse(turn, requestId, '', ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return
  }
  const memberId = `${groupInstanceId ?? caller.clientId}-${turn.store.newUuid()}`
  if (groupInstanceId !== null) {
    const oldId = group.staticMemberId(groupInstanceId)
    if (oldId === undefined) addMember(turn, group, join, memberId)
    else replaceStaticMember(turn, group, join, group.members.get(oldId)!, memberId)
  } else if (caller.apiVersion >= REQUIRES_MEMBER_ID_SINCE) {
    requireMemberId(turn, group, join, memberId)
  } else {
    addMember(turn, group, join, memberId)
  }
}

/** Gives the client an id before it counts as a member: one that never comes back leaves no trace (KIP-394). */
function requireMemberId(turn: Turn, group: ClassicGroup, { requestId, request }: Join, memberId: string): void {
  const timer = sessionTimer(group, memberId)
  group.addPending(memberId, timer)
  turn.store.timers.set(timer, turn.now.monotonicMs + request.sessionTimeoutMs)
  refuse(turn, requestId, memberId, ErrorCode.MEMBER_ID_REQUIRED)
}

function addMember(turn: Turn, group: ClassicGroup, join: Join, memberId: string): void {
  const { request } = join
  removePending(turn, group, memberId)
  const member = new Member(
    {
      id: memberId,
      instanceId: request.groupInstanceId,
      clientId: join.caller.clientId,
      clientHost: join.caller.clientHost,
      rebalanceTimeoutMs: join.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: join.protocols,
      assignment: NO_ASSIGNMENT,
    },
    sessionTimer(group, memberId),
  )
  member.isNew = true
  if (group.isInitialRebalance) group.newMemberAdded = true
  group.add(member, request.protocolType)
  group.awaitJoin(member, join.requestId)
  renewSession(turn, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  rebalanceOrCompleteJoining(turn, group, `member ${memberId} joins: ${reasonOf(request)}`)
}

// ------------------------------------------------------------------------------------------------- returning members

function joinAgain(turn: Turn, group: ClassicGroup, join: Join): void {
  const { requestId, request } = join
  const { memberId, groupInstanceId } = request
  if (!group.supports(request.protocolType, join.protocols)) {
    refuse(turn, requestId, memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  } else if (group.isPending(memberId)) {
    // Ids are given to dynamic members only, so no client of ours sends both.
    if (groupInstanceId === null) addMember(turn, group, join, memberId)
    else turn.complete(requestId, { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
  } else {
    const errorCode = group.checkMember(memberId, groupInstanceId)
    if (errorCode === ErrorCode.NONE) rejoin(turn, group, join, group.members.get(memberId)!)
    else refuse(turn, requestId, memberId, errorCode)
  }
}

function rejoin(turn: Turn, group: ClassicGroup, join: Join, member: Member): void {
  const { request, requestId } = join
  const isUnchanged = member.hasProtocols(join.protocols)
  // The leader may join again for a reason that its metadata does not show: a topic has grown, say.
  const isNothingNew =
    group.state === 'CompletingRebalance'
      ? isUnchanged
      : group.state === 'Stable' && isUnchanged && !group.isLeader(member.id)
  if (isNothingNew) {
    // The answer of the first time may have been lost.
    turn.complete(requestId, joinedResponse(group, member.id))
    return
  }
  group.update(member, join.protocols, join.rebalanceTimeoutMs, request.sessionTimeoutMs)
  awaitJoin(turn, group, member, requestId)
  rebalanceOrCompleteJoining(turn, group, `member ${member.id} joins again: ${reasonOf(request)}`)
}

function awaitJoin(turn: Turn, group: ClassicGroup, member: Member, requestId: number): void {
  const before = group.awaitJoin(member, requestId)
  // The client has given up on its first request; whoever still reads there may try again.
  if (before !== null) turn.complete(before, { memberId: member.id, errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
}

// --------------------------------------------------------------------------------------------------- static members

/**
 * A static member that has been restarted: it gets a new id, whoever else uses the old one is fenced, and as long as the
 * group's protocol stays what it is nobody else notices.
 */
function replaceStaticMember(turn: Turn, group: ClassicGroup, join: Join, old: Member, memberId: string): void {
  const { request, requestId } = join
  const leaderBefore = group.leaderId!
  const member = old.successor(memberId, sessionTimer(group, memberId))
  group.replace(old, member)
  group.update(member, join.protocols, join.rebalanceTimeoutMs, request.sessionTimeoutMs)
  turn.store.timers.cancel(old.sessionTimer)
  answerJoin(turn, group, old, { memberId: old.id, errorCode: ErrorCode.FENCED_INSTANCE_ID })
  answerSync(turn, old, { errorCode: ErrorCode.FENCED_INSTANCE_ID })
  renewSession(turn, member)
  if (group.state === 'Stable' && group.selectProtocol() === group.protocolName) {
    const record = groupMetadata(group)
    // If it does not fit, the leader is to try again with a smaller assignment.
    if (turn.fits([record])) {
      turn.emit(record)
      turn.complete(requestId, takenOver(group, memberId, leaderBefore, join.caller.apiVersion))
      return
    }
  }
  awaitJoin(turn, group, member, requestId)
  if (group.state === 'PreparingRebalance') completeJoiningIfAllJoined(turn, group)
  else prepareRebalance(turn, group, `static member ${memberId} takes the place of ${old.id}: ${reasonOf(request)}`)
}

/**
 * A leader that comes back is not to assign again: from version 9 on it is told so, and before that another is named
 * leader to it (KIP-814).
 */
function takenOver(group: ClassicGroup, memberId: string, leaderBefore: string, apiVersion: number) {
  const response = joinedResponse(group, memberId)
  return apiVersion >= SKIPS_ASSIGNMENT_SINCE
    ? { ...response, skipAssignment: group.isLeader(memberId) }
    : { ...response, leader: leaderBefore, members: [] }
}

function reasonOf(request: JoinGroupRequest): string {
  return request.reason || 'not provided'
}
