/**
 * Metadata (key 3), versions 0 to 13: brokers, topics, partitions and their leaders; creates a missing topic if asked
 * to and allowed.
 *
 * 1 null for all topics · 4 auto creation · 7 leader epochs · 8 to 10 authorized operations · 10 topic ids · 12 lookup
 * by id · 13 top-level error
 */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ApiError } from '../errors.ts'
import type { TopicImage } from '../image/index.ts'
import type { Services } from '../services.ts'
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from './authorized-operations.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { isInternalTopic, isValidTopicName } from './topic-names.ts'

type TopicResponse = Partial<MetadataResponse['topics'][number]>

const ALL_TOPICS_NAMED_BY_EMPTY_LIST = 0

export const metadata = defineHandler({
  request: MetadataRequest,
  response: MetadataResponse,
  handle(request, context, services) {
    if (asksByIdTooEarly(request, context.apiVersion)) throw new ApiError('INVALID_REQUEST', '')
    if (asksForNothing(request)) throw new ApiError('UNKNOWN_SERVER_ERROR', '')
    const topics = topicsOf(request, context, services)
    if (context.apiVersion >= 8 && request.includeTopicAuthorizedOperations) {
      for (const topic of topics) topic.topicAuthorizedOperations = TOPIC_OPERATIONS
    }
    const brokers = services.metadata.aliveBrokers(context.listenerName)
    return {
      brokers,
      clusterId: services.metadata.clusterId,
      controllerId: brokers.length > 0 ? brokers[services.world.random.integer(brokers.length)]!.nodeId : -1,
      topics: topics as MetadataResponse['topics'],
      ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {}),
    }
  },
  failed({ topics }, { errorCode }) {
    return {
      errorCode,
      topics: (topics ?? []).map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId })),
    }
  },
})

/** Versions 10 and 11 have ids in responses only, though their requests have room for one. */
function asksByIdTooEarly(request: MetadataRequest, version: number): boolean {
  return version < 12 && (request.topics ?? []).some(({ name, topicId }) => name === null || topicId !== ZERO_UUID)
}

/** Neither ids nor a name: Kafka has no word for that. */
function asksForNothing({ topics }: MetadataRequest): boolean {
  if (topics === null || topics.some(({ topicId }) => topicId !== ZERO_UUID)) return false
  return topics.some(({ name }) => name === null)
}

function topicsOf(request: MetadataRequest, context: RequestContext, services: Services): TopicResponse[] {
  const { topics } = request
  if (topics === null || (context.apiVersion === ALL_TOPICS_NAMED_BY_EMPTY_LIST && topics.length === 0)) {
    return [...services.metadata.topics()].map(topic => describe(topic, context, services))
  }
  const ids = new Set(topics.map(topic => topic.topicId).filter(id => id !== ZERO_UUID))
  if (ids.size > 0) {
    return [...ids].map(topicId => {
      const topic = services.metadata.topicById(topicId)
      return topic ? describe(topic, context, services) : { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId }
    })
  }
  const names = new Set(topics.map(topic => topic.name ?? ''))
  const missing: string[] = []
  const found: TopicResponse[] = []
  for (const name of names) {
    const topic = services.metadata.topic(name)
    if (topic) found.push(describe(topic, context, services))
    else missing.push(name)
  }
  const mayCreate = request.allowAutoTopicCreation && services.config.autoCreateTopicsEnable
  return [...found, ...missing.map(name => unknown(name, mayCreate, context, services))]
}

/** An auto-created topic is there when the client asks again; until then it is unknown. */
function unknown(name: string, mayCreate: boolean, context: RequestContext, services: Services): TopicResponse {
  const valid = isValidTopicName(name)
  if (valid && mayCreate) {
    const { quotas, world, autoTopics } = services
    void autoTopics.create(name, quotas.partitions.forRequest(context.quotaClient, true, world.clock.monotonic()))
  }
  return {
    errorCode: valid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION,
    name,
    isInternal: isInternalTopic(name),
  }
}

function describe(topic: TopicImage, { apiVersion, listenerName }: RequestContext, services: Services): TopicResponse {
  const partitions = []
  for (const [partitionIndex, partition] of topic.partitions.entries()) {
    const leader = services.metadata.endpoint(partition.leader, listenerName)
    const alive = services.metadata.isAlive(partition.leader)
    partitions.push({
      partitionIndex,
      errorCode: leader ? 0 : alive && apiVersion >= 6 ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE,
      leaderId: leader ? partition.leader : -1,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: [...partition.replicas],
      isrNodes: [...partition.isr],
      offlineReplicas: partition.replicas.filter(id => !services.metadata.isReplicaOnline(partition, id, listenerName)),
    })
  }
  return { errorCode: 0, name: topic.name, topicId: topic.id, isInternal: isInternalTopic(topic.name), partitions }
}
