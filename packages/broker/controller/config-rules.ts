/**
 * What the controller has to know about configurations and leaves to `config/`: which keys there are, what their
 * values mean, and how the levels (topic, node, cluster, server.properties, default) give the value that counts.
 */
import type { ConfigResource } from '../image/index.ts'

/** What was set at the levels that live in the metadata log. The levels below are `ConfigRules`' own. */
export interface DynamicConfigs {
  readonly topic: ReadonlyMap<string, string>
  /** Of the active controller's node. */
  readonly node: ReadonlyMap<string, string>
  readonly cluster: ReadonlyMap<string, string>
}

/** `configSource` of DescribeConfigs and CreateTopics. */
export const ConfigSource = {
  DYNAMIC_TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const

export interface EffectiveConfig {
  readonly name: string
  readonly value: string | null
  readonly source: number
  readonly isSensitive: boolean
}

export interface ConfigRules {
  /** Why this value cannot be set, an unknown key included; null: it can. The resource is of type TOPIC, BROKER, CLIENT_METRICS or GROUP. */
  validateConfig(resource: ConfigResource, name: string, value: string): string | null
  /** Why these cannot stand together, as `min.compaction.lag.ms` above `max.compaction.lag.ms`; all the resource will have. */
  validateConfigs(resource: ConfigResource, configs: ReadonlyMap<string, string>): string | null
  /** APPEND and SUBTRACT work on lists only. */
  isList(type: number, name: string): boolean
  /** What APPEND and SUBTRACT start from; null: nothing. */
  defaultValue(type: number, name: string): string | null
  /** What counts for a topic, of one key. */
  topicConfig(name: string, dynamic: DynamicConfigs): string | null
  /** Of all keys that a topic may have, in any order. */
  topicConfigs(dynamic: DynamicConfigs): Iterable<EffectiveConfig>
}
