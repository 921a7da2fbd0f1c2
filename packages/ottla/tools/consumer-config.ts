/** What configs of Java's consumer make of a GroupConsumer. */
import { type Cluster, type GroupConsumerOptions, listTopics } from '@ottla/client'
import { configNumber, FETCH_CONFIGS, fetchOptions } from './client-config.ts'
import { ToolError } from './java/errors.ts'
import { isTrue } from './key-values.ts'

const CONFIG_EXCEPTION = 'org.apache.kafka.common.config.ConfigException'

export const CONSUMER_CONFIGS: ReadonlySet<string> = new Set([
  ...FETCH_CONFIGS,
  'auto.commit.interval.ms',
  'auto.offset.reset',
  'enable.auto.commit',
  'group.id',
  'group.instance.id',
  'group.protocol',
  'group.remote.assignor',
  'partition.assignment.strategy',
  'session.timeout.ms',
])

const ASSIGNORS: Readonly<Record<string, 'range' | 'roundrobin'>> = {
  'org.apache.kafka.clients.consumer.RangeAssignor': 'range',
  'org.apache.kafka.clients.consumer.RoundRobinAssignor': 'roundrobin',
}
const RESETS: readonly string[] = ['earliest', 'latest', 'none']
/** Configs that only the classic protocol has. */
const CLASSIC_ONLY = ['session.timeout.ms', 'partition.assignment.strategy']

export function consumerOptions(
  properties: ReadonlyMap<string, string>,
): Omit<GroupConsumerOptions, 'topics' | 'signal'> {
  const protocol = protocolOf(properties)
  const session = properties.get('session.timeout.ms')
  const commits = isTrue(properties.get('enable.auto.commit') ?? 'true')
  return {
    groupId: properties.get('group.id') ?? '',
    protocol,
    ...(protocol === 'classic' ? { assignor: assignorOf(properties) } : {}),
    ...(session === undefined ? {} : { sessionTimeoutMs: configNumber(properties, 'session.timeout.ms', 45_000) }),
    remoteAssignor: properties.get('group.remote.assignor') ?? null,
    instanceId: properties.get('group.instance.id') ?? null,
    reset: resetOf(properties),
    fetch: fetchOptions(properties),
    maxPollRecords: configNumber(properties, 'max.poll.records', 500),
    autoCommitIntervalMs: commits ? configNumber(properties, 'auto.commit.interval.ms', 5000) : null,
  }
}

function protocolOf(properties: ReadonlyMap<string, string>): 'classic' | 'consumer' {
  const protocol = (properties.get('group.protocol') ?? 'classic').toLowerCase()
  if (protocol !== 'classic' && protocol !== 'consumer')
    throw new ToolError(
      `Invalid value ${protocol} for configuration group.protocol: String must be one of (case insensitive): CLASSIC, CONSUMER`,
      CONFIG_EXCEPTION,
    )
  for (const key of CLASSIC_ONLY)
    if (protocol === 'consumer' && properties.has(key))
      throw new ToolError(`${key} cannot be set when group.protocol=CONSUMER`, CONFIG_EXCEPTION)
  if (protocol === 'classic' && properties.has('group.remote.assignor'))
    throw new ToolError('group.remote.assignor cannot be set when group.protocol=CLASSIC', CONFIG_EXCEPTION)
  return protocol
}

function assignorOf(properties: ReadonlyMap<string, string>): 'range' | 'roundrobin' {
  const strategy = properties.get('partition.assignment.strategy')
  if (strategy === undefined) return 'range'
  const known = ASSIGNORS[strategy.split(',')[0]!.trim()]
  // Java has two more, and those that somebody has written; it can't make what it does not know either.
  if (!known) throw new ToolError('Failed to construct kafka consumer', 'org.apache.kafka.common.KafkaException')
  return known
}

function resetOf(properties: ReadonlyMap<string, string>): 'earliest' | 'latest' | 'none' {
  const reset = properties.get('auto.offset.reset') ?? 'latest'
  if (reset.startsWith('by_duration:'))
    throw new ToolError(`auto.offset.reset=${reset} is not supported yet: it has to be earliest, latest or none`)
  if (!RESETS.includes(reset))
    throw new ToolError(
      `Invalid value ${reset} for configuration auto.offset.reset: Invalid value \`${reset}\` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.`,
      CONFIG_EXCEPTION,
    )
  return reset as 'earliest' | 'latest' | 'none'
}

/** The topics that are there now whose whole name matches. */
export async function matchingTopics(cluster: Cluster, expression: RegExp): Promise<string[]> {
  const names = (await listTopics(cluster, null)).map(({ name }) => name ?? '')
  return names.filter(name => expression.test(name))
}
