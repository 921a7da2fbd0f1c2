import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionForKey } from './partitioner.ts'

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
