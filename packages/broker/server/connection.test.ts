import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeResponse, ErrorCode } from '@ottla/protocol'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { LeaveGroupRequest } from '@ottla/protocol/messages/leave-group'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest } from '@ottla/protocol/messages/produce'
import fc from 'fast-check'
import { ApiError } from '../errors.ts'
import { frame, heartbeat, largeHeartbeat, type RawServer, rawServer, sized } from './testing/raw-server.ts'

/** A client beside the one that misbehaves is served as ever. */
async function assertServes(server: RawServer): Promise<void> {
  const client = await server.connect()
  client.send(heartbeat(4711))
  await server.settle()
  assert.deepEqual(client.answers, [4711])
  client.connection.destroy()
  await server.settle()
}

test('frames may be cut anywhere', async () => {
  const server = await rawServer()
  const stream = Buffer.concat([heartbeat(1), heartbeat(2, 'group', 'member'), largeHeartbeat(3, 5000), heartbeat(4)])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 20 }), async cuts => {
      const client = await server.connect()
      let from = 0
      for (const cut of [...new Set(cuts)].sort((a, b) => a - b)) {
        client.send(stream.subarray(from, cut))
        await server.settle()
        from = cut
      }
      client.send(stream.subarray(from))
      await server.settle()
      assert.deepEqual(client.answers, [1, 2, 3, 4])
      client.connection.destroy()
      await server.settle()
    }),
    { numRuns: 30 },
  )
  assert.equal(server.server.connectionCount, 0)
})

test('a writer that is slow byte by byte is served', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 60_000 })
  const client = await server.connect()
  for (const byte of heartbeat(7)) {
    client.send(Buffer.of(byte))
    await server.world.advance(10_000)
  }
  assert.deepEqual(client.answers, [7])
  assert.equal(client.isClosed, false)
})

test('the content of an answer is what the handler said', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(heartbeat(99))
  await server.settle()
  const { correlationId, body } = decodeResponse(HeartbeatResponse, 4, client.frames[0]!)
  assert.deepEqual({ correlationId, ...body }, { correlationId: 99, throttleTimeMs: 99, errorCode: 0 })
})

// ------------------------------------------------------------------------------------------------------- bad bytes

const unknownApi = heartbeat(1)
unknownApi.writeInt16BE(999, 4)
const negativeApi = heartbeat(1)
negativeApi.writeInt16BE(-1, 4)
const unknownVersion = heartbeat(1)
unknownVersion.writeInt16BE(99, 6)
const negativeVersion = heartbeat(1)
negativeVersion.writeInt16BE(-1, 6)
const longClientId = heartbeat(1)
longClientId.writeInt16BE(30_000, 12)

const BAD: Record<string, Buffer> = {
  'a frame over socket.request.max.bytes': Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  'a frame one byte over it': sized(Buffer.alloc(4 * 1024 * 1024 + 1)).subarray(0, 4),
  'a negative size': Buffer.from([0xff, 0xff, 0xff, 0xff]),
  'the smallest size there is': Buffer.from([0x80, 0, 0, 0]),
  'no header': sized(Buffer.alloc(0)),
  'half a header': sized(heartbeat(1).subarray(4, 11)),
  'a client id longer than the frame': longClientId,
  'an unknown api key': unknownApi,
  'a negative api key': negativeApi,
  'an unknown version': unknownVersion,
  'a negative version': negativeVersion,
  'a truncated body': sized(heartbeat(1, 'group').subarray(4, -4)),
  HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  TLS: Buffer.from('16030100f5010000f10303', 'hex'),
  'garbage before the header': Buffer.concat([Buffer.from('kafka!'), heartbeat(1)]),
}

for (const [what, bytes] of Object.entries(BAD)) {
  test(`${what} closes the connection and no other`, async () => {
    const server = await rawServer()
    const bystander = await server.connect()
    bystander.send(heartbeat(1, 'hold'))
    const client = await server.connect()
    client.send(bytes)
    // What follows is not looked at any more.
    client.send(heartbeat(2, 'after'))
    await server.settle()
    assert.equal(client.isClosed, true)
    assert.deepEqual(client.answers, [])
    assert.ok(!server.handled.includes('after'))
    const lines = server.world.log.lines.filter(({ level }) => level === 'warn' || level === 'error')
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [['warn', 'closing connection: bad request']],
    )
    assert.match(String(lines[0]!.fields?.code), /^ERR_/)
    assert.equal(server.memory.usedBytes, 0)
    server.held[0]!.answer()
    await server.settle()
    assert.deepEqual(bystander.answers, [1])
    await assertServes(server)
  })
}

test('whatever the bytes, nothing but the connection comes to harm', async () => {
  const server = await rawServer({ memoryBytes: 1024 * 1024 })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, isFramed) => {
      const client = await server.connect()
      client.send(isFramed ? sized(bytes) : bytes)
      await server.settle()
      client.connection.destroy()
      await server.settle()
      assert.equal(server.memory.usedBytes, 0)
    }),
    { numRuns: 200 },
  )
  assert.deepEqual(
    server.world.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
  await assertServes(server)
})

test('bytes after the message are passed over, as in Kafka', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(sized(Buffer.concat([heartbeat(1).subarray(4), Buffer.from([1, 2, 3])])))
  client.send(heartbeat(2))
  await server.settle()
  assert.deepEqual(client.answers, [1, 2])
})

test('a version of ApiVersions that is not served is answered in version 0, with the range', async () => {
  const server = await rawServer()
  for (const version of [5, 99, 32_767]) {
    const client = await server.connect()
    const request = frame(ApiVersionsRequest, 4, 8, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })
    request.writeInt16BE(version, 6)
    client.send(request)
    client.send(frame(ApiVersionsRequest, 0, 9, {}))
    await server.settle()
    const { correlationId, body } = decodeResponse(ApiVersionsResponse, 0, client.frames[0]!)
    assert.equal(correlationId, 8)
    assert.equal(body.errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.deepEqual(
      body.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion]),
      [[18, 0, 4]],
    )
    assert.deepEqual(client.answers, [8, 9], 'the connection goes on')
  }
})

test('a client that does not say properly who it is gets INVALID_REQUEST, and may try again', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(frame(ApiVersionsRequest, 3, 1, { clientSoftwareName: ' bad ', clientSoftwareVersion: '1' }))
  client.send(frame(ApiVersionsRequest, 3, 2, { clientSoftwareName: 'good', clientSoftwareVersion: '1' }))
  await server.settle()
  assert.deepEqual(
    client.frames.map(bytes => decodeResponse(ApiVersionsResponse, 3, bytes).body.errorCode),
    [ErrorCode.INVALID_REQUEST, 0],
  )
})

// -------------------------------------------------------------------------------------------------- order and memory

test('responses come in the order of the requests, one request handled at a time', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(Buffer.concat([heartbeat(1, 'hold-a'), heartbeat(2, 'b'), heartbeat(3, 'hold-c'), heartbeat(4, 'd')]))
  await server.settle()
  assert.deepEqual(server.handled, ['hold-a'])
  server.held[0]!.answer()
  await server.settle()
  assert.deepEqual(server.handled, ['hold-a', 'b', 'hold-c'])
  assert.deepEqual(client.answers, [1, 2])
  server.held[1]!.answer()
  await server.settle()
  assert.deepEqual(client.answers, [1, 2, 3, 4])
})

test('ten thousand requests in one go are all answered, in order', async () => {
  const server = await rawServer()
  const client = await server.connect()
  const ids = Array.from({ length: 10_000 }, (_, i) => i)
  client.send(Buffer.concat(ids.map(i => heartbeat(i))))
  await server.settle()
  assert.deepEqual(client.answers, ids)
})

test('who is throttled is answered at once, and then not heard for so long', async () => {
  const server = await rawServer({ connectionsMaxIdleMs: 500 })
  const client = await server.connect()
  client.send(Buffer.concat([heartbeat(1, 'throttle'), heartbeat(2), heartbeat(3)]))
  await server.settle()
  assert.deepEqual(client.answers, [1])
  await server.world.advance(900)
  assert.deepEqual(server.handled, ['throttle'])
  await server.world.advance(100)
  assert.deepEqual(client.answers, [1, 2, 3])
  client.send(heartbeat(4, 'throttle'))
  await server.settle()
  client.connection.destroy()
  await server.world.advance(2000)
  assert.equal(server.server.connectionCount, 0)
})

test('what a throttled client sends meanwhile is left in its socket', async () => {
  const server = await rawServer({ world: { network: { windowBytes: 100_000, maxQueuedBytes: 10_000_000 } } })
  const client = await server.connect()
  client.send(heartbeat(0, 'throttle'))
  await server.settle()
  for (let i = 1; i <= 100; i++) client.send(largeHeartbeat(i, 20_000))
  await server.settle()
  assert.equal(server.memory.usedBytes, 0)
  await server.world.advance(1000)
  assert.equal(client.answers.length, 101)
})

test('an error that has no place in the response closes the connection', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(frame(ProduceRequest, 9, 1, { acks: 0, timeoutMs: 1000, topicData: [] }))
  client.send(heartbeat(2, 'after'))
  await server.settle()
  assert.equal(client.isClosed, true)
  assert.deepEqual(client.answers, [])
  assert.ok(!server.handled.includes('after'))
  assert.deepEqual(
    server.world.log.lines.filter(({ level }) => level === 'error'),
    [],
    "a client's fault is not the broker's error",
  )
})

test('an error with a place in the response gets there; one that is a bug tells nothing of itself', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(Buffer.concat([heartbeat(1, 'hold'), heartbeat(2, 'hold')]))
  await server.settle()
  server.held[0]!.fail(new ApiError('NOT_COORDINATOR', 'elsewhere'))
  await server.settle()
  server.held[1]!.fail(new TypeError('undefined is not a function'))
  await server.settle()
  assert.deepEqual(
    client.frames.map(bytes => decodeResponse(HeartbeatResponse, 4, bytes).body.errorCode),
    [ErrorCode.NOT_COORDINATOR, ErrorCode.UNKNOWN_SERVER_ERROR],
  )
  const errors = server.world.log.lines.filter(({ level }) => level === 'error')
  assert.equal(errors.length, 1)
})

test('an error that has no place at the top is told of each thing that was asked for', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(frame(MetadataRequest, 12, 1, { topics: [{ name: 'timeout' }, { name: 'u' }] }))
  await server.settle()
  const { topics } = decodeResponse(MetadataResponse, 12, client.frames[0]!).body
  assert.deepEqual(
    topics.map(({ name, errorCode }) => [name, errorCode]),
    [
      ['timeout', ErrorCode.REQUEST_TIMED_OUT],
      ['u', ErrorCode.REQUEST_TIMED_OUT],
    ],
  )
  assert.equal(client.isClosed, false)
})

test('a client that has gone aborts what waits on its behalf, and its answer is dropped', async () => {
  const server = await rawServer()
  const client = await server.connect()
  client.send(largeHeartbeat(1, 200_000, 'hold'))
  await server.settle()
  assert.ok(server.memory.usedBytes > 200_000)
  const { signal } = server.held[0]!.context
  assert.equal(signal.aborted, false)
  client.connection.destroy()
  await server.settle()
  assert.equal(signal.aborted, true)
  assert.ok(server.memory.usedBytes > 0, 'the request is still being handled')
  server.held[0]!.answer()
  await server.settle()
  assert.equal(server.memory.usedBytes, 0)
  assert.equal(server.server.connectionCount, 0)
})

test('requests that end in whatever way give their memory back', async () => {
  const server = await rawServer({ memoryBytes: 1000 })
  const large = (bytes: Buffer): Buffer => {
    const padded = Buffer.concat([bytes, Buffer.alloc(100_000)])
    padded.writeInt32BE(padded.length - 4, 0)
    return padded
  }
  const ends = {
    'unknown api': large(unknownApi),
    'unknown version': large(unknownVersion),
    'closed by the handler': large(frame(ProduceRequest, 9, 1, { acks: 0, timeoutMs: 1, topicData: [] })),
    answered: largeHeartbeat(1, 100_000),
  }
  for (const [what, bytes] of Object.entries(ends)) {
    const client = await server.connect()
    client.send(bytes)
    await server.settle()
    assert.equal(server.memory.usedBytes, 0, what)
    client.connection.destroy()
  }
  const gone = await server.connect()
  gone.send(largeHeartbeat(1, 100_000, 'hold'))
  await server.settle()
  gone.connection.destroy()
  await server.settle()
  server.held[0]!.fail(new Error('after the client has gone'))
  await server.settle()
  assert.equal(server.memory.usedBytes, 0)
  await assertServes(server)
})

test('half of a large request holds back other large ones only, and no longer than its client is there', async () => {
  const server = await rawServer({ memoryBytes: 500_000 })
  const half = await server.connect()
  half.send(largeHeartbeat(1, 1_000_000).subarray(0, 100_000))
  await server.settle()
  assert.ok(server.memory.usedBytes > 500_000)
  const large = await server.connect()
  large.send(largeHeartbeat(2, 1_000_000))
  const leaver = await server.connect()
  leaver.send(largeHeartbeat(3, 1_000_000))
  await assertServes(server)
  assert.deepEqual(large.answers, [])
  assert.equal(server.memory.waitingCount, 2)
  leaver.connection.destroy()
  half.connection.destroy()
  await server.settle()
  assert.deepEqual(large.answers, [2])
  assert.equal(server.memory.usedBytes, 0)
  assert.equal(server.memory.waitingCount, 0)
})

test('half of a large request is given up when nothing more of it comes and others wait for its memory', async () => {
  const server = await rawServer({ memoryBytes: 500_000, connectionsMaxIdleMs: 600_000 })
  const request = largeHeartbeat(1, 1_000_000)
  const alone = await server.connect()
  alone.send(request.subarray(0, 100_000))
  await server.world.advance(60_000)
  assert.equal(alone.isClosed, false, 'nobody waits')
  const waiting = await server.connect()
  waiting.send(largeHeartbeat(2, 1_000_000))
  await server.world.advance(15_000)
  assert.equal(alone.isClosed, true)
  assert.deepEqual(waiting.answers, [2])

  const slow = await server.connect()
  slow.send(request.subarray(0, 100_000))
  const patient = await server.connect()
  patient.send(largeHeartbeat(3, 1_000_000))
  for (let sent = 100_000; sent < request.length; sent += 100_000) {
    await server.world.advance(5000)
    slow.send(request.subarray(sent, sent + 100_000))
  }
  await server.settle()
  assert.deepEqual([slow.answers, patient.answers], [[1], [3]], 'slow is not stalled')
  assert.equal(server.memory.usedBytes, 0)
})

test('a large request that dribbles in has as long as a silent connection while others wait', async () => {
  const server = await rawServer({ memoryBytes: 500_000, connectionsMaxIdleMs: 60_000 })
  const dribbling = await server.connect()
  dribbling.send(largeHeartbeat(1, 1_000_000).subarray(0, 100_000))
  const waiting = await server.connect()
  waiting.send(largeHeartbeat(2, 1_000_000))
  for (let i = 0; i < 14; i++) {
    await server.world.advance(5000)
    if (!dribbling.isClosed) dribbling.send(Buffer.of(0))
  }
  assert.equal(dribbling.isClosed, true)
  assert.deepEqual(waiting.answers, [2])
})

test('a request of very many elements is refused, one of many makes others wait for its memory', async () => {
  const server = await rawServer({ memoryBytes: 5_000_000, socketRequestMaxBytes: 100 * 1024 * 1024 })
  const topics = (count: number) =>
    frame(MetadataRequest, 9, 1, { topics: Array.from({ length: count }, () => ({ name: '' })) })
  const many = await server.connect()
  many.send(topics(1_000_001))
  await server.settle()
  assert.equal(many.isClosed, true)
  assert.match(server.world.log.toString(), /MetadataRequest v9: topics: .* elements more than may be/)
  const held = await server.connect()
  const members = Array.from({ length: 100_000 }, () => ({ memberId: 'hold' }))
  held.send(frame(LeaveGroupRequest, 4, 1, { groupId: 'hold', members }))
  await server.settle()
  assert.ok(server.memory.usedBytes > 10_000_000, `${server.memory.usedBytes} bytes`)
  server.held[0]!.answer()
  await server.settle()
  assert.equal(server.memory.usedBytes, 0)
  await assertServes(server)
})

test('a flood is held back by its own window while one request is handled', async () => {
  const server = await rawServer({ world: { network: { windowBytes: 100_000, maxQueuedBytes: 100_000 } } })
  const client = await server.connect()
  client.send(heartbeat(1, 'hold'))
  await server.settle()
  for (let i = 0; i < 1000; i++) client.send(largeHeartbeat(i + 2, 10_000))
  await server.settle()
  const taken = 10_000_000 - client.connection.queuedBytes
  assert.ok(taken < 500_000, `${taken} bytes were read ahead`)
  server.held[0]!.answer()
  await server.settle()
  assert.equal(client.answers.length, 1001)
})

test('a client that never reads costs bounded memory, and others are served', async () => {
  const server = await rawServer({ world: { network: { windowBytes: 100_000, maxQueuedBytes: 100_000 } } })
  const client = await server.connect()
  client.connection.pause()
  const topics = Array.from({ length: 1000 }, (_, i) => ({ name: `topic-${i}` }))
  for (let i = 0; i < 500; i++) client.send(frame(MetadataRequest, 9, i, { topics }))
  await server.settle()
  const unread = client.connection.queuedBytes
  assert.ok(unread > 5_000_000, 'its requests stay with it')
  await assertServes(server)
  client.connection.resume()
  await server.settle()
  assert.deepEqual(
    client.answers,
    Array.from({ length: 500 }, (_, i) => i),
  )
})
