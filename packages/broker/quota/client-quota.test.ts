import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { QuotaEntityPart } from '../image/index.ts'
import { RateQuota, TokenQuota } from './client-quota.ts'
import { Limits } from './limits.ts'

const WINDOW = { count: 11, sizeMs: 1000 }
const METRICS_WINDOWS = { count: 2, lengthMs: 30_000 }
type Name = string | null | undefined

function entity(user: Name, clientId: Name): QuotaEntityPart[] {
  const parts: QuotaEntityPart[] = []
  if (user !== undefined) parts.push({ entityType: 'user', entityName: user })
  if (clientId !== undefined) parts.push({ entityType: 'client-id', entityName: clientId })
  // Their order means nothing.
  return parts.reverse()
}

/** In Kafka's order, the most particular first. */
const ORDER: readonly (readonly [Name, Name])[] = [
  ['u', 'c'],
  ['u', null],
  ['u', undefined],
  [null, 'c'],
  [null, null],
  [null, undefined],
  [undefined, 'c'],
  [undefined, null],
]

test('of all that are set for a client, the most particular limit counts', () => {
  fc.assert(
    fc.property(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), fc.boolean(), (set, hasOthers) => {
      const limits = new Limits()
      if (hasOthers) for (const who of [entity('u', 'x'), entity('x', 'c'), entity('x', undefined)]) limits.set(who, 99)
      for (const i of set) limits.set(entity(...ORDER[i]!), i + 1)
      const expected = set.length === 0 ? undefined : Math.min(...set) + 1
      assert.equal(limits.of('u', 'c')?.limit, expected)
      for (const i of set) {
        limits.set(entity(...ORDER[i]!), null)
        const left = set.filter(each => each > i)
        assert.equal(limits.of('u', 'c')?.limit, left.length === 0 ? undefined : Math.min(...left) + 1)
      }
      assert.equal(limits.isEmpty, !hasOthers)
    }),
  )
})

test('who shares a limit by name is measured together, by a default each by itself', () => {
  const limits = new Limits()
  const key = (user: string, clientId: string) => limits.of(user, clientId)!.key
  limits.set(entity(undefined, null), 1)
  assert.equal(key('u', 'c'), key('v', 'c'))
  assert.notEqual(key('u', 'c'), key('u', 'd'))
  limits.set(entity(null, undefined), 1)
  assert.equal(key('u', 'c'), key('u', 'd'))
  assert.notEqual(key('u', 'c'), key('v', 'c'))
  limits.set(entity(null, null), 1)
  assert.notEqual(key('u', 'c'), key('u', 'd'))
  assert.notEqual(key('u', 'c'), key('v', 'c'))
})

test('a client without an id has what is set for its user, and nothing that is set for client ids', () => {
  const limits = new Limits()
  for (const who of [entity(undefined, null), entity(null, null), entity('u', null)]) limits.set(who, 1)
  assert.equal(limits.of('u', ''), null)
  limits.set(entity(null, undefined), 2)
  assert.equal(limits.of('u', '')?.limit, 2)
  limits.set(entity('u', undefined), 3)
  assert.equal(limits.of('u', '')?.limit, 3)
})

test('names cannot be made to look like others', () => {
  const limits = new Limits()
  limits.set(entity('a","b', undefined), 1)
  assert.equal(limits.of('a', 'b'), null)
  assert.equal(limits.of('a","b', 'c')?.limit, 1)
})

test('what is looked up again and again is bounded', () => {
  const limits = new Limits()
  limits.set(entity(undefined, null), 5)
  for (let i = 0; i < 25_000; i++) assert.equal(limits.of('u', `c${i}`)?.limit, 5)
})

test('a limit counts at once: set, changed, gone', () => {
  const quota = new RateQuota({ window: WINDOW, maxPauseMs: 500, metricsWindows: METRICS_WINDOWS })
  const client = { user: 'u', clientId: 'c' }
  assert.equal(quota.isEnabled, false)
  assert.equal(quota.record(client, 1e9, 0), 0)
  quota.setLimit(entity('u', undefined), 100)
  assert.equal(quota.isEnabled, true)
  assert.equal(quota.mostAtOnce(client), 1000)
  assert.equal(quota.record(client, 1000, 0), 0)
  assert.equal(quota.record(client, 20, 0), 200)
  assert.equal(quota.record(client, 1000, 0), 500, 'no longer than this')
  quota.unrecord(client, 1020, 0)
  quota.setLimit(entity('u', undefined), 200)
  assert.equal(quota.record(client, 10, 0), 0)
  quota.setLimit(entity('u', undefined), null)
  assert.equal(quota.record(client, 1e9, 0), 0)
  assert.equal(quota.mostAtOnce(client), Number.POSITIVE_INFINITY)
})

test('who has not been seen for an hour begins anew; of too many, those seen last are kept', () => {
  const quota = new RateQuota({
    window: { count: 11, sizeMs: 1_000_000 },
    maxPauseMs: 1e9,
    metricsWindows: METRICS_WINDOWS,
  })
  quota.setLimit(entity(undefined, null), 1)
  const used = (clientId: string, nowMs: number) => quota.record({ user: 'u', clientId }, 0, nowMs) > 0
  quota.record({ user: 'u', clientId: 'a' }, 1e8, 0)
  assert.equal(used('a', 3_000_000), true)
  assert.equal(used('a', 6_500_000), true)
  assert.equal(used('a', 10_100_000), false)
  quota.record({ user: 'u', clientId: 'b' }, 1e8, 10_100_000)
  quota.record({ user: 'u', clientId: 'c' }, 1e8, 10_100_000)
  for (let i = 0; i < 99_999; i++) quota.record({ user: 'u', clientId: `many${i}` }, 0, 10_100_000)
  assert.equal(used('b', 10_100_000), false)
})

test('a strict request is refused when nothing is left, a permissive one is only told to wait', () => {
  const quota = new TokenQuota(WINDOW, METRICS_WINDOWS)
  const client = { user: 'u', clientId: 'c' }
  const ask = (isStrict: boolean, partitions: number, nowMs: number) => {
    const request = quota.forRequest(client, isStrict, nowMs)
    return [request.spend(partitions, nowMs), request.pauseMs(nowMs)]
  }
  assert.deepEqual(ask(true, 1e6, 0), [true, 0])
  quota.setLimit(entity(undefined, 'c'), 2)
  assert.deepEqual(ask(true, 30, 0), [true, 0], 'one more than there are')
  assert.deepEqual(ask(true, 1, 0), [false, 4000])
  assert.deepEqual(ask(false, 2, 0), [true, 5000])
  assert.deepEqual(ask(true, 1, 5000), [true, 0])
  const request = quota.forRequest(client, true, 5000)
  assert.equal(request.spend(1, 5000), false)
  assert.equal(request.pauseMs(5300), 200, 'what has passed meanwhile does not count')
  assert.equal(request.pauseMs(9999), 0)
})

test('what is seen of the clients that are measured, by the names that tell them apart', () => {
  const quota = new RateQuota({ window: WINDOW, maxPauseMs: 1e9, metricsWindows: METRICS_WINDOWS })
  quota.setLimit(entity('u', null), 100)
  quota.setLimit(entity('v', undefined), 100)
  quota.setLimit(entity(undefined, 'c'), 100)
  quota.record({ user: 'nobody', clientId: 'other' }, 10, 0)
  for (const user of ['u', 'v', 'w']) quota.record({ user, clientId: 'c' }, 1500, 0)
  quota.onThrottled({ user: 'u', clientId: 'c' }, 100, 0)
  quota.onThrottled({ user: 'u', clientId: 'c' }, 300, 40_000)
  const of = (user: string | null, clientId: string | null, throttleTimeMs: number | null) => {
    return { user, clientId, rate: 150, tokens: null, throttleTimeMs }
  }
  assert.deepEqual(quota.readings(0), [of('v', null, null), of(null, 'c', null), of('u', 'c', 200)])
  assert.deepEqual([quota.measuredCount(0), quota.throttles.total, quota.throttles.now], [3, 2, 0])
  const later = quota.readings(70_000).at(-1)!
  assert.deepEqual([later.rate, later.throttleTimeMs], [0, 300], 'the first pause is a minute ago')
  assert.deepEqual(
    quota.readings(3_600_000).map(({ user }) => user),
    ['u'],
    'it was seen forty seconds after the others',
  )
})

test('of partitions there are a rate, and what may be done at once', () => {
  const quota = new TokenQuota(WINDOW, METRICS_WINDOWS)
  quota.setLimit(entity('u', undefined), 2)
  quota.forRequest({ user: 'u', clientId: 'c' }, true, 0).spend(30, 0)
  assert.equal(quota.forRequest({ user: 'u', clientId: 'c' }, true, 0).spend(1, 0), false)
  const reading = { user: 'u', clientId: null, rate: 1, tokens: -8, throttleTimeMs: null }
  assert.deepEqual(quota.readings(0), [reading])
  assert.equal(quota.readings(3000)[0]!.tokens, -2)
})

test('a thousand have series; others do when one of those is forgotten, and nobody by a name without end', () => {
  const quota = new RateQuota({ window: WINDOW, maxPauseMs: 1e9, metricsWindows: METRICS_WINDOWS })
  quota.setLimit(entity(undefined, null), 1)
  const record = (clientId: string, nowMs: number) => quota.record({ user: 'u', clientId }, 1, nowMs)
  record('x'.repeat(10_000), 0)
  for (let i = 0; i < 1500; i++) record(`c${i}`, i < 500 ? 0 : 1000)
  const shown = (nowMs: number) => quota.readings(nowMs).map(({ clientId }) => clientId)
  assert.deepEqual([shown(1000).length, shown(1000)[0], quota.measuredCount(1000)], [1000, 'c0', 1501])
  record('c1499', 3_600_000)
  assert.deepEqual([shown(3_600_000).length, shown(3_600_000).at(-1)], [501, 'c1499'])
})
