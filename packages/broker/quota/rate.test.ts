import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { TokenBucket, WindowedRate } from './rate.ts'

interface Judged {
  readonly kind: 'rate' | 'bucket'
  readonly count: number
  readonly sizeMs: number
  readonly limit: number
  readonly events: readonly (readonly [sinceMs: number, value: number, pauseMs: number])[]
}

const JUDGED: readonly Judged[] = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/pauses.json'), 'utf8'))

test("the same events bring the same pauses as with Kafka's own classes", () => {
  for (const [number, { kind, count, sizeMs, limit, events }] of JUDGED.entries()) {
    const rate = new WindowedRate({ count, sizeMs })
    const bucket = new TokenBucket({ count, sizeMs })
    let nowMs = 0
    for (const [i, [sinceMs, value, pauseMs]] of events.entries()) {
      nowMs += sinceMs
      let ours: number
      if (kind === 'rate') {
        rate.record(value, nowMs)
        ours = rate.pauseMs(limit, nowMs)
      } else {
        ours = bucket.pauseMs(limit, nowMs)
        if (ours === 0) bucket.take(value, limit, nowMs)
      }
      // Sums of doubles in another order.
      assert.ok(Math.abs(ours - pauseMs) <= 1, `case ${number}, event ${i}: ${ours} ms, not ${pauseMs}`)
    }
  }
})

const windows = fc.record({ count: fc.integer({ min: 2, max: 20 }), sizeMs: fc.integer({ min: 100, max: 3000 }) })

test('who always has something to send, and waits as long as it is told, gets its limit and hardly more', () => {
  fc.assert(
    fc.property(
      windows,
      fc.integer({ min: 1000, max: 1_000_000 }),
      fc.integer({ min: 1, max: 50 }),
      (window, limit, ms) => {
        const rate = new WindowedRate(window)
        // As much at a time as the limit allows in so many milliseconds.
        const size = (limit * ms) / 1000
        const warmUpMs = 2 * window.count * window.sizeMs
        const measuredMs = 20 * window.count * window.sizeMs
        let sent = 0
        let nowMs = 0
        while (nowMs < warmUpMs + measuredMs) {
          rate.record(size, nowMs)
          if (nowMs >= warmUpMs) sent += size
          nowMs += 1 + rate.pauseMs(limit, nowMs)
        }
        const share = sent / ((measuredMs / 1000) * limit)
        assert.ok(share > 0.9 && share < 1.1, `${(share * 100).toFixed(1)} % of the limit`)
      },
    ),
    { numRuns: 60 },
  )
})

test('what is taken back leaves no trace', () => {
  fc.assert(
    fc.property(windows, fc.array(fc.tuple(fc.nat(3000), fc.nat(1000)), { maxLength: 50 }), (window, events) => {
      const rate = new WindowedRate(window)
      const other = new WindowedRate(window)
      let nowMs = 0
      for (const [sinceMs, value] of events) {
        nowMs += sinceMs
        rate.record(value, nowMs)
        other.record(value, nowMs)
        rate.record(777, nowMs)
        rate.record(-777, nowMs)
        assert.ok(Math.abs(rate.perSecond(nowMs) - other.perSecond(nowMs)) < 1e-6)
      }
    }),
  )
})

test('a limit that is no number limits nobody', () => {
  const rate = new WindowedRate({ count: 11, sizeMs: 1000 })
  rate.record(1e9, 0)
  assert.equal(rate.pauseMs(Number.NaN, 0), 0)
  assert.equal(rate.pauseMs(Number.POSITIVE_INFINITY, 0), 0)
})

test('of a bucket comes what it holds, what flows in, and one lump more', () => {
  fc.assert(
    fc.property(
      windows,
      fc.double({ min: 0.5, max: 100, noNaN: true }),
      fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 40 })), { maxLength: 200 }),
      (window, limit, lumps) => {
        const bucket = new TokenBucket(window)
        let nowMs = 0
        let taken = 0
        let largest = 0
        for (const [sinceMs, lump] of lumps) {
          nowMs += sinceMs
          if (bucket.pauseMs(limit, nowMs) > 0) continue
          bucket.take(lump, limit, nowMs)
          taken += lump
          largest = Math.max(largest, lump)
        }
        const held = (window.count * window.sizeMs * limit) / 1000
        assert.ok(taken <= held + (nowMs / 1000) * limit + largest + 1e-6)
      },
    ),
  )
})

test('whoever only looks on sees the same rate, and changes nothing', () => {
  const events = fc.array(fc.tuple(fc.nat(20_000), fc.nat(1000), fc.nat(20_000)), { maxLength: 50 })
  fc.assert(
    fc.property(windows, events, (window, all) => {
      const watched = new WindowedRate(window)
      const alone = new WindowedRate(window)
      let nowMs = 0
      for (const [sinceMs, value, lookedMs] of all) {
        nowMs += sinceMs
        watched.record(value, nowMs)
        alone.record(value, nowMs)
        assert.equal(watched.observe(nowMs), alone.perSecond(nowMs))
        assert.equal(watched.perSecond(nowMs), alone.perSecond(nowMs))
        nowMs += lookedMs
        watched.observe(nowMs)
      }
    }),
  )
})
