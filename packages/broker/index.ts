/** The server: one node, and how it is configured. */
export { Broker, type BrokerOptions } from './broker.ts'
export {
  type BrokerConfig,
  ConfigError,
  type ConfigProblem,
  type ConfigSources,
  type DeveloperOptions,
  decodeProperties,
  developerDefaults,
  loadConfig,
  needsDeveloperDefaults,
  problemText,
  type RawConfig,
  refusals,
  resolveBrokerConfig,
  unhonoured,
} from './config/index.ts'
export { type CollectedFamily, type Labels, type Sample, TEXT_CONTENT_TYPE, text } from './metrics/index.ts'
export type { BrokerMetrics } from './monitoring/broker-metrics.ts'
export type { Health } from './monitoring/health.ts'
export {
  type FormatOptions,
  type FormatResult,
  format as formatLogDirs,
  makeVoter,
  scramKeys,
  storageFacts,
  type VoterSet,
} from './quorum/index.ts'
export { type FormattedStorage, formatStorage, type StorageInfo, type StorageOptions, storageInfo } from './storage.ts'
