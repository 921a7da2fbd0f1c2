/**
 * All metrics of a node, read from where they are kept when somebody asks: over HTTP (`ottla start --metrics-listener`) or in
 * the same process (`createCluster().metrics`).
 */
import { type CollectedFamily, type Family, type Labels, type Sample, text } from '../metrics/index.ts'
import {
  CLEANER,
  CLIENTS,
  CLUSTER,
  CONNECTIONS,
  GROUPS,
  LOGS,
  QUOTAS,
  REPLICAS,
  REQUESTS,
  SHARE_GROUPS,
  TOPICS,
  TRANSACTIONS,
} from './catalog.ts'
import { collectClients, collectCluster, collectGroups, collectTransactions } from './collect-cluster.ts'
import { collectConnections, collectQuotas, collectRequests, collectTopics } from './collect-requests.ts'
import { collectShareGroups } from './collect-shares.ts'
import { collectCleaner, collectLogs, collectReplicas } from './collect-storage.ts'
import type { Collectors, LogDirSpace, Survey } from './collectors.ts'
import { tallyReplicas } from './replica-tally.ts'
import type { Sources } from './sources.ts'

type Families = { readonly [key: string]: Family }

export class BrokerMetrics {
  readonly #sources: Sources
  #spaces: readonly LogDirSpace[] = []

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** Looks at what can't be known without waiting: the room on the disks. The rest is as it is at the moment. */
  async refresh(): Promise<void> {
    const { logs, disk } = this.#sources
    const online = logs.paths.filter(path => !logs.offlineLogDirs.has(path))
    const spaces = online.map(async path => {
      // Of a disk that can't be asked nothing is said; that it has failed others find out.
      const space = await disk.space(path).catch(() => null)
      return space ? [{ path, ...space }] : []
    })
    this.#spaces = (await Promise.all(spaces)).flat()
  }

  /** What is iterated later is as it is then: for a node with many partitions that takes its time. */
  *families(): Iterable<CollectedFamily> {
    const { groups, logs, telemetry, clock } = this.#sources
    telemetry.series.expire(clock.now())
    const survey: Survey = {
      groups: groups.census(),
      replicas: tallyReplicas(this.#sources),
      cleaner: logs.cleaner.metrics(),
      spaces: this.#spaces,
    }
    yield* this.#collect(CLUSTER, collectCluster, survey)
    yield* this.#collect(TOPICS, collectTopics, survey)
    yield* this.#collect(REQUESTS, collectRequests, survey)
    yield* this.#collect(CONNECTIONS, collectConnections, survey)
    yield* this.#collect(QUOTAS, collectQuotas, survey)
    yield* this.#collect(REPLICAS, collectReplicas, survey)
    yield* this.#collect(LOGS, collectLogs, survey)
    yield* this.#collect(CLEANER, collectCleaner, survey)
    yield* this.#collect(GROUPS, collectGroups, survey)
    yield* this.#collect(SHARE_GROUPS, collectShareGroups, survey)
    yield* this.#collect(TRANSACTIONS, collectTransactions, survey)
    yield* this.#collect(CLIENTS, collectClients, survey)
    yield* telemetry.series.families()
  }

  *#collect<Those extends Families>(
    families: Those,
    collectors: Collectors<Those>,
    survey: Survey,
  ): Iterable<CollectedFamily> {
    for (const key of Object.keys(families)) {
      const collect = collectors[key] as (sources: Sources, survey: Survey) => Iterable<Sample>
      yield { ...families[key]!, samples: collect(this.#sources, survey) }
    }
  }

  /** As Prometheus scrapes it, in pieces. */
  text(): Iterable<string> {
    return text(this.families())
  }

  /** Of the one series with exactly these labels; of a summary, by its name with `_sum` or `_count`. undefined: there is none. */
  value(name: string, labels: Labels = {}): number | undefined {
    for (const family of this.families()) {
      if (!name.startsWith(family.name)) continue
      for (const { value, suffix, labels: has } of family.samples) {
        if (`${family.name}${suffix}` === name && isSame(has, labels)) return value
      }
    }
    return undefined
  }
}

function isSame(a: Labels, b: Labels): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every(name => String(a[name]) === String(b[name]))
}
