/**
 * What clients use of one thing that is limited: bytes, time of the broker, changes of partitions. Nothing is measured of
 * whom no limit is set for, and nothing at all while there are no limits.
 */
import type { QuotaEntityPart } from '../image/index.ts'
import { Limits } from './limits.ts'
import { type QuotaWindow, TokenBucket, WindowedRate } from './rate.ts'

/** Who is not seen for so long begins anew, as in Kafka. */
const FORGET_MS = 3_600_000
/** Clients may name themselves as they like: of more of them than this, those not seen for longest begin anew. */
const MAX_MEASURED = 100_000

/** Who asks: its principal's name, and what it calls itself. */
export interface QuotaClient {
  readonly user: string
  readonly clientId: string
}

/** By whom, in the order in which they were last seen. */
class Measured<T> {
  readonly #make: () => T
  readonly #all = new Map<string, { readonly measure: T; seenMs: number }>()

  constructor(make: () => T) {
    this.#make = make
  }

  get(key: string, nowMs: number): T {
    const known = this.#all.get(key)
    if (known) this.#all.delete(key)
    const entry = known && nowMs - known.seenMs < FORGET_MS ? known : { measure: this.#make(), seenMs: nowMs }
    entry.seenMs = nowMs
    this.#all.set(key, entry)
    this.#forget(nowMs)
    return entry.measure
  }

  /** One or two at a time: each that is added finds those that are to go at the front. */
  #forget(nowMs: number): void {
    for (const [key, { seenMs }] of this.#all) {
      if (this.#all.size <= MAX_MEASURED && nowMs - seenMs < FORGET_MS) return
      this.#all.delete(key)
    }
  }
}

export interface RateQuotaOptions {
  readonly window: QuotaWindow
  /** Infinity: as long as it takes. */
  readonly maxPauseMs: number
}

/** Of bytes a second, or percent of a second. */
export class RateQuota {
  readonly #limits = new Limits()
  readonly #options: RateQuotaOptions
  readonly #rates: Measured<WindowedRate>

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
    const rate = this.#rates.get(allowance.key, nowMs)
    rate.record(value, nowMs)
    return Math.min(rate.pauseMs(allowance.limit, nowMs), this.#options.maxPauseMs)
  }

  /** What was recorded, and then did not happen. */
  unrecord({ user, clientId }: QuotaClient, value: number, nowMs: number): void {
    const allowance = this.#limits.of(user, clientId)
    if (allowance) this.#rates.get(allowance.key, nowMs).record(-value, nowMs)
  }

  /** More than this at once is too much, whatever was before; Infinity without a limit. */
  mostAtOnce({ user, clientId }: QuotaClient): number {
    const allowance = this.#limits.of(user, clientId)
    const { count, sizeMs } = this.#options.window
    return allowance ? (allowance.limit * (count - 1) * sizeMs) / 1000 : Number.POSITIVE_INFINITY
  }
}

/** What one request is granted of partitions to make or to delete. */
export interface PartitionQuota {
  /** False: too many were, and these must not be. */
  spend(partitions: number, nowMs: number): boolean
  /** For how long the client is not to be heard, as seen now. */
  pauseMs(nowMs: number): number
}

export const UNLIMITED: PartitionQuota = { spend: () => true, pauseMs: () => 0 }

/** Of partitions a second (KIP-599). */
export class TokenQuota {
  readonly #limits = new Limits()
  readonly #buckets: Measured<TokenBucket>

  constructor(window: QuotaWindow) {
    this.#buckets = new Measured(() => new TokenBucket(window))
  }

  setLimit(entity: readonly QuotaEntityPart[], limit: number | null): void {
    this.#limits.set(entity, limit)
  }

  /** Not `isStrict`: for clients that do not know the error. What they do counts, and they are not heard for a while. */
  forRequest({ user, clientId }: QuotaClient, isStrict: boolean, nowMs: number): PartitionQuota {
    const allowance = this.#limits.of(user, clientId)
    if (!allowance) return UNLIMITED
    const { limit } = allowance
    const bucket = this.#buckets.get(allowance.key, nowMs)
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
        if (!isStrict) note(bucket.pauseMs(limit, atMs), atMs)
        return true
      },
      pauseMs: atMs => Math.max(0, Math.round(pause - (atMs - sinceMs))),
    }
  }
}
