/**
 * Topics and partitions of the cluster, counted as the metadata changes: looking through a million of them whenever
 * somebody asks would take too long.
 */
import { changedTopics, type MetadataDelta, type PartitionRegistration } from '../image/index.ts'

const NO_LEADER = -1

export class ClusterTally {
  topics = 0
  partitions = 0
  /** Without a leader. */
  offlinePartitions = 0
  /** Not led by the first of their replicas. */
  imbalancedPartitions = 0
  /** Since the start: leaders that were not known to have all that was committed, and ones that were only known to (KIP-966). */
  uncleanElections = 0
  eligibleElections = 0

  apply(delta: MetadataDelta): void {
    for (const { before, after, partitions } of changedTopics(delta)) {
      if (after && !before) this.topics++
      if (before && !after) this.topics--
      for (const change of partitions) {
        if (change.before) this.#add(change.before, -1)
        if (change.after) this.#add(change.after, 1)
        if (change.before && change.after) this.#countElection(change.before, change.after)
      }
    }
  }

  #countElection({ leader: before, isr, elr }: PartitionRegistration, { leader }: PartitionRegistration): void {
    if (leader === before || leader === NO_LEADER || isr.includes(leader)) return
    if (elr.includes(leader)) this.eligibleElections++
    else this.uncleanElections++
  }

  #add({ leader, replicas }: PartitionRegistration, count: 1 | -1): void {
    this.partitions += count
    if (leader === NO_LEADER) this.offlinePartitions += count
    if (leader !== replicas[0]) this.imbalancedPartitions += count
  }
}
