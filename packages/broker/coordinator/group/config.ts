/** What the broker's configuration says about groups, in the units that the code counts in. */
export interface GroupConfig {
  /** group.min.session.timeout.ms */
  readonly minSessionTimeoutMs: number
  /** group.max.session.timeout.ms */
  readonly maxSessionTimeoutMs: number
  /** group.max.size */
  readonly maxSize: number
  /** group.streams.max.size */
  readonly streamsMaxSize: number
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number
  /** offset.metadata.max.bytes; compared with the number of characters, as in Kafka. */
  readonly offsetMetadataMaxBytes: number
  /** offsets.retention.minutes */
  readonly offsetsRetentionMs: number
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number
  readonly consumer: ConsumerGroupConfig
  /** group.share.max.size */
  readonly shareMaxSize: number
  /** group.share.initialize.retry.interval.ms */
  readonly shareInitializeRetryMs: number
}

/** Of groups of the consumer protocol; what a group may set for itself is not here. */
export interface ConsumerGroupConfig {
  /** group.consumer.assignors; the first one serves members that choose none. */
  readonly assignors: readonly string[]
  /** group.consumer.max.size */
  readonly maxSize: number
  /** group.consumer.migration.policy */
  readonly allowsUpgrade: boolean
  readonly allowsDowngrade: boolean
  /** group.consumer.regex.refresh.interval.ms */
  readonly regexRefreshIntervalMs: number
}

/**
 * How long a member that has just joined may take to come back, if the rebalance has not completed by then. It does not
 * know its id and sends no heartbeats; a client that has gone would otherwise stay a member until the rebalance ends.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000
