/** What the simple assignor promises, for any members, topics and earlier assignments. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Partitions } from './partitions.ts'
import { assignSimply, type Subscriber } from './simple-assignor.ts'

function subscriber(id: string, topicIds: readonly string[], assigned: Partitions = new Map()): Subscriber {
  return { id, topicIds: new Set(topicIds), assigned }
}

function shown(assignment: ReadonlyMap<string, Partitions>): Record<string, string> {
  return Object.fromEntries(
    [...assignment].map(([id, partitions]) => [
      id,
      [...partitions].map(([topicId, numbers]) => `${topicId}:${[...numbers].join(',')}`).join(' '),
    ]),
  )
}

test('more partitions than members: each has one member', () => {
  const assignable = new Map([['t', [0, 1, 2, 3, 4]]])
  const members = ['a', 'b'].map(id => subscriber(id, ['t']))
  assert.deepEqual(shown(assignSimply(members, assignable)), { a: 't:0,2,4', b: 't:1,3' })
})

test('more members than partitions: each has a partition', () => {
  const assignable = new Map([['t', [0, 1]]])
  const members = ['a', 'b', 'c', 'd', 'e'].map(id => subscriber(id, ['t']))
  const assignment = shown(assignSimply(members, assignable))
  assert.deepEqual(assignment, { a: 't:0,1', b: 't:0', c: 't:0', d: 't:1', e: 't:1' })
})

test('those who subscribe to different topics share each of them by itself', () => {
  const assignable = new Map([
    ['t', [0, 1]],
    ['u', [0, 1]],
  ])
  const members = [subscriber('a', ['t']), subscriber('b', ['t', 'u']), subscriber('c', ['u'])]
  assert.deepEqual(shown(assignSimply(members, assignable)), { a: 't:0', b: 't:1 u:0', c: 'u:1' })
})

const TOPICS = ['t', 'u', 'v']
const member = fc.record({
  topics: fc.subarray(TOPICS, { minLength: 1 }),
  assigned: fc.array(fc.tuple(fc.constantFrom(...TOPICS, 'gone'), fc.nat(6))),
})

test('every partition has members, nobody is left out, and nobody has what it does not read', () => {
  const counts = fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5))
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), counts, (specs, numbers) => {
      const assignable = new Map(TOPICS.map((topic, i) => [topic, Array.from({ length: numbers[i]! }, (_, p) => p)]))
      const members = specs.map(({ topics, assigned }, i) => {
        const before = new Map<string, Set<number>>()
        for (const [topicId, partition] of assigned) {
          before.set(topicId, (before.get(topicId) ?? new Set<number>()).add(partition))
        }
        return subscriber(`m${i}`, topics, before)
      })
      const assignment = assignSimply(members, assignable)
      for (const { id, topicIds } of members) {
        const mine = assignment.get(id)!
        for (const [topicId, partitions] of mine) {
          assert.ok(topicIds.has(topicId))
          for (const partition of partitions) assert.ok(assignable.get(topicId)!.includes(partition))
        }
        const readable = [...topicIds].reduce((sum, topicId) => sum + assignable.get(topicId)!.length, 0)
        assert.ok(mine.size > 0 || readable === 0, `${id} has something`)
      }
      for (const [topicId, partitions] of assignable) {
        const readers = members.filter(({ topicIds }) => topicIds.has(topicId))
        if (readers.length === 0) continue
        for (const partition of partitions) {
          const having = readers.filter(({ id }) => assignment.get(id)!.get(topicId)?.has(partition))
          assert.ok(having.length > 0, `${topicId}-${partition} is read`)
        }
      }
      // Once more, with what they have now: nothing moves.
      const settled = members.map(one => ({ ...one, assigned: assignment.get(one.id)! }))
      assert.deepEqual(sortedAll(assignSimply(settled, assignable)), sortedAll(assignment))
    }),
    { numRuns: 2000 },
  )
})

function sortedAll(assignment: ReadonlyMap<string, Partitions>): unknown {
  return [...assignment].map(([id, partitions]) => [
    id,
    [...partitions].map(([topicId, numbers]) => [topicId, [...numbers].sort()]).sort(),
  ])
}
