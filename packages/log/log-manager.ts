/**
 * The log dirs of one node: who they belong to, which logs they hold, and what has to be done with them from time to
 * time.
 */
import { BufferPool, DiskError, Serial, type World } from '@ottla/io'
import { CleanerOffsets } from './cleaner/cleaner-offsets.ts'
import { LogCleaner } from './cleaner/log-cleaner.ts'
import { DirCheckpoints } from './dir-checkpoints.ts'
import { LogDirError, LogError } from './errors.ts'
import { folderName, METADATA_TOPIC } from './file-names.ts'
import { Folder } from './folder.ts'
import { FutureLogs } from './future-logs.ts'
import { IndexCache } from './index-cache.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from './log-config.ts'
import type { FoundFolder, LogDir } from './log-dir.ts'
import { LogDirs } from './log-dirs.ts'
import { type LogManagerOptions, type ResolvedOptions, resolveOptions } from './log-manager-options.ts'
import { LogRemoval } from './log-removal.ts'
import { type FlushTimes, type LogEnvironment, LogStore } from './log-store.ts'
import { Maintenance } from './maintenance.ts'
import { PartitionLog } from './partition-log.ts'
import { forEachConcurrently } from './periodic.ts'
import type { ProducerStateConfig } from './producer-state.ts'
import { openLog } from './recovery.ts'
import { TailCache } from './tail-cache.ts'
import { TopicIds } from './topic-ids.ts'
import type { LogDirDescription, ReplicaDescription, TopicPartition } from './types.ts'

/** Memory of reads from files that is kept for the next ones. */
const MAX_IDLE_READ_BYTES = 32 * 1024 * 1024

export interface LoadOptions {
  readonly defaults: LogConfig
  /** The topic's config; `defaults` if it has none of its own. */
  configOf?(topic: string): LogConfig
  /** The metadata no longer gives this log to this node: it is set aside as `-stray`. */
  isStray?(log: PartitionLog): boolean
  /** The metadata says that this node's replica is in the dir with that id. */
  isAssignedTo?(log: PartitionLog, directoryId: string): boolean
}

export interface CreateOptions {
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
  readonly #options: ResolvedOptions
  #dirs!: LogDirs
  readonly #environment: LogEnvironment
  readonly #producerConfig: { -readonly [Key in keyof ProducerStateConfig]: ProducerStateConfig[Key] }
  readonly #logs = new Map<string, PartitionLog>()
  /** The metadata log, apart from all others. */
  #metadataLog: PartitionLog | null = null
  /** What is being created or deleted, by name: who comes later waits. */
  readonly #changing = new Serial()
  readonly #checkpoints = new DirCheckpoints(dir => this.#logsIn(dir))
  readonly #topicIds: TopicIds
  readonly #maintenance: Maintenance
  readonly #removal: LogRemoval
  readonly #futureLogs: FutureLogs
  readonly #cleaner: LogCleaner
  /** By log dir. */
  readonly #cleanerOffsets = new Map<string, CleanerOffsets>()
  #defaults: LogConfig = DEFAULT_LOG_CONFIG
  #configOf: (topic: string) => LogConfig = () => this.#defaults
  #isClosed = false

  private constructor(options: LogManagerOptions) {
    this.#options = resolveOptions(options)
    this.#world = options.world
    this.#removal = new LogRemoval(options.world, this.#defaults.fileDeleteDelayMs)
    this.#topicIds = new TopicIds(options.world.disk)
    this.#futureLogs = this.#makeFutureLogs()
    this.#maintenance = new Maintenance(options.world, {
      checkpoints: this.#checkpoints,
      dirs: () => this.#dirs.online(),
      logs: () => [...this.#logs.values(), ...this.#futureLogs.values()],
    })
    const { transactionPartitionVerificationEnable, producerIdExpirationMs, transactionMaxTimeoutMs } = this.#options
    this.#cleaner = new LogCleaner(
      {
        world: options.world,
        logs: () => this.#logs.values(),
        offsetsOf: logDir => this.#cleanerOffsets.get(logDir) ?? null,
      },
      this.#options.cleaner,
    )
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
  }

  // ---------------------------------------------------------------------------------------------------------- opening

  /** Takes the dirs' locks and finds out whose they are. Throws a LogDirError; nothing stays locked then. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options)
    manager.#dirs = await LogDirs.open(manager.#options, (dir, error) => manager.#onFailure(dir, error))
    return manager
  }

  get clusterId(): string {
    return this.#dirs.clusterId
  }

  /** Directory id by path, of the dirs for partitions that are online. */
  get directoryIds(): ReadonlyMap<string, string> {
    return this.#dirs.directoryIds
  }

  /** Also of a dir that has failed, unless it was so from the start; null: it is not known. */
  directoryIdOf(logDir: string): string | null {
    return this.#dirs.directoryIdOf(logDir)
  }

  /** That of the metadata log included. */
  get offlineLogDirs(): ReadonlyMap<string, Error> {
    return this.#dirs.offlineLogDirs
  }

  /** In the clean shutdown files, if all dirs have the same; -1 otherwise. For BrokerRegistration. */
  get previousBrokerEpoch(): number {
    return this.#dirs.previousBrokerEpoch
  }

  /** `__cluster_metadata-0`: opened apart, recovered from its begin, not touched by retention. */
  async openMetadataLog(logDir: string, config: LogConfig): Promise<PartitionLog> {
    const dir = this.#dirs.at(logDir)
    const name = { topic: METADATA_TOPIC, partition: 0 }
    const path = `${dir.path}/${folderName(name)}`
    const log = await dir.attempt(async () => {
      const isNew = (await this.#world.disk.stat(path)) === null
      if (isNew) await this.#world.disk.makeDirectory(path)
      // Its last writer may have stopped after the clean shutdown file was written; so that says nothing.
      return this.#openLog(dir, path, name, config, { ...NEW_LOG, isNew })
    })
    if (!log) throw this.#dirs.offline(dir)
    this.#metadataLog = log
    return log
  }

  /** Loads all partitions of all dirs, recovering where the last stop was not clean, and starts the periodic tasks. */
  async load({ defaults, configOf, isStray, isAssignedTo }: LoadOptions): Promise<void> {
    this.reconfigureDefaults(defaults)
    if (configOf) this.#configOf = configOf
    const startMs = this.#world.clock.monotonic()
    await Promise.all(this.#dirs.online().map(dir => this.#loadDir(dir, isStray ?? (() => false))))
    if (this.#dirs.online().length === 0) this.#dirs.failAll()
    await this.#futureLogs.settle(isAssignedTo ?? (() => false))
    const elapsedMs = Math.round(this.#world.clock.monotonic() - startMs)
    this.#world.logger.info('Logs are loaded', { logs: this.#logs.size, elapsedMs })
    this.#maintenance.start(this.#options)
    this.#cleaner.start()
  }

  /** How it has done so far: see `CleanerMetrics`. */
  get cleaner(): LogCleaner {
    return this.#cleaner
  }

  async #loadDir(dir: LogDir, isStray: (log: PartitionLog) => boolean): Promise<void> {
    await dir.removeCleanShutdown()
    const cleanerOffsets = new CleanerOffsets(dir)
    await cleanerOffsets.load()
    this.#cleanerOffsets.set(dir.path, cleanerOffsets)
    const checkpoints: Checkpoints = {
      recoveryPoints: await dir.readRecoveryPoints(),
      logStartOffsets: await dir.readLogStartOffsets(),
      highWatermarks: await dir.readHighWatermarks(),
    }
    const folders = await dir.listFolders()
    await forEachConcurrently(folders, this.#options.recoveryConcurrency, async found => {
      if (dir.error) return
      if (found.folder.state === 'delete') this.#removal.removeLater(dir, `${dir.path}/${found.name}`)
      else if (found.folder.state !== 'stray') await this.#loadLog(dir, found, checkpoints, isStray)
    })
    await cleanerOffsets.keepOnly(this.#logsIn(dir))
    dir.isLoaded = dir.error === null
    // From now on it tells of every log how far it was flushed, if only by having no line for it.
    if (checkpoints.recoveryPoints === null) await this.#checkpoints.saveRecoveryPoints(dir)
  }

  async #loadLog(
    dir: LogDir,
    { name, folder }: FoundFolder,
    checkpoints: Checkpoints,
    isStray: (log: PartitionLog) => boolean,
  ): Promise<void> {
    const path = `${dir.path}/${name}`
    const isFuture = folder.state === 'future'
    const options = { isNew: false, isFuture, hadCleanShutdown: dir.hadCleanShutdown, checkpoints }
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
    if (isStray(log)) {
      await this.#removal.retire(dir, log, isFuture ? 'delete' : 'stray')
      return
    }
    // Its creation was cut short: who still wants it makes it again, and the name may be another topic's by now.
    if (!isFuture && log.topicId === null && log.logEndOffset === 0) {
      await this.#removal.retire(dir, log, 'delete')
      return
    }
    const other = isFuture ? this.#futureLogs.get(folder) : this.get(folder)
    if (other) {
      const dirs = `${other.logDir} and ${dir.path}`
      throw new LogDirError('ERR_UNEXPECTED_CONTENT', `${folderName(folder)} is in both ${dirs}: remove one of them`)
    }
    if (dir.error) log.store.fail('KAFKA_STORAGE_ERROR', 'the log dir has failed', dir.error)
    else this.#add(log)
  }

  async #openLog(
    dir: LogDir,
    path: string,
    { topic, partition }: TopicPartition,
    config: LogConfig,
    { isNew, isFuture, hadCleanShutdown, checkpoints }: OpenOptions,
  ): Promise<PartitionLog> {
    const folder = new Folder(this.#world.disk, path)
    folder.isEntrySynced = hadCleanShutdown
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
      hadCleanShutdown,
      recoveryPoint: checkpoints?.recoveryPoints?.get(name) ?? 0,
      knowsRecoveryPoint: (checkpoints?.recoveryPoints ?? null) !== null,
      logStartOffset: checkpoints?.logStartOffsets.get(name) ?? 0,
    })
    const store = new LogStore(this.#environment, parts, name, config, error => dir.fail(error))
    const highWatermark = checkpoints?.highWatermarks.get(name) ?? 0
    const onCut = async (endOffset: number): Promise<void> => {
      await this.#cleanerOffsets.get(dir.path)?.truncate({ topic, partition }, endOffset)
      await this.#checkpoints.saveSoon(dir)
    }
    const shared = { topic, partition, topicId, logDir: dir.path, isFuture, logger, onCut }
    return new PartitionLog({ ...shared, store, producers, logStartOffset, highWatermark })
  }

  // ------------------------------------------------------------------------------------------------------------- logs

  get(topicPartition: TopicPartition): PartitionLog | null {
    return this.#logs.get(folderName(topicPartition)) ?? null
  }

  /** What may change while it is at work. */
  reconfigure(options: Pick<Required<LogManagerOptions>, 'transactionPartitionVerificationEnable'>): void {
    this.#producerConfig.transactionVerification = options.transactionPartitionVerificationEnable
  }

  /** Flushes of all logs since the start. */
  get flushTimes(): Readonly<FlushTimes> {
    return this.#environment.flushTimes
  }

  /** Paths of all log dirs, those that have failed included. */
  get paths(): readonly string[] {
    return this.#dirs.all.map(({ path }) => path)
  }

  /** null: it has not been opened. */
  get metadataLog(): PartitionLog | null {
    return this.#metadataLog
  }

  /** All that are online, without future logs. */
  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  #add(log: PartitionLog): void {
    if (log.isFuture) this.#futureLogs.add(log)
    else this.#logs.set(folderName(log), log)
    this.#dirs.at(log.logDir).logCount++
  }

  reconfigureDefaults(defaults: LogConfig): void {
    this.#defaults = defaults
    this.#removal.fileDeleteDelayMs = defaults.fileDeleteDelayMs
  }

  /**
   * `isNew`: the controller has just created the replica; otherwise, with a dir offline, it is KAFKA_STORAGE_ERROR, as the
   * log may be there. `directoryId` chooses the dir, or `prefer` did; else it is the one with the fewest logs.
   * INCONSISTENT_TOPIC_ID if the log has another.
   */
  getOrCreate(
    topicPartition: TopicPartition,
    topicId: string | null,
    options: CreateOptions = {},
  ): Promise<PartitionLog> {
    const name = folderName(topicPartition)
    return this.#changing.run(name, async () => {
      const log = this.#logs.get(name) ?? (await this.#create(topicPartition, topicId, options))
      if (topicId !== null && log.topicId !== topicId) await this.#topicIds.assign(log, topicId)
      return log
    })
  }

  async #create(
    topicPartition: TopicPartition,
    topicId: string | null,
    { directoryId, isNew }: CreateOptions,
  ): Promise<PartitionLog> {
    if (!isNew && !this.#dirs.areAllOnline) {
      throw new LogError('KAFKA_STORAGE_ERROR', `${folderName(topicPartition)} may be in a log dir that is offline`)
    }
    // Whoever waits for the answer that the topic is there need not wait for a thousand directories, too.
    await new Promise<void>(resolve => this.#world.clock.nextTurn(resolve))
    for (const dir of this.#dirs.candidates(folderName(topicPartition), directoryId)) {
      const path = `${dir.path}/${folderName(topicPartition)}`
      // Counted before it is there, so that those that are made at the same time are spread over the dirs.
      dir.logCount++
      const isMade = await dir.attempt(() => this.#world.disk.makeDirectory(path).then(() => true))
      if (!isMade) continue
      const config = this.#configOf(topicPartition.topic)
      const log = await dir.attempt(() => this.#openLog(dir, path, topicPartition, config, NEW_LOG))
      // The folder will be there at the next start: with one of the same name in another dir there would be two.
      if (!log || dir.error) throw this.#dirs.offline(dir)
      this.#logs.set(folderName(topicPartition), log)
      if (topicId !== null) this.#topicIds.assignLater(log, topicId)
      return log
    }
    throw new LogError('KAFKA_STORAGE_ERROR', `no log dir is online for ${folderName(topicPartition)}`)
  }

  /**
   * Renames the folder to `-delete` and removes it after file.delete.delay.ms, when all that was asked for before is done.
   * With a topic id, only if it is that topic's.
   */
  delete(topicPartition: TopicPartition, topicId: string | null = null): Promise<void> {
    const name = folderName(topicPartition)
    return this.#changing.run(name, async () => {
      const isWanted = (log: PartitionLog | null) => log !== null && (topicId === null || log.topicId === topicId)
      const [log, future] = [this.get(topicPartition), this.#futureLogs.get(topicPartition)]
      if (!isWanted(log) && !isWanted(future) && this.offlineLogDirs.size > 0) {
        throw new LogError('KAFKA_STORAGE_ERROR', `${name} may be in a log dir that is offline`)
      }
      if (isWanted(future)) await this.#futureLogs.drop(topicPartition)
      if (log && isWanted(log)) await this.#delete(log)
    })
  }

  async #delete(log: PartitionLog): Promise<void> {
    this.#logs.delete(folderName(log))
    const dir = this.#dirs.at(log.logDir)
    dir.logCount--
    await this.#cleaner.abort(log)
    await this.#removal.retire(dir, log, 'delete')
    this.#cleaner.forget(log)
    await this.#cleanerOffsets.get(dir.path)?.forget(log)
    // A log of the same name that is made later must not be taken for this one.
    await this.#checkpoints.saveSoon(dir)
  }

  // ----------------------------------------------------------------------------------------------------------- moving

  /** The copy of a log that is being moved; null: it is not. */
  /** Logs that are on their way to another log dir. */
  get futures(): Iterable<PartitionLog> {
    return this.#futureLogs.values()
  }

  futureOf(topicPartition: TopicPartition): PartitionLog | null {
    return this.#futureLogs.get(topicPartition)
  }

  /**
   * Begins to move a log: an empty copy in `logDir`, to be filled, and then promoted or dropped. The log is not compacted
   * meanwhile: what was copied already would stay as it was. Throws LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR or
   * INVALID_TOPIC_EXCEPTION.
   */
  createFuture(current: PartitionLog, logDir: string): Promise<PartitionLog> {
    return this.#changing.run(folderName(current), async () => {
      const future = await this.#futureLogs.create(current, logDir)
      await this.#cleaner.abort(current)
      return future
    })
  }

  /** The log stays where it is. */
  dropFuture(topicPartition: TopicPartition): Promise<void> {
    return this.#changing.run(folderName(topicPartition), async () => {
      await this.#futureLogs.drop(topicPartition)
      const current = this.get(topicPartition)
      if (current) this.#cleaner.release(current)
    })
  }

  /** As FutureLogs.promote. */
  promoteFuture(topicPartition: TopicPartition): Promise<PartitionLog> {
    return this.#changing.run(folderName(topicPartition), async () => {
      const before = this.get(topicPartition)
      try {
        return await this.#futureLogs.promote(topicPartition)
      } finally {
        if (before) this.#cleaner.forget(before)
      }
    })
  }

  #makeFutureLogs(): FutureLogs {
    return new FutureLogs({
      world: this.#world,
      dirs: () => this.#dirs,
      removal: this.#removal,
      checkpoints: this.#checkpoints,
      logs: this.#logs,
      cleanerOffsetsOf: logDir => this.#cleanerOffsets.get(logDir),
      create: async (dir, path, { topic, partition }, topicId) => {
        const options = { ...NEW_LOG, isFuture: true }
        const log = await this.#openLog(dir, path, { topic, partition }, this.#configOf(topic), options)
        if (topicId !== null) this.#topicIds.assignLater(log, topicId)
        return log
      },
      reopen: (dir, path, closed) =>
        this.#openLog(dir, path, closed, this.#configOf(closed.topic), {
          isNew: false,
          isFuture: false,
          hadCleanShutdown: true,
          checkpoints: checkpointsOf(closed),
        }),
    })
  }

  // --------------------------------------------------------------------------------------------------------- log dirs

  /** No new log is put into these dirs from now on; false: nothing has changed. */
  cordon(logDirs: readonly string[]): boolean {
    return this.#dirs.cordon(logDirs)
  }

  isCordoned(logDir: string): boolean {
    return this.#dirs.isCordoned(logDir)
  }

  /** Whether replicas may be moved there; throws LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR or INVALID_REPLICA_ASSIGNMENT. */
  checkPlace(logDir: string): void {
    this.#dirs.forReplicas(logDir)
  }

  /** Where a log is to be put that is not there yet. */
  prefer(topicPartition: TopicPartition, logDir: string): void {
    this.#dirs.prefer(folderName(topicPartition), logDir)
  }

  /** Asks the disk for the space; cheap enough for each DescribeLogDirs. */
  logDirs(): Promise<LogDirDescription[]> {
    return Promise.all(
      this.#dirs.forPartitions.map(async dir => {
        const space = await dir.attempt(() => this.#world.disk.space(dir.path))
        const { path, directoryId, error } = dir
        const replicas = error ? [] : this.#logsIn(dir).map(log => this.#describe(log))
        return {
          path,
          directoryId,
          error,
          isCordoned: this.#dirs.isCordoned(path),
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
    for (const log of this.#logsIn(dir)) {
      if (log.isFuture) this.#futureLogs.forget(folderName(log))
      else this.#logs.delete(folderName(log))
      partitions++
      // Only lets go of files: what it cannot close, it cannot close.
      log.store.release('the log dir has failed').catch(() => {})
    }
    // A disk's error says all in its message; of anything else the stack is wanted.
    const reason = error instanceof DiskError ? error.message : error
    this.#world.logger.error('A log dir has failed and is offline', { logDir: dir.path, partitions, error: reason })
    if (this.#metadataLog?.logDir === dir.path) {
      this.#metadataLog.store.fail('KAFKA_STORAGE_ERROR', 'the log dir has failed', error)
    }
    this.#options.onLogDirFailure?.(dir.path, error)
  }

  // ---------------------------------------------------------------------------------------------------------- closing

  /** Flushes everything and writes snapshots, checkpoints and, where all went well, the clean shutdown file. */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all([this.#cleaner.close(), this.#maintenance.stop()])
    this.#removal.close()
    await this.#changing.settled()
    await this.#topicIds.settled()
    await Promise.all(this.#dirs.all.map(dir => this.#closeDir(dir, brokerEpoch)))
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
      if (dir === this.#dirs.metadataDir) return
      await this.#checkpoints.saveRecoveryPoints(dir)
      await this.#checkpoints.saveStarts(dir)
      await this.#checkpoints.saveHighWatermarks(dir)
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

interface OpenOptions {
  readonly isNew: boolean
  readonly isFuture: boolean
  /** Nothing was lost since it was closed. */
  readonly hadCleanShutdown: boolean
  readonly checkpoints: Checkpoints | null
}

const NEW_LOG: OpenOptions = { isNew: true, isFuture: false, hadCleanShutdown: false, checkpoints: null }

/** What they would say of a log that has been closed. */
function checkpointsOf(log: PartitionLog): Checkpoints {
  const name = folderName(log)
  return {
    recoveryPoints: new Map([[name, log.recoveryPoint]]),
    logStartOffsets: new Map([[name, log.logStartOffset]]),
    highWatermarks: new Map([[name, log.highWatermark]]),
  }
}

interface Checkpoints {
  /** null: not known. */
  readonly recoveryPoints: ReadonlyMap<string, number> | null
  readonly logStartOffsets: ReadonlyMap<string, number>
  readonly highWatermarks: ReadonlyMap<string, number>
}
