/**
 * What each client's admin calls make of the broker: topics, configs, offsets, records and groups are made, read, changed
 * and deleted, by the client itself, and every answer is compared with the one value it must have.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_ID } from '../brokers.ts'
import { type Client, call, createTopics, helperFor, type Json, type Line } from '../clients.ts'
import { type Context, together } from '../context.ts'
import { poll } from '../process.ts'

const RECORDS = 10
/** The record with the highest timestamp; not the last one. */
const NEWEST = 4

interface Step {
  readonly what: string
  readonly step: { readonly op: string; readonly [key: string]: unknown }
  /** Throws if the answer is wrong. */
  readonly expect: (answer: Line) => void
  /** A question may be put again: a broker may learn a moment later of what it has just agreed to. */
  readonly isQuestion: boolean
  /** It is to change something, and to succeed. */
  readonly changes: boolean
}

export async function admin(context: Context): Promise<void> {
  const wanted = context.kit.clients.filter(client => context.report.wants(`admin/${client.name}`))
  if (wanted.length === 0) return
  const { bootstrap } = await context.shared()
  await together(2, wanted, async client => {
    const first = new Plan(client, bootstrap)
    first.topics()
    first.configs()
    first.cluster()
    await run(context, client, first.steps)
    const firstMs = Date.now() - 600_000
    await sendRecords(context, bootstrap, `admin.${client.name}.records`, firstMs)
    const second = new Plan(client, bootstrap)
    second.offsets(firstMs)
    second.groups()
    second.deletions()
    await run(context, client, second.steps)
  })
}

/**
 * Runs the steps. What changes something and the questions after it go to one process of the client; a question whose
 * answer is not yet the right one is put again before the next change.
 */
async function run(context: Context, client: Client, steps: readonly Step[]): Promise<void> {
  const { bootstrap } = await context.shared()
  const ask = (list: readonly Step[]) => call(client, 'admin', { bootstrap, steps: list.map(({ step }) => step) })
  for (const part of parts(steps)) {
    let answers: Line[] = []
    const names = part.map(step => `admin/${client.name}/${step.what}`)
    try {
      answers = await ask(part)
    } catch (error) {
      await context.report.check(names.shift()!, () => Promise.reject(error))
      for (const name of names) context.report.skip(name, 'it was asked in the process that failed')
      continue
    }
    await standIn(
      context,
      part.filter((step, index) => answers[index]!.lacks && step.changes),
    )
    for (const [index, step] of part.entries()) {
      const answer = answers[index]!
      if (answer.lacks) context.report.skip(names[index]!, answer.lacks as string)
      else await context.report.check(names[index]!, () => judge(step, answer, async () => (await ask([step]))[0]!))
    }
  }
}

/** Has another client make the changes that this one has no call for, so that it can be asked about them. */
async function standIn(context: Context, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return
  const { bootstrap } = await context.shared()
  await call(helperFor(context.kit.clients), 'admin', { bootstrap, steps: steps.map(({ step }) => step) })
}

/** Cuts the steps before each change that comes after a question. */
function parts(steps: readonly Step[]): Step[][] {
  const cut: Step[][] = []
  for (const [index, step] of steps.entries()) {
    if (index === 0 || (!step.isQuestion && steps[index - 1]!.isQuestion)) cut.push([])
    cut.at(-1)!.push(step)
  }
  return cut
}

async function judge(step: Step, first: Line, askAgain: () => Promise<Line>): Promise<void> {
  let answer = first
  let last: unknown
  const isRight = async () => {
    try {
      step.expect(answer)
      return true
    } catch (error) {
      last = error
      if (step.isQuestion) answer = await askAgain()
      return undefined
    }
  }
  await poll(step.what, isRight, step.isQuestion ? 5000 : 0, 200).catch(() => {
    throw new Error(`${(last as Error).message}\n${step.step.op} answered ${JSON.stringify(answer).slice(0, 2000)}`)
  })
}

/** Ten records of known times in a topic of one partition, by a client that can set the time. */
async function sendRecords(context: Context, bootstrap: string, topic: string, firstMs: number): Promise<void> {
  const helper = helperFor(context.kit.clients)
  await createTopics(helper, bootstrap, [{ name: topic, partitions: 1 }])
  const file = join(context.kit.scratch, `${topic}.jsonl`)
  const value = Buffer.from('some text').toString('base64')
  const records = Array.from({ length: RECORDS }, (_, i) => {
    const timestamp = firstMs + (i === NEWEST ? 60_000 : i * 1000)
    return { key: null, value, headers: [], timestamp }
  })
  writeFileSync(file, records.map(record => `${JSON.stringify(record)}\n`).join(''))
  const batches = [{ topic, codec: 'none', acks: -1, idempotent: true }]
  const answers = await call(helper, 'produce', { bootstrap, batches, records: file })
  assert.deepEqual(answers.at(-1), { topic, done: RECORDS })
}

/** The steps for one client, in their order. */
class Plan {
  readonly steps: Step[] = []
  readonly #bootstrap: string
  readonly #topic: string
  readonly #records: string
  readonly #group: string

  constructor(client: Client, bootstrap: string) {
    this.#bootstrap = bootstrap
    this.#topic = `admin.${client.name}`
    this.#records = `admin.${client.name}.records`
    this.#group = `admin-group-of-${client.name}`
  }

  /** The client's calls that answer nothing but success do so in many ways; only an error counts. */
  #does(what: string, step: Step['step']): void {
    const expect = (answer: Line) => assert.equal(answer.error, undefined)
    this.steps.push({ what, step, expect, isQuestion: false, changes: true })
  }

  #fails(what: string, step: Step['step'], how: RegExp): void {
    const expect = (answer: Line) => assert.match(String(answer.error), how)
    this.steps.push({ what, step, expect, isQuestion: false, changes: false })
  }

  #answers(what: string, step: Step['step'], wanted: Json | ((result: Json) => void)): void {
    const compare = (result: Json) => (typeof wanted === 'function' ? wanted(result) : assert.deepEqual(result, wanted))
    const expect = (answer: Line) => {
      assert.equal(answer.error, undefined)
      compare(answer.result ?? null)
    }
    this.steps.push({ what, step, expect, isQuestion: true, changes: false })
  }

  #partitions(count: number): Json {
    return Array.from({ length: count }, (_, partition) => ({
      partition,
      leader: NODE_ID,
      replicas: [NODE_ID],
      isr: [NODE_ID],
    }))
  }

  topics(): void {
    const topic = this.#topic
    const configs = { 'retention.ms': '3600000', 'max.message.bytes': '2000000' }
    const create = { op: 'create-topics', topics: [{ name: topic, partitions: 3, configs }] }
    this.#does('create a topic', create)
    this.#fails('create it again', create, /exist/i)
    this.#answers('list topics', { op: 'list-topics' }, names => assert.ok((names as string[]).includes(topic)))
    this.#answers('describe it', { op: 'describe-topic', topic }, this.#partitions(3))
    this.#does('add partitions', { op: 'create-partitions', topic, count: 5 })
    this.#answers('see them', { op: 'describe-topic', topic }, this.#partitions(5))
    this.#fails('take partitions away', { op: 'create-partitions', topic, count: 2 }, /partitions/i)
  }

  configs(): void {
    const topic = this.#topic
    const defaults = {
      'retention.ms': '604800000',
      'max.message.bytes': '1048588',
      'cleanup.policy': 'delete',
      'segment.bytes': '1073741824',
    }
    const describe = { op: 'describe-configs', type: 'topic', name: topic, keys: Object.keys(defaults) }
    const created = { 'retention.ms': '3600000', 'max.message.bytes': '2000000' }
    this.#answers('describe configs', describe, { ...defaults, ...created })
    const altered = { 'retention.ms': '7200000', 'cleanup.policy': 'compact,delete' }
    this.#does('alter configs', { op: 'alter-configs', topic, set: altered, remove: ['max.message.bytes'] })
    this.#answers('see them altered', describe, { ...defaults, ...altered })
    const set = { 'segment.bytes': '1048576' }
    this.#does('replace configs', { op: 'replace-configs', topic, set })
    this.#answers('see them replaced', describe, { ...defaults, ...set })
    const nonsense = { 'segment.bytes': 'x' }
    const complaint = /segment\.bytes|invalid/i
    this.#fails('replace by nonsense', { op: 'replace-configs', topic, set: nonsense }, complaint)
    this.#fails('alter to nonsense', { op: 'alter-configs', topic, set: nonsense, remove: [] }, complaint)
    this.#answers('see them unchanged', describe, { ...defaults, ...set })
    const keys = ['num.partitions', 'log.retention.hours', 'group.initial.rebalance.delay.ms']
    this.#answers(
      'describe a broker',
      { op: 'describe-configs', type: 'broker', name: String(NODE_ID), keys },
      { 'num.partitions': '1', 'log.retention.hours': '168', 'group.initial.rebalance.delay.ms': '0' },
    )
  }

  cluster(): void {
    const [host, port] = this.#bootstrap.split(':')
    const brokers = [{ id: NODE_ID, host: host!, port: Number(port) }]
    this.#answers('describe the cluster', { op: 'describe-cluster' }, result => {
      const { id, ...rest } = result as { [key: string]: Json }
      assert.deepEqual(rest, { controller: NODE_ID, brokers })
      if (id !== undefined) assert.match(String(id), /^[\w-]{22}$/)
    })
  }

  offsets(firstMs: number): void {
    const topic = this.#records
    const list = (what: string, at: string | number, offset: number) =>
      this.#answers(`list ${what}`, { op: 'list-offsets', topic, at }, result => {
        // Some clients turn «none is that late» into the end.
        const wanted = offset === -1 && (result as Record<string, number>)['0'] === RECORDS ? RECORDS : offset
        assert.deepEqual(result, { 0: wanted })
      })
    list('the earliest offset', 'earliest', 0)
    list('the latest offset', 'latest', RECORDS)
    list('the offset of the newest record', 'max-timestamp', NEWEST)
    list('the offset at a time', firstMs + 1500, 2)
    list('the offset at a time of which only one is later', firstMs + 30_000, NEWEST)
    list('the offset at a time when there was none yet', firstMs + 3_600_000, -1)
    this.#answers('describe log dirs', { op: 'describe-log-dirs', topic }, sizes => {
      assert.deepEqual(Object.keys(sizes as object), ['0'])
      assert.ok((sizes as Record<string, number>)['0']! > RECORDS * 10)
    })
    this.#does('delete records', { op: 'delete-records', topic, offsets: { 0: 3 } })
    list('the earliest offset after deletion', 'earliest', 3)
  }

  groups(): void {
    const group = this.#group
    const topic = this.#records
    const set = (offset: number) => ({ op: 'set-group-offsets', group, topic, offsets: { 0: offset } })
    const offsets = { op: 'group-offsets', group, topic }
    const contains = (names: Json) => (names as string[]).includes(group)
    this.#does('set group offsets', set(7))
    this.#answers('read group offsets', offsets, { 0: 7 })
    this.#answers('list groups', { op: 'list-groups' }, names => assert.ok(contains(names)))
    this.#answers('describe a group', { op: 'describe-group', group }, { state: 'Empty', members: 0 })
    this.#does('reset group offsets', set(4))
    this.#answers('read them reset', offsets, { 0: 4 })
    this.#does('delete group offsets', { op: 'delete-group-offsets', group, topic, partitions: [0] })
    this.#answers('read them deleted', offsets, {})
    this.#does('set them once more', set(5))
    this.#does('delete the group', { op: 'delete-groups', groups: [group] })
    this.#answers('list groups without it', { op: 'list-groups' }, names => assert.ok(!contains(names)))
  }

  deletions(): void {
    const topics = [this.#topic, this.#records]
    this.#does('delete topics', { op: 'delete-topics', topics })
    this.#answers('list topics without them', { op: 'list-topics' }, names => {
      assert.deepEqual(
        topics.filter(topic => (names as string[]).includes(topic)),
        [],
      )
    })
    this.#fails('delete them again', { op: 'delete-topics', topics }, /unknown|not exist|not host|3/i)
  }
}
