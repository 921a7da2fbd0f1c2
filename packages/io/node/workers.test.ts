/** What only threads have: their number, their death, and that idle ones keep nothing alive. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { WorkerError } from '../errors.ts'
import { NodeWorkers } from './workers.ts'

const tasks = new URL('../conformance/tasks.ts', import.meta.url).href
const task = (exportName: string) => ({ moduleUrl: tasks, exportName })

test('threads are started when there is work, side by side, up to the bound', { timeout: 20_000 }, async () => {
  const workers = new NodeWorkers({ max: 2 })
  assert.equal(workers.threads, 0)
  assert.equal(await workers.run(task('square'), 3), 9)
  assert.equal(workers.threads, 1)
  // Each of these blocks its thread until all have been woken: they end only if both run at once.
  const shared = new SharedArrayBuffer(8)
  const counters = new Int32Array(shared)
  const waiting = [workers.run(task('meet'), shared), workers.run(task('meet'), shared)]
  assert.deepEqual(await Promise.all(waiting), ['met', 'met'])
  assert.equal(counters[0], 2)
  const more = await Promise.all(Array.from({ length: 20 }, (_, i) => workers.run(task('square'), i)))
  assert.equal(more[19], 361)
  assert.equal(workers.threads, 2)
  await workers.close()
  assert.equal(workers.threads, 0)
})

test('a thread that dies takes its task along and no other', { timeout: 20_000 }, async () => {
  const workers = new NodeWorkers({ max: 1 })
  const moduleUrl = new URL('./testing/exit.ts', import.meta.url).href
  const dying = workers.run({ moduleUrl, exportName: 'exit' }, 3)
  const next = workers.run(task('square'), 4)
  await assert.rejects(dying, (error: unknown) => {
    assert.ok(error instanceof WorkerError)
    assert.equal(error.code, 'ERR_WORKER_CRASHED')
    assert.match(error.message, /exit of file:.*exit\.ts/)
    return true
  })
  assert.equal(await next, 16)
  await workers.close()
})

test('threads without work are stopped after a while', { timeout: 20_000 }, async () => {
  const workers = new NodeWorkers({ max: 2, idleMs: 1 })
  await Promise.all([workers.run(task('square'), 1), workers.run(task('square'), 2)])
  while (workers.threads > 0) await turn()
  assert.equal(await workers.run(task('square'), 5), 25)
  await workers.close()
})

test('idle threads do not keep the process alive, working ones do', { timeout: 20_000 }, () => {
  const program = `
    import { NodeWorkers } from '${new URL('./workers.ts', import.meta.url).href}'
    const workers = new NodeWorkers({ max: 1 })
    await workers.run({ moduleUrl: '${tasks}', exportName: 'square' }, 2)
    workers.run({ moduleUrl: '${tasks}', exportName: 'square' }, 3).then(n => console.log('got', n))`
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    timeout: 15_000,
  })
  assert.equal(stdout.toString().trim(), 'got 9')
  assert.equal(status, 0)
})

test('the bound is a number of threads', () => {
  assert.throws(() => new NodeWorkers({ max: 0 }), RangeError)
})
