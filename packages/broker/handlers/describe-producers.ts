/** DescribeProducers (key 61), version 0: whom a partition knows as producers, and since where they have a transaction (KIP-664). */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import { DescribeProducersRequest, DescribeProducersResponse } from '@ottla/protocol/messages/describe-producers'
import { ApiError, errorCodeOf, messageOf } from '../errors.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'
import { isValidTopicName } from './topic-names.ts'

type PartitionResponse = Partial<DescribeProducersResponse['topics'][number]['partitions'][number]>

export const describeProducers = defineHandler({
  request: DescribeProducersRequest,
  response: DescribeProducersResponse,
  async handle({ topics }, _context, services) {
    const described = topics.map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await Promise.all(partitionIndexes.map(index => describe(name, index, services))),
    }))
    return { topics: await Promise.all(described) }
  },
  failed({ topics }, failure) {
    return {
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, ...failure })),
      })),
    }
  },
})

async function describe(name: string, partitionIndex: number, services: Services): Promise<PartitionResponse> {
  try {
    const topic = find(name, services)
    // Of a partition Kafka says the error and nothing else.
    if (!topic.partitions[partitionIndex])
      return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null }
    const partition = services.replicas.find(topic.id, partitionIndex)
    await partition?.ready
    if (!partition?.log) return { partitionIndex, ...unavailable(partition?.isOffline ?? false) }
    const activeProducers = partition.log.activeProducers()
    return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers }
  } catch (error) {
    return { partitionIndex, errorCode: errorCodeOf(error), errorMessage: messageOf(error) }
  }
}

function unavailable(isOffline: boolean) {
  const code: ErrorName = isOffline ? 'KAFKA_STORAGE_ERROR' : 'NOT_LEADER_OR_FOLLOWER'
  return { errorCode: ErrorCode[code], errorMessage: null }
}

function find(name: string, { metadata }: Services) {
  if (!isValidTopicName(name)) throw new ApiError('INVALID_TOPIC_EXCEPTION', `${name} can't be a topic's name`)
  const topic = metadata.topic(name)
  if (!topic) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${name}`)
  return topic
}
