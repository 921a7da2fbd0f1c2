/** A topology with the topics that there are: how many tasks each part has, which internal topics are missing, or what is wrong. */

import { ApiError } from '../../../errors.ts'
import type { MetadataImage } from '../../../image/index.ts'
import { internalPartitionCounts } from './partition-counts.ts'
import { TopicProblem } from './topic-problem.ts'
import { type Subtopology, sourceTopicsOf, type TopicInfo, type Topology } from './topology.ts'

/** For CreateTopics. */
export interface NewTopic {
  readonly name: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

export interface ConfiguredSubtopology {
  readonly id: string
  /** As many as its largest topic has partitions. */
  readonly taskCount: number
  /** It has state to keep copies of. */
  readonly isStateful: boolean
  readonly sourceTopics: readonly string[]
  readonly described: Subtopology
}

export interface ConfiguredTopology {
  readonly epoch: number
  /** In the order of their ids; null: the topics don't allow to say. */
  readonly subtopologies: ReadonlyMap<string, ConfiguredSubtopology> | null
  readonly topicsToCreate: readonly NewTopic[]
  /** null: tasks can be assigned. */
  readonly problem: TopicProblem | null
}

const MAX_NAMED = 3

/** Throws an ApiError if no topics could make it right. */
export function configureTopology(topology: Topology, image: MetadataImage): ConfiguredTopology {
  const existing = (topic: string) => image.topicsByName.get(topic)?.partitions.length
  const { epoch } = topology
  try {
    requireSourceTopics(topology, existing)
    const counts = internalPartitionCounts(topology, existing)
    const subtopologies = new Map(
      topology.subtopologies.map(subtopology => [
        subtopology.subtopologyId,
        configured(subtopology, topic => existing(topic) ?? counts.get(topic)!, counts),
      ]),
    )
    const topicsToCreate = missingTopics(subtopologies, existing)
    const names = topicsToCreate.map(({ name }) => name)
    const problem =
      names.length > 0
        ? new TopicProblem('MISSING_INTERNAL_TOPICS', `Internal topics are missing: ${some(names)}`)
        : null
    return { epoch, subtopologies, topicsToCreate, problem }
  } catch (error) {
    if (!(error instanceof TopicProblem)) throw error
    return { epoch, subtopologies: null, topicsToCreate: [], problem: error }
  }
}

function requireSourceTopics({ subtopologies }: Topology, existing: (topic: string) => number | undefined): void {
  const missing = new Set(
    subtopologies.flatMap(({ sourceTopics }) => sourceTopics.filter(topic => existing(topic) === undefined)),
  )
  if (missing.size > 0)
    throw new TopicProblem('MISSING_SOURCE_TOPICS', `Source topics ${some([...missing].sort())} are missing.`)
}

/** `described`: with the partition counts that were decided. */
function configured(
  subtopology: Subtopology,
  countOf: (topic: string) => number,
  counts: ReadonlyMap<string, number>,
): ConfiguredSubtopology {
  const decided = (topic: TopicInfo) => ({
    ...topic,
    partitions: topic.partitions === 0 ? counts.get(topic.name)! : topic.partitions,
  })
  const { subtopologyId: id, repartitionSourceTopics, stateChangelogTopics } = subtopology
  const described = {
    ...subtopology,
    repartitionSourceTopics: repartitionSourceTopics.map(decided),
    stateChangelogTopics: stateChangelogTopics.map(decided),
  }
  for (const { name, partitions } of [...described.repartitionSourceTopics, ...described.stateChangelogTopics]) {
    if (partitions < 1)
      throw new ApiError('UNKNOWN_SERVER_ERROR', `Internal topic ${name} cannot have ${partitions} partitions.`)
  }
  const sourceTopics = [...new Set(sourceTopicsOf(subtopology))]
  const taskCount = Math.max(...sourceTopics.map(countOf))
  return { id, taskCount, isStateful: stateChangelogTopics.length > 0, sourceTopics, described }
}

/** In the order of their names. */
function missingTopics(
  subtopologies: ReadonlyMap<string, ConfiguredSubtopology>,
  existing: (topic: string) => number | undefined,
): NewTopic[] {
  const missing = new Map<string, NewTopic>()
  for (const { described } of subtopologies.values()) {
    for (const topic of [...described.repartitionSourceTopics, ...described.stateChangelogTopics]) {
      const found = existing(topic.name)
      if (found === undefined) missing.set(topic.name, newTopic(topic))
      else if (found !== topic.partitions) {
        throw new TopicProblem(
          'INCORRECTLY_PARTITIONED_TOPICS',
          `Existing topic ${topic.name} has different number of partitions: expected ${topic.partitions}, found ${found}`,
        )
      }
    }
  }
  return [...missing.values()].sort(byName)
}

function newTopic({ name, partitions, replicationFactor, topicConfigs }: TopicInfo): NewTopic {
  return {
    name,
    numPartitions: partitions,
    replicationFactor: replicationFactor === 0 ? -1 : replicationFactor,
    configs: topicConfigs.map(({ key, value }) => ({ name: key, value })),
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

function some(names: readonly string[]): string {
  const more = names.length - MAX_NAMED
  return names.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} additional topics` : '')
}
