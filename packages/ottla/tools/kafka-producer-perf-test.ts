/** `kafka-producer-perf-test`: how many records a second a topic takes, and how long each waits for its acknowledgement. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Cluster, Producer, type ProducerRecord, TransactionalProducer } from '@ottla/client'
import { ArgumentError } from './argparse.ts'
import { configNumber, PRODUCER_CONFIGS, producerOptions } from './client-config.ts'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { untilStopped } from './events.ts'
import { isExpected, ToolError, textOf } from './java/errors.ts'
import type { Options, ParsedOptions } from './options.ts'
import { Pace } from './pace.ts'
import { PerfStats } from './perf-stats.ts'

const OPTIONS = {
  'bootstrap-server': {
    about: 'Brokers to begin with; stronger than bootstrap.servers of the others.',
    value: 'host:port',
  },
  topic: { about: 'Where the records go.', value: 'topic', isRequired: true },
  'num-records': { about: 'How many.', value: 'count', type: 'long', isRequired: true },
  'payload-delimiter': {
    about: 'What stands between the values in --payload-file: a regular expression; \\n is the end of a line.',
    value: 'text',
    default: '\\n',
  },
  throughput: {
    about: 'How many a second, about; -1: as many as it can.',
    value: 'count',
    type: 'double',
    isRequired: true,
  },
  'producer-props': { about: 'An older name of --command-property.', value: 'key=value', isList: true },
  'command-property': {
    about: 'Configs of the producer, several of them one after another.',
    value: 'key=value',
    isList: true,
  },
  'producer.config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the producer.', value: 'file' },
  'print-metrics': { about: 'Has no effect: there are no metrics of this client yet.' },
  'transactional-id': {
    about: 'Write in transactions of this id, of 3000 ms each if no other duration is given.',
    value: 'id',
  },
  'transaction-duration-ms': {
    about: 'Commit when so much time has gone by; with an id of its own if none is given.',
    value: 'ms',
    type: 'long',
  },
  'warmup-records': {
    about: 'So many are left out of a second summary.',
    value: 'count',
    type: 'long',
    default: '0',
  },
  'reporting-interval': { about: 'How often to tell how it goes.', value: 'ms', type: 'long', default: '5000' },
  'record-size': { about: 'Values of so many bytes.', value: 'bytes', type: 'int', oneOf: 'exactly' },
  'payload-file': { about: 'Values from this file of UTF-8 text, by chance.', value: 'file', oneOf: 'exactly' },
  'payload-monotonic': { about: 'Values 0, 1, 2 and on.', oneOf: 'exactly' },
} as const satisfies Options

const TRANSACTION_CONFIGS = ['transactional.id', 'transaction.timeout.ms', 'max.block.ms']
const DEFAULT_TRANSACTION_MS = 3000
/** Beyond as many as the buffer holds nothing is won by handing over more. */
const MAX_UNDERWAY = 100_000

export const kafkaProducerPerfTest = argparseTool({
  name: 'kafka-producer-perf-test',
  about:
    'Measures how fast records are written. With --transactional-id, transactional.id among the properties or --transaction-duration-ms it writes in transactions.',
  options: OPTIONS,
  isHelpRefusal: true,
  async run(options, context) {
    const plan = planOf(options)
    const values = valuesOf(options, context)
    const properties = propertiesOf(options, context)
    const settings = producerOptions(properties)
    const maxBlockMs = configNumber(properties, 'max.block.ms', 60_000)
    const timeoutMs = configNumber(properties, 'transaction.timeout.ms', 60_000)
    const transaction = transactionOf(options, properties)
    if (options.has('print-metrics')) context.haveNoEffect(['print-metrics'])
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'kafka producer' })
      await context.reach(cluster, maxBlockMs, 'metadata')
      const run = new Run(cluster, plan, values, context, signal)
      if (!transaction) {
        await run.plainly(new Producer(cluster, settings))
      } else {
        const { transactionalId, durationMs } = transaction
        const { acks: _, ...others } = settings
        const producer = new TransactionalProducer(cluster, {
          ...others,
          transactionalId,
          transactionTimeoutMs: timeoutMs,
        })
        await run.inTransactions(producer, durationMs)
      }
    })
    if (code !== 0) throw new Ended(code)
  },
})

interface Plan {
  readonly topic: string
  readonly records: number
  readonly warmupRecords: number
  readonly throughput: number
  readonly intervalMs: number
}

function planOf(options: ParsedOptions<string>): Plan {
  const records = options.long('num-records')!
  const warmupRecords = Math.max(0, options.long('warmup-records')!)
  const size = options.int('record-size')
  const durationMs = options.long('transaction-duration-ms')
  const intervalMs = options.long('reporting-interval')!
  const wrong = (message: string): never => {
    throw new ArgumentError(message)
  }
  if (records <= 0) wrong('--num-records should be greater than zero.')
  if (warmupRecords >= records)
    wrong(
      'The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.',
    )
  if (size !== null && size <= 0) wrong('--record-size should be greater than zero.')
  const sources = ['bootstrap-server', 'command-property', 'producer-props', 'producer.config', 'command-config']
  if (!sources.some(name => options.has(name)))
    wrong(
      'At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.',
    )
  for (const [now, before] of [
    ['command-property', 'producer-props'],
    ['command-config', 'producer.config'],
  ] as const)
    if (options.count(now, before) === 2) wrong(`--${now} and --${before} cannot be specified together.`)
  if (durationMs !== null && durationMs <= 0) wrong('--transaction-duration-ms should be greater than zero.')
  if (intervalMs <= 0) wrong('--reporting-interval should be greater than zero.')
  const throughput = Number(options.text('throughput'))
  return { topic: options.text('topic')!, records, warmupRecords, throughput, intervalMs }
}

/** The value of the record of that number. */
type Values = (index: number) => Uint8Array

function valuesOf(options: ParsedOptions<string>, context: ToolContext): Values {
  const size = options.int('record-size')
  const path = options.text('payload-file')
  if (path !== null) {
    const all = payloads(path, options.text('payload-delimiter')!, context)
    return () => all[Math.floor(Math.random() * all.length)]!
  }
  if (size === null) return index => Buffer.from(String(index))
  return () => {
    const bytes = Buffer.allocUnsafe(size)
    for (let i = 0; i < size; i++) bytes[i] = 65 + Math.floor(Math.random() * 26)
    return bytes
  }
}

function payloads(path: string, delimiter: string, context: ToolContext): Uint8Array[] {
  context.print(`Reading payloads from: ${resolve(path)}`)
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (text === '') throw new ToolError('File does not exist or empty file provided.')
  // As a scanner reads: no value before a delimiter at the beginning, and none behind one at the end.
  const all = text.split(delimiter === '\\n' ? '\n' : new RegExp(delimiter))
  if (all[0] === '') all.shift()
  if (all.at(-1) === '') all.pop()
  context.print(`Number of records read: ${all.length}`)
  return all.map(value => Buffer.from(value))
}

function propertiesOf(options: ParsedOptions<string>, context: ToolContext): Map<string, string> {
  const [properties, file] = (
    [
      ['command-property', 'producer-props'],
      ['command-config', 'producer.config'],
    ] as const
  ).map(([now, before]) => {
    if (!options.has(before)) return now
    context.print(
      `Option --${before} has been deprecated and will be removed in a future version. Use --${now} instead.`,
    )
    return before
  })
  const config = options.text(file!)
  const all = config === null ? new Map<string, string>() : loadProperties(config)
  for (const property of options.texts(properties!)) {
    const [key, value, ...more] = property.split('=')
    if (!value || more.some(part => part !== '')) throw new ToolError(`Invalid property: ${property}`)
    all.set(key!, value)
  }
  const servers = options.text('bootstrap-server')
  if (servers !== null) all.set('bootstrap.servers', servers)
  if (!all.has('client.id')) all.set('client.id', 'perf-producer-client')
  const honoured = new Set([...PRODUCER_CONFIGS, ...TRANSACTION_CONFIGS])
  return context.honour(all, honoured)
}

function transactionOf(options: ParsedOptions<string>, properties: ReadonlyMap<string, string>) {
  const id = options.text('transactional-id') ?? properties.get('transactional.id')
  const durationMs = options.long('transaction-duration-ms')
  if (id === undefined && durationMs === null) return null
  return {
    transactionalId: id ?? `performance-producer-${crypto.randomUUID()}`,
    durationMs: durationMs ?? DEFAULT_TRANSACTION_MS,
  }
}

class Run {
  readonly #cluster: Cluster
  readonly #plan: Plan
  readonly #values: Values
  readonly #context: ToolContext
  readonly #signal: AbortSignal
  readonly #stats: PerfStats
  #steady: PerfStats | null = null
  #underway = 0
  #wake: (() => void) | null = null

  constructor(cluster: Cluster, plan: Plan, values: Values, context: ToolContext, signal: AbortSignal) {
    this.#cluster = cluster
    this.#plan = plan
    this.#values = values
    this.#context = context
    this.#signal = signal
    if (plan.warmupRecords > 0)
      context.print(
        `Warmup first ${plan.warmupRecords} records. Steady state results will print after the complete test summary.`,
      )
    this.#stats = this.#newStats(plan.records, false)
  }

  #newStats(records: number, isSteadyState: boolean): PerfStats {
    return new PerfStats(records, this.#plan.intervalMs, isSteadyState, line => this.#context.print(line))
  }

  async plainly(producer: Producer): Promise<void> {
    await this.#each(async record => this.#follow(producer.send(record), record.value!.length))
    await producer.flush()
    this.#printTotals()
  }

  async inTransactions(producer: TransactionalProducer, durationMs: number): Promise<void> {
    await producer.init()
    let startMs: number | null = null
    await this.#each(async record => {
      if (startMs === null) {
        producer.begin()
        startMs = Date.now()
      }
      const sentMs = Date.now()
      this.#follow(producer.send(record), record.value!.length)
      if (sentMs - startMs < durationMs) return
      await producer.commit()
      startMs = null
    })
    if (startMs !== null) await producer.commit()
    this.#printTotals()
  }

  async #each(send: (record: ProducerRecord) => Promise<void>): Promise<void> {
    const { topic, records, warmupRecords, throughput } = this.#plan
    const pace = new Pace(this.#cluster.world.clock, throughput, this.#signal)
    for (let i = 0; i < records && !this.#signal.aborted; i++) {
      if (warmupRecords > 0 && i === warmupRecords) {
        this.#steady = this.#newStats(records - warmupRecords, true)
        this.#stats.isQuiet = true
      }
      await send({ topic, value: this.#values(i) })
      if (this.#underway >= MAX_UNDERWAY) await new Promise<void>(resolve => (this.#wake = resolve))
      await pace.after(i + 1)
    }
  }

  #follow(delivery: Promise<unknown>, bytes: number): void {
    const startMs = Date.now()
    const steady = this.#steady
    this.#underway++
    delivery
      .then(
        () => {
          const nowMs = Date.now()
          this.#stats.record(nowMs - startMs, bytes, nowMs)
          steady?.record(nowMs - startMs, bytes, nowMs)
        },
        error => {
          if (!isExpected(error)) throw error
          this.#context.complain(textOf(error))
        },
      )
      .finally(() => {
        this.#underway--
        this.#wake?.()
        this.#wake = null
      })
  }

  #printTotals(): void {
    this.#stats.printTotal()
    this.#steady?.printTotal()
  }
}
