/**
 * Kafka Streams with `processing.guarantee=exactly_once_v2`, in the classic and in the streams protocol: two instances count
 * words while one of them is killed again and again, in the middle of its transactions. Whoever reads committed records sees
 * of each word every count once, in order: none is missing, none is there twice.
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerKind, RunningBroker } from '../brokers.ts'
import { type Client, call, createTopics, helperFor, type Line } from '../clients.ts'
import type { Context } from '../context.ts'
import type { Java } from '../java.ts'
import { Child, poll } from '../process.ts'

const PARTITIONS = 4
const ROUNDS = 3
const LINES = 400
const WORDS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta']
const PATIENCE_MS = 150_000

export async function streamsExactlyOnce(context: Context): Promise<void> {
  const { kit, report, brokers, kind } = context
  if (!kit.java) {
    report.skip('streams-exactly-once', 'Java or Apache Kafka is missing')
    return
  }
  const folder = join(kit.scratch, 'streams-exactly-once')
  mkdirSync(folder)
  const broker = await brokers.start(kind as BrokerKind, { folder: join(folder, 'broker'), settings: SETTINGS })
  try {
    for (const protocol of ['classic', 'streams']) {
      const counting = new Counting(context, kit.java, broker, folder, protocol)
      await report.check(`streams-exactly-once/${protocol}`, () => counting.run())
    }
  } finally {
    await broker.stop()
  }
}

const SETTINGS = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1000,
  'group.streams.initial.rebalance.delay.ms': 0,
  'group.streams.session.timeout.ms': 6000,
  'group.streams.min.session.timeout.ms': 6000,
  'group.streams.heartbeat.interval.ms': 500,
  'group.streams.min.heartbeat.interval.ms': 500,
}

class Counting {
  readonly #java: Java
  readonly #broker: RunningBroker
  readonly #folder: string
  readonly #protocol: string
  readonly #helper: Client
  readonly #instances: Child[] = []
  readonly #expected = new Map<string, number>()

  constructor(context: Context, java: Java, broker: RunningBroker, folder: string, protocol: string) {
    this.#java = java
    this.#broker = broker
    this.#folder = folder
    this.#protocol = protocol
    this.#helper = helperFor(context.kit.clients)
  }

  async run(): Promise<void> {
    const topics = [
      { name: this.#topic('lines'), partitions: PARTITIONS },
      { name: this.#topic('counts'), partitions: 1 },
    ]
    await createTopics(this.#helper, this.#broker.bootstrap, topics)
    try {
      this.#start()
      for (let round = 0; round < ROUNDS; round++) {
        const victim = this.#start()
        await poll('the second instance has tasks', () => hasTasks(victim) || undefined, PATIENCE_MS)
        await this.#send(round)
        // It has begun to count, and has not come to the end.
        await poll(
          'some of it is counted',
          async () => (await this.#counted()).length > 0 || undefined,
          PATIENCE_MS,
          100,
        )
        await victim.stop('SIGKILL')
      }
      await this.#untilCounted()
    } finally {
      await Promise.all(this.#instances.map(instance => instance.stop('SIGKILL')))
    }
  }

  #topic(name: string): string {
    return `${this.#protocol}.${name}`
  }

  #start(): Child {
    const config = {
      'bootstrap.servers': this.#broker.bootstrap,
      'application.id': `exactly-once-${this.#protocol}`,
      'group.protocol': this.#protocol,
      'processing.guarantee': 'exactly_once_v2',
      'state.dir': join(this.#folder, `state-${this.#protocol}-${this.#instances.length}`),
      'commit.interval.ms': '100',
      'auto.offset.reset': 'earliest',
      'transaction.timeout.ms': '10000',
      // Of what is the members' own in the classic protocol.
      ...(this.#protocol === 'classic' && { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '500' }),
    }
    const args = { input: this.#topic('lines'), output: this.#topic('counts'), config }
    const instance = new Child([...this.#java.command('StreamsApp'), JSON.stringify(args)])
    this.#instances.push(instance)
    return instance
  }

  async #send(round: number): Promise<void> {
    const file = join(this.#folder, `${this.#protocol}-lines-${round}.jsonl`)
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const timestamp = Date.now()
    const lines = Array.from({ length: LINES }, (_, i) => {
      const words = WORDS.slice(0, 1 + ((i * 5 + round) % WORDS.length))
      for (const word of words) this.#expected.set(word, (this.#expected.get(word) ?? 0) + 1)
      return `${JSON.stringify({ key: base64(`${round}-${i}`), value: base64(words.join(' ')), headers: [], timestamp })}\n`
    })
    writeFileSync(file, lines.join(''))
    const batches = [{ topic: this.#topic('lines'), codec: 'none', acks: -1, idempotent: false }]
    await call(this.#helper, 'produce', { bootstrap: this.#broker.bootstrap, batches, records: file })
  }

  /** Word and count of each committed record, in order. */
  async #counted(): Promise<readonly (readonly [string, number])[]> {
    const { stdout } = await this.#java.tool('console-consumer', [
      ...['--bootstrap-server', this.#broker.bootstrap, '--topic', this.#topic('counts'), '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--timeout-ms', '3000', '--formatter-property', 'print.key=true'],
    ])
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(line => {
        const [word = '', count] = line.split('\t')
        return [word, Number(count)] as const
      })
  }

  async #untilCounted(): Promise<void> {
    const total = [...this.#expected.values()].reduce((sum, count) => sum + count, 0)
    let counted: readonly (readonly [string, number])[] = []
    const all = async () => {
      counted = await this.#counted()
      return counted.length >= total || undefined
    }
    await poll('all words', all, PATIENCE_MS, 500).catch(() => undefined)
    const last = new Map<string, number>()
    for (const [word, count] of counted) {
      assert.equal(count, (last.get(word) ?? 0) + 1, `${word} is counted twice, or not at all`)
      last.set(word, count)
    }
    assert.deepEqual(Object.fromEntries([...last].sort()), Object.fromEntries([...this.#expected].sort()))
  }
}

function hasTasks(instance: Child): boolean {
  const lines = instance.lines.map(line => JSON.parse(line) as Line)
  return lines.some(({ active }) => Array.isArray(active) && active.length > 0)
}
