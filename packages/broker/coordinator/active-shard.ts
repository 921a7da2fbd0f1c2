/**
 * A loaded shard at work. Records of all calls of one turn of the event loop go into one batch and one append; every
 * answer waits until what was written before it is committed, so that nobody is told of what may yet be lost.
 */
import type { Clock, Timer } from '@ottla/io'
import { BatchBuilder, type Codec, type RecordInput } from '@ottla/protocol'
import { ApiError } from '../errors.ts'
import { isLostPartition, notCoordinator } from './coordinator-errors.ts'
import type { CoordinatorLog, EndOfTransaction, TransactionalProducer } from './coordinator-log.ts'
import type { CoordinatorShard, Effects, Instant, RecordSerde, Whole } from './shard.ts'

export interface ActiveShardOptions<Request, Response, LogRecord, Errand> {
  /** For messages: topic and partition. */
  readonly name: string
  readonly shard: CoordinatorShard<Request, Response, LogRecord, Errand>
  readonly log: CoordinatorLog
  readonly serde: RecordSerde<LogRecord>
  readonly clock: Clock
  readonly codec: Codec
  /** How long an answer may wait for its records to be committed. */
  readonly writeTimeoutMs: number
  readonly onErrand: (errand: Errand) => void
  /** State and log may have parted: this shard is dead, all who waited have been told. */
  readonly onFailure: (error: unknown) => void
}

/** Something that waits for all records below an offset to be committed. */
interface Deferred {
  readonly afterOffset: number
  /** Infinity: it is done whenever they are. */
  readonly deadlineMs: number
  readonly deliver: () => void
  readonly fail: (error: unknown) => void
}

interface Waiting<Response> {
  readonly resolve: (response: Response) => void
  readonly reject: (error: unknown) => void
}

/** Of a record in a batch: length, attributes, deltas, lengths of key and value, headers. */
const RECORD_OVERHEAD_BYTES = 28
/** Longer than any timer takes. */
const MAX_DELAY_MS = 0x7fff_ffff

export class ActiveShard<Request, Response, LogRecord, Errand = never> {
  readonly shard: CoordinatorShard<Request, Response, LogRecord, Errand>
  readonly #options: ActiveShardOptions<Request, Response, LogRecord, Errand>
  #isAlive = true
  #nextRequestId = 1
  /** Everyone who has not been answered, whether the shard keeps the request or the answer waits for the log. */
  readonly #waiting = new Map<number, Waiting<Response>>()
  /** In the order of their offsets; those that have a deadline, hence also of their deadlines. */
  #deferred: Deferred[] = []
  #batch: BatchBuilder | null = null
  /** Whose transaction the batch is a part of. */
  #producer: TransactionalProducer | null = null
  /** One past what has been handed to the log, and past what is committed. */
  #appendedOffset: number
  #committedOffset: number
  #timeoutTimer: Timer | null = null
  #shardTimer: Timer | null = null
  #shardTimerMs = Number.POSITIVE_INFINITY

  constructor(options: ActiveShardOptions<Request, Response, LogRecord, Errand>) {
    this.#options = options
    this.shard = options.shard
    this.#appendedOffset = options.log.endOffset
    this.#committedOffset = options.log.startOffset
  }

  /** Once, before anything else. */
  start(): void {
    this.#awaitCommit()
    this.run(now => this.shard.onLoaded(now, this.#appendedOffset))
  }

  /** Resolves with the shard's answer; rejects with an ApiError, or whatever the log failed with. */
  write(request: Request): Promise<Response> {
    if (!this.#isAlive) return Promise.reject(notCoordinator(this.#options.name))
    const requestId = this.#nextRequestId++
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    this.#waiting.set(requestId, { resolve, reject })
    this.run(now => this.shard.handle(requestId, request, now))
    return promise
  }

  /**
   * As `write`; the records are a part of the producer's transaction, in a batch of their own. Rejects with what the log
   * has against the producer before the shard has heard of the request.
   */
  writeInTransaction(request: Request, producer: TransactionalProducer): Promise<Response> {
    if (!this.#isAlive) return Promise.reject(notCoordinator(this.#options.name))
    const { log } = this.#options
    try {
      this.#flushOpen()
      log.checkProducer(producer)
    } catch (error) {
      return this.#refuse(error)
    }
    this.#producer = producer
    const response = this.write(request)
    if (this.#batch) this.#guarded(() => this.#flush())
    this.#producer = null
    return response
  }

  /** Rejects with what the log has against it; then nothing has been changed. */
  endTransaction(end: EndOfTransaction): Promise<void> {
    if (!this.#isAlive) return Promise.reject(notCoordinator(this.#options.name))
    let offset: number
    try {
      this.#flushOpen()
      offset = this.#options.log.endTransaction(end)
    } catch (error) {
      return this.#refuse(error)
    }
    return new Promise((resolve, reject) => {
      this.#guarded(() => {
        this.#onAppended(offset, 1)
        this.shard.endTransaction(end.producerId, end.isCommit, offset)
      })
      if (this.#isAlive) this.#defer(resolve, reject)
      else reject(notCoordinator(this.#options.name))
    })
  }

  /** What is read may not be committed yet: the answer waits for it. */
  read<T>(question: (shard: CoordinatorShard<Request, Response, LogRecord, Errand>) => T): Promise<T> {
    if (!this.#isAlive) return Promise.reject(notCoordinator(this.#options.name))
    return new Promise((resolve, reject) => {
      const answer = question(this.shard)
      this.#defer(() => resolve(answer), reject)
    })
  }

  /** Something other than a request: its records are written, its answers given. */
  run(call: (now: Instant) => Effects<Response, LogRecord, Errand>): void {
    if (!this.#isAlive) return
    const { clock } = this.#options
    this.#guarded(() => this.#take(call({ wallMs: clock.now(), monotonicMs: clock.monotonic() })))
    this.#setShardTimer()
  }

  /** Everybody who waits is told that this is not the coordinator any more. */
  unload(): void {
    if (this.#isAlive) this.#end(notCoordinator(this.#options.name))
  }

  // -------------------------------------------------------------------------------------------------------- records

  #take({ records, completions, errands = [], isAtomic, wholes = [] }: Effects<Response, LogRecord, Errand>): void {
    if (records.length > 0) this.#add(records, isAtomic ? [{ start: 0, end: records.length }] : wholes)
    for (const errand of errands) this.#deferErrand(errand)
    for (const { requestId, response } of completions) {
      this.#defer(
        () => this.#settle(requestId)?.resolve(response),
        error => this.#settle(requestId)?.reject(error),
      )
    }
    if (this.#batch && this.#batch.sizeInBytes >= this.#options.log.maxBatchBytes) this.#flush()
  }

  #settle(requestId: number): Waiting<Response> | undefined {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    return waiting
  }

  /** Between records that are no whole the batch may end. */
  #add(records: readonly LogRecord[], wholes: readonly Whole[]): void {
    const { log, serde, clock } = this.#options
    const timestamp = clock.now()
    const inputs = records.map(record => ({ timestamp, ...serde.encode(record) }))
    let nextWhole = 0
    for (let i = 0; i < inputs.length; ) {
      const whole = wholes[nextWhole]
      const end = whole?.start === i ? whole.end : i + 1
      if (whole?.start === i) nextWhole++
      const together = inputs.slice(i, end)
      if (this.#batch && this.#batch.sizeInBytes + totalBytes(together) > log.maxBatchBytes) this.#flush()
      for (const input of together) this.#openBatch().append(input)
      i = end
    }
  }

  #openBatch(): BatchBuilder {
    if (!this.#batch) {
      const batch = new BatchBuilder()
      this.#batch = batch
      this.#options.clock.nextTurn(() => this.#flushIfOpen(batch))
    }
    return this.#batch
  }

  #flushIfOpen(batch: BatchBuilder): void {
    if (this.#isAlive && this.#batch === batch) this.#guarded(() => this.#flush())
  }

  /** Throws when the shard is dead after it. */
  #flushOpen(): void {
    if (this.#batch) this.#guarded(() => this.#flush())
    if (!this.#isAlive) throw notCoordinator(this.#options.name)
  }

  #flush(): void {
    const { log, codec } = this.#options
    const batch = this.#batch!
    this.#batch = null
    const { producerId, producerEpoch, verificationGuard = null } = this.#producer ?? {}
    // Kafka's coordinators write a base sequence of 0, whether there is a producer id or not.
    const header = { codec, baseSequence: 0, producerId, producerEpoch, isTransactional: this.#producer !== null }
    this.#onAppended(log.append(batch.build(header), verificationGuard), batch.count)
  }

  #onAppended(firstOffset: number, count: number): void {
    if (firstOffset !== this.#appendedOffset) {
      const { name } = this.#options
      throw new ApiError('NOT_COORDINATOR', `${name} was written to by somebody else, at ${this.#appendedOffset}`)
    }
    this.#appendedOffset += count
    this.#awaitCommit()
  }

  /** A task that fails ends the shard: thrown by the log, or by the shard, which may then have stopped half way. */
  #guarded(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** What the log refuses without having taken anything harms nobody else; losing the partition does. */
  #refuse(error: unknown): Promise<never> {
    if (this.#isAlive && isLostPartition(error)) this.#fail(error)
    return Promise.reject(error)
  }

  #awaitCommit(): void {
    const offset = this.#appendedOffset
    this.#options.log.whenCommitted(offset).then(
      () => this.#onCommitted(offset),
      error => this.#fail(error),
    )
  }

  // -------------------------------------------------------------------------------------------------------- answers

  get #writtenOffset(): number {
    return this.#appendedOffset + (this.#batch?.count ?? 0)
  }

  /** Once all that is written now is committed. */
  #defer(deliver: () => void, fail: (error: unknown) => void): void {
    const afterOffset = this.#writtenOffset
    if (afterOffset <= this.#committedOffset) {
      deliver()
      return
    }
    const deadlineMs = this.#options.clock.monotonic() + this.#options.writeTimeoutMs
    this.#deferred.push({ afterOffset, deadlineMs, deliver, fail })
    this.#timeoutTimer ??= this.#options.clock.setTimer(this.#options.writeTimeoutMs, () => this.#onTimeout())
  }

  /** Nobody waits for it, so that it has all the time there is. */
  #deferErrand(errand: Errand): void {
    const deliver = () => this.#options.onErrand(errand)
    const afterOffset = this.#writtenOffset
    if (afterOffset <= this.#committedOffset) deliver()
    else this.#deferred.push({ afterOffset, deadlineMs: Number.POSITIVE_INFINITY, deliver, fail: () => undefined })
  }

  #onCommitted(offset: number): void {
    if (!this.#isAlive || offset <= this.#committedOffset) return
    this.#committedOffset = offset
    const ready = this.#deferred.findIndex(({ afterOffset }) => afterOffset > offset)
    for (const { deliver } of this.#deferred.splice(0, ready < 0 ? this.#deferred.length : ready)) deliver()
  }

  /** The records may still be committed; only the waiting is over. */
  #onTimeout(): void {
    const { clock, name, writeTimeoutMs } = this.#options
    const nowMs = clock.monotonic()
    const late = this.#deferred.filter(({ deadlineMs }) => deadlineMs <= nowMs)
    this.#deferred = this.#deferred.filter(({ deadlineMs }) => deadlineMs > nowMs)
    const error = new ApiError('REQUEST_TIMED_OUT', `records of ${name} were not committed within ${writeTimeoutMs} ms`)
    for (const { fail } of late) fail(error)
    const next = this.#deferred.find(({ deadlineMs }) => deadlineMs < Number.POSITIVE_INFINITY)
    this.#timeoutTimer = next ? clock.setTimer(next.deadlineMs - nowMs, () => this.#onTimeout()) : null
  }

  // ----------------------------------------------------------------------------------------------------- time, ends

  /** A timer that is too early finds nothing due and is set again: so a heartbeat need not touch it. */
  #setShardTimer(): void {
    if (!this.#isAlive) return
    const { clock } = this.#options
    const deadlineMs = this.shard.nextDeadlineMs()
    if (deadlineMs >= this.#shardTimerMs) return
    this.#shardTimer?.cancel()
    this.#shardTimerMs = deadlineMs
    const delayMs = Math.min(Math.max(deadlineMs - clock.monotonic(), 0), MAX_DELAY_MS)
    this.#shardTimer = clock.setTimer(delayMs, () => {
      this.#shardTimerMs = Number.POSITIVE_INFINITY
      this.run(now => this.shard.expire(now))
    })
  }

  #fail(reason: unknown): void {
    if (!this.#isAlive) return
    let error = reason
    try {
      this.#end(reason)
    } catch (second) {
      error = new AggregateError([reason, second], 'a coordinator shard broke twice')
    }
    this.#options.onFailure(error)
  }

  /** Answers that waited for the log fail with `reason`; requests that the shard kept are its own to answer. */
  #end(reason: unknown): void {
    this.#isAlive = false
    this.#timeoutTimer?.cancel()
    this.#shardTimer?.cancel()
    for (const { fail } of this.#deferred.splice(0)) fail(reason)
    try {
      for (const { requestId, response } of this.shard.onUnload()) this.#settle(requestId)?.resolve(response)
    } finally {
      for (const { reject } of this.#waiting.values()) reject(reason)
      this.#waiting.clear()
    }
  }
}

function totalBytes(inputs: readonly RecordInput[]): number {
  let bytes = 0
  for (const { key, value } of inputs) bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  return bytes
}
