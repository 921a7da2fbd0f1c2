import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { LogDirError, LogError } from './errors.ts'
import { DEFAULT_LOG_CONFIG } from './log-config.ts'
import { LogManager } from './log-manager.ts'
import type { LogManagerOptions } from './log-manager-options.ts'
import { batch } from './testing/batches.ts'
import { append, CLUSTER_ID, type LogsOptions, openLogs, TOPIC_ID } from './testing/logs.ts'

const DIRS = ['/a', '/b']
const NEW = { isNew: true }

function open(world: MemoryWorld, options: Partial<LogManagerOptions> = {}): Promise<LogManager> {
  return LogManager.open({ world, logDirs: DIRS, nodeId: 1, clusterId: CLUSTER_ID, ...options })
}

function isDirError(code: string): (error: unknown) => boolean {
  return error => error instanceof LogDirError && error.code === code
}

function isLogError(code: string): (error: unknown) => boolean {
  return error => error instanceof LogError && error.code === code
}

function isStorageError(error: unknown): boolean {
  return error instanceof LogError && error.code === 'KAFKA_STORAGE_ERROR'
}

async function text(world: MemoryWorld, path: string): Promise<string> {
  return (await world.runUntil(world.disk.readFile(path))).toString()
}

async function write(world: MemoryWorld, path: string, content: string): Promise<void> {
  await world.disk.writeFileAtomic(path, Buffer.from(content))
}

async function folders(world: MemoryWorld, dir: string): Promise<string[]> {
  const entries = await world.runUntil(world.disk.list(dir))
  return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
}

test('new dirs get an identity, and keep it', async () => {
  const world = memoryWorld()
  const manager = await open(world)
  const ids = [...manager.directoryIds]
  assert.deepEqual(
    ids.map(([path]) => path),
    DIRS,
  )
  assert.notEqual(ids[0]![1], ids[1]![1])
  assert.match(await text(world, '/a/meta.properties'), new RegExp(`^cluster.id=${CLUSTER_ID}$`, 'm'))
  await manager.close()
  const again = await open(world, { clusterId: null })
  assert.deepEqual([...again.directoryIds], ids)
  assert.equal(again.clusterId, CLUSTER_ID)
})

test('dirs that belong elsewhere, or are in use, are not opened', async () => {
  const world = memoryWorld()
  const manager = await open(world)
  await assert.rejects(open(world), isDirError('ERR_LOG_DIR_LOCKED'))
  await manager.close()
  await assert.rejects(open(world, { nodeId: 2 }), isDirError('ERR_WRONG_IDENTITY'))
  await assert.rejects(open(world, { clusterId: 'another-cluster-id-xxx' }), isDirError('ERR_WRONG_IDENTITY'))
  await assert.rejects(open(memoryWorld(), { clusterId: null }), isDirError('ERR_NOT_FORMATTED'))
  await assert.rejects(open(world, { logDirs: ['/a', '/a'] }), isDirError('ERR_UNEXPECTED_CONTENT'))
  await assert.rejects(open(world, { logDirs: [] }), isDirError('ERR_ALL_LOG_DIRS_OFFLINE'))
  await write(world, '/b/meta.properties', await text(world, '/a/meta.properties'))
  await assert.rejects(open(world), isDirError('ERR_BAD_META_PROPERTIES'))
  await write(world, '/b/meta.properties', 'version=1\nnonsense')
  await assert.rejects(open(world), isDirError('ERR_BAD_META_PROPERTIES'))
  // A failed start leaves no lock behind.
  await world.disk.remove('/b/meta.properties')
  await (await open(world)).close()
})

test('a dir that fails at the start takes no other down', async () => {
  const failed: string[] = []
  const world = memoryWorld()
  const first = await openLogs({ world, logDirs: DIRS })
  for (let partition = 0; partition < 4; partition++) await append(first, await first.log(partition), batch())
  await first.run(first.manager.close())
  world.disk.inject({ operation: 'list', path: /^\/a$/ })
  const logs = await openLogs({ world, logDirs: DIRS, onLogDirFailure: dir => failed.push(dir) })
  assert.deepEqual(failed, ['/a'])
  assert.deepEqual([...logs.manager.offlineLogDirs.keys()], ['/a'])
  assert.deepEqual(
    [0, 1, 2, 3].map(partition => logs.manager.get({ topic: 't', partition })?.logDir),
    [undefined, '/b', undefined, '/b'],
  )
  // It may be in the dir that is offline; a replica that was created just now cannot.
  await assert.rejects(logs.log(0), isStorageError)
  await assert.rejects(logs.manager.delete({ topic: 't', partition: 0 }), isStorageError)
  const fresh = await logs.run(logs.manager.getOrCreate({ topic: 'new', partition: 0 }, TOPIC_ID, { isNew: true }))
  assert.equal(fresh.logDir, '/b')
  const described = await logs.manager.logDirs()
  assert.deepEqual(
    described.map(({ path, error, replicas }) => [path, error === null, replicas.length]),
    [
      ['/a', false, 0],
      ['/b', true, 3],
    ],
  )
  await logs.run(logs.manager.close())
  assert.equal(await world.disk.stat('/a/.kafka_cleanshutdown'), null)
  assert.ok(await world.disk.stat('/b/.kafka_cleanshutdown'))
})

test('without any dir there is no start', async () => {
  const world = memoryWorld()
  world.disk.inject({ operation: 'lock', times: 2 })
  await assert.rejects(open(world), isDirError('ERR_ALL_LOG_DIRS_OFFLINE'))
})

test('a dir that fails later takes its logs offline, and no other', async () => {
  const failed: string[] = []
  const logs = await openLogs({ logDirs: DIRS, onLogDirFailure: dir => failed.push(dir) })
  const [a, b] = [await logs.log(0), await logs.log(1)]
  const [sibling] = [await logs.log(2)]
  assert.deepEqual([a.logDir, b.logDir, sibling.logDir], ['/a', '/b', '/a'])
  logs.world.disk.inject({ operation: 'write', path: /^\/a\/t-0\/.*log$/, code: 'EIO' })
  await assert.rejects(append(logs, a, batch()), isStorageError)
  assert.deepEqual(failed, ['/a'])
  assert.throws(() => sibling.append(batch(), { origin: 'client', leaderEpoch: 0, nowMs: 0 }), isStorageError)
  await append(logs, b, batch())
  assert.deepEqual([...logs.manager.logs], [b])
  assert.deepEqual([...logs.manager.directoryIds.keys()], ['/b'])
})

test('logs that are made at the same time are spread over the dirs', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  const partitions = [0, 1, 2, 3, 4, 5]
  const made = await logs.run(
    Promise.all(partitions.map(partition => logs.manager.getOrCreate({ topic: 't', partition }, TOPIC_ID))),
  )
  assert.deepEqual(
    made.map(({ logDir }) => logDir),
    ['/a', '/b', '/a', '/b', '/a', '/b'],
  )
})

test('a log whose folder is there when its dir fails is not made in another', async () => {
  const world = memoryWorld({ diskLatencyMs: { makeDirectory: [5, 5], open: [1, 1] } })
  const logs = await openLogs({ world, logDirs: DIRS })
  const create = (partition: number) => logs.manager.getOrCreate({ topic: 't', partition }, TOPIC_ID, NEW)
  world.disk.inject({ operation: 'open', path: /^\/a\/t-0\// })
  await logs.run(create(0))
  // While its first file is opened, and that fails, the folder of the third is made.
  const [second, third] = await logs.run(Promise.allSettled([create(1), create(2)]))
  assert.equal(second.status === 'fulfilled' && second.value.logDir, '/b')
  assert.ok(third.status === 'rejected' && isStorageError(third.reason))
  assert.deepEqual([await folders(world, '/a'), await folders(world, '/b')], [['t-0', 't-2'], ['t-1']])
  assert.equal((await logs.run(create(3))).logDir, '/b')
})

test('a log whose folder cannot be made is made in another dir', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  logs.world.disk.inject({ operation: 'makeDirectory', path: /^\/a\/t-0$/ })
  const log = await logs.run(logs.manager.getOrCreate({ topic: 't', partition: 0 }, TOPIC_ID, NEW))
  assert.equal(log.logDir, '/b')
})

test('the metadata log may have a dir of its own, which takes no partitions', async () => {
  const world = memoryWorld()
  const options = { metadataLogDir: '/m' }
  const manager = await open(world, options)
  const log = await world.runUntil(manager.openMetadataLog('/m', DEFAULT_LOG_CONFIG))
  assert.equal(log.logDir, '/m')
  assert.deepEqual([...manager.directoryIds.keys()], DIRS)
  assert.notEqual(manager.directoryIdOf('/m'), null)
  await assert.rejects(open(world, options), isDirError('ERR_LOG_DIR_LOCKED'))
  await world.runUntil(manager.close())
  assert.deepEqual(await folders(world, '/m'), ['__cluster_metadata-0'])
  await assert.rejects(
    open(world, { logDirs: ['/a', '/m'], metadataLogDir: '/a' }),
    isDirError('ERR_UNEXPECTED_CONTENT'),
  )
})

test('new logs go where there are fewest, or where they are told to', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  const create = (partition: number, options = {}) =>
    logs.run(logs.manager.getOrCreate({ topic: 't', partition }, TOPIC_ID, options))
  const directoryId = logs.manager.directoryIds.get('/b')!
  logs.manager.prefer({ topic: 't', partition: 0 }, '/b')
  await create(0)
  for (let partition = 1; partition < 3; partition++) await create(partition, { directoryId })
  assert.equal((await create(3, { directoryId })).logDir, '/b')
  assert.deepEqual([(await create(4)).logDir, (await create(5)).logDir], ['/a', '/a'])
  assert.throws(() => logs.manager.checkPlace('/c'), isLogError('LOG_DIR_NOT_FOUND'))
})

test('a cordoned dir takes no new logs, unless there is no other', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  const dirOf = async (partition: number) => (await logs.log(partition)).logDir
  assert.equal(logs.manager.cordon(['/a']), true)
  assert.equal(logs.manager.cordon(['/a']), false)
  assert.deepEqual([await dirOf(0), await dirOf(1)], ['/b', '/b'])
  assert.throws(() => logs.manager.checkPlace('/a'), isLogError('INVALID_REPLICA_ASSIGNMENT'))
  assert.deepEqual(
    (await logs.manager.logDirs()).map(({ isCordoned }) => isCordoned),
    [true, false],
  )
  logs.manager.cordon(DIRS)
  assert.equal(await dirOf(2), '/a')
})

test('a log has one topic id', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  await append(logs, log, batch())
  assert.equal(await text(logs.world, '/data/t-0/partition.metadata'), `version: 0\ntopic_id: ${TOPIC_ID}`)
  const other = 'xxxxxxxxxxxxxxxxxxxxxx'
  await assert.rejects(
    logs.run(logs.manager.getOrCreate({ topic: 't', partition: 0 }, other)),
    (error: unknown) => error instanceof LogError && error.code === 'INCONSISTENT_TOPIC_ID',
  )
})

test('getOrCreate asked twice at once makes one', async () => {
  const logs = await openLogs()
  const both = Promise.all([1, 2].map(() => logs.manager.getOrCreate({ topic: 't', partition: 0 }, TOPIC_ID)))
  const [first, second] = await logs.run(both)
  assert.equal(first, second)
})

test('a deleted log is out of the way at once, and gone after a while', async () => {
  const logs = await openLogs({ config: { fileDeleteDelayMs: 5000 } })
  const log = await logs.log()
  await append(logs, log, batch())
  await logs.run(logs.manager.delete(log))
  assert.equal(logs.manager.get(log), null)
  assert.throws(() => log.append(batch(), { origin: 'client', leaderEpoch: 0, nowMs: 0 }), isStorageError)
  assert.match((await folders(logs.world, '/data'))[0]!, /^t-0\.[0-9a-f]{32}-delete$/)
  // One of the same name that is made meanwhile is another.
  const again = await logs.log()
  assert.equal(again.logEndOffset, 0)
  await append(logs, again, batch())
  await logs.world.advance(5001)
  assert.deepEqual(await folders(logs.world, '/data'), ['t-0'])
})

test('how far a log was cleaned is forgotten with it', async () => {
  const before = await openLogs()
  for (const partition of [0, 1]) await append(before, await before.log(partition), batch())
  await before.run(before.manager.close())
  await write(before.world, '/data/cleaner-offset-checkpoint', '0\n3\nt 0 1\nt 1 1\nother 1 7\n')
  const logs = await openLogs({ world: before.world })
  assert.equal(await text(logs.world, '/data/cleaner-offset-checkpoint'), '0\n2\nt 0 1\nt 1 1\n')
  await logs.run(logs.manager.delete({ topic: 't', partition: 0 }))
  assert.equal(await text(logs.world, '/data/cleaner-offset-checkpoint'), '0\n1\nt 1 1\n')
})

test('what was to be deleted is deleted after a restart', async () => {
  const logs = await openLogs()
  await append(logs, await logs.log(), batch())
  await logs.run(logs.manager.delete({ topic: 't', partition: 0 }))
  await logs.run(logs.manager.close())
  const again = await openLogs({ world: logs.world })
  assert.deepEqual([...again.manager.logs], [])
  await again.world.advance(60_001)
  assert.deepEqual(await folders(again.world, '/data'), [])
})

test('a loss of power leaves no part of a log that is being deleted', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const config = { fileDeleteDelayMs: 0 }
    const logs = await openLogs({ world: memoryWorld({ seed, diskLatencyMs: [1, 2] }), config })
    const log = await logs.log()
    await append(logs, log, batch())
    await logs.run(log.flush())
    logs.manager.delete({ topic: 't', partition: 0 }).catch(() => {})
    await logs.world.advance(3 + (seed % 10))
    logs.world.crash({ powerLoss: true })
    const again = await openLogs({ world: logs.world.restart(), config })
    const left = [...again.manager.logs].map(({ topicId, logEndOffset }) => [topicId, logEndOffset])
    assert.deepEqual(left, left.length === 0 ? [] : [[TOPIC_ID, 1]], `seed ${seed}`)
  }
})

test('what the metadata does not know is set aside', async () => {
  const logs = await openLogs()
  for (let partition = 0; partition < 2; partition++) await append(logs, await logs.log(partition), batch())
  await logs.run(logs.manager.close())
  const manager = await open(logs.world, { logDirs: ['/data'] })
  await logs.run(manager.load({ defaults: DEFAULT_LOG_CONFIG, isStray: log => log.partition === 0 }))
  assert.deepEqual(
    [...manager.logs].map(({ partition }) => partition),
    [1],
  )
  assert.match((await folders(logs.world, '/data')).join(), /^t-0\.[0-9a-f]{32}-stray,t-1$/)
})

test('a partition in two dirs is for a person to settle; other folders are left alone', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  await append(logs, await logs.log(), batch())
  await logs.run(logs.manager.close())
  await logs.world.disk.makeDirectory('/a/lost+found')
  await logs.world.disk.makeDirectory('/a/whatever')
  await logs.world.disk.makeDirectory('/b/t-0.0123456789abcdef0123456789abcdef-future')
  const again = await openLogs({ world: logs.world, logDirs: DIRS })
  const described = (await again.manager.logDirs()).flatMap(({ replicas }) => replicas)
  assert.deepEqual(
    described.map(({ isFuture, offsetLag }) => [isFuture, offsetLag]),
    [
      [false, 0],
      [true, 1],
    ],
  )
  await again.run(again.manager.close())
  await logs.world.disk.makeDirectory('/b/t-0')
  const metadata = await logs.world.disk.readFile('/a/t-0/partition.metadata')
  await logs.world.disk.writeFileAtomic('/b/t-0/partition.metadata', metadata)
  const manager = await open(logs.world)
  await assert.rejects(manager.load({ defaults: DEFAULT_LOG_CONFIG }), isDirError('ERR_UNEXPECTED_CONTENT'))
})

test('a folder whose creation was cut short is no partition, even where another dir has one of the same name', async () => {
  const logs = await openLogs({ logDirs: DIRS })
  await append(logs, await logs.log(), batch())
  await logs.run(logs.manager.close())
  await logs.world.disk.makeDirectory('/b/t-0')
  await logs.world.disk.makeDirectory('/b/t-1')
  const again = await openLogs({ world: logs.world, logDirs: DIRS })
  assert.deepEqual(
    [...again.manager.logs].map(({ partition, logDir, logEndOffset }) => [partition, logDir, logEndOffset]),
    [[0, '/a', 1]],
  )
  await again.world.advance(60_001)
  assert.deepEqual(await folders(again.world, '/b'), [])
})

test('checkpoints are written from time to time, and where something changed', async () => {
  const writes: string[] = []
  const world = memoryWorld({ trace: event => /rename .*-checkpoint/.test(event) && writes.push(event) })
  const options: LogsOptions = {
    world,
    highWatermarkCheckpointIntervalMs: 5000,
    config: { segmentBytes: 300, retentionMs: -1 },
  }
  const logs = await openLogs(options)
  const log = await logs.log()
  for (let i = 0; i < 4; i++) await append(logs, log, batch({ values: ['x'.repeat(50)] }))
  log.updateHighWatermark(3)
  log.deleteRecords(1)
  await world.advance(130_000)
  assert.equal(await text(world, '/data/replication-offset-checkpoint'), '0\n1\nt 0 3\n')
  assert.equal(await text(world, '/data/recovery-point-offset-checkpoint'), '0\n1\nt 0 2\n') // rolled, so flushed
  assert.equal(await text(world, '/data/log-start-offset-checkpoint'), '0\n1\nt 0 1\n')
  const before = writes.length
  await world.advance(300_000)
  assert.equal(writes.length, before)
  world.crash()
  const again = await openLogs({ ...options, world: world.restart() })
  const reopened = again.manager.get({ topic: 't', partition: 0 })!
  assert.deepEqual([reopened.logStartOffset, reopened.highWatermark, reopened.logEndOffset], [1, 3, 4])
})

test('a flush falls due by time', async () => {
  const logs = await openLogs({ flushSchedulerIntervalMs: 1000, initialTaskDelayMs: 1000, config: { flushMs: 10_000 } })
  const log = await logs.log()
  await append(logs, log, batch())
  await logs.world.advance(9_500)
  assert.equal(log.recoveryPoint, 0)
  await logs.world.advance(1_000)
  assert.equal(log.recoveryPoint, 1)
})

test('retention and the expiry of producers go by themselves', async () => {
  const logs = await openLogs({ config: { retentionMs: 3_600_000 }, producerIdExpirationMs: 7_200_000 })
  const log = await logs.log()
  await append(logs, log, batch({ producerId: 1, timestamp: logs.world.clock.now() }))
  log.updateHighWatermark(1)
  await logs.world.advance(3_600_000 + 600_000)
  assert.deepEqual([log.logStartOffset, log.sizeInBytes, log.activeProducers().length], [1, 0, 1])
  await logs.world.advance(3_600_000)
  assert.equal(log.activeProducers().length, 0)
})

test('each topic has its config', async () => {
  const big = { ...DEFAULT_LOG_CONFIG, segmentBytes: 12345 }
  const logs = await openLogs({ configOf: topic => (topic === 'big' ? big : DEFAULT_LOG_CONFIG) })
  const log = await logs.run(logs.manager.getOrCreate({ topic: 'big', partition: 0 }, TOPIC_ID))
  assert.equal(log.config.segmentBytes, 12345)
  assert.equal((await logs.log()).config.segmentBytes, DEFAULT_LOG_CONFIG.segmentBytes)
})

test('the metadata log is opened apart', async () => {
  const world = memoryWorld()
  const start = async () => {
    const manager = await open(world, { logDirs: ['/data'] })
    const log = await manager.openMetadataLog('/data', DEFAULT_LOG_CONFIG)
    await manager.load({ defaults: { ...DEFAULT_LOG_CONFIG, retentionMs: 1 } })
    return { manager, log }
  }
  const { manager, log } = await start()
  const raft = { origin: 'raft', leaderEpoch: 4, nowMs: 0 } as const
  await world.runUntil(log.append(batch({ baseOffset: 0, leaderEpoch: 4 }), raft).written)
  assert.throws(() => log.append(batch({ baseOffset: 0, leaderEpoch: 4 }), raft), LogError)
  assert.deepEqual([...manager.logs], [])
  await world.advance(1_000_000)
  await world.runUntil(manager.close())
  const again = await start()
  assert.deepEqual([again.log.logEndOffset, again.log.latestEpoch], [1, 4])
})

test('a stop that could not write everything is not called clean', async () => {
  const logs = await openLogs()
  await append(logs, await logs.log(), batch())
  logs.world.disk.inject({ operation: 'sync', path: /\.log$/ })
  await logs.run(logs.manager.close())
  assert.equal(await logs.world.disk.stat('/data/.kafka_cleanshutdown'), null)
  const again = await openLogs({ world: logs.world })
  assert.equal(again.manager.previousBrokerEpoch, -1)
})
