/**
 * Partitions by topic id, as consumer groups hand them out: what a member is to have, and what it has, where each
 * partition also says since which epoch of the group it has been the member's (KIP-1251). Never changed, only replaced.
 */

/** By topic id; no topic without partitions. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>

/** topic id → partition → epoch of the group at which the member got it. */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** As records and messages have them. */
export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export const NO_PARTITIONS: Partitions = new Map()
export const OWNS_NOTHING: OwnedPartitions = new Map()

export function toPartitions(topics: readonly TopicPartitions[]): Partitions {
  const partitions = new Map<string, ReadonlySet<number>>()
  for (const { topicId, partitions: numbers } of topics) {
    if (numbers.length > 0) partitions.set(topicId, new Set(numbers))
  }
  return partitions
}

/** Partitions in ascending order. */
export function toTopics(partitions: Partitions | OwnedPartitions): TopicPartitions[] {
  return [...partitions].map(([topicId, numbers]) => ({ topicId, partitions: sorted(numbers.keys()) }))
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b)
}

export function samePartitions(a: Partitions, b: Partitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const partition of partitions) if (!others.has(partition)) return false
  }
  return true
}

export function sameOwned(a: OwnedPartitions, b: OwnedPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Whether a client's list names nothing but what is in `owned`. */
export function isWithin(topics: readonly TopicPartitions[], owned: OwnedPartitions): boolean {
  return topics.every(({ topicId, partitions }) => {
    const mine = owned.get(topicId)
    return mine !== undefined && partitions.every(partition => mine.has(partition))
  })
}

/** Both together; what is in both is as in `b`. */
export function union(a: OwnedPartitions, b: OwnedPartitions): OwnedPartitions {
  const both = new Map(a)
  for (const [topicId, partitions] of b) both.set(topicId, new Map([...(a.get(topicId) ?? []), ...partitions]))
  return both
}

export function ownedSince(partitions: Partitions, epoch: number): OwnedPartitions {
  const owned = new Map<string, ReadonlyMap<number, number>>()
  for (const [topicId, numbers] of partitions) owned.set(topicId, new Map([...numbers].map(number => [number, epoch])))
  return owned
}

export function countOf(partitions: Partitions | OwnedPartitions): number {
  let count = 0
  for (const numbers of partitions.values()) count += numbers.size
  return count
}
