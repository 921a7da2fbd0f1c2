/** @platformatic/kafka, speaking the vocabulary of ../README.md. */
import { randomUUID } from 'node:crypto'
import { Admin, Consumer, Producer } from '@platformatic/kafka'
import { base64, describe, emit, main, onTerminate, readRecords, runSteps } from './vocabulary.js'

const CHUNK = 64
const options = (bootstrap, more) => ({ clientId: 'platformatic', bootstrapBrokers: [bootstrap], ...more })

async function produce({ bootstrap, batches, records }) {
  const all = readRecords(records)
  for (const { topic, codec, acks, idempotent } of batches) {
    const producer = new Producer(options(bootstrap, { idempotent, autocreateTopics: false }))
    try {
      for (let from = 0; from < all.length; from += CHUNK) {
        const messages = all.slice(from, from + CHUNK).map(record => ({
          topic,
          key: record.key,
          value: record.value,
          // Keys that are Buffers are distinct even if their bytes are equal: a Map then keeps repeated names.
          headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), value])),
          timestamp: record.timestamp === undefined ? undefined : BigInt(record.timestamp),
        }))
        await producer.send({ messages, acks, compression: codec })
      }
      emit({ topic, done: all.length })
    } catch (error) {
      emit({ topic, error: describe(error) })
    } finally {
      await producer.close()
    }
  }
}

async function consume({ bootstrap, topics, count }) {
  const consumer = new Consumer(options(bootstrap, { groupId: `read-${randomUUID()}` }))
  const stream = await consumer.consume({
    topics,
    mode: 'earliest',
    autocommit: false,
    sessionTimeout: 10_000,
    heartbeatInterval: 1000,
    maxWaitTime: 200,
  })
  let left = count
  for await (const message of stream) {
    emit({
      topic: message.topic,
      partition: message.partition,
      offset: message.offset,
      timestamp: message.timestamp,
      key: base64(message.key),
      value: base64(message.value),
      headers: message.headerEntries.map(([name, value]) => [name.toString(), base64(value)]),
    })
    if (--left === 0) break
  }
  await consumer.close(true)
}

async function member({ bootstrap, group, topic, sessionMs }) {
  const consumer = new Consumer(options(bootstrap, { groupId: group }))
  consumer.on('consumer:group:join', ({ assignments }) => {
    emit({ event: 'assigned', partitions: (assignments ?? []).flatMap(a => (a.topic === topic ? a.partitions : [])) })
  })
  onTerminate(() => consumer.close(true))
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
    sessionTimeout: sessionMs,
    rebalanceTimeout: sessionMs * 2,
    heartbeatInterval: sessionMs / 10,
    maxWaitTime: 200,
  })
  for await (const message of stream) {
    emit({ event: 'record', partition: message.partition, offset: message.offset, value: base64(message.value) })
    await message.commit()
  }
}

/** The calls of platformatic's admin client, answered in the common form. */
function operations(admin) {
  const TOPIC = 2
  const BROKER = 4
  const [SET, DELETE] = [0, 1]
  const specials = { earliest: -2n, latest: -1n, 'max-timestamp': -3n }
  const wanted = offsets => Object.entries(offsets).map(([p, offset]) => ({ partition: +p, offset: BigInt(offset) }))
  const partitionsOf = async topic => {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
    return topics.get(topic).partitions
  }
  return {
    'create-topics': async ({ topics }) => {
      for (const { name, partitions, configs } of topics) {
        const entries = Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value }))
        await admin.createTopics({ topics: [name], partitions, replicas: 1, configs: entries })
      }
    },
    'delete-topics': ({ topics }) => admin.deleteTopics({ topics }),
    'list-topics': async () => (await admin.listTopics()).sort(),
    'describe-topic': async ({ topic }) =>
      (await partitionsOf(topic)).map((p, partition) => ({
        partition,
        leader: p.leader,
        replicas: p.replicas,
        isr: p.isr,
      })),
    'create-partitions': ({ topic, count }) =>
      admin.createPartitions({ topics: [{ name: topic, count, assignments: null }] }),
    'describe-configs': async ({ type, name, keys }) => {
      const resources = [
        { resourceType: type === 'topic' ? TOPIC : BROKER, resourceName: name, configurationKeys: keys },
      ]
      const [found] = await admin.describeConfigs({ resources })
      return Object.fromEntries(found.configs.map(c => [c.name, c.value]))
    },
    'alter-configs': async ({ topic, set, remove }) => {
      const configs = [
        ...Object.entries(set).map(([name, value]) => ({ name, configOperation: SET, value })),
        ...remove.map(name => ({ name, configOperation: DELETE, value: null })),
      ]
      await admin.incrementalAlterConfigs({ resources: [{ resourceType: TOPIC, resourceName: topic, configs }] })
    },
    'replace-configs': async ({ topic, set }) => {
      const configs = Object.entries(set).map(([name, value]) => ({ name, value }))
      await admin.alterConfigs({ resources: [{ resourceType: TOPIC, resourceName: topic, configs }] })
    },
    'list-offsets': async ({ topic, at }) => {
      const timestamp = specials[at] ?? BigInt(at)
      const partitions = (await partitionsOf(topic)).map((_, partitionIndex) => ({ partitionIndex, timestamp }))
      const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
      return Object.fromEntries(found.partitions.map(p => [p.partitionIndex, p.offset]))
    },
    'delete-records': async ({ topic, offsets }) => {
      const [found] = await admin.deleteRecords({ topics: [{ name: topic, partitions: wanted(offsets) }] })
      return Object.fromEntries(found.partitions.map(p => [p.partition, p.lowWatermark]))
    },
    'list-groups': async () => [...(await admin.listGroups()).keys()].sort(),
    'describe-group': async ({ group }) => {
      const found = (await admin.describeGroups({ groups: [group] })).get(group)
      const words = found.state.toLowerCase().split('_')
      return { state: words.map(w => w[0].toUpperCase() + w.slice(1)).join(''), members: found.members.size }
    },
    'group-offsets': async ({ group, topic }) => {
      const [found] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const partitions = found.topics.find(t => t.name === topic)?.partitions ?? []
      return Object.fromEntries(partitions.map(p => [p.partitionIndex, p.committedOffset]))
    },
    'set-group-offsets': ({ group, topic, offsets }) =>
      admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets: wanted(offsets) }] }),
    'delete-group-offsets': async ({ group, topic, partitions }) => {
      await admin.deleteConsumerGroupOffsets({
        groupId: group,
        topics: [{ name: topic, partitionIndexes: partitions }],
      })
    },
    'delete-groups': ({ groups }) => admin.deleteGroups({ groups }),
    'describe-cluster': async () => {
      const { id, controllerId, brokers } = await admin.metadata({ topics: [], forceUpdate: true })
      const list = [...brokers].map(([node, { host, port }]) => ({ id: node, host, port }))
      return { id, controller: controllerId, brokers: list }
    },
    'describe-log-dirs': async ({ topic }) => {
      const partitions = (await partitionsOf(topic)).map((_, index) => index)
      const [broker] = await admin.describeLogDirs({ topics: [{ name: topic, partitions }] })
      const found = broker.results.flatMap(dir => dir.topics).flatMap(t => t.partitions)
      return Object.fromEntries(found.map(p => [p.partitionIndex, p.partitionSize]))
    },
  }
}

async function admin({ bootstrap, steps }) {
  const client = new Admin(options(bootstrap, { retries: 2 }))
  await runSteps(steps, operations(client))
  await client.close()
}

await main({ produce, consume, member, admin })
