import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { type HttpOptions, serveHttp } from './http.ts'

const PIECE = 'x'.repeat(16 * 1024)

function serve(options: Partial<HttpOptions> = {}) {
  const errors: Error[] = []
  const answer = () => ({ status: 200, contentType: 'text/plain', body: ['a', 'b'] })
  const onError = (error: Error): void => {
    errors.push(error)
  }
  return serveHttp({ host: '127.0.0.1', port: 0, answer, onError, ...options }).then(listener => ({
    errors,
    listener,
    url: `http://127.0.0.1:${listener.port}`,
  }))
}

async function open(port: number, request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  return socket
}

test('pieces come in order; the query does not belong to the path', async () => {
  const seen: string[] = []
  const { listener, url } = await serve({
    answer(path, query) {
      seen.push(path, query.get('a') ?? '')
      return { status: 201, contentType: 'text/x', body: ['one ', 'two'] }
    },
  })
  await using _ = listener
  const response = await fetch(`${url}/p/q?a=1`)
  assert.deepEqual([response.status, response.headers.get('content-type')], [201, 'text/x'])
  assert.equal(await response.text(), 'one two')
  assert.deepEqual(seen, ['/p/q', '1'])
})

test('whoever does not read is given no more than the socket holds, and the rest is never made', async () => {
  let made = 0
  function* endless(): Iterable<string> {
    for (;;) {
      made++
      yield PIECE
    }
  }
  const { listener } = await serve({ answer: () => ({ status: 200, contentType: 'text/plain', body: endless() }) })
  const socket = await open(listener.port)
  socket.pause()
  // Until nothing is made any more over many turns.
  for (let before = -1, quiet = 0; quiet < 200; quiet = made === before ? quiet + 1 : 0) {
    before = made
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  assert.ok(made < 2000, `${made} pieces`)
  await listener.close()
  socket.destroy()
})

test('others have their turn while a long answer is made', async () => {
  function* long(): Iterable<string> {
    for (let i = 0; i < 300; i++) yield PIECE
  }
  const { listener, url } = await serve({
    answer: path => ({ status: 200, contentType: 'text/plain', body: path === '/long' ? long() : ['short'] }),
  })
  await using _ = listener
  const ended: string[] = []
  const ask = async (path: string): Promise<number> => {
    const { length } = await (await fetch(url + path)).text()
    ended.push(path)
    return length
  }
  const [length] = await Promise.all([ask('/long'), ask('/short')])
  assert.equal(length, 300 * PIECE.length)
  assert.deepEqual(ended, ['/short', '/long'])
})

test('what throws is a 500, or the end of the connection where the answer has begun', async () => {
  function* broken(): Iterable<string> {
    yield PIECE
    throw new Error('half way')
  }
  const { listener, url, errors } = await serve({
    answer(path) {
      if (path === '/broken') return { status: 200, contentType: 'text/plain', body: broken() }
      throw new Error('at once')
    },
  })
  await using _ = listener
  assert.equal((await fetch(url)).status, 500)
  await assert.rejects(async () => await (await fetch(`${url}/broken`)).text())
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['at once', 'half way'],
  )
})

test('no more connections than thirty-two; closing ends them all', async () => {
  const { listener } = await serve()
  const sockets = await Promise.all(Array.from({ length: 40 }, () => open(listener.port, 'GET / HT')))
  const closed = () => sockets.filter(({ closed: isClosed }) => isClosed).length
  for (const socket of sockets) socket.on('error', () => undefined)
  while (closed() < 8) await new Promise<void>(resolve => setImmediate(resolve))
  const ends = sockets.filter(socket => !socket.closed).map(socket => once(socket, 'close'))
  assert.equal(ends.length, 32)
  await listener.close()
  await Promise.all(ends)
})
