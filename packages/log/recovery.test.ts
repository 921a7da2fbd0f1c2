/** What a start makes of a folder that was left in some state; random states are log-workload.test.ts's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemoryWorld } from '@ottla/io/memory'
import { LogError } from './errors.ts'
import type { PartitionLog } from './partition-log.ts'
import { batch, marker, recordsOf } from './testing/batches.ts'
import { AS_CLIENT, AS_COORDINATOR, append, type Logs, type LogsOptions, openLogs, read } from './testing/logs.ts'

const SMALL = { segmentBytes: 400, indexIntervalBytes: 1, retentionMs: -1 }

/** Ten records in segments of a few each: `a` to `j`. */
async function filled(options: LogsOptions = {}): Promise<{ logs: Logs; log: PartitionLog }> {
  const logs = await openLogs({ config: SMALL, ...options })
  const log = await logs.log()
  for (const value of 'abcdefghij') {
    await append(logs, log, batch({ values: [value.padEnd(50, value)], timestamp: logs.world.clock.now() }))
  }
  assert.equal(log.segments.length, 4)
  return { logs, log }
}

async function kill(logs: Logs): Promise<MemoryWorld> {
  await logs.world.advance(100) // what rolls have left to do in the background
  logs.world.crash()
  return logs.world.restart()
}

async function reopen(world: MemoryWorld, options: LogsOptions = {}): Promise<{ logs: Logs; log: PartitionLog }> {
  const logs = await openLogs({ config: SMALL, ...options, world })
  const log = logs.manager.get({ topic: 't', partition: 0 })
  assert.ok(log)
  return { logs, log }
}

async function values(logs: Logs, log: PartitionLog): Promise<string> {
  let all = ''
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result = await read(logs, log, offset)
    for (const { value } of recordsOf(result)) all += value[0]
    offset = result.nextOffset
  }
  return all
}

async function names(world: MemoryWorld, folder = '/data/t-0'): Promise<string[]> {
  return (await world.runUntil(world.disk.list(folder))).map(({ name }) => name)
}

async function write(world: MemoryWorld, path: string, bytes: Uint8Array): Promise<void> {
  await world.runUntil(world.disk.writeFileAtomic(path, bytes))
}

async function bytesOf(world: MemoryWorld, path: string): Promise<Buffer> {
  return await world.runUntil(world.disk.readFile(path))
}

test('a batch that is cut short at the end goes', async () => {
  const { logs, log } = await filled()
  const last = log.segments.at(-1)!
  const world = await kill(logs)
  const path = `/data/t-0/${String(last.baseOffset).padStart(20, '0')}.log`
  await write(world, path, (await bytesOf(world, path)).subarray(0, last.sizeInBytes - 1))
  const again = await reopen(world)
  assert.equal(again.log.logEndOffset, 9)
  assert.equal(await values(again.logs, again.log), 'abcdefghi')
  assert.equal((await append(again.logs, again.log, batch())).firstOffset, 9)
})

test('at a bad batch the log is cut, and what came after goes with it', async () => {
  const { logs } = await filled()
  const world = await kill(logs)
  world.storage.corrupt('/data/t-0/00000000000000000003.log', 200)
  await write(world, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'))
  const again = await reopen(world)
  assert.equal(await values(again.logs, again.log), 'abcd')
  assert.deepEqual(
    again.log.segments.map(({ baseOffset }) => baseOffset),
    [0, 3],
  )
  assert.deepEqual(
    (await names(world)).filter(name => name.endsWith('.log')),
    ['00000000000000000000.log', '00000000000000000003.log'],
  )
})

test('what is below the recovery point is believed', async () => {
  const { logs, log } = await filled()
  await logs.run(log.flush())
  await logs.world.advance(120_000) // the checkpoint
  const world = await kill(logs)
  world.storage.corrupt('/data/t-0/00000000000000000003.log', 200)
  const again = await reopen(world)
  assert.equal(again.log.logEndOffset, 10)
})

test('after a clean stop no batch is checked, and nothing is lost', async () => {
  const { logs } = await filled()
  await logs.run(logs.manager.close(77))
  assert.equal((await bytesOf(logs.world, '/data/.kafka_cleanshutdown')).toString(), '{"version":0,"brokerEpoch":77}')
  logs.world.storage.corrupt('/data/t-0/00000000000000000003.log', 200)
  const again = await reopen(logs.world)
  assert.equal(again.logs.manager.previousBrokerEpoch, 77)
  assert.equal(again.log.logEndOffset, 10)
  assert.equal(again.log.recoveryPoint, 10)
  assert.ok(!(await names(logs.world, '/data')).includes('.kafka_cleanshutdown'))
})

test('indexes that are gone, or make no sense, are made again', async () => {
  const { logs } = await filled()
  await logs.run(logs.manager.close())
  const { world } = logs
  const [first, second, third] = [0, 3, 6].map(base => `/data/t-0/${String(base).padStart(20, '0')}`)
  const [index, timeIndex] = [await bytesOf(world, `${first}.index`), await bytesOf(world, `${second}.timeindex`)]
  await world.runUntil(world.disk.remove(`${first}.index`))
  await write(world, `${second}.timeindex`, Buffer.alloc(24))
  await write(world, `${third}.index`, Buffer.from('0000000700000001', 'hex'))
  const again = await reopen(world)
  assert.equal(await values(again.logs, again.log), 'abcdefghij')
  for (let offset = 0; offset < 10; offset++) {
    assert.equal((await read(again.logs, again.log, offset, 1)).baseOffset, offset)
  }
  assert.equal((await again.logs.run(again.log.maxTimestampOffset()))?.offset, 0)
  await again.logs.run(again.logs.manager.close())
  assert.deepEqual(await bytesOf(world, `${first}.index`), index)
  assert.deepEqual(await bytesOf(world, `${second}.timeindex`), timeIndex)
})

test('producer state is found again without a snapshot, and with a damaged one', async () => {
  for (const damage of ['remove', 'corrupt'] as const) {
    const logs = await openLogs({ config: SMALL })
    const log = await logs.log()
    const producer = { producerId: 5, timestamp: logs.world.clock.now() }
    for (let sequence = 0; sequence < 9; sequence++)
      await append(logs, log, batch({ ...producer, sequence, values: ['x'.repeat(99)] }))
    const world = await kill(logs)
    for (const name of (await names(world)).filter(name => name.endsWith('.snapshot'))) {
      if (damage === 'remove') await world.runUntil(world.disk.remove(`/data/t-0/${name}`))
      else world.storage.corrupt(`/data/t-0/${name}`, 20)
    }
    const again = await reopen(world)
    assert.equal(again.log.activeProducers()[0]!.lastSequence, 8)
    const retry = again.log.append(batch({ ...producer, sequence: 8, values: ['x'.repeat(99)] }), {
      origin: 'client',
      leaderEpoch: 0,
      nowMs: 0,
    })
    assert.deepEqual([retry.duplicate, retry.firstOffset], [true, 8])
  }
})

test('aborted transactions are found again', async () => {
  const logs = await openLogs({ config: SMALL, transactionPartitionVerificationEnable: false })
  const log = await logs.log()
  const timestamp = logs.world.clock.now()
  for (let sequence = 0; sequence < 4; sequence++) {
    await append(
      logs,
      log,
      batch({ producerId: 5, sequence, isTransactional: true, timestamp, values: ['x'.repeat(99)] }),
    )
  }
  await append(logs, log, marker({ producerId: 5, isCommit: false, timestamp }), AS_COORDINATOR)
  const world = await kill(logs)
  await write(world, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'))
  for (const name of (await names(world)).filter(name => name.endsWith('.txnindex'))) {
    await world.runUntil(world.disk.remove(`/data/t-0/${name}`))
  }
  const again = await reopen(world)
  assert.deepEqual(
    (await again.logs.run(Promise.resolve(again.log.abortedTransactions(0, 5)))).map(({ producerId, firstOffset }) => [
      producerId,
      firstOffset,
    ]),
    [[5, 0]],
  )
})

test('leader epochs are found again when their file cannot be read', async () => {
  const { logs, log } = await filled()
  log.assignEpochStart(4, log.logEndOffset)
  await append(logs, log, batch(), { ...AS_COORDINATOR, leaderEpoch: 4 })
  await logs.run(logs.manager.close())
  await write(logs.world, '/data/t-0/leader-epoch-checkpoint', Buffer.from('0\n5\nnonsense'))
  const again = await reopen(logs.world)
  assert.deepEqual(again.log.leaderEpochs, [
    { epoch: 0, startOffset: 0 },
    { epoch: 4, startOffset: 10 },
  ])
})

test('what a stop has interrupted is finished: deletions, and replacements by the cleaner', async () => {
  const { logs } = await filled()
  await logs.run(logs.manager.close())
  const { world } = logs
  const folder = '/data/t-0'
  const name = (offset: number, suffix: string): string => `${folder}/${String(offset).padStart(20, '0')}${suffix}`
  await write(world, name(50, '.log.deleted'), Buffer.from('old'))
  await write(world, name(60, '.log.cleaned'), Buffer.from('half'))
  await write(world, name(60, '.log.swap'), Buffer.from('half')) // not before all .cleaned were renamed
  // Segment 0 and 3 were replaced by one.
  const merged = Buffer.concat([await bytesOf(world, name(0, '.log')), await bytesOf(world, name(3, '.log'))])
  await write(world, name(0, '.log.swap'), merged)
  await write(world, name(0, '.index.swap'), Buffer.alloc(0))
  await write(world, name(0, '.timeindex.swap'), await bytesOf(world, name(3, '.timeindex')))
  await write(world, name(70, '.index'), Buffer.alloc(8)) // without a log
  const again = await reopen(world, { config: { ...SMALL, segmentBytes: 4000 } })
  assert.deepEqual(
    again.log.segments.map(({ baseOffset }) => baseOffset),
    [0, 6, 9],
  )
  assert.equal(await values(again.logs, again.log), 'abcdefghij')
  assert.deepEqual(
    (await names(world)).filter(name => /deleted|cleaned|swap|^0*70/.test(name)),
    [],
  )
})

test('a log that ends before its start begins anew there', async () => {
  const { logs } = await filled()
  await logs.run(logs.manager.close())
  await write(logs.world, '/data/log-start-offset-checkpoint', Buffer.from('0\n1\nt 0 500\n'))
  const again = await reopen(logs.world)
  assert.deepEqual([again.log.logStartOffset, again.log.logEndOffset, again.log.sizeInBytes], [500, 500, 0])
  assert.equal((await append(again.logs, again.log, batch())).firstOffset, 500)
})

test('a hole that a loss of power has torn is no part of the log; one that compaction made is', async () => {
  for (const cleanupPolicy of [['delete'], ['compact']] as const) {
    const { logs } = await filled({ config: { ...SMALL, cleanupPolicy } })
    const world = await kill(logs)
    await write(world, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'))
    const path = '/data/t-0/00000000000000000003.log'
    await write(world, path, (await bytesOf(world, path)).subarray(0, 118)) // one batch, of three
    const again = await reopen(world, { config: { ...SMALL, cleanupPolicy } })
    assert.equal(await values(again.logs, again.log), cleanupPolicy[0] === 'delete' ? 'abcd' : 'abcdghij')
  }
})

test('a read from a log that rots says so', async () => {
  const { logs } = await filled({ tailCacheBytes: 0 })
  await logs.run(logs.manager.close())
  logs.world.storage.corrupt('/data/t-0/00000000000000000003.log', 16, 0x40) // the magic
  const again = await reopen(logs.world)
  await assert.rejects(
    read(again.logs, again.log, 3),
    (error: unknown) => error instanceof LogError && error.code === 'CORRUPT_MESSAGE',
  )
  assert.equal((await read(again.logs, again.log, 6)).baseOffset, 6)
})

test('what was preallocated is not part of the log', async () => {
  const config = { ...SMALL, preallocate: true }
  const { logs } = await filled({ config })
  await logs.world.advance(100)
  const active = '/data/t-0/00000000000000000009.log'
  assert.equal((await logs.run(logs.world.disk.stat(active)))?.size, 400)
  const again = await reopen(await kill(logs), { config })
  assert.equal(await values(again.logs, again.log), 'abcdefghij')
  await again.logs.run(again.logs.manager.close())
  assert.equal((await again.logs.run(again.logs.world.disk.stat(active)))?.size, 118)
})

test('what a killed process has not flushed is flushed before it can be read, where flush.messages asks for it', async () => {
  for (const [flushMessages, flushed] of [[1, 2] as const, [Number.POSITIVE_INFINITY, 0] as const]) {
    const config = { ...SMALL, segmentBytes: 10_000, flushMessages }
    const logs = await openLogs({ config })
    const log = await logs.log()
    await append(logs, log, batch({ values: ['a'] }))
    // Written, and killed before the sync.
    logs.world.disk.latencyMs = { sync: [60_000, 60_000] }
    log.append(batch({ values: ['b'] }), AS_CLIENT).written.catch(() => {})
    await logs.world.advance(10)
    const again = await reopen(await kill(logs), { config })
    assert.equal(await values(again.logs, again.log), 'ab')
    assert.equal(again.log.recoveryPoint, flushed)
  }
})
