/** The records of a share group, as types, and how large they get; records.ts says what is in them. */
import type {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import { type GroupRecordOf, textBytes } from '../record.ts'
import { RecordType } from '../record-types.ts'

export type ShareGroupMemberMetadataRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_MEMBER_METADATA,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue
>
export type ShareGroupMetadataRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_METADATA,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue
>
export type ShareGroupTargetAssignmentMetadataRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue
>
export type ShareGroupTargetAssignmentMemberRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue
>
export type ShareGroupCurrentMemberAssignmentRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT,
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue
>
export type ShareGroupStatePartitionMetadataRecord = GroupRecordOf<
  typeof RecordType.SHARE_GROUP_STATE_PARTITION_METADATA,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue
>

export type ShareGroupRecord =
  | ShareGroupMemberMetadataRecord
  | ShareGroupMetadataRecord
  | ShareGroupTargetAssignmentMetadataRecord
  | ShareGroupTargetAssignmentMemberRecord
  | ShareGroupCurrentMemberAssignmentRecord
  | ShareGroupStatePartitionMetadataRecord

const OVERHEAD_BYTES = 96
const TOPIC_BYTES = 24
const PARTITION_BYTES = 4

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOfShareGroup({ type, key, value }: ShareGroupRecord): number {
  let bytes = OVERHEAD_BYTES + textBytes(key.groupId) + ('memberId' in key ? textBytes(key.memberId) : 0)
  if (!value) return bytes
  switch (type) {
    case RecordType.SHARE_GROUP_MEMBER_METADATA:
      bytes += textBytes(value.rackId) + textBytes(value.clientId) + textBytes(value.clientHost)
      for (const topic of value.subscribedTopicNames) bytes += TOPIC_BYTES + textBytes(topic)
      return bytes
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER:
      return bytes + topicBytes(value.topicPartitions)
    case RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT:
      return bytes + topicBytes(value.assignedPartitions)
    case RecordType.SHARE_GROUP_STATE_PARTITION_METADATA:
      bytes += topicBytes(value.initializingTopics) + topicBytes(value.initializedTopics)
      for (const { topicName } of value.deletingTopics) bytes += TOPIC_BYTES + textBytes(topicName)
      return bytes
    default:
      return bytes
  }
}

function topicBytes(
  topics: readonly { readonly topicName?: string; readonly partitions: readonly number[] }[],
): number {
  let bytes = 0
  for (const { topicName, partitions } of topics) {
    bytes += TOPIC_BYTES + textBytes(topicName) + PARTITION_BYTES * partitions.length
  }
  return bytes
}
