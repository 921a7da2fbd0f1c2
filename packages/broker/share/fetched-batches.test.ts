import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BatchOptions, batches, encodeBatch } from '@ottla/protocol'
import { fetchedBatches, slicesOf } from './fetched-batches.ts'

const PRODUCER = 7

function batch(baseOffset: number, count: number, options: BatchOptions = {}): Uint8Array {
  return encodeBatch(
    Array.from({ length: count }, () => ({ value: Buffer.from('x') })),
    { ...options, baseOffset },
  )
}

const transactional = { producerId: PRODUCER, producerEpoch: 0, baseSequence: 0, isTransactional: true }

function marker(baseOffset: number, type: 0 | 1): Uint8Array {
  const key = Buffer.from([0, 0, 0, type])
  return encodeBatch([{ key, value: Buffer.alloc(6) }], {
    producerId: PRODUCER,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
    baseOffset,
  })
}

function read(chunks: readonly Uint8Array[], firstOffsets: readonly number[] | null = null) {
  const abortedTransactions = firstOffsets?.map(firstOffset => ({ producerId: PRODUCER, firstOffset })) ?? null
  return fetchedBatches({ chunks, abortedTransactions } as Parameters<typeof fetchedBatches>[0])
}

test('batches of all chunks, by their offsets', () => {
  const chunk = Buffer.concat([batch(0, 3), batch(3, 1)])
  assert.deepEqual(read([chunk, batch(10, 2)]), [
    { baseOffset: 0, lastOffset: 2, isAborted: false },
    { baseOffset: 3, lastOffset: 3, isAborted: false },
    { baseOffset: 10, lastOffset: 11, isAborted: false },
  ])
})

test('what was aborted ends with its marker, and begins again with the next transaction that was', () => {
  const chunks = [
    batch(0, 2, transactional),
    batch(2, 1),
    marker(3, 0),
    batch(4, 2, transactional),
    marker(6, 1),
    batch(7, 1, transactional),
    marker(8, 0),
  ]
  const aborted = read(chunks, [7, 0]).filter(({ isAborted }) => isAborted)
  assert.deepEqual(
    aborted.map(({ baseOffset }) => baseOffset),
    [0, 7],
  )
  assert.ok(read(chunks).every(({ isAborted }) => !isAborted))
})

test('a member gets the batches that hold what it has, and no others', () => {
  const chunk = Buffer.concat([batch(0, 3), batch(3, 3), batch(6, 3), batch(9, 3)])
  const offsets = (chunks: Uint8Array[]) =>
    chunks.flatMap(each => [...batches(each)].map(({ baseOffset }) => baseOffset))
  const acquired = (...ranges: [number, number][]) =>
    ranges.map(([firstOffset, lastOffset]) => ({ firstOffset, lastOffset, deliveryCount: 1 }))
  assert.deepEqual(offsets(slicesOf([chunk], acquired([4, 4]))), [3])
  assert.deepEqual(offsets(slicesOf([chunk], acquired([2, 3], [6, 6]))), [0, 3, 6])
  const [whole] = slicesOf([chunk], acquired([0, 11]))
  assert.equal(whole, chunk)
  assert.deepEqual(slicesOf([chunk, batch(12, 1)], acquired([12, 12])).length, 1)
})
