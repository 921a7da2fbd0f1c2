/** What every scenario is given. */
import type { BrokerKind, Brokers, RunningBroker } from './brokers.ts'
import type { Report } from './report.ts'
import type { Kit } from './setup.ts'

export interface Context {
  readonly kind: BrokerKind
  readonly report: Report
  readonly kit: Kit
  readonly brokers: Brokers
  /** Fewer records, fewer connections, less time. */
  readonly quick: boolean
  /** Keep what Apache Kafka prints as what is expected. */
  readonly record: boolean
  /** The broker that scenarios share, each with topics and groups of its own names. */
  readonly shared: () => Promise<RunningBroker>
}

/** Runs `work` on each item, at most `width` at a time. */
export async function together<T>(width: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
