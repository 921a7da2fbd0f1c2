/**
 * Client telemetry (KIP-714) as a whole: clients are told what the cluster wants to know of them, and what they push is
 * kept here and exported. In Apache Kafka what is pushed goes to a plugin, and without one the APIs are not there.
 */
import { CODECS, type Codec, decompress, ErrorCode, type Init, ProtocolError, ZERO_UUID } from '@ottla/protocol'
import type {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '@ottla/protocol/messages/get-telemetry-subscriptions'
import type { PushTelemetryRequest } from '@ottla/protocol/messages/push-telemetry'
import type { MetadataImage } from '../image/index.ts'
import { type ClientInstance, ClientInstances, type TelemetryCounters } from './client-instances.ts'
import { ClientSeries } from './client-series.ts'
import { dataPoints } from './otlp.ts'
import { OtlpError } from './protobuf.ts'
import { type ClientIdentity, type RefusedSubscription, Subscriptions } from './subscriptions.ts'

export interface Caller extends ClientIdentity {
  readonly connectionId: number
}

/** What a push holds, to be taken in; null: nothing, or an error. */
export interface Received {
  readonly errorCode: number
  readonly take: Generator<void, number> | null
}

const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ'
/** zstd, lz4, gzip, snappy: in Kafka's order. */
const ACCEPTED_COMPRESSION_TYPES = [4, 3, 1, 2]
/** Points that are taken in before others have their turn; a distribution is as much work as so many of the others. */
const POINTS_A_TURN = 500
const POINTS_OF_DISTRIBUTION = 20

export class ClientTelemetry {
  readonly series = new ClientSeries()
  readonly #subscriptions = new Subscriptions()
  readonly #instances: ClientInstances
  readonly #maxBytes: number
  readonly #newUuid: () => string

  constructor(maxBytes: number, newUuid: () => string) {
    this.#maxBytes = maxBytes
    this.#newUuid = newUuid
    this.#instances = new ClientInstances(this.#subscriptions, maxBytes)
  }

  get instanceCount(): number {
    return this.#instances.size
  }

  get counters(): TelemetryCounters {
    return this.#instances.counters
  }

  /** Subscriptions have changed. Returns those that can't be followed. */
  reload(image: MetadataImage): RefusedSubscription[] {
    return this.#subscriptions.reload(image)
  }

  onDisconnected(connectionId: number): void {
    this.#instances.onDisconnected(connectionId)
  }

  /** `nowMs`: wall clock, as everywhere here. */
  getSubscriptions(
    request: GetTelemetrySubscriptionsRequest,
    caller: Caller,
    nowMs: number,
  ): Init<typeof GetTelemetrySubscriptionsResponse> {
    const id = request.clientInstanceId === ZERO_UUID ? this.#unusedId() : request.clientInstanceId
    const instance = this.#instances.of(id, caller, caller.connectionId, nowMs)
    const errorCode = this.#instances.onGet(instance, nowMs)
    if (errorCode !== ErrorCode.NONE) return { errorCode }
    return {
      clientInstanceId: id,
      subscriptionId: instance.subscriptionId,
      acceptedCompressionTypes: ACCEPTED_COMPRESSION_TYPES,
      pushIntervalMs: instance.intervalMs,
      telemetryMaxBytes: this.#maxBytes,
      deltaTemporality: true,
      requestedMetrics: [...instance.metrics],
    }
  }

  #unusedId(): string {
    for (;;) {
      const id = this.#newUuid()
      if (!this.#instances.has(id)) return id
    }
  }

  /** `take` is to be run to its end, with others in between; it returns an error code. */
  push(request: PushTelemetryRequest, caller: Caller, nowMs: number): Received {
    const { clientInstanceId: id, subscriptionId, terminating, compressionType, metrics } = request
    if (id === ZERO_UUID || id === ONE_UUID) return { errorCode: ErrorCode.INVALID_REQUEST, take: null }
    const instance = this.#instances.of(id, caller, caller.connectionId, nowMs)
    const push = { subscriptionId, terminating, compressionType, sizeInBytes: metrics.length }
    const errorCode = this.#instances.onPush(instance, push, nowMs)
    if (errorCode !== ErrorCode.NONE || metrics.length === 0) return { errorCode, take: null }
    return { errorCode, take: this.#take(instance, CODECS[compressionType]!, metrics, nowMs) }
  }

  *#take(instance: ClientInstance, codec: Codec, metrics: Uint8Array, nowMs: number): Generator<void, number> {
    try {
      const bytes = decompress(codec, metrics, this.#maxBytes)
      this.series.expire(nowMs)
      this.series.touch(instance, nowMs)
      let points = 0
      for (const point of dataPoints(bytes)) {
        this.series.add(instance, point)
        points += typeof point?.value === 'number' ? 1 : POINTS_OF_DISTRIBUTION
        if (points < POINTS_A_TURN) continue
        points = 0
        yield
      }
      this.counters.pushes++
      return ErrorCode.NONE
    } catch (error) {
      if (!(error instanceof OtlpError || error instanceof ProtocolError)) throw error
      this.counters.errors++
      instance.lastError = ErrorCode.INVALID_RECORD
      return ErrorCode.INVALID_RECORD
    }
  }
}
