/**
 * Drives the controller: takes one request after another to it, appends what it decides to the quorum's log, replays it,
 * and lets the answer out, after the image's listeners have seen the change, once that is committed. Also what the
 * controller does unasked: fences silent brokers, writes a no-op where the log would stand still, makes snapshots.
 *
 * The controller decides on its own uncommitted records, so a request that changes nothing waits, too, until everything
 * that it may have seen is committed. What never will be, because this node leads no more, is taken back by going back
 * to the image that was published last.
 *
 * A standby, and a node that starts, only replay what is committed.
 */
import type { Timer, World } from '@ottla/io'
import { LogError } from '@ottla/log'
import { ProtocolError } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import {
  type Access,
  CONTROLLER_APIS,
  Controller,
  type ControllerApiName,
  type ControllerRequest,
  type ControllerResponse,
  type ControllerResult,
  FULL_ACCESS,
} from '../controller/index.ts'
import { ApiError, messageOf } from '../errors.ts'
import {
  EMPTY_IMAGE,
  type MetadataDelta,
  type MetadataImage,
  type MetadataRecord,
  mergeDeltas,
  metadataRecord,
  type Provenance,
} from '../image/index.ts'
import { Summary } from '../metrics/index.ts'
import { type PartitionQuota, UNLIMITED } from '../quota/index.ts'
import type { MetadataBatch } from './batches.ts'
import type { LeaderAndEpoch, MetadataQuorum, QuorumDescription, QuorumListener } from './metadata-quorum.ts'
import { scramKeys } from './scram-keys.ts'
import type { SnapshotId } from './snapshot-files.ts'
import { Snapshotter } from './snapshotter.ts'

export interface ControllerDriverOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly quorum: MetadataQuorum
  /** From bootstrap.checkpoint, for a log that is empty. */
  readonly bootstrapRecords: readonly MetadataRecord[]
  /**
   * In log order, each following the one before; the first leads from the empty image to all that the log held at the
   * start. Must not throw: what it throws is logged, and the listener has missed something.
   */
  readonly onPublished: (delta: MetadataDelta) => void
  /** The node can't go on: its metadata cannot be written or does not make sense. */
  readonly onFailure: (error: Error) => void
}

const MICROSECONDS = 1000

/** What is let out once everything up to `offset` is committed. */
interface Pending {
  readonly offset: number
  readonly deltas: readonly MetadataDelta[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class ControllerDriver implements QuorumListener {
  readonly #options: ControllerDriverOptions
  readonly #controller: Controller
  readonly #snapshotter: Snapshotter
  /** Since the start: what did not replay, what a listener could not take in, and leaders that this node has seen. */
  readonly counters = { errors: 0, applyErrors: 0, elections: 0 }
  /** Milliseconds that it took to decide a request, and to hand what was decided to the log. */
  readonly processingTimes: Summary
  /** In which this node is the active controller; null: it is not. */
  #epoch: number | null = null
  /** Published last. */
  #image: MetadataImage = EMPTY_IMAGE
  /** How far the log has been read while it is loaded; null once it is. */
  #loading: Provenance | null = EMPTY_IMAGE.provenance
  /** In ascending order of offsets. */
  #pending: Pending[] = []
  /** Committed, and not in `#image`: of a transaction, or a request's records, of which the rest is to come. */
  #unpublished: MetadataBatch[] = []
  #activation: Promise<void> = Promise.resolve()
  #sessionTimer: Timer | null = null
  #idleTimer: Timer | null = null
  #lastAppendMs = 0
  #failure: Error | null = null
  #isClosed = false

  private constructor(options: ControllerDriverOptions) {
    const { quorum, config, clusterId, bootstrapRecords, world } = options
    this.#options = options
    this.#snapshotter = new Snapshotter(options)
    const { metricsNumSamples: count, metricsSampleWindowMs: lengthMs } = config
    this.processingTimes = new Summary({ count, lengthMs }, MICROSECONDS)
    this.#controller = new Controller({
      config,
      clusterId,
      bootstrapRecords,
      random: world.random,
      kraftVersion: () => quorum.kraftVersion,
      scramKeys,
      isVoter: nodeId => quorum.voters.some(({ voterId }) => voterId === nodeId),
    })
  }

  /**
   * Resolves when the log is read and published, and bootstrapped if it was empty. Throws what the quorum throws; it is
   * closed then.
   */
  static async start(options: ControllerDriverOptions): Promise<ControllerDriver> {
    const driver = new ControllerDriver(options)
    try {
      await options.quorum.start(driver)
      await driver.#activation
    } catch (error) {
      await driver.close()
      throw driver.#failure ?? error
    }
    return driver
  }

  get quorum(): MetadataQuorum {
    return this.#options.quorum
  }

  /** Committed, and published. */
  get image(): MetadataImage {
    return this.#image
  }

  /** Monotonic; of the start, if there was none yet. */
  get lastSnapshotMs(): number {
    return this.#snapshotter.writtenMs
  }

  get isActive(): boolean {
    return this.#epoch !== null
  }

  /**
   * Resolves when what the controller decided is committed and published. Where it could not decide, or its decision is
   * not known to be committed, the response says so: NOT_CONTROLLER.
   */
  async request<Name extends ControllerApiName>(
    name: Name,
    request: ControllerRequest<Name>,
    apiVersion: number,
    { access = FULL_ACCESS, quota = UNLIMITED }: Caller = {},
  ): Promise<ControllerResponse<Name>> {
    // Never inside the call of a listener: what it is told next has to follow what it is being told.
    await null
    try {
      return await this.#handle(name, request, apiVersion, { access, quota })
    } catch (error) {
      const { failed } = CONTROLLER_APIS[name] as unknown as FailedResponse<Name>
      return failed(request, this.#outcomeOf(name, error))
    }
  }

  async #handle<Name extends ControllerApiName>(
    name: Name,
    request: ControllerRequest<Name>,
    apiVersion: number,
    { access, quota }: Required<Caller>,
  ): Promise<ControllerResponse<Name>> {
    if (!this.isActive || this.#isClosed) throw notController()
    const nowMs = this.#options.world.clock.monotonic()
    const nextOffset = this.#options.quorum.endOffset
    const spendPartitions = (count: number) => quota.spend(count, nowMs)
    const result = this.#controller.handle(name, request, { nowMs, apiVersion, nextOffset, access, spendPartitions })
    const committed = this.#write(result)
    this.#scheduleExpiry()
    const doneMs = this.#options.world.clock.monotonic()
    this.processingTimes.record(doneMs - nowMs, doneMs)
    await committed
    return result.response
  }

  #outcomeOf(name: ControllerApiName, error: unknown) {
    const { errorCode } = error instanceof ApiError ? error : new ApiError('UNKNOWN_SERVER_ERROR', messageOf(error))
    if (!(error instanceof ApiError)) {
      this.#options.world.logger.error('the controller failed', { api: name, error: error as Error })
    }
    return { errorCode, errorMessage: messageOf(error) || null }
  }

  describeQuorum(): QuorumDescription {
    return this.#options.quorum.describe()
  }

  /** The broker is known to be gone, so that it need not be waited for until its session is over. */
  endSession(brokerId: number): void {
    this.#controller.heartbeats.remove(brokerId)
  }

  /** Requests that are under way are answered first. Closes the quorum. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTimers()
    await this.#snapshotter.close()
    await this.#options.quorum.close()
    this.#stepDown()
  }

  // ----------------------------------------------------------------------------------------------- from the quorum

  onSnapshotBegin({ endOffset, epoch }: SnapshotId): void {
    if (!this.#loading) throw new Error('a snapshot after the start is for followers, which there are none of yet')
    this.#loading = { offset: endOffset - 1, epoch, timestampMs: -1, isBatchAligned: true }
  }

  onSnapshotRecords(records: readonly MetadataRecord[]): void {
    for (const record of records) this.#controller.replay(record, this.#loading!.offset)
  }

  onSnapshotEnd(_id: SnapshotId, lastContainedLogTimestamp: number): void {
    this.#loading = { ...this.#loading!, timestampMs: lastContainedLogTimestamp }
  }

  onCommitted(batch: MetadataBatch): void {
    this.#snapshotter.count(batch.sizeInBytes)
    this.#unpublished.push(batch)
    if (this.#loading) {
      this.#load(batch)
      return
    }
    // What this node wrote as the leader was replayed when it was appended.
    if (this.isActive) this.#release(batch.lastOffset)
    else this.#follow(batch)
    this.#snapshotter.consider(this.#image)
  }

  onLeaderChange({ leaderId, epoch }: LeaderAndEpoch): void {
    this.#finishLoading()
    if (leaderId !== null) this.counters.elections++
    if (leaderId !== this.#options.quorum.nodeId) this.#stepDown()
    else if (!this.#isClosed) this.#activate(epoch)
  }

  onFailure(error: Error): void {
    this.#fail(error)
  }

  #load(batch: MetadataBatch): void {
    this.#replay(batch.records, batch.baseOffset)
    this.#loading = provenanceOf(batch)
    if (!this.#controller.hasOpenTransaction) this.#unpublished = []
  }

  /** However much happened before the start, listeners see one step. */
  #finishLoading(): void {
    if (!this.#loading) return
    const { published } = this.#controller.settle(this.#loading)
    this.#loading = null
    if (published.length > 0) this.#publish(published.reduce(mergeDeltas))
  }

  #follow(batch: MetadataBatch): void {
    this.#replay(batch.records, batch.baseOffset)
    for (const delta of this.#controller.settle(provenanceOf(batch)).published) this.#publish(delta)
  }

  #replay(records: readonly MetadataRecord[], baseOffset: number): void {
    let offset = baseOffset
    for (const record of records) this.#controller.replay(record, offset++)
  }

  #publish(delta: MetadataDelta): void {
    this.#image = delta.image
    const { offset } = delta.image.provenance
    this.#unpublished = this.#unpublished.filter(({ lastOffset }) => lastOffset > offset)
    try {
      this.#options.onPublished(delta)
    } catch (error) {
      this.counters.errors++
      this.counters.applyErrors++
      this.#options.world.logger.error('a listener could not take in metadata', { error: error as Error, offset })
    }
  }

  // ------------------------------------------------------------------------------------------------------ leading

  #activate(epoch: number): void {
    this.#epoch = epoch
    this.#activation = this.#write(this.#controller.activate(this.#options.world.clock.monotonic()))
    // It is for `start` to tell; later on, whoever made it fail does.
    this.#activation.catch(() => {})
    this.#scheduleExpiry()
    this.#scheduleNoOp(this.#options.config.metadataMaxIdleIntervalMs)
  }

  #stepDown(): void {
    if (!this.isActive) return
    this.#epoch = null
    this.#cancelTimers()
    this.#controller.reset(this.#image)
    for (const batch of this.#unpublished) this.#follow(batch)
    for (const { reject } of this.#pending.splice(0)) reject(notController())
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.counters.errors++
    const epoch = this.#epoch
    this.#stepDown()
    if (epoch !== null) this.#options.quorum.resign(epoch)
    this.#options.onFailure(error)
  }

  /** Resolves when the records, and everything before them, are committed. */
  #write({ records, isAtomic, kraftVersion }: ControllerResult<unknown>): Promise<void> {
    if (records.length === 0) return this.#committed(this.#options.quorum.endOffset - 1, [])
    const { clock } = this.#options.world
    try {
      if (kraftVersion !== undefined) this.#options.quorum.upgradeKRaftVersion(this.#epoch!, kraftVersion)
      const offset = this.#append(records, isAtomic)
      this.#lastAppendMs = clock.monotonic()
      const provenance = { offset, epoch: this.#epoch!, timestampMs: clock.now(), isBatchAligned: true }
      return this.#committed(offset, this.#takeOwn(records, provenance))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #append(records: readonly MetadataRecord[], isAtomic: boolean): number {
    try {
      return this.#options.quorum.append(this.#epoch!, records, { isAtomic })
    } catch (error) {
      if (error instanceof LogError || !this.isActive) throw notController(error as Error)
      if (error instanceof ProtocolError && error.code === 'ERR_TOO_LARGE') {
        const message = 'The request needs more than fits in one batch of the metadata log.'
        throw new ApiError('POLICY_VIOLATION', message, { cause: error })
      }
      throw error
    }
  }

  /** What does not replay here will not on any other node, nor at the next start. */
  #takeOwn(records: readonly MetadataRecord[], provenance: Provenance): readonly MetadataDelta[] {
    try {
      this.#replay(records, provenance.offset - records.length + 1)
      return this.#controller.settle(provenance).published
    } catch (error) {
      this.#fail(error as Error)
      throw notController(error as Error)
    }
  }

  #committed(offset: number, deltas: readonly MetadataDelta[]): Promise<void> {
    if (this.#pending.length === 0 && this.#options.quorum.highWatermark > offset) return Promise.resolve()
    return new Promise((resolve, reject) => this.#pending.push({ offset, deltas, resolve, reject }))
  }

  #release(offset: number): void {
    while (this.#pending.length > 0 && this.#pending[0]!.offset <= offset) {
      const { deltas, resolve } = this.#pending.shift()!
      for (const delta of deltas) this.#publish(delta)
      resolve()
    }
  }

  // ------------------------------------------------------------------------------------------------------- unasked

  #scheduleExpiry(): void {
    this.#sessionTimer?.cancel()
    const deadline = this.#controller.nextDeadlineMs()
    if (!Number.isFinite(deadline) || this.#isClosed) return
    const { clock } = this.#options.world
    this.#sessionTimer = clock.setTimer(deadline - clock.monotonic(), () => this.#expire())
  }

  #expire(): void {
    if (!this.isActive) return
    const result = this.#controller.expire(this.#options.world.clock.monotonic())
    if (result) this.#writeUnasked(result, 'could not fence a broker')
    this.#scheduleExpiry()
  }

  /** So that the time since the last record tells whether the controller is alive (KIP-835). 0: never. */
  #scheduleNoOp(delayMs: number): void {
    const { world, config } = this.#options
    const idleMs = config.metadataMaxIdleIntervalMs
    if (idleMs <= 0 || this.#isClosed) return
    this.#idleTimer?.cancel()
    this.#idleTimer = world.clock.setTimer(delayMs, () => {
      if (!this.isActive) return
      const leftMs = this.#lastAppendMs + idleMs - world.clock.monotonic()
      if (leftMs <= 0) this.#writeUnasked(NO_OP, 'could not write a no-op')
      this.#scheduleNoOp(leftMs > 0 ? leftMs : idleMs)
    })
  }

  #writeUnasked(result: ControllerResult<null>, failure: string): void {
    this.#write(result).catch(error => {
      if (this.isActive) this.#options.world.logger.error(failure, { error })
    })
  }

  #cancelTimers(): void {
    this.#sessionTimer?.cancel()
    this.#idleTimer?.cancel()
  }
}

const NO_OP: ControllerResult<null> = {
  records: [metadataRecord('NoOpRecord', 0, {})],
  isAtomic: true,
  response: null,
}

/** On whose behalf the controller is asked: who may do everything, as long as nobody says otherwise. */
export interface Caller {
  readonly access?: Access
  readonly quota?: PartitionQuota
}

interface FailedResponse<Name extends ControllerApiName> {
  failed(
    request: ControllerRequest<Name>,
    outcome: { readonly errorCode: number; readonly errorMessage: string | null },
  ): ControllerResponse<Name>
}

function provenanceOf({ lastOffset, epoch, timestampMs }: MetadataBatch): Provenance {
  return { offset: lastOffset, epoch, timestampMs, isBatchAligned: true }
}

function notController(cause?: Error): ApiError {
  return new ApiError('NOT_CONTROLLER', 'This node is not the active controller.', cause ? { cause } : {})
}
