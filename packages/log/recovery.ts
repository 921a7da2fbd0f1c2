/**
 * Opens a log's folder. After a clean stop what the checkpoints and indexes say is believed, and little is read. After
 * any other, each batch from the recovery point on is read and its checksum compared; at the first that is not good, or
 * does not follow, the log is cut, and indexes, leader epochs and producer state are made anew from what is left.
 */
import type { DiskFile, Logger } from '@ottla/io'
import { type BatchHeader, ProtocolError } from '@ottla/protocol'
import { decodeEpochCheckpoint, decodePartitionMetadata } from './checkpoints.ts'
import { EpochCache } from './epoch-cache.ts'
import { LogError } from './errors.ts'
import { LEADER_EPOCH_FILE, LOG_SUFFIX, PARTITION_METADATA_FILE } from './file-names.ts'
import type { Folder } from './folder.ts'
import { type FolderFiles, readFolder, type SegmentFiles } from './folder-files.ts'
import type { LogConfig } from './log-config.ts'
import type { LogEnvironment, StoreParts } from './log-store.ts'
import { rebuildProducers } from './producer-recovery.ts'
import { replayBatch } from './producer-replay.ts'
import { ProducerState, type ProducerStateConfig } from './producer-state.ts'
import { scanBatches } from './scan.ts'
import { Segment } from './segment.ts'
import { Segments } from './segments.ts'
import { Snapshots } from './snapshots.ts'

export interface OpenOptions {
  readonly environment: LogEnvironment
  readonly folder: Folder
  readonly config: LogConfig
  readonly producerConfig: ProducerStateConfig
  readonly logger: Logger
  readonly nowMs: number
  /** The folder has just been made: there is nothing to look for in it. */
  readonly isNew: boolean
  readonly hadCleanShutdown: boolean
  /** From the checkpoints of the log dir; 0 if they do not know this log. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** The checkpoint could be read; else `recoveryPoint` is 0 and nobody knows how far the log was flushed. */
  readonly knowsRecoveryPoint: boolean
}

export interface OpenedLog {
  readonly parts: StoreParts
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly topicId: string | null
}

const NO_FILES: FolderFiles = { segments: [], snapshots: [], hasEpochs: false, hasMetadata: false }

export async function openLog(options: OpenOptions): Promise<OpenedLog> {
  return await new Recovery(options).run()
}

class Recovery {
  readonly #options: OpenOptions
  readonly #producers: ProducerState
  #segments: Segment[] = []
  #snapshots: Snapshots
  #epochs = new EpochCache()

  constructor(options: OpenOptions) {
    this.#options = options
    this.#producers = new ProducerState(options.producerConfig)
    this.#snapshots = new Snapshots(options.folder, [])
  }

  async run(): Promise<OpenedLog> {
    const { folder, logger, isNew, logStartOffset, recoveryPoint, hadCleanShutdown } = this.#options
    const files = isNew ? NO_FILES : await readFolder(folder, logger)
    this.#snapshots = new Snapshots(folder, files.snapshots)
    this.#segments = await Promise.all(files.segments.map(segment => this.#existing(segment)))
    for (const segment of this.#segments.slice(0, -1)) segment.isClosed = true
    await this.#loadEpochs(files)
    await this.#recoverWithoutIndex(files.segments)
    let endOffset = await this.#findEnd()
    const isLost = endOffset !== null && endOffset < logStartOffset
    if (isLost) await this.#startOver(endOffset!)
    if (endOffset === null || isLost) {
      endOffset = logStartOffset
      this.#segments = [Segment.create(this.#segmentOptions(endOffset))]
      if (endOffset > 0) await this.#makeFile(this.#segments[0]!)
    }
    this.#epochs.truncateFromEnd(endOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    const segments = new Segments(this.#segments)
    const start = Math.max(logStartOffset, segments.first.baseOffset)
    await this.#finishProducers(start, endOffset, hadCleanShutdown)
    if (!isNew) await segments.active.activate()
    // Most logs of many are idle: whoever uses one opens its file again.
    for (const segment of this.#segments) await segment.closeFile()
    return {
      parts: {
        folder,
        segments,
        snapshots: this.#snapshots,
        epochs: this.#epochs,
        endOffset,
        // Only a flush moves it forward: to skip what was read just now, the next start would have to find it on disk.
        recoveryPoint: hadCleanShutdown && !isLost ? endOffset : Math.max(Math.min(recoveryPoint, endOffset), start),
      },
      producers: this.#producers,
      logStartOffset: start,
      topicId: files.hasMetadata ? await this.#readTopicId() : null,
    }
  }

  /** Its name is all that tells where the log goes on. */
  async #makeFile(segment: Segment): Promise<void> {
    await segment.file()
    await this.#options.folder.sync()
  }

  #segmentOptions(baseOffset: number) {
    const { folder, environment, config, nowMs } = this.#options
    const { segmentJitterMs, segmentMs, indexIntervalBytes } = config
    const rollJitterMs =
      segmentJitterMs > 0 ? environment.world.random.integer(Math.min(segmentJitterMs, segmentMs)) : 0
    return {
      folder,
      indexCache: environment.indexCache,
      baseOffset,
      createdMs: nowMs,
      indexIntervalBytes,
      rollJitterMs,
    }
  }

  async #existing({ baseOffset, hasTransactionIndex }: SegmentFiles): Promise<Segment> {
    const { folder, hadCleanShutdown } = this.#options
    const stat = await folder.disk.stat(folder.offsetFile(baseOffset, LOG_SUFFIX))
    return Segment.existing(this.#segmentOptions(baseOffset), {
      size: stat?.size ?? 0,
      hasTransactionFile: hasTransactionIndex,
      // A process that was killed may have made the file and not come to that.
      isEntrySynced: hadCleanShutdown,
    })
  }

  async #readTopicId(): Promise<string> {
    const { folder } = this.#options
    const path = folder.file(PARTITION_METADATA_FILE)
    try {
      return decodePartitionMetadata(await folder.disk.readFile(path))
    } catch (error) {
      throw new LogError('KAFKA_STORAGE_ERROR', `${path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }

  // --------------------------------------------------------------------------------------------------- leader epochs

  async #loadEpochs({ hasEpochs }: FolderFiles): Promise<void> {
    if (!hasEpochs) return
    const { folder, logger } = this.#options
    const path = folder.file(LEADER_EPOCH_FILE)
    const bytes = await folder.disk.readFile(path)
    try {
      this.#epochs = new EpochCache(decodeEpochCheckpoint(bytes))
    } catch (error) {
      logger.warn('Making the leader epochs anew from the log', { path, error: error as Error })
      for (const segment of this.#segments) {
        await scanBatches(await segment.file(), { from: 0, to: segment.size, check: 'headers' }, header => {
          this.#addEpoch(header)
          return true
        })
      }
    }
  }

  #addEpoch({ partitionLeaderEpoch, baseOffset }: BatchHeader): void {
    if (partitionLeaderEpoch > this.#epochs.latestEpoch) this.#epochs.assign(partitionLeaderEpoch, baseOffset)
  }

  // -------------------------------------------------------------------------------------------------------- segments

  /** Segments before the recovery point whose indexes are gone. */
  async #recoverWithoutIndex(files: readonly SegmentFiles[]): Promise<void> {
    const firstUnflushed = this.#firstUnflushed()
    for (const [i, segment] of this.#segments.entries()) {
      if (i >= firstUnflushed) break
      const isSound = files[i]!.hasIndexes || segment.size === 0
      if (isSound && (await this.#hasSoundTransactions(segment))) continue
      this.#options.logger.warn('Making the indexes of a segment anew', {
        folder: this.#options.folder.path,
        baseOffset: segment.baseOffset,
      })
      if (!(await this.#recover(segment))) return await this.#removeAfter(segment)
      if (segment.isClosed) await segment.saveIndexes(true)
    }
  }

  async #hasSoundTransactions(segment: Segment): Promise<boolean> {
    if (this.#options.hadCleanShutdown || segment.transactionsNow() === null) return true
    try {
      return (await segment.transactions())!.problem(segment.baseOffset) === null
    } catch (error) {
      if (error instanceof Error && error.name !== 'DiskError') return false
      throw error
    }
  }

  #firstUnflushed(): number {
    const { hadCleanShutdown, recoveryPoint } = this.#options
    if (hadCleanShutdown) return this.#segments.length
    const index = this.#segments.findLastIndex(segment => segment.baseOffset <= recoveryPoint)
    return Math.max(0, index)
  }

  /** Where the log ends, after recovery of what needs it; null: there is no segment. */
  async #findEnd(): Promise<number | null> {
    const active = this.#segments.at(-1)
    if (!active) return null
    const { hadCleanShutdown, logger, folder } = this.#options
    if (hadCleanShutdown) {
      const endOffset = await readEndOffset(active)
      if (endOffset !== null) return endOffset
      logger.error('The log does not end as after a clean stop', { folder: folder.path })
      await this.#recover(active)
      return this.#producers.endOffset
    }
    const unflushed = this.#segments.slice(this.#firstUnflushed())
    // Epochs that began there are found again, unless their first batch was compacted away; those in the file may be of
    // batches that are gone.
    if (!this.#options.config.cleanupPolicy.includes('compact')) this.#epochs.truncateFromEnd(unflushed[0]!.baseOffset)
    for (const segment of unflushed) {
      if (this.#isBehindLoss(segment)) {
        await this.#removeAfter(this.#segments[this.#segments.indexOf(segment) - 1]!)
        break
      }
      const isGood = await this.#recover(segment)
      if (!isGood) {
        await this.#removeAfter(segment)
        break
      }
      if (segment.isClosed) await segment.saveIndexes(false)
    }
    this.#segments.at(-1)!.isClosed = false
    return this.#producers.endOffset
  }

  /**
   * A loss of power may take the end of one segment, at the end of a batch, and leave the next. In a log that is not
   * compacted a hole that no flush has seen is such a loss.
   */
  #isBehindLoss({ baseOffset }: Segment): boolean {
    const { recoveryPoint, knowsRecoveryPoint, config } = this.#options
    const isFirst = this.#segments[0]!.baseOffset === baseOffset
    if (isFirst || baseOffset <= Math.max(recoveryPoint, this.#producers.endOffset)) return false
    return knowsRecoveryPoint && !config.cleanupPolicy.includes('compact')
  }

  /** Checks every batch; false: something at the end was cut off. */
  async #recover(segment: Segment): Promise<boolean> {
    const { logger, folder, nowMs } = this.#options
    const { baseOffset } = segment
    const recovery = { producers: this.#producers, snapshots: this.#snapshots, segments: this.#segments }
    if (this.#producers.endOffset !== baseOffset || baseOffset === 0) {
      // A snapshot from below the first segment knows nothing of what was deleted between the two.
      const logStartOffset = Math.max(this.#options.logStartOffset, this.#segments[0]!.baseOffset)
      await rebuildProducers({ ...recovery, logStartOffset, nowMs, logger }, baseOffset)
    }
    this.#snapshots.take(this.#producers)
    segment.resetIndexes()
    segment.resetTransactions()
    let nextOffset = baseOffset
    const file = await segment.file()
    const options = { from: 0, to: segment.size, check: 'all' } as const
    const { end, problem } = await scanBatches(file, options, (header, position, bytes) => {
      this.#checkOrder(segment, header, nextOffset)
      this.#take(segment, header, position, bytes)
      nextOffset = header.lastOffset + 1
      return true
    })
    this.#producers.endOffset = nextOffset
    // Zeros to the end were reserved for what did not come; or it is lost, which shows by what comes after.
    const isWhole = end === segment.size || (await isZero(file, end, segment.size))
    if (end < segment.size) {
      await file.truncate(end)
      await file.sync() // as in Segment.truncate
    }
    const { size } = segment
    segment.size = end
    segment.writtenSize = end
    if (isWhole) {
      if (segment.isClosed) segment.close()
      return true
    }
    logger.warn('Cutting a log where it is not sound', {
      folder: folder.path,
      segment: baseOffset,
      position: end,
      of: size,
      offset: nextOffset,
      reason: problem?.message ?? 'the last batch is cut short',
    })
    segment.isClosed = false
    return false
  }

  /** The checksum does not cover the offset. */
  #checkOrder(segment: Segment, { baseOffset, lastOffset }: BatchHeader, nextOffset: number): void {
    if (baseOffset >= nextOffset && lastOffset >= baseOffset && segment.canHold(lastOffset)) return
    throw new ProtocolError('ERR_CORRUPT', `offsets ${baseOffset} to ${lastOffset} come where ${nextOffset} is next`)
  }

  #take(segment: Segment, header: BatchHeader, position: number, bytes: Uint8Array): void {
    try {
      replayBatch(this.#producers, header, bytes, ({ producerId, firstOffset, lastOffset }, lastStableOffset) => {
        segment.addAborted({ producerId, firstOffset, lastOffset, lastStableOffset })
      })
    } catch (error) {
      if (error instanceof LogError) throw new ProtocolError('ERR_MALFORMED', error.message, { cause: error })
      throw error
    }
    segment.index(header, position)
    this.#addEpoch(header)
  }

  async #removeAfter(segment: Segment): Promise<void> {
    const index = this.#segments.indexOf(segment)
    for (const later of this.#segments.splice(index + 1).reverse()) {
      await later.markDeleted()
      await later.removeFiles()
      await this.#snapshots.remove(later.baseOffset)
    }
    await this.#options.folder.sync()
  }

  /** All that there is lies before the log's start: files were taken away, or a power loss took them. */
  async #startOver(endOffset: number): Promise<void> {
    const { logger, folder, logStartOffset } = this.#options
    logger.warn('Dropping a log that ends before its start', { folder: folder.path, endOffset, logStartOffset })
    for (const segment of this.#segments.reverse()) {
      await segment.markDeleted()
      await segment.removeFiles()
    }
    this.#epochs.clear()
    await this.#snapshots.removeWhere(() => true)
    this.#producers.clear(logStartOffset)
  }

  // ------------------------------------------------------------------------------------------------------- producers

  async #finishProducers(logStartOffset: number, endOffset: number, wasClean: boolean): Promise<void> {
    const { logger, nowMs } = this.#options
    await this.#removeStraySnapshots()
    const producers = this.#producers
    if (wasClean && this.#snapshots.latest === null && producers.isEmpty) {
      // Made by a Kafka that knew no producer ids: to look for them in all of the log would be in vain.
      producers.clear(endOffset)
    } else if (wasClean || producers.endOffset !== endOffset) {
      const recovery = {
        producers,
        snapshots: this.#snapshots,
        segments: this.#segments,
        logStartOffset,
        nowMs,
        logger,
      }
      await rebuildProducers(recovery, endOffset)
    } else await this.#snapshots.removeWhere(offset => offset > endOffset || offset <= logStartOffset)
    producers.onReplicated(logStartOffset)
    this.#snapshots.take(producers)
  }

  /** A snapshot belongs to the begin of a segment; besides those, only one past all segments' begins may be of use. */
  async #removeStraySnapshots(): Promise<void> {
    const bases = new Set(this.#segments.map(segment => segment.baseOffset))
    const last = this.#segments.at(-1)!.baseOffset
    const strays = this.#snapshots.offsets.filter(offset => !bases.has(offset))
    const useful = strays.at(-1)
    await this.#snapshots.removeWhere(offset => !bases.has(offset) && !(offset === useful && offset > last))
  }
}

async function isZero(file: DiskFile, from: number, to: number): Promise<boolean> {
  const piece = Buffer.allocUnsafe(Math.min(256 * 1024, to - from))
  for (let at = from; at < to; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, to - at))
    const count = await file.read(part, at)
    if (part.subarray(0, count).some(byte => byte !== 0)) return false
  }
  return true
}

/** After a clean stop: from the last index entry on. null: the file does not end with a batch, or the index lies. */
async function readEndOffset(segment: Segment): Promise<number | null> {
  if (segment.size === 0) return segment.baseOffset
  const indexes = await segment.indexes()
  const { offset, time } = indexes
  const last = offset.entries - 1
  const from = last < 0 ? 0 : offset.positionAt(last)
  let endOffset = segment.baseOffset
  let isRight = true
  const options = { from, to: segment.size, check: 'headers', pieceBytes: 16 * 1024 } as const
  const { end } = await scanBatches(await segment.file(), options, ({ lastOffset, maxTimestamp }, position) => {
    if (position === 0) indexes.firstTimestamp = maxTimestamp
    endOffset = lastOffset + 1
    if (position === from && last >= 0) isRight = lastOffset === offset.offsetAt(last)
    return isRight
  })
  return isRight && end === segment.size && time.lastOffset <= endOffset ? endOffset : null
}
