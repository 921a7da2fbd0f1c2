/** The records of a consumer group, as types, and how large they get; records.ts says what is in them. */
import type {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import { type GroupRecordOf, textBytes } from '../record.ts'
import { RecordType } from '../record-types.ts'

type Of<Type extends keyof typeof RecordType, Key, Value> = GroupRecordOf<(typeof RecordType)[Type], Key, Value>

export type EpochRecord = Of<'CONSUMER_GROUP_METADATA', ConsumerGroupMetadataKey, ConsumerGroupMetadataValue>
/** Of Kafka 4.0 and before; only read, and removed. */
export type PartitionMetadataRecord = Of<
  'CONSUMER_GROUP_PARTITION_METADATA',
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue
>
export type MemberRecord = Of<
  'CONSUMER_GROUP_MEMBER_METADATA',
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue
>
export type TargetEpochRecord = Of<
  'CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA',
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue
>
export type TargetRecord = Of<
  'CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER',
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue
>
export type CurrentRecord = Of<
  'CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT',
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue
>
export type RegexRecord = Of<
  'CONSUMER_GROUP_REGULAR_EXPRESSION',
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue
>

export type ConsumerGroupRecord =
  | EpochRecord
  | PartitionMetadataRecord
  | MemberRecord
  | TargetEpochRecord
  | TargetRecord
  | CurrentRecord
  | RegexRecord

const OVERHEAD_BYTES = 96
const TOPIC_OVERHEAD_BYTES = 28
const TEXT_OVERHEAD_BYTES = 5
const PARTITION_BYTES = 4

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOfConsumerGroup(record: ConsumerGroupRecord): number {
  const { key } = record
  const bytes = OVERHEAD_BYTES + textBytes(key.groupId) + ('memberId' in key ? textBytes(key.memberId) : 0)
  switch (record.type) {
    case RecordType.CONSUMER_GROUP_MEMBER_METADATA:
      return bytes + memberBytes(record.value)
    case RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER:
      return bytes + topicBytes(record.value?.topicPartitions ?? [], 1)
    case RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT: {
      const { assignedPartitions = [], partitionsPendingRevocation = [] } = record.value ?? {}
      return bytes + topicBytes(assignedPartitions, 2) + topicBytes(partitionsPendingRevocation, 2)
    }
    case RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION:
      return bytes + textBytes(record.key.regularExpression) + namesBytes(record.value?.topics ?? [])
    default:
      return bytes
  }
}

function memberBytes(value: ConsumerGroupMemberMetadataValue | null): number {
  if (!value) return 0
  let bytes = textBytes(value.instanceId) + textBytes(value.rackId) + textBytes(value.clientId)
  bytes += textBytes(value.clientHost) + textBytes(value.subscribedTopicRegex) + textBytes(value.serverAssignor)
  bytes += namesBytes(value.subscribedTopicNames)
  for (const { name, metadata } of value.classicMemberMetadata?.supportedProtocols ?? []) {
    bytes += textBytes(name) + metadata.length + 2 * TEXT_OVERHEAD_BYTES
  }
  return bytes
}

function namesBytes(names: readonly string[]): number {
  let bytes = 0
  for (const name of names) bytes += textBytes(name) + TEXT_OVERHEAD_BYTES
  return bytes
}

function topicBytes(topics: readonly { readonly partitions: readonly number[] }[], numbersEach: number): number {
  let bytes = 0
  for (const { partitions } of topics) bytes += TOPIC_OVERHEAD_BYTES + numbersEach * PARTITION_BYTES * partitions.length
  return bytes
}
