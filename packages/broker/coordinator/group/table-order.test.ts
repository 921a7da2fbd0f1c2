import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTableOrder } from './table-order.ts'

const FACTOR = 0x9e3779b97f4a7c15n

/** What the comment of the module says, in big numbers. */
function place(name: string): bigint {
  let hash = 0n
  for (const letter of name) hash = BigInt.asIntN(32, hash * 31n + BigInt(letter.charCodeAt(0)))
  return BigInt.asUintN(64, hash * FACTOR) >> 32n
}

test('is the order of the upper bits of the product, for hashes of both signs', () => {
  const names = ['', 'a', 'test-group', 'polygenelubricants', ...Array.from({ length: 500 }, (_, i) => `name-${i * i}`)]
  assert.deepEqual(
    inTableOrder(names, name => name).map(place),
    names.map(place).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  )
})

test('is what Apache Kafka answers', () => {
  // ListGroupsRequestTest and ConsumerGroupDescribeRequestTest of Kafka 4.3.
  assert.deepEqual(
    inTableOrder(['grp-1', 'grp-4'], name => name),
    ['grp-4', 'grp-1'],
  )
  assert.deepEqual(
    inTableOrder(['member-1', 'member-2'], name => name),
    ['member-2', 'member-1'],
  )
})
