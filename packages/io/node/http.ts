/**
 * A small HTTP server for what machines ask a node: metrics and health. It answers GET and HEAD without looking at any body,
 * and is bounded in all that a peer can do: header size, time to send a request, time to take an answer, connections.
 *
 * Node's own server does the protocol; it is loaded when the first one is asked for.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { NetworkError, posixCode } from '../errors.ts'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  /** Pieces are asked for as the peer takes them, with turns of the event loop in between. */
  readonly body: Iterable<string>
}

export interface HttpOptions {
  /** '' is every address of the machine. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** `path` is without the query. What it throws or rejects with is a 500, and goes to `onError`. */
  readonly answer: (path: string, query: URLSearchParams) => HttpAnswer | Promise<HttpAnswer>
  readonly onError: (error: Error) => void
}

export interface HttpListener extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Connections that are open are closed. */
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 8 * 1024
const MAX_CONNECTIONS = 32
const REQUEST_TIMEOUT_MS = 5_000
const IDLE_TIMEOUT_MS = 30_000
/** However slowly a peer takes it, an answer has to have gone by then. */
const ANSWER_TIMEOUT_MS = 60_000
const TEXT = 'text/plain; charset=utf-8'

/** Rejects with a NetworkError (`EADDRINUSE`, ...). */
export async function serveHttp(options: HttpOptions): Promise<HttpListener> {
  const load = createRequire(import.meta.url)
  const { createServer } = load('node:http') as typeof import('node:http')
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
  }
  const server = createServer(limits, (request, response) => {
    respond(request, response, options).catch(error => {
      options.onError(error)
      response.destroy()
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_TIMEOUT_MS)
  await listening(server, options)
  server.on('error', options.onError)
  return listenerOf(server)
}

function listening(server: Server, { host, port }: HttpOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onError = (cause: Error): void => {
    reject(new NetworkError(posixCode(cause, 'EINVAL'), `${host}:${port}`, { cause }))
  }
  server.once('error', onError)
  server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
    server.off('error', onError)
    resolve()
  })
  return promise
}

function listenerOf(server: Server): HttpListener {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a listening server has an address')
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { host: address.address, port: address.port, close, [Symbol.asyncDispose]: close }
}

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  request.resume()
  const timer = setTimeout(() => response.destroy(), ANSWER_TIMEOUT_MS)
  response.once('close', () => clearTimeout(timer))
  const { status, contentType, body } = await answerTo(request, options)
  response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
  if (request.method !== 'HEAD') await send(response, body)
  response.end()
}

async function answerTo({ method, url = '/' }: IncomingMessage, options: HttpOptions): Promise<HttpAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, contentType: TEXT, body: ['only GET\n'] }
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  try {
    return await options.answer(path, new URLSearchParams(at < 0 ? '' : url.slice(at)))
  } catch (error) {
    options.onError(error as Error)
    return { status: 500, contentType: TEXT, body: ['internal error\n'] }
  }
}

async function send(response: ServerResponse, body: Iterable<string>): Promise<void> {
  for (const piece of body) {
    if (response.destroyed) return
    if (response.write(piece)) await new Promise<void>(resolve => setImmediate(resolve))
    else await drained(response)
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
