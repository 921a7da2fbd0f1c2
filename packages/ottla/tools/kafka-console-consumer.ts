/**
 * `kafka-console-consumer`: prints records. With `--group` it is a member of that group; without, it reads by itself, where
 * Java's makes up a group that it never uses.
 */
import {
  type Cluster,
  type ConsumerRecord,
  fetchAll,
  findOffsets,
  GroupConsumer,
  KafkaError,
  listTopics,
  NoOffsetError,
  type Position,
  partitionName,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import { CONSUMER_OPTIONS, type ConsumerOptions, checkConsumerOptions, formatterProperties } from './console-options.ts'
import { CONSUMER_CONFIGS, consumerOptions } from './consumer-config.ts'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { isExpected, messageOf, ToolError } from './java/errors.ts'
import { keyValueMap } from './key-values.ts'
import { type Formatter, makeFormatter } from './message-formatter.ts'
import { UsageError } from './options.ts'
import { topicFilter } from './topic-filter.ts'

const RETRY_MS = 500

export const kafkaConsoleConsumer = joptTool<typeof CONSUMER_OPTIONS>({
  name: 'kafka-console-consumer',
  about: 'This tool helps to read data from Kafka topics and outputs it to standard output.',
  options: CONSUMER_OPTIONS,
  async run(options, context) {
    checkConsumerOptions(options, context)
    const config = options.text('command-config') ?? options.text('consumer.config')
    const given = keyValueMap([...options.texts('command-property'), ...options.texts('consumer-property')])
    const fromFile = config === null ? new Map<string, string>() : loadProperties(config)
    const group = groupOf(options, fromFile, given)
    const where = { bootstrap: options.text('bootstrap-server'), config, alsoHonoured: CONSUMER_CONFIGS }
    const properties = context.properties(where)
    for (const [key, value] of context.honour(given, CONSUMER_CONFIGS)) properties.set(key, value)
    properties.set('auto.offset.reset', resetOf(options, properties))
    if (options.has('isolation-level')) properties.set('isolation.level', options.text('isolation-level')!)
    const settings = settingsOf(properties, context)
    const format = makeFormatter(options.text('formatter')!, formatterProperties(options), line =>
      context.complain(line),
    )
    const reader = new Reading(options, settings, format, context)
    await context.withCluster({ ...where, config: null, properties }, 'metadata', cluster => reader.run(cluster, group))
  },
})

function groupOf(
  options: ConsumerOptions,
  fromFile: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string>,
): string | null {
  const all = [options.text('group'), fromFile.get('group.id'), given.get('group.id')]
  const ids = [...new Set(all.filter(id => id !== null && id !== undefined))]
  if (ids.length > 1)
    throw new UsageError(
      `The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: ${ids.map(id => `'${id}'`).join(', ')}`,
    )
  if (ids.length > 0 && options.has('partition'))
    throw new UsageError('Options group and partition cannot be specified together.')
  return ids[0] ?? null
}

function resetOf(options: ConsumerOptions, properties: ReadonlyMap<string, string>): string {
  const own = properties.get('auto.offset.reset')
  if (own !== undefined && options.has('from-beginning') && own !== 'earliest')
    throw new ToolError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${own}', please remove one option`,
    )
  return own ?? (options.has('from-beginning') ? 'earliest' : 'latest')
}

/** As in Java's, what is wrong with them goes into the log. */
function settingsOf(properties: ReadonlyMap<string, string>, context: ToolContext) {
  try {
    return consumerOptions(properties)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    context.complain(`ERROR Unknown error when running consumer: ${error.message}`)
    throw new Ended(1)
  }
}

/** One run: until so many records are printed, until none comes for a while, or until the first signal. */
class Reading {
  readonly #options: ConsumerOptions
  readonly #settings: ReturnType<typeof consumerOptions>
  readonly #format: Formatter
  readonly #context: ToolContext
  readonly #stop = new AbortController()
  readonly #timeoutMs: number
  #left: number
  #count = 0
  #idle: { cancel(): void } | null = null
  #wait: () => void = () => {}

  constructor(
    options: ConsumerOptions,
    settings: ReturnType<typeof consumerOptions>,
    format: Formatter,
    context: ToolContext,
  ) {
    this.#options = options
    this.#settings = settings
    this.#format = format
    this.#context = context
    this.#timeoutMs = options.long('timeout-ms') ?? -1
    const most = options.int('max-messages') ?? -1
    this.#left = most < 0 ? Number.POSITIVE_INFINITY : most
  }

  async run(cluster: Cluster, group: string | null): Promise<void> {
    const stop = () => this.#stop.abort()
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    try {
      if (this.#left > 0) {
        this.#wait = () => this.#beginToWait(cluster)
        this.#wait()
        if (group === null) await this.#alone(cluster)
        else await this.#inGroup(cluster, group)
      }
    } catch (error) {
      // As in Java's: it goes into the log, and the consumer ends in order.
      if (error instanceof ToolError || !isExpected(error)) throw error
      this.#context.complain(`ERROR Error processing message, terminating consumer process: ${messageOf(error)}`)
    } finally {
      this.#idle?.cancel()
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      this.#context.complain(`Processed a total of ${this.#count} messages`)
      if (this.#options.has('enable-systest-events-logging')) this.#context.print('shutdown_complete')
    }
  }

  /** From the last record on. */
  #beginToWait(cluster: Cluster): void {
    this.#idle?.cancel()
    if (this.#timeoutMs < 0) return
    this.#idle = cluster.world.clock.setTimer(this.#timeoutMs, () => {
      this.#context.complain('ERROR Error processing message, terminating consumer process: no record came in time')
      this.#stop.abort()
    })
  }

  /** Those asked for, as soon as there is one. */
  async #topics(cluster: Cluster): Promise<string[]> {
    const topic = this.#options.text('topic')
    const isAsked = topicFilter(this.#options.text('include') ?? '.*')
    for (let isTold = false; !this.#stop.signal.aborted; isTold = true) {
      if (topic === null) {
        const names = (await listTopics(cluster, null)).map(({ name }) => name ?? '').filter(name => isAsked(name))
        if (names.length > 0) return names
      } else {
        try {
          await cluster.topic(topic, true)
          return [topic]
        } catch (error) {
          if (!(error instanceof KafkaError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
        }
      }
      if (!isTold) this.#context.complain(`WARN there is no topic ${topic ?? 'that matches'} yet: waiting for it`)
      await new Promise<void>(resolve => {
        const timer = cluster.world.clock.setTimer(RETRY_MS, resolve)
        this.#stop.signal.addEventListener('abort', () => {
          timer.cancel()
          resolve()
        })
      })
    }
    return []
  }

  /** Where to begin without an offset. */
  get #reset(): 'earliest' | 'latest' {
    const { reset } = this.#settings
    if (reset === 'none') throw new NoOffsetError('Undefined offset with no reset policy')
    return reset
  }

  async #alone(cluster: Cluster): Promise<void> {
    const partitions: TopicPartition[] = []
    const only = this.#options.int('partition')
    for (const topic of await this.#topics(cluster)) {
      for (const { partitionIndex: partition } of (await cluster.topic(topic)).partitions)
        if (only === null || partition === only) partitions.push({ topic, partition })
    }
    if (this.#stop.signal.aborted) return
    if (partitions.length === 0)
      throw new ToolError(`There is no partition ${only} of topic ${this.#options.text('topic')}`)
    const offset = this.#options.has('offset') ? this.#options.text('offset')!.toLowerCase() : null
    const positions = /^\d+$/.test(offset ?? '')
      ? partitions.map(one => ({ ...one, offset: Number(offset) }))
      : await starts(cluster, partitions, offset === 'earliest' || offset === 'latest' ? offset : this.#reset)
    await this.#read(cluster, positions)
  }

  async #inGroup(cluster: Cluster, groupId: string): Promise<void> {
    const topics = await this.#topics(cluster)
    const { signal } = this.#stop
    if (signal.aborted) return
    const settings = { ...this.#settings, groupId, topics, signal, maxRecords: this.#left }
    const consumer = new GroupConsumer(cluster, settings, {
      onRecords: async portion => {
        const records = portion.flatMap(one => one.records)
        const before = this.#count
        try {
          await this.#print(records)
        } catch (error) {
          // What could not be printed has been read all the same: it must not come again and again.
          const read = positionsAfter(records.slice(0, this.#count - before))
          if (settings.autoCommitIntervalMs !== null) await consumer.commit(read)
          throw error
        }
      },
    })
    await consumer.run()
  }

  async #read(cluster: Cluster, positions: Position[]): Promise<void> {
    const { signal } = this.#stop
    let left = positions
    while (!signal.aborted) {
      try {
        for await (const fetched of fetchAll(cluster, left, { signal, ...this.#settings.fetch }))
          for (const { records } of fetched) await this.#print(records.slice(0, this.#left))
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
        left = await this.#backInRange(cluster, left)
      }
    }
  }

  /** Positions before the beginning or behind the end go to where a new group would begin. */
  async #backInRange(cluster: Cluster, positions: readonly Position[]): Promise<Position[]> {
    const [from, to] = [await starts(cluster, positions, 'earliest'), await starts(cluster, positions, 'latest')]
    const reset = await starts(cluster, positions, this.#reset)
    return positions.map((one, i) => {
      const isInside = one.offset >= from[i]!.offset && one.offset <= to[i]!.offset
      return isInside ? one : reset[i]!
    })
  }

  async #print(records: readonly ConsumerRecord[]): Promise<void> {
    if (records.length === 0) return
    this.#wait()
    const lines: Uint8Array[] = []
    try {
      for (const record of records) {
        this.#count++
        this.#left--
        const line = this.#line(record)
        if (line) lines.push(line)
      }
    } finally {
      await this.#context.writeBytes(Buffer.concat(lines))
    }
    if (this.#left === 0) this.#stop.abort()
  }

  #line(record: ConsumerRecord): Uint8Array | null {
    try {
      return this.#format(record)
    } catch (error) {
      if (!this.#options.has('skip-message-on-error')) {
        this.#context.complain(`ERROR Unknown error when running consumer: ${(error as Error).message}`)
        throw new Ended(1)
      }
      this.#context.complain(`ERROR Error processing message, skipping this message: ${(error as Error).message}`)
      return null
    }
  }
}

/** One past the last record of each partition. */
function positionsAfter(records: readonly ConsumerRecord[]): Position[] {
  const last = new Map(records.map(record => [partitionName(record), record]))
  return Array.from(last.values(), ({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }))
}

async function starts(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  at: 'earliest' | 'latest',
): Promise<Position[]> {
  const found = await findOffsets(cluster, partitions, Timestamp[at])
  return partitions.map(one => {
    const result = found.get(partitionName(one))!
    if (result instanceof KafkaError) throw result
    return { topic: one.topic, partition: one.partition, offset: result.offset }
  })
}
