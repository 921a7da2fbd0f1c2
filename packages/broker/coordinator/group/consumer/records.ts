/**
 * The records that a consumer group leaves in `__consumer_offsets`, as Kafka 4.3 writes them. The last one of a key is
 * what counts; without a value there is no such thing any more.
 *
 *     the group      its epoch and the hash of what it knows of topics; the epoch and time of its target assignment
 *     each member    what it says of itself; what it is to have; what it has
 *     each regular expression of a member    the topics that it stands for
 */
import type { ConsumerGroupRegularExpressionValue } from '@ottla/protocol/logrecords/consumer-offsets'
import { RecordType } from '../record-types.ts'
import { type OwnedPartitions, type Partitions, toTopics } from './assignment.ts'
import type { Member } from './member.ts'
import type {
  ConsumerGroupRecord,
  CurrentRecord,
  EpochRecord,
  MemberRecord,
  RegexRecord,
  TargetEpochRecord,
  TargetRecord,
} from './record-shapes.ts'

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
