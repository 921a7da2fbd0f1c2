/** What the cleaner as a whole goes by: Kafka's `log.cleaner.*`, resolved by the broker. All of it may change at any time. */
export interface CleanerConfig {
  /** False: compacted logs only grow. Cannot change. */
  readonly enable: boolean
  /** How many logs are cleaned at the same time. */
  readonly threads: number
  /** Reads and writes of all of them together. */
  readonly ioMaxBytesPerSecond: number
  /** Memory for the offset maps of all of them together. */
  readonly dedupeBufferSize: number
  /** Kafka's `log.cleaner.io.buffer.load.factor`: how much of a map may be used. */
  readonly dedupeBufferLoadFactor: number
  /** Memory for pieces of logs, of all of them together. A batch that is larger takes more. */
  readonly ioBufferSize: number
  /** How long to wait when there is nothing to clean. */
  readonly backoffMs: number
}

/** Kafka's defaults. */
export const DEFAULT_CLEANER_CONFIG: CleanerConfig = {
  enable: true,
  threads: 1,
  ioMaxBytesPerSecond: Number.POSITIVE_INFINITY,
  dedupeBufferSize: 128 * 1024 * 1024,
  dedupeBufferLoadFactor: 0.9,
  ioBufferSize: 512 * 1024,
  backoffMs: 15_000,
}
