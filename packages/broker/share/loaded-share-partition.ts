/**
 * A share partition at work: its machine (share-partition.ts), with the clock that ends locks, the persister that its
 * changes are written to, and those who wait for records. Changes that come while one is being written go together in
 * the next write, so that they are written in the order in which they were made.
 */
import type { Clock, Logger, Timer } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import type { Persister } from '../coordinator/share-coordinator.ts'
import { ApiError, isExpected } from '../errors.ts'
import type { Partition } from '../replica/partition.ts'
import type { AcknowledgementBatch } from './acknowledge.ts'
import type { AcquiredRecords, AcquireRequest } from './acquire.ts'
import { persisterError } from './persister-errors.ts'
import { FetchLockMeter } from './share-metrics.ts'
import { SharePartition, type StateChange } from './share-partition.ts'
import type { ShareLimits } from './share-window.ts'
import { type OffsetReset, startOffsetOf } from './start-offset.ts'

export interface SharePartitionOptions {
  readonly groupId: string
  readonly replica: Partition
  readonly clock: Clock
  readonly logger: Logger
  readonly persister: Persister
  readonly limits: () => ShareLimits
  readonly offsetReset: () => OffsetReset
  /** It can't go on: whoever asks for it next gets a new one, or is told why there is none. */
  readonly onFenced: (partition: LoadedSharePartition) => void
  /** Its state is there, or can't be had. */
  readonly onLoaded: (tookMs: number) => void
}

/** Someone who waits for records. */
export interface ShareWaiter {
  wake(): void
}

interface QueuedChange {
  readonly change: StateChange
  readonly resolve: () => void
  readonly reject: (error: ApiError) => void
}

/** Errors after which another one has to be asked, or nobody. */
const FENCING = new Set<number>([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_STATE_EPOCH,
  ErrorCode.GROUP_ID_NOT_FOUND,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])
const MAX_DELAY_MS = 0x7fff_ffff

export class LoadedSharePartition {
  readonly groupId: string
  readonly replica: Partition
  readonly fetchLock = new FetchLockMeter()
  readonly #options: SharePartitionOptions
  readonly #leaderEpoch: number
  readonly #waiters = new Set<ShareWaiter>()
  readonly #unlisten: () => void
  #machine: SharePartition | null = null
  #loading: Promise<void> | null = null
  #isFenced = false
  #failure: Error | null = null
  /** Only one may read at a time: two would be given the same offsets. */
  #isBeingRead = false
  #queue: QueuedChange[] = []
  #isWriting = false
  #timer: Timer | null = null
  #timerMs = Number.POSITIVE_INFINITY

  /** Throws if this node does not lead the partition. */
  constructor(options: SharePartitionOptions) {
    options.replica.leaderLog(-1)
    this.groupId = options.groupId
    this.replica = options.replica
    this.#options = options
    this.#leaderEpoch = options.replica.leaderEpoch
    this.#unlisten = options.replica.onLost(() => this.fence())
  }

  // -------------------------------------------------------------------------------------------------------- loading

  /** Resolves when its state is there; or when it is fenced, since that can't be had. */
  load(): Promise<void> {
    this.#loading ??= this.#loadAndCount()
    return this.#loading
  }

  async #loadAndCount(): Promise<void> {
    const { clock, onLoaded } = this.#options
    const startedMs = clock.monotonic()
    try {
      await this.#load()
    } catch (error) {
      if (!isExpected(error))
        this.#options.logger.error('a share partition failed', { partition: this.replica.name, error: error as Error })
      this.#failure = error as Error
      this.fence()
    } finally {
      onLoaded(clock.monotonic() - startedMs)
    }
  }

  async #load(): Promise<void> {
    const { persister, replica, groupId, limits, offsetReset, clock } = this.#options
    const partitions = [{ partition: replica.partition, leaderEpoch: this.#leaderEpoch }]
    const topics = [{ topicId: replica.topicId, partitions }]
    const { results } = await persister.readShareGroupState({ groupId, topics })
    const result = results[0]?.partitions[0]
    const error = persisterError(result)
    // Known at once, to those who are loaded with it: see ShareFetch.
    this.#failure = error
    if (error) throw error
    const { stateEpoch, stateBatches, startOffset: stored } = result!
    if (!replica.log) await replica.ready
    const log = replica.leaderLog(-1)
    const found = stored >= 0 ? stored : startOffsetOf(log, offsetReset(), clock.now())
    const startOffset = typeof found === 'number' ? found : await found
    if (this.#isFenced) throw notLeader(replica)
    this.#machine = new SharePartition({ stateEpoch, startOffset, stateBatches }, limits)
    // Before others that are loaded at the same time: see ShareFetch.
    this.wake()
  }

  /** Why its state could not be had; null: it is not known that it can't. */
  get failure(): Error | null {
    return this.#failure
  }

  /** Its replica is lost, or its state belongs to somebody else. */
  fence(): void {
    if (this.#isFenced) return
    this.#isFenced = true
    this.#unlisten()
    this.#timer?.cancel()
    this.#options.onFenced(this)
    this.wake()
  }

  get isFenced(): boolean {
    return this.#isFenced
  }

  /** For those who watch; null while it is not loaded. */
  get machine(): SharePartition | null {
    return this.#machine
  }

  get #active(): SharePartition | null {
    return this.#isFenced ? null : this.#machine
  }

  // -------------------------------------------------------------------------------------------------------- fetching

  /** Where the caller may read, and must call `endRead` after it; null: nothing is to be had, or another one reads. */
  beginRead(): number | null {
    const machine = this.#active
    if (!machine || this.#isBeingRead || !machine.canAcquire) return null
    this.#isBeingRead = true
    this.fetchLock.begin(this.#options.clock.monotonic())
    return machine.nextFetchOffset()
  }

  endRead(): void {
    this.#isBeingRead = false
    this.fetchLock.end(this.#options.clock.monotonic())
  }

  acquire(request: AcquireRequest): AcquiredRecords[] {
    const acquired = this.#active?.acquire(request, this.#options.clock.monotonic()) ?? []
    this.#setTimer()
    return acquired
  }

  onLogStartMoved(logStartOffset: number): void {
    this.#active?.onLogStartMoved(logStartOffset)
  }

  addWaiter(waiter: ShareWaiter): void {
    this.#waiters.add(waiter)
  }

  removeWaiter(waiter: ShareWaiter): void {
    this.#waiters.delete(waiter)
  }

  /** There may be something for those who wait. */
  wake(): void {
    for (const waiter of this.#waiters) waiter.wake()
  }

  // -------------------------------------------------------------------------------------------------- giving them back

  /** Resolves when it is written; rejects with an ApiError if it can't be, and then it is as if it had not been said. */
  async acknowledge(memberId: string, batches: readonly AcknowledgementBatch[]): Promise<void> {
    const machine = this.#active
    if (!machine) throw notLeader(this.replica)
    const change = machine.acknowledge(memberId, batches, this.#options.clock.monotonic())
    this.#setTimer()
    if (change) await this.#write(change)
  }

  /** The member is gone. */
  async release(memberId: string): Promise<void> {
    const change = this.#active?.release(memberId)
    if (change) await this.#write(change)
  }

  #write(change: StateChange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, resolve, reject })
      if (!this.#isWriting) void this.#writeQueued()
    })
  }

  async #writeQueued(): Promise<void> {
    this.#isWriting = true
    while (this.#queue.length > 0) {
      const queued = this.#queue
      this.#queue = []
      this.#settle(queued, await this.#writeAll(queued))
    }
    this.#isWriting = false
  }

  /** null: it is written. */
  async #writeAll(queued: readonly QueuedChange[]): Promise<ApiError | null> {
    const { persister, replica, groupId, logger } = this.#options
    const { stateEpoch, startOffset, deliveryCompleteCount } = queued.at(-1)!.change
    const stateBatches = queued.flatMap(({ change }) => change.stateBatches)
    const state = { stateEpoch, leaderEpoch: this.#leaderEpoch, startOffset, deliveryCompleteCount, stateBatches }
    const topics = [{ topicId: replica.topicId, partitions: [{ partition: replica.partition, ...state }] }]
    try {
      const { results } = await persister.writeShareGroupState({ groupId, topics })
      return persisterError(results[0]?.partitions[0])
    } catch (error) {
      if (!isExpected(error))
        logger.error('the state of a share partition cannot be written', { error: error as Error })
      return error instanceof ApiError ? error : new ApiError('UNKNOWN_SERVER_ERROR', 'the state cannot be written')
    }
  }

  #settle(queued: readonly QueuedChange[], error: ApiError | null): void {
    for (const { change } of queued) this.#machine!.settle(change, error === null)
    this.#setTimer()
    for (const { resolve, reject } of queued) {
      if (error) reject(error)
      else resolve()
    }
    if (error && FENCING.has(error.errorCode)) this.fence()
    this.wake()
  }

  // ----------------------------------------------------------------------------------------------------------- time

  /** A timer that is too early finds nothing due and is set again: most locks end before their time. */
  #setTimer(): void {
    const machine = this.#active
    if (!machine) return
    const deadlineMs = machine.nextDeadlineMs()
    if (deadlineMs >= this.#timerMs) return
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#timerMs = deadlineMs
    const delayMs = Math.min(Math.max(deadlineMs - clock.monotonic(), 0), MAX_DELAY_MS)
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timerMs = Number.POSITIVE_INFINITY
      this.#expire()
    })
  }

  #expire(): void {
    const { clock, logger, groupId } = this.#options
    const change = this.#active?.expire(clock.monotonic())
    this.#setTimer()
    if (!change) return
    this.wake()
    this.#write(change).catch(error => {
      // They are free all the same; should this node stop, they are so anyway.
      logger.warn('locks have run out, which could not be written', { groupId, partition: this.replica.name, error })
    })
  }
}

function notLeader(replica: Partition): ApiError {
  return new ApiError('NOT_LEADER_OR_FOLLOWER', `this node does not lead ${replica.name}`)
}
