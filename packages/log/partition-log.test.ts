import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batch, recordsOf } from './testing/batches.ts'
import { append, openLogs, read } from './testing/logs.ts'

test('assigns offsets and gives back what was appended', async () => {
  const logs = await openLogs()
  const log = await logs.log()
  const first = await append(logs, log, batch({ values: ['a', 'b'] }))
  assert.deepEqual([first.firstOffset, first.lastOffset, first.duplicate], [0, 1, false])
  const second = await append(logs, log, batch({ values: ['c'] }))
  assert.equal(second.firstOffset, 2)
  assert.equal(log.logEndOffset, 3)
  assert.equal(log.writtenEndOffset, 3)
  const result = await read(logs, log, 0)
  assert.deepEqual(recordsOf(result), [
    { offset: 0, value: 'a' },
    { offset: 1, value: 'b' },
    { offset: 2, value: 'c' },
  ])
  assert.equal(result.nextOffset, 3)
  await logs.run(logs.manager.close())
  const again = await openLogs({ world: logs.world })
  const reopened = await again.log()
  assert.equal(reopened.logEndOffset, 3)
  assert.equal(reopened.topicId, log.topicId)
  assert.deepEqual(recordsOf(await read(again, reopened, 0)), recordsOf(result))
})
