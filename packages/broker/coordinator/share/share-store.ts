/**
 * The state of one partition of `__share_group_state`: what is known about its share partitions, and the one way in which
 * records change it, live and when the log is replayed.
 */
import type { ShareSnapshotValue, ShareUpdateValue } from '@ottla/protocol/logrecords/share-group-state'
import { RecordType, type ShareRecord, UNKNOWN } from './records.ts'
import { type SharePartitionId, sharePartitionName } from './requests.ts'
import { combineStateBatches } from './state-batches.ts'

export interface ShareState extends SharePartitionId {
  /** As in a snapshot; `stateBatches` in order and without overlaps. */
  readonly value: ShareSnapshotValue
  /** The highest that has been seen; what is in `value` need not be. */
  readonly leaderEpoch: number
  readonly stateEpoch: number
  /** Since the last snapshot that was due for their number. */
  readonly updates: number
  /** Of the last snapshot: records of this share partition before it mean nothing any more. */
  readonly snapshotOffset: number
}

export class ShareStore {
  readonly #states = new Map<string, ShareState>()
  /** Names of share partitions by topic id. */
  readonly #topics = new Map<string, Set<string>>()
  readonly #updatesPerSnapshot: number
  /** Of the last snapshot or tombstone of any share partition. */
  #lastSnapshotOffset = 0

  constructor(updatesPerSnapshot: number) {
    this.#updatesPerSnapshot = updatesPerSnapshot
  }

  get(id: SharePartitionId): ShareState | undefined {
    return this.#states.get(sharePartitionName(id))
  }

  get size(): number {
    return this.#states.size
  }

  states(): MapIterator<ShareState> {
    return this.#states.values()
  }

  *ofTopic(topicId: string): Generator<ShareState> {
    for (const name of this.#topics.get(topicId) ?? []) yield this.#states.get(name)!
  }

  /** Whether a snapshot is due rather than another update. */
  isSnapshotDue({ updates }: ShareState): boolean {
    return updates >= this.#updatesPerSnapshot
  }

  /** All records before it are replaced by later ones; 0 if that can be said of none. */
  redundantOffset(): number {
    if (this.#states.size === 0) return this.#lastSnapshotOffset
    let offset = Number.POSITIVE_INFINITY
    for (const { snapshotOffset } of this.#states.values()) offset = Math.min(offset, snapshotOffset)
    return offset
  }

  apply(record: ShareRecord, offset: number): void {
    const { groupId, topicId, partition } = record.key
    const id = { groupId, topicId, partition }
    if (record.type === RecordType.SHARE_UPDATE) {
      this.#put(this.#updated(id, record.value, offset))
      return
    }
    this.#lastSnapshotOffset = offset
    if (record.value) this.#put(this.#replaced(id, record.value, offset))
    else this.#remove(id)
  }

  #replaced(id: SharePartitionId, value: ShareSnapshotValue, snapshotOffset: number): ShareState {
    const before = this.get(id)
    const isDue = before !== undefined && this.isSnapshotDue(before)
    return {
      ...id,
      value,
      leaderEpoch: Math.max(before?.leaderEpoch ?? value.leaderEpoch, value.leaderEpoch),
      stateEpoch: Math.max(before?.stateEpoch ?? value.stateEpoch, value.stateEpoch),
      updates: isDue ? 0 : (before?.updates ?? 0),
      snapshotOffset,
    }
  }

  #updated(id: SharePartitionId, update: ShareUpdateValue, offset: number): ShareState {
    const before = this.get(id)
    // Its snapshot is no longer in the log, which cannot be, unless somebody deleted records.
    if (!before) {
      const value = { ...update, stateEpoch: 0, createTimestamp: 0, writeTimestamp: 0 }
      return { ...id, value, leaderEpoch: update.leaderEpoch, stateEpoch: 0, updates: 1, snapshotOffset: offset }
    }
    const startOffset = update.startOffset === UNKNOWN ? before.value.startOffset : update.startOffset
    const value = {
      ...before.value,
      startOffset,
      leaderEpoch: update.leaderEpoch === UNKNOWN ? before.value.leaderEpoch : update.leaderEpoch,
      deliveryCompleteCount: update.deliveryCompleteCount,
      stateBatches: combineStateBatches(before.value.stateBatches, update.stateBatches, startOffset),
    }
    return {
      ...before,
      value: value as ShareSnapshotValue,
      leaderEpoch: Math.max(before.leaderEpoch, update.leaderEpoch),
      updates: before.updates + 1,
    }
  }

  #put(state: ShareState): void {
    const name = sharePartitionName(state)
    this.#states.set(name, state)
    const names = this.#topics.get(state.topicId)
    if (names) names.add(name)
    else this.#topics.set(state.topicId, new Set([name]))
  }

  #remove(id: SharePartitionId): void {
    const name = sharePartitionName(id)
    this.#states.delete(name)
    const names = this.#topics.get(id.topicId)
    names?.delete(name)
    if (names?.size === 0) this.#topics.delete(id.topicId)
  }
}
