/** How the state of share partitions is written in `__share_group_state`. */
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  ProtocolError,
} from '@ottla/protocol'
import {
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from '@ottla/protocol/logrecords/share-group-state'
import type { RecordSerde } from '../shard.ts'
import { RecordType, type ShareRecord } from './records.ts'

const SCHEMAS = new Map<number, CoordinatorSchema>([
  [RecordType.SHARE_SNAPSHOT, { key: ShareSnapshotKey, value: ShareSnapshotValue }],
  [RecordType.SHARE_UPDATE, { key: ShareUpdateKey, value: ShareUpdateValue }],
])
const VALUE_VERSION = 0

export const shareSerde: RecordSerde<ShareRecord> = {
  encode(record) {
    if (record.type === RecordType.SHARE_SNAPSHOT) {
      const key = encodeCoordinatorKey(record.type, ShareSnapshotKey, record.key)
      return { key, value: record.value && encodeCoordinatorValue(ShareSnapshotValue, VALUE_VERSION, record.value) }
    }
    const key = encodeCoordinatorKey(record.type, ShareUpdateKey, record.key)
    return { key, value: encodeCoordinatorValue(ShareUpdateValue, VALUE_VERSION, record.value) }
  },

  decode(keyBytes, valueBytes) {
    const decoded = decodeCoordinatorRecord(SCHEMAS, keyBytes, valueBytes)
    if (!decoded) return { unknown: `type ${coordinatorRecordType(keyBytes)}` }
    if (decoded.recordType === RecordType.SHARE_SNAPSHOT) {
      const key = decoded.key as ShareSnapshotKey
      return { record: { type: RecordType.SHARE_SNAPSHOT, key, value: decoded.value as ShareSnapshotValue | null } }
    }
    const key = decoded.key as ShareUpdateKey
    if (!decoded.value) throw new ProtocolError('ERR_MALFORMED', 'an update of a share partition without a value')
    return { record: { type: RecordType.SHARE_UPDATE, key, value: decoded.value as ShareUpdateValue } }
  },
}
