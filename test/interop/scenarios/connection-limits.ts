/**
 * How many connections there may be, at one time and from one address: who is one too many waits or is turned away, as
 * by Apache Kafka.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningBroker, Settings } from '../brokers.ts'
import type { Context } from '../context.ts'
import { apiVersions, Wire } from '../wire.ts'

const SILENCE_MS = 1000

export async function connectionLimits(context: Context): Promise<void> {
  await withBroker(context, 'max.connections', { 'max.connections': 3 }, async broker => {
    const open = await wires(broker, 5)
    assert.deepEqual(await answered(open), [true, true, true, 'waits', 'waits'])
    open[0]!.end()
    open[1]!.end()
    const late = open.slice(3).map(wire => wire.response())
    assert.deepEqual(
      (await Promise.all(late)).map(response => response?.correlationId),
      [1, 1],
    )
    for (const wire of open) wire.end()
  })
  await withBroker(context, 'max.connections.per.ip', { 'max.connections.per.ip': 2 }, async broker => {
    const open = await wires(broker, 4)
    assert.deepEqual(await answered(open), [true, true, 'closed', 'closed'])
    for (const wire of open) wire.end()
  })
  const byName = { 'max.connections.per.ip': 1, 'max.connections.per.ip.overrides': 'localhost:3' }
  await withBroker(context, 'max.connections.per.ip.overrides by host name', byName, async broker => {
    const open = await wires(broker, 4)
    assert.deepEqual(await answered(open), [true, true, true, 'closed'])
    for (const wire of open) wire.end()
  })
  const idle = { 'connections.max.idle.ms': 2000 }
  await withBroker(context, 'connections.max.idle.ms', idle, async broker => {
    const [silent, half] = (await wires(broker, 2)) as [Wire, Wire]
    half.send(apiVersions(1).subarray(0, 9))
    assert.deepEqual([await silent.closes(5000), await half.closes(5000)], [true, true])
  })
  const max = { 'socket.request.max.bytes': 1000 }
  await withBroker(context, 'socket.request.max.bytes', max, async broker => {
    const [fits, over] = (await wires(broker, 2)) as [Wire, Wire]
    fits.send(padded(1000))
    assert.equal((await fits.response())?.correlationId, 1)
    over.send(padded(1001))
    assert.equal(await over.closes(5000), true)
    fits.end()
  })
}

async function withBroker(
  { report, kit, brokers, kind }: Context,
  name: string,
  settings: Settings,
  body: (broker: RunningBroker) => Promise<void>,
): Promise<void> {
  await report.check(`connection-limits/${name}`, async () => {
    const folder = join(kit.scratch, `limits-${name.replaceAll(/\W+/g, '-')}`)
    mkdirSync(folder)
    const broker = await brokers.start(kind, { folder, settings })
    // Until it has noticed that the connection has gone on which it was asked whether it is there.
    await sleep(500)
    try {
      await body(broker)
    } finally {
      await broker.stop()
    }
  })
}

async function wires(broker: RunningBroker, count: number): Promise<Wire[]> {
  const open: Wire[] = []
  for (let i = 0; i < count; i++) open.push(await Wire.open(broker.bootstrap))
  return open
}

/** Each asks; whether it is answered, cut off, or neither. */
async function answered(open: readonly Wire[]): Promise<(true | 'closed' | 'waits')[]> {
  for (const wire of open) wire.send(apiVersions(1))
  return Promise.all(
    open.map(async wire => {
      const response = await wire.response(SILENCE_MS).catch(() => 'waits' as const)
      if (response === 'waits') return 'waits'
      return response === null ? 'closed' : true
    }),
  )
}

/** ApiVersions with so many bytes after its size; what follows the request is passed over. */
function padded(length: number): Buffer {
  const plain = apiVersions(1)
  const bytes = Buffer.concat([plain, Buffer.alloc(length + 4 - plain.length)])
  bytes.writeInt32BE(length)
  return bytes
}
