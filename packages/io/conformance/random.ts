/** What every `Random` does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../io.ts'

export function randomConformance(name: string, make: () => Random): void {
  test(`${name} random: integers are uniform below any bound`, () => {
    const random = make()
    for (const bound of [1, 2, 7, 1000, 3 * 2 ** 30, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      const buckets = [0, 0, 0, 0]
      for (let i = 0; i < 4000; i++) {
        const value = random.integer(bound)
        assert.ok(Number.isSafeInteger(value) && value >= 0 && value < bound)
        buckets[Math.floor((value / bound) * 4)]!++
      }
      // Of 3/4 of 2^32 the first third would come out twice as often if remainders were taken as they are.
      if (bound >= 1000) for (const count of buckets) assert.ok(Math.abs(count - 1000) < 200, `${bound}: ${buckets}`)
    }
    for (const bound of [0, -1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => random.integer(bound), RangeError)
  })

  test(`${name} random: floats and bytes`, () => {
    const random = make()
    let sum = 0
    for (let i = 0; i < 4000; i++) {
      const value = random.float()
      assert.ok(value >= 0 && value < 1)
      sum += value
    }
    assert.ok(Math.abs(sum / 4000 - 0.5) < 0.05)
    for (const length of [0, 1, 5, 16, 5000]) assert.equal(random.bytes(length).length, length)
    assert.ok(new Set(random.bytes(2000)).size > 200)
  })

  test(`${name} random: uuids are version 4 in Kafka's text, and never begin with a dash`, () => {
    const random = make()
    const seen = new Set<string>()
    for (let i = 0; i < 5000; i++) {
      const uuid = random.uuid()
      assert.match(uuid, /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
      const bytes = Buffer.from(uuid, 'base64url')
      assert.equal(bytes.length, 16)
      assert.equal(bytes[6]! >> 4, 4)
      assert.equal(bytes[8]! >> 6, 2)
      seen.add(uuid)
    }
    assert.equal(seen.size, 5000)
    assert.ok(new Set([...seen].map(uuid => uuid[0])).size === 63, 'every other character comes first at times')
  })
}
