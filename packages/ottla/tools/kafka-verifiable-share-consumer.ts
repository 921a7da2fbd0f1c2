/** `kafka-verifiable-share-consumer`: a member of a share group that tells as JSON what it reads and acknowledges. */
import {
  type Acknowledged,
  AcknowledgeType,
  alterConfigs,
  type Cluster,
  KafkaError,
  ShareConsumer,
  type ShareRecord,
} from '@ottla/client'
import { Ended } from './context.ts'
import { argparseTool } from './declaration.ts'
import { Events, untilStopped } from './events.ts'
import { isExpected, messageOf, ToolError } from './java/errors.ts'
import type { Options, ParsedOptions } from './options.ts'
import { SHARE_CONFIGS, shareOptions } from './share-config.ts'
import { fileProperties } from './verifiable-config.ts'

const OPTIONS = {
  'bootstrap-server': {
    about: 'Brokers to begin with: host:port, several separated by commas.',
    value: 'host:port',
    isRequired: true,
  },
  topic: { about: 'What to read.', value: 'topic', isRequired: true },
  'group-id': { about: 'The share group.', value: 'group id', isRequired: true },
  'max-messages': { about: 'How many; -1: until it is stopped.', value: 'count', type: 'int', default: '-1' },
  verbose: { about: 'Tell of each record.' },
  'acknowledgement-mode': {
    about: 'auto, sync or async. Here all of them acknowledge what was read as soon as it was told of.',
    value: 'mode',
    default: 'auto',
  },
  'offset-reset-strategy': {
    about: 'Set where the group begins, earliest or latest, before anything else.',
    value: 'strategy',
    default: '',
  },
  'command-config': { about: 'A properties file for the consumer; the options are stronger.', value: 'file' },
} as const satisfies Options

const MODES: readonly string[] = ['AUTO', 'ASYNC', 'SYNC']
const STRATEGIES = /^(?:earliest|latest|by_duration:p.*)$/
const GROUP_RESOURCE = 32
const POLL_MS = 5000
const MAX_BLOCK_MS = 60_000

export const kafkaVerifiableShareConsumer = argparseTool({
  name: 'kafka-verifiable-share-consumer',
  shownName: 'verifiable-share-consumer',
  about:
    'Reads a topic as a member of a share group and prints what happens (records, acknowledgements) as JSON, for tests that check a cluster.',
  options: OPTIONS,
  isHelpRefusal: true,
  async run(options, context) {
    const mode = options.text('acknowledgement-mode')!.toUpperCase()
    if (!MODES.includes(mode))
      throw new ToolError(`No enum constant org.apache.kafka.tools.VerifiableShareConsumer.AcknowledgementMode.${mode}`)
    const properties = fileProperties(options.text('command-config'), new Map(), SHARE_CONFIGS, context)
    properties.set('group.id', options.text('group-id')!).set('bootstrap.servers', options.text('bootstrap-server')!)
    const settings = shareOptions(properties)
    const events = new Events(context)
    const code = await untilStopped(async signal => {
      await using cluster = context.openCluster({ bootstrap: null, properties, client: 'Kafka share consumer' })
      events.tell('startup_complete')
      try {
        await context.reach(cluster, MAX_BLOCK_MS, 'metadata')
        await setStrategy(options, cluster, events)
        const topics = [options.text('topic')!]
        await read(options, new ShareConsumer(cluster, { ...settings, topics, signal }), events, signal)
      } catch (error) {
        // As in Java's: it goes into the log, and the consumer ends in order.
        if (!isExpected(error)) throw error
        context.complain(`ERROR Error during processing, terminating share consumer process: ${messageOf(error)}`)
      }
      events.tell('shutdown_complete')
    })
    if (code !== 0) throw new Ended(code)
  },
})

async function setStrategy(options: ParsedOptions<string>, cluster: Cluster, events: Events): Promise<void> {
  const strategy = options.text('offset-reset-strategy')!.toLowerCase()
  if (strategy === '') return
  if (!STRATEGIES.test(strategy)) throw new ToolError(`Unknown auto offset reset strategy: ${strategy}`)
  const change = { name: 'share.auto.offset.reset', value: strategy }
  await alterConfigs(cluster, GROUP_RESOURCE, options.text('group-id')!, [change])
  events.tell('offset_reset_strategy_set', { offsetResetStrategy: strategy })
}

async function read(
  options: ParsedOptions<string>,
  consumer: ShareConsumer,
  events: Events,
  signal: AbortSignal,
): Promise<void> {
  const most = options.int('max-messages')!
  let acknowledged = 0
  try {
    while (!signal.aborted && (most < 0 || acknowledged < most)) {
      const records = await consumer.poll(POLL_MS)
      if (records.length === 0) continue
      tellRecords(records, options.has('verbose'), events)
      for (const record of records) consumer.acknowledge(record, AcknowledgeType.accept)
      for (const results of Map.groupBy(await consumer.commit(), ({ errorCode }) => errorCode).values())
        acknowledged += tellAcknowledged(results, events)
    }
  } finally {
    await consumer.close()
  }
}

function tellRecords(records: readonly ShareRecord[], isVerbose: boolean, events: Events): void {
  const byPartition = Map.groupBy(records, ({ topic, partition }) => `${topic}-${partition}`)
  const partitions = [...byPartition.values()].map(own => {
    const { topic, partition } = own[0]!
    return { topic, partition, count: own.length, offsets: own.map(({ offset }) => offset) }
  })
  for (const { key, value, topic, partition, offset } of isVerbose ? records : [])
    events.tell('record_data', { key: textOrNull(key), value: textOrNull(value), topic, partition, offset })
  events.tell('records_consumed', { count: records.length, partitions })
}

/** How many were taken. */
function tellAcknowledged(results: readonly Acknowledged[], events: Events): number {
  const { errorCode } = results[0]!
  const count = results.reduce((sum, { offsets }) => sum + offsets.length, 0)
  const partitions = results.map(({ topic, partition, offsets }) => ({
    topic,
    partition,
    count: offsets.length,
    offsets,
  }))
  const failure = errorCode === 0 ? {} : { error: messageOf(new KafkaError(errorCode, '')) }
  events.tell('offsets_acknowledged', { count, partitions, ...failure, success: errorCode === 0 })
  return errorCode === 0 ? count : 0
}

function textOrNull(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}
