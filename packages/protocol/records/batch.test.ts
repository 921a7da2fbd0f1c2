import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../errors.ts'
import {
  addToSequence,
  type BatchHeader,
  batches,
  nextBatch,
  readBatchHeader,
  setBaseOffset,
  setMaxTimestampAndType,
  setPartitionLeaderEpoch,
  verifyBatch,
} from './batch.ts'
import { encodeBatch } from './builder.ts'

const text = (value: string) => new TextEncoder().encode(value)

function batchOf(...values: string[]): Uint8Array {
  return encodeBatch(
    values.map((value, i) => ({ value: text(value), timestamp: 1000 + i })),
    { baseOffset: 7, partitionLeaderEpoch: 3 },
  )
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function code(expected: string): (error: unknown) => boolean {
  return error => error instanceof ProtocolError && error.code === expected
}

test('a header says what the batch was made of', () => {
  const bytes = encodeBatch([{ value: text('v'), timestamp: 5, offset: 12 }], {
    baseOffset: 10,
    codec: 'gzip',
    logAppendTimeMs: 99,
    partitionLeaderEpoch: 4,
    producerId: 2 ** 40,
    producerEpoch: 6,
    baseSequence: 70,
    isTransactional: true,
  })
  const { crc, ...header } = verifyBatch(bytes)
  assert.equal(typeof crc, 'number')
  assert.deepEqual(header, {
    position: 0,
    sizeInBytes: bytes.length,
    baseOffset: 10,
    lastOffset: 12,
    lastOffsetDelta: 2,
    partitionLeaderEpoch: 4,
    magic: 2,
    attributes: 1 + 8 + 16,
    codec: 'gzip',
    timestampType: 'LogAppendTime',
    isTransactional: true,
    isControl: false,
    deleteHorizonMs: null,
    baseTimestamp: 5,
    maxTimestamp: 99,
    producerId: 2 ** 40,
    producerEpoch: 6,
    baseSequence: 70,
    count: 1,
  } satisfies Omit<BatchHeader, 'crc'>)
})

test('several batches are walked in order, and a cut last one is skipped or rejected as asked', () => {
  const whole = joined(batchOf('a'), batchOf('b', 'c'), batchOf('d'))
  assert.deepEqual(
    [...batches(whole)].map(batch => [batch.position, batch.count]),
    [
      [0, 1],
      [batchOf('a').length, 2],
      [batchOf('a').length + batchOf('b', 'c').length, 1],
    ],
  )
  const start = batchOf('a').length + batchOf('b', 'c').length
  for (let cut = start + 1; cut < whole.length; cut++) {
    assert.equal([...batches(whole.subarray(0, cut), 'skip')].length, 2)
    assert.throws(() => [...batches(whole.subarray(0, cut))], code('ERR_TRUNCATED'))
  }
  assert.equal(nextBatch(whole, whole.length), null)
  assert.deepEqual([...batches(new Uint8Array(0))], [])
})

test('offset and leader epoch change without a new checksum, timestamps with one', () => {
  const bytes = joined(batchOf('x'), batchOf('a', 'b'))
  const at = batchOf('x').length
  const { crc } = verifyBatch(bytes, at)
  setBaseOffset(bytes, at, 2 ** 52 + 1)
  setPartitionLeaderEpoch(bytes, at, 0x7fffffff)
  const moved = verifyBatch(bytes, at)
  assert.deepEqual(
    [moved.crc, moved.baseOffset, moved.lastOffset, moved.partitionLeaderEpoch],
    [crc, 2 ** 52 + 1, 2 ** 52 + 2, 0x7fffffff],
  )
  setMaxTimestampAndType(bytes, at, 123_456_789_012, 'LogAppendTime')
  const stamped = verifyBatch(bytes, at)
  assert.deepEqual([stamped.timestampType, stamped.maxTimestamp], ['LogAppendTime', 123_456_789_012])
  assert.notEqual(stamped.crc, crc)
  setMaxTimestampAndType(bytes, at, 1001, 'CreateTime')
  assert.equal(verifyBatch(bytes, at).crc, crc)
})

test('each flipped bit under the checksum is noticed, each elsewhere is harmless or noticed', () => {
  const bytes = batchOf('a', 'b')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const isOutside = bit < 8 * 8 || (bit >= 12 * 8 && bit < 16 * 8)
    if (!isOutside) assert.throws(() => verifyBatch(flipped), ProtocolError)
    else {
      try {
        verifyBatch(flipped)
      } catch (error) {
        // An offset past 2^53.
        assert.ok(code('ERR_MALFORMED')(error))
      }
    }
  }
})

test('a batch cut anywhere is truncated, whatever was cut', () => {
  const bytes = batchOf('a', 'b')
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => verifyBatch(bytes.subarray(0, length)), code('ERR_TRUNCATED'))
  }
  // The header alone is enough to read it.
  assert.equal(readBatchHeader(bytes.subarray(0, 61)).count, 2)
})

test('impossible sizes, magics, offsets and timestamps are errors', () => {
  const poked = (at: number, ...values: number[]) => {
    const bytes = batchOf('a')
    bytes.set(values, at)
    return bytes
  }
  assert.throws(() => readBatchHeader(poked(8, 0, 0, 0, 48)), code('ERR_CORRUPT'))
  assert.throws(() => readBatchHeader(poked(8, 0xff, 0xff, 0xff, 0xff)), code('ERR_CORRUPT'))
  assert.throws(() => readBatchHeader(poked(16, 3)), code('ERR_CORRUPT'))
  assert.throws(() => readBatchHeader(poked(16, 0xff)), code('ERR_CORRUPT'))
  assert.throws(() => readBatchHeader(poked(0, 0x7f)), code('ERR_MALFORMED'))
  assert.throws(() => readBatchHeader(poked(0, 0, 0x20)), code('ERR_MALFORMED'))
  assert.throws(() => readBatchHeader(poked(27, 0x80)), code('ERR_MALFORMED'))
  assert.throws(() => readBatchHeader(poked(35, 0x01)), code('ERR_MALFORMED'))
  assert.throws(() => readBatchHeader(poked(43, 0x01)), code('ERR_MALFORMED'))
  assert.throws(() => readBatchHeader(poked(22, 7)), code('ERR_MALFORMED'))
  assert.throws(() => nextBatch(poked(16, 3), 0), code('ERR_CORRUPT'))
})

test('sequences go on from 2^31 - 1 at 0', () => {
  assert.equal(addToSequence(5, 3), 8)
  assert.equal(addToSequence(0x7fffffff, 0), 0x7fffffff)
  assert.equal(addToSequence(0x7fffffff, 1), 0)
  assert.equal(addToSequence(0x7ffffffe, 5), 3)
})

test('no bytes make a header reader do anything but answer or throw a coded error', () => {
  const header = fc.uint8Array({ minLength: 0, maxLength: 120 })
  fc.assert(
    fc.property(header, fc.constantFrom(0, 1, 2, null), (bytes, magic) => {
      if (magic !== null && bytes.length > 16) bytes[16] = magic
      for (const read of [() => verifyBatch(bytes), () => readBatchHeader(bytes), () => [...batches(bytes, 'skip')]]) {
        try {
          read()
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
        }
      }
    }),
    { numRuns: 2000 },
  )
})
