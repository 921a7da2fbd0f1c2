/**
 * The clients that tell of themselves (KIP-714): who they are, what they are asked for, and when they may come again. Kafka's
 * answers to everything; what is done with the metrics is not here.
 *
 * Pure: time is passed in, ids are made by whoever calls. Nothing here survives the process: a client that is not known has
 * its subscription id all the same, as that follows from what it is asked for and from its own id.
 */
import { crc32c, ErrorCode } from '@ottla/protocol'
import type { ClientIdentity, Demand, Subscriptions } from './subscriptions.ts'

export interface ClientInstance extends Demand {
  readonly id: string
  readonly client: ClientIdentity
  readonly connectionId: number
  readonly subscriptionId: number
  readonly subscriptionVersion: number
  lastGetMs: number
  lastPushMs: number
  /** It has said that it will not push again. */
  isTerminating: boolean
  lastError: number
  /** Last heard of. */
  seenMs: number
}

export interface Push {
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly sizeInBytes: number
}

export class TelemetryCounters {
  unknownSubscriptions = 0
  throttled = 0
  pushes = 0
  errors = 0
}

/** Kafka's bound. Who was heard of least lately has to go. */
const MAX_INSTANCES = 16_384
const MIN_KEEP_MS = 60_000
const KEEP_INTERVALS = 3
const SWEEP_MS = 10_000
const MAX_COMPRESSION_TYPE = 4

export class ClientInstances {
  readonly counters = new TelemetryCounters()
  readonly #subscriptions: Subscriptions
  readonly #maxBytes: number
  /** In the order in which they were heard of last. */
  readonly #instances = new Map<string, ClientInstance>()
  readonly #byConnection = new Map<number, string>()
  #sweptMs = Number.NEGATIVE_INFINITY

  constructor(subscriptions: Subscriptions, maxBytes: number) {
    this.#subscriptions = subscriptions
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#instances.size
  }

  has(id: string): boolean {
    return this.#instances.has(id)
  }

  /** Made if it is not known. `nowMs`: wall clock. */
  of(id: string, client: ClientIdentity, connectionId: number, nowMs: number): ClientInstance {
    this.#sweep(nowMs)
    const known = this.#instances.get(id)
    const isCurrent = known?.subscriptionVersion === this.#subscriptions.version
    const instance = isCurrent ? known : this.#make(id, known?.client ?? client, connectionId)
    instance.seenMs = nowMs
    this.#instances.delete(id)
    this.#instances.set(id, instance)
    if (this.#instances.size > MAX_INSTANCES) this.#remove(this.#instances.values().next().value!)
    return instance
  }

  #make(id: string, client: ClientIdentity, connectionId: number): ClientInstance {
    const demand = this.#subscriptions.demandOf(id, client)
    this.#byConnection.set(connectionId, id)
    return {
      ...demand,
      id,
      client,
      connectionId,
      subscriptionId: subscriptionId(demand, id),
      subscriptionVersion: this.#subscriptions.version,
      lastGetMs: Number.NEGATIVE_INFINITY,
      lastPushMs: Number.NEGATIVE_INFINITY,
      isTerminating: false,
      lastError: ErrorCode.NONE,
      seenMs: 0,
    }
  }

  /** Returns an error code. After an error that a new subscription mends a client may ask at once. */
  onGet(instance: ClientInstance, nowMs: number): number {
    const isDue = nowMs - Math.max(instance.lastGetMs, instance.lastPushMs) >= instance.intervalMs
    const { lastError } = instance
    if (isDue) instance.lastGetMs = nowMs
    else if (lastError !== ErrorCode.UNKNOWN_SUBSCRIPTION_ID && lastError !== ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) {
      this.counters.throttled++
      return ErrorCode.THROTTLING_QUOTA_EXCEEDED
    }
    instance.lastError = ErrorCode.NONE
    return ErrorCode.NONE
  }

  /** Returns an error code. */
  onPush(instance: ClientInstance, push: Push, nowMs: number): number {
    const errorCode = this.#checkPush(instance, push, nowMs)
    instance.lastError = errorCode
    instance.isTerminating = push.terminating
    return errorCode
  }

  #checkPush(instance: ClientInstance, push: Push, nowMs: number): number {
    if (instance.isTerminating) return ErrorCode.INVALID_REQUEST
    // The first one comes when the client likes, so that not all push at the same time.
    const isDue = instance.lastGetMs > instance.lastPushMs || nowMs - instance.lastPushMs >= instance.intervalMs
    if (isDue) instance.lastPushMs = nowMs
    else if (!push.terminating) {
      this.counters.throttled++
      return ErrorCode.THROTTLING_QUOTA_EXCEEDED
    }
    if (push.subscriptionId !== instance.subscriptionId) {
      this.counters.unknownSubscriptions++
      return ErrorCode.UNKNOWN_SUBSCRIPTION_ID
    }
    if (push.compressionType < 0 || push.compressionType > MAX_COMPRESSION_TYPE)
      return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    return push.sizeInBytes > this.#maxBytes ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.NONE
  }

  onDisconnected(connectionId: number): void {
    const id = this.#byConnection.get(connectionId)
    if (id === undefined) return
    this.#byConnection.delete(connectionId)
    this.#instances.delete(id)
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return
    this.#sweptMs = nowMs
    for (const instance of [...this.#instances.values()]) {
      if (nowMs - instance.seenMs > keepMs(instance)) this.#remove(instance)
    }
  }

  #remove({ id, connectionId }: ClientInstance): void {
    this.#instances.delete(id)
    this.#byConnection.delete(connectionId)
  }
}

/** How long a client is remembered that does not come again. */
export function keepMs({ intervalMs }: Demand): number {
  return Math.max(MIN_KEEP_MS, KEEP_INTERVALS * intervalMs)
}

/**
 * As Kafka computes it, where the metrics are asked for in one order: a client that goes from one broker to another need
 * not ask anew.
 */
export function subscriptionId({ metrics, intervalMs }: Demand, clientInstanceId: string): number {
  const text = new TextEncoder().encode(`[${metrics.join(', ')}]${intervalMs}`)
  return (crc32c(text) ^ javaHash(clientInstanceId)) | 0
}

/** Of Kafka's Uuid: its four words, one over the other. */
function javaHash(uuid: string): number {
  const bytes = Buffer.from(uuid, 'base64url')
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
}
