/**
 * The node under test, life after life on the same disk: the real broker, started as `ottla start` does it. It keeps what
 * the checks must know of its fate: how often power was lost, and whether something of this life's disk is broken.
 */
import { Broker, developerDefaults, loadConfig, resolveBrokerConfig } from '@ottla/broker'
import type { Fault, FaultRule, MemoryWorld } from '@ottla/io/memory'
import { demand, NODE, PORT, type Simulation, Violation } from './simulation.ts'

const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 60_000
/** As long as an answer can be held up by the network. */
const LATE_ANSWERS_MS = 2000

/** What a log line of level error may say when a disk has failed, and only then. */
const ERRORS_OF_A_DISK = /disk|EIO|ENOSPC|log dir|KAFKA_STORAGE_ERROR|offline/i

export class SimNode {
  readonly #sim: Simulation
  world: MemoryWorld
  broker: Broker | null = null
  /** Counts from 0. */
  life = 0
  /** Losses of power so far. What a disk dropped when a sync failed counts as one: it is followed by one. */
  losses = 0
  /** A fault has been planted in this life: partitions, or all of the node, may be out of order. */
  hasDiskFault = false
  #fault: Fault | null = null
  #failsSync = false
  #isRunning = true
  #excusedUntilMs = 0

  constructor(sim: Simulation) {
    this.#sim = sim
    this.world = sim.firstWorld
  }

  /** A process is there, and has not begun to stop. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /**
   * Partitions may be out of order now: the disk is broken, or leaderships are being handed over. Answers from then may
   * come later.
   */
  get isExcused(): boolean {
    return this.hasDiskFault || !this.#isRunning || this.#sim.time.monotonic() < this.#excusedUntilMs
  }

  /** Resolves to whether it serves: false if it was killed meanwhile, or its disk failed. */
  async start(): Promise<boolean> {
    const { setup } = this.#sim
    const life = this.life
    const defaults = developerDefaults({ dataDir: setup.logDirs[0]!, host: NODE, port: PORT })
    const settings = { 'log.dirs': setup.logDirs.join(','), ...setup.config }
    const set = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    const config = resolveBrokerConfig(loadConfig({ set, defaults }).raw)
    try {
      const broker = await this.#sim.within(Broker.start({ world: this.world, config }), START_LIMIT_MS, 'the start')
      if (this.life !== life || !this.#isRunning) return false
      this.broker = broker
      void broker.failed.then(error => this.#onFailed(error))
      this.#sim.say(`serves, life ${life}`)
      return true
    } catch (error) {
      if (this.life !== life || !this.#isRunning) return false
      if (error instanceof Violation || !this.hasDiskFault) throw error
      this.#sim.say(`could not start: ${(error as Error).message}`)
      return false
    }
  }

  /** Stops in order. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#sim.say('stops in order')
    await this.#sim.within(this.broker!.close(), STOP_LIMIT_MS, 'the stop')
    this.broker = null
    this.#sim.say('has stopped')
  }

  plant(rule: FaultRule): void {
    this.hasDiskFault = true
    this.#fault = this.world.disk.inject(rule)
    this.#failsSync = rule.operation === 'sync'
  }

  /** What was written before may not be on the disk, whatever its cache shows. */
  get hasSyncFailed(): boolean {
    return this.#failsSync && (this.#fault?.hits ?? 0) > 0
  }

  /** The end of the process, whatever it does; `restart` begins the next life. */
  crash(powerLoss: boolean): void {
    this.#checkLog()
    this.#isRunning = false
    this.broker = null
    this.world.crash({ powerLoss })
    if (powerLoss) this.losses++
    this.#sim.say(powerLoss ? 'POWER LOSS' : 'KILLED')
  }

  restart(): void {
    this.#excusedUntilMs = this.#sim.time.monotonic() + LATE_ANSWERS_MS
    this.world = this.world.restart()
    this.#fault = null
    this.hasDiskFault = false
    this.#isRunning = true
    this.life++
  }

  /** After `stop`, and some time for what ends by itself: nothing is left. */
  checkLeftovers(): void {
    const { clock, disk, network } = this.world
    demand(clock.pending === 0, () => `${clock.pending} timers are left of a node that has stopped`)
    demand(disk.openFiles.length === 0, () => `a node that has stopped left open ${disk.openFiles.join(', ')}`)
    demand(network.connectionCount === 0, () => `${network.connectionCount} connections are left`)
    demand(network.listenerCount === 0, () => `${network.listenerCount} ports are left open`)
    this.#checkLog()
  }

  #onFailed(error: Error): void {
    if (!this.#isRunning) return
    this.#sim.say(`the broker can't go on: ${error.message}`)
    if (!this.hasDiskFault) this.#sim.fail(error)
  }

  /** Whatever the node calls an error is one, unless its disk was made to fail. */
  #checkLog(): void {
    for (const { level, message, fields } of this.world.log.lines) {
      if (level !== 'error') continue
      const text = `${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.stack : value))}`
      const isExplained = this.hasDiskFault && ERRORS_OF_A_DISK.test(text)
      demand(isExplained, () => `the node logged an error: ${text}`)
    }
  }
}
