/** The heap against a list of all timers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Timer, Timers } from './timers.ts'

test('timers fire when they are due, in order, and as often as they were set', () => {
  const set = fc.record({ timer: fc.nat(15), delayMs: fc.nat(50) })
  const step = fc.oneof(set, fc.record({ cancel: fc.nat(15) }), fc.record({ advanceMs: fc.nat(30) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const timers = new Timers<string[]>()
      const all = Array.from({ length: 16 }, (_, i) => new Timer<string[]>(fired => fired.push(String(i))))
      const expected = new Map<number, number>()
      let nowMs = 0
      for (const step of steps) {
        if ('timer' in step) {
          timers.set(all[step.timer]!, nowMs + step.delayMs)
          expected.set(step.timer, nowMs + step.delayMs)
        } else if ('cancel' in step) {
          timers.cancel(all[step.cancel]!)
          expected.delete(step.cancel)
        } else {
          nowMs += step.advanceMs
          const due = [...expected].filter(([, deadlineMs]) => deadlineMs <= nowMs)
          for (const [i] of due) expected.delete(i)
          const fired: string[] = []
          timers.fireDue(nowMs, fired)
          const deadlines = new Map(due)
          assert.deepEqual(new Set(fired), new Set(due.map(([i]) => String(i))))
          const order = fired.map(i => deadlines.get(Number(i))!)
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
          )
        }
        assert.equal(timers.size, expected.size)
        assert.equal(timers.nextDeadlineMs(), Math.min(...expected.values()))
      }
    }),
  )
})

test('a timer that sets itself again for now waits for the next time', () => {
  const timers = new Timers<number>()
  let fired = 0
  const timer: Timer<number> = new Timer(nowMs => {
    fired++
    timers.set(timer, nowMs)
  })
  timers.set(timer, 5)
  timers.fireDue(5, 5)
  assert.equal(fired, 1)
  assert.equal(timers.nextDeadlineMs(), 5)
})

test('one that fires before may cancel another or put it off', () => {
  const timers = new Timers<string[]>()
  const cancelled = new Timer<string[]>(fired => fired.push('cancelled'))
  const putOff = new Timer<string[]>(fired => fired.push('put off'))
  const first = new Timer<string[]>(fired => {
    fired.push('first')
    timers.cancel(cancelled)
    timers.set(putOff, 20)
  })
  timers.set(first, 1)
  timers.set(cancelled, 2)
  timers.set(putOff, 3)
  const fired: string[] = []
  timers.fireDue(10, fired)
  assert.deepEqual(fired, ['first'])
  assert.equal(timers.nextDeadlineMs(), 20)
})
