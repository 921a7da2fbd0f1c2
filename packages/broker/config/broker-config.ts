/**
 * The configuration of a node as its rooms read it: every key of Kafka by its name in camel case, typed, and what
 * follows from several of them worked out. It is immutable; a dynamic change makes a new one (dynamic.ts).
 */
import { BROKER_ADVICE, BROKER_RULES, checkInterBrokerSasl, parseOverrides, type RuleContext } from './broker-rules.ts'
import { type ConfigDef, type Parsed, readValue } from './config-def.ts'
import { type ConfigValue, type ConfigValues, camelCase, Password } from './definition.ts'
import { BROKER_CONFIGS, type BrokerRows, TOPIC_CONFIGS } from './definitions.ts'
import { ConfigError, type ConfigProblem } from './errors.ts'
import { ListenerError, type Listeners, parseMap, resolveListeners } from './listeners.ts'
import { classify } from './names.ts'
import { parseHostAndPort, parseVoter, type VoterAddress } from './quorum-voters.ts'
import type { RawConfig, RawValue } from './sources.ts'
import { brokerSynonyms, TOPIC_SYNONYMS } from './synonyms.ts'
import { BadValue } from './values.ts'

/** Where a broker's configs come from, the last counting most. */
export interface ConfigLayers {
  /** File, environment, arguments. */
  readonly fixed: RawConfig
  /** Set in the cluster for all brokers. */
  readonly clusterDefaults: ReadonlyMap<string, string>
  /** Set in the cluster for this broker. */
  readonly ownDynamic: ReadonlyMap<string, string>
}

/** What takes the place of raw values, or is added to them. Milliseconds and bytes as the names say. */
export interface DerivedConfig {
  readonly isBroker: boolean
  readonly isController: boolean
  readonly listeners: Listeners
  /** log.dirs, else log.dir. */
  readonly logDirs: readonly string[]
  /** `*` resolved. */
  readonly cordonedLogDirs: readonly string[]
  readonly metadataLogDir: string
  /** The internal setting, if there is one, counts. */
  readonly metadataLogSegmentBytes: number
  readonly logRollMs: number
  readonly logRollJitterMs: number
  /** -1: no bound. */
  readonly logRetentionMs: number
  readonly logFlushIntervalMs: number
  readonly offsetsRetentionMs: number
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  readonly controllerQuorumVoters: readonly VoterAddress[]
  readonly controllerQuorumBootstrapServers: readonly { readonly host: string; readonly port: number }[]
  readonly remoteLogManagerFollowerThreadPoolSize: number
  readonly numReplicaAlterLogDirsThreads: number
  /** By topic config, as text: what a topic has that sets nothing itself. */
  readonly topicDefaults: ReadonlyMap<string, string>
  readonly source: ConfigSource
}

/** How the values came about: for DescribeConfigs, for dynamic changes, and for keys with the prefix of a listener. */
export interface ConfigSource {
  readonly layers: ConfigLayers
  /** All layers merged, by name; unknown names included. */
  readonly merged: RawConfig
  /** By names in camel case, before anything is derived from them. */
  readonly values: ConfigValues<BrokerRows>
  /** By Kafka's names, as Kafka prints them, secrets included; null: not set. */
  readonly texts: ReadonlyMap<string, string | null>
  readonly warnings: readonly ConfigProblem[]
}

type Values = ConfigValues<BrokerRows>
export type BrokerConfig = Omit<Values, keyof DerivedConfig> & DerivedConfig

/** Throws a ConfigError that lists everything that is wrong. */
export function resolveBrokerConfig(fixed: RawConfig): BrokerConfig {
  return resolveLayers({ fixed: withNodeId(fixed), clusterDefaults: new Map(), ownDynamic: new Map() })
}

/** node.id and broker.id stand for each other. */
function withNodeId(fixed: RawConfig): RawConfig {
  const nodeId = fixed.get('node.id')
  const brokerId = fixed.get('broker.id')
  if (nodeId && !brokerId) return new Map([...fixed, ['broker.id', nodeId]])
  if (brokerId && !nodeId) return new Map([...fixed, ['node.id', brokerId]])
  return fixed
}

export function resolveLayers(layers: ConfigLayers): BrokerConfig {
  const merged = mergeLayers(layers)
  const plain = new Map([...merged].map(([name, { value }]) => [name, value]))
  const parsed: Parsed<BrokerRows> = (BROKER_CONFIGS as ConfigDef<BrokerRows>).parse(plain)
  const problems = parsed.problems.map(problem => located(merged, problem.name, problem.message))
  for (const [name, { value, origin }] of merged) {
    const message = checkListenerConfig(name, value) ?? checkReference(name, value)
    if (message !== null) problems.push({ origin, name, message })
  }
  // The rules are about values that are good by themselves.
  if (problems.length > 0) throw new ConfigError(problems)

  const derived = derive(parsed.values, parsed.texts, merged, problems)
  problems.push(...topicDefaultProblems(derived.topicDefaults, merged))
  const context = ruleContext(parsed.values, derived, merged)
  for (const { name, check } of BROKER_RULES) {
    const message = check(context)
    if (message !== null) problems.push(located(merged, name, message))
  }
  const listeners = listenersOf(parsed.values, derived, merged, problems)
  if (problems.length > 0 || listeners === null) throw new ConfigError(problems)
  const advice = BROKER_ADVICE.flatMap(({ name, check }) => {
    const message = check(context)
    return message === null ? [] : [located(merged, name, message)]
  })
  const duplicates = parsed.duplicates.map(({ name, message }) => located(merged, name, message))
  const source: ConfigSource = {
    layers,
    merged,
    values: parsed.values,
    texts: parsed.texts,
    warnings: [...duplicates, ...advice],
  }
  return { ...parsed.values, ...derived, listeners, source }
}

/** The fine units of a later layer hide the coarse ones of an earlier one too: log.retention.hours over log.retention.ms. */
function mergeLayers({ fixed, clusterDefaults, ownDynamic }: ConfigLayers): RawConfig {
  const merged = new Map<string, RawValue>(fixed)
  for (const [layer, origin] of [
    [clusterDefaults, 'the dynamic defaults of the cluster'],
    [ownDynamic, 'the dynamic config of this broker'],
  ] as const) {
    for (const [name, value] of layer) {
      for (const synonym of brokerSynonyms(name)) merged.delete(synonym)
      merged.set(name, { value, origin })
    }
  }
  return merged
}

function located(merged: RawConfig, name: string, message: string): ConfigProblem {
  const place = brokerSynonyms(name).find(synonym => merged.has(synonym)) ?? name
  return { origin: merged.get(place)?.origin ?? '', name, message }
}

/** `listener.name.x.key`: the value must be good for the key. */
function checkListenerConfig(name: string, value: string): string | null {
  const other = BROKER_CONFIGS.get(name) ? null : classify(name)
  if (other?.kind !== 'listener') return null
  const result = readValue({ ...other.key, name }, value)
  return result instanceof BadValue ? result.reason : null
}

const REFERENCE = /\$\{[^}:]*:[^}]*\}/

/** Kafka fills `${provider:path:key}` in from elsewhere; taken as it stands it could only be wrong. */
function checkReference(name: string, value: string): string | null {
  if (name === 'config.providers' && value.trim() !== '')
    return 'config.providers: config providers are not supported yet'
  return REFERENCE.test(value) ? `${name}: references such as \${provider:path:key} are not supported yet` : null
}

// ---------------------------------------------------------------------------------------------------------- derive

type Derived = Omit<DerivedConfig, 'listeners' | 'source'>

function derive(
  values: Values,
  texts: ReadonlyMap<string, string | null>,
  merged: RawConfig,
  problems: ConfigProblem[],
): Derived {
  const topicDefaults = resolveTopicDefaults(texts)
  const ms = (topicConfig: string) => topicMs(topicDefaults, topicConfig)
  const logDirs = values.logDirs ?? values.logDir
  const followerThreads = merged.has('remote.log.manager.follower.thread.pool.size')
    ? values.remoteLogManagerFollowerThreadPoolSize
    : values.remoteLogManagerThreadPoolSize
  return {
    isBroker: values.processRoles.includes('broker'),
    isController: values.processRoles.includes('controller'),
    logDirs,
    cordonedLogDirs: values.cordonedLogDirs.includes('*') ? logDirs : values.cordonedLogDirs,
    metadataLogDir: values.metadataLogDir ?? logDirs[0]!,
    metadataLogSegmentBytes: values.internalMetadataLogSegmentBytes ?? values.metadataLogSegmentBytes,
    logRollMs: ms('segment.ms'),
    logRollJitterMs: ms('segment.jitter.ms'),
    logRetentionMs: ms('retention.ms'),
    logFlushIntervalMs: ms('flush.ms'),
    offsetsRetentionMs: values.offsetsRetentionMinutes * 60_000,
    maxConnectionsPerIpOverrides: overridesOf(values, merged, problems),
    controllerQuorumVoters: values.controllerQuorumVoters.map(entry => parseVoter(entry)!),
    controllerQuorumBootstrapServers: values.controllerQuorumBootstrapServers.map(entry => parseHostAndPort(entry)!),
    remoteLogManagerFollowerThreadPoolSize: followerThreads,
    numReplicaAlterLogDirsThreads: values.numReplicaAlterLogDirsThreads ?? logDirs.length,
    topicDefaults,
  }
}

/** Kafka's `extractLogConfigMap`: the broker's settings in the units and under the names of a topic. */
function resolveTopicDefaults(texts: ReadonlyMap<string, string | null>): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>()
  for (const [topicConfig, synonyms] of TOPIC_SYNONYMS) {
    for (const { name, factor } of synonyms) {
      const text = texts.get(name) ?? null
      if (text === null) continue
      const scaled = factor === 1 ? text : (BigInt(text) * BigInt(factor)).toString()
      defaults.set(topicConfig, topicConfig === 'retention.ms' && scaled.startsWith('-') ? '-1' : scaled)
      break
    }
  }
  return defaults
}

/** What a topic gets from its broker must be good for a topic, whose rules are a little narrower. */
function topicDefaultProblems(defaults: ReadonlyMap<string, string>, merged: RawConfig): ConfigProblem[] {
  return TOPIC_CONFIGS.parse(defaults).problems.map(({ name, message }) => {
    const synonyms = TOPIC_SYNONYMS.get(name)!.map(synonym => synonym.name)
    const brokerName = synonyms.find(synonym => merged.has(synonym)) ?? synonyms[0]!
    return located(merged, brokerName, `${brokerName} is no default for topics: ${message}`)
  })
}

function topicMs(defaults: ReadonlyMap<string, string>, topicConfig: string): number {
  const value = Number(defaults.get(topicConfig))
  return Number.isSafeInteger(value) ? value : Math.sign(value) * Number.POSITIVE_INFINITY
}

function overridesOf(values: Values, merged: RawConfig, problems: ConfigProblem[]): ReadonlyMap<string, number> {
  const name = 'max.connections.per.ip.overrides'
  try {
    const overrides = parseOverrides(parseMap(name, values.maxConnectionsPerIpOverrides))
    if (typeof overrides !== 'string') return overrides
    problems.push(located(merged, name, `${name} ${overrides}`))
  } catch (error) {
    problems.push(listenerProblem(merged, error))
  }
  return new Map()
}

function ruleContext(values: Values, derived: Derived, merged: RawConfig): RuleContext {
  const voterIds = derived.controllerQuorumVoters.map(voter => voter.id)
  return { values, ...derived, voterIds, isSet: name => merged.has(name) }
}

function listenersOf(values: Values, derived: Derived, merged: RawConfig, problems: ConfigProblem[]): Listeners | null {
  try {
    const listeners = resolveListeners({
      ...derived,
      nodeId: values.nodeId,
      listeners: values.listeners,
      advertisedListeners: values.advertisedListeners,
      securityProtocolMap: values.listenerSecurityProtocolMap,
      hasSecurityProtocolMap: merged.has('listener.security.protocol.map'),
      controllerListenerNames: values.controllerListenerNames,
      interBrokerListenerName: values.interBrokerListenerName,
      interBrokerSecurityProtocol: values.securityInterBrokerProtocol,
      hasInterBrokerSecurityProtocol: merged.has('security.inter.broker.protocol'),
      earlyStartListeners: values.earlyStartListeners,
      voters: derived.controllerQuorumVoters,
    })
    const enabledOn = (name: string) =>
      (override(merged, `listener.name.${name.toLowerCase()}.sasl.enabled.mechanisms`, 'sasl.enabled.mechanisms') ??
        values.saslEnabledMechanisms) as readonly string[]
    const name = 'sasl.mechanism.inter.broker.protocol'
    const message = checkInterBrokerSasl(listeners, values.saslMechanismInterBrokerProtocol, enabledOn)
    if (message !== null) problems.push(located(merged, name, message))
    return listeners
  } catch (error) {
    problems.push(listenerProblem(merged, error))
    return null
  }
}

function listenerProblem(merged: RawConfig, error: unknown): ConfigProblem {
  if (!(error instanceof ListenerError)) throw error
  return located(merged, error.key, error.message)
}

// ------------------------------------------------------------------------------------------------------- listeners

/** What `fullName` sets for the key `name`; undefined if it is not set. */
function override(merged: RawConfig, fullName: string, name: string): ConfigValue | undefined {
  const raw = merged.get(fullName)
  if (raw === undefined) return undefined
  const result = readValue(BROKER_CONFIGS.get(name)!, raw.value)
  // resolveLayers has refused it if it is bad.
  return result instanceof BadValue ? undefined : result.value
}

/**
 * A key on one listener, by Kafka's name: `listener.name.<listener>.<mechanism>.<key>` counts before
 * `listener.name.<listener>.<key>`, and that before the key itself.
 */
export function listenerConfigValue(
  config: Pick<BrokerConfig, 'source'>,
  listenerName: string,
  name: keyof BrokerRows & string,
  saslMechanism?: string,
): ConfigValue {
  const { merged } = config.source
  const prefix = `listener.name.${listenerName.toLowerCase()}.`
  const names = [prefix + name]
  if (saslMechanism) names.unshift(`${prefix}${saslMechanism.toLowerCase()}.${name}`)
  for (const fullName of names) {
    const value = override(merged, fullName, name)
    if (value !== undefined) return value
  }
  return config.source.values[camelCase(name) as keyof Values]
}

/** For logs: what was set and where, secrets hidden. */
export function describeSettings(config: BrokerConfig): readonly { name: string; value: string; origin: string }[] {
  return [...config.source.merged].map(([name, { value, origin }]) => {
    const key = BROKER_CONFIGS.get(name)
    const other = key ? null : classify(name)
    const type = key?.type ?? (other?.kind === 'listener' ? other.key.type : 'password')
    return { name, value: type === 'password' ? String(new Password(value)) : value, origin }
  })
}
