import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Acknowledgements, AcknowledgeType } from './acknowledgements.ts'

test('marks become ranges of one type; what is marked again has the last mark; gaps are no records', () => {
  const { gap, accept, reject, release } = AcknowledgeType
  const marks = new Acknowledgements()
  for (const offset of [5, 3, 4, 9]) marks.set(offset, accept)
  marks.set(6, gap)
  marks.set(7, reject)
  marks.set(9, release)
  assert.deepEqual(marks.take(), {
    offsets: [3, 4, 5, 7, 9],
    batches: [
      { firstOffset: 3, lastOffset: 5, acknowledgeTypes: [accept] },
      { firstOffset: 6, lastOffset: 6, acknowledgeTypes: [gap] },
      { firstOffset: 7, lastOffset: 7, acknowledgeTypes: [reject] },
      { firstOffset: 9, lastOffset: 9, acknowledgeTypes: [release] },
    ],
  })
  assert.deepEqual(marks.take(), { offsets: [], batches: [] })
})
