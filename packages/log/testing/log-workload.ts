/**
 * Random use of logs over the simulated disk, with random ends: clean stops, killed processes, losses of power with torn
 * writes, failing disks, bit rot; and after each the checks that no one may ever see fail:
 *
 * - what was flushed is there after any of them, what was acknowledged after all but a loss of power;
 * - nothing is there that was not appended, byte for byte, at its offset;
 * - what was made of the log (indexes, epochs, producer state, aborted transactions) is what the log says.
 *
 * Everything follows from the seed. `npm run sim -- log` runs it.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type MemoryWorld, memoryWorld, type SeededRandom } from '@ottla/io/memory'
import { type BatchHeader, batches, ProtocolError } from '@ottla/protocol'
import { LogError } from '../errors.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../log-config.ts'
import { LogManager } from '../log-manager.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { AppendOptions } from '../types.ts'
import { batch as makeBatch, marker as makeMarker } from './batches.ts'
import { checkState } from './check-state.ts'
import { applyToProducers, checkRead, LogModel, type ModelBatch, type ModelProducer } from './log-model.ts'

export interface WorkloadOptions {
  readonly seed: number | string
  readonly lives?: number
  readonly stepsPerLife?: number
  /** Told of what happens, for a person who looks into a failure. */
  readonly say?: (event: string) => void
}

export interface WorkloadSummary {
  /** Of everything that happened: the same seed gives the same. */
  readonly hash: string
  readonly lives: number
  readonly batches: number
}

type Ending = 'close' | 'kill' | 'power loss' | 'write error' | 'sync error'

const TOPIC_ID = 'b3R0bGEtdGVzdC10b3BpYw'
const LOG_DIRS = ['/data', '/more']

export async function runLogWorkload(options: WorkloadOptions): Promise<WorkloadSummary> {
  return await new LogWorkload(options).run()
}

/** One partition and what it should hold. */
interface Subject {
  readonly partition: number
  readonly model: LogModel
  producers: Map<number, ModelProducer>
  /** Of this life and since the last cut: what a producer may retry. */
  recent: ModelBatch[]
  leaderEpoch: number
  /** An append that was refused for a reason of the disk's. */
  unsure: ModelBatch[]
}

class LogWorkload {
  readonly #options: WorkloadOptions
  readonly #random: SeededRandom
  readonly #hash = createHash('sha256')
  readonly #config: LogConfig
  readonly #subjects: Subject[]
  #world: MemoryWorld
  #batches = 0
  #values = 0

  constructor(options: WorkloadOptions) {
    this.#options = options
    this.#world = memoryWorld({
      seed: options.seed,
      logLevel: 'warn',
      diskLatencyMs: [0, 2],
      trace: event => {
        this.#hash.update(event)
        this.#hash.update('\n')
        options.say?.(event)
      },
    })
    this.#random = this.#world.stream('workload')
    this.#config = this.#chooseConfig()
    this.#subjects = Array.from({ length: 1 + this.#random.integer(3) }, (_, partition) => ({
      partition,
      model: new LogModel(),
      producers: new Map(),
      recent: [],
      leaderEpoch: 0,
      unsure: [],
    }))
  }

  #chooseConfig(): LogConfig {
    const random = this.#random
    return {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: pick(random, [2000, 4000, 8192, 1 << 20]),
      segmentIndexBytes: pick(random, [48, 240, 10240]),
      indexIntervalBytes: pick(random, [1, 200, 1000]),
      flushMessages: pick(random, [1, 3, 20, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
      retentionBytes: pick(random, [-1, -1, 4000]),
      preallocate: random.chance(0.2),
      fileDeleteDelayMs: pick(random, [0, 1000]),
    }
  }

  async run(): Promise<WorkloadSummary> {
    const { lives = 4, stepsPerLife = 40 } = this.#options
    this.#say(`config ${JSON.stringify(this.#config)}`)
    for (let life = 0; life < lives; life++) {
      const ending = await this.#live(life, stepsPerLife)
      if (ending !== 'close') this.#world = this.#world.restart()
    }
    return { hash: this.#hash.digest('hex'), lives, batches: this.#batches }
  }

  #say(event: string): void {
    this.#hash.update(event)
    this.#options.say?.(`        ${event}`)
  }

  #run<T>(promise: Promise<T>): Promise<T> {
    return this.#world.runUntil(promise)
  }

  // ----------------------------------------------------------------------------------------------------------- lives

  async #live(life: number, steps: number): Promise<Ending> {
    if (life > 0 && this.#random.chance(0.3)) await this.#rot()
    const opening = this.#open()
    if (life > 0 && this.#random.chance(0.15)) {
      // Killed while it starts: whatever recovery was doing is done again.
      await this.#world.advance(this.#random.between(0, 30))
      opening.catch(() => {})
      return this.#crash(this.#random.chance(0.5), [])
    }
    const manager = await this.#run(opening)
    const logs: PartitionLog[] = []
    for (const { partition } of this.#subjects) {
      logs.push(await this.#run(manager.getOrCreate({ topic: 't', partition }, TOPIC_ID)))
    }
    for (const [i, subject] of this.#subjects.entries()) await this.#checkAfterStart(subject, logs[i]!)
    for (let step = this.#random.integer(steps); step > 0; step--) {
      const index = this.#random.integer(logs.length)
      await this.#step(this.#subjects[index]!, logs[index]!)
    }
    return this.#end(manager, logs)
  }

  async #open(): Promise<LogManager> {
    const world = this.#world
    const manager = await LogManager.open({
      world,
      logDirs: LOG_DIRS,
      nodeId: 1,
      clusterId: 'b3R0bGEtdGVzdC1jbHVzdA',
      tailCacheBytes: pick(this.#random, [0, 3000, 1 << 20]),
      indexCacheBytes: pick(this.#random, [0, 300, 1 << 20]),
      retentionCheckIntervalMs: Number.POSITIVE_INFINITY, // it is one of the steps
      initialTaskDelayMs: 100,
      flushOffsetCheckpointIntervalMs: 500,
      flushStartOffsetCheckpointIntervalMs: 700,
    })
    await manager.load({ defaults: this.#config })
    return manager
  }

  /**
   * One byte of a file changes while nobody looks. In a log only where the start will look: what was flushed is not
   * read again. And not in the fields that a broker assigns, which no checksum covers.
   */
  async #rot(): Promise<void> {
    const { disk, storage } = this.#world
    const subject = pick(this.#random, this.#subjects)
    for (const dir of LOG_DIRS) {
      const folder = `${dir}/t-${subject.partition}`
      if ((await this.#run(disk.stat(folder))) === null) continue
      const names = (await this.#run(disk.list(folder))).map(({ name }) => name)
      const name = pick(
        this.#random,
        names.filter(name => /\.(log|index|snapshot)$/.test(name)),
      )
      if (name === undefined) return
      const bytes = await this.#run(disk.readFile(`${folder}/${name}`))
      if (bytes.length === 0) return
      const position = this.#random.integer(bytes.length)
      const isClean = (await this.#run(disk.stat(`${dir}/.kafka_cleanshutdown`))) !== null
      if (name.endsWith('.log') && !this.#mayRot(subject.model, bytes, position, isClean)) return
      this.#say(`a bit of byte ${position} of ${folder}/${name} rots`)
      storage.corrupt(`${folder}/${name}`, position, 1 << this.#random.integer(8))
    }
  }

  #mayRot(model: LogModel, bytes: Uint8Array, position: number, isClean: boolean): boolean {
    if (isClean) return false
    let at = 0
    let endOffset = 0
    for (const { baseOffset, lastOffset, sizeInBytes } of goodBatches(bytes)) {
      if (position < at + sizeInBytes) {
        const field = position - at
        if (field < 8 || (field >= 12 && field < 16) || baseOffset < model.flushedEnd) return false
        model.writtenEnd = Math.min(model.writtenEnd, baseOffset)
        return true
      }
      at += sizeInBytes
      endOffset = lastOffset + 1
    }
    // In what was preallocated: it looks like a batch that is not whole.
    if (endOffset < model.flushedEnd) return false
    model.writtenEnd = Math.min(model.writtenEnd, endOffset)
    return true
  }

  async #end(manager: LogManager, logs: readonly PartitionLog[]): Promise<Ending> {
    const ending = pick(this.#random, [
      'close',
      'kill',
      'kill',
      'power loss',
      'power loss',
      'write error',
      'sync error',
    ] as const)
    this.#say(`ends by ${ending}`)
    if (ending === 'close') {
      await this.#run(manager.close(17))
      for (const { model } of this.#subjects) {
        model.writtenEnd = model.endOffset
        model.flushedEnd = model.endOffset
      }
      // After a clean stop a loss of power takes nothing.
      if (this.#random.chance(0.3)) return this.#crash(true, logs)
      return 'close'
    }
    if (ending === 'write error' || ending === 'sync error') await this.#breakDisk(ending, logs)
    // Leave something under way.
    for (let i = this.#random.integer(4); i > 0; i--) {
      const index = this.#random.integer(logs.length)
      if (!logs[index]!.store.failure) this.#append(this.#subjects[index]!, logs[index]!)
    }
    if (this.#random.chance(0.5)) await this.#world.advance(this.#random.between(0, 5))
    // What a failed sync has dropped is on no disk, whatever the cache still shows.
    return this.#crash(ending === 'power loss' || ending === 'sync error', logs)
  }

  #crash(powerLoss: boolean, logs: readonly PartitionLog[]): Ending {
    for (const [i, log] of logs.entries()) {
      const { model } = this.#subjects[i]!
      model.flushedEnd = Math.max(model.flushedEnd, log.recoveryPoint)
    }
    // What a loss of power took is not promised any more, whatever comes before the next look at the log.
    if (powerLoss) for (const { model } of this.#subjects) model.writtenEnd = model.flushedEnd
    this.#world.crash({ powerLoss })
    return powerLoss ? 'power loss' : 'kill'
  }

  async #breakDisk(ending: 'write error' | 'sync error', logs: readonly PartitionLog[]): Promise<void> {
    const code = pick(this.#random, ['EIO', 'ENOSPC'])
    const index = this.#random.integer(logs.length)
    const [subject, log] = [this.#subjects[index]!, logs[index]!]
    const operation = ending === 'write error' ? 'write' : 'sync'
    this.#world.disk.inject({ operation, code, path: path => path.startsWith(`${log.logDir}/t-`) })
    const before = log.writtenEndOffset
    const appended = this.#append(subject, log)
    if (appended) await assertFailsIf(this.#run(appended.written), () => log.store.failure !== null)
    if (!log.store.failure) {
      const flushed = this.#run(log.flush())
      await assertFailsIf(flushed, () => log.store.failure !== null)
    }
    if (!log.store.failure) return // the fault has struck another log's background flush, or nothing needed a sync
    assert.ok(log.writtenEndOffset >= before)
    assert.throws(() => log.append(makeBatch(), this.#appendOptions(subject)), isStorageError)
    assert.throws(() => log.read(log.logStartOffset, { maxBytes: 100 }), isStorageError)
    await this.#useOthers(log, logs)
  }

  /** Logs of the same log dir are offline with it, those of the other go on. */
  async #useOthers(failed: PartitionLog, logs: readonly PartitionLog[]): Promise<void> {
    for (const [i, log] of logs.entries()) {
      assert.equal(log.store.failure !== null, log.logDir === failed.logDir)
      if (log.store.failure) continue
      await this.#run(this.#append(this.#subjects[i]!, log)!.written)
      await this.#run(log.flush())
    }
  }

  // ----------------------------------------------------------------------------------------------------------- steps

  async #step(subject: Subject, log: PartitionLog): Promise<void> {
    const action = pick(this.#random, STEPS)
    this.#say(`${subject.partition} ${action}`)
    switch (action) {
      case 'append':
        return this.#appendSome(subject, log)
      case 'retry':
        return this.#retry(subject, log)
      case 'wrong sequence':
        return this.#appendOutOfOrder(subject, log)
      case 'read':
        return this.#read(subject, log)
      case 'flush':
        await this.#run(log.flush())
        subject.model.flushedEnd = log.logEndOffset
        assert.equal(log.recoveryPoint, log.logEndOffset)
        return
      case 'roll':
        return log.roll()
      case 'time':
        return this.#world.advance(this.#random.integer(2000))
      case 'new leader':
        log.assignEpochStart(++subject.leaderEpoch, log.logEndOffset)
        return
      case 'delete records':
        return this.#deleteRecords(subject, log)
      case 'retention':
        log.updateHighWatermark(log.writtenEndOffset)
        await this.#run(log.applyRetention(this.#world.clock.now()))
        subject.model.logStartOffset = log.logStartOffset
        return
      case 'cut':
        return this.#cut(subject, log)
      case 'start over':
        return this.#startOver(subject, log)
    }
  }

  #appendOptions({ leaderEpoch }: Subject, origin: AppendOptions['origin'] = 'client'): AppendOptions {
    return { origin, leaderEpoch, nowMs: this.#world.clock.now() }
  }

  async #appendSome(subject: Subject, log: PartitionLog): Promise<void> {
    let last: Promise<void> | null = null
    for (let i = this.#random.integer(4); i >= 0; i--) last = this.#append(subject, log)?.written ?? last
    if (last && this.#random.chance(0.6)) await this.#run(last)
  }

  /** By some producer, or by none, in or out of a transaction, or the end of one. */
  #append(subject: Subject, log: PartitionLog): { written: Promise<void> } | null {
    const random = this.#random
    const { producers, leaderEpoch } = subject
    const producerId = random.integer(4) - 1
    const known = producers.get(producerId)
    const timestamp = this.#world.clock.now() - random.integer(1000)
    if (known && known.transactionStart >= 0 && random.chance(0.4)) {
      const isCommit = random.chance(0.5)
      const { producerEpoch } = known
      return this.#appendModelled(subject, log, 'coordinator', {
        bytes: makeMarker({ producerId, producerEpoch, isCommit, timestamp }),
        count: 1,
        leaderEpoch,
        timestamp,
        producerId,
        producerEpoch,
        sequence: -1,
        kind: isCommit ? 'commit' : 'abort',
        isTransactional: true,
      })
    }
    const isTransactional = producerId >= 0 && (known && known.transactionStart >= 0 ? true : random.chance(0.3))
    const isNewEpoch = known !== undefined && known.transactionStart < 0 && random.chance(0.1)
    const producerEpoch = producerId < 0 ? -1 : (known?.producerEpoch ?? 0) + (isNewEpoch ? 1 : 0)
    const sequence = producerId < 0 ? -1 : isNewEpoch ? 0 : (known?.nextSequence ?? 0)
    const values = Array.from({ length: 1 + random.integer(4) }, () =>
      `${this.#values++}`.padEnd(random.integer(300), '.'),
    )
    const codec = pick(random, ['none', 'none', 'none', 'lz4'] as const)
    const identity = producerId < 0 ? {} : { producerId, producerEpoch, sequence }
    return this.#appendModelled(subject, log, 'client', {
      bytes: makeBatch({ values, timestamp, isTransactional, codec, ...identity }),
      count: values.length,
      leaderEpoch,
      timestamp,
      producerId,
      producerEpoch,
      sequence,
      kind: 'data',
      isTransactional,
    })
  }

  #appendModelled(
    subject: Subject,
    log: PartitionLog,
    origin: AppendOptions['origin'],
    spec: Omit<ModelBatch, 'baseOffset' | 'lastOffset'> & { readonly count: number },
  ): { written: Promise<void> } | null {
    const { model } = subject
    const { count, ...rest } = spec
    const guard = this.#guard(log, spec)
    const baseOffset = log.logEndOffset
    assert.equal(baseOffset, Math.max(model.endOffset, log.logEndOffset))
    let result: ReturnType<PartitionLog['append']>
    try {
      result = log.append(spec.bytes, { ...this.#appendOptions(subject, origin), verificationGuard: guard })
    } catch (error) {
      if (error instanceof LogError && error.code === 'KAFKA_STORAGE_ERROR' && log.store.failure) return null
      throw error
    }
    assert.deepEqual([result.firstOffset, result.lastOffset], [baseOffset, baseOffset + count - 1])
    const batch: ModelBatch = {
      ...rest,
      bytes: Buffer.from(spec.bytes),
      baseOffset,
      lastOffset: baseOffset + count - 1,
    }
    model.append(batch)
    applyToProducers(subject.producers, batch)
    subject.recent.push(batch)
    this.#batches++
    const acknowledged = result.written.then(() => {
      model.writtenEnd = Math.max(model.writtenEnd, batch.lastOffset + 1)
      if (this.#config.flushMessages === 1) model.flushedEnd = Math.max(model.flushedEnd, batch.lastOffset + 1)
    })
    acknowledged.catch(() => {}) // a disk that fails is one of the endings
    return { written: acknowledged }
  }

  #guard(
    log: PartitionLog,
    { isTransactional, kind, producerId, producerEpoch, sequence }: Omit<ModelBatch, 'baseOffset' | 'lastOffset'>,
  ) {
    if (!isTransactional || kind !== 'data' || log.store.failure) return null
    return log.startVerification(producerId, producerEpoch, sequence, false, this.#world.clock.now())
  }

  /** A batch that is in the log already: its old offsets, and nothing new. */
  async #retry(subject: Subject, log: PartitionLog): Promise<void> {
    const candidates = subject.recent.filter(({ kind, producerId, producerEpoch }) => {
      return kind === 'data' && producerId >= 0 && subject.producers.get(producerId)?.producerEpoch === producerEpoch
    })
    const chosen = candidates.at(-1 - this.#random.integer(5))
    if (!chosen) return
    const ofProducer = candidates.filter(({ producerId }) => producerId === chosen.producerId)
    if (ofProducer.length - ofProducer.indexOf(chosen) > 5) return
    const before = log.logEndOffset
    const bytes = Buffer.from(chosen.bytes)
    bytes.fill(0, 0, 8)
    const result = log.append(bytes, this.#appendOptions(subject))
    assert.equal(result.duplicate, true)
    assert.deepEqual([result.firstOffset, result.lastOffset], [chosen.baseOffset, chosen.lastOffset])
    assert.equal(log.logEndOffset, before)
    await this.#run(result.written)
    assert.ok(log.writtenEndOffset > chosen.lastOffset)
  }

  async #appendOutOfOrder(subject: Subject, log: PartitionLog): Promise<void> {
    const producer = pick(this.#random, [...subject.producers.values()])
    if (!producer || producer.transactionStart >= 0 || producer.nextSequence === 0) return
    const { producerId, producerEpoch, nextSequence } = producer
    if (!log.activeProducers().some(known => known.producerId === producerId && known.lastSequence >= 0)) return
    const before = log.logEndOffset
    const skipped = makeBatch({ producerId, producerEpoch, sequence: nextSequence + 1 + this.#random.integer(5) })
    assert.throws(() => log.append(skipped, this.#appendOptions(subject)), hasCode('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    if (producerEpoch > 0) {
      const old = makeBatch({ producerId, producerEpoch: producerEpoch - 1, sequence: 0 })
      assert.throws(() => log.append(old, this.#appendOptions(subject)), hasCode('INVALID_PRODUCER_EPOCH'))
    }
    assert.equal(log.logEndOffset, before)
  }

  async #read({ model }: Subject, log: PartitionLog): Promise<void> {
    const anywhere = () => log.logStartOffset + this.#random.integer(log.logEndOffset - log.logStartOffset + 1)
    let offset = anywhere()
    for (let i = 0; i < 4; i++) {
      const bound = anywhere()
      const check = {
        maxBytes: pick(this.#random, [0, 100, 500, 5000, 1 << 20]),
        minOneBatch: this.#random.chance(0.7),
        ...(this.#random.chance(0.3) && { upperBoundOffset: bound }),
      }
      const { writtenEndOffset } = log
      const result = await this.#run(Promise.resolve(log.read(offset, check)))
      checkRead(model, offset, check, writtenEndOffset, result)
      result.release?.()
      offset = this.#random.chance(0.7) ? result.nextOffset : anywhere()
    }
  }

  async #deleteRecords({ model }: Subject, log: PartitionLog): Promise<void> {
    log.updateHighWatermark(log.writtenEndOffset)
    const offset = log.logStartOffset + this.#random.integer(log.highWatermark - log.logStartOffset + 1)
    model.logStartOffset = log.deleteRecords(offset)
    assert.throws(() => log.deleteRecords(log.highWatermark + 1), hasCode('OFFSET_OUT_OF_RANGE'))
  }

  async #cut(subject: Subject, log: PartitionLog): Promise<void> {
    const { model } = subject
    const from = Math.max(0, model.logStartOffset - 3)
    const offset = from + this.#random.integer(model.endOffset - from + 5)
    const before = log.logEndOffset
    const isCut = await this.#run(log.truncateTo(offset))
    assert.equal(isCut, offset < before)
    if (!isCut) return
    assert.ok(log.logEndOffset <= offset)
    if (log.sizeInBytes === 0 && log.segments[0]!.baseOffset === offset && offset < model.logStartOffset)
      model.startOver(offset)
    model.cut(log.logEndOffset)
    // Where nothing is left, the log ends where it was told to.
    if (model.batches.length === 0) model.origin = log.logEndOffset
    assert.equal(log.logEndOffset, Math.max(model.endOffset, log.logEndOffset))
    model.writtenEnd = log.logEndOffset
    model.logStartOffset = log.logStartOffset
    this.#forgetRecent(subject, log)
  }

  async #startOver(subject: Subject, log: PartitionLog): Promise<void> {
    if (!this.#random.chance(0.3)) return
    const offset = this.#random.integer(log.logEndOffset + 50)
    await this.#run(log.truncateFullyAndStartAt(offset))
    subject.model.startOver(offset)
    this.#forgetRecent(subject, log)
  }

  /** Only the last batch of each producer is known for certain after its state was loaded. */
  #forgetRecent(subject: Subject, log: PartitionLog): void {
    subject.recent = []
    subject.producers = subject.model.producers()
    const known = new Map(log.activeProducers().map(producer => [producer.producerId, producer]))
    for (const [producerId, producer] of subject.producers) {
      const inLog = known.get(producerId)
      if (inLog && inLog.lastSequence >= 0) continue
      // Its data is deleted, and its snapshot lost. A client that is told so goes on with a new epoch.
      producer.producerEpoch++
      producer.nextSequence = 0
      if (!inLog) producer.transactionStart = -1
    }
  }

  // ---------------------------------------------------------------------------------------------------------- checks

  async #checkAfterStart(subject: Subject, log: PartitionLog): Promise<void> {
    const { model } = subject
    const endOffset = log.logEndOffset
    this.#say(
      `${subject.partition} starts ${log.logStartOffset}..${endOffset}, was ${model.logStartOffset}..${model.endOffset}`,
    )
    assert.ok(endOffset >= model.writtenEnd, `the log ends at ${endOffset}, ${model.writtenEnd} is promised`)
    assert.ok(
      endOffset <= model.endOffset,
      `the log ends at ${endOffset}, nothing past ${model.endOffset} was appended`,
    )
    assert.ok(log.logStartOffset <= Math.max(model.logStartOffset, endOffset), 'the log begins later than it may')
    model.cut(endOffset)
    // Where all that the power loss left is below the log's start, which was on disk, the log goes on from there.
    if (model.endOffset < endOffset && log.sizeInBytes === 0 && log.logStartOffset === endOffset)
      model.startOver(endOffset)
    model.writtenEnd = endOffset
    model.forgottenBelow = Math.max(model.forgottenBelow, model.logStartOffset)
    model.logStartOffset = log.logStartOffset
    await checkState(model, log, promise => this.#run(promise))
    subject.leaderEpoch = Math.max(subject.leaderEpoch, log.latestEpoch, 0)
    this.#forgetRecent(subject, log)
  }
}

const STEPS = [
  ...Array.from({ length: 12 }, () => 'append' as const),
  'retry',
  'wrong sequence',
  'read',
  'read',
  'read',
  'flush',
  'roll',
  'time',
  'time',
  'new leader',
  'delete records',
  'retention',
  'cut',
  'start over',
] as const

function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.integer(Math.max(1, choices.length))]!
}

function* goodBatches(bytes: Uint8Array): Generator<BatchHeader, void> {
  try {
    yield* batches(bytes, 'skip')
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
}

function hasCode(code: string): (error: unknown) => boolean {
  return error => error instanceof LogError && error.code === code
}

const isStorageError = hasCode('KAFKA_STORAGE_ERROR')

async function assertFailsIf(promise: Promise<unknown>, mustFail: () => boolean): Promise<void> {
  try {
    await promise
  } catch (error) {
    assert.ok(isStorageError(error), `${error}`)
    assert.ok(mustFail())
  }
}
