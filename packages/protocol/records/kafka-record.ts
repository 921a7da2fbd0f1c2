/** What a record is, whatever format it was written in. */

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A record as it stands in the log. Keys and values are views on the batch's bytes, or on what they decompressed to. */
export interface KafkaRecord {
  readonly offset: number
  /** Milliseconds since 1970; -1 if it has none. With LogAppendTime the same for all records of a batch. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** None are defined yet: 0. In magic 0 and 1 those of the message: codec and timestamp type. */
  readonly attributes: number
}
