/**
 * Members of the classic protocol in a consumer group, while it is being migrated: JoinGroup, SyncGroup, Heartbeat and
 * LeaveGroup. A generation is a member's epoch; who is to give up partitions, or to come to another epoch, is told that
 * there is a rebalance, joins with what it still has, and syncs at once: nobody waits for the others.
 */
import { ErrorCode } from '@ottla/protocol'
import type { ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import type { HeartbeatRequest } from '@ottla/protocol/messages/heartbeat'
import type { JoinGroupRequest } from '@ottla/protocol/messages/join-group'
import type { LeaveGroupRequest } from '@ottla/protocol/messages/leave-group'
import type { SyncGroupRequest } from '@ottla/protocol/messages/sync-group'
import { ApiError } from '../../../errors.ts'
import type { Caller, GroupResponse, ResponseOf } from '../requests.ts'
import type { Turn } from '../turn.ts'
import type { TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { byTopicId, decodeSubscription, encodeAssignment, versionOf } from './consumer-protocol.ts'
import { cancelTimer, isTimerSet, removeMembers, renewSession, setTimer } from './departure.ts'
import { downgradeTo, mayDowngrade } from './downgrade.ts'
import { type ClassicMetadata, classicMetadata, type Member, MemberState, newMember, topicNames } from './member.ts'
import { advanceMember, checkUpdate, reconcileMember, type Update, updateMember } from './progress.ts'
import { partitionsOf } from './reconcile.ts'

const REQUIRES_MEMBER_ID_SINCE = 4

/** Answers with what `work` says, or with the error that it throws. */
function answer(turn: Turn, requestId: number, work: () => GroupResponse): void {
  try {
    turn.complete(requestId, work())
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    turn.complete(requestId, { errorCode: error.errorCode })
  }
}

// -------------------------------------------------------------------------------------------------------- JoinGroup

export function joinConsumerGroup(
  turn: Turn,
  requestId: number,
  group: ConsumerGroup,
  request: JoinGroupRequest,
  caller: Caller,
): void {
  answer(turn, requestId, () => join(turn, group, request, caller))
}

function join(turn: Turn, group: ConsumerGroup, request: JoinGroupRequest, caller: Caller): ResponseOf<'joinGroup'> {
  const { groupInstanceId: instanceId } = request
  const isNew = request.memberId === ''
  const id = isNew ? turn.store.newUuid() : request.memberId
  const protocols = classicMetadata(request)
  checkJoin(turn, group, request, id)
  if (isNew && instanceId === null && caller.apiVersion >= REQUIRES_MEMBER_ID_SINCE) {
    return { memberId: id, errorCode: ErrorCode.MEMBER_ID_REQUIRED }
  }
  const before = memberBefore(group, id, instanceId, isNew)
  const subscription = decodeSubscription(protocols.supportedProtocols[0]!.metadata)
  if (!subscription) throw new ApiError('INCONSISTENT_GROUP_PROTOCOL', 'the embedded subscription is malformed')
  const update = { ...before, after: afterJoin(before.member, request, caller, protocols, subscription) }
  checkUpdate(turn, group, update)
  // The last one that spoke the consumer protocol comes back with the classic one.
  const isLast = isLastConsumer(group, instanceId)
  const generation = group.epoch
  const hasChanged = updateMember(turn, group, update)
  const owned = byTopicId(subscription.ownedPartitions, turn.store.image)
  const members = [...group.members.values()]
  const member =
    isLast && mayDowngrade(turn, group, members)
      ? downgradeWith(turn, group, id, owned, hasChanged, generation)
      : advanceMember(turn, group, id, owned, hasChanged)
  cancelTimer(turn, group, id, 'join')
  if (turn.store.groups.get(group.id) === group) {
    renewSession(turn, group, member)
    setTimer(turn, group, id, 'sync', member.rebalanceTimeoutMs)
  }
  return {
    memberId: id,
    generationId: member.epoch,
    protocolType: group.protocolType,
    protocolName: protocols.supportedProtocols[0]!.name,
  }
}

function checkJoin({ store }: Turn, group: ConsumerGroup, request: JoinGroupRequest, id: string): void {
  const { maxSize, allowsUpgrade, allowsDowngrade } = store.config.consumer
  if (!allowsUpgrade && !allowsDowngrade) throw inconsistent('groups are not migrated')
  if (!group.staticMember(request.groupInstanceId) && group.members.size >= maxSize && !group.members.has(id))
    throw new ApiError('GROUP_MAX_SIZE_REACHED', `the group has ${maxSize} members`)
  if (!group.supportsClassic(request.protocolType, request.protocols))
    throw inconsistent(`the protocols of member ${id} are not supported`)
}

function inconsistent(message: string): ApiError {
  return new ApiError('INCONSISTENT_GROUP_PROTOCOL', message)
}

/** A static member without an id takes its place, whoever has it; one with an id has to have it. */
function memberBefore(
  group: ConsumerGroup,
  id: string,
  instanceId: string | null,
  isNew: boolean,
): Pick<Update, 'member' | 'replaced'> {
  const existing = group.staticMember(instanceId)
  if (isNew && existing) return { member: { ...existing, id, epoch: 0, previousEpoch: 0 }, replaced: existing }
  if (instanceId === null || isNew) return { member: group.members.get(id) ?? newMember(id), replaced: null }
  return { member: memberOf(group, id, instanceId), replaced: null }
}

function afterJoin(
  member: Member,
  request: JoinGroupRequest,
  caller: Caller,
  classic: ClassicMetadata,
  subscription: ConsumerProtocolSubscription,
): Member {
  return {
    ...member,
    instanceId: request.groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId || member.rackId,
    // Version 0 has no timeout of its own for rebalances.
    rebalanceTimeoutMs: caller.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    subscribedTopicNames: topicNames(subscription.topics),
    subscribedTopicRegex: '',
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    classic,
  }
}

function isLastConsumer(group: ConsumerGroup, instanceId: string | null): boolean {
  const existing = group.staticMember(instanceId)
  return existing !== undefined && !existing.classic && group.classicMembers === group.members.size - 1
}

/** If nothing has changed, members go on with what they have; otherwise the classic group's leader assigns anew. */
function downgradeWith(
  turn: Turn,
  group: ConsumerGroup,
  id: string,
  owned: readonly TopicPartitions[],
  hasChanged: boolean,
  generation: number,
): Member {
  const isStale = group.assignmentEpoch < group.epoch
  const member = isStale ? group.members.get(id)! : reconcileMember(turn, group, id, owned, hasChanged)
  downgradeTo(turn, group, [...group.members.values()], isStale ? 'the assignment is not up to date' : null, generation)
  return member
}

// -------------------------------------------------------------------------------------------- SyncGroup, Heartbeat

export function syncConsumerGroup(
  turn: Turn,
  requestId: number,
  group: ConsumerGroup,
  request: SyncGroupRequest,
): void {
  answer(turn, requestId, () => {
    const { protocolType, protocolName } = request
    const { member, classic } = classicMember(group, request)
    const protocol = classic.supportedProtocols[0]!
    if (protocolType !== null && protocolType !== group.protocolType) throw inconsistent('it is no such group')
    if (protocolName !== null && protocolName !== protocol.name) throw inconsistent('it was told another protocol')
    if (group.assignmentEpoch > member.epoch && member.state !== MemberState.UNREVOKED_PARTITIONS) {
      limitJoin(turn, group, member)
      throw new ApiError('REBALANCE_IN_PROGRESS', 'it has to join again')
    }
    cancelTimer(turn, group, member.id, 'sync')
    renewSession(turn, group, member)
    const version = versionOf(protocol.metadata)
    const assignment = encodeAssignment(partitionsOf(member.assigned), turn.store.image, version)
    return { protocolType, protocolName, assignment }
  })
}

export function beatInConsumerGroup(
  turn: Turn,
  requestId: number,
  group: ConsumerGroup,
  request: HeartbeatRequest,
): void {
  answer(turn, requestId, () => {
    const { member } = classicMember(group, request)
    renewSession(turn, group, member)
    if (!hasToJoin(group, member)) return { errorCode: ErrorCode.NONE }
    limitJoin(turn, group, member)
    return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS }
  })
}

/** To come to another epoch, to say that it has given up partitions, or to get those that are free by now. */
function hasToJoin(group: ConsumerGroup, member: Member): boolean {
  if (member.epoch < group.assignmentEpoch || member.state === MemberState.UNREVOKED_PARTITIONS) return true
  return member.state === MemberState.UNRELEASED_PARTITIONS && !group.isWaitingForOthers(member)
}

function limitJoin(turn: Turn, group: ConsumerGroup, member: Member): void {
  if (!isTimerSet(group, member.id, 'join')) setTimer(turn, group, member.id, 'join', member.rebalanceTimeoutMs)
}

type Identity = Pick<HeartbeatRequest, 'memberId' | 'groupInstanceId' | 'generationId'>

function classicMember(group: ConsumerGroup, { memberId, groupInstanceId, generationId }: Identity) {
  const member = memberOf(group, memberId, groupInstanceId)
  const { classic } = member
  if (!classic) throw new ApiError('UNKNOWN_MEMBER_ID', `member ${memberId} does not use the classic protocol`)
  if (generationId !== member.epoch)
    throw new ApiError('ILLEGAL_GENERATION', `member ${memberId} is at ${member.epoch}`)
  return { member, classic }
}

function memberOf(group: ConsumerGroup, id: string, instanceId: string | null): Member {
  const member = instanceId === null ? group.members.get(id) : group.staticMember(instanceId)
  if (!member) throw new ApiError('UNKNOWN_MEMBER_ID', `there is no member ${instanceId ?? id}`)
  if (member.id !== id) throw new ApiError('FENCED_INSTANCE_ID', `member ${member.id} has the place of ${instanceId}`)
  return member
}

// ------------------------------------------------------------------------------------------------------- LeaveGroup

/** Members of the consumer protocol may be made to leave, too, as administrators do. */
export function leaveConsumerGroup(
  turn: Turn,
  requestId: number,
  group: ConsumerGroup,
  request: LeaveGroupRequest,
): void {
  const leaving = new Set<Member>()
  const members = request.members.map(({ memberId, groupInstanceId }) => {
    const known = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
    let errorCode: number = ErrorCode.NONE
    if (!known) errorCode = ErrorCode.UNKNOWN_MEMBER_ID
    else if (memberId !== '' && known.id !== memberId) errorCode = ErrorCode.FENCED_INSTANCE_ID
    else leaving.add(known)
    return { memberId, groupInstanceId, errorCode }
  })
  removeMembers(turn, group, [...leaving])
  turn.complete(requestId, { errorCode: ErrorCode.NONE, members })
}
