/**
 * One client's connection: bytes in, frames to the router one at a time, responses out in the order of the requests.
 *
 * As in Kafka the next request is handled only when the one before it has been answered and the socket has taken the
 * answer. While that lasts, little is read ahead, so a client that floods or never reads is held back by its own window
 * and costs bounded memory. One that has used up its quota is answered, and then not heard for a while. Whatever is
 * wrong with the bytes closes this connection and touches no other.
 */
import type { BufferPool, Clock, Connection, Logger, Timer } from '@ottla/io'
import { FrameReader, ProtocolError } from '@ottla/protocol'
import { ConnectionClosingError } from '../errors.ts'
import type { ClientSoftware } from '../handlers/handler.ts'
import { RequestTiming } from '../metrics/index.ts'
import type { ThrottleCount } from '../quota/index.ts'
import type { Peer } from './call.ts'
import type { ListenerTraffic } from './listener-traffic.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Router } from './router.ts'

/**
 * How much of the following requests may wait in memory while one is being handled. A frame that is no larger does not
 * ask for request memory either: however many peers announce large requests and never send them, heartbeats, metadata
 * and fetches get through.
 */
const READ_AHEAD_BYTES = 64 * 1024

export type Role = 'broker' | 'controller'

export interface ConnectionOptions {
  readonly id: number
  readonly listenerName: string
  readonly role: Role
  readonly maxFrameBytes: number
  readonly memory: RequestMemory
  readonly framePool: BufferPool
  readonly router: Router
  readonly logger: Logger
  /** Told whom the connection does not hear for a while. */
  readonly throttleLogger: Logger
  /** Of the listener. */
  readonly traffic: ListenerTraffic
  readonly onClose: (connection: ClientConnection) => void
  /** A request has to wait for memory that others hold. */
  readonly onHeldBack: () => void
  readonly clock: Clock
}

export class ClientConnection implements Peer {
  readonly id: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly listenerName: string
  readonly role: Role
  /** Monotonic time of the last byte received or response sent. */
  lastActiveMs: number
  readonly software: ClientSoftware = { name: '', version: '' }
  readonly #socket: Connection
  readonly #options: ConnectionOptions
  readonly #frames: FrameReader
  readonly #abort = new AbortController()
  /** Bytes of the current frame granted by the request memory; 0 if none is held. */
  #grantedBytes = 0
  #grantedMs = 0
  #waitingForMemory = false
  #busy = false
  #blockedOnSend = false
  #paused = false
  /** Until then the client is not heard. */
  #throttle: Timer | null = null
  #throttledUntilMs = 0
  /** Of the quota that is the reason. */
  #throttledBy: ThrottleCount | null = null
  /** No more requests are taken; the socket may not have said yet that it is closed. */
  #ended = false
  #closed = false
  /** Of the request that is being handled: what is to be done once its response has gone. */
  #afterSent: (() => void) | null = null

  constructor(socket: Connection, options: ConnectionOptions) {
    this.id = options.id
    this.listenerName = options.listenerName
    this.role = options.role
    this.remoteAddress = socket.remoteAddress
    this.remotePort = socket.remotePort
    this.lastActiveMs = options.clock.monotonic()
    this.#socket = socket
    this.#options = options
    this.#frames = new FrameReader(options.maxFrameBytes, options.framePool)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** It is the client's turn. */
  get isIdle(): boolean {
    return !this.#busy && !this.#waitingForMemory && !this.#throttle
  }

  /** Holds memory for a request of which nothing came since `quietSinceMs`, or not all since `grantedByMs`. */
  isStalled(quietSinceMs: number, grantedByMs: number): boolean {
    if (this.#busy || this.#grantedBytes === 0) return false
    return this.lastActiveMs <= quietSinceMs || this.#grantedMs <= grantedByMs
  }

  /** Given back with the frame's memory. */
  charge(bytes: number): void {
    this.#options.memory.charge(bytes)
    this.#grantedBytes += bytes
  }

  start(): void {
    this.#socket.start({
      target: () => this.#frames.target(),
      onData: bytes => {
        if (this.#ended) return
        this.lastActiveMs = this.#options.clock.monotonic()
        this.#options.traffic.incomingBytes += bytes.length
        this.#frames.push(bytes)
        this.#pump()
        this.#frames.keep()
      },
      onDrain: () => {
        this.#blockedOnSend = false
        this.#pump()
      },
      onClose: error => this.#onClose(error),
    })
  }

  giveBackAfter(frame: Uint8Array, done: Promise<unknown>): void {
    const giveBack = (): void => this.#options.framePool.giveBack(frame)
    done.then(giveBack, giveBack)
  }

  afterSent(task: () => void): void {
    this.#afterSent = task
  }

  throttle(ms: number, count: ThrottleCount): void {
    const { clock, throttleLogger } = this.#options
    const untilMs = clock.monotonic() + ms
    if (ms <= 0 || untilMs <= this.#throttledUntilMs || this.#closed) return
    this.#endThrottle()
    this.#throttledUntilMs = untilMs
    this.#throttledBy = count
    count.now++
    throttleLogger.debug('not heard for a while', {
      client: this.remoteAddress,
      connection: this.id,
      ms: Math.ceil(ms),
    })
    this.#throttle = clock.setTimer(Math.ceil(ms), () => {
      this.#endThrottle()
      this.#pump()
    })
  }

  #endThrottle(): void {
    this.#throttle?.cancel()
    this.#throttle = null
    if (this.#throttledBy) this.#throttledBy.now--
    this.#throttledBy = null
  }

  /** Closes at once; a response that is still being made is dropped. */
  close(reason: string, fields: Record<string, string | number> = {}): void {
    if (this.#ended) return
    this.#options.logger.info(reason, { client: this.remoteAddress, connection: this.id, ...fields })
    this.#end()
  }

  readonly #onMemory = (): void => {
    this.#waitingForMemory = false
    this.#granted(this.#frames.nextSize())
    this.#pump()
  }

  #pump(): void {
    try {
      while (!this.#busy && !this.#blockedOnSend && !this.#throttle && !this.#ended) {
        const frame = this.#nextFrame()
        if (!frame) break
        this.#handle(frame)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#holdBack()
  }

  #nextFrame(): Uint8Array | null {
    if (this.#waitingForMemory) return null
    const size = this.#frames.nextSize()
    if (size < 0) return null
    if (this.#grantedBytes === 0 && size > READ_AHEAD_BYTES) {
      if (!this.#options.memory.take(size, this.#onMemory)) {
        this.#waitingForMemory = true
        this.#options.onHeldBack()
        return null
      }
      this.#granted(size)
    }
    return this.#frames.next()
  }

  #granted(size: number): void {
    this.#grantedBytes = size
    this.#grantedMs = this.#options.clock.monotonic()
    // It was not read while it waited: the time to send begins now.
    this.lastActiveMs = this.#grantedMs
  }

  #handle(frame: Uint8Array): void {
    this.#busy = true
    this.#options.traffic.requests++
    const timing = new RequestTiming(this.#options.clock.monotonic())
    let response: ReturnType<Router['handle']>
    try {
      response = this.#options.router.handle(frame, this, timing)
    } catch (error) {
      this.#handled()
      throw error
    }
    if (response instanceof Promise) {
      response.then(
        chunks => {
          this.#respond(chunks, timing)
          this.#pump()
        },
        error => {
          this.#handled()
          this.#fail(error)
        },
      )
    } else {
      this.#respond(response, timing)
    }
  }

  #respond(chunks: readonly Uint8Array[] | null, timing: RequestTiming): void {
    this.#handled()
    const afterSent = this.#afterSent
    this.#afterSent = null
    if (this.#ended) return
    const { clock, traffic } = this.#options
    const answeredMs = clock.monotonic()
    timing.answered(answeredMs)
    if (!chunks) {
      timing.end(answeredMs)
      return
    }
    this.lastActiveMs = answeredMs
    traffic.responses++
    for (const chunk of chunks) traffic.outgoingBytes += chunk.length
    const onTaken = (): void => {
      afterSent?.()
      timing.end(clock.monotonic())
    }
    if (!this.#socket.write(chunks, onTaken)) this.#blockedOnSend = true
  }

  #handled(): void {
    this.#busy = false
    this.#releaseMemory()
  }

  #holdBack(): void {
    if (this.#ended) return
    const stalled = this.#busy || this.#blockedOnSend || this.#throttle !== null
    const full = this.#waitingForMemory || (stalled && this.#frames.bufferedBytes >= READ_AHEAD_BYTES)
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#socket.pause()
    else this.#socket.resume()
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    const { logger } = this.#options
    const fields = { client: this.remoteAddress, connection: this.id, listener: this.listenerName }
    if (error instanceof ProtocolError)
      logger.warn('closing connection: bad request', { ...fields, code: error.code, reason: error.message })
    else if (error instanceof ConnectionClosingError)
      logger.info('closing connection: no other way to tell the client', { ...fields, reason: error.message })
    else logger.error('closing connection: request failed', { ...fields, error: error as Error })
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  #onClose(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#ended = true
    this.#endThrottle()
    if (this.#waitingForMemory) this.#options.memory.cancel(this.#onMemory)
    // A request that is still being handled keeps its memory until it is done.
    if (!this.#busy) this.#releaseMemory()
    if (error) this.#options.logger.debug('connection lost', { client: this.remoteAddress, connection: this.id, error })
    this.#abort.abort()
    this.#options.onClose(this)
  }

  #releaseMemory(): void {
    this.#options.memory.release(this.#grantedBytes)
    this.#grantedBytes = 0
  }
}
