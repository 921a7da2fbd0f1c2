/**
 * The records in `__share_group_state`: a snapshot is all there is to know about a share partition, without a value that
 * there is nothing any more; an update is what changed since.
 */
import type {
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from '@ottla/protocol/logrecords/share-group-state'

/** The record type that a key begins with. */
export const RecordType = { SHARE_SNAPSHOT: 0, SHARE_UPDATE: 1 } as const

export interface ShareSnapshotRecord {
  readonly type: typeof RecordType.SHARE_SNAPSHOT
  readonly key: ShareSnapshotKey
  readonly value: ShareSnapshotValue | null
}

export interface ShareUpdateRecord {
  readonly type: typeof RecordType.SHARE_UPDATE
  readonly key: ShareUpdateKey
  readonly value: ShareUpdateValue
}

export type ShareRecord = ShareSnapshotRecord | ShareUpdateRecord

/** Offsets are -1 where they are not known, or, in an update, as they were. */
export const UNKNOWN = -1

const BATCH_HEADER_BYTES = 61
const RECORD_OVERHEAD_BYTES = 128
const STATE_BATCH_BYTES = 20

/** What a batch with this record alone takes, or a few bytes more. */
export function maxBytesOf({ key, value }: ShareRecord): number {
  const batches = value?.stateBatches.length ?? 0
  return BATCH_HEADER_BYTES + RECORD_OVERHEAD_BYTES + Buffer.byteLength(key.groupId) + batches * STATE_BATCH_BYTES
}
