import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { placeReplicas, type UsableBroker } from './placement.ts'

const clusters = fc
  .array(fc.tuple(fc.nat({ max: 3 }), fc.boolean()), { minLength: 1, maxLength: 12 })
  .map(brokers =>
    brokers.map(([rack, fenced], id): UsableBroker => ({ id, rack: rack === 0 ? null : `r${rack}`, fenced })),
  )

/** xorshift: the same numbers for the same seed. */
function randomOf(seed: number) {
  let state = seed | 1
  const integer = (bound: number) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
  return { integer, uuid: () => '' }
}

test('replicas differ, leaders are not fenced, and racks are not shared while there are enough', () => {
  fc.assert(
    fc.property(clusters, fc.integer(), fc.integer({ min: 1, max: 60 }), fc.double(), (brokers, seed, count, part) => {
      const replicationFactor = 1 + Math.floor(Math.abs(Number.isFinite(part) ? part % 1 : 0) * brokers.length)
      const place = () => placeReplicas(brokers, count, replicationFactor, randomOf(seed))
      if (brokers.every(broker => broker.fenced)) {
        assert.throws(place, { code: 'INVALID_REPLICATION_FACTOR' })
        return
      }
      const racks = new Map(brokers.map(({ id, rack }) => [id, rack]))
      const allRacks = new Set(racks.values()).size
      const placed = place()
      assert.equal(placed.length, count)
      for (const replicas of placed) {
        assert.equal(new Set(replicas).size, replicationFactor)
        assert.equal(brokers[replicas[0]!]!.fenced, false)
        const used = new Set(replicas.map(id => racks.get(id)))
        if (brokers.every(broker => !broker.fenced)) assert.equal(used.size, Math.min(allRacks, replicationFactor))
      }
      assert.deepEqual(place(), placed, 'chance alone decides')
    }),
    { numRuns: 400 },
  )
})

test('leaders and replicas spread evenly', () => {
  const brokers = Array.from({ length: 6 }, (_, id) => ({ id, rack: `r${id % 3}`, fenced: false }))
  const placed = placeReplicas(brokers, 600, 3, randomOf(7))
  for (const { id } of brokers) {
    assert.equal(placed.filter(([leader]) => leader === id).length, 100)
    assert.equal(placed.filter(replicas => replicas.includes(id)).length, 300)
  }
})

test('fenced brokers are the last resort', () => {
  const brokers = [
    { id: 0, rack: null, fenced: true },
    { id: 1, rack: null, fenced: false },
    { id: 2, rack: null, fenced: false },
  ]
  assert.ok(placeReplicas(brokers, 50, 2, randomOf(3)).every(replicas => !replicas.includes(0)))
  assert.ok(placeReplicas(brokers, 50, 3, randomOf(3)).every(replicas => replicas.indexOf(0) === 2))
  assert.throws(() => placeReplicas(brokers, 1, 4, randomOf(3)), /only 3 broker/)
  assert.throws(() => placeReplicas(brokers, 1, 0, randomOf(3)), /must be positive/)
})
