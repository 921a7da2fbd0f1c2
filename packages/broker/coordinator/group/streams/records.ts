/**
 * The records of a streams group in `__consumer_offsets`: one of the group, one of its topology, one of the epoch of its
 * target assignment, and three of each member. The last one of a key counts; without a value there is no such thing.
 */
import type {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import { type GroupRecordOf, textBytes } from '../record.ts'
import { RecordType } from '../record-types.ts'
import { type Member, tagsInOrder } from './member.ts'
import { epochTaskIds, type TaskIds, type Tasks, taskIds } from './tasks.ts'

export type GroupEpochRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_METADATA,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue
>
export type MemberRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_MEMBER_METADATA,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue
>
export type TargetEpochRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue
>
export type TargetMemberRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue
>
export type CurrentAssignmentRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT,
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue
>
export type TopologyRecord = GroupRecordOf<
  typeof RecordType.STREAMS_GROUP_TOPOLOGY,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue
>

export type StreamsGroupRecord =
  | GroupEpochRecord
  | MemberRecord
  | TargetEpochRecord
  | TargetMemberRecord
  | CurrentAssignmentRecord
  | TopologyRecord

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

// ----------------------------------------------------------------------------------------------------------- size

const OVERHEAD_BYTES = 64
const STRUCT_BYTES = 8
const ARRAY_BYTES = 5
const TEXT_BYTES = 3
/** Only numbers come in thousands, and those are int32. */
const ELEMENT_BYTES = 4
const FIELD_BYTES = 8

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOfStreamsGroupRecord(record: StreamsGroupRecord): number {
  const { key, value } = record
  let bytes = OVERHEAD_BYTES + textBytes(key.groupId) + ('memberId' in key ? textBytes(key.memberId) : 0)
  const count = (inside: unknown): void => {
    if (typeof inside === 'string') bytes += TEXT_BYTES + textBytes(inside)
    else if (Array.isArray(inside)) {
      bytes += ARRAY_BYTES
      if (typeof inside[0] === 'number') bytes += ELEMENT_BYTES * inside.length
      else for (const element of inside) count(element)
    } else if (typeof inside === 'object' && inside !== null) {
      bytes += STRUCT_BYTES
      for (const field of Object.values(inside)) count(field)
    } else bytes += FIELD_BYTES
  }
  count(value)
  return bytes
}
