import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

/** Ascending steps, so that sums of them are entries. */
const steps = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 100 })

function sums(values: readonly number[]): number[] {
  let sum = 0
  return values.map(value => {
    sum += value
    return sum
  })
}

test('an offset index is the bytes of its file', () => {
  const index = new OffsetIndex(100)
  index.append(105, 0)
  index.append(300, 0x01020304)
  assert.equal(Buffer.from(index.bytesFrom(0)).toString('hex'), '0000000500000000' + '000000c801020304')
  assert.equal(new OffsetIndex(100, index.bytesFrom(0)).lastOffset, 300)
  assert.throws(() => index.append(300, 5), /indexed already/)
  assert.throws(() => index.append(100 + 2 ** 31, 5), /not in this segment/)
})

test('an offset index finds the last entry at or below', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 100_000 }), (gaps, target) => {
      const offsets = sums(gaps)
      const index = new OffsetIndex(0)
      for (const [i, offset] of offsets.entries()) index.append(offset, i * 10)
      assert.equal(
        index.find(target),
        offsets.findLastIndex(offset => offset <= target),
      )
      assert.equal(index.positionBelow(target), Math.max(0, index.find(target)) * 10)
      assert.equal(index.problem(offsets.length * 10), null)
      index.truncateTo(target)
      assert.equal(index.entries, offsets.filter(offset => offset < target).length)
    }),
  )
})

test('an offset index that does not ascend, or points out of its file, is a problem', () => {
  const bytes = (...entries: [number, number][]): Uint8Array =>
    new Uint8Array(
      entries.flatMap(([offset, position]) => {
        const entry = Buffer.alloc(8)
        entry.writeUInt32BE(offset, 0)
        entry.writeUInt32BE(position, 4)
        return [...entry]
      }),
    )
  assert.equal(new OffsetIndex(0, bytes([1, 0], [2, 9])).problem(10), null)
  assert.match(new OffsetIndex(0, bytes([1, 0], [1, 9])).problem(10)!, /entry 1/)
  assert.match(new OffsetIndex(0, bytes([1, 5], [2, 5])).problem(10)!, /entry 1/)
  assert.match(new OffsetIndex(0, bytes([1, 10])).problem(10)!, /points out/)
  // The tail of zeros that Kafka leaves when it is killed.
  assert.match(new OffsetIndex(0, bytes([1, 0], [0, 0])).problem(10)!, /entry 1/)
})

test('a full index is full', () => {
  const [offsets, times] = [new OffsetIndex(0), new TimeIndex(0)]
  assert.equal(offsets.isFull(7), true)
  for (let i = 1; i < 4; i++) {
    assert.equal(offsets.isFull(24), false)
    offsets.append(i, i)
    times.maybeAppend(i, i)
  }
  assert.equal(offsets.isFull(24), true)
  // One place is kept for the entry that closing the segment writes.
  assert.equal(times.isFull(48), true)
  assert.equal(times.isFull(60), false)
})

test('a time index is the bytes of its file, and takes no timestamp that is not larger', () => {
  const index = new TimeIndex(100)
  index.maybeAppend(1_700_000_000_123, 104)
  index.maybeAppend(1_700_000_000_123, 110)
  index.maybeAppend(5, 110)
  assert.equal(index.entries, 1)
  index.maybeAppend(1_700_000_000_124, 110)
  assert.equal(Buffer.from(index.bytesFrom(0)).toString('hex'), '0000018bcfe5687b00000004' + '0000018bcfe5687c0000000a')
  const loaded = new TimeIndex(100, index.bytesFrom(0))
  assert.deepEqual([loaded.lastTimestamp, loaded.lastOffset], [1_700_000_000_124, 110])
  assert.deepEqual([new TimeIndex(7).lastTimestamp, new TimeIndex(7).lastOffset], [-1, 7])
})

test('a time index finds where to begin to look', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 100_000 }), (gaps, target) => {
      const timestamps = sums(gaps)
      const index = new TimeIndex(50)
      for (const [i, timestamp] of timestamps.entries()) index.maybeAppend(timestamp, 50 + i)
      const found = timestamps.findLastIndex(timestamp => timestamp <= target)
      assert.equal(index.offsetBelow(target), found < 0 ? 50 : 50 + found)
      assert.equal(index.problem(), null)
      index.truncateTo(50 + 3)
      assert.equal(index.entries, Math.min(3, timestamps.length))
    }),
  )
})

test('what was saved and then cut away is known to be behind in the file', () => {
  const index = new OffsetIndex(0)
  for (let i = 1; i <= 5; i++) index.append(i, i)
  assert.equal(index.isUnsaved, true)
  index.savedEntries = 5
  assert.equal(index.isUnsaved, false)
  index.truncateTo(4)
  assert.deepEqual([index.entries, index.savedEntries, index.isUnsaved], [3, 3, true])
})

const transaction = { producerId: 7, firstOffset: 2 ** 40, lastOffset: 2 ** 40 + 5, lastStableOffset: 2 ** 40 + 1 }

test('a transaction index is the bytes of its file', () => {
  const index = new TransactionIndex()
  index.append(transaction)
  const bytes = index.encodeFrom(0)
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '0000' + '0000000000000007' + '0000010000000000' + '0000010000000005' + '0000010000000001',
  )
  // A torn last entry is not there.
  assert.deepEqual(TransactionIndex.decode(Buffer.concat([bytes, bytes.subarray(0, 33)])).entries, [transaction])
  assert.throws(() => index.append(transaction), /by their marker/)
  assert.throws(() => TransactionIndex.decode(Buffer.concat([Buffer.from([0, 1]), bytes.subarray(2)])), /version 1/)
  assert.match(index.problem(2 ** 41)!, /is indexed in segment/)
})

test('a transaction index gives those that touch a range, and says when later segments have none', () => {
  const index = new TransactionIndex()
  const add = (firstOffset: number, lastOffset: number, lastStableOffset: number): void =>
    index.append({ producerId: 1, firstOffset, lastOffset, lastStableOffset })
  add(0, 10, 4)
  add(4, 12, 13)
  add(20, 30, 31)
  const collect = (from: number, to: number): [number[], boolean] => {
    const found: { firstOffset: number }[] = []
    const isComplete = index.collect(from, to, found as never)
    return [found.map(({ firstOffset }) => firstOffset), isComplete]
  }
  assert.deepEqual(collect(0, 4), [[0], true])
  assert.deepEqual(collect(11, 13), [[4], true])
  assert.deepEqual(collect(13, 20), [[], true])
  assert.deepEqual(collect(0, 40), [[0, 4, 20], false])
  index.truncateTo(12)
  assert.deepEqual(collect(0, 40), [[0], false])
})
