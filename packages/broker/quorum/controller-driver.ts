/**
 * Drives the controller: takes one request after another to it, appends what it decides to the quorum's log, and lets an
 * answer out, and the image's listeners see the change, once that is committed. Also what the controller does unasked:
 * fences silent brokers, writes a no-op where the log would otherwise stand still, makes snapshots.
 *
 * The controller decides on its own uncommitted records, so a request that changes nothing still waits until everything
 * that it may have seen is committed.
 */
import type { Timer, World } from '@ottla/io'
import { LogError } from '@ottla/log'
import { ProtocolError } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import {
  type Access,
  Controller,
  type ControllerApiName,
  type ControllerRequest,
  type ControllerResponse,
  type ControllerResult,
  FULL_ACCESS,
} from '../controller/index.ts'
import { ApiError, MetadataError } from '../errors.ts'
import {
  EMPTY_IMAGE,
  type MetadataDelta,
  type MetadataImage,
  type MetadataRecord,
  metadataRecord,
  type Provenance,
  snapshotRecords,
} from '../image/index.ts'
import type { MetadataBatch } from './batches.ts'
import type { LeaderAndEpoch, MetadataQuorum, QuorumListener } from './metadata-quorum.ts'
import type { SnapshotId } from './snapshot-files.ts'

export interface ControllerDriverOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly quorum: MetadataQuorum
  /** From bootstrap.checkpoint, for a log that is empty. */
  readonly bootstrapRecords: readonly MetadataRecord[]
  /** In log order; returns before the next one comes. */
  readonly onPublished: (delta: MetadataDelta) => void
  /** The node can't go on: its metadata cannot be written or does not make sense. */
  readonly onFailure: (error: Error) => void
}

/** Something that waits until an offset is committed. */
interface Pending {
  readonly offset: number
  readonly deltas: readonly MetadataDelta[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class ControllerDriver implements QuorumListener {
  readonly #options: ControllerDriverOptions
  readonly #controller: Controller
  #epoch = -1
  #pending: Pending[] = []
  #published: MetadataImage = EMPTY_IMAGE
  #deadline: Timer | null = null
  #idle: Timer | null = null
  #bytesSinceSnapshot = 0
  #lastSnapshotMs: number
  #snapshotting: Promise<void> | null = null
  #isClosed = false

  private constructor(options: ControllerDriverOptions) {
    const { world, quorum, config, clusterId, bootstrapRecords } = options
    this.#options = options
    this.#lastSnapshotMs = world.clock.monotonic()
    this.#controller = new Controller({
      config,
      clusterId,
      bootstrapRecords,
      random: world.random,
      kraftVersion: () => quorum.kraftVersion,
      isVoter: nodeId => quorum.voters.some(({ voterId }) => voterId === nodeId),
    })
  }

  /** Resolves when the log is read and this node is the active controller; what was read has been published by then. */
  static async start(options: ControllerDriverOptions): Promise<ControllerDriver> {
    const driver = new ControllerDriver(options)
    await options.quorum.start(driver)
    await driver.#committed(driver.#options.quorum.endOffset - 1)
    return driver
  }

  get isActive(): boolean {
    return this.#epoch >= 0
  }

  /** Rejects with an ApiError NOT_CONTROLLER if this node is not, or ceases to be, the active controller. */
  async request<Name extends ControllerApiName>(
    name: Name,
    request: ControllerRequest<Name>,
    apiVersion: number,
    access: Access = FULL_ACCESS,
  ): Promise<ControllerResponse<Name>> {
    if (!this.isActive) throw notController()
    const result = this.#controller.handle(name, request, {
      nowMs: this.#options.world.clock.monotonic(),
      apiVersion,
      nextOffset: this.#options.quorum.endOffset,
      access,
    })
    await this.#write(result)
    this.#scheduleDeadline()
    return result.response
  }

  /** The broker is known to be gone, so that it need not be waited for until its session is over. */
  endSession(brokerId: number): void {
    this.#controller.heartbeats.remove(brokerId)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#deadline?.cancel()
    this.#idle?.cancel()
    await this.#snapshotting
    await this.#options.quorum.close()
    this.#stepDown()
  }

  // ----------------------------------------------------------------------------------------------- from the quorum

  onSnapshotBegin(_id: SnapshotId): void {
    this.#controller.reset(EMPTY_IMAGE)
  }

  onSnapshotRecords(records: readonly MetadataRecord[]): void {
    for (const record of records) this.#controller.replay(record, -1)
  }

  onSnapshotEnd({ endOffset, epoch }: SnapshotId, lastContainedLogTimestamp: number): void {
    const provenance = { offset: endOffset - 1, epoch, timestampMs: lastContainedLogTimestamp, isBatchAligned: true }
    for (const delta of this.#settle(provenance)) this.#publish(delta)
  }

  /** What this node wrote as the leader has been replayed already, when it was appended. */
  onCommitted(batch: MetadataBatch): void {
    this.#bytesSinceSnapshot += batch.sizeInBytes
    if (this.isActive || this.#pending.length > 0) this.#release(batch.lastOffset)
    else for (const delta of this.#replay(batch.records, provenanceOf(batch))) this.#publish(delta)
    this.#maybeSnapshot()
  }

  onLeaderChange({ leaderId, epoch }: LeaderAndEpoch): void {
    if (leaderId !== this.#options.quorum.nodeId) {
      this.#stepDown()
      return
    }
    this.#epoch = epoch
    const result = this.#controller.activate(this.#options.world.clock.monotonic())
    this.#write(result).catch(error => this.#options.onFailure(error))
    this.#scheduleDeadline()
    this.#scheduleNoOp()
  }

  onFailure(error: Error): void {
    this.#stepDown()
    this.#options.onFailure(error)
  }

  // ------------------------------------------------------------------------------------------------------- writing

  /** Resolves when the records, and everything before them, are committed. */
  #write({ records, isAtomic }: ControllerResult<unknown>): Promise<void> {
    const { quorum, world } = this.#options
    if (records.length === 0) return this.#committed(quorum.endOffset - 1)
    const offset = this.#append(records, isAtomic)
    const firstOffset = offset - records.length + 1
    const provenance = { offset, epoch: this.#epoch, timestampMs: world.clock.now(), isBatchAligned: true }
    const deltas = this.#replay(records, provenance, firstOffset)
    return this.#committed(offset, deltas)
  }

  #append(records: readonly MetadataRecord[], isAtomic: boolean): number {
    try {
      return this.#options.quorum.append(this.#epoch, records, { isAtomic })
    } catch (error) {
      if (error instanceof LogError) throw notController(error)
      if (error instanceof ProtocolError)
        throw new ApiError('POLICY_VIOLATION', `too much for one metadata batch: ${error.message}`, { cause: error })
      throw error
    }
  }

  #replay(records: readonly MetadataRecord[], provenance: Provenance, firstOffset?: number): readonly MetadataDelta[] {
    let offset = firstOffset ?? provenance.offset - records.length + 1
    try {
      for (const record of records) this.#controller.replay(record, offset++)
    } catch (error) {
      if (error instanceof MetadataError) this.#options.onFailure(error)
      throw error
    }
    return this.#settle(provenance)
  }

  #settle(provenance: Provenance): readonly MetadataDelta[] {
    return this.#controller.settle(provenance).published
  }

  #committed(offset: number, deltas: readonly MetadataDelta[] = []): Promise<void> {
    if (deltas.length === 0 && this.#options.quorum.highWatermark > offset && this.#pending.length === 0)
      return Promise.resolve()
    return new Promise((resolve, reject) => this.#pending.push({ offset, deltas, resolve, reject }))
  }

  #release(offset: number): void {
    while (this.#pending.length > 0 && this.#pending[0]!.offset <= offset) {
      const { deltas, resolve } = this.#pending.shift()!
      for (const delta of deltas) this.#publish(delta)
      resolve()
    }
  }

  #publish(delta: MetadataDelta): void {
    this.#published = delta.image
    this.#options.onPublished(delta)
  }

  #stepDown(): void {
    if (!this.isActive) return
    this.#epoch = -1
    this.#deadline?.cancel()
    this.#idle?.cancel()
    const error = notController()
    for (const { reject } of this.#pending.splice(0)) reject(error)
    this.#controller.reset(this.#published)
  }

  // ------------------------------------------------------------------------------------------------------- unasked

  #scheduleDeadline(): void {
    this.#deadline?.cancel()
    const { clock } = this.#options.world
    const at = this.#controller.nextDeadlineMs()
    if (!Number.isFinite(at) || this.#isClosed) return
    this.#deadline = clock.setTimer(at - clock.monotonic(), () => this.#expire())
  }

  #expire(): void {
    if (!this.isActive) return
    const result = this.#controller.expire(this.#options.world.clock.monotonic())
    if (result)
      this.#write(result).catch(error => this.#options.world.logger.error('could not fence a broker', { error }))
    this.#scheduleDeadline()
  }

  /** So that the time since the last record tells whether the controller is alive (KIP-835). 0: never. */
  #scheduleNoOp(): void {
    const { world, config } = this.#options
    if (config.metadataMaxIdleIntervalMs <= 0) return
    this.#idle = world.clock.setTimer(config.metadataMaxIdleIntervalMs, () => {
      if (!this.isActive) return
      const noOp = { records: [metadataRecord('NoOpRecord', 0, {})], isAtomic: false, response: null }
      this.#write(noOp).then(
        () => this.#scheduleNoOp(),
        error => world.logger.warn('no-op record failed', { error }),
      )
    })
  }

  #maybeSnapshot(): void {
    const { config, world } = this.#options
    const sinceMs = world.clock.monotonic() - this.#lastSnapshotMs
    const tooMuch = this.#bytesSinceSnapshot >= config.metadataLogMaxRecordBytesBetweenSnapshots
    const tooLong = config.metadataLogMaxSnapshotIntervalMs > 0 && sinceMs >= config.metadataLogMaxSnapshotIntervalMs
    if (!(tooMuch || tooLong) || this.#snapshotting || this.#isClosed) return
    this.#snapshotting = this.#snapshot().finally(() => {
      this.#snapshotting = null
    })
  }

  async #snapshot(): Promise<void> {
    const { quorum, world } = this.#options
    const image = this.#published
    const { offset, epoch, timestampMs, isBatchAligned } = image.provenance
    if (offset < 0 || !isBatchAligned) return
    this.#bytesSinceSnapshot = 0
    this.#lastSnapshotMs = world.clock.monotonic()
    try {
      await quorum.writeSnapshot({ endOffset: offset + 1, epoch }, timestampMs, snapshotRecords(image))
    } catch (error) {
      world.logger.error('could not write a metadata snapshot', { error: error as Error })
    }
  }
}

function provenanceOf({ lastOffset, epoch, timestampMs }: MetadataBatch): Provenance {
  return { offset: lastOffset, epoch, timestampMs, isBatchAligned: true }
}

function notController(cause?: Error): ApiError {
  return new ApiError('NOT_CONTROLLER', 'this node is not the active controller', cause ? { cause } : {})
}
