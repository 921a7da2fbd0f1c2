/**
 * ShareGroupHeartbeat: a member comes, stays, says what it subscribes to, or goes; it is told what it is assigned. When
 * anything that matters has changed the group's epoch grows, and whoever comes next has the target computed.
 */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@ottla/protocol/messages/share-group-heartbeat'
import { ApiError } from '../../../errors.ts'
import type { GroupStore } from '../group-store.ts'
import { metadataHash } from '../metadata-hash.ts'
import type { Turn } from '../turn.ts'
import { removeMember, renewSession } from './membership.ts'
import { NO_PARTITIONS, type Partitions, sameNumbers, samePartitions, sorted, toTopicPartitions } from './partitions.ts'
import { currentAssignment, groupEpoch, memberMetadata, targetMetadata, targetOf } from './records.ts'
import type { Caller, HeartbeatResult } from './requests.ts'
import { LEAVE_EPOCH, newMember, ShareGroup, type ShareMember } from './share-group.ts'
import { assignSimply } from './simple-assignor.ts'
import { initializeSubscribed } from './state-partitions.ts'

/** Throws an ApiError. */
export function shareGroupHeartbeat(turn: Turn, request: ShareGroupHeartbeatRequest, caller: Caller): HeartbeatResult {
  const { groupId, memberId, memberEpoch } = request
  if (memberEpoch === LEAVE_EPOCH) return leave(turn, groupId, memberId)
  const group = findOrMake(turn.store, groupId, memberEpoch === 0)
  const { shareMaxSize } = turn.store.config
  const known = group.members.get(memberId)
  if (!known && group.members.size >= shareMaxSize) {
    fail('GROUP_MAX_SIZE_REACHED', `The share group has reached its maximum capacity of ${shareMaxSize} members.`)
  }
  const before = known ?? joining(group, memberId, memberEpoch)
  checkEpoch(before, memberEpoch)
  const member = update(before, request, caller)
  return stay(turn, group, before, member, request)
}

function findOrMake(store: GroupStore, groupId: string, mayMake: boolean): ShareGroup {
  const known = store.groups.get(groupId)
  if (!known && mayMake) return new ShareGroup(groupId)
  return shareGroup(store, groupId)
}

/** Throws an ApiError if there is none. */
export function shareGroup(store: GroupStore, groupId: string): ShareGroup {
  const group = store.groups.get(groupId)
  if (!group) fail('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (!(group instanceof ShareGroup)) fail('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a share group.`)
  return group
}

function joining(group: ShareGroup, memberId: string, memberEpoch: number): ShareMember {
  if (memberEpoch === 0) return newMember(memberId)
  fail('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${group.id}.`)
}

function leave(turn: Turn, groupId: string, memberId: string): HeartbeatResult {
  const group = shareGroup(turn.store, groupId)
  const member = group.members.get(memberId)
  if (!member) fail('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${groupId}.`)
  removeMember(turn, group, member)
  return { response: { ...NO_ERROR, memberId, memberEpoch: LEAVE_EPOCH }, initialize: null }
}

/** 0 is always right: the member begins anew. The epoch before is, too: the last answer may have been lost. */
function checkEpoch({ epoch, previousEpoch }: ShareMember, received: number): void {
  if (received === 0 || received === epoch || (received < epoch && received === previousEpoch)) return
  const known = `the one known by the group coordinator (${epoch})`
  if (received > epoch) {
    fail(
      'FENCED_MEMBER_EPOCH',
      `The share group member has a greater member epoch (${received}) than ${known}. ${REJOIN}`,
    )
  }
  fail(
    'FENCED_MEMBER_EPOCH',
    `The share group member has a smaller member epoch (${received}) than ${known}, and it does not match the previous ` +
      `member epoch (${previousEpoch}). ${REJOIN}`,
  )
}

const REJOIN = 'The member must abandon all its partitions and rejoin.'

function update(
  member: ShareMember,
  { rackId, subscribedTopicNames }: ShareGroupHeartbeatRequest,
  { clientId, clientHost }: Caller,
): ShareMember {
  return {
    ...member,
    rackId: rackId ?? member.rackId,
    subscribedTopicNames: subscribedTopicNames ? new Set(subscribedTopicNames) : member.subscribedTopicNames,
    clientId,
    clientHost,
  }
}

// ------------------------------------------------------------------------------------------------------- staying

function stay(
  turn: Turn,
  group: ShareGroup,
  before: ShareMember,
  joined: ShareMember,
  { memberEpoch, subscribedTopicNames }: ShareGroupHeartbeatRequest,
): HeartbeatResult {
  const isResubscribed = !sameNames(joined.subscribedTopicNames, before.subscribedTopicNames)
  const mustAssign = group.assignmentEpoch >= group.epoch && hasUnassigned(group)
  if (isResubscribed) checkSize(turn, group, joined)
  if (isResubscribed || !isSameClient(before, joined)) turn.apply(memberMetadata(group.id, joined))
  // Its record has made the group, if it is the first.
  const live = turn.store.groups.get(group.id) as ShareGroup
  const hasChanged = raiseEpoch(turn, live, isResubscribed || mustAssign)
  const target = updateTarget(turn, live, joined.id)
  const member = reconcile(turn, live, joined, target, hasChanged)
  renewSession(turn, live, member.id)
  const isFull = memberEpoch === 0 || subscribedTopicNames !== null
  const isNew = isFull || !samePartitions(before.assigned, member.assigned)
  const response = {
    ...NO_ERROR,
    memberId: member.id,
    memberEpoch: member.epoch,
    heartbeatIntervalMs: turn.store.configOf(live.id).shareHeartbeatIntervalMs,
    assignment: isNew ? { topicPartitions: toTopicPartitions(member.assigned) } : null,
  }
  return { response, initialize: initializeSubscribed(turn, live, live.epoch, live.subscribers.keys()) }
}

/**
 * Of the largest records that may come of it: to find out only when they are appended that one is too large would cost
 * every group of the partition its place.
 */
function checkSize({ store }: Turn, group: ShareGroup, member: ShareMember): void {
  let bytes = RECORD_BYTES
  for (const name of new Set([...group.subscribers.keys(), ...member.subscribedTopicNames])) {
    const partitions = store.image.topicsByName.get(name)?.partitions.length ?? 0
    bytes += TOPIC_BYTES + Buffer.byteLength(name) + PARTITION_BYTES * partitions
  }
  if (bytes > store.maxBatchBytes) fail('UNKNOWN_SERVER_ERROR', 'The records of the group are too large for the topic.')
}

const RECORD_BYTES = 4096
const TOPIC_BYTES = 32
const PARTITION_BYTES = 5

/** There are partitions with a state that nobody has been assigned, or the other way round. */
function hasUnassigned(group: ShareGroup): boolean {
  const { initialized } = group.statePartitions ?? { initialized: new Map<string, never>() }
  if (initialized.size === 0 || group.subscribers.size === 0) return false
  const assigned = new Map<string, Set<number>>()
  for (const partitions of group.target.values()) {
    for (const [topicId, numbers] of partitions) {
      const all = assigned.get(topicId) ?? new Set()
      for (const partition of numbers) all.add(partition)
      assigned.set(topicId, all)
    }
  }
  for (const [topicId, { name, partitions }] of initialized) {
    if (group.isSubscribedTo(name) && !sameNumbers(partitions, assigned.get(topicId))) return true
  }
  return false
}

/** Whether anything has changed that members have to be assigned anew for. */
function raiseEpoch(turn: Turn, group: ShareGroup, hasChanged: boolean): boolean {
  if (!hasChanged && group.topicsAreKnown) return false
  const hash = metadataHash(turn.store.image, group.subscribers.keys())
  group.topicsAreKnown = true
  if (!hasChanged && hash === group.metadataHash) return false
  turn.apply(groupEpoch(group.id, group.epoch + 1, hash))
  turn.store.observer.counters.shareRebalances++
  return true
}

interface Target {
  readonly epoch: number
  readonly partitions: Partitions
}

function updateTarget(turn: Turn, group: ShareGroup, memberId: string): Target {
  const isDue = group.assignmentEpoch < group.epoch && mayAssign(turn, group)
  if (isDue) assign(turn, group)
  return { epoch: group.assignmentEpoch, partitions: group.target.get(memberId) ?? NO_PARTITIONS }
}

function mayAssign({ store, now }: Turn, { id, assignmentTimestampMs }: ShareGroup): boolean {
  const { shareAssignmentIntervalMs } = store.configOf(id)
  // Without an interval a wall clock that was set back does no harm.
  if (assignmentTimestampMs === 0 || shareAssignmentIntervalMs === 0) return true
  return now.wallMs >= assignmentTimestampMs + shareAssignmentIntervalMs
}

function assign(turn: Turn, group: ShareGroup): void {
  const { image } = turn.store
  const assignable = new Map<string, number[]>()
  for (const [topicId, { partitions }] of group.statePartitions?.initialized ?? []) {
    const count = image.topicsById.get(topicId)?.partitions.length ?? 0
    assignable.set(
      topicId,
      sorted(partitions).filter(partition => partition < count),
    )
  }
  const members = [...group.members.values()].map(({ id, subscribedTopicNames }) => {
    const topicIds = [...subscribedTopicNames].flatMap(name => image.topicsByName.get(name)?.id ?? [])
    return { id, topicIds: new Set(topicIds), assigned: group.target.get(id) ?? NO_PARTITIONS }
  })
  for (const [memberId, partitions] of assignSimply(members, assignable)) {
    const before = group.target.get(memberId)
    if (!before || !samePartitions(before, partitions)) turn.apply(targetOf(group.id, memberId, partitions))
  }
  turn.apply(targetMetadata(group.id, group.epoch, turn.now.wallMs))
}

/** Nobody has to give anything up first: the member has what the target says. */
function reconcile(
  turn: Turn,
  group: ShareGroup,
  member: ShareMember,
  target: Target,
  hasChanged: boolean,
): ShareMember {
  if (!hasChanged && member.epoch === target.epoch) return member
  const { image } = turn.store
  const topicIds = new Set([...member.subscribedTopicNames].map(name => image.topicsByName.get(name)?.id))
  const assigned = new Map([...target.partitions].filter(([topicId]) => topicIds.has(topicId)))
  const isNewEpoch = member.epoch !== target.epoch
  const epochs = isNewEpoch ? { epoch: target.epoch, previousEpoch: member.epoch } : {}
  if (!isNewEpoch && samePartitions(member.assigned, assigned)) return member
  const reconciled = { ...member, ...epochs, assigned }
  turn.apply(currentAssignment(group.id, reconciled))
  return reconciled
}

// -------------------------------------------------------------------------------------------------------- common

const NO_ERROR: ShareGroupHeartbeatResponse = {
  throttleTimeMs: 0,
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(name => b.has(name))
}

function isSameClient(a: ShareMember, b: ShareMember): boolean {
  return a.rackId === b.rackId && a.clientId === b.clientId && a.clientHost === b.clientHost
}

function fail(code: ErrorName, message: string): never {
  throw new ApiError(code, message)
}
