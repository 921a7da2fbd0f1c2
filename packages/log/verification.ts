/**
 * A broker that verifies transactions asks the coordinator whether a producer's transaction is open before the first
 * batch of it is appended (KIP-890). The guard ties that answer to this one attempt: one that was handed out before
 * an abort marker was written is of no use after it.
 */
export class VerificationGuard {
  readonly producerId: number

  constructor(producerId: number) {
    this.producerId = producerId
  }
}

/** From the first attempt to verify until the first batch or the marker is appended. */
export class VerificationEntry {
  readonly guard: VerificationGuard
  readonly startedMs: number
  /** The producer uses transaction version 2: a new epoch for each transaction. */
  readonly supportsEpochBump: boolean
  epoch: number
  /** A producer may have several requests in flight, and the one with the lowest sequence must come first. */
  lowestSequence: number

  constructor(producerId: number, epoch: number, sequence: number, supportsEpochBump: boolean, nowMs: number) {
    this.guard = new VerificationGuard(producerId)
    this.startedMs = nowMs
    this.supportsEpochBump = supportsEpochBump
    this.epoch = epoch
    this.lowestSequence = sequence
  }

  seen(epoch: number, sequence: number): void {
    if (epoch === this.epoch) this.lowestSequence = Math.min(this.lowestSequence, sequence)
    if (epoch <= this.epoch) return
    this.epoch = epoch
    this.lowestSequence = sequence
  }
}
