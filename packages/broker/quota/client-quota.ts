/**
 * What clients use of one thing that is limited: bytes, time of the broker, changes of partitions. Nothing is measured of
 * whom no limit is set for, and nothing at all while there are no limits.
 */

import type { QuotaEntityPart } from '../image/index.ts'
import type { Windows } from '../metrics/index.ts'
import { type Allowance, Limits } from './limits.ts'
import { type Entry, Measured } from './measured.ts'
import { type QuotaWindow, TokenBucket, WindowedRate } from './rate.ts'

/** Who asks: its principal's name, and what it calls itself. */
export interface QuotaClient {
  readonly user: string
  readonly clientId: string
}

/** Clients that were not heard for a while, and those that are not at the moment. */
export class ThrottleCount {
  total = 0
  now = 0
}

/** One of those that are measured, as it is at the moment. */
export interface QuotaReading {
  /** null: users are not told apart; as with client ids. */
  readonly user: string | null
  readonly clientId: string | null
  /** Of what is limited, a second. */
  readonly rate: number
  /** null: nothing is held in store. */
  readonly tokens: number | null
  /** For how long it was not heard on the average; null: it has always been. */
  readonly throttleTimeMs: number | null
}

/** What all quotas of clients have in common. */
export interface ClientQuota {
  readonly throttles: ThrottleCount
  setLimit(entity: readonly QuotaEntityPart[], limit: number | null): void
  /** The client is not heard for so long, because of this quota. */
  onThrottled(client: QuotaClient, ms: number, nowMs: number): void
  measuredCount(nowMs: number): number
  /** Of a thousand of them at most. */
  readings(nowMs: number): QuotaReading[]
}

export interface RateQuotaOptions {
  readonly window: QuotaWindow
  /** Infinity: as long as it takes. */
  readonly maxPauseMs: number
  /** Of what is only shown. */
  readonly metricsWindows: Windows
}

/** Of bytes a second, or percent of a second. */
export class RateQuota implements ClientQuota {
  readonly throttles = new ThrottleCount()
  readonly #limits = new Limits()
  readonly #options: RateQuotaOptions
  readonly #rates: Measured<WindowedRate, Allowance>

  constructor(options: RateQuotaOptions) {
    this.#options = options
    this.#rates = new Measured(() => new WindowedRate(options.window))
  }

  get isEnabled(): boolean {
    return !this.#limits.isEmpty
  }

  setLimit(entity: readonly QuotaEntityPart[], limit: number | null): void {
    this.#limits.set(entity, limit)
  }

  /** For how long the client is not to be heard. */
  record({ user, clientId }: QuotaClient, value: number, nowMs: number): number {
    const allowance = this.#limits.of(user, clientId)
    if (!allowance) return 0
    const { measure } = this.#rates.get(allowance, nowMs)
    measure.record(value, nowMs)
    return Math.min(measure.pauseMs(allowance.limit, nowMs), this.#options.maxPauseMs)
  }

  /** What was recorded, and then did not happen. */
  unrecord({ user, clientId }: QuotaClient, value: number, nowMs: number): void {
    const allowance = this.#limits.of(user, clientId)
    if (allowance) this.#rates.get(allowance, nowMs).measure.record(-value, nowMs)
  }

  /** More than this at once is too much, whatever was before; Infinity without a limit. */
  mostAtOnce({ user, clientId }: QuotaClient): number {
    const allowance = this.#limits.of(user, clientId)
    const { count, sizeMs } = this.#options.window
    return allowance ? (allowance.limit * (count - 1) * sizeMs) / 1000 : Number.POSITIVE_INFINITY
  }

  onThrottled(client: QuotaClient, ms: number, nowMs: number): void {
    this.throttles.total++
    const allowance = this.#limits.of(client.user, client.clientId)
    if (allowance) this.#rates.get(allowance, nowMs).onThrottled(ms, this.#options.metricsWindows, nowMs)
  }

  measuredCount(nowMs: number): number {
    return this.#rates.count(nowMs)
  }

  readings(nowMs: number): QuotaReading[] {
    return this.#rates.shown(nowMs).map(entry => reading(entry, entry.measure.observe(nowMs), null, nowMs))
  }
}

function reading<T>(entry: Entry<T, Allowance>, rate: number, tokens: number | null, nowMs: number): QuotaReading {
  const { user, clientId } = entry.who
  return { user, clientId, rate, tokens, throttleTimeMs: entry.throttleTimeMs(nowMs) }
}

/** What one request is granted of partitions to make or to delete. */
export interface PartitionQuota {
  /** False: too many were, and these must not be. */
  spend(partitions: number, nowMs: number): boolean
  /** For how long the client is not to be heard, as seen now. */
  pauseMs(nowMs: number): number
}

export const UNLIMITED: PartitionQuota = { spend: () => true, pauseMs: () => 0 }

/** What a client may change, and what it has changed. */
interface Mutations {
  readonly bucket: TokenBucket
  readonly rate: WindowedRate
}

/** Of partitions a second (KIP-599). */
export class TokenQuota implements ClientQuota {
  readonly throttles = new ThrottleCount()
  readonly #limits = new Limits()
  readonly #clients: Measured<Mutations, Allowance>
  readonly #metricsWindows: Windows

  constructor(window: QuotaWindow, metricsWindows: Windows) {
    this.#metricsWindows = metricsWindows
    const { count, lengthMs: sizeMs } = metricsWindows
    this.#clients = new Measured(() => ({
      bucket: new TokenBucket(window),
      rate: new WindowedRate({ count, sizeMs }),
    }))
  }

  setLimit(entity: readonly QuotaEntityPart[], limit: number | null): void {
    this.#limits.set(entity, limit)
  }

  /** Not `isStrict`: for clients that do not know the error. What they do counts, and they are not heard for a while. */
  forRequest({ user, clientId }: QuotaClient, isStrict: boolean, nowMs: number): PartitionQuota {
    const allowance = this.#limits.of(user, clientId)
    if (!allowance) return UNLIMITED
    const { limit } = allowance
    const { bucket, rate } = this.#clients.get(allowance, nowMs).measure
    let pause = 0
    let sinceMs = 0
    const note = (pauseMs: number, atMs: number) => {
      if (pauseMs === 0) return
      pause = pauseMs
      sinceMs = atMs
    }
    return {
      spend(partitions, atMs) {
        if (isStrict) {
          const missing = bucket.pauseMs(limit, atMs)
          note(missing, atMs)
          if (missing > 0) return false
        }
        bucket.take(partitions, limit, atMs)
        rate.record(partitions, atMs)
        if (!isStrict) note(bucket.pauseMs(limit, atMs), atMs)
        return true
      },
      pauseMs: atMs => Math.max(0, Math.round(pause - (atMs - sinceMs))),
    }
  }

  onThrottled(client: QuotaClient, ms: number, nowMs: number): void {
    this.throttles.total++
    const allowance = this.#limits.of(client.user, client.clientId)
    if (allowance) this.#clients.get(allowance, nowMs).onThrottled(ms, this.#metricsWindows, nowMs)
  }

  measuredCount(nowMs: number): number {
    return this.#clients.count(nowMs)
  }

  readings(nowMs: number): QuotaReading[] {
    return this.#clients.shown(nowMs).map(entry => {
      const { bucket, rate } = entry.measure
      return reading(entry, rate.observe(nowMs), bucket.tokensAt(entry.who.limit, nowMs), nowMs)
    })
  }
}
