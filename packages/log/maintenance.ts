/** What is done with all logs from time to time: retention, flushes, checkpoints, and forgetting producers. */
import type { World } from '@ottla/io'
import type { DirCheckpoints } from './dir-checkpoints.ts'
import { LogError } from './errors.ts'
import type { LogDir } from './log-dir.ts'
import type { ResolvedOptions } from './log-manager-options.ts'
import type { PartitionLog } from './partition-log.ts'
import { PeriodicTask } from './periodic.ts'

export interface Maintained {
  readonly checkpoints: DirCheckpoints
  /** Those that are online. */
  dirs(): readonly LogDir[]
  /** Those that are online, future logs included. */
  logs(): readonly PartitionLog[]
}

export class Maintenance {
  readonly #world: World
  readonly #maintained: Maintained
  readonly #tasks: PeriodicTask[] = []

  constructor(world: World, maintained: Maintained) {
    this.#world = world
    this.#maintained = maintained
  }

  start(options: ResolvedOptions): void {
    const { checkpoints } = this.#maintained
    const { initialTaskDelayMs, highWatermarkCheckpointIntervalMs, producerIdExpirationCheckIntervalMs } = options
    const begin = (name: string, intervalMs: number, delayMs: number, task: () => Promise<void>): void => {
      if (Number.isFinite(intervalMs)) this.#begin(name, intervalMs, delayMs, task)
    }
    begin('retention', options.retentionCheckIntervalMs, initialTaskDelayMs, () => this.#applyRetention())
    begin('flush', options.flushSchedulerIntervalMs, initialTaskDelayMs, () => this.#flushOld())
    begin('recovery points', options.flushOffsetCheckpointIntervalMs, initialTaskDelayMs, () =>
      this.#eachDir(dir => checkpoints.saveRecoveryPoints(dir)),
    )
    begin('log starts', options.flushStartOffsetCheckpointIntervalMs, initialTaskDelayMs, () =>
      this.#eachDir(dir => checkpoints.saveStarts(dir)),
    )
    begin('high watermarks', highWatermarkCheckpointIntervalMs, highWatermarkCheckpointIntervalMs, () =>
      this.#eachDir(dir => checkpoints.saveHighWatermarks(dir)),
    )
    begin('producer expiry', producerIdExpirationCheckIntervalMs, producerIdExpirationCheckIntervalMs, () =>
      this.#expireProducers(),
    )
  }

  #begin(name: string, intervalMs: number, delayMs: number, task: () => Promise<void>): void {
    const { clock, logger } = this.#world
    const periodic = new PeriodicTask(clock, logger, name, intervalMs, task)
    this.#tasks.push(periodic)
    periodic.start(delayMs)
  }

  /** Resolves when none is at work any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map(task => task.stop()))
  }

  async #eachDir(task: (dir: LogDir) => Promise<void>): Promise<void> {
    await Promise.all(this.#maintained.dirs().map(task))
  }

  async #eachLog(task: (log: PartitionLog) => Promise<unknown>): Promise<void> {
    for (const log of this.#maintained.logs()) {
      try {
        await task(log)
      } catch (error) {
        // A log that went offline or was deleted has been reported; nothing else may stop the others.
        if (!(error instanceof LogError)) throw error
      }
    }
  }

  /** That of compacted logs is the cleaner's to apply. */
  #applyRetention(): Promise<void> {
    return this.#eachLog(async log => {
      if (!log.config.cleanupPolicy.includes('compact')) await log.applyRetention(this.#world.clock.now())
    })
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
}
