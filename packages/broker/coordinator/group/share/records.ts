/**
 * The records that a share group leaves in `__consumer_offsets`: the group's epoch, each member and what it has, the
 * target assignment and when it was computed, and of which partitions the share coordinator keeps its state.
 */
import { RecordType } from '../record-types.ts'
import { type Partitions, sorted, toTopicPartitions } from './partitions.ts'
import type {
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupStatePartitionMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupTargetAssignmentMetadataRecord,
} from './record-shapes.ts'
import type { ShareMember, StatePartitions, StateTopic } from './share-group.ts'

const version = 0
const STABLE = 0

export function groupEpoch(groupId: string, epoch: number, metadataHash: bigint): ShareGroupMetadataRecord {
  return { type: RecordType.SHARE_GROUP_METADATA, key: { groupId }, value: { epoch, metadataHash }, version }
}

export function groupTombstone(groupId: string): ShareGroupMetadataRecord {
  return { type: RecordType.SHARE_GROUP_METADATA, key: { groupId }, value: null, version }
}

export function memberMetadata(groupId: string, member: ShareMember): ShareGroupMemberMetadataRecord {
  const { id: memberId, rackId, clientId, clientHost } = member
  const value = { rackId, clientId, clientHost, subscribedTopicNames: [...member.subscribedTopicNames].sort() }
  return { type: RecordType.SHARE_GROUP_MEMBER_METADATA, key: { groupId, memberId }, value, version }
}

export function memberTombstone(groupId: string, memberId: string): ShareGroupMemberMetadataRecord {
  return { type: RecordType.SHARE_GROUP_MEMBER_METADATA, key: { groupId, memberId }, value: null, version }
}

export function targetMetadata(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): ShareGroupTargetAssignmentMetadataRecord {
  const value = { assignmentEpoch, assignmentTimestamp }
  return { type: RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA, key: { groupId }, value, version }
}

export function targetMetadataTombstone(groupId: string): ShareGroupTargetAssignmentMetadataRecord {
  return { type: RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA, key: { groupId }, value: null, version }
}

export function targetOf(
  groupId: string,
  memberId: string,
  partitions: Partitions,
): ShareGroupTargetAssignmentMemberRecord {
  const value = { topicPartitions: toTopicPartitions(partitions) }
  return { type: RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER, key: { groupId, memberId }, value, version }
}

export function targetTombstone(groupId: string, memberId: string): ShareGroupTargetAssignmentMemberRecord {
  return { type: RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER, key: { groupId, memberId }, value: null, version }
}

export function currentAssignment(groupId: string, member: ShareMember): ShareGroupCurrentMemberAssignmentRecord {
  const { id: memberId, epoch: memberEpoch, previousEpoch: previousMemberEpoch, assigned } = member
  const epochs = { memberEpoch, previousMemberEpoch, state: STABLE }
  const value = { ...epochs, assignedPartitions: toTopicPartitions(assigned) }
  return { type: RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT, key: { groupId, memberId }, value, version }
}

export function currentTombstone(groupId: string, memberId: string): ShareGroupCurrentMemberAssignmentRecord {
  return { type: RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT, key: { groupId, memberId }, value: null, version }
}

export function statePartitions(groupId: string, state: StatePartitions): ShareGroupStatePartitionMetadataRecord {
  const value = {
    initializingTopics: topicInfos(state.initializing),
    initializedTopics: topicInfos(state.initialized),
    deletingTopics: [...state.deleting].map(([topicId, topicName]) => ({ topicId, topicName })),
  }
  return { type: RecordType.SHARE_GROUP_STATE_PARTITION_METADATA, key: { groupId }, value, version }
}

export function statePartitionsTombstone(groupId: string): ShareGroupStatePartitionMetadataRecord {
  return { type: RecordType.SHARE_GROUP_STATE_PARTITION_METADATA, key: { groupId }, value: null, version }
}

function topicInfos(topics: ReadonlyMap<string, StateTopic>) {
  return [...topics].map(([topicId, { name, partitions }]) => ({
    topicId,
    topicName: name,
    partitions: sorted(partitions),
  }))
}
