/**
 * One replica on this node: its role, its log, its high watermark, and who waits for it to grow.
 *
 * With one broker the in-sync set is this replica alone, so the high watermark is what the log has written; followers
 * and a shrinking in-sync set come with the cluster.
 */
import type { PartitionLog } from '@ottla/log'
import { ApiError } from '../errors.ts'
import type { TopicMeter } from '../metrics/index.ts'

/** What the controller has decided, as the image has it. */
export interface PartitionAssignment {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Where the controller believes the log to be; null if it does not know or this node is to choose. */
  readonly directoryId: string | null
  /** The replica was created by the records that are being applied, so that there can be no log of it yet. */
  readonly isNew: boolean
}

/** Somebody who is to hear of what happens to a partition. */
export interface PartitionWaiter {
  /** By `bytes` more can be read. */
  onVisible(partition: Partition, bytes: number): void
  /** Something other than new data. */
  finish(): void
}

interface PendingCommit {
  /** Committed when the high watermark is here. */
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Counts what clients do with it, for its topic and for all. */
  readonly meter: TopicMeter
  readonly #nodeId: number
  #assignment: PartitionAssignment
  #log: PartitionLog | null = null
  #failure: ApiError | null = null
  #ready: Promise<void> = Promise.resolve()
  readonly #waiters = new Set<PartitionWaiter>()
  readonly #lossListeners = new Set<() => void>()
  /** In the order of their offsets, as appends are. */
  #commits: PendingCommit[] = []

  constructor(nodeId: number, assignment: PartitionAssignment, meter: TopicMeter) {
    this.meter = meter
    this.topic = assignment.topic
    this.topicId = assignment.topicId
    this.partition = assignment.partition
    this.#nodeId = nodeId
    this.#assignment = assignment
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  get assignment(): PartitionAssignment {
    return this.#assignment
  }

  get leaderEpoch(): number {
    return this.#assignment.leaderEpoch
  }

  get isLeader(): boolean {
    return this.#assignment.leaderId === this.#nodeId
  }

  /** null until it is open, and after it has failed. */
  get log(): PartitionLog | null {
    return this.#log
  }

  /** It will have no log any more in this life of the node. */
  get isOffline(): boolean {
    return this.#failure !== null
  }

  /** Resolves when the log is open or has failed; never rejects. */
  get ready(): Promise<void> {
    return this.#ready
  }

  get highWatermark(): number {
    return this.#log?.highWatermark ?? 0
  }

  /** Opens the log with `open`; until it is there, requests wait. */
  attach(open: Promise<PartitionLog>): void {
    this.#ready = open.then(
      log => {
        if (this.#failure) return // removed meanwhile
        this.#log = log
        this.#becomeWhatAssigned()
        this.#resolveCommits()
      },
      error => {
        if (!this.#failure) this.fail(error as Error)
      },
    )
  }

  /**
   * Another log takes the place of this one: nobody gets at either until `replace` has resolved, and then everybody at its
   * result. Resolves when that is done, or has failed.
   */
  replaceLog(replace: (log: PartitionLog) => Promise<PartitionLog>): Promise<void> {
    const log = this.#log
    if (!log) return Promise.resolve()
    this.#log = null
    this.attach(replace(log))
    this.wakeWaiters()
    return this.#ready
  }

  update(assignment: PartitionAssignment): void {
    this.#assignment = assignment
    if (this.#log) this.#becomeWhatAssigned()
    if (!this.isLeader) {
      this.#failCommits(new ApiError('NOT_LEADER_OR_FOLLOWER', `this node no longer leads ${this.name}`))
      this.#tellLoss()
    }
    this.wakeWaiters()
  }

  /** The log dir has failed. */
  fail(error: Error): void {
    this.#close(new ApiError('KAFKA_STORAGE_ERROR', `${this.name}: ${error.message}`, { cause: error }))
  }

  /** The topic is gone. */
  remove(): void {
    this.#close(new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `${this.name} has been deleted`))
  }

  /** Whoever leads. */
  localLog(): PartitionLog {
    if (this.#failure) throw this.#failure
    if (!this.#log) throw new ApiError('NOT_LEADER_OR_FOLLOWER', `the log of ${this.name} is not open`)
    return this.#log
  }

  /** The log, if this node leads and the caller's idea of the epoch (-1: none) is right. */
  leaderLog(currentLeaderEpoch: number): PartitionLog {
    if (this.#failure) throw this.#failure
    if (currentLeaderEpoch !== -1 && currentLeaderEpoch < this.leaderEpoch) {
      throw new ApiError(
        'FENCED_LEADER_EPOCH',
        `${this.name} is at leader epoch ${this.leaderEpoch}, not ${currentLeaderEpoch}`,
      )
    }
    if (currentLeaderEpoch > this.leaderEpoch) {
      throw new ApiError(
        'UNKNOWN_LEADER_EPOCH',
        `${this.name} is at leader epoch ${this.leaderEpoch}, not yet ${currentLeaderEpoch}`,
      )
    }
    if (!this.isLeader || !this.#log)
      throw new ApiError('NOT_LEADER_OR_FOLLOWER', `this node does not lead ${this.name}`)
    return this.#log
  }

  /** The log has written what was appended: it may be read. `bytes`: by how much it grew. */
  onWritten(bytes: number): void {
    const log = this.#log
    if (!log) return
    const before = log.highWatermark
    if (log.updateHighWatermark(log.writtenEndOffset) === before) return
    this.#resolveCommits()
    for (const waiter of this.#waiters) waiter.onVisible(this, bytes)
  }

  /**
   * Resolves when everything below `offset` is committed; rejects when that can't be counted on any more: the leadership
   * has gone, or the disk has failed. To be asked in the order of appends.
   */
  whenCommitted(offset: number): Promise<void> {
    if (this.highWatermark >= offset) return Promise.resolve()
    return new Promise((resolve, reject) => this.#commits.push({ offset, resolve, reject }))
  }

  /** Appends that are not committed yet, and that somebody waits for. */
  get uncommittedCount(): number {
    return this.#commits.length
  }

  get waiterCount(): number {
    return this.#waiters.size
  }

  addWaiter(waiter: PartitionWaiter): void {
    this.#waiters.add(waiter)
  }

  removeWaiter(waiter: PartitionWaiter): void {
    this.#waiters.delete(waiter)
  }

  /** `listener` is called when this node does not lead the partition any more, or its log is gone. Returns how to stop that. */
  onLost(listener: () => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  #tellLoss(): void {
    for (const listener of [...this.#lossListeners]) listener()
  }

  /** Something other than new data: whoever waits has to look. */
  wakeWaiters(): void {
    for (const waiter of this.#waiters) waiter.finish()
  }

  #close(failure: ApiError): void {
    this.#log = null
    this.#failure = failure
    this.#failCommits(failure)
    this.#tellLoss()
    this.wakeWaiters()
  }

  #resolveCommits(): void {
    const { highWatermark } = this
    while (this.#commits.length > 0 && this.#commits[0]!.offset <= highWatermark) this.#commits.shift()!.resolve()
  }

  #failCommits(error: ApiError): void {
    for (const { reject } of this.#commits.splice(0)) reject(error)
  }

  #becomeWhatAssigned(): void {
    const log = this.#log!
    if (!this.isLeader) return
    if (log.latestEpoch < this.leaderEpoch) log.assignEpochStart(this.leaderEpoch, log.logEndOffset)
    log.updateHighWatermark(log.writtenEndOffset)
  }
}
