/**
 * Produce (key 0), versions 3 to 13; 0 is told as the lowest because librdkafka needs that (KAFKA-18659).
 *
 * 5 log start offset · 7 zstd · 8 record errors (KIP-467) · 10 current leader (KIP-951) · 11 TRANSACTION_ABORTABLE · 12
 * partitions join a transaction by being written to (KIP-890) · 13 topic ids (KIP-516)
 *
 * All partitions of a request are appended in one turn: the one it arrives in, or, with the first batch of a transaction
 * in some partition, the one in which the coordinator has agreed to that. The response waits for all of them. With acks=0
 * there is no response, and an error closes the connection, so that the producer learns that something is wrong.
 */
import { ErrorCode, errorName, ZERO_UUID } from '@ottla/protocol'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import type { Verdict } from '../coordinator/transaction-verifier.ts'
import { ApiError, ConnectionClosingError, errorCodeOf, isExpected } from '../errors.ts'
import type { TopicImage } from '../image/index.ts'
import type { TopicMeter } from '../metrics/index.ts'
import {
  type AppendOutcome,
  appendToLeader,
  InvalidRecordsError,
  isTransactionalBatch,
  theOnlyBatch,
} from '../replica/append.ts'
import type { Partition } from '../replica/partition.ts'
import type { Services } from '../services.ts'
import { isLeaderError, leaderOf, nodeEndpoints } from './current-leader.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { isInternalTopic } from './topic-names.ts'
import { UnverifiedError, unverified, verifyTransaction } from './verify-transaction.ts'

type PartitionData = ProduceRequest['topicData'][number]['partitionData'][number]
type TopicResponse = { name: string; topicId: string; partitionResponses: PartitionResponse[] }
type PartitionResponse = Partial<ProduceResponse['responses'][number]['partitionResponses'][number]>

/** Of one request. */
interface Appends {
  readonly writes: Promise<unknown>[]
  /** Other nodes have to have some of it, too. */
  waitForOthers: boolean
}

const ALL_IN_SYNC = -1
const ADMIN_CLIENT_ID = '__admin_client'
const TOPIC_IDS_SINCE = 13
const CURRENT_LEADER_SINCE = 10
const UNKNOWN_OFFSETS = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
/** With any other error of an append Kafka tells where the log begins, and counts a request that has failed. */
const ORDINARY_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])
const VALID_ACKS: ReadonlySet<number> = new Set([-1, 0, 1])

export const produce = defineHandler({
  request: ProduceRequest,
  response: ProduceResponse,
  advertisedMinVersion: 0,
  waitsForDisk: true,
  throttlesItself: true,
  async handle(request, context, services) {
    checkTransaction(request)
    const appends: Appends = { writes: [], waitForOthers: false }
    const { writes } = appends
    const { apiVersion } = context
    const findTopic = (name: string, topicId: string, index: number) => find(name, topicId, index, apiVersion, services)
    const verifying = verifyTransaction(request, apiVersion, findTopic, services)
    const verdicts = verifying instanceof Promise ? await verifying : verifying
    // Each append is made before anything is waited for: in the order of the request, all in this turn.
    const topics = request.topicData
      .filter(({ partitionData }) => partitionData.length > 0)
      .map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        answers: partitionData.map(data =>
          produceTo(name, topicId, data, request.acks, verdicts?.get(data) ?? null, context, services, appends),
        ),
      }))
    if (appends.waitForOthers) void Promise.allSettled(writes).then(context.endLocalTime)
    const responses: TopicResponse[] = await Promise.all(
      topics.map(async ({ name, topicId, answers }) => ({
        name,
        topicId,
        partitionResponses: await Promise.all(answers),
      })),
    )
    context.reuseMemoryAfter(Promise.allSettled(writes))
    const throttleTimeMs = throttle(request.acks, context, services)
    const results = responses.flatMap(response => response.partitionResponses)
    if (request.acks === 0) {
      const failed = results.find(result => result.errorCode)
      if (failed) throw new ConnectionClosingError(`produce with acks=0 failed: ${errorName(failed.errorCode!)}`)
      return null
    }
    const leaders = new Set(results.flatMap(result => (result.currentLeader ? [result.currentLeader.leaderId] : [])))
    return {
      throttleTimeMs,
      responses: eachTopicOnce(responses),
      nodeEndpoints: nodeEndpoints(leaders, context.listenerName, services),
    }
  },
  failed({ acks, topicData }, failure) {
    if (acks === 0) return null
    const responses = eachTopicOnce(
      topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({ index, ...failure, ...UNKNOWN_OFFSETS })),
      })),
    )
    return { responses: responses.filter(({ partitionResponses }) => partitionResponses.length > 0) }
  },
})

/** What a request says of one topic in two places is answered in one. */
function eachTopicOnce(topics: TopicResponse[]): TopicResponse[] {
  if (topics.length < 2) return topics
  const merged = new Map<string, TopicResponse>()
  for (const topic of topics) {
    const key = `${topic.topicId}${topic.name}`
    const same = merged.get(key)
    if (same) same.partitionResponses.push(...topic.partitionResponses)
    else merged.set(key, topic)
  }
  return [...merged.values()]
}

/**
 * What comes in counts, however much of it is stored; the time for it does, if there is an answer. For so long the client
 * is not heard.
 */
function throttle(acks: number, context: RequestContext, { quotas, world }: Services): number {
  if (!quotas.produce.isEnabled && !quotas.request.isEnabled) return 0
  const forBytes = quotas.produce.record(context.quotaClient, context.sizeInBytes, world.clock.monotonic())
  const forTime = acks === 0 ? 0 : context.requestPauseMs()
  const throttleTimeMs = Math.max(forBytes, forTime)
  context.throttle(throttleTimeMs, forBytes > forTime ? quotas.produce : quotas.request)
  return throttleTimeMs
}

/** Throws if one batch of the request is of a transaction and the request is of none: then all of it is refused. */
function checkTransaction({ transactionalId, topicData }: ProduceRequest): void {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (isTransactionalBatch(records) && transactionalId === null)
        throw new ApiError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', '')
    }
  }
}

async function produceTo(
  name: string,
  topicId: string,
  data: PartitionData,
  acks: number,
  verdict: Verdict | null,
  context: RequestContext,
  services: Services,
  appends: Appends,
): Promise<PartitionResponse> {
  const { index } = data
  let partition: Partition | null = null
  let meter: TopicMeter | null = null
  let sizeInBytes = 0
  try {
    const topic = find(name, topicId, index, context.apiVersion, services)
    const batch = theOnlyBatch(data.records, `${topic.name}-${index}`, context.apiVersion)
    if (verdict && verdict.errorCode !== ErrorCode.NONE) throw unverified(verdict.errorCode, context.apiVersion)
    if (!VALID_ACKS.has(acks)) throw new ApiError('INVALID_REQUIRED_ACKS', `acks has to be -1, 0 or 1, not ${acks}`)
    const counted = services.replicas.find(topic.id, index)?.meter
    counted?.add('produceRequests', 1)
    if (isInternalTopic(topic.name) && context.clientId !== ADMIN_CLIENT_ID)
      throw new ApiError('INVALID_TOPIC_EXCEPTION', `clients can't write to the internal topic ${topic.name}`)
    partition = services.replicas.get(topic.id, index)
    meter = partition.meter
    sizeInBytes = batch.length
    if (!partition.log) await partition.ready
    const now = services.world.clock.now()
    const config = services.topicConfigs.get(topic.name)
    const outcome = appendToLeader(partition, batch, acks, config, now, verdict?.guard ?? null)
    appends.writes.push(outcome.written)
    if (acks === ALL_IN_SYNC && partition.assignment.isr.length > 1) appends.waitForOthers = true
    meter.add('bytesIn', sizeInBytes)
    meter.add('messagesIn', outcome.lastOffset - outcome.firstOffset + 1)
    meter = null // what comes from here on is no failed append
    if (acks !== 0) await outcome.acknowledged
    // Nobody waits: that the disk failed is told to everybody through the log dir.
    else outcome.acknowledged.catch(() => undefined)
    return success(index, outcome)
  } catch (error) {
    const response = failed(name, index, error, services)
    if (meter) countFailure(meter, response.errorCode!, sizeInBytes)
    if (context.apiVersion >= CURRENT_LEADER_SINCE && isLeaderError(response.errorCode))
      response.currentLeader = leaderOf(topicId, name, index, services)
    if (partition?.log && !ORDINARY_ERRORS.has(response.errorCode!))
      response.logStartOffset = partition.log.logStartOffset
    return response
  }
}

function find(name: string, topicId: string, index: number, apiVersion: number, { metadata }: Services): TopicImage {
  const topic = topicId === ZERO_UUID ? metadata.topic(name) : metadata.topicById(topicId)
  if (!topic && apiVersion >= TOPIC_IDS_SINCE) throw new ApiError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  if (!topic?.partitions[index]) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${name}-${index}`)
  return topic
}

/** As Kafka does: what clients and leader changes bring about all the time is no failure. */
function countFailure(meter: TopicMeter, errorCode: number, sizeInBytes: number): void {
  if (!ORDINARY_ERRORS.has(errorCode)) meter.add('failedProduceRequests', 1)
  if (errorCode === ErrorCode.CORRUPT_MESSAGE) meter.add('invalidMessageCrcRecords', 1)
  if (errorCode === ErrorCode.MESSAGE_TOO_LARGE || errorCode === ErrorCode.RECORD_LIST_TOO_LARGE)
    meter.add('bytesRejected', sizeInBytes)
}

function success(index: number, outcome: AppendOutcome): PartitionResponse {
  return {
    index,
    baseOffset: outcome.firstOffset,
    logAppendTimeMs: outcome.logAppendTimeMs,
    logStartOffset: outcome.logStartOffset,
  }
}

function failed(topic: string, index: number, error: unknown, services: Services): PartitionResponse {
  const errorCode = errorCodeOf(error)
  const response: PartitionResponse = { index, errorCode, errorMessage: null, baseOffset: -1 }
  if (!isExpected(error))
    services.world.logger.error('produce failed', { partition: `${topic}-${index}`, error: error as Error })
  // As in Kafka, there are words where the code is the records' or the transaction's.
  if (error instanceof InvalidRecordsError || error instanceof UnverifiedError) response.errorMessage = error.message
  if (error instanceof InvalidRecordsError) response.recordErrors = [...error.recordErrors]
  return response
}
