/**
 * This broker's standing with the controller: registers, sends heartbeats, is unfenced when it has caught up, and asks
 * to leave before it stops. A heartbeat that finds the registration outdated registers again. Of a log dir that fails the
 * controller hears at once, so that it takes the leadership of what lies there away.
 */
import type { Timer, World } from '@ottla/io'
import { ErrorCode, errorName } from '@ottla/protocol'
import { ApiError } from './errors.ts'
import { registeredFeatures } from './image/index.ts'
import type { ControllerClient } from './services.ts'

export interface RegisteredListener {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: number
}

export interface LifecycleOptions {
  readonly world: World
  readonly controller: ControllerClient
  readonly nodeId: number
  readonly clusterId: string
  /** unstable.feature.versions.enable */
  readonly unstableFeatures: boolean
  readonly rack: string | null
  readonly listeners: readonly RegisteredListener[]
  readonly controllerListeners: readonly RegisteredListener[]
  /** Ids of the log dirs that are online. */
  readonly logDirs: () => readonly string[]
  /** Ids of those that have failed. */
  readonly offlineLogDirs: () => readonly string[]
  /** Ids of those that no replica is to be put into any more. */
  readonly cordonedLogDirs: () => readonly string[]
  /** How long the controller may not know of a failed log dir. */
  readonly logDirFailureTimeoutMs: number
  /** It could not be told in that time: this broker must not go on. */
  readonly onFailure: (error: Error) => void
  readonly previousBrokerEpoch: number
  readonly heartbeatIntervalMs: number
  /** Offset of the last metadata record that this broker has taken in. */
  readonly metadataOffset: () => number
}

const REGISTRATION_VERSION = 4
const HEARTBEAT_VERSION = 2
const CONTROLLER_REGISTRATION_VERSION = 0
/** The whole of a controlled shutdown is one heartbeat after another; each moves leaderships away. */
const SHUTDOWN_PAUSE_MS = 50

export class BrokerLifecycle {
  readonly #options: LifecycleOptions
  readonly #incarnationId: string
  #brokerEpoch = -1
  #timer: Timer | null = null
  /** Heartbeats go by themselves. */
  #isBeating = false
  #stopped = false
  /** Failed log dirs of which the controller has not heard yet, by id, and when that becomes too late. */
  readonly #untold = new Map<string, Timer>()

  constructor(options: LifecycleOptions) {
    this.#options = options
    this.#incarnationId = options.world.random.uuid()
  }

  get brokerEpoch(): number {
    return this.#brokerEpoch
  }

  /** Known to the cluster, but fenced: no partition is led here, and clients are not sent here. */
  async register(): Promise<void> {
    const { controller, nodeId, clusterId, rack, listeners, previousBrokerEpoch } = this.#options
    const { brokerEpoch = -1, errorCode = 0 } = await controller.request(
      'brokerRegistration',
      {
        brokerId: nodeId,
        clusterId,
        incarnationId: this.#incarnationId,
        listeners: [...listeners],
        features: registeredFeatures(this.#options.unstableFeatures),
        rack,
        isMigratingZkBroker: false,
        logDirs: [...this.#options.logDirs()].sort(),
        previousBrokerEpoch,
      },
      REGISTRATION_VERSION,
    )
    if (errorCode !== 0)
      throw new ApiError(errorName(errorCode), `broker ${nodeId} could not register: ${errorName(errorCode)}`)
    this.#brokerEpoch = brokerEpoch
  }

  async registerController(): Promise<void> {
    const { controller, nodeId, controllerListeners } = this.#options
    const { errorCode = 0, errorMessage } = await controller.request(
      'controllerRegistration',
      {
        controllerId: nodeId,
        incarnationId: this.#incarnationId,
        zkMigrationReady: false,
        listeners: [...controllerListeners],
        features: registeredFeatures(this.#options.unstableFeatures),
      },
      CONTROLLER_REGISTRATION_VERSION,
    )
    if (errorCode !== 0)
      throw new ApiError(errorName(errorCode), `controller ${nodeId} could not register: ${errorMessage}`)
  }

  /** Asks until the controller lets this broker serve, then goes on telling that it is alive. */
  async unfence(): Promise<void> {
    while (await this.#heartbeat({ wantFence: false })) await this.#pause(SHUTDOWN_PAUSE_MS)
    this.#isBeating = true
    this.#scheduleHeartbeat()
  }

  /** Of a log dir that is among `offlineLogDirs` by now. */
  reportLogDirFailure(directoryId: string): void {
    // Who has not registered yet does so without it.
    if (this.#stopped || this.#brokerEpoch < 0) return
    const { world, logDirFailureTimeoutMs, onFailure } = this.#options
    const tooLate = world.clock.setTimer(logDirFailureTimeoutMs, () => {
      onFailure(new Error(`the controller could not be told that log dir ${directoryId} has failed`))
    })
    this.#untold.set(directoryId, tooLate)
    this.hurry()
  }

  /** Of a change that the controller is to hear of now, not only with the next heartbeat. */
  hurry(): void {
    if (this.#isBeating) this.#scheduleHeartbeat(0)
  }

  /** Hands leaderships over. Resolves when the controller says that this broker may go, or can't be asked. */
  async leave(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    for (const tooLate of this.#untold.values()) tooLate.cancel()
    if (this.#brokerEpoch < 0) return
    try {
      while (!(await this.#mayShutDown())) await this.#pause(SHUTDOWN_PAUSE_MS)
    } catch (error) {
      this.#options.world.logger.warn('could not leave the cluster in order', { error: error as Error })
    }
  }

  async #mayShutDown(): Promise<boolean> {
    const response = await this.#send({ wantFence: true, wantShutDown: true })
    return response.errorCode !== 0 || response.shouldShutDown === true
  }

  /** Whether the controller keeps this broker fenced. */
  async #heartbeat(wish: { wantFence: boolean }): Promise<boolean> {
    const response = await this.#send({ ...wish, wantShutDown: false })
    const { errorCode = 0, isFenced = true } = response
    if (errorCode === ErrorCode.STALE_BROKER_EPOCH || errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED) {
      await this.register()
      return true
    }
    if (errorCode !== 0)
      throw new ApiError(errorName(errorCode), `heartbeat of broker ${this.#options.nodeId}: ${errorName(errorCode)}`)
    return isFenced
  }

  async #send(wish: { wantFence: boolean; wantShutDown: boolean }) {
    const { controller, nodeId, metadataOffset } = this.#options
    const offlineLogDirs = [...this.#options.offlineLogDirs()]
    const response = await controller.request(
      'brokerHeartbeat',
      {
        brokerId: nodeId,
        brokerEpoch: this.#brokerEpoch,
        currentMetadataOffset: metadataOffset(),
        offlineLogDirs,
        cordonedLogDirs: [...this.#options.cordonedLogDirs()],
        ...wish,
      },
      HEARTBEAT_VERSION,
    )
    if ((response.errorCode ?? ErrorCode.NONE) === ErrorCode.NONE) this.#haveTold(offlineLogDirs)
    return response
  }

  #haveTold(directoryIds: readonly string[]): void {
    for (const id of directoryIds) {
      this.#untold.get(id)?.cancel()
      this.#untold.delete(id)
    }
  }

  #scheduleHeartbeat(delayMs = this.#options.heartbeatIntervalMs): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#options.world.clock.setTimer(delayMs, () => {
      this.#heartbeat({ wantFence: false })
        .catch(error => this.#options.world.logger.warn('heartbeat failed', { error }))
        .finally(() => this.#scheduleHeartbeat())
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#options.world.clock.setTimer(ms, resolve)
    })
  }
}
