/**
 * A node whose process is killed, or whose power fails, after each step that its disk takes, formatting and starting
 * included: what the next start reads is what an undisturbed node held at some moment, and nothing that was answered for
 * is missing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import type { MetadataDelta } from '../image/index.ts'
import { contentOf, startNode, type TestNode } from './testing/node.ts'

/** Small enough that segments roll, snapshots are made, and both are removed. */
const SETTINGS = {
  'metadata.log.max.record.bytes.between.snapshots': '1500',
  'internal.metadata.log.segment.bytes': '1200',
  'metadata.max.retention.bytes': '3000',
  'metadata.max.retention.ms': '-1',
  'broker.session.timeout.ms': '100000',
}

const CHANGES_DISK = / (open|write|sync|truncate|rename|remove|makeDirectory|syncDirectory) /

/** All of it follows from the seed, up to where the node crashes. */
class Run {
  readonly contents: string[] = ['[]']
  /** Of what was answered for: where in `contents` it is. */
  acknowledged = 0
  steps = 0
  world: MemoryWorld
  #seen: readonly MetadataDelta[] = []

  constructor(seed: number) {
    const trace = (event: string) => {
      if (CHANGES_DISK.test(event)) this.steps++
    }
    this.world = memoryWorld({ seed, diskLatencyMs: [0.1, 1], logLevel: 'error', trace })
  }

  async work(requests: number): Promise<void> {
    const node = await startNode(this.world, SETTINGS)
    this.#seen = node.deltas
    this.#acknowledge()
    await node.registerBroker()
    this.#acknowledge()
    for (let i = 0; i < requests; i += 3) {
      await Promise.all([i, i + 1, i + 2].map(n => this.#request(node, n)))
    }
    await node.close()
  }

  async #request(node: TestNode, n: number): Promise<void> {
    const name = `t${Math.floor(n / 4)}`
    if (n % 4 === 3 && n % 8 !== 7) await node.deleteTopic(name)
    else if (n % 4 === 0) await node.createTopic(name, 3)
    else await node.setConfig(name, 'retention.ms', String(n))
    this.#acknowledge()
  }

  #acknowledge(): void {
    for (const { image } of this.#seen.slice(this.contents.length - 1)) {
      this.contents.push(JSON.stringify(contentOf(image)))
    }
    this.acknowledged = this.contents.length - 1
  }

  /** Everything that was published, answered for or not. */
  get history(): string[] {
    this.#acknowledge()
    return this.contents
  }
}

async function crashAt(seed: number, step: number, requests: number, powerLoss: boolean) {
  const run = new Run(seed)
  let isDone = false
  run.work(requests).then(() => {
    isDone = true
  })
  await run.world.runUntil(() => isDone || run.steps >= step)
  run.world.crash({ powerLoss })
  return run
}

async function checkNextLife(world: MemoryWorld, run: Run, history: readonly string[], label: string): Promise<void> {
  await world.runUntil(
    (async () => {
      let node = await startNode(world, SETTINGS)
      const found = JSON.stringify(contentOf(node.driver.image))
      const at = history.lastIndexOf(found)
      assert.ok(at >= 0, `${label}: what is read was never true`)
      assert.ok(at >= run.acknowledged, `${label}: state ${at} is read, and ${run.acknowledged} was answered for`)
      await node.registerBroker()
      assert.equal(await node.createTopic('after'), 'NONE', label)
      const { image } = node.driver
      await node.close()
      node = await startNode(world, SETTINGS)
      assert.deepEqual(contentOf(node.driver.image), contentOf(image), label)
      await node.close()
    })(),
  )
}

const REQUESTS = 24

for (const powerLoss of [false, true]) {
  const what = powerLoss ? 'a loss of power' : 'a kill'
  test(`nothing that was answered for is lost by ${what} at any step`, async () => {
    const reference = new Run(1)
    await reference.world.runUntil(reference.work(REQUESTS))
    const { history, steps } = reference
    assert.ok(steps > 150, `${steps} steps`)
    for (let step = 1; step <= steps; step++) {
      const run = await crashAt(1, step, REQUESTS, powerLoss)
      await checkNextLife(run.world.restart(), run, history, `crash at step ${step}`)
    }
  })
}

test('nor by a second crash while the node recovers from the first', async () => {
  for (let seed = 100; seed < 160; seed++) {
    const reference = new Run(seed)
    await reference.world.runUntil(reference.work(REQUESTS))
    const { history, steps } = reference
    const random = reference.world.stream('crashes')
    const run = await crashAt(seed, 1 + random.integer(steps), REQUESTS, random.chance(0.7))
    const second = run.world.restart()
    const from = run.steps
    const more = random.integer(60)
    let isDone = false
    void startNode(second, SETTINGS).then(() => {
      isDone = true
    })
    await second.runUntil(() => isDone || run.steps > from + more)
    second.crash({ powerLoss: random.chance(0.7) })
    await checkNextLife(second.restart(), run, history, `seed ${seed}`)
  }
})
