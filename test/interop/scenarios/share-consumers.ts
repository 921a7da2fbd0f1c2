/**
 * Share groups as Apache Kafka's own clients and tools know them: what its share consumer gets and is told, through all
 * kinds of acknowledgement and the end of a broker, and what the tools print, is what it is with Apache Kafka.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type RunningBroker } from '../brokers.ts'
import { type Probe, runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import type { Java } from '../java.ts'
import { Child, poll } from '../process.ts'
import { ShareProbe } from '../share-probe.ts'
import { normalise } from '../transcript.ts'

const LOCK_MS = 3000
const PATIENCE_MS = 30_000

const EXPLICIT = { 'share.acknowledgement.mode': 'explicit' }

export async function shareConsumers(context: Context): Promise<void> {
  const { kind, kit, report, brokers } = context
  const { java } = kit
  if (!java) return void report.skip('share-consumers', 'Java or Apache Kafka is missing')
  const folder = join(kit.scratch, 'share-consumers')
  mkdirSync(folder)
  const port = await freePort()
  const settings = {
    'group.share.assignment.interval.ms': 0,
    'group.share.min.record.lock.duration.ms': 1000,
    'group.share.min.heartbeat.interval.ms': 200,
    'group.share.heartbeat.interval.ms': 200,
    'offsets.topic.num.partitions': 3,
    'share.coordinator.state.topic.num.partitions': 3,
  }
  const start = () => brokers.start(kind, { folder, port, settings })
  const bench = { java, start, broker: await start() }
  const cases = Object.entries(CASES).map(([name, run]) => {
    const body = async (probe: ConsumerProbe) => {
      await probe.create({})
      await run(probe)
    }
    return [name, body] as const
  })
  const makeProbe = (name: string) => new ConsumerProbe(`consumers ${name}`, bench)
  await runCases('share-consumers', context, bench.broker, Object.fromEntries(cases), makeProbe)
  await bench.broker.stop()
}

interface Bench {
  readonly java: Java
  readonly start: () => Promise<RunningBroker>
  broker: RunningBroker
}

class ConsumerProbe extends ShareProbe {
  readonly #bench: Bench
  readonly #children: Child[] = []

  constructor(name: string, bench: Bench) {
    super(name, bench.broker.bootstrap, 1)
    this.#bench = bench
  }

  consumer(config: Record<string, unknown> = {}): Consumer {
    const all = { 'bootstrap.servers': this.bootstrap, 'group.id': this.group, 'fetch.max.wait.ms': 200, ...config }
    const args = JSON.stringify({ topic: this.topic, config: all })
    const child = new Child([...this.#bench.java.command('ShareMember'), args])
    this.#children.push(child)
    return new Consumer(this, child)
  }

  /** Runs a tool to its end and writes down what it prints. */
  async tool(name: string, words: string): Promise<void> {
    const args = [...words.split(' '), '--bootstrap-server', this.bootstrap]
    const text = normalise(await this.#bench.java.tool(name, args))
    const lines = text.replaceAll(this.group, 'G').replaceAll(/(?<=\s)[\w-]{22}(?=\s)/g, 'MEMBER')
    this.notes.lines.push(`${name} ${words.replaceAll(this.group, 'G')}`, ...lines.split('\n').map(line => `  ${line}`))
  }

  start(name: string, words: readonly string[]): Child {
    const command = this.#bench.java.toolCommand(name)
    const child = new Child([...command, ...words, '--bootstrap-server', this.bootstrap])
    this.#children.push(child)
    return child
  }

  async crash(): Promise<void> {
    await this.#bench.broker.kill()
    this.#bench.broker = await this.#bench.start()
  }

  override end(): void {
    super.end()
    for (const child of this.#children) void child.stop('SIGKILL')
  }
}

/** A Java share consumer. What it answers is written down as it is. */
class Consumer {
  readonly #probe: Probe
  readonly #child: Child

  constructor(probe: Probe, child: Child) {
    this.#probe = probe
    this.#child = child
  }

  async #do(what: string, step: object): Promise<void> {
    const before = this.#child.lines.length
    this.#child.write(`${JSON.stringify(step)}\n`)
    const line = await this.#child.until(what, () => this.#child.lines[before], PATIENCE_MS)
    this.#probe.notes.lines.push(`${what}: ${line}`)
  }

  poll(what: string, count: number, ms = 20_000): Promise<void> {
    return this.#do(what, { op: 'poll', count, ms })
  }

  acknowledge(type: 'ACCEPT' | 'RELEASE' | 'REJECT' | 'RENEW', ...offsets: number[]): Promise<void> {
    return this.#do(`${type} ${offsets}`, { op: 'acknowledge', type, offsets })
  }

  commit(): Promise<void> {
    return this.#do('commit', { op: 'commit' })
  }

  /** Says good-bye. */
  async close(): Promise<void> {
    this.#child.end()
    await this.#child.ended()
  }
}

type Run = (probe: ConsumerProbe) => Promise<void>

const EARLIEST = { 'share.auto.offset.reset': 'earliest' }

const implicit: Run = async probe => {
  await probe.configure(EARLIEST)
  await probe.produce([10])
  const first = probe.consumer()
  await first.poll('all', 10)
  await probe.produce([5])
  await first.poll('which acknowledges them', 5)
  await first.commit()
  await first.close()
  const second = probe.consumer()
  await second.poll('nothing', 0, 4000)
  await probe.produce([1])
  await second.poll('but what is new', 1)
}

const explicit: Run = async probe => {
  await probe.configure(EARLIEST)
  await probe.produce([6])
  const consumer = probe.consumer(EXPLICIT)
  await consumer.poll('all', 6)
  await consumer.acknowledge('ACCEPT', 0, 1)
  await consumer.poll('not all acknowledged', 0, 100)
  await consumer.acknowledge('RELEASE', 2)
  await consumer.acknowledge('REJECT', 3)
  await consumer.acknowledge('RELEASE', 4, 5)
  await consumer.commit()
  await consumer.poll('what was released', 1)
  await consumer.acknowledge('ACCEPT', 2, 4, 5)
  await consumer.commit()
  await consumer.poll('nothing', 0, 500)
  await sleep(200)
  await probe.tellOffsets('the offsets')
}

const renewals: Run = async probe => {
  await probe.configure({ ...EARLIEST, 'share.record.lock.duration.ms': String(LOCK_MS) })
  await probe.produce([2])
  const consumer = probe.consumer(EXPLICIT)
  await consumer.poll('all', 2)
  for (let i = 0; i < 4; i++) {
    await sleep(LOCK_MS / 2)
    await consumer.acknowledge('RENEW', 0, 1)
    await consumer.commit()
    await consumer.poll('it keeps them', 0, 300)
  }
  await consumer.acknowledge('ACCEPT', 0, 1)
  await consumer.commit()
}

const locks: Run = async probe => {
  await probe.configure({ ...EARLIEST, 'share.record.lock.duration.ms': String(LOCK_MS) })
  await probe.produce([3])
  const slow = probe.consumer(EXPLICIT)
  await slow.poll('all', 3)
  const other = probe.consumer(EXPLICIT)
  await other.poll('after a while', 3)
  await slow.acknowledge('ACCEPT', 0, 1, 2)
  await slow.commit()
  await other.acknowledge('ACCEPT', 0, 1, 2)
  await other.commit()
}

const deliveryLimit: Run = async probe => {
  await probe.configure({ ...EARLIEST, 'share.delivery.count.limit': '3' })
  await probe.produce([2])
  const consumer = probe.consumer(EXPLICIT)
  for (const what of ['once', 'twice']) {
    await consumer.poll(what, 2)
    await consumer.acknowledge('RELEASE', 0, 1)
    await consumer.commit()
  }
  // One by one, so that a bad one does not take others with it.
  for (const offset of [0, 1]) {
    await consumer.poll('for the last time', 1)
    await consumer.acknowledge('RELEASE', offset)
    await consumer.commit()
  }
  await consumer.poll('never more', 0, 1000)
}

const twoMembers: Run = async probe => {
  await probe.configure(EARLIEST)
  await probe.produce([5])
  const a = probe.consumer(EXPLICIT)
  const b = probe.consumer(EXPLICIT)
  await a.poll('a has some', 5)
  // Its client may have asked for more already, and is to be told that there is none.
  await sleep(1000)
  await probe.produce([5])
  await b.poll('b has the others', 5)
  await a.acknowledge('RELEASE', 0, 1, 2, 3, 4)
  await a.commit()
  await a.close()
  await b.acknowledge('ACCEPT', 5, 6, 7, 8, 9)
  await b.commit()
  await b.poll('what a has left', 5)
}

const crash: Run = async probe => {
  await probe.configure(EARLIEST)
  await probe.produce([10])
  const consumer = probe.consumer(EXPLICIT)
  await consumer.poll('all', 10)
  await consumer.acknowledge('ACCEPT', 0, 1, 2, 5)
  await consumer.acknowledge('RELEASE', 6)
  await consumer.acknowledge('REJECT', 7)
  await consumer.commit()
  await probe.crash()
  const second = probe.consumer(EXPLICIT)
  await second.poll('all but what is done', 1)
  await second.acknowledge('ACCEPT', 3, 4, 6, 8, 9)
  await second.commit()
  await probe.tellOffsets('the offsets')
}

const tools: Run = async probe => {
  const { group, topic } = probe
  await probe.configure(EARLIEST)
  await probe.produce([10])
  const groups = (words: string) => probe.tool('share-groups', words)
  await groups(`--describe --group ${group}`)
  await probe.tool('console-share-consumer', `--topic ${topic} --group ${group} --max-messages 10 --timeout-ms 20000`)
  await poll('an empty group', async () => ((await probe.groupState()) === 'Empty' ? true : undefined), 10_000)
  // The state topic is behind by a write.
  await sleep(500)
  await groups(`--describe --group ${group}`)
  await groups(`--describe --group ${group} --state`)
  await groups(`--describe --group ${group} --members`)
  await groups(`--reset-offsets --group ${group} --topic ${topic} --to-earliest --dry-run`)
  await groups(`--reset-offsets --group ${group} --topic ${topic} --to-earliest --execute`)
  await groups(`--describe --group ${group} --offsets --verbose`)
  const words = ['--topic', topic, '--group-id', group, '--max-messages', '10']
  const consumer = probe.start('verifiable-share-consumer', words)
  const total = () => {
    const read = consumer.lines.filter(line => line.includes('"records_consumed"'))
    return read.reduce((sum, line) => sum + JSON.parse(line).count, 0) >= 10 || undefined
  }
  await consumer.until('all records', total, PATIENCE_MS)
  await consumer.ended()
  await groups(`--delete-offsets --group ${group} --topic nowhere`)
  await groups(`--delete-offsets --group ${group} --topic ${topic}`)
  await groups(`--describe --group ${group}`)
  await groups(`--delete --group ${group}`)
  await groups(`--delete --group ${group}`)
}

const CASES: Readonly<Record<string, Run>> = {
  implicit,
  explicit,
  renewals,
  locks,
  'delivery limit': deliveryLimit,
  'two members': twoMembers,
  tools,
  'kill -9': crash,
}
