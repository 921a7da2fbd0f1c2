/** All records that there are in `__consumer_offsets`. */
import { type GroupMetadataRecord, maxBytesOfGroupMetadata } from './classic/records.ts'
import { maxBytesOfOffsetCommit, type OffsetCommitRecord } from './offset-records.ts'
import { RecordType } from './record-types.ts'

export type GroupRecord = OffsetCommitRecord | GroupMetadataRecord

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOf(record: GroupRecord): number {
  switch (record.type) {
    case RecordType.OFFSET_COMMIT:
      return maxBytesOfOffsetCommit(record)
    case RecordType.GROUP_METADATA:
      return maxBytesOfGroupMetadata(record)
  }
}
