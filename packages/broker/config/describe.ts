/**
 * What DescribeConfigs answers: each config with its value as Kafka prints it, where that comes from, and every place
 * that has one, the one that counts first: topic or group, this broker, all brokers, file, default.
 */
import { inJavaOrder, inScalaOrder } from '../java-hash.ts'
import type { BrokerConfig } from './broker-config.ts'
import type { ConfigDef } from './config-def.ts'
import type { ConfigKey, ConfigType } from './definition.ts'
import {
  BROKER_CONFIGS,
  CLIENT_METRICS_CONFIGS,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  GROUP_CONFIGS,
  TOPIC_CONFIGS,
} from './definitions.ts'
import { isDynamic } from './dynamic.ts'
import { groupDefaults } from './group-config.ts'
import { classify, EXTRA_BROKER_CONFIGS } from './names.ts'
import { brokerSynonymsForDescribe, GROUP_SYNONYMS, TOPIC_SYNONYMS } from './synonyms.ts'

/** Numbers of the protocol. */
export const ConfigSourceCode = {
  topic: 1,
  broker: 2,
  clusterDefault: 3,
  static: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const
export type ConfigSourceCode = (typeof ConfigSourceCode)[keyof typeof ConfigSourceCode]

const TYPE_CODES: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}
const UNKNOWN_TYPE = 0

/** Sorted once: a request may ask for a thousand topics. */
const publicKeysOf = new WeakMap<ConfigDef, readonly ConfigKey[]>()

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSourceCode
}

export interface DescribedConfig {
  readonly name: string
  /** null: not set, or a secret. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly source: ConfigSourceCode
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
  /** 0: unknown. */
  readonly type: number
  readonly documentation: string | null
}

/** Resource BROKER with the id of this broker. */
export function describeBroker(config: BrokerConfig): DescribedConfig[] {
  const { merged, texts } = config.source
  const others = [...merged].filter(([name]) => BROKER_CONFIGS.get(name)?.internal !== false)
  return [
    ...inJavaOrder(others, ([name]) => name, merged.size).map(([name, { value }]) =>
      describeBrokerConfig(config, name, value),
    ),
    ...publicKeys(BROKER_CONFIGS).map(key => describeBrokerConfig(config, key.name, texts.get(key.name) ?? null)),
  ]
}

/** Resource BROKER with the empty name: what is set for all brokers. */
export function describeClusterDefaults(config: BrokerConfig): DescribedConfig[] {
  return inScalaOrder(config.source.layers.clusterDefaults, ([name]) => name).map(([name, value]) => {
    const described = describeBrokerConfig(config, name, value)
    const synonyms = described.synonyms.filter(synonym => synonym.source === ConfigSourceCode.clusterDefault)
    return { ...described, synonyms, source: synonyms[0]?.source ?? ConfigSourceCode.default }
  })
}

function describeBrokerConfig(config: BrokerConfig, name: string, text: string | null): DescribedConfig {
  const key = brokerKey(name)
  // What nobody knows may be a secret.
  const isSensitive = key === null || key.type === 'password'
  const synonyms = brokerSynonyms(config, name, isSensitive)
  return {
    name,
    value: isSensitive ? null : text,
    readOnly: !isDynamic(name),
    source: synonyms[0]?.source ?? ConfigSourceCode.default,
    isSensitive,
    synonyms,
    type: key ? TYPE_CODES[key.type] : UNKNOWN_TYPE,
    documentation: key?.name === name ? key.documentation : (EXTRA_BROKER_CONFIGS.get(name)?.documentation ?? null),
  }
}

function brokerKey(name: string): ConfigKey | null {
  const known = BROKER_CONFIGS.get(name) ?? DYNAMIC_ONLY_BROKER_CONFIGS.get(name)
  if (known) return known
  const other = classify(name)
  return other.kind === 'listener' ? other.key : null
}

/** Of one name in all layers, with those that stand in for it; what comes before its own first mention is left out. */
function brokerSynonyms(config: BrokerConfig, name: string, isSensitive: boolean): ConfigSynonym[] {
  const { ownDynamic, clusterDefaults, fixed } = config.source.layers
  const layers: readonly [(name: string) => string | null | undefined, ConfigSourceCode][] = [
    [synonym => ownDynamic.get(synonym), ConfigSourceCode.broker],
    [synonym => clusterDefaults.get(synonym), ConfigSourceCode.clusterDefault],
    [synonym => fixed.get(synonym)?.value, ConfigSourceCode.static],
    [synonym => BROKER_CONFIGS.defaultText(synonym), ConfigSourceCode.default],
  ]
  const names = brokerSynonymsForDescribe(name)
  const all = layers.flatMap(([lookUp, source]) =>
    names.flatMap(synonym => {
      const value = lookUp(synonym)
      return value == null ? [] : [{ name: synonym, value: isSensitive ? null : value, source }]
    }),
  )
  const first = all.findIndex(synonym => synonym.name === name)
  return first < 0 ? [] : all.slice(first)
}

export function describeTopic(config: BrokerConfig, overrides: ReadonlyMap<string, string>): DescribedConfig[] {
  const defaults = (name: string) => {
    const synonym = TOPIC_SYNONYMS.get(name)?.[0]
    return synonym ? brokerSynonyms(config, synonym.name, false) : []
  }
  return describeOwn(TOPIC_CONFIGS, config.topicDefaults, overrides, ConfigSourceCode.topic, defaults)
}

export function describeGroup(config: BrokerConfig, overrides: ReadonlyMap<string, string>): DescribedConfig[] {
  const defaults = (name: string): readonly ConfigSynonym[] => {
    const synonym = GROUP_SYNONYMS.get(name)
    if (synonym) return brokerSynonyms(config, synonym, false)
    return [{ name, value: GROUP_CONFIGS.defaultText(name), source: ConfigSourceCode.default }]
  }
  return describeOwn(GROUP_CONFIGS, groupDefaults(config), overrides, ConfigSourceCode.group, defaults)
}

export function describeClientMetrics(overrides: ReadonlyMap<string, string>): DescribedConfig[] {
  return describeOwn(CLIENT_METRICS_CONFIGS, new Map(), overrides, ConfigSourceCode.clientMetrics, () => [])
}

/** In the order in which Kafka tells them. */
function publicKeys(definition: ConfigDef): readonly ConfigKey[] {
  let keys = publicKeysOf.get(definition)
  if (!keys) {
    keys = inJavaOrder(
      [...definition.keys.values()].filter(key => !key.internal),
      key => key.name,
    )
    publicKeysOf.set(definition, keys)
  }
  return keys
}

function describeOwn(
  definition: ConfigDef,
  defaults: ReadonlyMap<string, string>,
  overrides: ReadonlyMap<string, string>,
  source: ConfigSourceCode,
  defaultSynonyms: (name: string) => readonly ConfigSynonym[],
): DescribedConfig[] {
  const { texts } = definition.parse(new Map([...defaults, ...overrides]))
  const others = [...definition.keys.values()].filter(key => key.internal && overrides.has(key.name))
  return [...others, ...publicKeys(definition)].map(({ name, type, documentation }) => {
    const value = texts.get(name) ?? null
    const own = overrides.has(name) ? [{ name, value, source }] : []
    const synonyms = [...own, ...defaultSynonyms(name)]
    return {
      name,
      value,
      readOnly: false,
      source: synonyms[0]?.source ?? ConfigSourceCode.default,
      isSensitive: false,
      synonyms,
      type: TYPE_CODES[type],
      documentation,
    }
  })
}
