import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io/memory'
import { murmur2, partitionForKey, StickyPartition } from './partitioner.ts'

// Printed by org.apache.kafka.common.utils.Utils.murmur2 of kafka-clients 4.3.1.
const FROM_JAVA: readonly [string, number][] = [
  ['', 275646681],
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

test('murmur2 is that of the Java client', () => {
  for (const [key, hash] of FROM_JAVA) assert.equal(murmur2(Buffer.from(key)), hash, key)
})

test('a key always has a partition in range', () => {
  for (let i = 0; i < 1000; i++) {
    const partition = partitionForKey(Buffer.from(`key-${i}`), 12)
    assert.ok(partition >= 0 && partition < 12)
  }
})

const led = (count: number) =>
  Array.from({ length: count }, (_, partitionIndex) => ({
    partitionIndex,
    leaderId: partitionIndex % 3 === 2 ? -1 : 1,
  }))

test('without a key a partition stays until it has had a batch, and goes at the end of one', () => {
  const sticky = new StickyPartition(memoryWorld({ seed: 4 }).random, 1000)
  const all = led(12)
  const first = sticky.partition(all)
  sticky.produced(999, true)
  assert.equal(sticky.partition(all), first, 'not a batch yet')
  sticky.produced(500, false)
  assert.equal(sticky.partition(all), first, 'amid a batch')
  const seen = new Map<number, number>()
  for (let i = 0; i < 400; i++) {
    sticky.produced(1000, i % 2 === 0)
    const partition = sticky.partition(all)
    seen.set(partition, (seen.get(partition) ?? 0) + 1)
  }
  assert.deepEqual(
    [...seen.keys()].sort((a, b) => a - b),
    all.filter(({ leaderId }) => leaderId >= 0).map(({ partitionIndex }) => partitionIndex),
    'each that has a leader',
  )
  for (const [partition, count] of seen) assert.ok(count > 20, `partition ${partition} had ${count} turns of 400`)
})

test('a partition is left after two batches even amid one, or when it is not there any more', () => {
  const sticky = new StickyPartition(memoryWorld({ seed: 5 }).random, 1000)
  const all = led(300)
  const first = sticky.partition(all)
  sticky.produced(1999, false)
  assert.equal(sticky.partition(all), first)
  sticky.produced(1, false)
  const second = sticky.partition(all)
  assert.notEqual(second, first)
  assert.notEqual(sticky.partition(all.filter(({ partitionIndex }) => partitionIndex !== second)), second)
  const leaderless = led(3).slice(2)
  assert.equal(sticky.partition(leaderless), 2, 'where none has a leader, any')
})
