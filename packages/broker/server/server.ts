/**
 * Accepts connections on the configured listeners, holds them to the limits on their number and on how fast they may come,
 * and closes those that have been silent for connections.max.idle.ms.
 *
 * Who has to wait is connected and not read from, as those are whom Kafka has not accepted yet. On each listener they come
 * one after the other: the first that has to wait holds up those behind it.
 */
import { BufferPool, type Connection, type Listener, type Logger, type Timer, type World } from '@ottla/io'
import { LOGGERS } from '../loggers.ts'
import type { Windows } from '../metrics/index.ts'
import { type ConnectionLimits, ConnectionQuotas, type IpRates, type QuotaWindow } from '../quota/index.ts'
import { ClientConnection, type Role } from './connection.ts'
import { ListenerTraffic } from './listener-traffic.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Router } from './router.ts'

export interface ListenerOptions {
  readonly name: string
  /** Clients and controllers are counted apart: many of the ones don't keep the others out. */
  readonly role: Role
  readonly host: string
  readonly port: number
  /** Asked when the first client is served. */
  readonly router: () => Router
}

export interface ServerOptions {
  readonly world: World
  readonly limits: ConnectionLimits
  /** Over which the rate of new connections is measured. */
  readonly quotaWindow: QuotaWindow
  readonly metricsWindows: Windows
  /** The listener by which brokers talk to each other, if it is not the only one. */
  readonly protectedListener: string | null
  readonly memory: RequestMemory
  readonly socketRequestMaxBytes: number
  readonly socketListenBacklogSize: number
  /** -1: never. */
  readonly connectionsMaxIdleMs: number
  readonly onDisconnected?: (connectionId: number) => void
}

/** The idle sweep runs this many times within connections.max.idle.ms. */
const IDLE_SWEEPS = 4
/** Memory of requests that is kept for the next ones. */
const MAX_IDLE_FRAME_BYTES = 8 * 1024 * 1024

/** Half a request that holds memory for which others wait is given up when nothing of it has come for so long. */
const STALL_MS = 10_000
/** How often that is looked for while others wait. */
const STALL_SWEEP_MS = 2500

/** Those of addresses that come too fast are kept from coming again so soon; of more than these, they are not. */
const MAX_DELAYED = 1000

/** One listener's clients that are connected, but not read from; for as long as nobody is served, all are here. */
interface Gate {
  readonly listener: ListenerOptions
  readonly waiting: Connection[]
  /** The first of them has been counted, and may not pass before. */
  opensMs: number | null
  timer: Timer | null
}

export class Server {
  readonly #options: ServerOptions
  readonly #throttleLogger: Logger
  readonly #framePool = new BufferPool(MAX_IDLE_FRAME_BYTES)
  readonly #listeners: Listener[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #quotas: Readonly<Record<Role, ConnectionQuotas>>
  readonly #gates: Gate[] = []
  /** Turned away as soon as their time is over. */
  readonly #delayed = new Map<Connection, Timer>()
  #isServing = false
  #nextId = 1
  #idleTimer: Timer | null = null
  #stallTimer: Timer | null = null
  #refusedSinceSweep = 0
  readonly #traffic = new Map<string, ListenerTraffic>()
  #expired = 0

  constructor(options: ServerOptions) {
    this.#options = options
    this.#throttleLogger = options.world.logger.named(LOGGERS.throttles)
    const { limits, quotaWindow: window, metricsWindows, protectedListener } = options
    this.#quotas = {
      broker: new ConnectionQuotas(limits, { window, metricsWindows, protectedListener }),
      controller: new ConnectionQuotas(limits, { window, metricsWindows, protectedListener: null }),
    }
  }

  /** Of listeners for clients, and of those for controllers. */
  get quotas(): Readonly<Record<Role, ConnectionQuotas>> {
    return this.#quotas
  }

  /** Of each listener. */
  get traffic(): Iterable<ListenerTraffic> {
    return this.#traffic.values()
  }

  get connections(): Iterable<ClientConnection> {
    return this.#connections
  }

  /** Closed because they were silent for connections.max.idle.ms. */
  get expiredCount(): number {
    return this.#expired
  }

  get memory(): RequestMemory {
    return this.#options.memory
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Returns the port, which differs from the one asked for if that was 0. */
  async listen(options: ListenerOptions): Promise<number> {
    const { network } = this.#options.world
    const gate: Gate = { listener: options, waiting: [], opensMs: null, timer: null }
    this.#gates.push(gate)
    const listener = await network.listen(
      { host: options.host, port: options.port, backlog: this.#options.socketListenBacklogSize },
      socket => this.#onConnection(socket, gate),
    )
    this.#listeners.push(listener)
    this.#trafficOf(options.name)
    this.#scheduleIdleSweep()
    return listener.port
  }

  /** Begins with whoever has connected since `listen`. */
  serve(): void {
    this.#isServing = true
    this.#acceptWaiting()
  }

  /** From now on, for those who connect. */
  limit(limits: ConnectionLimits): void {
    for (const quotas of Object.values(this.#quotas)) quotas.limits = limits
    this.#acceptWaiting()
  }

  /** As `limit`. Of controllers' listeners, too: each counts its own. */
  limitIps(rates: IpRates): void {
    for (const quotas of Object.values(this.#quotas)) quotas.ipRates = rates
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
  }

  async close(): Promise<void> {
    this.#idleTimer?.cancel()
    this.#stallTimer?.cancel()
    await this.stopAccepting()
    for (const gate of this.#gates) {
      gate.timer?.cancel()
      for (const socket of gate.waiting.splice(0)) socket.destroy()
    }
    for (const [socket, timer] of this.#delayed) {
      timer.cancel()
      socket.destroy()
    }
    for (const connection of this.#connections) connection.close('closing connection: shutting down')
  }

  #trafficOf(listenerName: string): ListenerTraffic {
    let traffic = this.#traffic.get(listenerName)
    if (!traffic) {
      traffic = new ListenerTraffic(listenerName)
      this.#traffic.set(listenerName, traffic)
    }
    return traffic
  }

  #onConnection(socket: Connection, gate: Gate): void {
    // As many as the kernel lets wait for a broker that does not accept them.
    const isTooLong = gate.waiting.length >= this.#options.socketListenBacklogSize
    if (this.#isServing && isTooLong) {
      this.#refuse(socket, gate.listener)
      return
    }
    gate.waiting.push(socket)
    this.#acceptFrom(gate)
  }

  #acceptWaiting(): void {
    for (const gate of this.#gates) this.#acceptFrom(gate)
  }

  #acceptFrom(gate: Gate): void {
    const { listener, waiting } = gate
    const quotas = this.#quotas[listener.role]
    while (this.#isServing && waiting.length > 0) {
      const nowMs = this.#options.world.clock.monotonic()
      gate.opensMs ??= nowMs + quotas.arrive(listener.name, nowMs)
      if (gate.opensMs > nowMs) {
        this.#openLater(gate, gate.opensMs - nowMs)
        return
      }
      if (!quotas.hasRoom(listener.name)) return
      gate.opensMs = null
      this.#admit(waiting.shift()!, listener, quotas, nowMs)
    }
  }

  #openLater(gate: Gate, delayMs: number): void {
    gate.timer ??= this.#options.world.clock.setTimer(Math.ceil(delayMs), () => {
      gate.timer = null
      this.#acceptFrom(gate)
    })
  }

  #admit(socket: Connection, listener: ListenerOptions, quotas: ConnectionQuotas, nowMs: number): void {
    const delayMs = quotas.delayOf(listener.name, socket.remoteAddress, nowMs)
    if (delayMs > 0) this.#delay(socket, delayMs)
    else if (!quotas.take(listener.name, socket.remoteAddress)) this.#refuse(socket, listener)
    else {
      this.#accept(socket, listener, quotas)
      if (quotas.isOverfull && quotas.isProtected(listener.name)) this.#makeRoom(quotas)
    }
  }

  #delay(socket: Connection, delayMs: number): void {
    if (this.#delayed.size >= MAX_DELAYED) {
      socket.destroy()
      return
    }
    const timer = this.#options.world.clock.setTimer(delayMs, () => {
      this.#delayed.delete(socket)
      socket.destroy()
    })
    this.#delayed.set(socket, timer)
  }

  /** Of all but the protected listener, whoever has been silent for longest goes. */
  #makeRoom(quotas: ConnectionQuotas): void {
    let oldest: ClientConnection | null = null
    for (const connection of this.#connections) {
      if (connection.role !== 'broker' || quotas.isProtected(connection.listenerName)) continue
      if (!oldest || connection.lastActiveMs < oldest.lastActiveMs) oldest = connection
    }
    oldest?.close('closing connection: brokers need its place')
  }

  #accept(socket: Connection, listener: ListenerOptions, quotas: ConnectionQuotas): void {
    const traffic = this.#trafficOf(listener.name)
    const connection = new ClientConnection(socket, {
      id: this.#nextId++,
      listenerName: listener.name,
      role: listener.role,
      maxFrameBytes: this.#options.socketRequestMaxBytes,
      memory: this.#options.memory,
      framePool: this.#framePool,
      router: listener.router(),
      logger: this.#options.world.logger,
      throttleLogger: this.#throttleLogger,
      traffic,
      onHeldBack: () => this.#scheduleStallSweep(),
      clock: this.#options.world.clock,
      onClose: closed => {
        this.#connections.delete(closed)
        traffic.connectionsClosed++
        this.#options.onDisconnected?.(closed.id)
        quotas.release(listener.name, closed.remoteAddress)
        this.#acceptWaiting()
      },
    })
    this.#connections.add(connection)
    traffic.connectionsCreated++
    connection.start()
  }

  #refuse(socket: Connection, listener: ListenerOptions): void {
    socket.destroy()
    this.#trafficOf(listener.name).connectionsRefused++
    // One line, not one for each connection of a flood; the sweep says how many there were.
    if (this.#refusedSinceSweep++ === 0) {
      const fields = { listener: listener.name, client: socket.remoteAddress }
      this.#options.world.logger.warn('refusing connections: limit reached', fields)
    }
  }

  #scheduleIdleSweep(): void {
    const { connectionsMaxIdleMs, world } = this.#options
    if (connectionsMaxIdleMs < 0 || this.#idleTimer) return
    this.#idleTimer = world.clock.setTimer(Math.ceil(connectionsMaxIdleMs / IDLE_SWEEPS), () => {
      this.#idleTimer = null
      this.#sweepIdle(world.clock.monotonic() - connectionsMaxIdleMs)
      this.#scheduleIdleSweep()
    })
  }

  #sweepIdle(activeBeforeMs: number): void {
    for (const connection of this.#connections) {
      if (!connection.isIdle || connection.lastActiveMs > activeBeforeMs) continue
      connection.close('closing connection: idle')
      this.#expired++
    }
    if (this.#refusedSinceSweep > 1) {
      this.#options.world.logger.warn('connections refused', { count: this.#refusedSinceSweep })
    }
    this.#refusedSinceSweep = 0
  }

  #scheduleStallSweep(): void {
    const { world, memory } = this.#options
    this.#stallTimer ??= world.clock.setTimer(STALL_SWEEP_MS, () => {
      this.#stallTimer = null
      if (memory.waitingCount === 0) return
      this.#sweepStalled()
      if (memory.waitingCount > 0) this.#scheduleStallSweep()
    })
  }

  /** Kafka lets half a request keep its memory until the connection is idle, minutes in which nobody else may send. */
  #sweepStalled(): void {
    const { connectionsMaxIdleMs, world } = this.#options
    const now = world.clock.monotonic()
    const grantedByMs = connectionsMaxIdleMs < 0 ? Number.NEGATIVE_INFINITY : now - connectionsMaxIdleMs
    for (const connection of this.#connections) {
      if (connection.isStalled(now - STALL_MS, grantedByMs))
        connection.close('closing connection: half a request holds memory that others wait for')
    }
  }
}
