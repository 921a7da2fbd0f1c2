/** `kafka-get-offsets`: offsets of partitions by time, `topic:partition:offset` a line. */
import {
  type Cluster,
  describeTopics,
  findOffsets,
  KafkaError,
  listTopics,
  partitionName,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { isExpected, messageOf, ToolError, textOf } from './java/errors.ts'
import { OptionError, type ParsedOptions, UsageError } from './options.ts'
import { isInternalTopic, topicFilter } from './topic-filter.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'topic-partitions': {
    about:
      'Patterns, separated by commas: a regular expression, and after a colon a partition, or a range as 0-3, 5- or -3.',
    value: 'topic1:1,topic2:0-3,topic3',
  },
  topic: { about: 'A topic, or a regular expression.', value: 'topic' },
  partitions: { about: 'Only these, separated by commas.', value: 'partition ids' },
  time: {
    about:
      'Which offset: latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4), latest-tiered (-5), earliest-pending-upload (-6), or of the first record that is not older than these milliseconds since 1970.',
    value: 'time',
    default: 'latest',
  },
  'command-config': COMMAND_CONFIG,
  'exclude-internal-topics': { about: "Without the cluster's own topics." },
} as const
type Parsed = ParsedOptions<keyof typeof OPTIONS>
type Filter = (topic: string, partition?: number) => boolean

const TIMES: Readonly<Record<string, bigint>> = {
  latest: Timestamp.latest,
  earliest: Timestamp.earliest,
  'max-timestamp': Timestamp.maxTimestamp,
  'earliest-local': Timestamp.earliestLocal,
  'latest-tiered': Timestamp.latestTiered,
  'earliest-pending-upload': Timestamp.earliestPendingUpload,
}
const PATTERN = /^([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?$/

export const kafkaGetOffsets = joptTool<typeof OPTIONS>({
  name: 'kafka-get-offsets',
  about: 'An interactive shell for getting topic-partition offsets.',
  options: OPTIONS,
  optionError: message => `Error occurred: ${message}`,
  async run(options, context) {
    options.required('bootstrap-server')
    const bootstrap = options.text('bootstrap-server')!
    const servers = bootstrap.split(',')
    if (bootstrap.trim() === '') throw new UsageError('Error while validating the bootstrap address\n')
    if (!servers.every(server => /:\d+$/.test(server)))
      throw new UsageError('Please provide valid host:port like host1:9091,host2:9092\n')
    try {
      await printOffsets(options, bootstrap, context)
    } catch (error) {
      if (error instanceof OptionError || !isExpected(error)) throw error
      throw new ToolError(`Error occurred: ${messageOf(error)}`)
    }
  },
})

async function printOffsets(options: Parsed, bootstrap: string, context: ToolContext): Promise<void> {
  if (options.has('topic-partitions') && options.count('topic', 'partitions') > 0)
    throw new ToolError('--topic-partitions cannot be used with --topic or --partitions')
  const time = timeOf(options.text('time')!)
  const filter = filterOf(options)
  const where = { bootstrap, config: options.text('command-config') }
  await context.withCluster(where, 'listTopics', async cluster => {
    const partitions = await matching(cluster, filter, options.has('exclude-internal-topics'))
    if (partitions.length === 0) throw new ToolError('Could not match any topic-partitions with the specified filters')
    const found = await findOffsets(cluster, partitions, time)
    for (const name of [...found.keys()].sort()) {
      const result = found.get(name)!
      const { topic, partition } = partitions.find(one => partitionName(one) === name)!
      if (result instanceof KafkaError)
        context.complain(`Skip getting offsets for topic-partition ${name} due to error: ${textOf(result)}`)
      else if (result.offset >= 0) context.print(`${topic}:${partition}:${result.offset}`)
    }
  })
}

function timeOf(text: string): bigint {
  const named = TIMES[text]
  if (named !== undefined) return named
  if (/^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text)
  throw new ToolError(
    `Malformed time argument ${text}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp`,
  )
}

function filterOf(options: Parsed): Filter {
  const patterns = options.text('topic-partitions')
  if (patterns !== null) {
    const filters = patterns.split(',').map(filterOfPattern)
    return (topic, partition) => filters.some(filter => filter(topic, partition))
  }
  const isTopic = topicFilter(options.text('topic') ?? '.*')
  const list = options.text('partitions')
  const wanted = new Set(list ? list.split(',') : [])
  for (const id of wanted) {
    if (!/^\d+$/.test(id))
      throw new ToolError(`--partitions expects a comma separated list of numeric partition ids, but received: ${list}`)
  }
  return (topic, partition) =>
    isTopic(topic) && (partition === undefined || wanted.size === 0 || wanted.has(String(partition)))
}

function filterOfPattern(text: string): Filter {
  const match = PATTERN.exec(text)
  if (!match) throw new ToolError(`org.apache.kafka.tools.TerseException: Invalid rule specification: ${text}`)
  const [, topic, only, from, to] = match
  const isTopic = topicFilter(topic || '.*')
  const isPartition = (partition: number): boolean =>
    only ? partition === Number(only) : partition >= Number(from || 0) && (!to || partition < Number(to))
  return (name, partition) => isTopic(name) && (partition === undefined || isPartition(partition))
}

async function matching(cluster: Cluster, filter: Filter, excludeInternal: boolean): Promise<TopicPartition[]> {
  const names = (await listTopics(cluster, null))
    .map(({ name }) => name ?? '')
    .filter(name => filter(name) && !(excludeInternal && isInternalTopic(name)))
  const topics = await describeTopics(cluster, names)
  return [...topics.values()].flatMap(topic => {
    if (topic instanceof KafkaError) throw topic
    return topic.partitions
      .filter(({ partition }) => filter(topic.name, partition))
      .map(({ partition }) => ({ topic: topic.name, partition }))
  })
}
