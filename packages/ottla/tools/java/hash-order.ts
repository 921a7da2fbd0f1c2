/**
 * The order in which Java's HashMap gives its entries. Java's tools print many a map as it comes, and what a script reads
 * from the third line should be what it reads there from ours.
 */
import type { TopicPartition } from '@ottla/client'

const FIRST_CAPACITY = 16
const LOAD_FACTOR = 0.75

/** `String.hashCode()` */
export function stringHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** `TopicPartition.hashCode()` */
export function partitionHash({ topic, partition }: TopicPartition): number {
  return (Math.imul(31, 31 + partition) + stringHash(topic)) | 0
}

/**
 * Of keys that differ, in the order in which they were put. `isSized`: the map was made for as many as there are. (A bucket
 * with more than seven would be a tree, in another order.)
 */
export function hashOrder<T>(items: Iterable<T>, hashOf: (item: T) => number, isSized = false): T[] {
  const all = [...items]
  let capacity = isSized ? 1 : FIRST_CAPACITY
  while (isSized && capacity < all.length) capacity *= 2
  while (all.length > capacity * LOAD_FACTOR) capacity *= 2
  const bucketOf = (item: T): number => {
    const hash = hashOf(item)
    return (hash ^ (hash >>> 16)) & (capacity - 1)
  }
  // The sort is stable: within a bucket first come, first given.
  return all
    .map(item => ({ item, bucket: bucketOf(item) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ item }) => item)
}

export function stringsInHashOrder(texts: Iterable<string>): string[] {
  return hashOrder(new Set(texts), stringHash)
}

export function partitionsInHashOrder<P extends TopicPartition>(partitions: Iterable<P>): P[] {
  return hashOrder(partitions, partitionHash)
}
