/**
 * The data folder is Apache Kafka's, to the byte: what one broker wrote and left, in good order or killed, the other opens,
 * finds unchanged and goes on writing; then the first opens it again. Compared are topic ids, partitions, configs, all
 * offsets, every record, and the groups with what they committed. With `--broker kafka` both are Apache Kafka, which
 * proves the comparison; with `ottla`, each takes its turn at being first. Then the same of a log that is cleaned, again and
 * again (cleaned-folders.ts).
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import type { BrokerKind, RunningBroker } from '../brokers.ts'
import { ask, type Client, call, createTopics, helperFor, type Json, type Line, type NewTopic } from '../clients.ts'
import type { Context } from '../context.ts'
import { acceptedByJava, filesIn } from '../dump.ts'
import { Asker } from '../prober.ts'
import { Child } from '../process.ts'
import { CleanedExchange } from './cleaned-folders.ts'

const PARTITIONS = 3
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const RECORDS = 200
const TOPICS: NewTopic[] = [
  {
    name: 'folder.records',
    partitions: PARTITIONS,
    configs: { 'retention.ms': '86400000', 'segment.bytes': '1048576' },
  },
  { name: 'folder.compact', partitions: 1, configs: { 'cleanup.policy': 'compact' } },
  { name: 'folder.empty', partitions: 2 },
]
const CONFIGS = ['retention.ms', 'segment.bytes', 'cleanup.policy']
const COMMITTED = { 0: 7, 1: 8, 2: 9 }

/** Whoever is away shall not be removed while two brokers take turns. */
const SETTINGS = { 'group.consumer.max.session.timeout.ms': 600_000, 'group.consumer.session.timeout.ms': 600_000 }
const DESCRIBE = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }

type Leaving = 'stopped' | 'killed'

export async function folders(context: Context): Promise<void> {
  const { report, brokers, kind } = context
  const turns: [BrokerKind, BrokerKind][] =
    kind === 'kafka'
      ? [['kafka', 'kafka']]
      : [
          ['ottla', 'ottla'],
          ['ottla', 'kafka'],
          ['kafka', 'ottla'],
        ]
  for (const [first, second] of turns) {
    for (const leaving of ['stopped', 'killed'] as const) {
      const name = `folders/${first} ${leaving}, then ${second}`
      if (!report.wants(name)) continue
      const missing = brokers.missing(first) ?? brokers.missing(second)
      if (missing) report.skip(name, missing)
      else await new Exchange(context, name, first, second, leaving).run()
    }
    if (kind === 'ottla' && first === second) continue
    for (const leaving of ['stopped', 'killed'] as const) {
      const name = `folders/cleaned, ${first} ${leaving}, then ${second}`
      if (!report.wants(name)) continue
      const missing = brokers.missing(first) ?? brokers.missing(second)
      if (missing) report.skip(name, missing)
      else await new CleanedExchange(context, name, [first, second], leaving).run()
    }
  }
}

class Exchange {
  readonly #context: Context
  readonly #name: string
  readonly #first: BrokerKind
  readonly #second: BrokerKind
  readonly #leaving: Leaving
  readonly #folder: string
  readonly #client: Client
  #broker!: RunningBroker
  /** What the last one that wrote left behind. */
  #left: Json = null

  constructor(context: Context, name: string, first: BrokerKind, second: BrokerKind, leaving: Leaving) {
    this.#context = context
    this.#name = name
    this.#first = first
    this.#second = second
    this.#leaving = leaving
    this.#folder = join(context.kit.scratch, `folder-${first}-${leaving}-${second}`)
    this.#client = helperFor(context.kit.clients)
  }

  async run(): Promise<void> {
    const steps: [string, () => Promise<void>][] = [
      [`${this.#first} writes it`, () => this.#write()],
      [`${this.#second} finds all unchanged`, () => this.#same(this.#second)],
      [`${this.#second} goes on writing`, () => this.#more()],
      [`${this.#first} finds all unchanged`, () => this.#same(this.#first)],
      ['dump-log accepts every segment', () => this.#dump()],
    ]
    let broken: string | undefined
    try {
      for (const [what, step] of steps) {
        if (broken) this.#context.report.skip(`${this.#name}/${what}`, `it follows «${broken}», which failed`)
        else if (!(await this.#context.report.check(`${this.#name}/${what}`, step))) broken = what
      }
    } finally {
      await this.#broker?.kill()
    }
  }

  async #start(kind: BrokerKind): Promise<void> {
    this.#broker = await this.#context.brokers.start(kind, { folder: this.#folder, settings: SETTINGS })
  }

  /** Ends the broker; what there was to see until then. */
  async #leave(): Promise<Json> {
    const contents = await this.#contents()
    if (this.#leaving === 'killed') await this.#broker.kill()
    else await this.#broker.stop()
    return contents
  }

  #ask(step: object): Promise<Json> {
    return ask(this.#client, this.#broker.bootstrap, step)
  }

  async #write(): Promise<void> {
    await this.#start(this.#first)
    await createTopics(this.#client, this.#broker.bootstrap, TOPICS)
    await this.#send('folder.records', CODECS, true)
    await this.#send('folder.records', ['zstd'], false)
    await this.#send('folder.compact', ['lz4'], true)
    const topic = 'folder.records'
    // Apache Kafka writes down where a log starts once a minute and when it stops; killed before, it forgets.
    if (this.#leaving === 'stopped') await this.#ask({ op: 'delete-records', topic, offsets: { 0: 5 } })
    await this.#ask({ op: 'set-group-offsets', group: 'folder.committed', topic, offsets: COMMITTED })
    await this.#readAsGroup(this.#client, { group: 'folder.member' })
    // A static member of the consumer protocol that goes is away, and all of its records stay.
    const java = this.#context.kit.clients.find(({ name }) => name === 'java')
    if (java) await this.#readAsGroup(java, { group: 'folder.consumer', protocol: 'consumer', instance: 'i' })
    this.#left = await this.#leave()
  }

  async #more(): Promise<void> {
    const topic = 'folder.records'
    const before = (await this.#ask({ op: 'list-offsets', topic, at: 'latest' })) as Record<string, number>
    await this.#send('folder.records', CODECS, true)
    const after = (await this.#ask({ op: 'list-offsets', topic, at: 'latest' })) as Record<string, number>
    const sum = (offsets: Record<string, number>) => Object.values(offsets).reduce((total, offset) => total + offset, 0)
    assert.equal(sum(after) - sum(before), CODECS.length * RECORDS)
    await createTopics(this.#client, this.#broker.bootstrap, [{ name: 'folder.later', partitions: 1 }])
    this.#left = await this.#leave()
  }

  async #same(kind: BrokerKind): Promise<void> {
    await this.#start(kind)
    assert.deepEqual(await this.#contents(), this.#left)
  }

  async #send(topic: string, codecs: readonly string[], idempotent: boolean): Promise<void> {
    const file = `${this.#folder}.jsonl`
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const lines = Array.from({ length: RECORDS }, (_, i) => {
      const headers = [['number', base64(String(i))]]
      const record = { key: base64(`key-${i % 17}`), value: base64(`value ${i}`), headers, timestamp: Date.now() - i }
      return `${JSON.stringify(record)}\n`
    })
    writeFileSync(file, lines.join(''))
    const batches = codecs.map(codec => ({ topic, codec, acks: -1, idempotent }))
    const { bootstrap } = this.#broker
    const answers = await call(this.#client, 'produce', { bootstrap, batches, records: file })
    const done = answers.filter(answer => answer.done === RECORDS)
    assert.equal(done.length, codecs.length, JSON.stringify(answers.at(-1)))
  }

  /** A group with a member, so that the groups' own records are there too and not only offsets. */
  async #readAsGroup(client: Client, more: object): Promise<void> {
    const args = { bootstrap: this.#broker.bootstrap, topic: 'folder.compact', sessionMs: 6000, ...more }
    const member = new Child([...client.command, 'member', JSON.stringify(args)])
    try {
      const isDone = () => member.lines.filter(line => line.includes('"record"')).length === RECORDS || undefined
      await member.until('a member that reads all', isDone, 30_000)
    } finally {
      await member.stop('SIGTERM')
    }
  }

  async #contents(): Promise<Json> {
    const names = (await this.#ask({ op: 'list-topics' })) as string[]
    const topics: { [name: string]: Json } = {}
    for (const name of names.filter(each => each.startsWith('folder.'))) topics[name] = await this.#topic(name)
    const committed = (group: string, topic: string) => this.#ask({ op: 'group-offsets', group, topic })
    const groups = {
      list: await this.#ask({ op: 'list-groups' }),
      committed: await committed('folder.committed', 'folder.records'),
      member: await committed('folder.member', 'folder.compact'),
      state: await this.#ask({ op: 'describe-group', group: 'folder.member' }),
      consumer: await this.#consumerGroup(),
      consumed: await committed('folder.consumer', 'folder.compact'),
    }
    const cluster = (await this.#ask({ op: 'describe-cluster' })) as { [key: string]: Json }
    return { cluster: cluster.id!, topics, groups }
  }

  /** Epochs, members, and what each has and is to have. */
  async #consumerGroup(): Promise<Json> {
    const asker = new Asker('folders', this.#broker.bootstrap)
    try {
      const { groups } = await asker.ask(DESCRIBE, 1, { groupIds: ['folder.consumer'] })
      return groups.map(({ errorMessage: _, ...group }) => ({
        ...group,
        members: group.members.map(({ clientHost: _host, ...member }) => ({ ...member })),
      })) as unknown as Json
    } finally {
      asker.end()
    }
  }

  async #topic(topic: string): Promise<Json> {
    const offsets = (at: string) => this.#ask({ op: 'list-offsets', topic, at })
    const [earliest, latest] = [await offsets('earliest'), await offsets('latest')]
    const total = (each: Json) => Object.values(each as Record<string, number>).reduce((sum, offset) => sum + offset, 0)
    const count = total(latest) - total(earliest)
    const args = { bootstrap: this.#broker.bootstrap, topics: [topic], count }
    const records = count > 0 ? await call(this.#client, 'consume', args) : []
    const place = (record: Line) => [record.partition as number, record.offset as number] as const
    records.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1])
    return {
      id: await this.#ask({ op: 'topic-id', topic }),
      partitions: await this.#ask({ op: 'describe-topic', topic }),
      configs: await this.#ask({ op: 'describe-configs', type: 'topic', name: topic, keys: CONFIGS }),
      offsets: { earliest, latest, newest: await offsets('max-timestamp') },
      records,
    }
  }

  /** Apache Kafka's own reader of segments: deep iteration, and the sanity of the indexes. */
  async #dump(): Promise<void> {
    const { java } = this.#context.kit
    if (!java) throw new Error('Java or Apache Kafka is missing')
    await this.#broker.stop()
    const pattern = '{folder.*,__consumer_offsets-*,__cluster_metadata-0}/*.{log,index,timeindex}'
    const files = filesIn(this.#folder, pattern)
    // A log without batches may have no file; these have some.
    for (const folder of [
      'folder.records-0',
      'folder.records-2',
      'folder.compact-0',
      '__consumer_offsets-',
      '__cluster_metadata-0',
    ]) {
      for (const suffix of ['.log', '.index', '.timeindex']) {
        const isThere = files.some(file => file.startsWith(join(this.#folder, folder)) && file.endsWith(suffix))
        assert.ok(isThere, `no ${suffix} in ${folder}`)
      }
    }
    await acceptedByJava(java, files)
  }
}
