/**
 * ConsumerGroupHeartbeat, which is all that a member says: it joins (epoch 0), stays, tells what it has, and leaves (-1, or
 * -2 for a static member that will be back). Each heartbeat takes the group as far as it can go by then.
 */
import { ErrorCode, type Init } from '@ottla/protocol'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { ApiError } from '../../../errors.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import type { Caller } from '../requests.ts'
import type { Turn } from '../turn.ts'
import { isWithin, sameOwned, toTopics } from './assignment.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { removeMembers, renewSession } from './departure.ts'
import { AWAY_EPOCH, away, JOINING_EPOCH, LEAVING_EPOCH, type Member, newMember, topicNames } from './member.ts'
import { advanceMember, checkUpdate, install, type Update, updateMember } from './progress.ts'
import { currentRecord } from './records.ts'
import { checkRegex } from './regular-expressions.ts'
import { planUpgrade, upgrade } from './upgrade.ts'

type Response = Init<typeof ConsumerGroupHeartbeatResponse>

export function consumerGroupHeartbeat(
  turn: Turn,
  requestId: number,
  request: ConsumerGroupHeartbeatRequest,
  caller: Caller,
): void {
  try {
    const { memberEpoch } = request
    const isLeaving = memberEpoch === LEAVING_EPOCH || memberEpoch === AWAY_EPOCH
    turn.complete(requestId, isLeaving ? leave(turn, request) : beat(turn, request, caller))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    turn.complete(requestId, { errorCode: error.errorCode, errorMessage: error.message })
  }
}

// ------------------------------------------------------------------------------------------------- joining, staying

function beat(turn: Turn, request: ConsumerGroupHeartbeatRequest, caller: Caller): Response {
  const { memberEpoch, topicPartitions: owned, instanceId } = request
  const isJoining = memberEpoch === JOINING_EPOCH
  const id = request.memberId === '' ? turn.store.newUuid() : request.memberId
  const group = groupFor(turn, request, id)
  const before = isJoining ? joiningMember(group, id, instanceId) : knownMember(group, id, instanceId)
  checkEpoch(before.member, request)
  const member = withRequest(before.member, request, caller)
  const update = { ...before, after: member }
  checkUpdate(turn, group, update)
  install(turn, group)
  const hasSubscriptionChanged = updateMember(turn, group, update)
  const reached = advanceMember(turn, group, member.id, owned, hasSubscriptionChanged)
  renewSession(turn, group, reached)
  const heartbeatIntervalMs = turn.store.configOf(group.id).consumerHeartbeatIntervalMs
  const response = { memberId: reached.id, memberEpoch: reached.epoch, heartbeatIntervalMs }
  const isNews = isJoining || isFull(request) || !sameOwned(before.member.assigned, reached.assigned)
  if (!isNews) return response
  const topicPartitions = toTopics(reached.assigned).map(({ topicId, partitions }) => ({
    topicId,
    partitions: [...partitions],
  }))
  return { ...response, assignment: { topicPartitions } }
}

/** A client that is not sure what the coordinator knows says everything, and is told everything. */
function isFull(request: ConsumerGroupHeartbeatRequest): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request
  const saysSubscription = subscribedTopicNames !== null || subscribedTopicRegex !== null
  return rebalanceTimeoutMs !== -1 && saysSubscription && topicPartitions !== null
}

function withRequest(member: Member, request: ConsumerGroupHeartbeatRequest, caller: Caller): Member {
  const { subscribedTopicNames: names, rebalanceTimeoutMs } = request
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names ? topicNames(names) : member.subscribedTopicNames,
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    classic: null,
  }
}

// ---------------------------------------------------------------------------------------------------------- the group

/** Whoever joins makes it, or makes one of a classic group. */
function groupFor(turn: Turn, request: ConsumerGroupHeartbeatRequest, memberId: string): ConsumerGroup {
  const { groupId, instanceId, memberEpoch } = request
  const { store } = turn
  const known = store.groups.get(groupId)
  const isJoining = memberEpoch === JOINING_EPOCH
  if (known instanceof ConsumerGroup) {
    if (!known.staticMember(instanceId)) checkRoom(turn, known.members, memberId)
    return known
  }
  if (!known && isJoining) return new ConsumerGroup(groupId)
  if (!known) throw new ApiError('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)
  if (!(known instanceof ClassicGroup) || !isJoining)
    throw new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
  return known.isEmpty ? new ConsumerGroup(groupId) : convert(turn, known, request, memberId)
}

function checkRoom(turn: Turn, members: ReadonlyMap<string, unknown>, memberId: string): void {
  const { maxSize } = turn.store.config.consumer
  if (members.size < maxSize || members.has(memberId)) return
  throw new ApiError(
    'GROUP_MAX_SIZE_REACHED',
    `The consumer group has reached its maximum capacity of ${maxSize} members.`,
  )
}

function convert(
  turn: Turn,
  classic: ClassicGroup,
  { instanceId, subscribedTopicRegex }: ConsumerGroupHeartbeatRequest,
  memberId: string,
): ConsumerGroup {
  const records = planUpgrade(turn, classic)
  if (instanceId === null || classic.staticMemberId(instanceId) === undefined)
    checkRoom(turn, classic.members, memberId)
  if (subscribedTopicRegex) checkRegex(subscribedTopicRegex)
  upgrade(turn, classic, records)
  return turn.store.groups.get(classic.id) as ConsumerGroup
}

// --------------------------------------------------------------------------------------------------------- the member

type Before = Pick<Update, 'member' | 'replaced'>

/** As it is before it says what is new; a static one takes the place of who had its instance id. */
function joiningMember(group: ConsumerGroup, id: string, instanceId: string | null): Before {
  const existing = group.staticMember(instanceId)
  if (!existing) return { member: group.members.get(id) ?? newMember(id), replaced: null }
  if (!existing.classic && existing.epoch !== AWAY_EPOCH) {
    throw new ApiError(
      'UNRELEASED_INSTANCE_ID',
      `Static member ${id} with instance id ${instanceId} cannot join the group because the instance id is owned by ` +
        `${existing.id} member.`,
    )
  }
  return { member: { ...existing, id, epoch: 0, previousEpoch: 0 }, replaced: existing }
}

function knownMember(group: ConsumerGroup, id: string, instanceId: string | null): Before {
  return {
    member: instanceId === null ? dynamicMember(group, id) : staticMember(group, id, instanceId),
    replaced: null,
  }
}

function dynamicMember(group: ConsumerGroup, id: string): Member {
  const member = group.members.get(id)
  if (!member) throw new ApiError('UNKNOWN_MEMBER_ID', `Member ${id} is not a member of group ${group.id}.`)
  return member
}

function staticMember(group: ConsumerGroup, id: string, instanceId: string): Member {
  const member = group.staticMember(instanceId)
  if (!member) throw new ApiError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  if (member.id === id) return member
  throw new ApiError(
    'FENCED_INSTANCE_ID',
    `Static member ${id} with instance id ${instanceId} was fenced by member ${member.id}.`,
  )
}

/** The answer with the new epoch may have been lost: then the one before it is as good, if nothing is claimed with it. */
function checkEpoch(
  member: Member,
  { memberEpoch: epoch, topicPartitions: owned }: ConsumerGroupHeartbeatRequest,
): void {
  if (epoch === JOINING_EPOCH || epoch === member.epoch) return
  const isLate = epoch === member.previousEpoch && owned !== null && isWithin(owned, member.assigned)
  if (epoch < member.epoch && isLate) return
  throw new ApiError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${epoch > member.epoch ? 'greater' : 'smaller'} member epoch (${epoch}) than the one ` +
      `known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`,
  )
}

// ------------------------------------------------------------------------------------------------------------ leaving

function leave(turn: Turn, { groupId, memberId, memberEpoch, instanceId }: ConsumerGroupHeartbeatRequest): Response {
  const { groups, log } = turn.store
  const group = groups.get(groupId)
  if (!group) throw new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (!(group instanceof ConsumerGroup))
    throw new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
  const { member } = knownMember(group, memberId, instanceId)
  log.info('member leaves', { group: groupId, member: member.id, epoch: memberEpoch })
  if (instanceId !== null && memberEpoch === AWAY_EPOCH) turn.apply(currentRecord(groupId, away(member)))
  else removeMembers(turn, group, [member])
  return { errorCode: ErrorCode.NONE, memberId, memberEpoch }
}
