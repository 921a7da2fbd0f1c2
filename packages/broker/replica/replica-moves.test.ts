/** Replicas that move between log dirs while they are written to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batches, decodeRecords, encodeBatch } from '@ottla/protocol'
import type { Partition } from './partition.ts'
import { openReplicas, type Replicas } from './testing/replicas.ts'

const DIRS = ['/a', '/b', '/c']

/** In one batch. */
function appendAll(partition: Partition, values: readonly string[]): Promise<void> {
  const log = partition.leaderLog(-1)
  const bytes = encodeBatch(values.map(value => ({ value: Buffer.from(value), timestamp: 0 })))
  const appended = log.append(bytes, { origin: 'client', leaderEpoch: partition.leaderEpoch, nowMs: 0 })
  appended.written.then(
    () => partition.onWritten(appended.sizeInBytes),
    () => {},
  )
  return partition.whenCommitted(log.logEndOffset)
}

/** As a handler does: waits where the log is not there for a moment. */
async function produce(partition: Partition, value: string): Promise<void> {
  if (!partition.log) await partition.ready
  await appendAll(partition, [value])
}

async function contents(partition: Partition): Promise<string[]> {
  const log = partition.leaderLog(-1)
  const found: string[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { chunks, nextOffset } = await log.read(offset, { maxBytes: 1 << 20, minOneBatch: true })
    for (const chunk of chunks)
      for (const batch of batches(chunk))
        for (const record of decodeRecords(chunk, batch)) found.push(Buffer.from(record.value!).toString())
    offset = nextOffset
  }
  return found
}

async function filled(replicas: Replicas, count: number): Promise<Partition> {
  const partition = await replicas.partition()
  for (let i = 0; i < count; i++) await produce(partition, `before-${i}`)
  return partition
}

async function untilMoved(replicas: Replicas, partition: Partition): Promise<void> {
  await replicas.world.runUntil(() => !replicas.manager.moves.isMoving(partition))
}

test('nothing is lost, and nothing twice, when a replica moves under load', async () => {
  const replicas = await openReplicas({ logDirs: DIRS })
  const partition = await filled(replicas, 100)
  const from = partition.log!.logDir
  const to = DIRS.find(dir => dir !== from)!
  await replicas.manager.moves.begin(partition, to)
  const sent: Promise<void>[] = []
  for (let i = 0; replicas.manager.moves.isMoving(partition); i++) {
    sent.push(produce(partition, `during-${i}`))
    await replicas.world.advance(1)
  }
  await Promise.all(sent)
  assert.equal(partition.log!.logDir, to)
  await produce(partition, 'after')
  const before = Array.from({ length: 100 }, (_, i) => `before-${i}`)
  assert.deepEqual(await contents(partition), [...before, ...sent.map((_, i) => `during-${i}`), 'after'])
  assert.deepEqual(replicas.placed.at(-1), to)
})

test('whoever waits for a commit or for records is told after the move', async () => {
  const replicas = await openReplicas({ logDirs: DIRS })
  const partition = await filled(replicas, 3)
  // From here on everything takes its time.
  replicas.world.disk.latencyMs = [1, 5]
  const to = DIRS.find(dir => dir !== partition.log!.logDir)!
  await replicas.world.runUntil(replicas.manager.moves.begin(partition, to))
  let acknowledged = 0
  // Under way at every moment, so that some are when the log is replaced.
  while (replicas.manager.moves.isMoving(partition)) {
    produce(partition, 'x').then(() => acknowledged++)
    await replicas.world.advance(0.5)
  }
  await replicas.world.advance(100)
  assert.equal(partition.log!.logDir, to)
  assert.equal(acknowledged, (await replicas.world.runUntil(contents(partition))).length - 3)
})

test('a move is given up for another, and for none', async () => {
  const replicas = await openReplicas({ logDirs: DIRS, bytesPerSecond: 1 })
  const partition = await filled(replicas, 50)
  const { moves, logs } = replicas.manager
  const from = partition.log!.logDir
  const [first, second] = DIRS.filter(dir => dir !== from)
  await moves.begin(partition, first!)
  await produce(partition, 'x')
  await replicas.world.runUntil(moves.begin(partition, second!))
  assert.equal(logs.futureOf(partition)!.logDir, second)
  await replicas.world.runUntil(moves.begin(partition, from))
  assert.equal(logs.futureOf(partition), null)
  assert.equal(moves.isMoving(partition), false)
  assert.equal(partition.log!.logDir, from)
  await assert.rejects(moves.begin(partition, '/nowhere'))
  await produce(partition, 'y')
})

test('a dir that fails keeps the log where it is', async () => {
  const replicas = await openReplicas({ logDirs: DIRS })
  const partition = await filled(replicas, 50)
  const from = partition.log!.logDir
  const to = DIRS.find(dir => dir !== from)!
  replicas.world.disk.inject({ operation: 'write', path: new RegExp(`^${to}/t-0`), code: 'EIO' })
  await replicas.manager.moves.begin(partition, to)
  await untilMoved(replicas, partition)
  assert.equal(partition.log!.logDir, from)
  await produce(partition, 'x')
  assert.equal((await contents(partition)).length, 51)
})

test('a node that stops goes on with the move when it is there again', async () => {
  const replicas = await openReplicas({ logDirs: DIRS, bytesPerSecond: 1 })
  const partition = await filled(replicas, 50)
  const to = DIRS.find(dir => dir !== partition.log!.logDir)!
  await replicas.manager.moves.begin(partition, to)
  await replicas.world.advance(1)
  await replicas.world.runUntil(replicas.manager.moves.close())
  await replicas.manager.logs.close()
  const again = await openReplicas({ logDirs: DIRS, world: replicas.world })
  const resumed = await again.partition({ isNew: false })
  await untilMoved(again, resumed)
  assert.equal(resumed.log!.logDir, to)
  assert.equal((await contents(resumed)).length, 50)
})

test('the topic goes while its replica moves', async () => {
  const replicas = await openReplicas({ logDirs: DIRS, bytesPerSecond: 1 })
  const partition = await filled(replicas, 50)
  await replicas.manager.moves.begin(partition, DIRS.find(dir => dir !== partition.log!.logDir)!)
  await replicas.world.runUntil(replicas.manager.removeTopic(partition.topicId))
  assert.equal(replicas.manager.logs.futureOf(partition), null)
  assert.equal(replicas.manager.logs.get(partition), null)
})

test('a log whose begin runs away is followed, also into the middle of a batch', async () => {
  const replicas = await openReplicas({ logDirs: DIRS, bytesPerSecond: 20_000 })
  const partition = await replicas.partition()
  for (let i = 0; i < 100; i++) await appendAll(partition, [`${i} a`, `${i} b`, `${i} c`])
  const to = DIRS.find(dir => dir !== partition.log!.logDir)!
  replicas.world.disk.latencyMs = [0, 3]
  partition.log!.reconfigure(replicas.config({ 'internal.segment.bytes': '1000' }))
  partition.log!.deleteRecords(1)
  await replicas.world.runUntil(replicas.manager.moves.begin(partition, to))
  for (let start = 2; replicas.manager.moves.isMoving(partition); start++) {
    if (partition.log && start < 290) partition.log.deleteRecords(start)
    await replicas.world.advance(1)
  }
  assert.equal(partition.log!.logDir, to)
  const read = await replicas.world.runUntil(contents(partition))
  assert.deepEqual(read.slice(-3), ['99 a', '99 b', '99 c'])
})

test('a log of which the first records were compacted away begins where it began', async () => {
  const replicas = await openReplicas({ logDirs: DIRS })
  const partition = await replicas.partition()
  const left = encodeBatch([{ value: Buffer.from('left'), timestamp: 0 }], { baseOffset: 5 })
  const { written } = partition.log!.append(left, { origin: 'replication', leaderEpoch: 0, nowMs: 0 })
  await replicas.world.runUntil(written)
  const to = DIRS.find(dir => dir !== partition.log!.logDir)!
  await replicas.world.runUntil(replicas.manager.moves.begin(partition, to))
  await untilMoved(replicas, partition)
  const log = partition.log!
  assert.deepEqual([log.logDir, log.logStartOffset, log.logEndOffset], [to, 0, 6])
  const { chunks } = await replicas.world.runUntil(Promise.resolve(log.read(0, { maxBytes: 1000 })))
  assert.equal(chunks.length, 1)
})

test('what is larger than a segment is copied a segment at a time', async () => {
  const before = await openReplicas({ logDirs: DIRS })
  await filled(before, 50)
  await before.manager.logs.close()
  const config = { 'internal.segment.bytes': '200' }
  const replicas = await openReplicas({ logDirs: DIRS, world: before.world, config })
  const partition = await replicas.partition({ isNew: false })
  const to = DIRS.find(dir => dir !== partition.log!.logDir)!
  await replicas.manager.moves.begin(partition, to)
  await untilMoved(replicas, partition)
  assert.equal(partition.log!.logDir, to)
  assert.equal((await contents(partition)).length, 50)
})

test('a node stops at any moment of a move', async () => {
  for (let stopMs = 0; stopMs < 80; stopMs++) {
    const replicas = await openReplicas({ logDirs: DIRS, bytesPerSecond: 100_000 })
    const partition = await filled(replicas, 5)
    replicas.world.disk.latencyMs = [0, 3]
    const to = DIRS.find(dir => dir !== partition.log!.logDir)!
    await replicas.world.runUntil(replicas.manager.moves.begin(partition, to))
    for (let ms = 0; ms < stopMs; ms++) {
      if (partition.log) void appendAll(partition, ['x'])
      await replicas.world.advance(1)
    }
    await replicas.world.runUntil(replicas.manager.moves.close())
    await replicas.world.runUntil(partition.ready)
    await replicas.world.runUntil(replicas.manager.logs.close())
  }
})
