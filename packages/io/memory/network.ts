/**
 * A network in one process, shared by the worlds that are on it: each world is a host with a name. It has what TCP has
 * (order, windows, resets, silence) and nothing that takes time unless asked to: then delays, partitions and resets,
 * all from one seed.
 *
 * Names: a host is reached by its own name from everywhere; `localhost`, `127.0.0.1` and `::1` are the host itself.
 * A partition drops what is sent, as a cable that was cut would; TCP sends it again once the partition is healed, so
 * what was held back arrives then, unless somebody lost patience and closed the connection.
 */
import { NetworkError, peerName } from '../errors.ts'
import type { Clock, Connection, ConnectOptions, Listener, ListenOptions, Network, Timer } from '../io.ts'
import { MemoryConnection } from './connection.ts'
import type { SeededRandom } from './random.ts'

export interface MemoryNetworkOptions {
  readonly clock: Clock
  readonly random: SeededRandom
  /** How long a packet is under way, milliseconds from and to. Default: none, it arrives at the next turn. */
  readonly delayMs?: readonly [number, number]
  /** The probability that sending a packet resets the connection. Default 0. */
  readonly resetProbability?: number
  /** Cut what is sent into packets of random sizes, so that no reader may rely on where one ends. Default false. */
  readonly fragments?: boolean
  /** `write` answers false when more than this waits for the window. Default 1 MiB. */
  readonly maxQueuedBytes?: number
  /** How many bytes may be under way or unread, as in the kernel's buffers. Default 1 MiB. */
  readonly windowBytes?: number
  /** Told of all that arrives. */
  readonly trace?: ((event: string) => void) | undefined
}

const MIB = 1024 * 1024
const FIRST_EPHEMERAL_PORT = 32_768
const LAST_PORT = 65_535
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::', '[::]'])
/** As long as Linux tries by default. */
const CONNECT_TIMEOUT_MS = 130_000

/** What a link is told to do with a packet. */
interface Held {
  readonly from: string
  readonly to: string
  readonly deliver: () => void
}

export class MemoryNetwork {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly maxQueuedBytes: number
  readonly windowBytes: number
  readonly trace: ((event: string) => void) | undefined
  delayMs: readonly [number, number] | null
  resetProbability: number
  fragments: boolean
  readonly #hosts = new Map<string, MemoryHost>()
  readonly #cuts = new Set<string>()
  #held: Held[] = []

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock
    this.random = options.random
    this.maxQueuedBytes = options.maxQueuedBytes ?? MIB
    this.windowBytes = options.windowBytes ?? MIB
    this.trace = options.trace
    this.delayMs = options.delayMs ?? null
    this.resetProbability = options.resetProbability ?? 0
    this.fragments = options.fragments ?? false
  }

  /** A host comes up, for the first time or again. */
  host(name: string): MemoryHost {
    if (this.#hosts.get(name)?.isUp) throw new Error(`there is a host named ${name} on this network`)
    const host = new MemoryHost(this, name)
    this.#hosts.set(name, host)
    return host
  }

  find(name: string): MemoryHost | null {
    return this.#hosts.get(name) ?? null
  }

  /** From now on nothing that `from` sends reaches `to`; the other way is left as it is. */
  cut(from: string, to: string): void {
    this.#cuts.add(linkName(from, to))
  }

  /** Neither side hears the other; within a side all is well. */
  partition(side: readonly string[], otherSide: readonly string[]): void {
    for (const a of side) {
      for (const b of otherSide) {
        this.cut(a, b)
        this.cut(b, a)
      }
    }
  }

  /** Mends one link, or all. What was held back is on its way. */
  heal(from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.#cuts.clear()
    else this.#cuts.delete(linkName(from, to))
    const held = this.#held
    this.#held = []
    for (const packet of held) this.transmit(packet.from, packet.to, packet.deliver)
  }

  /** Brings a packet to the other host, now or later. Packets of one link may overtake each other: see connection.ts. */
  transmit(from: string, to: string, deliver: () => void): void {
    if (from !== to && this.#cuts.has(linkName(from, to))) {
      this.#held.push({ from, to, deliver })
      return
    }
    const delayMs = this.delayMs ? this.random.between(this.delayMs[0], this.delayMs[1]) : 0
    if (delayMs > 0) this.clock.setTimer(delayMs, deliver)
    else this.clock.nextTurn(deliver)
  }
}

function linkName(from: string, to: string): string {
  return `${from} > ${to}`
}

export class MemoryHost implements Network {
  readonly name: string
  readonly #network: MemoryNetwork
  readonly #listeners = new Map<number, MemoryListener>()
  readonly #connections = new Set<MemoryConnection>()
  readonly #portsInUse = new Set<number>()
  #nextPort = FIRST_EPHEMERAL_PORT
  #isUp = true

  constructor(network: MemoryNetwork, name: string) {
    this.#network = network
    this.name = name
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connections that this host has an end of. */
  get connectionCount(): number {
    return this.#connections.size
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size
  }

  async listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener> {
    const { host, port } = options
    const isLocal = LOOPBACK.has(host)
    if (!isLocal && !EVERY_ADDRESS.has(host) && host !== this.name) {
      const known = this.#network.find(host) ? 'EADDRNOTAVAIL' : 'ENOTFOUND'
      throw new NetworkError(known, peerName(host, port))
    }
    if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) throw new NetworkError('EINVAL', peerName(host, port))
    if (this.#listeners.has(port)) throw new NetworkError('EADDRINUSE', peerName(host, port))
    const chosen = port === 0 ? this.#freePort() : port
    const address = host === '' || host === '[::]' ? '::' : host === 'localhost' ? '127.0.0.1' : host
    const close = (): void => {
      if (this.#listeners.get(chosen) === listener) this.#listeners.delete(chosen)
    }
    const listener = new MemoryListener(address, chosen, isLocal, onConnection, close)
    this.#listeners.set(chosen, listener)
    return listener
  }

  connect(options: ConnectOptions): Promise<Connection> {
    const { host, port, timeoutMs = CONNECT_TIMEOUT_MS, signal } = options
    if (!this.#isUp) return new Promise(() => {})
    if (signal?.aborted) return Promise.reject(signal.reason)
    const peer = peerName(host, port)
    if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) return Promise.reject(new NetworkError('EINVAL', peer))
    const isLocal = LOOPBACK.has(host) || EVERY_ADDRESS.has(host)
    const target = isLocal ? this.name : host
    if (!this.#network.find(target)) return Promise.reject(new NetworkError('ENOTFOUND', peer))
    return new Promise((resolve, reject) => {
      const attempt = new Attempt({ host: this, clock: this.#network.clock, timeoutMs, signal, peer, resolve, reject })
      this.#network.transmit(this.name, target, () => {
        if (attempt.isOver) return
        const answer = this.#network.find(target)?.accept(this, port, isLocal)
        if (answer === undefined || answer === 'silence') return
        this.#network.transmit(target, this.name, () => {
          if (answer === 'refused') attempt.fail(new NetworkError('ECONNREFUSED', peer))
          else if (!attempt.succeed(answer.near)) answer.near.reset()
          else answer.accept()
        })
      })
    })
  }

  /** The name of a host is its address, except to itself. */
  async resolve(host: string): Promise<readonly string[]> {
    if (LOOPBACK.has(host)) return ['127.0.0.1']
    if (!this.#network.find(host)) throw new NetworkError('ENOTFOUND', host)
    return [host]
  }

  async hostName(): Promise<string> {
    return this.name
  }

  /** A host that is down says nothing; one that is up refuses what nobody listens for. */
  accept(
    from: MemoryHost,
    port: number,
    isLocal: boolean,
  ): 'silence' | 'refused' | { near: MemoryConnection; accept: () => void } {
    if (!this.#isUp) return 'silence'
    const listener = this.#listeners.get(port)
    if (!listener || (listener.isLocal && !isLocal)) return 'refused'
    const [near, far] = MemoryConnection.pair(this.#network, from, from.#freePort(), this, port)
    return {
      near,
      accept: () => {
        if (this.#isUp) listener.onConnection(far)
      },
    }
  }

  add(connection: MemoryConnection): void {
    this.#connections.add(connection)
    this.#portsInUse.add(connection.localPort)
  }

  delete(connection: MemoryConnection): void {
    this.#connections.delete(connection)
    this.#portsInUse.delete(connection.localPort)
  }

  /**
   * The process is gone. If only it was killed, the kernel resets its connections. If power was lost, nobody is told:
   * the others find out when they send something to a host that is up again, or by their own time-outs.
   */
  kill(how: 'process' | 'power'): void {
    this.#isUp = false
    this.#listeners.clear()
    for (const connection of [...this.#connections]) connection.die(how === 'process')
  }

  /** Resets every connection with `peer`, or every one there is, as a firewall that lost its memory does. */
  resetConnections(peer?: string): void {
    for (const connection of [...this.#connections]) {
      if (peer === undefined || connection.remoteAddress === peer) connection.reset()
    }
  }

  #freePort(): number {
    for (let tries = 0; tries <= LAST_PORT - FIRST_EPHEMERAL_PORT; tries++) {
      const port = this.#nextPort
      this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1
      if (!this.#listeners.has(port) && !this.#portsInUse.has(port)) return port
    }
    throw new NetworkError('EADDRNOTAVAIL', this.name)
  }
}

interface AttemptOptions {
  readonly host: MemoryHost
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly peer: string
  readonly resolve: (connection: Connection) => void
  readonly reject: (reason: unknown) => void
}

/** A connection that is being made: whatever comes first ends it. */
class Attempt {
  readonly #options: AttemptOptions
  readonly #timer: Timer
  readonly #onAbort: () => void
  #isOver = false

  constructor(options: AttemptOptions) {
    this.#options = options
    this.#timer = options.clock.setTimer(options.timeoutMs, () =>
      this.fail(new NetworkError('ETIMEDOUT', options.peer)),
    )
    this.#onAbort = () => this.fail(options.signal?.reason)
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** False if it had failed before. */
  succeed(connection: Connection): boolean {
    if (!this.#end()) return false
    this.#options.resolve(connection)
    return true
  }

  fail(reason: unknown): void {
    if (this.#end()) this.#options.reject(reason)
  }

  /** A host that is down is told nothing. */
  #end(): boolean {
    if (this.#isOver || !this.#options.host.isUp) return false
    this.#isOver = true
    this.#timer.cancel()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

class MemoryListener implements Listener {
  readonly host: string
  readonly port: number
  readonly isLocal: boolean
  readonly onConnection: (connection: Connection) => void
  readonly #close: () => void

  constructor(
    host: string,
    port: number,
    isLocal: boolean,
    onConnection: (connection: Connection) => void,
    close: () => void,
  ) {
    this.host = host
    this.port = port
    this.isLocal = isLocal
    this.onConnection = onConnection
    this.#close = close
  }

  async close(): Promise<void> {
    this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
