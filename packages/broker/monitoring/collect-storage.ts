/** Replicas and logs. */
import type { PartitionLog } from '@ottla/log'
import { type Sample, sample } from '../metrics/index.ts'
import type { Partition } from '../replica/partition.ts'
import type { CLEANER, LOGS, REPLICAS } from './catalog.ts'
import type { Collectors } from './collectors.ts'
import { isUnderReplicated, spareReplicas } from './replica-tally.ts'
import type { Sources } from './sources.ts'

export const collectReplicas: Collectors<typeof REPLICAS> = {
  partitionCount: (_sources, { replicas }) => [sample(replicas.partitions)],
  leaderCount: (_sources, { replicas }) => [sample(replicas.leaders)],
  offlineReplicaCount: (_sources, { replicas }) => [sample(replicas.offline)],
  underReplicatedPartitions: (_sources, { replicas }) => [sample(replicas.underReplicated)],
  underMinIsrPartitionCount: (_sources, { replicas }) => [sample(replicas.underMinIsr)],
  atMinIsrPartitionCount: (_sources, { replicas }) => [sample(replicas.atMinIsr)],
  producerIdCount: (_sources, { replicas }) => [sample(replicas.producers)],
  partitionsWithLateTransactionsCount: (_sources, { replicas }) => [sample(replicas.withLateTransactions)],
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

function* byPartition({ replicas }: Sources, measure: (partition: Partition) => number): Iterable<Sample> {
  for (const partition of replicas.partitions()) {
    const { topic, partition: number } = partition
    yield sample(measure(partition), { topic, partition: number })
  }
}

export const collectLogs: Collectors<typeof LOGS> = {
  logSize: sources => byLog(sources, log => log.sizeInBytes),
  logStartOffset: sources => byLog(sources, log => log.logStartOffset),
  logEndOffset: sources => byLog(sources, log => log.logEndOffset),
  logSegments: sources => byLog(sources, log => log.segmentCount),
  retentionSizeInPercent: sources => byLog(sources, log => retentionPercent(log)),
  logFlushTimeMs: ({ logs: { flushTimes } }) => [
    sample(flushTimes.totalMs, {}, '_sum'),
    sample(flushTimes.count, {}, '_count'),
  ],
  offlineLogDirs: ({ logs }) => [sample(logs.offlineLogDirs.size)],
  logDirOffline: ({ logs }) =>
    logs.paths.map(path => sample(Number(logs.offlineLogDirs.has(path)), { logDirectory: path })),
  cordonedLogDirs: ({ logs }) => [sample(logs.paths.filter(path => logs.isCordoned(path)).length)],
  logDirCordoned: ({ logs }) => logs.paths.map(path => sample(Number(logs.isCordoned(path)), { logDirectory: path })),
  moveMaxLag: sources => [sample(maxMoveLag(sources), { clientId: 'ReplicaAlterLogDirs' })],
  queuedReplicaToDirAssignments: sources => [sample(sources.assignmentCount())],
  logDirTotalBytes: (_sources, { spaces }) =>
    spaces.map(({ path, totalBytes }) => sample(totalBytes, { logDirectory: path })),
  logDirUsableBytes: (_sources, { spaces }) =>
    spaces.map(({ path, usableBytes }) => sample(usableBytes, { logDirectory: path })),
}

function retentionPercent({ sizeInBytes, config: { retentionBytes } }: PartitionLog): number {
  return retentionBytes > 0 ? Math.floor((100 * sizeInBytes) / retentionBytes) : 0
}

function maxMoveLag({ logs }: Sources): number {
  let lag = 0
  for (const future of logs.futures) lag = Math.max(lag, (logs.get(future)?.logEndOffset ?? 0) - future.logEndOffset)
  return lag
}

export const collectCleaner: Collectors<typeof CLEANER> = {
  cleanerRecopyPercent: (_sources, { cleaner }) => [sample(cleaner.cleanerRecopyPercent)],
  maxCleanTimeSecs: (_sources, { cleaner }) => [sample(cleaner.maxCleanTimeSecs)],
  maxCompactionDelaySecs: (_sources, { cleaner }) => [sample(cleaner.maxCompactionDelaySecs)],
  maxBufferUtilizationPercent: (_sources, { cleaner }) => [sample(cleaner.maxBufferUtilizationPercent)],
  deadThreadCount: (_sources, { cleaner }) => [sample(cleaner.deadThreadCount)],
  maxDirtyPercent: (_sources, { cleaner }) => [sample(cleaner.maxDirtyPercent)],
  timeSinceLastRunMs: (_sources, { cleaner }) => [sample(cleaner.timeSinceLastRunMs)],
  uncleanablePartitionsCount: (sources, { cleaner }) => byLogDir(sources, cleaner.uncleanablePartitionsCount),
  uncleanableBytes: (sources, { cleaner }) => byLogDir(sources, cleaner.uncleanableBytes),
}

function byLogDir({ logs }: Sources, values: ReadonlyMap<string, number>): Iterable<Sample> {
  return logs.paths.map(path => sample(values.get(path) ?? 0, { logDirectory: path }))
}

function* byLog({ logs }: Sources, measure: (log: PartitionLog) => number): Iterable<Sample> {
  const { metadataLog } = logs
  if (metadataLog) yield ofLog(metadataLog, measure)
  for (const log of logs.logs) yield ofLog(log, measure)
}

function ofLog(log: PartitionLog, measure: (log: PartitionLog) => number): Sample {
  const { topic, partition } = log
  return sample(measure(log), { topic, partition })
}
