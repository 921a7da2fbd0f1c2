/**
 * kafkajs, speaking the vocabulary of ../README.md. It ships gzip alone; the other codecs are plugged in the way it asks
 * for: snappy and lz4 from npm, zstd from Node's own zlib.
 */
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import kafkajs from 'kafkajs'
import SnappyCodec from 'kafkajs-snappy'
import { compressFrame, decompressFrame } from 'lz4-napi'
import { base64, emit, Lacking, main, onTerminate, readRecords, runSteps } from './vocabulary.js'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
const zstdCompress = promisify(zlib.zstdCompress)
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => compressFrame(encoder.buffer),
  decompress: buffer => decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => zstdCompress(encoder.buffer),
  decompress: promisify(zlib.zstdDecompress),
})
const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
const CHUNK = 64

const connect = bootstrap => new Kafka({ clientId: 'kafkajs', brokers: [bootstrap], logLevel: logLevel.WARN })

/** kafkajs keeps headers in an object: values of one name in an array, names in order of first use. */
function toHeaders(pairs) {
  const headers = {}
  for (const [name, value] of pairs) headers[name] = name in headers ? [headers[name], value].flat() : value
  return headers
}
const fromHeaders = headers =>
  Object.entries(headers ?? {}).flatMap(([name, values]) => [values].flat().map(value => [name, base64(value)]))

async function produce({ bootstrap, batches, records }) {
  const all = readRecords(records)
  for (const { topic, codec, acks, idempotent } of batches) {
    const producer = connect(bootstrap).producer({ idempotent, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    try {
      await producer.connect()
      for (let from = 0; from < all.length; from += CHUNK) {
        const messages = all.slice(from, from + CHUNK).map(record => ({
          ...record,
          headers: toHeaders(record.headers),
          timestamp: record.timestamp === undefined ? undefined : String(record.timestamp),
        }))
        await producer.send({ topic, messages, acks, compression: CODECS[codec] })
      }
      emit({ topic, done: all.length })
    } catch (error) {
      emit({ topic, error: error.message })
    } finally {
      await producer.disconnect()
    }
  }
}

async function consume({ bootstrap, topics, count }) {
  const consumer = connect(bootstrap).consumer({ groupId: `read-${randomUUID()}`, sessionTimeout: 10_000 })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers()
  let left = count
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      if (left-- <= 0) return
      emit({
        topic,
        partition,
        offset: Number(message.offset),
        timestamp: Number(message.timestamp),
        key: base64(message.key),
        value: base64(message.value),
        headers: fromHeaders(message.headers),
      })
      if (left === 0) resolve()
    },
  })
  await promise
  await consumer.disconnect()
}

async function member({ bootstrap, group, topic, sessionMs }) {
  const consumer = connect(bootstrap).consumer({
    groupId: group,
    sessionTimeout: sessionMs,
    rebalanceTimeout: sessionMs * 2,
    heartbeatInterval: sessionMs / 10,
    maxWaitTimeInMs: 200,
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    emit({ event: 'assigned', partitions: payload.memberAssignment[topic] ?? [] })
  })
  onTerminate(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (const message of batch.messages) {
        emit({
          event: 'record',
          partition: batch.partition,
          offset: Number(message.offset),
          value: base64(message.value),
        })
        resolveOffset(message.offset)
      }
      const offset = String(Number(batch.lastOffset()) + 1)
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
      await heartbeat()
    },
  })
}

/** The calls of kafkajs's admin client, answered in the common form. */
function operations(admin) {
  const entries = configs => Object.entries(configs ?? {}).map(([name, value]) => ({ name, value }))
  const pairs = offsets => Object.entries(offsets).map(([p, offset]) => ({ partition: +p, offset: String(offset) }))
  const kinds = { topic: ConfigResourceTypes.TOPIC, broker: ConfigResourceTypes.BROKER }
  return {
    'create-topics': async ({ topics }) => {
      const wanted = topics.map(({ name, partitions, configs }) => ({
        topic: name,
        numPartitions: partitions,
        replicationFactor: 1,
        configEntries: entries(configs),
      }))
      const created = await admin.createTopics({ topics: wanted, waitForLeaders: true })
      if (!created) throw new Error('TOPIC_ALREADY_EXISTS (createTopics answered false)')
    },
    'delete-topics': ({ topics }) => admin.deleteTopics({ topics }),
    'list-topics': async () => (await admin.listTopics()).sort(),
    'describe-topic': async ({ topic }) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0].partitions
        .map(p => ({ partition: p.partitionId, leader: p.leader, replicas: p.replicas, isr: p.isr }))
        .sort((a, b) => a.partition - b.partition)
    },
    'create-partitions': async ({ topic, count }) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] })
    },
    'describe-configs': async ({ type, name, keys }) => {
      const resources = [{ type: kinds[type], name, configNames: keys }]
      const response = await admin.describeConfigs({ resources, includeSynonyms: false })
      return Object.fromEntries(response.resources[0].configEntries.map(e => [e.configName, e.configValue]))
    },
    'replace-configs': async ({ topic, set }) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entries(set) }]
      await admin.alterConfigs({ validateOnly: false, resources })
    },
    'list-offsets': async ({ topic, at }) => {
      if (at === 'max-timestamp') throw new Lacking('it asks for the two ends and for times only')
      const found =
        typeof at === 'number'
          ? await admin.fetchTopicOffsetsByTimestamp(topic, at)
          : await admin.fetchTopicOffsets(topic)
      const field = { earliest: 'low', latest: 'high' }[at] ?? 'offset'
      return Object.fromEntries(found.map(p => [p.partition, Number(p[field])]))
    },
    'delete-records': async ({ topic, offsets }) => {
      await admin.fetchTopicOffsets(topic) // it deletes only in topics whose metadata it has already asked for
      await admin.deleteTopicRecords({ topic, partitions: pairs(offsets) })
    },
    'list-groups': async () => (await admin.listGroups()).groups.map(g => g.groupId).sort(),
    'describe-group': async ({ group }) => {
      const { groups } = await admin.describeGroups([group])
      return { state: groups[0].state, members: groups[0].members.length }
    },
    'group-offsets': async ({ group, topic }) => {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      const committed = found.partitions.filter(p => Number(p.offset) >= 0)
      return Object.fromEntries(committed.map(p => [p.partition, Number(p.offset)]))
    },
    'set-group-offsets': ({ group, topic, offsets }) =>
      admin.setOffsets({ groupId: group, topic, partitions: pairs(offsets) }),
    'delete-groups': async ({ groups }) => {
      await admin.deleteGroups(groups)
    },
    'describe-cluster': async () => {
      const { brokers, controller, clusterId } = await admin.describeCluster()
      return { id: clusterId, controller, brokers: brokers.map(b => ({ id: b.nodeId, host: b.host, port: b.port })) }
    },
  }
}

async function admin({ bootstrap, steps }) {
  const client = connect(bootstrap).admin({ retry: { retries: 2 } })
  await client.connect()
  await runSteps(steps, operations(client))
  await client.disconnect()
}

await main({ produce, consume, member, admin })
