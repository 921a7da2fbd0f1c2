import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compress } from '../compression/index.ts'
import { crc32 } from '../crc32c.ts'
import { ProtocolError } from '../errors.ts'
import { setMaxTimestampAndType, setPartitionLeaderEpoch, verifyBatch } from './batch.ts'
import { setInt32, setInt64 } from './bytes.ts'
import { decodeRecords, RecordCursor } from './record.ts'

interface Message {
  offset?: number
  magic?: 0 | 1 | 2
  attributes?: number
  timestamp?: number
  key?: Uint8Array | null
  value?: Uint8Array | null
  /** What the length of the value says, if not the truth. */
  valueLength?: number
}

/** A message of magic 0 or 1 by hand: nothing of ours writes them. */
function message({ offset = 0, magic = 1, attributes = 0, timestamp = 0, key = null, value = null, ...lie }: Message) {
  const keyAt = magic === 0 ? 18 : 26
  const bytes = new Uint8Array(keyAt + 8 + (key?.length ?? 0) + (value?.length ?? 0))
  setInt64(bytes, 0, offset)
  setInt32(bytes, 8, bytes.length - 12)
  bytes[16] = magic
  bytes[17] = attributes
  if (magic > 0) setInt64(bytes, 18, timestamp)
  setInt32(bytes, keyAt, key?.length ?? -1)
  if (key) bytes.set(key, keyAt + 4)
  const valueAt = keyAt + 4 + (key?.length ?? 0)
  setInt32(bytes, valueAt, lie.valueLength ?? value?.length ?? -1)
  if (value) bytes.set(value, valueAt + 4)
  setInt32(bytes, 12, crc32(bytes, 16))
  return bytes
}

function wrapped(wrapper: Message, ...inner: Uint8Array[]): Uint8Array {
  return message({
    ...wrapper,
    attributes: 1 | (wrapper.attributes ?? 0),
    value: compress('gzip', Buffer.concat(inner)),
  })
}

function decodeAll(bytes: Uint8Array) {
  return decodeRecords(bytes, verifyBatch(bytes)).map(({ offset, timestamp, value }) => [
    offset,
    timestamp,
    value?.length,
  ])
}

function malformed(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'ERR_MALFORMED'
}

const inner = (offset: number, magic: 0 | 1 = 1) =>
  message({ offset, magic, timestamp: 100 + offset, value: new Uint8Array(offset) })

test("offsets inside a set count from the wrapper's in magic 1, gaps and all, and stand for themselves in magic 0", () => {
  assert.deepEqual(decodeAll(wrapped({ offset: 1003, timestamp: 1 }, inner(0), inner(3))), [
    [1000, 100, 0],
    [1003, 103, 3],
  ])
  assert.deepEqual(decodeAll(wrapped({ offset: 0 }, inner(0), inner(1))), [
    [0, 100, 0],
    [1, 101, 1],
  ])
  assert.deepEqual(decodeAll(wrapped({ offset: 77, attributes: 8, timestamp: 9 }, inner(0))), [[77, 9, 0]])
  assert.deepEqual(decodeAll(wrapped({ offset: 500, magic: 0 }, inner(498, 0), inner(500, 0))), [
    [498, -1, 498],
    [500, -1, 500],
  ])
})

test('a set that ends in half a message is read without it, as Kafka does', () => {
  assert.deepEqual(decodeAll(wrapped({ offset: 10 }, inner(0), inner(1).subarray(0, 20))), [[10, 100, 0]])
})

test("sets that can't be are errors", () => {
  assert.throws(() => decodeAll(message({ attributes: 1 })), malformed, 'no value')
  assert.throws(() => decodeAll(wrapped({ offset: 1 })), malformed, 'nothing inside')
  assert.throws(() => decodeAll(wrapped({ offset: 1 }, inner(0), inner(2))), malformed, 'ends before it begins')
  assert.throws(() => decodeAll(wrapped({ offset: 1 }, wrapped({ offset: 0 }, inner(0)))), malformed, 'a set in a set')
  assert.throws(() => decodeAll(message({ attributes: 4, value: new Uint8Array(9) })), malformed, 'zstd')
  assert.throws(() => decodeAll(message({ valueLength: 1 })), malformed, 'a value past the end')
  assert.throws(() => decodeAll(message({ valueLength: 0x7fffffff })), malformed, 'a value of 2 GiB')
  const longKey = message({ value: new Uint8Array(3) })
  setInt32(longKey, 26, 0x7fffffff)
  setInt32(longKey, 12, crc32(longKey, 16))
  assert.throws(() => decodeAll(longKey), malformed, 'a key of 2 GiB')
})

test('nothing but reading is offered for old messages', () => {
  const bytes = message({ value: new Uint8Array(1) })
  for (const change of [
    () => setPartitionLeaderEpoch(bytes, 0, 1),
    () => setMaxTimestampAndType(bytes, 0, 1, 'CreateTime'),
    () => new RecordCursor(bytes, verifyBatch(bytes)),
  ]) {
    assert.throws(change, { code: 'ERR_UNSUPPORTED_VERSION' })
  }
})
