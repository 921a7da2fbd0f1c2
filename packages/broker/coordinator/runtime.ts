/**
 * The partitions of one internal topic that this node coordinates: loads a shard from its log when the node becomes
 * the partition's leader, passes requests on, and gives the shard up when leadership goes or its log fails. The same for
 * groups, transactions and share groups; what they do is the shard's (shard.ts).
 */
import type { Clock, Logger } from '@ottla/io'
import type { Codec } from '@ottla/protocol'
import { ActiveShard } from './active-shard.ts'
import { isLostPartition, loadInProgress, notCoordinator } from './coordinator-errors.ts'
import type { CoordinatorLog, EndOfTransaction, TransactionalProducer } from './coordinator-log.ts'
import { load } from './loader.ts'
import type { CoordinatorShard, Effects, Instant, RecordSerde } from './shard.ts'

export interface CoordinatorRuntimeOptions<Request, Response, LogRecord, Shard, Errand = never> {
  /** Whose partitions they are. */
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  /** Throws if this node does not lead the partition. */
  readonly openLog: (partition: number) => CoordinatorLog
  readonly createShard: (
    partition: number,
    log: CoordinatorLog,
  ) => Shard & CoordinatorShard<Request, Response, LogRecord, Errand>
  readonly serde: RecordSerde<LogRecord>
  /** Of the batches that are written. */
  readonly codec: Codec
  readonly loadBufferBytes: number
  readonly writeTimeoutMs: number
  /** Of a shard that has any. */
  readonly onErrand?: (partition: number, errand: Errand) => void
}

type State<Request, Response, LogRecord, Errand> =
  | { readonly is: 'loading' }
  | { readonly is: 'active'; readonly active: ActiveShard<Request, Response, LogRecord, Errand> }
  /** It could not be loaded, or leadership went while it was at work; the next election tries again. */
  | { readonly is: 'failed' }

export type PartitionState = State<never, never, never, never>['is']

/** Milliseconds that it took to load partitions, since the start. */
export class LoadTimes {
  count = 0
  totalMs = 0
  maxMs = 0

  get averageMs(): number {
    return this.totalMs / Math.max(1, this.count)
  }

  add(tookMs: number): void {
    this.count++
    this.totalMs += tookMs
    this.maxMs = Math.max(this.maxMs, tookMs)
  }
}

const RELOAD_PAUSE_MS = 100

interface PartitionContext<Request, Response, LogRecord, Errand> {
  readonly partition: number
  leaderEpoch: number
  state: State<Request, Response, LogRecord, Errand>
}

export class CoordinatorRuntime<Request, Response, LogRecord, Shard, Errand = never> {
  readonly #options: CoordinatorRuntimeOptions<Request, Response, LogRecord, Shard, Errand>
  readonly #partitions = new Map<number, PartitionContext<Request, Response, LogRecord, Errand>>()
  readonly loads = new LoadTimes()
  /** Of those who wait until a partition is loaded. */
  readonly #awaited = new Map<number, PromiseWithResolvers<void>>()

  constructor(options: CoordinatorRuntimeOptions<Request, Response, LogRecord, Shard, Errand>) {
    this.#options = options
  }

  // ---------------------------------------------------------------------------------------------------- leadership

  /** This node leads the partition from now on. Resolves when it is loaded, or can't be; older epochs are ignored. */
  async loadPartition(partition: number, leaderEpoch: number): Promise<void> {
    const known = this.#partitions.get(partition)
    if (known && known.leaderEpoch >= leaderEpoch) return
    const context = known ?? { partition, leaderEpoch, state: { is: 'failed' } }
    context.leaderEpoch = leaderEpoch
    this.#partitions.set(partition, context)
    // Whoever led before and still does has all the state there is.
    if (context.state.is === 'failed') await this.#load(context)
  }

  /** Resolves once requests can be made to the partition, or can't for a reason that lasts. It need not be led here yet. */
  whenLoaded(partition: number): Promise<void> {
    const state = this.#partitions.get(partition)?.state
    if (state && state.is !== 'loading') return Promise.resolve()
    const awaited = this.#awaited.get(partition) ?? Promise.withResolvers()
    this.#awaited.set(partition, awaited)
    return awaited.promise
  }

  #settle(partition: number): void {
    this.#awaited.get(partition)?.resolve()
    this.#awaited.delete(partition)
  }

  /** Another node leads; null: the replica is gone. An older epoch than what is loaded is ignored. */
  unloadPartition(partition: number, leaderEpoch: number | null): void {
    const context = this.#partitions.get(partition)
    if (!context || (leaderEpoch !== null && leaderEpoch <= context.leaderEpoch)) return
    this.#partitions.delete(partition)
    const { state } = context
    context.state = { is: 'failed' }
    if (state.is === 'active') state.active.unload()
    this.#settle(partition)
    this.#options.logger.debug('coordinator unloaded', { partition: this.#name(partition), leaderEpoch })
  }

  close(): void {
    for (const partition of [...this.#partitions.keys()]) this.unloadPartition(partition, null)
    for (const partition of [...this.#awaited.keys()]) this.#settle(partition)
  }

  /** Partitions that requests can be made to. */
  get activePartitions(): number[] {
    return [...this.#partitions.values()].filter(({ state }) => state.is === 'active').map(({ partition }) => partition)
  }

  /** How many partitions are in each state. */
  get partitionStates(): Readonly<Record<PartitionState, number>> {
    const counts = { active: 0, loading: 0, failed: 0 }
    for (const { state } of this.#partitions.values()) counts[state.is]++
    return counts
  }

  /** What `look` says of each shard that is loaded, committed or not. */
  *survey<T>(look: (shard: Shard) => T): Iterable<T> {
    for (const { state } of this.#partitions.values()) {
      if (state.is === 'active') yield look(state.active.shard as Shard & typeof state.active.shard)
    }
  }

  /** Partitions that this node coordinates or is about to. */
  get partitions(): number[] {
    return [...this.#partitions.keys()]
  }

  /** As which this node leads the partition; null: it does not. */
  leaderEpochOf(partition: number): number | null {
    return this.#partitions.get(partition)?.leaderEpoch ?? null
  }

  // ------------------------------------------------------------------------------------------------------- requests

  /**
   * Rejects with an ApiError NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS, or with what the log failed with
   * (coordinator-errors.ts says what that is to a client).
   */
  write(partition: number, request: Request): Promise<Response> {
    try {
      return this.#active(partition).write(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Rejects as `write`, or with what the log has against the producer (ActiveShard). */
  writeInTransaction(partition: number, request: Request, producer: TransactionalProducer): Promise<Response> {
    try {
      return this.#active(partition).writeInTransaction(request, producer)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Writes the marker and tells the shard. Rejects as `writeInTransaction`. */
  endTransaction(partition: number, end: EndOfTransaction): Promise<void> {
    try {
      return this.#active(partition).endTransaction(end)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Rejects as `write`. */
  read<T>(partition: number, question: (shard: Shard) => T): Promise<T> {
    try {
      return this.#active(partition).read(shard => question(shard as Shard & typeof shard))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** On every shard that is loaded: something that no client asked for. */
  runOnAll(call: (shard: Shard, now: Instant) => Effects<Response, LogRecord, Errand>): void {
    for (const { state } of [...this.#partitions.values()]) {
      if (state.is !== 'active') continue
      const { active } = state
      active.run(now => call(active.shard as Shard & typeof active.shard, now))
    }
  }

  #active(partition: number): ActiveShard<Request, Response, LogRecord, Errand> {
    const state = this.#partitions.get(partition)?.state
    if (state?.is === 'active') return state.active
    if (state?.is === 'loading') throw loadInProgress(this.#name(partition))
    throw notCoordinator(this.#name(partition))
  }

  // -------------------------------------------------------------------------------------------------------- loading

  async #load(context: PartitionContext<Request, Response, LogRecord, Errand>): Promise<void> {
    const { logger, clock, serde, createShard, openLog, loadBufferBytes } = this.#options
    const { partition, leaderEpoch } = context
    const loading: State<Request, Response, LogRecord, Errand> = { is: 'loading' }
    context.state = loading
    const isWanted = () => context.state === loading
    const startedMs = clock.monotonic()
    try {
      const log = openLog(partition)
      const shard = createShard(partition, log)
      const { records, bytes } = await load({
        log,
        shard,
        serde,
        clock,
        logger,
        bufferBytes: loadBufferBytes,
        isWanted,
      })
      if (!isWanted()) return
      this.#activate(context, log, shard)
      const tookMs = Math.round(clock.monotonic() - startedMs)
      this.loads.add(tookMs)
      // Fifty empty ones, the first time that there is a group, are no news.
      logger[records === 0 ? 'debug' : 'info']('coordinator loaded', {
        partition: this.#name(partition),
        leaderEpoch,
        records,
        bytes,
        tookMs,
      })
    } catch (error) {
      if (!isWanted()) return
      context.state = { is: 'failed' }
      logger.error('coordinator could not be loaded', {
        partition: this.#name(partition),
        leaderEpoch,
        error: error as Error,
      })
    } finally {
      if (context.state.is !== 'loading') this.#settle(partition)
    }
  }

  #activate(
    context: PartitionContext<Request, Response, LogRecord, Errand>,
    log: CoordinatorLog,
    shard: CoordinatorShard<Request, Response, LogRecord, Errand>,
  ): void {
    const { clock, serde, codec, writeTimeoutMs } = this.#options
    const onErrand = (errand: Errand) => this.#options.onErrand?.(context.partition, errand)
    const onFailure = (error: unknown) => {
      if (context.state === state) this.#onFailure(context, error)
    }
    const name = this.#name(context.partition)
    const active = new ActiveShard({ name, shard, log, serde, clock, codec, writeTimeoutMs, onErrand, onFailure })
    const state: State<Request, Response, LogRecord, Errand> = { is: 'active', active }
    context.state = state
    active.start()
  }

  /** What the log has is the truth: the shard begins anew from there, unless another node does that. */
  #onFailure(context: PartitionContext<Request, Response, LogRecord, Errand>, error: unknown): void {
    const { logger, clock } = this.#options
    const partition = this.#name(context.partition)
    if (isLostPartition(error)) {
      context.state = { is: 'failed' }
      logger.warn('coordinator has lost its partition', { partition, error: error as Error })
      return
    }
    logger.error('coordinator failed, and is loaded again', { partition, error: error as Error })
    const pausing: State<Request, Response, LogRecord, Errand> = { is: 'loading' }
    context.state = pausing
    // If it goes on failing, it shall not keep the node busy.
    clock.setTimer(RELOAD_PAUSE_MS, () => {
      if (context.state === pausing) void this.#load(context)
    })
  }

  #name(partition: number): string {
    return `${this.#options.topic}-${partition}`
  }
}
