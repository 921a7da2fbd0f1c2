/**
 * A group of three members over twelve partitions: they share all of them, one is killed and the others take over, it
 * comes back, all stop in good order. Nothing that was sent is ever skipped, what was committed can be read by another
 * client, and a member that starts anew goes on exactly where the group had been.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask, type Client, createTopics, helperFor, warmUp } from '../clients.ts'
import { type Context, together } from '../context.ts'
import { type Member, Members } from '../members.ts'
import { poll } from '../process.ts'

const PARTITIONS = 12
const MEMBERS = 3
const SESSION_MS = 3000
const PATIENCE_MS = 30_000

type Protocol = 'classic' | 'consumer'

/** Those that speak the consumer protocol (KIP-848), too. */
const SPEAK_CONSUMER = new Set(['java', 'confluent-kafka', 'franz-go'])
/** In a group of that protocol, how long a session is is not the member's to say. */
const CONSUMER_SETTINGS = {
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.session.timeout.ms': SESSION_MS,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.heartbeat.interval.ms': SESSION_MS / 10,
}

function nameOf(client: Client, protocol: Protocol): string {
  return protocol === 'classic' ? client.name : `${client.name}-${protocol}`
}

export async function groups(context: Context): Promise<void> {
  const { kit, report, kind, brokers } = context
  const all: [Client, Protocol][] = kit.clients.flatMap(client => [
    [client, 'classic'] as [Client, Protocol],
    ...(SPEAK_CONSUMER.has(client.name) ? [[client, 'consumer'] as [Client, Protocol]] : []),
  ])
  const wanted = all.filter(([client, protocol]) => report.wants(`groups/${nameOf(client, protocol)}`))
  if (wanted.length === 0) return
  const folder = join(kit.scratch, 'groups')
  mkdirSync(folder)
  const broker = await brokers.start(kind, { folder, settings: CONSUMER_SETTINGS })
  await warmUp(helperFor(kit.clients), broker.bootstrap)
  // Most of the time goes by in waiting for a session to run out.
  await together(3, wanted, async ([client, protocol]) => {
    const group = new Group(context, client, broker.bootstrap, protocol)
    try {
      await group.run()
    } finally {
      await group.killAll()
    }
  })
  await broker.stop()
}

class Group {
  readonly #context: Context
  readonly #client: Client
  readonly #helper: Client
  readonly #bootstrap: string
  readonly #name: string
  readonly #topic: string
  readonly #group: string
  readonly #members: Members
  readonly #protocol: Protocol

  constructor(context: Context, client: Client, bootstrap: string, protocol: Protocol) {
    this.#context = context
    this.#client = client
    this.#helper = helperFor(context.kit.clients, client)
    this.#bootstrap = bootstrap
    this.#protocol = protocol
    this.#name = nameOf(client, protocol)
    this.#topic = `groups.${this.#name}`
    this.#group = `group-of-${this.#name}`
    const who = { context, client, bootstrap, topic: this.#topic, group: this.#group }
    this.#members = new Members({ ...who, partitions: PARTITIONS, sessionMs: SESSION_MS })
  }

  async run(): Promise<void> {
    const steps: [string, () => Promise<void>][] = [
      [`${MEMBERS} members share ${PARTITIONS} partitions`, () => this.#share()],
      ['every record reaches a member', () => this.#members.deliver()],
      ['one is killed, the others take over', () => this.#kill()],
      ['it comes back', () => this.#rejoin()],
      [`what was committed, as ${this.#helper.name} reads it`, () => this.#committed()],
      ['a new member goes on there', () => this.#resume()],
    ]
    let broken: string | undefined
    for (const [what, step] of steps) {
      const name = `groups/${this.#name}/${what}`
      if (broken) this.#context.report.skip(name, `it follows «${broken}», which failed`)
      else if (!(await this.#context.report.check(name, step))) broken = what
    }
  }

  async killAll(): Promise<void> {
    await this.#members.killAll()
  }

  #start(): Member {
    return this.#members.start(this.#protocol === 'classic' ? {} : { protocol: this.#protocol })
  }

  async #share(): Promise<void> {
    await createTopics(this.#helper, this.#bootstrap, [{ name: this.#topic, partitions: PARTITIONS }])
    for (let i = 0; i < MEMBERS; i++) this.#start()
    await this.#members.untilShared()
    assert.equal((await this.#members.groupType()).toLowerCase(), this.#protocol)
    for (const member of this.#members.living) {
      const share = member.assigned.length
      assert.ok(share >= 2 && share <= 6, `a member holds ${share} of ${PARTITIONS} partitions`)
    }
  }

  async #kill(): Promise<void> {
    const members = this.#members
    const victim = members.living[1]!
    const round = members.rounds + 1
    const sending = members.send()
    if (this.#client.commitsByItself) {
      await members.untilSeen(await sending)
    } else {
      const hasBegun = () => victim.all.some(value => value.startsWith(`${round}-`)) || undefined
      await poll('the first of the new records', hasBegun, PATIENCE_MS, 1)
    }
    await victim.child.stop('SIGKILL')
    const values = [...(await sending), ...(await members.send())]
    await members.untilShared()
    await members.untilSeen(values)
  }

  async #rejoin(): Promise<void> {
    this.#start()
    await this.#members.untilShared()
    await this.#members.deliver()
  }

  async #committed(): Promise<void> {
    await this.#members.stop()
    const topic = this.#topic
    const ends = await ask(this.#helper, this.#bootstrap, { op: 'list-offsets', topic, at: 'latest' })
    const group = this.#group
    const committed = await ask(this.#helper, this.#bootstrap, { op: 'group-offsets', topic, group })
    assert.deepEqual(committed, ends)
    const total = Object.values(ends as Record<string, number>).reduce((sum, end) => sum + end, 0)
    assert.equal(total, this.#members.sent)
  }

  async #resume(): Promise<void> {
    const values = await this.#members.send()
    const member = this.#start()
    await this.#members.untilSeen(values)
    assert.deepEqual([...member.all].sort(), [...values].sort(), 'it got something else than the new records')
    await member.child.stop('SIGTERM')
  }
}
