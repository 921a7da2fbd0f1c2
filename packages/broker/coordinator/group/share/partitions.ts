/** Partitions of topics by topic id: what a member is assigned, and what of a share group's state is where. */

export type Partitions = ReadonlyMap<string, ReadonlySet<number>>

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: number[]
}

export const NO_PARTITIONS: Partitions = new Map()

export function partitionsOf(topics: readonly TopicPartitions[]): Partitions {
  return new Map(topics.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
}

export function toTopicPartitions(partitions: Partitions): TopicPartitions[] {
  return [...partitions].map(([topicId, numbers]) => ({ topicId, partitions: sorted(numbers) }))
}

export function sorted(partitions: Iterable<number>): number[] {
  return [...partitions].sort((a, b) => a - b)
}

export function samePartitions(a: Partitions, b: Partitions): boolean {
  return a.size === b.size && [...a].every(([topicId, partitions]) => sameNumbers(partitions, b.get(topicId)))
}

export function sameNumbers(a: ReadonlySet<number>, b: ReadonlySet<number> | undefined): boolean {
  return b !== undefined && a.size === b.size && [...a].every(number => b.has(number))
}
