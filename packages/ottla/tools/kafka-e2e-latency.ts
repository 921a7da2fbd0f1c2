/** `kafka-e2e-latency`: how long a record takes from a producer to a consumer, one record at a time. */
import {
  type Cluster,
  type ConsumerRecord,
  commitOffsets,
  createTopic,
  fetchOnce,
  findOffsets,
  KafkaError,
  listTopics,
  type Position,
  Producer,
  partitionName,
  Timestamp,
} from '@ottla/client'
import type { RecordHeader } from '@ottla/protocol'
import { PRODUCER_CONFIGS, producerOptions } from './client-config.ts'
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { doubleText } from './java/format.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  topic: { about: 'Through which topic; it is created if it is not there. Required.', value: 'topic' },
  'num-records': { about: 'How many records. Required.', value: 'count' },
  'producer-acks': { about: 'Who has to have written a record: 1 or all. Required.', value: 'acks' },
  'record-size': { about: 'Bytes of each value. Required.', value: 'bytes' },
  'record-key-size': { about: 'Bytes of each key.', value: 'bytes', isValueOptional: true, type: 'int', default: '0' },
  'record-header-key-size': {
    about: 'Bytes of the name of each header.',
    value: 'bytes',
    isValueOptional: true,
    type: 'int',
    default: '0',
  },
  'record-header-size': {
    about: 'Bytes of the value of each header; -1: null.',
    value: 'bytes',
    isValueOptional: true,
    type: 'int',
    default: '0',
  },
  'num-headers': { about: 'Headers of each record.', value: 'count', isValueOptional: true, type: 'int', default: '0' },
  'command-config': { about: 'A properties file for all clients.', value: 'file', isValueOptional: true },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

/** What was said without names until 4.2, in its order. */
const POSITIONS = [
  'bootstrap-server',
  'topic',
  'num-records',
  'producer-acks',
  'record-size',
  'command-config',
] as const
const REQUIRED = POSITIONS.slice(0, 5)
const PATIENCE_MS = 60_000
const EVERY = 1000
/** A record is fetched as soon as it is there, and nothing else waits for it. */
const AT_ONCE = { maxWaitMs: 0, maxBytes: 52_428_800 }

export const kafkaE2eLatency = joptTool<typeof OPTIONS>({
  name: 'kafka-e2e-latency',
  about: 'This tool measures end-to-end latency in Kafka by sending messages and timing their reception.',
  options: OPTIONS,
  rewrite(args, context) {
    if (args.length === 0 || args.some(arg => REQUIRED.some(name => arg === `--${name}`))) return args
    if (args.length !== 5 && args.length !== 6)
      throw new ToolError(
        `Invalid number of arguments. Expected 5 or 6 positional arguments, but got ${args.length}. Usage: bootstrap-server topic num-records producer-acks record-size [optional] command-config`,
      )
    const names = POSITIONS.map(name => `--${name}`)
    context.print(
      `WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. Please use named arguments instead: ${names.join(', ')}`,
    )
    return args.flatMap((arg, i) => [names[i]!, arg])
  },
  async run(options, context) {
    check(options)
    const where = {
      bootstrap: options.text('bootstrap-server'),
      config: options.text('command-config'),
      alsoHonoured: PRODUCER_CONFIGS,
    }
    const properties = context.properties(where)
    const settings = producerOptions(properties.set('acks', options.text('producer-acks')!))
    await context.withCluster(
      { ...where, config: null, properties, client: 'kafka consumer' },
      'listTopics',
      async cluster => {
        await using producer = new Producer(cluster, { ...settings, lingerMs: 0 })
        await measure(options, cluster, producer, context)
      },
    )
  },
})

function check(options: Parsed): void {
  options.required(...(REQUIRED as (keyof typeof OPTIONS)[]))
  const wrong = (message: string): never => {
    throw new UsageError(message)
  }
  if (!['1', 'all'].includes(options.text('producer-acks')!))
    wrong(
      "Invalid value for --producer-acks. Latency testing requires synchronous acknowledgement. Please use '1' or 'all'.",
    )
  if (options.int('num-records')! <= 0) wrong('Value for --num-records must be a positive integer.')
  if (options.int('record-size')! < 0) wrong('Value for --record-size must be a non-negative integer.')
  for (const name of ['record-key-size', 'record-header-key-size'] as const)
    if (options.int(name)! < 0) wrong(`Value for --${name} must be a non-negative integer.`)
  if (options.int('record-header-size')! < -1)
    wrong('Value for --record-header-size must be a non-negative integer or -1 for null header value.')
  if (options.int('num-headers')! < 0) wrong('Value for --num-headers must be a non-negative integer.')
}

async function measure(options: Parsed, cluster: Cluster, producer: Producer, context: ToolContext): Promise<void> {
  const topic = options.text('topic')!
  const count = options.int('num-records')!
  await ensureTopic(cluster, topic, context)
  const positions = await ends(cluster, topic)
  const commit = () => commitOffsets(cluster, `test-group-${Date.now()}`, positions)
  const latencies = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const record = someRecord(options)
    const startMs = performance.now()
    await producer.send({ topic, ...record })
    const read = await poll(cluster, positions)
    latencies[i] = performance.now() - startMs
    const problem = difference(record, read)
    if (problem) {
      await commit()
      throw new ToolError(problem, 'java.lang.RuntimeException')
    }
    if (i % EVERY === 0) context.print(`${i}\t${doubleText(Number(latencies[i]!.toFixed(6)))}`)
  }
  const total = latencies.reduce((sum, ms) => sum + ms, 0)
  context.print(`Avg latency: ${(total / count).toFixed(4)} ms`)
  const sorted = latencies.sort()
  const at = (part: number) => Math.trunc(sorted[Math.trunc(count * part)]!)
  context.print(`Percentiles: 50th = ${at(0.5)}, 99th = ${at(0.99)}, 99.9th = ${at(0.999)}`)
  await commit()
}

async function ensureTopic(cluster: Cluster, topic: string, context: ToolContext): Promise<void> {
  const isThere = (await listTopics(cluster, null)).some(({ name }) => name === topic)
  if (isThere) return
  context.print(`Topic "${topic}" does not exist. Will create topic with 1 partition(s) and replication factor = 1`)
  try {
    await createTopic(cluster, { name: topic, partitions: 1, replicationFactor: 1, configs: new Map() })
  } catch (error) {
    context.print(`Creation of topic ${topic} failed`)
    throw error
  }
}

async function ends(cluster: Cluster, topic: string): Promise<Position[]> {
  const { partitions } = await cluster.topic(topic, true)
  const all = partitions.map(({ partitionIndex: partition }) => ({ topic, partition }))
  const found = await findOffsets(cluster, all, Timestamp.latest)
  return all.map(one => {
    const end = found.get(partitionName(one))!
    if (end instanceof KafkaError) throw end
    return { ...one, offset: end.offset }
  })
}

interface Sent {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly headers: readonly RecordHeader[]
}

function someRecord(options: Parsed): Sent {
  const letters = (size: number) => Buffer.alloc(size, 65 + Math.floor(Math.random() * 26))
  const [nameSize, valueSize] = [options.int('record-header-key-size')!, options.int('record-header-size')!]
  const headers = Array.from({ length: options.int('num-headers')! }, () => ({
    key: letters(nameSize).toString(),
    value: valueSize === -1 ? null : letters(valueSize),
  }))
  return { key: letters(options.int('record-key-size')!), value: letters(options.int('record-size')!), headers }
}

async function poll(cluster: Cluster, positions: readonly Position[]): Promise<ConsumerRecord[]> {
  const deadlineMs = performance.now() + PATIENCE_MS
  while (performance.now() < deadlineMs) {
    const records = (await fetchOnce(cluster, positions, AT_ONCE)).flatMap(({ records: some }) => [...some])
    if (records.length > 0) return records
  }
  return []
}

/** What is not as it was sent; null: nothing. */
function difference(sent: Sent, records: readonly ConsumerRecord[]): string | null {
  const [read] = records
  if (!read) return `poll() timed out before finding a result (timeout:[${PATIENCE_MS}ms])`
  const [value, key] = [String(read.value ?? ''), String(read.key ?? '')]
  if (value !== String(sent.value))
    return `The message value read [${value}] did not match the message value sent [${sent.value}]`
  if (read.key === null) return 'Expected message key but received null'
  if (key !== String(sent.key)) return `The message key read [${key}] did not match the message key sent [${sent.key}]`
  return headerDifference(sent.headers, read.headers) ?? onlyOne(records.length)
}

function onlyOne(count: number): string | null {
  return count === 1 ? null : `Only one result was expected during this test. We found [${count}]`
}

function headerDifference(sent: readonly RecordHeader[], read: readonly RecordHeader[]): string | null {
  if (sent.length === 0) return null
  if (read.length === 0) return 'Expected message headers but received none'
  const shown = ({ key, value }: RecordHeader) => `${key}:${value === null ? 'null' : `[${[...value].join(', ')}]`}`
  for (const [i, header] of sent.entries()) {
    const other = read[i]
    if (other && shown(other) !== shown(header))
      return `The message header read [${shown(other)}] did not match the message header sent [${shown(header)}]`
  }
  return sent.length === read.length ? null : 'Header count mismatch between sent and received messages'
}
