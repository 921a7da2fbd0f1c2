/** Logs that take the place of others in another log dir, whatever happens meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { LogError } from './errors.ts'
import type { PartitionLog } from './partition-log.ts'
import { batch, recordsOf } from './testing/batches.ts'
import { AS_REPLICA, append, type Logs, openLogs, read, TOPIC_ID } from './testing/logs.ts'

const DIRS = ['/a', '/b']
const T0 = { topic: 't', partition: 0 }
const CHANGES_DISK = / (open|write|sync|truncate|rename|remove|makeDirectory|syncDirectory) /

/** A log of three batches in /a, on stable storage, and its copy in /b. */
async function copied(world: MemoryWorld): Promise<{ logs: Logs; current: PartitionLog; future: PartitionLog }> {
  const logs = await openLogs({ world, logDirs: DIRS, config: { fileDeleteDelayMs: 1000 } })
  const current = await logs.log()
  for (const [sequence, value] of [...'abc'].entries())
    await append(logs, current, batch({ values: [value], producerId: 7, producerEpoch: 0, sequence }))
  await logs.run(current.flush())
  const future = await logs.run(logs.manager.createFuture(current, '/b'))
  const { chunks } = await read(logs, current, 0)
  for (const chunk of chunks) await append(logs, future, chunk, AS_REPLICA)
  return { logs, current, future }
}

async function values(logs: Logs, log: PartitionLog): Promise<string> {
  const result = await read(logs, log, 0)
  return recordsOf(result)
    .map(({ value }) => value)
    .join('')
}

async function folders(world: MemoryWorld): Promise<string[]> {
  const all: string[] = []
  for (const dir of DIRS) {
    for (const { name } of (await world.runUntil(world.disk.list(dir))).filter(({ isDirectory }) => isDirectory))
      all.push(`${dir}/${name.replace(/[0-9a-f]{32}/, '*')}`)
  }
  return all
}

test('a copy takes the place of its log, which goes', async () => {
  const world = memoryWorld()
  const { logs, current } = await copied(world)
  assert.deepEqual(await folders(world), ['/a/t-0', '/b/t-0.*-future'])
  const log = await logs.run(logs.manager.promoteFuture(T0))
  assert.equal(log.logDir, '/b')
  assert.equal(log.topicId, TOPIC_ID)
  assert.equal(logs.manager.get(T0), log)
  assert.equal(logs.manager.futureOf(T0), null)
  assert.equal(await values(logs, log), 'abc')
  assert.deepEqual([log.logEndOffset, log.highWatermark, log.latestEpoch], [3, current.highWatermark, 0])
  await append(logs, log, batch({ values: ['d'] }))
  assert.deepEqual(await folders(world), ['/a/t-0.*-delete', '/b/t-0'])
  await world.advance(2000)
  assert.deepEqual(await folders(world), ['/b/t-0'])
  await logs.run(logs.manager.close())
  assert.deepEqual(world.disk.openFiles, [])
  const again = await openLogs({ world, logDirs: DIRS })
  assert.equal(await values(again, again.manager.get(T0)!), 'abcd')
})

test('a copy that nobody wants any more goes, and so it does with its topic', async () => {
  const world = memoryWorld()
  const { logs, current } = await copied(world)
  await logs.run(logs.manager.dropFuture(T0))
  assert.equal(logs.manager.futureOf(T0), null)
  await append(logs, current, batch({ values: ['d'] }))
  await logs.run(logs.manager.createFuture(current, '/b'))
  await logs.run(logs.manager.delete(T0, TOPIC_ID))
  await world.advance(2000)
  assert.deepEqual(await folders(world), [])
})

test('no copy is made where there may be one already, or that could not be named', async () => {
  const world = memoryWorld()
  const { logs, current } = await copied(world)
  const refused = (code: string) => (error: unknown) => error instanceof LogError && error.code === code
  await assert.rejects(logs.run(logs.manager.createFuture(current, '/c')), refused('LOG_DIR_NOT_FOUND'))
  const long = await logs.run(logs.manager.getOrCreate({ topic: 'x'.repeat(240), partition: 0 }, TOPIC_ID))
  await assert.rejects(logs.run(logs.manager.createFuture(long, '/b')), refused('INVALID_TOPIC_EXCEPTION'))
  world.disk.inject({ operation: 'write', path: /^\/a\/x/, code: 'EIO' })
  await assert.rejects(append(logs, long, batch()))
  await assert.rejects(logs.run(logs.manager.createFuture(long, '/b')), refused('KAFKA_STORAGE_ERROR'))
})

test('a log whose copy fails before it has its name stays where it is', async () => {
  for (const operation of ['sync', 'rename'] as const) {
    const world = memoryWorld()
    const { logs } = await copied(world)
    world.disk.inject({ operation, path: /^\/b/, code: 'EIO' })
    const log = await logs.run(logs.manager.promoteFuture(T0))
    assert.equal(log.logDir, '/a', operation)
    assert.equal(await values(logs, log), 'abc')
    await append(logs, log, batch({ values: ['d'] }))
    assert.deepEqual([...logs.manager.offlineLogDirs.keys()], ['/b'])
    await logs.run(logs.manager.close())
  }
})

test('wherever the dir of a copy fails, there is one log at the next start, with all that was written', async () => {
  for (const operation of ['sync', 'rename', 'syncDirectory', 'open', 'read', 'list'] as const) {
    for (let after = 0; after < 8; after++) {
      const where = `${operation} after ${after}`
      const world = memoryWorld()
      const { logs } = await copied(world)
      const fault = world.disk.inject({ operation, path: /^\/b/, code: 'EIO', after })
      let written = 'abc'
      try {
        const log = await logs.run(logs.manager.promoteFuture(T0))
        if (fault.hits > 0) await append(logs, log, batch({ values: ['d'] }))
        if (fault.hits > 0) written = 'abcd'
      } catch (error) {
        assert.ok(error instanceof LogError && error.code === 'KAFKA_STORAGE_ERROR', where)
      }
      world.crash({ powerLoss: false })
      const again = await openLogs({
        world: world.restart(),
        logDirs: DIRS,
        isAssignedTo: ({ logDir }) => logDir === '/b',
      })
      const log = again.manager.get(T0)
      assert.ok(log, where)
      assert.equal(await values(again, log), written, where)
      await again.run(again.manager.close())
    }
  }
})

for (const powerLoss of [false, true]) {
  test(`after ${powerLoss ? 'a loss of power' : 'a kill'} at any step there is one log, and it is whole`, async () => {
    let isDone = false
    for (let step = 1; !isDone; step++) {
      let steps = Number.NEGATIVE_INFINITY
      const trace = (event: string) => {
        if (CHANGES_DISK.test(event)) steps++
      }
      const world = memoryWorld({ seed: step, diskLatencyMs: [0.1, 1], trace })
      const { logs } = await copied(world)
      steps = 0
      logs.manager.promoteFuture(T0).then(
        () => {
          isDone = true
        },
        () => {}, // it is killed
      )
      await world.runUntil(() => isDone || steps >= step)
      world.crash({ powerLoss })
      const next = world.restart()
      const again = await openLogs({ world: next, logDirs: DIRS, isAssignedTo: ({ logDir }) => logDir === '/b' })
      const log = again.manager.get(T0)
      assert.ok(log, `step ${step}`)
      assert.equal(await values(again, log), 'abc', `step ${step}`)
      await append(again, log, batch({ values: ['d'] }))
      await again.run(again.manager.close())
    }
  })
}
