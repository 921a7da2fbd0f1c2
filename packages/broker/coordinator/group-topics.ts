/**
 * Topics in requests about offsets: older clients give their names, newer ones their ids, and either may be of a topic
 * that is not there. What is there goes on to the coordinator with name and id; the rest is answered here.
 */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import type { FetchOffsetsRequest, FetchOffsetsResponse } from './group/offset-requests.ts'

export interface KnownTopic {
  readonly id: string
  readonly name: string
  readonly partitions: { readonly length: number }
}

/** What there is in the cluster, as this node knows it. */
export interface TopicLookup {
  topic(name: string): KnownTopic | undefined
  topicById(id: string): KnownTopic | undefined
}

/** What goes on, and the answer to what does not. */
interface Split<Wanted, Refused> {
  readonly known: Wanted[]
  readonly refused: Refused[]
}

type CommitTopic = OffsetCommitRequest['topics'][number]
type CommittedTopic = OffsetCommitResponse['topics'][number]
type DeleteTopic = OffsetDeleteRequest['topics'][number]
type DeletedTopic = OffsetDeleteResponse['topics'][number]
type FetchTopic = NonNullable<FetchOffsetsRequest['topics']>[number]
type FetchedTopic = FetchOffsetsResponse['topics'][number]

const COMMITS_BY_ID_SINCE = 10
const FETCHES_BY_ID_SINCE = 10

export function splitCommit(
  topics: readonly CommitTopic[],
  apiVersion: number,
  lookup: TopicLookup,
): Split<CommitTopic, CommittedTopic> {
  const known: CommitTopic[] = []
  const refused: CommittedTopic[] = []
  const byId = apiVersion >= COMMITS_BY_ID_SINCE
  const missing = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  for (const topic of topics) {
    const found = byId ? lookup.topicById(topic.topicId) : lookup.topic(topic.name)
    const { name, id: topicId } = found ?? { name: topic.name, id: topic.topicId }
    const there = topic.partitions.filter(partition => has(found, partition))
    const others = topic.partitions.filter(partition => !has(found, partition))
    if (there.length > 0) known.push({ name, topicId, partitions: there })
    if (others.length > 0 || !found) {
      const errorCode = found ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : missing
      refused.push({ name, topicId, partitions: others.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
    }
  }
  return { known, refused }
}

export function splitDelete(topics: readonly DeleteTopic[], lookup: TopicLookup): Split<DeleteTopic, DeletedTopic> {
  const known: DeleteTopic[] = []
  const refused: DeletedTopic[] = []
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  for (const { name, partitions } of topics) {
    const found = lookup.topic(name)
    const there = partitions.filter(partition => has(found, partition))
    const others = partitions.filter(partition => !has(found, partition))
    if (there.length > 0) known.push({ name, partitions: there })
    if (others.length > 0 || !found) {
      refused.push({ name, partitions: others.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
    }
  }
  return { known, refused }
}

function has(topic: KnownTopic | undefined, { partitionIndex }: { readonly partitionIndex: number }): boolean {
  return topic !== undefined && partitionIndex >= 0 && partitionIndex < topic.partitions.length
}

/** A fetch by name is answered for topics that are gone, too: their offsets may still be there. */
export function splitFetch(
  topics: readonly FetchTopic[],
  apiVersion: number,
  lookup: TopicLookup,
): Split<FetchTopic, FetchedTopic> {
  if (apiVersion < FETCHES_BY_ID_SINCE) return { known: [...topics], refused: [] }
  const known: FetchTopic[] = []
  const refused: FetchedTopic[] = []
  for (const topic of topics) {
    const found = lookup.topicById(topic.topicId)
    if (found) known.push({ ...topic, name: found.name })
    else refused.push(failedFetch(topic, ErrorCode.UNKNOWN_TOPIC_ID))
  }
  return { known, refused }
}

export function failedFetch({ name, topicId, partitionIndexes }: FetchTopic, errorCode: number): FetchedTopic {
  const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
  return { name, topicId, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, ...nothing })) }
}

/** Of all that a group has committed: newer clients know topics by id only, so those without one are not shown. */
export function fetchedById(topics: readonly FetchedTopic[], apiVersion: number, lookup: TopicLookup): FetchedTopic[] {
  if (apiVersion < FETCHES_BY_ID_SINCE) return [...topics]
  return topics.flatMap(topic => {
    const topicId = topic.topicId === ZERO_UUID ? lookup.topic(topic.name)?.id : topic.topicId
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}

interface AnsweredTopic {
  readonly name: string
  readonly topicId?: string
  readonly partitions: readonly unknown[]
}

/**
 * What was refused, each topic once, and with it what the coordinator has answered. If nothing was refused, a topic that was
 * asked for twice is answered twice, as by Kafka.
 */
export function mergeTopics<Topic extends AnsweredTopic>(
  refused: readonly Topic[],
  answered: readonly Topic[],
): readonly Topic[] {
  return refused.length === 0 ? answered : eachOnce([...refused, ...answered])
}

/** Partitions of one topic together. */
export function eachOnce<Topic extends AnsweredTopic>(topics: readonly Topic[]): Topic[] {
  const merged = new Map<string, Topic>()
  for (const topic of topics) {
    const key = `${topic.name} ${topic.topicId}`
    const same = merged.get(key)
    merged.set(key, same ? { ...same, partitions: [...same.partitions, ...topic.partitions] } : topic)
  }
  return [...merged.values()]
}
