/**
 * Apache Kafka's command line tools, the strictest readers of all: what each prints, its error messages and its exit code
 * have to be what it prints against Apache Kafka, which is kept in ../expected/. They have a broker of their own, since
 * many of them list all that there is.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_ID, type RunningBroker } from '../brokers.ts'
import type { Context } from '../context.ts'
import type { Java } from '../java.ts'
import { Child, type Finished, poll } from '../process.ts'
import { normalise, Transcript } from '../transcript.ts'

/** Configs that tell where a broker runs instead of how it acts. */
const PLACE = new Set([
  'advertised.listeners',
  'broker.id',
  'controller.listener.names',
  'controller.quorum.bootstrap.servers',
  'controller.quorum.voters',
  'listener.security.protocol.map',
  'listeners',
  'log.dir',
  'log.dirs',
  'node.id',
  'process.roles',
])

/** The APIs that a broker of one node has to serve; Apache Kafka's has more. */
const APIS = new Set([
  ...['ApiVersions', 'Metadata', 'DescribeTopicPartitions', 'CreateTopics', 'DeleteTopics', 'CreatePartitions'],
  ...['Produce', 'Fetch', 'ListOffsets', 'OffsetForLeaderEpoch', 'DeleteRecords', 'InitProducerId'],
  ...['FindCoordinator', 'JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup', 'OffsetCommit', 'OffsetFetch'],
  ...['OffsetDelete', 'DescribeGroups', 'ListGroups', 'DeleteGroups', 'DescribeConfigs', 'AlterConfigs'],
  ...['IncrementalAlterConfigs', 'DescribeCluster', 'DescribeLogDirs'],
])

export interface Command {
  readonly tool: string
  /** Words of the command line, without the broker's address. */
  readonly words: string
  readonly input?: string
  /** Which lines of the output count; all if left out. */
  readonly only?: (line: string) => boolean
  /** Its numbers are measurements, all but this one. */
  readonly measures?: number
  /** The order of the lines means nothing. */
  readonly unordered?: boolean
  /** The broker's address comes before the words. */
  readonly addressFirst?: boolean
  /** What differs from run to run, beside what always does. */
  readonly replaced?: readonly (readonly [RegExp, string])[]
}

export const command = (tool: string, words: string, more: Partial<Command> = {}): Command => ({ tool, words, ...more })

export async function tools(context: Context): Promise<void> {
  const { kit, report } = context
  if (!kit.java) {
    report.skip('tools', 'Java or Apache Kafka is missing')
    return
  }
  const broker = await context.brokers.start(context.kind, { folder: join(kit.scratch, 'tools') })
  await kit.java.prepareArchive(broker.bootstrap)
  const bench = new Bench('tools', context, kit.java, broker)
  await bench.area('topics', TOPICS)
  await bench.area('data', DATA)
  await bench.area('offsets', offsets(context))
  await bench.area('groups', GROUPS)
  await bench.members('members', 'tools.live', 'classic', MEMBERS)
  await bench.members('consumers', 'tools.consumers', 'consumer', CONSUMERS)
  await bench.area('left', LEFT)
  await bench.area('configs', CONFIGS)
  await bench.area('cluster', CLUSTER)
  await broker.stop()
}

export class Bench {
  readonly #scenario: string
  readonly #context: Context
  readonly #java: Java
  readonly #broker: RunningBroker

  constructor(scenario: string, context: Context, java: Java, broker: RunningBroker) {
    this.#scenario = scenario
    this.#context = context
    this.#java = java
    this.#broker = broker
  }

  async #run({ tool, words, input, addressFirst }: Command): Promise<Finished> {
    const address = ['--bootstrap-server', this.#broker.bootstrap]
    const own = split(words, this.#context.kit.scratch)
    const args = addressFirst ? [...address, ...own] : [...own, ...address]
    return await this.#java.tool(tool, args, input)
  }

  /** Runs an area's commands in order. All are run even if only one was asked for: each builds on those before it. */
  async area(name: string, commands: readonly Command[]): Promise<void> {
    const transcript = new Transcript(name)
    const seen = new Set<string>()
    for (const each of commands) {
      const text = `${each.tool} ${each.words}`
      let unique = text
      for (let i = 2; seen.has(unique); i++) unique = `${text} (${i})`
      seen.add(unique)
      await this.#compare(transcript, name, unique, each)
    }
    if (this.#context.record) transcript.save()
  }

  async #compare(transcript: Transcript, area: string, text: string, each: Command): Promise<void> {
    const { report, record } = this.#context
    const name = `${this.#scenario}/${area}/${text}`
    const output = async () => lines(await this.#run(each), each)
    if (!report.wants(name)) return void (await output())
    await report.check(name, async () => {
      if (record) transcript.add(text, isQuestion(each) ? await this.#settled(output) : await output())
      else await this.#asExpected(isQuestion(each), async () => transcript.compare(text, await output()))
    })
  }

  /** What is printed twice in a row: a broker may learn a moment later of what it has just agreed to. */
  async #settled(output: () => Promise<string>): Promise<string> {
    let last = await output()
    const same = async () => {
      const before = last
      last = await output()
      return last === before || undefined
    }
    await sleep(300)
    await poll('the same answer twice', same, 10_000, 300)
    return last
  }

  /** For the same reason a question is put again, for a while, if the answer is not what it should be. */
  async #asExpected(again: boolean, compare: () => Promise<void>): Promise<void> {
    let last: unknown
    const isRight = () =>
      compare().then(
        () => true,
        error => {
          last = error
          return undefined
        },
      )
    await poll('the expected answer', isRight, again ? 3000 : 0, 200).catch(() => Promise.reject(last))
  }

  /** What consumer-groups tells of a group while it has a member: verifiable-consumer, which reads all and stays. */
  async members(area: string, group: string, protocol: string, commands: readonly Command[]): Promise<void> {
    const who = ['--topic', 'tools.text', '--group-id', group, '--group-protocol', protocol]
    const args = ['--bootstrap-server', this.#broker.bootstrap, ...who]
    const consumer = new Child([
      ...this.#java.toolCommand('verifiable-consumer'),
      ...args,
      '--reset-policy',
      'earliest',
    ])
    try {
      const hasRead = () => consumer.lines.some(line => line.includes('"offsets_committed"')) || undefined
      await consumer.until('verifiable-consumer', hasRead, 30_000)
      await this.area(area, commands)
    } finally {
      await consumer.stop('SIGTERM')
    }
    await this.#context.report.check(`tools/${area}/verifiable-consumer leaves in good order`, async () => {
      const events = consumer.lines.map(line => (JSON.parse(line) as { name: string }).name)
      const wanted = ['startup_complete', 'partitions_assigned', 'records_consumed', 'shutdown_complete']
      assert.deepEqual(
        wanted.filter(name => !events.includes(name)),
        [],
      )
      const state = command('consumer-groups', `--describe --state --group ${group}`)
      const isEmpty = async () => /\bEmpty\b/.test((await this.#run(state)).stdout) || undefined
      await poll('an empty group', isEmpty, 10_000)
    })
  }
}

/** Whether a command changes nothing, so that it may be run again. */
function isQuestion({ tool, words }: Command): boolean {
  return /--(describe|list|verify)\b|^(describe|list)/.test(words) || tool === 'get-offsets'
}

/** Words at blanks, single quotes keeping blanks together; `FILE:NAME` is a file in the scratch folder. */
function split(words: string, scratch: string): string[] {
  const found = words.match(/'[^']*'|\S+/g) ?? []
  return found.map(word => word.replaceAll("'", '').replace(/^FILE:/, `${scratch}/`))
}

function lines(finished: Finished, { only, measures, unordered, replaced = [] }: Command): string {
  let output = normalise(finished)
  for (const [pattern, replacement] of replaced) output = output.replaceAll(pattern, replacement)
  const all = output.split('\n')
  const end = all.pop()!
  const kept = only ? all.filter(only) : all
  if (unordered) kept.sort()
  const text = kept.join('\n')
  const number = (match: string) => (match === String(measures) ? match : 'N')
  return [...(text ? [measures ? text.replaceAll(/\d[\d.:-]*/g, number) : text] : []), end].join('\n')
}

const topics = (words: string) => command('topics', words)
const TOPICS: readonly Command[] = [
  topics('--list'),
  topics('--create --topic tools.one --partitions 3 --replication-factor 1 --config retention.ms=3600000'),
  topics('--create --topic tools.one --partitions 3 --replication-factor 1'),
  topics('--create --topic tools.one --partitions 3 --if-not-exists'),
  topics('--create --topic tools.default'),
  topics(`--create --topic tools.placed --replica-assignment ${NODE_ID},${NODE_ID}`),
  topics('--create --topic tools.three --partitions 1 --replication-factor 3'),
  topics('--create --topic tools.none --partitions 0'),
  topics(`--create --topic 'not a name' --partitions 1`),
  topics('--create --topic tools.bad --partitions 1 --config retention.ms=soon'),
  topics('--create --topic tools.bad --partitions 1 --config no.such.config=1'),
  topics('--list'),
  topics('--describe --topic tools.one'),
  topics('--describe'),
  topics('--describe --topic tools.missing'),
  topics('--describe --topic tools.missing --if-exists'),
  topics(`--describe --topic 'tools\\.(one|placed)'`),
  topics('--alter --topic tools.one --partitions 5'),
  topics('--describe --topic tools.one'),
  topics('--alter --topic tools.one --partitions 2'),
  topics('--alter --topic tools.one --partitions 5'),
  topics('--alter --topic tools.missing --partitions 5'),
  topics('--describe --under-replicated-partitions'),
  topics('--describe --unavailable-partitions'),
  topics('--describe --under-min-isr-partitions'),
  topics('--describe --at-min-isr-partitions'),
  topics('--describe --topics-with-overrides'),
  topics('--describe --exclude-internal'),
  topics('--delete --topic tools.default'),
  topics('--delete --topic tools.missing'),
  topics('--delete --topic tools.missing --if-exists'),
  topics('--list'),
]

const text = Array.from({ length: 12 }, (_, i) => `h${i}:${i}|key-${i % 3}|line ${i} of the text\n`).join('')
const parts = '--reader-property parse.key=true --reader-property key.separator=| --reader-property parse.headers=true'
const headers = '--reader-property headers.delimiter=|'
const shown = ['key', 'headers', 'offset', 'partition', 'timestamp', 'epoch']
const printed = shown.map(name => `--formatter-property print.${name}=true`).join(' ')
const DATA: readonly Command[] = [
  topics('--create --topic tools.text --partitions 1'),
  topics('--create --topic tools.perf --partitions 1'),
  topics('--create --topic tools.verifiable --partitions 1'),
  command('console-producer', `--topic tools.text --sync --timeout 1 ${parts} ${headers}`, { input: text }),
  command('console-consumer', `--topic tools.text --from-beginning --max-messages 12 ${printed}`),
  command('console-producer', '--topic tools.text --compression-codec zstd --request-required-acks 1', {
    input: 'a line without a key\n',
  }),
  command('console-consumer', `--topic tools.text --partition 0 --offset 10 --max-messages 3 ${printed}`),
  command('console-consumer', '--topic tools.text --group tools.text --from-beginning --max-messages 5'),
  command('console-consumer', '--topic tools.text --group tools.text --max-messages 8'),
  command('console-consumer', '--topic tools.text --from-beginning --isolation-level read_committed --max-messages 13'),
  command('console-consumer', '--topic tools.text --offset latest --partition 0 --timeout-ms 1000'),
  command('console-consumer', '--topic tools.text --offset 99 --partition 0 --timeout-ms 1000'),
  command('producer-perf-test', '--topic tools.perf --num-records 20000 --record-size 100 --throughput -1', {
    measures: 20_000,
  }),
  command('consumer-perf-test', '--topic tools.perf --num-records 20000 --hide-header --timeout 10000', {
    measures: 20_000,
  }),
  command('verifiable-producer', '--topic tools.verifiable --max-messages 5 --value-prefix 7'),
  command('verifiable-producer', '--topic tools.verifiable --max-messages 5 --acks 1 --repeating-keys 2'),
  command(
    'verifiable-consumer',
    '--topic tools.verifiable --group-id tools.verifiable --max-messages 10 --reset-policy earliest --verbose',
    {
      only: line => line.includes('"record_data"') || line.includes('"partitions_assigned"'),
    },
  ),
]

function offsets(context: Context): readonly Command[] {
  const wanted = { partitions: [{ topic: 'tools.text', partition: 0, offset: 3 }], version: 1 }
  writeFileSync(join(context.kit.scratch, 'delete.json'), JSON.stringify(wanted))
  const beyond = { partitions: [{ topic: 'tools.text', partition: 0, offset: 99 }], version: 1 }
  writeFileSync(join(context.kit.scratch, 'beyond.json'), JSON.stringify(beyond))
  const times = ['-1', '-2', '-3', '-4', '-5', 'latest', 'earliest', 'max-timestamp', 'earliest-local', 'latest-tiered']
  return [
    ...times.map(time => command('get-offsets', `--topic tools.text --time ${time}`)),
    command('get-offsets', '--topic tools.text --time 1000'),
    command('get-offsets', '--topic tools.text --time 4000000000000'),
    command('get-offsets', '--topic tools.one'),
    command('get-offsets', `--topic-partitions 'tools\\..*:0' --exclude-internal-topics`),
    command('get-offsets', '--topic tools.missing'),
    command('delete-records', '--offset-json-file FILE:delete.json'),
    command('get-offsets', '--topic tools.text --time earliest'),
    command('console-consumer', '--topic tools.text --from-beginning --max-messages 1'),
    command('delete-records', '--offset-json-file FILE:beyond.json'),
  ]
}

const groups = (words: string) => command('consumer-groups', words)
/** Not the groups that console-consumer and consumer-perf-test name by chance. */
const ours = { only: (line: string) => line.startsWith('tools.'), unordered: true }
const GROUPS: readonly Command[] = [
  command('consumer-groups', '--list', ours),
  command('consumer-groups', '--list --state', ours),
  command('consumer-groups', '--list --type classic', ours),
  command('consumer-groups', '--list --state Stable', ours),
  groups('--describe --group tools.text'),
  groups('--describe --group tools.text --offsets --verbose'),
  groups('--describe --group tools.text --members'),
  groups('--describe --group tools.text --state'),
  groups('--describe --group tools.missing'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-earliest --dry-run'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-earliest --execute'),
  groups('--describe --group tools.text'),
  groups('--reset-offsets --group tools.text --topic tools.text:0 --shift-by 2 --execute'),
  groups('--reset-offsets --group tools.text --all-topics --to-latest --execute'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-offset 6 --execute'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-offset 600 --execute'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-datetime 2000-01-01T00:00:00.000 --execute'),
  groups('--reset-offsets --group tools.text --topic tools.text --by-duration PT0S --execute'),
  groups('--reset-offsets --group tools.text --topic tools.text --to-current --export --dry-run'),
  groups('--reset-offsets --group tools.new --topic tools.text --to-offset 5 --execute'),
  command('consumer-groups', '--describe --all-groups', { only: line => line.startsWith('tools.') }),
  groups('--delete-offsets --group tools.new --topic tools.text'),
  groups('--delete-offsets --group tools.missing --topic tools.text'),
  groups('--delete --group tools.text'),
  groups('--delete --group tools.missing'),
  groups('--describe --group tools.text'),
]

const MEMBERS: readonly Command[] = [
  groups('--describe --group tools.live'),
  groups('--describe --group tools.live --members'),
  groups('--describe --group tools.live --members --verbose'),
  groups('--describe --group tools.live --state'),
  command('consumer-groups', '--list --state Stable', ours),
  groups('--delete --group tools.live'),
  groups('--reset-offsets --group tools.live --topic tools.text --to-earliest --execute'),
  groups('--delete-offsets --group tools.live --topic tools.text'),
]

/** The same of a group of the consumer protocol, which has epochs and a target assignment. */
const CONSUMERS: readonly Command[] = [
  groups('--describe --group tools.consumers'),
  groups('--describe --group tools.consumers --verbose'),
  groups('--describe --group tools.consumers --members'),
  groups('--describe --group tools.consumers --members --verbose'),
  groups('--describe --group tools.consumers --state'),
  groups('--describe --group tools.consumers --state --verbose'),
  command('consumer-groups', '--list --type consumer', ours),
  command('consumer-groups', '--list --type consumer --state Stable', ours),
  command('groups', '--list', ours),
  command('groups', '--list --group-type consumer', ours),
  command('groups', '--list --consumer', ours),
  groups('--delete --group tools.consumers'),
  groups('--reset-offsets --group tools.consumers --topic tools.text --to-earliest --execute'),
  groups('--delete-offsets --group tools.consumers --topic tools.text'),
  command(
    'configs',
    '--alter --entity-type groups --entity-name tools.consumers --add-config consumer.heartbeat.interval.ms=6000',
  ),
  command('configs', '--describe --entity-type groups --entity-name tools.consumers'),
  command(
    'configs',
    '--alter --entity-type groups --entity-name tools.consumers --delete-config consumer.heartbeat.interval.ms',
  ),
]

/** And of the same when its member has left. */
const LEFT: readonly Command[] = [
  groups('--describe --group tools.consumers --state'),
  groups('--reset-offsets --group tools.consumers --topic tools.text --to-earliest --execute'),
  groups('--describe --group tools.consumers'),
  groups('--delete-offsets --group tools.consumers --topic tools.text'),
  groups('--delete --group tools.consumers'),
  command('groups', '--list --consumer', ours),
]

const configs = (words: string, more: Partial<Command> = {}) => command('configs', words, more)
const topicOne = '--entity-type topics --entity-name tools.one'
const broker = `--entity-type brokers --entity-name ${NODE_ID}`
const general = '--entity-type brokers --entity-default'
const notPlace = (line: string) => !PLACE.has(/^\s+([\w.]+)=/.exec(line)?.[1] ?? '')
const CONFIGS: readonly Command[] = [
  configs(`--describe ${topicOne}`),
  configs(`--describe ${topicOne} --all`),
  configs(`--alter ${topicOne} --add-config cleanup.policy=compact,segment.bytes=1048576 --delete-config retention.ms`),
  configs(`--alter ${topicOne} --add-config cleanup.policy=[compact,delete],min.cleanable.dirty.ratio=0.1`),
  configs(`--describe ${topicOne}`),
  configs(`--alter ${topicOne} --add-config segment.bytes=few`),
  configs(`--alter ${topicOne} --add-config segment.bytes=1`),
  configs(`--alter ${topicOne} --add-config cleanup.policy=sometimes`),
  configs(`--alter ${topicOne} --add-config no.such.config=1`),
  configs(`--alter ${topicOne} --delete-config retention.bytes`),
  configs('--describe --entity-type topics --entity-name tools.missing'),
  configs('--alter --entity-type topics --entity-name tools.missing --add-config segment.bytes=1048576'),
  configs('--describe --entity-type topics', { unordered: true }),
  configs(`--describe ${broker}`, { only: notPlace }),
  configs(`--describe ${broker} --all`, { only: notPlace }),
  configs(`--alter ${broker} --add-config log.cleaner.threads=2`),
  configs(`--describe ${broker}`, { only: notPlace }),
  configs(`--alter ${broker} --add-config num.io.threads=none`),
  configs(`--alter ${broker} --add-config no.such.config=1`),
  configs(`--alter ${broker} --add-config auto.create.topics.enable=false`),
  configs(`--alter ${broker} --delete-config log.cleaner.threads`),
  configs(`--alter ${general} --add-config log.retention.ms=7200000`),
  configs(`--describe ${general}`),
  configs(`--describe ${topicOne} --all`, { only: line => line.includes('retention.ms') }),
  configs(`--alter ${general} --delete-config log.retention.ms`),
  configs(`--describe ${general}`),
  configs('--describe --entity-type brokers --entity-name 77'),
]

const CLUSTER: readonly Command[] = [
  command('cluster-id', 'cluster-id'),
  command('cluster-id', 'list-endpoints'),
  command('broker-api-versions', '', {
    only: line => line.includes(' -> (') || APIS.has(/^\s*(\w+)\(\d+\):/.exec(line)?.[1] ?? ''),
  }),
  command('log-dirs', `--describe --broker-list ${NODE_ID} --topic-list tools.text,tools.one`),
  command('log-dirs', '--describe --topic-list tools.placed'),
  command('log-dirs', '--describe --broker-list 77 --topic-list tools.text'),
]
