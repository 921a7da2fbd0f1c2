/**
 * Run as a thread: listens on a port of loopback, says which, and never gets a turn again. The kernel accepts a
 * connection or two for it and drops what comes after.
 */
import { createServer } from 'node:net'
import { parentPort } from 'node:worker_threads'

const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  const address = server.address()
  parentPort?.postMessage(typeof address === 'object' ? address?.port : null)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
