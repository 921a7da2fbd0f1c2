/** `ottla config …`: the configuration of a topic, a broker, all brokers or a group. */
import { alterConfigs, describeConfigs, ResourceType } from '@ottla/client'
import { keyValues } from '../cli/arguments.ts'
import { CommandError, ExitCode, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

interface Target {
  readonly topic?: string
  readonly broker?: string
  readonly allBrokers?: boolean
  readonly group?: string
  readonly loggers?: string
  readonly clientMetrics?: string
}
type Options = ConnectOptions & OutputOptions & Target

/** By Kafka's number. 'start': from the file, the environment, the arguments, or what Ottla goes by without them. */
const SOURCES = ['', 'topic', 'broker', 'all brokers', 'start', 'default', 'logger', 'client metrics', 'group']

function resource(target: Target): { type: number; name: string; text: string } {
  const { topic, broker, allBrokers, group, loggers, clientMetrics } = target
  const given = [topic, broker, allBrokers, group, loggers, clientMetrics].filter(value => value !== undefined)
  if (given.length !== 1)
    throw new CommandError(
      'say whose: one of --topic, --broker, --all-brokers, --group, --loggers, --client-metrics',
      ExitCode.usage,
    )
  if (loggers !== undefined) {
    if (!/^\d+$/.test(loggers)) throw new CommandError(`--loggers '${loggers}': it has to be a node id`, ExitCode.usage)
    return { type: ResourceType.brokerLogger, name: loggers, text: `the loggers of broker ${loggers}` }
  }
  if (clientMetrics !== undefined)
    return { type: ResourceType.clientMetrics, name: clientMetrics, text: `client metrics ${clientMetrics}` }
  if (topic !== undefined) return { type: ResourceType.topic, name: topic, text: `topic ${topic}` }
  if (group !== undefined) return { type: ResourceType.group, name: group, text: `group ${group}` }
  if (allBrokers) return { type: ResourceType.broker, name: '', text: 'all brokers' }
  if (!/^\d+$/.test(broker!)) throw new CommandError(`--broker '${broker}': it has to be a node id`, ExitCode.usage)
  return { type: ResourceType.broker, name: broker!, text: `broker ${broker}` }
}

export async function describe(options: Options & { all?: boolean }): Promise<void> {
  const { type, name } = resource(options)
  await withCluster(options, async cluster => {
    const configs = await describeConfigs(cluster, type, name)
    const shown = options.all ? configs : configs.filter(config => config.configSource !== 5)
    const rows = shown
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(config => ({
        name: config.name,
        value: config.isSensitive ? '(secret)' : config.value,
        source: SOURCES[config.configSource] ?? String(config.configSource),
      }))
    printRows(rows, options, 'nothing is set; --all shows the defaults too')
  })
}

export async function alter(options: Options & { set?: string[]; delete?: string[] }): Promise<void> {
  const { type, name, text } = resource(options)
  const changes = [
    ...[...keyValues(options.set ?? [], '--set')].map(([key, value]) => ({ name: key, value })),
    ...(options.delete ?? []).map(key => ({ name: key, value: null })),
  ]
  if (changes.length === 0) throw new CommandError('nothing to alter: give --set or --delete', ExitCode.usage)
  await withCluster(options, async cluster => {
    await alterConfigs(cluster, type, name, changes)
    printDone(`altered the configuration of ${text}`, { resource: text, altered: true }, options)
  })
}
