/** `kafka-replica-verification`: reads all replicas side by side and compares their batches, until it is stopped. */
import {
  type Cluster,
  describeTopics,
  fetchFromReplica,
  findOffsets,
  KafkaError,
  listTopics,
  partitionName,
  type ReplicaData,
  type TopicPartition,
} from '@ottla/client'
import { type BatchHeader, batches } from '@ottla/protocol'
import { Ended, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { untilStopped } from './events.ts'
import { dateFormat } from './java/date-format.ts'
import { isExpected, ToolError } from './java/errors.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'
import { topicFilter } from './topic-filter.ts'

const OPTIONS = {
  'broker-list': {
    about: 'Brokers to begin with: host:port, several separated by commas. Required.',
    value: 'host:port',
  },
  'fetch-size': { about: 'Bytes that are read of a partition at once.', value: 'bytes', default: '1048576' },
  'max-wait-ms': { about: 'How long a broker waits for something to read.', value: 'ms', default: '1000' },
  'topics-include': { about: 'A regular expression: which topics.', value: 'regex', default: '.*' },
  time: {
    about: 'Where to begin: -1 at the end, -2 at the beginning, or at these milliseconds since 1970.',
    value: 'time',
    default: '-1',
  },
  'report-interval-ms': { about: 'How often to tell how it goes.', value: 'ms', default: '30000' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const stamp = dateFormat('yyyy-MM-dd HH:mm:ss,SSS')

export const kafkaReplicaVerification = joptTool<typeof OPTIONS>({
  name: 'kafka-replica-verification',
  about: 'Validate that all replicas for a set of topics have the same data.',
  options: OPTIONS,
  async run(options, context) {
    context.complain('WARN This tool is deprecated and may be removed in a future major release.')
    options.required('broker-list')
    const bootstrap = options.text('broker-list')!
    if (bootstrap.trim() === '') throw new UsageError('Error while validating the bootstrap address\n')
    if (!bootstrap.split(',').every(server => /:\d+$/.test(server)))
      throw new UsageError('Please provide valid host:port like host1:9091,host2:9092\n')
    const code = await untilStopped(signal =>
      context.withCluster({ bootstrap }, 'listTopics', async cluster => {
        const verification = await Verification.of(options, cluster, context)
        context.print(`${stamp(Date.now())}: verification process is started`)
        while (!signal.aborted) await verification.round()
      }),
    )
    if (code !== 0) throw new Ended(code)
  },
})

interface Verified extends TopicPartition {
  readonly replicas: readonly number[]
  /** All replicas are equal before it. */
  offset: number
}

class Verification {
  readonly #cluster: Cluster
  readonly #context: ToolContext
  readonly #partitions: Verified[]
  readonly #fetch: { readonly maxWaitMs: number; readonly partitionMaxBytes: number }
  readonly #intervalMs: number
  #reportedMs = 0

  private constructor(partitions: Verified[], options: Parsed, cluster: Cluster, context: ToolContext) {
    this.#partitions = partitions
    this.#cluster = cluster
    this.#context = context
    this.#fetch = { maxWaitMs: options.int('max-wait-ms')!, partitionMaxBytes: options.int('fetch-size')! }
    this.#intervalMs = options.long('report-interval-ms')!
  }

  static async of(options: Parsed, cluster: Cluster, context: ToolContext): Promise<Verification> {
    const names = (await listTopics(cluster, null)).map(({ name }) => name ?? '')
    const included = includeFilter(options.text('topics-include')!)
    const asked = names.filter(name => included(name))
    if (asked.length === 0) {
      context.complain(
        'ERROR No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.',
      )
      throw new Ended(1)
    }
    const partitions: Verified[] = []
    for (const topic of (await describeTopics(cluster, asked)).values()) {
      if (topic instanceof KafkaError) throw topic
      for (const { partition, replicas } of topic.partitions)
        partitions.push({ topic: topic.name, partition, replicas, offset: 0 })
    }
    const found = await findOffsets(cluster, partitions, BigInt(options.long('time')!))
    for (const one of partitions) {
      const start = found.get(partitionName(one))!
      if (start instanceof KafkaError) throw start
      if (start.offset < 0) throw new ToolError(`${partitionName(one)} has no record that is not older`)
      one.offset = start.offset
    }
    return new Verification(partitions, options, cluster, context)
  }

  /** Asks every broker once and compares what they have. */
  async round(): Promise<void> {
    const brokers = new Set(this.#partitions.flatMap(({ replicas }) => replicas))
    const answers = new Map<number, Map<string, ReplicaData>>()
    const asking = [...brokers].map(async broker => answers.set(broker, await this.#ask(broker)))
    await Promise.all(asking)
    let most: { lag: number; partition: Verified } | null = null
    for (const partition of this.#partitions) {
      const lag = this.#compare(partition, answers)
      if (most === null || lag > most.lag) most = { lag, partition }
    }
    // What did not fit into an answer this time comes first another time.
    this.#partitions.push(this.#partitions.shift()!)
    const nowMs = Date.now()
    if (most === null || nowMs - this.#reportedMs <= this.#intervalMs) return
    const where = `partition ${partitionName(most.partition)} at offset ${most.partition.offset}`
    this.#context.print(
      `${stamp(nowMs)}: max lag is ${most.lag} for ${where} among ${this.#partitions.length} partitions`,
    )
    this.#reportedMs = nowMs
  }

  /** Of a broker that can't be reached nothing can be said this time. */
  async #ask(broker: number): Promise<Map<string, ReplicaData>> {
    const own = this.#partitions.filter(({ replicas }) => replicas.includes(broker))
    try {
      return await fetchFromReplica(this.#cluster, broker, own, this.#fetch)
    } catch (error) {
      if (!isExpected(error)) throw error
      await new Promise(resolve => this.#cluster.world.clock.setTimer(this.#fetch.maxWaitMs, () => resolve(null)))
      return new Map()
    }
  }

  /** Moves behind all batches that are the same everywhere; how far the high watermark is from there. */
  #compare(partition: Verified, answers: ReadonlyMap<number, ReadonlyMap<string, ReplicaData>>): number {
    const name = partitionName(partition)
    const all = partition.replicas.map(id => {
      const data = answers.get(id)!.get(name)
      // An error has no records either; the replica may be on its way elsewhere.
      return { id, highWatermark: data?.highWatermark ?? -1, batches: data ? [...batches(data.bytes, 'skip')] : [] }
    })
    for (let i = 0; all.every(one => (one.batches[i]?.lastOffset ?? one.highWatermark) < one.highWatermark); i++) {
      const [first, ...others] = all.map(one => ({ id: one.id, batch: one.batches[i]! }))
      for (const other of others) this.#compareBatches(name, first!, other)
      partition.offset = first!.batch.lastOffset + 1
    }
    return Math.max(...all.map(({ highWatermark }) => highWatermark)) - partition.offset
  }

  #compareBatches(
    name: string,
    one: { id: number; batch: BatchHeader },
    other: { id: number; batch: BatchHeader },
  ): void {
    const { lastOffset: offset, crc } = one.batch
    if (offset !== other.batch.lastOffset) {
      this.#context.print(
        `${stamp(Date.now())}: partition ${name}: replica ${one.id}'s offset ${offset} doesn't match replica ${other.id}'s offset ${other.batch.lastOffset}`,
      )
      throw new Ended(1)
    }
    if (crc !== other.batch.crc)
      this.#context.print(
        `${stamp(Date.now())}: partition ${name} has unmatched checksum at offset ${offset}; replica ${one.id}'s checksum ${crc}; replica ${other.id}'s checksum ${other.batch.crc}`,
      )
  }
}

function includeFilter(text: string): (topic: string) => boolean {
  try {
    new RegExp(text)
  } catch {
    throw new ToolError(`${text} is an invalid regex`, 'java.lang.RuntimeException')
  }
  return topicFilter(text)
}
