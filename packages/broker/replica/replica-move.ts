/**
 * One replica on its way to another log dir of this node (KIP-113): its log is copied while it is written to, the controller
 * is told where it will be (KIP-858), and then the copy takes the place of the log, while those who ask for it wait for a
 * moment. Stopping the process at any point leaves the log where it was, or where it was to go, and whole.
 */
import type { Clock } from '@ottla/io'
import type { LogManager, PartitionLog } from '@ottla/log'
import { batches } from '@ottla/protocol'
import type { Partition, PartitionWaiter } from './partition.ts'

export interface MoveOptions {
  readonly logs: LogManager
  readonly clock: Clock
  readonly partition: Partition
  readonly future: PartitionLog
  /** Tells the controller that the replica is in the copy's log dir; `onAccepted` when it has written that down. */
  readonly tellPlace: (onAccepted: () => void) => void
  /** Copies when it may, and as fast as it may; `copy` says how many bytes it were. */
  readonly takeTurn: (copy: () => Promise<number>) => Promise<void>
  /** Around the moment in which nobody has the log. */
  readonly onReplacing: (partition: Partition) => void
  readonly onReplaced: (partition: Partition) => void
}

const CHUNK_BYTES = 1024 * 1024

export class ReplicaMove implements PartitionWaiter {
  readonly #options: MoveOptions
  isCancelled = false
  #isTold = false
  #isAccepted = false
  #wake: (() => void) | null = null

  constructor(options: MoveOptions) {
    this.#options = options
  }

  get logDir(): string {
    return this.#options.future.logDir
  }

  /** Resolves at the end: true if the log is in its new place, false if the move was cancelled. Rejects if a disk has failed. */
  async run(): Promise<boolean> {
    await this.#align()
    while (!this.isCancelled) {
      const log = this.#options.partition.log
      if (!log) return false
      if (await this.#copySome(log)) continue
      if (!this.#isTold) this.#tell()
      if (this.#isAccepted) return this.#replace()
      await this.#sleep(log)
    }
    return false
  }

  cancel(): void {
    this.isCancelled = true
    this.finish()
  }

  // ---------------------------------------------------------------------------------------------------------- copying

  /** What is in the copy from an earlier life of this node may be of a tail that the log has lost since. */
  async #align(): Promise<void> {
    const { future, partition } = this.#options
    const { log } = partition
    if (!log) return
    while (future.logEndOffset > future.logStartOffset) {
      const epoch = future.latestEpoch
      const end = log.endOffsetForEpoch(epoch)
      const common =
        end?.leaderEpoch === epoch ? end.endOffset : future.endOffsetForEpoch(end?.leaderEpoch ?? -1)?.endOffset
      const before = future.logEndOffset
      if (common === undefined) break
      await future.truncateTo(Math.min(common, before))
      if (end?.leaderEpoch === epoch || future.logEndOffset === before) break
    }
    const isEmpty = future.logEndOffset <= future.logStartOffset
    if (isEmpty || future.logEndOffset > log.logEndOffset) await this.#restart(log)
  }

  /** The copy begins where the log does, or with the batch that it begins in the middle of. */
  async #restart(log: PartitionLog): Promise<void> {
    const { logStartOffset } = log
    const { baseOffset, release } = await log.read(logStartOffset, { maxBytes: 1, minOneBatch: true })
    release?.()
    await this.#options.future.truncateFullyAndStartAt(Math.min(baseOffset, logStartOffset), logStartOffset)
  }

  /** Whether the log begins behind the end of the copy: its retention, or who deletes records, is faster than we are. */
  #isLost(log: PartitionLog): boolean {
    const { future } = this.#options
    return future.logEndOffset < log.logStartOffset && future.logStartOffset !== log.logStartOffset
  }

  /** False: there was nothing to copy. */
  async #copySome(log: PartitionLog): Promise<boolean> {
    const { future, takeTurn } = this.#options
    while (this.#isLost(log)) await this.#restart(log)
    const isBehind = future.logEndOffset < log.writtenEndOffset
    if (isBehind) await takeTurn(() => this.#copyChunk(log))
    future.updateHighWatermark(log.highWatermark)
    if (log.logStartOffset > future.logStartOffset && log.logStartOffset <= future.highWatermark)
      future.deleteRecords(log.logStartOffset)
    return isBehind
  }

  /** As much as a segment holds, at most: how many bytes. */
  async #copyChunk(log: PartitionLog): Promise<number> {
    const { future, clock, partition } = this.#options
    // The turn may have been long in coming.
    if (this.#isLost(log)) return 0
    const maxBytes = Math.min(CHUNK_BYTES, future.config.segmentBytes)
    const from = Math.max(future.logEndOffset, log.logStartOffset)
    const read = await log.read(from, { maxBytes, minOneBatch: true })
    const { leaderEpoch } = partition
    let written = Promise.resolve()
    try {
      for (const chunk of read.chunks) {
        const bytes = startingAt(chunk, future.logEndOffset)
        if (bytes.length > 0)
          ({ written } = future.append(bytes, { origin: 'replication', leaderEpoch, nowMs: clock.now() }))
      }
      await written
      return read.sizeInBytes
    } finally {
      read.release?.()
    }
  }

  // ---------------------------------------------------------------------------------------------------------- waiting

  #tell(): void {
    this.#isTold = true
    this.#options.tellPlace(() => {
      this.#isAccepted = true
      this.finish()
    })
  }

  /** Until there is more to copy, or the controller has answered, or the move is cancelled. */
  async #sleep(log: PartitionLog): Promise<void> {
    const { partition, future } = this.#options
    const woken = new Promise<void>(resolve => {
      this.#wake = resolve
    })
    partition.addWaiter(this)
    const isDue = this.#isAccepted || this.isCancelled || partition.log !== log
    if (!isDue && future.logEndOffset >= log.writtenEndOffset) await woken
    partition.removeWaiter(this)
    this.#wake = null
  }

  onVisible(): void {
    this.finish()
  }

  finish(): void {
    this.#wake?.()
  }

  // -------------------------------------------------------------------------------------------------------- replacing

  async #replace(): Promise<boolean> {
    const { partition, logs, onReplacing, onReplaced } = this.#options
    onReplacing(partition)
    await partition.replaceLog(async log => {
      await log.store.idle()
      while (!this.isCancelled && (await this.#copySome(log))) {}
      return this.isCancelled ? log : logs.promoteFuture(partition)
    })
    onReplaced(partition)
    return partition.log?.logDir === this.logDir
  }
}

/** Without the batches that end before `offset`: a read begins with the batch that holds it. */
function startingAt(chunk: Uint8Array, offset: number): Uint8Array {
  for (const { position, lastOffset } of batches(chunk)) {
    if (lastOffset >= offset) return chunk.subarray(position)
  }
  return chunk.subarray(chunk.length)
}
