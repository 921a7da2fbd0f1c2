/** What only sockets have: address families, resets from outside, peers that keep half a connection open. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as rawConnect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { NetworkError } from '../errors.ts'
import type { Connection } from '../io.ts'
import { NodeNetwork } from './network.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(address => address.address === '::1'))

/** A connection whose other end is a bare socket. */
async function withRawClient(host = '127.0.0.1'): Promise<{ connection: Connection; socket: Socket; stop(): void }> {
  const accepted = Promise.withResolvers<Connection>()
  const listener = await new NodeNetwork().listen({ host, port: 0 }, accepted.resolve)
  const socket = rawConnect({ host: host || '127.0.0.1', port: listener.port, allowHalfOpen: true })
  const connection = await accepted.promise
  return {
    connection,
    socket,
    stop() {
      connection.destroy()
      socket.destroy()
      void listener.close()
    },
  }
}

function closed(connection: Connection): Promise<Error | null> {
  return new Promise(resolve => connection.start({ onData: () => {}, onDrain: () => {}, onClose: resolve }))
}

test('IPv6 addresses, with or without brackets', { skip: !hasIpv6 && 'no IPv6 here' }, async () => {
  const network = new NodeNetwork()
  for (const host of ['::1', '[::1]']) {
    const accepted = Promise.withResolvers<Connection>()
    await using listener = await network.listen({ host, port: 0 }, accepted.resolve)
    assert.equal(listener.host, '::1')
    const client = await network.connect({ host, port: listener.port })
    const server = await accepted.promise
    assert.equal(server.remoteAddress, '::1')
    client.destroy()
    server.destroy()
  }
  await assert.rejects(network.connect({ host: '::1', port: 1 }), (error: unknown) => {
    assert.ok(error instanceof NetworkError)
    assert.equal(error.peer, '[::1]:1')
    return true
  })
})

test('an empty host is every address, and an IPv4 peer keeps its own', async () => {
  const { connection, stop } = await withRawClient('')
  assert.equal(connection.remoteAddress, '127.0.0.1')
  stop()
})

test('a reset by the peer is ECONNRESET', async () => {
  const { connection, socket, stop } = await withRawClient()
  const end = closed(connection)
  socket.resetAndDestroy()
  const error = await end
  assert.ok(error instanceof NetworkError)
  assert.equal(error.code, 'ECONNRESET')
  assert.ok(error.cause instanceof Error)
  stop()
})

test('a peer that ends its side closes the connection as a whole', async () => {
  const { connection, socket, stop } = await withRawClient()
  const end = closed(connection)
  socket.end('bye')
  assert.equal(await end, null)
  socket.resume()
  await once(socket, 'end')
  stop()
})

test('a peer that ends its side and reads nothing is not waited for', { timeout: 20_000 }, async () => {
  const { connection, socket, stop } = await withRawClient()
  const end = closed(connection)
  while (connection.write([Buffer.alloc(1_000_000)]));
  assert.ok(connection.queuedBytes > 0)
  socket.end()
  assert.equal(await end, null)
  stop()
})

test('a peer that never ends its side is waited for, and then left', { timeout: 20_000 }, async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { connection, socket, stop } = await withRawClient()
  const end = closed(connection)
  connection.write([Buffer.from('the answer')])
  connection.end()
  const [answer] = await once(socket, 'data')
  assert.equal(String(answer), 'the answer')
  await once(socket, 'end')
  t.mock.timers.tick(1999)
  socket.write('still talking')
  assert.equal(await Promise.race([end, new Promise(resolve => setImmediate(resolve, 'open'))]), 'open')
  t.mock.timers.tick(1)
  assert.equal(await end, null)
  stop()
})

test('a connect that nobody answers times out', { timeout: 20_000, skip: process.platform !== 'linux' }, async () => {
  const worker = new Worker(new URL('./testing/deaf-listener.ts', import.meta.url))
  const [port] = await once(worker, 'message')
  const network = new NodeNetwork()
  const attempts = Array.from({ length: 6 }, () => network.connect({ host: '127.0.0.1', port, timeoutMs: 100 }))
  const outcomes = await Promise.allSettled(attempts)
  const failures = outcomes.filter(outcome => outcome.status === 'rejected').map(outcome => outcome.reason)
  assert.ok(failures.length > 0)
  for (const error of failures) assert.ok(error instanceof NetworkError && error.code === 'ETIMEDOUT', String(error))
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.destroy()
  await worker.terminate()
})
