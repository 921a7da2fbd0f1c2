/**
 * The log dirs of one node: who they belong to, which logs they hold, and what has to be done with them from time to
 * time.
 */
import type { World } from '@ottla/io'
import type { LogConfig } from './log-config.ts'
import type { PartitionLog } from './partition-log.ts'
import type { LogDirDescription, TopicPartition } from './types.ts'

/** Broker configs, resolved; the comment is Kafka's name where it is not the same in camel case. */
export interface LogManagerOptions {
  readonly world: World
  /** Absolute. */
  readonly logDirs: readonly string[]
  readonly nodeId: number
  /**
   * What the dirs must belong to. A dir without meta.properties is formatted with it; without it such a dir is an
   * ERR_NOT_FORMATTED, unless another dir names the cluster.
   */
  readonly clusterId?: string | null
  /** num.recovery.threads.per.data.dir: how many logs of one dir are loaded at the same time. */
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
  /** A log dir has failed: its logs are offline until the process is started again. Called once a dir. */
  readonly onLogDirFailure?: (logDir: string, error: Error) => void
}

export interface LoadOptions {
  readonly defaults: LogConfig
  /** The topic's config; `defaults` if it has none of its own. */
  configOf?(topic: string): LogConfig
  /** The metadata no longer gives this log to this node: it is set aside as `-stray`. */
  isStray?(log: PartitionLog): boolean
}

/**
 * Two steps, because the metadata log lies in a log dir and is needed to know the topics' configs:
 *
 *     const logs = await LogManager.open({ world, logDirs, nodeId, clusterId })
 *     const metadata = await logs.openMetadataLog(dir, config)      // if this node has one
 *     await logs.load({ defaults, configOf, isStray })
 */
export interface LogManager extends AsyncDisposable {
  readonly clusterId: string
  /** Directory id by path, of the dirs that are online. */
  readonly directoryIds: ReadonlyMap<string, string>
  /** In the clean shutdown files, if all dirs have the same; -1 otherwise. For BrokerRegistration. */
  readonly previousBrokerEpoch: number

  /** `__cluster_metadata-0`: opened apart, recovered from its begin, not touched by retention. */
  openMetadataLog(logDir: string, config: LogConfig): Promise<PartitionLog>
  /** Loads all partitions of all dirs, recovering where the last stop was not clean, and starts the periodic tasks. */
  load(options: LoadOptions): Promise<void>

  get(topicPartition: TopicPartition): PartitionLog | null
  /** All that are online, without future logs. */
  readonly logs: Iterable<PartitionLog>
  /**
   * `isNew`: the controller has just created the replica; otherwise, with a dir offline, it is KAFKA_STORAGE_ERROR, as the
   * log may be there. `directoryId` or `logDir` choose the dir; else the one with the fewest logs.
   * INCONSISTENT_TOPIC_ID if the log has another.
   */
  getOrCreate(
    topicPartition: TopicPartition,
    topicId: string | null,
    options?: { readonly logDir?: string; readonly directoryId?: string; readonly isNew?: boolean },
  ): Promise<PartitionLog>
  /** Renames the folder to `-delete` and removes it after file.delete.delay.ms. */
  delete(topicPartition: TopicPartition): Promise<void>

  /** Asks the disk for the space; cheap enough for each DescribeLogDirs. */
  logDirs(): Promise<LogDirDescription[]>
  readonly offlineLogDirs: ReadonlyMap<string, Error>
  reconfigureDefaults(defaults: LogConfig): void

  /** Flushes everything and writes snapshots, checkpoints and, where all went well, the clean shutdown file. */
  close(brokerEpoch?: number): Promise<void>
}

export const LogManager = {
  open(_options: LogManagerOptions): Promise<LogManager> {
    return Promise.reject(new Error('the log is being written'))
  },
}
