/**
 * How many connections there may be at one time (all, on a listener, from an address) and how fast they may come (all, on a
 * listener, from an address). Who is one too many in all, or comes too fast, has to wait; who is one too many from an
 * address is turned away.
 *
 * The listener by which brokers talk to each other is not kept shut by the others, where there are others.
 */
import { type QuotaWindow, WindowedRate } from './rate.ts'

export interface ListenerLimits {
  readonly maxConnections: number
  /** A second. */
  readonly maxCreationRate: number
}

export interface ConnectionLimits extends ListenerLimits {
  readonly maxConnectionsPerIp: number
  /** By address. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** By name; of those that are not here, what counts for all. */
  readonly listeners: ReadonlyMap<string, ListenerLimits>
}

/** Connections a second of one address. */
export interface IpRates {
  readonly default: number
  readonly byAddress: ReadonlyMap<string, number>
}

export interface ConnectionQuotaOptions {
  readonly window: QuotaWindow
  /** null: there is none that is better than the others. */
  readonly protectedListener: string | null
}

/** How many addresses are measured at most; those seen last are forgotten last. */
const MAX_ADDRESSES = 100_000

export class ConnectionQuotas {
  readonly #options: ConnectionQuotaOptions
  #limits: ConnectionLimits
  #ipRates: IpRates = { default: Number.POSITIVE_INFINITY, byAddress: new Map() }
  #count = 0
  readonly #byListener = new Map<string, number>()
  readonly #byAddress = new Map<string, number>()
  readonly #rate: WindowedRate
  readonly #listenerRates = new Map<string, WindowedRate>()
  readonly #addressRates = new Map<string, WindowedRate>()

  constructor(limits: ConnectionLimits, options: ConnectionQuotaOptions) {
    this.#limits = limits
    this.#options = options
    this.#rate = new WindowedRate(options.window)
  }

  /** Who is connected stays. */
  set limits(limits: ConnectionLimits) {
    this.#limits = limits
  }

  set ipRates(rates: IpRates) {
    this.#ipRates = rates
  }

  hasRoom(listener: string): boolean {
    if ((this.#byListener.get(listener) ?? 0) >= this.#limitsOf(listener).maxConnections) return false
    return this.#isProtected(listener) || this.#count < this.#limits.maxConnections
  }

  /** The protected listener has taken more than there is room for: one of the others has to go. */
  get isOverfull(): boolean {
    return this.#count > this.#limits.maxConnections
  }

  isProtected(listener: string): boolean {
    return this.#isProtected(listener)
  }

  /** Somebody comes. For how long they have to wait, and all behind them on this listener. */
  arrive(listener: string, nowMs: number): number {
    const ofListener = this.#pauseMs(this.#listenerRate(listener), this.#limitsOf(listener).maxCreationRate, nowMs)
    if (this.#isProtected(listener)) return ofListener
    return Math.max(ofListener, this.#pauseMs(this.#rate, this.#limits.maxCreationRate, nowMs))
  }

  /** For how long an address that comes too fast is not to be let go; 0: it may come. Who may not has not come. */
  delayOf(listener: string, address: string, nowMs: number): number {
    const limit = this.#ipRates.byAddress.get(address) ?? this.#ipRates.default
    if (limit === Number.POSITIVE_INFINITY) return 0
    const rate = this.#addressRate(address)
    const delayMs = this.#pauseMs(rate, limit, nowMs)
    if (delayMs === 0) return 0
    rate.record(-1, nowMs)
    this.#listenerRate(listener).record(-1, nowMs)
    if (!this.#isProtected(listener)) this.#rate.record(-1, nowMs)
    return delayMs
  }

  /** False: there are too many from this address. To be given back with `release`. */
  take(listener: string, address: string): boolean {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#limits
    const fromAddress = this.#byAddress.get(address) ?? 0
    if (fromAddress >= (maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp)) return false
    this.#byAddress.set(address, fromAddress + 1)
    this.#byListener.set(listener, (this.#byListener.get(listener) ?? 0) + 1)
    this.#count++
    return true
  }

  release(listener: string, address: string): void {
    this.#count--
    this.#byListener.set(listener, this.#byListener.get(listener)! - 1)
    const left = this.#byAddress.get(address)! - 1
    if (left === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, left)
  }

  #isProtected(listener: string): boolean {
    return listener === this.#options.protectedListener
  }

  #limitsOf(listener: string): ListenerLimits {
    return this.#limits.listeners.get(listener) ?? this.#limits
  }

  #pauseMs(rate: WindowedRate, limit: number, nowMs: number): number {
    rate.record(1, nowMs)
    return Math.min(rate.pauseMs(limit, nowMs), this.#options.window.sizeMs)
  }

  #listenerRate(listener: string): WindowedRate {
    const known = this.#listenerRates.get(listener)
    if (known) return known
    const rate = new WindowedRate(this.#options.window)
    this.#listenerRates.set(listener, rate)
    return rate
  }

  #addressRate(address: string): WindowedRate {
    const rate = this.#addressRates.get(address) ?? new WindowedRate(this.#options.window)
    this.#addressRates.delete(address)
    this.#addressRates.set(address, rate)
    if (this.#addressRates.size > MAX_ADDRESSES) this.#addressRates.delete(this.#addressRates.keys().next().value!)
    return rate
  }
}
