/** `kafka-storage`: gives log dirs to a cluster before a node starts, and says to whom they belong. */
import { formatStorage, storageInfo } from '@ottla/broker'
import { nodeWorld } from '@ottla/io'
import { loadNodeConfig } from '../commands/node-config.ts'
import type { ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { LATEST_VERSION, levelOfVersion } from './feature-levels.ts'
import { ToolError } from './java/errors.ts'
import { FEATURE_COMMANDS } from './kafka-features.ts'
import type { ParsedOptions } from './options.ts'

const CONFIG = {
  about: "A server.properties as Apache Kafka's.",
  value: 'file',
  aliases: ['c'],
  isRequired: true,
} as const

export const kafkaStorage = argparseTool({
  name: 'kafka-storage',
  about: 'The log dirs of a node that does not run.',
  options: {},
  commands: {
    info: { about: 'Say to whom the log dirs belong.', options: { config: CONFIG }, run: info },
    format: {
      about: 'Give the log dirs to a cluster.',
      options: {
        config: CONFIG,
        'cluster-id': { about: 'Its id, as random-uuid prints one.', value: 'id', aliases: ['t'], isRequired: true },
        'ignore-formatted': { about: 'Leave alone what is formatted already.', aliases: ['g'] },
        'release-version': { about: `Only ${LATEST_VERSION}, or 4.3.`, value: 'version', aliases: ['r'] },
        standalone: { about: 'The node is the only voter, as it always is here.', aliases: ['s'], oneOf: 'at most' },
      },
      run: format,
    },
    ...FEATURE_COMMANDS,
    'random-uuid': {
      about: 'Print an id for a new cluster.',
      options: {},
      run: async (_, context) => context.print(nodeWorld({ logger: { level: 'error' } }).random.uuid()),
    },
  },
})

function storageOf(options: ParsedOptions) {
  const world = nodeWorld({ logger: { level: 'error' } })
  return { world, ...loadNodeConfig({ config: options.text('config')! }, world.logger) }
}

async function format(options: ParsedOptions, context: ToolContext): Promise<void> {
  const release = options.text('release-version')
  if (release !== null && levelOfVersion(release) !== levelOfVersion(LATEST_VERSION))
    throw new ToolError(`--release-version ${release} is not supported yet: it has to be ${LATEST_VERSION}`)
  const { world, config } = storageOf(options)
  const { changed, logDirs } = await formatStorage({ world, config }, options.text('cluster-id')!)
  if (changed) {
    for (const { path } of logDirs)
      context.print(`Formatting dynamic metadata voter directory ${path} with metadata.version ${LATEST_VERSION}.`)
    return
  }
  if (!options.has('ignore-formatted'))
    throw new ToolError(
      `Log directory ${logDirs[0]!.path} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    )
  context.print('All of the log directories are already formatted.')
}

async function info(options: ParsedOptions, context: ToolContext): Promise<void> {
  const { world, config } = storageOf(options)
  const found = await storageInfo({ world, config })
  if (!found) {
    context.print('Found problem:')
    for (const path of config.logDirs) context.print(`  ${path} is not formatted`)
    context.print('')
    throw new ToolError('the log dirs are not formatted')
  }
  context.print(found.logDirs.length === 1 ? 'Found log directory:' : 'Found log directories:')
  for (const { path } of found.logDirs) context.print(`  ${path}`)
  const { directoryId } = found.logDirs[0]!
  context.print(
    `\nFound metadata: {cluster.id=${found.clusterId}, directory.id=${directoryId}, node.id=${found.nodeId}, version=1}\n`,
  )
}
