/**
 * How many partitions the internal topics of a topology are to have. A repartition topic has as many as the application
 * says, or as the largest topic that what writes to it reads; topics that are read together, to be joined, have to have
 * the same number; a changelog has one for each task. A topic that exists keeps what it has.
 */
import { ApiError } from '../../../errors.ts'
import { TopicProblem } from './topic-problem.ts'
import { type Subtopology, sourceTopicsOf, type Topology } from './topology.ts'

/** undefined: there is no such topic. */
export type ExistingCount = (topic: string) => number | undefined
type Counts = Map<string, number>

/** Of repartition and changelog topics, whether they exist or not. Throws a TopicProblem, or an ApiError with STREAMS_INVALID_TOPOLOGY. */
export function internalPartitionCounts(topology: Topology, existing: ExistingCount): ReadonlyMap<string, number> {
  const { subtopologies } = topology
  const counts = repartitionCounts(subtopologies, existing)
  const fixed = namesOf(subtopologies, partitions => partitions !== 0)
  let sameFixed: number | undefined
  const repartition = {
    fixed,
    flexible: namesOf(subtopologies, partitions => partitions === 0),
    countOfFixed: (told: readonly string[]) => {
      sameFixed ??= same([...fixed], topic => countOf(topic, counts, existing), told)
      return sameFixed
    },
  }
  for (const subtopology of subtopologies) {
    for (const together of copartitionGroups(subtopology)) copartition(together, repartition, counts, existing)
  }
  for (const subtopology of subtopologies) {
    const sources = sourceTopicsOf(subtopology)
    if (sources.length === 0) invalid(`Subtopology ${subtopology.subtopologyId} reads no topics.`)
    const largest = Math.max(...sources.map(topic => countOf(topic, counts, existing)))
    for (const { name } of subtopology.stateChangelogTopics) counts.set(name, largest)
  }
  return counts
}

/** What a topic has, or is to have. */
function countOf(topic: string, counts: Counts, existing: ExistingCount): number {
  const count = existing(topic) ?? counts.get(topic)
  if (count === undefined) throw new ApiError('UNKNOWN_SERVER_ERROR', `No partition count is known for topic ${topic}.`)
  return count
}

function namesOf(subtopologies: readonly Subtopology[], isWanted: (partitions: number) => boolean): Set<string> {
  const topics = subtopologies.flatMap(({ repartitionSourceTopics }) => repartitionSourceTopics)
  return new Set(topics.filter(({ partitions }) => isWanted(partitions)).map(({ name }) => name))
}

// -------------------------------------------------------------------------------------------- repartition topics

/** One that is written by a part which itself reads repartition topics has to wait until those are known. */
function repartitionCounts(subtopologies: readonly Subtopology[], existing: ExistingCount): Counts {
  const counts: Counts = new Map()
  for (const { repartitionSourceTopics } of subtopologies) {
    for (const { name, partitions } of repartitionSourceTopics) if (partitions !== 0) counts.set(name, partitions)
  }
  for (let isOpen = true; isOpen; ) {
    isOpen = false
    let isNew = false
    for (const subtopology of subtopologies) {
      for (const sink of subtopology.repartitionSinkTopics) {
        if (counts.has(sink)) continue
        const count = largestSource(subtopology, counts, existing)
        if (count === undefined) isOpen = true
        else counts.set(sink, count)
        isNew ||= count !== undefined
      }
    }
    if (isOpen && !isNew) invalid('The partition counts of repartition topics depend on each other in a circle.')
  }
  for (const { name } of subtopologies.flatMap(({ repartitionSourceTopics }) => repartitionSourceTopics)) {
    if (!counts.has(name)) invalid(`Nothing writes to repartition topic ${name}, so its partition count is not known.`)
  }
  return counts
}

function largestSource(subtopology: Subtopology, counts: Counts, existing: ExistingCount): number | undefined {
  const known = [
    ...subtopology.repartitionSourceTopics.map(({ name }) => counts.get(name)),
    ...subtopology.sourceTopics.map(existing),
  ].filter(count => count !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

// ------------------------------------------------------------------------------------------------- copartitioning

/** Topics that are read together, by name. */
function copartitionGroups({ copartitionGroups, sourceTopics, repartitionSourceTopics }: Subtopology): Set<string>[] {
  const named = (topic: string | undefined) => {
    if (topic === undefined)
      throw new ApiError('UNKNOWN_SERVER_ERROR', 'A copartition group names a topic by a wrong index.')
    return topic
  }
  return copartitionGroups.map(
    group =>
      new Set([
        ...group.sourceTopics.map(i => named(sourceTopics[i])),
        ...group.repartitionSourceTopics.map(i => named(repartitionSourceTopics[i]?.name)),
      ]),
  )
}

interface Repartition {
  /** The application says how many partitions they have. */
  readonly fixed: ReadonlySet<string>
  readonly flexible: ReadonlySet<string>
  /** The number that they have in common: as in Kafka, all in the topology. If there is none, it tells of those `told`. */
  countOfFixed(told: readonly string[]): number
}

/** Gives the repartition topics among them the number that the others have. */
function copartition(
  together: ReadonlySet<string>,
  { fixed, flexible, countOfFixed }: Repartition,
  counts: Counts,
  existing: ExistingCount,
): void {
  if (together.size === 0) return
  const count = (topic: string) => countOf(topic, counts, existing)
  const repartition = [...together].filter(topic => fixed.has(topic) || flexible.has(topic))
  const others = [...together].filter(topic => !fixed.has(topic) && !flexible.has(topic))
  const wanted =
    others.length > 0
      ? same(others, count)
      : fixed.size > 0
        ? countOfFixed(repartition)
        : Math.max(...repartition.map(count))
  const before = new Map(repartition.map(topic => [topic, count(topic)]))
  for (const [topic, had] of before) {
    if (fixed.has(topic) && had !== wanted) {
      throw new TopicProblem(
        'INCORRECTLY_PARTITIONED_TOPICS',
        `Number of partitions [${had}] of repartition topic [${topic}] doesn't match number of partitions [${wanted}] of the source topic.`,
      )
    }
    counts.set(topic, wanted)
  }
}

function same(topics: readonly string[], count: (topic: string) => number, told = topics): number {
  const wanted = count(topics[0]!)
  if (topics.some(topic => count(topic) !== wanted)) {
    const counts = [...told].sort().map(topic => `${topic}=${count(topic)}`)
    throw new TopicProblem(
      'INCORRECTLY_PARTITIONED_TOPICS',
      `Following topics do not have the same number of partitions: [{${counts.join(', ')}}]`,
    )
  }
  return wanted
}

function invalid(message: string): never {
  throw new ApiError('STREAMS_INVALID_TOPOLOGY', message)
}
