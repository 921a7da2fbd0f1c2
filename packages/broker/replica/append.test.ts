import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type BatchOptions,
  type BuilderOptions,
  type Codec,
  crc32c,
  decodeRecords,
  encodeBatch,
  errorName,
  nextBatch,
  type RecordInput,
  verifyBatch,
} from '@ottla/protocol'
import { errorCodeOf } from '../errors.ts'
import { appendToLeader, InvalidRecordsError, isTransactionalBatch, theOnlyBatch } from './append.ts'
import type { Partition, PartitionAssignment } from './partition.ts'
import { assigned, LEADER_EPOCH, openReplicas, type Replicas } from './testing/replicas.ts'

const LATEST_VERSION = 13
const HOUR_MS = 3_600_000

interface Sent {
  readonly overrides?: Readonly<Record<string, string>>
  readonly acks?: number
  readonly version?: number
}

function send(replicas: Replicas, partition: Partition, bytes: Uint8Array | null, sent: Sent = {}) {
  const config = replicas.config(sent.overrides)
  const { acks = -1, version = LATEST_VERSION } = sent
  const only = theOnlyBatch(bytes, partition.name, version)
  return appendToLeader(partition, only, acks, config, replicas.world.clock.now())
}

function batch(
  replicas: Replicas,
  records: readonly RecordInput[] = [{ value: Buffer.from('x') }],
  options: BatchOptions & BuilderOptions = {},
): Uint8Array {
  const timestamp = replicas.world.clock.now()
  return encodeBatch(
    records.map(record => ({ timestamp, ...record })),
    options,
  )
}

/** Bytes changed after the checksum was made, and the checksum made anew unless the change is before it. */
function changed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(bytes)
  change(new DataView(copy.buffer))
  return copy
}

/** Changed, with a checksum that holds. */
function resealed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  return changed(bytes, view => {
    change(view)
    view.setUint32(17, crc32c(new Uint8Array(view.buffer), ATTRIBUTES_AT))
  })
}

async function readBack(partition: Partition): Promise<Uint8Array> {
  const { chunks } = await partition.log!.read(0, { maxBytes: 1 << 20, minOneBatch: true })
  return Buffer.concat(chunks as Uint8Array[])
}

const MANY = Array.from({ length: 20 }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.alloc(200, 97) }))

test('what is appended is what is read, with offset and epoch written in', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const first = send(replicas, partition, batch(replicas, MANY))
  const second = send(replicas, partition, batch(replicas))
  assert.deepEqual([first.firstOffset, second.firstOffset], [0, 20])
  assert.equal(first.logAppendTimeMs, -1)
  assert.equal(first.logStartOffset, 0)
  await Promise.all([first.acknowledged, second.acknowledged])
  assert.equal(partition.highWatermark, 21)
  const bytes = await readBack(partition)
  const header = verifyBatch(bytes)
  assert.equal(header.partitionLeaderEpoch, LEADER_EPOCH)
  assert.deepEqual(
    decodeRecords(bytes, header).map(({ key }) => String(Buffer.from(key!))),
    MANY.map(({ key }) => String(key)),
  )
  assert.equal(nextBatch(bytes, header.sizeInBytes)!.baseOffset, 20)
})

// ------------------------------------------------------------------------------------------------------- rejections

interface Rejection extends Sent {
  readonly code: string
  readonly assignment?: Partial<PartitionAssignment>
  bytes(replicas: Replicas): Uint8Array | null
}

const COUNT_AT = 57
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21

const REJECTIONS: Record<string, Rejection> = {
  'no records': { code: 'INVALID_RECORD', bytes: () => null },
  'an empty set of records': { code: 'INVALID_RECORD', bytes: () => new Uint8Array(0) },
  'two batches': {
    code: 'INVALID_RECORD',
    bytes: replicas => Buffer.concat([batch(replicas), batch(replicas)]),
  },
  'magic 1': {
    code: 'INVALID_RECORD',
    bytes: replicas => changed(batch(replicas), view => view.setInt8(MAGIC_AT, 1)),
  },
  'a flipped bit': {
    code: 'CORRUPT_MESSAGE',
    bytes: replicas => changed(batch(replicas), view => view.setUint8(65, view.getUint8(65) ^ 1)),
  },
  'half a batch': { code: 'INVALID_RECORD', bytes: replicas => batch(replicas).subarray(0, -3) },
  'a batch over max.message.bytes': {
    code: 'MESSAGE_TOO_LARGE',
    overrides: { 'max.message.bytes': '1000' },
    bytes: replicas => batch(replicas, MANY),
  },
  'zstd before version 7': {
    code: 'UNSUPPORTED_COMPRESSION_TYPE',
    version: 6,
    bytes: replicas => batch(replicas, MANY, { codec: 'zstd' }),
  },
  'a base offset other than 0': {
    code: 'INVALID_RECORD',
    bytes: replicas => batch(replicas, undefined, { baseOffset: 5 }),
  },
  'an offset range wider than the count': {
    code: 'INVALID_RECORD',
    bytes: replicas => batch(replicas, undefined, { lastOffset: 3 }),
  },
  'a batch without records': {
    code: 'INVALID_RECORD',
    bytes: replicas => batch(replicas, [], { lastOffset: 0 }),
  },
  'a control batch': {
    code: 'INVALID_RECORD',
    bytes: replicas =>
      batch(replicas, undefined, { isControl: true, isTransactional: true, producerId: 1, producerEpoch: 0 }),
  },
  'a producer id without a sequence': {
    code: 'INVALID_RECORD',
    bytes: replicas => batch(replicas, undefined, { producerId: 1, producerEpoch: 0, baseSequence: -1 }),
  },
  'a transaction that is not open': {
    code: 'INVALID_TXN_STATE',
    bytes: replicas =>
      batch(replicas, undefined, { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
  },
  'a timestamp too far ahead': {
    code: 'INVALID_TIMESTAMP',
    bytes: replicas => batch(replicas, [{ timestamp: replicas.world.clock.now() + 2 * HOUR_MS }]),
  },
  'a timestamp too long ago': {
    code: 'INVALID_TIMESTAMP',
    overrides: { 'message.timestamp.before.max.ms': '1000' },
    bytes: replicas => batch(replicas, [{ timestamp: replicas.world.clock.now() - 1001 }]),
  },
  'LogAppendTime set by the producer, and no time': {
    code: 'INVALID_TIMESTAMP',
    bytes: replicas => batch(replicas, undefined, { logAppendTimeMs: -1 }),
  },
  'LogAppendTime set by the producer, too far ahead': {
    code: 'INVALID_TIMESTAMP',
    bytes: replicas => batch(replicas, undefined, { logAppendTimeMs: replicas.world.clock.now() + 2 * HOUR_MS }),
  },
  'a codec that nobody knows': {
    code: 'UNSUPPORTED_COMPRESSION_TYPE',
    bytes: replicas => resealed(batch(replicas), view => view.setInt16(ATTRIBUTES_AT, 5)),
  },
  'what is no gzip': {
    code: 'INVALID_RECORD',
    bytes: replicas => resealed(batch(replicas), view => view.setInt16(ATTRIBUTES_AT, 1)),
  },
  'a base offset that is no safe number': {
    code: 'INVALID_RECORD',
    bytes: replicas => changed(batch(replicas), view => view.setBigInt64(0, 2n ** 62n)),
  },
  'LogAppendTime set by the producer, where the broker sets it': {
    code: 'INVALID_TIMESTAMP',
    overrides: { 'message.timestamp.type': 'LogAppendTime' },
    bytes: replicas => batch(replicas, undefined, { logAppendTimeMs: replicas.world.clock.now() }),
  },
  'no key on a compacted topic': {
    code: 'INVALID_RECORD',
    overrides: { 'cleanup.policy': 'compact' },
    bytes: replicas => batch(replicas),
  },
  'no key on a topic that is compacted and deleted': {
    code: 'INVALID_RECORD',
    overrides: { 'cleanup.policy': 'compact,delete' },
    bytes: replicas => batch(replicas),
  },
  'too few in-sync replicas': {
    code: 'NOT_ENOUGH_REPLICAS',
    overrides: { 'min.insync.replicas': '2' },
    assignment: { replicas: [1, 2], isr: [1] },
    bytes: replicas => batch(replicas),
  },
}

for (const [what, { code, bytes, assignment, ...sent }] of Object.entries(REJECTIONS)) {
  test(`${what}: ${code}, and nothing is appended`, async () => {
    const replicas = await openReplicas()
    const partition = await replicas.partition(assignment)
    const good = send(replicas, partition, batch(replicas, [{ key: Buffer.from('k') }]), { acks: 1 })
    await good.acknowledged
    assert.throws(
      () => send(replicas, partition, bytes(replicas), sent),
      error => errorName(errorCodeOf(error)) === code,
    )
    assert.equal(partition.log!.logEndOffset, 1)
    const next = send(replicas, partition, batch(replicas))
    assert.equal(next.firstOffset, 1)
  })
}

test('half a batch behind a whole one is passed over, as in Kafka', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const whole = batch(replicas)
  await send(replicas, partition, Buffer.concat([whole, whole.subarray(0, 30)])).acknowledged
  assert.equal((await readBack(partition)).length, whole.length)
})

test('a count that is not that of the records is refused, whatever the checksum says', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  for (const count of [-1, 0, 2, 0x7fffffff]) {
    const bytes = changed(batch(replicas), view => view.setInt32(COUNT_AT, count))
    assert.throws(() => send(replicas, partition, bytes))
  }
  assert.equal(partition.log!.logEndOffset, 0)
})

test('a partition of fewer replicas than min.insync.replicas needs all of them, and no more', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const sent = { acks: -1, overrides: { 'min.insync.replicas': '2' } }
  const outcome = send(replicas, partition, batch(replicas), sent)
  await outcome.acknowledged
  assert.equal(partition.highWatermark, 1)
})

test('what a producer calls LogAppendTime is taken for its own time', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const time = replicas.world.clock.now() - 5000
  const outcome = send(replicas, partition, batch(replicas, undefined, { logAppendTimeMs: time }))
  assert.equal(outcome.logAppendTimeMs, -1)
  await outcome.acknowledged
  const { timestampType, maxTimestamp } = verifyBatch(await readBack(partition))
  assert.deepEqual([timestampType, maxTimestamp], ['CreateTime', time])
})

test('a transaction is told by the first batch, whatever follows', async () => {
  const replicas = await openReplicas()
  const plain = batch(replicas)
  const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
  const transactional = batch(replicas, undefined, producer)
  assert.equal(isTransactionalBatch(transactional), true)
  assert.equal(isTransactionalBatch(Buffer.concat([plain, transactional])), false)
  for (const none of [null, new Uint8Array(0), transactional.subarray(0, -1)])
    assert.equal(isTransactionalBatch(none), false)
  assert.throws(() => isTransactionalBatch(changed(plain, view => view.setInt8(MAGIC_AT, 3))), { code: 'ERR_CORRUPT' })
})

test('with acks 1 the number of in-sync replicas does not matter', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const sent = { acks: 1, overrides: { 'min.insync.replicas': '2' } }
  assert.equal(send(replicas, partition, batch(replicas), sent).firstOffset, 0)
})

test('who does not lead says so', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition({ leaderId: 2, replicas: [1, 2], isr: [1, 2] })
  assert.throws(() => send(replicas, partition, batch(replicas)), { code: 'NOT_LEADER_OR_FOLLOWER' })
})

test('each record at fault is named by its index; a bad timestamp outweighs a missing key', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const now = replicas.world.clock.now()
  const key = Buffer.from('k')
  const errorsOf = (records: readonly RecordInput[]): [string, number[]] => {
    try {
      send(replicas, partition, batch(replicas, records), { overrides: { 'cleanup.policy': 'compact' } })
    } catch (error) {
      assert.ok(error instanceof InvalidRecordsError)
      for (const { batchIndexErrorMessage } of error.recordErrors) assert.ok(batchIndexErrorMessage.length > 10)
      return [error.code, error.recordErrors.map(({ batchIndex }) => batchIndex)]
    }
    return assert.fail('not refused')
  }
  assert.deepEqual(errorsOf([{ key }, {}, { key }, {}]), ['INVALID_RECORD', [1, 3]])
  assert.deepEqual(errorsOf([{}, { key }, { key, timestamp: now + 2 * HOUR_MS }, {}]), ['INVALID_TIMESTAMP', [0, 2, 3]])
  assert.deepEqual(errorsOf([{ timestamp: now + 2 * HOUR_MS }]), ['INVALID_RECORD', [0]], 'one error for a record')
})

// ------------------------------------------------------------------------------------------------------- timestamps

test('LogAppendTime: the broker decides, the answer says what', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const overrides = { 'message.timestamp.type': 'LogAppendTime' }
  const now = replicas.world.clock.now()
  // However wrong the producer's clock is.
  const bytes = batch(replicas, [{ timestamp: 5 }, { timestamp: now + 50 * HOUR_MS }])
  const outcome = send(replicas, partition, bytes, { overrides })
  assert.equal(outcome.logAppendTimeMs, now)
  await outcome.acknowledged
  const stored = await readBack(partition)
  const header = verifyBatch(stored)
  assert.equal(header.timestampType, 'LogAppendTime')
  assert.deepEqual(
    decodeRecords(stored, header).map(({ timestamp }) => timestamp),
    [now, now],
  )
})

test('a wrong maximum timestamp is put right, and the checksum with it', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const now = replicas.world.clock.now()
  const bytes = batch(replicas, [{ timestamp: now - 5 }, { timestamp: now }, { timestamp: now - 9 }], {
    maxTimestamp: now + 77 * HOUR_MS,
  })
  await send(replicas, partition, bytes).acknowledged
  assert.equal(verifyBatch(await readBack(partition)).maxTimestamp, now)
})

test('records without a timestamp are taken', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  await send(replicas, partition, batch(replicas, [{ timestamp: -1 }])).acknowledged
  assert.equal(verifyBatch(await readBack(partition)).maxTimestamp, -1)
})

// ------------------------------------------------------------------------------------------------------ compression

const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

test('compression.type decides how a batch is stored; producer leaves it as it came', async () => {
  for (const type of ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']) {
    for (const codec of CODECS) {
      const replicas = await openReplicas()
      const partition = await replicas.partition()
      const options = { codec, producerId: 7, producerEpoch: 2, baseSequence: 0 }
      const sent = batch(replicas, MANY, options)
      await send(replicas, partition, sent, { overrides: { 'compression.type': type } }).acknowledged
      const bytes = await readBack(partition)
      const header = verifyBatch(bytes)
      const expected = type === 'producer' ? codec : type === 'uncompressed' ? 'none' : type
      assert.equal(header.codec, expected, `${codec} on ${type}`)
      assert.deepEqual([header.producerId, header.producerEpoch, header.baseSequence], [7, 2, 0])
      assert.deepEqual(
        decodeRecords(bytes, header).map(({ offset, key, value }) => [
          offset,
          Buffer.from(key!).toString(),
          value?.length,
        ]),
        MANY.map(({ key, value }, i) => [i, String(key), value.length]),
      )
    }
  }
})

test('a batch that is too large only once it is no longer compressed is refused', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const overrides = { 'compression.type': 'uncompressed', 'max.message.bytes': '1000' }
  assert.throws(() => send(replicas, partition, batch(replicas, MANY, { codec: 'gzip' }), { overrides }), {
    code: 'MESSAGE_TOO_LARGE',
  })
})

test('what claims to be compressed and is not is refused', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  for (const codec of CODECS.slice(1)) {
    const bytes = batch(replicas, MANY, { codec })
    const broken = Uint8Array.from(bytes)
    broken.fill(0xee, 61)
    assert.throws(() => send(replicas, partition, broken), codec)
  }
  assert.equal(partition.log!.logEndOffset, 0)
})

// ------------------------------------------------------------------------------------------------------- idempotence

test('a retry is answered with the offset of the first time, a gap is refused', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const of = (baseSequence: number, producerEpoch = 0): Uint8Array =>
    batch(replicas, [{}, {}], { producerId: 9, producerEpoch, baseSequence })
  const first = send(replicas, partition, of(0))
  const second = send(replicas, partition, of(2))
  const retry = send(replicas, partition, of(0))
  assert.deepEqual([first.firstOffset, second.firstOffset, retry.firstOffset], [0, 2, 0])
  await Promise.all([first.acknowledged, second.acknowledged, retry.acknowledged])
  assert.equal(partition.highWatermark, 4)
  assert.throws(() => send(replicas, partition, of(6)), { code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  await send(replicas, partition, of(0, 1)).acknowledged
  assert.throws(() => send(replicas, partition, of(4, 0)), { code: 'INVALID_PRODUCER_EPOCH' })
  // Of a producer that is not known (any more) any sequence is taken: its state may have expired.
  const stranger = batch(replicas, undefined, { producerId: 10, producerEpoch: 0, baseSequence: 77 })
  assert.equal(send(replicas, partition, stranger).firstOffset, 6)
})

// ------------------------------------------------------------------------------------------------- acknowledgements

test('an append that the disk refuses is not acknowledged', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  replicas.world.disk.inject({ operation: 'write', code: 'EIO' })
  const outcomes = [1, -1].map(acks => send(replicas, partition, batch(replicas), { acks }))
  // As the broker does when it is told that the log dir has failed.
  outcomes[0]!.acknowledged.catch(() => partition.fail(new Error('disk')))
  for (const { acknowledged } of outcomes) await assert.rejects(acknowledged, { code: 'KAFKA_STORAGE_ERROR' })
  assert.throws(() => send(replicas, partition, batch(replicas)), { code: 'KAFKA_STORAGE_ERROR' })
})

test('losing the leadership fails those who wait for acks', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const outcome = send(replicas, partition, batch(replicas))
  partition.update(assigned({ leaderId: 2, leaderEpoch: LEADER_EPOCH + 1, isNew: false }))
  await assert.rejects(outcome.acknowledged, { code: 'NOT_LEADER_OR_FOLLOWER' })
})
