/**
 * Produce and Fetch: batches right and broken, the sequences of idempotent producers, sessions of fetches, records that are
 * deleted. Batches that Ottla calls by another error on purpose (docs/compatibility.md) are not made.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type { Area, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import { type Made, type Request, type Step, show, type Value } from '../plan.ts'
import { Pool } from '../pool.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics, filterLists } from './admin.ts'
import { findCoordinators } from './coordinators.ts'

const TOPICS = ['~t0', '~t0', '~t1', '~t2']
const WILD_TOPICS = ['', '~never', 'a/b']
const topicName = (draw: Draw) => draw.of(TOPICS, WILD_TOPICS)
const partitionIndex = (draw: Draw) => draw.of([0, 0, 1], [-1, 2, 1000])
const offset = (draw: Draw) => draw.of([0, 0, 1, 2, 3, 5, 8], [-1, -2, 100])

const TIME = 1_700_000_000_000

/** Of records with times of long ago: a read ends with a segment, so where one begins would be a difference. */
const FOREVER = { 'retention.ms': '-1', 'segment.ms': '9223372036854775807' }

export function configs(of: Readonly<Record<string, string>>): Value {
  return Object.entries({ ...FOREVER, ...of }).map(([name, value]) => ({ name, value }))
}

export function createTopics(topics: readonly Request[]): World['opening'] {
  const request = { topics, timeoutMs: 5000 }
  return [{ api: 'CreateTopics', version: 7, client: 'c0', request, settles: 'metadata' }]
}

/** What producers have been told of themselves, and how far they are in each partition. */
class Producers {
  readonly pool = new Pool()
  readonly epochs = new Map<string, number>()
  readonly #next = new Map<string, number>()

  learn(step: Step, outcome: Outcome): void {
    this.pool.add(outcome)
    if (typeof outcome === 'string') return
    if (step.api === 'InitProducerId' && outcome.errorCode === 'NONE')
      this.epochs.set(outcome.producerId as string, outcome.producerEpoch as number)
  }

  /** The sequence that is due, or near it; the believed one is moved on. */
  sequence(producer: string, place: string, count: number, draw: Draw): number {
    const key = `${producer} ${place}`
    const due = this.#next.get(key) ?? 0
    if (draw.chance(0.2)) return draw.one([0, due - 1, due - count, due + 1, 2147483647, -1])
    this.#next.set(key, due + count)
    return due
  }
}

/** Each is a header that contradicts what follows it. */
const OVERWRITES: readonly Readonly<Record<string, number>>[] = [
  { baseOffset: 5 },
  { baseOffset: -1 },
  { magic: 0 },
  { magic: 1 },
  { magic: 3 },
  { magic: -1 },
  { attributes: 0x20 },
  { attributes: 0x10 },
  { attributes: 0x08 },
  { attributes: 0x40 },
  { attributes: 0x80 },
  { count: 0 },
  { count: -1 },
  { count: 1 },
  { count: 100 },
  { lastOffsetDelta: 0 },
  { lastOffsetDelta: 7 },
  { lastOffsetDelta: -1 },
  { producerId: 5 },
  { producerEpoch: 3 },
  { baseSequence: 3 },
  { maxTimestamp: -1 },
  { baseTimestamp: -1 },
  { length: 10 },
  { length: 0 },
  { length: -1 },
  { length: 10_000 },
]

const VALUES = ['a', 'bb', null, 'x'.repeat(300)]

function drawBatch(producers: Producers, place: string, draw: Draw): Made {
  const count = draw.of([1, 1, 2, 3], [5])
  const values = Array.from({ length: count }, () => draw.of(VALUES))
  const keys = Array.from({ length: count }, () => draw.of(['k', 'l', null]))
  const timestamp = draw.of([TIME, TIME + 1000, TIME + 2000], [-1, 0, 4_000_000_000_000])
  const codec = draw.of(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'])
  const plain = { $: 'batch', values, keys, timestamp, codec }
  if (draw.chance(0.15)) return { ...plain, overwrite: draw.one(OVERWRITES) }
  if (draw.isWild()) return { ...plain, ...draw.one([{ isCrcWrong: true }, { cut: 1 }, { cut: 30 }, { cut: 60 }]) }
  if (draw.chance(0.4)) return plain
  const producerId = producers.pool.draw<string | number>('producer', draw, '$producer:0.0')
  const epoch = producers.epochs.get(producerId as string) ?? 0
  const producerEpoch = draw.of([epoch], [epoch + 1, epoch - 1])
  return {
    ...plain,
    producerId,
    producerEpoch,
    baseSequence: producers.sequence(String(producerId), place, count, draw),
  }
}

function produceWish(producers: Producers): Wish {
  return {
    api: 'Produce',
    weight: 14,
    fields: {
      transactionalId: () => null,
      acks: draw => draw.of([-1, -1, 1], [0, 2, -2]),
      timeoutMs: draw => draw.of([5000], [0, -1]),
      'topicData[]': draw => draw.of([1, 1, 1, 2], [0]),
      'topicData[].name': topicName,
      'topicData[].topicId': draw => producers.pool.draw('topic', draw, draw.one([ZERO_UUID, '$topic:0.0'])),
      'topicData[].partitionData[]': draw => draw.of([1, 1, 2], [0]),
      'topicData[].partitionData[].index': partitionIndex,
      'topicData[].partitionData[].records': () => '',
    },
    // A partition that is there twice is different on purpose.
    finish: (request, draw) => {
      const places = new Set<string>()
      for (const topic of request.topicData as Record<string, Value>[]) {
        for (const partition of topic.partitionData as Record<string, Value>[]) {
          const place = `${topic.name ?? topic.topicId}-${partition.index}`
          if (places.has(place)) return null
          places.add(place)
          const batch = drawBatch(producers, place, draw)
          partition.records = draw.isWild() ? drawOddRecords(producers, place, batch, draw) : batch
        }
      }
      return request
    },
  }
}

function drawOddRecords(producers: Producers, place: string, batch: Made, draw: Draw): Made {
  return draw.one<Made>([
    { $: 'text', text: '' },
    { $: 'text', text: 'x' },
    { $: 'text', text: 'x'.repeat(80) },
    { $: 'batches', batches: [batch, drawBatch(producers, place, draw)] },
    { $: 'batches', batches: [batch, { $: 'text', text: 'trailing' }] },
  ])
}

/** Of one fetcher: its session and the epoch that is due. */
class Sessions {
  id: string | number = 0
  epoch = 0

  learn({ request }: Step, outcome: Outcome): void {
    if (typeof outcome === 'string' || outcome.errorCode !== 'NONE') return
    this.id = outcome.sessionId as string | number
    this.epoch = this.id === 0 ? 0 : (request.sessionEpoch as number) + 1
  }
}

function fetchWish(pool: Pool, sessions: Sessions): Wish {
  return {
    api: 'Fetch',
    weight: 10,
    fields: {
      clusterId: () => null,
      replicaId: draw => draw.of([-1], [-2]),
      replicaState: () => undefined,
      maxWaitMs: () => 0,
      minBytes: draw => draw.of([0, 1], [100]),
      maxBytes: draw => draw.of([1_000_000], [0, 1, 200]),
      isolationLevel: draw => draw.of([0, 1], [2]),
      sessionId: draw => draw.of<string | number>([0, sessions.id], ['$session:0.0', -1]),
      sessionEpoch: draw => draw.of([sessions.epoch], [-1, 0, 1, 5, -2]),
      'topics[].topic': topicName,
      'topics[].topicId': draw => pool.draw('topic', draw, draw.one([ZERO_UUID, '$topic:0.0'])),
      'topics[].partitions[].partition': partitionIndex,
      currentLeaderEpoch: draw => draw.of([-1, 0], [1, -2]),
      fetchOffset: offset,
      lastFetchedEpoch: draw => draw.of([-1], [0, 1]),
      logStartOffset: () => -1,
      partitionMaxBytes: draw => draw.of([1_000_000], [0, 1, 100]),
      replicaDirectoryId: () => undefined,
      highWatermark: () => undefined,
      'forgottenTopicsData[]': draw => draw.of([0], [1]),
      'forgottenTopicsData[].topic': topicName,
      'forgottenTopicsData[].topicId': draw => pool.draw('topic', draw, '$topic:0.0'),
      'forgottenTopicsData[].partitions[]*': partitionIndex,
      rackId: () => '',
    },
    finish: (request, draw) => {
      // Without a session, most of the time: each answer then has everything.
      if (request.sessionId === 0 && !draw.isWild()) request.sessionEpoch = draw.one([-1, -1, 0])
      return request
    },
  }
}

function otherWishes(): Wish[] {
  const place = { 'topics[].name': topicName, 'topics[].topic': topicName, partitionIndex, partition: partitionIndex }
  const currentLeaderEpoch = (draw: Draw) => draw.of([-1, 0], [1, -2])
  return [
    {
      api: 'InitProducerId',
      weight: 2,
      fields: {
        transactionalId: draw => draw.of([null], ['']),
        transactionTimeoutMs: draw => draw.of([60_000], [0, -1]),
        producerId: draw => draw.of([-1], [5]),
        producerEpoch: draw => draw.of([-1], [0, 5]),
      },
    },
    {
      api: 'ListOffsets',
      weight: 5,
      fields: {
        ...place,
        replicaId: () => -1,
        isolationLevel: draw => draw.of([0, 1], [2]),
        currentLeaderEpoch,
        timestamp: draw => BigInt(draw.of([-1, -2, -3, 0, TIME, TIME + 500, TIME + 1000, TIME + 9000], [-4, -5])),
        timeoutMs: () => 5000,
      },
    },
    {
      api: 'OffsetForLeaderEpoch',
      weight: 2,
      fields: { ...place, replicaId: () => -1, currentLeaderEpoch, leaderEpoch: draw => draw.of([0], [-1, 1]) },
    },
    {
      api: 'DeleteRecords',
      weight: 3,
      fields: { ...place, offset: draw => draw.of([-1, 0, 1, 2, 3], [100, -2]), timeoutMs: () => 5000 },
    },
    {
      api: 'DescribeProducers',
      weight: 3,
      fields: { ...place, 'topics[].partitionIndexes[]*': partitionIndex },
    },
    {
      api: 'DescribeLogDirs',
      weight: 1,
      fields: { 'topics[].topic': topicName, 'topics[].partitions[]*': partitionIndex },
    },
  ]
}

function recordsWorld(): World {
  const producers = new Producers()
  const sessions = new Sessions()
  const topics = [
    { name: '~t0', numPartitions: 2, replicationFactor: 1, configs: configs({}) },
    { name: '~t1', numPartitions: 1, replicationFactor: 1, configs: configs({ 'cleanup.policy': 'compact' }) },
    {
      name: '~t2',
      numPartitions: 1,
      replicationFactor: 1,
      configs: configs({ 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': '400' }),
    },
  ]
  return {
    opening: createTopics(topics),
    wishes: [produceWish(producers), fetchWish(producers.pool, sessions), ...otherWishes()],
    learn: (step, outcome) => {
      producers.learn(step, outcome)
      if (step.api === 'Fetch') sessions.learn(step, outcome)
    },
  }
}

/** One that is followed by another, and Apache Kafka fails. */
function zeroTopicId({ api, version }: Step, kafka: Outcome, ottla: Outcome): string | undefined {
  if (api !== 'Fetch' || version < 13 || typeof kafka === 'string' || kafka.errorCode !== 'UNKNOWN_SERVER_ERROR')
    return undefined
  return show(ottla).includes('topicId:""') ? 'the zero topic id is as unknown as any other' : undefined
}

export const records: Area = {
  name: 'records',
  length: 40,
  world: recordsWorld,
  prepare: findCoordinators,
  filter: filterLists,
  excused: zeroTopicId,
  cleanUp: deleteTopics,
}
