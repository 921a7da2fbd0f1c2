/**
 * One request on its way through its handler: what the handler may know of where it comes from, and how much of the
 * broker's time it takes.
 *
 * That is counted only while somebody's time is limited: to decode it, to handle it until the handler waits for something
 * for the first time, to encode the answer. What a handler does after it has waited is not known to be one client's.
 */
import type { RequestHeader } from '@ottla/protocol'
import type { ClientSoftware, Handler, RequestContext } from '../handlers/handler.ts'
import type { RequestTiming } from '../metrics/index.ts'
import type { ClientQuota, QuotaClient, ThrottleCount } from '../quota/index.ts'
import type { Services } from '../services.ts'

/** Until clients authenticate. */
const ANONYMOUS = 'ANONYMOUS'
const PRINCIPAL = `User:${ANONYMOUS}`

/** 100: all of a second. */
const PERCENT_PER_MS = 100 / 1000

const STOPPED = -1

/** The client that a request came from, as far as its request needs it. */
export interface Peer {
  readonly id: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly listenerName: string
  readonly software: ClientSoftware
  readonly signal: AbortSignal
  /** What the request that is being handled takes beside its frame. */
  charge(bytes: number): void
  giveBackAfter(frame: Uint8Array, done: Promise<unknown>): void
  afterSent(task: () => void): void
  throttle(ms: number, count: ThrottleCount): void
}

export interface Received {
  readonly handler: Handler
  readonly header: RequestHeader
  readonly request: object
  readonly frame: Uint8Array
  readonly peer: Peer
  readonly timing: RequestTiming
  /** When the broker began with it, if that counts; else -1. */
  readonly startMs: number
}

export class Call implements RequestContext {
  readonly handler: Handler
  readonly header: RequestHeader
  readonly request: object
  readonly timing: RequestTiming
  readonly #frame: Uint8Array
  readonly #peer: Peer
  readonly #services: Services
  /** Monotonic; STOPPED while it is not running. */
  #startMs: number
  #countedMs = 0

  constructor({ handler, header, request, frame, peer, timing, startMs }: Received, services: Services) {
    this.handler = handler
    this.header = header
    this.request = request
    this.timing = timing
    this.#frame = frame
    this.#peer = peer
    this.#services = services
    this.#startMs = startMs
  }

  get apiVersion(): number {
    return this.header.apiVersion
  }

  get clientId(): string | null {
    return this.header.clientId
  }

  get quotaClient(): QuotaClient {
    return { user: ANONYMOUS, clientId: this.header.clientId ?? '' }
  }

  get sizeInBytes(): number {
    return this.#frame.length
  }

  get clientAddress(): string {
    return this.#peer.remoteAddress
  }

  get clientPort(): number {
    return this.#peer.remotePort
  }

  get clientSoftware(): ClientSoftware {
    return this.#peer.software
  }

  get connectionId(): number {
    return this.#peer.id
  }

  get listenerName(): string {
    return this.#peer.listenerName
  }

  get principal(): string {
    return PRINCIPAL
  }

  get signal(): AbortSignal {
    return this.#peer.signal
  }

  reuseMemoryAfter(done: Promise<unknown>): void {
    this.#peer.giveBackAfter(this.#frame, done)
  }

  afterSent(task: () => void): void {
    this.#peer.afterSent(task)
  }

  endLocalTime(): void {
    this.timing.endLocal(this.#services.world.clock.monotonic())
  }

  throttle(ms: number, quota: ClientQuota): void {
    if (ms <= 0) return
    this.timing.throttleTimeMs = Math.max(this.timing.throttleTimeMs, ms)
    quota.onThrottled(this.quotaClient, ms, this.#services.world.clock.monotonic())
    this.#peer.throttle(ms, quota.throttles)
  }

  requestPauseMs(): number {
    this.stopClock()
    if (this.#countedMs === 0) return 0
    const percent = this.#countedMs * PERCENT_PER_MS
    this.#countedMs = 0
    return this.#services.quotas.request.record(this.quotaClient, percent, this.#services.world.clock.monotonic())
  }

  startClock(): void {
    if (this.#startMs === STOPPED && this.#services.quotas.request.isEnabled)
      this.#startMs = this.#services.world.clock.monotonic()
  }

  stopClock(): void {
    if (this.#startMs === STOPPED) return
    this.#countedMs += this.#services.world.clock.monotonic() - this.#startMs
    this.#startMs = STOPPED
  }
}
