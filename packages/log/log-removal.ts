/** Takes the folders of logs that go out of the way at once, and removes them later. */
import type { Timer, World } from '@ottla/io'
import { type FolderState, folderNameWithState } from './file-names.ts'
import type { LogDir } from './log-dir.ts'
import type { PartitionLog } from './partition-log.ts'

export class LogRemoval {
  readonly #world: World
  readonly #timers = new Set<Timer>()
  readonly #nameSyncs = new Map<LogDir, Promise<void>>()
  fileDeleteDelayMs: number

  constructor(world: World, fileDeleteDelayMs: number) {
    this.#world = world
    this.fileDeleteDelayMs = fileDeleteDelayMs
  }

  /** Out of the way, under a name of its own. */
  async retire(dir: LogDir, log: PartitionLog, state: Exclude<FolderState, 'live'>): Promise<void> {
    const { folder } = log.store
    await log.store.release('the log is being removed')
    await folder.abandon()
    const path = `${dir.path}/${folderNameWithState(log, state, this.#world.random)}`
    this.#world.logger.info('Setting a log aside', { from: folder.path, to: path })
    await dir.attempt(() => this.#world.disk.rename(folder.path, path))
    folder.path = path
    if (state === 'delete') this.removeLater(dir, path)
  }

  removeLater(dir: LogDir, path: string): void {
    const timer = this.#world.clock.setTimer(this.fileDeleteDelayMs, () => {
      this.#timers.delete(timer)
      dir.attempt(() => this.#remove(dir, path)).catch(error => dir.fail(error as Error))
    })
    this.#timers.add(timer)
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

  /** What is still to be removed goes at the next start. */
  close(): void {
    for (const timer of this.#timers) timer.cancel()
  }
}
