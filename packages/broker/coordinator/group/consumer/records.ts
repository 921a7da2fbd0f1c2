/**
 * The records that a consumer group leaves in `__consumer_offsets`, as Kafka 4.3 writes them. The last one of a key is
 * what counts; without a value there is no such thing any more.
 *
 *     the group      its epoch and the hash of what it knows of topics; the epoch and time of its target assignment
 *     each member    what it says of itself; what it is to have; what it has
 *     each regular expression of a member    the topics that it stands for
 */
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
import { type OwnedPartitions, type Partitions, toTopics } from './assignment.ts'
import type { Member } from './member.ts'

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

const VERSION = 0

export function memberRecord(groupId: string, member: Member): MemberRecord {
  const { id, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, serverAssignor, classic } = member
  return {
    type: RecordType.CONSUMER_GROUP_MEMBER_METADATA,
    key: { groupId, memberId: id },
    value: {
      instanceId,
      rackId,
      clientId,
      clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs,
      serverAssignor,
      classicMemberMetadata: classic,
    },
    version: VERSION,
  }
}

export function epochRecord(groupId: string, epoch: number, metadataHash: bigint): EpochRecord {
  const value = { epoch, metadataHash }
  return { type: RecordType.CONSUMER_GROUP_METADATA, key: { groupId }, value, version: VERSION }
}

export function targetRecord(groupId: string, memberId: string, target: Partitions): TargetRecord {
  return {
    type: RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER,
    key: { groupId, memberId },
    value: {
      topicPartitions: toTopics(target).map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] })),
    },
    version: VERSION,
  }
}

/** `timestampMs` 0: not known when. */
export function targetEpochRecord(groupId: string, assignmentEpoch: number, timestampMs: number): TargetEpochRecord {
  return {
    type: RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA,
    key: { groupId },
    value: { assignmentEpoch, assignmentTimestamp: timestampMs },
    version: VERSION,
  }
}

export function currentRecord(groupId: string, member: Member): CurrentRecord {
  return {
    type: RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT,
    key: { groupId, memberId: member.id },
    value: {
      memberEpoch: member.epoch,
      previousMemberEpoch: member.previousEpoch,
      state: member.state,
      assignedPartitions: withEpochs(member.assigned),
      partitionsPendingRevocation: withEpochs(member.pendingRevocation),
    },
    version: VERSION,
  }
}

function withEpochs(owned: OwnedPartitions) {
  return toTopics(owned).map(({ topicId, partitions }) => {
    const epochs = owned.get(topicId)!
    return {
      topicId,
      partitions: [...partitions],
      assignmentEpochs: partitions.map(partition => epochs.get(partition)!),
    }
  })
}

export function regexRecord(
  groupId: string,
  regularExpression: string,
  value: ConsumerGroupRegularExpressionValue,
): RegexRecord {
  return {
    type: RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION,
    key: { groupId, regularExpression },
    value,
    version: VERSION,
  }
}

// ------------------------------------------------------------------------------------------------------- tombstones

export function memberTombstones(groupId: string, memberId: string): ConsumerGroupRecord[] {
  return [
    tombstone(RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT, { groupId, memberId }),
    tombstone(RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER, { groupId, memberId }),
    tombstone(RecordType.CONSUMER_GROUP_MEMBER_METADATA, { groupId, memberId }),
  ]
}

export function regexTombstone(groupId: string, regularExpression: string): ConsumerGroupRecord {
  return tombstone(RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION, { groupId, regularExpression })
}

export function partitionMetadataTombstone(groupId: string): ConsumerGroupRecord {
  return tombstone(RecordType.CONSUMER_GROUP_PARTITION_METADATA, { groupId })
}

/** In Kafka's order: first what a record that comes later takes for gone. */
export function groupTombstones(
  groupId: string,
  memberIds: readonly string[],
  regexes: readonly string[],
): ConsumerGroupRecord[] {
  const ofMembers = (type: ConsumerGroupRecord['type']) =>
    memberIds.map(memberId => tombstone(type, { groupId, memberId } as never))
  return [
    ...ofMembers(RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT),
    ...ofMembers(RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER),
    tombstone(RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA, { groupId }),
    ...ofMembers(RecordType.CONSUMER_GROUP_MEMBER_METADATA),
    ...regexes.map(regex => regexTombstone(groupId, regex)),
    partitionMetadataTombstone(groupId),
    tombstone(RecordType.CONSUMER_GROUP_METADATA, { groupId }),
  ]
}

function tombstone<Type extends ConsumerGroupRecord['type']>(
  type: Type,
  key: Extract<ConsumerGroupRecord, { readonly type: Type }>['key'],
): ConsumerGroupRecord {
  return { type, key, value: null, version: VERSION } as ConsumerGroupRecord
}

// ------------------------------------------------------------------------------------------------------------- size

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
