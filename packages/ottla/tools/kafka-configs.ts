/**
 * `kafka-configs`: configurations of topics, brokers, loggers, groups and client metrics, and what stands beside them in
 * the same tool: quotas of users, clients and addresses, and SCRAM credentials (config-entities.ts).
 */
import {
  alterConfigs,
  type Cluster,
  type ConfigEntry,
  ConfigSource,
  describeConfigs,
  KafkaError,
  listConfigResources,
  listGroups,
  listTopics,
  ResourceType,
  UnsupportedVersionError,
} from '@ottla/client'
import { alterEntity, describeEntity } from './config-entities.ts'
import { CONFIG_OPTIONS, type ConfigTarget, checkConfigOptions, type Parsed } from './config-options.ts'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { ClientSetupError, isExpected, ToolError, textOf } from './java/errors.ts'
import { stringsInHashOrder } from './java/hash-order.ts'
import { OptionError } from './options.ts'

/** Sources by Kafka's number, as Java's client names them. */
const SOURCE_NAMES = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
]
const TYPES: Readonly<Record<string, ResourceType>> = {
  topics: ResourceType.topic,
  brokers: ResourceType.broker,
  'broker-loggers': ResourceType.brokerLogger,
  'client-metrics': ResourceType.clientMetrics,
  groups: ResourceType.group,
}
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/

export const kafkaConfigs = joptTool<typeof CONFIG_OPTIONS>({
  name: 'kafka-configs',
  about:
    'This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group',
  options: CONFIG_OPTIONS,
  async run(options, context) {
    try {
      const target = checkConfigOptions(options)
      await connected(options, target, context)
    } catch (error) {
      report(error, options, context)
    }
  },
})

/** What the user can mend is told in a line; all else with the whole command line before it. */
function report(error: unknown, options: Parsed, context: ToolContext): never {
  if (!isExpected(error) || error instanceof OptionError || error instanceof UnsupportedVersionError) throw error
  const isPlain = error instanceof ToolError && !(error instanceof ClientSetupError) && !/Timeout/.test(error.exception)
  if (isPlain) throw error
  context.complain(`Error while executing config command with args '${options.line}'`)
  context.complain(`java.util.concurrent.ExecutionException: ${textOf(error)}`)
  throw new Ended(1)
}

async function connected(options: Parsed, target: ConfigTarget, context: ToolContext): Promise<void> {
  const controllers = options.text('bootstrap-controller')
  const where = {
    bootstrap: controllers ?? options.text('bootstrap-server'),
    areControllers: controllers !== null,
    config: options.text('command-config'),
  }
  if (options.has('alter') && target.types.length !== target.names.length)
    throw new ToolError('An entity name must be specified for every entity type')
  const call = options.has('alter') ? 'incrementalAlterConfigs' : 'describeConfigs'
  await context.withCluster(where, call, async cluster => {
    if (options.has('alter')) await alter(options, target, cluster, context)
    else await describe(options, target, cluster, context)
  })
}

async function alter(options: Parsed, target: ConfigTarget, cluster: Cluster, context: ToolContext): Promise<void> {
  const [type, name] = [target.types[0]!, target.names[0]!]
  const added = configsToAdd(options)
  const deleted = options.texts('delete-config').map(text => text.trim())
  const resourceType = TYPES[type]
  if (resourceType === undefined) await alterEntity(cluster, target, added, deleted)
  else {
    if (type === 'brokers' && name !== '' && !/^[+-]?\d+$/.test(name))
      throw new ToolError(`The entity name for ${type} must be a valid integer broker id, found: ${name}`)
    if (type === 'broker-loggers') await checkLoggers(cluster, name, [...deleted, ...added.keys()])
    const changes = [
      ...deleted.map(key => ({ name: key, value: null })),
      ...[...added].map(([key, value]) => ({ name: key, value })),
    ]
    await alterConfigs(cluster, resourceType, name, changes)
  }
  context.print(
    name === ''
      ? `Completed updating default config for ${type} in the cluster.`
      : `Completed updating config for ${type.slice(0, -1)} ${name}.`,
  )
}

async function checkLoggers(cluster: Cluster, broker: string, names: readonly string[]): Promise<void> {
  const known = (await describeConfigs(cluster, ResourceType.brokerLogger, broker)).map(({ name }) => name)
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new ToolError(`Invalid broker logger(s): ${unknown.join(',')}`)
}

/** `k1=v1,k2=[v2,v3]`; square brackets keep commas together. */
function configsToAdd(options: Parsed): Map<string, string> {
  const file = options.text('add-config-file')
  const added = file === null ? new Map<string, string>() : loadProperties(file)
  const text = options.text('add-config')
  if (text !== null) {
    const parts = text.split(/,(?=[^\]]*(?:\[|$))/)
    while (parts.length > 1 && parts.at(-1) === '') parts.pop()
    const pairs = parts.map(part => part.split(/\s*=\s*(?=[^\]]*(?:\[|$))/))
    if (pairs.some(pair => pair.length !== 2))
      throw new ToolError(
        'requirement failed: Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.',
      )
    for (const [key, value] of pairs) added.set(key!.trim(), value!.replaceAll(/\[?\]?/g, '').trim())
  }
  for (const key of added.keys())
    if (!/^[$a-zA-Z0-9._-]*$/.test(key)) throw new ToolError(`Invalid character found for config key: ${key}`)
  return added
}

async function describe(options: Parsed, target: ConfigTarget, cluster: Cluster, context: ToolContext): Promise<void> {
  const type = target.types[0]!
  const resourceType = TYPES[type]
  if (resourceType === undefined) return describeEntity(cluster, target, context)
  const all = options.has('all')
  const asked = target.names[0]
  if (asked !== undefined) {
    if (type === 'topics' && !TOPIC_NAME.test(asked)) throw new ToolError(invalidTopic(asked))
    if (!all && !(await isThere(cluster, type, asked))) {
      context.print(`The ${type.slice(0, -1)} '${asked}' doesn't exist and doesn't have dynamic config.`)
      return
    }
  }
  for (const name of asked === undefined ? await namesOf(cluster, type) : [asked]) {
    context.print(
      name === ''
        ? `Default configs for ${type} in the cluster are:`
        : `${all ? 'All' : 'Dynamic'} configs for ${type.slice(0, -1)} ${name} are:`,
    )
    for (const entry of await entries(cluster, type, name, all)) context.print(entryLine(entry))
  }
}

function invalidTopic(name: string): string {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name.length > 249)
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length 249`
  return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
}

async function isThere(cluster: Cluster, type: string, name: string): Promise<boolean> {
  if (name === '' && (type === 'brokers' || type === 'broker-loggers')) return true
  return (await namesOf(cluster, type)).includes(name)
}

/** All that there are, in the order in which Java's tool describes them. */
async function namesOf(cluster: Cluster, type: string): Promise<string[]> {
  if (type === 'topics') return stringsInHashOrder((await listTopics(cluster, null)).map(({ name }) => name ?? ''))
  if (type === 'client-metrics') return listConfigResources(cluster, ResourceType.clientMetrics)
  if (type === 'groups') {
    const groups = (await listGroups(cluster)).map(({ groupId }) => groupId)
    return stringsInHashOrder([...groups, ...(await configuredGroups(cluster))])
  }
  return [...(await cluster.brokerIds()).map(String), '']
}

async function configuredGroups(cluster: Cluster): Promise<string[]> {
  try {
    return await listConfigResources(cluster, ResourceType.group)
  } catch (error) {
    const isForbidden = error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED'
    if (isForbidden || error instanceof UnsupportedVersionError) return []
    throw error
  }
}

async function entries(cluster: Cluster, type: string, name: string, all: boolean): Promise<ConfigEntry[]> {
  const dynamic: Readonly<Record<string, number>> = {
    topics: ConfigSource.topic,
    brokers: name === '' ? ConfigSource.defaultBroker : ConfigSource.broker,
    'client-metrics': ConfigSource.clientMetrics,
    groups: ConfigSource.group,
  }
  const found = await describeConfigs(cluster, TYPES[type]!, name, { synonyms: true })
  const source = all ? undefined : dynamic[type]
  return found
    .filter(({ configSource }) => source === undefined || configSource === source)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function entryLine({ name, value, isSensitive, synonyms }: ConfigEntry): string {
  const list = synonyms.map(synonym => `${SOURCE_NAMES[synonym.source]}:${synonym.name}=${synonym.value}`)
  return `  ${name}=${value} sensitive=${isSensitive} synonyms={${list.join(', ')}}`
}
