/**
 * An application of Apache Kafka's own Kafka Streams in the streams protocol: words are counted by two instances with
 * standby copies, one is killed, the other goes on from its state, a new one restores it. What was counted is right to the
 * last word, and Apache Kafka's tool for such groups prints what it prints against Apache Kafka (../expected/streams-app.txt).
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningBroker } from '../brokers.ts'
import { ask, type Client, call, createTopics, helperFor, type Line } from '../clients.ts'
import type { Context } from '../context.ts'
import type { Java } from '../java.ts'
import { Child, type Finished, poll } from '../process.ts'
import { normalise, Transcript } from '../transcript.ts'

const PARTITIONS = 4
const ACTIVE = ['0', '1'].flatMap(part => Array.from({ length: PARTITIONS }, (_, i) => `${part}_${i}`))
const LINES = 300
const WORDS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota', 'kappa']
/** A JVM's start on a busy machine, or a session that has to run out. */
const PATIENCE_MS = 120_000
const GROUP = 'counting'

export async function streamsApp(context: Context): Promise<void> {
  const { kit, report, brokers, kind } = context
  if (!kit.java) {
    report.skip('streams-app', 'Java or Apache Kafka is missing')
    return
  }
  const folder = join(kit.scratch, 'streams-app')
  mkdirSync(folder)
  const settings = {
    'group.streams.num.standby.replicas': 1,
    'group.streams.initial.rebalance.delay.ms': 0,
    'group.streams.session.timeout.ms': 6000,
    'group.streams.min.session.timeout.ms': 6000,
    'group.streams.heartbeat.interval.ms': 500,
    'group.streams.min.heartbeat.interval.ms': 500,
  }
  const broker = await brokers.start(kind, { folder: join(folder, 'broker'), settings })
  const application = new Application(context, kit.java, broker, folder)
  try {
    await application.run()
  } finally {
    await application.killAll()
    await broker.stop()
  }
}

class Instance {
  readonly child: Child

  constructor(command: readonly string[]) {
    this.child = new Child(command)
  }

  #last(field: string): unknown {
    return this.#all(field).at(-1)
  }

  #all(field: string): unknown[] {
    const lines = this.child.lines.map(line => JSON.parse(line) as Line)
    return lines.filter(line => field in line).map(line => line[field])
  }

  get active(): readonly string[] {
    return (this.#last('active') as string[] | undefined) ?? []
  }

  get standby(): readonly string[] {
    return (this.#last('standby') as string[] | undefined) ?? []
  }

  get state(): unknown {
    return this.#last('state')
  }

  /** Records of changelogs that it has read before it went on. */
  get restored(): number {
    return (this.#last('restored') as number | undefined) ?? 0
  }
}

class Application {
  readonly #context: Context
  readonly #java: Java
  readonly #broker: RunningBroker
  readonly #folder: string
  readonly #helper: Client
  readonly #instances: Instance[] = []
  readonly #counts = new Map<string, number>()
  readonly #transcript = new Transcript('streams-app')
  /** How often a command has been given. */
  readonly #told = new Map<string, number>()
  #rounds = 0

  constructor(context: Context, java: Java, broker: RunningBroker, folder: string) {
    this.#context = context
    this.#java = java
    this.#broker = broker
    this.#folder = folder
    this.#helper = helperFor(context.kit.clients)
  }

  async run(): Promise<void> {
    const steps: [string, () => Promise<void>][] = [
      ['one instance has all tasks', () => this.#startFirst()],
      ['words are counted', () => this.#count()],
      ['what the tool prints of it', () => this.#tell(RUNNING)],
      ['a second instance shares the tasks, each with copies of the other', () => this.#startSecond()],
      ['both count', () => this.#count()],
      ['one is killed, the other goes on from its copy', () => this.#kill()],
      ['a new one restores what it gets', () => this.#restore()],
      ['both count again', () => this.#count()],
      ['all stop', () => this.#stop()],
      ['what the tool does then', () => this.#tell(STOPPED)],
    ]
    let broken: string | undefined
    for (const [what, step] of steps) {
      const name = `streams-app/${what}`
      if (broken) this.#context.report.skip(name, `it follows «${broken}», which failed`)
      else if (!(await this.#context.report.check(name, step))) broken = what
    }
    if (this.#context.record && !broken) this.#transcript.save()
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#instances.map(({ child }) => child.stop('SIGKILL')))
  }

  // ----------------------------------------------------------------------------------------------------- instances

  #start(): Instance {
    const config = {
      'bootstrap.servers': this.#broker.bootstrap,
      'application.id': GROUP,
      'group.protocol': 'streams',
      'state.dir': join(this.#folder, `state-${this.#instances.length}`),
      'commit.interval.ms': '200',
      'auto.offset.reset': 'earliest',
      'application.server': `127.0.0.1:${this.#instances.length + 1}`,
    }
    const args = { input: 'lines', output: 'counts', config }
    const instance = new Instance([...this.#java.command('StreamsApp'), JSON.stringify(args)])
    this.#instances.push(instance)
    return instance
  }

  get #living(): Instance[] {
    return this.#instances.filter(({ child }) => !child.hasEnded)
  }

  /** Every task with one of them, as many with each, and its copies with others. */
  async #untilShared(): Promise<void> {
    const isShared = () => {
      const living = this.#living
      const active = living.flatMap(instance => instance.active)
      const standby = living.flatMap(instance => instance.standby)
      const isFair = living.every(instance => instance.active.length === ACTIVE.length / living.length)
      const copies = living.length > 1 ? PARTITIONS : 0
      const isWhole = active.length === ACTIVE.length && ACTIVE.every(task => active.includes(task))
      return isFair && isWhole && standby.length === copies && living.every(({ state }) => state === 'RUNNING')
    }
    try {
      await poll('a fair assignment of all tasks', () => isShared() || undefined, PATIENCE_MS)
    } catch (error) {
      const tails = this.#instances.map(({ child }) => `${child.lines.slice(-3).join('\n')}\n${child.stderrTail}`)
      throw new Error(`${(error as Error).message}\n${tails.join('\n---\n')}`)
    }
  }

  async #startFirst(): Promise<void> {
    const topics = [
      { name: 'lines', partitions: PARTITIONS },
      { name: 'counts', partitions: 1 },
    ]
    await createTopics(this.#helper, this.#broker.bootstrap, topics)
    this.#start()
    await this.#untilShared()
  }

  async #startSecond(): Promise<void> {
    this.#start()
    await this.#untilShared()
  }

  /** Everything is committed when it dies, so that every word is counted once. */
  async #kill(): Promise<void> {
    await this.#untilCommitted()
    await this.#instances[1]!.child.stop('SIGKILL')
    await this.#untilShared()
    await this.#count()
  }

  async #restore(): Promise<void> {
    const third = this.#start()
    await this.#untilShared()
    assert.ok(third.restored > 0, 'it has read no changelog')
  }

  async #stop(): Promise<void> {
    await this.#untilCommitted()
    await Promise.all(this.#living.map(({ child }) => child.stop('SIGTERM', 30_000)))
  }

  // --------------------------------------------------------------------------------------------------------- words

  /** Sends lines and waits until all words of all rounds have been counted. */
  async #count(): Promise<void> {
    const round = this.#rounds++
    const timestamp = Date.now()
    const file = join(this.#folder, `lines-${round}.jsonl`)
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const lines = Array.from({ length: LINES }, (_, i) => {
      const words = WORDS.slice(0, 1 + ((i * 7 + round) % WORDS.length))
      for (const word of words) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
      return `${JSON.stringify({ key: base64(`${round}-${i}`), value: base64(words.join(' ')), headers: [], timestamp })}\n`
    })
    writeFileSync(file, lines.join(''))
    const batches = [{ topic: 'lines', codec: 'none', acks: -1, idempotent: false }]
    await call(this.#helper, 'produce', { bootstrap: this.#broker.bootstrap, batches, records: file })
    let counted: Record<string, number> = {}
    const expected = Object.fromEntries([...this.#counts].sort())
    const isRight = async () => {
      counted = await this.#counted()
      return JSON.stringify(counted) === JSON.stringify(expected) || undefined
    }
    await poll('all words', isRight, PATIENCE_MS, 500).catch(() => assert.deepEqual(counted, expected))
  }

  /** The last count of each word. */
  async #counted(): Promise<Record<string, number>> {
    const { bootstrap } = this.#broker
    const latest = (await ask(this.#helper, bootstrap, { op: 'list-offsets', topic: 'counts', at: 'latest' })) as {
      0: number
    }
    const counted = new Map<string, number>()
    if (latest[0] === 0) return {}
    const records = await call(this.#helper, 'consume', { bootstrap, topics: ['counts'], count: latest[0] })
    const text = (field: unknown) => Buffer.from(field as string, 'base64').toString()
    for (const { key, value } of records) counted.set(text(key), Number(text(value)))
    return Object.fromEntries([...counted].sort())
  }

  /** Offsets that are committed are the ends of the topics that are read. */
  async #untilCommitted(): Promise<void> {
    const { bootstrap } = this.#broker
    for (const topic of ['lines', `${GROUP}-words-repartition`]) {
      const same = async () => {
        const ends = await ask(this.#helper, bootstrap, { op: 'list-offsets', topic, at: 'latest' })
        const committed = await ask(this.#helper, bootstrap, { op: 'group-offsets', group: GROUP, topic })
        const open = Object.entries(ends as Record<string, number>).filter(
          ([partition, end]) => end > 0 && (committed as Record<string, number>)[partition] !== end,
        )
        return open.length === 0 || undefined
      }
      await poll(`offsets of ${topic}`, same, PATIENCE_MS, 300)
    }
  }

  // ---------------------------------------------------------------------------------------------------------- tool

  async #tell(commands: readonly string[]): Promise<void> {
    for (const words of commands) {
      const args = [...words.split(' '), '--bootstrap-server', this.#broker.bootstrap]
      const output = withoutChance(await this.#java.tool('streams-groups', args))
      const times = (this.#told.get(words) ?? 0) + 1
      this.#told.set(words, times)
      const command = `streams-groups ${words}${times > 1 ? ` (${times})` : ''}`
      if (this.#context.record) this.#transcript.add(command, output)
      else this.#transcript.compare(command, output)
    }
  }
}

const RUNNING = [
  '--list',
  '--list --state',
  '--list --state Stable',
  '--list --state Empty',
  `--describe --group ${GROUP}`,
  `--describe --group ${GROUP} --offsets --verbose`,
  `--describe --group ${GROUP} --members`,
  `--describe --group ${GROUP} --members --verbose`,
  `--describe --group ${GROUP} --state`,
  `--describe --group ${GROUP} --state --verbose`,
  '--describe --group nobody',
  '--describe --all-groups --state',
  `--reset-offsets --group ${GROUP} --input-topic lines --to-earliest --execute`,
  `--delete-offsets --group ${GROUP} --input-topic lines`,
  `--delete --group ${GROUP}`,
]

const STOPPED = [
  '--list --state',
  `--describe --group ${GROUP} --members`,
  `--describe --group ${GROUP} --state --verbose`,
  `--reset-offsets --group ${GROUP} --input-topic lines --to-earliest --dry-run`,
  `--reset-offsets --group ${GROUP} --input-topic lines --shift-by -1 --execute`,
  `--reset-offsets --group ${GROUP} --all-input-topics --to-earliest --execute`,
  `--describe --group ${GROUP} --offsets --verbose`,
  `--delete-offsets --group ${GROUP} --input-topic lines`,
  `--delete-offsets --group nobody --input-topic lines`,
  `--delete --group ${GROUP} --delete-all-internal-topics`,
  '--list',
  `--describe --group ${GROUP}`,
  `--delete --group ${GROUP}`,
]

/** Ids of members and processes, epochs, and how the ten words fall on four partitions' ends. */
function withoutChance(finished: Finished): string {
  const text = (output: string) =>
    output
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .replaceAll(/(?<= )[\w-]{22}(?= )/g, 'MEMBER')
      .replaceAll(new RegExp(`^(${GROUP} +)\\d+( +\\d+ +MEMBER.* )\\d+( +UUID)`, 'gm'), '$1EPOCH$2EPOCH$3')
      .replaceAll(new RegExp(`^(${GROUP} +.*(?:Stable|Empty) +)\\d+ +\\d+`, 'gm'), '$1EPOCH EPOCH')
  const sorted = text(finished.stdout).split('\n').sort().join('\n')
  return normalise({ ...finished, stdout: sorted, stderr: text(finished.stderr) })
}
