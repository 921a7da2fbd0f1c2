export { type CleanerConfig, DEFAULT_CLEANER_CONFIG } from './cleaner/cleaner-config.ts'
export type { CleanerMetrics, LogCleaner } from './cleaner/log-cleaner.ts'
export { LogDirError, type LogDirErrorCode, LogError, OffsetOutOfRangeError } from './errors.ts'
export { type CleanupPolicy, DEFAULT_LOG_CONFIG, type LogConfig } from './log-config.ts'
export { type CreateOptions, type LoadOptions, LogManager } from './log-manager.ts'
export type { LogManagerOptions } from './log-manager-options.ts'
export {
  decodeMetaProperties,
  encodeMetaProperties,
  META_PROPERTIES_FILE,
  type MetaProperties,
} from './meta-properties.ts'
export { OffsetIndex } from './offset-index.ts'
export type { PartitionLog } from './partition-log.ts'
export { sequenceBefore } from './producer-entry.ts'
export { decodeSnapshot } from './producer-snapshot.ts'
export { TimeIndex } from './time-index.ts'
export { TransactionIndex } from './transaction-index.ts'
export type * from './types.ts'
export { VerificationGuard } from './verification.ts'
