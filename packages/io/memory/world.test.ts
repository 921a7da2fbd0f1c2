/** Nodes that crash and come back, networks that part and heal, all of it the same for the same seed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { failsWith } from '../conformance/disk.ts'
import { DiskError, NetworkError } from '../errors.ts'
import type { Connection, World } from '../io.ts'
import { type MemoryWorld, type MemoryWorldOptions, memoryWorld } from './world.ts'

interface Ends {
  readonly client: Connection
  readonly server: Connection
  readonly log: string[]
}

/** Connects two nodes; what the ends see is written to one log, with the time. */
async function connected(a: MemoryWorld, b: MemoryWorld, port = 9092): Promise<Ends> {
  const log: string[] = []
  const watch = (name: string, connection: Connection): void => {
    connection.start({
      onData: bytes => log.push(`${name} gets ${bytes} at ${a.clock.monotonic()}`),
      onDrain: () => log.push(`${name} drained`),
      onClose: error => log.push(`${name} closed ${error instanceof NetworkError ? error.code : error}`),
    })
  }
  let server: Connection | null = null
  await b.network.listen({ host: b.name, port }, connection => {
    server = connection
    watch('server', connection)
  })
  const client = await a.runUntil(a.network.connect({ host: b.name, port }))
  watch('client', client)
  await a.runUntil(() => server !== null)
  return { client, server: server!, log }
}

const send = (connection: Connection, text: string): boolean => connection.write([Buffer.from(text)])
const isCode = (code: string) => (error: unknown) => error instanceof NetworkError && error.code === code

function pairOfNodes(options: MemoryWorldOptions = {}): [MemoryWorld, MemoryWorld] {
  const a = memoryWorld({ name: 'a', ...options })
  return [a, a.neighbor('b')]
}

// -------------------------------------------------------------------------------------------------------- network

test('packets take their time, and arrive in order whatever it is', async () => {
  const [a, b] = pairOfNodes({ network: { delayMs: [5, 50] } })
  const { client, log } = await connected(a, b)
  const startMs = a.clock.monotonic()
  for (const text of ['1', '2', '3', '4', '5', '6', '7', '8']) send(client, text)
  await a.advance(50)
  assert.deepEqual(
    log.map(line => line.split(' ')[2]),
    ['1', '2', '3', '4', '5', '6', '7', '8'],
  )
  assert.ok(Number(log[0]!.split(' ').at(-1)) >= startMs + 5)
})

test('a partition holds back both ways; what was sent arrives after it', async () => {
  const [a, b] = pairOfNodes()
  const { client, server, log } = await connected(a, b)
  a.fabric.partition(['a'], ['b'])
  send(client, 'to b')
  send(server, 'to a')
  await a.advance(60_000)
  assert.equal(log.length, 0)
  a.fabric.heal()
  await a.advance(0)
  assert.deepEqual(log.map(line => line.split(' at ')[0]).sort(), ['client gets to a', 'server gets to b'])
})

test('a cut in one direction leaves the other', async () => {
  const [a, b] = pairOfNodes()
  const { client, server, log } = await connected(a, b)
  a.fabric.cut('a', 'b')
  send(client, 'unheard')
  send(server, 'heard')
  await a.advance(1000)
  assert.deepEqual(log, ['client gets heard at 0'])
  server.destroy()
  await a.advance(0)
  assert.deepEqual(log.slice(1), ['server closed null', 'client closed null'])
  a.fabric.heal('a', 'b')
  await a.advance(1000)
  assert.equal(log.length, 3, 'what comes late for a closed connection is nobody’s')
})

test('a node reaches itself through any partition', async () => {
  const a = memoryWorld({ name: 'a' })
  a.fabric.partition(['a'], ['a', 'b'])
  const listener = await a.network.listen({ host: '', port: 0 }, () => {})
  assert.equal(listener.host, '::')
  const connection = await a.runUntil(a.network.connect({ host: 'localhost', port: listener.port }))
  assert.equal(connection.remoteAddress, '127.0.0.1')
})

test('connecting across a partition times out, or succeeds if it heals in time', async () => {
  const [a, b] = pairOfNodes()
  await b.network.listen({ host: 'b', port: 1 }, () => {})
  a.fabric.partition(['a'], ['b'])
  const tooLate = a.network.connect({ host: 'b', port: 1, timeoutMs: 3000 })
  const inTime = a.network.connect({ host: 'b', port: 1, timeoutMs: 9000 })
  const patient = a.network.connect({ host: 'b', port: 1 })
  await assert.rejects(a.runUntil(tooLate), isCode('ETIMEDOUT'))
  assert.equal(a.clock.monotonic(), 3000)
  a.fabric.heal()
  await a.runUntil(Promise.all([inTime, patient]))
  assert.equal(a.clock.monotonic(), 3000)
  assert.equal(a.network.connections, 2)
})

test('names and addresses', async () => {
  const [a, b] = pairOfNodes()
  await b.network.listen({ host: '127.0.0.1', port: 7 }, () => {})
  const refused = (port: number) =>
    assert.rejects(a.runUntil(a.network.connect({ host: 'b', port })), isCode('ECONNREFUSED'))
  await refused(7)
  await refused(8)
  await b.runUntil(b.network.connect({ host: '127.0.0.1', port: 7 }))
  await assert.rejects(a.network.connect({ host: 'c', port: 7 }), isCode('ENOTFOUND'))
  await assert.rejects(
    a.network.listen({ host: 'b', port: 0 }, () => {}),
    isCode('EADDRNOTAVAIL'),
  )
  assert.throws(() => a.neighbor('b'), /there is a host named b/)
})

test('connections are reset at random, if asked for', async () => {
  const [a, b] = pairOfNodes({ network: { resetProbability: 0.1 } })
  const { client, log } = await connected(a, b)
  let sent = 0
  while (send(client, '.')) sent++
  await a.advance(0)
  assert.ok(sent < 200)
  assert.deepEqual(log.slice(-2).sort(), ['client closed ECONNRESET', 'server closed ECONNRESET'])
})

test('all connections of a node can be reset', async () => {
  const [a, b] = pairOfNodes()
  const { log } = await connected(a, b)
  a.network.resetConnections('somebody else')
  await a.advance(0)
  assert.deepEqual(log, [])
  a.network.resetConnections()
  await a.advance(0)
  assert.deepEqual(log, ['client closed ECONNRESET', 'server closed ECONNRESET'])
  assert.equal(a.network.connections + b.network.connections, 0)
})

// ----------------------------------------------------------------------------------------------------------- disk

test('faults strike where and when they should', async () => {
  const { disk } = memoryWorld()
  const file = await disk.open('/a.log', 'create')
  const other = await disk.open('/a.index', 'create')
  const write = (): Promise<void> => file.write([Buffer.from('0123456789')], 0)
  const fault = disk.inject({ operation: 'write', path: /\.log$/, code: 'ENOSPC', after: 1, times: 2 })
  await other.write([Buffer.from('x')], 0)
  await write()
  await assert.rejects(write(), failsWith('ENOSPC'))
  await assert.rejects(write(), failsWith('ENOSPC'))
  await write()
  assert.equal(fault.hits, 2)
  const always = disk.inject({ operation: 'open', times: Number.POSITIVE_INFINITY })
  for (let i = 0; i < 5; i++) await assert.rejects(disk.open('/a.log', 'read'), failsWith('EIO'))
  always.remove()
  await (await disk.open('/a.log', 'read')).close()
  const sometimes = disk.inject({ operation: 'size', probability: 0.5, times: Number.POSITIVE_INFINITY })
  for (let i = 0; i < 100; i++) await file.size().catch(failsWith('EIO'))
  assert.ok(sometimes.hits > 20 && sometimes.hits < 80)
})

test('a write that fails may have written a part', async () => {
  const lengths = new Set<number>()
  for (let seed = 0; seed < 40; seed++) {
    const { disk } = memoryWorld({ seed })
    const file = await disk.open('/a', 'create')
    disk.inject({ operation: 'write' })
    await assert.rejects(file.write([Buffer.from('01234'), Buffer.from('56789')], 0), failsWith('EIO'))
    const content = String(await disk.readFile('/a'))
    assert.ok('0123456789'.startsWith(content))
    lengths.add(content.length)
  }
  assert.ok(lengths.size > 4)
})

test('a sync that failed has lost the data, and the file says so from then on', async () => {
  const world = memoryWorld()
  const file = await world.disk.open('/a', 'create')
  await world.disk.syncDirectory('/')
  await file.write([Buffer.from('data')], 0)
  world.disk.inject({ operation: 'sync' })
  await assert.rejects(file.sync(), failsWith('EIO'))
  await assert.rejects(file.sync(), failsWith('EIO'))
  world.crash({ powerLoss: true })
  const { disk } = world.restart()
  assert.equal((await disk.readFile('/a')).length, 0)
})

test('a full disk', async () => {
  const { disk } = memoryWorld({ storage: { capacityBytes: 100 } })
  await disk.writeFileAtomic('/checkpoint', Buffer.alloc(60, 'a'))
  assert.deepEqual(await disk.space('/'), { totalBytes: 100, usableBytes: 40 })
  await assert.rejects(disk.writeFileAtomic('/checkpoint', Buffer.alloc(60, 'b')), failsWith('ENOSPC'))
  assert.equal(String(await disk.readFile('/checkpoint')), 'a'.repeat(60))
  assert.deepEqual(await disk.list('/'), [{ name: 'checkpoint', isDirectory: false }])
})

test('a slow disk takes virtual time, and its calls overtake each other', async () => {
  const world = memoryWorld({ diskLatencyMs: { write: [10, 100] } })
  const file = await world.disk.open('/a', 'create')
  const order: number[] = []
  const writes = Array.from({ length: 10 }, (_, i) => file.write([Buffer.from(`${i}`)], i).then(() => order.push(i)))
  await world.runUntil(Promise.all(writes))
  assert.ok(world.clock.monotonic() > 10 && world.clock.monotonic() < 100)
  assert.notDeepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(String(await world.disk.readFile('/a')), '0123456789')
})

test('an atomic write is the old file or the new one, wherever power fails', async () => {
  const seen = { old: 0, new: 0 }
  for (let seed = 0; seed < 1000; seed++) {
    const world = memoryWorld({ seed, diskLatencyMs: [0.1, 1] })
    await world.runUntil(world.disk.writeFileAtomic('/checkpoint', Buffer.from('old '.repeat(300))))
    let isDone = false
    void world.disk.writeFileAtomic('/checkpoint', Buffer.from('new, longer '.repeat(200))).then(() => {
      isDone = true
    })
    await world.advance(world.stream('workload').between(0, 8))
    world.crash({ powerLoss: seed % 4 > 0 })
    const again = world.restart()
    const content = String(await again.runUntil(again.disk.readFile('/checkpoint')))
    const which = content === 'old '.repeat(300) ? 'old' : 'new'
    if (which === 'new') assert.equal(content, 'new, longer '.repeat(200))
    assert.ok(!isDone || which === 'new', 'acknowledged, and lost')
    seen[which]++
  }
  assert.ok(seen.old > 200 && seen.new > 200, JSON.stringify(seen))
})

// ---------------------------------------------------------------------------------------------------------- crashes

test('a killed process leaves all it had written, a free lock and reset connections', async () => {
  const [a, b] = pairOfNodes({ diskLatencyMs: { sync: [1, 1] } })
  const { log } = await connected(a, b)
  const file = await b.disk.open('/a', 'create')
  await file.write([Buffer.from('not synced')], 0)
  assert.ok(await b.disk.lock('/.lock'))
  b.crash()
  await a.advance(10)
  assert.deepEqual(log, ['client closed ECONNRESET'])
  await assert.rejects(a.runUntil(a.network.connect({ host: 'b', port: 9092, timeoutMs: 500 })), isCode('ETIMEDOUT'))
  const again = b.restart()
  assert.equal(String(await again.disk.readFile('/a')), 'not synced')
  assert.ok(await again.disk.lock('/.lock'))
  await assert.rejects(a.runUntil(a.network.connect({ host: 'b', port: 9092 })), isCode('ECONNREFUSED'))
  assert.throws(() => b.crash(), /down already/)
  assert.throws(() => again.restart(), /is running/)
})

test('after a loss of power nobody is told; who sends to the next life is reset', async () => {
  const [a, b] = pairOfNodes()
  const { client, log } = await connected(a, b)
  b.crash({ powerLoss: true })
  send(client, 'anybody there?')
  await a.advance(60_000)
  assert.deepEqual(log, [])
  b.restart()
  send(client, 'hello again')
  await a.advance(0)
  assert.deepEqual(log, ['client closed ECONNRESET'])
})

test('nothing of a dead node is ever heard of', async () => {
  const [a, b] = pairOfNodes({ diskLatencyMs: [1, 2] })
  const { client, server, log } = await connected(a, b)
  const heard: string[] = []
  const hear = (what: string) => () => heard.push(what)
  b.clock.setTimer(5, hear('timer'))
  b.clock.nextTurn(hear('turn'))
  void b.disk.stat('/').then(hear('stat'))
  void b.network.connect({ host: 'a', port: 1 }).then(hear('connected'), hear('not connected'))
  void b.workers
    .run({ moduleUrl: new URL('../conformance/tasks.ts', import.meta.url).href, exportName: 'square' }, 2)
    .then(hear('task'))
  send(client, 'to the dead')
  b.crash()
  void b.disk.stat('/').then(hear('stat of the dead'), hear('error of the dead'))
  void b.network.connect({ host: 'a', port: 1 }).then(hear('connected'), hear('not connected'))
  assert.equal(send(server, 'from the dead'), false)
  await a.advance(300_000)
  assert.deepEqual(heard, [])
  assert.deepEqual(log, ['client closed ECONNRESET'])
})

test('of a write that was under way a killed process leaves a part', async () => {
  const lengths = new Set<number>()
  for (let seed = 0; seed < 60; seed++) {
    const world = memoryWorld({ seed, diskLatencyMs: { write: [10, 10] } })
    const file = await world.disk.open('/a', 'create')
    void file.write([Buffer.from('0123456789')], 0)
    await world.advance(5)
    world.crash()
    const content = String(await world.restart().disk.readFile('/a'))
    assert.ok('0123456789'.startsWith(content))
    lengths.add(content.length)
  }
  assert.ok(lengths.size > 4)
})

test('the wall clock of a node keeps its error over a restart', async () => {
  const world = memoryWorld({ wallClockOffsetMs: 250 })
  world.clock.jump(-1000)
  const before = world.clock.now()
  world.crash()
  await world.advance(10)
  assert.equal(world.restart().clock.now(), before + 10)
})

// ------------------------------------------------------------------------------------------------------ determinism

/** A node that does a bit of everything; what it does next depends on what came before. */
async function live(world: MemoryWorld, peers: readonly string[]): Promise<void> {
  const random = world.stream('workload')
  const answer = (connection: Connection): void => {
    connection.start({
      onData: bytes => connection.write([bytes, Buffer.from(world.random.uuid())]),
      onDrain: () => {},
      onClose: () => {},
    })
  }
  await world.network.listen({ host: '', port: 9092 }, answer)
  const file = await world.disk.open('/log', 'write')
  const step = async (): Promise<void> => {
    const peer = peers[random.integer(peers.length)]!
    try {
      const connection = await world.network.connect({ host: peer, port: 9092, timeoutMs: 50 })
      connection.start({
        onData: bytes => void file.write([bytes], random.integer(5000)).catch(failsWith('EIO')),
        onDrain: () => {},
        onClose: () => {},
      })
      send(connection, `${world.name} ${world.clock.now()}`)
      if (random.chance(0.3)) connection.end()
      if (random.chance(0.3)) await file.sync()
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof DiskError)) throw error
    }
    world.clock.setTimer(random.between(1, 20), () => void step())
  }
  void step()
}

async function runCluster(seed: number): Promise<{ hash: string; events: number }> {
  const hash = createHash('sha256')
  let events = 0
  const names = ['a', 'b', 'c']
  const a = memoryWorld({
    seed,
    name: 'a',
    network: { delayMs: [0, 5], fragments: true, resetProbability: 0.01 },
    diskLatencyMs: [0, 3],
    trace: event => {
      events++
      hash.update(event)
    },
  })
  const worlds = [a, a.neighbor('b'), a.neighbor('c')]
  for (const world of worlds) await a.runUntil(live(world, names))
  const chaos = a.stream('chaos')
  for (let round = 0; round < 10; round++) {
    const victim = chaos.integer(3)
    if (chaos.chance(0.5)) a.fabric.partition([names[victim]!], names)
    else {
      worlds[victim]!.crash({ powerLoss: chaos.chance(0.5) })
      worlds[victim] = worlds[victim]!.restart()
      await a.runUntil(live(worlds[victim], names))
    }
    worlds[victim]!.disk.inject({ operation: 'write', probability: 0.2 })
    await a.advance(100)
    a.fabric.heal()
  }
  for (const world of worlds) hash.update(await a.runUntil(world.disk.readFile('/log')))
  return { hash: hash.digest('hex'), events }
}

test('the same seed gives the same trace, another one another', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 5; seed++) {
    const first = await runCluster(seed)
    assert.ok(first.events > 500, `${first.events} events`)
    assert.deepEqual(await runCluster(seed), first)
    hashes.add(first.hash)
  }
  assert.equal(hashes.size, 5)
})

test('streams of chance do not disturb each other', () => {
  const first = memoryWorld({ seed: 5 })
  const second = memoryWorld({ seed: 5 })
  for (let i = 0; i < 100; i++) first.random.float()
  assert.equal(first.stream('workload').float(), second.stream('workload').float())
  assert.notEqual(second.stream('workload').float(), second.stream('chaos').float())
  assert.notEqual(memoryWorld({ seed: 6 }).random.uuid(), second.random.uuid())
})

// -------------------------------------------------------------------------------------------------------- real time

test('with real time nothing needs a timer, and thousands of calls take no time', async () => {
  const world = memoryWorld({ clock: 'real' })
  const { disk, network }: World = world
  const echoed = Promise.withResolvers<number>()
  const listener = await network.listen({ host: 'localhost', port: 0 }, connection => {
    connection.start({ onData: bytes => connection.write([bytes]), onDrain: () => {}, onClose: () => {} })
  })
  const connection = await network.connect({ host: 'localhost', port: listener.port })
  let received = 0
  connection.start({
    onData: bytes => {
      received += bytes.length
      if (received === 5000 * 100) echoed.resolve(received)
    },
    onDrain: () => {},
    onClose: () => {},
  })
  const file = await disk.open('/log', 'create')
  const record = Buffer.alloc(100)
  for (let i = 0; i < 5000; i++) {
    await file.write([record], i * 100)
    connection.write([record])
  }
  await file.sync()
  assert.equal(await echoed.promise, 500_000)
  assert.equal(await file.size(), 500_000)
  const timers = process.getActiveResourcesInfo().filter(name => name === 'Timeout')
  assert.deepEqual(timers, [])
  assert.throws(() => world.advance(1), /time is real/)
  assert.throws(() => world.crash({ powerLoss: true }), /tracksDurability/)
})

test('log lines can be looked at', async () => {
  const world = memoryWorld({ logLevel: 'debug' })
  const { logger }: World = world
  logger.child({ node: 1 }).debug('started', { port: 9092 })
  await world.advance(1500)
  logger.warn('slow')
  assert.equal(world.log.lines.length, 2)
  assert.deepEqual(world.log.lines[0]?.fields, { node: 1, port: 9092 })
  assert.equal(
    String(world.log),
    '2026-01-01T00:00:00.000Z DEBUG started node=1 port=9092\n2026-01-01T00:00:01.500Z WARN  slow\n',
  )
  for (let i = 0; i < 50_000; i++) logger.info('many')
  assert.ok(world.log.lines.length < 20_000)
})

test('what a node leaves behind can be counted', async () => {
  const [a, b] = pairOfNodes({ diskLatencyMs: [1, 2] })
  const counts = () => [a.clock.pending, a.disk.openFiles, a.network.connectionCount, b.network.listenerCount]
  assert.deepEqual(counts(), [0, [], 0, 0])
  const { client } = await connected(a, b)
  const file = await a.runUntil(a.disk.open('/file', 'write'))
  const timers = [a.clock.setTimer(5, () => {}), a.clock.setTimer(60_000, () => {})]
  assert.deepEqual(counts(), [2, ['/file'], 1, 1])
  await a.advance(10)
  assert.equal(a.clock.pending, 1)
  for (const timer of timers) timer.cancel()
  await a.runUntil(file.close())
  client.destroy()
  assert.deepEqual(counts(), [0, [], 0, 1])
})
