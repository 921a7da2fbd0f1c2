/** Topics: made, listed, described, given more partitions, deleted. */
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '@ottla/protocol/messages/describe-topic-partitions'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { askAny, TIMEOUT_MS } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check, KafkaError, type Outcome, outcome, UnsupportedVersionError } from '../errors.ts'

const createTopicsApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const deleteTopicsApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const createPartitionsApi = { request: CreatePartitionsRequest, response: CreatePartitionsResponse }
const describeApi = { request: DescribeTopicPartitionsRequest, response: DescribeTopicPartitionsResponse }
const metadataApi = { request: MetadataRequest, response: MetadataResponse }

const WITH_TOPIC_NAMES = 5
/** A response of DescribeTopicPartitions has no more partitions than this; then it says where to go on. */
const PARTITIONS_A_RESPONSE = 2000
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default; so it is with `assignments`. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
  /** By partition, from 0 on: the brokers, the preferred leader first. */
  readonly assignments?: readonly (readonly number[])[]
}

export async function createTopic(
  cluster: Cluster,
  topic: NewTopic,
): Promise<{ partitions: number; replicationFactor: number }> {
  const assignments = topic.assignments ?? []
  const response = await askAny(cluster, createTopicsApi, {
    topics: [
      {
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
        configs: [...topic.configs].map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: TIMEOUT_MS,
  })
  const result = response.topics[0]!
  check(result.errorCode, `create topic '${topic.name}'`, result.errorMessage)
  return { partitions: result.numPartitions, replicationFactor: result.replicationFactor }
}

export async function deleteTopics(cluster: Cluster, names: readonly string[]): Promise<Map<string, Outcome>> {
  const value = { topicNames: [...names], timeoutMs: TIMEOUT_MS }
  const response = await askAny(cluster, deleteTopicsApi, value, { maxVersion: WITH_TOPIC_NAMES })
  for (const name of names) cluster.forgetTopic(name)
  return new Map(
    response.responses.map(({ name, errorCode, errorMessage }) => [
      name ?? '',
      outcome(errorCode, `delete topic '${name}'`, errorMessage),
    ]),
  )
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  for (const refused of (await deleteTopics(cluster, [name])).values()) if (refused) throw refused
}

export interface NewPartitions {
  readonly name: string
  /** In all. */
  readonly count: number
  /** Of the new ones. */
  readonly assignments?: readonly (readonly number[])[]
}

export async function createPartitions(
  cluster: Cluster,
  topics: readonly NewPartitions[],
): Promise<Map<string, Outcome>> {
  const response = await askAny(cluster, createPartitionsApi, {
    topics: topics.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(brokerIds => ({ brokerIds: [...brokerIds] })) ?? null,
    })),
    timeoutMs: TIMEOUT_MS,
  })
  for (const { name } of topics) cluster.forgetTopic(name)
  return new Map(
    response.results.map(({ name, errorCode, errorMessage }) => [
      name,
      outcome(errorCode, `add partitions to topic '${name}'`, errorMessage),
    ]),
  )
}

/** To `count` in all. */
export async function addPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  for (const refused of (await createPartitions(cluster, [{ name, count }])).values()) if (refused) throw refused
}

/** All topics, or those named; sorted by name. A topic that is not there has its error code in the result. */
export async function listTopics(
  cluster: Cluster,
  names: readonly string[] | null,
): Promise<MetadataResponse['topics']> {
  const { topics } = await cluster.metadata(names)
  return topics.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
}

export interface PartitionDescription {
  readonly partition: number
  /** null: there is none. */
  readonly leader: number | null
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** null: the broker does not tell (KIP-966). */
  readonly elr: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
}

export interface TopicDescription {
  readonly name: string
  /** null: the broker is older than topic ids. */
  readonly id: string | null
  readonly isInternal: boolean
  /** By their number. */
  readonly partitions: readonly PartitionDescription[]
}

/** By name. A topic that can't be described has its error. */
export async function describeTopics(
  cluster: Cluster,
  names: readonly string[],
  partitionsAResponse = PARTITIONS_A_RESPONSE,
): Promise<Map<string, TopicDescription | KafkaError>> {
  if (names.length === 0) return new Map()
  try {
    return await describePaged(cluster, names, partitionsAResponse)
  } catch (error) {
    if (!(error instanceof UnsupportedVersionError)) throw error
  }
  const { topics } = await askAny(cluster, metadataApi, { topics: names.map(name => ({ name })) })
  return new Map(topics.map(topic => [topic.name ?? '', describedByMetadata(topic)]))
}

async function describePaged(
  cluster: Cluster,
  names: readonly string[],
  responsePartitionLimit: number,
): Promise<Map<string, TopicDescription | KafkaError>> {
  const found = new Map<string, TopicDescription | KafkaError>()
  const sorted = [...new Set(names)].sort()
  let cursor: DescribeTopicPartitionsResponse['nextCursor'] = null
  do {
    const from: typeof cursor = cursor
    const left = from ? sorted.filter(name => name >= from.topicName) : sorted
    const response: DescribeTopicPartitionsResponse = await askAny(cluster, describeApi, {
      topics: left.map(name => ({ name })),
      responsePartitionLimit,
      cursor,
    })
    for (const topic of response.topics) {
      const name = topic.name ?? ''
      const before = found.get(name)
      const partitions = topic.partitions.map(one => ({
        partition: one.partitionIndex,
        leader: one.leaderId < 0 ? null : one.leaderId,
        replicas: one.replicaNodes,
        isr: one.isrNodes,
        elr: one.eligibleLeaderReplicas ?? [],
        lastKnownElr: one.lastKnownElr ?? [],
      }))
      const earlier = before && !(before instanceof KafkaError) ? before.partitions : []
      const { topicId, isInternal, errorCode } = topic
      const refused = outcome(errorCode, `describe topic '${name}'`)
      found.set(
        name,
        refused ?? { name, id: idOf(topicId), isInternal, partitions: sortedBy([...earlier, ...partitions]) },
      )
    }
    cursor = response.nextCursor
  } while (cursor)
  return found
}

function describedByMetadata(topic: MetadataResponse['topics'][number]): TopicDescription | KafkaError {
  const name = topic.name ?? ''
  const partitions = topic.partitions.map(one => ({
    partition: one.partitionIndex,
    leader: one.leaderId < 0 ? null : one.leaderId,
    replicas: one.replicaNodes,
    isr: one.isrNodes,
    elr: null,
    lastKnownElr: null,
  }))
  const { topicId, isInternal, errorCode } = topic
  const refused = outcome(errorCode, `describe topic '${name || topicId}'`)
  return refused ?? { name, id: idOf(topicId), isInternal, partitions: sortedBy(partitions) }
}

/** By ids, for which there is no paging. */
export async function describeTopicsById(
  cluster: Cluster,
  ids: readonly string[],
): Promise<Map<string, TopicDescription | KafkaError>> {
  if (ids.length === 0) return new Map()
  const { topics } = await askAny(cluster, metadataApi, { topics: ids.map(topicId => ({ topicId, name: null })) })
  return new Map(topics.map(topic => [topic.topicId, describedByMetadata(topic)]))
}

function sortedBy(partitions: PartitionDescription[]): PartitionDescription[] {
  return partitions.sort((a, b) => a.partition - b.partition)
}

function idOf(topicId: string): string | null {
  return topicId === ZERO_ID ? null : topicId
}
