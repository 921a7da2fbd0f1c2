/**
 * OffsetCommit, OffsetDelete and OffsetFetch. That topics and partitions exist was checked before: here they are names
 * and numbers.
 */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { OffsetCommitRequest } from '@ottla/protocol/messages/offset-commit'
import type { OffsetDeleteRequest } from '@ottla/protocol/messages/offset-delete'
import type { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import type { Group, OffsetClient } from './group.ts'
import type { GroupStore } from './group-store.ts'
import { kindOf } from './kinds.ts'
import { NEVER, type OffsetCommitRecord, offsetCommit, offsetTombstone } from './offset-records.ts'
import type { CommittedOffset, GroupOffsets } from './offsets.ts'
import type { Caller, RequestOf } from './requests.ts'
import type { Turn } from './turn.ts'

// ------------------------------------------------------------------------------------------------------ OffsetCommit

const DEFAULT_RETENTION = -1
/** Where older clients know no GROUP_ID_NOT_FOUND. */
const GROUP_ID_NOT_FOUND_SINCE = 9

export function commitOffsets(turn: Turn, requestId: number, request: OffsetCommitRequest, caller: Caller): void {
  const group = turn.store.groups.get(request.groupId)
  const errorCode = group ? group.checkCommit(request, caller.apiVersion, false) : checkCommitToNobody(request, caller)
  if (errorCode !== ErrorCode.NONE) {
    turn.complete(requestId, failedCommit(request, errorCode))
    return
  }
  if (group) kindOf(group).onCommit(turn, group, request.memberId)
  const refused = group ? checkPartitions(turn, group, request, request.topics) : ErrorCode.NONE
  const { records, topics } = commitRecords(turn, request)
  if (refused !== ErrorCode.NONE || !turn.fits(records)) {
    turn.complete(requestId, failedCommit(request, refused || ErrorCode.UNKNOWN_SERVER_ERROR))
    return
  }
  for (const record of records) turn.apply(record)
  turn.store.observer.counters.offsetCommits += records.length
  turn.complete(requestId, { topics })
}

/** What is committed by a producer within its transaction (KIP-98), for a group that may know nothing of it. */
export function commitOffsetsInTransaction(
  turn: Turn,
  requestId: number,
  request: RequestOf<'txnOffsetCommit'>,
  caller: Caller,
): void {
  const { groupId, memberId, groupInstanceId, generationId } = request
  const group = turn.store.groups.get(groupId)
  const client = { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId }
  const nobody = generationId < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
  const checked = group
    ? group.checkCommit(client, caller.apiVersion, true) || checkPartitions(turn, group, client, request.topics)
    : nobody
  // Producers know nothing of members' epochs.
  const errorCode = checked === ErrorCode.STALE_MEMBER_EPOCH ? ErrorCode.ILLEGAL_GENERATION : checked
  const { records, topics } = commitRecords(turn, { ...request, retentionTimeMs: DEFAULT_RETENTION })
  if (errorCode !== ErrorCode.NONE) turn.complete(requestId, failedCommit(request, errorCode))
  else if (!turn.fits(records)) turn.complete(requestId, failedCommit(request, ErrorCode.UNKNOWN_SERVER_ERROR))
  else {
    for (const record of records) turn.apply(record, request)
    turn.complete(requestId, { topics })
  }
}

/** One partition that the member may not commit, and it may commit none; but those with too much to say are not looked at. */
function checkPartitions(
  turn: Turn,
  group: Group,
  client: OffsetClient,
  topics: OffsetCommitRequest['topics'],
): number {
  for (const { name, topicId, partitions } of group.checkCommitOf ? topics : []) {
    for (const { partitionIndex, committedMetadata } of partitions) {
      if (isTooLong(turn, committedMetadata)) continue
      const errorCode = group.checkCommitOf!(client, topicId, partitionIndex, name)
      if (errorCode !== ErrorCode.NONE) return errorCode
    }
  }
  return ErrorCode.NONE
}

/** A consumer that is in no group may commit under any id that nobody uses. */
function checkCommitToNobody(request: OffsetCommitRequest, { apiVersion }: Caller): number {
  if (request.generationIdOrMemberEpoch < 0) return ErrorCode.NONE
  return apiVersion >= GROUP_ID_NOT_FOUND_SINCE ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
}

function isTooLong(turn: Turn, metadata: string | null): boolean {
  return metadata !== null && metadata.length > turn.store.config.offsetMetadataMaxBytes
}

function commitRecords(turn: Turn, request: Pick<OffsetCommitRequest, 'groupId' | 'retentionTimeMs' | 'topics'>) {
  const { wallMs } = turn.now
  const { groupId, retentionTimeMs } = request
  const expireTimestamp = retentionTimeMs === DEFAULT_RETENTION ? NEVER : wallMs + retentionTimeMs
  const records: OffsetCommitRecord[] = []
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
      const metadata = committedMetadata ?? ''
      if (isTooLong(turn, metadata)) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
      const key = { group: groupId, topic: name, partition: partitionIndex }
      records.push(
        offsetCommit(key, {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
          commitTimestamp: wallMs,
          expireTimestamp,
          topicId,
        }),
      )
      return { partitionIndex, errorCode: ErrorCode.NONE }
    }),
  }))
  return { records, topics }
}

/** The same error for every partition that was asked for. */
export function failedCommit(request: Pick<OffsetCommitRequest, 'topics'>, errorCode: number) {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
}

// ------------------------------------------------------------------------------------------------------ OffsetDelete

export function deleteOffsets(turn: Turn, requestId: number, request: OffsetDeleteRequest): void {
  const { groups, offsets } = turn.store
  const group = groups.get(request.groupId)
  if (!group) {
    turn.complete(requestId, { errorCode: ErrorCode.GROUP_ID_NOT_FOUND })
    return
  }
  const refused = group.checkOffsetDelete()
  if (refused !== ErrorCode.NONE) {
    turn.complete(requestId, { errorCode: refused })
    return
  }
  const tombstones: OffsetCommitRecord[] = []
  const topics = request.topics.map(({ name, partitions }) => {
    const errorCode = group.isSubscribedTo(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
    for (const { partitionIndex } of errorCode === ErrorCode.NONE ? partitions : []) {
      if (offsets.get(group.id, name, partitionIndex) || offsets.isPending(group.id, name, partitionIndex)) {
        tombstones.push(offsetTombstone(group.id, name, partitionIndex))
      }
    }
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
  })
  for (const tombstone of tombstones) turn.apply(tombstone)
  turn.store.observer.counters.offsetDeletions += tombstones.length
  turn.complete(requestId, { errorCode: ErrorCode.NONE, topics })
}

// ------------------------------------------------------------------------------------------------------- OffsetFetch

export type FetchOffsetsRequest = OffsetFetchRequest['groups'][number]
export type FetchOffsetsResponse = OffsetFetchResponse['groups'][number]
type FetchedTopic = FetchOffsetsResponse['topics'][number]
type FetchedPartition = FetchedTopic['partitions'][number]

const NO_OFFSET = -1

/** `requireStable`: where a transaction has written an offset that is not decided, say so instead of the last one. */
export function fetchOffsets(
  store: GroupStore,
  request: FetchOffsetsRequest,
  requireStable: boolean,
): FetchOffsetsResponse {
  const { groupId, memberId, memberEpoch } = request
  const group = store.groups.get(groupId)
  const client = { memberId, groupInstanceId: null, generationIdOrMemberEpoch: memberEpoch }
  const errorCode = group?.checkFetch(client) ?? ErrorCode.NONE
  if (errorCode !== ErrorCode.NONE) return { groupId, topics: [], errorCode }
  const offsets = group ? store.offsets.ofGroup(groupId) : undefined
  const pending = requireStable ? store.offsets.pendingOfGroup(groupId) : undefined
  const isUnstable = (topic: string, partition: number) => pending?.get(topic)?.has(partition) ?? false
  const topics = request.topics
    ? request.topics.map(({ name, topicId, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map(partition => {
          const offset = offsets?.get(name)?.get(partition)
          return isUnstable(name, partition)
            ? unstable(partition)
            : fetched(partition, isOfTopic(offset, topicId) ? offset : undefined)
        }),
      }))
    : allTopics(offsets, isUnstable)
  return { groupId, topics, errorCode: ErrorCode.NONE }
}

function allTopics(
  offsets: GroupOffsets | undefined,
  isUnstable: (topic: string, partition: number) => boolean,
): FetchedTopic[] {
  const topics: FetchedTopic[] = []
  for (const [name, partitions] of offsets ?? []) {
    const fetchedPartitions = []
    for (const [partition, offset] of partitions) {
      fetchedPartitions.push(isUnstable(name, partition) ? unstable(partition) : fetched(partition, offset))
    }
    topics.push({ name, topicId: ZERO_UUID, partitions: fetchedPartitions })
  }
  return topics
}

/** An offset of a topic that was deleted is no offset of another with its name. */
function isOfTopic(offset: CommittedOffset | undefined, topicId: string): boolean {
  return offset?.topicId === topicId || offset?.topicId === ZERO_UUID || topicId === ZERO_UUID
}

function fetched(partitionIndex: number, offset: CommittedOffset | undefined): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: offset?.offset ?? NO_OFFSET,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    errorCode: ErrorCode.NONE,
  }
}

function unstable(partitionIndex: number): FetchedPartition {
  return { ...fetched(partitionIndex, undefined), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
}
