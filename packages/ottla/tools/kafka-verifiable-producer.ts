/** `kafka-verifiable-producer`: increasing numbers into a topic, and a line of JSON for what became of each. */
import { KafkaError, Producer, type RecordMetadata } from '@ottla/client'
import { PRODUCER_CONFIGS, producerOptions } from './client-config.ts'
import { Ended, type ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { Events, untilStopped } from './events.ts'
import { exceptionOf, messageOf } from './java/errors.ts'
import type { Options, ParsedOptions } from './options.ts'
import { Pace } from './pace.ts'
import { configFile, fileProperties } from './verifiable-config.ts'

const OPTIONS = {
  topic: { about: 'Where the numbers go.', value: 'topic', isRequired: true },
  'max-messages': { about: 'How many; -1: until it is stopped.', value: 'count', type: 'int', default: '-1' },
  throughput: { about: 'How many a second, about; -1: as many as it can.', value: 'count', type: 'int', default: '-1' },
  acks: {
    about: 'Who has to have written a record: -1 (all), 1, 0.',
    value: 'acks',
    type: 'int',
    choices: ['0', '1', '-1'],
    default: '-1',
  },
  'producer.config': { about: 'An older name of --command-config.', value: 'file' },
  'message-create-time': {
    about: 'The timestamp of the first record, in milliseconds since 1970; later ones have later ones.',
    value: 'ms',
    type: 'long',
    default: '-1',
  },
  'value-prefix': { about: 'A number before each value, with a dot between them.', value: 'number', type: 'int' },
  'repeating-keys': {
    about: 'Keys from 0 up to this, over and over; without it there are none.',
    value: 'count',
    type: 'int',
  },
  'command-config': { about: 'A properties file for the producer; stronger than the options.', value: 'file' },
  'bootstrap-server': {
    about: 'Brokers to begin with: host:port, several separated by commas.',
    value: 'host:port',
    oneOf: 'exactly',
  },
} as const satisfies Options

const MAX_UNDERWAY = 10_000
const MAX_BLOCK_MS = 60_000

export const kafkaVerifiableProducer = argparseTool({
  name: 'kafka-verifiable-producer',
  shownName: 'verifiable-producer',
  about:
    'Writes increasing integers to a topic and prints as JSON what became of each, for tests that check a cluster.',
  options: OPTIONS,
  isHelpRefusal: true,
  async run(options, context) {
    const properties = propertiesOf(options, context)
    const settings = producerOptions(properties)
    const events = new Events(context)
    const numbers = new Numbers(options)
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'kafka producer' })
      events.tell('startup_complete')
      await context.reach(cluster, MAX_BLOCK_MS, 'metadata')
      // A record that fails is not tried again: whoever checks wants to hear of it.
      const producer = new Producer(cluster, { ...settings, deliveryTimeoutMs: 0 })
      const startMs = performance.now()
      const target = options.int('throughput')!
      const pace = new Pace(cluster.world.clock, target, signal)
      const topic = options.text('topic')!
      const underway = new Set<Promise<void>>()
      let [sent, acked] = [0, 0]
      while (!signal.aborted && sent < numbers.count) {
        const { key, value, timestamp } = numbers.next(sent++)
        const record = { topic, key: key === null ? null : Buffer.from(key), value: Buffer.from(value) }
        const delivery = producer.send(timestamp === null ? record : { ...record, timestamp }).then(
          metadata => {
            acked++
            tellSuccess(events, key, value, metadata)
          },
          error => tellFailure(events, key, value, topic, error),
        )
        const done = delivery.finally(() => underway.delete(done))
        underway.add(done)
        if (underway.size >= MAX_UNDERWAY) await Promise.race(underway)
        await pace.after(sent)
      }
      await Promise.all(underway)
      events.tell('shutdown_complete')
      const average = (1000 * acked) / (performance.now() - startMs)
      events.tell('tool_data', { sent, acked, target_throughput: target }, { avg_throughput: average })
    })
    if (code !== 0) throw new Ended(code)
  },
})

function propertiesOf(options: ParsedOptions<string>, context: ToolContext): Map<string, string> {
  const given = new Map([
    ['bootstrap.servers', options.text('bootstrap-server')!],
    ['acks', options.text('acks')!],
  ])
  return fileProperties(configFile(options, 'producer.config', context), given, PRODUCER_CONFIGS, context)
}

/** What is sent, one after another. */
class Numbers {
  readonly count: number
  readonly #prefix: string
  readonly #keys: number | null
  readonly #startMs = Date.now()
  #createTime: number | null

  constructor(options: ParsedOptions<string>) {
    const most = options.int('max-messages')!
    this.count = most < 0 ? Number.POSITIVE_INFINITY : most
    const prefix = options.int('value-prefix')
    this.#prefix = prefix === null ? '' : `${prefix}.`
    this.#keys = options.int('repeating-keys')
    const createTime = options.long('message-create-time')!
    this.#createTime = createTime === -1 ? null : createTime
  }

  next(index: number): { key: string | null; value: string; timestamp: number | null } {
    const timestamp = this.#createTime
    if (this.#createTime !== null) this.#createTime += Date.now() - this.#startMs
    // Of none or fewer keys no number is ever the last one.
    const key = this.#keys === null ? null : String(this.#keys > 0 ? index % this.#keys : index)
    return { key, value: `${this.#prefix}${index}`, timestamp }
  }
}

function tellSuccess(events: Events, key: string | null, value: string, { topic, partition, offset }: RecordMetadata) {
  events.tell('producer_send_success', { key, value, topic, partition, offset })
}

function tellFailure(events: Events, key: string | null, value: string, topic: string, error: unknown): void {
  const isInvalid = error instanceof KafkaError && error.code === 'INVALID_TOPIC_EXCEPTION'
  const message = isInvalid ? `Invalid topics: [${topic}]` : messageOf(error)
  events.tell('producer_send_error', { topic, key, value, exception: `class ${exceptionOf(error)}`, message })
}
