import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '@ottla/io'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { decodeRequestHeader, encodeResponse, FrameReader, type RequestHeader } from '@ottla/protocol'
import { ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { BrokerConnection } from './connection.ts'

const heartbeatApi = { request: HeartbeatRequest, response: HeartbeatResponse }
const BEAT = { groupId: 'g', generationId: 1, memberId: 'm' }
const RANGES = [
  { apiKey: 18, minVersion: 0, maxVersion: 4 },
  { apiKey: 12, minVersion: 1, maxVersion: 3 },
]

type Answer = (header: RequestHeader, socket: Connection) => void

/** A peer that is not ours: it answers each request as the test says. */
async function peer(answer: Answer): Promise<{ world: MemoryWorld; connect(): Promise<BrokerConnection> }> {
  const world = memoryWorld({ time: { flow: 'auto' } })
  await world.network.listen({ host: '', port: 9092 }, socket => {
    const frames = new FrameReader(1_000_000)
    socket.start({
      onData: bytes => {
        frames.push(bytes)
        for (let frame = frames.next(); frame; frame = frames.next()) answer(decodeRequestHeader(frame), socket)
      },
      onDrain: () => {},
      onClose: () => {},
    })
  })
  const connect = () =>
    BrokerConnection.connect({ world, host: '127.0.0.1', port: 9092, clientId: 'test', requestTimeoutMs: 5000 })
  return { world, connect }
}

/** Negotiates properly; what comes then is `then`'s. */
function after(then: Answer): Answer {
  return (header, socket) => {
    if (header.apiKey !== 18) then(header, socket)
    else socket.write(encodeResponse(ApiVersionsResponse, header.apiVersion, header.correlationId, { apiKeys: RANGES }))
  }
}

function respond({ apiVersion, correlationId }: RequestHeader, socket: Connection, id = correlationId): void {
  socket.write(encodeResponse(HeartbeatResponse, apiVersion, id, { throttleTimeMs: 0, errorCode: 0 }))
}

test('speaks the highest version of both, or the one it is held to', async () => {
  const versions: number[] = []
  const { connect } = await peer(
    after((header, socket) => {
      versions.push(header.apiVersion)
      respond(header, socket)
    }),
  )
  const connection = await connect()
  await connection.send(heartbeatApi, BEAT)
  await connection.send(heartbeatApi, BEAT, { maxVersion: 2 })
  assert.deepEqual(versions, [3, 2])
  await assert.rejects(connection.send(heartbeatApi, BEAT, { maxVersion: 0 }), { code: 'ERR_UNSUPPORTED_VERSION' })
  connection.close()
})

test('a peer that does not know the version of ApiVersions is asked again in one that it does', async () => {
  const asked: number[] = []
  const { connect } = await peer(({ apiVersion, correlationId }, socket) => {
    asked.push(apiVersion)
    const errorCode = apiVersion > 2 ? 35 : 0
    const apiKeys = errorCode === 0 ? RANGES : [{ apiKey: 18, minVersion: 0, maxVersion: 2 }]
    const version = errorCode === 0 ? apiVersion : 0
    socket.write(encodeResponse(ApiVersionsResponse, version, correlationId, { errorCode, apiKeys }))
  })
  const connection = await connect()
  assert.deepEqual(asked, [4, 2])
  assert.equal(connection.versions.size, 2)
  connection.close()
})

test('requests that are under way together get each its own answer', async () => {
  const { connect } = await peer(
    after(({ apiVersion, correlationId }, socket) =>
      socket.write(encodeResponse(HeartbeatResponse, apiVersion, correlationId, { throttleTimeMs: correlationId })),
    ),
  )
  const connection = await connect()
  const answers = await Promise.all(Array.from({ length: 100 }, () => connection.send(heartbeatApi, BEAT)))
  const ids = answers.map(({ throttleTimeMs }) => throttleTimeMs)
  assert.deepEqual(
    ids,
    ids.map((_, i) => ids[0]! + i),
  )
  connection.close()
})

const BROKEN: Record<string, [then: Answer, code: string]> = {
  'another correlation id': [(header, socket) => respond(header, socket, header.correlationId + 1), 'ERR_MALFORMED'],
  'half a response': [({ correlationId }, socket) => socket.write([frame(correlationId, [0, 0])]), 'ERR_TRUNCATED'],
  'a response with something left over': [
    ({ correlationId }, socket) => socket.write([frame(correlationId, [0, 0, 0, 0, 0, 0, 7])]),
    'ERR_MALFORMED',
  ],
  'a negative size': [(_, socket) => socket.write([Buffer.from([255, 255, 255, 255])]), 'ERR_CONNECTION'],
  'nothing, and closes': [(_, socket) => socket.end(), 'ERR_CONNECTION'],
}

function frame(correlationId: number, body: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + body.length)
  bytes.writeInt32BE(4 + body.length, 0)
  bytes.writeInt32BE(correlationId, 4)
  bytes.set(body, 8)
  return bytes
}

for (const [what, [then, code]] of Object.entries(BROKEN)) {
  test(`a peer that sends ${what} fails this request and all behind it, and the connection is over`, async () => {
    const { connect, world } = await peer(after(then))
    const connection = await connect()
    const first = connection.send(heartbeatApi, BEAT)
    const second = connection.send(heartbeatApi, BEAT)
    await Promise.all([
      assert.rejects(first, { code }),
      assert.rejects(second, ({ code: behind }: { code: string }) => [code, 'ERR_CONNECTION'].includes(behind)),
    ])
    await world.advance(0)
    assert.equal(connection.isClosed, true)
    await assert.rejects(connection.send(heartbeatApi, BEAT), { code: 'ERR_CONNECTION' })
    await world.advance(10_000)
    assert.equal(world.time!.pending, 0, 'no timer is left')
  })
}

test('a response that nobody asked for closes the connection', async () => {
  const { connect, world } = await peer(
    after((header, socket) => {
      respond(header, socket)
      respond(header, socket)
    }),
  )
  const connection = await connect()
  await connection.send(heartbeatApi, BEAT)
  await world.advance(0)
  assert.equal(connection.isClosed, true)
})

test('a peer that never answers: time-out, and the connection is of no more use', async () => {
  const { connect, world } = await peer(after(() => {}))
  const connection = await connect()
  const sent = connection.send(heartbeatApi, BEAT)
  const rejected = assert.rejects(sent, { code: 'ERR_REQUEST_TIMEOUT' })
  await world.advance(4999)
  assert.equal(connection.isClosed, false)
  await world.advance(1)
  await rejected
  assert.equal(connection.isClosed, true)
})

test('nobody there is a coded error that names the address', async () => {
  const world = memoryWorld({ time: { flow: 'auto' } })
  await assert.rejects(
    BrokerConnection.connect({ world, host: '127.0.0.1', port: 9, clientId: 'test' }),
    ({ code, message }: Error & { code: string }) => code === 'ERR_CONNECTION' && message.includes('127.0.0.1:9'),
  )
})
