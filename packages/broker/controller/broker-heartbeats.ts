/**
 * Which brokers are alive, as far as the active controller knows: soft state that is built anew at each activation. A
 * broker whose session is over is fenced. Also how far each broker has read the metadata log, because a broker that
 * shuts down may leave only when the others know that it leads nothing any more.
 */
import type { BrokerRegistration } from '../image/index.ts'

export type BrokerState = 'fenced' | 'unfenced' | 'controlled-shutdown' | 'shutdown-now'

/** What a heartbeat asks for. */
export interface HeartbeatWish {
  readonly wantFence: boolean
  readonly wantShutDown: boolean
  readonly currentMetadataOffset: number
}

interface Liveness {
  readonly brokerId: number
  readonly brokerEpoch: number
  fenced: boolean
  /** Monotonic; null: no session, it was never heard of in this epoch. */
  contactMs: number | null
  /** Last offset that it has read; -1 if it has not said. */
  metadataOffset: number
  /** Once all active brokers have read up to here, it may leave; -1: it is not shutting down. */
  controlledShutdownOffset: number
}

export class BrokerHeartbeats {
  readonly #sessionTimeoutMs: number
  readonly #brokers = new Map<number, Liveness>()

  constructor(sessionTimeoutMs: number) {
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** At activation: a broker that is not fenced gets one session timeout to be heard of. */
  activate(registrations: Iterable<BrokerRegistration>, nowMs: number): void {
    this.#brokers.clear()
    for (const broker of registrations) {
      this.register(broker)
      if (!broker.fenced) this.contact(broker.id, broker.epoch, nowMs)
    }
  }

  deactivate(): void {
    this.#brokers.clear()
  }

  /** As a record was replayed: a new incarnation begins without a session. */
  register({ id, epoch, fenced }: BrokerRegistration): void {
    const known = this.#brokers.get(id)
    if (known?.brokerEpoch === epoch) {
      known.fenced = fenced
      if (fenced) known.controlledShutdownOffset = -1
      return
    }
    const fresh = { contactMs: null, metadataOffset: -1, controlledShutdownOffset: -1 }
    this.#brokers.set(id, { brokerId: id, brokerEpoch: epoch, fenced, ...fresh })
  }

  remove(brokerId: number): void {
    this.#brokers.delete(brokerId)
  }

  contact(brokerId: number, brokerEpoch: number, nowMs: number): void {
    const broker = this.#brokers.get(brokerId)
    if (broker?.brokerEpoch === brokerEpoch) broker.contactMs = nowMs
  }

  hasSession(brokerId: number, brokerEpoch: number, nowMs: number): boolean {
    const broker = this.#brokers.get(brokerId)
    return (
      broker?.brokerEpoch === brokerEpoch && broker.contactMs !== null && this.#expiresMs(broker.contactMs) >= nowMs
    )
  }

  /** Infinity if no session can end. */
  nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { fenced, contactMs } of this.#brokers.values()) {
      if (!fenced && contactMs !== null) next = Math.min(next, this.#expiresMs(contactMs) + 1)
    }
    return next
  }

  /** One broker that is to be fenced now because it was not heard of in time; null: none. */
  takeExpired(nowMs: number): number | null {
    for (const broker of this.#brokers.values()) {
      if (broker.fenced || broker.contactMs === null || this.#expiresMs(broker.contactMs) >= nowMs) continue
      broker.contactMs = null
      broker.fenced = true
      broker.controlledShutdownOffset = -1
      return broker.brokerId
    }
    return null
  }

  isShuttingDown(brokerId: number): boolean {
    return (this.#brokers.get(brokerId)?.controlledShutdownOffset ?? -1) >= 0
  }

  /** What the broker becomes, from what it is and what it wants. */
  nextState(
    brokerId: number,
    wish: HeartbeatWish,
    registrationOffset: number,
    hasLeaderships: boolean,
  ): { readonly current: BrokerState; readonly next: BrokerState } {
    const broker = this.#known(brokerId)
    if (broker.controlledShutdownOffset >= 0) {
      const mayLeave = !hasLeaderships && broker.controlledShutdownOffset <= this.#lowestActiveOffset()
      return { current: 'controlled-shutdown', next: mayLeave ? 'shutdown-now' : 'controlled-shutdown' }
    }
    if (broker.fenced) {
      if (wish.wantShutDown) return { current: 'fenced', next: 'shutdown-now' }
      const isReady = !wish.wantFence && wish.currentMetadataOffset >= registrationOffset
      return { current: 'fenced', next: isReady ? 'unfenced' : 'fenced' }
    }
    if (wish.wantFence) return { current: 'unfenced', next: wish.wantShutDown ? 'shutdown-now' : 'fenced' }
    if (!wish.wantShutDown) return { current: 'unfenced', next: 'unfenced' }
    return { current: 'unfenced', next: hasLeaderships ? 'controlled-shutdown' : 'shutdown-now' }
  }

  /** After `nextState`. `shutdownOffset`: last offset of the records that move its leaderships away. */
  advance(brokerId: number, next: BrokerState, metadataOffset: number, shutdownOffset: number): void {
    const broker = this.#known(brokerId)
    broker.metadataOffset = metadataOffset
    broker.fenced = next === 'fenced' || next === 'shutdown-now'
    if (broker.fenced) broker.controlledShutdownOffset = -1
    else if (next === 'controlled-shutdown' && broker.controlledShutdownOffset < 0) {
      broker.controlledShutdownOffset = shutdownOffset
    }
  }

  #lowestActiveOffset(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const { fenced, controlledShutdownOffset, metadataOffset } of this.#brokers.values()) {
      if (!fenced && controlledShutdownOffset < 0) lowest = Math.min(lowest, metadataOffset)
    }
    return lowest
  }

  #expiresMs(contactMs: number): number {
    return contactMs + this.#sessionTimeoutMs
  }

  #known(brokerId: number): Liveness {
    const broker = this.#brokers.get(brokerId)
    if (!broker) throw new Error(`no heartbeats are kept for broker ${brokerId}`)
    return broker
  }
}
