/** Members of one group over one topic, each a program of a client: who holds what, who has seen which record. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { type Client, call, type Line } from './clients.ts'
import type { Context } from './context.ts'
import { Asker } from './prober.ts'
import { Child, poll } from './process.ts'

const LIST = { request: ListGroupsRequest, response: ListGroupsResponse }

const ROUND = 600
const PATIENCE_MS = 30_000

export class Member {
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

export interface MembersOptions {
  readonly context: Context
  readonly client: Client
  readonly bootstrap: string
  readonly topic: string
  readonly group: string
  readonly partitions: number
  readonly sessionMs: number
}

export class Members {
  readonly #options: MembersOptions
  /** All that ever ran, dead ones too. */
  readonly #members: Member[] = []
  #rounds = 0

  constructor(options: MembersOptions) {
    this.#options = options
  }

  get rounds(): number {
    return this.#rounds
  }

  /** Of records that were sent. */
  get sent(): number {
    return this.#rounds * ROUND
  }

  get living(): Member[] {
    return this.#members.filter(member => !member.child.hasEnded)
  }

  /** `more`: words of `member` that the client knows beyond the common ones. */
  start(more: object = {}): Member {
    const { bootstrap, group, topic, sessionMs, client } = this.#options
    const args = { bootstrap, group, topic, sessionMs, ...more }
    const member = new Member([...client.command, 'member', JSON.stringify(args)])
    this.#members.push(member)
    return member
  }

  async stop(members: readonly Member[] = this.living): Promise<void> {
    await Promise.all(members.map(member => member.child.stop('SIGTERM')))
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#members.map(member => member.child.stop('SIGKILL')))
  }

  /** Sends `count` records; their values. */
  async send(count = ROUND): Promise<string[]> {
    const { context, client, topic, bootstrap } = this.#options
    const round = ++this.#rounds
    const values = Array.from({ length: count }, (_, i) => `${round}-${i}`)
    const file = join(context.kit.scratch, `${topic}-${round}.jsonl`)
    const timestamp = Date.now()
    const line = (value: string) => {
      const text = Buffer.from(value).toString('base64')
      return `${JSON.stringify({ key: text, value: text, headers: [], timestamp })}\n`
    }
    writeFileSync(file, values.map(line).join(''))
    const batches = [{ topic, codec: 'none', acks: -1, idempotent: false }]
    const answers = await call(client, 'produce', { bootstrap, batches, records: file })
    assert.deepEqual(answers.at(-1), { topic, done: count })
    return values
  }

  /** Waits until the living members hold all partitions and none twice. */
  async untilShared(): Promise<void> {
    const { partitions } = this.#options
    const held = () => this.living.map(member => member.assigned)
    const isWhole = () => {
      const all = held()
      const each = all.flat()
      return each.length === partitions && new Set(each).size === partitions && all.every(list => list.length > 0)
    }
    try {
      await poll('a disjoint assignment of all partitions', () => isWhole() || undefined, PATIENCE_MS)
    } catch (error) {
      const tails = this.#members.map(member => member.child.stderrTail)
      throw new Error(`${(error as Error).message}; held: ${JSON.stringify(held())}\n${tails.join('\n')}`)
    }
  }

  /** Waits until each of the values was handed to some member, living or dead. */
  async untilSeen(values: readonly string[]): Promise<void> {
    const missing = () => values.filter(value => !this.#members.some(member => member.has(value)))
    try {
      await poll('records at the members', () => (missing().length === 0 ? true : undefined), PATIENCE_MS)
    } catch (error) {
      const left = missing()
      throw new Error(`${(error as Error).message}: ${left.length} never came, such as ${left.slice(0, 5).join(', ')}`)
    }
  }

  /** Which protocol the group is of by now. */
  async groupType(): Promise<string> {
    const asker = new Asker('admin', this.#options.bootstrap)
    try {
      const { groups } = await asker.ask(LIST, 5, {})
      return groups.find(({ groupId }) => groupId === this.#options.group)?.groupType ?? 'none'
    } finally {
      asker.end()
    }
  }

  async deliver(): Promise<void> {
    await this.untilSeen(await this.send())
  }
}
