/**
 * ShareFetch (key 78), versions 1 to 2: a member of a share group gets records, and says what has become of others
 * (KIP-932).
 *
 * 2 how strictly to keep to the number asked for (KIP-1206), renewal of locks (KIP-1222)
 */
import { ErrorCode, type Init } from '@ottla/protocol'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ApiError } from '../errors.ts'
import type { Services } from '../services.ts'
import type { ShareFetchLimits, ShareFetchResult } from '../share/share-fetch.ts'
import type { AcknowledgeResult } from '../share/share-partition-manager.ts'
import { FINAL_EPOCH, isNews, rotated, type SessionPartition, type ShareFetchPlan } from '../share/share-sessions.ts'
import { isLeaderError, leaderOf, nodeEndpoints } from './current-leader.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { acknowledgeAll } from './share-acknowledgements.ts'
import { checkMemberId } from './share-member-id.ts'
import { checkShareVersion } from './share-version.ts'

type PartitionResponse = Partial<ShareFetchResponse['responses'][number]['partitions'][number]> & {
  readonly partitionIndex: number
}

const RECORD_LIMIT = 1
/** Kafka has no word for others. */
const ACQUIRE_MODES: ReadonlySet<number> = new Set([0, RECORD_LIMIT])
const RENEW_SINCE = 2
const READ_COMMITTED = 'read_committed'

/** Whose request it is, once that is known to make sense. */
interface Member {
  readonly groupId: string
  readonly memberId: string
}

export const shareFetch = defineHandler({
  request: ShareFetchRequest,
  response: ShareFetchResponse,
  async handle(request, context, services) {
    checkShareVersion(services)
    const { groupId, memberId } = request
    if (groupId === null) throw new ApiError('INVALID_REQUEST', 'Invalid group id in the request.')
    checkMemberId(memberId)
    const { apiVersion } = context
    const isRenewal = apiVersion >= RENEW_SINCE && request.isRenewAck
    if (isRenewal) checkRenewal(request)
    const member = { groupId, memberId }
    const plan = await planned(request, member, context, services)
    // While records are waited for a renewed lock might run out: a request renews, or it fetches.
    const [acknowledged, fetched] = await Promise.all([
      acknowledgeAll(acknowledgedOf(request), { ...member, apiVersion, isRenewAck: request.isRenewAck }, services),
      isRenewal ? [] : fetchAll(request, member, plan, context, services),
    ])
    context.afterSent(() => {
      for (const { release } of fetched) release?.()
    })
    const response = respond(plan, fetched, acknowledged, groupId, context, services)
    if (request.shareSessionEpoch === FINAL_EPOCH) services.shares.partitions.releaseSession(groupId, memberId)
    return response
  },
  failed: (_, { errorCode }) => ({ errorCode }),
})

function checkRenewal({ maxBytes, minBytes, maxRecords, maxWaitMs }: ShareFetchRequest): void {
  const limits = Object.entries({ maxBytes, minBytes, maxRecords, maxWaitMs })
  const set = limits.filter(([, value]) => value !== 0).map(([name]) => `${name} must be set to 0, `)
  if (set.length > 0) throw new ApiError('INVALID_REQUEST', `${set.join('')}if isRenewAck is true.`)
}

/** Who is one session too many asks again, but not at once. */
async function planned(
  request: ShareFetchRequest,
  member: Member,
  { connectionId, signal }: RequestContext,
  services: Services,
): Promise<ShareFetchPlan> {
  const wanted = request.topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex: partition }) => ({ topicId, partition })),
  )
  const forgotten = request.forgottenTopicsData.flatMap(({ topicId, partitions }) =>
    partitions.map(partition => ({ topicId, partition })),
  )
  const hasAcknowledgements = acknowledgedOf(request).length > 0
  const session = { ...member, epoch: request.shareSessionEpoch, connectionId, wanted, forgotten, hasAcknowledgements }
  try {
    return services.shares.partitions.plan(session, signal)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'SHARE_SESSION_LIMIT_REACHED') {
      await new Promise<void>(resolve => services.world.clock.setTimer(request.maxWaitMs, resolve))
    }
    throw error
  }
}

/** All partitions, as soon as something of one is acknowledged. */
function acknowledgedOf({ topics }: ShareFetchRequest): ShareFetchRequest['topics'] {
  const isAny = topics.some(topic => topic.partitions.some(partition => partition.acknowledgementBatches.length > 0))
  return isAny ? topics : []
}

async function fetchAll(
  request: ShareFetchRequest,
  { groupId, memberId }: Member,
  { partitions }: ShareFetchPlan,
  { signal }: RequestContext,
  services: Services,
): Promise<ShareFetchResult[]> {
  const { config, metadata, groupConfigs, shares } = services
  const known: SessionPartition[] = []
  const failed: ShareFetchResult[] = []
  for (const one of partitions) {
    const topic = metadata.topicById(one.topicId)
    if (topic?.partitions[one.partition]) known.push(one)
    else failed.push(refused(one, topic ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID))
  }
  if (known.length > 0 && !ACQUIRE_MODES.has(request.shareAcquireMode)) throw new ApiError('UNKNOWN_SERVER_ERROR', '')
  const maxBytes = Math.min(request.maxBytes, config.fetchMaxBytes)
  const limits: ShareFetchLimits = {
    memberId,
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxBytes,
    maxRecords: request.maxRecords,
    batchSize: request.batchSize,
    isRecordLimit: request.shareAcquireMode === RECORD_LIMIT,
    committed: groupConfigs.get(groupId).shareIsolationLevel === READ_COMMITTED,
  }
  const fetched = await shares.partitions.fetch(groupId, rotated(known, request.shareSessionEpoch), limits, signal)
  return [...fetched, ...failed]
}

function refused({ topicId, partition }: SessionPartition, errorCode: number): ShareFetchResult {
  return { topicId, partition, errorCode, errorMessage: null, chunks: [], acquired: [], release: null }
}

// ------------------------------------------------------------------------------------------------------ the answer

function respond(
  { session }: ShareFetchPlan,
  fetched: readonly ShareFetchResult[],
  acknowledged: readonly AcknowledgeResult[],
  groupId: string,
  { listenerName }: RequestContext,
  services: Services,
): Init<typeof ShareFetchResponse> {
  const leaders = new Set<number>()
  const topics = new Map<string, Map<number, PartitionResponse>>()
  const put = (topicId: string, response: PartitionResponse) => {
    const partitions = topics.get(topicId) ?? new Map<number, PartitionResponse>()
    topics.set(topicId, partitions)
    partitions.set(response.partitionIndex, { ...partitions.get(response.partitionIndex), ...response })
  }
  for (const result of fetched) {
    const { topicId, partition, errorCode, chunks } = result
    const facts = { hasRecords: chunks.length > 0, hasFailed: errorCode !== 0 }
    if (session && !isNews(session, result, facts)) continue
    const response = partitionResponse(result)
    if (isLeaderError(errorCode)) {
      response.currentLeader = leaderOf(topicId, '', partition, services)
      leaders.add(response.currentLeader.leaderId)
    }
    put(topicId, response)
  }
  for (const { topicId, partition, errorCode, errorMessage } of acknowledged) {
    put(topicId, {
      partitionIndex: partition,
      acknowledgeErrorCode: errorCode,
      acknowledgeErrorMessage: errorMessage,
    })
  }
  return {
    acquisitionLockTimeoutMs: services.groupConfigs.get(groupId).shareRecordLockDurationMs,
    responses: [...topics].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.values()] })),
    nodeEndpoints: nodeEndpoints(leaders, listenerName, services),
  }
}

/** Kafka gives no message here. */
function partitionResponse({ partition, errorCode, chunks, acquired }: ShareFetchResult): PartitionResponse & {
  currentLeader?: { leaderId: number; leaderEpoch: number }
} {
  return {
    partitionIndex: partition,
    errorCode,
    records: chunks as never,
    acquiredRecords: acquired.map(({ firstOffset, lastOffset, deliveryCount }) => ({
      firstOffset,
      lastOffset,
      deliveryCount,
    })),
  }
}
