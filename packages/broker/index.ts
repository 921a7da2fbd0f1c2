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
  refusals,
  resolveBrokerConfig,
  unhonoured,
} from './config/index.ts'
export { type FormattedStorage, formatStorage, type StorageInfo, type StorageOptions, storageInfo } from './storage.ts'
