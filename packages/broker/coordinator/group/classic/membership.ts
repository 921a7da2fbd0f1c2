/** SyncGroup, Heartbeat and LeaveGroup: what members of a classic group do between rebalances. */
import { ErrorCode } from '@ottla/protocol'
import type { HeartbeatRequest } from '@ottla/protocol/messages/heartbeat'
import type { LeaveGroupRequest } from '@ottla/protocol/messages/leave-group'
import type { SyncGroupRequest } from '@ottla/protocol/messages/sync-group'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type Member, NO_ASSIGNMENT } from './member.ts'
import {
  answerSync,
  classicGroup,
  completeJoiningIfAllJoined,
  memberHasSynced,
  prepareRebalance,
  rebalanceOrCompleteJoining,
  removeMember,
  removePending,
  renewSession,
  tell,
} from './rebalance.ts'
import { groupMetadata } from './records.ts'

// -------------------------------------------------------------------------------------------------------- SyncGroup

export function syncGroup(turn: Turn, requestId: number, request: SyncGroupRequest): void {
  const group = classicGroup(turn.store, request.groupId)
  const errorCode = group ? checkSync(group, request) : ErrorCode.UNKNOWN_MEMBER_ID
  if (!group || errorCode !== ErrorCode.NONE) {
    turn.complete(requestId, { errorCode })
    return
  }
  const member = group.members.get(request.memberId)!
  if (group.state === 'CompletingRebalance') {
    // As for a second JoinGroup: the first one is not read any more.
    answerSync(turn, member, { errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
    member.syncRequestId = requestId
    memberHasSynced(turn, group, member.id)
    if (group.isLeader(member.id)) assign(turn, group, request)
  } else {
    memberHasSynced(turn, group, member.id)
    turn.complete(requestId, syncedResponse(group, member))
  }
}

function checkSync(group: ClassicGroup, request: SyncGroupRequest): number {
  if (group.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID
  const errorCode = group.checkMember(request.memberId, request.groupInstanceId)
  if (errorCode !== ErrorCode.NONE) return errorCode
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION
  if (contradicts(request.protocolType, group.protocolType) || contradicts(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** Before version 5 members do not say. */
function contradicts(said: string | null, known: string | null): boolean {
  return said !== null && known !== null && said !== known
}

/** The leader has spoken: the generation is complete once the record is committed, and then everybody is told. */
function assign(turn: Turn, group: ClassicGroup, request: SyncGroupRequest): void {
  const assignments = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  for (const member of group.members.values()) {
    const assignment = assignments.get(member.id)
    member.assignment = assignment ? Uint8Array.from(assignment) : NO_ASSIGNMENT
  }
  const record = groupMetadata(group)
  if (!turn.fits([record])) {
    refuseAssignment(turn, group)
    return
  }
  turn.emit(record)
  group.transitionTo('Stable', turn.now.wallMs)
  turn.store.observer.counters.completedRebalances++
  tell(turn, group, 'completed')
  for (const member of group.members.values()) {
    // While it waited its session could not end; from here on it can.
    if (answerSync(turn, member, syncedResponse(group, member))) renewSession(turn, member)
  }
}

/** The group is too large for a record of the log (`max.message.bytes` of the offsets topic). */
function refuseAssignment(turn: Turn, group: ClassicGroup): void {
  for (const member of group.members.values()) {
    member.assignment = NO_ASSIGNMENT
    if (answerSync(turn, member, { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })) renewSession(turn, member)
  }
  prepareRebalance(turn, group, 'the assignment is too large for a record')
}

function syncedResponse(group: ClassicGroup, member: Member) {
  const { protocolType, protocolName } = group
  return { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: member.assignment }
}

// -------------------------------------------------------------------------------------------------------- Heartbeat

export function heartbeat(turn: Turn, requestId: number, request: HeartbeatRequest): void {
  const group = classicGroup(turn.store, request.groupId)
  turn.complete(requestId, { errorCode: group ? beat(turn, group, request) : ErrorCode.UNKNOWN_MEMBER_ID })
}

function beat(turn: Turn, group: ClassicGroup, request: HeartbeatRequest): number {
  const errorCode = group.checkMember(request.memberId, request.groupInstanceId)
  if (errorCode !== ErrorCode.NONE) return errorCode
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION
  renewSession(turn, group.members.get(request.memberId)!)
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

// ------------------------------------------------------------------------------------------------------- LeaveGroup

export function leaveGroup(turn: Turn, requestId: number, request: LeaveGroupRequest): void {
  const group = classicGroup(turn.store, request.groupId)
  const left: string[] = []
  const members = request.members.map(leaver => {
    const errorCode = group ? leave(turn, group, leaver) : ErrorCode.UNKNOWN_MEMBER_ID
    if (errorCode === ErrorCode.NONE)
      left.push(`${leaver.memberId || leaver.groupInstanceId} (${leaver.reason ?? 'not provided'})`)
    return { memberId: leaver.memberId, groupInstanceId: leaver.groupInstanceId, errorCode }
  })
  if (group && left.length > 0) {
    if (group.state === 'PreparingRebalance') completeJoiningIfAllJoined(turn, group)
    else if (group.state !== 'Empty') rebalanceOrCompleteJoining(turn, group, `left: ${left.join(', ')}`)
  }
  turn.complete(requestId, { errorCode: ErrorCode.NONE, members })
}

type Leaver = LeaveGroupRequest['members'][number]

function leave(turn: Turn, group: ClassicGroup, { memberId, groupInstanceId }: Leaver): number {
  if (memberId !== '' && group.isPending(memberId)) {
    removePending(turn, group, memberId)
    return ErrorCode.NONE
  }
  // Administrators name a static member by its instance id alone.
  const id = memberId === '' && groupInstanceId !== null ? group.staticMemberId(groupInstanceId) : memberId
  if (id === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  const errorCode = group.checkMember(id, groupInstanceId)
  if (errorCode === ErrorCode.NONE) removeMember(turn, group, group.members.get(id)!)
  return errorCode
}
