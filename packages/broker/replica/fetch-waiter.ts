/**
 * A Fetch that waits for min.bytes: it is told of each record batch that becomes visible in the partitions it reads, and
 * is done when enough bytes have come, when something other than data happened to one of them, or when time is up.
 *
 * It counts; it does not read. Whoever waits reads everything again afterwards.
 */
import type { Clock } from '@ottla/io'
import type { Partition, PartitionWaiter } from './partition.ts'

export interface WaitingPosition {
  readonly partition: Partition
  readonly fetchOffset: number
  /** High watermark when the partition was read: what came since has not been counted. */
  readonly seenHighWatermark: number
}

export class FetchWaiter implements PartitionWaiter {
  readonly done: Promise<void>
  #resolve!: () => void
  #missingBytes: number
  readonly #positions: readonly WaitingPosition[]
  readonly #readCommitted: boolean

  constructor(positions: readonly WaitingPosition[], missingBytes: number, readCommitted: boolean) {
    this.#positions = positions
    this.#missingBytes = missingBytes
    this.#readCommitted = readCommitted
    this.done = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  /** Waits at most `maxWaitMs`, and no longer than the client is there. */
  async wait(clock: Clock, maxWaitMs: number, signal: AbortSignal): Promise<void> {
    const finish = () => this.finish()
    const timer = clock.setTimer(maxWaitMs, finish)
    signal.addEventListener('abort', finish)
    if (signal.aborted) finish()
    for (const { partition, seenHighWatermark } of this.#positions) {
      partition.addWaiter(this)
      // What happened since it was read has been told to nobody: whoever waits has to look.
      if (partition.highWatermark !== seenHighWatermark || !partition.log) finish()
    }
    await this.done
    for (const { partition } of this.#positions) partition.removeWaiter(this)
    signal.removeEventListener('abort', finish)
    timer.cancel()
  }

  onVisible(partition: Partition, bytes: number): void {
    if (this.#readCommitted && !this.#advanced(partition)) return
    this.#missingBytes -= bytes
    if (this.#missingBytes <= 0) this.finish()
  }

  finish(): void {
    this.#resolve()
  }

  /** An open transaction may hold back what has just become visible to others. */
  #advanced(partition: Partition): boolean {
    const position = this.#positions.find(entry => entry.partition === partition)
    return position !== undefined && (partition.log?.lastStableOffset ?? 0) > position.fetchOffset
  }
}
