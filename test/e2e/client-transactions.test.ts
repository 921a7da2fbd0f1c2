/** The small client's transactions against the broker, in the versions of transactions that a cluster may have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, fetchOnce, KafkaError, TransactionalProducer, UpgradeType, updateFeatures } from '@ottla/client'
import { inProcess } from './in-process.ts'

const TOPIC = 't'
const PARTITIONS = [0, 1]
const FEATURE = 'transaction.version'

/** What is committed, by partition. */
async function committed(client: Cluster): Promise<string[][]> {
  const values = PARTITIONS.map((): string[] => [])
  for (const partition of PARTITIONS) {
    const position = { topic: TOPIC, partition, offset: 0 }
    for (let end = 1; position.offset < end; ) {
      const [fetched] = await fetchOnce(client, [position], { maxWaitMs: 10, readCommitted: true })
      for (const { value } of fetched!.records) values[partition]!.push(Buffer.from(value!).toString())
      end = fetched!.highWatermark
    }
  }
  return values
}

function send(producer: TransactionalProducer, value: string): Promise<unknown> {
  return Promise.all(PARTITIONS.map(partition => producer.send({ topic: TOPIC, partition, value: Buffer.from(value) })))
}

for (const level of [2, 1, 0]) {
  test(`a transaction counts as a whole or not at all, with transaction.version ${level}`, async () => {
    await using open = await inProcess({ topics: [{ name: TOPIC, partitions: PARTITIONS.length }] })
    if (level < 2) {
      const update = { feature: FEATURE, level, type: UpgradeType.safeDowngrade }
      assert.equal((await updateFeatures(open.client, [update])).get(FEATURE), null)
    }
    // What a broker can do is asked for when a connection is made.
    const [host = '', port] = open.cluster.bootstrapServers.split(':')
    const client = new Cluster({ world: open.cluster.world, bootstrapServers: [{ host, port: Number(port) }] })
    const producer = new TransactionalProducer(client, { transactionalId: 'tx' })
    await producer.init()
    for (const [value, isWanted] of [
      ['first', true],
      ['second', false],
      ['third', true],
    ] as const) {
      producer.begin()
      await send(producer, value)
      await (isWanted ? producer.commit() : producer.abort())
    }
    assert.deepEqual(await committed(client), [
      ['first', 'third'],
      ['first', 'third'],
    ])
    const successor = new TransactionalProducer(client, { transactionalId: 'tx' })
    producer.begin()
    await send(producer, 'left')
    await successor.init()
    const fenced = (error: unknown) => error instanceof KafkaError && /EPOCH|FENCED/.test(error.code)
    await assert.rejects(producer.commit(), fenced)
    await client.close()
  })
}
