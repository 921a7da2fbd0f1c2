/** The replicas of this node, looked through once for all metrics that count them. */
import type { Partition } from '../replica/partition.ts'
import type { Sources } from './sources.ts'

export interface ReplicaTally {
  readonly partitions: number
  readonly leaders: number
  /** Their log dir has failed. */
  readonly offline: number
  readonly underReplicated: number
  readonly underMinIsr: number
  readonly atMinIsr: number
  /** Appends that wait for their commit. */
  readonly uncommitted: number
  /** Partitions in which a fetch waits for data, once for each. */
  readonly waiters: number
  readonly producers: number
  /** With a transaction that is open for longer than any may be. */
  readonly withLateTransactions: number
}

export function tallyReplicas(sources: Sources): ReplicaTally {
  const tally = {
    ...{ partitions: 0, leaders: 0, offline: 0, underReplicated: 0, underMinIsr: 0, atMinIsr: 0 },
    ...{ uncommitted: 0, waiters: 0, producers: 0, withLateTransactions: 0 },
  }
  const nowMs = sources.clock.now()
  for (const partition of sources.replicas.partitions()) {
    const spare = spareReplicas(partition, sources)
    tally.partitions++
    if (partition.isLeader) tally.leaders++
    if (partition.isOffline) tally.offline++
    if (isUnderReplicated(partition)) tally.underReplicated++
    if (spare < 0) tally.underMinIsr++
    if (spare === 0) tally.atMinIsr++
    tally.uncommitted += partition.uncommittedCount
    tally.waiters += partition.waiterCount
    tally.producers += partition.log?.producerCount ?? 0
    if (partition.isLeader && partition.log?.hasLateTransaction(nowMs)) tally.withLateTransactions++
  }
  return tally
}

export function isUnderReplicated({ isLeader, assignment: { isr, replicas } }: Partition): boolean {
  return isLeader && isr.length < replicas.length
}

/** In-sync replicas beyond min.insync.replicas; of what is not led here that is for others to say. */
export function spareReplicas({ isLeader, topic, assignment: { isr, replicas } }: Partition, sources: Sources): number {
  if (!isLeader) return Number.POSITIVE_INFINITY
  return isr.length - Math.min(sources.topicConfigs.get(topic).minInsyncReplicas, replicas.length)
}
