/** Reads what one replica has, leader or not, as somebody who looks for faults does: no consumer, and no follower either. */
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { byTopic, partitionName, type TopicPartition } from './ask.ts'
import type { Cluster } from './cluster.ts'

export interface ReplicaData {
  readonly errorCode: number
  readonly highWatermark: number
  /** Batches; the last one may be cut. */
  readonly bytes: Uint8Array
}

export interface ReplicaFetchOptions {
  readonly maxWaitMs: number
  readonly partitionMaxBytes: number
}

const fetchApi = { request: FetchRequest, response: FetchResponse }
const WITH_TOPIC_NAMES = 12
const DEBUGGING_CONSUMER = -2
const NO_SESSION_EPOCH = -1
const MAX_BYTES = 52_428_800

/** By `topic-partition`. */
export async function fetchFromReplica(
  cluster: Cluster,
  brokerId: number,
  positions: readonly (TopicPartition & { readonly offset: number })[],
  { maxWaitMs, partitionMaxBytes }: ReplicaFetchOptions,
): Promise<Map<string, ReplicaData>> {
  const connection = await cluster.broker(brokerId)
  const response = await connection.send(
    fetchApi,
    {
      replicaId: DEBUGGING_CONSUMER,
      maxWaitMs,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      sessionEpoch: NO_SESSION_EPOCH,
      topics: [...byTopic(positions)].map(([topic, named]) => ({
        topic,
        partitions: named.map(({ partition, offset }) => ({ partition, fetchOffset: offset, partitionMaxBytes })),
      })),
    },
    { maxVersion: WITH_TOPIC_NAMES, timeoutMs: maxWaitMs + 30_000 },
  )
  const found = new Map<string, ReplicaData>()
  for (const { topic, partitions } of response.responses) {
    for (const { partitionIndex: partition, errorCode, highWatermark, records } of partitions)
      found.set(partitionName({ topic, partition }), { errorCode, highWatermark, bytes: records ?? new Uint8Array(0) })
  }
  return found
}
