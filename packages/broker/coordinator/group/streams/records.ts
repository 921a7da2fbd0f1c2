/**
 * The records of a streams group in `__consumer_offsets`: one of the group, one of its topology, one of the epoch of its
 * target assignment, and three of each member. The last one of a key counts; without a value there is no such thing.
 */
import type {
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import { RecordType } from '../record-types.ts'
import { type Member, tagsInOrder } from './member.ts'
import type {
  CurrentAssignmentRecord,
  GroupEpochRecord,
  MemberRecord,
  StreamsGroupRecord,
  TargetEpochRecord,
  TargetMemberRecord,
  TopologyRecord,
} from './record-shapes.ts'
import { epochTaskIds, type TaskIds, type Tasks, taskIds } from './tasks.ts'

const VERSION = 0

// ---------------------------------------------------------------------------------------------------- of a group

export interface GroupEpoch {
  readonly epoch: number
  readonly metadataHash: bigint
  readonly validatedTopologyEpoch: number
  readonly assignmentConfigs: ReadonlyMap<string, string>
}

export function groupEpoch(groupId: string, group: GroupEpoch | null): GroupEpochRecord {
  const value = group && {
    epoch: group.epoch,
    metadataHash: group.metadataHash,
    validatedTopologyEpoch: group.validatedTopologyEpoch,
    lastAssignmentConfigs: [...group.assignmentConfigs].map(([key, value]) => ({ key, value })),
  }
  return { type: RecordType.STREAMS_GROUP_METADATA, key: { groupId }, value, version: VERSION }
}

export function topology(groupId: string, value: StreamsGroupTopologyValue | null): TopologyRecord {
  return { type: RecordType.STREAMS_GROUP_TOPOLOGY, key: { groupId }, value, version: VERSION }
}

export function targetEpoch(
  groupId: string,
  value: StreamsGroupTargetAssignmentMetadataValue | null,
): TargetEpochRecord {
  return { type: RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA, key: { groupId }, value, version: VERSION }
}

// --------------------------------------------------------------------------------------------------- of a member

export function memberMetadata(groupId: string, member: Member): MemberRecord {
  const { id: memberId, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, topologyEpoch } = member
  const { processId, userEndpoint, clientTags: tags } = member
  const clientTags = tagsInOrder(tags)
  const who = { instanceId, rackId, clientId, clientHost, processId, userEndpoint, clientTags }
  const value = { ...who, rebalanceTimeoutMs, topologyEpoch }
  return { type: RecordType.STREAMS_GROUP_MEMBER_METADATA, key: { groupId, memberId }, value, version: VERSION }
}

export function targetAssignment(groupId: string, memberId: string, tasks: Tasks): TargetMemberRecord {
  const value = {
    activeTasks: lists(taskIds(tasks.active)),
    standbyTasks: lists(taskIds(tasks.standby)),
    warmupTasks: lists(taskIds(tasks.warmup)),
  }
  const key = { groupId, memberId }
  return { type: RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER, key, value, version: VERSION }
}

export function currentAssignment(groupId: string, member: Member): CurrentAssignmentRecord {
  const { id: memberId, epoch, previousEpoch, state, assigned, pendingRevocation } = member
  const withoutEpochs = (tasks: readonly TaskIds[]) =>
    lists(tasks).map(task => ({ ...task, assignmentEpochs: [] as number[] }))
  const withEpochs = (tasks: Member['assigned']['active']) =>
    epochTaskIds(tasks).map(({ subtopologyId, partitions, assignmentEpochs }) => ({
      subtopologyId,
      partitions: [...partitions],
      assignmentEpochs: [...assignmentEpochs],
    }))
  const value = {
    memberEpoch: epoch,
    previousMemberEpoch: previousEpoch,
    state,
    activeTasks: withEpochs(assigned.active),
    standbyTasks: withoutEpochs(taskIds(assigned.standby)),
    warmupTasks: withoutEpochs(taskIds(assigned.warmup)),
    activeTasksPendingRevocation: withEpochs(pendingRevocation.active),
    standbyTasksPendingRevocation: withoutEpochs(taskIds(pendingRevocation.standby)),
    warmupTasksPendingRevocation: withoutEpochs(taskIds(pendingRevocation.warmup)),
  }
  const key = { groupId, memberId }
  return { type: RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT, key, value, version: VERSION }
}

function lists(tasks: readonly TaskIds[]): { subtopologyId: string; partitions: number[] }[] {
  return tasks.map(({ subtopologyId, partitions }) => ({ subtopologyId, partitions: [...partitions] }))
}

// ----------------------------------------------------------------------------------------------------- tombstones

/** In Kafka's order: what a member was given goes before the member. */
export function memberTombstones(groupId: string, memberId: string): StreamsGroupRecord[] {
  const key = { groupId, memberId }
  return [
    { type: RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT, key, value: null, version: VERSION },
    { type: RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER, key, value: null, version: VERSION },
    { type: RecordType.STREAMS_GROUP_MEMBER_METADATA, key, value: null, version: VERSION },
  ]
}

/** Of a group without members. */
export function groupTombstones(groupId: string): StreamsGroupRecord[] {
  return [targetEpoch(groupId, null), groupEpoch(groupId, null), topology(groupId, null)]
}
