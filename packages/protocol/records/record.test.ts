import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODECS } from '../compression/index.ts'
import { ProtocolError } from '../errors.ts'
import { BATCH_HEADER_BYTES, verifyBatch, writeBatchHeader } from './batch.ts'
import { BatchBuilder, encodeBatch, type RecordInput, recompressBatch } from './builder.ts'
import { setVarint, setVarlong, varintLength, varlongLength } from './bytes.ts'
import type { KafkaRecord, RecordHeader } from './kafka-record.ts'
import { decodeRecords, RecordCursor } from './record.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

const optionalBytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })

const anyRecord: fc.Arbitrary<RecordInput> = fc.record({
  key: optionalBytes,
  value: optionalBytes,
  timestamp: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 45 }), fc.maxSafeNat()),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary', maxLength: 40 }), value: optionalBytes }), {
    maxLength: 4,
  }),
})

/** For comparing: views and Buffers are equal if their bytes are. */
function plain(record: KafkaRecord | RecordInput): unknown {
  const list = (bytes: Uint8Array | null | undefined) => (bytes == null ? null : [...bytes])
  const headers = (record.headers ?? []).map((h: RecordHeader) => [h.key, list(h.value)])
  return [record.offset, record.timestamp, list(record.key), list(record.value), headers]
}

function code(...expected: string[]): (error: unknown) => boolean {
  return error => error instanceof ProtocolError && expected.includes(error.code)
}

/** A batch around records made by hand, checksum and all. */
function batchAround(
  payload: readonly number[],
  count: number,
  header: { attributes?: number; baseTimestamp?: number } = {},
) {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length)
  bytes.set(payload, BATCH_HEADER_BYTES)
  writeBatchHeader(bytes, 0, {
    baseOffset: 0,
    sizeInBytes: bytes.length,
    partitionLeaderEpoch: 0,
    attributes: header.attributes ?? 0,
    lastOffsetDelta: Math.max(0, count - 1),
    baseTimestamp: header.baseTimestamp ?? 0,
    maxTimestamp: 0,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    count,
  })
  return bytes
}

function decodeAll(bytes: Uint8Array): KafkaRecord[] {
  return decodeRecords(bytes, verifyBatch(bytes))
}

/** length 6, attributes, two deltas, null key, null value, no headers */
const SMALLEST = [12, 0, 0, 0, 1, 1, 0]

test('any records survive being written and read, in every codec', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...CODECS),
      fc.integer({ min: 0, max: 2 ** 50 }),
      (records, codec, baseOffset) => {
        const batch = encodeBatch(records, { codec, baseOffset })
        const header = verifyBatch(batch)
        assert.equal(header.maxTimestamp, Math.max(...records.map(({ timestamp }) => timestamp!)))
        assert.deepEqual(
          decodeRecords(batch, header).map(plain),
          records.map((record, i) => plain({ ...record, offset: baseOffset + i })),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('a builder knows what each record will add, and a copy of its records is the same batch', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyRecord, fc.nat(1000)), { minLength: 1, maxLength: 10 }),
      fc.option(fc.maxSafeNat(), { nil: null }),
      (rows, deleteHorizonMs) => {
        const options = { baseOffset: 50, deleteHorizonMs, initialBytes: 10 }
        const builder = new BatchBuilder(options)
        let offset = 49
        for (const [record, gap] of rows) {
          offset += 1 + gap
          const expected = builder.sizeWith({ ...record, offset })
          builder.append({ ...record, offset })
          assert.equal(builder.sizeInBytes, expected)
        }
        const lastOffset = offset + 7
        const batch = builder.build({ lastOffset })
        assert.equal(batch.length, builder.sizeInBytes)
        const header = verifyBatch(batch)
        assert.deepEqual(
          [header.count, header.lastOffset, header.deleteHorizonMs],
          [rows.length, lastOffset, deleteHorizonMs],
        )
        const copy = new BatchBuilder(options)
        for (const cursor = new RecordCursor(batch, header); cursor.next(); ) copy.copy(cursor)
        assert.deepEqual(copy.build({ lastOffset }), batch)
      },
    ),
  )
})

test('the cursor shows where things are, and under LogAppendTime one time for all', () => {
  const rows = [
    { key: utf8('k'), value: utf8('value'), timestamp: 100, headers: [{ key: 'h', value: null }] },
    { key: null, value: null, timestamp: 90 },
  ]
  const batch = encodeBatch(rows, { baseOffset: 9, logAppendTimeMs: 5000 })
  const cursor = new RecordCursor(batch, verifyBatch(batch))
  assert.ok(cursor.next())
  assert.deepEqual(
    [cursor.index, cursor.offset, cursor.offsetDelta, cursor.timestamp, cursor.timestampDelta, cursor.headerCount],
    [0, 9, 0, 5000, 0, 1],
  )
  assert.deepEqual([cursor.key, cursor.value, cursor.keyLength, cursor.valueLength], [utf8('k'), utf8('value'), 1, 5])
  assert.ok(cursor.next())
  assert.deepEqual([cursor.index, cursor.offset, cursor.timestamp, cursor.timestampDelta], [1, 10, 5000, -10])
  assert.deepEqual([cursor.key, cursor.value, cursor.keyLength, cursor.valueLength], [null, null, -1, -1])
  assert.equal(cursor.next(), false)
  assert.equal(cursor.next(), false)
})

test("records that can't be are errors", () => {
  const broken: Record<string, number[]> = {
    nothing: [],
    'a length past the end': [14, 0, 0, 0, 1, 1, 0],
    'a length that is too short': [10, 0, 0, 0, 1, 1, 0],
    'a negative length': [11, 0, 0, 0, 1, 1, 0],
    'a byte too many in the record': [14, 0, 0, 0, 1, 1, 0, 0],
    'a byte after the last record': [...SMALLEST, 0],
    'a length of six bytes': [0x8c, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 1, 1, 0],
    'a timestamp of eleven bytes': [36, 0, ...new Array(10).fill(0x80), 0, 0, 1, 1, 0],
    'a timestamp past 2^53': [28, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0, 1, 1, 0, 0],
    'a key past the end': [12, 0, 0, 0, 80, 1, 0],
    'a key that takes all': [12, 0, 0, 0, 4, 1, 0],
    'a key of 2 GiB': [20, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0],
    'a value past the end': [12, 0, 0, 0, 1, 80, 0],
    'a value of 2 GiB': [20, 0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0],
    'a million headers': [16, 0, 0, 0, 1, 1, 0x80, 0x89, 0x7a],
    'fewer than no headers': [12, 0, 0, 0, 1, 1, 1],
    'a header without a key': [16, 0, 0, 0, 1, 1, 2, 1, 1],
    'a header key past the end': [16, 0, 0, 0, 1, 1, 2, 20, 1],
    'a header value past the end': [16, 0, 0, 0, 1, 1, 2, 0, 20],
    'a header less than said': [16, 0, 0, 0, 1, 1, 4, 0, 1],
  }
  assert.equal(decodeAll(batchAround(SMALLEST, 1)).length, 1)
  for (const [what, payload] of Object.entries(broken)) {
    assert.throws(() => decodeAll(batchAround(payload, 1)), code('ERR_MALFORMED'), what)
    assert.throws(() => decodeAll(batchAround([...SMALLEST, ...payload], 2)), code('ERR_MALFORMED'), what)
  }
  for (const count of [2, 1000, 0x7fffffff]) {
    assert.throws(() => decodeAll(batchAround(SMALLEST, count)), code('ERR_MALFORMED'), `${count}`)
  }
})

test('offsets and timestamps past 2^53 are errors, not other numbers', () => {
  const delta = (value: number) => {
    const bytes = new Uint8Array(10)
    return [...bytes.subarray(0, setVarlong(bytes, 0, value))]
  }
  const record = (timestampDelta: number) => {
    const body = [0, ...delta(timestampDelta), 0, 1, 1, 0]
    return [...delta(body.length), ...body]
  }
  const max = Number.MAX_SAFE_INTEGER
  const read = (baseTimestamp: number, timestampDelta: number) =>
    decodeAll(batchAround(record(timestampDelta), 1, { baseTimestamp }))[0]!.timestamp
  assert.equal(read(0, max), max)
  assert.equal(read(-1, 2 ** 53), max)
  assert.equal(read(max, -(2 ** 53)), -1)
  assert.equal(read(0, -max), -max)
  assert.throws(() => read(1, max), code('ERR_MALFORMED'))
  assert.throws(() => read(-1, -max), code('ERR_MALFORMED'))
  assert.throws(() => read(0, 2 ** 53), code('ERR_MALFORMED'))
})

test('varints of any safe integer are as long as they say', () => {
  const edges = [0, 1, 6, 13, 20, 27, 31, 32, 34, 41, 48, 52].flatMap(bits => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
  const values = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...edges, ...edges.map(edge => -edge)))
  fc.assert(
    fc.property(values, value => {
      const bytes = new Uint8Array(10)
      const end = setVarlong(bytes, 0, value)
      assert.equal(end, varlongLength(value))
      let raw = 0n
      for (let i = 0; i < end; i++) raw |= BigInt(bytes[i]! & 0x7f) << BigInt(7 * i)
      assert.equal((raw >> 1n) ^ -(raw & 1n), BigInt(value))
      if (value === value << 0) {
        assert.equal(varintLength(value), end)
        assert.equal(setVarint(new Uint8Array(5), 0, value), end)
      }
    }),
    { numRuns: 1000 },
  )
})

test('a builder refuses what no batch can hold', () => {
  const builder = new BatchBuilder({ baseOffset: 10 })
  builder.append({ value: utf8('a'), offset: 12 })
  for (const offset of [12, 11, 0, 10 + 2 ** 31, 12.5, Number.NaN]) {
    assert.throws(() => builder.append({ offset }), RangeError, `${offset}`)
  }
  for (const timestamp of [-2, 1.5, 2 ** 53, Number.NaN]) assert.throws(() => builder.append({ timestamp }), RangeError)
  assert.throws(() => builder.build({ lastOffset: 11 }), RangeError)
  assert.throws(() => builder.build({ isTransactional: true }), RangeError)
  assert.throws(() => new BatchBuilder().build(), RangeError)
  assert.equal(builder.count, 1)
  const batch = verifyBatch(builder.build({ codec: 'lz4', producerId: 7, producerEpoch: 0, baseSequence: 3 }))
  assert.deepEqual([batch.count, batch.codec, batch.producerId, batch.lastOffset], [1, 'lz4', 7, 12])
})

test('a batch built again has the new header', () => {
  const builder = new BatchBuilder()
  for (let i = 0; i < 100; i++) builder.append({ value: utf8(`value ${i}`), timestamp: i })
  for (const codec of CODECS) {
    for (const baseSequence of [0, 500]) {
      const batch = builder.build({ codec, producerId: 1, producerEpoch: 2, baseSequence })
      assert.equal(verifyBatch(batch).baseSequence, baseSequence)
      assert.equal(decodeAll(batch).length, 100)
    }
  }
})

test('copies of records that a peer got wrong are coded errors', () => {
  const backwards = batchAround([...SMALLEST, 12, 0, 0, 0, 1, 1, 0], 2)
  const cursor = new RecordCursor(backwards, verifyBatch(backwards))
  const builder = new BatchBuilder()
  assert.ok(cursor.next())
  builder.copy(cursor)
  assert.ok(cursor.next())
  assert.throws(() => builder.copy(cursor), code('ERR_MALFORMED'))
})

test('an empty batch stays as it is, whatever its codec says', () => {
  const empty = batchAround([], 0, { attributes: 4 })
  assert.deepEqual(decodeAll(empty), [])
  assert.deepEqual(recompressBatch(empty, verifyBatch(empty), { codec: 'gzip' }), empty)
})
