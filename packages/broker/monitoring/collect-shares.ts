/** Share groups, their partitions, and the coordinator that keeps their state. */
import { SHARE_GROUP_STATE_TOPIC } from '../coordinator/share-coordinator.ts'
import { type Labels, NO_LABELS, type Sample, sample } from '../metrics/index.ts'
import type { LoadedSharePartition } from '../share/loaded-share-partition.ts'
import type { ShareGroupMeter } from '../share/share-metrics.ts'
import type { SHARE_GROUPS } from './catalog.ts'
import type { Collectors } from './collectors.ts'
import type { Sources } from './sources.ts'

export const collectShareGroups: Collectors<typeof SHARE_GROUPS> = {
  recordAcknowledgements: ({ shares }) =>
    Array.from(shares.partitions.metrics.acknowledgements, ([ackType, count]) => sample(count, { ackType })),
  sharePartitionLoadTimeMs: ({ shares, clock }) =>
    shares.partitions.metrics.partitionLoadTimeMs.samples(NO_LABELS, clock.monotonic()),
  fetchRatio: sources => byGroup(sources, ({ fetchRatio }) => fetchRatio),
  acquireTimeMs: sources => byGroup(sources, ({ acquireTimeMs }) => acquireTimeMs),
  inFlightMessages: sources => byPartition(sources, ({ machine }) => machine?.window.inFlightCount ?? 0),
  inFlightBatches: sources => byPartition(sources, ({ machine }) => machine?.window.batches.size ?? 0),
  lockTimeouts: sources => byPartition(sources, ({ machine }) => machine?.lockTimeouts ?? 0),
  inFlightBatchMessages: sources =>
    sums(sources, ({ machine }) => ({
      sum: machine?.window.batches.addedOffsets ?? 0,
      count: machine?.window.batches.addedCount ?? 0,
    })),
  fetchLockTimeMs: sources => sums(sources, ({ fetchLock }) => ({ sum: fetchLock.totalMs, count: fetchLock.count })),
  fetchLockRatio: sources => sums(sources, ({ fetchLock }) => ({ sum: fetchLock.totalRatio, count: fetchLock.count })),
  expiredShareFetches: ({ shares }) => [sample(shares.partitions.metrics.expiredFetches)],
  shareSessions: ({ shares }) => [sample(shares.partitions.sessionCount)],
  shareSessionPartitions: ({ shares }) => [sample(shares.partitions.sessionPartitionCount)],
  shareSessionEvictions: ({ shares }) => [sample(shares.partitions.metrics.sessionEvictions)],
  shareCoordinatorPartitions: ({ shares }) =>
    Object.entries(shares.coordinator.partitionStates).map(([state, count]) => sample(count, { state })),
  shareLoadTimeMax: ({ shares }) => [sample(shares.coordinator.loadTimes.maxMs)],
  shareLoadTimeAvg: ({ shares }) => [sample(shares.coordinator.loadTimes.averageMs)],
  shareWrites: ({ shares }) => [sample(shares.coordinator.writeCount)],
  shareWriteLatencyAvg: ({ shares, clock }) => [sample(shares.coordinator.writeTimes.average(clock.monotonic()))],
  shareWriteLatencyMax: ({ shares, clock }) => [sample(shares.coordinator.writeTimes.max(clock.monotonic()))],
  sharePrunedOffset: ({ shares }) =>
    Array.from(shares.coordinator.prunedOffsets, ([partition, offset]) =>
      sample(offset, { topic: SHARE_GROUP_STATE_TOPIC, partition }),
    ),
}

function* byGroup(
  { shares, clock }: Sources,
  measure: (meter: ShareGroupMeter) => ShareGroupMeter['fetchRatio'],
): Iterable<Sample> {
  for (const [group, meter] of shares.partitions.groups()) yield* measure(meter).samples({ group }, clock.monotonic())
}

function* byPartition({ shares }: Sources, measure: (loaded: LoadedSharePartition) => number): Iterable<Sample> {
  for (const loaded of shares.partitions.loaded()) yield sample(measure(loaded), labelsOf(loaded))
}

function* sums(
  { shares }: Sources,
  measure: (loaded: LoadedSharePartition) => { readonly sum: number; readonly count: number },
): Iterable<Sample> {
  for (const loaded of shares.partitions.loaded()) {
    const { sum, count } = measure(loaded)
    const labels = labelsOf(loaded)
    yield sample(sum, labels, '_sum')
    yield sample(count, labels, '_count')
  }
}

function labelsOf({ groupId: group, replica }: LoadedSharePartition): Labels {
  return { group, topic: replica.topic, partition: replica.partition }
}
