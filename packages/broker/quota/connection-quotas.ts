/**
 * How many connections there may be at one time (all, on a listener, from an address) and how fast they may come (all, on a
 * listener, from an address). Who is one too many in all, or comes too fast, has to wait; who is one too many from an
 * address is turned away.
 *
 * The listener by which brokers talk to each other is not kept shut by the others, where there are others.
 */
import { WindowedValues, type Windows } from '../metrics/index.ts'
import { type Identity, Measured } from './measured.ts'
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
  /** Of what is only shown. */
  readonly metricsWindows: Windows
  /** null: there is none that is better than the others. */
  readonly protectedListener: string | null
}

/** How connections have come lately on one listener. */
export interface AcceptReading {
  readonly listener: string
  /** A second. */
  readonly rate: number
  /** For how long those had to wait on the average that had to: because too many came, or too many from an address. */
  readonly throttleTimeMs: number
  readonly ipThrottleTimeMs: number
}

class ListenerMeasures {
  readonly rate: WindowedRate
  readonly pauses: WindowedValues
  readonly ipPauses: WindowedValues

  constructor({ window, metricsWindows }: ConnectionQuotaOptions) {
    this.rate = new WindowedRate(window)
    this.pauses = new WindowedValues(metricsWindows)
    this.ipPauses = new WindowedValues(metricsWindows)
  }
}

export class ConnectionQuotas {
  readonly #options: ConnectionQuotaOptions
  #limits: ConnectionLimits
  #ipRates: IpRates = { default: Number.POSITIVE_INFINITY, byAddress: new Map() }
  #count = 0
  readonly #byListener = new Map<string, number>()
  readonly #byAddress = new Map<string, number>()
  readonly #rate: WindowedRate
  readonly #listeners = new Map<string, ListenerMeasures>()
  /** By address; of those only that may not come as they like. */
  readonly #addressRates: Measured<WindowedRate, Identity>

  constructor(limits: ConnectionLimits, options: ConnectionQuotaOptions) {
    this.#limits = limits
    this.#options = options
    this.#rate = new WindowedRate(options.window)
    this.#addressRates = new Measured(() => new WindowedRate(options.window))
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
    const { rate, pauses } = this.#listener(listener)
    let pauseMs = this.#pauseMs(rate, this.#limitsOf(listener).maxCreationRate, nowMs)
    if (!this.#isProtected(listener))
      pauseMs = Math.max(pauseMs, this.#pauseMs(this.#rate, this.#limits.maxCreationRate, nowMs))
    if (pauseMs > 0) pauses.record(pauseMs, nowMs)
    return pauseMs
  }

  /** For how long an address that comes too fast is not to be let go; 0: it may come. Who may not has not come. */
  delayOf(listener: string, address: string, nowMs: number): number {
    const limit = this.#ipRates.byAddress.get(address) ?? this.#ipRates.default
    if (limit === Number.POSITIVE_INFINITY) return 0
    const rate = this.#addressRates.get({ key: address }, nowMs).measure
    const delayMs = this.#pauseMs(rate, limit, nowMs)
    if (delayMs === 0) return 0
    rate.record(-1, nowMs)
    const measures = this.#listener(listener)
    measures.rate.record(-1, nowMs)
    measures.ipPauses.record(delayMs, nowMs)
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

  #listener(name: string): ListenerMeasures {
    const known = this.#listeners.get(name)
    if (known) return known
    const measures = new ListenerMeasures(this.#options)
    this.#listeners.set(name, measures)
    return measures
  }

  // ------------------------------------------------------------------------------------------------ for who watches

  /** Of all listeners but the protected one, a second. */
  acceptRate(nowMs: number): number {
    return this.#rate.observe(nowMs)
  }

  byListener(nowMs: number): AcceptReading[] {
    return Array.from(this.#listeners, ([listener, { rate, pauses, ipPauses }]) => ({
      listener,
      rate: rate.observe(nowMs),
      throttleTimeMs: pauses.average(nowMs),
      ipThrottleTimeMs: ipPauses.average(nowMs),
    }))
  }

  /** A second; of a thousand addresses at most. */
  byAddress(nowMs: number): { readonly address: string; readonly rate: number }[] {
    return this.#addressRates.shown(nowMs).map(({ who, measure }) => ({
      address: who.key,
      rate: measure.observe(nowMs),
    }))
  }
}
