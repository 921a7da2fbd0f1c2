/**
 * The record of a committed offset in `__consumer_offsets`. The last one of a key is what counts; without a value it says
 * that there is none.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type { OffsetCommitKey, OffsetCommitValue } from '@ottla/protocol/logrecords/consumer-offsets'
import { type GroupRecordOf, textBytes } from './record.ts'
import { RecordType } from './record-types.ts'

export type OffsetCommitRecord = GroupRecordOf<typeof RecordType.OFFSET_COMMIT, OffsetCommitKey, OffsetCommitValue>

const OFFSET_COMMIT_VERSION = 4
/** The only one that has a time at which the offset expires. */
const EXPIRING_OFFSET_COMMIT_VERSION = 1

export const NEVER = -1

/** An offset that expires at a time of its own is written in an older version, which lacks epoch and topic id. */
export function offsetCommit(key: OffsetCommitKey, value: OffsetCommitValue): OffsetCommitRecord {
  return value.expireTimestamp === NEVER
    ? { type: RecordType.OFFSET_COMMIT, key, value, version: OFFSET_COMMIT_VERSION }
    : {
        type: RecordType.OFFSET_COMMIT,
        key,
        value: { ...value, leaderEpoch: -1, topicId: ZERO_UUID },
        version: EXPIRING_OFFSET_COMMIT_VERSION,
      }
}

export function offsetTombstone(group: string, topic: string, partition: number): OffsetCommitRecord {
  return {
    type: RecordType.OFFSET_COMMIT,
    key: { group, topic, partition },
    value: null,
    version: OFFSET_COMMIT_VERSION,
  }
}

const OVERHEAD_BYTES = 72

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOfOffsetCommit({ key, value }: OffsetCommitRecord): number {
  return OVERHEAD_BYTES + textBytes(key.group) + textBytes(key.topic) + textBytes(value?.metadata)
}
