import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newOffsetMap, OffsetMap } from './offset-map.ts'

const SECRET = Buffer.from('0123456789abcdef')

function key(i: number): Buffer {
  return Buffer.from(`key ${i}`)
}

function put(map: OffsetMap, i: number, offset: number): void {
  map.put(key(i), 0, key(i).length, offset)
}

function get(map: OffsetMap, i: number): number {
  return map.get(key(i), 0, key(i).length)
}

test('the last offset of a key, to its bound and no further', () => {
  const map = new OffsetMap(newOffsetMap(1e9, 1000 * 24, 0.9, SECRET))
  assert.equal(map.latestOffset, -1)
  let i = 0
  for (; !map.isFull; i++) put(map, i, i)
  assert.equal(i, 900)
  for (; i > 450; i--) put(map, i - 1, 10_000 + i)
  assert.equal(map.entries, 900)
  assert.equal(map.utilization, 0.9)
  for (let j = 0; j < 900; j++) assert.equal(get(map, j), j < 450 ? j : 10_001 + j)
  for (let j = 900; j < 2000; j++) assert.equal(get(map, j), -1)
  const moved = new OffsetMap(structuredClone(map.state(), { transfer: [map.state().memory] }))
  assert.equal(get(moved, 899), 10_900)
  assert.equal(moved.entries, 900)
})

test('offset 0, offsets past 2^32, the empty key', () => {
  const map = new OffsetMap(newOffsetMap(10, 1 << 20, 0.9, SECRET))
  put(map, 1, 0)
  put(map, 2, 2 ** 45 + 1)
  map.put(key(3), 2, 2, 7)
  assert.deepEqual([get(map, 1), get(map, 2), map.get(key(9), 0, 0)], [0, 2 ** 45 + 1, 7])
})

test('no more memory than there are offsets, no load that leaves no place, some progress always', () => {
  const small = newOffsetMap(90, 1 << 27, 0.9, SECRET)
  assert.equal(small.memory.byteLength, 101 * 24)
  assert.ok(small.maxEntries >= 90)
  const full = new OffsetMap(newOffsetMap(1000, 24 * 100, 1, SECRET))
  for (let i = 0; !full.isFull; i++) put(full, i, i)
  assert.equal(get(full, 5000), -1)
  for (const loadFactor of [0, 0.0001]) assert.equal(newOffsetMap(1000, 10, loadFactor, SECRET).maxEntries, 1)
})
