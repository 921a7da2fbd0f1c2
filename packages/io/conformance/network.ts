/** What every `Network` does. Run against sockets and against the network in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NetworkError } from '../errors.ts'
import type { Connection, Listener, Network } from '../io.ts'

/** What a test sees of one end. */
class End {
  readonly connection: Connection
  readonly received: Uint8Array[] = []
  drains = 0
  closes = 0
  error: Error | null = null
  readonly closed: Promise<Error | null>
  #wake = (): void => {}

  constructor(connection: Connection, start = true) {
    this.connection = connection
    let onClosed = (_error: Error | null): void => {}
    this.closed = new Promise(resolve => {
      onClosed = resolve
    })
    this.#onClosed = onClosed
    if (start) this.start()
  }

  readonly #onClosed: (error: Error | null) => void

  start(): void {
    this.connection.start({
      onData: bytes => {
        this.received.push(bytes)
        this.#wake()
      },
      onDrain: () => {
        this.drains++
        this.#wake()
      },
      onClose: error => {
        this.closes++
        this.error = error
        this.#onClosed(error)
        this.#wake()
      },
    })
  }

  get text(): string {
    return Buffer.concat(this.received).toString()
  }

  get bytes(): number {
    return this.received.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  send(...texts: string[]): boolean {
    return this.connection.write(texts.map(text => Buffer.from(text)))
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

interface Pair {
  readonly network: Network
  readonly listener: Listener
  readonly client: End
  readonly server: End
}

const code =
  (expected: string, ...others: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof NetworkError, `${error} is not a NetworkError`)
    assert.ok([expected, ...others].includes(error.code), `${error.code} instead of ${expected}`)
    assert.ok(error.message.includes(error.peer))
    return true
  }

async function connectPair(network: Network, startServer = true): Promise<Pair> {
  const accepted = Promise.withResolvers<Connection>()
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, accepted.resolve)
  const client = new End(await network.connect({ host: '127.0.0.1', port: listener.port }))
  const server = new End(await accepted.promise, startServer)
  return { network, listener, client, server }
}

async function finish({ listener, client, server }: Pair): Promise<void> {
  client.connection.destroy()
  server.connection.destroy()
  await listener.close()
}

export type CheckNetwork = (what: string, body: (network: Network) => Promise<void>) => void

/** All of it twice: reading new memory, and memory that the handler gives. */
export function networkConformance(name: string, make: () => Network): void {
  conformance(name, make)
  conformance(`${name} reading into given memory`, () => readingInto(make(), 1000))
}

/** Every connection reads into the same few bytes, as the broker's do. */
function readingInto(network: Network, bytes: number): Network {
  const memory = new Uint8Array(bytes)
  const wrap = (connection: Connection): Connection => {
    const start = connection.start.bind(connection)
    connection.start = ({ onData, onDrain, onClose }) => {
      const target = (): Uint8Array => memory
      start({ target, onData: read => onData(Uint8Array.from(read)), onDrain, onClose })
    }
    return connection
  }
  return {
    listen: (options, onConnection) => network.listen(options, connection => onConnection(wrap(connection))),
    connect: async options => wrap(await network.connect(options)),
    resolve: host => network.resolve(host),
    hostName: () => network.hostName(),
  }
}

function conformance(name: string, make: () => Network): void {
  const check: CheckNetwork = (what, body) => {
    test(`${name} network: ${what}`, { timeout: 20_000 }, () => body(make()))
  }
  listenConformance(check)
  streamConformance(check)
  takenConformance(check)
  pressureConformance(check)
  closeConformance(check)
  endConformance(check)
}

function listenConformance(check: CheckNetwork): void {
  check('listens, on a free port or a given one', async network => {
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, () => {})
    assert.equal(listener.host, '127.0.0.1')
    assert.ok(listener.port > 1023)
    const again = { host: '127.0.0.1', port: listener.port }
    await assert.rejects(
      network.listen(again, () => {}),
      code('EADDRINUSE'),
    )
    await listener.close()
    await listener.close()
    await using second = await network.listen(again, () => {})
    assert.equal(second.port, listener.port)
    await assert.rejects(
      network.listen({ host: '127.0.0.1', port: 99_999 }, () => {}),
      code('EINVAL'),
    )
  })

  check('what can not be connected to', async network => {
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, () => {})
    const { port } = listener
    await listener.close()
    await assert.rejects(network.connect({ host: '127.0.0.1', port }), code('ECONNREFUSED'))
    await assert.rejects(network.connect({ host: 'localhost', port }), code('ECONNREFUSED'))
    await assert.rejects(network.connect({ host: 'no-such-host.invalid', port }), code('ENOTFOUND', 'EAI_AGAIN'))
    await assert.rejects(network.connect({ host: '127.0.0.1', port: -1 }), code('EINVAL'))
  })

  check('the addresses of a host are those that connections from it have', async network => {
    const { promise, resolve } = Promise.withResolvers<string>()
    await using listener = await network.listen({ host: '127.0.0.1', port: 0 }, connection => {
      resolve(connection.remoteAddress)
      connection.destroy()
    })
    const connection = await network.connect({ host: '127.0.0.1', port: listener.port })
    const address = await promise
    connection.destroy()
    assert.ok((await network.resolve('localhost')).includes(address))
    assert.deepEqual(await network.resolve(address), [address])
    await assert.rejects(network.resolve('no-such-host.invalid'), code('ENOTFOUND', 'EAI_AGAIN'))
  })

  check('a machine has a name', async network => {
    assert.match(await network.hostName(), /^\S+$/)
  })

  check('an aborted connect gives the reason', async network => {
    const reason = new Error('changed my mind')
    await using listener = await network.listen({ host: '127.0.0.1', port: 0 }, connection => connection.destroy())
    const address = { host: '127.0.0.1', port: listener.port }
    await assert.rejects(network.connect({ ...address, signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const connecting = network.connect({ ...address, signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(connecting, reason)
  })

  check('knows who is on the other side', async network => {
    const pair = await connectPair(network)
    const { client, server, listener } = pair
    assert.equal(client.connection.remoteAddress, '127.0.0.1')
    assert.equal(client.connection.remotePort, listener.port)
    assert.equal(server.connection.remoteAddress, '127.0.0.1')
    assert.equal(server.connection.remotePort, client.connection.localPort)
    assert.equal(server.connection.localPort, listener.port)
    await finish(pair)
  })

  check('a closed listener leaves connections open', async network => {
    const pair = await connectPair(network)
    await pair.listener.close()
    pair.client.send('still here')
    await pair.server.until(() => pair.server.text === 'still here')
    await finish(pair)
  })
}

function takenConformance(check: CheckNetwork): void {
  check('says when all of a write has been taken, so that it may be changed', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.connection.pause()
    const large = Buffer.alloc(30_000_000, 'a')
    let taken = 0
    server.connection.write([Buffer.from('b'), large], () => {
      taken++
      large.fill('x')
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(taken, 0)
    client.connection.resume()
    await client.until(() => client.bytes === large.length + 1)
    assert.equal(taken, 1)
    assert.equal(Buffer.concat(client.received).lastIndexOf('x'), -1)
    await finish(pair)
  })

  check('never calls a write taken that was lost', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.connection.pause()
    let taken = 0
    server.connection.write([Buffer.alloc(30_000_000)], () => taken++)
    server.connection.destroy()
    await server.closed
    assert.equal(
      server.connection.write([Buffer.from('late')], () => taken++),
      false,
    )
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(taken, 0)
    await finish(pair)
  })
}

function streamConformance(check: CheckNetwork): void {
  check('brings bytes in order, both ways', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.send('a', '', 'bc')
    client.send('d')
    assert.equal(client.connection.write([]), true)
    await server.until(() => server.text === 'abcd')
    server.send('efg')
    await client.until(() => client.text === 'efg')
    await finish(pair)
  })

  check('what arrives is the receiver’s own', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    const kept = Buffer.from('tail cache')
    server.connection.write([kept])
    await client.until(() => client.text === 'tail cache')
    for (const chunk of client.received) chunk.fill(120)
    assert.equal(kept.toString(), 'tail cache')
    await finish(pair)
  })

  check('large writes of many chunks arrive whole', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    const chunks = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(1 + ((i * 37) % 4000), i))
    const expected = Buffer.concat(chunks)
    server.connection.write(chunks)
    await client.until(() => client.bytes === expected.length)
    assert.ok(Buffer.concat(client.received).equals(expected))
    assert.equal(server.connection.queuedBytes, 0)
    await finish(pair)
  })

  check('nothing is read before start, nor while paused', async network => {
    const pair = await connectPair(network, false)
    const { client, server } = pair
    client.send('early')
    client.send(' bird')
    server.start()
    await server.until(() => server.text === 'early bird')
    server.connection.pause()
    client.send('!')
    // Something that takes a round trip the other way shows that time has passed.
    server.send('ping')
    await client.until(() => client.text === 'ping')
    assert.equal(server.text, 'early bird')
    server.connection.resume()
    await server.until(() => server.text === 'early bird!')
    assert.throws(() => server.start(), /started/)
    await finish(pair)
  })
}

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/** Writes until told to wait; the most that any kernel and bound would take is far below the limit. */
function fill(end: End): number {
  for (let bytes = CHUNK.length; bytes <= 256 * 1024 * 1024; bytes += CHUNK.length) {
    if (!end.connection.write([CHUNK])) return bytes
  }
  throw new Error('a peer that never reads must make write return false')
}

function pressureConformance(check: CheckNetwork): void {
  check('a peer that never reads is noticed, and costs bounded memory', async network => {
    const pair = await connectPair(network, false)
    const { client, server } = pair
    const written = fill(client)
    const { queuedBytes } = client.connection
    assert.ok(queuedBytes >= 1024 * 1024 && queuedBytes < 2 * 1024 * 1024, `${queuedBytes} bytes are queued`)
    assert.equal(client.drains, 0)
    server.start()
    await client.until(() => client.drains === 1)
    assert.equal(client.connection.queuedBytes, 0)
    await server.until(() => server.bytes === written)
    assert.equal(client.drains, 1)
    await finish(pair)
  })

  check('a paused reader holds the writer back', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    server.connection.pause()
    const written = fill(client)
    server.connection.resume()
    await client.until(() => client.drains === 1)
    await server.until(() => server.bytes === written)
    await finish(pair)
  })

  check('what is queued is lost with destroy', async network => {
    const pair = await connectPair(network, false)
    const { client, server } = pair
    const written = fill(client)
    client.connection.destroy()
    assert.equal(client.connection.write([CHUNK]), false)
    assert.equal(await client.closed, null)
    server.start()
    await server.closed
    assert.ok(server.bytes < written)
    await finish(pair)
  })
}

function closeConformance(check: CheckNetwork): void {
  check('destroy closes both sides, once', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.send('last words')
    client.connection.destroy()
    assert.equal(client.closes, 0, 'not from within the call')
    client.connection.destroy(new Error('too late to be the reason'))
    assert.equal(await client.closed, null)
    assert.equal(await server.closed, null)
    assert.equal(server.text, 'last words')
    assert.equal(client.connection.write([CHUNK]), false)
    client.connection.end()
    server.connection.destroy()
    server.connection.end()
    await pair.listener.close()
    assert.deepEqual([client.closes, server.closes], [1, 1])
  })

  check('a reason given to destroy is the reason', async network => {
    const pair = await connectPair(network)
    const reason = new Error('bad request')
    pair.server.connection.destroy(reason)
    assert.equal(await pair.server.closed, reason)
    assert.equal(await pair.client.closed, null)
    await pair.listener.close()
  })

  check('destroying with unread bytes resets the peer', async network => {
    const pair = await connectPair(network, false)
    const { client, server } = pair
    client.send('never read')
    // The answer of another connection shows that the bytes have come.
    const other = await connectPair(network)
    other.client.send('x')
    await other.server.until(() => other.server.text === 'x')
    server.connection.destroy()
    code('ECONNRESET')(await client.closed)
    await finish(other)
    await finish(pair)
  })

  check('a connection that closed before start says so after it', async network => {
    const pair = await connectPair(network, false)
    pair.server.connection.destroy()
    await pair.client.closed
    pair.server.start()
    assert.equal(pair.server.closes, 0)
    assert.equal(await pair.server.closed, null)
    await pair.listener.close()
  })

  check('no data comes after destroy', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.send('first')
    await server.until(() => server.text === 'first')
    client.send('second')
    server.connection.destroy()
    await server.closed
    await client.closed
    assert.equal(server.text, 'first')
    await pair.listener.close()
  })
}

function endConformance(check: CheckNetwork): void {
  check('end sends all that is queued, then closes both sides', async network => {
    const pair = await connectPair(network, false)
    const { client, server } = pair
    const written = fill(client)
    client.connection.end()
    assert.equal(client.send('after the end'), false)
    server.start()
    assert.equal(await server.closed, null)
    assert.equal(await client.closed, null)
    assert.equal(server.bytes, written)
    await pair.listener.close()
  })

  check('end does not lose the last answer to a peer that is still sending', async network => {
    const pair = await connectPair(network)
    const { client, server } = pair
    client.send('a request that is refused')
    await server.until(() => server.bytes > 0)
    fill(client)
    server.send('this is why')
    server.connection.end()
    await client.closed
    assert.equal(client.text, 'this is why')
    assert.equal(await server.closed, null)
    assert.equal(server.text, 'a request that is refused', 'no more data after end')
    await pair.listener.close()
  })

  check('both ends may end at once', async network => {
    const pair = await connectPair(network)
    pair.client.send('x')
    pair.client.connection.end()
    pair.server.connection.end()
    assert.equal(await pair.client.closed, null)
    assert.equal(await pair.server.closed, null)
    await pair.listener.close()
  })
}
