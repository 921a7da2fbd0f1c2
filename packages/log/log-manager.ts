/**
 * The log dirs of one node: who they belong to, which logs they hold, and what has to be done with them from time to
 * time.
 */
import { BufferPool, DiskError, type Timer, type World } from '@ottla/io'
import { encodePartitionMetadata } from './checkpoints.ts'
import { LogDirError, LogError } from './errors.ts'
import {
  type FolderState,
  folderName,
  folderNameWithState,
  METADATA_TOPIC,
  PARTITION_METADATA_FILE,
} from './file-names.ts'
import { Folder } from './folder.ts'
import { IndexCache } from './index-cache.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from './log-config.ts'
import { type FoundFolder, LogDir } from './log-dir.ts'
import { type FlushTimes, type LogEnvironment, LogStore } from './log-store.ts'
import { PartitionLog } from './partition-log.ts'
import { forEachConcurrently, PeriodicTask } from './periodic.ts'
import type { ProducerStateConfig } from './producer-state.ts'
import { openLog } from './recovery.ts'
import { TailCache } from './tail-cache.ts'
import type { LogDirDescription, ReplicaDescription, TopicPartition } from './types.ts'

/** Broker configs, resolved; the comment is Kafka's name where it is not the same in camel case. */
export interface LogManagerOptions {
  readonly world: World
  /** Absolute. */
  readonly logDirs: readonly string[]
  /** metadata.log.dir: one of `logDirs`, or a dir that has nothing but the metadata log. Left out: nobody asks for that. */
  readonly metadataLogDir?: string
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
  /** A log dir has failed: its logs are offline until the process is started again. Called once a dir. */
  readonly onLogDirFailure?: (logDir: string, error: Error) => void
}

/** Memory of reads from files that is kept for the next ones. */
const MAX_IDLE_READ_BYTES = 32 * 1024 * 1024

const DEFAULTS = {
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
}

export interface LoadOptions {
  readonly defaults: LogConfig
  /** The topic's config; `defaults` if it has none of its own. */
  configOf?(topic: string): LogConfig
  /** The metadata no longer gives this log to this node: it is set aside as `-stray`. */
  isStray?(log: PartitionLog): boolean
}

export interface CreateOptions {
  readonly logDir?: string
  readonly directoryId?: string
  readonly isNew?: boolean
}

/**
 * Two steps, because the metadata log lies in a log dir and is needed to know the topics' configs:
 *
 *     const logs = await LogManager.open({ world, logDirs, nodeId, clusterId })
 *     const metadata = await logs.openMetadataLog(dir, config)      // if this node has one
 *     await logs.load({ defaults, configOf, isStray })
 */
export class LogManager implements AsyncDisposable {
  readonly #world: World
  readonly #options: LogManagerOptions & typeof DEFAULTS
  /** Those for partitions. */
  readonly #dirs: readonly LogDir[]
  /** Of the metadata log, where that is none of them. */
  readonly #metadataDir: LogDir | null
  readonly #environment: LogEnvironment
  readonly #producerConfig: ProducerStateConfig
  readonly #logs = new Map<string, PartitionLog>()
  readonly #futureLogs = new Map<string, PartitionLog>()
  /** The metadata log, apart from all others. */
  #metadataLog: PartitionLog | null = null
  /** New ones that have no partition.metadata yet. */
  readonly #unprepared: PartitionLog[] = []
  #preparing: Promise<void> | null = null
  /** What is being created or deleted, by name: who comes later waits. */
  readonly #changing = new Map<string, Promise<unknown>>()
  readonly #checkpointing = new Map<LogDir, { running: Promise<void>; next: Promise<void> | null }>()
  readonly #removals = new Set<Timer>()
  readonly #nameSyncs = new Map<LogDir, Promise<void>>()
  #tasks: PeriodicTask[] = []
  #defaults: LogConfig = DEFAULT_LOG_CONFIG
  #configOf: (topic: string) => LogConfig = () => this.#defaults
  #clusterId = ''
  #isClosed = false

  private constructor(options: LogManagerOptions) {
    this.#options = { ...DEFAULTS, ...withoutUndefined(options) }
    this.#world = options.world
    const { transactionPartitionVerificationEnable, producerIdExpirationMs, transactionMaxTimeoutMs } = this.#options
    this.#environment = {
      world: options.world,
      tailCache: new TailCache(this.#options.tailCacheBytes),
      readMemory: new BufferPool(MAX_IDLE_READ_BYTES),
      indexCache: new IndexCache(this.#options.indexCacheBytes),
      flushTimes: { count: 0, totalMs: 0 },
    }
    this.#producerConfig = {
      producerIdExpirationMs,
      transactionMaxTimeoutMs,
      transactionVerification: transactionPartitionVerificationEnable,
    }
    const logDir = (path: string): LogDir =>
      new LogDir(options.world, path, (dir, error) => this.#onFailure(dir, error))
    const { logDirs, metadataLogDir } = options
    this.#dirs = logDirs.map(logDir)
    this.#metadataDir = metadataLogDir === undefined || logDirs.includes(metadataLogDir) ? null : logDir(metadataLogDir)
  }

  // ---------------------------------------------------------------------------------------------------------- opening

  /** Takes the dirs' locks and finds out whose they are. Throws a LogDirError; nothing stays locked then. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    if (options.logDirs.length === 0) throw new LogDirError('ERR_ALL_LOG_DIRS_OFFLINE', 'no log dir is configured')
    if (new Set(options.logDirs).size < options.logDirs.length) {
      throw new LogDirError('ERR_UNEXPECTED_CONTENT', `a log dir is there twice: ${options.logDirs.join(', ')}`)
    }
    const manager = new LogManager(options)
    try {
      await Promise.all(manager.#allDirs.map(dir => dir.open()))
      await manager.#checkMetadataPlace()
      await manager.#settleIdentity()
      return manager
    } catch (error) {
      for (const dir of manager.#allDirs) await dir.unlock()
      throw error
    }
  }

  get #allDirs(): readonly LogDir[] {
    return this.#metadataDir ? [...this.#dirs, this.#metadataDir] : this.#dirs
  }

  /** With another metadata log than before, all partitions would be strays. */
  async #checkMetadataPlace(): Promise<void> {
    const { metadataLogDir } = this.#options
    if (metadataLogDir === undefined) return
    for (const dir of this.#online()) {
      const folder = `${dir.path}/${folderName({ topic: METADATA_TOPIC, partition: 0 })}`
      if (dir.path === metadataLogDir || !(await dir.attempt(() => this.#world.disk.stat(folder)))) continue
      throw new LogDirError(
        'ERR_UNEXPECTED_CONTENT',
        `${dir.path} holds a metadata log, and metadata.log.dir is ${metadataLogDir}: move it there, or change that`,
      )
    }
  }

  async #settleIdentity(): Promise<void> {
    const { nodeId } = this.#options
    let clusterId = this.#options.clusterId ?? null
    const online = this.#allDirs.filter(dir => dir.error === null)
    for (const { path, properties } of online) {
      if (!properties) continue
      const wrong = (what: string): LogDirError => new LogDirError('ERR_WRONG_IDENTITY', `${path} is of ${what}`)
      if (properties.nodeId !== null && properties.nodeId !== nodeId) {
        throw wrong(`node ${properties.nodeId}, this is node ${nodeId}`)
      }
      if (properties.clusterId === null) continue
      clusterId ??= properties.clusterId
      if (properties.clusterId !== clusterId) throw wrong(`cluster ${properties.clusterId}, not ${clusterId}`)
    }
    if (clusterId === null && online.length > 0) {
      throw new LogDirError(
        'ERR_NOT_FORMATTED',
        `${online[0]!.path} has no meta.properties, and no cluster id is given`,
      )
    }
    const directoryIds = new Set<string>()
    for (const dir of online) {
      const directoryId = dir.directoryId ?? this.#world.random.uuid()
      if (directoryIds.has(directoryId)) {
        throw new LogDirError('ERR_BAD_META_PROPERTIES', `two log dirs have the directory id ${directoryId}`)
      }
      directoryIds.add(directoryId)
      const known = dir.properties
      if (known?.version !== 1 || known.directoryId === null) {
        await dir.writeProperties({ version: 1, clusterId, nodeId, directoryId })
      }
    }
    this.#clusterId = clusterId ?? ''
    if (this.#online().length === 0) this.#failAll()
  }

  #failAll(): never {
    const reasons = this.#dirs.map(dir => `${dir.path}: ${dir.error?.message}`).join('; ')
    throw new LogDirError('ERR_ALL_LOG_DIRS_OFFLINE', `no log dir can be used: ${reasons}`)
  }

  #online(): LogDir[] {
    return this.#dirs.filter(dir => dir.error === null)
  }

  get clusterId(): string {
    return this.#clusterId
  }

  /** Directory id by path, of the dirs for partitions that are online. */
  get directoryIds(): ReadonlyMap<string, string> {
    return new Map(this.#online().map(dir => [dir.path, dir.directoryId!]))
  }

  /** Also of a dir that has failed, unless it was so from the start; null: it is not known. */
  directoryIdOf(logDir: string): string | null {
    return this.#allDirs.find(({ path }) => path === logDir)?.directoryId ?? null
  }

  /** That of the metadata log included. */
  get offlineLogDirs(): ReadonlyMap<string, Error> {
    return new Map(this.#allDirs.filter(dir => dir.error).map(dir => [dir.path, dir.error!]))
  }

  /** In the clean shutdown files, if all dirs have the same; -1 otherwise. For BrokerRegistration. */
  get previousBrokerEpoch(): number {
    const epochs = new Set(this.#dirs.map(dir => (dir.error ? -1 : dir.brokerEpoch)))
    return epochs.size === 1 ? [...epochs][0]! : -1
  }

  /** `__cluster_metadata-0`: opened apart, recovered from its begin, not touched by retention. */
  async openMetadataLog(logDir: string, config: LogConfig): Promise<PartitionLog> {
    const dir = this.#dirAt(logDir)
    const name = { topic: METADATA_TOPIC, partition: 0 }
    const path = `${dir.path}/${folderName(name)}`
    const log = await dir.attempt(async () => {
      const isNew = (await this.#world.disk.stat(path)) === null
      if (isNew) await this.#world.disk.makeDirectory(path)
      // Its last writer may have stopped after the clean shutdown file was written; so that says nothing.
      return this.#openLog(dir, path, name, config, { isNew, isFuture: false, checkpoints: null })
    })
    if (!log) throw this.#offline(dir)
    this.#metadataLog = log
    return log
  }

  /** Loads all partitions of all dirs, recovering where the last stop was not clean, and starts the periodic tasks. */
  async load({ defaults, configOf, isStray }: LoadOptions): Promise<void> {
    this.#defaults = defaults
    if (configOf) this.#configOf = configOf
    const startMs = this.#world.clock.monotonic()
    await Promise.all(this.#online().map(dir => this.#loadDir(dir, isStray ?? (() => false))))
    if (this.#online().length === 0) this.#failAll()
    const elapsedMs = Math.round(this.#world.clock.monotonic() - startMs)
    this.#world.logger.info('Logs are loaded', { logs: this.#logs.size, elapsedMs })
    this.#startTasks()
  }

  async #loadDir(dir: LogDir, isStray: (log: PartitionLog) => boolean): Promise<void> {
    await dir.removeCleanShutdown()
    const checkpoints: Checkpoints = {
      recoveryPoints: await dir.readRecoveryPoints(),
      logStartOffsets: await dir.readLogStartOffsets(),
      highWatermarks: await dir.readHighWatermarks(),
    }
    const folders = await dir.listFolders()
    await forEachConcurrently(folders, this.#options.recoveryConcurrency, async found => {
      if (dir.error) return
      if (found.folder.state === 'delete') this.#removeLater(dir, `${dir.path}/${found.name}`)
      else if (found.folder.state !== 'stray') await this.#loadLog(dir, found, checkpoints, isStray)
    })
    dir.isLoaded = dir.error === null
    // From now on it tells of every log how far it was flushed, if only by having no line for it.
    if (checkpoints.recoveryPoints === null) await this.#checkpoint(dir)
  }

  async #loadLog(
    dir: LogDir,
    { name, folder }: FoundFolder,
    checkpoints: Checkpoints,
    isStray: (log: PartitionLog) => boolean,
  ): Promise<void> {
    const path = `${dir.path}/${name}`
    const isFuture = folder.state === 'future'
    const options = { isNew: false, isFuture, checkpoints }
    let log: PartitionLog
    try {
      const config = this.#configOf(folder.topic)
      log = await this.#openLog(dir, path, folder, config, options)
      // What a killed process left in the page cache is read from now on, and acknowledged to who sends it once more.
      if (log.logEndOffset - log.recoveryPoint >= config.flushMessages) await log.flush()
    } catch (error) {
      if (!(error instanceof DiskError) && !(error instanceof LogError)) throw error
      dir.fail(error)
      return
    }
    if (!isFuture && isStray(log)) {
      await this.#retire(dir, log, 'stray')
      return
    }
    // Its creation was cut short: who still wants it makes it again, and the name may be another topic's by now.
    if (!isFuture && log.topicId === null && log.logEndOffset === 0) {
      await this.#retire(dir, log, 'delete')
      return
    }
    const logs = isFuture ? this.#futureLogs : this.#logs
    const other = logs.get(folderName(folder))
    if (other) {
      const dirs = `${other.logDir} and ${dir.path}`
      throw new LogDirError('ERR_UNEXPECTED_CONTENT', `${folderName(folder)} is in both ${dirs}: remove one of them`)
    }
    if (dir.error) log.store.fail('KAFKA_STORAGE_ERROR', 'the log dir has failed', dir.error)
    else this.#add(logs, log)
  }

  async #openLog(
    dir: LogDir,
    path: string,
    { topic, partition }: TopicPartition,
    config: LogConfig,
    { isNew, isFuture, checkpoints }: { isNew: boolean; isFuture: boolean; checkpoints: Checkpoints | null },
  ): Promise<PartitionLog> {
    const folder = new Folder(this.#world.disk, path)
    folder.isEntrySynced = checkpoints !== null && dir.hadCleanShutdown
    const { logger } = this.#world
    const name = folderName({ topic, partition })
    const { parts, producers, logStartOffset, topicId } = await openLog({
      environment: this.#environment,
      folder,
      config,
      producerConfig: this.#producerConfig,
      logger,
      nowMs: this.#world.clock.now(),
      isNew,
      hadCleanShutdown: checkpoints !== null && dir.hadCleanShutdown,
      recoveryPoint: checkpoints?.recoveryPoints?.get(name) ?? 0,
      knowsRecoveryPoint: (checkpoints?.recoveryPoints ?? null) !== null,
      logStartOffset: checkpoints?.logStartOffsets.get(name) ?? 0,
    })
    const store = new LogStore(this.#environment, parts, name, config, error => dir.fail(error))
    const highWatermark = checkpoints?.highWatermarks.get(name) ?? 0
    const saveRecoveryPoint = (): Promise<void> => this.#checkpointSoon(dir)
    const shared = { topic, partition, topicId, logDir: dir.path, isFuture, logger, saveRecoveryPoint }
    return new PartitionLog({ ...shared, store, producers, logStartOffset, highWatermark })
  }

  // ------------------------------------------------------------------------------------------------------------- logs

  get(topicPartition: TopicPartition): PartitionLog | null {
    return this.#logs.get(folderName(topicPartition)) ?? null
  }

  /** All that are online, without future logs. */
  get flushTimes(): Readonly<FlushTimes> {
    return this.#environment.flushTimes
  }

  /** Paths of all log dirs, those that have failed included. */
  get paths(): readonly string[] {
    return this.#allDirs.map(({ path }) => path)
  }

  /** null: it has not been opened. */
  get metadataLog(): PartitionLog | null {
    return this.#metadataLog
  }

  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  #add(logs: Map<string, PartitionLog>, log: PartitionLog): void {
    logs.set(folderName(log), log)
    this.#dirAt(log.logDir).logCount++
  }

  reconfigureDefaults(defaults: LogConfig): void {
    this.#defaults = defaults
  }

  /**
   * `isNew`: the controller has just created the replica; otherwise, with a dir offline, it is KAFKA_STORAGE_ERROR, as the
   * log may be there. `directoryId` or `logDir` choose the dir; else the one with the fewest logs.
   * INCONSISTENT_TOPIC_ID if the log has another.
   */
  getOrCreate(
    topicPartition: TopicPartition,
    topicId: string | null,
    options: CreateOptions = {},
  ): Promise<PartitionLog> {
    const name = folderName(topicPartition)
    return this.#inTurn(name, async () => {
      const log = this.#logs.get(name) ?? (await this.#create(topicPartition, topicId, options))
      if (topicId !== null && log.topicId !== topicId) {
        log.assignTopicId(topicId)
        await this.#writeTopicId(log, topicId)
      }
      return log
    })
  }

  async #create(
    topicPartition: TopicPartition,
    topicId: string | null,
    { logDir, directoryId, isNew }: CreateOptions,
  ): Promise<PartitionLog> {
    if (!isNew && this.#online().length < this.#dirs.length) {
      throw new LogError('KAFKA_STORAGE_ERROR', `${folderName(topicPartition)} may be in a log dir that is offline`)
    }
    // Whoever waits for the answer that the topic is there need not wait for a thousand directories, too.
    await new Promise<void>(resolve => this.#world.clock.nextTurn(resolve))
    for (const dir of this.#candidates(logDir, directoryId)) {
      const path = `${dir.path}/${folderName(topicPartition)}`
      // Counted before it is there, so that those that are made at the same time are spread over the dirs.
      dir.logCount++
      const isMade = await dir.attempt(() => this.#world.disk.makeDirectory(path).then(() => true))
      if (!isMade) continue
      const config = this.#configOf(topicPartition.topic)
      const options = { isNew: true, isFuture: false, checkpoints: null }
      const log = await dir.attempt(() => this.#openLog(dir, path, topicPartition, config, options))
      // The folder will be there at the next start: with one of the same name in another dir there would be two.
      if (!log || dir.error) throw this.#offline(dir)
      this.#logs.set(folderName(topicPartition), log)
      if (topicId !== null) {
        log.assignTopicId(topicId)
        log.store.folder.prepareBy(() => this.#writeTopicId(log, topicId))
        this.#prepareSoon(log)
      }
      return log
    }
    throw new LogError('KAFKA_STORAGE_ERROR', `no log dir is online for ${folderName(topicPartition)}`)
  }

  /**
   * partition.metadata costs two syncs, so a thousand new logs would keep the disk busy for a second: they get it one after
   * the other, in the background, and those that are written to before their turn get it then. No batch is on disk
   * without it.
   */
  #prepareSoon(log: PartitionLog): void {
    this.#unprepared.push(log)
    this.#preparing ??= this.#prepareAll()
  }

  async #prepareAll(): Promise<void> {
    for (let log = this.#unprepared.shift(); log; log = this.#unprepared.shift()) {
      if (!log.store.failure) await log.store.folder.prepared()
    }
    this.#preparing = null
  }

  async #writeTopicId({ store }: PartitionLog, topicId: string): Promise<void> {
    const { folder } = store
    try {
      const path = folder.file(PARTITION_METADATA_FILE)
      await this.#world.disk.writeFileAtomic(path, encodePartitionMetadata(topicId))
    } catch (error) {
      // A log that was deleted meanwhile needs none.
      if (!store.failure) store.failed(error)
    }
  }

  #candidates(logDir?: string, directoryId?: string): LogDir[] {
    if (logDir !== undefined) return [this.#dirAt(logDir)]
    const chosen = this.#online().filter(dir => dir.directoryId === directoryId)
    if (chosen.length > 0) return chosen
    return this.#online().sort((a, b) => a.logCount - b.logCount)
  }

  #dirAt(path: string): LogDir {
    const dir = this.#allDirs.find(dir => dir.path === path)
    if (!dir) throw new LogError('LOG_DIR_NOT_FOUND', `${path} is no log dir`)
    if (dir.error) throw this.#offline(dir)
    return dir
  }

  #offline(dir: LogDir): LogError {
    return new LogError('KAFKA_STORAGE_ERROR', `${dir.path} is offline`, { cause: dir.error })
  }

  /**
   * Renames the folder to `-delete` and removes it after file.delete.delay.ms, when all that was asked for before is done.
   * With a topic id, only if it is that topic's.
   */
  delete(topicPartition: TopicPartition, topicId: string | null = null): Promise<void> {
    const name = folderName(topicPartition)
    return this.#inTurn(name, async () => {
      const logs = [this.#logs.get(name), this.#futureLogs.get(name)]
        .filter(log => log !== undefined)
        .filter(log => topicId === null || log.topicId === topicId)
      if (logs.length === 0 && this.offlineLogDirs.size > 0) {
        throw new LogError('KAFKA_STORAGE_ERROR', `${name} may be in a log dir that is offline`)
      }
      for (const log of logs) {
        ;(log.isFuture ? this.#futureLogs : this.#logs).delete(name)
        const dir = this.#dirAt(log.logDir)
        dir.logCount--
        await this.#retire(dir, log, 'delete')
        await dir.forgetCleanerOffset(topicPartition)
        // A log of the same name that is made later must not be taken for this one.
        await this.#checkpointSoon(dir)
      }
    })
  }

  /** Out of the way, under a name of its own. */
  async #retire(dir: LogDir, log: PartitionLog, state: Exclude<FolderState, 'live'>): Promise<void> {
    const { folder } = log.store
    await log.store.release('the log is being removed')
    await folder.abandon()
    const path = `${dir.path}/${folderNameWithState(log, state, this.#world.random)}`
    this.#world.logger.info('Setting a log aside', { from: folder.path, to: path })
    await dir.attempt(() => this.#world.disk.rename(folder.path, path))
    folder.path = path
    if (state === 'delete') this.#removeLater(dir, path)
  }

  #removeLater(dir: LogDir, path: string): void {
    const timer = this.#world.clock.setTimer(this.#defaults.fileDeleteDelayMs, () => {
      this.#removals.delete(timer)
      dir.attempt(() => this.#remove(dir, path)).catch(error => dir.fail(error as Error))
    })
    this.#removals.add(timer)
  }

  /**
   * A loss of power must not undo the new name and leave the old one on a folder that has lost some of its files: its
   * records without its topic id would be taken for those of a topic of the same name.
   */
  async #remove(dir: LogDir, path: string): Promise<void> {
    await this.#syncNames(dir)
    await this.#world.disk.remove(path)
  }

  /** Makes the renames in a log dir durable, with one sync for all that come in a turn. */
  #syncNames(dir: LogDir): Promise<void> {
    let sync = this.#nameSyncs.get(dir)
    if (!sync) {
      const { clock, disk } = this.#world
      sync = new Promise<void>(resolve => clock.nextTurn(resolve)).then(() => {
        this.#nameSyncs.delete(dir)
        return disk.syncDirectory(dir.path)
      })
      this.#nameSyncs.set(dir, sync)
    }
    return sync
  }

  #inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#changing.get(name) ?? Promise.resolve()
    const result = before.then(task)
    const settled = result.then(
      () => {},
      () => {}, // the one who asked is told
    )
    this.#changing.set(name, settled)
    settled.then(() => {
      if (this.#changing.get(name) === settled) this.#changing.delete(name)
    })
    return result
  }

  // --------------------------------------------------------------------------------------------------------- log dirs

  /** Asks the disk for the space; cheap enough for each DescribeLogDirs. */
  logDirs(): Promise<LogDirDescription[]> {
    return Promise.all(
      this.#dirs.map(async dir => {
        const space = await dir.attempt(() => this.#world.disk.space(dir.path))
        const { path, directoryId, error } = dir
        const replicas = error ? [] : this.#logsIn(dir).map(log => this.#describe(log))
        return {
          path,
          directoryId,
          error,
          totalBytes: space?.totalBytes ?? -1,
          usableBytes: space?.usableBytes ?? -1,
          replicas,
        }
      }),
    )
  }

  #describe(log: PartitionLog): ReplicaDescription {
    const { topic, partition, sizeInBytes, isFuture, logEndOffset, highWatermark } = log
    const target = isFuture ? (this.get(log)?.logEndOffset ?? logEndOffset) : highWatermark
    return { topic, partition, sizeInBytes, offsetLag: Math.max(0, target - logEndOffset), isFuture }
  }

  #logsIn(dir: LogDir): PartitionLog[] {
    return [...this.#logs.values(), ...this.#futureLogs.values()].filter(log => log.logDir === dir.path)
  }

  #onFailure(dir: LogDir, error: Error): void {
    let partitions = 0
    for (const logs of [this.#logs, this.#futureLogs]) {
      for (const [name, log] of logs) {
        if (log.logDir !== dir.path) continue
        logs.delete(name)
        partitions++
        // Only lets go of files: what it cannot close, it cannot close.
        log.store.release('the log dir has failed').catch(() => {})
      }
    }
    // A disk's error says all in its message; of anything else the stack is wanted.
    const reason = error instanceof DiskError ? error.message : error
    this.#world.logger.error('A log dir has failed and is offline', { logDir: dir.path, partitions, error: reason })
    if (this.#metadataLog?.logDir === dir.path) {
      this.#metadataLog.store.fail('KAFKA_STORAGE_ERROR', 'the log dir has failed', error)
    }
    this.#options.onLogDirFailure?.(dir.path, error)
  }

  // ------------------------------------------------------------------------------------------------------ maintenance

  #startTasks(): void {
    const { clock, logger } = this.#world
    const options = this.#options
    const start = (name: string, intervalMs: number, task: () => Promise<void>, delayMs: number): void => {
      if (!Number.isFinite(intervalMs)) return
      const periodic = new PeriodicTask(clock, logger, name, intervalMs, task)
      this.#tasks.push(periodic)
      periodic.start(delayMs)
    }
    const delayMs = options.initialTaskDelayMs
    start('retention', options.retentionCheckIntervalMs, () => this.#applyRetention(), delayMs)
    start('flush', options.flushSchedulerIntervalMs, () => this.#flushOld(), delayMs)
    start(
      'recovery points',
      options.flushOffsetCheckpointIntervalMs,
      () => this.#eachDir(d => this.#checkpoint(d)),
      delayMs,
    )
    start(
      'log starts',
      options.flushStartOffsetCheckpointIntervalMs,
      () => this.#eachDir(d => this.#saveStarts(d)),
      delayMs,
    )
    const highWatermarkMs = options.highWatermarkCheckpointIntervalMs
    start('high watermarks', highWatermarkMs, () => this.#eachDir(d => this.#saveHighWatermarks(d)), highWatermarkMs)
    const expiryMs = options.producerIdExpirationCheckIntervalMs
    start('producer expiry', expiryMs, () => this.#expireProducers(), expiryMs)
  }

  async #eachDir(task: (dir: LogDir) => Promise<void>): Promise<void> {
    await Promise.all(this.#online().map(task))
  }

  async #eachLog(task: (log: PartitionLog) => Promise<unknown>): Promise<void> {
    for (const log of [...this.#logs.values(), ...this.#futureLogs.values()]) {
      try {
        await task(log)
      } catch (error) {
        // A log that went offline or was deleted has been reported; nothing else may stop the others.
        if (!(error instanceof LogError)) throw error
      }
    }
  }

  #applyRetention(): Promise<void> {
    return this.#eachLog(log => log.applyRetention(this.#world.clock.now()))
  }

  #flushOld(): Promise<void> {
    const nowMs = this.#world.clock.now()
    return this.#eachLog(async log => {
      const isDue = nowMs - log.store.lastFlushMs >= log.config.flushMs
      if (isDue && log.recoveryPoint < log.logEndOffset) await log.flush()
    })
  }

  #expireProducers(): Promise<void> {
    return this.#eachLog(async log => log.removeExpiredProducers(this.#world.clock.now()))
  }

  async #checkpoint(dir: LogDir): Promise<void> {
    await dir.writeRecoveryPoints(this.#logsIn(dir).map(log => [log, log.store.checkpointedRecoveryPoint] as const))
  }

  async #saveStarts(dir: LogDir): Promise<void> {
    const moved = this.#logsIn(dir).filter(log => log.logStartOffset > log.store.segments.first.baseOffset)
    await dir.writeLogStartOffsets(moved.map(log => [log, log.logStartOffset] as const))
  }

  async #saveHighWatermarks(dir: LogDir): Promise<void> {
    await dir.writeHighWatermarks(this.#logsIn(dir).map(log => [log, log.highWatermark] as const))
  }

  /** Recovery points and log starts on disk, as of a moment after the call; one write serves all who ask meanwhile. */
  #checkpointSoon(dir: LogDir): Promise<void> {
    const save = async (): Promise<void> => {
      await this.#checkpoint(dir)
      await this.#saveStarts(dir)
    }
    const state = this.#checkpointing.get(dir)
    if (!state) {
      const running = save().finally(() => {
        this.#checkpointing.delete(dir)
      })
      this.#checkpointing.set(dir, { running, next: null })
      return running
    }
    state.next ??= state.running.then(
      () => this.#checkpointSoon(dir),
      () => this.#checkpointSoon(dir),
    )
    return state.next
  }

  // ---------------------------------------------------------------------------------------------------------- closing

  /** Flushes everything and writes snapshots, checkpoints and, where all went well, the clean shutdown file. */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all(this.#tasks.map(task => task.stop()))
    for (const timer of this.#removals) timer.cancel()
    await Promise.all(this.#changing.values())
    await this.#preparing
    await Promise.all(this.#allDirs.map(dir => this.#closeDir(dir, brokerEpoch)))
  }

  async #closeDir(dir: LogDir, brokerEpoch: number): Promise<void> {
    const logs = this.#logsIn(dir)
    const metadataLog = this.#metadataLog?.logDir === dir.path ? this.#metadataLog : null
    try {
      if (dir.error) return
      await forEachConcurrently(logs, this.#options.recoveryConcurrency, async log => {
        await log.store.folder.prepared()
        await log.close()
      })
      await metadataLog?.close()
      if (dir === this.#metadataDir) return
      await this.#checkpoint(dir)
      await this.#saveStarts(dir)
      await this.#saveHighWatermarks(dir)
      if (dir.isLoaded && !dir.error) await dir.writeCleanShutdown(brokerEpoch)
    } catch (error) {
      // Of a dir that has failed meanwhile this was told.
      if (dir.error) return
      this.#world.logger.error('A log dir could not be closed cleanly', { logDir: dir.path, error: error as Error })
    } finally {
      await dir.unlock()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

interface Checkpoints {
  /** null: not known. */
  readonly recoveryPoints: ReadonlyMap<string, number> | null
  readonly logStartOffsets: ReadonlyMap<string, number>
  readonly highWatermarks: ReadonlyMap<string, number>
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
