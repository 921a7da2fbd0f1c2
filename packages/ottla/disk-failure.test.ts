/**
 * A node whose disk fails at each step that it takes: once, from then on, or because it is full. Whatever the step was,
 * every request is answered, with an error that is documented for it; the node goes on without the log dir, or ends because
 * it was the metadata log's or the last; it stops when it is asked to; and its next life, on a disk that is well again, has
 * all that was acknowledged.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broker } from '@ottla/broker'
import { type DiskOperation, type MemoryWorld, memoryWorld } from '@ottla/io'
import {
  DATA_DIR,
  DiskClient,
  METADATA_DIR,
  NodeGone,
  OWN_METADATA_DIR,
  startNode,
  THIRD_DIR,
} from './testing/disk-workload.ts'

const CHANGES = ['open', 'write', 'sync', 'truncate', 'rename', 'remove', 'makeDirectory', 'syncDirectory'] as const
const ALL = [...CHANGES, 'read', 'stat', 'list', 'size', 'lock', 'space'] as const
/** What needs room. Opening does where it makes the file. */
const GROWS = ['open', 'write', 'makeDirectory'] as const

interface Failure {
  readonly name: string
  readonly code: 'EIO' | 'ENOSPC'
  readonly operations: readonly DiskOperation[]
  /** Of the paths that fail. */
  readonly begin: string
  /** Or only once. */
  readonly lasts: boolean
  /** Of the node. */
  readonly settings?: Readonly<Record<string, string>>
}

const OWN_DIR = { begin: THIRD_DIR, settings: OWN_METADATA_DIR }

const FAILURES: readonly Failure[] = [
  { name: 'the data dir fails once', code: 'EIO', operations: ALL, begin: DATA_DIR, lasts: false },
  { name: 'the data dir fails', code: 'EIO', operations: ALL, begin: DATA_DIR, lasts: true },
  { name: 'the data dir is full', code: 'ENOSPC', operations: GROWS, begin: DATA_DIR, lasts: true },
  {
    name: 'what can be made in the data dir cannot be flushed',
    code: 'EIO',
    operations: ['sync'],
    begin: DATA_DIR,
    lasts: true,
  },
  { name: 'the metadata dir fails once', code: 'EIO', operations: ALL, begin: METADATA_DIR, lasts: false },
  { name: 'the metadata dir is full', code: 'ENOSPC', operations: GROWS, begin: METADATA_DIR, lasts: true },
  { name: 'the own dir of the metadata fails once', code: 'EIO', operations: ALL, lasts: false, ...OWN_DIR },
  { name: 'the own dir of the metadata is full', code: 'ENOSPC', operations: GROWS, lasts: true, ...OWN_DIR },
  { name: 'both are full', code: 'ENOSPC', operations: GROWS, begin: '/', lasts: true },
]

/** Of a node that goes on to the end of the work, in turn. */
const ENDINGS = ['stopped', 'was killed', 'lost power'] as const

type Ending = (typeof ENDINGS)[number]

/** Every so manyth step is tried; with 1, all of them, which takes minutes. */
const STRIDE = Number(process.env.OTTLA_TEST_STRIDE ?? 41)

type Outcome = 'did not start' | 'ended' | Ending

class Run {
  readonly client: DiskClient
  readonly world: MemoryWorld
  outcome: Outcome = 'was killed'
  /** Why it did not start, or ended. */
  reason = ''
  steps = 0
  readonly #failure: Failure
  readonly #at: number
  readonly #ending: Ending
  readonly #before: Run | null
  /** Folders of which a sync has failed: what was written to them since the last one may be gone. */
  readonly #unsynced = new Set<string>()
  readonly #over = Promise.withResolvers<void>()
  #isGone = false

  /** In the next life of the node of `before`, if there is one: then no topics are made, and the start has to recover. */
  constructor(failure: Failure, at: number, ending: Ending, before: Run | null = null) {
    this.#failure = failure
    this.#at = at
    this.#ending = ending
    this.#before = before
    this.world = before?.world.restart() ?? memoryWorld({ seed: at, name: 'node', diskLatencyMs: [0.1, 0.5] })
    const name = before ? 'later client' : 'client'
    this.client = new DiskClient(this.world.neighbor(name), 'node', () => this.#isGone, before?.client.ledger)
    const { code, operations } = failure
    for (const operation of operations) {
      const path = (path: string): boolean => this.#strikes(operation, path)
      this.world.disk.inject({ operation, code, path, times: Number.POSITIVE_INFINITY })
    }
  }

  #strikes(operation: DiskOperation, path: string): boolean {
    const { begin, code, lasts } = this.#failure
    if (!path.startsWith(begin)) return false
    if (code === 'ENOSPC' && operation === 'open' && this.world.storage.find(path)) return false
    this.steps++
    const strikes = lasts ? this.steps >= this.#at : this.steps === this.#at
    if (strikes && operation === 'sync') this.#unsynced.add(path.split('/').at(-2)!)
    return strikes
  }

  /** What is acknowledged by default is in the page cache, and no more is promised of it. */
  readonly mayLack = (folder: string): boolean =>
    this.outcome === 'lost power' || this.#unsynced.has(folder) || (this.#before?.mayLack(folder) ?? false)

  /** From the start until the process is gone. */
  async live(): Promise<void> {
    const broker = await startNode(this.world, this.#failure.settings).catch((error: Error) => {
      this.#end('did not start', error)
    })
    if (!broker) return
    let isStopping = false
    void broker.failed.then(error => {
      if (!isStopping) void this.#giveUp(broker, error)
    })
    const work = this.#before ? this.client.goOn() : this.client.work()
    await work.catch(error => {
      if (!(error instanceof NodeGone)) throw error
    })
    isStopping = true
    if (this.#isGone) return this.#over.promise
    if (this.#ending === 'stopped') await broker.close()
    this.#end(this.#ending)
  }

  /** `ottla start` ends the process; who has embedded the broker can still close it. */
  async #giveUp(broker: Broker, error: Error): Promise<void> {
    this.#isGone = true
    if (this.#ending === 'stopped') await broker.close()
    this.#end('ended', error)
  }

  #end(outcome: Outcome, error?: Error): void {
    this.outcome = outcome
    this.reason = error?.message ?? ''
    this.#isGone = true
    this.world.crash({ powerLoss: outcome === 'lost power' })
    this.#over.resolve()
  }
}

async function runAndCheck(failure: Failure, at: number, ending: Ending, before?: Run): Promise<Run> {
  const run = new Run(failure, at, ending, before)
  await run.world.runUntil(run.live())
  const next = run.world.restart()
  await next.runUntil(checkNextLife(next, run, failure))
  return run
}

async function checkNextLife(world: MemoryWorld, { client, mayLack }: Run, { settings }: Failure): Promise<void> {
  const broker: Broker = await startNode(world, settings)
  const reader = new DiskClient(world.neighbor('reader'), 'node', () => false)
  await reader.check(client.ledger, mayLack)
  await broker.close()
}

/** Which of the ends there may be, and that what is said of it names the dir and the cause. */
function checkOutcome({ begin, code }: Failure, run: Run): void {
  const { outcome, reason, client } = run
  const errors = run.world.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  if (begin === DATA_DIR) {
    assert.ok(
      ENDINGS.some(ending => ending === outcome),
      `it ${outcome}: ${reason}`,
    )
  } else if (outcome === 'ended' || outcome === 'did not start') {
    assert.match(reason, new RegExp(`(${METADATA_DIR}|${DATA_DIR}|${THIRD_DIR}).*${code}`), outcome)
  }
  if (client.ledger.refusals.size > 0 && outcome !== 'did not start') {
    assert.ok(errors.includes('A log dir has failed and is offline'), [...client.ledger.refusals].join())
  }
}

type Trial = (at: number, ending: Ending) => Promise<Run>

/** At every STRIDEth of the steps that there are if nothing fails, which `run` tells for a step that never comes. */
async function sweep(failure: Failure, run: Trial): Promise<void> {
  const undisturbed = await run(Number.POSITIVE_INFINITY, 'stopped')
  const { refusals, committed } = undisturbed.client.ledger
  assert.deepEqual([...refusals], [])
  assert.ok(committed >= 0 && undisturbed.steps > 10, `${undisturbed.steps} steps`)
  const outcomes = new Set<Outcome>()
  for (let at = 1; at <= undisturbed.steps; at += STRIDE) {
    try {
      const done = await run(at, ENDINGS[Math.floor(at / STRIDE) % ENDINGS.length]!)
      checkOutcome(failure, done)
      outcomes.add(done.outcome)
    } catch (error) {
      throw new Error(`${failure.name}, at step ${at}: ${(error as Error).message}`, { cause: error })
    }
  }
  assert.notEqual(outcomes.size, 0)
}

for (const failure of FAILURES) {
  test(`${failure.name}, at any step`, { timeout: 300_000 }, () =>
    sweep(failure, (at, ending) => runAndCheck(failure, at, ending)),
  )

  test(`${failure.name}, at any step after a crash`, { timeout: 300_000 }, () =>
    sweep(failure, async (at, ending) => {
      const before = new Run({ ...failure, operations: [] }, at, ending === 'stopped' ? 'lost power' : 'was killed')
      await before.world.runUntil(before.live())
      return runAndCheck(failure, at, ending, before)
    }),
  )
}
