/** `kafka-client-metrics`: which clients push which of their metrics, and how often. */
import { alterConfigs, type Cluster, describeConfigs, listConfigResources, ResourceType } from '@ottla/client'
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { type ParsedOptions, UsageError } from './options.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'command-config': COMMAND_CONFIG,
  alter: { about: 'Set or reset its configs.' },
  delete: { about: 'Delete all of its configs.' },
  describe: { about: 'Show its configs.' },
  list: { about: 'List the names.' },
  name: { about: 'Of the configuration.', value: 'name' },
  'generate-name': { about: 'Make up a name.' },
  interval: { about: 'Milliseconds between two pushes; empty resets it.', value: 'push interval' },
  match: {
    about:
      'Which clients: client_id, client_instance_id, client_software_name, client_software_version, client_source_address and client_source_port by regular expressions.',
    value: 'k1=v1,k2=v2',
    separator: ',',
  },
  metrics: { about: 'Beginnings of names of metrics.', value: 'm1,m2', separator: ',' },
} as const
type Parsed = ParsedOptions<keyof typeof OPTIONS>

export const kafkaClientMetrics = joptTool<typeof OPTIONS>({
  name: 'kafka-client-metrics',
  about: 'This tool helps to manipulate and describe client metrics configurations.',
  options: OPTIONS,
  async run(options, context) {
    check(options)
    const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
    const call = options.has('alter') ? 'incrementalAlterConfigs' : 'listConfigResources'
    try {
      await context.withCluster(where, call, cluster => act(options, cluster, context))
    } catch (error) {
      context.tell('Error while executing client metrics command', error)
    }
  },
})

function check(options: Parsed): void {
  if (options.count('alter', 'delete', 'describe', 'list') !== 1)
    throw new UsageError('Command must include exactly one action: --alter, --delete, --describe or --list.')
  if (!options.has('bootstrap-server')) throw new ToolError('--bootstrap-server must be specified.')
  options.not('delete', 'generate-name', 'interval', 'match', 'metrics')
  options.not('describe', 'generate-name', 'interval', 'match', 'metrics')
  options.not('list', 'name', 'generate-name', 'interval', 'match', 'metrics')
  if (options.has('alter')) {
    if (options.count('name', 'generate-name') !== 1)
      throw new ToolError('One of --name or --generate-name must be specified with --alter.')
    const interval = options.text('interval')
    if (interval && !/^[+-]?\d{1,10}$/.test(interval))
      throw new ToolError('Invalid interval value. Enter an integer, or leave empty to reset.')
  }
  if (options.has('delete') && !options.has('name'))
    throw new ToolError('A client metrics resource name must be specified with --delete.')
}

async function act(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  if (options.has('alter')) await alter(options, cluster, context)
  else if (options.has('delete')) await remove(options.text('name')!, cluster, context)
  else if (options.has('describe')) await describe(options.text('name'), cluster, context)
  else context.print((await names(cluster)).join('\n'))
}

async function names(cluster: Cluster): Promise<string[]> {
  return listConfigResources(cluster, ResourceType.clientMetrics)
}

async function alter(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const name = options.text('name') ?? cluster.world.random.uuid()
  const changes = (['interval', 'metrics', 'match'] as const)
    .filter(option => options.has(option))
    .map(option => {
      const value = option === 'interval' ? options.text(option)! : options.texts(option).join(',')
      return { name: option === 'interval' ? 'interval.ms' : option, value: value === '' ? null : value }
    })
  await alterConfigs(
    cluster,
    ResourceType.clientMetrics,
    name,
    hashOrder(changes, change => stringHash(change.name)),
  )
  context.print(`Altered client metrics config for ${name}.`)
}

async function remove(name: string, cluster: Cluster, context: ToolContext): Promise<void> {
  const configs = await describeConfigs(cluster, ResourceType.clientMetrics, name)
  const changes = configs.map(config => ({ name: config.name, value: null }))
  await alterConfigs(cluster, ResourceType.clientMetrics, name, changes)
  context.print(`Deleted client metrics config for ${name}.`)
}

async function describe(asked: string | null, cluster: Cluster, context: ToolContext): Promise<void> {
  const known = await names(cluster)
  if (asked !== null && !known.includes(asked)) {
    context.print(`The client metric resource ${asked} doesn't exist and doesn't have dynamic config.`)
    return
  }
  for (const name of asked === null ? known : [asked]) {
    context.print(`Client metrics configs for ${name} are:`)
    const configs = await describeConfigs(cluster, ResourceType.clientMetrics, name)
    for (const config of hashOrder(configs, one => stringHash(one.name)))
      context.print(`  ${config.name}=${config.value}`)
  }
}
