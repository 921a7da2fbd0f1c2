/**
 * What encoding and decoding cost: `node test/bench/codec.ts [part of a name]`.
 *
 * Generated code, the closures that take its place where generated code is forbidden, and, where they are installed
 * (`npm ci` in test/interop/node), two clients from npm on the same messages. Before anything is measured, each
 * contender's bytes are held against ours, so that all do the same work. On a machine that others use too, the minimum
 * tells what the code costs, and the median what one gets.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { decode, encode, encodeResponse, type Message, Reader, Writer } from '@ottla/protocol'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest } from '@ottla/protocol/messages/produce'
import { bench, do_not_optimize, run } from 'mitata'
import { closureDecoder, closureEncoder } from '../../packages/protocol/codec-closures.ts'

const TOPICS = 10
const PARTITIONS = 10
const SLICE_BYTES = 16 * 1024

function list<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

function topicId(i: number): string {
  return Buffer.alloc(16, i + 1).toString('base64url')
}

const fetchRequest = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 50_000_000,
  isolationLevel: 1,
  sessionId: 77,
  sessionEpoch: 3,
  topics: list(TOPICS, t => ({
    topic: `some.topic.name-${t}`,
    topicId: topicId(t),
    partitions: list(PARTITIONS, p => ({
      partition: p,
      currentLeaderEpoch: 5,
      fetchOffset: 123_456_789_012 + p,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: 1_048_576,
    })),
  })),
  forgottenTopicsData: [],
  rackId: '',
}

const batch = Buffer.alloc(SLICE_BYTES, 7)

const fetchResponse = {
  sessionId: 77,
  responses: list(TOPICS, t => ({
    topicId: topicId(t),
    partitions: list(PARTITIONS, p => ({
      partitionIndex: p,
      errorCode: 0,
      highWatermark: 123_456_789_012,
      lastStableOffset: 123_456_789_012,
      logStartOffset: 0,
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: [batch],
    })),
  })),
}

const produceRequest = {
  transactionalId: null,
  acks: -1,
  timeoutMs: 30_000,
  topicData: list(TOPICS, t => ({
    name: `some.topic.name-${t}`,
    topicId: topicId(t),
    partitionData: list(PARTITIONS, p => ({ index: p, records: batch })),
  })),
}

const metadataResponse = {
  throttleTimeMs: 0,
  brokers: list(3, b => ({ nodeId: b, host: `broker-${b}.kafka.example.com`, port: 9092, rack: `rack-${b}` })),
  clusterId: 'MkU3OEVBNTcwNTJENDM2Qk',
  controllerId: 1,
  topics: list(100, t => ({
    errorCode: 0,
    name: `some.topic.name-${t}`,
    topicId: topicId(t),
    isInternal: false,
    partitions: list(6, p => ({
      errorCode: 0,
      partitionIndex: p,
      leaderId: p % 3,
      leaderEpoch: 4,
      replicaNodes: [0, 1, 2],
      isrNodes: [0, 1, 2],
      offlineReplicas: [],
    })),
  })),
}

// ------------------------------------------------------------------------------------------------------ contenders

const CLIENTS = join(import.meta.dirname, '../interop/node/node_modules')
const only = process.argv[2] ?? ''
const titles: string[] = []

function contend(what: string, who: string, run: () => unknown): void {
  if (!what.includes(only)) return
  titles.push(`${what} / ${who}`)
  bench(titles.at(-1)!, () => do_not_optimize(run()))
}

function contendAsync(what: string, who: string, run: () => Promise<unknown>): void {
  if (!what.includes(only)) return
  titles.push(`${what} / ${who}`)
  bench(titles.at(-1)!, async () => do_not_optimize(await run()))
}

function encoded(schema: Message, version: number, value: object): Buffer {
  const writer = new Writer()
  encode(schema, version, value, writer)
  return Buffer.concat(writer.finish())
}

function contendEncoding(what: string, schema: Message, version: number, value: object): void {
  contend(what, 'generated', () => {
    const writer = new Writer()
    encode(schema, version, value, writer)
    return writer.finish()
  })
  const closures = closureEncoder(schema, version)
  contend(what, 'closures', () => {
    const writer = new Writer()
    closures(writer, value)
    return writer.finish()
  })
}

function contendDecoding(what: string, schema: Message, version: number, value: object): void {
  const bytes = encoded(schema, version, value)
  contend(what, 'generated', () => decode(schema, version, new Reader(bytes)))
  const closures = closureDecoder(schema, version)
  contend(what, 'closures', () => closures(new Reader(bytes)))
}

/** The parts that are used here of a file of @platformatic/kafka that is not meant for others. */
interface PlatformaticApi {
  createRequest(...args: readonly unknown[]): { readonly buffer: Buffer }
  parseResponse(correlationId: number, apiKey: number, apiVersion: number, reader: unknown): unknown
}

const ENCODE_FETCH = 'encode Fetch request v17, 10 topics of 10 partitions'
const ENCODE_OLD_FETCH = 'encode Fetch request v11, 10 topics of 10 partitions'
const DECODE_METADATA = 'decode Metadata response v12, 100 topics of 6 partitions'
const DECODE_OLD_METADATA = 'decode Metadata response v5, 100 topics of 6 partitions'

async function contendPlatformatic(): Promise<void> {
  const folder = join(CLIENTS, '@platformatic/kafka/dist')
  const load = (file: string) => import(join(folder, file)) as Promise<PlatformaticApi>
  const fetch = await load('apis/consumer/fetch-v17.js')
  const metadata = await load('apis/metadata/metadata-v12.js')
  const { Reader: TheirReader } = (await import(join(folder, 'protocol/reader.js'))) as {
    Reader: new (buffer: unknown) => unknown
  }
  const { DynamicBuffer } = (await import(join(CLIENTS, '@platformatic/dynamic-buffer/dist/index.js'))) as {
    DynamicBuffer: new (buffer: Buffer) => unknown
  }
  const topics = fetchRequest.topics.map(({ topicId, partitions }) => ({
    topicId: Buffer.from(topicId, 'base64url').toString('hex'),
    partitions: partitions.map(partition => ({ ...partition, fetchOffset: BigInt(partition.fetchOffset) })),
  }))
  const { maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId, sessionEpoch, rackId } = fetchRequest
  const theirs = () =>
    fetch.createRequest(maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId, sessionEpoch, topics, [], rackId)
  assert.deepEqual(Buffer.from(theirs().buffer), encoded(FetchRequest, 17, fetchRequest))
  contend(ENCODE_FETCH, '@platformatic/kafka', () => theirs().buffer)
  const bytes = encoded(MetadataResponse, 12, metadataResponse)
  contend(DECODE_METADATA, '@platformatic/kafka', () =>
    metadata.parseResponse(1, 3, 12, new TheirReader(new DynamicBuffer(bytes))),
  )
}

interface KafkaJs {
  readonly fetch: (request: object) => { encode(): Promise<{ readonly buffer: Buffer }> }
  readonly metadata: { decode(bytes: Buffer): Promise<unknown> }
}

async function contendKafkaJs(): Promise<void> {
  const require = createRequire(join(CLIENTS, 'kafkajs/package.json'))
  const kafkajs: KafkaJs = {
    fetch: require('./src/protocol/requests/fetch/v11/request.js'),
    metadata: require('./src/protocol/requests/metadata/v5/response.js'),
  }
  const { maxWaitMs, ...rest } = fetchRequest
  const topics = fetchRequest.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partitionMaxBytes, ...partition }) => ({
      ...partition,
      fetchOffset: String(partition.fetchOffset),
      maxBytes: partitionMaxBytes,
    })),
  }))
  const request = { ...rest, replicaId: -1, maxWaitTime: maxWaitMs, topics }
  const theirs = () => kafkajs.fetch(request).encode()
  assert.deepEqual(Buffer.from((await theirs()).buffer), encoded(FetchRequest, 11, fetchRequest))
  contendAsync(ENCODE_OLD_FETCH, 'kafkajs', async () => (await theirs()).buffer)
  const bytes = encoded(MetadataResponse, 5, metadataResponse)
  contendAsync(DECODE_OLD_METADATA, 'kafkajs', () => kafkajs.metadata.decode(bytes))
}

contendEncoding(ENCODE_FETCH, FetchRequest, 17, fetchRequest)
contendEncoding(ENCODE_OLD_FETCH, FetchRequest, 11, fetchRequest)
contendDecoding('decode Fetch request v17, 10 topics of 10 partitions', FetchRequest, 17, fetchRequest)
contendEncoding('encode Metadata response v12, 100 topics of 6 partitions', MetadataResponse, 12, metadataResponse)
contendDecoding(DECODE_METADATA, MetadataResponse, 12, metadataResponse)
contendDecoding(DECODE_OLD_METADATA, MetadataResponse, 5, metadataResponse)
contendDecoding('decode Produce request v13, 100 batches of 16 KiB', ProduceRequest, 13, produceRequest)
contendEncoding('encode Fetch response v17, 100 slices of 16 KiB', FetchResponse, 17, fetchResponse)
contend('a Heartbeat response as a frame', 'generated', () =>
  encodeResponse(HeartbeatResponse, 4, 77, { throttleTimeMs: 0, errorCode: 0 }),
)
for (const [name, contendClient] of [
  ['@platformatic/kafka', contendPlatformatic],
  ['kafkajs', contendKafkaJs],
] as const) {
  if (existsSync(join(CLIENTS, name))) await contendClient()
  else console.log(`without ${name}, which is not in ${CLIENTS}`)
}

const { benchmarks } = await run({ format: 'quiet' })
const results = new Map(
  benchmarks.map(({ alias, runs }) => [alias, runs[0]?.stats] as const).filter(([, stats]) => stats !== undefined),
)
const micros = (nanos: number) => (nanos / 1000).toFixed(2).padStart(9)
console.log('  min µs  median µs')
for (const title of titles.sort()) {
  const stats = results.get(title)!
  console.log(`${micros(stats.min)} ${micros(stats.p50)}  ${title}`)
}
