/**
 * How many requests there were of each API and version, how long their parts took, how large they were, and which errors
 * their responses told: Kafka's RequestMetrics. Fetches are counted under Fetch and again under FetchConsumer or
 * FetchFollower, as in Kafka.
 *
 * The parts, in the order of a request's life. Kafka has two more, its request and its response queue: threads hand requests
 * to each other through them, and one event loop has no such queues.
 *
 *     local    this node's own work: deciding, and for Produce and Fetch reading and writing the disk
 *     remote   waiting for others, or for a commit, a rebalance, min.bytes
 *     send     from the response being ready until the kernel has taken the last byte of it
 */
import type { Message } from '@ottla/protocol'
import { type ErrorCounter, ErrorCounts, errorCounter } from './response-errors.ts'
import { Summary, type Windows } from './summary.ts'

const MICROSECONDS = 1000

export class ApiMetrics {
  /** As Kafka calls it: `Produce`, `FetchConsumer`. */
  readonly name: string
  readonly byVersion: number[] = []
  /** How often each error was told, `NONE` included; one response may tell many. */
  readonly errors = new ErrorCounts()
  readonly localTimeMs: Summary
  readonly remoteTimeMs: Summary
  readonly responseSendTimeMs: Summary
  /** For which the client is not heard afterwards, because of a quota: mostly 0. */
  readonly throttleTimeMs: Summary
  readonly totalTimeMs: Summary
  readonly requestBytes: Summary
  readonly #response: Message
  /** By version. */
  readonly #errorCounters: ErrorCounter[] = []

  constructor(name: string, response: Message, windows: Windows) {
    this.name = name
    this.localTimeMs = new Summary(windows, MICROSECONDS)
    this.remoteTimeMs = new Summary(windows, MICROSECONDS)
    this.responseSendTimeMs = new Summary(windows, MICROSECONDS)
    this.throttleTimeMs = new Summary(windows, 1)
    this.totalTimeMs = new Summary(windows, MICROSECONDS)
    this.requestBytes = new Summary(windows, 1)
    this.#response = response
  }

  countErrors(response: object, apiVersion: number): void {
    this.#errorCounters[apiVersion] ??= errorCounter(this.#response, apiVersion)
    this.#errorCounters[apiVersion](response, this.errors)
  }

  record(timing: RequestTiming, endedMs: number): void {
    const { apiVersion, startedMs, localEndedMs, answeredMs } = timing
    this.byVersion[apiVersion] = (this.byVersion[apiVersion] ?? 0) + 1
    this.requestBytes.record(timing.requestBytes, endedMs)
    this.localTimeMs.record(localEndedMs - startedMs, endedMs)
    this.remoteTimeMs.record(answeredMs - localEndedMs, endedMs)
    this.responseSendTimeMs.record(endedMs - answeredMs, endedMs)
    this.throttleTimeMs.record(timing.throttleTimeMs, endedMs)
    this.totalTimeMs.record(endedMs - startedMs, endedMs)
  }
}

/** One request on its way; times are monotonic. */
export class RequestTiming {
  api: ApiMetrics | null = null
  /** Counted under this, too. */
  kind: ApiMetrics | null = null
  apiVersion = 0
  requestBytes = 0
  throttleTimeMs = 0
  readonly startedMs: number
  /** -1: it has not ended yet. */
  localEndedMs = -1
  answeredMs = -1

  constructor(startedMs: number) {
    this.startedMs = startedMs
  }

  /** From here on the request waits for others; only the first call counts. */
  endLocal(nowMs: number): void {
    if (this.localEndedMs < 0) this.localEndedMs = nowMs
  }

  /** The response is ready. */
  answered(nowMs: number): void {
    this.endLocal(nowMs)
    this.answeredMs = nowMs
  }

  /** The response has gone, or there was none to send. */
  end(nowMs: number): void {
    this.api?.record(this, nowMs)
    this.kind?.record(this, nowMs)
  }
}

export class RequestMetrics {
  readonly #windows: Windows
  readonly #apis = new Map<string, ApiMetrics>()

  constructor(windows: Windows) {
    this.#windows = windows
  }

  /** Made when it is first asked for: of those APIs that nobody uses nothing is kept. */
  of(name: string, response: Message): ApiMetrics {
    let api = this.#apis.get(name)
    if (!api) {
      api = new ApiMetrics(name, response, this.#windows)
      this.#apis.set(name, api)
    }
    return api
  }

  get apis(): Iterable<ApiMetrics> {
    return this.#apis.values()
  }
}
