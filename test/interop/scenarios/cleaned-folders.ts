/**
 * A log that one broker has cleaned, tombstones past their time and aborted transactions gone, is opened, written and cleaned
 * by the other, and then by the first again; `kafka-dump-log`, Java's and ours, accepts it each time. Part of `folders`.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { BrokerKind, RunningBroker } from '../brokers.ts'
import type { Context } from '../context.ts'
import { acceptedByJava, filesIn, sameDump } from '../dump.ts'
import { EAGER_CLEANER, KeyedLog } from '../keyed-log.ts'

export class CleanedExchange {
  readonly #context: Context
  readonly #name: string
  readonly #brokers: readonly [first: BrokerKind, second: BrokerKind]
  readonly #leaving: 'stopped' | 'killed'
  readonly #folder: string
  readonly #log: KeyedLog
  #broker: RunningBroker | undefined
  #left: string[] = []

  constructor(
    context: Context,
    name: string,
    brokers: readonly [first: BrokerKind, second: BrokerKind],
    leaving: 'stopped' | 'killed',
  ) {
    this.#context = context
    this.#name = name
    this.#brokers = brokers
    this.#leaving = leaving
    this.#folder = join(context.kit.scratch, `cleaned-${brokers[0]}-${leaving}-${brokers[1]}`)
    this.#log = new KeyedLog(context.kit, 'folder.cleaned')
  }

  async run(): Promise<void> {
    const [first, second] = this.#brokers
    const steps: [string, () => Promise<void>][] = [
      [`${first} writes and cleans`, () => this.#turn(first, true)],
      [`dump-log accepts what ${first} has cleaned`, () => this.#dump()],
      [`${second} finds all, writes and cleans`, () => this.#turn(second)],
      [`dump-log accepts what ${second} has cleaned`, () => this.#dump()],
      [`${first} finds all, writes and cleans again`, () => this.#turn(first)],
      ['dump-log accepts it still', () => this.#dump()],
    ]
    let broken: string | undefined
    try {
      for (const [what, step] of steps) {
        const name = `${this.#name}/${what}`
        if (broken) this.#context.report.skip(name, `it follows «${broken}», which failed`)
        else if (!(await this.#context.report.check(name, step))) broken = what
      }
    } finally {
      await this.#broker?.kill()
    }
  }

  async #turn(kind: BrokerKind, isNew = false): Promise<void> {
    const broker = await this.#context.brokers.start(kind, { folder: this.#folder, settings: EAGER_CLEANER })
    this.#broker = broker
    if (isNew) await this.#log.create(broker)
    else assert.deepEqual(await this.#log.left(broker), this.#left)
    await this.#log.write(broker)
    await this.#log.write(broker)
    await this.#log.cleaned(broker)
    this.#left = await this.#log.left(broker)
    if (this.#leaving === 'killed') await broker.kill()
    else await broker.stop()
  }

  /** Of what a killed broker left, the indexes of the last segment are in no order yet. */
  async #dump(): Promise<void> {
    const { java } = this.#context.kit
    if (!java) throw new Error('Java or Apache Kafka is missing')
    const all = filesIn(this.#folder, `${this.#log.topic}-0/*.{log,index,timeindex,txnindex,snapshot}`)
    const last = all.findLast(file => file.endsWith('.log'))!.replace(/log$/, '')
    await acceptedByJava(java, this.#leaving === 'killed' ? all.filter(file => !file.startsWith(last)) : all)
    const list = all.join(',')
    for (const args of [['--print-data-log'], ['--index-sanity-check'], ['--verify-index-only']])
      await sameDump(java, [...args, '--files', list])
  }
}
