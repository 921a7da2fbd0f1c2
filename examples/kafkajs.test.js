/**
 * A test of code that uses Kafka, each with a broker of its own in the same process: no container, no port to agree on,
 * nothing to clean up, and no test that disturbs another.
 *
 *     npm install --save-dev ottla
 *     node --test
 *
 * `await using` closes what it declares at the end of the block; it needs Node 24 or a compiler. Without it:
 * `const cluster = await createCluster()`, and `await cluster.close()` in `after`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { createCluster } from 'ottla'

const { Kafka, logLevel } = kafkajs

// --------------------------------------------------------------------------------------------- the code under test

/** Counts the orders of each customer; resolves with the counts when `total` orders have come. */
async function countOrders(kafka, total) {
  const consumer = kafka.consumer({ groupId: 'order-counter' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const counts = new Map()
  const { promise, resolve } = Promise.withResolvers()
  let seen = 0
  await consumer.run({
    eachMessage: async ({ message }) => {
      const customer = message.key.toString()
      counts.set(customer, (counts.get(customer) ?? 0) + 1)
      if (++seen === total) resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return counts
}

// -------------------------------------------------------------------------------------------------------- its tests

/** Any client will do: it is told the address, and finds a Kafka there. It need not log what a test expects to fail. */
const clientOf = cluster => new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING })

async function order(kafka, ...orders) {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic: 'orders', messages: orders.map(([key, value]) => ({ key, value })) })
  await producer.disconnect()
}

test('orders are counted by customer', async () => {
  await using cluster = await createCluster({ topics: [{ name: 'orders', partitions: 3 }] })
  const kafka = clientOf(cluster)
  await order(kafka, ['ada', 'book'], ['bob', 'pen'], ['ada', 'lamp'])
  assert.deepEqual(
    await countOrders(kafka, 3),
    new Map([
      ['ada', 2],
      ['bob', 1],
    ]),
  )
})

test('what was counted is not counted again', async () => {
  await using cluster = await createCluster({ topics: ['orders'] })
  const kafka = clientOf(cluster)
  await order(kafka, ['ada', 'book'])
  assert.deepEqual(await countOrders(kafka, 1), new Map([['ada', 1]]))
  await order(kafka, ['bob', 'pen'])
  assert.deepEqual(await countOrders(kafka, 1), new Map([['bob', 1]]))
})

test('an order that is too large is refused', async () => {
  await using cluster = await createCluster({
    topics: [{ name: 'orders', config: { 'max.message.bytes': 1000 } }],
  })
  await assert.rejects(order(clientOf(cluster), ['ada', 'x'.repeat(2000)]), { type: 'MESSAGE_TOO_LARGE' })
})
