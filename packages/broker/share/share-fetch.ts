/**
 * One ShareFetch: reads what its share partitions may hand out, and waits until there is enough or time is up. As long as
 * it reads a share partition nobody else does; when it can't take anything it lets go and waits until something happens.
 */
import type { Clock, Logger } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import { errorCodeOf, isExpected, messageOf } from '../errors.ts'
import { type PartitionRead, readPartition } from '../replica/read.ts'
import type { AcquiredRecords } from './acquire.ts'
import { fetchedBatches, slicesOf } from './fetched-batches.ts'
import type { LoadedSharePartition } from './loaded-share-partition.ts'
import type { ShareGroupMeter, ShareMetrics } from './share-metrics.ts'

export interface ShareFetchLimits {
  readonly memberId: string
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxRecords: number
  readonly batchSize: number
  readonly isRecordLimit: boolean
  /** Of committed transactions only. */
  readonly committed: boolean
}

export interface ShareFetchResult {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly chunks: readonly Uint8Array[]
  readonly acquired: readonly AcquiredRecords[]
  /** See PartitionRead. */
  readonly release: (() => void) | null
}

interface Begun {
  readonly partition: LoadedSharePartition
  readonly fetchOffset: number
}

interface Opening {
  readonly ready: Promise<void>
  isOver: boolean
}

interface Reading {
  readonly partition: LoadedSharePartition
  readonly fetchOffset: number
  /** null with an error. */
  readonly read: PartitionRead | null
  readonly error: unknown
}

/** What a fetch adds to. */
export interface ShareFetchMeters {
  readonly all: ShareMetrics
  readonly group: ShareGroupMeter
}

export class ShareFetch {
  readonly #limits: ShareFetchLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #meters: ShareFetchMeters
  /** Since then it tries to get hold of anything to read. */
  #acquiringSinceMs: number
  readonly #partitions: readonly LoadedSharePartition[]
  /** Something has happened since it was looked for last. */
  #isWoken = false
  /** What could be read when it was woken; null: to be found out. */
  #begun: Begun[] | null = null
  /** What could not be loaded when reading was begun: of others that can't be the next answer tells. */
  #unloaded: readonly LoadedSharePartition[] = []
  #resume: (() => void) | null = null
  /** Partitions without a log for a moment, while another one takes its place. */
  readonly #opening = new Map<LoadedSharePartition, Opening>()

  constructor(
    partitions: readonly LoadedSharePartition[],
    limits: ShareFetchLimits,
    meters: ShareFetchMeters,
    clock: Clock,
    logger: Logger,
  ) {
    this.#partitions = partitions
    this.#limits = limits
    this.#meters = meters
    this.#clock = clock
    this.#logger = logger
    this.#acquiringSinceMs = clock.monotonic()
  }

  /** Ends early if the client goes; what it had acquired by then its session gives back. */
  async run(signal: AbortSignal): Promise<ShareFetchResult[]> {
    const deadlineMs = this.#clock.monotonic() + this.#limits.maxWaitMs
    const timer = this.#clock.setTimer(this.#limits.maxWaitMs, () => this.wake())
    const onAbort = () => this.wake()
    signal.addEventListener('abort', onAbort)
    this.#meters.all.awaitedPartitions += this.#partitions.length
    for (const partition of this.#partitions) {
      partition.addWaiter(this)
      partition.replica.addWaiter(this)
    }
    try {
      for (;;) {
        if (signal.aborted) return []
        const isLast = this.#clock.monotonic() >= deadlineMs
        const results = await this.#try(isLast)
        if (results) return results
        if (!this.#isWoken) await this.#wait()
      }
    } finally {
      const begun = this.#begun ?? []
      this.#letGo(begun)
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      this.#meters.all.awaitedPartitions -= this.#partitions.length
      for (const partition of this.#partitions) {
        partition.removeWaiter(this)
        partition.replica.removeWaiter(this)
      }
      // It was the client's end that woke it: others may have what it was about to read.
      for (const { partition } of begun) partition.wake()
    }
  }

  /**
   * What can be read now is begun now, not a moment later: of share partitions that are loaded one after the other, the
   * first one answers by itself if it has enough, as in Kafka.
   */
  wake(): void {
    if (this.#resume) {
      this.#begun = this.#begin()
      this.#resume()
    } else {
      this.#isWoken = true
    }
  }

  /** For partitions: records have become visible. */
  onVisible(): void {
    this.wake()
  }

  /** For partitions: something else has happened. */
  finish(): void {
    this.wake()
  }

  #wait(): Promise<void> {
    const { all } = this.#meters
    all.waitingFetches++
    return new Promise(resolve => {
      this.#resume = () => {
        this.#resume = null
        all.waitingFetches--
        resolve()
      }
    })
  }

  // -------------------------------------------------------------------------------------------------------- one try

  /** null: there is not enough yet. */
  async #try(isLast: boolean): Promise<ShareFetchResult[] | null> {
    const begun = this.#begun ?? this.#begin()
    this.#begun = null
    if (begun.length === 0) return isLast ? this.#expired([]) : null
    this.#onBegun()
    let results: ShareFetchResult[] | null = null
    try {
      const readings = await this.#readAll(begun)
      const hasEnough = isEnough(readings, this.#limits.minBytes)
      if (hasEnough) results = [...this.#take(readings), ...this.#unloaded.map(failedToLoad)]
      else if (isLast) results = this.#expired(this.#take(readings))
      else for (const { read } of readings) read?.release?.()
    } finally {
      this.#letGo(begun)
    }
    // Whoever came meanwhile could not read; there may be something left.
    if (results) {
      for (const { partition } of begun) partition.wake()
      this.#meters.group.fetchRatio.record((100 * begun.length) / this.#partitions.length, this.#clock.monotonic())
    }
    return results
  }

  #onBegun(): void {
    const nowMs = this.#clock.monotonic()
    this.#meters.group.acquireTimeMs.record(nowMs - this.#acquiringSinceMs, nowMs)
    this.#acquiringSinceMs = nowMs
  }

  /** It has waited long enough, for what there is. */
  #expired(results: ShareFetchResult[]): ShareFetchResult[] {
    this.#meters.all.expiredFetches++
    if (results.length === 0) this.#meters.group.fetchRatio.record(0, this.#clock.monotonic())
    return [...results, ...this.#partitions.filter(couldNotBeLoaded).map(failedToLoad)]
  }

  #begin(): Begun[] {
    this.#isWoken = false
    this.#unloaded = this.#partitions.filter(couldNotBeLoaded)
    const begun: Begun[] = []
    for (const partition of this.#partitions) {
      if (this.#isOpening(partition)) continue
      const fetchOffset = partition.beginRead()
      if (fetchOffset !== null) begun.push({ partition, fetchOffset })
    }
    return begun
  }

  #isOpening(partition: LoadedSharePartition): boolean {
    const { log, ready } = partition.replica
    if (log) return false
    let opening = this.#opening.get(partition)
    if (opening?.ready !== ready) {
      const begun = { ready, isOver: false }
      ready.then(() => {
        begun.isOver = true
        this.wake()
      })
      this.#opening.set(partition, begun)
      opening = begun
    }
    return !opening.isOver
  }

  #letGo(begun: readonly Begun[]): void {
    for (const { partition } of begun) partition.endRead()
  }

  /** Each gets the same share of the bytes; one batch that is larger is given if nothing was found before. */
  async #readAll(begun: readonly Begun[]): Promise<Reading[]> {
    const share = Math.max(1, Math.floor(this.#limits.maxBytes / begun.length))
    const readings: Reading[] = []
    let minOneBatch = true
    for (const { partition, fetchOffset } of begun) {
      const reading = this.#read(partition, fetchOffset, share, minOneBatch)
      const done = reading instanceof Promise ? await reading : reading
      readings.push(done)
      if (done.read && done.read.sizeInBytes > 0) minOneBatch = false
    }
    return readings
  }

  #read(
    partition: LoadedSharePartition,
    fetchOffset: number,
    maxBytes: number,
    minOneBatch: boolean,
  ): Reading | Promise<Reading> {
    const { replica } = partition
    const { topic, topicId } = replica
    const position = { currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 }
    const wanted = { topic, topicId, partition: replica.partition, fetchOffset, maxBytes, ...position }
    const failed = (error: unknown): Reading => ({ partition, fetchOffset, read: null, error })
    replica.meter.add('fetchRequests', 1)
    try {
      const read = readPartition(
        replica,
        { ...wanted, sentHighWatermark: -1, sentLogStartOffset: -1 },
        { maxBytes, minOneBatch, committed: this.#limits.committed },
      )
      if (!(read instanceof Promise)) return { partition, fetchOffset, read, error: null }
      return read.then(done => ({ partition, fetchOffset, read: done, error: null }), failed)
    } catch (error) {
      return failed(error)
    }
  }

  #take(readings: readonly Reading[]): ShareFetchResult[] {
    const results: ShareFetchResult[] = []
    let left = this.#limits.maxRecords
    for (const reading of readings) {
      const result = reading.read
        ? this.#acquire(reading.partition, reading.fetchOffset, reading.read, left)
        : this.#failed(reading)
      for (const { firstOffset, lastOffset } of result.acquired) left -= lastOffset - firstOffset + 1
      results.push(result)
    }
    return results
  }

  #acquire(
    partition: LoadedSharePartition,
    fetchOffset: number,
    read: PartitionRead,
    maxRecords: number,
  ): ShareFetchResult {
    const { memberId, batchSize, isRecordLimit } = this.#limits
    const batches = fetchedBatches(read)
    const acquired = partition.acquire({ memberId, batchSize, isRecordLimit, maxRecords, fetchOffset, batches })
    if (acquired.length > 0) {
      const chunks = slicesOf(read.chunks, acquired)
      let bytes = 0
      for (const { length } of chunks) bytes += length
      partition.replica.meter.add('bytesOut', bytes)
      return { ...resultOf(partition), chunks, acquired, release: read.release }
    }
    read.release?.()
    return resultOf(partition)
  }

  #failed({ partition, error }: Reading): ShareFetchResult {
    const errorCode = errorCodeOf(error)
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && partition.replica.log) {
      partition.onLogStartMoved(partition.replica.log.logStartOffset)
      return resultOf(partition)
    }
    if (!isExpected(error)) {
      this.#logger.error('share fetch failed', { partition: partition.replica.name, error: error as Error })
    }
    return { ...resultOf(partition), errorCode, errorMessage: messageOf(error) }
  }
}

function couldNotBeLoaded({ failure }: LoadedSharePartition): boolean {
  return failure !== null
}

function failedToLoad(partition: LoadedSharePartition): ShareFetchResult {
  const { failure } = partition
  return { ...resultOf(partition), errorCode: errorCodeOf(failure), errorMessage: messageOf(failure) }
}

/** Without records. */
export function resultOf({ replica }: LoadedSharePartition): ShareFetchResult {
  const { topicId, partition } = replica
  return { topicId, partition, errorCode: 0, errorMessage: null, chunks: [], acquired: [], release: null }
}

function isEnough(readings: readonly Reading[], minBytes: number): boolean {
  let bytes = 0
  for (const { read } of readings) {
    if (!read) return true
    bytes += read.sizeInBytes
  }
  return bytes >= minBytes
}
