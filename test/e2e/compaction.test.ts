/** A compacted topic as clients see it: what is left of it, what it refuses, and configs that change while it is cleaned. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alterConfigs, fetchOnce, KafkaError, Producer, ResourceType } from '@ottla/client'
import { type InProcess, inProcess } from './in-process.ts'

const TOPIC = 'compacted'
const KEYS = 10
const CONFIG = { 'cleanup.policy': 'compact', 'segment.bytes': 1_048_576, 'min.cleanable.dirty.ratio': 1 }

interface Found {
  readonly offsets: number[]
  readonly last: Map<string, string>
}

async function readAll({ client }: InProcess, endOffset: number): Promise<Found> {
  const position = { topic: TOPIC, partition: 0, offset: 0 }
  const found: Found = { offsets: [], last: new Map() }
  while (position.offset < endOffset) {
    const [fetched] = await fetchOnce(client, [position], { maxWaitMs: 10 })
    for (const { offset, key, value } of fetched!.records) {
      found.offsets.push(offset)
      found.last.set(Buffer.from(key!).toString(), Buffer.from(value!).subarray(0, 10).toString().trim())
    }
  }
  return found
}

test('of each key the last record is left, at its offset, once the topic may be cleaned', async () => {
  const topics = [{ name: TOPIC, partitions: 1, config: CONFIG }]
  await using open = await inProcess({ topics, config: { 'log.cleaner.backoff.ms': 60_000 } })
  const producer = new Producer(open.client)
  const value = Buffer.alloc(20_000)
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < 200; i++) {
    value.write(`${i}`.padEnd(10))
    const record = { topic: TOPIC, key: Buffer.from(`k${i % KEYS}`), value: Buffer.from(value) }
    sent.push(producer.send(record))
  }
  await Promise.all(sent)
  const before = await readAll(open, 200)
  assert.equal(before.offsets.length, 200)
  await alterConfigs(open.client, ResourceType.topic, TOPIC, [{ name: 'min.cleanable.dirty.ratio', value: '0.1' }])
  // The cleaner begins anew with it, so that nobody waits for a minute.
  await alterConfigs(open.client, ResourceType.broker, '', [{ name: 'log.cleaner.backoff.ms', value: '10' }])
  let after = await readAll(open, 200)
  while (after.offsets.length === 200) after = await readAll(open, 200)
  assert.deepEqual(after.last, before.last)
  assert.ok(after.offsets.every((offset, i) => i === 0 || offset > after.offsets[i - 1]!))
  const measured = (name: string) => open.cluster.metrics.value(`kafka_log_logcleaner${name}`) ?? Number.NaN
  // What is counted of a pass is there when the pass is over, a moment after its last segment.
  while (!(measured('_cleaner_recopy_percent') > 0)) await readAll(open, 200)
  assert.ok(measured('_cleaner_recopy_percent') < 100)
  assert.equal(measured('_deadthreadcount'), 0)
})

test('a record without a key is refused', async () => {
  await using open = await inProcess({ topics: [{ name: TOPIC, partitions: 1, config: CONFIG }] })
  const producer = new Producer(open.client)
  await assert.rejects(
    producer.send({ topic: TOPIC, value: Buffer.from('x') }),
    (error: unknown) => error instanceof KafkaError && error.code === 'INVALID_RECORD',
  )
})
