/** How offsets and groups are written in `__consumer_offsets`. */
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  ZERO_UUID,
} from '@ottla/protocol'
import {
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { RecordSerde } from '../shard.ts'
import { GROUP_SCHEMAS } from './kinds.ts'
import { NEVER } from './offset-records.ts'
import { RecordType } from './record-types.ts'
import type { GroupRecord } from './records.ts'

const SCHEMAS = new Map<number, CoordinatorSchema>([
  [RecordType.LEGACY_OFFSET_COMMIT, { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue }],
  [RecordType.OFFSET_COMMIT, { key: OffsetCommitKey, value: OffsetCommitValue }],
  ...GROUP_SCHEMAS,
])

export const groupSerde: RecordSerde<GroupRecord> = {
  encode({ type, key, value, version }) {
    const schema = SCHEMAS.get(type)!
    return {
      key: encodeCoordinatorKey(type, schema.key, key),
      value: value && encodeCoordinatorValue(schema.value, version, value),
    }
  },

  decode(keyBytes, valueBytes) {
    const decoded = decodeCoordinatorRecord(SCHEMAS, keyBytes, valueBytes)
    if (!decoded) return { unknown: `type ${coordinatorRecordType(keyBytes)}` }
    const { recordType, key, value, valueVersion: version } = decoded
    if (recordType !== RecordType.LEGACY_OFFSET_COMMIT)
      return { record: { type: recordType, key, value, version } as GroupRecord }
    const record = { type: RecordType.OFFSET_COMMIT, key, value: fromLegacy(value as LegacyOffsetCommitValue | null) }
    return { record: { ...record, version } as GroupRecord }
  },
}

/** From before Kafka 0.9. */
function fromLegacy(value: LegacyOffsetCommitValue | null): OffsetCommitValue | null {
  return value && { ...value, leaderEpoch: -1, expireTimestamp: NEVER, topicId: ZERO_UUID }
}
