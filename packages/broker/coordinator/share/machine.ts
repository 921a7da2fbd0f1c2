/**
 * The share coordinator of one partition of `__share_group_state`: how far share groups have come in the partitions that
 * they read (KIP-932). Pure: requests and time go in, records and answers come out (shard.ts says what becomes of them).
 *
 * Who leads a partition reads the state with its leader epoch, and nobody with an older one can write from then on. The
 * state epoch is the group coordinator's: it grows when the group starts anew.
 */
import { ErrorCode } from '@ottla/protocol'
import type { Completion, CoordinatorShard, Effects, Instant, RecordPosition } from '../shard.ts'
import { maxBytesOf, RecordType, type ShareRecord, UNKNOWN } from './records.ts'
import type {
  InitializeRequest,
  PartitionResult,
  ReadRequest,
  ReadResult,
  SharePartitionId,
  ShareRequest,
  ShareResponse,
  SummaryResult,
  WriteRequest,
} from './requests.ts'
import { type ShareState, ShareStore } from './share-store.ts'
import { combineStateBatches } from './state-batches.ts'

export interface ShareMachineOptions {
  /** share.coordinator.snapshot.update.records.per.snapshot */
  readonly updatesPerSnapshot: number
  /** share.coordinator.cold.partition.snapshot.interval.ms */
  readonly coldSnapshotIntervalMs: number
  /** undefined: there is no such topic. */
  readonly partitionCount: (topicId: string) => number | undefined
  /** What a batch in the log may take. */
  readonly maxBatchBytes: () => number
}

type ShareEffects = Effects<ShareResponse, ShareRecord>

interface Failure {
  readonly errorCode: number
  readonly errorMessage: string
}

/** Share partitions that are looked at in one go: a million of them must not keep everybody else waiting. */
const STATES_A_TURN = 1000

export class ShareMachine implements CoordinatorShard<ShareRequest, ShareResponse, ShareRecord> {
  readonly #options: ShareMachineOptions
  readonly #store: ShareStore
  /** Of the next record. Nobody else writes to the partition, so that it is known before the append. */
  #nextOffset = 0
  /** Where the search for share partitions without a new snapshot goes on; null: it is not under way. */
  #unchecked: MapIterator<ShareState> | null = null

  constructor(options: ShareMachineOptions) {
    this.#options = options
    this.#store = new ShareStore(options.updatesPerSnapshot)
  }

  handle(requestId: number, call: ShareRequest, now: Instant): ShareEffects {
    const records: ShareRecord[] = []
    const response = this.#answer(call, now, records)
    return { records, completions: [{ requestId, response }], isAtomic: true }
  }

  #answer(call: ShareRequest, now: Instant, records: ShareRecord[]): ShareResponse {
    switch (call.api) {
      case 'initialize':
        return this.#initialize(call.id, call.request, now, records)
      case 'read':
        return this.#read(call.id, call.request, now, records)
      case 'write':
        return this.#write(call.id, call.request, now, records)
      case 'delete':
        return this.#delete(call.id, records)
    }
  }

  // ------------------------------------------------------------------------------------------------------- requests

  #initialize(id: SharePartitionId, request: InitializeRequest, now: Instant, records: ShareRecord[]): PartitionResult {
    const { stateEpoch, startOffset } = request
    const state = this.#store.get(id)
    const failure = negativePartition(id) ?? fencedState(state, stateEpoch) ?? this.#unknownTopic(id)
    if (failure) return refused(id, failure)
    const value = {
      snapshotEpoch: state ? state.value.snapshotEpoch + 1 : 0,
      stateEpoch,
      leaderEpoch: 0,
      startOffset,
      // From an offset that was set the lag can be told at once; else not before the group has begun to read.
      deliveryCompleteCount: startOffset === UNKNOWN ? UNKNOWN : 0,
      createTimestamp: now.wallMs,
      writeTimestamp: now.wallMs,
      stateBatches: [],
    }
    return this.#done(id, { type: RecordType.SHARE_SNAPSHOT, key: keyOf(id), value }, records)
  }

  #read(id: SharePartitionId, { leaderEpoch }: ReadRequest, now: Instant, records: ShareRecord[]): ReadResult {
    const nothing = { stateEpoch: 0, startOffset: 0, stateBatches: [] }
    const state = this.#store.get(id)
    const failure =
      negativePartition(id) ??
      uninitialized(state, 'Read') ??
      fencedLeader(state, leaderEpoch) ??
      this.#unknownTopic(id)
    if (failure) return { ...refused(id, failure), ...nothing }
    const { stateEpoch, startOffset, stateBatches, deliveryCompleteCount } = state!.value
    const response = { ...succeeded(id), stateEpoch, startOffset, stateBatches }
    if (leaderEpoch === UNKNOWN || leaderEpoch === state!.leaderEpoch) return response
    const change = { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches: [] }
    const result = this.#done(id, this.#change(state!, change, leaderEpoch, now), records)
    return result.errorCode === ErrorCode.NONE ? response : { ...result, ...nothing }
  }

  #write(id: SharePartitionId, request: WriteRequest, now: Instant, records: ShareRecord[]): PartitionResult {
    const state = this.#store.get(id)
    const failure =
      negativePartition(id) ??
      uninitialized(state, 'Write') ??
      fencedLeader(state, request.leaderEpoch) ??
      fencedState(state, request.stateEpoch) ??
      this.#unknownTopic(id)
    if (failure) return refused(id, failure)
    return this.#done(id, this.#change(state!, request, state!.value.leaderEpoch, now), records)
  }

  #delete(id: SharePartitionId, records: ShareRecord[]): PartitionResult {
    const failure = negativePartition(id) ?? this.#unknownTopic(id)
    if (failure) return refused(id, failure)
    return this.#store.get(id) ? this.#done(id, tombstone(id), records) : succeeded(id)
  }

  /** Of what nobody has initialized, that it is not. */
  readSummary(id: SharePartitionId): SummaryResult {
    const nothing = { stateEpoch: 0, leaderEpoch: 0, startOffset: UNKNOWN, deliveryCompleteCount: UNKNOWN }
    const failure = negativePartition(id) ?? this.#unknownTopic(id)
    if (failure) return { ...refused(id, failure), ...nothing, startOffset: 0, deliveryCompleteCount: UNKNOWN }
    const value = this.#store.get(id)?.value
    if (!value) return { ...succeeded(id), ...nothing }
    const { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount } = value
    return { ...succeeded(id), stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount }
  }

  /** Records before this offset are replaced by later ones; 0 if that can be said of none. */
  redundantOffset(): number {
    return this.#store.redundantOffset()
  }

  #unknownTopic({ topicId, partition }: SharePartitionId): Failure | null {
    const count = this.#options.partitionCount(topicId)
    if (count !== undefined && partition < count) return null
    return failure('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  }

  // -------------------------------------------------------------------------------------------------------- records

  /** A snapshot if one is due, else an update. */
  #change(state: ShareState, change: WriteRequest, leaderEpoch: number, now: Instant): ShareRecord {
    const { value } = state
    const { startOffset, deliveryCompleteCount, stateBatches } = change
    if (!this.#store.isSnapshotDue(state)) {
      const update = {
        snapshotEpoch: value.snapshotEpoch,
        leaderEpoch,
        startOffset,
        deliveryCompleteCount,
        stateBatches: [...combineStateBatches([], stateBatches, startOffset)],
      }
      return { type: RecordType.SHARE_UPDATE, key: keyOf(state), value: update }
    }
    const newStartOffset = startOffset === UNKNOWN ? value.startOffset : startOffset
    const snapshot = {
      snapshotEpoch: value.snapshotEpoch + 1,
      stateEpoch: value.stateEpoch,
      leaderEpoch,
      startOffset: newStartOffset,
      deliveryCompleteCount,
      createTimestamp: now.wallMs,
      writeTimestamp: now.wallMs,
      stateBatches: [...combineStateBatches(value.stateBatches, stateBatches, newStartOffset)],
    }
    return { type: RecordType.SHARE_SNAPSHOT, key: keyOf(state), value: snapshot }
  }

  /** To find out only when it is appended that a record is too large would make every share partition load anew. */
  #done(id: SharePartitionId, record: ShareRecord, records: ShareRecord[]): PartitionResult {
    if (maxBytesOf(record) > this.#options.maxBatchBytes()) {
      return refused(id, failure('UNKNOWN_SERVER_ERROR', 'The record is too large for the topic.'))
    }
    this.#apply(record, records)
    return succeeded(id)
  }

  #apply(record: ShareRecord, records: ShareRecord[]): void {
    this.#store.apply(record, this.#nextOffset++)
    records.push(record)
  }

  // ----------------------------------------------------------------------------------------------------------- time

  /** Share partitions that do not change get a new snapshot now and then, so that older records can be deleted. */
  snapshotColdPartitions(now: Instant): ShareEffects {
    this.#unchecked ??= this.#isAnythingNew() ? this.#store.states() : null
    return this.expire(now)
  }

  /** If nothing has been written since all had their snapshots, new ones would free nothing. */
  #isAnythingNew(): boolean {
    for (const { value } of this.#store.states()) if (value.createTimestamp === value.writeTimestamp) return true
    return false
  }

  expire(now: Instant): ShareEffects {
    const records: ShareRecord[] = []
    const cold: ShareState[] = []
    for (let seen = 0; this.#unchecked && seen < STATES_A_TURN; seen++) {
      const next = this.#unchecked.next()
      if (next.done) this.#unchecked = null
      else if (now.wallMs - next.value.value.writeTimestamp >= this.#options.coldSnapshotIntervalMs)
        cold.push(next.value)
    }
    for (const state of cold) {
      const value = { ...state.value, snapshotEpoch: state.value.snapshotEpoch + 1, writeTimestamp: now.wallMs }
      this.#apply({ type: RecordType.SHARE_SNAPSHOT, key: keyOf(state), value }, records)
    }
    return { records, completions: [], isAtomic: false }
  }

  nextDeadlineMs(): number {
    return this.#unchecked ? 0 : Number.POSITIVE_INFINITY
  }

  onTopicsDeleted(topicIds: readonly string[]): ShareEffects {
    const records: ShareRecord[] = []
    for (const topicId of topicIds) {
      for (const state of [...this.#store.ofTopic(topicId)]) this.#apply(tombstone(state), records)
    }
    return { records, completions: [], isAtomic: false }
  }

  // -------------------------------------------------------------------------------------------------------- the log

  replay(record: ShareRecord, { offset }: RecordPosition): void {
    this.#store.apply(record, offset)
  }

  /** Nobody writes these records in transactions. */
  replayEndOfTransaction(): void {
    return
  }

  /** Nobody writes transactions here. */
  endTransaction(): void {}

  onLoaded(_now: Instant, nextOffset: number): ShareEffects {
    this.#nextOffset = nextOffset
    return { records: [], completions: [], isAtomic: true }
  }

  /** Every request was answered when it was made. */
  onUnload(): readonly Completion<ShareResponse>[] {
    return []
  }
}

function keyOf({ groupId, topicId, partition }: SharePartitionId) {
  return { groupId, topicId, partition }
}

function tombstone(id: SharePartitionId): ShareRecord {
  return { type: RecordType.SHARE_SNAPSHOT, key: keyOf(id), value: null }
}

// ------------------------------------------------------------------------------------------------------------ answers

function succeeded({ partition }: SharePartitionId): PartitionResult {
  return { partition, errorCode: ErrorCode.NONE, errorMessage: null }
}

function refused({ partition }: SharePartitionId, { errorCode, errorMessage }: Failure): PartitionResult {
  return { partition, errorCode, errorMessage }
}

function failure(code: keyof typeof ErrorCode, errorMessage: string): Failure {
  return { errorCode: ErrorCode[code], errorMessage }
}

function negativePartition({ partition }: SharePartitionId): Failure | null {
  return partition < 0 ? failure('INVALID_REQUEST', 'The partition id cannot be a negative number.') : null
}

function uninitialized(state: ShareState | undefined, operation: string): Failure | null {
  if (state) return null
  return failure('INVALID_REQUEST', `${operation} operation on uninitialized share partition not allowed.`)
}

function fencedLeader(state: ShareState | undefined, leaderEpoch: number): Failure | null {
  if (!state || leaderEpoch === UNKNOWN || leaderEpoch >= state.leaderEpoch) return null
  return failure('FENCED_LEADER_EPOCH', 'The leader epoch in the request is older than the epoch on the broker.')
}

function fencedState(state: ShareState | undefined, stateEpoch: number): Failure | null {
  if (!state || stateEpoch === UNKNOWN || stateEpoch >= state.stateEpoch) return null
  return failure(
    'FENCED_STATE_EPOCH',
    'The share coordinator rejected the request because the share-group state epoch did not match.',
  )
}
