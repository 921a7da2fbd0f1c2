import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODECS } from '../compression/index.ts'
import { verifyBatch } from './batch.ts'
import { encodeBatch, type RecordInput } from './builder.ts'
import { decodeRecords, type KafkaRecord, type RecordHeader } from './record.ts'

const optionalBytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })

const anyRecord: fc.Arbitrary<RecordInput> = fc.record({
  key: optionalBytes,
  value: optionalBytes,
  timestamp: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 45 }), fc.maxSafeNat()),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value: optionalBytes }), { maxLength: 4 }),
})

/** For comparing: views and Buffers are equal if their bytes are. */
function plain(record: KafkaRecord | RecordInput): unknown {
  const list = (bytes: Uint8Array | null | undefined) => (bytes == null ? null : [...bytes])
  const headers = (record.headers ?? []).map((h: RecordHeader) => [h.key, list(h.value)])
  return [record.offset, record.timestamp, list(record.key), list(record.value), headers]
}

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
