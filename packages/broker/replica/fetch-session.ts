/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a consumer or follower fetches, the
 * request names only what changed, and the response holds only partitions that have something to say.
 *
 * This file keeps the sessions and decides what is in a response; it reads nothing and knows no errors of partitions.
 */
import type { Random } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import type { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'

type RequestPartition = FetchRequest['topics'][number]['partitions'][number]
type ResponsePartition = FetchResponse['responses'][number]['partitions'][number]

/** A full request: everything it names, nothing remembered. */
const FINAL_EPOCH = -1
const INITIAL_EPOCH = 0
const MAX_EPOCH = 0x7fffffff
const NO_SESSION = 0
/** A session must be this old before one with more partitions takes its place, or this long unused before any may. */
const MIN_EVICTION_MS = 120_000

export interface FetchPartition {
  /** '' if the request named an id that is not known (yet). */
  topic: string
  readonly topicId: string
  readonly partition: number
  fetchOffset: number
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  logStartOffset: number
  /** What the peer was told last; -1 makes sure that it is told again. */
  sentHighWatermark: number
  sentLogStartOffset: number
}

class FetchSession {
  readonly id: number
  readonly isFollower: boolean
  readonly usesTopicIds: boolean
  readonly createdMs: number
  readonly partitions = new Map<string, FetchPartition>()
  lastUsedMs: number
  epoch = INITIAL_EPOCH + 1

  constructor(id: number, isFollower: boolean, usesTopicIds: boolean, nowMs: number) {
    this.id = id
    this.isFollower = isFollower
    this.usesTopicIds = usesTopicIds
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
  }
}

/** What one Fetch request is to read, and how its response is to be cut. */
export interface FetchPlan {
  readonly errorCode: number
  readonly partitions: Iterable<FetchPartition>
  /** The session that the response names. */
  sessionId: number
  /** Whether the response leaves out partitions that have nothing new; then `isNews` decides. */
  readonly incremental: boolean
}

export class FetchSessionCache {
  readonly #sessions = new Map<number, FetchSession>()
  readonly #maxSessions: number
  readonly #random: Random
  #evictions = 0

  constructor(maxSessions: number, random: Random) {
    this.#maxSessions = maxSessions
    this.#random = random
  }

  get size(): number {
    return this.#sessions.size
  }

  get partitionCount(): number {
    let count = 0
    for (const { partitions } of this.#sessions.values()) count += partitions.size
    return count
  }

  /** Sessions that have had to make room for others. */
  get evictionCount(): number {
    return this.#evictions
  }

  plan(
    request: FetchRequest,
    version: number,
    topicName: (id: string) => string | undefined,
    nowMs: number,
  ): FetchPlan {
    const { sessionId, sessionEpoch } = request
    const usesTopicIds = version >= 13
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId)
      const partitions = new Map<string, FetchPartition>()
      merge(partitions, request, topicName)
      const plan = { errorCode: 0, partitions: partitions.values(), sessionId: NO_SESSION, incremental: false }
      if (sessionEpoch === FINAL_EPOCH) return plan
      const isFollower = request.replicaState.replicaId >= 0 || request.replicaId >= 0
      const session = this.#create(isFollower, usesTopicIds, partitions, nowMs)
      return { ...plan, partitions: [...partitions.values()], sessionId: session?.id ?? NO_SESSION }
    }
    const session = this.#sessions.get(sessionId)
    if (!session) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    return this.#continue(session, request, topicName, nowMs)
  }

  #continue(
    session: FetchSession,
    request: FetchRequest,
    topicName: (id: string) => string | undefined,
    nowMs: number,
  ): FetchPlan {
    merge(session.partitions, request, topicName)
    for (const forgotten of request.forgottenTopicsData) {
      for (const partition of forgotten.partitions) session.partitions.delete(keyOf(forgotten, partition))
    }
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id)
      return { errorCode: 0, partitions: [], sessionId: NO_SESSION, incremental: false }
    }
    session.epoch = nextEpoch(session.epoch)
    session.lastUsedMs = nowMs
    // The map is ordered by last use.
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    for (const partition of session.partitions.values()) {
      if (partition.topic === '') partition.topic = topicName(partition.topicId) ?? ''
    }
    return { errorCode: 0, partitions: session.partitions.values(), sessionId: session.id, incremental: true }
  }

  /** Data was sent: the partition goes to the end of the line, so that one that is always full can't starve the rest. */
  sentData(sessionId: number, partition: FetchPartition): void {
    const partitions = this.#sessions.get(sessionId)?.partitions
    const key = keyOf(partition, partition.partition)
    if (partitions?.delete(key)) partitions.set(key, partition)
  }

  forget(sessionId: number): void {
    this.#sessions.delete(sessionId)
  }

  #create(isFollower: boolean, usesTopicIds: boolean, partitions: Map<string, FetchPartition>, nowMs: number) {
    if (this.#sessions.size >= this.#maxSessions && !this.#evict(isFollower, partitions.size, nowMs)) return null
    const session = new FetchSession(this.#newId(), isFollower, usesTopicIds, nowMs)
    for (const [key, partition] of partitions) session.partitions.set(key, partition)
    this.#sessions.set(session.id, session)
    return session
  }

  #evict(isFollower: boolean, size: number, nowMs: number): boolean {
    const oldest = this.#sessions.values().next().value
    if (!oldest) return false
    if (nowMs - oldest.lastUsedMs > MIN_EVICTION_MS) return this.#remove(oldest)
    let victim: FetchSession | null = null
    for (const session of this.#sessions.values()) {
      const settled = nowMs - session.createdMs > MIN_EVICTION_MS
      const evictable = settled || (isFollower && !session.isFollower)
      if (evictable && (!victim || lessValuable(session, victim))) victim = session
    }
    if (!victim || (victim.isFollower && !isFollower)) return false
    if (victim.isFollower === isFollower && victim.partitions.size >= size) return false
    return this.#remove(victim)
  }

  #remove({ id }: FetchSession): boolean {
    this.#evictions++
    return this.#sessions.delete(id)
  }

  #newId(): number {
    for (;;) {
      const id = 1 + this.#random.integer(MAX_EPOCH - 1)
      if (!this.#sessions.has(id)) return id
    }
  }
}

/** 0 and -1 are for full requests: after the largest comes 1. */
export function nextEpoch(epoch: number): number {
  return epoch === MAX_EPOCH ? INITIAL_EPOCH + 1 : epoch + 1
}

/** Whether an incremental response has to hold this partition; remembers what is sent. */
export function isNews(partition: FetchPartition, response: ResponsePartition, recordBytes: number): boolean {
  const failed = response.errorCode !== 0
  const news =
    recordBytes > 0 ||
    failed ||
    partition.sentHighWatermark !== response.highWatermark ||
    partition.sentLogStartOffset !== response.logStartOffset ||
    response.preferredReadReplica >= 0 ||
    response.divergingEpoch.epoch >= 0
  partition.sentHighWatermark = failed ? -1 : response.highWatermark
  partition.sentLogStartOffset = response.logStartOffset
  return news
}

function lessValuable(a: FetchSession, b: FetchSession): boolean {
  if (a.isFollower !== b.isFollower) return b.isFollower
  return a.partitions.size < b.partitions.size
}

function refused(errorCode: number): FetchPlan {
  return { errorCode, partitions: [], sessionId: NO_SESSION, incremental: false }
}

function keyOf(topic: { topic: string; topicId: string }, partition: number): string {
  return `${isZero(topic.topicId) ? topic.topic : topic.topicId}:${partition}`
}

function isZero(topicId: string): boolean {
  return topicId === 'AAAAAAAAAAAAAAAAAAAAAA'
}

function merge(
  into: Map<string, FetchPartition>,
  request: FetchRequest,
  topicName: (id: string) => string | undefined,
): void {
  for (const topic of request.topics) {
    const name = isZero(topic.topicId) ? topic.topic : (topicName(topic.topicId) ?? '')
    for (const wanted of topic.partitions) {
      const key = keyOf(topic, wanted.partition)
      const known = into.get(key)
      if (known) update(known, wanted)
      else into.set(key, remember(name, topic.topicId, wanted))
    }
  }
}

function update(known: FetchPartition, wanted: RequestPartition): void {
  known.fetchOffset = wanted.fetchOffset
  known.maxBytes = wanted.partitionMaxBytes
  known.currentLeaderEpoch = wanted.currentLeaderEpoch
  known.lastFetchedEpoch = wanted.lastFetchedEpoch
  known.logStartOffset = wanted.logStartOffset
}

function remember(topic: string, topicId: string, wanted: RequestPartition): FetchPartition {
  return {
    topic,
    topicId,
    partition: wanted.partition,
    fetchOffset: wanted.fetchOffset,
    maxBytes: wanted.partitionMaxBytes,
    currentLeaderEpoch: wanted.currentLeaderEpoch,
    lastFetchedEpoch: wanted.lastFetchedEpoch,
    logStartOffset: wanted.logStartOffset,
    sentHighWatermark: -1,
    sentLogStartOffset: -1,
  }
}
