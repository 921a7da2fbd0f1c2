/** Replicas and logs. */
import type { PartitionLog } from '@ottla/log'
import { type Sample, sample } from '../metrics/index.ts'
import type { Partition } from '../replica/partition.ts'
import type { LOGS, REPLICAS } from './catalog.ts'
import type { Collectors } from './collectors.ts'
import type { Sources } from './sources.ts'

export const collectReplicas: Collectors<typeof REPLICAS> = {
  partitionCount: ({ replicas }) => [sample(countOf(replicas.partitions(), () => true))],
  leaderCount: ({ replicas }) => [sample(countOf(replicas.partitions(), ({ isLeader }) => isLeader))],
  offlineReplicaCount: ({ replicas }) => [sample(countOf(replicas.partitions(), ({ isOffline }) => isOffline))],
  underReplicatedPartitions: ({ replicas }) => [sample(countOf(replicas.partitions(), isUnderReplicated))],
  underMinIsrPartitionCount: sources => [
    sample(countOf(sources.replicas.partitions(), partition => spareReplicas(partition, sources) < 0)),
  ],
  atMinIsrPartitionCount: sources => [
    sample(countOf(sources.replicas.partitions(), partition => spareReplicas(partition, sources) === 0)),
  ],
  producerIdCount: ({ logs }) => {
    let count = 0
    for (const { producerCount } of logs.logs) count += producerCount
    return [sample(count)]
  },
  inSyncReplicasCount: sources =>
    byPartition(sources, ({ isLeader, assignment }) => (isLeader ? assignment.isr.length : 0)),
  replicasCount: sources =>
    byPartition(sources, ({ isLeader, assignment }) => (isLeader ? assignment.replicas.length : 0)),
  underReplicated: sources => byPartition(sources, partition => Number(isUnderReplicated(partition))),
  underMinIsr: sources => byPartition(sources, partition => Number(spareReplicas(partition, sources) < 0)),
  atMinIsr: sources => byPartition(sources, partition => Number(spareReplicas(partition, sources) === 0)),
  lastStableOffsetLag: sources =>
    byPartition(sources, ({ log }) => (log ? log.highWatermark - log.lastStableOffset : 0)),
}

function countOf(partitions: Iterable<Partition>, isMeant: (partition: Partition) => boolean): number {
  let count = 0
  for (const partition of partitions) if (isMeant(partition)) count++
  return count
}

function* byPartition({ replicas }: Sources, measure: (partition: Partition) => number): Iterable<Sample> {
  for (const partition of replicas.partitions()) {
    const { topic, partition: number } = partition
    yield sample(measure(partition), { topic, partition: number })
  }
}

function isUnderReplicated({ isLeader, assignment: { isr, replicas } }: Partition): boolean {
  return isLeader && isr.length < replicas.length
}

/** In-sync replicas beyond min.insync.replicas; of what is not led here that is for others to say. */
function spareReplicas({ isLeader, topic, assignment: { isr, replicas } }: Partition, sources: Sources): number {
  if (!isLeader) return Number.POSITIVE_INFINITY
  return isr.length - Math.min(sources.topicConfigs.get(topic).minInsyncReplicas, replicas.length)
}

export const collectLogs: Collectors<typeof LOGS> = {
  logSize: sources => byLog(sources, log => log.sizeInBytes),
  logStartOffset: sources => byLog(sources, log => log.logStartOffset),
  logEndOffset: sources => byLog(sources, log => log.logEndOffset),
  logSegments: sources => byLog(sources, log => log.segmentCount),
  logFlushTimeMs: ({ logs: { flushTimes } }) => [
    sample(flushTimes.totalMs, {}, '_sum'),
    sample(flushTimes.count, {}, '_count'),
  ],
  offlineLogDirs: ({ logs }) => [sample(logs.offlineLogDirs.size)],
  logDirOffline: ({ logs }) =>
    logs.paths.map(path => sample(Number(logs.offlineLogDirs.has(path)), { logDirectory: path })),
  logDirTotalBytes: (_sources, { spaces }) =>
    spaces.map(({ path, totalBytes }) => sample(totalBytes, { logDirectory: path })),
  logDirUsableBytes: (_sources, { spaces }) =>
    spaces.map(({ path, usableBytes }) => sample(usableBytes, { logDirectory: path })),
}

function* byLog({ logs }: Sources, measure: (log: PartitionLog) => number): Iterable<Sample> {
  for (const log of logs.logs) {
    const { topic, partition } = log
    yield sample(measure(log), { topic, partition })
  }
}
