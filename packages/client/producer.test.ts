import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cluster } from './cluster.ts'
import { Producer, type ProducerOptions } from './producer.ts'
import { FickleBroker, type Whim } from './testing/fickle-broker.ts'

interface Outcome {
  readonly partition: number
  readonly value: string
  readonly offset: number | null
}

/** Sends so many records to partitions in turn; what became of each. */
async function produce(broker: FickleBroker, count: number, options: ProducerOptions = {}): Promise<Outcome[]> {
  const { world, logs } = broker
  const cluster = new Cluster({ world, bootstrapServers: [{ host: '127.0.0.1', port: 9092 }] })
  const producer = new Producer(cluster, options)
  const sent = Array.from({ length: count }, (_, i) => {
    const [partition, value] = [i % logs.length, `record ${i}`]
    return producer.send({ topic: 't', partition, value: Buffer.from(value) }).then(
      ({ offset }) => ({ partition, value, offset }),
      () => ({ partition, value, offset: null }),
    )
  })
  const outcomes = await world.runUntil(Promise.all(sent))
  await world.runUntil(producer.flush())
  await cluster.close()
  return outcomes
}

test('batches of all partitions go in one request, several requests at a time', async () => {
  const broker = await FickleBroker.start(12, () => 'take')
  const outcomes = await produce(broker, 1200, { batchBytes: 400 })
  for (const { partition, value, offset } of outcomes) assert.equal(broker.logs[partition]![offset!], value)
  assert.ok(
    broker.requests.every(partitions => partitions === 12),
    `${broker.requests}`,
  )
})

test('a batch that is tried again comes before those that were sent behind it', async () => {
  const whims: Whim[] = [
    'take',
    'NOT_LEADER_OR_FOLLOWER',
    'take',
    'cut after',
    'take',
    'cut before',
    'REQUEST_TIMED_OUT',
  ]
  const broker = await FickleBroker.start(1, () => whims.shift() ?? 'take')
  const outcomes = await produce(broker, 300, { batchBytes: 300 })
  assert.deepEqual(
    broker.logs[0],
    outcomes.map(({ value }) => value),
  )
  assert.deepEqual(
    outcomes.map(({ offset }) => offset),
    outcomes.map((_, i) => i),
  )
})

test('what is refused leaves no gap for what was sent behind it', async () => {
  const whims: Whim[] = ['take', 'MESSAGE_TOO_LARGE', 'take', 'take']
  const broker = await FickleBroker.start(1, () => whims.shift() ?? 'take')
  const outcomes = await produce(broker, 100, { batchBytes: 300 })
  const refused = outcomes.filter(({ offset }) => offset === null)
  assert.ok(refused.length > 0 && refused.length < 20)
  assert.deepEqual(
    broker.logs[0],
    outcomes.filter(({ offset }) => offset !== null).map(({ value }) => value),
  )
})

test('whatever fails, what is acknowledged is there once, in order', async () => {
  const passing: Whim[] = ['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS', 'cut before', 'cut after']
  const whim = fc.oneof(
    { weight: 6, arbitrary: fc.constant<Whim>('take') },
    { weight: 3, arbitrary: fc.constantFrom(...passing) },
    { weight: 1, arbitrary: fc.constant<Whim>('INVALID_RECORD') },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(whim, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (whims, partitions) => {
      const left = [...whims]
      const broker = await FickleBroker.start(partitions, () => left.shift() ?? 'take')
      const outcomes = await produce(broker, 120, { batchBytes: 300 })
      for (const [partition, log] of broker.logs.entries()) {
        const acknowledged = outcomes.filter(one => one.partition === partition && one.offset !== null)
        assert.deepEqual(
          log.filter(value => acknowledged.some(one => one.value === value)),
          acknowledged.map(({ value }) => value),
        )
      }
    }),
    { numRuns: 100 },
  )
})

test('without sequence numbers one batch of a partition is on its way, so that order holds, too', async () => {
  const whims: Whim[] = ['take', 'NOT_LEADER_OR_FOLLOWER', 'take', 'NOT_ENOUGH_REPLICAS', 'take']
  const broker = await FickleBroker.start(1, () => whims.shift() ?? 'take')
  const outcomes = await produce(broker, 100, { batchBytes: 300, acks: 1 })
  assert.deepEqual(
    broker.logs[0],
    outcomes.map(({ value }) => value),
  )
})
