/** The one way in which records change the state of a shard, live and when the log is replayed. */
import type { RecordPosition } from '../shard.ts'
import { createClassicGroup } from './classic/rebalance.ts'
import type { GroupStore } from './group-store.ts'
import { replayGroupRecord } from './kinds.ts'
import { NEVER } from './offset-records.ts'
import { RecordType } from './record-types.ts'
import type { GroupRecord } from './records.ts'

export function applyRecord(store: GroupStore, record: GroupRecord, position: RecordPosition): void {
  if (record.type !== RecordType.OFFSET_COMMIT) {
    replayGroupRecord(store, record)
    return
  }
  const { key, value } = record
  // Consumers that only commit have a group without members that no record of its own speaks of.
  if (value && !store.groups.has(key.group)) createClassicGroup(store, key.group, NEVER)
  store.offsets.apply(key, value, position)
}
