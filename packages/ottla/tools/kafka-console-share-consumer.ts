/** `kafka-console-share-consumer`: prints records that it reads as a member of a share group, and says what became of each. */
import { AcknowledgeType, type Cluster, ShareConsumer, type ShareRecord } from '@ottla/client'
import { formatterProperties } from './console-options.ts'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { BOOTSTRAP, joptTool } from './declaration.ts'
import { untilStopped } from './events.ts'
import { isExpected, messageOf, ToolError } from './java/errors.ts'
import { keyValueMap } from './key-values.ts'
import { DEFAULT_FORMATTER, type Formatter, makeFormatter } from './message-formatter.ts'
import { OptionError, type Options, type ParsedOptions, UsageError } from './options.ts'
import { SHARE_CONFIGS, shareOptions } from './share-config.ts'

const OPTIONS = {
  topic: { about: 'What to read. Required.', value: 'topic' },
  'consumer-property': { about: 'An older name of --command-property.', value: 'key=value' },
  'command-property': { about: 'A config of the consumer; may be given again.', value: 'key=value' },
  'consumer-config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the consumer.', value: 'file' },
  formatter: {
    about: 'How records are printed: DefaultMessageFormatter or NoOpMessageFormatter.',
    value: 'class',
    default: DEFAULT_FORMATTER,
  },
  property: { about: 'An older name of --formatter-property.', value: 'key=value' },
  'formatter-property': {
    about:
      'What is printed: print.timestamp, print.key, print.offset, print.delivery, print.epoch, print.partition, print.headers, print.value (true or false), key.separator, line.separator, headers.separator, null.literal, key.deserializer, value.deserializer, headers.deserializer. May be given again.',
    value: 'key=value',
  },
  'formatter-config': { about: 'A properties file with the same.', value: 'file' },
  'max-messages': { about: 'Stop after as many.', value: 'count' },
  'timeout-ms': { about: 'Stop when nothing came for so long.', value: 'ms' },
  reject: { about: 'Reject all records: nobody gets them again.' },
  release: { about: 'Release all records: others may get them.' },
  'reject-message-on-error': { about: 'Reject a record that could not be printed, and go on with the next.' },
  'bootstrap-server': BOOTSTRAP,
  'key-deserializer': { about: 'A class of org.apache.kafka.common.serialization, for keys.', value: 'class' },
  'value-deserializer': { about: 'The same for values.', value: 'class' },
  group: { about: 'The share group; console-share-consumer if it is left out.', value: 'group id' },
  'enable-systest-events': { about: 'Say so at the end.' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const DEFAULT_GROUP = 'console-share-consumer'
const MAX_BLOCK_MS = 60_000
const FOREVER_MS = 2 ** 31 - 1

export const kafkaConsoleShareConsumer = joptTool<typeof OPTIONS>({
  name: 'kafka-console-share-consumer',
  about: 'This tool helps to read data from Kafka topics using share groups and outputs it to standard output.',
  options: OPTIONS,
  async run(options, context) {
    check(options, context)
    const properties = context.honour(propertiesOf(options), SHARE_CONFIGS)
    const format = formatterOf(options, context)
    const settings = shareOptions(properties)
    const reading = readingOf(options, format, context)
    let failure: unknown = null
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'Kafka share consumer' })
      const topics = [options.text('topic')!]
      await context.reach(cluster, MAX_BLOCK_MS, 'metadata')
      failure = await reading.run(cluster, new ShareConsumer(cluster, { ...settings, topics, signal }), signal)
    })
    if (options.has('enable-systest-events')) context.print('shutdown_complete')
    if (failure !== null) throw new Ended(1)
    if (code !== 0) throw new Ended(code)
  },
})

function check(options: Parsed, context: ToolContext): void {
  if (!options.has('topic')) throw new UsageError('--topic is a required argument')
  options.required('bootstrap-server')
  if (options.count('reject', 'release') === 2)
    throw new UsageError('At most one of --reject and --release may be specified.')
  const pairs = [
    ['consumer-property', 'command-property'],
    ['consumer-config', 'command-config'],
  ] as const
  for (const [before, now] of pairs)
    if (options.count(before, now) === 2)
      throw new UsageError(`Options --${before} and --${now} cannot be specified together.`)
  for (const [before, now] of pairs) tellOlder(options, before, now, context)
}

function tellOlder(options: Parsed, before: keyof typeof OPTIONS, now: string, context: ToolContext): void {
  if (options.has(before))
    context.print(`Option --${before} is deprecated and will be removed in a future version. Use --${now} instead.`)
}

function propertiesOf(options: Parsed): Map<string, string> {
  const file = options.text('command-config') ?? options.text('consumer-config')
  const properties = file === null ? new Map<string, string>() : loadProperties(file)
  const given = keyValueMap([...options.texts('command-property'), ...options.texts('consumer-property')])
  const all = [options.text('group'), properties.get('group.id'), given.get('group.id')]
  const ids = [...new Set(all.filter(id => id !== null && id !== undefined))]
  if (ids.length > 1)
    throw new UsageError(
      `The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer-config') do not match. Detected group ids: ${ids.map(id => `'${id}'`).join(', ')}`,
    )
  for (const [key, value] of given) properties.set(key, value)
  if (!properties.has('client.id')) properties.set('client.id', DEFAULT_GROUP)
  return properties.set('group.id', ids[0] ?? DEFAULT_GROUP).set('bootstrap.servers', options.text('bootstrap-server')!)
}

function formatterOf(options: Parsed, context: ToolContext): Formatter {
  if (options.count('property', 'formatter-property') === 2)
    throw new UsageError('Options --property and --formatter-property cannot be specified together.')
  tellOlder(options, 'property', 'formatter-property', context)
  try {
    return makeFormatter(options.text('formatter')!, formatterProperties(options), line => context.complain(line))
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    throw new UsageError(error.message)
  }
}

/** That it has read nothing is told before what is wrong with a number, as Java's tells it. */
function readingOf(options: Parsed, format: Formatter, context: ToolContext): Reading {
  try {
    return new Reading(options, format, context)
  } catch (error) {
    if (error instanceof OptionError) context.complain('Processed a total of 0 messages')
    throw error
  }
}

class Reading {
  readonly #options: Parsed
  readonly #format: Formatter
  readonly #context: ToolContext
  readonly #type: AcknowledgeType
  #left: number
  #count = 0

  constructor(options: Parsed, format: Formatter, context: ToolContext) {
    this.#options = options
    this.#format = format
    this.#context = context
    const { accept, reject, release } = AcknowledgeType
    this.#type = options.has('reject') ? reject : options.has('release') ? release : accept
    const most = options.int('max-messages') ?? -1
    this.#left = most === -1 ? Number.POSITIVE_INFINITY : most
  }

  /** What ended it before its time; null: nothing did. */
  async run(cluster: Cluster, consumer: ShareConsumer, signal: AbortSignal): Promise<unknown> {
    const { clock } = cluster.world
    const asked = this.#options.int('timeout-ms') ?? -1
    const timeoutMs = asked >= 0 ? asked : FOREVER_MS
    try {
      while (this.#left > 0 && !signal.aborted) {
        const startMs = clock.monotonic()
        const records = await consumer.poll(timeoutMs)
        if (records.length > 0) await this.#print(records, consumer)
        else if (!signal.aborted && asked >= 0 && clock.monotonic() - startMs >= timeoutMs) {
          this.#context.complain('ERROR Error processing message, terminating consumer process: no record came in time')
          return null
        }
        if (this.#left > 0) await consumer.commit()
      }
      return null
    } catch (error) {
      if (!isExpected(error)) throw error
      this.#context.complain(`ERROR Unknown error when running consumer: ${messageOf(error)}`)
      return error
    } finally {
      await consumer.close()
      this.#context.complain(`Processed a total of ${this.#count} messages`)
    }
  }

  /** Those that are not to be printed any more are given back when the consumer is closed. */
  async #print(records: readonly ShareRecord[], consumer: ShareConsumer): Promise<void> {
    const lines: Uint8Array[] = []
    try {
      for (const record of records.slice(0, this.#left)) {
        this.#left--
        this.#count++
        const line = this.#line(record)
        if (line) lines.push(line)
        consumer.acknowledge(record, line ? this.#type : AcknowledgeType.reject)
      }
    } finally {
      await this.#context.writeBytes(Buffer.concat(lines))
    }
  }

  /** null: it could not be printed. */
  #line(record: ShareRecord): Uint8Array | null {
    try {
      return this.#format(record, record.deliveryCount)
    } catch (error) {
      if (!this.#options.has('reject-message-on-error')) throw error
      this.#context.complain(`ERROR Error processing message, rejecting this message: ${(error as Error).message}`)
      return null
    }
  }
}
