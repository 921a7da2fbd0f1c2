/**
 * Where a node's configuration comes from: a properties file, KAFKA_* variables as the official image of Kafka reads
 * them, and `--set key=value`; the later wins, and each value remembers its place for error messages. What the values
 * say is broker-config.ts.
 */
import { BROKER_CONFIGS } from './definitions.ts'
import { ConfigError, type ConfigProblem } from './errors.ts'
import { classify, nearestBrokerConfig } from './names.ts'
import { PropertiesSyntaxError, parseProperties } from './properties.ts'

export interface RawValue {
  readonly value: string
  /** For people: "server.properties line 12". */
  readonly origin: string
  /** Nobody has set it: it is one of our own defaults. */
  readonly implied?: boolean
}

/** By Kafka's names. */
export type RawConfig = ReadonlyMap<string, RawValue>

export interface ConfigSources {
  /** A server.properties: its name, for messages, and its content. */
  readonly file?: { readonly name: string; readonly text: string } | null
  /** `process.env`, or what stands for it. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Each `key=value`, in order. */
  readonly set?: readonly string[]
  /** What holds where nothing else is said. */
  readonly defaults?: RawConfig
}

export interface LoadedConfig {
  readonly raw: RawConfig
  /** CLUSTER_ID of the environment, with which the image formats the storage. */
  readonly clusterId: string | null
  readonly warnings: readonly ConfigProblem[]
}

/** Java reads the bytes of a properties file as Latin-1; other letters are written \uXXXX. */
export function decodeProperties(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/**
 * Throws a ConfigError for a file that cannot be read as one and for a bad `--set`: a line typed for Ottla has no
 * excuse. Unknown names in a file or in the environment are warnings, as Kafka leaves them to plugins.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const environment = sources.environment ?? {}
  const problems: ConfigProblem[] = []
  const fromFile = sources.file ? readFile(sources.file.name, sources.file.text, problems) : []
  const fromEnvironment = readEnvironment(environment, problems)
  const fromArguments = readArguments(sources.set ?? [], problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const raw = new Map(sources.defaults)
  for (const [name, value] of [...fromFile, ...fromEnvironment, ...fromArguments]) raw.set(name, value)
  const clusterId = environment.CLUSTER_ID || null
  return { raw, clusterId, warnings: [...raw].flatMap(([name, { origin }]) => warnOfName(name, origin)) }
}

type Entry = readonly [name: string, value: RawValue]

function readFile(fileName: string, text: string, problems: ConfigProblem[]): Entry[] {
  return readProperties(text, fileName, line => `${fileName} line ${line}`, problems)
}

function readProperties(
  text: string,
  name: string,
  originOf: (line: number) => string,
  problems: ConfigProblem[],
): Entry[] {
  try {
    return parseProperties(text).map(({ key, value, line }) => [key, { value, origin: originOf(line) }])
  } catch (error) {
    if (!(error instanceof PropertiesSyntaxError)) throw error
    problems.push({ origin: originOf(error.line), name, message: error.message })
    return []
  }
}

// ---------------------------------------------------------------------------------------------------- environment

/** KAFKA_* variables that the image uses for other things. */
const NOT_CONFIGS = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_JMX_HOSTNAME',
])

const PREFIX = 'KAFKA_'

/** KAFKA_LOG_DIRS is log.dirs; two underscores are one, three a dash. null if the variable is no config. */
export function configNameOfVariable(variable: string): string | null {
  if (!variable.startsWith(PREFIX) || NOT_CONFIGS.has(variable)) return null
  const name = variable.slice(PREFIX.length).toLowerCase()
  return name.replaceAll('_', '.').replaceAll('...', '-').replaceAll('..', '_')
}

/**
 * The image writes the variables into a properties file, so that a backslash or a line break in a value means what it
 * means there; hence they are read as one here.
 */
function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
): Entry[] {
  const entries = Object.entries(environment)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([variable, value]) => {
      const name = configNameOfVariable(variable)
      if (name === null || value === undefined) return []
      return readProperties(`${name}=${value}`, name, () => `environment ${variable}`, problems)
    })
  return [...entries, ...impliedListeners(environment)]
}

/** The image listens on all interfaces if it is only told what to advertise. */
function impliedListeners(environment: Readonly<Record<string, string | undefined>>): Entry[] {
  const { KAFKA_LISTENERS, KAFKA_ADVERTISED_LISTENERS, KAFKA_PROCESS_ROLES } = environment
  if (KAFKA_LISTENERS || !KAFKA_ADVERTISED_LISTENERS || KAFKA_PROCESS_ROLES === 'controller') return []
  const value = KAFKA_ADVERTISED_LISTENERS.replace(/:\/\/[^:]*:/g, '://0.0.0.0:')
  return [['listeners', { value, origin: 'environment KAFKA_ADVERTISED_LISTENERS' }]]
}

// ------------------------------------------------------------------------------------------------------ arguments

function readArguments(args: readonly string[], problems: ConfigProblem[]): Entry[] {
  return args.flatMap(argument => {
    const equals = argument.indexOf('=')
    if (equals <= 0) {
      problems.push({ origin: '--set', name: argument, message: `'${argument}' is not key=value` })
      return []
    }
    const name = argument.slice(0, equals).trim()
    const other = BROKER_CONFIGS.get(name) ? null : classify(name)
    const origin = `--set ${name}`
    if (other?.kind === 'unknown') problems.push({ origin, name, message: unknownName(name) })
    return [[name, { value: argument.slice(equals + 1), origin }] as const]
  })
}

// ---------------------------------------------------------------------------------------------------------- names

function unknownName(name: string): string {
  const near = nearestBrokerConfig(name)
  return `${name} is not a configuration key${near ? ` (did you mean ${near}?)` : ''}`
}

function warnOfName(name: string, origin: string): ConfigProblem[] {
  if (BROKER_CONFIGS.get(name)) return []
  const other = classify(name)
  switch (other.kind) {
    case 'unknown':
      return [{ origin, name, message: `${unknownName(name)}; it is ignored` }]
    case 'removed':
    case 'extra':
      return [{ origin, name, message: `${name} has no effect: ${other.honoured.reason}` }]
    case 'plugin':
      return [{ origin, name, message: `${name} has no effect: Java classes cannot be loaded` }]
    case 'dynamic-only':
      return [{ origin, name, message: `${name} has no effect here: it can only be set on a running broker` }]
    case 'listener':
      return []
  }
}
