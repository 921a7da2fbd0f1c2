/**
 * How many connections there may be, at one time and from one address: who is one too many waits or is turned away, as
 * by Apache Kafka.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import type { RunningBroker, Settings } from '../brokers.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { apiVersions, Wire } from '../wire.ts'

const SILENCE_MS = 1000
/** Two windows of a second: nothing from before counts any more. */
const WINDOWS_MS = 2500

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
  const ofListener = { 'listener.name.plaintext.max.connections': 2 }
  await withBroker(context, 'max.connections of a listener', ofListener, async broker => {
    const open = await wires(broker, 4)
    assert.deepEqual(await answered(open), [true, true, 'waits', 'waits'])
    for (const wire of open) wire.end()
  })
  for (const prefix of ['', 'listener.name.plaintext.']) {
    const rate = { [`${prefix}max.connection.creation.rate`]: 2, 'quota.window.num': 2 }
    await withBroker(context, `${prefix}max.connection.creation.rate`, rate, async broker => {
      await sleep(WINDOWS_MS)
      const startMs = performance.now()
      const open = await wires(broker, 6)
      for (const wire of open) wire.send(apiVersions(1))
      await Promise.all(open.map(wire => wire.response(10_000)))
      const seconds = (performance.now() - startMs) / 1000
      assert.ok(seconds > 1 && seconds < 4, `six were let in within ${seconds.toFixed(1)} s`)
      for (const wire of open) wire.end()
    })
  }
  await withBroker(context, 'connection_creation_rate of an address', { 'quota.window.num': 2 }, async broker => {
    await limitAddress(broker, 1)
    const open = await wires(broker, 3)
    const [first, ...others] = open
    first!.send(apiVersions(1))
    assert.equal((await first!.response(2000))?.correlationId, 1)
    assert.deepEqual(await Promise.all(others.map(wire => wire.closes(5000))), [true, true])
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

/** Connections a second of this machine. */
async function limitAddress(broker: RunningBroker, rate: number): Promise<void> {
  const asker = new Asker('limits', broker.bootstrap)
  const entity = [{ entityType: 'ip', entityName: '127.0.0.1' }]
  const ops = [{ key: 'connection_creation_rate', value: rate, remove: false }]
  await asker.ask({ request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }, 1, {
    entries: [{ entity, ops }],
    validateOnly: false,
  })
  asker.end()
  // A controller answers a moment before the broker knows what it has changed.
  await sleep(1000)
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
