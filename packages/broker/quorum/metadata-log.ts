/**
 * `__cluster_metadata-0` on disk, in Kafka's layout: the segments, through packages/log, and the snapshots beside them.
 * Opening puts them in order: what is not whole is removed, and a log that ends before its latest snapshot starts anew
 * behind it. Who may write, and what, is the quorum's to know.
 */
import type { World } from '@ottla/io'
import { DEFAULT_LOG_CONFIG, type LogConfig, type LogManager, type PartitionLog } from '@ottla/log'
import { MetadataError } from '../errors.ts'
import { decodeBatches, type EncodedBatch, MAX_BATCH_BYTES, type MetadataBatch } from './batches.ts'
import {
  parseSnapshotName,
  readSnapshot,
  type SnapshotContent,
  type SnapshotFile,
  type SnapshotId,
  snapshotName,
  writeSnapshot,
} from './snapshot-files.ts'

export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const METADATA_FOLDER = '__cluster_metadata-0'

const READ_BYTES = 1024 * 1024

export interface MetadataLogOptions {
  readonly world: World
  readonly logs: LogManager
  /** metadata.log.dir */
  readonly logDir: string
  /** metadata.log.segment.bytes */
  readonly segmentBytes: number
  /** metadata.log.segment.ms */
  readonly segmentMs: number
  /** metadata.max.retention.bytes; -1: no bound. */
  readonly retentionBytes: number
  /** metadata.max.retention.ms; -1: no bound. */
  readonly retentionMs: number
}

export class MetadataLog {
  readonly folder: string
  readonly #options: MetadataLogOptions
  readonly #log: PartitionLog
  /** Ascending. */
  #snapshots: SnapshotId[]

  private constructor(options: MetadataLogOptions, folder: string, log: PartitionLog, snapshots: SnapshotId[]) {
    this.#options = options
    this.folder = folder
    this.#log = log
    this.#snapshots = snapshots
  }

  static async open(options: MetadataLogOptions): Promise<MetadataLog> {
    const { world, logs, logDir } = options
    const folder = `${logDir}/${METADATA_FOLDER}`
    await prepareFolder(world, folder)
    const log = await logs.openMetadataLog(logDir, logConfig(options))
    if (log.topicId !== METADATA_TOPIC_ID) {
      throw new MetadataError('ERR_BROKEN_FILE', `${folder} is of topic id ${log.topicId}, not the metadata log's`)
    }
    const found = (await world.disk.list(folder)).flatMap(({ name }) => parseSnapshotName(name) ?? [])
    const isOld = ({ id, isGarbage }: SnapshotFile) => isGarbage || id.endOffset < log.logStartOffset
    const snapshots = found.filter(file => !isOld(file)).map(file => file.id)
    const latest = snapshots.at(-1)
    if (log.logStartOffset > (latest?.endOffset ?? 0)) {
      const message = `${folder}: the log starts at ${log.logStartOffset}, and no snapshot holds what was before`
      throw new MetadataError('ERR_BROKEN_FILE', message)
    }
    for (const { name } of found.filter(isOld)) await world.disk.remove(`${folder}/${name}`)
    const opened = new MetadataLog(options, folder, log, snapshots)
    if (latest) await opened.#skipTo(latest)
    return opened
  }

  /** A follower that stopped between fetching a snapshot and cutting its log, or a lost tail: the snapshot is newer. */
  async #skipTo({ endOffset, epoch }: SnapshotId): Promise<void> {
    const latestEpoch = Math.max(0, this.#log.latestEpoch)
    if (epoch < latestEpoch || (epoch === latestEpoch && endOffset <= this.endOffset)) return
    await this.#log.truncateFullyAndStartAt(endOffset)
    await this.#removeSnapshots(id => id.endOffset < endOffset)
  }

  get startOffset(): number {
    return this.#log.logStartOffset
  }

  get endOffset(): number {
    return this.#log.logEndOffset
  }

  get sizeInBytes(): number {
    return this.#log.sizeInBytes
  }

  /** Of the last record; of the latest snapshot if the log is empty. */
  get lastEpoch(): number {
    return Math.max(this.#log.latestEpoch, this.latestSnapshot?.epoch ?? 0, 0)
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#snapshots.at(-1) ?? null
  }

  /**
   * All that the log holds from `offset` on, batch by batch, while nobody writes. After a loss of power the end of one
   * segment may be missing, and what was put into the next one still be there: where a batch does not begin where the
   * one before it ends, the log is cut, as nothing behind that can have been committed.
   */
  async *recover(offset: number): AsyncGenerator<MetadataBatch, void> {
    let expected = offset
    for (let next = offset; next < this.endOffset; ) {
      const { chunks, nextOffset } = await this.#log.read(next, { maxBytes: READ_BYTES, minOneBatch: true })
      for (const batch of chunks.flatMap(chunk => [...decodeBatches(chunk)])) {
        if (batch.lastOffset < offset) continue
        if (batch.baseOffset > expected) {
          await this.#cut(expected, batch.baseOffset)
          return
        }
        yield batch
        expected = batch.lastOffset + 1
      }
      if (nextOffset <= next) return
      next = nextOffset
    }
  }

  async #cut(offset: number, nextFound: number): Promise<void> {
    const { logger } = this.#options.world
    logger.warn('cut the metadata log before offsets that are missing', {
      offset,
      nextFound,
      endOffset: this.endOffset,
    })
    await this.#log.truncateTo(offset)
  }

  readSnapshot(id: SnapshotId): AsyncGenerator<MetadataBatch, void> {
    return readSnapshot(this.#options.world.disk, `${this.folder}/${snapshotName(id)}`)
  }

  /** Offsets and epochs stand in the batches. */
  append({ bytes, batch }: EncodedBatch): void {
    const options = { origin: 'raft' as const, leaderEpoch: batch.epoch, nowMs: this.#options.world.clock.now() }
    // Whether it was written is what `flush` tells.
    this.#log.append(bytes, options).written.catch(() => {})
  }

  /** The leader of `epoch` writes from here on. */
  beginEpoch(epoch: number): void {
    this.#log.assignEpochStart(epoch, this.endOffset)
  }

  flush(): Promise<void> {
    return this.#log.flush()
  }

  updateHighWatermark(offset: number): void {
    this.#log.updateHighWatermark(offset)
  }

  /** Nothing if there is one of that id. */
  async writeSnapshot(id: SnapshotId, content: Omit<SnapshotContent, 'epoch' | 'nowMs'>): Promise<void> {
    if (this.#snapshots.some(({ endOffset, epoch }) => endOffset === id.endOffset && epoch === id.epoch)) return
    const { world } = this.#options
    const whole = { ...content, epoch: id.epoch, nowMs: world.clock.now() }
    const sizeInBytes = await writeSnapshot(world, this.folder, snapshotName(id), whole)
    this.#snapshots = [...this.#snapshots, id].sort((a, b) => a.endOffset - b.endOffset)
    world.logger.info('wrote a metadata snapshot', { endOffset: id.endOffset, epoch: id.epoch, sizeInBytes })
  }

  /**
   * Deletes the oldest snapshots, and the segments that the next one makes needless, while size or age ask for it. The
   * latest snapshot always stays.
   */
  async clean(): Promise<void> {
    const { retentionBytes, retentionMs, world } = this.#options
    while (this.#snapshots.length >= 2) {
      const [oldest, next] = this.#snapshots
      const tooLarge = retentionBytes >= 0 && (await this.#totalBytes()) > retentionBytes
      const tooOld = retentionMs >= 0 && world.clock.now() - (await this.#timestampOf(oldest!)) > retentionMs
      if (!tooLarge && !tooOld) return
      this.#log.deleteRecords(next!.endOffset)
      await this.#log.applyRetention(world.clock.now())
      await this.#removeSnapshots(id => id.endOffset < next!.endOffset)
    }
  }

  async #totalBytes(): Promise<number> {
    let total = this.#log.sizeInBytes
    for (const id of this.#snapshots) {
      total += (await this.#options.world.disk.stat(`${this.folder}/${snapshotName(id)}`))?.size ?? 0
    }
    return total
  }

  async #timestampOf(id: SnapshotId): Promise<number> {
    for await (const { controls } of this.readSnapshot(id)) {
      for (const { type, value } of controls) if (type === 'SnapshotHeader') return value.lastContainedLogTimestamp
    }
    return 0
  }

  async #removeSnapshots(isOld: (id: SnapshotId) => boolean): Promise<void> {
    const { disk, logger } = this.#options.world
    for (const id of this.#snapshots.filter(isOld)) {
      await disk.remove(`${this.folder}/${snapshotName(id)}`)
      logger.info('removed a metadata snapshot', { endOffset: id.endOffset, epoch: id.epoch })
    }
    this.#snapshots = this.#snapshots.filter(id => !isOld(id))
  }
}

async function prepareFolder({ disk }: World, folder: string): Promise<void> {
  await disk.makeDirectory(folder)
  if (await disk.stat(`${folder}/partition.metadata`)) return
  await disk.writeFileAtomic(`${folder}/partition.metadata`, Buffer.from(`version: 0\ntopic_id: ${METADATA_TOPIC_ID}`))
}

function logConfig({ segmentBytes, segmentMs }: MetadataLogOptions): LogConfig {
  return {
    ...DEFAULT_LOG_CONFIG,
    segmentBytes,
    segmentMs,
    maxMessageBytes: MAX_BATCH_BYTES,
    // Segments go when a snapshot holds what is in them, never by age or size alone.
    retentionMs: -1,
    retentionBytes: -1,
  }
}
