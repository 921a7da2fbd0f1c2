/**
 * A client's way to the node: connections that are cut, dawdle and lose patience. What the client learns is an answer, or
 * that there is none (`NoAnswer`: what was asked may have been done, not, or be done later). That an answer stays out on
 * a connection that nobody has broken is a violation.
 */
import { type Api, BrokerConnection, ConnectionError, RequestTimeoutError } from '@ottla/client'
import type { Connection, ConnectionHandlers, Network, World } from '@ottla/io'
import type { MemoryWorld, SeededRandom } from '@ottla/io/memory'
import { type Init, type Message, type Of, ProtocolError } from '@ottla/protocol'
import type { SimNode } from './node.ts'
import { NODE, PORT, type Simulation, Violation } from './simulation.ts'

/** Longer than anything that a healthy node takes for a request, with the slowest of readers. */
const ANSWER_LIMIT_MS = 60_000
const CONNECT_TIMEOUT_MS = 1000

export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** One connection; a new one has a new number. */
export interface Link {
  readonly number: number
  /** The node's life when it was made. */
  readonly life: number
  /** Losses of power until it was made. */
  readonly losses: number
  readonly isClosed: boolean
  /** In the highest version that both speak, or `maxVersion`. Rejects with `NoAnswer`. */
  send<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    maxVersion?: number,
  ): Promise<Of<Response>>
  /** Resolves when the bytes are on their way. */
  sendOneWay<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    maxVersion?: number,
  ): Promise<void>
}

/** Clients wait here while the checks need the node for themselves. */
export class Gate {
  #opened: PromiseWithResolvers<void> | null = null

  get isOpen(): boolean {
    return this.#opened === null
  }

  close(): void {
    this.#opened ??= Promise.withResolvers()
  }

  open(): void {
    this.#opened?.resolve()
    this.#opened = null
  }

  passed(): Promise<void> {
    return this.#opened?.promise ?? Promise.resolve()
  }
}

export interface LinkOptions {
  readonly sim: Simulation
  readonly node: SimNode
  readonly name: string
  /** null: never waits. */
  readonly gate: Gate | null
  /** Gives up, with `NoAnswer`, when there is no node to connect to; else tries until there is one. */
  readonly isPatient?: boolean
}

export class LinkMaker {
  readonly name: string
  readonly world: MemoryWorld
  readonly random: SeededRandom
  readonly #options: LinkOptions
  readonly #network: DawdlingNetwork
  #link: SimLink | null = null
  #links = 0
  #connecting: Promise<Link> | null = null

  constructor(options: LinkOptions) {
    this.name = options.name
    this.#options = options
    this.world = options.sim.firstWorld.neighbor(options.name)
    this.random = this.world.stream('client')
    this.#network = new DawdlingNetwork(this.world, options, this.random.derive('dawdle'))
  }

  /** The connection there is, or a new one, however long that takes. */
  get(): Promise<Link> {
    if (this.#link && !this.#link.isClosed) return Promise.resolve(this.#link)
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  /** One request, on whatever connection there is. */
  async ask<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    maxVersion?: number,
  ): Promise<Of<Response>> {
    return (await this.get()).send(api, value, maxVersion)
  }

  /** Closes all that is open, from this side and without a word before. */
  hangUp(): void {
    this.#network.destroyAll()
  }

  /** From the middle: both sides see a reset, whatever was half on its way. */
  reset(): void {
    this.world.network.resetConnections()
  }

  async #connect(): Promise<Link> {
    const { sim, node, gate, name, isPatient = true } = this.#options
    for (;;) {
      await gate?.passed()
      if (!isPatient && !node.isRunning) throw new NoAnswer('there is no node')
      const { life, losses } = node
      try {
        const world: World = withNetwork(this.world, this.#network)
        const connection = await BrokerConnection.connect({
          world,
          host: NODE,
          port: PORT,
          clientId: name,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          requestTimeoutMs: ANSWER_LIMIT_MS,
        })
        if (gate && !gate.isOpen) {
          connection.close()
          continue
        }
        this.#link = new SimLink(connection, this.#links++, life, losses, sim)
        return this.#link
      } catch (error) {
        checkIsLoss(error)
      }
      await sim.pause(this.random.between(10, 150))
    }
  }
}

class SimLink implements Link {
  readonly number: number
  readonly life: number
  readonly losses: number
  readonly #connection: BrokerConnection
  readonly #sim: Simulation

  constructor(connection: BrokerConnection, number: number, life: number, losses: number, sim: Simulation) {
    this.#connection = connection
    this.number = number
    this.life = life
    this.losses = losses
    this.#sim = sim
  }

  get isClosed(): boolean {
    return this.#connection.isClosed
  }

  async send<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    maxVersion?: number,
  ): Promise<Of<Response>> {
    try {
      return await this.#connection.send(api, value, maxVersion === undefined ? {} : { maxVersion })
    } catch (error) {
      throw this.#lost(error)
    }
  }

  async sendOneWay<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    maxVersion?: number,
  ): Promise<void> {
    try {
      await this.#connection.send(api, value, {
        oneWay: true,
        ...(maxVersion !== undefined && { maxVersion }),
      })
    } catch (error) {
      throw this.#lost(error)
    }
  }

  #lost(error: unknown): Error {
    try {
      checkIsLoss(error)
      return new NoAnswer((error as Error).message)
    } catch (violation) {
      this.#sim.fail(violation)
      return violation as Error
    }
  }
}

/** Throws unless it is the loss of a connection: a wrong answer and a missing one are violations. */
function checkIsLoss(error: unknown): void {
  if (error instanceof RequestTimeoutError) throw new Violation(error.message)
  const cause = error instanceof ConnectionError ? error.cause : error
  if (error instanceof ConnectionError && !(cause instanceof ProtocolError)) return
  throw new Violation(`the node answered nonsense: ${cause}`, { cause: error })
}

function withNetwork(world: MemoryWorld, network: Network): World {
  const { clock, disk, random, workers, logger } = world
  return { clock, disk, random, workers, logger, network }
}

/** Reads in fits and starts, as a slow program does: its window is closed meanwhile. */
class DawdlingNetwork implements Network {
  readonly #world: MemoryWorld
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #random: SeededRandom
  readonly #probability: number
  readonly #open = new Set<Connection>()

  constructor(world: MemoryWorld, { sim, node }: LinkOptions, random: SeededRandom) {
    this.#world = world
    this.#sim = sim
    this.#node = node
    this.#random = random
    this.#probability = random.chance(0.3) ? 0.2 : 0
  }

  hostName: Network['hostName'] = () => this.#world.network.hostName()

  listen: Network['listen'] = (options, onConnection) => this.#world.network.listen(options, onConnection)

  resolve: Network['resolve'] = host => this.#world.network.resolve(host)

  connect: Network['connect'] = async options => {
    const { losses } = this.#node
    const connection = await this.#world.network.connect(options)
    // Made with a machine that has lost power since: nobody will ever say anything.
    if (losses !== this.#node.losses) connection.destroy(new Error('the client has waited for too long'))
    const start = connection.start.bind(connection)
    this.#open.add(connection)
    connection.start = handlers => start(this.#dawdling(connection, handlers))
    return connection
  }

  destroyAll(): void {
    for (const connection of [...this.#open]) connection.destroy(new Error('the client has hung up'))
  }

  #dawdling(connection: Connection, handlers: ConnectionHandlers): ConnectionHandlers {
    return {
      onData: bytes => {
        handlers.onData(bytes)
        if (this.#sim.isMended || !this.#random.chance(this.#probability)) return
        connection.pause()
        this.#world.clock.setTimer(this.#random.between(1, 120), () => connection.resume())
      },
      onDrain: () => handlers.onDrain(),
      onClose: error => {
        this.#open.delete(connection)
        handlers.onClose(error)
      },
    }
  }
}
