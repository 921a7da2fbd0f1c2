/** All records that there are in `__consumer_offsets`. */
import { type GroupMetadataRecord, maxBytesOfGroupMetadata } from './classic/record-shapes.ts'
import { type ConsumerGroupRecord, maxBytesOfConsumerGroup } from './consumer/record-shapes.ts'
import { maxBytesOfOffsetCommit, type OffsetCommitRecord } from './offset-records.ts'
import { RecordType } from './record-types.ts'
import { maxBytesOfShareGroup, type ShareGroupRecord } from './share/record-shapes.ts'
import { maxBytesOfStreamsGroupRecord, type StreamsGroupRecord } from './streams/record-shapes.ts'

export type GroupRecord =
  | OffsetCommitRecord
  | GroupMetadataRecord
  | ConsumerGroupRecord
  | ShareGroupRecord
  | StreamsGroupRecord

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOf(record: GroupRecord): number {
  switch (record.type) {
    case RecordType.OFFSET_COMMIT:
      return maxBytesOfOffsetCommit(record)
    case RecordType.GROUP_METADATA:
      return maxBytesOfGroupMetadata(record)
    case RecordType.STREAMS_GROUP_METADATA:
    case RecordType.STREAMS_GROUP_MEMBER_METADATA:
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA:
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER:
    case RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT:
    case RecordType.STREAMS_GROUP_TOPOLOGY:
      return maxBytesOfStreamsGroupRecord(record)
    case RecordType.SHARE_GROUP_METADATA:
    case RecordType.SHARE_GROUP_MEMBER_METADATA:
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA:
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER:
    case RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT:
    case RecordType.SHARE_GROUP_STATE_PARTITION_METADATA:
      return maxBytesOfShareGroup(record)
    default:
      return maxBytesOfConsumerGroup(record)
  }
}
