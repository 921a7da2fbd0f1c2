/**
 * Reads partitions from given offsets on: one Fetch at a time to each leader, record after record in order within a
 * partition. Where to begin, and remembering how far one got, is the caller's.
 */
import { batches, decodeRecords, type KafkaRecord, type TimestampType } from '@ottla/protocol'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import type { Cluster } from './cluster.ts'
import { check, KafkaError } from './errors.ts'
import { isRetriable, pause } from './retry.ts'

export interface ConsumerRecord extends KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly timestampType: TimestampType
}

export interface Position {
  readonly topic: string
  readonly partition: number
  /** The next offset to read. */
  offset: number
}

export interface FetchOptions {
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly readCommitted?: boolean
}

export interface FetchedPartition {
  readonly position: Position
  readonly records: readonly ConsumerRecord[]
  readonly highWatermark: number
}

const fetchApi = { request: FetchRequest, response: FetchResponse }
const WITH_TOPIC_NAMES = 12
const NO_SESSION_EPOCH = -1

/** One round over all `positions`, which are moved past what is returned. Empty when nothing came within maxWaitMs. */
export async function fetchOnce(
  cluster: Cluster,
  positions: readonly Position[],
  options: FetchOptions = {},
): Promise<FetchedPartition[]> {
  const byLeader = new Map<number, Position[]>()
  for (const position of positions) {
    const topic = await cluster.topic(position.topic)
    const leader = topic.partitions.find(({ partitionIndex }) => partitionIndex === position.partition)?.leaderId ?? -1
    const group = byLeader.get(leader)
    if (group) group.push(position)
    else byLeader.set(leader, [position])
  }
  const rounds = [...byLeader].map(([leader, group]) => fetchFrom(cluster, leader, group, options))
  return (await Promise.all(rounds)).flat()
}

async function fetchFrom(
  cluster: Cluster,
  leader: number,
  positions: Position[],
  options: FetchOptions,
): Promise<FetchedPartition[]> {
  const connection = await cluster.broker(leader)
  const maxWaitMs = options.maxWaitMs ?? 500
  const response = await connection.send(
    fetchApi,
    {
      maxWaitMs,
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? 50 * 1024 * 1024,
      isolationLevel: options.readCommitted ? 1 : 0,
      sessionEpoch: NO_SESSION_EPOCH,
      topics: positions.map(({ topic, partition, offset }) => ({
        topic,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: options.partitionMaxBytes ?? 1024 * 1024 }],
      })),
    },
    { maxVersion: WITH_TOPIC_NAMES, timeoutMs: maxWaitMs + 30_000 },
  )
  check(response.errorCode, 'fetch')
  const fetched: FetchedPartition[] = []
  for (const { topic, partitions } of response.responses) {
    for (const data of partitions) {
      const position = positions.find(p => p.topic === topic && p.partition === data.partitionIndex)!
      if (data.errorCode !== 0) cluster.forgetTopic(topic)
      check(data.errorCode, `fetch from ${topic}-${data.partitionIndex} at offset ${position.offset}`)
      fetched.push(take(position, data))
    }
  }
  return fetched
}

function take(position: Position, data: FetchResponse['responses'][number]['partitions'][number]): FetchedPartition {
  const { topic, partition } = position
  const records: ConsumerRecord[] = []
  const aborted = [...(data.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  const abortedProducers = new Set<number>()
  const bytes = data.records ?? new Uint8Array(0)
  for (const batch of batches(bytes, 'skip')) {
    while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
      abortedProducers.add(aborted.shift()!.producerId)
    if (batch.isControl) abortedProducers.delete(batch.producerId)
    else if (!(batch.isTransactional && abortedProducers.has(batch.producerId))) {
      for (const record of decodeRecords(bytes, batch)) {
        if (record.offset >= position.offset)
          records.push({ ...record, topic, partition, timestampType: batch.timestampType })
      }
    }
    position.offset = Math.max(position.offset, batch.lastOffset + 1)
  }
  return { position, records, highWatermark: data.highWatermark }
}

/** Round after round until the consumer breaks off or `signal` is aborted; passing failures are tried again. */
export async function* fetchAll(
  cluster: Cluster,
  positions: readonly Position[],
  options: FetchOptions & { readonly signal?: AbortSignal } = {},
): AsyncGenerator<FetchedPartition[], void> {
  let pauseMs = 20
  while (!options.signal?.aborted) {
    try {
      yield await fetchOnce(cluster, positions, options)
      pauseMs = 20
    } catch (error) {
      if (!isRetriable(error) && !(error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'))
        throw error
      await pause(cluster.world.clock, pauseMs, options.signal)
      pauseMs = Math.min(1000, pauseMs * 2)
    }
  }
}
