/**
 * Accepts connections on the configured listeners, holds them to the limits on their number, and closes those that have
 * been silent for connections.max.idle.ms.
 */
import { BufferPool, type Connection, type Listener, type Timer, type World } from '@ottla/io'
import { ClientConnection } from './connection.ts'
import { type ConnectionLimits, ConnectionSlots } from './connection-slots.ts'
import { ListenerTraffic } from './listener-traffic.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Router } from './router.ts'

export type Role = 'broker' | 'controller'

export interface ListenerOptions {
  readonly name: string
  /** Clients and controllers are counted apart: many of the ones don't keep the others out. */
  readonly role: Role
  readonly host: string
  readonly port: number
  /** Asked when the first client is served. */
  readonly router: () => Router
}

export interface ServerOptions extends ConnectionLimits {
  readonly world: World
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

/** Connected, but not read from. */
interface Waiting {
  readonly socket: Connection
  readonly listener: ListenerOptions
}

export class Server {
  readonly #options: ServerOptions
  readonly #framePool = new BufferPool(MAX_IDLE_FRAME_BYTES)
  readonly #listeners: Listener[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #slots: Readonly<Record<Role, ConnectionSlots>>
  /** For a slot; for as long as nobody is served, all are here. */
  #waiting: Waiting[] = []
  #isServing = false
  #nextId = 1
  #idleTimer: Timer | null = null
  #stallTimer: Timer | null = null
  #refusedSinceSweep = 0
  readonly #traffic = new Map<string, ListenerTraffic>()
  #expired = 0

  constructor(options: ServerOptions) {
    this.#options = options
    this.#slots = { broker: new ConnectionSlots(options), controller: new ConnectionSlots(options) }
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
    const listener = await network.listen(
      { host: options.host, port: options.port, backlog: this.#options.socketListenBacklogSize },
      socket => this.#onConnection({ socket, listener: options }),
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
    for (const slots of Object.values(this.#slots)) slots.limits = limits
    this.#acceptWaiting()
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
  }

  async close(): Promise<void> {
    this.#idleTimer?.cancel()
    this.#stallTimer?.cancel()
    await this.stopAccepting()
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
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

  #onConnection(waiting: Waiting): void {
    const { listener } = waiting
    if (this.#isServing && !this.#slots[listener.role].isFull) {
      this.#accept(waiting)
      return
    }
    // As many as the kernel lets wait for a broker that does not accept them.
    if (this.#isServing && this.#waiting.length >= this.#options.socketListenBacklogSize) this.#refuse(waiting)
    else this.#waiting.push(waiting)
  }

  #acceptWaiting(): void {
    if (!this.#isServing || this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) {
      if (this.#slots[one.listener.role].isFull) this.#waiting.push(one)
      else this.#accept(one)
    }
  }

  #accept(waiting: Waiting): void {
    const { socket, listener } = waiting
    const slots = this.#slots[listener.role]
    if (!slots.take(socket.remoteAddress)) {
      this.#refuse(waiting)
      return
    }
    const traffic = this.#trafficOf(listener.name)
    const connection = new ClientConnection(socket, {
      id: this.#nextId++,
      listenerName: listener.name,
      maxFrameBytes: this.#options.socketRequestMaxBytes,
      memory: this.#options.memory,
      framePool: this.#framePool,
      router: listener.router(),
      logger: this.#options.world.logger,
      traffic,
      onHeldBack: () => this.#scheduleStallSweep(),
      now: () => this.#options.world.clock.monotonic(),
      onClose: closed => {
        this.#connections.delete(closed)
        traffic.connectionsClosed++
        this.#options.onDisconnected?.(closed.id)
        slots.release(closed.remoteAddress)
        this.#acceptWaiting()
      },
    })
    this.#connections.add(connection)
    traffic.connectionsCreated++
    connection.start()
  }

  #refuse({ socket, listener }: Waiting): void {
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
