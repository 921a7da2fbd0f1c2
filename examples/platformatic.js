/**
 * Produces and consumes with @platformatic/kafka, against a broker in this process, or against any Kafka if its address
 * is given: node platformatic.js localhost:9092
 */
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { createCluster } from 'ottla'

const RECORDS = 5

const given = process.argv[2]
const cluster = given ? null : await createCluster({ topics: [{ name: 'readings', partitions: 3 }] })
const bootstrapBrokers = [given ?? cluster.bootstrapServers]

const producer = new Producer({
  clientId: 'sensor',
  bootstrapBrokers,
  serializers: stringSerializers,
  autocreateTopics: true,
})
await producer.send({
  messages: Array.from({ length: RECORDS }, (_, i) => ({
    topic: 'readings',
    key: `sensor-${i % 2}`,
    value: JSON.stringify({ celsius: 20 + i }),
  })),
})
await producer.close()

const consumer = new Consumer({
  clientId: 'display',
  groupId: 'displays',
  bootstrapBrokers,
  deserializers: stringDeserializers,
})
const stream = await consumer.consume({
  topics: ['readings'],
  mode: 'committed', // where the group stopped the last time
  fallbackMode: 'earliest', // or at the beginning, if this is the first
  autocommit: false,
})
let seen = 0
for await (const message of stream) {
  console.log(`${message.key} ${JSON.parse(message.value).celsius} °C`)
  await message.commit()
  if (++seen === RECORDS) break
}
await consumer.close(true)
await cluster?.close()
