/** Decides when the image is written to a snapshot: after so many bytes of records, or so much time; one at a time. */
import type { World } from '@ottla/io'
import type { BrokerConfig } from '../config/index.ts'
import { type MetadataImage, snapshotRecords } from '../image/index.ts'
import type { MetadataQuorum } from './metadata-quorum.ts'

export interface SnapshotterOptions {
  readonly world: World
  readonly config: Pick<BrokerConfig, 'metadataLogMaxRecordBytesBetweenSnapshots' | 'metadataLogMaxSnapshotIntervalMs'>
  readonly quorum: Pick<MetadataQuorum, 'writeSnapshot'>
}

export class Snapshotter {
  readonly #options: SnapshotterOptions
  #bytes = 0
  #lastMs: number
  /** When the last one came to its end; the start, if there was none. */
  #writtenMs: number
  #running: Promise<void> | null = null
  #isClosed = false

  constructor(options: SnapshotterOptions) {
    this.#options = options
    this.#lastMs = options.world.clock.monotonic()
    this.#writtenMs = this.#lastMs
  }

  get writtenMs(): number {
    return this.#writtenMs
  }

  /** So many bytes of the log were committed, or read at the start. */
  count(bytes: number): void {
    this.#bytes += bytes
  }

  /** All that was counted so far is in a snapshot. */
  restart(): void {
    this.#bytes = 0
    this.#lastMs = this.#options.world.clock.monotonic()
  }

  /** To be called with each image that others have seen. */
  consider(image: MetadataImage): void {
    if (this.#running || this.#isClosed || !this.#isDue()) return
    // A snapshot ends where a batch ends.
    if (image.metadataVersion === null || !image.provenance.isBatchAligned) return
    this.restart()
    this.#running = this.#write(image).finally(() => {
      this.#running = null
    })
  }

  #isDue(): boolean {
    const { config, world } = this.#options
    if (this.#bytes >= config.metadataLogMaxRecordBytesBetweenSnapshots) return true
    const interval = config.metadataLogMaxSnapshotIntervalMs
    return interval > 0 && world.clock.monotonic() - this.#lastMs >= interval
  }

  /** A failure costs disk space and the time of the next start, and the next one may succeed. */
  async #write(image: MetadataImage): Promise<void> {
    const { quorum, world } = this.#options
    const { offset, epoch, timestampMs } = image.provenance
    try {
      await quorum.writeSnapshot({ endOffset: offset + 1, epoch }, timestampMs, snapshotRecords(image))
      this.#writtenMs = world.clock.monotonic()
    } catch (error) {
      world.logger.error('could not write a metadata snapshot', { error: error as Error, offset })
    }
  }

  /** Lets the one that is being written come to its end. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }
}
