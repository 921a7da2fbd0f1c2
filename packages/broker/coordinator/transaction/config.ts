/** What the broker's configuration says about transactions. */
export interface TransactionConfig {
  /** transactional.id.expiration.ms */
  readonly idExpirationMs: number
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms */
  readonly abortCheckIntervalMs: number
  /** transaction.remove.expired.transaction.cleanup.interval.ms */
  readonly expiryCheckIntervalMs: number
}
