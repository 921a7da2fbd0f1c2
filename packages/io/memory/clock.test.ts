/** Virtual time: the order of events, and who moves it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { LocalClock, VirtualClock } from './clock.ts'
import { EventHeap } from './event-heap.ts'

test('events run in order of time, then of setting', async () => {
  const clock = new VirtualClock()
  const order: string[] = []
  for (const [name, delayMs] of [
    ['c', 20],
    ['a', 10],
    ['d', 20],
    ['b', 10],
  ] as const) {
    clock.setTimer(delayMs, () => order.push(`${name}@${clock.monotonic()}`))
  }
  clock.setTimer(10, () => clock.setTimer(10, () => order.push('e, set later')))
  await clock.advance(15)
  assert.deepEqual(order, ['a@10', 'b@10'])
  assert.equal(clock.monotonic(), 15)
  await clock.advance(5)
  assert.deepEqual(order.slice(2), ['c@20', 'd@20', 'e, set later'])
  assert.equal(clock.pending, 0)
})

test('the heap gives what a stable sort gives, whatever is canceled', () => {
  const event = fc.record({ timeMs: fc.nat(20), cancel: fc.boolean(), takeBefore: fc.nat(2) })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), steps => {
      const heap = new EventHeap()
      let model: { timeMs: number; index: number }[] = []
      const takeBoth = (): void => {
        model.sort((a, b) => a.timeMs - b.timeMs || a.index - b.index)
        const expected = model.shift()
        const taken = heap.take()
        assert.deepEqual(taken && [taken.timeMs, taken.sequence], expected ? [expected.timeMs, expected.index] : null)
      }
      for (const [index, { timeMs, cancel, takeBefore }] of steps.entries()) {
        for (let i = 0; i < takeBefore; i++) takeBoth()
        const added = heap.add(timeMs, () => {})
        model.push({ timeMs, index })
        if (!cancel) continue
        heap.cancel(added)
        heap.cancel(added)
        model = model.filter(entry => entry.index !== index)
      }
      assert.equal(heap.size, model.length)
      while (model.length > 0) takeBoth()
      assert.equal(heap.take(), null)
    }),
  )
})

test('canceled timers do not pile up', () => {
  const heap = new EventHeap()
  const kept = heap.add(500_000, () => {})
  for (let i = 0; i < 100_000; i++) heap.cancel(heap.add(1_000_000 + i, () => {}))
  assert.equal(heap.size, 1)
  assert.ok(heap.stored < 5000, `${heap.stored} are stored`)
  assert.equal(heap.take(), kept)
})

test('promises run between events, chains of them to their end', async () => {
  const clock = new VirtualClock()
  const order: string[] = []
  clock.setTimer(1, async () => {
    for (let i = 0; i < 30; i++) await null
    order.push('30 promises later')
  })
  clock.setTimer(1, () => order.push('next event'))
  await clock.advance(1)
  assert.deepEqual(order, ['30 promises later', 'next event'])
})

test('years pass in no time', async () => {
  const clock = new VirtualClock({ startMs: 0 })
  let days = 0
  const eachDay = (): void => {
    days++
    clock.setTimer(86_400_000, eachDay)
  }
  clock.setTimer(86_400_000, eachDay)
  await clock.advance(3 * 365 * 86_400_000)
  assert.equal(days, 1095)
  assert.equal(new Date(clock.now()).toISOString(), '1972-12-31T00:00:00.000Z')
})

test('runUntil gives what it waited for', async () => {
  const clock = new VirtualClock()
  const late = new Promise<string>(resolve => clock.setTimer(5000, () => resolve('here')))
  assert.equal(await clock.runUntil(late), 'here')
  assert.equal(clock.monotonic(), 5000, 'and not a moment more')
  const fails = new Promise<string>((_, reject) => clock.setTimer(10, () => reject(new Error('as expected'))))
  await assert.rejects(clock.runUntil(fails), /as expected/)
  let ticks = 0
  const tick = (): void => {
    ticks++
    clock.setTimer(100, tick)
  }
  tick()
  await clock.runUntil(() => ticks === 50)
  assert.equal(clock.monotonic(), 5010 + 4900)
})

test('runUntil says when its goal is out of reach', async () => {
  const clock = new VirtualClock()
  await assert.rejects(clock.runUntil(new Promise(() => {})), /nothing is scheduled any more/)
  const again = (): void => {
    clock.setTimer(1000, again)
  }
  again()
  await assert.rejects(
    clock.runUntil(() => false, { limitMs: 5000 }),
    /5000 ms of virtual time are up/,
  )
  assert.equal(clock.monotonic(), 5000)
})

test('what a callback throws comes out where time is moved', async () => {
  const clock = new VirtualClock()
  clock.setTimer(10, () => {
    throw new Error('in a timer')
  })
  clock.setTimer(20, () => {})
  await assert.rejects(clock.advance(100), /in a timer/)
  assert.equal(clock.monotonic(), 10)
  await clock.advance(10)
  assert.equal(clock.pending, 0)
})

test('only one at a time moves it', async () => {
  const clock = new VirtualClock()
  clock.setTimer(1, () => {})
  const first = clock.advance(5)
  await assert.rejects(clock.advance(5), /moved already/)
  await first
  await assert.rejects(clock.advance(-1), RangeError)
})

test('time stands still while a real promise is held', async () => {
  const clock = new VirtualClock()
  const order: string[] = []
  clock.setTimer(1, () => {
    void clock.hold(readFile(import.meta.filename)).then(() => order.push(`file read at ${clock.monotonic()}`))
  })
  clock.setTimer(2, () => order.push('timer at 2'))
  await clock.advance(2)
  assert.deepEqual(order, ['file read at 1', 'timer at 2'])
  await assert.rejects(clock.hold(Promise.reject(new Error('passed on'))), /passed on/)
  await clock.advance(1)
})

test('with automatic flow what is due runs by itself, and time stands', async () => {
  const clock = new VirtualClock({ flow: 'auto' })
  const order: string[] = []
  clock.setTimer(5, () => order.push('timer'))
  await new Promise<void>(resolve => {
    clock.nextTurn(() => {
      order.push('turn')
      clock.nextTurn(resolve)
    })
  })
  assert.deepEqual(order, ['turn'])
  assert.equal(clock.monotonic(), 0)
  await clock.advance(5)
  assert.deepEqual(order, ['turn', 'timer'])
})

test('a node has a wall clock of its own, and its timers end with it', async () => {
  const clock = new VirtualClock({ startMs: 1000 })
  const node = new LocalClock(clock, -300)
  assert.equal(node.now(), 700)
  node.jump(5000)
  assert.equal(node.now(), 5700)
  assert.equal(node.monotonic(), 0, 'monotonic time does not jump')
  const fired: string[] = []
  node.setTimer(10, () => fired.push('before'))
  node.setTimer(30, () => fired.push('after'))
  node.nextTurn(() => fired.push('turn'))
  await clock.advance(20)
  node.kill()
  node.nextTurn(() => fired.push('turn of the dead'))
  await clock.advance(20)
  assert.deepEqual(fired, ['turn', 'before'])
})
