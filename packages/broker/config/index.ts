/**
 * Configuration, without I/O: the keys of Kafka 4.3, where their values come from, what a node, a topic or a group goes
 * by, what may change while it runs, and what DescribeConfigs says.
 *
 *     const { raw, warnings } = loadConfig({ file, environment: process.env, set: ['num.partitions=3'] })
 *     const config = resolveBrokerConfig(raw)            // throws a ConfigError that lists all that is wrong
 *     config.logSegmentBytes                             // every key, in camel case
 */
export { type BrokerConfig, describeSettings, listenerConfigValue, resolveBrokerConfig } from './broker-config.ts'
export { ConfigDef } from './config-def.ts'
export { type ConfigKey, type ConfigType, type ConfigValue, type Honoured, Password } from './definition.ts'
export {
  BROKER_AREAS,
  BROKER_CONFIGS,
  CLIENT_METRICS_CONFIGS,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  GROUP_CONFIGS,
  TOPIC_CONFIGS,
} from './definitions.ts'
export {
  ConfigSourceCode,
  type ConfigSynonym,
  type DescribedConfig,
  describeBroker,
  describeClientMetrics,
  describeClusterDefaults,
  describeGroup,
  describeTopic,
} from './describe.ts'
export { type DeveloperOptions, developerDefaults, needsDeveloperDefaults } from './developer-defaults.ts'
export {
  type AppliedConfigs,
  applyDynamicConfigs,
  type DynamicConfigs,
  type DynamicLevel,
  isDynamic,
  validateDynamicConfigs,
} from './dynamic.ts'
export { ConfigError, type ConfigProblem, problemText } from './errors.ts'
export {
  type GroupConfig,
  parseClientMatch,
  resolveGroupConfig,
  validateClientMetricsConfigs,
  validateGroupConfigs,
} from './group-config.ts'
export { listenerLimits } from './listener-limits.ts'
export type { Endpoint, Listeners, SecurityProtocol } from './listeners.ts'
export { EXTRA_BROKER_CONFIGS } from './names.ts'
export type { VoterAddress } from './quorum-voters.ts'
export {
  type ConfigSources,
  decodeProperties,
  type LoadedConfig,
  loadConfig,
  type RawConfig,
  type RawValue,
} from './sources.ts'
export {
  resolveTopicConfig,
  type TopicConfig,
  type TopicOverrides,
  validateTopicConfig,
  validateTopicConfigs,
} from './topic-config.ts'
export { refusals, type Unhonoured, unhonoured, unhonouredTopicConfigs } from './unsupported.ts'
export { parseDuration } from './validators.ts'
