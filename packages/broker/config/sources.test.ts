import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BrokerConfig, describeSettings, resolveBrokerConfig } from './broker-config.ts'
import { developerDefaults, needsDeveloperDefaults } from './developer-defaults.ts'
import { ConfigError } from './errors.ts'
import { type ConfigSources, decodeProperties, loadConfig } from './sources.ts'
import { refusals, unhonoured, unhonouredTopicConfigs } from './unsupported.ts'

const NODE = `# one node
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.quorum.voters=1@localhost:9093
`

function load(text: string, more: ConfigSources = {}): BrokerConfig {
  return resolveBrokerConfig(loadConfig({ file: { name: 'server.properties', text: NODE + text }, ...more }).raw)
}

function problemsOf(run: () => unknown): string[] {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.message.split('\n')
  }
  return []
}

test('an argument counts before the environment, and that before the file', () => {
  const environment = { KAFKA_NUM_PARTITIONS: '2', KAFKA_LOG_RETENTION_HOURS: '2' }
  const config = load('num.partitions=1\nlog.retention.hours=1\nlog.roll.hours=1', {
    environment,
    set: ['num.partitions=3'],
  })
  assert.equal(config.numPartitions, 3)
  assert.equal(config.logRetentionMs, 2 * 3_600_000)
  assert.equal(config.logRollMs, 3_600_000)
})

test('every mistake is told at once, with its place', () => {
  const environment = { KAFKA_NUM_PARTITIONS: '0' }
  const problems = problemsOf(() =>
    load('log.retention.hours=abc\nlog.segment.bytes=1\n', { environment, set: ['log.cleaner.threads=x'] }),
  )
  assert.deepEqual(problems.sort(), [
    '--set log.cleaner.threads: Invalid value x for configuration log.cleaner.threads: Value is not an int, a whole number from -2147483648 to 2147483647',
    'environment KAFKA_NUM_PARTITIONS: Invalid value 0 for configuration num.partitions: Value must be at least 1',
    'server.properties line 7: Invalid value abc for configuration log.retention.hours: Value is not an int, a whole number from -2147483648 to 2147483647',
    'server.properties line 8: Invalid value 1 for configuration log.segment.bytes: Value must be at least 1048576',
  ])
})

test('a rule about several keys points at what was set', () => {
  assert.deepEqual(
    problemsOf(() => load('replica.fetch.wait.max.ms=40000\nlog.retention.minutes=0')),
    [
      'server.properties line 8: log.retention.ms must be at least 1, or -1 for no limit',
      'server.properties line 7: replica.fetch.wait.max.ms (40000) must not be more than replica.socket.timeout.ms (30000)',
      'server.properties line 7: replica.fetch.wait.max.ms (40000) must not be more than replica.lag.time.max.ms (30000)',
    ],
  )
})

test('a secret is never in a message', () => {
  const secret = 'hunter2'
  const text = `ssl.keystore.password=${secret}\nlistener.name.external.ssl.key.password=${secret}\nmy.plugin.key=${secret}`
  const config = load(text)
  const said = JSON.stringify([describeSettings(config), unhonoured(config), config.sslKeystorePassword])
  assert.doesNotMatch(said, /hunter2/)
  assert.equal(config.sslKeystorePassword?.value, secret)
  assert.equal(String(config.sslKeystorePassword), '[hidden]')
})

test('an unknown name is a warning in a file and an error as an argument', () => {
  const file = {
    name: 'server.properties',
    text: 'log.retention.hour=1\nretention.ms=1\nzookeeper.connect=x\nsuper.users=User:a',
  }
  const { warnings } = loadConfig({ file, environment: { KAFKA_NUM_PARTITION: '1' } })
  assert.deepEqual(
    warnings.map(({ origin, message }) => `${origin}: ${message}`),
    [
      'server.properties line 1: log.retention.hour is not a configuration key (did you mean log.retention.hours?); it is ignored',
      'server.properties line 2: retention.ms is not a configuration key (did you mean log.retention.ms?); it is ignored',
      'server.properties line 3: zookeeper.connect has no effect: there is no ZooKeeper',
      'server.properties line 4: super.users has no effect: there is no access control',
      'environment KAFKA_NUM_PARTITION: num.partition is not a configuration key (did you mean num.partitions?); it is ignored',
    ],
  )
  assert.deepEqual(
    problemsOf(() => loadConfig({ set: ['log.retention.hour=1', 'nonsense', 'listener.name.x.max.connection=1'] })),
    [
      '--set log.retention.hour: log.retention.hour is not a configuration key (did you mean log.retention.hours?)',
      "--set: 'nonsense' is not key=value",
      '--set listener.name.x.max.connection: listener.name.x.max.connection is not a configuration key (did you mean listener.name.x.max.connections?)',
    ],
  )
})

test('what is not honoured is said, once it is set to something', () => {
  const config = load(
    'num.io.threads=8\nnum.network.threads=9\nremote.log.reader.threads=2\nlistener.name.plaintext.ssl.client.auth=required\nlistener.name.plaintext.max.connections=5',
  )
  const { warnings, notes } = unhonoured(config)
  assert.deepEqual(
    warnings.map(({ origin, message }) => `${origin}: ${message}`),
    [
      'server.properties line 9: remote.log.reader.threads=2 has no effect yet: there is no tiered storage',
      'server.properties line 10: listener.name.plaintext.ssl.client.auth=required has no effect yet: there is no TLS',
      'server.properties line 11: listener.name.plaintext.max.connections=5 has no effect yet: settings of a single listener are not read, only those without the prefix',
    ],
  )
  assert.deepEqual(
    notes.map(note => note.name),
    ['num.network.threads'],
  )
  assert.deepEqual(
    unhonouredTopicConfigs(
      new Map([
        ['retention.ms', '1'],
        ['remote.storage.enable', 'false'],
      ]),
    ),
    [],
  )
  assert.equal(unhonouredTopicConfigs(new Map([['remote.storage.enable', 'true']])).length, 1)
})

test('what would leave a node open or alone is refused', () => {
  assert.deepEqual(refusals(load('')), [])
  const reasons = (text: string, set: string[] = []) => refusals(load(text, { set })).map(({ name }) => name)
  assert.deepEqual(reasons('authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer'), [
    'authorizer.class.name',
  ])
  assert.deepEqual(
    reasons('', [
      'listeners=SSL://:9092,CONTROLLER://:9093',
      'listener.security.protocol.map=SSL:SSL,CONTROLLER:PLAINTEXT',
      'security.inter.broker.protocol=SSL',
    ]),
    ['listeners'],
  )
  assert.deepEqual(reasons('', ['controller.quorum.voters=1@a:1,2@b:1']), ['controller.quorum.voters'])
  assert.deepEqual(reasons('', ['process.roles=controller', 'listeners=CONTROLLER://:9093']), ['process.roles'])
})

test('config providers are refused', () => {
  assert.deepEqual(
    problemsOf(() => load('config.providers=file')),
    ['server.properties line 7: config.providers: config providers are not supported yet'],
  )
  assert.deepEqual(
    problemsOf(() => load('ssl.key.password=$' + '{file:/x:key}')),
    ['server.properties line 7: ssl.key.password: references such as $' + '{provider:path:key} are not supported yet'],
  )
})

test('the image listens everywhere if it is only told what to advertise', () => {
  const environment = {
    CLUSTER_ID: 'abc',
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://example.com:9092,CONTROLLER://example.com:9093',
  }
  const { raw, clusterId } = loadConfig({ environment })
  const { listeners } = resolveBrokerConfig(raw)
  assert.equal(clusterId, 'abc')
  assert.deepEqual(listeners.broker, [{ name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '0.0.0.0', port: 9092 }])
  assert.equal(listeners.advertisedBroker[0]!.host, 'example.com')
})

test("a developer's node needs nothing said, and a file or a role says everything", () => {
  assert.ok(needsDeveloperDefaults({ environment: { KAFKA_HOME: '/opt/kafka' }, set: ['num.partitions=2'] }))
  assert.ok(!needsDeveloperDefaults({ file: { name: 'x', text: '' } }))
  assert.ok(!needsDeveloperDefaults({ environment: { KAFKA_PROCESS_ROLES: 'broker' } }))
  for (const [port, controllerPort] of [
    [9092, 9093],
    [0, 0],
    [65_535, 65_534],
  ] as const) {
    const defaults = developerDefaults({ dataDir: '/data', port, host: '::1' })
    const config = resolveBrokerConfig(loadConfig({ defaults, set: ['num.partitions=2'] }).raw)
    assert.deepEqual(
      config.listeners.all.map(endpoint => [endpoint.host, endpoint.port]),
      [
        ['::1', port],
        ['::1', controllerPort],
      ],
    )
    assert.deepEqual([config.nodeId, config.offsetsTopicReplicationFactor, config.numPartitions], [1, 1, 2])
    assert.deepEqual(config.logDirs, ['/data'])
    assert.deepEqual([unhonoured(config).warnings, refusals(config)], [[], []])
  }
})

test('the bytes of a file are Latin-1', () => {
  assert.equal(decodeProperties(Uint8Array.of(0x61, 0xe9)), 'aé')
})
