/**
 * Produce (key 0), versions 3 to 13; 0 is told as the lowest because librdkafka needs that (KAFKA-18659).
 *
 * 5 log start offset · 7 zstd · 8 record errors (KIP-467) · 10 current leader (KIP-951) · 13 topic ids (KIP-516)
 *
 * All partitions of a request are appended in the turn it arrives in; the response waits for all of them. With acks=0
 * there is no response, and an error closes the connection, so that the producer learns that something is wrong.
 */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ConnectionClosingError, errorCodeOf, isExpected, messageOf } from '../errors.ts'
import { type AppendOutcome, appendToLeader, InvalidRecordsError } from '../replica/append.ts'
import type { Services } from '../services.ts'
import { isLeaderError, leaderOf, nodeEndpoints } from './current-leader.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { isInternalTopic } from './topic-names.ts'

type PartitionData = ProduceRequest['topicData'][number]['partitionData'][number]
type TopicResponse = { name: string; topicId: string; partitionResponses: PartitionResponse[] }
type PartitionResponse = Partial<ProduceResponse['responses'][number]['partitionResponses'][number]>

const ADMIN_CLIENT_ID = '__admin_client'
const TOPIC_IDS_SINCE = 13
const UNKNOWN_OFFSETS = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
const VALID_ACKS: ReadonlySet<number> = new Set([-1, 0, 1])

export const produce = defineHandler({
  request: ProduceRequest,
  response: ProduceResponse,
  advertisedMinVersion: 0,
  async handle(request, context, services) {
    // Each append is made before anything is waited for: in the order of the request, all in this turn.
    const topics = request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      writes: partitionData.map(data => produceTo(name, topicId, data, request.acks, context, services)),
    }))
    const responses: TopicResponse[] = await Promise.all(
      topics.map(async ({ name, topicId, writes }) => ({
        name,
        topicId,
        partitionResponses: await Promise.all(writes),
      })),
    )
    const results = responses.flatMap(response => response.partitionResponses)
    if (request.acks === 0) {
      const failed = results.find(result => result.errorCode)
      if (failed) throw new ConnectionClosingError(`produce with acks=0 failed: ${failed.errorMessage}`)
      return null
    }
    const leaders = new Set(results.flatMap(result => (result.currentLeader ? [result.currentLeader.leaderId] : [])))
    return { responses, nodeEndpoints: nodeEndpoints(leaders, context.listenerName, services) }
  },
  failed({ acks, topicData }, failure) {
    if (acks === 0) return null
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, ...failure, ...UNKNOWN_OFFSETS })),
    }))
    return { responses }
  },
})

async function produceTo(
  name: string,
  topicId: string,
  data: PartitionData,
  acks: number,
  context: RequestContext,
  services: Services,
): Promise<PartitionResponse> {
  const { index, records } = data
  try {
    if (!VALID_ACKS.has(acks))
      return failure(index, ErrorCode.INVALID_REQUIRED_ACKS, `acks has to be -1, 0 or 1, not ${acks}`)
    const topic = topicId === ZERO_UUID ? services.metadata.topic(name) : services.metadata.topicById(topicId)
    if (!topic && context.apiVersion >= TOPIC_IDS_SINCE)
      return failure(index, ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${topicId}`)
    if (!topic?.partitions[index])
      return failure(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no partition ${name}-${index}`)
    if (isInternalTopic(topic.name) && context.clientId !== ADMIN_CLIENT_ID) {
      return failure(
        index,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `clients can't write to the internal topic ${topic.name}`,
      )
    }
    const partition = services.replicas.get(topic.id, index)
    if (!partition.log) await partition.ready
    const outcome = appendToLeader(
      partition,
      records,
      acks,
      services.topicConfigs.get(topic.name),
      services.world.clock.now(),
      context.apiVersion,
    )
    if (acks !== 0) await outcome.acknowledged
    // Nobody waits: that the disk failed is told to everybody through the log dir.
    else outcome.acknowledged.catch(() => undefined)
    return success(index, outcome)
  } catch (error) {
    return failed(name, topicId, index, error, services)
  }
}

function success(index: number, outcome: AppendOutcome): PartitionResponse {
  return {
    index,
    baseOffset: outcome.firstOffset,
    logAppendTimeMs: outcome.logAppendTimeMs,
    logStartOffset: outcome.logStartOffset,
  }
}

function failed(topic: string, topicId: string, index: number, error: unknown, services: Services): PartitionResponse {
  const response = failure(index, errorCodeOf(error), messageOf(error))
  if (isLeaderError(response.errorCode)) response.currentLeader = leaderOf(topicId, topic, index, services)
  if (!isExpected(error))
    services.world.logger.error('produce failed', { partition: `${topic}-${index}`, error: error as Error })
  if (error instanceof InvalidRecordsError) response.recordErrors = [...error.recordErrors]
  return response
}

function failure(index: number, errorCode: number, errorMessage: string): PartitionResponse {
  return { index, errorCode, errorMessage, baseOffset: -1 }
}
