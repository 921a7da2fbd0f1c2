/**
 * A compacted topic that is written as compaction likes it least: keys again and again in every codec, tombstones,
 * transactions of which every other is aborted. Knows what has to be left of it, and when the broker has cleaned it.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { OTTLA, type RunningBroker } from './brokers.ts'
import { call, createTopics, helperFor } from './clients.ts'
import { filesIn, ourDump } from './dump.ts'
import { poll, run } from './process.ts'
import type { Kit } from './setup.ts'
import { TransactionProbe } from './transaction-probe.ts'

const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const TRANSACTION = 1
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const KEYS = 60
const PATIENCE_MS = 60_000

/** For a broker that is to clean at once. */
export const EAGER_CLEANER = {
  'log.cleaner.backoff.ms': 200,
  'log.initial.task.delay.ms': 200,
  'log.retention.check.interval.ms': 500,
} as const

const CONFIGS = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '12000',
  'index.interval.bytes': '500',
  'min.cleanable.dirty.ratio': '0.001',
  'delete.retention.ms': '100',
}

type Keyed = readonly [key: string, value: string | null]

export class KeyedLog {
  readonly topic: string
  readonly #kit: Kit
  /** What is left in the end: the last committed value of each key that has one. */
  readonly #expected = new Map<string, string>()
  #rounds = 0

  constructor(kit: Kit, topic: string) {
    this.#kit = kit
    this.topic = topic
  }

  async create({ bootstrap }: RunningBroker): Promise<void> {
    await createTopics(helperFor(this.#kit.clients), bootstrap, [{ name: this.topic, partitions: 1, configs: CONFIGS }])
  }

  /** One round of everything. */
  async write({ bootstrap }: RunningBroker): Promise<void> {
    const round = ++this.#rounds
    const keyed = (name: string, value: string | null, count = 10) =>
      Array.from({ length: count }, (_, i): Keyed => [`${name}-${i}`, value && text(`${value} ${round}.${i}`)])
    for (const codec of CODECS) await this.#send(bootstrap, codec, keyed('key', codec, KEYS))
    await this.#send(bootstrap, 'lz4', keyed('gone', 'soon gone'))
    await this.#transaction(bootstrap, keyed('txn', 'committed'), true)
    await this.#transaction(bootstrap, keyed('txn', 'aborted'), false)
    await this.#transaction(bootstrap, keyed('txn-gone', 'soon gone'), true)
    await this.#send(bootstrap, 'gzip', keyed('gone', null))
    await this.#transaction(bootstrap, keyed('txn-gone', null), true)
  }

  async #send(bootstrap: string, codec: string, records: readonly Keyed[]): Promise<void> {
    const file = join(this.#kit.scratch, `${this.topic}.jsonl`)
    const base64 = (value: string | null) => value && Buffer.from(value).toString('base64')
    const lines = records.map(([key, value]) =>
      JSON.stringify({ key: base64(key), value: base64(value), headers: [], timestamp: Date.now() }),
    )
    writeFileSync(file, `${lines.join('\n')}\n`)
    const batches = [{ topic: this.topic, codec, acks: -1, idempotent: true }]
    const answers = await call(helperFor(this.#kit.clients), 'produce', { bootstrap, batches, records: file })
    assert.equal(answers.at(-1)?.done, records.length, JSON.stringify(answers.at(-1)))
    this.#expect(records)
  }

  #expect(records: readonly Keyed[]): void {
    for (const [key, value] of records) {
      if (value === null) this.#expected.delete(key)
      else this.#expected.set(key, value)
    }
  }

  async #transaction(bootstrap: string, records: readonly Keyed[], isCommitted: boolean): Promise<void> {
    const probe = new TransactionProbe(bootstrap, this.topic)
    try {
      await this.#begin(probe)
      assert.match(await probe.add([{ partition: 0 }]), /NONE/)
      const keys = records.map(([key]) => key)
      const values = records.map(([, value]) => value)
      assert.match(await probe.produce(values, undefined, { keys }), /^NONE/)
      assert.match(await probe.endTxn(isCommitted), /^NONE/)
    } finally {
      probe.end()
    }
    if (isCommitted) this.#expect(records)
  }

  /** The topic of transactions is made when somebody first asks for a coordinator. */
  async #begin(probe: TransactionProbe): Promise<void> {
    const isReady = async () => {
      await probe.asker().ask(FIND, 4, { keyType: TRANSACTION, coordinatorKeys: [this.topic] })
      return (await probe.begin()).startsWith('NONE') || undefined
    }
    await poll('a coordinator of transactions', isReady, PATIENCE_MS, 200)
  }

  /**
   * Until of what is not being written any more each key is there once, and nothing that was deleted or aborted. Tombstones go
   * with the second cleaning after their time, and there is one only when there is something new to clean: more is written.
   */
  async cleaned(broker: RunningBroker): Promise<void> {
    let left = ''
    const isClean = async () => {
      const problem = await this.#unclean(broker.folder)
      if (problem === null) return true
      left = problem
      await this.#send(
        broker.bootstrap,
        'none',
        Array.from({ length: 40 }, (_, i): Keyed => [`fill-${i % 5}`, text(`fill ${Date.now()} ${i}`)]),
      )
      return undefined
    }
    await poll('a cleaned log', isClean, PATIENCE_MS, 500).catch(error => {
      throw new Error(`${(error as Error).message}; there is still ${left}`)
    })
  }

  /** null: it is clean. */
  async #unclean(folder: string): Promise<string | null> {
    const closed = filesIn(folder, `${this.topic}-0/*.log`).slice(0, -1)
    if (closed.length === 0) return 'one segment'
    const { code, stdout, stderr } = await ourDump(['--print-data-log', '--files', closed.join(',')])
    // A segment may go while it is read.
    if (code !== 0) return stderr
    const seen = new Set<string>()
    for (const [line, size, key, value] of stdout.matchAll(
      /^\| offset: .* valueSize: (-?\d+) .*? key: (\S+)(?: payload: (.*))?$/gm,
    )) {
      if (seen.has(key!) || size === '-1' || value?.startsWith('aborted')) return line!
      seen.add(key!)
    }
    return null
  }

  /** The last record of each key as a reader of committed data finds it: `offset key value`. */
  async left({ bootstrap }: RunningBroker): Promise<string[]> {
    const shown = ['print.offset=true', 'print.key=true', 'null.literal=NULL'].flatMap(one => [
      '--formatter-property',
      one,
    ])
    const args = ['--topic', this.topic, '--from-beginning', '--isolation-level', 'read_committed', ...shown]
    const server = ['--bootstrap-server', bootstrap, '--timeout-ms', '3000']
    const { stdout, stderr } = await run([process.execPath, OTTLA, 'kafka-console-consumer', ...args, ...server], {
      timeoutMs: PATIENCE_MS,
    })
    const last = new Map<string, string[]>()
    for (const [, offset, key, value] of stdout.matchAll(/^Offset:(\d+)\t(.*)\t(.*)$/gm))
      last.set(key!, [offset!, key!, value!])
    const records = [...last.values()].filter(([, , value]) => value !== 'NULL')
    const values = new Map(records.map(([, key, value]) => [key!, value!]))
    assert.deepEqual([...values].sort(), [...this.#expected].sort(), stderr)
    return records.map(record => record.join(' ')).sort()
  }
}

/** What no codec makes small, so that segments fill. */
function text(value: string): string {
  return `${value} ${createHash('sha512').update(value).digest('hex')}`
}
