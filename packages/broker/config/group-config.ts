/** What a group and a client metrics subscription may set, and what comes of it within the bounds of the broker. */
import { ApiError } from '../errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigValues, camelCase } from './definition.ts'
import { type BrokerRows, CLIENT_METRICS_CONFIGS, GROUP_CONFIGS, type GroupRows } from './definitions.ts'
import { nearest } from './names.ts'
import { GROUP_SYNONYMS } from './synonyms.ts'

export type GroupConfig = ConfigValues<GroupRows>

type GroupKey = keyof GroupRows & string
type BrokerKey = keyof BrokerRows & string

interface Bounds {
  readonly min?: BrokerKey
  readonly max: BrokerKey
}

const BOUNDS: ReadonlyMap<GroupKey, Bounds> = new Map<GroupKey, Bounds>([
  ...(['consumer', 'share', 'streams'] as const).flatMap(kind =>
    (['session.timeout.ms', 'heartbeat.interval.ms', 'assignment.interval.ms'] as const).map(
      name => [`${kind}.${name}`, { min: `group.${kind}.min.${name}`, max: `group.${kind}.max.${name}` }] as const,
    ),
  ),
  ...(['record.lock.duration.ms', 'delivery.count.limit', 'partition.max.record.locks'] as const).map(
    name => [`share.${name}`, { min: `group.share.min.${name}`, max: `group.share.max.${name}` }] as const,
  ),
  ['streams.num.standby.replicas', { max: 'group.streams.max.standby.replicas' }],
])

/** What the groups of a broker have that set nothing themselves, as text. */
export function groupDefaults(broker: BrokerConfig): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>()
  for (const [name, brokerName] of GROUP_SYNONYMS) {
    const text = brokerName === null ? null : broker.source.texts.get(brokerName)
    if (text != null) defaults.set(name, text)
  }
  return defaults
}

/** What a group goes by. Bounds that became narrower since it was set are kept by taking the nearest value. */
export function resolveGroupConfig(broker: BrokerConfig, overrides: ReadonlyMap<string, string>): GroupConfig {
  const values: Record<string, unknown> = { ...parse(broker, overrides).values }
  for (const [name, bounds] of BOUNDS) {
    if (!overrides.has(name)) continue
    const [min, max] = limits(broker, bounds)
    values[camelCase(name)] = Math.min(Math.max(values[camelCase(name)] as number, min), max)
  }
  return values as GroupConfig
}

function parse(broker: BrokerConfig, overrides: ReadonlyMap<string, string>) {
  return GROUP_CONFIGS.parse(new Map([...groupDefaults(broker), ...overrides]))
}

function limits(broker: BrokerConfig, { min, max }: Bounds): readonly [number, number] {
  const value = (name: BrokerKey) => broker[camelCase(name) as keyof BrokerConfig] as number
  return [min ? value(min) : Number.NEGATIVE_INFINITY, value(max)]
}

/** All that a group is to have. Throws an ApiError with INVALID_CONFIG. */
export function validateGroupConfigs(broker: BrokerConfig, overrides: ReadonlyMap<string, string | null>): void {
  const nulls = [...overrides].filter(([, value]) => value === null).map(([name]) => name)
  if (nulls.length > 0) invalid(`Null value not supported for group configs: ${nulls.join(', ')}`)
  for (const name of overrides.keys())
    if (!GROUP_CONFIGS.get(name)) invalid(`Unknown group config name: ${named(name)}`)
  const { values, problems } = parse(broker, overrides as ReadonlyMap<string, string>)
  if (problems.length > 0) invalid(problems.map(problem => problem.message).join('; '))
  const value = (name: GroupKey) => values[camelCase(name) as keyof GroupConfig] as number
  for (const [name, bounds] of BOUNDS) {
    // The assignment interval of the broker can change while it runs, and is checked there.
    if (name.endsWith('.assignment.interval.ms') && !overrides.has(name)) continue
    const [min, max] = limits(broker, bounds)
    if (value(name) < min) invalid(`${name} must be greater than or equal to ${bounds.min}`)
    if (value(name) > max) invalid(`${name} must be less than or equal to ${bounds.max}`)
  }
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    if (value(`${kind}.session.timeout.ms`) <= value(`${kind}.heartbeat.interval.ms`))
      invalid(`${kind}.session.timeout.ms must be greater than ${kind}.heartbeat.interval.ms`)
  }
}

function named(name: string): string {
  const near = nearest(name, GROUP_CONFIGS.keys.keys())
  return near ? `${name} (did you mean ${near}?)` : name
}

function invalid(message: string): never {
  throw new ApiError('INVALID_CONFIG', message)
}

// -------------------------------------------------------------------------------------------------- client metrics

const MATCH_SELECTORS = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])
const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000

/** A client metrics subscription. Throws an ApiError: INVALID_REQUEST or INVALID_CONFIG, as Kafka has it. */
export function validateClientMetricsConfigs(name: string, overrides: ReadonlyMap<string, string | null>): void {
  const nulls = [...overrides].filter(([, value]) => value === null).map(([config]) => config)
  if (nulls.length > 0) invalid(`Null value not supported for client metrics configs: ${nulls.join(', ')}`)
  if (name === '') throw new ApiError('INVALID_REQUEST', "Subscription name can't be empty")
  for (const config of overrides.keys()) {
    if (!CLIENT_METRICS_CONFIGS.get(config))
      throw new ApiError('INVALID_REQUEST', `Unknown client metrics configuration: ${config}`)
  }
  const { values, problems } = CLIENT_METRICS_CONFIGS.parse(overrides as ReadonlyMap<string, string>)
  if (problems.length > 0) invalid(problems.map(problem => problem.message).join('; '))
  const { intervalMs } = values
  if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) {
    throw new ApiError(
      'INVALID_REQUEST',
      `interval.ms: '${intervalMs}' must be ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS} (1 hour)`,
    )
  }
  parseClientMatch(values.match)
}

/** Selector to regular expression, which must match as a whole. Throws an ApiError with INVALID_CONFIG. */
export function parseClientMatch(entries: readonly string[]): ReadonlyMap<string, RegExp> {
  const patterns = new Map<string, RegExp>()
  for (const entry of entries) {
    const [selector = '', expression = '', ...rest] = entry.split('=')
    if (expression === '' || rest.some(part => part !== '') || !MATCH_SELECTORS.has(selector.trim()))
      invalid(`Illegal client matching pattern: ${entry}`)
    try {
      patterns.set(selector.trim(), new RegExp(`^(?:${expression.trim()})$`))
    } catch (cause) {
      throw new ApiError('INVALID_CONFIG', `Illegal client matching pattern: ${entry}`, { cause })
    }
  }
  return patterns
}
