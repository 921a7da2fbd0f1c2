/**
 * StreamsGroupHeartbeat. What a member says of itself, its topology, and the topics that there are may give the group a new
 * epoch; a new epoch gives it a new assignment; each member then takes its part of it, a step at a heartbeat.
 *
 * All is decided before anything is changed: the records are the change, and a heartbeat that is refused leaves none.
 */
import { ErrorCode } from '@ottla/protocol'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { ApiError } from '../../../errors.ts'
import { kindOf } from '../kinds.ts'
import { metadataHash } from '../metadata-hash.ts'
import type { GroupRecord } from '../records.ts'
import type { Caller } from '../requests.ts'
import type { Turn } from '../turn.ts'
import { type ConfiguredTopology, configureTopology } from './configured-topology.ts'
import { heartbeatAnswer, type StatusLine, statusLine } from './heartbeat-answer.ts'
import { hasSameMetadata, JOIN_EPOCH, type Member, newMember, withMetadata } from './member.ts'
import { newStreamsGroup, removeMember, renewSession, streamsGroup, watchRevocation } from './membership.ts'
import { checkOwnedTasks, checkReceivedEpoch, ownedTasks } from './owned-tasks.ts'
import { reconcile, type Target } from './reconcile.ts'
import { currentAssignment, groupEpoch, memberMetadata, topology as topologyRecord } from './records.ts'
import type { StreamsHeartbeatAnswer } from './requests.ts'
import type { StreamsGroup } from './streams-group.ts'
import { newTarget, STANDBY_REPLICAS_CONFIG } from './target-assignment.ts'
import { NO_TASKS, sameAssigned } from './tasks.ts'
import { Topology } from './topology.ts'

export function streamsGroupHeartbeat(
  turn: Turn,
  requestId: number,
  request: StreamsGroupHeartbeatRequest,
  caller: Caller,
): void {
  try {
    const answer = request.memberEpoch < JOIN_EPOCH ? leave(turn, request) : beat(turn, request, caller)
    turn.complete(requestId, answer)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    turn.complete(requestId, { errorCode: error.errorCode, errorMessage: error.message || null })
  }
}

function leave(turn: Turn, { groupId, memberId, memberEpoch, shutdownApplication }: StreamsGroupHeartbeatRequest) {
  const group = existingGroup(turn, groupId)
  // Whoever says it, as in Kafka: one that has timed out has had its error all the same.
  if (shutdownApplication) group.requestShutdown(memberId)
  existingMember(group, memberId)
  removeMember(turn, group, memberId, 'it has left')
  return { errorCode: ErrorCode.NONE, memberId, memberEpoch, status: [] }
}

function existingGroup(turn: Turn, groupId: string): StreamsGroup {
  const group = streamsGroup(turn.store, groupId)
  if (group) return group
  const reason = turn.store.groups.has(groupId) ? 'is not a streams group' : 'not found'
  throw new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} ${reason}.`)
}

function existingMember(group: StreamsGroup, memberId: string): Member {
  const member = group.members.get(memberId)
  if (!member) throw new ApiError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${group.id}.`)
  return member
}

/** What becomes of the group with one heartbeat. */
interface Plan {
  readonly records: GroupRecord[]
  readonly status: StatusLine[]
  readonly group: StreamsGroup
  readonly isNewGroup: boolean
  readonly topology: Topology
  readonly configured: ConfiguredTopology
  readonly member: Member
}

function beat(turn: Turn, request: StreamsGroupHeartbeatRequest, caller: Caller): StreamsHeartbeatAnswer {
  const records: GroupRecord[] = []
  const status: StatusLine[] = []
  const { group: found, isNewGroup } = groupOf(turn, request, records)
  const before = memberOf(found, request)
  const updated = withMetadata(before, request, caller)
  const isChanged = !found.members.has(before.id) || !hasSameMetadata(before, updated)
  if (isChanged) records.push(memberMetadata(found.id, updated))
  const topology = topologyOf(turn, found, request, records)
  if (found.topology && updated.topologyEpoch < found.topology.epoch) {
    const told = `The topology epoch of the member is ${updated.topologyEpoch}, that of the group ${found.topology.epoch}.`
    status.push(statusLine('STALE_TOPOLOGY', told))
  }
  const { configured, hash } = configure(turn, found, topology)
  if (configured.problem === null) checkOwnedTasks(request, configured)
  const plan = { records, status, group: found, isNewGroup, topology, configured, member: updated }
  const epoch = planEpoch(turn, plan, hash, isChanged)
  const isDelayed = isInitiallyDelayed(turn, found)
  const target = planTarget(turn, plan, epoch, isDelayed)
  const after = reconcile(updated, target, ownedTasks(request), found.owners)
  const isReassigned = !hasSameProgress(updated, after)
  if (isReassigned) records.push(currentAssignment(found.id, after))
  const group = apply(turn, plan)
  renewSession(turn, group, after.id)
  if (isReassigned) watchRevocation(turn, group, after)
  startInitialDelay(turn, group, isDelayed)
  if (request.shutdownApplication) group.requestShutdown(after.id)
  return heartbeatAnswer(turn, { group, isNewGroup, configured, request, before, after, status })
}

// ---------------------------------------------------------------------------------------------- group and member

/** A group of another kind without members makes room. */
function groupOf(turn: Turn, { groupId, memberEpoch }: StreamsGroupHeartbeatRequest, records: GroupRecord[]) {
  if (memberEpoch !== JOIN_EPOCH) return { group: existingGroup(turn, groupId), isNewGroup: false }
  const other = turn.store.groups.get(groupId)
  const isReplaced = other?.kind === 'classic' && other.isEmpty
  if (isReplaced) records.push(...kindOf(other).tombstones(other))
  const isNewGroup = !other || isReplaced
  const group = isNewGroup ? newStreamsGroup(groupId) : existingGroup(turn, groupId)
  const { streamsMaxSize } = turn.store.config
  if (group.members.size >= streamsMaxSize)
    throw new ApiError('GROUP_MAX_SIZE_REACHED', `Group ${groupId} has its ${streamsMaxSize} members already.`)
  return { group, isNewGroup }
}

function memberOf(group: StreamsGroup, request: StreamsGroupHeartbeatRequest): Member {
  const { memberId, memberEpoch } = request
  if (memberEpoch === JOIN_EPOCH) return group.members.get(memberId) ?? newMember(memberId)
  const member = existingMember(group, memberId)
  checkReceivedEpoch(member, request)
  return member
}

// ------------------------------------------------------------------------------------------------------ topology

function topologyOf(
  turn: Turn,
  group: StreamsGroup,
  { topology }: StreamsGroupHeartbeatRequest,
  records: GroupRecord[],
): Topology {
  const known = group.topology
  if (!topology) {
    if (!known) throw new ApiError('UNKNOWN_SERVER_ERROR', `Group ${group.id} has no topology.`)
    return known
  }
  checkTopology(topology)
  const requested = Topology.requested(topology)
  if (!known) {
    const record = topologyRecord(group.id, requested.value)
    if (!turn.fits([record])) throw tooLarge(group)
    records.push(record)
    return requested
  }
  if (known.epoch > topology.epoch || known.equals(requested)) return known
  throw new ApiError('INVALID_REQUEST', 'The topology of a streams group cannot be changed.')
}

function checkTopology({ epoch, subtopologies }: NonNullable<StreamsGroupHeartbeatRequest['topology']>): void {
  if (epoch < 0) throw new ApiError('UNKNOWN_SERVER_ERROR', '')
  if (new Set(subtopologies.map(({ subtopologyId }) => subtopologyId)).size < subtopologies.length)
    throw new ApiError('UNKNOWN_SERVER_ERROR', '')
}

/** Only if topics that it needs may have changed. */
function configure(turn: Turn, group: StreamsGroup, topology: Topology) {
  const known = group.topology === null ? null : group.configured
  if (known && !group.isMetadataStale) return { configured: known, hash: group.metadataHash }
  const { image } = turn.store
  const hash = metadataHash(image, topology.requiredTopics)
  const configured = known && hash === group.metadataHash ? known : configureTopology(topology, image)
  return { configured, hash }
}

// --------------------------------------------------------------------------------------------- epoch, assignment

function planEpoch(turn: Turn, plan: Plan, metadataHash: bigint, isMemberChanged: boolean) {
  const { group, records, configured, topology } = plan
  const validatedTopologyEpoch = configured.problem === null ? topology.epoch : -1
  const { streamsNumStandbyReplicas } = turn.store.configOf(group.id)
  const configs = new Map([[STANDBY_REPLICAS_CONFIG, String(streamsNumStandbyReplicas)]])
  const isSame =
    !isMemberChanged &&
    metadataHash === group.metadataHash &&
    validatedTopologyEpoch === group.validatedTopologyEpoch &&
    configs.size === group.assignmentConfigs.size &&
    [...configs].every(([key, value]) => group.assignmentConfigs.get(key) === value)
  if (isSame) return { epoch: group.epoch, configs }
  const epoch = group.epoch + 1
  records.push(groupEpoch(group.id, { epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs: configs }))
  turn.store.observer.counters.streamsRebalances++
  return { epoch, configs }
}

/** The first members of a group wait for others. */
function isInitiallyDelayed(turn: Turn, group: StreamsGroup): boolean {
  const isRunning = group.initialDelay.heapIndex >= 0
  return isRunning || (group.isEmpty && turn.store.configOf(group.id).streamsInitialRebalanceDelayMs > 0)
}

function startInitialDelay({ store, now }: Turn, group: StreamsGroup, isDelayed: boolean): void {
  if (!isDelayed || group.initialDelay.heapIndex >= 0) return
  store.timers.set(group.initialDelay, now.monotonicMs + store.configOf(group.id).streamsInitialRebalanceDelayMs)
}

function planTarget(turn: Turn, plan: Plan, next: ReturnType<typeof planEpoch>, isDelayed: boolean): Target {
  const { group, member, records, status, configured } = plan
  const last = { epoch: group.assignmentEpoch, tasks: isDelayed ? NO_TASKS : group.targetOf(member.id) }
  if (isDelayed) {
    status.push(statusLine('ASSIGNMENT_DELAYED', 'The group waits for its first members.'))
    return last
  }
  if (group.assignmentEpoch >= next.epoch) return last
  const { streamsAssignmentIntervalMs: intervalMs } = turn.store.configOf(group.id)
  const { assignmentTimestampMs } = group
  if (assignmentTimestampMs !== 0 && intervalMs > 0 && turn.now.wallMs < assignmentTimestampMs + intervalMs) {
    status.push(statusLine('ASSIGNMENT_DELAYED', `Tasks are assigned once in ${intervalMs} ms.`))
    return last
  }
  const members = new Map(group.members).set(member.id, member)
  const target = newTarget(group, members, configured, next, turn.now)
  records.push(...target.records)
  turn.store.log.info('assigned tasks', { group: group.id, epoch: next.epoch })
  return { epoch: next.epoch, tasks: target.targets.get(member.id) ?? NO_TASKS }
}

function hasSameProgress(a: Member, b: Member): boolean {
  return (
    a.epoch === b.epoch &&
    a.previousEpoch === b.previousEpoch &&
    a.state === b.state &&
    sameAssigned(a.assigned, b.assigned) &&
    sameAssigned(a.pendingRevocation, b.pendingRevocation)
  )
}

/** Returns the group as it is then: a new one is made by its first record. */
function apply(turn: Turn, { records, group, isNewGroup, configured }: Plan): StreamsGroup {
  if (!turn.fits(records)) throw tooLarge(group)
  for (const record of records) turn.apply(record)
  const made = isNewGroup ? streamsGroup(turn.store, group.id)! : group
  made.configured = configured
  made.isMetadataStale = false
  return made
}

function tooLarge({ id }: StreamsGroup): ApiError {
  return new ApiError('UNKNOWN_SERVER_ERROR', `The records of group ${id} do not fit into a batch of the log.`)
}
