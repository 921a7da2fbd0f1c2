/** DescribeTopicPartitions (key 75), version 0: topics page by page, with eligible leader replicas (KIP-966). */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '@ottla/protocol/messages/describe-topic-partitions'
import { ApiError } from '../errors.ts'
import type { TopicImage } from '../image/index.ts'
import type { Services } from '../services.ts'
import { TOPIC_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'
import { isInternalTopic, isValidTopicName } from './topic-names.ts'

type TopicResponse = Partial<DescribeTopicPartitionsResponse['topics'][number]>
type Cursor = { topicName: string; partitionIndex: number }

export const describeTopicPartitions = defineHandler({
  request: DescribeTopicPartitionsRequest,
  response: DescribeTopicPartitionsResponse,
  handle(request, context, services) {
    const { cursor } = request
    const names = namesFrom(request, services)
    if (!names) {
      // No place at the top for an error: it stands at each topic, as in Kafka.
      const refused = request.topics.map(({ name }) => ({ errorCode: ErrorCode.INVALID_REQUEST, name }))
      return { topics: refused as DescribeTopicPartitionsResponse['topics'] }
    }
    // Kafka has no word for what one may do with a topic without a name.
    if (names.includes('')) throw new ApiError('UNKNOWN_SERVER_ERROR', '')
    const limit = Math.max(1, Math.min(services.config.maxRequestPartitionSizeLimit, request.responsePartitionLimit))
    const topics: TopicResponse[] = []
    let left = limit
    let nextCursor: Cursor | null = null
    for (const name of names) {
      if (left === 0) {
        nextCursor = { topicName: name, partitionIndex: 0 }
        break
      }
      const topic = services.metadata.topic(name)
      if (!topic) {
        if (request.topics.length > 0) topics.push(unknown(name))
        continue
      }
      const first = name === cursor?.topicName ? cursor.partitionIndex : 0
      const { partitions, next } = page(topic, first, left, context.listenerName, services)
      topics.push({ ...head(topic), partitions })
      left -= partitions.length
      if (next >= 0) {
        nextCursor = { topicName: name, partitionIndex: next }
        break
      }
    }
    return { topics: topics as DescribeTopicPartitionsResponse['topics'], nextCursor }
  },
  failed({ topics }, { errorCode }) {
    return { topics: topics.map(({ name }) => ({ name, errorCode })) }
  },
})

/** null: the cursor is nowhere in what is asked for. */
function namesFrom({ topics, cursor }: DescribeTopicPartitionsRequest, services: Services): string[] | null {
  if (cursor && cursor.partitionIndex < 0) return null
  const all =
    topics.length > 0 ? topics.map(topic => topic.name) : [...services.metadata.topics()].map(topic => topic.name)
  const names = [...new Set(all)].filter(name => name >= (cursor?.topicName ?? '')).sort()
  return cursor && topics.length > 0 && !names.includes(cursor.topicName) ? null : names
}

function page(topic: TopicImage, first: number, limit: number, listenerName: string, services: Services) {
  const partitions = []
  let next = -1
  for (let index = first; index < topic.partitions.length; index++) {
    if (partitions.length === limit) {
      next = index
      break
    }
    const partition = topic.partitions[index]!
    const leader = services.metadata.endpoint(partition.leader, listenerName)
    partitions.push({
      partitionIndex: index,
      errorCode: leader
        ? 0
        : services.metadata.isAlive(partition.leader)
          ? ErrorCode.LISTENER_NOT_FOUND
          : ErrorCode.LEADER_NOT_AVAILABLE,
      leaderId: leader ? partition.leader : -1,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: [...partition.replicas],
      isrNodes: [...partition.isr],
      eligibleLeaderReplicas: [...partition.elr],
      lastKnownElr: [...partition.lastKnownElr],
      offlineReplicas: partition.replicas.filter(id => !services.metadata.isReplicaOnline(partition, id, listenerName)),
    })
  }
  return { partitions, next }
}

function head(topic: TopicImage): TopicResponse {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  }
}

function unknown(name: string): TopicResponse {
  return {
    errorCode: isValidTopicName(name) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
    partitions: [],
  }
}
