/** From --config, the environment, --set, --data and --port to the configuration of a node, with what is wrong with it. */
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import {
  type BrokerConfig,
  type ConfigProblem,
  decodeProperties,
  developerDefaults,
  loadConfig,
  needsDeveloperDefaults,
  problemText,
  type RawConfig,
  refusals,
  resolveBrokerConfig,
  unhonoured,
} from '@ottla/broker'
import type { Logger } from '@ottla/io'
import { CommandError, ExitCode } from '../cli/output.ts'

export interface NodeConfigOptions {
  readonly data?: string
  readonly port?: number
  readonly config?: string
  readonly set?: readonly string[]
}

const DEFAULT_DATA = 'ottla-data'

const FOLDERS = new Set(['log.dir', 'log.dirs', 'metadata.log.dir', 'cordoned.log.dirs'])

export interface NodeConfig {
  readonly config: BrokerConfig
  /** With which the storage is to be formatted, if somebody said. */
  readonly clusterId: string | null
}

/** Throws a CommandError that lists everything that is wrong; what is only doubtful goes to the log. */
export function loadNodeConfig(options: NodeConfigOptions, logger: Logger): NodeConfig {
  const file = options.config === undefined ? null : readConfigFile(options.config)
  const environment = process.env
  const ownDefaults = needsDeveloperDefaults({ file, environment })
  if (!ownDefaults && options.port !== undefined) {
    throw new CommandError(
      '--port does not go with a configuration that says what the node is: set listeners there',
      ExitCode.usage,
    )
  }
  const dataDir = resolve(options.data ?? DEFAULT_DATA)
  const set = [...(options.data === undefined ? [] : [`log.dirs=${dataDir}`]), ...(options.set ?? [])]
  const port = options.port === undefined ? {} : { port: options.port }
  const defaults = ownDefaults ? { defaults: developerDefaults({ dataDir, ...port }) } : {}
  try {
    const { raw, clusterId, warnings } = loadConfig({ file, environment, set, ...defaults })
    const config = resolveBrokerConfig(withAbsoluteFolders(raw))
    const refused = refusals(config)
    if (refused.length > 0) throw new CommandError(problems(refused))
    const { warnings: missing, notes } = unhonoured(config)
    for (const problem of [...warnings, ...config.source.warnings, ...missing]) logger.warn(problemText(problem))
    for (const note of notes) logger.debug(problemText(note))
    return { config, clusterId }
  } catch (error) {
    const listed = (error as { problems?: readonly ConfigProblem[] }).problems
    throw listed ? new CommandError(problems(listed)) : error
  }
}

/** As Kafka does with all files, relative ones are taken from where the process was started. */
function withAbsoluteFolders(raw: RawConfig): RawConfig {
  const absolute = (list: string) =>
    list
      .split(',')
      .map(folder => folder.trim())
      .map(folder => (folder === '' || folder === '*' || isAbsolute(folder) ? folder : resolve(folder)))
      .join(',')
  return new Map(
    [...raw].map(([name, entry]) => [name, FOLDERS.has(name) ? { ...entry, value: absolute(entry.value) } : entry]),
  )
}

function problems(list: readonly ConfigProblem[]): string {
  const texts = list.map(problemText)
  return texts.length === 1
    ? texts[0]!
    : `${texts.length} things are wrong with the configuration:\n  ${texts.join('\n  ')}`
}

function readConfigFile(path: string): { name: string; text: string } {
  try {
    return { name: path, text: decodeProperties(readFileSync(path)) }
  } catch (error) {
    throw new CommandError(`can't read ${path}: ${(error as Error).message}`)
  }
}
