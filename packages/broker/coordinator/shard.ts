/**
 * What every coordinator is to the runtime: a records machine, one instance for each partition of its internal topic.
 * It changes its state at once and says which records make that change last; the runtime appends them, and keeps back
 * every answer until the records produced with it or before it are committed. When an append fails the instance is
 * thrown away and a new one is made by replaying the log (docs/decisions/0007-coordinators.md).
 */

/** One moment on both clocks of the world. */
export interface Instant {
  /** Since 1970; goes into records. May jump. */
  readonly wallMs: number
  /** Deadlines are on this clock. */
  readonly monotonicMs: number
}

export interface Completion<Response> {
  readonly requestId: number
  readonly response: Response
}

export interface Effects<Response, LogRecord, Errand = never> {
  readonly records: readonly LogRecord[]
  /** Answers to requests of this call or of earlier ones. */
  readonly completions: readonly Completion<Response>[]
  /** What somebody outside shall do once everything written so far is committed; lost with the shard. */
  readonly errands?: readonly Errand[]
  /** Whether the records have to be in one batch; otherwise a long list is cut into several. */
  readonly isAtomic: boolean
  /** Where `isAtomic` is not: records that have to be together all the same, one range after the other. */
  readonly wholes?: readonly Whole[]
}

/** Indexes of records. */
export interface Whole {
  readonly start: number
  /** One past the last. */
  readonly end: number
}

/** Where in the log a record stands. */
export interface RecordPosition {
  readonly offset: number
  /** -1: not of a transaction. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface CoordinatorShard<Request, Response, LogRecord, Errand = never> {
  /** Answers now or later, under `requestId`, exactly once. */
  handle(requestId: number, request: Request, now: Instant): Effects<Response, LogRecord, Errand>
  /** Does what has fallen due. */
  expire(now: Instant): Effects<Response, LogRecord, Errand>
  /** On the monotonic clock; Infinity if nothing will fall due. */
  nextDeadlineMs(): number

  /** Applies a record of the log; only before `onLoaded`. Throws if it can't be. */
  replay(record: LogRecord, position: RecordPosition): void
  /** A transaction's end stands in the log, then or now: what its producer wrote counts from here on, or never did. */
  endTransaction(producerId: number, isCommit: boolean, offset: number): void
  /** The log has been replayed; `nextOffset` is what the next record will get. */
  onLoaded(now: Instant, nextOffset: number): Effects<Response, LogRecord, Errand>
  /** The end: answers whoever is still waiting. Nothing is called after it. */
  onUnload(): readonly Completion<Response>[]
}

/** How records of a shard are written in the log. */
export interface RecordSerde<LogRecord> {
  encode(record: LogRecord): { readonly key: Uint8Array; readonly value: Uint8Array | null }
  /**
   * What the shard should replay, or what of the record this version does not know and has no use for, as `type 9`
   * (KIP-915). Throws a ProtocolError for bytes that are no coordinator record.
   */
  decode(key: Uint8Array, value: Uint8Array | null): { readonly record: LogRecord } | { readonly unknown: string }
}
