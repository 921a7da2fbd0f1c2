/**
 * The group coordinator of one partition of `__consumer_offsets`: groups of all kinds (kinds.ts) and committed offsets. Pure:
 * requests and time go in, records and answers come out (shard.ts says what becomes of them). Records of kinds that are
 * not here yet are left alone in the log.
 */
import type { Completion, CoordinatorShard, Effects, Instant, RecordPosition } from '../shard.ts'
import { type DescribedGroup, deleteGroups, describeGroup, type ListedGroup, listGroups } from './administration.ts'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from './classic-protocol.ts'
import { type DescribedConsumerGroup, describeConsumerGroup } from './consumer/describe.ts'
import { consumerGroupHeartbeat } from './consumer/heartbeat.ts'
import { type DeletedTopic, removeDeletedTopics, removeExpired } from './expiry.ts'
import type { Group } from './group.ts'
import { GroupStore, type GroupStoreOptions } from './group-store.ts'
import { kindOf } from './kinds.ts'
import { GroupCensus } from './observer.ts'
import {
  commitOffsets,
  commitOffsetsInTransaction,
  deleteOffsets,
  type FetchOffsetsRequest,
  type FetchOffsetsResponse,
  fetchOffsets,
} from './offset-requests.ts'
import type { GroupRecord } from './records.ts'
import { applyRecord } from './replay.ts'
import type { GroupRequest, GroupResponse } from './requests.ts'
import { describeShareGroup, initializedPartitions } from './share/describe.ts'
import { handleShareCall, isShareCall } from './share/handle.ts'
import type { DescribedShareGroup } from './share/requests.ts'
import { type DescribedStreamsGroup, describeStreamsGroup } from './streams/describe.ts'
import { streamsGroupHeartbeat } from './streams/heartbeat.ts'
import { Timer } from './timers.ts'
import { Turn } from './turn.ts'

type GroupEffects = Effects<GroupResponse, GroupRecord>

const ATOMIC = true

export class GroupMachine implements CoordinatorShard<GroupRequest, GroupResponse, GroupRecord> {
  readonly #store: GroupStore
  readonly #expiryTimer = new Timer<Turn>(turn => this.#onExpiryCheck(turn))

  /** Where the search for what has expired goes on; null: it is not under way. */
  #unchecked: Iterator<Group> | null = null

  constructor(options: GroupStoreOptions) {
    this.#store = new GroupStore(options, applyRecord)
  }

  handle(requestId: number, call: GroupRequest, now: Instant): GroupEffects {
    const turn = new Turn(this.#store, now)
    if (isShareCall(call)) {
      handleShareCall(turn, requestId, call)
      return turn.effects(!ATOMIC)
    }
    switch (call.api) {
      case 'joinGroup':
        joinGroup(turn, requestId, call.request, call.caller)
        return turn.effects(!ATOMIC)
      case 'syncGroup':
        syncGroup(turn, requestId, call.request)
        return turn.effects(ATOMIC)
      case 'heartbeat':
        heartbeat(turn, requestId, call.request)
        return turn.effects(ATOMIC)
      case 'leaveGroup':
        leaveGroup(turn, requestId, call.request)
        return turn.effects(!ATOMIC)
      case 'consumerGroupHeartbeat':
        consumerGroupHeartbeat(turn, requestId, call.request, call.caller)
        return turn.effects(!ATOMIC)
      case 'offsetCommit':
        commitOffsets(turn, requestId, call.request, call.caller)
        return turn.effects(ATOMIC)
      case 'txnOffsetCommit':
        commitOffsetsInTransaction(turn, requestId, call.request, call.caller)
        return turn.effects(ATOMIC)
      case 'offsetDelete':
        deleteOffsets(turn, requestId, call.request)
        return turn.effects(!ATOMIC)
      case 'streamsGroupHeartbeat':
        streamsGroupHeartbeat(turn, requestId, call.request, call.caller)
        return turn.effects(ATOMIC)
      case 'deleteGroups':
        deleteGroups(turn, requestId, call.request)
        return turn.effects(!ATOMIC)
    }
  }

  // ---------------------------------------------------------------------------------------------------------- reads

  /** Names of topics are given, whatever the version; `topics` null for all. */
  fetchOffsets(request: FetchOffsetsRequest, requireStable: boolean): FetchOffsetsResponse {
    return fetchOffsets(this.#store, request, requireStable)
  }

  describeGroup(groupId: string, apiVersion: number): DescribedGroup {
    return describeGroup(this.#store, groupId, apiVersion)
  }

  describeStreamsGroup(groupId: string): DescribedStreamsGroup {
    return describeStreamsGroup(this.#store, groupId)
  }

  describeConsumerGroup(groupId: string): DescribedConsumerGroup {
    return describeConsumerGroup(this.#store, groupId)
  }

  describeShareGroup(groupId: string): DescribedShareGroup {
    return describeShareGroup(this.#store, groupId)
  }

  /** Of which a share group has a state, by topic id. */
  initializedSharePartitions(groupId: string): ReadonlyMap<string, readonly number[]> {
    return initializedPartitions(this.#store, groupId)
  }

  listGroups(statesFilter: readonly string[], typesFilter: readonly string[]): ListedGroup[] {
    return listGroups(this.#store, statesFilter, typesFilter)
  }

  census(): GroupCensus {
    const census = new GroupCensus()
    for (const { kind, state } of this.#store.groups.values()) census.add(kind, state, 1)
    census.offsets = this.#store.offsets.committedCount
    return census
  }

  // ----------------------------------------------------------------------------------------------------------- time

  expire(now: Instant): GroupEffects {
    const turn = new Turn(this.#store, now)
    this.#store.timers.fireDue(now.monotonicMs, turn)
    return turn.effects(!ATOMIC)
  }

  nextDeadlineMs(): number {
    return this.#store.timers.nextDeadlineMs()
  }

  /** As many groups as may be looked through at once; the rest at the next call, which is due now. */
  #onExpiryCheck(turn: Turn): void {
    this.#unchecked ??= this.#store.groups.values()
    const isMore = removeExpired(turn, this.#unchecked)
    if (!isMore) this.#unchecked = null
    this.#scheduleExpiryCheck(turn.now, isMore ? 0 : this.#store.config.offsetsRetentionCheckIntervalMs)
  }

  #scheduleExpiryCheck(now: Instant, delayMs: number): void {
    this.#store.timers.set(this.#expiryTimer, now.monotonicMs + delayMs)
  }

  // ------------------------------------------------------------------------------------------- the log, the metadata

  replay(record: GroupRecord, position: RecordPosition): void {
    this.#store.apply(record, position)
    this.#store.nextOffset = position.offset + 1
  }

  endTransaction(producerId: number, isCommit: boolean, offset: number): void {
    this.#store.offsets.endTransaction(producerId, isCommit)
    this.#store.nextOffset = offset + 1
  }

  onLoaded(now: Instant, nextOffset: number): GroupEffects {
    const { config, groups } = this.#store
    this.#store.nextOffset = nextOffset
    const turn = new Turn(this.#store, now)
    for (const group of groups.values()) kindOf(group).onLoaded(turn, group)
    this.#scheduleExpiryCheck(now, config.offsetsRetentionCheckIntervalMs)
    return turn.effects(ATOMIC)
  }

  onTopicsDeleted(topics: readonly DeletedTopic[], now: Instant): GroupEffects {
    const turn = new Turn(this.#store, now)
    removeDeletedTopics(turn, topics)
    const topicIds = new Set(topics.map(({ id }) => id))
    for (const group of this.#store.groups.values()) kindOf(group).onTopicsDeleted?.(turn, group, topicIds)
    return turn.effects(!ATOMIC)
  }

  /** Topics have come, gone, or grown. */
  onTopicsChanged(topics: ReadonlySet<string>, now: Instant): GroupEffects {
    const turn = new Turn(this.#store, now)
    for (const group of this.#store.groups.values()) kindOf(group).onTopicsChanged(turn, group, topics)
    return turn.effects(!ATOMIC)
  }

  onUnload(): readonly Completion<GroupResponse>[] {
    const turn = new Turn(this.#store, { wallMs: 0, monotonicMs: 0 })
    for (const group of this.#store.groups.values()) kindOf(group).onUnload(turn, group)
    return turn.effects(ATOMIC).completions
  }
}
