/** All moves of replicas between the log dirs of this node: who is on the way, one move a replica, and how fast they may be. */
import { type Clock, type Logger, Serial } from '@ottla/io'
import type { LogManager } from '@ottla/log'
import type { Partition } from './partition.ts'
import { ReplicaMove } from './replica-move.ts'

export interface MoveSettings {
  readonly clock: Clock
  /** replica.alter.log.dirs.io.max.bytes.per.second, of all moves together. */
  readonly bytesPerSecond: () => number
  /** Logs that are copied from at the same time. */
  readonly concurrency: number
  /** Around the moment in which nobody has the log of a partition. */
  readonly onReplacing: (partition: Partition) => void
  readonly onReplaced: (partition: Partition) => void
}

export interface ReplicaMovesOptions {
  readonly logs: LogManager
  readonly logger: Logger
  readonly settings: MoveSettings
  readonly tellPlace: (partition: Partition, logDir: string, onAccepted: () => void) => void
  /** The replica is where it will stay. */
  readonly onEnd: (partition: Partition) => void
}

interface Running {
  readonly move: ReplicaMove
  readonly ended: Promise<void>
}

export class ReplicaMoves {
  readonly #options: ReplicaMovesOptions
  readonly #running = new Map<Partition, Running>()
  readonly #beginning = new Serial()
  #copying = 0
  readonly #queue: (() => void)[] = []
  /** Bytes that were copied and not allowed yet, at a moment. */
  #debt = { bytes: 0, atMs: 0 }
  #isClosed = false

  constructor(options: ReplicaMovesOptions) {
    this.#options = options
  }

  isMoving(partition: Partition): boolean {
    return this.#running.has(partition)
  }

  /**
   * Begins to move the replica to `logDir`, from wherever it is or was to go; resolves when it is under way. Throws a LogError:
   * LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, INVALID_TOPIC_EXCEPTION.
   */
  begin(partition: Partition, logDir: string): Promise<void> {
    return this.#beginning.run(partition.name, () => this.#begin(partition, logDir))
  }

  async #begin(partition: Partition, logDir: string): Promise<void> {
    const { logs } = this.#options
    if (this.#running.get(partition)?.move.logDir === logDir) return
    await this.stop(partition)
    const { log } = partition
    if (!log || log.logDir === logDir) return
    await logs.createFuture(log, logDir)
    this.resume(partition)
  }

  /** Goes on with a move that has a copy, perhaps of an earlier life of this node. */
  resume(partition: Partition): void {
    const { logs, settings, tellPlace } = this.#options
    const future = logs.futureOf(partition)
    if (!future || this.#isClosed || this.isMoving(partition)) return
    const { clock, onReplacing, onReplaced } = settings
    const move: ReplicaMove = new ReplicaMove({
      logs,
      clock,
      partition,
      future,
      tellPlace: onAccepted => tellPlace(partition, future.logDir, onAccepted),
      takeTurn: copy => this.#takeTurn(() => !move.isCancelled, copy),
      onReplacing,
      onReplaced,
    })
    this.#running.set(partition, { move, ended: this.#run(partition, move) })
  }

  async #run(partition: Partition, move: ReplicaMove): Promise<void> {
    const { logger, logs, onEnd } = this.#options
    const at = { partition: partition.name, logDir: move.logDir }
    logger.info('moving a replica to another log dir', at)
    try {
      const isMoved = await move.run()
      logger.info(isMoved ? 'a replica is in its new log dir' : 'a replica stays in its log dir', at)
    } catch (error) {
      // One that was given up may find its copy gone.
      if (!move.isCancelled) logger.error('a replica could not be moved', { ...at, error: error as Error })
    } finally {
      this.#running.delete(partition)
      if (!this.#isClosed) {
        await logs.dropFuture(partition).catch(error => logger.error('a copy is left over', { ...at, error }))
        onEnd(partition)
      }
    }
  }

  /** Resolves when the replica is where it will stay: where it was, unless it has moved already. */
  async stop(partition: Partition): Promise<void> {
    const running = this.#running.get(partition)
    if (!running) return
    running.move.cancel()
    await running.ended
  }

  /** At the end of the node: what is copied so far is used by the next. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#running.keys()].map(partition => this.stop(partition)))
  }

  // --------------------------------------------------------------------------------------------------------- throttle

  async #takeTurn(isWanted: () => boolean, copy: () => Promise<number>): Promise<void> {
    const { concurrency } = this.#options.settings
    if (this.#copying >= concurrency) await new Promise<void>(resolve => this.#queue.push(resolve))
    this.#copying++
    try {
      await this.#payDebt(isWanted)
      if (isWanted()) this.#debt.bytes += await copy()
    } finally {
      this.#copying--
      this.#queue.shift()?.()
    }
  }

  async #payDebt(isWanted: () => boolean): Promise<void> {
    const { clock, bytesPerSecond } = this.#options.settings
    for (;;) {
      const nowMs = clock.monotonic()
      const rate = bytesPerSecond() / 1000
      const paid = rate === Number.POSITIVE_INFINITY ? this.#debt.bytes : (nowMs - this.#debt.atMs) * rate
      const bytes = Math.max(0, this.#debt.bytes - paid)
      this.#debt = { bytes, atMs: nowMs }
      if (bytes === 0 || !isWanted()) return
      const waitMs = Math.min(Math.ceil(bytes / rate), MAX_WAIT_MS)
      await new Promise<void>(resolve => clock.setTimer(waitMs, resolve))
    }
  }
}

/** So that a limit that is raised, and a move that is given up, are felt soon. */
const MAX_WAIT_MS = 1000
