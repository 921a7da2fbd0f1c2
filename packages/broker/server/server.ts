/**
 * Accepts connections on the configured listeners, holds them to the limits on their number, and closes those that have
 * been silent for connections.max.idle.ms.
 */
import { BufferPool, type Connection, type Listener, type Timer, type World } from '@ottla/io'
import { ClientConnection } from './connection.ts'
import type { RequestMemory } from './request-memory.ts'
import type { Router } from './router.ts'

export interface ListenerOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Asked when the first client is served. */
  readonly router: () => Router
}

export interface ServerOptions {
  readonly world: World
  readonly memory: RequestMemory
  readonly socketRequestMaxBytes: number
  readonly socketListenBacklogSize: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** By host name or address. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** -1: never. */
  readonly connectionsMaxIdleMs: number
}

/** The idle sweep runs this many times within connections.max.idle.ms. */
const IDLE_SWEEPS = 4
/** Memory of requests that is kept for the next ones. */
const MAX_IDLE_FRAME_BYTES = 8 * 1024 * 1024

/** Half a request that holds memory for which others wait is given up when nothing of it has come for so long. */
const STALL_MS = 10_000
/** How often that is looked for while others wait. */
const STALL_SWEEP_MS = 2500

export class Server {
  readonly #options: ServerOptions
  readonly #framePool = new BufferPool(MAX_IDLE_FRAME_BYTES)
  readonly #listeners: Listener[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #byAddress = new Map<string, number>()
  #nextId = 1
  #idleTimer: Timer | null = null
  #stallTimer: Timer | null = null
  #refusedSinceSweep = 0
  /** null once clients are served: until then they wait, connected but not read from. */
  #early: (() => void)[] | null = []

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Returns the port, which differs from the one asked for if that was 0. */
  async listen(options: ListenerOptions): Promise<number> {
    const { network } = this.#options.world
    const listener = await network.listen(
      { host: options.host, port: options.port, backlog: this.#options.socketListenBacklogSize },
      socket => {
        if (this.#early) this.#early.push(() => this.#accept(socket, options))
        else this.#accept(socket, options)
      },
    )
    this.#listeners.push(listener)
    this.#scheduleIdleSweep()
    return listener.port
  }

  /** Begins with whoever has connected since `listen`. */
  serve(): void {
    const early = this.#early ?? []
    this.#early = null
    for (const accept of early) accept()
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
  }

  async close(): Promise<void> {
    this.#idleTimer?.cancel()
    this.#stallTimer?.cancel()
    await this.stopAccepting()
    for (const connection of this.#connections) connection.close('closing connection: shutting down')
  }

  #accept(socket: Connection, listener: ListenerOptions): void {
    const address = socket.remoteAddress
    const fromAddress = this.#byAddress.get(address) ?? 0
    const limit = this.#options.maxConnectionsPerIpOverrides.get(address) ?? this.#options.maxConnectionsPerIp
    if (this.#connections.size >= this.#options.maxConnections || fromAddress >= limit) {
      this.#refuse(socket, listener.name)
      return
    }
    const connection = new ClientConnection(socket, {
      id: this.#nextId++,
      listenerName: listener.name,
      maxFrameBytes: this.#options.socketRequestMaxBytes,
      memory: this.#options.memory,
      framePool: this.#framePool,
      router: listener.router(),
      logger: this.#options.world.logger,
      onHeldBack: () => this.#scheduleStallSweep(),
      now: () => this.#options.world.clock.monotonic(),
      onClose: closed => this.#forget(closed),
    })
    this.#connections.add(connection)
    this.#byAddress.set(address, fromAddress + 1)
    connection.start()
  }

  #refuse(socket: Connection, listener: string): void {
    socket.destroy()
    // One line, not one for each connection of a flood; the sweep says how many there were.
    if (this.#refusedSinceSweep++ === 0) {
      this.#options.world.logger.warn('refusing connections: limit reached', { listener, client: socket.remoteAddress })
    }
  }

  #forget(connection: ClientConnection): void {
    this.#connections.delete(connection)
    const left = (this.#byAddress.get(connection.remoteAddress) ?? 1) - 1
    if (left === 0) this.#byAddress.delete(connection.remoteAddress)
    else this.#byAddress.set(connection.remoteAddress, left)
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
      if (connection.isIdle && connection.lastActiveMs <= activeBeforeMs) connection.close('closing connection: idle')
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
