import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveBrokerConfig } from '../config/index.ts'
import { connectionLimits } from './connection-limits.ts'
import { heartbeat, largeHeartbeat, NO_LIMITS, PORT, type RawClient, rawServer } from './testing/raw-server.ts'

test('a silent client is closed after connections.max.idle.ms, one that speaks is not', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 60_000 })
  const silent = await server.connect()
  const talker = await server.connect()
  for (let i = 0; i < 10; i++) {
    talker.send(heartbeat(i))
    await server.world.advance(10_000)
    if (i < 5) assert.equal(silent.isClosed, false, `after ${i + 1}0 s`)
  }
  assert.equal(silent.isClosed, true)
  assert.equal(talker.isClosed, false)
  assert.equal(server.server.connectionCount, 1)
  await server.world.advance(80_000)
  assert.equal(talker.isClosed, true)
})

test('a client whose request is being handled is not idle; from its answer on it is', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 60_000 })
  const client = await server.connect()
  client.send(heartbeat(1, 'hold'))
  await server.world.advance(200_000)
  assert.equal(client.isClosed, false)
  server.held[0]!.answer()
  await server.settle()
  assert.deepEqual(client.answers, [1])
  await server.world.advance(50_000)
  assert.equal(client.isClosed, false)
  await server.world.advance(30_000)
  assert.equal(client.isClosed, true)
})

test('half of a request and then nothing is idle too, and gives its memory back', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 60_000 })
  const client = await server.connect()
  client.send(largeHeartbeat(1, 1_000_000).subarray(0, 500))
  await server.settle()
  assert.ok(server.memory.usedBytes > 0)
  await server.world.advance(80_000)
  assert.equal(client.isClosed, true)
  assert.equal(server.memory.usedBytes, 0)
})

test('-1 never closes anybody', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: -1 })
  const client = await server.connect()
  await server.world.advance(30 * 86_400_000)
  assert.equal(client.isClosed, false)
})

test('who is one too many waits until another has gone, in the order of coming; past the backlog nobody may wait', async () => {
  const server = await rawServer({
    limits: { maxConnections: 2 },
    socketListenBacklogSize: 2,
    connectionsMaxIdleMs: 60_000,
  })
  const clients: RawClient[] = []
  for (let i = 0; i < 5; i++) {
    const client = await server.connect()
    client.send(heartbeat(i))
    clients.push(client)
  }
  await server.settle()
  const answers = () => clients.map(client => client.answers.length)
  assert.deepEqual(answers(), [1, 1, 0, 0, 0])
  assert.deepEqual(
    clients.map(client => client.isClosed),
    [false, false, false, false, true],
  )
  clients[1]!.connection.destroy()
  await server.settle()
  assert.deepEqual(answers(), [1, 1, 1, 0, 0])
  clients[3]!.connection.destroy()
  clients[0]!.connection.destroy()
  await server.settle()
  assert.equal(server.server.connectionCount, 1, 'who has given up takes no place')
})

test('limits may change while clients are connected', async () => {
  const server = await rawServer({ limits: { maxConnections: 1 } })
  const first = await server.connect()
  const second = await server.connect()
  second.send(heartbeat(1))
  await server.settle()
  assert.deepEqual(second.answers, [])
  const limits = { maxConnectionsPerIp: 2, maxConnectionsPerIpOverrides: new Map() }
  server.server.limit({ ...NO_LIMITS, ...limits, maxConnections: 9 })
  await server.settle()
  assert.deepEqual(second.answers, [1])
  const third = await server.connect()
  await server.settle()
  assert.deepEqual([first.isClosed, second.isClosed, third.isClosed], [false, false, true])
})

test('a listener that is full keeps nobody out of the others; each has its own line', async () => {
  const one = { maxConnections: 1, maxCreationRate: Number.MAX_SAFE_INTEGER }
  const server = await rawServer({ limits: { listeners: new Map([['PLAINTEXT', one]]) } })
  await server.listen('OTHER', PORT + 1)
  const ask = async (port?: number) => {
    const client = await server.connect(server.world, port)
    client.send(heartbeat(1))
    await server.settle()
    return client.answers.length
  }
  assert.deepEqual([await ask(), await ask(), await ask(PORT + 1), await ask(PORT + 1)], [1, 0, 1, 1])
})

test('the listener of the brokers has room always: of the others, whoever was silent for longest makes it', async () => {
  const server = await rawServer({ limits: { maxConnections: 2 }, protectedListener: 'INTERNAL' })
  await server.listen('INTERNAL', PORT + 1)
  const clients = [await server.connect(), await server.connect()]
  await server.world.advance(10)
  clients[0]!.send(heartbeat(1))
  await server.settle()
  const broker = await server.connect(server.world, PORT + 1)
  broker.send(heartbeat(2))
  await server.settle()
  assert.deepEqual(broker.answers, [2])
  assert.deepEqual(
    clients.map(client => client.isClosed),
    [false, true],
  )
})

test('connections that come too fast are let in as fast as they may come', async () => {
  const server = await rawServer({ limits: { maxCreationRate: 2 }, socketListenBacklogSize: 100 })
  const clients: RawClient[] = []
  for (let i = 0; i < 40; i++) {
    const client = await server.connect()
    client.send(heartbeat(i))
    clients.push(client)
  }
  await server.settle()
  const answered = () => clients.filter(client => client.answers.length > 0).length
  assert.equal(answered(), 20, 'ten windows of two')
  await server.world.advance(5000)
  assert.ok(answered() >= 25 && answered() <= 31, `${answered()} after 5 s`)
  await server.world.advance(10_000)
  assert.equal(answered(), 40)
})

test('an address that comes too fast is not let in, and not let go at once', async () => {
  const server = await rawServer()
  const guest = server.world.neighbor('guest')
  server.server.limitIps({ default: Number.POSITIVE_INFINITY, byAddress: new Map([['guest', 1]]) })
  const clients: RawClient[] = []
  for (let i = 0; i < 12; i++) clients.push(await server.connect(guest))
  const other = await server.connect()
  other.send(heartbeat(1))
  await server.settle()
  const closed = () => clients.filter(client => client.isClosed).length
  assert.deepEqual([server.server.connectionCount, closed(), other.answers.length], [11, 0, 1])
  await server.world.advance(1000)
  assert.deepEqual([server.server.connectionCount, closed()], [11, 2])
})

test('limits of a configuration: overrides by host names count for the addresses, listeners may have their own', async () => {
  const server = await rawServer()
  server.world.neighbor('guest')
  const limitsOf = (overrides: string) => {
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      listeners: 'PLAINTEXT://localhost:9092,OTHER://localhost:9094,CONTROLLER://localhost:9093',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': 'localhost:9093',
      'max.connections': '9',
      'max.connection.creation.rate': '7',
      'max.connections.per.ip': '1',
      'max.connections.per.ip.overrides': overrides,
      'listener.name.other.max.connections': '4',
      'listener.name.controller.max.connection.creation.rate': '2',
    }
    const raw = Object.entries(settings).map(([name, value]) => [name, { value, origin: 'test' }] as const)
    return connectionLimits(resolveBrokerConfig(new Map(raw)), server.world.network)
  }
  assert.deepEqual(await limitsOf('guest:3'), {
    maxConnections: 9,
    maxCreationRate: 7,
    maxConnectionsPerIp: 1,
    maxConnectionsPerIpOverrides: new Map([['guest', 3]]),
    listeners: new Map([
      ['PLAINTEXT', { maxConnections: 9, maxCreationRate: 7 }],
      ['OTHER', { maxConnections: 4, maxCreationRate: 7 }],
      ['CONTROLLER', { maxConnections: 9, maxCreationRate: 2 }],
    ]),
  })
  const local = await limitsOf('localhost:3')
  assert.deepEqual([...local.maxConnectionsPerIpOverrides], [['127.0.0.1', 3]])
  await assert.rejects(limitsOf('nobody:3'), {
    name: 'ConfigurationError',
    message: /^max\.connections\.per\.ip\.overrides: nobody/,
  })
})

test('max.connections.per.ip counts each address by itself, with exceptions', async () => {
  const server = await rawServer({
    limits: { maxConnectionsPerIp: 2, maxConnectionsPerIpOverrides: new Map([['guest', 3]]) },
  })
  const guest = server.world.neighbor('guest')
  const other = server.world.neighbor('other')
  const count = async (from: typeof guest): Promise<number> => {
    let open = 0
    for (let i = 0; i < 5; i++) {
      const client = await server.connect(from)
      client.send(heartbeat(1))
      await server.settle()
      open += client.answers.length
    }
    return open
  }
  assert.equal(await count(guest), 3)
  assert.equal(await count(other), 2)
  assert.equal(server.server.connectionCount, 5)
})

test('a flood of refused connections is two lines in the log', async () => {
  const server = await rawServer({ limits: { maxConnectionsPerIp: 0 }, connectionsMaxIdleMs: 60_000 })
  for (let i = 0; i < 100; i++) await server.connect()
  await server.world.advance(20_000)
  const warnings = server.world.log.lines.filter(({ level }) => level === 'warn')
  assert.deepEqual(
    warnings.map(({ message, fields }) => [message, fields?.count]),
    [
      ['refusing connections: limit reached', undefined],
      ['connections refused', 100],
    ],
  )
})

test('a thousand idle connections do not slow one that works', async () => {
  const server = await rawServer()
  for (let i = 0; i < 1000; i++) await server.connect()
  const client = await server.connect()
  client.send(heartbeat(1))
  await server.settle()
  assert.deepEqual(client.answers, [1])
  assert.equal(server.server.connectionCount, 1001)
})

test('close ends every connection and frees the port', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 60_000 })
  const idle = await server.connect()
  const busy = await server.connect()
  busy.send(heartbeat(1, 'hold'))
  await server.settle()
  await server.world.runUntil(server.server.close())
  await server.settle()
  assert.deepEqual([idle.isClosed, busy.isClosed], [true, true])
  assert.equal(server.server.connectionCount, 0)
  server.held[0]!.answer()
  await server.settle()
  assert.equal(server.world.time!.pending, 0, 'no timer is left')
  await assert.rejects(
    server.world.runUntil(server.world.network.connect({ host: '127.0.0.1', port: PORT })),
    /ECONNREFUSED/,
  )
})

test('one fault after another on one connection after another, and the sum is zero', async () => {
  const server = await rawServer({
    memoryBytes: 300_000,
    connectionsMaxIdleMs: 60_000,
    world: { seed: 3, network: { fragments: true, resetProbability: 0.02, delayMs: [0, 20] } },
  })
  const random = server.world.stream('clients')
  for (let i = 0; i < 150; i++) {
    const client = await server.connect().catch(() => null)
    if (!client) continue
    const whole = random.chance(0.5) ? largeHeartbeat(i, 100_000) : heartbeat(i)
    client.send(random.chance(0.3) ? whole.subarray(0, random.integer(whole.length)) : whole)
    if (random.chance(0.3)) client.connection.destroy()
    await server.world.advance(random.integer(50))
  }
  await server.world.advance(200_000)
  assert.equal(server.server.connectionCount, 0)
  assert.equal(server.memory.usedBytes, 0)
  assert.equal(server.memory.waitingCount, 0)
})
