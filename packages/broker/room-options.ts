/**
 * What the rooms of a broker are given of its config, and of the world. Who is given what is broker.ts's.
 */
import type { World } from '@ottla/io'
import type { CleanerConfig } from '@ottla/log'
import type { BrokerConfig } from './config/index.ts'
import { LOGGERS, type LoggerName } from './loggers.ts'
import { metricsWindows } from './monitoring/monitoring.ts'
import type { ConnectionLimits } from './quota/index.ts'
import { RequestMemory } from './server/request-memory.ts'

/** Of requests being received or handled, if queued.max.request.bytes does not say: Kafka's default is no bound at all. */
const DEFAULT_REQUEST_MEMORY_BYTES = 256 * 1024 * 1024

/** Kafka's threads wait for the disk; here many logs are under way at a time for each. */
const LOGS_PER_RECOVERY_THREAD = 16

/** The world with a logger whose level can be set by itself: of one room. */
export function partOf({ clock, disk, network, random, workers, logger }: World, name: LoggerName): World {
  return { clock, disk, network, random, workers, logger: logger.named(name) }
}

export function logManagerOptions(world: World, config: BrokerConfig) {
  return {
    world: partOf(world, LOGGERS.log),
    logDirs: config.logDirs,
    metadataLogDir: config.metadataLogDir,
    cordonedLogDirs: config.cordonedLogDirs,
    nodeId: config.nodeId,
    recoveryConcurrency: config.numRecoveryThreadsPerDataDir * LOGS_PER_RECOVERY_THREAD,
    retentionCheckIntervalMs: config.logRetentionCheckIntervalMs,
    flushSchedulerIntervalMs: config.logFlushSchedulerIntervalMs,
    flushOffsetCheckpointIntervalMs: config.logFlushOffsetCheckpointIntervalMs,
    flushStartOffsetCheckpointIntervalMs: config.logFlushStartOffsetCheckpointIntervalMs,
    highWatermarkCheckpointIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
    initialTaskDelayMs: config.logInitialTaskDelayMs,
    producerIdExpirationMs: config.producerIdExpirationMs,
    producerIdExpirationCheckIntervalMs: config.producerIdExpirationCheckIntervalMs,
    transactionMaxTimeoutMs: config.transactionMaxTimeoutMs,
    transactionPartitionVerificationEnable: config.transactionPartitionVerificationEnable,
    cleaner: cleanerConfig(config),
  }
}

export function cleanerConfig(config: BrokerConfig): CleanerConfig {
  return {
    enable: config.logCleanerEnable,
    threads: config.logCleanerThreads,
    ioMaxBytesPerSecond: config.logCleanerIoMaxBytesPerSecond,
    dedupeBufferSize: config.logCleanerDedupeBufferSize,
    dedupeBufferLoadFactor: config.logCleanerIoBufferLoadFactor,
    ioBufferSize: config.logCleanerIoBufferSize,
    backoffMs: config.logCleanerBackoffMs,
  }
}

/** Until the names of hosts among them are looked up, before anybody is served. */
const UNKNOWN_LIMITS: ConnectionLimits = {
  maxConnections: 0,
  maxCreationRate: 0,
  maxConnectionsPerIp: 0,
  maxConnectionsPerIpOverrides: new Map(),
  listeners: new Map(),
}

export function quotaOptions(config: BrokerConfig) {
  return {
    metricsWindows: metricsWindows(config),
    window: { count: config.quotaWindowNum, sizeMs: config.quotaWindowSizeSeconds * 1000 },
    controllerWindow: {
      count: config.controllerQuotaWindowNum,
      sizeMs: config.controllerQuotaWindowSizeSeconds * 1000,
    },
  }
}

function protectedListener({ listeners }: BrokerConfig): string | null {
  return listeners.broker.length > 1 ? listeners.interBroker.name : null
}

export function serverOptions(world: World, config: BrokerConfig) {
  const bytes = config.queuedMaxRequestBytes
  return {
    world,
    memory: new RequestMemory(bytes > 0 ? bytes : DEFAULT_REQUEST_MEMORY_BYTES),
    socketRequestMaxBytes: config.socketRequestMaxBytes,
    socketListenBacklogSize: config.socketListenBacklogSize,
    limits: UNKNOWN_LIMITS,
    quotaWindow: quotaOptions(config).window,
    metricsWindows: metricsWindows(config),
    protectedListener: protectedListener(config),
    connectionsMaxIdleMs: config.connectionsMaxIdleMs,
  }
}
