/** `kafka-log-dirs`: what lies in the log dirs of brokers, as one line of JSON. */
import { describeLogDirs, type LogDir, partitionName } from '@ottla/client'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { ToolError, textOf } from './java/errors.ts'
import { hashOrder, partitionsInHashOrder, stringHash } from './java/hash-order.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'command-config': COMMAND_CONFIG,
  describe: { about: 'Describe log dirs. Required.' },
  'topic-list': { about: 'Only these topics, separated by commas.', value: 'topics', default: '' },
  'broker-list': { about: 'Only these brokers, separated by commas.', value: 'broker ids', default: '' },
} as const

export const kafkaLogDirs = joptTool<typeof OPTIONS>({
  name: 'kafka-log-dirs',
  about: 'This tool helps to query log directory usage on the specified brokers.',
  options: OPTIONS,
  async run(options, context) {
    options.required('bootstrap-server', 'describe')
    const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
    const topics = new Set(parts(options.text('topic-list')!))
    const asked = parts(options.text('broker-list')!).map(text => {
      if (!/^[+-]?\d+$/.test(text)) throw new ToolError(`For input string: "${text}"`)
      return Number(text)
    })
    await context.withCluster(where, 'listNodes', async cluster => {
      const known = await cluster.brokerIds()
      const unknown = [...new Set(asked)].filter(id => !known.includes(id))
      if (unknown.length > 0)
        throw new ToolError(
          `ERROR: The given brokers do not exist from --broker-list: ${unknown.join(',')}. Current existent brokers: ${known.join(',')}`,
        )
      const brokers = known.filter(id => asked.length === 0 || asked.includes(id))
      context.print('Querying brokers for log directories information')
      const found: Brokers = []
      for (const broker of brokers) found.push({ broker, logDirs: await describeLogDirs(cluster, broker) })
      context.print(`Received log directory information from brokers ${brokers.join(',')}`)
      context.print(JSON.stringify(shown(found, topics)))
    })
  },
})

type Brokers = { broker: number; logDirs: LogDir[] }[]

function parts(list: string): string[] {
  return list.split(',').filter(part => part !== '')
}

/** Keys stand in the order in which Java's map has them. */
function shown(brokers: Brokers, topics: ReadonlySet<string>) {
  return {
    brokers: brokers.map(({ broker, logDirs }) => ({
      broker,
      logDirs: hashOrder(logDirs, ({ path }) => stringHash(path)).map(({ path, failure, replicas }) => ({
        partitions: partitionsInHashOrder(replicas.filter(({ topic }) => topics.size === 0 || topics.has(topic))).map(
          replica => ({
            partition: partitionName(replica),
            size: replica.sizeBytes,
            offsetLag: replica.offsetLag,
            isFuture: replica.isFuture,
          }),
        ),
        error: failure && textOf(failure).split(':')[0],
        logDir: path,
      })),
    })),
    version: 1,
  }
}
