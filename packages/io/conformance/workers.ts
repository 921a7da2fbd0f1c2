/** What `Workers` do, in threads or inline. The tasks are below: this module is loaded again to run them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerError } from '../errors.ts'
import type { Workers } from '../io.ts'
import { transferring } from '../transfer.ts'

const task = (exportName: string) => ({ moduleUrl: new URL('./tasks.ts', import.meta.url).href, exportName })

export function workersConformance(name: string, make: () => Workers): void {
  const check = (what: string, body: (workers: Workers) => Promise<void>): void => {
    test(`${name} workers: ${what}`, async () => {
      const workers = make()
      await body(workers)
      await workers.close()
    })
  }

  check('run tasks and give their results', async workers => {
    const results = await Promise.all([1, 2, 3, 4, 5].map(n => workers.run(task('square'), n)))
    assert.deepEqual(results, [1, 4, 9, 16, 25])
    assert.deepEqual(await workers.run(task('later'), { a: [1n, new Uint8Array([1])] }), {
      a: [1n, new Uint8Array([1])],
    })
  })

  check('copy arguments and results, or hand them over', async workers => {
    const bytes = new Uint8Array([1, 2, 3])
    const copied = await workers.run<Uint8Array>(task('fill'), bytes)
    assert.deepEqual([...copied], [9, 9, 9])
    assert.deepEqual([...bytes], [1, 2, 3])
    const handedOver = await workers.run<Uint8Array>(task('fillAndHandOver'), bytes, [bytes.buffer])
    assert.deepEqual([...handedOver], [9, 9, 9])
    assert.equal(bytes.length, 0, 'the buffer is the task’s now')
    const result = { text: 'same' }
    assert.equal(transferring(result, []), result)
  })

  check('pass on what a task throws', async workers => {
    await assert.rejects(workers.run(task('fail'), 'no good'), (error: Error & { code?: string }) => {
      assert.equal(error.name, 'TypeError')
      assert.equal(error.message, 'no good')
      assert.equal(error.code, 'ERR_NO_GOOD')
      assert.match(error.stack ?? '', /tasks\.ts/)
      return true
    })
    await assert.rejects(workers.run(task('failWithText'), 'no good'), { name: 'Error', message: 'no good' })
    assert.equal(await workers.run(task('square'), 3), 9, 'and go on')
  })

  check('say what can not be run', async workers => {
    const code = (expected: string) => (error: unknown) => error instanceof WorkerError && error.code === expected
    await assert.rejects(workers.run(task('nothing'), 1), code('ERR_NO_TASK'))
    await assert.rejects(workers.run({ moduleUrl: 'file:///no/such.ts', exportName: 'x' }, 1), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    await assert.rejects(
      workers.run(task('square'), () => 1),
      { name: 'DataCloneError' },
    )
    await assert.rejects(workers.run(task('giveFunction'), 1), { name: 'DataCloneError' })
  })

  check('reject when they are closed', async workers => {
    const pending = Promise.allSettled([1, 2, 3, 4].map(n => workers.run(task('later'), n)))
    await workers.close()
    const outcomes = await pending
    const isClosed = (error: unknown) => error instanceof WorkerError && error.code === 'ERR_WORKERS_CLOSED'
    assert.ok(outcomes.some(outcome => outcome.status === 'rejected'))
    for (const outcome of outcomes) assert.ok(outcome.status === 'fulfilled' || isClosed(outcome.reason))
    await assert.rejects(workers.run(task('square'), 1), isClosed)
  })
}
