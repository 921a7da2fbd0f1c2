/**
 * One log dir: whose it is, its lock, its checkpoints, and whether it can be used. When it fails it is offline until the
 * process is started again; the others go on.
 */
import { DiskError, type World } from '@ottla/io'
import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_CHECKPOINT,
  decodeCleanShutdown,
  decodeOffsetCheckpoint,
  encodeCleanShutdown,
  encodeOffsetCheckpoint,
  HIGH_WATERMARK_CHECKPOINT,
  LOG_START_CHECKPOINT,
  type OffsetsByFolder,
  partitionOf,
  RECOVERY_POINT_CHECKPOINT,
} from './checkpoints.ts'
import { LogDirError } from './errors.ts'
import { METADATA_TOPIC, type PartitionFolder, parseFolderName } from './file-names.ts'
import {
  decodeMetaProperties,
  encodeMetaProperties,
  META_PROPERTIES_FILE,
  type MetaProperties,
} from './meta-properties.ts'
import type { TopicPartition } from './types.ts'

const LOCK_FILE = '.lock'
/** Folders in a log dir that are no partitions, and not ours to judge. */
const KNOWN_FOLDERS = new Set(['remote-log-index-cache', 'lost+found'])

export interface FoundFolder {
  readonly name: string
  readonly folder: PartitionFolder
}

export class LogDir {
  readonly path: string
  readonly #world: World
  readonly #onFailure: (dir: LogDir, error: Error) => void
  #error: Error | null = null
  #lock: AsyncDisposable | null = null
  #properties: MetaProperties | null = null
  #brokerEpoch = -1
  /** What was written last, to leave out writes that change nothing. */
  readonly #written = new Map<string, Uint8Array>()
  /** The last stop was clean, and nothing was written since. */
  hadCleanShutdown = false
  /** How many logs it holds, to spread new ones evenly. */
  logCount = 0
  /** All logs were loaded: only then may a clean stop be claimed. */
  isLoaded = false

  constructor(world: World, path: string, onFailure: (dir: LogDir, error: Error) => void) {
    this.#world = world
    this.path = path
    this.#onFailure = onFailure
  }

  /** null: it is online. */
  get error(): Error | null {
    return this.#error
  }

  get properties(): MetaProperties | null {
    return this.#properties
  }

  get directoryId(): string | null {
    return this.#properties?.directoryId ?? null
  }

  /** In the clean shutdown file; -1: there was none. */
  get brokerEpoch(): number {
    return this.#brokerEpoch
  }

  /** The dir is of no use from now on. Only the first reason counts. */
  fail(error: Error): void {
    if (this.#error) return
    this.#error = error
    this.#onFailure(this, error)
  }

  /** Runs `task`; a DiskError takes the dir offline, and null is the result. */
  async attempt<T>(task: () => Promise<T>): Promise<T | null> {
    if (this.#error) return null
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
      return null
    }
  }

  // ---------------------------------------------------------------------------------------------------------- opening

  /** Takes the lock and reads whose the dir is. Throws a LogDirError if it is in use or cannot be understood. */
  async open(): Promise<void> {
    await this.attempt(async () => {
      const { disk } = this.#world
      if ((await disk.stat(this.path)) === null) {
        await disk.makeDirectory(this.path)
        await disk.syncDirectory(this.path.slice(0, this.path.lastIndexOf('/')) || '/')
      }
      this.#lock = await disk.lock(this.#file(LOCK_FILE))
      if (!this.#lock) {
        throw new LogDirError('ERR_LOG_DIR_LOCKED', `${this.path} is in use by another process`)
      }
      const bytes = await this.#readIfPresent(META_PROPERTIES_FILE)
      if (bytes) this.#properties = this.#decode(META_PROPERTIES_FILE, bytes, decodeMetaProperties)
      const clean = await this.#readIfPresent(CLEAN_SHUTDOWN_FILE)
      if (clean) this.#brokerEpoch = decodeCleanShutdown(clean)
      this.hadCleanShutdown = clean !== null
    })
  }

  #decode<T>(name: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
    try {
      return decode(bytes)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new LogDirError('ERR_BAD_META_PROPERTIES', `${this.#file(name)}: ${reason}`, { cause: error })
    }
  }

  async writeProperties(properties: MetaProperties): Promise<void> {
    await this.attempt(() =>
      this.#world.disk.writeFileAtomic(this.#file(META_PROPERTIES_FILE), encodeMetaProperties(properties)),
    )
    this.#properties = properties
  }

  /** From here on a crash is a crash: must be on disk before anything else is. */
  async removeCleanShutdown(): Promise<void> {
    if (!this.hadCleanShutdown) return
    await this.attempt(async () => {
      await this.#world.disk.remove(this.#file(CLEAN_SHUTDOWN_FILE))
      await this.#world.disk.syncDirectory(this.path)
    })
  }

  /** All partitions' folders but the metadata log's. */
  async listFolders(): Promise<FoundFolder[]> {
    const found: FoundFolder[] = []
    for (const { name, isDirectory } of (await this.attempt(() => this.#world.disk.list(this.path))) ?? []) {
      if (!isDirectory || KNOWN_FOLDERS.has(name)) continue
      const folder = parseFolderName(name)
      if (!folder) this.#world.logger.warn('A folder in a log dir is no partition', { logDir: this.path, name })
      else if (folder.topic !== METADATA_TOPIC) found.push({ name, folder })
    }
    return found
  }

  async #readIfPresent(name: string): Promise<Uint8Array | null> {
    const { disk } = this.#world
    const path = this.#file(name)
    return (await disk.stat(path)) === null ? null : disk.readFile(path)
  }

  #file(name: string): string {
    return `${this.path}/${name}`
  }

  // ------------------------------------------------------------------------------------------------------ checkpoints

  /** null: it is not there, or cannot be understood. */
  readRecoveryPoints(): Promise<OffsetsByFolder | null> {
    return this.#readCheckpoint(RECOVERY_POINT_CHECKPOINT)
  }

  async readLogStartOffsets(): Promise<OffsetsByFolder> {
    return (await this.#readCheckpoint(LOG_START_CHECKPOINT)) ?? new Map()
  }

  async readHighWatermarks(): Promise<OffsetsByFolder> {
    return (await this.#readCheckpoint(HIGH_WATERMARK_CHECKPOINT)) ?? new Map()
  }

  /** What is in none of them counts as 0: then more is read, and nothing is lost. */
  async #readCheckpoint(name: string): Promise<OffsetsByFolder | null> {
    const bytes = await this.attempt(() => this.#readIfPresent(name))
    if (!bytes) return null
    try {
      return decodeOffsetCheckpoint(bytes)
    } catch (error) {
      this.#world.logger.warn('Leaving out a checkpoint that cannot be used', {
        path: this.#file(name),
        error: error as Error,
      })
      return null
    }
  }

  async readCleanerOffsets(): Promise<(readonly [TopicPartition, number])[]> {
    const offsets = (await this.#readCheckpoint(CLEANER_CHECKPOINT)) ?? new Map<string, number>()
    return [...offsets].flatMap(([key, offset]) => {
      const partition = partitionOf(key)
      return partition ? [[partition, offset] as const] : []
    })
  }

  writeCleanerOffsets(offsets: Iterable<readonly [TopicPartition, number]>): Promise<void> {
    return this.#writeCheckpoint(CLEANER_CHECKPOINT, offsets)
  }

  writeRecoveryPoints(offsets: Iterable<readonly [TopicPartition, number]>): Promise<void> {
    return this.#writeCheckpoint(RECOVERY_POINT_CHECKPOINT, offsets)
  }

  writeLogStartOffsets(offsets: Iterable<readonly [TopicPartition, number]>): Promise<void> {
    return this.#writeCheckpoint(LOG_START_CHECKPOINT, offsets)
  }

  writeHighWatermarks(offsets: Iterable<readonly [TopicPartition, number]>): Promise<void> {
    return this.#writeCheckpoint(HIGH_WATERMARK_CHECKPOINT, offsets)
  }

  async #writeCheckpoint(name: string, offsets: Iterable<readonly [TopicPartition, number]>): Promise<void> {
    const bytes = encodeOffsetCheckpoint(offsets)
    const before = this.#written.get(name)
    if (before && Buffer.compare(before, bytes) === 0) return
    await this.attempt(() => this.#world.disk.writeFileAtomic(this.#file(name), bytes))
    this.#written.set(name, bytes)
  }

  // ---------------------------------------------------------------------------------------------------------- closing

  async writeCleanShutdown(brokerEpoch: number): Promise<void> {
    await this.attempt(() =>
      this.#world.disk.writeFileAtomic(this.#file(CLEAN_SHUTDOWN_FILE), encodeCleanShutdown(brokerEpoch)),
    )
  }

  async unlock(): Promise<void> {
    const lock = this.#lock
    this.#lock = null
    await lock?.[Symbol.asyncDispose]()
  }
}
