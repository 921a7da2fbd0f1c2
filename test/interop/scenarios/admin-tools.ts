/**
 * Apache Kafka's tools for the administration of a cluster: what each prints against Apache Kafka is kept in ../expected/,
 * as in tools.ts.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_ID } from '../brokers.ts'
import type { Context } from '../context.ts'
import { Bench, type Command, command } from './tools.ts'

export async function adminTools(context: Context): Promise<void> {
  const { kit, report } = context
  if (!kit.java) {
    report.skip('admin-tools', 'Java or Apache Kafka is missing')
    return
  }
  const broker = await context.brokers.start(context.kind, { folder: join(kit.scratch, 'admin-tools') })
  await kit.java.prepareArchive(broker.bootstrap)
  const bench = new Bench('admin-tools', context, kit.java, broker)
  await bench.area('features', FEATURES)
  await bench.area('quorum', QUORUM)
  await bench.area('partitions', partitions(context))
  await bench.area('entities', ENTITIES)
  await bench.area('client-metrics', CLIENT_METRICS)
  await bench.area('endpoints', ENDPOINTS)
  await broker.stop()
}

/** Ids of the cluster and its log dirs, where the log is, where the controller listens. */
const PLACES: Command['replaced'] = [
  // The words of a controller.
  [/(?<=^Could not \w+ \S+ to \d+\. |^Could not disable \S+\. ).*/gm, 'WORDS'],
  [/(?<=directoryId": ?"|ClusterId: )[\w-]{22}/g, 'ID'],
  [/(?<=^\d+ )[\w-]{22}(?= )/gm, 'ID'],
  [/(?<=LeaderEpoch: |HighWatermark: )\d+/g, 'N'],
  [/(?<=Epoch: )\d+/g, 'N'],
  [/(?<=ID )\d+ 0 \d{13} \d{13}/g, 'N 0 TIME TIME'],
  [/\d+ ms ago/g, 'N ms ago'],
  [/(?<=ID )\d+ 0 (?=N ms)/g, 'N 0 '],
  [/CONTROLLER:\/\/[\w.]+:\d+/g, 'CONTROLLER://PLACE'],
]
const features = (words: string) => command('features', words, { addressFirst: true, replaced: PLACES })
const FEATURES: readonly Command[] = [
  features('describe'),
  features('upgrade --feature transaction.version=1'),
  features('upgrade --feature transaction.version=9'),
  features('upgrade --feature no.such.version=1'),
  features('downgrade --feature transaction.version=1 --dry-run'),
  features('downgrade --feature transaction.version=1'),
  features('describe'),
  features('upgrade --feature transaction.version=2 --feature share.version=1'),
  features('disable --feature share.version'),
  features('upgrade --feature share.version=1 --dry-run'),
  features('upgrade --feature share.version=1'),
  features('upgrade --release-version 4.3'),
  features('downgrade --release-version 4.2'),
  features('downgrade --metadata 4.2-IV1 --unsafe'),
  features('downgrade --feature kraft.version=0'),
  features('describe'),
]

const quorum = (words: string) => command('metadata-quorum', words, { addressFirst: true, replaced: PLACES })
const QUORUM: readonly Command[] = [
  quorum('describe --status'),
  quorum('describe --replication'),
  quorum('describe --replication --human-readable'),
  quorum('describe'),
]

/** Whether the files name the partitions of one or of the other broker. */
function partitions({ kit }: Context): readonly Command[] {
  const file = (name: string, value: object) => writeFileSync(join(kit.scratch, name), JSON.stringify(value))
  const one = (replicas: number[], partition = 0) => ({ topic: 'moving', partition, replicas })
  file('elect.json', { partitions: [{ topic: 'moving', partition: 1 }] })
  file('elect-none.json', { partitions: [{ topic: 'nobody', partition: 0 }] })
  file('same.json', { version: 1, partitions: [one([NODE_ID]), one([NODE_ID], 1)] })
  file('elsewhere.json', { version: 1, partitions: [one([9])] })
  file('nobody.json', { version: 1, partitions: [{ topic: 'nobody', partition: 0, replicas: [NODE_ID] }] })
  file('topics.json', { version: 1, topics: [{ topic: 'moving' }] })
  const elect = (words: string) => command('leader-election', words)
  const move = (words: string) => command('reassign-partitions', words)
  return [
    command('topics', '--create --topic moving --partitions 2'),
    elect('--election-type preferred --topic moving --partition 0'),
    elect('--election-type unclean --topic moving --partition 0'),
    elect('--election-type preferred --all-topic-partitions'),
    elect('--election-type preferred --path-to-json-file FILE:elect.json'),
    elect('--election-type preferred --path-to-json-file FILE:elect-none.json'),
    elect('--election-type unclean --topic moving --partition 9'),
    move('--list'),
    move(`--generate --broker-list ${NODE_ID} --topics-to-move-json-file FILE:topics.json`),
    move('--generate --broker-list 9 --topics-to-move-json-file FILE:topics.json'),
    move('--execute --reassignment-json-file FILE:same.json'),
    move('--verify --reassignment-json-file FILE:same.json'),
    move('--execute --reassignment-json-file FILE:elsewhere.json'),
    move('--execute --reassignment-json-file FILE:nobody.json'),
    move('--execute --additional --throttle 1000 --reassignment-json-file FILE:same.json'),
    command('configs', `--describe --entity-type brokers --entity-name ${NODE_ID}`, {
      only: line => /throttled/.test(line),
    }),
    command('configs', '--describe --entity-type topics --entity-name moving'),
    move('--verify --reassignment-json-file FILE:same.json'),
    move('--cancel --reassignment-json-file FILE:same.json'),
    command('configs', '--describe --entity-type topics --entity-name moving'),
    move('--list'),
  ]
}

const configs = (words: string, more: Partial<Command> = {}) => command('configs', words, more)
const sorted = { unordered: true }
const ENTITIES: readonly Command[] = [
  configs(
    '--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1024,consumer_byte_rate=2048',
  ),
  configs('--alter --entity-type users --entity-default --add-config request_percentage=250'),
  configs('--alter --entity-type clients --entity-name c1 --add-config controller_mutation_rate=10'),
  configs('--alter --entity-type clients --entity-default --add-config producer_byte_rate=4096'),
  configs(
    '--alter --entity-type users --entity-name alice --entity-type clients --entity-name c1 --add-config consumer_byte_rate=1',
  ),
  configs(
    '--alter --entity-type users --entity-name alice --entity-type clients --entity-default --add-config consumer_byte_rate=2',
  ),
  configs('--alter --entity-type users --entity-name alice --add-config producer_byte_rate=few'),
  configs('--alter --entity-type users --entity-name alice --add-config producer_byte_rate=0'),
  configs('--alter --entity-type users --entity-name alice --add-config no.such.quota=1'),
  configs('--alter --entity-type users --entity-name alice --delete-config no.such.quota'),
  configs('--describe --entity-type users', sorted),
  configs('--describe --entity-type users --entity-name alice'),
  configs('--describe --entity-type users --entity-name nobody'),
  configs('--describe --entity-type users --entity-default'),
  configs('--describe --entity-type clients', sorted),
  configs('--describe --entity-type users --entity-name alice --entity-type clients', sorted),
  configs('--describe --entity-type users --entity-name alice --entity-type clients --entity-name c1'),
  configs(
    `--alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[iterations=8192,password=secret]'`,
  ),
  configs(`--alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-512=[password=secret]'`),
  configs(
    `--alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[iterations=1,password=secret]'`,
  ),
  configs(`--alter --entity-type users --entity-default --add-config 'SCRAM-SHA-256=[password=secret]'`),
  configs('--alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-512'),
  configs('--describe --entity-type users --entity-name alice'),
  configs('--alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-512'),
  configs('--alter --entity-type users --entity-name bob --delete-config SCRAM-SHA-256'),
  configs('--describe --entity-type users', sorted),
  configs('--alter --entity-type ips --entity-name 10.0.0.1 --add-config connection_creation_rate=100'),
  configs('--alter --entity-type ips --entity-default --add-config connection_creation_rate=1000'),
  configs('--alter --entity-type ips --entity-name 10.0.0.1 --add-config producer_byte_rate=1'),
  configs('--alter --entity-type ips --entity-name no.such.host.invalid --add-config connection_creation_rate=1'),
  configs('--alter --entity-type ips --entity-name 10.0.0.1 --add-config connection_creation_rate=1.5'),
  configs('--describe --entity-type ips', sorted),
  configs('--describe --entity-type ips --entity-name 10.0.0.1'),
  configs('--alter --entity-type ips --entity-name 10.0.0.1 --delete-config connection_creation_rate'),
  configs('--alter --entity-type ips --entity-default --delete-config connection_creation_rate'),
  configs('--describe --entity-type ips'),
  configs('--alter --entity-type clients --entity-default --delete-config producer_byte_rate'),
  configs('--alter --entity-type users --entity-default --delete-config request_percentage'),
  configs('--alter --entity-type groups --entity-name g1 --add-config consumer.session.timeout.ms=50000'),
  configs('--alter --entity-type groups --entity-name g1 --add-config consumer.session.timeout.ms=1'),
  configs('--alter --entity-type groups --entity-name g1 --add-config share.auto.offset.reset=earliest'),
  configs('--alter --entity-type groups --entity-name g1 --add-config no.such.config=1'),
  configs('--alter --entity-type groups --entity-default --add-config consumer.session.timeout.ms=50000'),
  configs('--describe --entity-type groups --entity-name g1'),
  configs('--describe --entity-type groups', sorted),
  configs('--alter --entity-type groups --entity-name g1 --delete-config consumer.session.timeout.ms'),
  configs('--describe --entity-type groups --entity-name g1'),
  configs('--alter --entity-type client-metrics --entity-name m1 --add-config interval.ms=1000,metrics=[a.,b.]'),
  configs('--alter --entity-type client-metrics --entity-name m1 --add-config interval.ms=1'),
  configs('--alter --entity-type client-metrics --entity-name m1 --add-config match=[color=red]'),
  configs('--alter --entity-type client-metrics --entity-name m1 --add-config match=[client_id=a.*]'),
  configs('--describe --entity-type client-metrics --entity-name m1'),
  configs('--describe --entity-type client-metrics', sorted),
  configs('--alter --entity-type client-metrics --entity-name m1 --delete-config interval.ms,metrics,match'),
  configs('--describe --entity-type client-metrics --entity-name m1'),
  configs(`--alter --entity-type broker-loggers --entity-name ${NODE_ID} --add-config root=DEBUG`),
  configs(`--alter --entity-type broker-loggers --entity-name ${NODE_ID} --add-config root=LOUD`),
  configs(`--alter --entity-type broker-loggers --entity-name ${NODE_ID} --add-config no.such.logger=INFO`),
  configs(`--alter --entity-type broker-loggers --entity-name ${NODE_ID} --delete-config root`),
  configs(`--describe --entity-type broker-loggers --entity-name ${NODE_ID}`, {
    only: line => /^Dyn| root=/.test(line),
  }),
  configs(`--alter --entity-type broker-loggers --entity-name ${NODE_ID} --add-config root=INFO`),
  configs('--describe --entity-type broker-loggers --entity-name 9'),
]

const metrics = (words: string) => command('client-metrics', words)
const CLIENT_METRICS: readonly Command[] = [
  metrics('--list'),
  metrics(
    '--alter --name one --metrics org.apache.kafka.producer.,org.apache.kafka.consumer.coordinator. --interval 60000',
  ),
  metrics('--alter --name one --match client_id=b.*,client_software_version=1.*'),
  metrics('--alter --name two --metrics * --interval 5000'),
  metrics('--alter --name bad --interval 5'),
  metrics('--alter --name bad --match color=red'),
  metrics('--alter --name bad'),
  metrics('--describe --name one'),
  metrics('--describe --name nobody'),
  command('client-metrics', '--describe', sorted),
  command('client-metrics', '--list', sorted),
  metrics('--alter --name one --interval --metrics --match'),
  metrics('--delete --name two'),
  metrics('--delete --name nobody'),
  metrics('--delete --name one'),
  metrics('--list'),
]

const ENDPOINTS: readonly Command[] = [
  command('cluster-id', 'cluster-id'),
  command('cluster-id', 'list-endpoints'),
  command('cluster-id', 'list-endpoints --include-fenced-brokers'),
  command('cluster-id', 'unregister --id 9'),
  command('cluster-id', 'unregister --id -1'),
]
