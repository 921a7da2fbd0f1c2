/** `kafka-leader-election`: elects the preferred replicas, or any where there is no other way. */
import {
  type ElectionType,
  electLeaders,
  KafkaError,
  partitionName,
  RequestTimeoutError,
  type TopicPartition,
} from '@ottla/client'
import { readText, type ToolContext } from './context.ts'
import { BOOTSTRAP, joptTool } from './declaration.ts'
import { CallTimeoutError, ToolError, textOf } from './java/errors.ts'
import { partitionsInHashOrder } from './java/hash-order.ts'
import { field, parseJson } from './json.ts'
import { OptionError, type ParsedOptions } from './options.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'admin.config': { about: 'An older name of --command-config.', value: 'config file' },
  'command-config': { about: 'A properties file for the client.', value: 'config file' },
  'path-to-json-file': {
    about: 'A file as {"partitions": [{"topic": "foo", "partition": 1}]}.',
    value: 'path',
  },
  topic: { about: 'Of the partition, with --partition.', value: 'topic name' },
  partition: { about: 'Its number.', value: 'partition id' },
  'all-topic-partitions': { about: 'All that need an election.' },
  'election-type': {
    about: 'preferred, or unclean: a replica that may lack records, where there is no leader. Required.',
    value: 'election type',
  },
} as const
type Parsed = ParsedOptions<keyof typeof OPTIONS>

export const kafkaLeaderElection = joptTool<typeof OPTIONS>({
  name: 'kafka-leader-election',
  about:
    'This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.',
  options: OPTIONS,
  async run(options, context) {
    check(options)
    const type = typeOf(options.text('election-type')!)
    const partitions = partitionsOf(options)
    if (options.has('admin.config'))
      context.print(
        'Option --admin.config has been deprecated and will be removed in a future version. Use --command-config instead.',
      )
    const where = {
      bootstrap: options.text('bootstrap-server'),
      config: options.text('admin.config') ?? options.text('command-config'),
      properties: new Map([
        ['default.api.timeout.ms', '30000'],
        ['request.timeout.ms', '15000'],
      ]),
    }
    try {
      const results = await context.withCluster(where, 'electLeaders', cluster =>
        electLeaders(cluster, type, partitions),
      )
      report(type, results, context)
    } catch (error) {
      const told = refusal(error)
      if (told === null) throw error
      context.print(told)
      throw new ToolError(told)
    }
  },
})

function refusal(error: unknown): string | null {
  if (error instanceof CallTimeoutError || error instanceof RequestTimeoutError)
    return 'Timeout waiting for election results'
  const isForbidden = error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED'
  return isForbidden ? 'Not authorized to perform leader election' : null
}

function check(options: Parsed): void {
  const missing = (['bootstrap-server', 'election-type'] as const).filter(name => !options.has(name))
  if (missing.length > 0) throw new ToolError(`Missing required option(s): ${missing.join(', ')}`)
  options.not('admin.config', 'command-config')
  const which = ['topic', 'all-topic-partitions', 'path-to-json-file'] as const
  if (options.count(...which) !== 1)
    throw new ToolError(`One and only one of the following options is required: ${which.join(', ')}`)
  if (options.has('topic') && !options.has('partition')) throw new ToolError('Missing required option(s): partition')
  if (!options.has('topic') && options.has('partition'))
    throw new ToolError('Option partition is only allowed if topic is used')
}

function typeOf(text: string): ElectionType {
  const type = text.toLowerCase()
  if (type !== 'preferred' && type !== 'unclean')
    throw new OptionError(`Cannot parse argument '${text}' of option election-type`)
  return type
}

/** null: all. */
function partitionsOf(options: Parsed): TopicPartition[] | null {
  const path = options.text('path-to-json-file')
  const topic = options.text('topic')
  if (topic !== null) return [{ topic, partition: options.int('partition')! }]
  if (path === null) return null
  const json = parseJson(readText(path))
  if (json.partitions === undefined) throw new ToolError('Replica election data is missing "partitions" field')
  const partitions = (json.partitions as unknown[]).map(item => ({
    topic: field(item, 'topic', 'string'),
    partition: field(item, 'partition', 'number'),
  }))
  const names = partitions.map(partitionName)
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
  if (twice.length > 0)
    throw new ToolError(`Replica election data contains duplicate partitions: [${twice.join(', ')}]`)
  return partitions
}

function report(type: ElectionType, results: Awaited<ReturnType<typeof electLeaders>>, context: ToolContext): void {
  const name = type.toUpperCase()
  const all = partitionsInHashOrder(results)
  const elected = all.filter(({ failure }) => failure === null)
  const needless = all.filter(({ failure }) => failure?.code === 'ELECTION_NOT_NEEDED')
  const failed = all.filter(({ failure }) => failure !== null && failure.code !== 'ELECTION_NOT_NEEDED')
  const list = (partitions: readonly TopicPartition[]) => partitions.map(partitionName).join(', ')
  if (elected.length > 0)
    context.print(`Successfully completed leader election (${name}) for partitions ${list(elected)}`)
  if (needless.length > 0) context.print(`Valid replica already elected for partitions ${list(needless)}`)
  if (failed.length === 0) return
  for (const one of failed)
    context.print(
      `Error completing leader election (${name}) for partition: ${partitionName(one)}: ${textOf(one.failure)}`,
    )
  throw new ToolError(`${failed.length} replica(s) could not be elected`)
}
