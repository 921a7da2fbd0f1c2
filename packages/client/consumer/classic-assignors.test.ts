import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ASSIGNORS, type Subscriber } from './classic-assignors.ts'

const TOPICS = new Map([
  ['t0', [0, 1, 2]],
  ['t1', [0, 1, 2]],
])
const member = (memberId: string, topics = ['t0', 't1'], instanceId: string | null = null): Subscriber => ({
  memberId,
  instanceId,
  topics,
})

/** As the comments of Java's assignors have it for two members and two topics of three partitions. */
test('range shares out topic by topic', () => {
  assert.deepEqual(Object.fromEntries(ASSIGNORS.range([member('c1'), member('c0')], TOPICS)), {
    c0: [
      { topic: 't0', partitions: [0, 1] },
      { topic: 't1', partitions: [0, 1] },
    ],
    c1: [
      { topic: 't0', partitions: [2] },
      { topic: 't1', partitions: [2] },
    ],
  })
})

test('roundrobin goes on with the next topic where it was', () => {
  assert.deepEqual(Object.fromEntries(ASSIGNORS.roundrobin([member('c0'), member('c1')], TOPICS)), {
    c0: [
      { topic: 't0', partitions: [0, 2] },
      { topic: 't1', partitions: [1] },
    ],
    c1: [
      { topic: 't0', partitions: [1] },
      { topic: 't1', partitions: [0, 2] },
    ],
  })
})

test('roundrobin passes those by who have not subscribed; a topic of nobody is left out', () => {
  const given = ASSIGNORS.roundrobin([member('c0', ['t0']), member('c1', ['t1'])], new Map([...TOPICS, ['t2', [0]]]))
  assert.deepEqual(Object.fromEntries(given), {
    c0: [{ topic: 't0', partitions: [0, 1, 2] }],
    c1: [{ topic: 't1', partitions: [0, 1, 2] }],
  })
})

test('static members come first, by their instances', () => {
  const given = ASSIGNORS.range([member('a'), member('z', ['t0'], 'i1')], new Map([['t0', [0]]]))
  assert.deepEqual(given.get('z'), [{ topic: 't0', partitions: [0] }])
  assert.deepEqual(given.get('a'), [])
})
