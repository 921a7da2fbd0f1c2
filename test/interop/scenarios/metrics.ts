/**
 * What a broker counts of a workload has to be what Apache Kafka counts of it, number by number, under the names that the
 * Prometheus JMX exporter gives to Kafka's MBeans: it is kept in ../expected/metrics.txt. And clients that nobody here
 * wrote push metrics of theirs, which are exported (KIP-714; against Apache Kafka that needs a plugin and is left out).
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBatch } from '@ottla/protocol'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { CATALOG } from '../../../packages/broker/monitoring/catalog.ts'
import { freePort, type RunningBroker } from '../brokers.ts'
import { Probe, runCases } from '../cases.ts'
import { createTopics, helperFor } from '../clients.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { Child, must, poll } from '../process.ts'
import { TopicProbe } from '../topic-probe.ts'
import { workInShareGroup, workInTransaction, workUnderQuotas } from './metrics-work.ts'

const PRODUCE = { request: ProduceRequest, response: ProduceResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }
const OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const COORDINATOR = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const COMMITTED = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const CHANGE = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }

const TOPIC = 'work'
const GROUP = 'g'

/** A series, as text: `name{label="value"} number`. */
type Series = ReadonlyMap<string, number>

export async function metrics(context: Context): Promise<void> {
  if (!context.kit.java) {
    context.report.skip('metrics', 'Java or Apache Kafka is missing')
    return
  }
  await counted(context)
  await pushed(context)
}

// -------------------------------------------------------------------------------------------------- what is counted

async function counted(context: Context): Promise<void> {
  const folder = join(context.kit.scratch, 'metrics')
  mkdirSync(folder)
  const watchPort = await freePort()
  const broker = await context.brokers.start(context.kind, { folder, watchPort })
  const before = new TopicProbe(TOPIC, broker.bootstrap)
  await before.create({ 'max.message.bytes': '2000' })
  await work(before.asker())
  before.end()
  await workUnderQuotas(broker.bootstrap)
  await workInTransaction(broker.bootstrap)
  const sharing = await workInShareGroup(broker.bootstrap)
  const series = await (context.kind === 'kafka' ? ofKafka(context, watchPort) : ofOttla(watchPort))
  sharing.end()
  const cases = Object.fromEntries(
    Object.entries(COMPARED).map(([name, wanted]) => [
      name,
      async (probe: Probe) => {
        for (const [key, value] of series) {
          // Of a topic Apache Kafka makes a series when there is something to count.
          const isThere = value !== 0 || !/^kafka_server_brokertopicmetrics_.*topic=/.test(key)
          if (wanted.test(key) && isThere) probe.notes.lines.push(`${key}${MEASURED.test(key) ? 'measured' : value}`)
        }
        probe.notes.lines.sort()
      },
    ]),
  )
  await runCases('metrics', context, broker, cases, () => new Probe(broker.bootstrap))
}

function batch(records: number, size: number, timestamp = Date.now()): Buffer {
  const value = Buffer.alloc(size, 1)
  return Buffer.from(
    encodeBatch(
      Array.from({ length: records }, () => ({ key: null, value, timestamp })),
      {},
    ),
  )
}

/** Some of everything, and of what can go wrong. */
async function work(asker: Asker): Promise<void> {
  const produce = async (records: Uint8Array, acks = -1, name = TOPIC) => {
    const topicData = [{ name, partitionData: [{ index: 0, records }] }]
    await asker.ask(PRODUCE, 9, { acks, timeoutMs: 5000, topicData })
  }
  for (const acks of [-1, 1, -1]) await produce(batch(5, 50), acks)
  const broken = batch(1, 50)
  broken[70]! ^= 1
  await produce(broken)
  await produce(batch(1, 3000))
  await produce(batch(1, 10), -1, 'nobody')
  await produce(batch(1, 10, 8_640_000_000_000_000))
  const fetch = async (partition: number, fetchOffset: number, maxWaitMs = 0) => {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }]
    await asker.ask(FETCH, 12, { maxBytes: 1_000_000, maxWaitMs, minBytes: 1, topics: [{ topic: TOPIC, partitions }] })
  }
  await fetch(0, 0)
  await fetch(0, 5)
  await fetch(0, 999)
  await fetch(0, 15, 50)
  await fetch(7, 0)
  for (const timestamp of [-1n, -2n]) {
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }]
    await asker.ask(OFFSETS, 6, { replicaId: -1, topics })
  }
  await poll('the coordinator', async () => (await commit(asker)) === 0 || undefined, 20_000, 100)
  await commit(asker)
  await asker.ask(COMMITTED, 7, { groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] })
}

async function commit(asker: Asker): Promise<number> {
  await asker.ask(COORDINATOR, 3, { key: GROUP, keyType: 0 })
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }]
  const { topics } = await asker.ask(COMMIT, 8, { groupId: GROUP, topics: [{ name: TOPIC, partitions }] })
  return topics[0]!.partitions[0]!.errorCode
}

/**
 * By case. Left out is what depends on how often a client had to ask, on what the two brokers are made of, and the groups,
 * which Apache Kafka counts once a minute.
 */
const COMPARED: Readonly<Record<string, RegExp>> = {
  topics: new RegExp(`^kafka_server_brokertopicmetrics_.*topic="${TOPIC}"`),
  'all topics':
    /^kafka_server_brokertopicmetrics_(invalidmessagecrc|bytesrejected|bytesout|failed|replicationbytesout)\w* /,
  requests:
    /^kafka_(network_requestmetrics_requests_total\{request="(Produce|Fetch|FetchConsumer|OffsetFetch)"|server_delayedfetchmetrics)/,
  errors: /^kafka_network_requestmetrics_errors_total\{.*request="(Produce|Fetch|OffsetFetch)"/,
  times:
    /^kafka_network_requestmetrics_(total|local|remote|responsesend|throttle)timems_count\{request="(Produce|Fetch|FetchConsumer|OffsetFetch)"\}/,
  logs: new RegExp(`^kafka_(log_log|cluster_partition)_.*topic="${TOPIC}"`),
  replicas: /^kafka_server_replicamanager_(partitioncount|leadercount|offline|under|atmin)\w* /,
  groups: /^kafka_coordinator_group_groupmetadatamanager_numoffsets /,
  quotas: /^kafka_server_(quota_\w+\{clientId="limited"|(produce|fetch|request|controllermutation)_queue_size )/,
  transactions: /^kafka_(server_addpartitionstotxnmanager_\w+_count |coordinator_transaction_\w+ )/,
  'share groups':
    /^kafka_server_(sharegroupmetrics_recordack|sharepartitionmetrics_(inflight\w+count\{|acquisition)|sharesessioncache|share_coordinator_metrics_(num_partitions|write_total)|brokertopicmetrics_(failedshare|totalshareack)\w*\{)/,
  rebalances: /^kafka_server_group_coordinator_metrics_\w+_rebalance_count /,
  controller:
    /^kafka_controller_kafkacontroller_(active|fenced|global|offline|preferred|metadataerror|controlled|newactive)\w+ |currentmetadataversion|brokerstate|number_of_(voters|observers)|finalizedlevel|current_state_info|brokerregistrationstate|controllerstats/,
}

/** That it is measured is compared, and not what. */
const MEASURED = /^kafka_server_quota_/

/** The labels of a series in one order. */
function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.keys(labels)
    .sort()
    .map(label => `${label}="${labels[label]}"`)
  return parts.length === 0 ? `${name} ` : `${name}{${parts.join(',')}} `
}

/** A parser of its own, as the one that the tests beside the broker use knows no labels of summaries. */
async function ofOttla(port: number): Promise<Series> {
  const series = new Map<string, number>()
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  for (const line of (await response.text()).split('\n')) {
    const [, name, inner = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) continue
    const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!] as const)
    series.set(seriesName(name, Object.fromEntries(labels)), Number(value))
  }
  return series
}

/** Of a meter its count is one of several attributes. */
function beanOf(mbean: string | null): string | null {
  return mbean?.replace(/(,name=\w+)><Count$/, '$1') ?? null
}

/** The exporter's rules, applied to what JMX tells of the MBeans that our catalog has. */
async function ofKafka({ kit }: Context, port: number): Promise<Series> {
  const url = `service:jmx:rmi:///jndi/rmi://127.0.0.1:${port}/jmxrmi`
  const tool = kit.java!.command('org.apache.kafka.tools.JmxTool')
  const args = ['--jmx-url', url, '--one-time', '--report-format', 'properties']
  const stdout = await must([...tool, ...args], { timeoutMs: 60_000 })
  const families = new Map(
    CATALOG.flatMap(([, those]) => Object.values(those).map(family => [beanOf(family.mbean), family])),
  )
  const series = new Map<string, number>()
  for (const line of stdout.split('\n')) {
    const [, domain, keys = '', attribute = '', value] = /^(kafka[\w.]*):(.*):([\w-]+)=(\S+)$/.exec(line) ?? []
    const { type, name, ...labels } = Object.fromEntries(
      keys.split(',').map(pair => pair.split('=') as [string, string]),
    )
    if ((labels.user ?? labels['client-id']) !== undefined) {
      const { user, 'client-id': clientId } = labels
      const who = { ...(user && { user }), ...(clientId && { clientId }) }
      const quota = `kafka_server_quota_${attribute.replaceAll('-', '_')}`
      if (value !== 'NaN') series.set(seriesName(quota, { resource: type!, ...who }), Number(value))
      continue
    }
    const bean = name === undefined ? `${domain}:type=${type}><${attribute}` : `${domain}:type=${type},name=${name}`
    const family = families.get(bean)
    if (!family) continue
    // The one value that is a word: the exporter makes a label of it.
    if (attribute === 'current-state') {
      series.set(seriesName(family.name, { state: value! }), 1)
      continue
    }
    const isCount = attribute === 'Count'
    if (family.type === 'summary' && isCount) series.set(seriesName(`${family.name}_count`, labels), Number(value))
    else if (isCount || attribute === 'Value' || name === undefined)
      series.set(seriesName(family.name, labels), Number(value))
  }
  return series
}

// --------------------------------------------------------------------------------------------- what clients push

const PUSH_EVERY_MS = 1000

async function pushed(context: Context): Promise<void> {
  const { kit, report, kind } = context
  if (kind === 'kafka') {
    report.skip('metrics/telemetry', 'Apache Kafka needs a plugin for it')
    return
  }
  const watchPort = await freePort()
  const broker = await context.brokers.start(kind, { folder: join(kit.scratch, 'telemetry'), watchPort })
  const asker = new Asker('setup', broker.bootstrap)
  const configs = { metrics: '*', 'interval.ms': String(PUSH_EVERY_MS) }
  const entries = Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value }))
  const resources = [{ resourceType: 16, resourceName: 'all', configs: entries }]
  const { responses } = await asker.ask(CHANGE, 1, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0)
  asker.end()
  await createTopics(helperFor(kit.clients), broker.bootstrap, [{ name: 'telemetry', partitions: 1 }])
  for (const [name, software] of [
    ['java', 'apache-kafka-java'],
    ['confluent-kafka', 'confluent-kafka-python'],
  ] as const) {
    const client = kit.clients.find(other => other.name === name)
    if (!client) report.skip(`metrics/telemetry of ${name}`, 'the client is missing')
    else await report.check(`metrics/telemetry of ${name}`, () => pushes(client.command, software, broker, watchPort))
  }
  await broker.stop()
}

/** A consumer's own metrics are to be seen, and others after a while. */
async function pushes(
  command: readonly string[],
  software: string,
  broker: RunningBroker,
  port: number,
): Promise<void> {
  const options = { bootstrap: broker.bootstrap, group: `of-${software}`, topic: 'telemetry', sessionMs: 6000 }
  const child = new Child([...command, 'member', JSON.stringify(options)])
  const pushesSeen = async () => {
    const series = await ofOttla(port)
    const own = [...series].filter(([key]) => key.startsWith('org_apache_kafka_') && key.includes(`"${software}`))
    return { own, count: series.get('kafka_server_client_metrics_plugin_export_count ')! }
  }
  try {
    const first = await poll(
      'a push',
      async () => ((await pushesSeen()).own.length > 0 ? await pushesSeen() : undefined),
      30_000,
      200,
    )
    assert.ok(
      first.own.some(([key]) => /^org_apache_kafka_consumer_\w+\{/.test(key)),
      first.own.map(([key]) => key).join('\n'),
    )
    await poll('another', async () => (await pushesSeen()).count > first.count + 1 || undefined, 10_000, 200)
    const series = await ofOttla(port)
    assert.equal(series.get('kafka_server_client_metrics_plugin_error_count '), 0)
  } finally {
    await child.stop('SIGTERM', 10_000)
  }
}
