/** Offsets by time, and the special ones: one request to each leader. */
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { byLeader, byTopic, partitionName, type TopicPartition } from './ask.ts'
import type { Cluster } from './cluster.ts'
import { type KafkaError, outcome, UnsupportedVersionError } from './errors.ts'
import { isRetriable, pause } from './retry.ts'

const listOffsetsApi = { request: ListOffsetsRequest, response: ListOffsetsResponse }

export const Timestamp = {
  latest: -1n,
  earliest: -2n,
  maxTimestamp: -3n,
  earliestLocal: -4n,
  latestTiered: -5n,
  earliestPendingUpload: -6n,
} as const

export interface FoundOffset {
  /** -1: no record is that late. */
  readonly offset: number
  readonly timestamp: number
  /** null: unknown. */
  readonly leaderEpoch: number | null
}

/** The first version that knows a special timestamp. */
const SINCE = new Map([
  [Timestamp.maxTimestamp as bigint, 7],
  [Timestamp.earliestLocal as bigint, 8],
  [Timestamp.latestTiered as bigint, 9],
  [Timestamp.earliestPendingUpload as bigint, 11],
])
const DEFAULT_LIMIT_MS = 30_000
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000

/** By `topic-partition`; a partition that can't be asked for has its error. Leaders that have moved are asked again. */
export async function findOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<Map<string, FoundOffset | KafkaError>> {
  const found = new Map<string, FoundOffset | KafkaError>()
  const deadlineMs = cluster.world.clock.monotonic() + limitMs
  let left = partitions
  for (let pauseMs = FIRST_PAUSE_MS; left.length > 0; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const again: TopicPartition[] = []
    const isLate = cluster.world.clock.monotonic() + pauseMs > deadlineMs
    const rounds = [...(await byLeader(cluster, left))].map(async ([leader, led]) => {
      for (const [one, result] of await askLeader(cluster, leader, led, timestamp)) {
        if (isRetriable(result) && !isLate) again.push(one)
        else found.set(partitionName(one), result)
      }
    })
    await Promise.all(rounds)
    left = again
    if (left.length === 0) break
    for (const { topic } of left) cluster.forgetTopic(topic)
    await pause(cluster.world.clock, pauseMs)
  }
  return found
}

async function askLeader(
  cluster: Cluster,
  leader: number,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
): Promise<[TopicPartition, FoundOffset | KafkaError][]> {
  const connection = await cluster.broker(leader)
  const since = SINCE.get(timestamp) ?? 0
  if (connection.versionOf(ListOffsetsRequest) < since)
    throw new UnsupportedVersionError(`broker ${leader} does not know what offset ${timestamp} stands for`)
  const topics = [...byTopic(partitions)].map(([name, named]) => ({
    name,
    partitions: named.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
  }))
  const response = await connection.send(listOffsetsApi, { replicaId: -1, topics })
  return response.topics.flatMap(({ name: topic, partitions: results }) =>
    results.map(({ partitionIndex: partition, errorCode, offset, timestamp: time, leaderEpoch }) => {
      const refused = outcome(errorCode, `offset of ${topic}-${partition}`)
      const result = refused ?? { offset, timestamp: time, leaderEpoch: leaderEpoch < 0 ? null : leaderEpoch }
      return [{ topic, partition }, result] as [TopicPartition, FoundOffset | KafkaError]
    }),
  )
}

/** Of one topic, by partition; -1 where no record is that late. */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, number>> {
  const named = partitions.map(partition => ({ topic, partition }))
  const found = await findOffsets(cluster, named, timestamp)
  return new Map(
    named.map(one => {
      const result = found.get(partitionName(one))!
      if ('code' in result) throw result
      return [one.partition, result.offset]
    }),
  )
}
