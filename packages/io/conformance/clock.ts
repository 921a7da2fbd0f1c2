/** What every `Clock` does, whether its time is real or virtual. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../io.ts'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets time pass until the promise has settled. */
  until<T>(goal: Promise<T>): Promise<T>
}

export function clockConformance(name: string, make: () => ClockUnderTest): void {
  const check = (what: string, body: (under: ClockUnderTest) => Promise<void>): void => {
    test(`${name} clock: ${what}`, () => body(make()))
  }

  check('timers fire once, never early', async ({ clock, until }) => {
    const startMs = clock.monotonic()
    const wallMs = clock.now()
    assert.ok(Number.isInteger(wallMs) && wallMs > Date.UTC(2020, 0, 1))
    const delays = Array.from({ length: 200 }, (_, i) => 0.05 + i / 10)
    const early: string[] = []
    let calls = 0
    await until(
      new Promise<void>(resolve => {
        for (const delayMs of delays) {
          const setAtMs = clock.monotonic()
          clock.setTimer(delayMs, () => {
            const tookMs = clock.monotonic() - setAtMs
            if (tookMs < delayMs) early.push(`${tookMs} ms instead of ${delayMs}`)
            if (++calls === delays.length) resolve()
          })
        }
      }),
    )
    assert.deepEqual(early, [])
    assert.ok(clock.monotonic() > startMs)
    assert.equal(calls, delays.length)
  })

  check('a timer that was canceled does not fire', async ({ clock, until }) => {
    const fired: string[] = []
    const never = clock.setTimer(2, () => fired.push('canceled'))
    const neverEither = clock.setTimer(0, () => fired.push('canceled at once'))
    never.cancel()
    neverEither.cancel()
    never.cancel()
    const late = clock.setTimer(2 ** 40, () => fired.push('in 34 years'))
    await until(new Promise<void>(resolve => clock.setTimer(4, resolve)))
    assert.deepEqual(fired, [])
    late.cancel()
  })

  check('the next turn comes after promises and before timers', async ({ clock, until }) => {
    const order: string[] = []
    await until(
      new Promise<void>(resolve => {
        clock.setTimer(3, () => {
          order.push('timer')
          resolve()
        })
        clock.nextTurn(() => order.push('turn'))
        clock.setTimer(0, () => order.push('no delay'))
        clock.setTimer(-5, () => order.push('less than none'))
        clock.nextTurn(() => order.push('another turn'))
        void Promise.resolve().then(() => order.push('promise'))
        order.push('now')
      }),
    )
    assert.deepEqual(order, ['now', 'promise', 'turn', 'no delay', 'less than none', 'another turn', 'timer'])
  })

  check('a delay is a number', async ({ clock }) => {
    assert.throws(() => clock.setTimer(Number.NaN, () => {}), RangeError)
  })
}
