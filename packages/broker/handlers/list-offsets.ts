/**
 * ListOffsets (key 2), versions 1 to 11.
 *
 * Special timestamps: -1 latest · -2 earliest · -3 largest timestamp (7, KIP-734) · -4 earliest local (8, KIP-405) · -5
 * latest tiered (9, KIP-1005) · -6 earliest pending upload (11, KIP-1023). Without tiered storage the local log is all
 * there is, and nothing is tiered.
 */

import type { OffsetAndTimestamp, PartitionLog } from '@ottla/log'
import { ErrorCode } from '@ottla/protocol'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { ApiError, errorCodeOf, isExpected } from '../errors.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'
import { isIsolationLevel, READ_COMMITTED } from './isolation-level.ts'

const LATEST = -1n
const EARLIEST = -2n
const MAX_TIMESTAMP = -3n
const EARLIEST_LOCAL = -4n
const LATEST_TIERED = -5n
const EARLIEST_PENDING_UPLOAD = -6n
/** From which version on a special timestamp means what it means. */
const SPECIAL_SINCE = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

const EPOCHS_SINCE = 4
const CONSUMER = -1
const NONE: OffsetAndTimestamp = { offset: -1, timestamp: -1, leaderEpoch: -1 }

type WantedPartition = ListOffsetsRequest['topics'][number]['partitions'][number]
type PartitionResponse = ListOffsetsResponse['topics'][number]['partitions'][number]

export const listOffsets = defineHandler({
  request: ListOffsetsRequest,
  response: ListOffsetsResponse,
  async handle(request, context, services) {
    if (!isIsolationLevel(request.isolationLevel)) throw new ApiError('UNKNOWN_SERVER_ERROR', '')
    const upTo = (log: PartitionLog) => {
      if (request.replicaId !== CONSUMER) return log.writtenEndOffset
      return request.isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.highWatermark
    }
    const topics = [...wantedByTopic(request)].map(async ([name, wanted]) => ({
      name,
      partitions: await Promise.all(
        [...wanted.values()].map(([partition, ...again]) => {
          if (again.length > 0) return failed(partition!, ErrorCode.INVALID_REQUEST)
          return offsetOf(name, partition!, context.apiVersion, upTo, services)
        }),
      ),
    }))
    return { topics: await Promise.all(topics) }
  },
  failed({ topics }, { errorCode }) {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(partition => failed(partition, errorCode)),
      })),
    }
  },
})

async function offsetOf(
  topicName: string,
  wanted: WantedPartition,
  version: number,
  upTo: (log: PartitionLog) => number,
  services: Services,
): Promise<PartitionResponse> {
  const { timestamp, partitionIndex } = wanted
  if (timestamp < EARLIEST && version < (SPECIAL_SINCE.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return failed(wanted, ErrorCode.UNSUPPORTED_VERSION)
  }
  try {
    const topic = services.metadata.topic(topicName)
    if (!topic?.partitions[partitionIndex]) {
      throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${topicName}-${partitionIndex}`)
    }
    const partition = services.replicas.get(topic.id, partitionIndex)
    await partition.ready
    const log = partition.leaderLog(wanted.currentLeaderEpoch)
    const {
      offset,
      timestamp: foundTimestamp,
      leaderEpoch,
    } = await lookUp(log, timestamp, partition.leaderEpoch, upTo(log))
    const epoch = version >= EPOCHS_SINCE ? leaderEpoch : -1
    return { partitionIndex, errorCode: 0, timestamp: foundTimestamp, offset, leaderEpoch: epoch }
  } catch (error) {
    if (!isExpected(error))
      services.world.logger.error('list offsets failed', { topic: topicName, error: error as Error })
    return failed(wanted, errorCodeOf(error))
  }
}

async function lookUp(
  log: PartitionLog,
  timestamp: bigint,
  leaderEpoch: number,
  endOffset: number,
): Promise<OffsetAndTimestamp> {
  switch (timestamp) {
    case LATEST:
      return { offset: endOffset, timestamp: -1, leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.logStartOffset, timestamp: -1, leaderEpoch: log.epochForOffset(log.logStartOffset) }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NONE
    case MAX_TIMESTAMP:
      return below(await log.maxTimestampOffset(), endOffset)
    default:
      // No record has a timestamp that a number can't hold.
      if (timestamp > BigInt(Number.MAX_SAFE_INTEGER)) return NONE
      return below(await log.offsetForTimestamp(Number(timestamp)), endOffset)
  }
}

function below(found: OffsetAndTimestamp | null, endOffset: number): OffsetAndTimestamp {
  return found && found.offset < endOffset ? found : NONE
}

function failed({ partitionIndex }: WantedPartition, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, ...NONE }
}

/** Each topic once, if anything of it is asked for, and each partition with all that is asked of it. */
function wantedByTopic({ topics }: ListOffsetsRequest): Map<string, Map<number, WantedPartition[]>> {
  const wanted = new Map<string, Map<number, WantedPartition[]>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const byIndex = wanted.get(name) ?? new Map<number, WantedPartition[]>()
    wanted.set(name, byIndex)
    for (const partition of partitions) {
      const same = byIndex.get(partition.partitionIndex)
      if (same) same.push(partition)
      else byIndex.set(partition.partitionIndex, [partition])
    }
  }
  return wanted
}
