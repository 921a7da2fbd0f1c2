/**
 * Transactions, by each client that has a transactional producer: what is committed is read by every client, what is
 * aborted by none; a second producer with the same id fences the first; what nobody ends is aborted in time; a
 * transaction outlives a broker that is killed; and records that are read, changed and written are there exactly once,
 * though whoever does that is killed in the middle of it, again and again.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type RunningBroker } from '../brokers.ts'
import { type Client, call, createTopics, helperFor, type Line } from '../clients.ts'
import type { Context } from '../context.ts'
import { Child, poll } from '../process.ts'

/** Those that speak `transact` and `transform`. */
const TRANSACTIONAL = new Set(['confluent-kafka', 'franz-go', 'java'])
const PATIENCE_MS = 30_000
/** Killed, Apache Kafka may need a minute until it aborts what nobody will end. */
const READ_PATIENCE_MS = 150_000
const SESSION_MS = 2000
const TRANSFORMED = 240
const A_TRANSACTION = 10
const SETTINGS = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500 }

export async function transactions(context: Context): Promise<void> {
  const wanted = context.kit.clients.filter(({ name }) => TRANSACTIONAL.has(name))
  if (wanted.length === 0) return
  const folder = join(context.kit.scratch, 'transactions')
  mkdirSync(folder)
  const port = await freePort()
  const broker = await context.brokers.start(context.kind, { folder, port, settings: SETTINGS })
  const bench = new Bench(context, broker.bootstrap)
  const restart = (running: RunningBroker) =>
    running.kill().then(() => context.brokers.start(context.kind, { folder, port, settings: SETTINGS }))
  let running = broker
  for (const client of wanted) {
    const check = (what: string, run: () => Promise<void>) =>
      context.report.check(`transactions/${client.name}/${what}`, () => run().finally(() => bench.endAll()))
    await check('commit and abort', () => bench.commitAndAbort(client))
    await check('fencing', () => bench.fencing(client))
    await check('time-out', () => bench.timeOut(client))
    await check('exactly once, though killed', () => bench.exactlyOnce(client))
    await check('the broker is killed in the middle', () =>
      bench.brokerKilled(client, async () => {
        running = await restart(running)
      }),
    )
  }
  await running.stop()
}

/** A producer that does what it is told, and says what came of it. */
class Producer {
  readonly child: Child
  #answered = 0

  constructor(client: Client, args: object) {
    this.child = new Child([...client.command, 'transact', JSON.stringify(args)])
  }

  /** null, or the error that it had. */
  async try(op: string, more: object = {}): Promise<string | null> {
    const index = this.#answered++
    this.child.write(`${JSON.stringify({ op, ...more })}\n`)
    const text = await this.child.until(op, () => this.child.lines[index], PATIENCE_MS)
    return ((JSON.parse(text) as Line).error as string | undefined) ?? null
  }

  async do(op: string, more: object = {}): Promise<void> {
    const error = await this.try(op, more)
    assert.equal(error, null, `${op}: ${error}`)
  }
}

class Bench {
  readonly #context: Context
  readonly #bootstrap: string
  readonly #children: Child[] = []
  #count = 0

  constructor(context: Context, bootstrap: string) {
    this.#context = context
    this.#bootstrap = bootstrap
  }

  async endAll(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(child => child.stop('SIGKILL')))
  }

  #producer(client: Client, transactionalId: string, timeoutMs = 60_000): Producer {
    const producer = new Producer(client, { bootstrap: this.#bootstrap, transactionalId, timeoutMs })
    this.#children.push(producer.child)
    return producer
  }

  async #topic(client: Client, partitions = 2): Promise<string> {
    const name = `transactions-${client.name}-${++this.#count}`
    await createTopics(helperFor(this.#context.kit.clients), this.#bootstrap, [{ name, partitions }])
    return name
  }

  /** What a reader of committed data gets, up to a record that says that all is there. */
  async #read(reader: Client, topic: string, count: number): Promise<string[]> {
    const args = { bootstrap: this.#bootstrap, topics: [topic], count, isolation: 'read_committed' }
    const lines = await call(reader, 'consume', args, READ_PATIENCE_MS)
    return lines.map(({ value }) => Buffer.from(value as string, 'base64').toString()).sort()
  }

  get #readers(): readonly Client[] {
    return this.#context.kit.clients.filter(({ name }) => TRANSACTIONAL.has(name))
  }

  async commitAndAbort(client: Client): Promise<void> {
    const topic = await this.#topic(client)
    const producer = this.#producer(client, topic)
    await producer.do('init')
    const expected: string[] = []
    for (let i = 0; i < 6; i++) {
      const values = Array.from({ length: 5 }, (_, n) => `${i}-${n}`)
      await producer.do('begin')
      await producer.do('send', { topic, values })
      await producer.do(i % 2 === 0 ? 'commit' : 'abort')
      if (i % 2 === 0) expected.push(...values)
    }
    // Open: nobody reads past it.
    await producer.do('begin')
    await producer.do('send', { topic, values: ['open', 'open', 'open', 'open', 'open'] })
    for (const reader of this.#readers) assert.deepEqual(await this.#read(reader, topic, expected.length), expected)
    await producer.do('commit')
    const all = [...expected, 'open', 'open', 'open', 'open', 'open'].sort()
    for (const reader of this.#readers) assert.deepEqual(await this.#read(reader, topic, all.length), all)
  }

  async fencing(client: Client): Promise<void> {
    const topic = await this.#topic(client)
    const old = this.#producer(client, topic)
    await old.do('init')
    await old.do('begin')
    await old.do('send', { topic, values: ['zombie'] })
    const young = this.#producer(client, topic)
    await young.do('init')
    const error =
      (await old.try('commit')) ?? (await old.try('begin')) ?? (await old.try('send', { topic, values: ['late'] }))
    assert.match(String(error), /fence|epoch|INVALID_TXN_STATE|invalid/i)
    await young.do('begin')
    await young.do('send', { topic, values: ['a', 'b'] })
    await young.do('commit')
    assert.deepEqual(await this.#read(client, topic, 2), ['a', 'b'])
  }

  async timeOut(client: Client): Promise<void> {
    const topic = await this.#topic(client, 1)
    const slow = this.#producer(client, `${topic}-slow`, 1000)
    await slow.do('init')
    await slow.do('begin')
    await slow.do('send', { topic, values: ['forgotten'] })
    const other = this.#producer(client, `${topic}-other`)
    await other.do('init')
    await other.do('begin')
    await other.do('send', { topic, values: ['behind it'] })
    await other.do('commit')
    assert.deepEqual(await this.#read(client, topic, 1), ['behind it'])
    const error = await slow.try('commit')
    assert.notEqual(error, null, 'a commit of what was aborted')
  }

  async exactlyOnce(client: Client): Promise<void> {
    const input = await this.#topic(client)
    const output = await this.#topic(client)
    const producer = this.#producer(client, `${input}-source`)
    await producer.do('init')
    const values = Array.from({ length: TRANSFORMED }, (_, i) => `value ${i}`)
    for (let i = 0; i < TRANSFORMED; i += 40) {
      await producer.do('begin')
      await producer.do('send', { topic: input, values: values.slice(i, i + 40) })
      await producer.do('commit')
      await producer.do('begin')
      await producer.do('send', { topic: input, values: ['aborted', 'aborted'] })
      await producer.do('abort')
    }
    const args = {
      bootstrap: this.#bootstrap,
      group: input,
      input,
      output,
      count: A_TRANSACTION,
      sessionMs: SESSION_MS,
    }
    const command = [
      ...client.command,
      'transform',
      JSON.stringify({ ...args, transactionalId: output, timeoutMs: 60_000 }),
    ]
    for (let round = 0; round < 3; round++) {
      const child = new Child(command)
      this.#children.push(child)
      // Twice killed in the middle of a transaction; then it may go on to the end.
      const sent = () => child.lines.filter(line => line.includes('"sent"')).length
      if (round < 2) {
        await child.until('three transactions', () => sent() > 3 || undefined, PATIENCE_MS)
        await child.stop('SIGKILL')
      } else await this.#read(client, output, TRANSFORMED)
    }
    const expected = values.map(value => `${value}!`).sort()
    assert.deepEqual(await this.#readAll(client, output, expected.length), expected)
  }

  /** As many as there should be, and a moment later nothing more. */
  async #readAll(client: Client, topic: string, count: number): Promise<string[]> {
    const end = this.#producer(client, `${topic}-end`)
    await end.do('init')
    await end.do('begin')
    await end.do('send', { topic, values: Array.from({ length: 20 }, () => '~end') })
    await end.do('commit')
    return (await this.#read(client, topic, count + 20)).filter(value => value !== '~end')
  }

  async brokerKilled(client: Client, restart: () => Promise<void>): Promise<void> {
    const topic = await this.#topic(client, 1)
    const producer = this.#producer(client, topic)
    const lost = this.#producer(client, `${topic}-lost`, 1000)
    for (const one of [producer, lost]) {
      await one.do('init')
      await one.do('begin')
      await one.do('send', { topic, values: [one === lost ? 'lost' : 'before'] })
    }
    await lost.child.stop('SIGKILL')
    await restart()
    await producer.do('send', { topic, values: ['after'] })
    await producer.do('commit')
    assert.deepEqual(await this.#read(client, topic, 2), ['after', 'before'])
    await poll(
      'the next transaction',
      () => producer.try('begin').then(error => error === null || undefined),
      PATIENCE_MS,
    )
    await producer.do('send', { topic, values: ['next'] })
    await producer.do('commit')
    await sleep(1)
    assert.deepEqual(await this.#read(client, topic, 3), ['after', 'before', 'next'])
  }
}
