/**
 * Transactions of all versions: two producers to a transactional id, who fence each other, forget what they have begun, and
 * commit offsets of groups.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type { Area, Struct, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import type { Step, Value } from '../plan.ts'
import { Pool } from '../pool.ts'
import type { Outcome } from '../side.ts'
import { deleteTopics, filterLists, neverAnswered } from './admin.ts'
import { findCoordinators } from './coordinators.ts'
import { configs, createTopics } from './records.ts'

const IDS = ['~x0', '~x1']
const GROUPS = ['~g0', '~g1']
const TIME = 1_700_000_000_000

interface Identity {
  readonly transactionalId: string
  readonly producerId: string | number
  readonly producerEpoch: number
}

const STRANGER: Identity = { transactionalId: '~x0', producerId: '$producer:0.0', producerEpoch: 0 }

/** Who has been told to be whom; the last one of an id is in order. */
class Identities {
  readonly pool = new Pool()
  #known: Identity[] = []
  readonly #next = new Map<string, number>()

  learn({ api, request }: Step, outcome: Outcome): void {
    this.pool.add(outcome)
    if (typeof outcome === 'string' || outcome.errorCode !== 'NONE') return
    if (api !== 'InitProducerId' && api !== 'EndTxn') return
    const { producerId, producerEpoch } = outcome as Record<string, Value>
    const { transactionalId } = request
    if (typeof transactionalId !== 'string' || producerId === -1) return
    this.#known.push({ transactionalId, producerId: producerId as string, producerEpoch: producerEpoch as number })
  }

  draw(draw: Draw): Identity {
    const id = draw.one(IDS)
    const own = this.#known.filter(({ transactionalId }) => transactionalId === id)
    const known = own.length > 1 && draw.chance(0.2) ? draw.one(own) : (own.at(-1) ?? STRANGER)
    if (!draw.isWild()) return known
    return draw.one([
      { ...known, producerEpoch: known.producerEpoch + draw.one([1, -1]) },
      { ...known, producerId: draw.one([-1, 0, '$producer:0.0']) },
      { ...known, transactionalId: draw.one(['', '~x9', ...IDS]) },
    ])
  }

  sequence({ producerId, producerEpoch }: Identity, place: string, count: number, draw: Draw): number {
    const key = `${producerId} ${producerEpoch} ${place}`
    const due = this.#next.get(key) ?? 0
    if (draw.chance(0.1)) return draw.one([0, due - count, due + 1])
    this.#next.set(key, due + count)
    return due
  }
}

const topicName = (draw: Draw) => draw.of(['~t0', '~t0', '~t1'], ['~never', ''])
const partitionIndex = (draw: Draw) => draw.of([0, 0, 1], [-1, 2])
const groupId = (draw: Draw) => draw.of(GROUPS, [''])

function coordinatorWishes(identities: Identities): Wish[] {
  const asOne = (request: Record<string, Value>, draw: Draw) => ({ ...request, ...identities.draw(draw) })
  const topics = {
    name: topicName,
    'topics[].partitions[]*': partitionIndex,
    'v3AndBelowTopics[].partitions[]*': partitionIndex,
  }
  return [
    {
      api: 'InitProducerId',
      weight: 6,
      settles: 'transactions',
      fields: {
        transactionalId: draw => draw.of(IDS, ['', null]),
        transactionTimeoutMs: draw => draw.of([60_000], [0, -1, 1_000_000_000]),
        producerId: () => -1,
        producerEpoch: () => -1,
      },
      finish: (request, draw) => {
        if (draw.version < 3 || draw.chance(0.6)) return request
        return { ...request, ...identities.draw(draw) }
      },
    },
    {
      api: 'AddPartitionsToTxn',
      weight: 6,
      fields: { ...topics, 'transactions[].topics[].partitions[]*': partitionIndex },
      finish: (request, draw) => {
        if (draw.version >= 4) {
          const transactions = request.transactions as Record<string, Value>[]
          // None of them, and Apache Kafka never answers.
          if (transactions.length === 0) return null
          return { transactions: transactions.slice(0, 1).map(transaction => asOne(transaction, draw)) }
        }
        const { transactionalId, producerId, producerEpoch } = identities.draw(draw)
        return {
          ...request,
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
        }
      },
    },
    { api: 'AddOffsetsToTxn', weight: 3, fields: { groupId }, finish: asOne },
    {
      api: 'TxnOffsetCommit',
      weight: 5,
      fields: {
        groupId,
        generationId: draw => draw.of([-1], [0, 1]),
        memberId: draw => draw.of([''], ['~m']),
        groupInstanceId: draw => draw.of([null], ['~i', '']),
        'topics[].name': topicName,
        partitionIndex,
        committedOffset: draw => draw.of([1, 2, 3], [-1, -2]),
        committedLeaderEpoch: draw => draw.of([-1, 0], [5]),
        committedMetadata: draw => draw.of(['', 'm', null], ['x'.repeat(5000)]),
      },
      finish: asOne,
    },
    {
      api: 'EndTxn',
      weight: 6,
      settles: 'transactions',
      fields: {},
      finish: asOne,
    },
  ]
}

function produceWish(identities: Identities): Wish {
  return {
    api: 'Produce',
    weight: 8,
    fields: {
      acks: draw => draw.of([-1], [1, 0]),
      timeoutMs: () => 5000,
      'topicData[]': () => 1,
      'topicData[].name': topicName,
      'topicData[].topicId': draw => identities.pool.draw('topic', draw, ZERO_UUID),
      'topicData[].partitionData[]': () => 1,
      'topicData[].partitionData[].index': partitionIndex,
      'topicData[].partitionData[].records': () => '',
    },
    finish: (request, draw) => {
      const identity = identities.draw(draw)
      for (const topic of request.topicData as Record<string, Value>[]) {
        for (const partition of topic.partitionData as Record<string, Value>[]) {
          const place = `${topic.name ?? topic.topicId}-${partition.index}`
          const values = ['v'.repeat(draw.random.integer(5))]
          const { producerId, producerEpoch } = identity
          const baseSequence = identities.sequence(identity, place, values.length, draw)
          const isTransactional = producerId !== -1 && draw.of([true], [false])
          const batch = {
            $: 'batch',
            values,
            timestamp: TIME,
            producerId,
            producerEpoch,
            baseSequence,
            isTransactional,
          }
          partition.records = draw.chance(0.05) ? { $: 'batch', values, timestamp: TIME } : batch
        }
      }
      return { ...request, transactionalId: draw.of([identity.transactionalId], [null, ...IDS]) }
    },
  }
}

const STATES = ['Empty', 'Ongoing', 'PrepareCommit', 'CompleteCommit', 'CompleteAbort', 'Dead']

function readWishes(identities: Identities): Wish[] {
  const place = { 'topics[].name': topicName, 'topics[].topic': topicName, partitionIndex, partition: partitionIndex }
  return [
    {
      api: 'DescribeTransactions',
      weight: 4,
      fields: { 'transactionalIds[]*': draw => draw.of(IDS, ['', '~x9']) },
    },
    {
      api: 'ListTransactions',
      weight: 3,
      fields: {
        'stateFilters[]': draw => draw.one([0, 0, 1, 2]),
        'stateFilters[]*': draw => draw.of(STATES, ['', 'ongoing', 'Nope']),
        'producerIdFilters[]': draw => draw.one([0, 0, 1, 2]),
        'producerIdFilters[]*': draw => identities.pool.draw<string | number>('producer', draw, -1),
        durationFilter: draw => draw.of([-1], [0, 1_000_000, -2]),
        transactionalIdPattern: draw => draw.of([null, '~x.*', ''], ['~x0', '[', '.*1']),
      },
    },
    {
      api: 'DescribeProducers',
      weight: 3,
      fields: { ...place, 'topics[].partitionIndexes[]*': partitionIndex },
    },
    ...logWishes(),
    {
      api: 'OffsetFetch',
      weight: 4,
      versions: [1, 9],
      fields: {
        groupId,
        'groups[].groupId': groupId,
        'groups[].memberId': () => null,
        'groups[].memberEpoch': () => -1,
        'topics[]': draw => draw.one([null, 1, 2]),
        'groups[].topics[]': draw => draw.one([null, 1, 2]),
        'topics[].name': topicName,
        'groups[].topics[].name': topicName,
        'topics[].partitionIndexes[]*': partitionIndex,
        'groups[].topics[].partitionIndexes[]*': partitionIndex,
      },
    },
    {
      api: 'WriteTxnMarkers',
      weight: 1,
      fields: {
        'markers[].topics[].name': topicName,
        'markers[].topics[].partitionIndexes[]*': partitionIndex,
        coordinatorEpoch: draw => draw.of([0], [-1, 1]),
        transactionVersion: draw => draw.of([0, 1, 2], [3]),
      },
      finish: (request, draw) => {
        const markers = (request.markers as Record<string, Value>[]).map(marker => {
          const { producerId, producerEpoch } = identities.draw(draw)
          return { ...marker, producerId, producerEpoch }
        })
        // A partition that is there twice is an error that nobody catches in Apache Kafka; of a marker without a producer all
        // others are told, too.
        const places = markers.flatMap(marker => placesOf(marker))
        const areAlike = markers.length < 2 || markers.every(({ producerId }) => producerId !== -1)
        return places.length < 2 && areAlike ? { markers } : null
      },
    },
  ]
}

function placesOf(marker: Record<string, Value>): Value[] {
  return (marker.topics as Record<string, Value>[]).flatMap(topic => [...(topic.partitionIndexes as readonly Value[])])
}

function logWishes(): Wish[] {
  const place = { 'topics[].name': topicName, 'topics[].topic': topicName, partitionIndex, partition: partitionIndex }
  return [
    {
      api: 'ListOffsets',
      weight: 2,
      fields: {
        ...place,
        replicaId: () => -1,
        isolationLevel: draw => draw.of([0, 1]),
        timestamp: draw => BigInt(draw.of([-1, -2, TIME])),
        currentLeaderEpoch: () => -1,
        timeoutMs: () => 5000,
      },
    },
    {
      api: 'Fetch',
      weight: 3,
      versions: [4, 12],
      fields: {
        clusterId: () => null,
        replicaId: () => -1,
        maxWaitMs: () => 0,
        minBytes: () => 0,
        maxBytes: () => 1_000_000,
        sessionEpoch: () => -1,
        sessionId: () => 0,
        'topics[].topic': topicName,
        partition: partitionIndex,
        fetchOffset: draw => draw.of([0, 1, 3]),
        currentLeaderEpoch: () => -1,
        lastFetchedEpoch: () => -1,
        logStartOffset: () => -1,
        partitionMaxBytes: () => 1_000_000,
        'forgottenTopicsData[]': () => 0,
        rackId: () => '',
      },
    },
  ]
}

function transactionsWorld(): World {
  const identities = new Identities()
  const topics = [
    { name: '~t0', numPartitions: 2, replicationFactor: 1, configs: configs({}) },
    { name: '~t1', numPartitions: 1, replicationFactor: 1, configs: configs({}) },
  ]
  return {
    opening: createTopics(topics),
    wishes: [...coordinatorWishes(identities), produceWish(identities), ...readWishes(identities)],
    learn: (step, outcome) => identities.learn(step, outcome),
  }
}

function filter(step: Step, answer: Struct, prefix: string): Struct {
  if (step.api === 'ListTransactions') {
    const states = answer.transactionStates as { transactionalId: string }[]
    answer.transactionStates = states.filter(({ transactionalId }) => transactionalId.startsWith(prefix))
  }
  return filterLists(step, answer, prefix)
}

export const transactions: Area = {
  name: 'transactions',
  length: 40,
  world: transactionsWorld,
  prepare: findCoordinators,
  filter,
  excused: neverAnswered,
  cleanUp: deleteTopics,
}
