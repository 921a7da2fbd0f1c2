import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConnectionLimits, ConnectionQuotas } from './connection-quotas.ts'

const WINDOW = { count: 11, sizeMs: 1000 }
const METRICS_WINDOWS = { count: 2, lengthMs: 30_000 }
const MANY = Number.MAX_SAFE_INTEGER
const NO_LIMITS: ConnectionLimits = {
  maxConnections: MANY,
  maxCreationRate: MANY,
  maxConnectionsPerIp: MANY,
  maxConnectionsPerIpOverrides: new Map(),
  listeners: new Map(),
}

function quotas(limits: Partial<ConnectionLimits>, protectedListener: string | null = null): ConnectionQuotas {
  return new ConnectionQuotas(
    { ...NO_LIMITS, ...limits },
    { window: WINDOW, metricsWindows: METRICS_WINDOWS, protectedListener },
  )
}

test('a listener has its own limit beside the one for all', () => {
  const ofA = { maxConnections: 2, maxCreationRate: MANY }
  const all = quotas({ maxConnections: 3, listeners: new Map([['A', ofA]]) })
  for (let i = 0; i < 2; i++) assert.equal(all.take('A', 'x'), true)
  assert.deepEqual([all.hasRoom('A'), all.hasRoom('B')], [false, true])
  all.take('B', 'x')
  assert.deepEqual([all.hasRoom('A'), all.hasRoom('B')], [false, false])
  all.release('A', 'x')
  assert.deepEqual([all.hasRoom('A'), all.hasRoom('B')], [true, true])
})

test('the listener of the brokers is shut by its own limit only', () => {
  const all = quotas({ maxConnections: 1 }, 'INTERNAL')
  all.take('CLIENTS', 'x')
  assert.deepEqual([all.hasRoom('CLIENTS'), all.hasRoom('INTERNAL'), all.isOverfull], [false, true, false])
  all.take('INTERNAL', 'x')
  assert.equal(all.isOverfull, true)
})

/** When somebody who comes as soon as it may has come `count` times. */
function arrivals(all: ConnectionQuotas, listener: string, count: number): number {
  let nowMs = 0
  for (let i = 0; i < count; i++) nowMs += all.arrive(listener, nowMs)
  return nowMs
}

test('connections come no faster than the limits on all and on a listener let them', () => {
  const limits = { maxCreationRate: 20, listeners: new Map([['SLOW', { maxConnections: MANY, maxCreationRate: 5 }]]) }
  // Ten windows' worth come at once, and so the windows run out of step.
  const within = (ms: number, seconds: number) => assert.ok(Math.abs(ms / 1000 - seconds) < 2.5, `${ms} ms`)
  within(arrivals(quotas(limits), 'FAST', 400), 10)
  within(arrivals(quotas(limits), 'SLOW', 100), 10)
  assert.equal(arrivals(quotas({}), 'FAST', 10_000), 0)
})

test('an address that comes too fast is kept waiting, and has not come', () => {
  const all = quotas({ maxCreationRate: 5 })
  all.ipRates = { default: Number.POSITIVE_INFINITY, byAddress: new Map([['x', 1]]) }
  const come = (address: string) => {
    const waits = all.arrive('A', 0)
    return [waits, all.delayOf('A', address, 0)]
  }
  for (let i = 0; i < 10; i++) assert.deepEqual(come('x'), [0, 0])
  for (let i = 0; i < 1000; i++) assert.deepEqual(come('x'), [0, 1000])
  for (let i = 0; i < 40; i++) assert.deepEqual(come('y'), [0, 0])
  assert.deepEqual(come('y'), [200, 0])
  all.ipRates = { default: 1, byAddress: new Map([['x', 1000]]) }
  assert.equal(all.delayOf('A', 'x', 0), 0)
  for (let i = 0; i < 10; i++) assert.equal(all.delayOf('A', 'z', 0), 0)
  assert.equal(all.delayOf('A', 'z', 0), 1000)
})

test('what is seen of it: rates of all, of a listener, of an address that is limited; and how long somebody had to wait', () => {
  const all = quotas({ maxCreationRate: 5 }, 'INTERNAL')
  all.ipRates = { default: Number.POSITIVE_INFINITY, byAddress: new Map([['x', 1]]) }
  const come = (listener: string, address: string) => {
    all.arrive(listener, 0)
    all.delayOf(listener, address, 0)
  }
  for (let i = 0; i < 12; i++) come('A', 'x')
  for (let i = 0; i < 3; i++) come('INTERNAL', 'y')
  assert.equal(all.acceptRate(0), 1, 'who is sent away has not come')
  assert.deepEqual(all.byListener(0), [
    { listener: 'A', rate: 1, throttleTimeMs: Number.NaN, ipThrottleTimeMs: 1000 },
    { listener: 'INTERNAL', rate: 0.3, throttleTimeMs: Number.NaN, ipThrottleTimeMs: Number.NaN },
  ])
  assert.deepEqual(all.byAddress(0), [{ address: 'x', rate: 1 }])
  for (let i = 0; i < 42; i++) come('A', 'z')
  assert.equal(all.byListener(0)[0]!.throttleTimeMs, 300, '200 and 400')
  assert.deepEqual(all.byAddress(3_599_999), [{ address: 'x', rate: 0 }])
  assert.deepEqual(all.byAddress(3_600_000), [], 'an hour later it is forgotten')
})
