/** Blocks of producer ids: none is given twice, and the next block is there before this one is used up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProducerIds } from './producer-ids.ts'

/** Blocks of ten, each when the test lets it go. */
function controller() {
  const asked: PromiseWithResolvers<void>[] = []
  const allocate = async () => {
    const start = asked.length * 10
    const request = Promise.withResolvers<void>()
    asked.push(request)
    await request.promise
    return { producerIdStart: start, producerIdLen: 10 }
  }
  return { asked, ids: new ProducerIds(allocate) }
}

test('many who wait share one block', async () => {
  const { asked, ids } = controller()
  const given = Promise.all(Array.from({ length: 5 }, () => ids.next()))
  assert.equal(ids.take(), null)
  assert.equal(asked.length, 1)
  asked[0]!.resolve()
  assert.deepEqual(await given, [0, 1, 2, 3, 4])
})

test('the next block is asked for in time', async () => {
  const { asked, ids } = controller()
  const ready = ids.whenReady()
  asked[0]!.resolve()
  await ready
  for (let id = 0; id < 8; id++) assert.equal(ids.take(), id)
  assert.equal(asked.length, 1)
  assert.equal(ids.take(), 8)
  assert.equal(asked.length, 2)
  asked[1]!.resolve()
  assert.equal(ids.take(), 9)
  assert.equal(await ids.next(), 10)
})

test('a controller that refuses is asked again by whoever comes next', async () => {
  const { asked, ids } = controller()
  const refused = ids.next()
  asked[0]!.reject(new Error('not now'))
  await assert.rejects(refused, /not now/)
  assert.equal(ids.take(), null)
  const next = ids.next()
  asked[1]!.resolve()
  assert.equal(await next, 10)
})
