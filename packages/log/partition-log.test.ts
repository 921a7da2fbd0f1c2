import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io/memory'
import { LogError, OffsetOutOfRangeError } from './errors.ts'
import type { PartitionLog } from './partition-log.ts'
import { batch, marker, recordsOf } from './testing/batches.ts'
import { AS_CLIENT, AS_COORDINATOR, AS_REPLICA, append, type Logs, openLogs, read } from './testing/logs.ts'
import type { ReadResult } from './types.ts'

function failsWith(code: string): (error: unknown) => boolean {
  return error => error instanceof LogError && error.code === code
}

function bases(log: PartitionLog): number[] {
  return log.segments.map(({ baseOffset }) => baseOffset)
}

/** The disk's steps that match, of those that come after the call. */
function watchDisk(pattern: RegExp): { world: ReturnType<typeof memoryWorld>; seen: string[] } {
  const seen: string[] = []
  const world = memoryWorld({
    trace: event => {
      if (pattern.test(event)) seen.push(event.replace(/^\S+ localhost disk /, ''))
    },
  })
  return { world, seen }
}

async function fill(logs: Logs, log: PartitionLog, count: number, size = 100): Promise<void> {
  for (let i = 0; i < count; i++) {
    await append(logs, log, batch({ values: [`${i} `.padEnd(size, '.')], timestamp: logs.world.clock.now() }))
  }
}

// ----------------------------------------------------------------------------------------------------------- appending

test('assigns offsets and epochs in place, and gives back what was appended', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const bytes = batch({ values: ['a', 'b'] })
  const first = await append(logs, log, bytes, { ...AS_CLIENT, leaderEpoch: 7 })
  assert.deepEqual(
    [first.firstOffset, first.lastOffset, first.duplicate, first.sizeInBytes],
    [0, 1, false, bytes.length],
  )
  const second = await append(logs, log, batch({ values: ['c'] }), { ...AS_CLIENT, leaderEpoch: 7 })
  assert.equal(second.firstOffset, 2)
  assert.deepEqual([log.logEndOffset, log.writtenEndOffset, log.recoveryPoint], [3, 3, 0])
  const result = await read(logs, log, 0)
  assert.deepEqual(
    recordsOf(result).map(({ offset, value }) => `${offset}${value}`),
    ['0a', '1b', '2c'],
  )
  assert.equal(result.nextOffset, 3)
  assert.equal(log.epochForOffset(2), 7)
  await logs.run(logs.manager.close())
  const again = await openLogs({ world: logs.world })
  const reopened = await again.log()
  assert.deepEqual([reopened.logEndOffset, reopened.topicId], [3, log.topicId])
  assert.deepEqual(recordsOf(await read(again, reopened, 0)), recordsOf(result))
})

test('what is appended in one turn is one write, and what comes meanwhile waits for the next', async () => {
  const { world, seen } = watchDisk(/disk write .*\.log$/)
  const logs = await openLogs({ world })
  const log = await logs.log()
  const first = [1, 2, 3].map(() => log.append(batch(), AS_CLIENT))
  assert.equal(log.logEndOffset, 3)
  assert.equal(log.writtenEndOffset, 0)
  assert.deepEqual((await read(logs, log, 0)).chunks, []) // not before it is written
  await logs.run(first[0]!.written)
  assert.equal(log.writtenEndOffset, 3)
  assert.equal(seen.length, 1)
  world.disk.latencyMs = [5, 5]
  const slow = log.append(batch(), AS_CLIENT)
  await world.advance(1)
  const waiting = [1, 2].map(() => log.append(batch(), AS_CLIENT))
  await logs.run(waiting[1]!.written)
  await slow.written
  assert.equal(seen.length, 3)
})

test('rejects what is not whole, not valid or too large, and changes nothing', async () => {
  const logs = await openLogs({ config: { maxMessageBytes: 200, segmentBytes: 300 } })
  const log = await logs.log()
  await append(logs, log, batch())
  const good = batch()
  const flipped = Buffer.from(good)
  flipped[good.length - 1]! ^= 1
  const cases: [string, Uint8Array][] = [
    ['CORRUPT_MESSAGE', flipped],
    ['CORRUPT_MESSAGE', good.subarray(0, good.length - 1)],
    ['CORRUPT_MESSAGE', Buffer.concat([good, Buffer.from('x')])],
    ['CORRUPT_MESSAGE', Buffer.alloc(61, 0x55)],
    ['MESSAGE_TOO_LARGE', batch({ values: ['x'.repeat(200)] })],
    ['RECORD_LIST_TOO_LARGE', Buffer.concat([1, 2, 3].map(() => batch({ values: ['x'.repeat(99)] })))],
    ['INVALID_RECORD', batch({ baseOffset: 5 })],
  ]
  for (const [code, bytes] of cases)
    assert.throws(() => log.append(Buffer.from(bytes), AS_CLIENT), failsWith(code), code)
  assert.throws(
    () => log.append(batch({ leaderEpoch: 3 }), { ...AS_CLIENT, origin: 'raft' }),
    failsWith('INVALID_RECORD'),
  )
  assert.equal(log.logEndOffset, 1)
  assert.equal(log.append(Buffer.alloc(0), AS_CLIENT).lastOffset, -1)
})

test('a checksum that was compared already is not compared again', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const flipped = Buffer.from(batch())
  flipped[flipped.length - 1]! ^= 1
  assert.equal(log.append(flipped, { ...AS_CLIENT, checksumsVerified: true }).firstOffset, 0)
})

test('a follower takes offsets and epochs as they are', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const copied = Buffer.concat([
    batch({ values: ['a', 'b'], baseOffset: 5, leaderEpoch: 1 }),
    batch({ baseOffset: 10, leaderEpoch: 2 }), // the ones before were compacted away
    batch({ baseOffset: 11, leaderEpoch: 3 }).subarray(0, 30), // cut by the leader
  ])
  const result = await append(logs, log, copied, { ...AS_REPLICA, leaderEpoch: 3 })
  assert.deepEqual([result.firstOffset, result.lastOffset], [5, 10])
  assert.deepEqual(log.leaderEpochs, [
    { epoch: 1, startOffset: 5 },
    { epoch: 2, startOffset: 10 },
  ])
  assert.equal((await read(logs, log, 7)).baseOffset, 10)
  // Of a leader after the one that this replica follows.
  const newer = Buffer.concat([batch({ baseOffset: 11, leaderEpoch: 3 }), batch({ baseOffset: 12, leaderEpoch: 4 })])
  assert.equal((await append(logs, log, newer, { ...AS_REPLICA, leaderEpoch: 3 })).lastOffset, 11)
  const none = log.append(batch({ baseOffset: 12, leaderEpoch: 4 }), { ...AS_REPLICA, leaderEpoch: 3 })
  assert.equal(none.lastOffset, -1)
  const again = batch({ baseOffset: 11, leaderEpoch: 3 })
  assert.throws(() => log.append(again, { ...AS_REPLICA, leaderEpoch: 3 }), OffsetOutOfRangeError)
})

test('a batch that comes again is not appended, and waits for the first', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const produce = () => log.append(batch({ producerId: 9, sequence: 0, values: ['a', 'b'] }), AS_CLIENT)
  const first = produce()
  const second = produce()
  assert.deepEqual(
    [second.firstOffset, second.lastOffset, second.duplicate, second.duplicateTimestamp],
    [0, 1, true, 1000],
  )
  let isFirstWritten = false
  first.written.then(() => {
    isFirstWritten = true
  })
  await logs.run(second.written)
  assert.equal(isFirstWritten, true)
  assert.equal(log.logEndOffset, 2)
  assert.throws(
    () => log.append(batch({ producerId: 9, sequence: 5 }), AS_CLIENT),
    failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER'),
  )
  assert.equal(log.append(batch({ producerId: 9, sequence: 2 }), AS_CLIENT).firstOffset, 2)
})

test('flush.messages: written means flushed, by one sync for all that wait', async () => {
  const { world, seen } = watchDisk(/disk sync .*\.(log|index|timeindex)$/)
  const logs = await openLogs({ world, config: { flushMessages: 2 } })
  const log = await logs.log()
  await append(logs, log, batch())
  assert.deepEqual([seen.length, log.recoveryPoint], [0, 0])
  const both = [log.append(batch(), AS_CLIENT), log.append(batch(), AS_CLIENT)]
  await logs.run(both[1]!.written)
  assert.deepEqual(seen, ['sync /data/t-0/00000000000000000000.log'])
  assert.equal(log.recoveryPoint, 3)
})

test('a write that fails takes the log dir offline, and all that waits with it', async () => {
  const failures: string[] = []
  const logs = await openLogs({ onLogDirFailure: logDir => failures.push(logDir) })
  const log = await logs.log()
  await append(logs, log, batch())
  logs.world.disk.inject({ operation: 'write', code: 'ENOSPC' })
  const results = [log.append(batch(), AS_CLIENT), log.append(batch(), AS_CLIENT)]
  for (const { written } of results) await assert.rejects(logs.run(written), failsWith('KAFKA_STORAGE_ERROR'))
  assert.deepEqual(failures, ['/data'])
  assert.equal(log.writtenEndOffset, 1)
  assert.throws(() => log.append(batch(), AS_CLIENT), failsWith('KAFKA_STORAGE_ERROR'))
  assert.throws(() => log.read(0, { maxBytes: 1 }), failsWith('KAFKA_STORAGE_ERROR'))
  assert.equal(logs.manager.get(log), null)
})

// -------------------------------------------------------------------------------------------------------------- rolling

test('rolls by size, by the records’ time, by the clock, and when an index is full', async () => {
  const logs = await openLogs({
    config: { segmentBytes: 300, segmentMs: 1000 },
  })
  const sizes = await logs.log(0)
  for (let i = 0; i < 3; i++) await append(logs, sizes, batch({ values: ['x'.repeat(50)] })) // 118 bytes each
  assert.deepEqual(bases(sizes), [0, 2])

  const times = await logs.log(1)
  for (const timestamp of [5000, 5500, 6000, 6001, 5999]) await append(logs, times, batch({ timestamp }))
  assert.deepEqual(bases(times), [0, 3])

  const clocks = await logs.log(2)
  for (const waitMs of [0, 999, 2, 999]) {
    await logs.world.advance(waitMs)
    await append(logs, clocks, batch({ timestamp: -1 }), { ...AS_CLIENT, nowMs: logs.world.clock.now() })
  }
  assert.deepEqual(bases(clocks), [0, 2])

  // 40 bytes: five entries of offsets, or two of time and one that is kept for the last.
  const tight = await openLogs({ config: { indexIntervalBytes: 0, segmentIndexBytes: 40 } })
  const [same, growing] = [await tight.log(0), await tight.log(1)]
  for (let i = 0; i < 9; i++) {
    await append(tight, same, batch({ timestamp: 1000 }))
    await append(tight, growing, batch({ timestamp: 1000 + i }))
  }
  assert.deepEqual(bases(same), [0, 6])
  assert.deepEqual(bases(growing), [0, 3, 6])
})

test('rolls where an offset is too far from the segment’s begin', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const far = 2 ** 31
  await append(logs, log, batch({ baseOffset: 0 }), AS_REPLICA)
  const both = Buffer.concat([batch({ baseOffset: 5 }), batch({ baseOffset: 5 + far + 7 })])
  const result = await append(logs, log, both, AS_REPLICA)
  assert.deepEqual([result.firstOffset, result.lastOffset], [5, far + 12])
  assert.deepEqual(bases(log), [0, far + 12])
  assert.equal((await read(logs, log, 6)).baseOffset, far + 12)
})

test('jitter rolls earlier', async () => {
  const logs = await openLogs({ config: { segmentMs: 1000, segmentJitterMs: 900 } })
  let early = 0
  for (let partition = 0; partition < 20; partition++) {
    const log = await logs.log(partition)
    for (const timestamp of [5000, 5600]) await append(logs, log, batch({ timestamp }))
    if (log.segments.length === 2) early++
  }
  assert.ok(early > 3 && early < 17, `${early} of 20`)
})

// -------------------------------------------------------------------------------------------------------------- reading

test('reads whole batches within bounds, from the cache and from the file alike', async () => {
  for (const tailCacheBytes of [0, 1 << 20]) {
    const logs = await openLogs({ tailCacheBytes, config: { segmentBytes: 1000, indexIntervalBytes: 200 } })
    const log = await logs.log()
    const pair = () => batch({ values: ['x'.repeat(19), 'y'.repeat(19)] })
    const bytes = pair().length
    for (let i = 0; i < 30; i++) await append(logs, log, pair())
    const result = log.read(0, { maxBytes: 100 })
    assert.equal(result instanceof Promise, tailCacheBytes === 0)
    const size = async (offset: number, options: Parameters<PartitionLog['read']>[1]): Promise<number> => {
      const { sizeInBytes, chunks } = await logs.run(Promise.resolve(log.read(offset, options)))
      assert.equal(Buffer.concat(chunks).length, sizeInBytes)
      return sizeInBytes
    }
    assert.equal(await size(0, { maxBytes: bytes - 1 }), 0)
    assert.equal(await size(0, { maxBytes: bytes - 1, minOneBatch: true }), bytes)
    assert.equal(await size(7, { maxBytes: 3 * bytes + 5 }), 3 * bytes)
    assert.equal(await size(0, { maxBytes: 900, upperBoundOffset: 4 }), 2 * bytes)
    assert.equal(await size(0, { maxBytes: 900, upperBoundOffset: 5 }), 2 * bytes)
    assert.equal(await size(4, { maxBytes: 900, upperBoundOffset: 4 }), 0)
    assert.equal(await size(60, { maxBytes: 900 }), 0)
    for (const outside of [-1, 61]) assert.throws(() => log.read(outside, { maxBytes: 1 }), OffsetOutOfRangeError)
    // From every offset on to the end, by small steps.
    for (let start = 0; start < 60; start += 7) {
      let offset = start
      while (offset < 60) offset = (await read(logs, log, offset, 250)).nextOffset
      assert.equal(offset, 60)
    }
  }
})

test('a reader goes on where it stopped without looking for the place', async () => {
  const { world, seen } = watchDisk(/disk read .*\.log$/)
  const logs = await openLogs({ world, tailCacheBytes: 0, config: { indexIntervalBytes: 4096 } })
  const log = await logs.log()
  await fill(logs, log, 100, 500)
  let offset = 0
  seen.length = 0
  let reads = 0
  while (offset < 100) {
    offset = (await read(logs, log, offset, 2500)).nextOffset
    reads++
  }
  assert.equal(seen.length, reads)
})

test('many small chunks are given as one', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  for (let i = 0; i < 600; i++) await append(logs, log, batch())
  assert.equal((await read(logs, log, 0)).chunks.length, 1)
  assert.equal((await read(logs, log, 200)).chunks.length, 400)
})

test('a read survives the deletion of its segment', async () => {
  const logs = await openLogs({
    tailCacheBytes: 0,
    config: { segmentBytes: 300, retentionBytes: 0, fileDeleteDelayMs: 0 },
  })
  const log = await logs.log()
  await fill(logs, log, 10)
  log.updateHighWatermark(10)
  logs.world.disk.latencyMs = [1, 3]
  const reading = log.read(0, { maxBytes: 100, minOneBatch: true }) as Promise<ReadResult>
  const settled = Promise.allSettled([reading])
  await logs.run(log.applyRetention(logs.world.clock.now()))
  const [outcome] = await logs.run(settled)
  if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof OffsetOutOfRangeError, `${outcome.reason}`)
  else assert.equal(outcome.value.baseOffset, 0)
  assert.equal(log.store.failure, null)
})

// --------------------------------------------------------------------------------------------------------- transactions

test('what a reader has to leave out is known, too, where many transactions were copied at once', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const of = (baseOffset: number, producerId: number) => ({
    baseOffset,
    leaderEpoch: 0,
    producerId,
    isTransactional: true,
  })
  const abort = (baseOffset: number) => marker({ ...of(baseOffset, 1), isCommit: false })
  const copied = [batch(of(0, 1)), abort(1), batch({ ...of(2, 1), sequence: 1 }), batch(of(3, 2)), abort(4)]
  await append(logs, log, Buffer.concat(copied), AS_REPLICA)
  log.updateHighWatermark(log.writtenEndOffset)
  // The second one has the id of the first: that 2 has written before it was decided says nothing of it.
  const aborted = await log.abortedTransactions(0, 3)
  assert.deepEqual(
    aborted.map(({ firstOffset }) => firstOffset),
    [0, 2],
  )
})

test('the last stable offset, and what a reader of committed data has to leave out', async () => {
  const logs = await openLogs({ transactionPartitionVerificationEnable: false, config: { segmentBytes: 500 } })
  const log = await logs.log()
  const write = async (bytes: Uint8Array, options = AS_CLIENT) => {
    await append(logs, log, bytes, options)
    log.updateHighWatermark(log.writtenEndOffset)
  }
  await write(batch())
  await write(batch({ producerId: 1, isTransactional: true, values: ['a', 'b'] }))
  await write(batch({ producerId: 2, isTransactional: true }))
  assert.deepEqual([log.highWatermark, log.lastStableOffset], [4, 1])
  await write(marker({ producerId: 1, isCommit: false }), AS_COORDINATOR)
  assert.equal(log.lastStableOffset, 3)
  assert.equal(log.hasOngoingTransaction(2, 0), true)
  await write(marker({ producerId: 2, isCommit: true }), AS_COORDINATOR)
  assert.equal(log.lastStableOffset, 6)
  assert.deepEqual(
    (await log.abortedTransactions(0, 6)).map(({ producerId, firstOffset }) => [producerId, firstOffset]),
    [[1, 1]],
  )
  assert.deepEqual(await log.abortedTransactions(5, 6), [])
  // A marker above the high watermark has decided nothing that may be shown.
  log.append(batch({ producerId: 1, sequence: 2, isTransactional: true }), AS_CLIENT)
  await append(logs, log, marker({ producerId: 1, isCommit: true }), AS_COORDINATOR)
  log.updateHighWatermark(7)
  assert.equal(log.lastStableOffset, 6)
  log.updateHighWatermark(8)
  assert.equal(log.lastStableOffset, 8)
})

test('a transaction must be verified before its first batch', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const first = () => batch({ producerId: 1, isTransactional: true })
  assert.throws(() => log.append(first(), AS_CLIENT), failsWith('INVALID_TXN_STATE'))
  const verificationGuard = log.startVerification(1, 0, 0, false, 0)
  assert.equal(log.append(first(), { ...AS_CLIENT, verificationGuard }).firstOffset, 0)
  assert.equal(log.startVerification(1, 0, 1, false, 0), null)
  log.append(batch({ producerId: 1, sequence: 1, isTransactional: true }), AS_CLIENT)
  assert.throws(() => log.append(batch({ producerId: 1, sequence: 2 }), AS_CLIENT), failsWith('INVALID_TXN_STATE'))
})

// ------------------------------------------------------------------------------------------------------------ timestamps

test('finds offsets by timestamp', async () => {
  for (const codec of ['none', 'lz4'] as const) {
    const logs = await openLogs({ config: { segmentBytes: 400, indexIntervalBytes: 100 } })
    const log = await logs.log()
    assert.equal(await logs.run(log.maxTimestampOffset()), null)
    assert.equal(await logs.run(log.offsetForTimestamp(0)), null)
    for (const timestamp of [100, 300, 200, 500, 400, 600, 600]) {
      await append(logs, log, batch({ timestamp, values: ['x'.repeat(40), 'y'.repeat(40)], codec }), {
        ...AS_CLIENT,
        leaderEpoch: 3,
      })
    }
    const find = async (timestamp: number) => {
      const found = await logs.run(log.offsetForTimestamp(timestamp))
      return found && [found.offset, found.timestamp, found.leaderEpoch]
    }
    assert.deepEqual(await find(0), [0, 100, 3])
    assert.deepEqual(await find(101), [2, 300, 3])
    assert.deepEqual(await find(301), [6, 500, 3])
    assert.deepEqual(await find(600), [10, 600, 3])
    assert.equal(await find(601), null)
    assert.deepEqual(await logs.run(log.maxTimestampOffset()), { offset: 10, timestamp: 600, leaderEpoch: 3 })
    log.updateHighWatermark(14)
    log.deleteRecords(5)
    assert.deepEqual(await find(0), [5, 200, 3])
  }
})

// ---------------------------------------------------------------------------------------------- retention, start and end

test('retention by bytes and by time, never past the high watermark', async () => {
  const logs = await openLogs({
    config: { segmentBytes: 400, retentionBytes: 700, retentionMs: -1, fileDeleteDelayMs: 1000 },
  })
  const log = await logs.log()
  await fill(logs, log, 10) // 168 bytes each, two a segment
  const retain = () => logs.run(log.applyRetention(logs.world.clock.now()))
  assert.equal(await retain(), 0)
  log.updateHighWatermark(3)
  assert.equal(await retain(), 1)
  assert.equal(log.logStartOffset, 2)
  log.updateHighWatermark(10)
  assert.equal(await retain(), 1)
  assert.deepEqual(bases(log), [4, 6, 8])
  const names = async () => (await logs.run(logs.world.disk.list('/data/t-0'))).map(({ name }) => name)
  assert.ok((await names()).includes('00000000000000000002.log.deleted'))
  await logs.world.advance(1001)
  assert.equal(
    (await names()).some(name => name.endsWith('.deleted')),
    false,
  )

  log.reconfigure({ ...log.config, retentionBytes: -1, retentionMs: 60_000 })
  await logs.world.advance(58_000)
  assert.equal(await retain(), 0)
  await fill(logs, log, 1)
  log.updateHighWatermark(11)
  await logs.world.advance(2000)
  assert.equal(await retain(), 3)
  assert.deepEqual(bases(log), [10])
  // The active segment goes, too, and the log begins another.
  await logs.world.advance(60_000)
  assert.equal(await retain(), 1)
  assert.deepEqual([bases(log), log.logStartOffset, log.logEndOffset, log.sizeInBytes], [[11], 11, 11, 0])
  assert.equal(await retain(), 0)
  assert.equal((await append(logs, log, batch())).firstOffset, 11)
})

test('records without timestamps are as old as their segment', async () => {
  const logs = await openLogs({ config: { retentionMs: 1000 } })
  const log = await logs.log()
  await append(logs, log, batch({ timestamp: -1 }))
  log.roll()
  await append(logs, log, batch({ timestamp: -1 }))
  log.updateHighWatermark(2)
  await logs.world.advance(1001)
  assert.equal(await logs.run(log.applyRetention(logs.world.clock.now())), 2)
})

test('a compacted log loses only what DeleteRecords gave up', async () => {
  const logs = await openLogs({
    config: { segmentBytes: 400, retentionMs: 1, retentionBytes: 1, cleanupPolicy: ['compact'] },
  })
  const log = await logs.log()
  await fill(logs, log, 10)
  log.updateHighWatermark(10)
  await logs.world.advance(1000)
  assert.equal(await logs.run(log.applyRetention(logs.world.clock.now())), 0)
  assert.equal(log.deleteRecords(5), 5)
  assert.throws(() => log.deleteRecords(11), OffsetOutOfRangeError)
  assert.equal(log.deleteRecords(3), 5)
  assert.equal(await logs.run(log.applyRetention(logs.world.clock.now())), 2)
  assert.deepEqual([bases(log), log.logStartOffset], [[4, 6, 8], 5])
  assert.throws(() => log.read(4, { maxBytes: 1 }), OffsetOutOfRangeError)
})

test('a cut removes what follows, and what was known of it', async () => {
  const logs = await openLogs({ config: { segmentBytes: 400 } })
  const log = await logs.log()
  for (let sequence = 0; sequence < 10; sequence++) {
    await append(logs, log, batch({ producerId: 1, sequence, values: ['x'.repeat(90)] }), {
      ...AS_CLIENT,
      leaderEpoch: sequence,
    })
  }
  log.updateHighWatermark(10)
  assert.equal(await logs.run(log.truncateTo(10)), false)
  assert.equal(await logs.run(log.truncateTo(5)), true)
  assert.deepEqual([log.logEndOffset, log.highWatermark, log.latestEpoch], [5, 5, 4])
  assert.equal(log.activeProducers()[0]!.lastSequence, 4)
  assert.equal(
    (await append(logs, log, batch({ producerId: 1, sequence: 5 }), { ...AS_CLIENT, leaderEpoch: 20 })).firstOffset,
    5,
  )
  assert.equal(recordsOf(await read(logs, log, 5))[0]!.value, 'x')
  assert.deepEqual(log.endOffsetForEpoch(7), { leaderEpoch: 4, endOffset: 5 })
})

test('a cut within a batch takes all of it', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  await append(logs, log, batch({ values: ['a', 'b', 'c'] }))
  await append(logs, log, batch({ values: ['d', 'e', 'f'] }))
  assert.equal(await logs.run(log.truncateTo(4)), true)
  assert.equal(log.logEndOffset, 3)
})

test('a log can be started over', async () => {
  const logs = await openLogs({ config: { segmentBytes: 400 } })
  const log = await logs.log()
  await fill(logs, log, 10)
  await logs.run(log.truncateFullyAndStartAt(100, 90))
  assert.deepEqual([log.logStartOffset, log.logEndOffset, bases(log), log.latestEpoch], [90, 100, [100], -1])
  assert.equal((await append(logs, log, batch())).firstOffset, 100)
  await logs.run(logs.manager.close())
  const again = await openLogs({ world: logs.world })
  assert.equal((await again.log()).logEndOffset, 101)
})

test('no append while the log is being cut', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  await fill(logs, log, 3)
  const cut = log.truncateTo(1)
  assert.throws(() => log.append(batch(), AS_CLIENT), /being cut/)
  await logs.run(cut)
  assert.equal((await append(logs, log, batch())).firstOffset, 1)
})

test('the high watermark stays within the log', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  await fill(logs, log, 4)
  assert.equal(log.updateHighWatermark(99), 4)
  log.deleteRecords(2)
  assert.equal(log.updateHighWatermark(0), 2)
})

test('retention lets a record be that comes while it looks, however old it is', async () => {
  const config = { segmentBytes: 400, retentionMs: 1000, retentionBytes: -1 }
  const before = await openLogs({ config })
  await fill(before, await before.log(), 3)
  await before.run(before.manager.close())
  before.world.crash()
  const logs = await openLogs({ config, world: before.world.restart() })
  const log = await logs.log()
  log.updateHighWatermark(3)
  await logs.world.advance(5000)
  // All segments are old, but to know that of the first its index is read, from a disk that takes its time.
  logs.world.disk.latencyMs = [10, 10]
  const retained = log.applyRetention(logs.world.clock.now())
  await logs.world.advance(5)
  await append(logs, log, batch({ values: ['new'], timestamp: 1000 }))
  assert.equal(await logs.run(retained), 1)
  assert.ok(log.logStartOffset <= log.highWatermark)
  const found = recordsOf(await read(logs, log, 3)).filter(({ offset }) => offset === 3)
  assert.deepEqual(found, [{ offset: 3, value: 'new' }])
})

test('a log that is closed leaves no file open, those of segments that wait for their removal neither', async () => {
  const logs = await openLogs({ config: { segmentBytes: 300, fileDeleteDelayMs: 60_000 } })
  const log = await logs.log()
  await fill(logs, log, 8)
  for (let offset = 0; offset < 8; offset++) await read(logs, log, offset)
  log.updateHighWatermark(log.writtenEndOffset)
  log.deleteRecords(6)
  await logs.run(log.applyRetention(logs.world.clock.now()))
  const open = () => logs.world.disk.openFiles.filter(path => path.includes('.log'))
  assert.ok(open().some(path => path.endsWith('.deleted')))
  await logs.run(logs.manager.close())
  assert.deepEqual(open(), [])
})
