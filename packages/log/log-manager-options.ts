/** What a log manager is given: where the logs are, whose, and how often what is done with them. */
import type { World } from '@ottla/io'
import { type CleanerConfig, DEFAULT_CLEANER_CONFIG } from './cleaner/cleaner-config.ts'

/** Broker configs, resolved; the comment is Kafka's name where it is not the same in camel case. */
export interface LogManagerOptions {
  readonly world: World
  /** Absolute. */
  readonly logDirs: readonly string[]
  /** metadata.log.dir: one of `logDirs`, or a dir that has nothing but the metadata log. Left out: nobody asks for that. */
  readonly metadataLogDir?: string
  /** cordoned.log.dirs: no new log is put into them. May be changed later. */
  readonly cordonedLogDirs?: readonly string[]
  readonly nodeId: number
  /**
   * What the dirs must belong to. A dir without meta.properties is formatted with it; without it such a dir is an
   * ERR_NOT_FORMATTED, unless another dir names the cluster.
   */
  readonly clusterId?: string | null
  /** How many logs of one dir are loaded or closed at the same time. */
  readonly recoveryConcurrency?: number
  /** log.retention.check.interval.ms */
  readonly retentionCheckIntervalMs?: number
  /** log.flush.scheduler.interval.ms */
  readonly flushSchedulerIntervalMs?: number
  /** log.flush.offset.checkpoint.interval.ms */
  readonly flushOffsetCheckpointIntervalMs?: number
  /** log.flush.start.offset.checkpoint.interval.ms */
  readonly flushStartOffsetCheckpointIntervalMs?: number
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly highWatermarkCheckpointIntervalMs?: number
  /** log.initial.task.delay.ms */
  readonly initialTaskDelayMs?: number
  readonly producerIdExpirationMs?: number
  readonly producerIdExpirationCheckIntervalMs?: number
  readonly transactionMaxTimeoutMs?: number
  /** transaction.partition.verification.enable */
  readonly transactionPartitionVerificationEnable?: boolean
  /** Bytes of recently written batches kept in memory, over all logs. */
  readonly tailCacheBytes?: number
  /** Bytes of indexes of closed segments kept in memory, over all logs. */
  readonly indexCacheBytes?: number
  /** Of compacted logs; may be changed later. */
  readonly cleaner?: CleanerConfig
  /** A log dir has failed: its logs are offline until the process is started again. Called once a dir. */
  readonly onLogDirFailure?: (logDir: string, error: Error) => void
}

/** A manager's options with nothing left open. */
export type ResolvedOptions = LogManagerOptions & typeof DEFAULTS

const DEFAULTS = {
  cordonedLogDirs: [] as readonly string[],
  recoveryConcurrency: 32,
  retentionCheckIntervalMs: 5 * 60 * 1000,
  flushSchedulerIntervalMs: Number.POSITIVE_INFINITY,
  flushOffsetCheckpointIntervalMs: 60_000,
  flushStartOffsetCheckpointIntervalMs: 60_000,
  highWatermarkCheckpointIntervalMs: 5_000,
  initialTaskDelayMs: 30_000,
  producerIdExpirationMs: 24 * 60 * 60 * 1000,
  producerIdExpirationCheckIntervalMs: 10 * 60 * 1000,
  transactionMaxTimeoutMs: 15 * 60 * 1000,
  transactionPartitionVerificationEnable: true,
  tailCacheBytes: 64 * 1024 * 1024,
  indexCacheBytes: 32 * 1024 * 1024,
  cleaner: DEFAULT_CLEANER_CONFIG,
}

export function resolveOptions(options: LogManagerOptions): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...DEFAULTS, ...(Object.fromEntries(given) as unknown as LogManagerOptions) }
}
