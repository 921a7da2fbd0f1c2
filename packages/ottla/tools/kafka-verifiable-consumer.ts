/** `kafka-verifiable-consumer`: a member of a group that tells as JSON what it is assigned, reads and commits. */
import { type Cluster, GroupConsumer, type GroupConsumerListener, type PolledPartition } from '@ottla/client'
import { CONSUMER_CONFIGS, consumerOptions } from './consumer-config.ts'
import { Ended, type ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { Events, untilStopped } from './events.ts'
import { isExpected, messageOf, ToolError } from './java/errors.ts'
import type { Options, ParsedOptions } from './options.ts'
import { configFile, fileProperties } from './verifiable-config.ts'

const RANGE = 'org.apache.kafka.clients.consumer.RangeAssignor'
const OPTIONS = {
  'bootstrap-server': {
    about: 'Brokers to begin with: host:port, several separated by commas.',
    value: 'host:port',
    isRequired: true,
  },
  topic: { about: 'What to read.', value: 'topic', isRequired: true },
  'group-protocol': { about: 'classic or consumer.', value: 'protocol', default: 'classic' },
  'group-remote-assignor': { about: 'Of the consumer protocol: how the broker is to assign.', value: 'name' },
  'group-id': { about: 'The group.', value: 'group id', isRequired: true },
  'group-instance-id': { about: 'Makes it a static member.', value: 'id' },
  'max-messages': { about: 'How many; -1: until it is stopped.', value: 'count', type: 'int', default: '-1' },
  'session-timeout': { about: 'Of the classic protocol: when the group gives it up.', value: 'ms', type: 'int' },
  verbose: { about: 'Tell of each record.' },
  'enable-autocommit': { about: 'Commit from time to time, not what was told of as soon as it was.' },
  'reset-policy': {
    about: 'Where to begin without a commit: earliest, latest or none.',
    value: 'policy',
    default: 'earliest',
  },
  'assignment-strategy': {
    about: 'Of the classic protocol: RangeAssignor or RoundRobinAssignor of org.apache.kafka.clients.consumer.',
    value: 'class',
    default: RANGE,
  },
  'consumer.config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the consumer; the options are stronger.', value: 'file' },
} as const satisfies Options

const MAX_BLOCK_MS = 60_000
const REBALANCING =
  'Offset commit cannot be completed since the consumer is undergoing a rebalance for auto partition assignment. You can try completing the rebalance by calling poll() and then retry the operation.'

export const kafkaVerifiableConsumer = argparseTool({
  name: 'kafka-verifiable-consumer',
  shownName: 'verifiable-consumer',
  about:
    'Reads a topic as a member of a group and prints what happens (rebalances, records, commits) as JSON, for tests that check a cluster.',
  options: OPTIONS,
  isHelpRefusal: true,
  async run(options, context) {
    const properties = propertiesOf(options, context)
    const settings = consumerOptions(properties)
    const events = new Events(context)
    let hasToldRequest = false
    const tellRequest = (): void => {
      hasToldRequest = true
      events.tell('shutdown_requested')
    }
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'kafka consumer' })
      events.tell('startup_complete')
      const reading = new Reading(options, events)
      try {
        if (!reading.isFinished) {
          await context.reach(cluster, MAX_BLOCK_MS, 'metadata')
          await reading.run(cluster, settings, signal)
        }
      } catch (error) {
        // As in Java's: it goes into the log, and the consumer ends in order.
        if (!isExpected(error)) throw error
        context.complain(`ERROR Error during processing, terminating consumer process: ${messageOf(error)}`)
      }
      events.tell('shutdown_complete')
    }, tellRequest)
    if (!hasToldRequest) tellRequest()
    if (code !== 0) throw new Ended(code)
  },
})

function propertiesOf(options: ParsedOptions<string>, context: ToolContext): Map<string, string> {
  const properties = fileProperties(
    configFile(options, 'consumer.config', context),
    new Map(),
    CONSUMER_CONFIGS,
    context,
  )
  const protocol = options.text('group-protocol')!.toUpperCase()
  if (protocol !== 'CLASSIC' && protocol !== 'CONSUMER')
    throw new ToolError(`No enum constant org.apache.kafka.clients.consumer.GroupProtocol.${protocol}`)
  const set = (key: string, value: string | null): void => {
    if (value !== null) properties.set(key, value)
  }
  set('group.protocol', protocol)
  if (protocol === 'CONSUMER') set('group.remote.assignor', options.text('group-remote-assignor'))
  else set('partition.assignment.strategy', options.text('assignment-strategy'))
  set('session.timeout.ms', options.text('session-timeout'))
  set('group.id', options.text('group-id'))
  set('group.instance.id', options.text('group-instance-id'))
  set('bootstrap.servers', options.text('bootstrap-server'))
  set('enable.auto.commit', String(options.has('enable-autocommit')))
  set('auto.offset.reset', options.text('reset-policy'))
  return properties
}

class Reading implements GroupConsumerListener {
  readonly #events: Events
  readonly #topic: string
  readonly #isVerbose: boolean
  readonly #commits: boolean
  readonly #stop = new AbortController()
  #left: number
  #consumer: GroupConsumer | null = null

  constructor(options: ParsedOptions<string>, events: Events) {
    this.#events = events
    this.#topic = options.text('topic')!
    this.#isVerbose = options.has('verbose')
    this.#commits = !options.has('enable-autocommit')
    const most = options.int('max-messages')!
    this.#left = most < 0 ? Number.POSITIVE_INFINITY : most
  }

  get isFinished(): boolean {
    return this.#left === 0
  }

  async run(cluster: Cluster, settings: ReturnType<typeof consumerOptions>, signal: AbortSignal): Promise<void> {
    await cluster.topic(this.#topic, true)
    const stop = AbortSignal.any([signal, this.#stop.signal])
    this.#consumer = new GroupConsumer(cluster, { ...settings, topics: [this.#topic], signal: stop }, this)
    await this.#consumer.run()
  }

  onAssigned(partitions: readonly { topic: string; partition: number }[]): void {
    this.#events.tell('partitions_assigned', { partitions })
  }

  onRevoked(partitions: readonly { topic: string; partition: number }[]): void {
    this.#events.tell('partitions_revoked', { partitions })
  }

  async onRecords(portion: readonly PolledPartition[]): Promise<void> {
    if (this.isFinished) return
    const count = portion.reduce((sum, { records }) => sum + records.length, 0)
    const read = []
    for (const { topic, partition, records } of portion) {
      const wanted = records.slice(0, this.#left)
      if (wanted.length === 0) break
      const [minOffset, maxOffset] = [wanted[0]!.offset, wanted.at(-1)!.offset]
      read.push({ topic, partition, count: wanted.length, minOffset, maxOffset })
      for (const { key, value, offset } of this.#isVerbose ? wanted : [])
        this.#events.tell('record_data', { key: textOrNull(key), value: textOrNull(value), topic, partition, offset })
      this.#left -= wanted.length
    }
    this.#events.tell('records_consumed', { count, partitions: read })
    if (this.#commits)
      await this.#commit(read.map(({ topic, partition, maxOffset }) => ({ topic, partition, offset: maxOffset + 1 })))
    if (this.isFinished) this.#stop.abort()
  }

  async #commit(offsets: { topic: string; partition: number; offset: number }[]): Promise<void> {
    let error: string | null = null
    try {
      if (!(await this.#consumer!.commit(offsets))) error = REBALANCING
    } catch (failure) {
      if (!isExpected(failure)) throw failure
      error = messageOf(failure)
    }
    this.#events.tell('offsets_committed', { offsets, ...(error === null ? {} : { error }), success: error === null })
  }
}

function textOrNull(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}
