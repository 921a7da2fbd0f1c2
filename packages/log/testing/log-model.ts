/**
 * What a log should hold, kept in the simplest way that can be thought of: a list of batches. The workload does to it
 * what it does to the log, and after each life compares the two.
 */
import assert from 'node:assert/strict'
import type { PartitionLog } from '../partition-log.ts'
import type { ReadResult } from '../types.ts'

export interface ModelBatch {
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly timestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly sequence: number
  /** Data, or the end of a transaction. */
  readonly kind: 'data' | 'commit' | 'abort'
  readonly isTransactional: boolean
}

export interface ModelProducer {
  readonly producerId: number
  producerEpoch: number
  /** Of the next batch; what comes after 2^31 - 1 is not modelled. */
  nextSequence: number
  /** -1: none is open. */
  transactionStart: number
  lastOffset: number
}

export interface ModelTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
}

export class LogModel {
  /** All that was ever appended and not cut away; retention takes nothing out. */
  batches: ModelBatch[] = []
  /** Where the log was started over: nothing is below. */
  origin = 0
  logStartOffset = 0
  /** The highest that the start ever was: a crash may bring records below back, but not what was known of them. */
  forgottenBelow = 0
  /** Acknowledged: a killed process must not lose them. */
  writtenEnd = 0
  /** Flushed: a loss of power must not either. */
  flushedEnd = 0

  get endOffset(): number {
    return this.batches.length === 0 ? this.origin : this.batches.at(-1)!.lastOffset + 1
  }

  append(batch: ModelBatch): void {
    this.batches.push(batch)
  }

  /** Batches that reach `endOffset` or beyond did not happen. */
  cut(endOffset: number): void {
    this.batches = this.batches.filter(batch => batch.lastOffset < endOffset)
    this.writtenEnd = Math.min(this.writtenEnd, endOffset)
    this.flushedEnd = Math.min(this.flushedEnd, endOffset)
    this.logStartOffset = Math.min(this.logStartOffset, endOffset)
  }

  startOver(offset: number): void {
    this.batches = []
    this.origin = offset
    this.logStartOffset = offset
    this.writtenEnd = offset
    this.flushedEnd = offset
  }

  producers(): Map<number, ModelProducer> {
    const producers = new Map<number, ModelProducer>()
    for (const batch of this.batches) applyToProducers(producers, batch)
    return producers
  }

  aborted(): ModelTransaction[] {
    const open = new Map<number, number>()
    const aborted: ModelTransaction[] = []
    for (const { kind, isTransactional, producerId, baseOffset } of this.batches) {
      if (!isTransactional) continue
      const firstOffset = open.get(producerId)
      if (kind === 'data') {
        if (firstOffset === undefined) open.set(producerId, baseOffset)
        continue
      }
      if (kind === 'abort' && firstOffset !== undefined)
        aborted.push({ producerId, firstOffset, lastOffset: baseOffset })
      open.delete(producerId)
    }
    return aborted
  }
}

export function applyToProducers(producers: Map<number, ModelProducer>, batch: ModelBatch): void {
  if (batch.producerId < 0) return
  const producer = producers.get(batch.producerId) ?? {
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    nextSequence: 0,
    transactionStart: -1,
    lastOffset: -1,
  }
  producers.set(batch.producerId, producer)
  if (producer.producerEpoch !== batch.producerEpoch) producer.nextSequence = 0
  producer.producerEpoch = batch.producerEpoch
  producer.lastOffset = batch.lastOffset
  if (batch.kind !== 'data') producer.transactionStart = -1
  else {
    producer.nextSequence = batch.sequence + batch.lastOffset - batch.baseOffset + 1
    if (batch.isTransactional && producer.transactionStart < 0) producer.transactionStart = batch.baseOffset
  }
}

export type Reader = (log: PartitionLog, offset: number, options: ReadCheck) => Promise<ReadResult>

export interface ReadCheck {
  readonly maxBytes: number
  readonly upperBoundOffset?: number
  readonly minOneBatch: boolean
}

/** A read returns whole batches, the right ones, and at least one if there is one to be returned. */
export function checkRead(
  model: LogModel,
  offset: number,
  check: ReadCheck,
  writtenEnd: number,
  result: ReadResult,
): void {
  const bound = Math.min(check.upperBoundOffset ?? writtenEnd, writtenEnd)
  const wanted: ModelBatch[] = []
  let size = 0
  for (const batch of model.batches) {
    if (batch.lastOffset < offset) continue
    const isFree = wanted.length === 0 && check.minOneBatch
    if (batch.lastOffset >= bound || (size + batch.bytes.length > check.maxBytes && !isFree)) break
    wanted.push(batch)
    size += batch.bytes.length
  }
  const bytes = Buffer.concat(result.chunks)
  assert.equal(bytes.length, result.sizeInBytes)
  let nextOffset = offset
  let at = 0
  for (const batch of wanted) {
    if (at === bytes.length && at > 0) break
    assert.ok(
      bytes.subarray(at, at + batch.bytes.length).equals(batch.bytes),
      `batch at ${batch.baseOffset} differs: ${bytes.subarray(at, at + 61).toString('hex')}, ${Buffer.from(batch.bytes).subarray(0, 61).toString('hex')}`,
    )
    if (at === 0) assert.equal(result.baseOffset, batch.baseOffset)
    at += batch.bytes.length
    nextOffset = batch.lastOffset + 1
  }
  assert.equal(at, bytes.length, `a read at ${offset} gives more than there is`)
  if (wanted.length > 0) assert.ok(at > 0, `a read at ${offset} gives nothing`)
  if (wanted.length > 0) assert.equal(result.nextOffset, nextOffset)
  else assert.equal(result.nextOffset, offset)
}
