/** The checkpoints of log dirs, made from the logs that are in them. */
import type { LogDir } from './log-dir.ts'
import type { PartitionLog } from './partition-log.ts'

export class DirCheckpoints {
  readonly #logsIn: (dir: LogDir) => readonly PartitionLog[]
  readonly #checkpointing = new Map<LogDir, { running: Promise<void>; next: Promise<void> | null }>()

  constructor(logsIn: (dir: LogDir) => readonly PartitionLog[]) {
    this.#logsIn = logsIn
  }

  async saveRecoveryPoints(dir: LogDir): Promise<void> {
    await dir.writeRecoveryPoints(this.#logsIn(dir).map(log => [log, log.store.checkpointedRecoveryPoint] as const))
  }

  async saveStarts(dir: LogDir): Promise<void> {
    const moved = this.#logsIn(dir).filter(log => log.logStartOffset > log.store.segments.first.baseOffset)
    await dir.writeLogStartOffsets(moved.map(log => [log, log.logStartOffset] as const))
  }

  async saveHighWatermarks(dir: LogDir): Promise<void> {
    await dir.writeHighWatermarks(this.#logsIn(dir).map(log => [log, log.highWatermark] as const))
  }

  /** Recovery points and log starts on disk, as of a moment after the call; one write serves all who ask meanwhile. */
  saveSoon(dir: LogDir): Promise<void> {
    const save = async (): Promise<void> => {
      await this.saveRecoveryPoints(dir)
      await this.saveStarts(dir)
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
      () => this.saveSoon(dir),
      () => this.saveSoon(dir),
    )
    return state.next
  }
}
