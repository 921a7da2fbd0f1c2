import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../errors.ts'
import { type BrokerConfig, listenerConfigValue, resolveBrokerConfig } from './broker-config.ts'
import { developerDefaults } from './developer-defaults.ts'
import { applyDynamicConfigs, isDynamic, validateDynamicConfigs } from './dynamic.ts'
import { resolveGroupConfig } from './group-config.ts'
import { loadConfig } from './sources.ts'
import { resolveTopicConfig } from './topic-config.ts'

function broker(...set: string[]): BrokerConfig {
  return resolveBrokerConfig(loadConfig({ defaults: developerDefaults({ dataDir: '/data' }), set }).raw)
}

const NONE = new Map<string, string>()
const configs = (entries: Record<string, string>) => new Map(Object.entries(entries))

test('this broker counts before all brokers, and they before the file', () => {
  const start = broker('message.max.bytes=1000', 'num.io.threads=8')
  const { config, ignored } = applyDynamicConfigs(
    start,
    configs({ 'message.max.bytes': '2000', 'num.io.threads': '9' }),
    configs({ 'message.max.bytes': '3000' }),
  )
  assert.deepEqual([config.messageMaxBytes, config.numIoThreads, ignored], [3000, 9, []])
  const { config: back } = applyDynamicConfigs(config, NONE, NONE)
  assert.deepEqual([back.messageMaxBytes, back.numIoThreads], [1000, 8])
  assert.equal(start.messageMaxBytes, 1000)
})

test('a finer unit that is set dynamically hides a coarser one of the file, and the other way round', () => {
  const start = broker('log.retention.ms=1000', 'log.roll.hours=1')
  assert.equal(start.logRetentionMs, 1000)
  const { config } = applyDynamicConfigs(start, configs({ 'log.roll.ms': '5' }), configs({ 'log.retention.ms': '7' }))
  assert.deepEqual([config.logRollMs, config.logRetentionMs], [5, 7])
})

test('what is stored and no good is left out, and the rest counts', () => {
  const start = broker()
  const stored = configs({
    'log.retention.ms': 'x',
    'node.id': '7',
    'ssl.keystore.location': '/x',
    'message.max.bytes': '5',
  })
  const { config, ignored } = applyDynamicConfigs(start, stored, NONE)
  assert.equal(config.messageMaxBytes, 5)
  assert.deepEqual(ignored, [
    'Invalid value x for configuration log.retention.ms: Value is not a long, a whole number of 64 bits',
    'node.id cannot be changed while the broker runs',
    'ssl.keystore.location can be changed only for a listener: listener.name.<listener>.ssl.keystore.location',
  ])
})

test('what is stored and only bad together changes nothing', () => {
  const start = broker('log.cleaner.max.compaction.lag.ms=10')
  const { config, ignored } = applyDynamicConfigs(start, configs({ 'log.cleaner.min.compaction.lag.ms': '11' }), NONE)
  assert.equal(config, start)
  assert.equal(ignored.length, 1)
})

test('an assignment interval that is stored is held to bounds that became narrower', () => {
  const start = broker('group.consumer.max.assignment.interval.ms=2000')
  const { config, ignored } = applyDynamicConfigs(
    start,
    configs({ 'group.consumer.assignment.interval.ms': '9000' }),
    NONE,
  )
  assert.equal(config.groupConsumerAssignmentIntervalMs, 2000)
  assert.equal(ignored.length, 1)
})

function refusal(start: BrokerConfig, entries: Record<string, string>): string {
  try {
    validateDynamicConfigs(start, configs(entries), 'broker')
  } catch (error) {
    assert.ok(error instanceof ApiError)
    assert.equal(error.code, 'INVALID_REQUEST')
    return error.message
  }
  return ''
}

test("all that only a start reads is named, in the words that Kafka's tests look for", () => {
  assert.equal(
    refusal(broker(), { 'node.id': '2', 'message.max.bytes': 'x', 'security.inter.broker.protocol': 'PLAINTEXT' }),
    'Cannot update these configs dynamically: [node.id, security.inter.broker.protocol]',
  )
})

test('threads may be halved or doubled at a time', () => {
  const start = broker('num.io.threads=8', 'log.cleaner.threads=3')
  for (const count of [4, 8, 16]) assert.equal(refusal(start, { 'num.io.threads': String(count) }), '')
  assert.match(refusal(start, { 'num.io.threads': '3' }), /num.io.threads \(3\) must be at least half/)
  assert.match(refusal(start, { 'num.io.threads': '17' }), /num.io.threads \(17\) must not be more than double/)
  assert.equal(refusal(start, { 'log.cleaner.threads': '1' }), '')
})

test('listeners can come and go, but for those that are advertised, and one that stays keeps its security', () => {
  const start = broker('listener.name.plaintext.sasl.enabled.mechanisms=PLAIN')
  const open = 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093'
  const map = 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,MORE:PLAINTEXT'
  const add = { listeners: `${open},MORE://127.0.0.1:9094`, 'listener.security.protocol.map': map }
  // MORE would be advertised, having no address of its own for clients.
  assert.equal(refusal(start, add), '')
  const lost = refusal(start, { ...add, listeners: 'CONTROLLER://127.0.0.1:9093,MORE://127.0.0.1:9094' })
  assert.match(lost, /inter.broker.listener.name, which is PLAINTEXT, must be one of the advertised listeners/)
  assert.match(
    refusal(start, { 'listener.security.protocol.map': 'PLAINTEXT:SSL,CONTROLLER:PLAINTEXT' }),
    /must keep PLAINTEXT for PLAINTEXT/,
  )
  assert.match(
    refusal(start, { 'listener.name.plaintext.sasl.enabled.mechanisms': 'GSSAPI' }),
    /listener PLAINTEXT cannot be changed/,
  )
  assert.equal(refusal(start, { 'listener.name.plaintext.max.connections': '5' }), '')
})

test('what nobody knows may be set for a listener that is open, and what is known may not', () => {
  const prefix = 'listener.name.plaintext'
  const set = (name: string) => validateDynamicConfigs(broker(), configs({ [`${prefix}.${name}`]: 'x' }), 'broker')
  assert.doesNotThrow(() => set('of.a.plugin'))
  assert.throws(() => set('ssl.principal.mapping.rules'), /cannot be changed while it is open/)
})

test('which configs are dynamic', () => {
  assert.deepEqual(
    ['log.retention.ms', 'log.retention.hours', 'leader.replication.throttled.rate', 'nonsense'].map(isDynamic),
    [true, false, true, false],
  )
})

test('a key on a listener: with the mechanism, without, and for all', () => {
  const prefix = 'listener.name.plaintext.'
  const config = broker(
    `${prefix}scram-sha-256.connections.max.reauth.ms=1`,
    `${prefix}connections.max.reauth.ms=2`,
    'connections.max.reauth.ms=3',
  )
  const value = (listener: string, mechanism?: string) =>
    listenerConfigValue(config, listener, 'connections.max.reauth.ms', mechanism)
  assert.deepEqual(
    [value('PLAINTEXT', 'SCRAM-SHA-256'), value('PLAINTEXT', 'PLAIN'), value('PLAINTEXT'), value('CONTROLLER')],
    [1, 2, 2, 3],
  )
})

test('a topic has what its broker has, but for what it sets; internal and derived values are worked out', () => {
  const config = broker('log.retention.hours=2', 'log.segment.bytes=2000000', 'log.flush.scheduler.interval.ms=9')
  const plain = resolveTopicConfig(config, NONE)
  assert.deepEqual(
    [plain.retentionMs, plain.segmentBytes, plain.flushMs, plain.localRetentionMs],
    [7_200_000, 2_000_000, 9, 7_200_000],
  )
  const own = resolveTopicConfig(
    config,
    configs({
      'internal.segment.bytes': '14',
      'retention.ms': '-1',
      'cleanup.policy': 'compact,delete',
      'flush.ms': 'nonsense',
    }),
  )
  assert.deepEqual([own.segmentBytes, own.retentionMs, own.flushMs], [14, -1, 9])
  assert.deepEqual(own.cleanupPolicy, ['compact', 'delete'])
  const { config: dynamic } = applyDynamicConfigs(config, configs({ 'log.retention.ms': '5' }), NONE)
  assert.equal(resolveTopicConfig(dynamic, NONE).retentionMs, 5)
})

test('a group has what its broker has, and what it sets within the bounds of the broker', () => {
  const config = broker('group.consumer.session.timeout.ms=50000', 'group.consumer.max.session.timeout.ms=55000')
  assert.equal(resolveGroupConfig(config, NONE).consumerSessionTimeoutMs, 50_000)
  assert.equal(
    resolveGroupConfig(config, configs({ 'consumer.session.timeout.ms': '60000' })).consumerSessionTimeoutMs,
    55_000,
  )
  assert.equal(
    resolveGroupConfig(config, configs({ 'consumer.session.timeout.ms': '46000' })).consumerSessionTimeoutMs,
    46_000,
  )
})
