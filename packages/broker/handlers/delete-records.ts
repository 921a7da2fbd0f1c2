/**
 * DeleteRecords (key 21), versions 0 to 2: moves the begin of a log forward; -1 means to the high watermark. The records
 * below can't be read from then on, and their segments go with the next retention.
 */
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { ApiError, errorCodeOf, isExpected } from '../errors.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'
import { isInternalTopic } from './topic-names.ts'

const TO_HIGH_WATERMARK = -1

export const deleteRecords = defineHandler({
  request: DeleteRecordsRequest,
  response: DeleteRecordsResponse,
  async handle(request, _context, services) {
    const topics = [...offsetsByPartition(request)].map(async ([name, offsets]) => ({
      name,
      partitions: await Promise.all([...offsets].map(([index, offset]) => deleteFrom(name, index, offset, services))),
    }))
    return { topics: await Promise.all(topics) }
  },
  failed({ topics }, { errorCode }) {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode })),
      })),
    }
  },
})

/** The last word on each partition: each is answered once, a topic of no partition not at all. */
function offsetsByPartition({ topics }: DeleteRecordsRequest): Map<string, Map<number, number>> {
  const wanted = new Map<string, Map<number, number>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const offsets = wanted.get(name) ?? new Map<number, number>()
    wanted.set(name, offsets)
    for (const { partitionIndex, offset } of partitions) offsets.set(partitionIndex, offset)
  }
  return wanted
}

async function deleteFrom(topicName: string, partitionIndex: number, offset: number, services: Services) {
  try {
    const topic = services.metadata.topic(topicName)
    if (!topic?.partitions[partitionIndex]) {
      throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${topicName}-${partitionIndex}`)
    }
    if (isInternalTopic(topicName)) {
      throw new ApiError('INVALID_TOPIC_EXCEPTION', `records of ${topicName} are the broker's own`)
    }
    const partition = services.replicas.get(topic.id, partitionIndex)
    await partition.ready
    const log = partition.leaderLog(-1)
    const { cleanupPolicy } = log.config
    if (cleanupPolicy.includes('compact') && !cleanupPolicy.includes('delete')) {
      throw new ApiError(
        'POLICY_VIOLATION',
        `records of ${partition.name} can't be deleted: its cleanup.policy is compact`,
      )
    }
    const before = offset === TO_HIGH_WATERMARK ? log.highWatermark : offset
    if (before < 0) throw new ApiError('OFFSET_OUT_OF_RANGE', `${before} is no offset`)
    return { partitionIndex, lowWatermark: log.deleteRecords(before), errorCode: 0 }
  } catch (error) {
    if (!isExpected(error))
      services.world.logger.error('delete records failed', { topic: topicName, error: error as Error })
    return { partitionIndex, lowWatermark: -1, errorCode: errorCodeOf(error) }
  }
}
