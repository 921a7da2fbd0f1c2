import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inRange, NO_VERSIONS, parseVersions } from './schema.ts'

test('version ranges as Kafka writes them', () => {
  assert.deepEqual(parseVersions('3'), { min: 3, max: 3 })
  assert.deepEqual(parseVersions('3-7'), { min: 3, max: 7 })
  assert.deepEqual(parseVersions('3+'), { min: 3, max: Number.POSITIVE_INFINITY })
  assert.equal(parseVersions('none'), NO_VERSIONS)
  for (const bad of ['', '3..4', '-3', '3-', '+', ' 3', '3-4+'])
    assert.throws(() => parseVersions(bad), /bad version range/)
})

test('a range holds both of its ends, and no range holds nothing', () => {
  assert.deepEqual(
    [2, 3, 4, 5].map(version => inRange({ min: 3, max: 4 }, version)),
    [false, true, true, false],
  )
  assert.ok(inRange(parseVersions('3+'), 32_767))
  assert.ok(!inRange(NO_VERSIONS, 0))
})
