/**
 * What is counted of share groups: on the whole, of each group, and of each share partition. What is of a group or of a
 * partition goes with it. Of share partitions there may be many, so that they have sums and counts and no quantiles.
 */
import { Summary, type Windows } from '../metrics/index.ts'
import { type AcknowledgementBatch, AcknowledgeType } from './acknowledge.ts'

const MICROSECONDS = 1000

/** As Kafka's metrics call the ways to acknowledge. */
const ACK_TYPES: ReadonlyMap<number, string> = new Map([
  [AcknowledgeType.ACCEPT, 'Accept'],
  [AcknowledgeType.RELEASE, 'Release'],
  [AcknowledgeType.REJECT, 'Reject'],
  [AcknowledgeType.RENEW, 'Renew'],
])

export class ShareMetrics {
  readonly windows: Windows
  /** Records, by the way in which they were acknowledged. */
  readonly acknowledgements = new Map<string, number>(Array.from(ACK_TYPES.values(), type => [type, 0]))
  /** From the first member's asking for a share partition until its state is there. */
  readonly partitionLoadTimeMs: Summary
  /** Fetches that wait for records, and the partitions of all that are under way. */
  waitingFetches = 0
  awaitedPartitions = 0
  /** Fetches that have waited for as long as they may. */
  expiredFetches = 0
  /** Sessions whose connection was lost. */
  sessionEvictions = 0

  constructor(windows: Windows) {
    this.windows = windows
    this.partitionLoadTimeMs = new Summary(windows, MICROSECONDS)
  }

  /** They are written. */
  onAcknowledged(batches: readonly AcknowledgementBatch[]): void {
    for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
      if (acknowledgeTypes.length === 1) this.#acknowledged(acknowledgeTypes[0]!, lastOffset - firstOffset + 1)
      else for (const type of acknowledgeTypes) this.#acknowledged(type, 1)
    }
  }

  /** Offsets without a record are nobody's achievement. */
  #acknowledged(type: number, count: number): void {
    const name = ACK_TYPES.get(type)
    if (name !== undefined) this.acknowledgements.set(name, this.acknowledgements.get(name)! + count)
  }
}

export class ShareGroupMeter {
  /** Percent of the partitions of a fetch that could be read. */
  readonly fetchRatio: Summary
  /** Until there was any that could be. */
  readonly acquireTimeMs: Summary

  constructor(windows: Windows) {
    this.fetchRatio = new Summary(windows, 1)
    this.acquireTimeMs = new Summary(windows, MICROSECONDS)
  }
}

/** Only one fetch at a time reads a share partition: how often, for how long, and for which part of the time. */
export class FetchLockMeter {
  count = 0
  totalMs = 0
  /** Of percents. */
  totalRatio = 0
  #sinceMs = 0
  /** Of the last time; NaN: it is the first. */
  #freeSinceMs = Number.NaN

  begin(nowMs: number): void {
    this.#sinceMs = nowMs
  }

  end(nowMs: number): void {
    const heldMs = nowMs - this.#sinceMs
    const freeMs = Number.isNaN(this.#freeSinceMs) ? 0 : this.#sinceMs - this.#freeSinceMs
    this.count++
    this.totalMs += heldMs
    this.totalRatio += heldMs + freeMs > 0 ? (100 * heldMs) / (heldMs + freeMs) : 100
    this.#freeSinceMs = nowMs
  }
}
