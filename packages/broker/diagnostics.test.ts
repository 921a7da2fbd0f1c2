import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { publishElection, publishRebalance, traced } from './diagnostics.ts'

interface TestEvent {
  result?: unknown
  error?: unknown
}

function listened(): { tracing: ReturnType<typeof tracingChannel<TestEvent, TestEvent>>; seen: string[] } {
  const tracing = tracingChannel<TestEvent, TestEvent>(`ottla:test-${Math.random()}`)
  const seen: string[] = []
  const note = (name: string) => (event: TestEvent) => {
    seen.push(`${name} ${event.error ? 'error' : 'result' in event ? event.result : 'pending'}`)
  }
  tracing.subscribe({
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  })
  return { tracing, seen }
}

test('what is done at once ends at once', () => {
  const { tracing, seen } = listened()
  assert.equal(
    traced(tracing, {}, () => 5),
    5,
  )
  assert.deepEqual(seen, ['start pending', 'end 5'])
})

test('what is waited for ends later, with its result or its error', async () => {
  const { tracing, seen } = listened()
  assert.equal(await traced(tracing, {}, async () => 6), 6)
  assert.deepEqual(seen.splice(0), ['start pending', 'end pending', 'asyncStart 6', 'asyncEnd 6'])
  await assert.rejects(async () => traced(tracing, {}, () => Promise.reject(new Error('late'))), /late/)
  assert.deepEqual(seen, ['start pending', 'end pending', 'error error', 'asyncStart error', 'asyncEnd error'])
})

test('what throws is told, and thrown', () => {
  const { tracing, seen } = listened()
  assert.throws(() =>
    traced(tracing, {}, () => {
      throw new Error('at once')
    }),
  )
  assert.deepEqual(seen, ['start pending', 'error error', 'end error'])
})

test('plain channels publish what they are given', () => {
  const seen: unknown[] = []
  const listen = (event: unknown): void => {
    seen.push(event)
  }
  const election = { topic: 'a', partition: 0, leaderId: 1, leaderEpoch: 2, nodeId: 1 }
  const rebalance = { group: 'g', phase: 'completed', generation: 1, members: 2, reason: '' } as const
  publishElection(election)
  for (const name of ['ottla:election', 'ottla:rebalance']) channel(name).subscribe(listen)
  publishElection(election)
  publishRebalance(rebalance)
  for (const name of ['ottla:election', 'ottla:rebalance']) channel(name).unsubscribe(listen)
  publishRebalance(rebalance)
  assert.deepEqual(seen, [election, rebalance])
})
