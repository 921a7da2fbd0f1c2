/** OffsetForLeaderEpoch (key 23), versions 2 to 4: where a leader epoch ended, by which a log's divergence is found (KIP-101, KIP-320). */
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@ottla/protocol/messages/offset-for-leader-epoch'
import { ApiError, errorCodeOf } from '../errors.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'

type WantedPartition = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]

export const offsetForLeaderEpoch = defineHandler({
  request: OffsetForLeaderEpochRequest,
  response: OffsetForLeaderEpochResponse,
  async handle(request, _context, services) {
    const topics = request.topics.map(async ({ topic, partitions }) => ({
      topic,
      partitions: await Promise.all(partitions.map(partition => endOf(topic, partition, services))),
    }))
    return { topics: await Promise.all(topics) }
  },
  failed({ topics }, { errorCode }) {
    return {
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
      })),
    }
  },
})

async function endOf(topicName: string, wanted: WantedPartition, services: Services) {
  const { partition: index, currentLeaderEpoch, leaderEpoch } = wanted
  try {
    const topic = services.metadata.topic(topicName)
    if (!topic?.partitions[index])
      throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${topicName}-${index}`)
    const partition = services.replicas.get(topic.id, index)
    await partition.ready
    const end = partition.leaderLog(currentLeaderEpoch).endOffsetForEpoch(leaderEpoch)
    return { partition: index, leaderEpoch: end?.leaderEpoch ?? -1, endOffset: end?.endOffset ?? -1 }
  } catch (error) {
    return { partition: index, errorCode: errorCodeOf(error) }
  }
}
