/**
 * TCP by way of node:net: no delay, keep-alive, no half-open connections. What a `Connection` promises beyond a socket
 * is made here: closing is reported once, with a coded error; one `write` is one writev; ending a connection does not
 * make the kernel reset it under an answer that the peer has not read yet.
 */
import { lookup, lookupService } from 'node:dns/promises'
import {
  connect,
  createServer,
  isIPv6,
  type NetConnectOpts,
  type Server,
  Socket,
  SocketAddress,
  type SocketConstructorOpts,
} from 'node:net'
import { hostname } from 'node:os'
import { NetworkError, peerName, posixCode } from '../errors.ts'
import type { Connection, ConnectionHandlers, ConnectOptions, Listener, ListenOptions, Network } from '../io.ts'

export interface NodeNetworkOptions {
  /** `write` answers false when more than this waits for the kernel. Default 1 MiB. */
  readonly maxQueuedBytes?: number
}

const DEFAULT_MAX_QUEUED_BYTES = 1024 * 1024
const READ_AHEAD_BYTES = 64 * 1024
const KEEP_ALIVE_MS = 60_000
/** How long a connection that was ended waits for the peer to end its side too. */
const LINGER_MS = 2000
const DEFAULT_BACKLOG = 511

export class NodeNetwork implements Network {
  readonly #maxQueuedBytes: number
  /** Node's, for both directions: how much is read ahead of a paused reader, and from where on 'drain' is emitted. */
  readonly #highWaterMark: number

  constructor(options: NodeNetworkOptions = {}) {
    this.#maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES
    this.#highWaterMark = Math.min(this.#maxQueuedBytes, READ_AHEAD_BYTES)
  }

  listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener> {
    const { host, port, backlog = DEFAULT_BACKLOG, onError } = options
    const server = createServer({
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      highWaterMark: this.#highWaterMark,
    })
    server.on('connection', socket => {
      // A peer that is gone already has no address: there is nobody to talk to.
      if (socket.remoteAddress === undefined) socket.destroy()
      else onConnection(new NodeConnection(socket, this.#maxQueuedBytes, this.#highWaterMark))
    })
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => reject(new NetworkError(posixCode(cause), peerName(host, port), { cause }))
      server.once('error', fail)
      server.once('listening', () => {
        server.off('error', fail)
        const listener = new NodeListener(server)
        server.on('error', cause => {
          onError?.(new NetworkError(posixCode(cause), peerName(listener.host, listener.port), { cause }))
        })
        resolve(listener)
      })
      try {
        server.listen({ host: host === '' ? undefined : bare(host), port, backlog })
      } catch (cause) {
        fail(cause as Error) // a port that is none
      }
    })
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const { host, port, signal } = options
    signal?.throwIfAborted()
    const peer = peerName(host, port)
    const how: NetConnectOpts & { highWaterMark: number } = {
      host: bare(host),
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      highWaterMark: this.#highWaterMark,
    }
    let socket: Socket
    try {
      socket = connect(how)
    } catch (cause) {
      throw new NetworkError(posixCode(cause, 'EINVAL'), peer, { cause }) // a port that is none
    }
    await connected(socket, peer, options)
    return new NodeConnection(socket, this.#maxQueuedBytes, this.#highWaterMark)
  }

  async resolve(host: string): Promise<readonly string[]> {
    try {
      const found = await lookup(bare(host), { all: true })
      return [...new Set(found.map(({ address }) => canonical(address)))]
    } catch (cause) {
      throw new NetworkError(posixCode(cause, 'ENOTFOUND'), host, { cause })
    }
  }

  async hostName(): Promise<string> {
    const name = hostname()
    try {
      const { address } = await lookup(name)
      return (await lookupService(address, 0)).hostname
    } catch {
      return name // nobody here knows it better; others may
    }
  }
}

/** There are many ways to write an IPv6 address; the kernel tells the short one. */
function canonical(address: string): string {
  return isIPv6(address) ? unmapped(new SocketAddress({ address, family: 'ipv6' }).address) : address
}

/** Without the brackets that an IPv6 address has in front of a port. */
function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

function connected(socket: Socket, peer: string, { timeoutMs, signal }: ConnectOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect)
      socket.off('error', onError)
      if (error === null) {
        resolve()
        return
      }
      socket.on('error', () => {}) // what comes after the first error adds nothing to it
      socket.destroy()
      reject(error)
    }
    const onConnect = (): void => settle(null)
    const onError = (cause: Error): void => {
      settle(new NetworkError(posixCode(cause, 'ECONNREFUSED'), peer, { cause }))
    }
    const onAbort = (): void => settle(signal?.reason)
    const onTimeout = (): void => settle(new NetworkError('ETIMEDOUT', peer))
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs)
    socket.once('connect', onConnect)
    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort)
  })
}

class NodeListener implements Listener {
  readonly host: string
  readonly port: number
  readonly #server: Server

  constructor(server: Server) {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a listening server has an address')
    this.host = address.address
    this.port = address.port
    this.#server = server
  }

  /** Node's own callback waits for the open connections too; the socket that listens is closed before this returns. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

class NodeConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  #socket: Socket
  readonly #maxQueuedBytes: number
  readonly #highWaterMark: number
  #handlers: ConnectionHandlers | null = null
  #state: 'open' | 'ending' | 'closed' = 'open'
  /** Why it was or is being closed, if not in order. */
  #error: Error | null = null
  #isReported = false
  #isPaused = false
  #needsDrain = false
  #linger: NodeJS.Timeout | undefined

  constructor(socket: Socket, maxQueuedBytes: number, highWaterMark: number) {
    this.remoteAddress = unmapped(socket.remoteAddress ?? '')
    this.remotePort = socket.remotePort ?? 0
    this.localPort = socket.localPort ?? 0
    this.#socket = socket
    this.#maxQueuedBytes = maxQueuedBytes
    this.#highWaterMark = highWaterMark
    this.#listen()
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('error', cause => this.#onError(cause))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    socket.on('drain', () => this.#onDrain())
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  start(handlers: ConnectionHandlers): void {
    if (this.#handlers) throw new Error('the connection has been started')
    this.#handlers = handlers
    if (this.#state === 'closed') {
      setImmediate(() => this.#report())
      return
    }
    const { target } = handlers
    if (!target) this.#socket.on('data', bytes => this.#onData(bytes as Buffer))
    else if (!this.#readInto(target)) this.#socket.on('data', bytes => this.#copyInto(target, bytes as Buffer))
    if (this.#isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  #onData(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#handlers!.onData(bytes)
  }

  /**
   * Reads without allocating: a socket of Node reads into memory that it is given, but only if it is told so when it is
   * made, and those that a server accepts are made by the server. So another socket takes over its handle. False: too
   * late, it has read something already or was closed.
   */
  #readInto(target: () => Uint8Array): boolean {
    const accepted = this.#socket as Socket & { _handle?: object | null }
    const { _handle: handle } = accepted
    if (!handle || accepted.destroyed || accepted.readableLength > 0) return false
    const options = {
      handle,
      readable: true,
      writable: true,
      highWaterMark: this.#highWaterMark,
      onread: {
        buffer: target,
        callback: (count: number, memory: Uint8Array): boolean => {
          this.#onData(memory.subarray(0, count))
          return true
        },
      },
    }
    accepted.removeAllListeners()
    accepted._handle = null
    this.#socket = new Socket(options as SocketConstructorOpts)
    this.#listen()
    return true
  }

  #copyInto(target: () => Uint8Array, bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0; ) {
      const memory = target()
      const part = rest.subarray(0, memory.length)
      memory.set(part)
      rest = rest.subarray(part.length)
      this.#onData(memory.subarray(0, part.length))
    }
  }

  pause(): void {
    this.#isPaused = true
    if (this.#state === 'open') this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#handlers) this.#socket.resume()
  }

  write(chunks: readonly Uint8Array[], onTaken: (() => void) | null = null): boolean {
    if (this.#state !== 'open') return false
    const socket = this.#socket
    const onWritten = onTaken ? (error?: Error | null): void => (error ? undefined : onTaken()) : undefined
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i]!)
    if (last >= 0) socket.write(chunks[last]!, onWritten)
    if (last > 0) socket.uncork()
    if (socket.writableLength < this.#maxQueuedBytes) return true
    this.#needsDrain = true
    return false
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    // Closing a socket that has unread bytes resets the connection, and the peer may lose what was sent to it last:
    // what it still sends is read and dropped until it ends its side, or for a while.
    this.#socket.end(() => {
      this.#linger = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
    })
    this.#socket.resume()
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed' || this.#socket.destroyed) return
    this.#error ??= reason ?? null
    this.#state = 'ending'
    this.#socket.destroy()
  }

  #onError(cause: Error): void {
    // After the last byte was sent in order, how the peer leaves is of no interest.
    if (this.#state === 'ending' && this.#socket.writableFinished) return
    const peer = peerName(this.remoteAddress, this.remotePort)
    this.#error ??= new NetworkError(posixCode(cause, 'ECONNRESET'), peer, { cause })
  }

  #onDrain(): void {
    if (!this.#needsDrain || this.#state !== 'open') return
    this.#needsDrain = false
    this.#handlers?.onDrain()
  }

  #onClose(): void {
    clearTimeout(this.#linger)
    this.#state = 'closed'
    this.#report()
  }

  #report(): void {
    if (this.#isReported || !this.#handlers) return
    this.#isReported = true
    this.#handlers.onClose(this.#error)
  }
}

/** An IPv4 peer of a listener on all IPv6 addresses, by its own name. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
