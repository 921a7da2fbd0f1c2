import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { javaHashCode, javaSlot } from '../java-hash.ts'
import { resolveBrokerConfig } from './broker-config.ts'
import {
  ConfigSourceCode,
  type DescribedConfig,
  describeBroker,
  describeClientMetrics,
  describeClusterDefaults,
  describeGroup,
  describeTopic,
} from './describe.ts'
import { applyDynamicConfigs } from './dynamic.ts'
import { loadConfig } from './sources.ts'

interface Row {
  readonly name: string
  readonly value: string | null
  readonly source: string
  readonly isSensitive: boolean
  readonly readOnly: boolean
  readonly type: string
  readonly synonyms: readonly (readonly [name: string, value: string | null, source: string])[]
}

interface Described {
  readonly serverProperties: string
  readonly dynamic: Readonly<Record<'cluster' | 'broker' | 'topic' | 'group' | 'clientMetrics', Record<string, string>>>
  readonly broker: readonly Row[]
  readonly cluster: readonly Row[]
  readonly topic: readonly Row[]
  readonly plainTopic: readonly Row[]
  readonly group: readonly Row[]
  readonly plainGroup: readonly Row[]
  readonly clientMetrics: readonly Row[]
}

/** What a broker of Apache Kafka 4.3.1 answered: fixtures/DescribeBroker.java; in which order: fixtures/DescribeOrder.java. */
const kafkas: Described = fixture('described.json')
const order: Readonly<Record<'broker' | 'cluster' | 'topic' | 'group' | 'clientMetrics', readonly string[]>> =
  fixture('described-order.json')

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}`, 'utf8'))
}

const SOURCES: Readonly<Record<string, number>> = {
  DYNAMIC_TOPIC_CONFIG: ConfigSourceCode.topic,
  DYNAMIC_BROKER_CONFIG: ConfigSourceCode.broker,
  DYNAMIC_DEFAULT_BROKER_CONFIG: ConfigSourceCode.clusterDefault,
  STATIC_BROKER_CONFIG: ConfigSourceCode.static,
  DEFAULT_CONFIG: ConfigSourceCode.default,
  DYNAMIC_CLIENT_METRICS_CONFIG: ConfigSourceCode.clientMetrics,
  DYNAMIC_GROUP_CONFIG: ConfigSourceCode.group,
}
const TYPES = ['UNKNOWN', 'BOOLEAN', 'STRING', 'INT', 'SHORT', 'LONG', 'DOUBLE', 'LIST', 'CLASS', 'PASSWORD']

function compare(ours: readonly DescribedConfig[], theirs: readonly Row[]): void {
  const mine = new Map(ours.map(({ documentation, ...row }) => [row.name, row]))
  assert.equal(mine.size, ours.length, 'each once')
  assert.deepEqual([...mine.keys()].sort(), theirs.map(row => row.name).sort())
  for (const row of theirs) {
    const expected = {
      ...row,
      source: SOURCES[row.source],
      type: TYPES.indexOf(row.type),
      synonyms: row.synonyms.map(([name, value, source]) => ({ name, value, source: SOURCES[source] })),
    }
    assert.deepEqual(mine.get(row.name), expected, row.name)
  }
}

const entries = (configs: Record<string, string>) => new Map(Object.entries(configs))

const { raw } = loadConfig({ file: { name: 'server.properties', text: kafkas.serverProperties } })
const { config, ignored } = applyDynamicConfigs(
  resolveBrokerConfig(raw),
  // Eligible leader replicas are on in a new cluster, and with them this is written down.
  entries({ ...kafkas.dynamic.cluster, 'min.insync.replicas': '1' }),
  entries(kafkas.dynamic.broker),
)

test('a broker describes itself as Kafka does', () => {
  assert.deepEqual(ignored, [])
  compare(describeBroker(config), kafkas.broker)
})

test('the defaults of the cluster are described as Kafka does', () => {
  compare(describeClusterDefaults(config), kafkas.cluster)
})

test('a topic is described as Kafka does', () => {
  compare(describeTopic(config, entries(kafkas.dynamic.topic)), kafkas.topic)
  compare(describeTopic(config, new Map()), kafkas.plainTopic)
})

test('a group is described as Kafka does', () => {
  compare(describeGroup(config, entries(kafkas.dynamic.group)), kafkas.group)
  compare(describeGroup(config, new Map()), kafkas.plainGroup)
})

test('a client metrics subscription is described as Kafka does', () => {
  compare(describeClientMetrics(entries(kafkas.dynamic.clientMetrics)), kafkas.clientMetrics)
})

test('configs come in the order in which Kafka tells them', () => {
  const names = (configs: readonly DescribedConfig[]) => configs.map(({ name }) => name)
  // Names that share one of 512 slots come in the order in which they are defined, and that is ours.
  const slots = (all: readonly string[]) => all.map(name => javaSlot(javaHashCode(name), 512))
  assert.deepEqual(slots(names(describeBroker(config))), slots(order.broker))
  assert.deepEqual(names(describeClusterDefaults(config)), order.cluster)
  assert.deepEqual(names(describeTopic(config, entries(kafkas.dynamic.topic))), order.topic)
  assert.deepEqual(names(describeGroup(config, entries(kafkas.dynamic.group))), order.group)
  assert.deepEqual(names(describeClientMetrics(entries(kafkas.dynamic.clientMetrics))), order.clientMetrics)
})

test('no secret is told', () => {
  const text = JSON.stringify(describeBroker(config))
  assert.match(kafkas.serverProperties, /hush/)
  assert.doesNotMatch(text, /hush/)
  assert.doesNotMatch(JSON.stringify(config.source.values), /hush/)
})
