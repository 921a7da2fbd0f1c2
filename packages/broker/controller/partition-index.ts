/**
 * Where to look when a broker or a log dir comes or goes, so that not every partition has to be: which partitions a
 * broker is in sync for, leads, or is an eligible leader of; which have no leader; which lie in a log dir; which are being
 * reassigned. Follows the image, delta by delta.
 */

import type { PartitionRegistration } from '../image/index.ts'
import {
  changedTopics,
  isReassigning,
  isReservedDirectoryId,
  type MetadataDelta,
  type MetadataImage,
  NO_LEADER,
} from '../image/index.ts'

export interface TopicIdPartition {
  readonly topicId: string
  readonly partitionId: number
}

/** Partition ids by topic id. */
type PartitionSet = Map<string, Set<number>>

const NOTHING: PartitionSet = new Map()

export class PartitionIndex {
  readonly #inIsr = new Map<number, PartitionSet>()
  readonly #inElr = new Map<number, PartitionSet>()
  readonly #inDirectory = new Map<string, PartitionSet>()
  readonly #withoutLeader: PartitionSet = new Map()
  readonly #reassigning: PartitionSet = new Map()
  readonly #leaderships = new Map<number, number>()

  static of(image: MetadataImage): PartitionIndex {
    const index = new PartitionIndex()
    for (const { id, partitions } of image.topicsById.values()) {
      for (const [partitionId, partition] of partitions.entries()) index.#update(id, partitionId, null, partition)
    }
    return index
  }

  apply(delta: MetadataDelta): void {
    for (const { id, partitions } of changedTopics(delta)) {
      for (const { partitionId, before, after } of partitions) this.#update(id, partitionId, before, after)
    }
  }

  withBrokerInIsr(brokerId: number): Iterable<TopicIdPartition> {
    return partitionsOf(this.#inIsr.get(brokerId))
  }

  withBrokerInElr(brokerId: number): Iterable<TopicIdPartition> {
    return partitionsOf(this.#inElr.get(brokerId))
  }

  inDirectory(directoryId: string): Iterable<TopicIdPartition> {
    return partitionsOf(this.#inDirectory.get(directoryId))
  }

  withoutLeader(): Iterable<TopicIdPartition> {
    return partitionsOf(this.#withoutLeader)
  }

  reassigning(): Iterable<TopicIdPartition> {
    return partitionsOf(this.#reassigning)
  }

  hasLeaderships(brokerId: number): boolean {
    return (this.#leaderships.get(brokerId) ?? 0) > 0
  }

  #update(
    topicId: string,
    partitionId: number,
    before: PartitionRegistration | null,
    after: PartitionRegistration | null,
  ): void {
    moveAll(this.#inIsr, before?.isr, after?.isr, topicId, partitionId)
    moveAll(this.#inElr, before?.elr, after?.elr, topicId, partitionId)
    moveAll(this.#inDirectory, realDirectories(before), realDirectories(after), topicId, partitionId)
    if (after && isReassigning(after)) add(this.#reassigning, topicId, partitionId)
    else if (before && isReassigning(before)) remove(this.#reassigning, topicId, partitionId)
    if (before?.leader === after?.leader) return
    if (before) this.#countLeader(before.leader, -1, topicId, partitionId)
    if (after) this.#countLeader(after.leader, 1, topicId, partitionId)
  }

  #countLeader(leader: number, change: 1 | -1, topicId: string, partitionId: number): void {
    if (leader !== NO_LEADER) this.#leaderships.set(leader, (this.#leaderships.get(leader) ?? 0) + change)
    else if (change > 0) add(this.#withoutLeader, topicId, partitionId)
    else remove(this.#withoutLeader, topicId, partitionId)
  }
}

function realDirectories(partition: PartitionRegistration | null): readonly string[] | undefined {
  return partition?.directories.filter(id => !isReservedDirectoryId(id))
}

function moveAll<Key>(
  index: Map<Key, PartitionSet>,
  before: readonly Key[] | undefined,
  after: readonly Key[] | undefined,
  topicId: string,
  partitionId: number,
): void {
  if (before === after) return
  for (const key of before ?? []) {
    if (after?.includes(key)) continue
    const set = index.get(key) ?? NOTHING
    remove(set, topicId, partitionId)
    if (set.size === 0) index.delete(key)
  }
  for (const key of after ?? []) {
    if (before?.includes(key)) continue
    const set: PartitionSet = index.get(key) ?? new Map()
    index.set(key, set)
    add(set, topicId, partitionId)
  }
}

function add(set: PartitionSet, topicId: string, partitionId: number): void {
  const partitions = set.get(topicId)
  if (partitions) partitions.add(partitionId)
  else set.set(topicId, new Set([partitionId]))
}

function remove(set: PartitionSet, topicId: string, partitionId: number): void {
  const partitions = set.get(topicId)
  partitions?.delete(partitionId)
  if (partitions?.size === 0) set.delete(topicId)
}

function* partitionsOf(set: PartitionSet = NOTHING): Generator<TopicIdPartition, void> {
  for (const [topicId, partitions] of set) for (const partitionId of partitions) yield { topicId, partitionId }
}
