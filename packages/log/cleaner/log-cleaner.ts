/**
 * Compaction of all logs of a node: finds the dirtiest that is due, has it cleaned, writes down how far it is clean, and
 * begins again; rests when none is due. What is due is plan.ts's to say, how it is cleaned clean-log.ts's. The retention of
 * compacted logs is applied here, too, between two cleanings, so that the two never want the same segments.
 */
import { DiskError, type Logger, type World } from '@ottla/io'
import { LogError } from '../errors.ts'
import { folderName } from '../file-names.ts'
import type { PartitionLog } from '../partition-log.ts'
import { CleaningAborted, type CleaningStats, cleanLog } from './clean-log.ts'
import type { CleanerConfig } from './cleaner-config.ts'
import type { CleanerOffsets } from './cleaner-offsets.ts'
import { CleanerThread } from './cleaner-thread.ts'
import { factsNow, factsOf } from './log-facts.ts'
import { type CleaningPlan, planOf } from './plan.ts'
import { Throttle } from './throttle.ts'

export interface LogCleanerParts {
  readonly world: World
  /** All that are online, without future logs. */
  logs(): Iterable<PartitionLog>
  /** Of a log dir that is online. */
  offsetsOf(logDir: string): CleanerOffsets | null
}

/** As Kafka's metrics of the same names, of kafka.log:type=LogCleaner and LogCleanerManager. */
export interface CleanerMetrics {
  readonly cleanerRecopyPercent: number
  readonly maxCleanTimeSecs: number
  readonly maxCompactionDelaySecs: number
  readonly maxBufferUtilizationPercent: number
  readonly deadThreadCount: number
  readonly maxDirtyPercent: number
  readonly timeSinceLastRunMs: number
  /** By log dir. */
  readonly uncleanablePartitionsCount: ReadonlyMap<string, number>
  readonly uncleanableBytes: ReadonlyMap<string, number>
}

interface Candidate {
  readonly log: PartitionLog
  readonly plan: CleaningPlan
}

/** Shorter waits are left until they have come together. */
/** As Apache Kafka names it. */
const LOGGER = 'kafka.log.LogCleaner'
const MIN_PAUSE_MS = 20
/** Logs that are looked at in one turn. */
const LOGS_A_TURN = 100

export class LogCleaner {
  readonly #parts: LogCleanerParts
  readonly #logger: Logger
  readonly #throttle: Throttle
  #config: CleanerConfig
  #threads: CleanerThread[] = []
  #restarting: Promise<void> = Promise.resolve()
  #isStarted = false
  #isClosed = false
  /** What is done with a log at the moment. */
  readonly #busy = new Map<PartitionLog, Promise<unknown>>()
  /** Somebody waits for their cleaning to end. */
  readonly #unwanted = new Set<PartitionLog>()
  /** They could not be cleaned, for a reason that will not go away. */
  readonly #uncleanable = new Set<PartitionLog>()
  #dirtiestRatio = 0
  #lastRunMs: number

  constructor(parts: LogCleanerParts, config: CleanerConfig) {
    this.#parts = parts
    this.#logger = parts.world.logger.named(LOGGER)
    this.#config = config
    this.#throttle = new Throttle(config.ioMaxBytesPerSecond)
    this.#lastRunMs = parts.world.clock.monotonic()
  }

  start(): void {
    this.#isStarted = true
    if (!this.#config.enable || this.#isClosed) return
    this.#threads = Array.from(
      { length: this.#config.threads },
      () => new CleanerThread(this.#parts.world.clock, this.#config),
    )
    for (const thread of this.#threads) thread.running = this.#run(thread)
  }

  /** What is being cleaned is left as it was. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#restarting
    await this.#stopThreads()
  }

  async #stopThreads(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.stop()))
  }

  /** Begins anew with other threads, as Kafka: that a thread has died is over then, too. */
  reconfigure(config: CleanerConfig): Promise<void> {
    this.#restarting = this.#restarting.then(async () => {
      const { enable } = this.#config
      const next = { ...config, enable }
      if (isSame(next, this.#config)) return
      await this.#stopThreads()
      this.#config = next
      this.#throttle.bytesPerSecond = config.ioMaxBytesPerSecond
      if (this.#isStarted) this.start()
    })
    return this.#restarting
  }

  /** The log goes, or is cut: resolves when nothing is done with it, and nothing will be before `release`. */
  async abort(log: PartitionLog): Promise<void> {
    this.#unwanted.add(log)
    for (const thread of this.#threads) thread.wake()
    await this.#busy.get(log)
  }

  /** A log that was aborted may be cleaned again. */
  release(log: PartitionLog): void {
    this.#unwanted.delete(log)
  }

  /** A log that was aborted and is there no more. */
  forget(log: PartitionLog): void {
    this.#unwanted.delete(log)
    this.#uncleanable.delete(log)
  }

  // ---------------------------------------------------------------------------------------------------------- threads

  async #run(thread: CleanerThread): Promise<void> {
    try {
      while (!thread.isStopped) {
        const isCleaned = await this.#cleanDirtiest(thread)
        await this.#applyRetention(thread)
        if (!isCleaned) await thread.pause(this.#config.backoffMs)
      }
    } catch (error) {
      thread.isDead = true
      this.#logger.error('A cleaner thread has died', { error: error as Error })
    }
  }

  /** False: there was nothing to be done, or it could not be done. */
  async #cleanDirtiest(thread: CleanerThread): Promise<boolean> {
    const { world } = this.#parts
    this.#lastRunMs = world.clock.monotonic()
    const candidates = await this.#candidates(thread)
    this.#dirtiestRatio = Math.max(0, ...candidates.map(({ plan }) => plan.dirtyRatio))
    const due = candidates.filter(({ plan, log }) => plan.isDue && this.#isFree(log))
    if (due.length === 0 || thread.isStopped) return false
    const { log, plan } = due.reduce((most, next) => (next.plan.dirtyRatio > most.plan.dirtyRatio ? next : most))
    thread.lastCompactionDelayMs = Math.max(...candidates.map(({ plan }) => plan.delayMs))
    return this.#whileBusy(log, () => this.#clean(thread, log, plan))
  }

  #isFree(log: PartitionLog): boolean {
    const isCompacted = log.config.cleanupPolicy.includes('compact') && !log.store.failure
    return isCompacted && !this.#busy.has(log) && !this.#unwanted.has(log) && !this.#uncleanable.has(log)
  }

  async #whileBusy<T>(log: PartitionLog, task: () => Promise<T>): Promise<T> {
    const running = task()
    this.#busy.set(
      log,
      running.catch(() => {}), // who waits for its end does not ask how it went
    )
    try {
      return await running
    } finally {
      this.#busy.delete(log)
    }
  }

  /** Logs that hold something, dirty or not. */
  async #candidates(thread: CleanerThread): Promise<Candidate[]> {
    const { world, logs } = this.#parts
    for (const log of this.#uncleanable) if (log.store.failure) this.#uncleanable.delete(log)
    const nowMs = world.clock.now()
    const found: Candidate[] = []
    let looked = 0
    for (const log of [...logs()]) {
      if (++looked % LOGS_A_TURN === 0) await new Promise<void>(resolve => world.clock.nextTurn(resolve))
      if (thread.isStopped) break
      if (!this.#isFree(log)) continue
      const plan = await this.#attempt(log, () => this.#plan(log, nowMs))
      if (plan && plan.cleanBytes + plan.cleanableBytes > 0) found.push({ log, plan })
    }
    return found
  }

  async #plan(log: PartitionLog, nowMs: number): Promise<CleaningPlan> {
    const offsets = this.#parts.offsetsOf(log.logDir)
    const checkpoint = offsets?.get(log) ?? null
    const plan = planOf(await factsOf(log, checkpoint, nowMs), nowMs)
    if (!plan.correctsCheckpoint) return plan
    const { firstDirtyOffset } = plan
    if (!log.config.cleanupPolicy.includes('delete')) {
      const name = folderName(log)
      this.#logger.warn('A log is cleaned from its start again', {
        log: name,
        checkpoint,
        firstDirtyOffset,
      })
    }
    await offsets?.set(log, firstDirtyOffset)
    return plan
  }

  /** null: it could not be done. What is wrong with a disk is wrong with its dir, all else with the log. */
  async #attempt<T>(log: PartitionLog, task: () => Promise<T>): Promise<T | null> {
    try {
      return await task()
    } catch (error) {
      if (error instanceof CleaningAborted || log.store.failure || this.#unwanted.has(log)) return null
      if (error instanceof LogError && error.code === 'KAFKA_STORAGE_ERROR') return null
      if (error instanceof DiskError) {
        log.store.failed(error)
        return null
      }
      this.#uncleanable.add(log)
      this.#logger.warn('A log cannot be cleaned, and is left as it is from now on', {
        log: folderName(log),
        logDir: log.logDir,
        error: error as Error,
      })
      return null
    }
  }

  async #clean(thread: CleanerThread, log: PartitionLog, range: CleaningPlan): Promise<boolean> {
    const { world, offsetsOf } = this.#parts
    const config = this.#config
    const isUnwanted = (): boolean => thread.isStopped || this.#unwanted.has(log)
    const throttle = (bytes: number): Promise<void> => this.#waitFor(thread, bytes)
    const result = await this.#attempt(log, async () => {
      try {
        return await cleanLog({ world, log, range, config, memory: thread.memory, throttle, isUnwanted })
      } catch (error) {
        // Of workers that were closed, as the node stops.
        if (thread.isStopped) throw new CleaningAborted()
        throw error
      }
    })
    if (!result) return false
    thread.lastStats = result.stats
    await offsetsOf(log.logDir)?.set(log, result.endOffset)
    this.#tell(log, range, result.endOffset, result.stats)
    return true
  }

  async #waitFor(thread: CleanerThread, bytes: number): Promise<void> {
    const delayMs = this.#throttle.delayMs(bytes, this.#parts.world.clock.monotonic())
    if (delayMs >= MIN_PAUSE_MS) await thread.pause(delayMs)
  }

  #tell(log: PartitionLog, { firstDirtyOffset }: CleaningPlan, endOffset: number, stats: CleaningStats): void {
    const { bytesRead, indexBytesRead, bytesWritten, recordsRead, recordsKept, recordsWithoutKey, elapsedMs } = stats
    this.#logger.info('Cleaned a log', {
      log: folderName(log),
      firstDirtyOffset,
      endOffset,
      bytesRead: bytesRead - indexBytesRead,
      bytesWritten,
      recordsRead,
      recordsKept,
      elapsedMs: Math.round(elapsedMs),
      indexMs: Math.round(stats.indexMs),
    })
    if (recordsWithoutKey > 0) {
      this.#logger.warn('Records without a key were dropped from a compacted log', {
        log: folderName(log),
        recordsWithoutKey,
      })
    }
  }

  async #applyRetention(thread: CleanerThread): Promise<void> {
    const { world, logs } = this.#parts
    let looked = 0
    for (const log of [...logs()]) {
      if (++looked % LOGS_A_TURN === 0) await new Promise<void>(resolve => world.clock.nextTurn(resolve))
      if (thread.isStopped) return
      if (!this.#isFree(log)) continue
      await this.#whileBusy(log, () => this.#attempt(log, () => log.applyRetention(world.clock.now())))
    }
  }

  // ---------------------------------------------------------------------------------------------------------- metrics

  metrics(): CleanerMetrics {
    const stats = this.#threads.flatMap(({ lastStats }) => lastStats ?? [])
    const sum = (pick: (stats: CleaningStats) => number): number => stats.reduce((total, each) => total + pick(each), 0)
    const max = (pick: (stats: CleaningStats) => number): number => Math.max(0, ...stats.map(pick))
    const delayMs = Math.max(0, ...this.#threads.map(({ lastCompactionDelayMs }) => lastCompactionDelayMs))
    const counts = new Map<string, number>()
    const bytes = new Map<string, number>()
    const nowMs = this.#parts.world.clock.now()
    for (const log of this.#uncleanable) {
      if (log.store.failure) continue
      const checkpoint = this.#parts.offsetsOf(log.logDir)?.get(log) ?? null
      const { cleanableBytes } = planOf(factsNow(log, checkpoint), nowMs)
      counts.set(log.logDir, (counts.get(log.logDir) ?? 0) + 1)
      bytes.set(log.logDir, (bytes.get(log.logDir) ?? 0) + cleanableBytes)
    }
    return {
      cleanerRecopyPercent: Math.trunc(
        (100 * sum(each => each.bytesWritten)) /
          Math.max(
            1,
            sum(each => each.bytesRead),
          ),
      ),
      maxCleanTimeSecs: Math.trunc(max(each => each.elapsedMs) / 1000),
      maxCompactionDelaySecs: Math.trunc(delayMs / 1000),
      maxBufferUtilizationPercent: Math.trunc(100 * max(each => each.bufferUtilization)),
      deadThreadCount: this.#threads.filter(({ isDead }) => isDead).length,
      maxDirtyPercent: Math.trunc(100 * this.#dirtiestRatio),
      timeSinceLastRunMs: Math.round(this.#parts.world.clock.monotonic() - this.#lastRunMs),
      uncleanablePartitionsCount: counts,
      uncleanableBytes: bytes,
    }
  }
}

function isSame(a: CleanerConfig, b: CleanerConfig): boolean {
  return (Object.keys(a) as (keyof CleanerConfig)[]).every(key => a[key] === b[key])
}
