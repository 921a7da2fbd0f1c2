/**
 * A node's world in memory. One is enough for a test; several on one network and one clock make a cluster:
 *
 *     const a = memoryWorld({ seed: 7, name: 'a' })
 *     const b = a.neighbor('b')
 *     a.fabric.partition(['a'], ['b'])
 *     await a.advance(30_000)
 *     b.crash({ powerLoss: true })
 *     const bAgain = b.restart()
 *
 * A world ends with its node: `crash` silences its timers, its disk and its connections for good, and `restart` makes
 * the next one over what is left of the disk.
 */
import type { Clock, LogLevel, World } from '../io.ts'
import { NodeClock } from '../node/clock.ts'
import { LocalClock, type RunUntilOptions, VirtualClock, type VirtualClockOptions } from './clock.ts'
import { MemoryDisk, type MemoryDiskOptions } from './disk.ts'
import { MemoryLog } from './log.ts'
import { type MemoryHost, MemoryNetwork, type MemoryNetworkOptions } from './network.ts'
import { SeededRandom } from './random.ts'
import { MemoryStorage, type MemoryStorageOptions } from './storage.ts'
import { InlineWorkers } from './workers.ts'

export interface MemoryWorldOptions {
  /** All chance comes from it. Default 0. */
  readonly seed?: number | string
  /** 'virtual' (default): time moves only when told to. 'real': the machine's. Or the clock of another world. */
  readonly clock?: 'virtual' | 'real' | VirtualClock
  readonly time?: VirtualClockOptions
  /** How far this node's wall clock is ahead of the others'. */
  readonly wallClockOffsetMs?: number
  /** The node's name on the network. Default 'localhost'. */
  readonly name?: string
  /** The network of another world, or how this one's is to be. */
  readonly network?: MemoryNetwork | Omit<MemoryNetworkOptions, 'clock' | 'random' | 'trace'>
  /** A disk that is there already, or how this one is to be. By default a loss of power can be simulated with virtual time only. */
  readonly storage?: MemoryStorage | MemoryStorageOptions
  readonly diskLatencyMs?: MemoryDiskOptions['latencyMs']
  /** Default 'info'. */
  readonly logLevel?: LogLevel
  /** Told of every step of disk and network: the same seed gives the same steps. */
  readonly trace?: (event: string) => void
}

export function memoryWorld(options: MemoryWorldOptions = {}): MemoryWorld {
  return new MemoryWorld(options)
}

export class MemoryWorld implements World {
  readonly name: string
  readonly clock: LocalClock
  readonly disk: MemoryDisk
  readonly network: MemoryHost
  readonly random: SeededRandom
  readonly workers: InlineWorkers
  readonly log: MemoryLog
  /** What all nodes share: the network between them, and virtual time, if it is. */
  readonly fabric: MemoryNetwork
  readonly time: VirtualClock | null
  readonly #options: MemoryWorldOptions
  readonly #baseClock: Clock
  /** How often the node has been started before. */
  readonly #life: number
  #isCrashed = false

  constructor(options: MemoryWorldOptions, life = 0) {
    const { clock = 'virtual', seed = 0, name = 'localhost', network, storage } = options
    this.name = name
    this.#options = options
    this.#life = life
    this.time = clock === 'real' ? null : clock === 'virtual' ? new VirtualClock(options.time) : clock
    this.#baseClock = this.time ?? new NodeClock()
    this.clock = new LocalClock(this.#baseClock, options.wallClockOffsetMs)
    this.random = this.stream('ids')
    this.fabric =
      network instanceof MemoryNetwork
        ? network
        : new MemoryNetwork({
            ...network,
            clock: this.#baseClock,
            random: new SeededRandom(seed, 'network'),
            trace: this.#tracer(''),
          })
    this.network = this.fabric.host(name)
    this.disk = new MemoryDisk({
      storage:
        storage instanceof MemoryStorage
          ? storage
          : new MemoryStorage({ tracksDurability: this.time !== null, ...storage }),
      clock: this.clock,
      random: this.stream('disk'),
      ...(options.diskLatencyMs && { latencyMs: options.diskLatencyMs }),
      trace: this.#tracer(`${name} `),
    })
    this.workers = new InlineWorkers(this.time)
    this.log = new MemoryLog(this.clock, options.logLevel)
  }

  get logger(): World['logger'] {
    return this.log.logger
  }

  get storage(): MemoryStorage {
    return this.disk.storage
  }

  /** Chance of its own for one purpose of this node: 'workload', say. */
  stream(purpose: string): SeededRandom {
    return new SeededRandom(this.#options.seed ?? 0, `${this.name}#${this.#life}/${purpose}`)
  }

  /** Moves virtual time: see `VirtualClock.advance`. */
  advance(ms: number): Promise<void> {
    return this.#virtual().advance(ms)
  }

  /** Moves virtual time: see `VirtualClock.runUntil`. */
  runUntil<T>(goal: Promise<T>, options?: RunUntilOptions): Promise<T>
  runUntil(goal: () => boolean, options?: RunUntilOptions): Promise<undefined>
  runUntil<T>(goal: Promise<T> | (() => boolean), options?: RunUntilOptions): Promise<T | undefined> {
    return typeof goal === 'function'
      ? this.#virtual().runUntil(goal, options)
      : this.#virtual().runUntil(goal, options)
  }

  /** Another node: same time, same network, same seed, a disk of its own. */
  neighbor(
    name: string,
    options: Omit<MemoryWorldOptions, 'seed' | 'clock' | 'time' | 'network' | 'name'> = {},
  ): MemoryWorld {
    const { storage, ...shared } = this.#options
    const ownStorage = storage instanceof MemoryStorage ? undefined : storage
    return new MemoryWorld({ ...shared, storage: ownStorage, ...options, ...this.#shared(), name })
  }

  /**
   * The node stops at once. A killed process loses what it had not handed to the disk; a loss of power also what the
   * disk had not made durable, see storage.ts.
   */
  crash(options: { powerLoss?: boolean } = {}): void {
    if (this.#isCrashed) throw new Error(`${this.name} is down already`)
    const powerLoss = options.powerLoss ?? false
    if (powerLoss) this.storage.assertTracksDurability()
    this.#isCrashed = true
    this.#tracer(`${this.name} `)?.(powerLoss ? 'power lost' : 'killed')
    this.clock.kill()
    this.workers.kill()
    this.network.kill(powerLoss ? 'power' : 'process')
    this.disk.kill()
    if (powerLoss) this.storage.losePower(this.stream('power'))
  }

  /** The node's next life, after `crash`. */
  restart(): MemoryWorld {
    if (!this.#isCrashed) throw new Error(`${this.name} is running: crash it first`)
    const wallClockOffsetMs = this.clock.offsetMs
    const options = { ...this.#options, ...this.#shared(), storage: this.storage, wallClockOffsetMs }
    return new MemoryWorld(options, this.#life + 1)
  }

  #shared(): Pick<MemoryWorldOptions, 'clock' | 'network'> {
    return { clock: this.time ?? 'real', network: this.fabric }
  }

  #virtual(): VirtualClock {
    if (!this.time) throw new Error("this world's time is real: nobody can move it")
    return this.time
  }

  #tracer(prefix: string): ((event: string) => void) | undefined {
    const { trace } = this.#options
    return trace && (event => trace(`${this.#baseClock.monotonic().toFixed(3)} ${prefix}${event}`))
  }
}
