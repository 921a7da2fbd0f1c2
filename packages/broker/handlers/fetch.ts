/**
 * Fetch (key 1), versions 4 to 18.
 *
 * 7 sessions (KIP-227) · 9 leader epochs (KIP-320) · 11 rack (KIP-392) · 12 diverging epoch · 13 topic ids · 15 replica
 * state (KIP-903) · 16 current leader (KIP-951) · 18 high watermark (KIP-1166)
 *
 * Reads what is there; with less than min.bytes waits until enough has become visible or max.wait.ms is over, reading
 * again whenever that may be. Record bytes go from the log to the socket as slices.
 */
import { ErrorCode } from '@ottla/protocol'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ApiError, errorCodeOf, isExpected } from '../errors.ts'
import { type FetchPartition, type FetchPlan, isNews } from '../replica/fetch-session.ts'
import { FetchWaiter, type WaitingPosition } from '../replica/fetch-waiter.ts'
import type { Partition } from '../replica/partition.ts'
import { type PartitionRead, readPartition } from '../replica/read.ts'
import type { Services } from '../services.ts'
import { isLeaderError, leaderOf, nodeEndpoints } from './current-leader.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { isIsolationLevel, READ_COMMITTED } from './isolation-level.ts'

type PartitionResponse = Partial<FetchResponse['responses'][number]['partitions'][number]> & { partitionIndex: number }
type TopicResponse = { topic: string; topicId: string; partitions: PartitionResponse[] }

const TOPIC_IDS_SINCE = 13
const REPLICA_STATE_SINCE = 15
const CURRENT_LEADER_SINCE = 16

interface Reading {
  readonly wanted: FetchPartition
  readonly partition: Partition | null
  readonly errorCode: number
  /** null with an error. */
  readonly read: PartitionRead | null
}

export const fetch = defineHandler({
  request: FetchRequest,
  response: FetchResponse,
  waitsForDisk: true,
  metricKind: ({ replicaId, replicaState }) => {
    return replicaId >= 0 || replicaState.replicaId >= 0 ? 'FetchFollower' : 'FetchConsumer'
  },
  throttlesItself: true,
  async handle(request, context, services) {
    const { clock } = services.world
    const plan = services.fetchSessions.plan(
      request,
      context.apiVersion,
      id => services.metadata.topicById(id)?.name,
      clock.now(),
    )
    if (plan.errorCode !== 0) return { errorCode: plan.errorCode }
    const partitions = [...plan.partitions]
    const isThere = ({ topic, partition }: FetchPartition) => services.metadata.topic(topic)?.partitions[partition]
    if (!isIsolationLevel(request.isolationLevel) && partitions.some(isThere))
      throw new ApiError('UNKNOWN_SERVER_ERROR', '')
    const reader = readerOf(request, context.apiVersion)
    const maxBytes = mostBytes(request, reader, context, services)
    const minBytes = Math.min(request.minBytes, maxBytes)
    const deadlineMs = clock.monotonic() + request.maxWaitMs
    let readings = await readAll(partitions, maxBytes, reader, services)
    let hasWaited = false
    for (let missing = missingBytes(readings, minBytes); missing > 0; missing = missingBytes(readings, minBytes)) {
      const leftMs = deadlineMs - clock.monotonic()
      if (leftMs <= 0 && hasWaited) services.waitingFetches.expired[isFollower(reader) ? 'follower' : 'consumer']++
      if (leftMs <= 0 || context.signal.aborted) break
      hasWaited = true
      release(readings)
      context.endLocalTime()
      await wait(new FetchWaiter(positions(readings), missing, reader.committed), leftMs, context, services)
      readings = await readAll(partitions, maxBytes, reader, services)
    }
    const throttleTimeMs = isFollower(reader) ? 0 : throttle(readings, context, services)
    if (throttleTimeMs > 0) {
      release(readings)
      // Nobody is told of a session that was to begin with this answer.
      if (!plan.incremental) services.fetchSessions.forget(plan.sessionId)
      return { throttleTimeMs, sessionId: plan.incremental ? plan.sessionId : 0 }
    }
    context.afterSent(() => release(readings))
    count(readings, reader)
    return respond(plan, readings, context, services)
  },
  failed({ sessionId, topics }, { errorCode }, apiVersion) {
    if (apiVersion >= TOPIC_IDS_SINCE) return { errorCode, sessionId }
    // Before version 7 there is no place at the top.
    const responses = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, errorCode, highWatermark: -1 })),
    }))
    return { errorCode, sessionId, responses }
  },
})

async function wait(
  waiter: FetchWaiter,
  leftMs: number,
  { signal }: RequestContext,
  services: Services,
): Promise<void> {
  services.waitingFetches.count++
  try {
    await waiter.wait(services.world.clock, leftMs, signal)
  } finally {
    services.waitingFetches.count--
  }
}

/** A client is given no more at once than its quota allows in all. */
function mostBytes(request: FetchRequest, reader: Reader, context: RequestContext, services: Services): number {
  const { config, quotas } = services
  const maxBytes = Math.min(request.maxBytes, config.fetchMaxBytes)
  if (!quotas.fetch.isEnabled || isFollower(reader)) return maxBytes
  return Math.trunc(Math.min(maxBytes, quotas.fetch.mostAtOnce(context.quotaClient)))
}

/** Of a partition in a response beside its records, about. */
const PARTITION_BYTES = 45

/**
 * For how long the client is not heard: it then gets nothing, asks for it again, and that counts. Followers have no quotas
 * here.
 */
function throttle(readings: readonly Reading[], context: RequestContext, { quotas, world }: Services): number {
  if (!quotas.fetch.isEnabled && !quotas.request.isEnabled) return 0
  const { quotaClient } = context
  const nowMs = world.clock.monotonic()
  const bytes = readings.reduce((sum, reading) => sum + PARTITION_BYTES + sizeOf(reading), 0)
  const forTime = context.requestPauseMs()
  const forBytes = quotas.fetch.record(quotaClient, bytes, nowMs)
  const throttleTimeMs = Math.max(forTime, forBytes)
  if (throttleTimeMs > 0) quotas.fetch.unrecord(quotaClient, bytes, nowMs)
  context.throttle(throttleTimeMs, forBytes > forTime ? quotas.fetch : quotas.request)
  return throttleTimeMs
}

/** Who reads, and what it is shown. */
interface Reader {
  /** Of a follower; negative for consumers. */
  readonly replicaId: number
  readonly committed: boolean
  /** Topics go by their ids, not by their names. */
  readonly byId: boolean
}

function isFollower({ replicaId }: Reader): boolean {
  return replicaId >= 0
}

function readerOf({ isolationLevel, replicaId, replicaState }: FetchRequest, apiVersion: number): Reader {
  return {
    replicaId: apiVersion >= REPLICA_STATE_SINCE ? replicaState.replicaId : replicaId,
    committed: isolationLevel === READ_COMMITTED,
    byId: apiVersion >= TOPIC_IDS_SINCE,
  }
}

/**
 * As if one after the other: what the first ones take is not left for the later ones, and one batch that is larger than
 * its bound is given if nothing was found before. Those that can't take anything from each other are read at once.
 */
async function readAll(
  wanted: readonly FetchPartition[],
  maxBytes: number,
  reader: Reader,
  services: Services,
): Promise<Reading[]> {
  const readings: Reading[] = []
  let left = maxBytes
  let isFirst = true
  for (let next = 0; next < wanted.length; next = readings.length) {
    const group = independent(wanted, next, left)
    const started = group.map(partition => {
      return readOne(partition, Math.min(partition.maxBytes, left), isFirst, reader, services)
    })
    // Not otherwise: what is in memory is answered in the same turn.
    const done = started.some(reading => reading instanceof Promise) ? await Promise.all(started) : started
    for (const reading of done as Reading[]) {
      const room = Math.min(reading.wanted.maxBytes, left)
      const isTooMuch = !isFirst && sizeOf(reading) > room
      const taken = isTooMuch ? withoutData(reading, room) : reading
      readings.push(taken)
      left = Math.max(0, left - sizeOf(taken))
      if (sizeOf(taken) > 0) isFirst = false
    }
  }
  return readings
}

/** From `from` on as many as have room beside each other, one at least. */
function independent(wanted: readonly FetchPartition[], from: number, maxBytes: number): readonly FetchPartition[] {
  let end = from + 1
  let bytes = wanted[from]!.maxBytes
  while (end < wanted.length && bytes + wanted[end]!.maxBytes <= maxBytes) bytes += wanted[end++]!.maxBytes
  return wanted.slice(from, end)
}

function sizeOf({ read }: Reading): number {
  return read?.sizeInBytes ?? 0
}

function withoutData(reading: Reading, room: number): Reading {
  release([reading])
  const read = reading.read!
  const abortedTransactions = room > 0 ? null : read.abortedTransactions && []
  return { ...reading, read: { ...read, chunks: [], sizeInBytes: 0, release: null, abortedTransactions } }
}

function readOne(
  wanted: FetchPartition,
  maxBytes: number,
  minOneBatch: boolean,
  reader: Reader,
  services: Services,
): Reading | Promise<Reading> {
  let partition: Partition | null = null
  try {
    partition = find(wanted, reader, services)
    checkFollower(partition, reader)
    if (!partition.log)
      return partition.ready.then(() => readOpen(partition!, wanted, maxBytes, minOneBatch, reader, services))
    return readOpen(partition, wanted, maxBytes, minOneBatch, reader, services)
  } catch (error) {
    return failedReading(wanted, partition, error, services)
  }
}

function readOpen(
  partition: Partition,
  wanted: FetchPartition,
  maxBytes: number,
  minOneBatch: boolean,
  reader: Reader,
  services: Services,
): Reading | Promise<Reading> {
  try {
    const read = readPartition(partition, wanted, { maxBytes, minOneBatch, committed: reader.committed })
    if (!(read instanceof Promise)) return { wanted, partition, errorCode: 0, read }
    return read.then(
      done => ({ wanted, partition, errorCode: 0, read: done }),
      error => failedReading(wanted, partition, error, services),
    )
  } catch (error) {
    return failedReading(wanted, partition, error, services)
  }
}

function find(wanted: FetchPartition, { byId }: Reader, services: Services): Partition {
  const topic = byId ? services.metadata.topicById(wanted.topicId) : services.metadata.topic(wanted.topic)
  if (!topic && byId) throw new ApiError('UNKNOWN_TOPIC_ID', `no topic has the id ${wanted.topicId}`)
  if (!topic?.partitions[wanted.partition])
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${wanted.topic}-${wanted.partition}`)
  return services.replicas.get(topic.id, wanted.partition)
}

function checkFollower({ name, assignment }: Partition, { replicaId }: Reader): void {
  if (replicaId >= 0 && !assignment.replicas.includes(replicaId))
    throw new ApiError('NOT_LEADER_OR_FOLLOWER', `broker ${replicaId} has no replica of ${name}`)
}

function failedReading(
  wanted: FetchPartition,
  partition: Partition | null,
  error: unknown,
  services: Services,
): Reading {
  if (!isExpected(error)) {
    partition?.meter.add('failedFetchRequests', 1)
    services.world.logger.error('fetch failed', {
      partition: `${wanted.topic}-${wanted.partition}`,
      error: error as Error,
    })
  }
  return { wanted, partition, errorCode: errorCodeOf(error), read: null }
}

function release(readings: readonly Reading[]): void {
  for (const { read } of readings) read?.release?.()
}

/** 0: answer at once. */
function missingBytes(readings: readonly Reading[], minBytes: number): number {
  let bytes = 0
  for (const { read } of readings) {
    if (!read || read.divergingEpoch) return 0
    bytes += read.sizeInBytes
  }
  return readings.length === 0 ? 0 : Math.max(0, minBytes - bytes)
}

function positions(readings: readonly Reading[]): WaitingPosition[] {
  return readings.flatMap(({ partition, wanted, read }) =>
    read && partition ? [{ partition, fetchOffset: wanted.fetchOffset, seenHighWatermark: read.highWatermark }] : [],
  )
}

function count(readings: readonly Reading[], { replicaId }: Reader): void {
  for (const { partition, read } of readings) {
    if (!partition) continue
    partition.meter.add('fetchRequests', 1)
    if (!read || read.sizeInBytes === 0) continue
    if (replicaId >= 0) partition.meter.all.replicationBytesOut += read.sizeInBytes
    else partition.meter.add('bytesOut', read.sizeInBytes)
  }
}

function respond(plan: FetchPlan, readings: readonly Reading[], context: RequestContext, services: Services) {
  const responses: TopicResponse[] = []
  const leaders = new Set<number>()
  for (const reading of readings) {
    const { wanted } = reading
    const response = partitionResponse(reading, context.apiVersion)
    if (context.apiVersion >= CURRENT_LEADER_SINCE && isLeaderError(response.errorCode)) {
      response.currentLeader = leaderOf(wanted.topicId, wanted.topic, wanted.partition, services)
      leaders.add(response.currentLeader.leaderId)
    }
    const size = reading.read?.sizeInBytes ?? 0
    const news = isNews(wanted, response as never, size)
    if (size > 0) services.fetchSessions.sentData(plan.sessionId, wanted)
    if (plan.incremental && !news) continue
    const last = responses.at(-1)
    const sameTopic = last && last.topicId === wanted.topicId && last.topic === wanted.topic
    if (sameTopic) last.partitions.push(response)
    else responses.push({ topic: wanted.topic, topicId: wanted.topicId, partitions: [response] })
  }
  return { sessionId: plan.sessionId, responses, nodeEndpoints: nodeEndpoints(leaders, context.listenerName, services) }
}

const NO_DIVERGENCE = { epoch: -1, endOffset: -1 }

function partitionResponse({ wanted, partition, errorCode, read }: Reading, version: number): PartitionResponse {
  // A client of version 5 or less does not know KAFKA_STORAGE_ERROR; this one makes it look for another leader.
  const code =
    errorCode === ErrorCode.KAFKA_STORAGE_ERROR && version <= 5 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode
  return {
    partitionIndex: wanted.partition,
    errorCode: code,
    highWatermark: read?.highWatermark ?? -1,
    lastStableOffset: read?.lastStableOffset ?? -1,
    logStartOffset: read?.logStartOffset ?? -1,
    divergingEpoch: read?.divergingEpoch ?? NO_DIVERGENCE,
    // Kafka's own: an empty list where there is no such partition, null where it could not be read.
    abortedTransactions: partition ? (read?.abortedTransactions?.slice() ?? null) : [],
    preferredReadReplica: -1,
    records: (read?.chunks ?? []) as never,
  }
}
