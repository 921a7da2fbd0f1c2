/**
 * Batches that Apache Kafka's own classes wrote (fixtures/records/RecordFixtures.java), against what Kafka reads in them.
 * `stream-lz4-linked.bin` alone is the lz4 command's: `lz4 -B4 -BD -BX --content-size`, which no Java writes.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Codec, decompress } from '../compression/index.ts'
import { ProtocolError } from '../errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, batches, lastSequence, readBatchHeader, verifyBatch } from './batch.ts'
import { BatchBuilder, encodeBatch, recompressBatch } from './builder.ts'
import { setInt32 } from './bytes.ts'
import { decodeControlRecord, encodeEndTxnMarker, encodeQuorumControl } from './control.ts'
import type { KafkaRecord } from './kafka-record.ts'
import { decodeRecords, RecordCursor } from './record.ts'

type Row = [number, number, number, string | null, string | null, (string | null)[]]
type Expected = Omit<BatchHeader, 'count'> & { lastSequence: number; count: number | null; records: Row[] }

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'records')
const expected: Record<string, Expected[] | string> = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8'))
const batchCases = Object.entries(expected).filter((entry): entry is [string, Expected[]] => Array.isArray(entry[1]))
const streamCases = Object.entries(expected).filter((entry): entry is [string, string] => !Array.isArray(entry[1]))
streamCases.push(['stream-lz4-linked', expected['stream-snappy-bare'] as string])

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, `${name}.bin`)))
}

/** As in RecordFixtures.java. */
function content(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  if (bytes.length <= 32) return Buffer.from(bytes).toString('hex')
  return `${bytes.length}:${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}

function row(record: KafkaRecord): (string | number | null | (string | null)[])[] {
  const headers = record.headers.flatMap(header => [header.key, content(header.value)])
  return [record.offset, record.timestamp, content(record.key), content(record.value), headers]
}

function withoutSize([offset, timestamp, , ...rest]: Row): unknown[] {
  return [offset, timestamp, ...rest]
}

test('every file in the folder is looked at', () => {
  const files = readdirSync(FOLDER).filter(name => name.endsWith('.bin'))
  assert.deepEqual(files.sort(), [...batchCases, ...streamCases].map(([name]) => `${name}.bin`).sort())
})

for (const [name, expectedBatches] of batchCases) {
  test(`${name} is read as Kafka reads it`, () => {
    const bytes = fixture(name)
    const read = [...batches(bytes)].map(({ position }) => verifyBatch(bytes, position))
    assert.equal(read.length, expectedBatches.length)
    for (const [i, batch] of read.entries()) {
      const { records, count, lastSequence: last, ...header } = expectedBatches[i]!
      assert.deepEqual(decodeRecords(bytes, batch).map(row), records.map(withoutSize))
      assert.equal(lastSequence(batch), last)
      if (batch.magic === 2) {
        assert.equal(batch.count, count)
        const cursor = new RecordCursor(bytes, batch)
        for (const [, , size] of records) assert.ok(cursor.next() && cursor.sizeInBytes === size)
        assert.equal(cursor.next(), false)
      } else {
        // Kafka decompresses for these two.
        header.baseOffset = batch.baseOffset
        if (batch.magic === 0) header.timestampType = 'CreateTime'
      }
      assert.deepEqual(pick(batch, Object.keys(header)), header)
    }
  })
}

function pick(object: object, keys: readonly string[]): object {
  return Object.fromEntries(keys.map(key => [key, (object as Record<string, unknown>)[key]]))
}

test('uncompressed batches are written byte for byte as Kafka writes them', () => {
  const seen: string[] = []
  for (const [name] of batchCases) {
    const bytes = fixture(name)
    const [batch, ...more] = batches(bytes)
    if (batch!.magic < 2 || batch!.codec !== 'none' || more.length > 0) continue
    // Under LogAppendTime the timestamps that the producer gave are still in the records, but nobody reads them.
    const isAppendTime = batch!.timestampType === 'LogAppendTime'
    const source = isAppendTime ? fixture(name.replace('append', 'create')) : bytes
    const records = decodeRecords(source, readBatchHeader(source))
    const { baseOffset, lastOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch!
    const { isTransactional, isControl, maxTimestamp } = batch!
    const options = { baseOffset, lastOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence }
    const written = encodeBatch(records, {
      ...options,
      isTransactional,
      isControl,
      deleteHorizonMs: batch!.deleteHorizonMs,
      ...(records.length === 0 && { maxTimestamp }),
      ...(isAppendTime && { logAppendTimeMs: maxTimestamp }),
    })
    assert.deepEqual(new Uint8Array(written), bytes, name)
    const copied = new BatchBuilder({ baseOffset, deleteHorizonMs: batch!.deleteHorizonMs })
    for (const cursor = new RecordCursor(bytes, batch!); cursor.next(); ) copied.copy(cursor)
    const copy = copied.build({ ...options, isTransactional, isControl, ...(records.length === 0 && { maxTimestamp }) })
    if (!isAppendTime) assert.deepEqual(new Uint8Array(copy), bytes, name)
    seen.push(name)
  }
  assert.equal(seen.length, 16, seen.join(' '))
})

test("recompressed batches hold the same payload, and uncompressed ones become Kafka's bytes again", () => {
  const plain = fixture('v2-none-append-time')
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const there = recompressBatch(plain, verifyBatch(plain), { codec })
    assert.equal(verifyBatch(there).codec, codec)
    const back = recompressBatch(there, verifyBatch(there), { codec: 'none' })
    assert.deepEqual(new Uint8Array(back), plain)
    const java = fixture(`v2-${codec}-append-time`)
    assert.deepEqual(new Uint8Array(recompressBatch(java, verifyBatch(java), { codec: 'none' })), plain)
  }
})

test('control records are read and written as Kafka does', () => {
  const read = (name: string) => {
    const bytes = fixture(name)
    const batch = verifyBatch(bytes)
    return { bytes, batch, record: decodeControlRecord(decodeRecords(bytes, batch)[0]!) }
  }
  for (const result of ['ABORT', 'COMMIT'] as const) {
    const { bytes, batch, record } = read(`control-${result.toLowerCase()}`)
    assert.deepEqual(record, { type: result, coordinatorEpoch: 55 })
    const { baseOffset, maxTimestamp: timestamp, partitionLeaderEpoch, producerId, producerEpoch } = batch
    const options = { baseOffset, timestamp, partitionLeaderEpoch, producerId, producerEpoch, coordinatorEpoch: 55 }
    assert.deepEqual(new Uint8Array(encodeEndTxnMarker(result, options)), bytes)
  }
  const expectedMessages = {
    'leader-change': {
      version: 0,
      leaderId: 2,
      voters: [1, 2].map(voterId => ({ voterId, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
      grantingVoters: [{ voterId: 2, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    },
    'snapshot-header': { version: 0, lastContainedLogTimestamp: 1_699_999_999_999 },
    'snapshot-footer': { version: 0 },
    'kraft-version': { version: 0, kRaftVersion: 1 },
    voters: {
      version: 0,
      voters: [
        {
          voterId: 3000,
          voterDirectoryId: 'JsnH30x3TaCVAUoC0Z0aSA',
          endpoints: [{ name: 'CONTROLLER', host: 'controller-1.example', port: 65535 }],
          kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
        },
      ],
    },
  }
  for (const [name, message] of Object.entries(expectedMessages)) {
    const { bytes, batch, record } = read(`control-${name}`)
    assert.ok('message' in record)
    assert.deepEqual(record.message, message, name)
    const { baseOffset, maxTimestamp: timestamp, partitionLeaderEpoch } = batch
    const written = encodeQuorumControl([record], { baseOffset, timestamp, partitionLeaderEpoch })
    assert.deepEqual(new Uint8Array(written), bytes, name)
  }
})

for (const [name, digest] of streamCases) {
  test(`${name} is decompressed`, () => {
    const codec = name.split('-')[1] as Codec
    const bytes = fixture(name)
    assert.equal(content(decompress(codec, bytes, 300_000)), digest)
    const length = Number(digest.split(':')[0])
    assert.throws(() => decompress(codec, bytes, length - 1), hasCode('ERR_TOO_LARGE'))
  })
}

function hasCode(code: string): (error: unknown) => boolean {
  return error => error instanceof ProtocolError && error.code === code
}

test('a compressed batch past the bound is an error, at the bound it is not', () => {
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const bytes = fixture(`v2-${codec}-large`)
    const payload = fixture('v2-none-large').length - BATCH_HEADER_BYTES
    const batch = verifyBatch(bytes)
    assert.equal(decodeRecords(bytes, batch, { maxDecompressedBytes: payload }).length, 3)
    for (const maxDecompressedBytes of [payload - 1, 70_000, 1, 0]) {
      assert.throws(() => decodeRecords(bytes, batch, { maxDecompressedBytes }), hasCode('ERR_TOO_LARGE'), codec)
    }
  }
})

/** Calls `attempt`; a ProtocolError is as good as a result. */
function tolerated(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String((error as Error).stack))
    return false
  }
}

const SMALL = ['v2-none-create-time', 'v2-several', 'control-voters', 'v2-compacted', 'v2-delete-horizon', 'v2-empty']
const COMPRESSED = ['gzip', 'snappy', 'lz4', 'zstd'].flatMap(codec => [
  `v2-${codec}-create-time`,
  `v1-${codec}-append-time`,
])
const LEGACY = ['v0-none', 'v0-lz4', 'v1-none-append-time', 'v1-gzip-offset-zero']
const TAMPERED = [...SMALL, ...COMPRESSED, ...LEGACY].filter(name => name in expected)

test('batches whose records were cut off anywhere are errors, checksum or not', () => {
  for (const name of TAMPERED) {
    const bytes = fixture(name)
    const { sizeInBytes } = readBatchHeader(bytes)
    for (let length = sizeInBytes - 1; length > BATCH_HEADER_BYTES; length -= 1) {
      const cut = bytes.slice(0, length)
      assert.throws(() => verifyBatch(cut), hasCode('ERR_TRUNCATED'))
      setInt32(cut, 8, length - 12)
      assert.ok(!tolerated(() => decodeRecords(cut, readBatchHeader(cut))), `${name} cut to ${length}`)
    }
  }
})

test('any bit may flip: the answer is records or a coded error', () => {
  let read = 0
  for (const name of TAMPERED) {
    const bytes = fixture(name)
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      assert.ok(!tolerated(() => verifyBatch(flipped)) || bit < 128 || bit >= readBatchHeader(bytes).sizeInBytes * 8)
      if (tolerated(() => [...batches(flipped, 'skip')].map(batch => decodeRecords(flipped, batch)))) read++
    }
  }
  assert.ok(read > 1000)
})
