/**
 * The committed offsets of all groups of a shard, and those that transactions have written but not yet decided. It knows
 * nothing of groups but their ids.
 */
import type { OffsetCommitKey, OffsetCommitValue } from '@ottla/protocol/logrecords/consumer-offsets'
import type { RecordPosition } from '../shard.ts'

export interface CommittedOffset {
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1: as the broker's retention says. */
  readonly expireTimestampMs: number
  /** ZERO_UUID: not known; from before there were topic ids. */
  readonly topicId: string
  /** Of the record: which of two commits is the later one. */
  readonly recordOffset: number
}

/** By topic, then by partition. */
export type GroupOffsets<T = CommittedOffset> = ReadonlyMap<string, ReadonlyMap<number, T>>

const NO_PRODUCER = -1

/** group → topic → partition → T, without empty maps. */
class OffsetMap<T> {
  readonly byGroup = new Map<string, Map<string, Map<number, T>>>()
  size = 0

  get(group: string, topic: string, partition: number): T | undefined {
    return this.byGroup.get(group)?.get(topic)?.get(partition)
  }

  set(group: string, topic: string, partition: number, value: T): void {
    const topics = getOrCreate(this.byGroup, group, () => new Map<string, Map<number, T>>())
    const partitions = getOrCreate(topics, topic, () => new Map<number, T>())
    const before = partitions.size
    partitions.set(partition, value)
    this.size += partitions.size - before
  }

  delete(group: string, topic: string, partition: number): void {
    const topics = this.byGroup.get(group)
    const partitions = topics?.get(topic)
    if (!topics || !partitions) return
    if (partitions.delete(partition)) this.size--
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.byGroup.delete(group)
  }

  *entries(): Generator<[group: string, topic: string, partition: number, value: T], void> {
    for (const [group, topics] of this.byGroup) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) yield [group, topic, partition, value]
      }
    }
  }
}

export class OffsetStore {
  readonly #committed = new OffsetMap<CommittedOffset>()
  /** By producer id. */
  readonly #pending = new Map<number, OffsetMap<CommittedOffset>>()
  /** Producers with an open transaction that has written to the partition. */
  readonly #writers = new OffsetMap<Set<number>>()

  get committedCount(): number {
    return this.#committed.size
  }

  /** undefined: the group has committed nothing. */
  ofGroup(group: string): GroupOffsets | undefined {
    return this.#committed.byGroup.get(group)
  }

  /** What is open on the group's partitions; undefined: nothing. */
  pendingOfGroup(group: string): GroupOffsets<ReadonlySet<number>> | undefined {
    return this.#writers.byGroup.get(group)
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(group, topic, partition)
  }

  isPending(group: string, topic: string, partition: number): boolean {
    return this.#writers.get(group, topic, partition) !== undefined
  }

  /** What any group, or a transaction of one, has of the topic. */
  *ofTopic(topic: string): Generator<[group: string, partition: number, offset: CommittedOffset], void> {
    for (const offsets of [this.#committed, ...this.#pending.values()]) {
      for (const [group, topics] of offsets.byGroup) {
        for (const [partition, offset] of topics.get(topic) ?? []) yield [group, partition, offset]
      }
    }
  }

  apply(key: OffsetCommitKey, value: OffsetCommitValue | null, position: RecordPosition): void {
    const { group, topic, partition } = key
    if (!value) {
      this.#remove(group, topic, partition)
      return
    }
    const offset = committed(value, position.offset)
    if (position.producerId === NO_PRODUCER) {
      this.#committed.set(group, topic, partition, offset)
      return
    }
    const pending = getOrCreate(this.#pending, position.producerId, () => new OffsetMap<CommittedOffset>())
    pending.set(group, topic, partition, offset)
    const writers = this.#writers.get(group, topic, partition)
    if (writers) writers.add(position.producerId)
    else this.#writers.set(group, topic, partition, new Set([position.producerId]))
  }

  /** Makes the producer's offsets count, or forgets them. */
  endTransaction(producerId: number, isCommit: boolean): void {
    const pending = this.#pending.get(producerId)
    if (!pending) return
    this.#pending.delete(producerId)
    for (const [group, topic, partition, offset] of pending.entries()) {
      const writers = this.#writers.get(group, topic, partition)
      writers?.delete(producerId)
      if (writers?.size === 0) this.#writers.delete(group, topic, partition)
      if (!isCommit) continue
      // A plain commit may have come after the transaction's. Which one is later must not depend on when the marker
      // came: compaction keeps both records, but not their order to the marker.
      const known = this.#committed.get(group, topic, partition)
      if (!known || offset.recordOffset > known.recordOffset) this.#committed.set(group, topic, partition, offset)
    }
  }

  /** A tombstone also takes back what open transactions have written before it. */
  #remove(group: string, topic: string, partition: number): void {
    this.#committed.delete(group, topic, partition)
    const writers = this.#writers.get(group, topic, partition)
    if (!writers) return
    for (const producerId of writers) this.#pending.get(producerId)?.delete(group, topic, partition)
    this.#writers.delete(group, topic, partition)
  }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}

function committed(value: OffsetCommitValue, recordOffset: number): CommittedOffset {
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    recordOffset,
  }
}
