/** How fast a producer is: latencies, a line for each interval, and one at the end, as kafka-producer-perf-test prints them. */

/** Of so many latencies at most each is kept; of more, every so-many-th. */
const MOST_KEPT = 500_000
const MIB = 1024 * 1024

export class PerfStats {
  readonly #print: (line: string) => void
  readonly #intervalMs: number
  /** They begin when others have warmed everything up. */
  readonly #isSteadyState: boolean
  readonly #everyNth: number
  readonly #latencies: number[] = []
  readonly #startMs = Date.now()
  #windowStartMs = Date.now()
  #all = { count: 0, bytes: 0, latencyMs: 0, maxMs: 0 }
  #window = { count: 0, bytes: 0, latencyMs: 0, maxMs: 0 }
  isQuiet = false

  constructor(records: number, intervalMs: number, isSteadyState: boolean, print: (line: string) => void) {
    this.#everyNth = Math.floor(records / Math.min(records, MOST_KEPT))
    this.#intervalMs = intervalMs
    this.#isSteadyState = isSteadyState
    this.#print = print
  }

  record(latencyMs: number, bytes: number, nowMs: number): void {
    if (this.#all.count % this.#everyNth === 0) this.#latencies.push(latencyMs)
    for (const sum of [this.#all, this.#window]) {
      sum.count++
      sum.bytes += bytes
      sum.latencyMs += latencyMs
      sum.maxMs = Math.max(sum.maxMs, latencyMs)
    }
    if (nowMs - this.#windowStartMs < this.#intervalMs) return
    if (this.#isSteadyState && this.#all.count === this.#window.count) this.#print('In steady state.')
    if (!this.isQuiet) this.#print(this.#windowLine(nowMs))
    this.#windowStartMs = nowMs
    this.#window = { count: 0, bytes: 0, latencyMs: 0, maxMs: 0 }
  }

  #windowLine(nowMs: number): string {
    const { count, bytes, latencyMs, maxMs } = this.#window
    const seconds = (nowMs - this.#windowStartMs) / 1000
    const speed = `${(count / seconds).toFixed(1)} records/sec (${(bytes / seconds / MIB).toFixed(2)} MB/sec)`
    return `${count} records sent, ${speed}, ${(latencyMs / count).toFixed(1)} ms avg latency, ${maxMs.toFixed(1)} ms max latency.`
  }

  printTotal(): void {
    const { count, bytes, latencyMs, maxMs } = this.#all
    const seconds = (Date.now() - this.#startMs) / 1000
    const sorted = Uint32Array.from(this.#latencies).sort()
    const at = (part: number) => sorted[Math.trunc(part * sorted.length)] ?? 0
    const speed = `${(count / seconds).toFixed(6)} records/sec (${(bytes / seconds / MIB).toFixed(2)} MB/sec)`
    const latency = `${(latencyMs / count).toFixed(2)} ms avg latency, ${maxMs.toFixed(2)} ms max latency`
    const quantiles = `${at(0.5)} ms 50th, ${at(0.95)} ms 95th, ${at(0.99)} ms 99th, ${at(0.999)} ms 99.9th`
    const what = this.#isSteadyState ? ' steady state records sent' : ' records sent'
    this.#print(`${count}${what}, ${speed}, ${latency}, ${quantiles}.`)
  }
}
