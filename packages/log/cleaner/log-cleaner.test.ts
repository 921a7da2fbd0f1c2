import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io/memory'
import { batches, decodeRecords, encodeBatch } from '@ottla/protocol'
import type { LogConfig } from '../log-config.ts'
import type { PartitionLog } from '../partition-log.ts'
import { marker } from '../testing/batches.ts'
import { AS_CLIENT, AS_COORDINATOR, append, type Logs, openLogs, read } from '../testing/logs.ts'
import { DEFAULT_CLEANER_CONFIG } from './cleaner-config.ts'

const COMPACT: Partial<LogConfig> = {
  cleanupPolicy: ['compact'],
  segmentBytes: 4000,
  indexIntervalBytes: 100,
  minCleanableDirtyRatio: 0.01,
  deleteRetentionMs: 60_000,
  fileDeleteDelayMs: 1000,
}
const CLEANER = { ...DEFAULT_CLEANER_CONFIG, backoffMs: 1000 }
const CHECKPOINT = '/data/cleaner-offset-checkpoint'

/** 'a=1 b=' */
function pairs(text: string, timestamp = 1000, producer = {}): Uint8Array {
  const records = text.split(' ').map(pair => {
    const [key, value] = pair.split('=')
    return { key: key ? Buffer.from(key) : null, value: value ? Buffer.from(value) : null, timestamp }
  })
  return encodeBatch(records, producer)
}

/** Rounds of the keys k0 to k9, each a batch of all of them, two batches a segment. */
async function fill(logs: Logs, log: PartitionLog, rounds: number, from = 0): Promise<void> {
  for (let i = from; i < from + rounds; i++) {
    const text = Array.from({ length: 10 }, (_, key) => `k${key}=${i}`).join(' ')
    await append(logs, log, pairs(text, 1000 + i))
    if (i % 2 === 1 && i < from + rounds - 1) log.roll()
  }
  log.updateHighWatermark(log.logEndOffset)
}

/** `offset key=value` of all that can be read. */
async function view(logs: Logs, log: PartitionLog): Promise<string[]> {
  const lines: string[] = []
  for (let offset = log.logStartOffset; ; ) {
    const result = await read(logs, log, offset, 500)
    for (const bytes of result.chunks) {
      for (const header of batches(bytes)) {
        if (header.isControl) continue
        for (const { offset, key, value } of decodeRecords(bytes, header)) lines.push(`${offset} ${key}=${value ?? ''}`)
      }
    }
    if (result.nextOffset === offset) return lines
    offset = result.nextOffset
  }
}

function lastOfEach(lines: readonly string[]): string[] {
  const last = new Map(lines.map(line => [line.split(/[ =]/)[1], line]))
  return [...last.values()].sort()
}

async function checkpoint({ run, world }: Logs): Promise<string> {
  const stat = await run(world.disk.stat(CHECKPOINT))
  return stat ? (await run(world.disk.readFile(CHECKPOINT))).toString() : ''
}

async function names({ run, world }: Logs): Promise<string[]> {
  return (await run(world.disk.list('/data/t-0'))).map(({ name }) => name)
}

test('closed segments are cleaned into few, the active one is left, and it is written down', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: CLEANER })
  const log = await logs.log()
  await fill(logs, log, 12)
  const before = await view(logs, log)
  const activeBase = log.segments.at(-1)!.baseOffset
  assert.ok(log.segments.length > 3)
  await logs.world.advance(2000)
  const after = await view(logs, log)
  assert.deepEqual(lastOfEach(after), lastOfEach(before))
  assert.equal(after.filter(line => Number(line.split(' ')[0]) < activeBase).length, 10)
  assert.deepEqual(
    after,
    before.filter(line => after.includes(line)),
  )
  assert.equal(log.segments.length, 2)
  assert.deepEqual([log.logStartOffset, log.logEndOffset], [0, 120])
  assert.equal(await checkpoint(logs), `0\n1\nt 0 ${activeBase}\n`)
  await logs.world.advance(3000)
  assert.ok(
    (await names(logs)).every(name => !/deleted|swap|cleaned/.test(name)),
    `${await names(logs)}`,
  )
  const { cleanerRecopyPercent, deadThreadCount, maxDirtyPercent } = logs.manager.cleaner.metrics()
  assert.ok(cleanerRecopyPercent > 0 && cleanerRecopyPercent < 30)
  assert.deepEqual([deadThreadCount, maxDirtyPercent], [0, 0])
  // And after a clean stop the same, with nothing left to clean.
  await logs.run(logs.manager.close())
  const again = await openLogs({ world: logs.world, config: COMPACT, cleaner: CLEANER })
  assert.deepEqual(await view(again, await again.log()), after)
})

test('a tombstone stays for delete.retention.ms after it was cleaned', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: CLEANER })
  const log = await logs.log()
  await append(logs, log, pairs('a=1 b=1 c=1'))
  await append(logs, log, pairs('a='))
  const roll = async (): Promise<void> => {
    log.roll()
    await append(logs, log, pairs('x=1'))
    log.updateHighWatermark(log.logEndOffset)
    await logs.world.advance(5000)
  }
  await roll()
  assert.deepEqual((await view(logs, log)).slice(0, 3), ['1 b=1', '2 c=1', '3 a='])
  await logs.world.advance(50_000)
  await roll()
  assert.ok((await view(logs, log)).includes('3 a='))
  await logs.world.advance(10_000)
  await roll()
  assert.ok(!(await view(logs, log)).includes('3 a='))
})

for (const powerLoss of [false, true]) {
  test(`a crash at each step of a cleaning, ${powerLoss ? 'with a loss of power' : 'of the process'}`, async () => {
    let steps = 0
    for (let isDone = false; !isDone; steps++) {
      const world = memoryWorld({ seed: steps, diskLatencyMs: [1, 1] })
      const options = { config: COMPACT, cleaner: { ...CLEANER, backoffMs: 1e6 } }
      const logs = await openLogs({ world, ...options })
      const log = await logs.log()
      await fill(logs, log, 8)
      await logs.run(log.flush())
      const before = await view(logs, log)
      const started = logs.manager.cleaner.reconfigure({ ...CLEANER, backoffMs: 999_999 })
      await world.advance(steps)
      isDone = (await storedCheckpoint(world)) !== null
      started.catch(() => {})
      world.crash({ powerLoss })
      const again = await openLogs({ world: world.restart(), ...options })
      const log2 = await again.log()
      log2.updateHighWatermark(log2.logEndOffset)
      assert.equal(log2.logEndOffset, 80, `step ${steps}`)
      const after = await view(again, log2)
      assert.deepEqual(lastOfEach(after), lastOfEach(before), `step ${steps}`)
      assert.deepEqual(
        after,
        before.filter(line => after.includes(line)),
      )
      await again.world.advance(10_000)
      assert.deepEqual(lastOfEach(await view(again, log2)), lastOfEach(before), `step ${steps}`)
      assert.ok(
        (await names(again)).every(name => !/deleted|swap|cleaned/.test(name)),
        `${await names(again)}`,
      )
    }
    assert.ok(steps > 30, `${steps} steps`)
  })
}

async function storedCheckpoint(world: ReturnType<typeof memoryWorld>): Promise<number | null> {
  return world.storage.find(CHECKPOINT) ? 1 : null
}

test('transactions: aborted records go, committed ones stay, and the rest is told as before', async () => {
  const logs = await openLogs({
    config: COMPACT,
    cleaner: CLEANER,
    transactionPartitionVerificationEnable: false,
  })
  const log = await logs.log()
  const data = async (text: string, producerId: number, baseSequence: number): Promise<void> => {
    await append(logs, log, pairs(text, 1000, { producerId, producerEpoch: 0, baseSequence, isTransactional: true }))
  }
  const end = (producerId: number, isCommit: boolean) =>
    append(logs, log, marker({ producerId, isCommit }), AS_COORDINATOR)
  await data('a=1 b=1', 1, 0)
  await end(1, true)
  await data('a=2 b=2', 2, 0)
  log.roll()
  await data('c=2', 2, 2)
  await end(2, false)
  await data('c=3 d=3', 1, 2)
  await end(1, true)
  log.roll()
  await append(logs, log, pairs('x=1'), AS_CLIENT)
  log.updateHighWatermark(log.logEndOffset)
  const producers = log.activeProducers()
  const aborted = await logs.run(Promise.resolve(log.abortedTransactions(0, log.logEndOffset)))
  assert.equal(aborted.length, 1)
  await logs.world.advance(3000)
  assert.deepEqual(await view(logs, log), ['0 a=1', '1 b=1', '7 c=3', '8 d=3', '10 x=1'])
  assert.deepEqual(await logs.run(Promise.resolve(log.abortedTransactions(0, log.logEndOffset))), aborted)
  assert.deepEqual(log.activeProducers(), producers)
  // Read again after a crash, the log tells of the same producers.
  await logs.run(log.flush())
  logs.world.crash()
  const again = await openLogs({ world: logs.world.restart(), config: COMPACT, cleaner: CLEANER })
  const log2 = await again.log()
  const sorted = (list: typeof producers) => list.toSorted((a, b) => a.producerId - b.producerId)
  assert.deepEqual(sorted(log2.activeProducers()), sorted(producers))
})

test('an aborted transaction within another that goes on over the next segment', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: CLEANER, transactionPartitionVerificationEnable: false })
  const log = await logs.log()
  const data = (text: string, producerId: number, baseSequence: number) =>
    append(logs, log, pairs(text, 1000, { producerId, producerEpoch: 0, baseSequence, isTransactional: true }))
  const abort = (producerId: number) => append(logs, log, marker({ producerId, isCommit: false }), AS_COORDINATOR)
  await data('a=1', 1, 0)
  log.roll()
  await data('b=1', 2, 0)
  await abort(2)
  await data('c=1', 1, 1)
  await abort(1)
  log.roll()
  await append(logs, log, pairs('x=1'))
  log.updateHighWatermark(log.logEndOffset)
  const aborted = await logs.run(Promise.resolve(log.abortedTransactions(0, log.logEndOffset)))
  assert.equal(aborted.length, 2)
  await logs.world.advance(3000)
  assert.deepEqual(await view(logs, log), ['5 x=1'])
  assert.deepEqual(await logs.run(Promise.resolve(log.abortedTransactions(0, log.logEndOffset))), aborted)
})

test('an aborted transaction that has ended before the first dirty offset, of a producer that goes on', async () => {
  const cleaner = { ...CLEANER, dedupeBufferSize: 24 * 5 } // four keys at a time
  const logs = await openLogs({ config: COMPACT, cleaner, transactionPartitionVerificationEnable: false })
  const log = await logs.log()
  const data = (text: string, baseSequence: number) =>
    append(logs, log, pairs(text, 1000, { producerId: 1, producerEpoch: 0, baseSequence, isTransactional: true }))
  const end = (isCommit: boolean) => append(logs, log, marker({ producerId: 1, isCommit }), AS_COORDINATOR)
  await data('a=1', 0)
  await end(false)
  for (const text of ['b=1', 'c=1', 'd=1', 'e=1', 'f=1']) await append(logs, log, pairs(text))
  await data('f=2', 1)
  await end(true)
  log.roll()
  await append(logs, log, pairs('x=1'))
  log.updateHighWatermark(log.logEndOffset)
  await logs.world.advance(3000)
  assert.deepEqual(await view(logs, log), ['2 b=1', '3 c=1', '4 d=1', '5 e=1', '7 f=2', '9 x=1'])
})

test('nothing past the last stable offset', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: CLEANER, transactionPartitionVerificationEnable: false })
  const log = await logs.log()
  await fill(logs, log, 4)
  const open = { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true }
  await append(logs, log, pairs('k1=t', 1000, open))
  const stable = log.logEndOffset - 1
  await fill(logs, log, 8, 10)
  assert.equal(log.lastStableOffset, stable)
  const before = await view(logs, log)
  await logs.world.advance(3000)
  const kept = (lines: readonly string[]): string[] => lines.filter(line => Number(line.split(' ')[0]) >= stable)
  const after = await view(logs, log)
  assert.deepEqual(kept(after), kept(before))
  assert.ok(after.length < before.length)
})

test('a reader that was in the middle of it reads on', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: { ...CLEANER, backoffMs: 5 }, tailCacheBytes: 0 })
  const log = await logs.log()
  await fill(logs, log, 12)
  const seen: number[] = []
  for (let offset = 0; offset < log.logEndOffset; ) {
    const result = await read(logs, log, offset, 100)
    assert.ok(result.nextOffset > offset)
    seen.push(offset)
    offset = result.nextOffset
    await logs.world.advance(2)
  }
  assert.ok(seen.length < 12)
})

test('a log that is deleted, cut, or no longer compacted while it is cleaned', async () => {
  for (const what of ['delete', 'cut', 'reconfigure', 'close'] as const) {
    for (let at = 1; at < 60; at += 3) {
      const world = memoryWorld({ seed: at, diskLatencyMs: [1, 1], logLevel: 'warn' })
      const logs = await openLogs({ world, config: COMPACT, cleaner: { ...CLEANER, backoffMs: 1e6 } })
      const log = await logs.log()
      await fill(logs, log, 8)
      const before = await view(logs, log)
      const started = logs.manager.cleaner.reconfigure(CLEANER)
      await world.advance(at)
      if (what === 'delete') {
        await logs.run(logs.manager.delete(log))
        assert.equal(logs.manager.get(log), null)
      } else if (what === 'cut') {
        await logs.run(log.truncateTo(35))
        assert.equal(log.logEndOffset, 30)
        await world.advance(5000)
        // What went for the sake of records that are cut now is gone.
        const below = before.filter(line => Number(line.split(' ')[0]) < 30)
        const after = await view(logs, log)
        assert.deepEqual(
          after,
          below.filter(line => after.includes(line)),
        )
      } else if (what === 'reconfigure') {
        log.reconfigure({ ...log.config, cleanupPolicy: ['delete'] })
        await world.advance(3000)
        assert.deepEqual(lastOfEach(await view(logs, log)), lastOfEach(before))
      } else {
        await logs.run(logs.manager.close())
        assert.ok(
          (await names(logs)).every(name => !/swap|cleaned/.test(name)),
          `${await names(logs)}`,
        )
      }
      await started
      await world.advance(120_000)
      assert.equal(logs.manager.offlineLogDirs.size, 0)
      assert.deepEqual(
        world.log.lines.map(({ message }) => message).filter(message => !/from its start again/.test(message)),
        [],
      )
    }
  }
})

test('what was cut and written again is dirty', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: CLEANER })
  const log = await logs.log()
  await fill(logs, log, 12)
  await logs.world.advance(3000)
  await logs.run(log.truncateTo(40))
  assert.equal(await checkpoint(logs), `0\n1\nt 0 ${log.logEndOffset}\n`)
})

test('a log that is damaged is left alone from then on, and counted', async () => {
  const world = memoryWorld({ logLevel: 'warn' })
  const logs = await openLogs({ world, config: COMPACT, cleaner: { ...CLEANER, backoffMs: 1e6 } })
  const log = await logs.log()
  await fill(logs, log, 8)
  const other = await logs.log(1)
  await fill(logs, other, 8)
  world.storage.corrupt('/data/t-0/00000000000000000000.log', 90, 1)
  await logs.run(logs.manager.cleaner.reconfigure(CLEANER))
  await world.advance(5000)
  const { uncleanablePartitionsCount, uncleanableBytes } = logs.manager.cleaner.metrics()
  assert.deepEqual([...uncleanablePartitionsCount], [['/data', 1]])
  assert.ok(uncleanableBytes.get('/data')! > 0)
  assert.deepEqual(
    world.log.lines.map(({ message }) => message),
    ['A log cannot be cleaned, and is left as it is from now on'],
  )
  assert.equal(other.segments.length, 2)
  await logs.run(logs.manager.delete(log))
  assert.equal(logs.manager.cleaner.metrics().uncleanablePartitionsCount.size, 0)
})

test('a disk that fails takes its log dir offline', async () => {
  const failed: string[] = []
  const world = memoryWorld()
  const logs = await openLogs({
    world,
    config: COMPACT,
    cleaner: { ...CLEANER, backoffMs: 1e6 },
    onLogDirFailure: dir => failed.push(dir),
  })
  await fill(logs, await logs.log(), 8)
  world.disk.inject({ operation: 'write', code: 'ENOSPC', path: /cleaned$/ })
  await logs.run(logs.manager.cleaner.reconfigure(CLEANER))
  await world.advance(5000)
  assert.deepEqual(failed, ['/data'])
})

test('reads and writes are held to log.cleaner.io.max.bytes.per.second', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: { ...CLEANER, ioMaxBytesPerSecond: 1000 } })
  const log = await logs.log()
  await fill(logs, log, 12)
  const bytes = log.sizeInBytes - log.segments.at(-1)!.sizeInBytes
  await logs.world.advance(bytes)
  assert.equal(await checkpoint(logs), '')
  await logs.world.advance(2 * bytes)
  assert.notEqual(await checkpoint(logs), '')
})

test('compact,delete: retention goes on in the cleaner’s hands', async () => {
  const config: Partial<LogConfig> = { ...COMPACT, cleanupPolicy: ['compact', 'delete'], retentionMs: 100_000 }
  const logs = await openLogs({ config, cleaner: CLEANER })
  const log = await logs.log()
  const nowMs = logs.world.clock.now()
  for (let i = 0; i < 3; i++) {
    await append(logs, log, pairs(`a=${i} b${i}=1`, nowMs + i * 1000))
    log.roll()
  }
  await append(logs, log, pairs('x=1', nowMs + 200_000))
  log.updateHighWatermark(log.logEndOffset)
  await logs.world.advance(5000)
  assert.deepEqual(await view(logs, log), ['1 b0=1', '3 b1=1', '4 a=2', '5 b2=1', '6 x=1'])
  await logs.world.advance(110_000)
  assert.deepEqual(await view(logs, log), ['6 x=1'])
})

test('a segment is rolled when max.compaction.lag.ms has passed', async () => {
  const logs = await openLogs({ config: { ...COMPACT, segmentBytes: 1e6, maxCompactionLagMs: 5000 }, cleaner: CLEANER })
  const log = await logs.log()
  await append(logs, log, pairs('a=1', 1000))
  await append(logs, log, pairs('a=2', 6000))
  assert.equal(log.segments.length, 1)
  await append(logs, log, pairs('a=3', 6001))
  assert.equal(log.segments.length, 2)
})

test('with log.cleaner.enable=false nothing is cleaned', async () => {
  const logs = await openLogs({ config: COMPACT, cleaner: { ...CLEANER, enable: false } })
  const log = await logs.log()
  await fill(logs, log, 12)
  await logs.world.advance(60_000)
  assert.equal((await view(logs, log)).length, 120)
})
