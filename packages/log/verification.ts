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
