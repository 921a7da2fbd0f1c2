/** What can be set for one log: Kafka's topic configs, resolved to plain values by the broker. */

export type CleanupPolicy = 'delete' | 'compact'

/** Names are those of Kafka's topic configs in camel case; bytes and milliseconds as the names say. */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentJitterMs: number
  /** Bound of `.index` and of `.timeindex`, each; a full index rolls the segment. */
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  /** -1: no bound. */
  readonly retentionMs: number
  /** -1: no bound. */
  readonly retentionBytes: number
  /** An append that leaves this many records unflushed is flushed before it counts as written. Infinity: never. */
  readonly flushMessages: number
  /** Infinity: never. */
  readonly flushMs: number
  readonly fileDeleteDelayMs: number
  readonly preallocate: boolean
  readonly maxMessageBytes: number
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** May be empty: then nothing is deleted but what DeleteRecords gave up. */
  readonly cleanupPolicy: readonly CleanupPolicy[]
  /** A compacted log is cleaned when more than this part of it is dirty. */
  readonly minCleanableDirtyRatio: number
  /** How long a tombstone stays once it was cleaned. */
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  /** A log with a dirty record that is older is cleaned however little of it is dirty. */
  readonly maxCompactionLagMs: number
}

/** Kafka's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = {
  segmentBytes: 1024 ** 3,
  segmentMs: 7 * 24 * 60 * 60 * 1000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  retentionMs: 7 * 24 * 60 * 60 * 1000,
  retentionBytes: -1,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  fileDeleteDelayMs: 60_000,
  preallocate: false,
  maxMessageBytes: 1024 * 1024 + 12,
  messageTimestampType: 'CreateTime',
  cleanupPolicy: ['delete'],
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 24 * 60 * 60 * 1000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
}
