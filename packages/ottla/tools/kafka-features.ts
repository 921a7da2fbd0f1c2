/** `kafka-features`: which features a node and the cluster have, and moving them up or down. */
import { type Cluster, describeFeatures, type FeatureUpdate, UpgradeType, updateFeatures } from '@ottla/client'
import { ArgumentError } from './argparse.ts'
import type { ToolContext } from './context.ts'
import { argparseTool, type CommandDeclaration } from './declaration.ts'
import {
  defaultLevels,
  EARLIEST_VERSION,
  FEATURES,
  LATEST_VERSION,
  levelOfVersion,
  METADATA_VERSION,
  versionOfLevel,
} from './feature-levels.ts'
import { inExecution, messageOf, ToolError } from './java/errors.ts'
import type { Options, ParsedOptions } from './options.ts'

const CHANGE = {
  metadata: { about: 'Deprecated: the metadata.version by its name, as 4.0-IV3.', value: 'version' },
  'release-version': { about: 'All features as this release has them by default.', value: 'version' },
  feature: {
    about: 'One feature, as metadata.version=25; may be given again.',
    value: 'feature=level',
    isRepeated: true,
  },
  'dry-run': { about: 'Say whether it could be done.' },
} as const satisfies Options
const UNSAFE = { unsafe: { about: 'Even if metadata is lost by it.' } } as const satisfies Options

/** What needs no cluster; kafka-storage has it, too. */
export const FEATURE_COMMANDS: Readonly<Record<string, CommandDeclaration>> = {
  'version-mapping': {
    about: 'Which levels a release has by default.',
    options: {
      'release-version': {
        about: `From ${EARLIEST_VERSION} to ${LATEST_VERSION}, which is the default.`,
        value: 'version',
      },
    },
    run: async (options, context) => versionMapping(options, context),
  },
  'feature-dependencies': {
    about: 'What a level of a feature needs.',
    options: {
      feature: {
        about: 'As metadata.version=25; may be given again.',
        value: 'feature=level',
        isRequired: true,
        isRepeated: true,
      },
    },
    run: async (options, context) => dependencies(options, context),
  },
}

export const kafkaFeatures = argparseTool({
  name: 'kafka-features',
  about: 'The features of a cluster.',
  argumentError: message => `Command line error: ${message}. Type --help for help.`,
  options: {
    'bootstrap-server': {
      about: 'Brokers: host:port, several separated by commas.',
      value: 'servers',
      oneOf: 'at most',
    },
    'bootstrap-controller': { about: 'Or controllers.', value: 'servers', oneOf: 'at most' },
    'command-config': { about: 'A properties file for the client.', value: 'file' },
  },
  commands: {
    describe: {
      about: 'Show the features.',
      options: { 'node-id': { about: 'As this node has them; any by default.', value: 'id', type: 'int' } },
      run: (options, context) => connected(options, context, 'describeFeatures', describe),
    },
    upgrade: {
      about: 'Move features up.',
      options: CHANGE,
      run: (options, context) =>
        connected(options, context, 'updateFeatures', (...args) => change('upgrade', UpgradeType.upgrade, ...args)),
    },
    downgrade: {
      about: 'Move features down.',
      options: { ...CHANGE, ...UNSAFE },
      run: (options, context) =>
        connected(options, context, 'updateFeatures', (...args) => change('downgrade', downType(options), ...args)),
    },
    disable: {
      about: 'Move features to level 0.',
      options: {
        feature: { about: 'A feature; may be given again.', value: 'feature', isRepeated: true },
        ...UNSAFE,
        'dry-run': CHANGE['dry-run'],
      },
      run: (options, context) => connected(options, context, 'updateFeatures', disable),
    },
    ...FEATURE_COMMANDS,
  },
})

type Act = (options: ParsedOptions, cluster: Cluster, context: ToolContext) => Promise<void>

async function connected(options: ParsedOptions, context: ToolContext, firstCall: string, act: Act): Promise<void> {
  const server = options.text('bootstrap-server')
  const controller = options.text('bootstrap-controller')
  if (server === null && controller === null)
    throw new ArgumentError('You must specify either --bootstrap-controller or --bootstrap-server.')
  const where = {
    bootstrap: server ?? controller,
    areControllers: controller !== null,
    config: options.text('command-config'),
  }
  const node = options.has('node-id') ? options.int('node-id')! : 0
  if (node < 0) throw new ToolError(`Invalid node id ${node}: must be non-negative.`)
  await inExecution(context.withCluster(where, firstCall, cluster => act(options, cluster, context)))
}

async function describe(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const node = options.has('node-id') ? options.int('node-id')! : undefined
  const { supported, finalized, epoch } = await describeFeatures(cluster, node)
  for (const feature of [...supported.keys()].sort()) {
    const { min, max } = supported.get(feature)!
    const cells = [
      `Feature: ${feature.padEnd(40)}`,
      `SupportedMinVersion: ${levelText(feature, min).padEnd(15)}`,
      `SupportedMaxVersion: ${levelText(feature, max).padEnd(15)}`,
      `FinalizedVersionLevel: ${levelText(feature, finalized.get(feature) ?? 0).padEnd(15)}`,
      `Epoch: ${epoch ?? '-'}`,
    ]
    context.print(cells.join('  '))
  }
}

function levelText(feature: string, level: number): string {
  if (feature !== METADATA_VERSION) return String(level)
  return versionOfLevel(level) ?? `UNKNOWN ${level}`
}

function downType(options: ParsedOptions): FeatureUpdate['type'] {
  return options.has('unsafe') ? UpgradeType.unsafeDowngrade : UpgradeType.safeDowngrade
}

function parseLevel(text: string): [feature: string, level: number] {
  const at = text.indexOf('=')
  if (at < 0) throw new ToolError(`Can't parse feature=level string ${text}: equals sign not found.`)
  const level = text.slice(at + 1).trim()
  const value = /^[+-]?\d+$/.test(level) ? Number(level) : Number.NaN
  if (!(value >= -32_768 && value <= 32_767))
    throw new ToolError(`Can't parse feature=level string ${text}: unable to parse ${level} as a short.`)
  return [text.slice(0, at).trim(), value]
}

async function change(
  verb: 'upgrade' | 'downgrade',
  type: FeatureUpdate['type'],
  options: ParsedOptions,
  cluster: Cluster,
  context: ToolContext,
): Promise<void> {
  const release = options.text('release-version')
  if (release !== null && (options.has('metadata') || options.has('feature')))
    throw new ToolError('Can not specify `release-version` with other feature flags.')
  const levels = new Map<string, number>()
  if (release !== null) {
    const metadata = levelOfVersion(release)
    levels.set(METADATA_VERSION, metadata)
    for (const [name, level] of defaultLevels(metadata)) if (verb === 'downgrade' || level > 0) levels.set(name, level)
  } else {
    if (options.has('metadata')) {
      context.print(' `metadata` flag is deprecated and may be removed in a future release.')
      levels.set(METADATA_VERSION, levelOfVersion(options.text('metadata')!))
    }
    for (const text of options.texts('feature')) {
      const [name, level] = parseLevel(text)
      if (levels.has(name)) throw new ToolError(`Feature ${name} was specified more than once.`)
      levels.set(name, level)
    }
  }
  await update(verb, type, levels, options, cluster, context)
}

async function disable(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const levels = new Map<string, number>()
  for (const name of options.texts('feature')) {
    if (levels.has(name)) throw new ToolError(`Feature ${name} was specified more than once.`)
    levels.set(name, 0)
  }
  await update('disable', downType(options), levels, options, cluster, context)
}

async function update(
  verb: 'upgrade' | 'downgrade' | 'disable',
  type: FeatureUpdate['type'],
  levels: ReadonlyMap<string, number>,
  options: ParsedOptions,
  cluster: Cluster,
  context: ToolContext,
): Promise<void> {
  if (levels.size === 0) throw new ToolError(`You must specify at least one feature to ${verb}`)
  const validateOnly = options.has('dry-run')
  const updates = [...levels].map(([feature, level]) => ({ feature, level, type }))
  const outcomes = await updateFeatures(cluster, updates, { validateOnly })
  let failures = 0
  for (const feature of [...outcomes.keys()].sort()) {
    const refused = outcomes.get(feature)!
    const to = verb === 'disable' ? '' : ` to ${levels.get(feature)}`
    if (refused) {
      failures++
      context.print(`${validateOnly ? 'Can not' : 'Could not'} ${verb} ${feature}${to}. ${messageOf(refused)}`)
    } else context.print(`${feature} ${validateOnly ? 'can be' : 'was'} ${verb}d${to}.`)
  }
  if (failures > 0) throw new ToolError(`${failures} out of ${levels.size} operation(s) failed.`)
}

function versionMapping(options: ParsedOptions, context: ToolContext): void {
  const release = options.text('release-version') ?? LATEST_VERSION
  const metadata = levelOfVersion(release)
  context.print(`${METADATA_VERSION}=${metadata} (${release})`)
  for (const [name, level] of defaultLevels(metadata)) context.print(`${name}=${level}`)
}

function dependencies(options: ParsedOptions, context: ToolContext): void {
  for (const text of options.texts('feature')) {
    const [name, level] = parseLevel(text)
    if (name === METADATA_VERSION) {
      const version = versionOfLevel(level)
      if (version === null) throw new ToolError(`Unknown metadata.version ${level}`)
      context.print(`${name}=${level} (${version}) has no dependencies.`)
      continue
    }
    const feature = FEATURES.find(known => known.name === name)
    if (!feature) throw new ToolError(`Unknown feature: ${name}`)
    if (level < 0 || level > feature.maxLevel) throw new ToolError(`No feature:${name} with feature level ${level}`)
    if (level === feature.maxLevel && feature.needs !== undefined) {
      context.print(`${name}=${level} requires:`)
      context.print(`    ${METADATA_VERSION}=${feature.needs} (${versionOfLevel(feature.needs)})`)
    } else context.print(`${name}=${level} has no dependencies.`)
  }
}
