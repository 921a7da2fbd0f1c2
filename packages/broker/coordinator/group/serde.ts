/** How groups are written in `__consumer_offsets`. */
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  ZERO_UUID,
} from '@ottla/protocol'
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { RecordSerde } from '../shard.ts'
import { type GroupRecord, NEVER, RecordType } from './records.ts'

const SCHEMAS = new Map<number, CoordinatorSchema>([
  [RecordType.LEGACY_OFFSET_COMMIT, { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue }],
  [RecordType.OFFSET_COMMIT, { key: OffsetCommitKey, value: OffsetCommitValue }],
  [RecordType.GROUP_METADATA, { key: GroupMetadataKey, value: GroupMetadataValue }],
])

export const groupSerde: RecordSerde<GroupRecord> = {
  encode(record) {
    const { type, version } = record
    if (type === RecordType.OFFSET_COMMIT) {
      const key = encodeCoordinatorKey(type, OffsetCommitKey, record.key)
      return { key, value: record.value && encodeCoordinatorValue(OffsetCommitValue, version, record.value) }
    }
    const key = encodeCoordinatorKey(type, GroupMetadataKey, record.key)
    return { key, value: record.value && encodeCoordinatorValue(GroupMetadataValue, version, record.value) }
  },

  decode(keyBytes, valueBytes) {
    const decoded = decodeCoordinatorRecord(SCHEMAS, keyBytes, valueBytes)
    if (!decoded) return { unknownType: coordinatorRecordType(keyBytes) }
    const { recordType, valueVersion: version } = decoded
    if (recordType === RecordType.GROUP_METADATA) {
      const key = decoded.key as GroupMetadataKey
      return { record: { type: recordType, key, value: decoded.value as GroupMetadataValue | null, version } }
    }
    const key = decoded.key as OffsetCommitKey
    const value =
      recordType === RecordType.LEGACY_OFFSET_COMMIT
        ? fromLegacy(decoded.value as LegacyOffsetCommitValue | null)
        : (decoded.value as OffsetCommitValue | null)
    return { record: { type: RecordType.OFFSET_COMMIT, key, value, version } }
  },
}

/** From before Kafka 0.9. */
function fromLegacy(value: LegacyOffsetCommitValue | null): OffsetCommitValue | null {
  return value && { ...value, leaderEpoch: -1, expireTimestamp: NEVER, topicId: ZERO_UUID }
}
