/** `kafka-console-producer`: a record for each line of stdin. */
import { type Cluster, Producer } from '@ottla/client'
import type { Codec } from '@ottla/protocol'
import { Ended, loadProperties, type ToolContext } from './context.ts'
import { BOOTSTRAP, joptTool } from './declaration.ts'
import { isExpected, ToolError, textOf } from './java/errors.ts'
import { keyValueMap } from './key-values.ts'
import { LineReader, linesOf } from './line-reader.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

const LINE_READER = 'org.apache.kafka.tools.LineMessageReader'
const OPTIONS = {
  topic: { about: 'Where the records go. Required.', value: 'topic' },
  'bootstrap-server': BOOTSTRAP,
  sync: { about: 'Wait for each record until it is acknowledged.' },
  'compression-codec': {
    about: 'none, gzip, snappy, lz4 or zstd; gzip if no value is given.',
    value: 'compression-codec',
    isValueOptional: true,
  },
  'batch-size': { about: 'Bytes of a batch.', value: 'size', default: '16384' },
  'message-send-max-retries': {
    about: 'Has no effect: records are tried until delivery.timeout.ms.',
    value: 'count',
    default: '3',
  },
  'retry-backoff-ms': { about: 'Has no effect.', value: 'ms', default: '100' },
  timeout: { about: 'How long a batch is filled.', value: 'ms', default: '1000' },
  'request-required-acks': { about: 'Who has to have written it: -1 or all, 1, 0.', value: 'acks', default: '-1' },
  'request-timeout-ms': { about: 'How long to wait for an answer.', value: 'ms', default: '30000' },
  'metadata-expiry-ms': { about: 'Has no effect.', value: 'ms', default: '300000' },
  'max-block-ms': { about: 'How long to wait for a broker.', value: 'ms', default: '60000' },
  'max-memory-bytes': { about: 'Bytes that may wait to be sent.', value: 'bytes', default: '33554432' },
  'max-partition-memory-bytes': { about: 'An older name of --batch-size.', value: 'bytes', default: '16384' },
  'line-reader': { about: `Only ${LINE_READER}.`, value: 'class', default: LINE_READER },
  'socket-buffer-size': { about: 'Has no effect.', value: 'size', default: '102400' },
  property: { about: 'An older name of --reader-property.', value: 'key=value' },
  'reader-property': {
    about:
      'How lines are read: parse.key, parse.headers, ignore.error (true or false), key.separator, headers.delimiter (a tab), headers.separator (,), headers.key.separator (:), null.marker. May be given again.',
    value: 'key=value',
  },
  'reader-config': { about: 'A properties file with the same.', value: 'file' },
  'producer-property': { about: 'An older name of --command-property.', value: 'key=value' },
  'command-property': { about: 'A config of the producer; may be given again.', value: 'key=value' },
  'producer.config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the producer.', value: 'file' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const CODECS: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const ACKS: Readonly<Record<string, number>> = { all: -1, '-1': -1, '1': 1, '0': 0 }
const HONOURED = new Set(['linger.ms', 'acks', 'batch.size', 'buffer.memory', 'delivery.timeout.ms', 'max.block.ms'])
const WITHOUT_EFFECT = [
  'message-send-max-retries',
  'retry-backoff-ms',
  'metadata-expiry-ms',
  'socket-buffer-size',
] as const
const MAX_IN_FLIGHT = 10_000

export const kafkaConsoleProducer = joptTool<typeof OPTIONS>({
  name: 'kafka-console-producer',
  about: 'This tool helps to read data from standard input and publish it to Kafka.',
  options: OPTIONS,
  async run(options, context) {
    check(options, context)
    const config = options.text('command-config') ?? options.text('producer.config')
    const given = keyValueMap([...options.texts('command-property'), ...options.texts('producer-property')])
    const where = { bootstrap: options.text('bootstrap-server'), config, alsoHonoured: HONOURED }
    const properties = context.properties(where)
    for (const [key, value] of context.honour(given, HONOURED)) properties.set(key, value)
    if (options.has('request-timeout-ms')) properties.set('request.timeout.ms', options.text('request-timeout-ms')!)
    const settings = settingsOf(options, properties)
    const reader = readerOf(options)
    await context.withCluster(
      { ...where, config: null, properties, timeoutMs: settings.maxBlockMs },
      'metadata',
      cluster => produce(options, cluster, settings, reader, context),
    )
  },
})

function check(options: Parsed, context: ToolContext): void {
  options.required('topic')
  const pairs = [
    ['command-config', 'producer.config'],
    ['command-property', 'producer-property'],
    ['reader-property', 'property'],
  ] as const
  for (const [now, before] of pairs)
    if (options.count(now, before) === 2)
      throw new UsageError(`Options --${now} and --${before} cannot be specified together.`)
  for (const [now, before] of [pairs[1], pairs[0], pairs[2]])
    if (options.has(before))
      context.print(`Warning: --${before} is deprecated and will be removed in a future version. Use --${now} instead.`)
  if (options.has('max-partition-memory-bytes'))
    context.print(
      'Warning: --max-partition-memory-bytes is deprecated and will be removed in Apache Kafka 5.0. Use --batch-size instead.',
    )
  const servers = options.text('bootstrap-server')
  if (!servers?.trim()) throw new UsageError('Error while validating the bootstrap address\n')
  if (!servers.split(',').every(server => /:\d+$/.test(server)))
    throw new UsageError('Please provide valid host:port like host1:9091,host2:9092\n')
  context.haveNoEffect(WITHOUT_EFFECT.filter(name => options.has(name)))
}

interface Settings {
  readonly codec: Codec
  readonly acks: number
  readonly lingerMs: number
  readonly batchBytes: number
  readonly bufferBytes: number
  readonly deliveryTimeoutMs: number
  readonly maxBlockMs: number
}

/** An option that is given is stronger than the property, and the property than what the option is by default. */
function settingsOf(options: Parsed, properties: ReadonlyMap<string, string>): Settings {
  const merged = (name: keyof typeof OPTIONS, key: string): string =>
    options.has(name) ? options.text(name)! : (properties.get(key) ?? options.text(name)!)
  const number = (text: string, key: string): number => {
    if (!/^\d+$/.test(text))
      throw new ToolError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`)
    return Number(text)
  }
  const merge = (name: keyof typeof OPTIONS, key: string): number => number(merged(name, key), key)
  const codec = options.has('compression-codec') ? options.text('compression-codec') || 'gzip' : 'none'
  if (!CODECS.includes(codec))
    throw new ToolError(
      `Invalid value ${codec} for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd`,
    )
  const acks = ACKS[merged('request-required-acks', 'acks')]
  if (acks === undefined)
    throw new ToolError(
      `Invalid value ${merged('request-required-acks', 'acks')} for configuration acks: String must be one of: all, -1, 0, 1`,
    )
  const batchBytes = options.has('max-partition-memory-bytes') ? options.int('max-partition-memory-bytes')! : null
  return {
    codec: codec as Codec,
    acks,
    lingerMs: merge('timeout', 'linger.ms'),
    batchBytes: batchBytes ?? merge('batch-size', 'batch.size'),
    bufferBytes: merge('max-memory-bytes', 'buffer.memory'),
    deliveryTimeoutMs: number(properties.get('delivery.timeout.ms') ?? '120000', 'delivery.timeout.ms'),
    maxBlockMs: merge('max-block-ms', 'max.block.ms'),
  }
}

function readerOf(options: Parsed): LineReader {
  const readerClass = options.text('line-reader')!
  if (readerClass !== LINE_READER) throw new ToolError(`--line-reader ${readerClass}: there is only ${LINE_READER}`)
  const file = options.text('reader-config')
  const properties = file === null ? new Map<string, string>() : loadProperties(file)
  for (const [key, value] of keyValueMap([...options.texts('reader-property'), ...options.texts('property')]))
    properties.set(key, value)
  return new LineReader(properties)
}

async function produce(
  options: Parsed,
  cluster: Cluster,
  settings: Settings,
  reader: LineReader,
  context: ToolContext,
): Promise<void> {
  await using producer = new Producer(cluster, settings)
  const topic = options.text('topic')!
  const isSync = options.has('sync')
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  const prompt = () => isTerminal && context.write('>')
  const sent = new Set<Promise<void>>()
  prompt()
  for await (const line of linesOf(process.stdin)) {
    const record = reader.read(line)
    const delivery = producer.send({ topic, ...record })
    if (isSync) await orEnd(delivery, context)
    else {
      const told = delivery.then(
        () => {},
        error => tell(error, topic, record, context),
      )
      const done = told.finally(() => sent.delete(done))
      sent.add(done)
      if (sent.size >= MAX_IN_FLIGHT) await Promise.race(sent)
    }
    prompt()
  }
  await Promise.all(sent)
}

async function orEnd(delivery: Promise<unknown>, context: ToolContext): Promise<void> {
  try {
    await delivery
  } catch (error) {
    if (!isExpected(error)) throw error
    context.complain(`java.util.concurrent.ExecutionException: ${textOf(error)}`)
    throw new Ended(1)
  }
}

/** Others may be delivered all the same. */
function tell(
  error: unknown,
  topic: string,
  { key, value }: { key: Uint8Array | null; value: Uint8Array | null },
  context: ToolContext,
): void {
  const size = (bytes: Uint8Array | null) => (bytes === null ? 'null' : `${bytes.length} bytes`)
  context.complain(
    `ERROR Error when sending message to topic ${topic} with key: ${size(key)}, value: ${size(value)} with error: ${textOf(error)}`,
  )
}
