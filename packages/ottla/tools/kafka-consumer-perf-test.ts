/** `kafka-consumer-perf-test`: how many records a second a member of a group reads, and how long it takes to become one. */
import { type Cluster, GroupConsumer, type GroupConsumerListener, type PolledPartition } from '@ottla/client'
import { CONSUMER_CONFIGS, consumerOptions, matchingTopics } from './consumer-config.ts'
import {
  four,
  mib,
  PERF_OPTIONS,
  type PerfPlan,
  perfPlan,
  perfProperties,
  Sum,
  tooFew,
  warnOfOlderNames,
} from './consumer-perf.ts'
import { Ended, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { untilStopped } from './events.ts'
import { ToolError } from './java/errors.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

const OPTIONS = {
  ...PERF_OPTIONS,
  topic: { about: 'What to read.', value: 'topic' },
  include: { about: 'Or all topics whose whole name matches a regular expression.', value: 'regex' },
  group: { about: 'The group; one by chance if it is left out.', value: 'group id' },
  'from-latest': { about: 'Where the group has committed nothing: from the end on.' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const MAX_BLOCK_MS = 60_000
const SPEEDS = 'rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec'
const HEADER = `start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ${SPEEDS}`
const DETAILED_HEADER = `time, threadId, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ${SPEEDS}`

export const kafkaConsumerPerfTest = joptTool<typeof OPTIONS>({
  name: 'kafka-consumer-perf-test',
  about: 'This tool is used to verify the consumer performance.',
  options: OPTIONS,
  async run(options, context) {
    check(options)
    warnOfOlderNames(options, context)
    if (!options.has('hide-header')) context.print(options.has('show-detailed-stats') ? DETAILED_HEADER : HEADER)
    const properties = context.honour(propertiesOf(options), CONSUMER_CONFIGS)
    const settings = consumerOptions(properties)
    const plan = perfPlan(options)
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'kafka consumer' })
      const reading = new Reading(plan, context)
      await context.reach(cluster, MAX_BLOCK_MS, 'metadata')
      await reading.run(cluster, await topicsOf(options, cluster), settings, signal)
    })
    if (code !== 0) throw new Ended(code)
  },
})

function check(options: Parsed): void {
  options.required('bootstrap-server')
  for (const either of [
    ['topic', 'include'],
    ['messages', 'num-records'],
  ] as const)
    if (options.count(...either) !== 1)
      throw new UsageError(
        `Exactly one of the following arguments is required: ${either.map(name => options.shown(name)).join(', ')}`,
      )
  options.not('consumer.config', 'command-config')
}

function propertiesOf(options: Parsed): Map<string, string> {
  const properties = perfProperties(options)
  properties.set('group.id', options.text('group') ?? `perf-consumer-${Math.floor(Math.random() * 100_000)}`)
  properties.set('max.partition.fetch.bytes', String(options.int('fetch-size')))
  properties.set('auto.offset.reset', options.has('from-latest') ? 'latest' : 'earliest')
  if (!properties.has('client.id')) properties.set('client.id', 'perf-consumer-client')
  return properties
}

async function topicsOf(options: Parsed, cluster: Cluster): Promise<string[]> {
  const topic = options.text('topic')
  if (topic !== null) {
    await cluster.topic(topic, true)
    return [topic]
  }
  const include = options.text('include')!
  let expression: RegExp
  try {
    expression = new RegExp(`^(?:${include})$`)
  } catch (error) {
    throw new ToolError((error as Error).message, 'java.util.regex.PatternSyntaxException')
  }
  return matchingTopics(cluster, expression)
}

class Reading implements GroupConsumerListener {
  readonly #plan: PerfPlan
  readonly #context: ToolContext
  readonly #startMs = Date.now()
  readonly #sum = new Sum()
  readonly #assigned = new Set<string>()
  readonly #stop = new AbortController()
  #joinStartMs = Date.now()
  #joinMs = 0
  #joinMsOfRound = 0
  #lastSum = new Sum()
  #lastReportMs = Date.now()
  #endMs: number | null = null
  #idle: { cancel(): void } | null = null
  #wait: () => void = () => {}

  constructor(plan: PerfPlan, context: ToolContext) {
    this.#plan = plan
    this.#context = context
  }

  async run(
    cluster: Cluster,
    topics: readonly string[],
    settings: ReturnType<typeof consumerOptions>,
    signal: AbortSignal,
  ): Promise<void> {
    const { timeoutMs, records } = this.#plan
    this.#wait = () => {
      this.#idle?.cancel()
      this.#idle = cluster.world.clock.setTimer(timeoutMs, () => this.#end())
    }
    const stop = AbortSignal.any([signal, this.#stop.signal])
    this.#wait()
    if (records <= 0) this.#end()
    try {
      await new GroupConsumer(cluster, { ...settings, topics, signal: stop }, this).run()
    } finally {
      this.#idle?.cancel()
    }
    if (!signal.aborted) this.#printTotal()
  }

  /** It has all, or nothing came for too long. */
  #end(): void {
    this.#idle?.cancel()
    this.#endMs ??= Date.now()
    this.#stop.abort()
  }

  onAssigned(partitions: readonly { topic: string; partition: number }[]): void {
    if (this.#assigned.size === 0) {
      const elapsedMs = Date.now() - this.#joinStartMs
      this.#joinMs += elapsedMs
      this.#joinMsOfRound += elapsedMs
    }
    for (const { topic, partition } of partitions) this.#assigned.add(`${topic}-${partition}`)
  }

  onRevoked(partitions: readonly { topic: string; partition: number }[]): void {
    for (const { topic, partition } of partitions) this.#assigned.delete(`${topic}-${partition}`)
    if (this.#assigned.size === 0) this.#joinStartMs = Date.now()
  }

  async onRecords(portion: readonly PolledPartition[]): Promise<void> {
    if (this.#endMs !== null) return
    this.#wait()
    const nowMs = Date.now()
    for (const { records } of portion) {
      for (const record of records) {
        this.#sum.add(record)
        if (nowMs - this.#lastReportMs >= this.#plan.intervalMs) this.#report(nowMs)
      }
    }
    if (this.#sum.records >= this.#plan.records) this.#end()
  }

  #report(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastReportMs
    const megabytes = mib(this.#sum.bytes - this.#lastSum.bytes)
    const records = this.#sum.records - this.#lastSum.records
    const fetchMs = elapsedMs - this.#joinMsOfRound
    const perSecond = (count: number, ms: number) => four(ms <= 0 ? 0 : (1000 * count) / ms)
    if (this.#plan.isDetailed)
      this.#context.print(
        [
          this.#plan.date(nowMs),
          0,
          four(mib(this.#sum.bytes)),
          perSecond(megabytes, elapsedMs),
          this.#sum.records,
          perSecond(records, elapsedMs),
          this.#joinMsOfRound,
          fetchMs,
          perSecond(megabytes, fetchMs),
          perSecond(records, fetchMs),
        ].join(', '),
      )
    this.#joinMsOfRound = 0
    this.#lastReportMs = nowMs
    this.#lastSum = this.#sum.copy()
  }

  #printTotal(): void {
    const { records, bytes } = this.#sum
    if (records < this.#plan.records) this.#context.print(tooFew(this.#plan.timeoutMs))
    if (this.#plan.isDetailed) return
    const endMs = this.#endMs!
    const seconds = (endMs - this.#startMs) / 1000
    const fetchMs = endMs - this.#startMs - this.#joinMs
    this.#context.print(
      [
        this.#plan.date(this.#startMs),
        this.#plan.date(endMs),
        four(mib(bytes)),
        four(mib(bytes) / seconds),
        records,
        four(records / seconds),
        this.#joinMs,
        fetchMs,
        four(mib(bytes) / (fetchMs / 1000)),
        four(records / (fetchMs / 1000)),
      ].join(', '),
    )
  }
}
