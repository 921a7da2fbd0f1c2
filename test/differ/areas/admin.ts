/**
 * Topics, their configs and records, and the rest of what administrators ask for. Nothing that would be known to other runs
 * is changed: features are only validated, and default quotas left alone.
 */
import { ZERO_UUID } from '@ottla/protocol'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { Asker } from '../../interop/prober.ts'
import type { Area, Struct, Wish, World } from '../area.ts'
import type { Draw } from '../draw.ts'
import { type Step, show, type Value } from '../plan.ts'
import { Pool } from '../pool.ts'
import type { Outcome } from '../side.ts'

const DELETE = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const METADATA = { request: MetadataRequest, response: MetadataResponse }

const TOPICS = ['~t0', '~t1', '~t2', '~t3']
const WILD_TOPICS = ['', '.', '..', 'a/b', '~t.0', '~t_0', 'x'.repeat(250), '~never']
const PARTITIONS = [0, 0, 1]
const WILD_PARTITIONS = [-1, 2, 3, 1000]

export const topicName = (draw: Draw) => draw.of(TOPICS, WILD_TOPICS)
export const partitionIndex = (draw: Draw) => draw.of(PARTITIONS, WILD_PARTITIONS)
const timeoutMs = (draw: Draw) => draw.of([5000], [0, -1])

const CONFIGS: Readonly<Record<string, readonly (string | null)[]>> = {
  'retention.ms': ['1000', '-1', '0', '-2', 'x', '', '9223372036854775807', '9223372036854775808'],
  'cleanup.policy': [
    'compact',
    'delete',
    'compact,delete',
    'delete,delete',
    '',
    'other',
    ' delete ',
    'delete, compact',
  ],
  'max.message.bytes': ['100', '1000000', '-1', '1.5', ' 7 ', '0'],
  'min.insync.replicas': ['1', '2', '0', '-1'],
  'segment.bytes': ['1048576', '1000', '1', '2147483647', '2147483648'],
  'compression.type': ['gzip', 'producer', 'uncompressed', 'GZIP', 'none'],
  'message.timestamp.type': ['CreateTime', 'LogAppendTime', 'createtime'],
  preallocate: ['true', 'false', 'TRUE', 'yes'],
  'min.cleanable.dirty.ratio': ['0.5', '1', '1.1', '-0.1', 'NaN', '5e-1'],
  'leader.replication.throttled.replicas': ['*', '0:1', '0:1,1:1', 'x', ''],
  'compression.gzip.level': ['1', '-1', '0', '10'],
  'local.retention.ms': ['-2', '1000', '-1', '-3'],
  'remote.storage.enable': ['false', 'true'],
  'flush.messages': ['1', '0'],
}
const NO_CONFIGS = ['nope', '', 'message.format.version', 'log.retention.ms', 'retention.ms ']

const configName = (draw: Draw) => draw.of(Object.keys(CONFIGS), NO_CONFIGS)

/** A value that belongs to the name, more or less. */
function configValue(name: Value | undefined, draw: Draw): string | null {
  if (draw.isWild()) return draw.one([null, '', 'x', '1'])
  const values = CONFIGS[name as string] ?? ['x']
  return draw.chance(0.6) ? values[0]! : draw.one(values)
}

const TYPES = [2, 2, 2, 2, 4, 16, 32]
const WILD_TYPES = [0, 1, 3, 8, 64, -1]

/** Names that nobody knows, but for whom they are set. */
const OWN_BROKER_CONFIGS = ['~.a', '~.a', '~.b', 'listener.name.plaintext.~.c', 'listener.name.~.ssl.keystore.type']

/** What the resources of each type are called, and their configs. */
function fillResource(resource: Record<string, Value>, draw: Draw): void {
  const configs = resource.configs as Record<string, Value>[]
  const groupConfigs = [
    'consumer.session.timeout.ms',
    'share.auto.offset.reset',
    'streams.num.standby.replicas',
    'nope',
  ]
  const metricConfigs = ['interval.ms', 'metrics', 'match', 'nope']
  const values: Record<string, readonly (string | null)[]> = {
    'consumer.session.timeout.ms': ['45000', '50000', '1', 'x'],
    'share.auto.offset.reset': ['earliest', 'latest', 'by_duration:PT1H', 'x'],
    'streams.num.standby.replicas': ['1', '2', '3', '-1'],
    'interval.ms': ['1000', '1', '99', '3600001', 'x'],
    metrics: ['org.apache', '', 'a,b', '*'],
    match: ['client_id=x', 'client_software_name=a.*', 'x', 'client_id=[', ''],
  }
  switch (resource.resourceType) {
    case 2:
      resource.resourceName = topicName(draw)
      for (const config of configs ?? []) config.value = configValue(config.name, draw)
      break
    case 4:
      // Of the broker, of all brokers: only what can't be set, and names of the run's own, so that runs stay apart.
      resource.resourceName = draw.of(['1', '1', ''], ['2', 'x', '-1'])
      for (const config of configs ?? []) {
        config.name = draw.one(['node.id', 'log.dirs', ...OWN_BROKER_CONFIGS])
        config.value = draw.of<string | null>(['x', 'y'], ['', null])
      }
      break
    case 16:
    case 32:
      resource.resourceName = draw.of(['~r0', '~r1'], [''])
      for (const config of configs ?? []) {
        config.name = draw.one(resource.resourceType === 16 ? metricConfigs : groupConfigs)
        config.value = draw.isWild() ? null : draw.one(values[config.name] ?? ['x'])
      }
      break
    default:
      resource.resourceName = draw.one(['', '~x', '1'])
  }
}

function fillResources(request: Record<string, Value>, draw: Draw): Record<string, Value> {
  for (const resource of (request.resources ?? []) as Record<string, Value>[]) fillResource(resource, draw)
  return request
}

const COUNTS = [1, 1, 2, 3]

function topicWishes(): Wish[] {
  const create: Wish = {
    api: 'CreateTopics',
    weight: 10,
    settles: 'metadata',
    fields: {
      'topics[].name': topicName,
      'topics[].numPartitions': draw => draw.of([1, 2, 2], [-1, 0, -2, 3]),
      'topics[].replicationFactor': draw => draw.of([1, -1], [0, 2, -2]),
      'topics[].assignments[]': draw => draw.of([0, 0, 0, 0, 1, 2], [3]),
      'topics[].assignments[].partitionIndex': draw => draw.of([0, 1], [-1, 2]),
      'topics[].assignments[].brokerIds[]': draw => draw.of([1], [0, 2]),
      'topics[].assignments[].brokerIds[]*': draw => draw.of([1], [-1, 0, 2]),
      'topics[].configs[]': draw => draw.of([0, 0, 1, 2]),
      'topics[].configs[].name': configName,
      timeoutMs,
      validateOnly: draw => draw.chance(0.15),
    },
    finish: (request, draw) => {
      for (const topic of request.topics as Record<string, Value>[]) {
        for (const config of topic.configs as Record<string, Value>[]) config.value = configValue(config.name, draw)
        const assignments = topic.assignments as Record<string, Value>[]
        if (assignments.length === 0 || draw.isWild()) continue
        topic.numPartitions = -1
        topic.replicationFactor = -1
        if (!draw.isWild()) for (const [i, assignment] of assignments.entries()) assignment.partitionIndex = i
      }
      return request
    },
  }
  const grow: Wish = {
    api: 'CreatePartitions',
    weight: 5,
    settles: 'metadata',
    fields: {
      'topics[].name': topicName,
      'topics[].count': draw => draw.of(COUNTS, [0, -1, 4]),
      'topics[].assignments[]': draw => (draw.chance(0.7) ? null : draw.one([0, 1, 1, 2])),
      'topics[].assignments[].brokerIds[]': draw => draw.of([1], [0, 2]),
      'topics[].assignments[].brokerIds[]*': draw => draw.of([1], [-1, 0, 2]),
      timeoutMs,
      validateOnly: draw => draw.chance(0.2),
    },
  }
  return [create, grow]
}

function deleteWish(pool: Pool): Wish {
  return {
    api: 'DeleteTopics',
    weight: 4,
    settles: 'metadata',
    fields: {
      'topicNames[]*': topicName,
      timeoutMs,
      'topics[].name': draw => (draw.chance(0.5) ? topicName(draw) : null),
      'topics[].topicId': draw => (draw.isWild() ? pool.draw('topic', draw, ZERO_UUID) : ZERO_UUID),
    },
    finish: (request, draw) => {
      for (const topic of (request.topics ?? []) as Record<string, Value>[]) {
        if (topic.name === null && !draw.isWild()) topic.topicId = pool.draw('topic', draw, '$topic:0.0')
      }
      return request
    },
  }
}

function configWishes(): Wish[] {
  const resources = {
    'resources[].resourceType': (draw: Draw) => draw.of(TYPES, WILD_TYPES),
    'resources[].configs[].name': configName,
    validateOnly: (draw: Draw) => draw.chance(0.2),
  }
  return [
    { api: 'AlterConfigs', weight: 3, settles: 'metadata', fields: resources, finish: fillResources },
    {
      api: 'IncrementalAlterConfigs',
      weight: 8,
      settles: 'metadata',
      fields: {
        ...resources,
        'resources[].configs[].configOperation': draw => draw.of([0, 0, 0, 1, 2, 3]),
      },
      finish: fillResources,
    },
    {
      api: 'DescribeConfigs',
      weight: 5,
      fields: {
        'resources[].resourceType': draw => draw.of(TYPES, WILD_TYPES),
        'resources[].configurationKeys': draw =>
          draw.chance(0.3)
            ? null
            : [configName(draw), draw.one(['nope', 'retention.ms', 'log.retention.ms', 'node.id'])],
      },
      finish: (request, draw) => {
        fillResources(request, draw)
        for (const resource of request.resources as Record<string, Value>[]) {
          const isTopic = resource.resourceType === 2
          const others = ['consumer.session.timeout.ms', 'interval.ms', 'message.max.bytes']
          if (!isTopic) resource.configurationKeys = [...others, ...OWN_BROKER_CONFIGS]
        }
        return request
      },
    },
    {
      api: 'ListConfigResources',
      weight: 2,
      fields: { 'resourceTypes[]*': draw => draw.of([2, 16, 32, 4], [0, 8, 100, -1]) },
    },
  ]
}

function readWishes(pool: Pool): Wish[] {
  const topicAndPartition = {
    'topics[].name': topicName,
    'topics[].topic': topicName,
    partitionIndex,
    partition: partitionIndex,
  }
  return [
    {
      api: 'Metadata',
      weight: 5,
      fields: {
        'topics[].name': draw => (draw.isWild() ? null : topicName(draw)),
        'topics[].topicId': draw => (draw.chance(0.3) ? pool.draw('topic', draw, '$topic:0.0') : ZERO_UUID),
        allowAutoTopicCreation: draw => draw.version < 4 || draw.chance(0.5),
      },
      finish: (request, draw) => {
        for (const topic of (request.topics ?? []) as Record<string, Value>[]) {
          if (topic.topicId !== undefined && topic.topicId !== ZERO_UUID && !draw.isWild()) topic.name = null
        }
        return request
      },
    },
    {
      api: 'DescribeTopicPartitions',
      weight: 4,
      fields: {
        'topics[].name': topicName,
        responsePartitionLimit: draw => draw.of([2000, 1, 2], [0, -1]),
        cursor: draw =>
          draw.chance(0.6) ? null : { topicName: topicName(draw), partitionIndex: draw.of([0, 1], [-1, 5]) },
      },
      // All of the cluster's are other runs' as well.
      finish: request => ((request.topics as Value[]).length === 0 ? null : request),
    },
    {
      api: 'ListOffsets',
      weight: 4,
      fields: {
        ...topicAndPartition,
        replicaId: draw => draw.of([-1], [-2, 1, 0, -3]),
        isolationLevel: draw => draw.of([0, 1], [2, -1]),
        currentLeaderEpoch: draw => draw.of([-1, 0], [1, -2]),
        timestamp: draw => BigInt(draw.of([-1, -2, 0, -3], [-4, -5, -6, -7, 5])),
        timeoutMs,
      },
    },
    {
      api: 'OffsetForLeaderEpoch',
      weight: 3,
      fields: {
        ...topicAndPartition,
        replicaId: draw => draw.of([-1, -2], [1, 0]),
        currentLeaderEpoch: draw => draw.of([-1, 0], [1, -2]),
        leaderEpoch: draw => draw.of([0], [-1, 1, -2]),
      },
    },
    {
      api: 'DeleteRecords',
      weight: 3,
      fields: { ...topicAndPartition, offset: draw => draw.of([0, -1], [1, -2]), timeoutMs },
    },
    { api: 'DescribeLogDirs', weight: 2, fields: { ...topicAndPartition, 'topics[].partitions[]*': partitionIndex } },
    { api: 'DescribeCluster', weight: 1, fields: { endpointType: draw => draw.of([1], [2, 0, 3]) } },
    {
      api: 'DescribeProducers',
      weight: 1,
      fields: { ...topicAndPartition, 'topics[].partitionIndexes[]*': partitionIndex },
    },
  ]
}

function moveWishes(): Wish[] {
  const indexes = partitionIndex
  return [
    {
      api: 'ElectLeaders',
      weight: 3,
      settles: 'metadata',
      fields: {
        electionType: draw => draw.of([0, 1], [2, -1]),
        'topicPartitions[].topic': topicName,
        'topicPartitions[].partitions[]*': indexes,
        timeoutMs,
      },
      // All partitions of the cluster are other runs' as well.
      finish: request => (request.topicPartitions === null ? null : request),
    },
    {
      api: 'AlterPartitionReassignments',
      weight: 3,
      settles: 'metadata',
      fields: {
        'topics[].name': topicName,
        'topics[].partitions[].partitionIndex': indexes,
        'topics[].partitions[].replicas': draw => draw.of([[1], null], [[], [1, 1], [2], [1, 2], [-1]]),
        timeoutMs,
      },
    },
    {
      api: 'ListPartitionReassignments',
      weight: 1,
      fields: { 'topics[].name': topicName, 'topics[].partitionIndexes[]*': indexes, timeoutMs },
    },
  ]
}

const ENTITY_TYPES = ['user', 'client-id', 'user', 'client-id', 'ip']

function quotaWishes(): Wish[] {
  const entityName = (draw: Draw) => draw.of(['~u0', '~u1'], ['', '127.0.0.9', 'no such host'])
  const fixIp = (entities: readonly Record<string, Value>[], field: string, draw: Draw) => {
    for (const entity of entities)
      if (entity.entityType === 'ip' && !draw.isWild()) entity[field] = draw.one(['10.9.8.7', '10.9.8.6'])
  }
  return [
    {
      api: 'AlterClientQuotas',
      weight: 4,
      settles: 'metadata',
      fields: {
        'entries[].entity[]': draw => draw.of([1, 1, 2], [0, 3]),
        entityType: draw => draw.of(ENTITY_TYPES, ['', 'group', 'USER']),
        entityName,
        key: draw =>
          draw.of(
            ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate'],
            ['connection_creation_rate', 'nope', ''],
          ),
        value: draw => draw.of([1000, 2000.5], [0, -1, 0.5, 1e30]),
        remove: draw => draw.chance(0.25),
        validateOnly: draw => draw.chance(0.2),
      },
      finish: (request, draw) => {
        for (const entry of request.entries as Record<string, Value>[]) {
          const entity = entry.entity as Record<string, Value>[]
          fixIp(entity, 'entityName', draw)
          // An ip's quotas would stay for the next run.
          if (entity.some(({ entityType }) => entityType === 'ip')) request.validateOnly = true
        }
        return request
      },
    },
    {
      api: 'DescribeClientQuotas',
      weight: 4,
      fields: {
        'components[].entityType': draw => draw.of(ENTITY_TYPES, ['', 'group']),
        'components[].matchType': draw => draw.of([0, 0, 2, 1], [3, -1]),
        'components[].match': draw => draw.of(['~u0', '~u1'], [null]),
      },
      finish: (request, draw) => {
        const components = request.components as Record<string, Value>[]
        for (const component of components) if (component.matchType !== 0 && !draw.isWild()) component.match = null
        return request
      },
    },
  ]
}

function userWishes(): Wish[] {
  const name = (draw: Draw) => draw.of(['~u0', '~u1'], ['', '~u2'])
  const mechanism = (draw: Draw) => draw.of([1, 2], [0, 3, -1])
  return [
    {
      api: 'AlterUserScramCredentials',
      weight: 3,
      settles: 'metadata',
      fields: {
        name,
        mechanism,
        'deletions[]': draw => draw.one([0, 0, 1, 2]),
        iterations: draw => draw.of([4096, 8192], [0, -1, 4095, 16384, 16385]),
        salt: draw => ({ $: 'text', text: draw.of(['salt'], ['']) }),
        saltedPassword: draw => ({ $: 'text', text: draw.of(['password'], ['']) }),
      },
    },
    {
      api: 'DescribeUserScramCredentials',
      weight: 3,
      fields: { 'users[].name': name },
    },
    {
      api: 'UpdateFeatures',
      weight: 2,
      fields: {
        'featureUpdates[].feature': draw =>
          draw.of(
            ['metadata.version', 'group.version', 'transaction.version', 'share.version', 'streams.version'],
            ['kraft.version', 'eligible.leader.replicas.version', 'nope', ''],
          ),
        maxVersionLevel: draw => draw.of([0, 1, 2, 7, 29, 30], [-1, 100]),
        upgradeType: draw => draw.of([1, 2, 3], [0, 4]),
        timeoutMs,
        validateOnly: () => true,
      },
      finish: (request, draw) => {
        if (draw.version === 0)
          for (const update of request.featureUpdates as Record<string, Value>[]) update.feature = 'nope'
        return request
      },
    },
  ]
}

function adminWorld(): World {
  const pool = new Pool()
  const wishes = [
    ...topicWishes(),
    deleteWish(pool),
    ...configWishes(),
    ...readWishes(pool),
    ...moveWishes(),
    ...quotaWishes(),
    ...userWishes(),
  ]
  const topics = [{ name: '~t0', numPartitions: 2, replicationFactor: 1 }]
  const create = { api: 'CreateTopics', version: 7, client: 'c0', request: { topics, timeoutMs: 5000 } } as const
  return { opening: [{ ...create, settles: 'metadata' }], wishes, learn: (_, outcome) => pool.add(outcome) }
}

/** Lists of everything also have what other runs have made. */
const LISTS: Readonly<Record<string, (answer: Struct, isOwn: (element: unknown) => boolean) => void>> = {
  Metadata: (answer, isOwn) => keep(answer, 'topics', isOwn),
  DescribeTopicPartitions: (answer, isOwn) => keep(answer, 'topics', isOwn),
  ListConfigResources: (answer, isOwn) => keep(answer, 'configResources', isOwn),
  DescribeClientQuotas: (answer, isOwn) => keep(answer, 'entries', isOwn),
  DescribeUserScramCredentials: (answer, isOwn) => keep(answer, 'results', isOwn),
  // Which partitions of a topic stand together follows from the order in which they are told.
  Fetch: answer => {
    const merged = new Map<string, Struct & { partitions: unknown[] }>()
    for (const topic of answer.responses as (Struct & { partitions: unknown[] })[]) {
      const same = merged.get(`${topic.topic}${topic.topicId}`)
      if (same) same.partitions.push(...topic.partitions)
      else merged.set(`${topic.topic}${topic.topicId}`, topic)
    }
    answer.responses = [...merged.values()]
  },
  DescribeLogDirs: (answer, isOwn) => {
    for (const folder of answer.results as Struct[]) keep(folder, 'topics', isOwn)
  },
}

function keep(answer: Struct, name: string, isOwn: (element: unknown) => boolean): void {
  if (answer[name]) answer[name] = (answer[name] as unknown[]).filter(isOwn)
}

/** What bears the run's prefix, or has been asked for by its name. */
export function filterLists(step: Step, answer: Struct, prefix: string): Struct {
  const asked = show(step.request)
  const isOwn = (element: unknown) => {
    if (show(element).includes(prefix)) return true
    const { name, topic, user } = element as Record<string, string | undefined>
    const called = name ?? topic ?? user
    return called !== undefined && asked.includes(`"${called}"`)
  }
  LISTS[step.api]?.(answer, isOwn)
  return answer
}

/** Deletes the topics of a run. */
export async function deleteTopics(bootstrap: string, prefix: string): Promise<void> {
  const asker = new Asker('differ', bootstrap)
  try {
    const { topics } = await asker.ask(METADATA, 12, { topics: null, allowAutoTopicCreation: false })
    const own = topics.filter(({ name }) => name?.startsWith(prefix)).map(({ name }) => ({ name, topicId: ZERO_UUID }))
    if (own.length > 0) await asker.ask(DELETE, 6, { topics: own, timeoutMs: 5000 })
  } finally {
    asker.end()
  }
}

/** Requests that make Apache Kafka throw where nobody catches it: whoever asked waits for ever. */
const NEVER_ANSWERED = ['AlterConfigs', 'WriteTxnMarkers', 'AddPartitionsToTxn']

export function neverAnswered({ api }: Step, kafka: Outcome): string | undefined {
  return kafka === 'no answer' && NEVER_ANSWERED.includes(api) ? `Apache Kafka never answers ${api}` : undefined
}

export const admin: Area = {
  name: 'admin',
  length: 30,
  world: adminWorld,
  filter: filterLists,
  excused: neverAnswered,
  cleanUp: deleteTopics,
}
