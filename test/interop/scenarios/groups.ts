/**
 * A group of three members over twelve partitions: they share all of them, one is killed and the others take over, it
 * comes back, all stop in good order. Nothing that was sent is ever skipped, what was committed can be read by another
 * client, and a member that starts anew goes on exactly where the group had been.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, type Client, call, createTopics, helperFor, type Line } from '../clients.ts'
import { type Context, together } from '../context.ts'
import { Child, poll } from '../process.ts'

const PARTITIONS = 12
const MEMBERS = 3
const ROUND = 600
const SESSION_MS = 3000
const PATIENCE_MS = 30_000

export async function groups(context: Context): Promise<void> {
  const wanted = context.kit.clients.filter(client => context.report.wants(`groups/${client.name}`))
  if (wanted.length === 0) return
  await context.shared()
  // Most of the time goes by in waiting for a session to run out.
  await together(3, wanted, async client => {
    const group = new Group(context, client, (await context.shared()).bootstrap)
    try {
      await group.run()
    } finally {
      await group.killAll()
    }
  })
}

class Member {
  readonly child: Child
  #seen = 0
  #assigned: number[] = []
  readonly values = new Set<string>()

  constructor(command: readonly string[]) {
    this.child = new Child(command)
  }

  /** Takes in what was printed since the last call. */
  #update(): void {
    const { lines } = this.child
    for (; this.#seen < lines.length; this.#seen++) {
      const line = JSON.parse(lines[this.#seen]!) as Line
      if (line.event === 'assigned') this.#assigned = line.partitions as number[]
      else if (line.event === 'record') this.values.add(Buffer.from(line.value as string, 'base64').toString())
    }
  }

  get assigned(): readonly number[] {
    this.#update()
    return this.#assigned
  }

  has(value: string): boolean {
    this.#update()
    return this.values.has(value)
  }

  get all(): readonly string[] {
    this.#update()
    return [...this.values]
  }
}

class Group {
  readonly #context: Context
  readonly #client: Client
  readonly #helper: Client
  readonly #bootstrap: string
  readonly #topic: string
  readonly #group: string
  /** All that ever ran, dead ones too. */
  readonly #members: Member[] = []
  #rounds = 0

  constructor(context: Context, client: Client, bootstrap: string) {
    this.#context = context
    this.#client = client
    this.#helper = helperFor(context.kit.clients, client)
    this.#bootstrap = bootstrap
    this.#topic = `groups.${client.name}`
    this.#group = `group-of-${client.name}`
  }

  async run(): Promise<void> {
    const steps: [string, () => Promise<void>][] = [
      [`${MEMBERS} members share ${PARTITIONS} partitions`, () => this.#share()],
      ['every record reaches a member', () => this.#deliver()],
      ['one is killed, the others take over', () => this.#kill()],
      ['it comes back', () => this.#rejoin()],
      [`what was committed, as ${this.#helper.name} reads it`, () => this.#committed()],
      ['a new member goes on there', () => this.#resume()],
    ]
    let broken: string | undefined
    for (const [what, step] of steps) {
      const name = `groups/${this.#client.name}/${what}`
      if (broken) this.#context.report.skip(name, `it follows «${broken}», which failed`)
      else if (!(await this.#context.report.check(name, step))) broken = what
    }
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#members.map(member => member.child.stop('SIGKILL')))
  }

  #start(): Member {
    const args = { bootstrap: this.#bootstrap, group: this.#group, topic: this.#topic, sessionMs: SESSION_MS }
    const member = new Member([...this.#client.command, 'member', JSON.stringify(args)])
    this.#members.push(member)
    return member
  }

  get #living(): Member[] {
    return this.#members.filter(member => !member.child.hasEnded)
  }

  /** Sends `count` records; their values. */
  async #send(count = ROUND): Promise<string[]> {
    const round = ++this.#rounds
    const values = Array.from({ length: count }, (_, i) => `${round}-${i}`)
    const file = join(this.#context.kit.scratch, `groups-${this.#client.name}-${round}.jsonl`)
    const timestamp = Date.now()
    const line = (value: string) => {
      const text = Buffer.from(value).toString('base64')
      return `${JSON.stringify({ key: text, value: text, headers: [], timestamp })}\n`
    }
    writeFileSync(file, values.map(line).join(''))
    const batches = [{ topic: this.#topic, codec: 'none', acks: -1, idempotent: false }]
    const answers = await call(this.#client, 'produce', { bootstrap: this.#bootstrap, batches, records: file })
    assert.deepEqual(answers.at(-1), { topic: this.#topic, done: count })
    return values
  }

  /** Waits until the living members hold all partitions and none twice. */
  async #untilShared(): Promise<void> {
    const held = () => this.#living.map(member => member.assigned)
    const isWhole = () => {
      const all = held()
      const each = all.flat()
      return each.length === PARTITIONS && new Set(each).size === PARTITIONS && all.every(list => list.length > 0)
    }
    try {
      await poll('a disjoint assignment of all partitions', () => isWhole() || undefined, PATIENCE_MS)
    } catch (error) {
      const tails = this.#members.map(member => member.child.stderrTail)
      throw new Error(`${(error as Error).message}; held: ${JSON.stringify(held())}\n${tails.join('\n')}`)
    }
  }

  /** Waits until each of the values was handed to some member, living or dead. */
  async #untilSeen(values: readonly string[]): Promise<void> {
    const missing = () => values.filter(value => !this.#members.some(member => member.has(value)))
    try {
      await poll('records at the members', () => (missing().length === 0 ? true : undefined), PATIENCE_MS)
    } catch (error) {
      const left = missing()
      throw new Error(`${(error as Error).message}: ${left.length} never came, such as ${left.slice(0, 5).join(', ')}`)
    }
  }

  async #share(): Promise<void> {
    await createTopics(this.#helper, this.#bootstrap, [{ name: this.#topic, partitions: PARTITIONS }])
    for (let i = 0; i < MEMBERS; i++) this.#start()
    await this.#untilShared()
    for (const member of this.#living) {
      const share = member.assigned.length
      assert.ok(share >= 2 && share <= 6, `a member holds ${share} of ${PARTITIONS} partitions`)
    }
  }

  async #deliver(): Promise<void> {
    await this.#untilSeen(await this.#send())
  }

  async #kill(): Promise<void> {
    const victim = this.#living[1]!
    const round = this.#rounds + 1
    const sending = this.#send()
    if (this.#client.commitsByItself) {
      await this.#untilSeen(await sending)
    } else {
      const hasBegun = () => victim.all.some(value => value.startsWith(`${round}-`)) || undefined
      await poll('the first of the new records', hasBegun, PATIENCE_MS, 1)
    }
    await victim.child.stop('SIGKILL')
    const values = [...(await sending), ...(await this.#send())]
    await this.#untilShared()
    await this.#untilSeen(values)
  }

  async #rejoin(): Promise<void> {
    this.#start()
    await this.#untilShared()
    await this.#untilSeen(await this.#send())
  }

  async #committed(): Promise<void> {
    await Promise.all(this.#living.map(member => member.child.stop('SIGTERM')))
    const topic = this.#topic
    const ends = await ask(this.#helper, this.#bootstrap, { op: 'list-offsets', topic, at: 'latest' })
    const group = this.#group
    const committed = await ask(this.#helper, this.#bootstrap, { op: 'group-offsets', topic, group })
    assert.deepEqual(committed, ends)
    const total = Object.values(ends as Record<string, number>).reduce((sum, end) => sum + end, 0)
    assert.equal(total, this.#rounds * ROUND)
  }

  async #resume(): Promise<void> {
    const values = await this.#send()
    const member = this.#start()
    await this.#untilSeen(values)
    assert.deepEqual([...member.all].sort(), [...values].sort(), 'it got something else than the new records')
    await member.child.stop('SIGTERM')
  }
}
