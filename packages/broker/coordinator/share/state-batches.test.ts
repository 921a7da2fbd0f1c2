/** Against the slowest way to do it: offset by offset. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { combineStateBatches, type StateBatch } from './state-batches.ts'

const MAX_OFFSET = 30

const batch: fc.Arbitrary<StateBatch> = fc
  .tuple(fc.nat(MAX_OFFSET - 6), fc.nat(5), fc.constantFrom(0, 2, 4), fc.integer({ min: 1, max: 3 }))
  .map(([firstOffset, length, deliveryState, deliveryCount]) => ({
    firstOffset,
    lastOffset: firstOffset + length,
    deliveryState,
    deliveryCount,
  }))

/** [count, state] by offset. */
function spread(batches: readonly StateBatch[], startOffset: number): ([number, number] | null)[] {
  return Array.from({ length: MAX_OFFSET }, (_, offset) => {
    const there = batches.filter(b => offset >= startOffset && b.firstOffset <= offset && offset <= b.lastOffset)
    const ranked = there.map((b): [number, number] => [b.deliveryCount, b.deliveryState])
    return ranked.sort((a, b) => b[0] - a[0] || b[1] - a[1])[0] ?? null
  })
}

test('the batch that was delivered most often counts, then the state that is further', () => {
  fc.assert(
    fc.property(fc.array(batch), fc.array(batch), fc.integer({ min: -1, max: 20 }), (known, written, startOffset) => {
      const combined = combineStateBatches(known, written, startOffset)
      assert.deepEqual(spread(combined, -1), spread([...known, ...written], startOffset))
      for (const [i, { firstOffset, lastOffset, deliveryCount, deliveryState }] of combined.entries()) {
        assert.ok(firstOffset <= lastOffset)
        const before = combined[i - 1]
        if (!before) continue
        assert.ok(before.lastOffset < firstOffset, 'no overlap')
        const isSame = before.deliveryCount === deliveryCount && before.deliveryState === deliveryState
        assert.ok(before.lastOffset + 1 < firstOffset || !isSame, 'neighbours in the same state are one batch')
      }
    }),
    { numRuns: 1000 },
  )
})

test('a batch that ends before it begins says nothing', () => {
  const broken = { firstOffset: 5, lastOffset: 4, deliveryState: 2, deliveryCount: 1 }
  assert.deepEqual(combineStateBatches([], [broken], -1), [])
})
