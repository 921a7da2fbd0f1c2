/** `kafka-storage`: gives log dirs to a cluster before a node starts, and says to whom they belong. */
import { existsSync } from 'node:fs'
import {
  type BrokerConfig,
  type FormatOptions,
  type FormatResult,
  formatLogDirs,
  makeVoter,
  storageFacts,
  type VoterSet,
} from '@ottla/broker'
import { type MetadataRecord, metadataRecord } from '@ottla/broker/image'
import { nodeWorld, type World } from '@ottla/io'
import { CommandError } from '../cli/output.ts'
import { loadNodeConfig } from '../commands/node-config.ts'
import { Ended, type ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { LATEST_VERSION, METADATA_VERSION } from './feature-levels.ts'
import { formatLevels } from './format-levels.ts'
import { initialControllers } from './initial-controllers.ts'
import { ToolError } from './java/errors.ts'
import { stringsInHashOrder } from './java/hash-order.ts'
import { FEATURE_COMMANDS } from './kafka-features.ts'
import type { ParsedOptions } from './options.ts'
import { scramCredential } from './scram-arguments.ts'

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
        'cluster-id': { about: 'Its id, as random-uuid prints one.', value: 'id', aliases: ['t'], isRequired: true },
        config: CONFIG,
        'add-scram': {
          about:
            "A user of the cluster: 'SCRAM-SHA-256=[name=alice,password=alice-secret]', or with iterations, salt and saltedpassword; may be given again.",
          value: 'credential',
          aliases: ['S'],
          isRepeated: true,
        },
        'ignore-formatted': { about: 'Leave alone what is formatted already.', aliases: ['g'] },
        'release-version': {
          about: `All features as this release has them by default; ${LATEST_VERSION} if left out.`,
          value: 'version',
          aliases: ['r'],
        },
        feature: {
          about: 'The level of one feature, as kraft.version=1; may be given again.',
          value: 'feature=level',
          aliases: ['f'],
          isRepeated: true,
        },
        standalone: { about: 'This controller is the first and only voter.', aliases: ['s'], oneOf: 'at most' },
        'no-initial-controllers': {
          about: 'Nothing is said of who votes: the others know. Such a node can not start alone.',
          aliases: ['N'],
          oneOf: 'at most',
        },
        'initial-controllers': {
          about: 'Who votes first, as 0@host:port:directory-id, separated by commas; the same for all of them.',
          value: 'voters',
          aliases: ['I'],
          oneOf: 'at most',
        },
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

interface Storage {
  readonly world: World
  readonly config: BrokerConfig
}

function storageOf(options: ParsedOptions): Storage {
  const world = nodeWorld({ logger: { level: 'error' } })
  const path = options.text('config')!
  if (!existsSync(path)) throw new ToolError(path, 'java.nio.file.NoSuchFileException')
  try {
    return { world, config: loadNodeConfig({ config: path }, world.logger).config }
  } catch (error) {
    if (error instanceof CommandError) throw new ToolError(error.message)
    throw error
  }
}

// ---------------------------------------------------------------------------------------------------------- format

async function format(options: ParsedOptions, context: ToolContext): Promise<void> {
  const storage = storageOf(options)
  const { world, config } = storage
  const isDynamic = config.controllerQuorumVoters.length === 0
  const voters = votersOf(options, storage, isDynamic)
  const release = options.text('release-version')
  const levels = formatLevels(release, options.texts('feature'), isDynamic, config.unstableFeatureVersionsEnable)
  const records = options.texts('add-scram').map(text =>
    metadataRecord(
      'UserScramCredentialRecord',
      0,
      scramCredential(text, n => world.random.bytes(n)),
    ),
  )
  const clusterId = options.text('cluster-id')!
  await checkOwners(storage, clusterId, options.has('ignore-formatted'))
  const wanted: FormatOptions = {
    ...{ world, config, clusterId, initialControllers: voters, records, ignoreFormatted: true },
    features: levels,
  }
  tell(await formatLogDirs(wanted), levels.get(METADATA_VERSION)!, context)
}

/** In the order in which Java's tool finds fault. */
function votersOf(options: ParsedOptions, storage: Storage, isDynamic: boolean): FormatOptions['initialControllers'] {
  const { config } = storage
  const listed = options.text('initial-controllers')
  const isStandalone = options.has('standalone')
  if (!isDynamic && (listed !== null || isStandalone))
    throw new ToolError(
      'You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. ' +
        'If you want to use dynamic quorum, please remove controller.quorum.voters and specify ' +
        'controller.quorum.bootstrap.servers instead.',
    )
  if (listed !== null) return initialControllers(listed, config.listeners.advertisedController[0]?.name ?? 'CONTROLLER')
  if (isStandalone) return standalone(storage)
  if (isDynamic && config.isController && !options.has('no-initial-controllers'))
    throw new ToolError(
      'Because controller.quorum.voters is not set on this controller, you must specify one of the following: ' +
        '--standalone, --initial-controllers, or --no-initial-controllers.',
    )
  return isDynamic ? 'none' : null
}

function standalone({ world, config }: Storage): VoterSet {
  if (!config.isController) throw new ToolError('You can only use --standalone on a controller.')
  const [listener] = config.listeners.advertisedController
  if (!listener) throw new ToolError('No controller listeners found.', 'java.lang.RuntimeException')
  const { name, host, port } = listener
  return [makeVoter(config.nodeId, world.random.uuid(), [{ name, host: host ?? 'localhost', port }])]
}

/** Log dirs of others are left alone, whatever was asked for. */
async function checkOwners({ world, config }: Storage, clusterId: string, ignoresFormatted: boolean): Promise<void> {
  const { directories } = await storageFacts(world, config)
  const formatted = new Map(directories.flatMap(({ path, properties }) => (properties ? [[path, properties]] : [])))
  const paths = stringsInHashOrder(formatted.keys())
  for (const path of paths) {
    const own = formatted.get(path)!
    const file = `${path}/meta.properties`
    if (own.clusterId !== null && own.clusterId !== clusterId)
      throw new ToolError(`Invalid cluster.id in: ${file}. Expected ${clusterId}, but read ${own.clusterId}`)
    if (own.nodeId !== null && own.nodeId !== config.nodeId)
      throw new ToolError(
        `Stored node id ${own.nodeId} doesn't match previous node id ${config.nodeId} in ${file}. If you moved your data, ` +
          'make sure your configured node id matches. If you intend to create a new node, you should remove all data in ' +
          'your data directories.',
      )
  }
  if (paths.length > 0 && !ignoresFormatted)
    throw new ToolError(
      `Log directory ${paths[0]} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    )
}

const KINDS = {
  data: 'data directory',
  'static metadata': 'metadata directory',
  'metadata observer': 'dynamic metadata directory',
  'metadata voter': 'dynamic metadata voter directory',
} as const

function tell(result: FormatResult, metadataLevel: number, context: ToolContext): void {
  for (const { path } of result.unreadable) context.print(`I/O error trying to read log directory ${path}. Ignoring...`)
  const kinds = new Map(result.formatted.map(({ path, kind }) => [path, kind]))
  if (kinds.size === 0) {
    context.print('All of the log directories are already formatted.')
    return
  }
  const records = result.records.map(recordText).join(', ')
  const versions = `metadataVersionLevel=${metadataLevel}, source=format command`
  context.print(`Bootstrap metadata: BootstrapMetadata(records=[${records}], ${versions})`)
  for (const path of stringsInHashOrder(kinds.keys()))
    context.print(`Formatting ${KINDS[kinds.get(path)!]} ${path} with metadata.version ${result.metadataVersion.name}.`)
}

function recordText({ type, version, value }: MetadataRecord): string {
  const fields = Object.entries(value).map(([name, field]) => `${name}=${fieldText(field)}`)
  return `ApiMessageAndVersion(${type}(${fields.join(', ')}) at version ${version})`
}

/** `toString()` of a generated message's fields; bytes are signed. */
function fieldText(field: unknown): string {
  if (field instanceof Uint8Array) return `[${[...new Int8Array(field)].join(', ')}]`
  return typeof field === 'string' ? `'${field}'` : String(field)
}

// ------------------------------------------------------------------------------------------------------------ info

async function info(options: ParsedOptions, context: ToolContext): Promise<void> {
  const { world, config } = storageOf(options)
  const { directories } = await storageFacts(world, config)
  const found = directories.filter(({ path, exists, problem }) => exists && problem !== `${path} is not a directory`)
  if (found.length > 0) {
    context.print(found.length === 1 ? 'Found log directory:' : 'Found log directories:')
    for (const { path } of found) context.print(`  ${path}`)
    context.print('')
  }
  const formatted = directories.flatMap(({ properties }) => properties ?? [])
  const [first] = formatted
  if (first) {
    const pairs = [
      ['cluster.id', first.clusterId],
      ['directory.id', first.directoryId],
      ['node.id', first.nodeId],
      ['version', first.version],
    ]
    const known = pairs.flatMap(([key, value]) => (value === null ? [] : `${key}=${value}`))
    context.print(`Found metadata: {${known.join(', ')}}\n`)
  }
  const problems = directories.flatMap(({ path, exists, properties, problem }) => {
    if (problem !== null) return problem
    if (!exists) return `${path} does not exist`
    if (!properties) return `${path} is not formatted.`
    if (properties.clusterId !== first!.clusterId) return 'Mismatched cluster IDs between storage directories.'
    return properties.nodeId === first!.nodeId ? [] : 'Mismatched node IDs between storage directories.'
  })
  if (first?.version === 0)
    problems.push(
      'The kafka configuration file appears to be for a cluster in KRaft mode, but the directories are formatted for legacy mode.',
    )
  if (problems.length === 0) return
  context.print(problems.length === 1 ? 'Found problem:' : 'Found problems:')
  for (const problem of problems) context.print(`  ${problem}`)
  context.print('')
  throw new Ended(1)
}
