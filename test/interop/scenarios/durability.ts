/**
 * kill -9 under load: a producer sends numbered records to six partitions and notes each acknowledgement; midway the
 * broker is killed and started again on its folder and port; the producer goes on until all are acknowledged. Then a reader
 * demands every acknowledged record at its place, in order, once, and none that nobody sent.
 *
 * A killed process loses nothing that it had handed to the kernel. `flush.messages=1` additionally forces every append to
 * the disk, which is so much slower that it gets a time instead of a number.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { freePort, type RunningBroker } from '../brokers.ts'
import { type Client, call, createTopics, type Line } from '../clients.ts'
import type { Context } from '../context.ts'
import { Child } from '../process.ts'

const PARTITIONS = 6
const TOPIC = 'durability'

interface Load {
  readonly name: string
  readonly configs: Record<string, string>
  readonly count: number
  readonly seconds: number
  /** How many acknowledgements come before the broker is killed, and how often it is. */
  readonly killAt: readonly number[]
}

export async function durability(context: Context): Promise<void> {
  const client = context.kit.clients.find(each => each.name === 'franz-go')
  if (!client) {
    context.report.skip('durability', 'its load generator needs Go')
    return
  }
  const [count, seconds] = context.quick ? [100_000, 4] : [1_000_000, 16]
  const loads: Load[] = [
    { name: 'defaults', configs: {}, count, seconds: 120, killAt: [count * 0.3, count * 0.6] },
    { name: 'flush.messages=1', configs: { 'flush.messages': '1' }, count, seconds, killAt: [2000] },
  ]
  for (const load of loads) {
    if (!context.report.wants(`durability/${load.name}`)) continue
    await context.report.check(`durability/${load.name}`, () => survive(context, client, load))
  }
}

async function survive(context: Context, client: Client, load: Load): Promise<void> {
  const folder = join(context.kit.scratch, `durability-${load.name}`)
  const acks = `${folder}.acks`
  const port = await freePort()
  const start = () => context.brokers.start(context.kind, { folder, port })
  let broker = await start()
  const { bootstrap } = broker
  await createTopics(client, bootstrap, [{ name: TOPIC, partitions: PARTITIONS, configs: load.configs }])
  const { count, seconds } = load
  const args = { bootstrap, topic: TOPIC, partitions: PARTITIONS, count, seconds, acks }
  const producer = new Child([...client.command, 'load', JSON.stringify(args)])
  try {
    for (const goal of load.killAt) broker = await killAt(context, load, producer, broker, goal, start)
    const sent = await producer.until('the end of the load', () => last(producer, 'sent'), (seconds + 90) * 1000)
    const read = await call(client, 'verify', { bootstrap, topic: TOPIC, partitions: PARTITIONS, acks }, 120_000)
    const found = read.at(-1)!
    context.report.note(`${load.name}: ${sent} sent, all acknowledged; ${found.records} records kept`)
    assert.deepEqual({ missing: found.missing, wrong: found.wrong ?? [] }, { missing: 0, wrong: [] })
    // The producer is idempotent and had all acknowledged: what is there is exactly what was sent.
    assert.deepEqual([found.acknowledged, found.records], [sent, sent])
  } finally {
    await producer.stop('SIGKILL')
    await broker.kill()
  }
}

/** Kills the broker when so many records were acknowledged, and starts it again. */
async function killAt(
  context: Context,
  load: Load,
  producer: Child,
  broker: RunningBroker,
  goal: number,
  start: () => Promise<RunningBroker>,
): Promise<RunningBroker> {
  const reached = () => {
    if (last(producer, 'sent') !== undefined) throw new Error('all was acknowledged before the broker was killed')
    const acked = last(producer, 'acked')
    return acked !== undefined && acked >= goal ? acked : undefined
  }
  const acked = await producer.until(`${goal} acknowledgements`, reached, 60_000)
  await broker.kill()
  const killed = performance.now()
  const started = await start()
  const took = ((performance.now() - killed) / 1000).toFixed(1)
  context.report.note(`${load.name}: killed at ${acked} acknowledged, back after ${took} s`)
  return started
}

/** The number that the producer last told of. */
function last(producer: Child, name: 'acked' | 'sent'): number | undefined {
  const text = producer.lines.at(-1)
  if (text === undefined) return undefined
  return (JSON.parse(text) as Line)[name] as number | undefined
}
