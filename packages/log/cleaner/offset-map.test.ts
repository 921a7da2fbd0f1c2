import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newOffsetMap, OffsetMap } from './offset-map.ts'

const SECRET = Buffer.from('0123456789abcdef')

function key(i: number): Buffer {
  return Buffer.from(`key ${i}`)
}

function put(map: OffsetMap, i: number, offset: number): void {
  const keys = map.keyList()
  keys.add(key(i), 0, key(i).length, offset)
  map.putAll(keys)
}

function get(map: OffsetMap, i: number): number {
  const keys = map.keyList()
  keys.add(Buffer.concat([Buffer.from('..'), key(i)]), 2, 2 + key(i).length, 0)
  map.lookUp(keys)
  return keys.lastOffsets[0]!
}

test('the last offset of a key, to its bound and no further', () => {
  const map = new OffsetMap(newOffsetMap(1e9, 1000 * 24, 0.9, SECRET))
  assert.equal(map.latestOffset, -1)
  let i = 0
  for (; i < 899; i++) put(map, i, i)
  for (; i > 450; i--) put(map, i - 1, 10_000 + i)
  assert.equal(map.entries, 899)
  put(map, 899, 10_900)
  // Full: not even for a key that is there, as in Kafka, where the cleaner stops then.
  put(map, 0, 20_000)
  for (let j = 0; j < 900; j++) assert.equal(get(map, j), j < 450 ? j : 10_001 + j)
  for (let j = 900; j < 2000; j++) assert.equal(get(map, j), -1)
  const moved = new OffsetMap(structuredClone(map.state()))
  assert.equal(get(moved, 899), 10_900)
  assert.equal(moved.entries, 900)
})

test('offset 0, offsets past 2^32, the empty key, and many at a time', () => {
  const map = new OffsetMap(newOffsetMap(10, 1 << 20, 0.9, SECRET))
  put(map, 1, 0)
  put(map, 2, 2 ** 45 + 1)
  assert.deepEqual([get(map, 1), get(map, 2)], [0, 2 ** 45 + 1])
  const keys = map.keyList()
  keys.add(key(3), 2, 2, 7)
  for (let i = 0; i < 1000; i++) keys.add(key(i), 0, key(i).length, i)
  assert.equal(map.putAll(keys), 11)
  map.lookUp(keys)
  assert.deepEqual([...keys.lastOffsets.subarray(0, 12)], [7, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1])
})

test('memory that an earlier map has left', () => {
  const first = new OffsetMap(newOffsetMap(100, 1 << 20, 0.9, SECRET))
  for (let i = 0; i < 100; i++) put(first, i, i)
  const { memory } = first.state()
  const second = newOffsetMap(50, 1 << 20, 0.9, SECRET, memory)
  assert.equal(second.memory, memory)
  const map = new OffsetMap(second)
  for (let i = 0; i < 100; i++) assert.equal(get(map, i), -1)
  put(map, 7, 70)
  assert.equal(get(new OffsetMap(map.state()), 7), 70)
  assert.notEqual(newOffsetMap(500, 1 << 20, 0.9, SECRET, memory).memory, memory)
})

test('no more memory than there are offsets, no load that leaves no place, some progress always', () => {
  const small = newOffsetMap(90, 1 << 27, 0.9, SECRET)
  assert.equal(small.slots, 101)
  assert.equal(small.memory.byteLength, 128 * 24)
  assert.ok(small.maxEntries >= 90)
  const full = new OffsetMap(newOffsetMap(1000, 24 * 100, 1, SECRET))
  for (let i = 0; !full.isFull; i++) put(full, i, i)
  assert.equal(get(full, 5000), -1)
  for (const loadFactor of [0, 0.0001]) assert.equal(newOffsetMap(1000, 10, loadFactor, SECRET).maxEntries, 1)
})
