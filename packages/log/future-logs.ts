/**
 * Logs on their way to another log dir of the node: copies of a partition's log in `topic-0.<hex>-future`, which take the
 * place of the original when they hold all that it holds. Copying is the broker's (it knows who may write meanwhile); this
 * file makes, drops and promotes the copies, so that a stop at any step leaves one log that is whole.
 */
import type { World } from '@ottla/io'
import type { CleanerOffsets } from './cleaner/cleaner-offsets.ts'
import type { DirCheckpoints } from './dir-checkpoints.ts'
import { LogError } from './errors.ts'
import { folderName, folderNameWithState } from './file-names.ts'
import type { LogDir } from './log-dir.ts'
import type { LogDirs } from './log-dirs.ts'
import type { LogRemoval } from './log-removal.ts'
import type { PartitionLog } from './partition-log.ts'
import type { TopicPartition } from './types.ts'

export interface FutureLogsParts {
  readonly world: World
  /** Once they are open. */
  dirs(): LogDirs
  readonly removal: LogRemoval
  readonly checkpoints: DirCheckpoints
  /** By name, as all maps here. */
  readonly logs: Map<string, PartitionLog>
  cleanerOffsetsOf(logDir: string): CleanerOffsets | undefined
  create(dir: LogDir, path: string, topicPartition: TopicPartition, topicId: string | null): Promise<PartitionLog>
  /** A log that was closed just now, in this folder; `closed` tells what its checkpoints would. */
  reopen(dir: LogDir, path: string, closed: PartitionLog): Promise<PartitionLog>
}

/** Of a folder's name in a file system. */
const MAX_NAME_LENGTH = 255

export class FutureLogs {
  readonly #parts: FutureLogsParts
  readonly #logs = new Map<string, PartitionLog>()

  constructor(parts: FutureLogsParts) {
    this.#parts = parts
  }

  get(topicPartition: TopicPartition): PartitionLog | null {
    return this.#logs.get(folderName(topicPartition)) ?? null
  }

  values(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  /** As found at the start; `other` if there is one already. */
  add(log: PartitionLog): PartitionLog | null {
    const name = folderName(log)
    const other = this.#logs.get(name)
    if (!other) this.#logs.set(name, log)
    return other ?? null
  }

  /** The log dir has failed. */
  forget(name: string): void {
    this.#logs.delete(name)
  }

  /** An empty copy in `logDir`. Throws as `LogDirs.forReplicas`, or INVALID_TOPIC_EXCEPTION. */
  async create(current: PartitionLog, logDir: string): Promise<PartitionLog> {
    const { world, create } = this.#parts
    const dirs = this.#parts.dirs()
    const dir = dirs.forReplicas(logDir)
    // There may be a copy in the dir that is offline; with another there would be two at the next start.
    if (!dirs.areAllOnline) throw new LogError('KAFKA_STORAGE_ERROR', 'no log is moved while a log dir is offline')
    const folder = folderNameWithState(current, 'future', world.random)
    if (folder.length > MAX_NAME_LENGTH) throw new LogError('INVALID_TOPIC_EXCEPTION', `${folder} is too long a name`)
    const path = `${dir.path}/${folder}`
    const log = await tryIn(dir, async () => {
      await world.disk.makeDirectory(path)
      return create(dir, path, current, current.topicId)
    })
    if (!log || dir.error) throw dirs.offline(dir)
    this.#logs.set(folderName(current), log)
    dir.logCount++
    return log
  }

  /** Nothing if there is none. */
  async drop(topicPartition: TopicPartition): Promise<void> {
    const { removal, checkpoints } = this.#parts
    const log = this.get(topicPartition)
    if (!log) return
    this.#logs.delete(folderName(log))
    const dir = this.#parts.dirs().at(log.logDir)
    dir.logCount--
    await removal.retire(dir, log, 'delete')
    await checkpoints.saveSoon(dir)
  }

  /**
   * Puts the copy in the place of the original. It has to hold all that that holds, and nobody may use either until this
   * resolves, with the log that there is from then on; the original again, opened anew, if the copy's dir has failed before
   * the copy had its name: then its `logDir` is what it was. Throws KAFKA_STORAGE_ERROR if the original's dir has failed, or
   * the copy's after that: then the log is there, out of reach.
   */
  async promote(topicPartition: TopicPartition): Promise<PartitionLog> {
    const { logs } = this.#parts
    const dirs = this.#parts.dirs()
    const name = folderName(topicPartition)
    const [current, future] = [logs.get(name), this.#logs.get(name)]
    if (!current || !future) throw new LogError('KAFKA_STORAGE_ERROR', `${name} has no copy to be promoted`)
    const [from, to] = [dirs.at(current.logDir), dirs.at(future.logDir)]
    logs.delete(name)
    this.#logs.delete(name)
    const isCopied = await tryIn(to, () => closed(future))
    await this.#within(from, () => closed(current))
    if (!isCopied || to.error) return this.#restore(from, current.store.folder.path, current)
    const live = await this.#swap(from, to, current, future)
    return live ?? this.#restore(from, `${from.path}/${name}`, current)
  }

  /** null: the copy's dir has failed, and the original is where it was. */
  async #swap(from: LogDir, to: LogDir, current: PartitionLog, future: PartitionLog): Promise<PartitionLog | null> {
    const { world, removal, logs, reopen } = this.#parts
    const { disk } = world
    const dirs = this.#parts.dirs()
    const livePath = `${to.path}/${folderName(current)}`
    const oldPath = current.store.folder.path
    const retiredPath = `${from.path}/${folderNameWithState(current, 'delete', world.random)}`
    // The original goes first, for certain: two of the same name would be one too many at the next start. If this process
    // stops before the next rename, the copy is found alone, and is whole.
    await this.#within(from, async () => {
      await disk.rename(oldPath, retiredPath)
      await disk.syncDirectory(from.path)
    })
    let isNamed = false
    const log = await tryIn(to, async () => {
      await disk.rename(future.store.folder.path, livePath)
      isNamed = true
      await disk.syncDirectory(to.path)
      return reopen(to, livePath, future)
    })
    // The original must not come back to one that nobody can take away: two at the next start, of which one goes on.
    if (isNamed && (!log || to.error)) throw dirs.offline(to)
    if (!log || to.error) {
      await this.#within(from, () => disk.rename(retiredPath, oldPath))
      return null
    }
    logs.set(folderName(log), log)
    from.logCount--
    await this.#moveCheckpoints(from, to, log)
    removal.removeLater(from, retiredPath)
    world.logger.info('A log has moved to another log dir', { log: folderName(log), from: from.path, to: to.path })
    return log
  }

  async #moveCheckpoints(from: LogDir, to: LogDir, log: PartitionLog): Promise<void> {
    const { checkpoints, cleanerOffsetsOf } = this.#parts
    const cleanedTo = cleanerOffsetsOf(from.path)?.get(log) ?? null
    if (cleanedTo !== null) await cleanerOffsetsOf(to.path)?.set(log, cleanedTo)
    await cleanerOffsetsOf(from.path)?.forget(log)
    await checkpoints.saveSoon(to)
    await checkpoints.saveSoon(from)
  }

  async #restore(from: LogDir, path: string, closed: PartitionLog): Promise<PartitionLog> {
    const log = await this.#within(from, () => this.#parts.reopen(from, path, closed))
    this.#parts.logs.set(folderName(log), log)
    return log
  }

  async #within<T>(dir: LogDir, task: () => Promise<T>): Promise<T> {
    const done = await tryIn(dir, async () => ({ result: await task() }))
    if (!done || dir.error) throw this.#parts.dirs().offline(dir)
    return done.result
  }

  /**
   * At the start, when all dirs are loaded: a copy without its original, in the dir that the partition is said to be in, is one
   * that was about to be promoted. Not while a dir is offline: the original may be there, and hold more.
   */
  async settle(isAssignedTo: (log: PartitionLog, directoryId: string) => boolean): Promise<void> {
    const { logs, world } = this.#parts
    const dirs = this.#parts.dirs()
    if (!dirs.areAllOnline) return
    for (const [name, future] of [...this.#logs]) {
      const dir = dirs.at(future.logDir)
      if (logs.has(name) || dir.directoryId === null || !isAssignedTo(future, dir.directoryId)) continue
      world.logger.warn('Finishing the move of a log to another log dir', { log: name, logDir: dir.path })
      this.#logs.delete(name)
      await this.#within(dir, () => closed(future))
      const path = `${dir.path}/${name}`
      const log = await this.#within(dir, async () => {
        await world.disk.rename(future.store.folder.path, path)
        await world.disk.syncDirectory(dir.path)
        return this.#parts.reopen(dir, path, future)
      })
      logs.set(name, log)
    }
  }
}

async function closed(log: PartitionLog): Promise<true> {
  await log.store.folder.prepared()
  await log.close()
  return true
}

/** null: the dir has failed; a log may have found that out before. */
async function tryIn<T>(dir: LogDir, task: () => Promise<T>): Promise<T | null> {
  try {
    return await dir.attempt(task)
  } catch (error) {
    if (!dir.error) throw error
    return null
  }
}
