/** What stays of a log, by what stands in it: one line a batch, as a person would write it down. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type BatchOptions,
  batches,
  decodeRecords,
  encodeBatch,
  encodeEndTxnMarker,
  type RecordInput,
} from '@ottla/protocol'
import type { AbortedTransactionEntry } from '../transaction-index.ts'
import { type FilterOptions, filterBatches, indexBatches } from './filter.ts'
import { LastRecords } from './last-records.ts'
import { newOffsetMap, OffsetMap } from './offset-map.ts'
import { CleanedTransactions, NO_TRANSACTIONS } from './transactions.ts'

const NOW = 1_000_000
const OPTIONS: FilterOptions = {
  nowMs: NOW,
  deleteRetentionMs: 1000,
  retainsLegacyTombstones: false,
  highWatermark: 1e9,
}

/** 'a=1 b=2 c=' at `baseOffset`, one after the other; c has no value. */
function batch(
  baseOffset: number,
  text: string,
  options: BatchOptions & { deleteHorizonMs?: number } = {},
): Uint8Array {
  const records = text.split(' ').map((pair, i): RecordInput => {
    const [key, value] = pair.split('=')
    return {
      key: key ? Buffer.from(key) : null,
      value: value ? Buffer.from(value) : null,
      timestamp: 1000 + baseOffset + i,
      headers: [{ key: 'h', value: null }],
    }
  })
  return encodeBatch(records, { baseOffset, partitionLeaderEpoch: 3, ...options })
}

function marker(baseOffset: number, result: 'COMMIT' | 'ABORT', producerId: number): Uint8Array {
  return encodeEndTxnMarker(result, { baseOffset, timestamp: 1000, producerId, producerEpoch: 0, coordinatorEpoch: 0 })
}

function data(baseOffset: number, text: string, producerId: number, baseSequence = 0): Uint8Array {
  return batch(baseOffset, text, { producerId, producerEpoch: 0, baseSequence, isTransactional: true })
}

interface Cleaning extends Partial<FilterOptions> {
  readonly startOffset?: number
  readonly maxKeys?: number
  readonly aborted?: readonly AbortedTransactionEntry[]
  /** Of producers: id, last data offset, epoch. */
  readonly last?: readonly (readonly [number, number, number])[]
}

interface Cleaned {
  readonly bytes: Uint8Array
  readonly kept: readonly AbortedTransactionEntry[]
  readonly lines: string[]
  readonly latestOffset: number
}

function clean(log: readonly Uint8Array[], cleaning: Cleaning = {}): Cleaned {
  const bytes = new Uint8Array(Buffer.concat(log))
  const { aborted = [], last = [], startOffset = 0, maxKeys = 1000, ...options } = cleaning
  const map = new OffsetMap(newOffsetMap(maxKeys, 1 << 20, 1, Buffer.alloc(16)))
  const isWhole = indexBatches(bytes, startOffset, map, new CleanedTransactions(NO_TRANSACTIONS, aborted))
  assert.equal(isWhole, cleaning.maxKeys === undefined)
  const transactions = new CleanedTransactions(NO_TRANSACTIONS, aborted)
  const lastRecords = new LastRecords(Float64Array.from(last.flat()))
  const filtered = filterBatches(bytes, map, transactions, lastRecords, { ...OPTIONS, ...options })
  const headers = [...batches(filtered.bytes)]
  const told = headers.flatMap(({ lastOffset, maxTimestamp, sizeInBytes }) => [lastOffset, maxTimestamp, sizeInBytes])
  assert.deepEqual([...filtered.batches], told)
  return {
    bytes: filtered.bytes,
    kept: transactions.kept,
    lines: linesOf(filtered.bytes),
    latestOffset: map.latestOffset,
  }
}

/** '0..2: 0 a=1, 2 c= until 5' */
function linesOf(bytes: Uint8Array): string[] {
  return [...batches(bytes)].map(header => {
    const records = decodeRecords(bytes, header).map(({ offset, key, value }) => {
      return header.isControl ? `${offset} marker` : `${offset} ${Buffer.from(key ?? '')}=${Buffer.from(value ?? '')}`
    })
    const until = header.deleteHorizonMs === null ? '' : ` until ${header.deleteHorizonMs}`
    return `${header.baseOffset}..${header.lastOffset}: ${records.join(', ') || 'empty'}${until}`
  })
}

test('of each key the last record stays, where it was; a batch of which all stays is as it was', () => {
  const log = [batch(0, 'a=1 b=1 a=2'), batch(3, 'c=1'), batch(4, 'a=3 d=1'), batch(6, 'e=1 f=1')]
  const { lines, bytes } = clean(log)
  assert.deepEqual(lines, ['0..2: 1 b=1', '3..3: 3 c=1', '4..5: 4 a=3, 5 d=1', '6..7: 6 e=1, 7 f=1'])
  assert.ok(Buffer.from(bytes).subarray(-log[3]!.length).equals(log[3]!))
  assert.deepEqual(clean([batch(0, 'a=1'), batch(1, 'a=2')]).lines, ['1..1: 1 a=2'])
})

test('timestamps, headers, producer, epoch and codec of a batch that loses records stay', () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const producer = { producerId: 7, producerEpoch: 2, baseSequence: 40 }
    const log = [batch(10, 'a=1 b=1 c=1', { codec, ...producer }), batch(13, 'a=2 c=2')]
    const { bytes } = clean(log)
    const [header] = batches(bytes)
    const { baseOffset, lastOffset, count, partitionLeaderEpoch, maxTimestamp } = header!
    assert.deepEqual([baseOffset, lastOffset, count, partitionLeaderEpoch, maxTimestamp], [10, 12, 1, 3, 1011])
    assert.deepEqual(
      [header!.codec, header!.producerId, header!.producerEpoch, header!.baseSequence],
      [codec, 7, 2, 40],
    )
    const [record] = decodeRecords(bytes, header!)
    assert.deepEqual([record!.timestamp, record!.headers.length], [1011, 1])
  }
  const appendTime = clean([batch(0, 'a=1 b=1', { logAppendTimeMs: 555 }), batch(2, 'a=2')])
  const [header] = batches(appendTime.bytes)
  assert.deepEqual([header!.timestampType, header!.maxTimestamp], ['LogAppendTime', 555])
})

test('a tombstone gets its horizon when it is first met, and goes after it', () => {
  const first = clean([batch(0, 'a=1 b=1'), batch(2, 'a= c=1')])
  assert.deepEqual(first.lines, ['0..1: 1 b=1', `2..3: 2 a=, 3 c=1 until ${NOW + 1000}`])
  const [, header] = batches(first.bytes)
  assert.deepEqual(
    decodeRecords(first.bytes, header!).map(({ timestamp }) => timestamp),
    [1002, 1003],
  )
  assert.deepEqual(clean([first.bytes], { nowMs: NOW + 999 }).lines, first.lines)
  // The batch keeps the horizon, which is the base of its timestamps.
  assert.deepEqual(clean([first.bytes], { nowMs: NOW + 1000 }).lines, [
    '0..1: 1 b=1',
    `2..3: 3 c=1 until ${NOW + 1000}`,
  ])
})

test('what stays may be larger than what was there, and overwrites nothing that is still to be read', () => {
  const log = ['a= b=', 'c= d=', 'e=1 f=1', 'g= h='].map((text, i) => batch(i * 2, text))
  const { lines, bytes } = clean(log)
  assert.ok(bytes.length > Buffer.concat(log).length)
  const until = `until ${NOW + 1000}`
  assert.deepEqual(lines, [
    `0..1: 0 a=, 1 b= ${until}`,
    `2..3: 2 c=, 3 d= ${until}`,
    '4..5: 4 e=1, 5 f=1',
    `6..7: 6 g=, 7 h= ${until}`,
  ])
  // The room that a batch leaves is for the next.
  assert.deepEqual(clean([batch(0, 'a=1 b=1 c=1'), batch(3, 'a= b= c=2')]).lines, [`3..5: 3 a=, 4 b=, 5 c=2 ${until}`])
})

test('a record without a key goes, but not past what is known', () => {
  assert.deepEqual(clean([batch(0, '=1 a=1')]).lines, ['0..1: 1 a=1'])
  const { lines, latestOffset } = clean([batch(0, 'a=1 b=1'), batch(2, 'a=2 c=1 a=3 =4')], { maxKeys: 1 })
  assert.equal(latestOffset, 0)
  assert.deepEqual(lines, ['0..1: 0 a=1, 1 b=1', '2..5: 2 a=2, 3 c=1, 4 a=3, 5 ='.replace('5 =', '5 =4')])
})

test('records below the dirty part go for those in it, and not for each other', () => {
  assert.deepEqual(clean([batch(0, 'a=1 a=2 b=1'), batch(3, 'b=2')], { startOffset: 3 }).lines, [
    '0..2: 0 a=1, 1 a=2',
    '3..3: 3 b=2',
  ])
})

test('what a producer wrote last stays, empty, and what ends at the high watermark', () => {
  const log = [
    batch(0, 'a=1 b=1', { producerId: 7, producerEpoch: 1, baseSequence: 5 }),
    batch(2, 'a=2 b=2', { producerId: 8, producerEpoch: 0, baseSequence: 0 }),
    batch(4, 'a=3 b=3'),
  ]
  const { lines, bytes } = clean(log, {
    last: [
      [7, 1, 1],
      [8, 9, 0],
    ],
  })
  assert.deepEqual(lines, ['0..1: empty', '4..5: 4 a=3, 5 b=3'])
  const [empty] = batches(bytes)
  assert.deepEqual(
    [
      empty!.producerId,
      empty!.producerEpoch,
      empty!.baseSequence,
      empty!.maxTimestamp,
      empty!.baseTimestamp,
      empty!.codec,
    ],
    [7, 1, 5, 1001, -1, 'none'],
  )
  assert.deepEqual(clean(log, { highWatermark: 4 }).lines, ['2..3: empty', '4..5: 4 a=3, 5 b=3'])
  assert.deepEqual(clean([bytes], { last: [[7, 1, 1]] }).lines, lines)
  assert.deepEqual(clean([bytes]).lines, ['4..5: 4 a=3, 5 b=3'])
})

test('aborted records go at once, their marker when nothing is left of them and its horizon has passed', () => {
  const entry = { producerId: 1, firstOffset: 1, lastOffset: 4, lastStableOffset: 5 }
  const log = [batch(0, 'a=1'), data(1, 'a=2 b=2', 1), batch(3, 'c=1'), marker(4, 'ABORT', 1)]
  const first = clean(log, { aborted: [entry] })
  assert.deepEqual(first.lines, ['0..0: 0 a=1', '3..3: 3 c=1', '4..4: 4 marker'])
  assert.deepEqual(first.kept, [entry])
  const second = clean([first.bytes], { aborted: [entry] })
  assert.deepEqual(second.lines, ['0..0: 0 a=1', '3..3: 3 c=1', `4..4: 4 marker until ${NOW + 1000}`])
  assert.deepEqual(second.kept, [])
  assert.deepEqual(clean([second.bytes], { nowMs: NOW + 999 }).lines, second.lines)
  assert.deepEqual(clean([second.bytes], { nowMs: NOW + 1000 }).lines, ['0..0: 0 a=1', '3..3: 3 c=1'])
})

test('the marker of committed records stays as long as one of them', () => {
  const log = [data(0, 'a=1', 1), marker(1, 'COMMIT', 1), batch(2, 'b=1')]
  assert.deepEqual(clean(log).lines, linesOf(Buffer.concat(log)))
  const overwritten = clean([...log, batch(3, 'a=2')])
  assert.deepEqual(overwritten.lines, ['1..1: 1 marker', '2..2: 2 b=1', '3..3: 3 a=2'])
  const next = clean([overwritten.bytes])
  assert.equal(next.lines[0], `1..1: 1 marker until ${NOW + 1000}`)
  assert.deepEqual(clean([next.bytes], { nowMs: NOW + 1000 }).lines, ['2..2: 2 b=1', '3..3: 3 a=2'])
  // The last that is known of its producer: emptied, it still has the epoch.
  const last = [[1, -1, 0]] as const
  const emptied = clean([next.bytes], { nowMs: NOW + 1000, last })
  assert.deepEqual(emptied.lines, ['1..1: empty', '2..2: 2 b=1', '3..3: 3 a=2'])
  assert.deepEqual(clean([emptied.bytes], { nowMs: NOW + 1000, last }).lines, emptied.lines)
})

test('a transaction that goes on behind the last piece is known in the next', () => {
  const entry = { producerId: 1, firstOffset: 0, lastOffset: 3, lastStableOffset: 4 }
  const first = new CleanedTransactions(NO_TRANSACTIONS, [entry])
  const map = new OffsetMap(newOffsetMap(10, 1000, 0.9, Buffer.alloc(16)))
  indexBatches(data(0, 'a=1', 1), 0, map, first)
  const second = new CleanedTransactions(structuredClone(first.state()), [])
  indexBatches(Buffer.concat([data(1, 'b=1 c=1', 1), marker(3, 'ABORT', 1)]), 0, map, second)
  assert.equal(map.entries, 0)
  assert.deepEqual(second.kept, [entry])
  assert.equal(second.state().aborted.size, 0)
})

test('bytes that were changed on the disk are noticed', () => {
  const bytes = batch(0, 'a=1 b=1')
  bytes[70]! ^= 1
  assert.throws(() => clean([bytes]), /checksum/)
})
