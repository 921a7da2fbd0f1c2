/** The records of a streams group, as types, and how large they get; records.ts says what is in them. */
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
import type { RecordType } from '../record-types.ts'

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
