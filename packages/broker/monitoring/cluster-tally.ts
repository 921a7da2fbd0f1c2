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

  apply(delta: MetadataDelta): void {
    for (const { before, after, partitions } of changedTopics(delta)) {
      if (after && !before) this.topics++
      if (before && !after) this.topics--
      for (const change of partitions) {
        if (change.before) this.#add(change.before, -1)
        if (change.after) this.#add(change.after, 1)
      }
    }
  }

  #add({ leader, replicas }: PartitionRegistration, count: 1 | -1): void {
    this.partitions += count
    if (leader === NO_LEADER) this.offlinePartitions += count
    if (leader !== replicas[0]) this.imbalancedPartitions += count
  }
}
