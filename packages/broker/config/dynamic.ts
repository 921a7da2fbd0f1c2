/**
 * Configs that change while a broker runs: which may, within what bounds, and what the broker's configuration is then.
 * A change is checked by the broker that it is for, before the controller writes it down; what has been written down is
 * applied as far as it is good, so that a record from another time cannot stop a broker.
 */
import { ApiError } from '../errors.ts'
import { type BrokerConfig, resolveLayers } from './broker-config.ts'
import { readValue } from './config-def.ts'
import type { ConfigKey } from './definition.ts'
import { BROKER_CONFIGS, DYNAMIC_ONLY_BROKER_CONFIGS } from './definitions.ts'
import { ConfigError, problemText } from './errors.ts'
import { listenerLimits } from './listener-limits.ts'
import { classify } from './names.ts'
import { withoutListenerPrefix } from './synonyms.ts'
import { BadValue } from './values.ts'

/** For all brokers of the cluster, or for one. */
export type DynamicLevel = 'cluster' | 'broker'

export type DynamicConfigs = ReadonlyMap<string, string>

/** Of TLS, what can be replaced on a listener that is open; only with the prefix of the listener. */
const RELOADABLE_TLS: ReadonlySet<string> = new Set([
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.key.password',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.truststore.certificates',
])

/** Of a listener, what may be set for all brokers at once, and may change while it is open. */
const LISTENER_LIMITS: ReadonlySet<string> = new Set([
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
])

export function isDynamic(name: string): boolean {
  const key = BROKER_CONFIGS.get(name)
  return key ? key.updateMode !== 'read-only' : DYNAMIC_ONLY_BROKER_CONFIGS.get(name) !== undefined
}

/**
 * Checks all that `level` is to have, as the broker `current` belongs to sees it. Throws an ApiError: INVALID_REQUEST,
 * as Kafka answers it. Names that are no key of Kafka's pass: a plugin may read them.
 */
export function validateDynamicConfigs(current: BrokerConfig, configs: DynamicConfigs, level: DynamicLevel): void {
  const fixed = [...configs.keys()].filter(isFixed)
  if (fixed.length > 0)
    throw new ApiError('INVALID_REQUEST', `Cannot update these configs dynamically: [${fixed.join(', ')}]`)
  for (const [name, value] of configs) {
    const problem = checkName(name, level) ?? checkValue(name, value)
    if (problem !== null) throw new ApiError('INVALID_REQUEST', problem)
  }
  const { layers } = current.source
  const next = resolve(() =>
    resolveLayers(level === 'broker' ? { ...layers, ownDynamic: configs } : { ...layers, clusterDefaults: configs }),
  )
  const problem = checkChange(current, next)
  if (problem !== null) throw new ApiError('INVALID_REQUEST', `Invalid dynamic configuration: ${problem}`)
}

function resolve(make: () => BrokerConfig): BrokerConfig {
  try {
    return make()
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    throw new ApiError('INVALID_REQUEST', cause.problems.map(problem => problem.message).join('; '), { cause })
  }
}

function checkName(name: string, level: DynamicLevel): string | null {
  const base = withoutListenerPrefix(name)
  if (base === null) {
    if (isFixed(name)) return `${name} cannot be changed while the broker runs`
    if (RELOADABLE_TLS.has(name)) return `${name} can be changed only for a listener: listener.name.<listener>.${name}`
  }
  const isPerBroker = base === null ? modeOf(name) === 'per-broker' : !LISTENER_LIMITS.has(base)
  if (level === 'cluster' && isPerBroker)
    return `${name} can be set for a single broker only, not for the whole cluster`
  return null
}

/** What only a start of the broker reads. */
function isFixed(name: string): boolean {
  return BROKER_CONFIGS.get(name) !== undefined && !isDynamic(name)
}

function modeOf(name: string) {
  return BROKER_CONFIGS.get(name)?.updateMode
}

function checkValue(name: string, value: string): string | null {
  const key = dynamicKey(withoutListenerPrefix(name) ?? name)
  if (!key) return null
  const result = readValue({ ...key, name }, value)
  return result instanceof BadValue ? result.reason : null
}

function dynamicKey(name: string): ConfigKey | undefined {
  return DYNAMIC_ONLY_BROKER_CONFIGS.get(name) ?? (isDynamic(name) ? BROKER_CONFIGS.get(name) : undefined)
}

// ----------------------------------------------------------------------------------------- from the old to the new

/** Numbers of threads may be halved or doubled at a time. */
const THREADS = [
  ['num.io.threads', 'numIoThreads'],
  ['num.replica.fetchers', 'numReplicaFetchers'],
  ['num.recovery.threads.per.data.dir', 'numRecoveryThreadsPerDataDir'],
  ['background.threads', 'backgroundThreads'],
  ['log.cleaner.threads', 'logCleanerThreads'],
  ['remote.log.reader.threads', 'remoteLogReaderThreads'],
  ['remote.log.manager.copier.thread.pool.size', 'remoteLogManagerCopierThreadPoolSize'],
  ['remote.log.manager.expiration.thread.pool.size', 'remoteLogManagerExpirationThreadPoolSize'],
  ['remote.log.manager.follower.thread.pool.size', 'remoteLogManagerFollowerThreadPoolSize'],
] as const

function checkChange(current: BrokerConfig, next: BrokerConfig): string | null {
  for (const [name, key] of THREADS) {
    const [from, to] = [current[key], next[key]]
    if (to === from) continue
    if (to < 1) return `${name} must be at least 1`
    if (to < Math.trunc(from / 2)) return `${name} (${to}) must be at least half of what it is (${from})`
    if (to > from * 2) return `${name} (${to}) must not be more than double of what it is (${from})`
  }
  return checkLocalRetention(current, next) ?? checkListeners(current, next) ?? checkListenerLimits(current, next)
}

function checkLocalRetention(current: BrokerConfig, next: BrokerConfig): string | null {
  const check = (unit: 'ms' | 'bytes', was: BoundedLocal, is: BoundedLocal) => {
    if (was.local === is.local && was.whole === is.whole) return null
    const isBounded = unit === 'ms' ? is.whole !== -1 : is.whole > -1
    if (!isBounded || is.local === -2 || (is.local !== -1 && is.local <= is.whole)) return null
    return `log.local.retention.${unit} (${is.local}) must be -2 or at most log.retention.${unit} (${is.whole})`
  }
  const ms = (config: BrokerConfig) => ({ local: config.logLocalRetentionMs, whole: config.logRetentionMs })
  const bytes = (config: BrokerConfig) => ({ local: config.logLocalRetentionBytes, whole: config.logRetentionBytes })
  return check('ms', ms(current), ms(next)) ?? check('bytes', bytes(current), bytes(next))
}

interface BoundedLocal {
  readonly local: number
  readonly whole: number
}

/** A listener can be opened and closed, but for those that are advertised; one that stays keeps how it is secured. */
function checkListeners(current: BrokerConfig, next: BrokerConfig): string | null {
  const names = next.listeners.all.map(endpoint => endpoint.name)
  const lost = current.listeners.advertisedBroker.find(endpoint => !names.includes(endpoint.name))
  if (lost) return `listeners must keep ${lost.name}, which is advertised`
  for (const { name, protocol } of current.listeners.all) {
    const stays = next.listeners.all.find(endpoint => endpoint.name === name)
    if (!stays) continue
    if (stays.protocol !== protocol)
      return `listener.security.protocol.map must keep ${protocol} for ${name}, which is open`
    if (fixedConfigs(current, name) !== fixedConfigs(next, name))
      return `what is set for the listener ${name} cannot be changed while it is open, but for its certificates and limits`
  }
  return null
}

/** Nobody can be shut out of a listener while it is open, not even by what is set for all of them. */
function checkListenerLimits(current: BrokerConfig, next: BrokerConfig): string | null {
  const before = listenerLimits(current)
  for (const [name, { maxConnections, maxCreationRate }] of listenerLimits(next)) {
    const was = before.get(name)
    if (maxConnections < 1 && maxConnections !== was?.maxConnections)
      return `max.connections of the listener ${name} must be at least 1`
    if (maxCreationRate < 1 && maxCreationRate !== was?.maxCreationRate)
      return `max.connection.creation.rate of the listener ${name} must be at least 1`
  }
  return null
}

/** Comparable: what is set for a listener and cannot change while it is open. */
function fixedConfigs(config: BrokerConfig, listenerName: string): string {
  const prefix = `listener.name.${listenerName.toLowerCase()}.`
  const configs = [...config.source.merged]
    // Names that are no key of Kafka's may be a plugin's.
    .filter(([name]) => name.startsWith(prefix) && classify(name).kind === 'listener')
    .map(([name, { value }]) => [name.slice(prefix.length), value] as const)
    .filter(([name]) => !RELOADABLE_TLS.has(name) && !LISTENER_LIMITS.has(name))
  return JSON.stringify(configs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

// ----------------------------------------------------------------------------------------------------------- apply

export interface AppliedConfigs {
  readonly config: BrokerConfig
  /** What is stored and does not count, each as a sentence for the log. */
  readonly ignored: readonly string[]
}

/**
 * What the broker goes by when these are the dynamic configs of the cluster and its own. Never throws for what is
 * stored: a single bad config is left out; configs that are only bad together leave `current` as it is.
 */
export function applyDynamicConfigs(
  current: BrokerConfig,
  clusterDefaults: DynamicConfigs,
  ownDynamic: DynamicConfigs,
): AppliedConfigs {
  const ignored: string[] = []
  const layers = {
    fixed: current.source.layers.fixed,
    clusterDefaults: good(clusterDefaults, 'cluster', ignored),
    ownDynamic: good(ownDynamic, 'broker', ignored),
  }
  const { min, max } = assignmentBounds(current)
  clampAssignmentIntervals(layers.clusterDefaults, min, max, ignored)
  clampAssignmentIntervals(layers.ownDynamic, min, max, ignored)
  try {
    return { config: resolveLayers(layers), ignored }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { config: current, ignored: [...ignored, ...error.problems.map(problemText)] }
  }
}

function good(configs: DynamicConfigs, level: DynamicLevel, ignored: string[]): Map<string, string> {
  const result = new Map<string, string>()
  for (const [name, value] of configs) {
    const problem = checkName(name, level) ?? checkValue(name, value)
    if (problem === null) result.set(name, value)
    else ignored.push(problem)
  }
  return result
}

const KINDS = ['Consumer', 'Share', 'Streams'] as const
type Bounds = Readonly<Record<string, number>>

/** Bounds are read when the broker starts and can be narrower than when the interval was set. */
function assignmentBounds(config: BrokerConfig): { readonly min: Bounds; readonly max: Bounds } {
  const name = (kind: string) => `group.${kind.toLowerCase()}.assignment.interval.ms`
  return {
    min: Object.fromEntries(KINDS.map(kind => [name(kind), config[`group${kind}MinAssignmentIntervalMs`]])),
    max: Object.fromEntries(KINDS.map(kind => [name(kind), config[`group${kind}MaxAssignmentIntervalMs`]])),
  }
}

function clampAssignmentIntervals(configs: Map<string, string>, min: Bounds, max: Bounds, ignored: string[]): void {
  for (const [name, least] of Object.entries(min)) {
    const raw = configs.get(name)
    if (raw === undefined) continue
    const clamped = Math.min(Math.max(Number(raw), least), max[name]!)
    if (clamped === Number(raw)) continue
    configs.set(name, String(clamped))
    ignored.push(`${name}: '${raw}' is out of its bounds, ${clamped} is used`)
  }
}
