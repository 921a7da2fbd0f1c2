/**
 * Random use of one compacted log over the simulated disk while the cleaner is at work on it, with kills, losses of power
 * and clean stops at any step of that; and after each the checks that no one may ever see fail:
 *
 * - of each key the last record is there, unless it is a tombstone older than delete.retention.ms; nothing else is missing
 *   but what a later record, or an abort, has made void;
 * - what is there is where it was, and what it was, and in order; a reader of committed data is shown no aborted record
 *   and every committed one that is left;
 * - producers go on with the sequence numbers that they had;
 * - once all transactions have ended and the last segments are closed, no void record is left in them.
 *
 * Everything follows from the seed. `npm run sim -- log` runs it beside log-workload.ts.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type MemoryWorld, memoryWorld, type SeededRandom } from '@ottla/io/memory'
import { type BatchHeader, batches, decodeRecords, encodeBatch, type RecordInput } from '@ottla/protocol'
import { type CleanerConfig, DEFAULT_CLEANER_CONFIG } from '../cleaner/cleaner-config.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../log-config.ts'
import { LogManager } from '../log-manager.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { AbortedTransaction, ReadResult } from '../types.ts'
import { marker } from './batches.ts'

export interface CompactionOptions {
  readonly seed: number | string
  readonly lives?: number
  readonly stepsPerLife?: number
  readonly say?: (event: string) => void
}

export interface CompactionSummary {
  readonly hash: string
  readonly records: number
  /** Records that a cleaning has taken away. */
  readonly cleaned: number
}

interface ModelRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly appendedMs: number
  status: 'open' | 'committed' | 'aborted'
  /** There was a later one of its key, whatever became of that. */
  isVoid: boolean
}

interface ModelBatch {
  readonly offset: number
  readonly kind: 'data' | 'commit' | 'abort'
  readonly producerId: number
  readonly isTransactional: boolean
  readonly baseSequence: number
  readonly records: readonly ModelRecord[]
}

interface View {
  /** First offsets of all batches, control batches included. */
  readonly bases: Set<number>
  /** By offset, whether a reader of committed data is not shown the record. */
  readonly found: Map<number, boolean>
  readonly text: Map<number, string>
}

interface ModelProducer {
  nextSequence: number
  /** Of the open transaction. */
  open: ModelRecord[] | null
}

const TOPIC_ID = 'b3R0bGEtdGVzdC10b3BpYw'
const NAME = { topic: 't', partition: 0 }
const PRODUCERS = [1, 2, 3]

export async function runCompactionWorkload(options: CompactionOptions): Promise<CompactionSummary> {
  return await new CompactionWorkload(options).run()
}

class CompactionWorkload {
  readonly #options: CompactionOptions
  readonly #random: SeededRandom
  readonly #hash = createHash('sha256')
  readonly #config: LogConfig
  readonly #cleaner: CleanerConfig
  readonly #keys: number
  #world: MemoryWorld
  #batches: ModelBatch[] = []
  #records: ModelRecord[] = []
  #producers = new Map<number, ModelProducer>()
  /** How transactions ended, by their first offset: whoever has decided that does not change its mind when the marker is lost. */
  readonly #decided = new Map<number, 'commit' | 'abort'>()
  #appended = 0
  #writtenEnd = 0
  #flushedEnd = 0

  constructor(options: CompactionOptions) {
    this.#options = options
    this.#world = memoryWorld({
      seed: `compaction ${options.seed}`,
      logLevel: 'warn',
      diskLatencyMs: [0, 3],
      trace: event => this.#tell(event),
    })
    const random = this.#world.stream('workload')
    this.#random = random
    this.#config = {
      ...DEFAULT_LOG_CONFIG,
      cleanupPolicy: ['compact'],
      segmentBytes: pick(random, [600, 2000, 6000]),
      indexIntervalBytes: pick(random, [1, 300]),
      minCleanableDirtyRatio: pick(random, [0, 0.1, 0.4]),
      deleteRetentionMs: pick(random, [0, 3000, 10_000]),
      minCompactionLagMs: pick(random, [0, 0, 2000]),
      fileDeleteDelayMs: pick(random, [0, 1000]),
      flushMessages: pick(random, [1, 20, Number.POSITIVE_INFINITY]),
    }
    this.#cleaner = {
      ...DEFAULT_CLEANER_CONFIG,
      backoffMs: pick(random, [20, 100, 500]),
      dedupeBufferSize: pick(random, [24 * 5, 24 * 30, 1 << 20]),
    }
    this.#keys = pick(random, [3, 10, 40])
  }

  #tell(event: string): void {
    this.#hash.update(event)
    this.#options.say?.(event)
  }

  #run<T>(promise: Promise<T>): Promise<T> {
    return this.#world.runUntil(promise)
  }

  async run(): Promise<CompactionSummary> {
    const { lives = 4, stepsPerLife = 40 } = this.#options
    for (let life = 0; life < lives; life++) {
      const { manager, log } = await this.#open()
      for (let step = this.#random.integer(stepsPerLife); step > 0; step--) await this.#step(log)
      await this.#end(manager, log)
    }
    const { manager, log } = await this.#open()
    const left = await this.#settle(log)
    await this.#run(manager.close())
    return { hash: this.#hash.digest('hex'), records: this.#appended, cleaned: this.#records.length - left }
  }

  // ----------------------------------------------------------------------------------------------------------- lives

  async #open(): Promise<{ manager: LogManager; log: PartitionLog }> {
    const manager = await this.#run(
      LogManager.open({
        world: this.#world,
        logDirs: ['/data'],
        nodeId: 1,
        clusterId: 'b3R0bGEtdGVzdC1jbHVzdA',
        tailCacheBytes: pick(this.#random, [0, 3000, 1 << 20]),
        indexCacheBytes: pick(this.#random, [0, 1 << 20]),
        transactionPartitionVerificationEnable: false,
        cleaner: this.#cleaner,
      }),
    )
    await this.#run(manager.load({ defaults: this.#config }))
    const log = await this.#run(manager.getOrCreate(NAME, TOPIC_ID))
    const endOffset = log.logEndOffset
    assert.ok(endOffset >= this.#writtenEnd, `the log ends at ${endOffset}, ${this.#writtenEnd} is promised`)
    const { bases } = await this.#read(log)
    this.#keepOnly(endOffset, bases)
    this.#writtenEnd = endOffset
    log.updateHighWatermark(endOffset)
    await this.#check(log)
    return { manager, log }
  }

  /**
   * What a loss of power took did not happen; what it made void stays void. It may take what was not flushed from the
   * middle, too: in a compacted log a hole is nothing to be wondered at. What was cleaned had been flushed.
   */
  #keepOnly(endOffset: number, bases: ReadonlySet<number>): void {
    this.#batches = this.#batches.filter(({ offset }) => {
      return offset < this.#flushedEnd || (offset < endOffset && bases.has(offset))
    })
    this.#records = this.#batches.flatMap(({ records }) => records)
    this.#producers = new Map()
    for (const first of this.#decided.keys()) if (first >= endOffset) this.#decided.delete(first)
    for (const record of this.#records) record.status = 'committed'
    for (const batch of this.#batches) this.#apply(batch)
  }

  #apply({ kind, producerId, isTransactional, baseSequence, records }: ModelBatch): void {
    const producer = this.#producers.get(producerId) ?? { nextSequence: 0, open: null }
    if (producerId > 0) this.#producers.set(producerId, producer)
    if (kind === 'data') {
      producer.nextSequence = baseSequence + records.length
      if (!isTransactional) this.#makeVoid(records)
      else {
        for (const record of records) record.status = 'open'
        producer.open = [...(producer.open ?? []), ...records]
      }
      return
    }
    const ended = producer.open ?? []
    producer.open = null
    for (const record of ended) record.status = kind === 'commit' ? 'committed' : 'aborted'
    if (kind === 'commit') this.#makeVoid(ended)
  }

  /** Those of the same keys that came before. */
  #makeVoid(by: readonly ModelRecord[]): void {
    const lastOffsets = new Map(by.map(({ key, offset }) => [key, offset]))
    for (const record of this.#records) {
      if (record.offset < (lastOffsets.get(record.key) ?? -1)) record.isVoid = true
    }
  }

  async #end(manager: LogManager, log: PartitionLog): Promise<void> {
    const ending = pick(this.#random, ['close', 'kill', 'kill', 'power loss', 'power loss'] as const)
    this.#tell(`ends by ${ending}`)
    if (ending === 'close') {
      await this.#run(manager.close())
      this.#writtenEnd = log.logEndOffset
      this.#flushedEnd = log.logEndOffset
    } else {
      log.roll()
      this.#append(log)
      await this.#world.advance(this.#random.integer(150))
      this.#flushedEnd = Math.max(this.#flushedEnd, log.recoveryPoint)
      if (ending === 'power loss') this.#writtenEnd = this.#flushedEnd
      this.#world.crash({ powerLoss: ending === 'power loss' })
      this.#world = this.#world.restart()
    }
  }

  // ----------------------------------------------------------------------------------------------------------- steps

  async #step(log: PartitionLog): Promise<void> {
    const action = pick(this.#random, STEPS)
    this.#tell(action)
    if (action === 'append') {
      for (let i = this.#random.integer(4); i >= 0; i--) this.#append(log)
      if (this.#random.chance(0.5)) await this.#run(log.store.lastWrite)
    } else if (action === 'end') this.#endTransaction(log, pick(this.#random, PRODUCERS))
    else if (action === 'roll') log.roll()
    else if (action === 'flush') {
      await this.#run(log.flush())
      this.#flushedEnd = log.recoveryPoint
    } else if (action === 'check') await this.#check(log)
    else await this.#world.advance(this.#random.integer(action === 'time' ? 100 : 4000))
    log.updateHighWatermark(log.writtenEndOffset)
  }

  #append(log: PartitionLog): void {
    const random = this.#random
    const producerId = pick(random, [-1, -1, ...PRODUCERS])
    const producer = this.#producers.get(producerId)
    const isTransactional = producerId > 0 && (producer?.open != null || random.chance(0.6))
    const inputs = Array.from({ length: 1 + random.integer(4) }, (): RecordInput => {
      const value = random.chance(0.2) ? null : Buffer.from(`${this.#appended++}`.padEnd(random.integer(100), '.'))
      return { key: Buffer.from(`k${random.integer(this.#keys)}`), value, timestamp: this.#world.clock.now() }
    })
    const baseSequence = producer?.nextSequence ?? 0
    const identity = producerId > 0 ? { producerId, producerEpoch: 0, baseSequence, isTransactional } : {}
    const codec = pick(random, ['none', 'none', 'lz4'] as const)
    const offset = log.logEndOffset
    const records = inputs.map(({ key, value }, i): ModelRecord => {
      const text = value ? value.toString() : null
      const appendedMs = this.#world.clock.now()
      return { offset: offset + i, key: `${key}`, value: text, appendedMs, status: 'committed', isVoid: false }
    })
    this.#take(log, encodeBatch(inputs, { codec, ...identity }), 'client', {
      offset,
      kind: 'data',
      producerId,
      isTransactional,
      baseSequence,
      records,
    })
  }

  #endTransaction(log: PartitionLog, producerId: number): void {
    const first = this.#producers.get(producerId)?.open?.[0]?.offset
    if (first === undefined) return
    const kind = this.#decided.get(first) ?? (this.#random.chance(0.6) ? 'commit' : 'abort')
    this.#decided.set(first, kind)
    const bytes = marker({ producerId, isCommit: kind === 'commit', timestamp: this.#world.clock.now() })
    const batch = {
      offset: log.logEndOffset,
      kind,
      producerId,
      isTransactional: true,
      baseSequence: -1,
      records: [],
    } as const
    this.#take(log, bytes, 'coordinator', batch)
  }

  #take(log: PartitionLog, bytes: Uint8Array, origin: 'client' | 'coordinator', batch: ModelBatch): void {
    // A sequence number that the log does not expect is refused: so this checks what it knows of producers.
    const { written, lastOffset } = log.append(bytes, { origin, leaderEpoch: 0, nowMs: this.#world.clock.now() })
    written.then(
      () => {
        this.#writtenEnd = Math.max(this.#writtenEnd, lastOffset + 1)
        if (this.#config.flushMessages === 1) this.#flushedEnd = Math.max(this.#flushedEnd, lastOffset + 1)
      },
      () => {}, // the process has ended
    )
    this.#batches.push(batch)
    this.#records.push(...batch.records)
    this.#apply(batch)
  }

  // ---------------------------------------------------------------------------------------------------------- checks

  async #read(log: PartitionLog): Promise<View> {
    const bases = new Set<number>()
    const found = new Map<number, boolean>()
    const text = new Map<number, string>()
    for (let offset = log.logStartOffset, last = -1; ; ) {
      const result: ReadResult = await this.#run(
        Promise.resolve(log.read(offset, { maxBytes: 900, minOneBatch: true })),
      )
      if (result.nextOffset === offset) return { bases, found, text }
      const aborted = await this.#run(Promise.resolve(log.abortedTransactions(offset, result.nextOffset)))
      const isHidden = hider(aborted)
      for (const chunk of result.chunks) {
        for (const header of batches(chunk)) {
          bases.add(header.baseOffset)
          const hides = isHidden(header, chunk)
          if (header.isControl) continue
          for (const { offset, key, value } of decodeRecords(chunk, header)) {
            assert.ok(offset > last, `${offset} comes after ${last}`)
            last = offset
            found.set(offset, hides)
            text.set(offset, `${Buffer.from(key!)}=${value && Buffer.from(value)}`)
          }
        }
      }
      offset = result.nextOffset
    }
  }

  /** Returns how many records are left. */
  async #check(log: PartitionLog): Promise<number> {
    const { found, text } = await this.#read(log)
    const nowMs = this.#world.clock.now()
    const { writtenEndOffset } = log
    for (const { offset, key, value, status, isVoid, appendedMs } of this.#records) {
      if (offset >= writtenEndOffset) continue
      const hides = found.get(offset)
      const what = `record ${offset}, ${key}=${value}, ${status}`
      if (hides === undefined) {
        const isOldTombstone = value === null && nowMs >= appendedMs + this.#config.deleteRetentionMs
        assert.ok(isVoid || status === 'aborted' || isOldTombstone, `${what}, is gone`)
      } else {
        assert.equal(text.get(offset), `${key}=${value}`)
        assert.ok(status === 'open' || hides === (status === 'aborted'), `${what}, is ${hides ? 'hidden' : 'shown'}`)
      }
      found.delete(offset)
    }
    assert.deepEqual([...found.keys()], [], 'nothing else is there')
    return text.size
  }

  async #settle(log: PartitionLog): Promise<number> {
    for (const producerId of PRODUCERS) this.#endTransaction(log, producerId)
    for (let i = 0; i < 5; i++) {
      // More than any ratio of what is there is dirty.
      for (let j = 0; j < 20; j++) this.#append(log)
      for (const producerId of PRODUCERS) this.#endTransaction(log, producerId)
      log.roll()
      this.#append(log)
      for (const producerId of PRODUCERS) this.#endTransaction(log, producerId)
      await this.#run(log.store.lastWrite)
      log.updateHighWatermark(log.writtenEndOffset)
      await this.#world.advance(12_000)
    }
    await this.#quiet()
    const left = await this.#check(log)
    if (this.#config.minCleanableDirtyRatio === 0) await this.#checkClean(log)
    return left
  }

  /** Until no cleaning is under way: with room for four keys at a time one takes a while. */
  async #quiet(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const names = (await this.#run(this.#world.disk.list('/data/t-0'))).map(({ name }) => name)
      const unfinished = names.filter(name => /swap|cleaned|deleted/.test(name))
      if (unfinished.length === 0) return
      assert.ok(tries < 10, `${unfinished}`)
      await this.#world.advance(12_000)
    }
  }

  /** Of each key one record, in all but the active segment. */
  async #checkClean(log: PartitionLog): Promise<void> {
    const { found, text } = await this.#read(log)
    const seen = new Set<string>()
    for (const [offset, hides] of found) {
      if (offset >= log.segments.at(-1)!.baseOffset) break
      const key = text.get(offset)!.split('=')[0]!
      assert.ok(!hides && !seen.has(key), `${offset} of ${key} should have been cleaned away`)
      seen.add(key)
    }
  }
}

const STEPS = [
  ...Array.from({ length: 8 }, () => 'append' as const),
  'end',
  'end',
  'end',
  'roll',
  'flush',
  'time',
  'time',
  'time',
  'long time',
  'check',
] as const

/** As a reader of committed data does it: which batches it does not show. */
function hider(aborted: readonly AbortedTransaction[]): (header: BatchHeader, bytes: Uint8Array) => boolean {
  const upcoming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<number>()
  return (header, bytes) => {
    while (upcoming[0] && upcoming[0].firstOffset <= header.lastOffset) open.add(upcoming.shift()!.producerId)
    if (!header.isControl) return header.isTransactional && open.has(header.producerId)
    const [record] = decodeRecords(bytes, header)
    if (record && record.key![3] === 0) open.delete(header.producerId)
    return false
  }
}

function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.integer(choices.length)]!
}
