/**
 * `kafka-console-consumer`: prints records. With `--group` it is a member of that group; without, it reads by itself, where
 * Java's makes up a group that it never uses.
 */
import {
  type Cluster,
  type ConsumerRecord,
  type FetchedPartition,
  fetchAll,
  findOffsets,
  GroupMember,
  KafkaError,
  listTopics,
  type Position,
  partitionName,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import { CONSUMER_OPTIONS, type ConsumerOptions, checkConsumerOptions, formatterProperties } from './console-options.ts'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { keyValueMap } from './key-values.ts'
import { type Formatter, makeFormatter } from './message-formatter.ts'
import { UsageError } from './options.ts'
import { topicFilter } from './topic-filter.ts'

const HONOURED = new Set([
  'group.id',
  'auto.offset.reset',
  'enable.auto.commit',
  'isolation.level',
  'session.timeout.ms',
  'fetch.max.wait.ms',
  'fetch.min.bytes',
  'fetch.max.bytes',
  'max.partition.fetch.bytes',
])
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
    const where = { bootstrap: options.text('bootstrap-server'), config, alsoHonoured: HONOURED }
    const properties = context.properties(where)
    for (const [key, value] of given) properties.set(key, value)
    const reset = resetOf(options, properties)
    const format = makeFormatter(options.text('formatter')!, formatterProperties(options), line =>
      context.complain(line),
    )
    const reader = new Reading(options, properties, format, reset, context)
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

function resetOf(options: ConsumerOptions, properties: ReadonlyMap<string, string>): bigint {
  const own = properties.get('auto.offset.reset')
  if (own !== undefined && options.has('from-beginning') && own !== 'earliest')
    throw new ToolError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${own}', please remove one option`,
    )
  const reset = own ?? (options.has('from-beginning') ? 'earliest' : 'latest')
  if (reset !== 'earliest' && reset !== 'latest')
    throw new ToolError(`auto.offset.reset=${reset} is not supported yet: it has to be earliest or latest`)
  return reset === 'earliest' ? Timestamp.earliest : Timestamp.latest
}

/** One run: until so many records are printed, until none comes for a while, or until the first signal. */
class Reading {
  readonly #options: ConsumerOptions
  readonly #properties: ReadonlyMap<string, string>
  readonly #format: Formatter
  readonly #reset: bigint
  readonly #context: ToolContext
  readonly #stop = new AbortController()
  readonly #timeoutMs: number
  #left: number
  #count = 0
  #idle: { cancel(): void } | null = null

  constructor(
    options: ConsumerOptions,
    properties: ReadonlyMap<string, string>,
    format: Formatter,
    reset: bigint,
    context: ToolContext,
  ) {
    this.#options = options
    this.#properties = properties
    this.#format = format
    this.#reset = reset
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
        this.#wait(cluster)
        if (group === null) await this.#alone(cluster)
        else await this.#inGroup(cluster, group)
      }
    } finally {
      this.#idle?.cancel()
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      this.#context.complain(`Processed a total of ${this.#count} messages`)
      if (this.#options.has('enable-systest-events-logging')) this.#context.print('shutdown_complete')
    }
  }

  /** From the last record on. */
  #wait(cluster: Cluster): void {
    this.#idle?.cancel()
    if (this.#timeoutMs < 0) return
    this.#idle = cluster.world.clock.setTimer(this.#timeoutMs, () => {
      this.#context.complain('ERROR Error processing message, terminating consumer process: no record came in time')
      this.#stop.abort()
    })
  }

  get #fetchOptions() {
    const number = (key: string, byDefault: number) => Number(this.#properties.get(key) ?? byDefault)
    const isolation = this.#options.has('isolation-level')
      ? this.#options.text('isolation-level')
      : (this.#properties.get('isolation.level') ?? 'read_uncommitted')
    return {
      readCommitted: isolation === 'read_committed',
      maxWaitMs: number('fetch.max.wait.ms', 500),
      minBytes: number('fetch.min.bytes', 1),
      maxBytes: number('fetch.max.bytes', 52_428_800),
      partitionMaxBytes: number('max.partition.fetch.bytes', 1_048_576),
    }
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
      : await starts(
          cluster,
          partitions,
          offset === 'earliest' ? Timestamp.earliest : offset === 'latest' ? Timestamp.latest : this.#reset,
        )
    await this.#read(cluster, positions, this.#stop.signal, async () => true)
  }

  async #inGroup(cluster: Cluster, groupId: string): Promise<void> {
    const topics = await this.#topics(cluster)
    if (this.#stop.signal.aborted) return
    const commits = this.#properties.get('enable.auto.commit') !== 'false'
    const session = this.#properties.get('session.timeout.ms')
    const { signal } = this.#stop
    const timeouts = session === undefined ? {} : { sessionTimeoutMs: Number(session) }
    const member = new GroupMember(cluster, { groupId, topics, signal, ...timeouts })
    await member.run(async assignment => {
      const own = assignment.partitions.flatMap(({ topic, partitions }) =>
        partitions.map(partition => ({ topic, partition })),
      )
      const committed = await member.committed(assignment.partitions)
      const fresh = own.filter(one => (committed.get(partitionName(one)) ?? -1) < 0)
      const positions = [
        ...own.filter(one => !fresh.includes(one)).map(one => ({ ...one, offset: committed.get(partitionName(one))! })),
        ...(await starts(cluster, fresh, this.#reset)),
      ]
      const over = AbortSignal.any([assignment.signal, signal])
      if (positions.length === 0 && !over.aborted)
        await new Promise(resolve => over.addEventListener('abort', resolve, { once: true }))
      await this.#read(cluster, positions, over, read => (commits ? member.commit(read) : Promise.resolve(true)))
    })
  }

  /** `commit`: of what was printed; false where the partitions are somebody else's by now. */
  async #read(
    cluster: Cluster,
    positions: Position[],
    over: AbortSignal,
    commit: (read: readonly Position[]) => Promise<boolean>,
  ): Promise<void> {
    let left = positions
    while (!over.aborted) {
      try {
        for await (const fetched of fetchAll(cluster, left, { signal: over, ...this.#fetchOptions })) {
          const read: Position[] = []
          for (const partition of fetched) {
            const position = await this.#print(partition, cluster)
            if (position) read.push(position)
          }
          if (!(await commit(read)) || over.aborted) return
        }
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
        left = await this.#backInRange(cluster, left)
      }
    }
  }

  /** Positions before the beginning or behind the end go to where a new group would begin. */
  async #backInRange(cluster: Cluster, positions: readonly Position[]): Promise<Position[]> {
    const [from, to] = [
      await starts(cluster, positions, Timestamp.earliest),
      await starts(cluster, positions, Timestamp.latest),
    ]
    const reset = await starts(cluster, positions, this.#reset)
    return positions.map((one, i) => {
      const isInside = one.offset >= from[i]!.offset && one.offset <= to[i]!.offset
      return isInside ? one : reset[i]!
    })
  }

  /** Where to go on; null if nothing was printed. */
  async #print({ position, records }: FetchedPartition, cluster: Cluster): Promise<Position | null> {
    let last: ConsumerRecord | null = null
    const lines: Uint8Array[] = []
    for (const record of records) {
      if (this.#left === 0) break
      this.#left--
      this.#count++
      const line = this.#line(record)
      if (line) lines.push(line)
      last = record
    }
    if (last === null) return null
    this.#wait(cluster)
    await this.#context.writeBytes(Buffer.concat(lines))
    if (this.#left === 0) this.#stop.abort()
    const isWhole = last === records.at(-1)
    // With what was not for printing at the end: markers, aborted transactions.
    return isWhole ? position : { ...position, offset: last.offset + 1 }
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

async function starts(cluster: Cluster, partitions: readonly TopicPartition[], at: bigint): Promise<Position[]> {
  const found = await findOffsets(cluster, partitions, at)
  return partitions.map(one => {
    const result = found.get(partitionName(one))!
    if (result instanceof KafkaError) throw result
    return { topic: one.topic, partition: one.partition, offset: result.offset }
  })
}
