/** `kafka-topics`: create, list, describe, alter, delete. What goes wrong at the broker is told on stdout, as Java's does. */
import {
  type Cluster,
  type ConfigEntry,
  ConfigSource,
  createPartitions,
  createTopic,
  deleteTopics,
  describeManyConfigs,
  describeTopics,
  describeTopicsById,
  KafkaError,
  listReassignments,
  listTopics,
  type PartitionDescription,
  partitionName,
  type Reassignment,
  ResourceType,
  type TopicDescription,
  UnsupportedVersionError,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { type ParsedOptions, UsageError } from './options.ts'
import { isInternalTopic, topicFilter } from './topic-filter.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'command-config': COMMAND_CONFIG,
  list: { about: 'List topics.' },
  create: { about: 'Create a topic.' },
  delete: { about: 'Delete topics.' },
  alter: { about: 'Give topics more partitions. (kafka-configs alters their configs.)' },
  describe: { about: 'Show partitions with leaders, replicas and in-sync replicas.' },
  topic: { about: 'Its name; a regular expression for all but --create.', value: 'topic' },
  'topic-id': { about: 'Its id, for --describe.', value: 'id' },
  config: { about: 'A topic config, with --create; may be given again.', value: 'name=value' },
  'delete-config': { about: 'Has no effect since Kafka 4.0.', value: 'name' },
  partitions: { about: "How many in all; the cluster's num.partitions if left out with --create.", value: 'count' },
  'replication-factor': { about: "Copies of each partition; the cluster's default if left out.", value: 'count' },
  'replica-assignment': {
    about: 'Brokers by partition: 1:2,2:3 are two partitions on two brokers each.',
    value: 'list',
  },
  'under-replicated-partitions': { about: 'With --describe: only where a replica is behind.' },
  'unavailable-partitions': { about: 'With --describe: only without a leader.' },
  'under-min-isr-partitions': { about: 'With --describe: only with fewer in sync than min.insync.replicas.' },
  'at-min-isr-partitions': { about: 'With --describe: only with as many in sync as min.insync.replicas.' },
  'topics-with-overrides': { about: 'With --describe: only topics with configs of their own.' },
  'if-exists': { about: 'With --alter, --delete, --describe: no error if there is no such topic.' },
  'if-not-exists': { about: 'With --create: no error if it is there.' },
  'exclude-internal': { about: "With --list, --describe: without the cluster's own." },
  'partition-size-limit-per-response': { about: 'Partitions that one answer describes at most.', value: 'count' },
} as const
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const ACTIONS = ['alter', 'create', 'delete', 'describe', 'list'] as const
const REPORTS = [
  'under-replicated-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
  'unavailable-partitions',
] as const
const USE_KAFKA_CONFIGS = ' (To alter topic configurations, the kafka-configs tool can be used.)'
const MAX_REPLICATION_FACTOR = 32_767
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export const kafkaTopics = joptTool<typeof OPTIONS>({
  name: 'kafka-topics',
  about: 'This tool helps to create, delete, describe, or change a topic.',
  options: OPTIONS,
  async run(options, context) {
    check(options, context)
    try {
      const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
      await context.withCluster(where, firstCall(options), cluster => act(options, cluster, context))
    } catch (error) {
      context.tell('Error while executing topic command', error)
    }
  },
})

function firstCall(options: Parsed): string {
  return options.has('create') ? 'createTopics' : 'listTopics'
}

function check(options: Parsed, context: ToolContext): void {
  if (options.count(...ACTIONS) !== 1)
    throw new UsageError('Command must include exactly one action: --list, --describe, --create, --alter or --delete')
  if (options.has('delete-config'))
    context.complain(
      'delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.',
    )
  if (!options.has('bootstrap-server')) throw new ToolError('--bootstrap-server must be specified')
  if (options.has('describe') && options.has('if-exists')) {
    if (options.count('topic', 'topic-id') === 0)
      throw new UsageError('--topic or --topic-id is required to describe a topic')
    if (options.count('topic', 'topic-id') === 2)
      context.print(
        'Only topic id will be used when both --topic and --topic-id are specified and topicId is not Uuid.ZERO_UUID',
      )
  }
  if (options.count('list', 'describe') === 0) options.required('topic')
  if (options.has('alter')) {
    if (options.has('config'))
      throw new UsageError(
        `Option combination "[[bootstrap-server], [config]]" can't be used with option "[alter]"${USE_KAFKA_CONFIGS}`,
      )
    options.required('partitions')
  }
  checkCompany(options)
}

function checkCompany(options: Parsed): void {
  const without = (...allowed: readonly string[]) => ACTIONS.filter(action => !allowed.includes(action))
  options.not('config', ...without('alter', 'create'))
  options.not('partitions', ...without('alter', 'create'))
  options.not('replication-factor', ...without('create'))
  options.not('replica-assignment', ...without('alter', 'create'))
  if (options.has('create')) options.not('replica-assignment', 'partitions', 'replication-factor')
  for (const report of REPORTS) options.not(report, ...without('describe'), 'topics-with-overrides')
  options.not('topics-with-overrides', ...without('describe'), ...REPORTS)
  options.not('if-exists', ...without('alter', 'delete', 'describe'))
  options.not('if-not-exists', ...without('create'))
  options.not('exclude-internal', ...without('list', 'describe'))
}

async function act(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  if (options.has('create')) await create(options, cluster, context)
  else if (options.has('alter')) await alter(options, cluster)
  else if (options.has('list')) context.print((await topicNames(options, cluster)).join('\n'))
  else if (options.has('describe')) await describe(options, cluster, context)
  else await remove(options, cluster)
}

/** Of partitions in order; all have the same number of replicas. */
function parseAssignment(text: string | null): number[][] {
  if (!text) return []
  const partitions = text.split(',').map(list =>
    list.split(':').map(part => {
      if (!/^[+-]?\d+$/.test(part.trim())) throw new ToolError(`For input string: "${part.trim()}"`)
      return Number(part)
    }),
  )
  partitions.forEach((brokers, i) => {
    const twice = [...new Set(brokers.filter((id, at) => brokers.indexOf(id) !== at))]
    if (twice.length > 0)
      throw new ToolError(`Partition replica lists may not contain duplicate entries: ${twice.join(',')}`)
    if (brokers.length !== partitions[0]!.length)
      throw new ToolError(`Partition ${i} has different replication factor: [${brokers.join(', ')}]`)
  })
  return partitions
}

function parseConfigs(pairs: readonly string[]): Map<string, string> {
  const parsed = pairs.map(pair => pair.split(/\s*=\s*/))
  // As Java's split has it, an empty end is no part.
  for (const parts of parsed) while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  if (parsed.some(parts => parts.length !== 2))
    throw new ToolError(
      'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
    )
  return new Map(parsed.map(([key, value]) => [key!.trim(), value!.trim()]))
}

interface Wanted {
  readonly name: string
  readonly partitions: number | null
  readonly replicationFactor: number | null
  readonly assignments: number[][]
  readonly configs: Map<string, string>
}

function wanted(options: Parsed): Wanted {
  return {
    name: options.text('topic')!,
    partitions: options.int('partitions'),
    replicationFactor: options.int('replication-factor'),
    assignments: parseAssignment(options.text('replica-assignment')),
    configs: parseConfigs(options.texts('config')),
  }
}

async function create(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const { name, partitions, replicationFactor, assignments, configs } = wanted(options)
  if (/[._]/.test(name))
    context.print(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
    )
  if (replicationFactor !== null && (replicationFactor > MAX_REPLICATION_FACTOR || replicationFactor < 1))
    throw new ToolError(`The replication factor must be between 1 and ${MAX_REPLICATION_FACTOR} inclusive`)
  if (partitions !== null && partitions < 1) throw new ToolError('The partitions must be greater than 0')
  try {
    const counts = { partitions: partitions ?? -1, replicationFactor: replicationFactor ?? -1 }
    await createTopic(cluster, { name, ...counts, assignments, configs })
  } catch (error) {
    const isThere = error instanceof KafkaError && error.code === 'TOPIC_ALREADY_EXISTS'
    if (isThere && options.has('if-not-exists')) return
    throw error
  }
  context.print(`Created topic ${name}.`)
}

async function topicNames(options: Parsed, cluster: Cluster): Promise<string[]> {
  const excludeInternal = options.has('exclude-internal')
  const names = (await listTopics(cluster, null)).map(({ name }) => name ?? '')
  const asked = options.text('topic')
  if (asked === null) return names.filter(name => !(excludeInternal && isInternalTopic(name)))
  const isAsked = topicFilter(asked)
  return names.filter(name => isAsked(name, excludeInternal))
}

/** Throws if there has to be one. */
async function existingTopics(options: Parsed, cluster: Cluster): Promise<string[]> {
  const names = await topicNames(options, cluster)
  const asked = options.text('topic')
  if (asked && names.length === 0 && !options.has('if-exists'))
    throw new ToolError(`Topic '${asked}' does not exist as expected`)
  return names
}

async function alter(options: Parsed, cluster: Cluster): Promise<void> {
  const { partitions, assignments } = wanted(options)
  const names = await existingTopics(options, cluster)
  if (names.length === 0) return
  const known = assignments.length > 0 ? await describeTopics(cluster, names) : new Map()
  const topics = names.map(name => {
    const description = known.get(name)
    if (description instanceof KafkaError) throw description
    const there = description?.partitions.length ?? 0
    return { name, count: partitions!, ...(description ? { assignments: assignments.slice(there) } : {}) }
  })
  for (const refused of (await createPartitions(cluster, topics)).values()) if (refused) throw refused
}

async function remove(options: Parsed, cluster: Cluster): Promise<void> {
  const names = await existingTopics(options, cluster)
  if (names.length === 0) return
  for (const refused of (await deleteTopics(cluster, names)).values()) if (refused) throw refused
}

async function describedTopics(options: Parsed, cluster: Cluster): Promise<TopicDescription[]> {
  const id = options.text('topic-id')
  let found: Map<string, TopicDescription | KafkaError>
  if (id !== null && id !== ZERO_ID) {
    const ids = (await listTopics(cluster, null))
      .filter(({ name }) => !(options.has('exclude-internal') && isInternalTopic(name ?? '')))
      .map(({ topicId }) => topicId)
    if (!ids.includes(id) && !options.has('if-exists'))
      throw new ToolError(`TopicId '${id}' does not exist as expected`)
    found = await describeTopicsById(cluster, ids.includes(id) ? [id] : [])
  } else {
    const names = await existingTopics(options, cluster)
    found = await describeTopics(cluster, names, options.int('partition-size-limit-per-response') ?? undefined)
  }
  const all = [...found.values()].map(topic => {
    if (topic instanceof KafkaError) throw topic
    return topic
  })
  return hashOrder(all, ({ name }) => stringHash(name), true)
}

async function describe(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const topics = await describedTopics(options, cluster)
  const configs = await describeManyConfigs(
    cluster,
    ResourceType.topic,
    topics.map(({ name }) => name),
  )
  const live = new Set(await cluster.brokerIds())
  const reassignments = await ongoing(cluster)
  const isReport = options.count(...REPORTS) > 0
  for (const topic of topics) {
    const own = configs.get(topic.name)
    if (!own || own instanceof KafkaError) throw own ?? new KafkaError(3, `topic '${topic.name}'`)
    const ofPartition = (partition: number) => reassignments.get(partitionName({ topic: topic.name, partition }))
    const ordered = hashOrder(own, config => stringHash(config.name))
    const overrides = ordered.filter(({ configSource }) => configSource !== ConfigSource.default)
    if (!isReport && (!options.has('topics-with-overrides') || overrides.length > 0))
      context.print(headLine(topic, overrides, ofPartition(topic.partitions[0]?.partition ?? 0)))
    if (options.has('topics-with-overrides')) continue
    for (const partition of topic.partitions) {
      const moving = ofPartition(partition.partition)
      if (!isReport || isReported(options, partition, own, moving, live))
        context.print(partitionLine(topic.name, partition, moving))
    }
  }
}

async function ongoing(cluster: Cluster): Promise<Map<string, Reassignment>> {
  try {
    return new Map((await listReassignments(cluster)).map(one => [partitionName(one), one]))
  } catch (error) {
    const isForbidden = error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED'
    if (isForbidden || error instanceof UnsupportedVersionError) return new Map()
    throw error
  }
}

/** Of a partition that is on the move, those that it had before. */
function replicationFactor(partition: PartitionDescription, moving: Reassignment | undefined): number {
  const changing = new Set([...(moving?.adding ?? []), ...(moving?.removing ?? [])])
  const isMoving = moving && partition.replicas.some(id => changing.has(id))
  return isMoving ? moving.replicas.length - moving.adding.length : partition.replicas.length
}

function headLine(
  topic: TopicDescription,
  overrides: readonly ConfigEntry[],
  moving: Reassignment | undefined,
): string {
  const first = topic.partitions[0]
  const parts = [
    `Topic: ${topic.name}`,
    ...(topic.id ? [`TopicId: ${topic.id}`] : []),
    `PartitionCount: ${topic.partitions.length}`,
    `ReplicationFactor: ${first ? replicationFactor(first, moving) : 0}`,
    `Configs: ${overrides.map(({ name, value }) => `${name}=${value}`).join(',')}`,
  ]
  return parts.join('\t')
}

function partitionLine(topic: string, partition: PartitionDescription, moving: Reassignment | undefined): string {
  const { leader, replicas, isr, elr, lastKnownElr } = partition
  const parts = [
    `\tTopic: ${topic}`,
    `Partition: ${partition.partition}`,
    `Leader: ${leader ?? 'none'}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${isr.join(',')}`,
    ...(moving
      ? [`Adding Replicas: ${moving.adding.join(',')}`, `Removing Replicas: ${moving.removing.join(',')}`]
      : []),
    `Elr: ${elr?.join(',') ?? 'N/A'}`,
    `LastKnownElr: ${lastKnownElr?.join(',') ?? 'N/A'}`,
  ]
  return parts.join('\t')
}

function isReported(
  options: Parsed,
  partition: PartitionDescription,
  configs: readonly ConfigEntry[],
  moving: Reassignment | undefined,
  live: ReadonlySet<number>,
): boolean {
  const { leader, isr } = partition
  const minIsr = Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1)
  return (
    (options.has('under-replicated-partitions') && replicationFactor(partition, moving) > isr.length) ||
    (options.has('unavailable-partitions') && (leader === null || !live.has(leader))) ||
    (options.has('under-min-isr-partitions') && (leader === null || isr.length < minIsr)) ||
    (options.has('at-min-isr-partitions') && isr.length === minIsr)
  )
}
