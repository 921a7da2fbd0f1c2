/**
 * All log dirs of a node: that they belong to this node and to one cluster, which of them can be used, and which one a
 * new log goes to. What is in a dir is log-dir.ts's matter.
 */
import type { World } from '@ottla/io'
import { LogDirError, LogError } from './errors.ts'
import { folderName, METADATA_TOPIC } from './file-names.ts'
import { LogDir } from './log-dir.ts'
import type { ResolvedOptions } from './log-manager-options.ts'

const MAX_PREFERRED = 10_000

export class LogDirs {
  readonly #world: World
  readonly #options: ResolvedOptions
  /** Those for partitions. */
  readonly #dirs: readonly LogDir[]
  /** Of the metadata log, where that is none of them. */
  readonly metadataDir: LogDir | null
  #clusterId = ''
  #cordoned: ReadonlySet<string>
  /** Where logs that are not there yet are to be made, by name. */
  readonly #preferred = new Map<string, string>()

  private constructor(options: ResolvedOptions, onFailure: (dir: LogDir, error: Error) => void) {
    this.#world = options.world
    this.#options = options
    const logDir = (path: string): LogDir => new LogDir(options.world, path, onFailure)
    const { logDirs, metadataLogDir, cordonedLogDirs } = options
    this.#cordoned = new Set(cordonedLogDirs)
    this.#dirs = logDirs.map(logDir)
    this.metadataDir = metadataLogDir === undefined || logDirs.includes(metadataLogDir) ? null : logDir(metadataLogDir)
  }

  /** Takes the dirs' locks and finds out whose they are. Throws a LogDirError; nothing stays locked then. */
  static async open(options: ResolvedOptions, onFailure: (dir: LogDir, error: Error) => void): Promise<LogDirs> {
    if (options.logDirs.length === 0) throw new LogDirError('ERR_ALL_LOG_DIRS_OFFLINE', 'no log dir is configured')
    if (new Set(options.logDirs).size < options.logDirs.length) {
      throw new LogDirError('ERR_UNEXPECTED_CONTENT', `a log dir is there twice: ${options.logDirs.join(', ')}`)
    }
    const dirs = new LogDirs(options, onFailure)
    try {
      await Promise.all(dirs.all.map(dir => dir.open()))
      await dirs.#checkMetadataPlace()
      await dirs.#settleIdentity()
      return dirs
    } catch (error) {
      for (const dir of dirs.all) await dir.unlock()
      throw error
    }
  }

  get forPartitions(): readonly LogDir[] {
    return this.#dirs
  }

  get areAllOnline(): boolean {
    return this.#dirs.every(dir => dir.error === null)
  }

  /** That of the metadata log included. */
  get all(): readonly LogDir[] {
    return this.metadataDir ? [...this.#dirs, this.metadataDir] : this.#dirs
  }

  /** With another metadata log than before, all partitions would be strays. */
  async #checkMetadataPlace(): Promise<void> {
    const { metadataLogDir } = this.#options
    if (metadataLogDir === undefined) return
    for (const dir of this.online()) {
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
    const online = this.all.filter(dir => dir.error === null)
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
    if (this.online().length === 0) this.failAll()
  }

  failAll(): never {
    const reasons = this.#dirs.map(dir => `${dir.path}: ${dir.error?.message}`).join('; ')
    throw new LogDirError('ERR_ALL_LOG_DIRS_OFFLINE', `no log dir can be used: ${reasons}`)
  }

  online(): LogDir[] {
    return this.#dirs.filter(dir => dir.error === null)
  }

  get clusterId(): string {
    return this.#clusterId
  }

  /** Directory id by path, of the dirs for partitions that are online. */
  get directoryIds(): ReadonlyMap<string, string> {
    return new Map(this.online().map(dir => [dir.path, dir.directoryId!]))
  }

  /** Also of a dir that has failed, unless it was so from the start; null: it is not known. */
  directoryIdOf(logDir: string): string | null {
    return this.all.find(({ path }) => path === logDir)?.directoryId ?? null
  }

  /** That of the metadata log included. */
  get offlineLogDirs(): ReadonlyMap<string, Error> {
    return new Map(this.all.filter(dir => dir.error).map(dir => [dir.path, dir.error!]))
  }

  /** In the clean shutdown files, if all dirs have the same; -1 otherwise. For BrokerRegistration. */
  get previousBrokerEpoch(): number {
    const epochs = new Set(this.#dirs.map(dir => (dir.error ? -1 : dir.brokerEpoch)))
    return epochs.size === 1 ? [...epochs][0]! : -1
  }

  /** Where a new log may go, the best place first: the dir of the id, or the one that was asked for, or else any. */
  candidates(name: string, directoryId?: string): LogDir[] {
    const preferred = this.#preferred.get(name)
    this.#preferred.delete(name)
    const chosen = this.online().filter(dir => dir.directoryId === directoryId)
    if (chosen.length > 0) return chosen
    const online = this.online().sort((a, b) => a.logCount - b.logCount)
    const asked = online.filter(({ path }) => path === preferred)
    const open = online.filter(({ path }) => !this.#cordoned.has(path))
    // What the controller has given this node has to go somewhere, though all of them are cordoned meanwhile.
    return asked.length > 0 ? asked : open.length > 0 ? open : online
  }

  /** False: nothing has changed. */
  cordon(paths: readonly string[]): boolean {
    const next = new Set(paths)
    const isSame = next.size === this.#cordoned.size && paths.every(path => this.#cordoned.has(path))
    this.#cordoned = next
    return !isSame
  }

  isCordoned(path: string): boolean {
    return this.#cordoned.has(path)
  }

  /** For when the log is made; anybody can ask for any number of names, so that only the last ones are remembered. */
  prefer(name: string, path: string): void {
    this.#preferred.set(name, path)
    if (this.#preferred.size > MAX_PREFERRED) this.#preferred.delete(this.#preferred.keys().next().value!)
  }

  /** Throws LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, or INVALID_REPLICA_ASSIGNMENT if no replica is to be put there. */
  forReplicas(path: string): LogDir {
    if (path === this.metadataDir?.path) throw new LogError('LOG_DIR_NOT_FOUND', `${path} has the metadata log only`)
    const dir = this.at(path)
    if (this.#cordoned.has(path)) throw new LogError('INVALID_REPLICA_ASSIGNMENT', `${path} is cordoned`)
    return dir
  }

  at(path: string): LogDir {
    const dir = this.all.find(dir => dir.path === path)
    if (!dir) throw new LogError('LOG_DIR_NOT_FOUND', `${path} is no log dir`)
    if (dir.error) throw this.offline(dir)
    return dir
  }

  offline(dir: LogDir): LogError {
    return new LogError('KAFKA_STORAGE_ERROR', `${dir.path} is offline`, { cause: dir.error })
  }
}
