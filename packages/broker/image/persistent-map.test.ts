import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashOf, PersistentMap } from './persistent-map.ts'

/** Two strings with the same hash, found by search: without a pair, the collision nodes would never be reached. */
const COLLIDING = ['e6ad', '7yzx'] as const

const key = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 60 }).map(n => `topic-${n}`) },
  { weight: 1, arbitrary: fc.constantFrom(...COLLIDING) },
)
const change = fc.record({ key, value: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }) })

test('a persistent map is a Map that never changes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 6 }), batches => {
      let map = PersistentMap.empty<number>()
      const model = new Map<string, number>()
      const history: [PersistentMap<number>, Map<string, number>][] = []
      for (const batch of batches) {
        const draft = map.edit()
        for (const { key, value } of batch) {
          if (value === undefined) {
            draft.delete(key)
            model.delete(key)
          } else {
            draft.set(key, value)
            model.set(key, value)
          }
          assert.equal(draft.get(key), model.get(key))
          assert.equal(draft.size, model.size)
        }
        map = draft.done()
        history.push([map, new Map(model)])
      }
      for (const [then, modelThen] of history) {
        assert.equal(then.size, modelThen.size)
        assert.deepEqual(new Map(then), modelThen)
        for (const [key, value] of modelThen) assert.equal(then.get(key), value)
        assert.equal(then.get('nobody'), undefined)
        assert.deepEqual([...then.keys()], [...PersistentMap.from(modelThen).keys()], 'order depends on the keys alone')
        assert.deepEqual(
          [...then.values()],
          [...then].map(([, value]) => value),
        )
      }
    }),
    { numRuns: 300 },
  )
})

test('an edit that changes nothing gives the same map', () => {
  const map = PersistentMap.from([
    ['a', 1],
    ['b', 2],
  ])
  assert.equal(map.set('a', 1), map)
  assert.equal(map.delete('c'), map)
  assert.notEqual(map.set('a', 2), map)
  assert.equal(map.delete('a').delete('b').size, 0)
})

test('keys with one hash live side by side', () => {
  const [a, b] = COLLIDING
  assert.equal(hashOf(a), hashOf(b))
  const map = PersistentMap.empty<number>().set(a, 1).set('x', 0).set(b, 2)
  assert.deepEqual([map.get(a), map.get(b), map.get('x')], [1, 2, 0])
  assert.deepEqual([...map.delete(a)].sort(), [[b, 2] as const, ['x', 0] as const].sort())
  assert.equal(map.set(b, 3).get(b), 3)
})

test('a finished draft refuses to be used', () => {
  const draft = PersistentMap.empty<number>().edit()
  draft.done()
  assert.throws(() => draft.set('a', 1), /finished draft/)
})
