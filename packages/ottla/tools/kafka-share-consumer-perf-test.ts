/** `kafka-share-consumer-perf-test`: how many records a second members of a share group read and accept. */
import { AcknowledgeType, type Cluster, ShareConsumer } from '@ottla/client'
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
import { ToolError, textOf } from './java/errors.ts'
import { OptionError, type Options, type ParsedOptions, UsageError } from './options.ts'
import { SHARE_CONFIGS, shareOptions } from './share-config.ts'

const OPTIONS = {
  ...PERF_OPTIONS,
  topic: { about: 'What to read. Required.', value: 'topic' },
  group: { about: 'The share group.', value: 'group id', default: 'perf-share-consumer' },
  threads: { about: 'How many members read.', value: 'count', default: '1' },
  'show-consumer-stats': { about: 'Tell the figures of each member, too.' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const HEADER = 'start.time, end.time, data.consumed.in.MB, MB.sec, nMsg.sec, data.consumed.in.nMsg, fetch.time.ms'
const POLL_MS = 100
const MAX_BLOCK_MS = 60_000

export const kafkaShareConsumerPerfTest = joptTool<typeof OPTIONS>({
  name: 'kafka-share-consumer-perf-test',
  about: 'This tool is used to verify the share consumer performance.',
  options: OPTIONS,
  async run(options, context) {
    check(options)
    warnOfOlderNames(options, context)
    if (!options.has('hide-header')) context.print(HEADER)
    const properties = context.honour(propertiesOf(options), SHARE_CONFIGS)
    const plan = planOf(options)
    const threads = options.int('threads')!
    const code = await untilStopped(async signal => {
      const total = new Sum()
      const startMs = Date.now()
      const readers = Array.from({ length: threads }, (_, i) => {
        const clientId = properties.get('client.id')! + (threads === 1 ? '' : `-${i + 1}`)
        return new Reader(i + 1, clientId, options, properties, plan, total, context)
      })
      try {
        await Promise.all(readers.map(reader => reader.run(signal)))
        const endMs = Date.now()
        for (const reader of options.has('show-consumer-stats') ? readers : []) reader.printTotal(startMs, endMs)
        if (total.records < plan.records) context.print(tooFew(plan.timeoutMs))
        context.print(figures(total, startMs, endMs, plan))
      } finally {
        await Promise.all(readers.map(reader => reader.close()))
      }
    })
    if (code !== 0) throw new Ended(code)
  },
})

function check(options: Parsed): void {
  options.required('topic', 'bootstrap-server')
  if (options.count('messages', 'num-records') !== 1)
    throw new UsageError('Exactly one of the following arguments is required: [messages], [num-records]')
  options.not('consumer.config', 'command-config')
}

function propertiesOf(options: Parsed): Map<string, string> {
  const properties = perfProperties(options)
  properties.set('group.id', options.text('group')!)
  properties.set('fetch.max.bytes', String(options.int('fetch-size')))
  if (!properties.has('client.id')) properties.set('client.id', 'perf-share-consumer-client')
  return properties
}

/** Java's looks at some of it in another thread, and has the name of the exception in the message. */
function planOf(options: Parsed): PerfPlan {
  try {
    return perfPlan(options)
  } catch (error) {
    if (!(error instanceof ToolError) || error instanceof OptionError) throw error
    throw new ToolError(textOf(error), 'java.util.concurrent.ExecutionException')
  }
}

function figures({ records, bytes }: Sum, startMs: number, endMs: number, { date }: PerfPlan): string {
  const seconds = (endMs - startMs) / 1000
  const speeds = [four(mib(bytes)), four(mib(bytes) / seconds), four(records / seconds)]
  return [date(startMs), date(endMs), ...speeds, records, endMs - startMs].join(', ')
}

/** One member. */
class Reader {
  readonly #index: number
  readonly #clientId: string
  readonly #options: Parsed
  readonly #properties: ReadonlyMap<string, string>
  readonly #plan: PerfPlan
  /** Of all members. */
  readonly #total: Sum
  readonly #context: ToolContext
  readonly #sum = new Sum()
  /** Its own: a broker answers one request of a connection after another. */
  #cluster: Cluster | null = null
  #consumer: ShareConsumer | null = null
  #lastSum = new Sum()
  #lastReportMs = 0

  constructor(
    index: number,
    clientId: string,
    options: Parsed,
    properties: ReadonlyMap<string, string>,
    plan: PerfPlan,
    total: Sum,
    context: ToolContext,
  ) {
    this.#index = index
    this.#clientId = clientId
    this.#options = options
    this.#properties = properties
    this.#plan = plan
    this.#total = total
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const properties = new Map(this.#properties).set('client.id', this.#clientId)
    this.#cluster = this.#context.openCluster({ bootstrap: null, properties, client: 'Kafka share consumer' })
    await this.#context.reach(this.#cluster, MAX_BLOCK_MS, 'metadata')
    const topics = [this.#options.text('topic')!]
    this.#consumer = new ShareConsumer(this.#cluster, { ...shareOptions(properties), topics, signal })
    this.#lastReportMs = Date.now()
    let lastMs = Date.now()
    while (!signal.aborted && this.#total.records < this.#plan.records && Date.now() - lastMs <= this.#plan.timeoutMs) {
      const records = await this.#consumer.poll(POLL_MS)
      const nowMs = Date.now()
      if (records.length > 0) lastMs = nowMs
      for (const record of records) {
        this.#sum.add(record)
        this.#total.add(record)
        this.#consumer.acknowledge(record, AcknowledgeType.accept)
        if (nowMs - this.#lastReportMs >= this.#plan.intervalMs) this.#report(nowMs)
      }
      await this.#consumer.commit()
    }
  }

  #report(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastReportMs
    const perSecond = (count: number) => four((1000 * count) / elapsedMs)
    if (this.#plan.isDetailed) {
      const { date } = this.#plan
      const { bytes, records } = this.#sum
      const speeds = [
        four(mib(bytes)),
        perSecond(mib(bytes - this.#lastSum.bytes)),
        perSecond(records - this.#lastSum.records),
      ]
      const line = [date(this.#lastReportMs), date(nowMs), ...speeds, records, elapsedMs].join(', ')
      this.#context.print(`${line} for share consumer ${this.#index}`)
    }
    this.#lastReportMs = nowMs
    this.#lastSum = this.#sum.copy()
  }

  printTotal(startMs: number, endMs: number): void {
    const own = figures(this.#sum, startMs, endMs, this.#plan)
    this.#context.print(`Share consumer ${this.#index} having client id ${this.#clientId} consumption metrics- ${own}`)
  }

  async close(): Promise<void> {
    await this.#consumer?.close()
    await this.#cluster?.close()
  }
}
