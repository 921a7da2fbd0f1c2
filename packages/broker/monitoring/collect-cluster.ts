/** Groups, transactions, the controller, the metadata, and what clients tell of themselves. */
import type { GroupKind } from '../coordinator/group/group.ts'
import type { GroupCensus } from '../coordinator/group/observer.ts'
import { NO_LABELS, type Sample, sample } from '../metrics/index.ts'
import type { CLIENTS, CLUSTER, GROUPS, TRANSACTIONS } from './catalog.ts'
import type { Collectors, Survey } from './collectors.ts'
import type { Sources } from './sources.ts'

const inState =
  (state: string) =>
  (_sources: Sources, { groups }: Survey) => [sample(groups.count('classic', state))]

export const collectGroups: Collectors<typeof GROUPS> = {
  groups: (_sources, { groups }) => [sample(groups.count('classic'))],
  groupsPreparing: inState('PreparingRebalance'),
  groupsCompleting: inState('CompletingRebalance'),
  groupsStable: inState('Stable'),
  groupsEmpty: inState('Empty'),
  groupsDead: inState('Dead'),
  offsets: (_sources, { groups }) => [sample(groups.offsets)],
  groupCount: (_sources, { groups }) =>
    [...groups.groups.keys()].map(kind => sample(groups.count(kind), { protocol: kind })),
  consumerGroups: (_sources, { groups }) => byState(groups, 'consumer'),
  shareGroups: (_sources, { groups }) => byState(groups, 'share'),
  streamsGroups: (_sources, { groups }) => byState(groups, 'streams'),
  coordinatorPartitions: ({ groups }) =>
    Object.entries(groups.partitionStates).map(([state, count]) => sample(count, { state })),
  partitionLoadTimeMax: ({ groups: { loadTimes } }) => [sample(loadTimes.maxMs)],
  partitionLoadTimeAvg: ({ groups: { loadTimes } }) => [sample(loadTimes.averageMs)],
  offsetCommits: ({ groups }) => [sample(groups.counters.offsetCommits)],
  offsetExpirations: ({ groups }) => [sample(groups.counters.offsetExpirations)],
  offsetDeletions: ({ groups }) => [sample(groups.counters.offsetDeletions)],
  completedRebalances: ({ groups }) => [sample(groups.counters.completedRebalances)],
  consumerRebalances: ({ groups }) => [sample(groups.counters.consumerRebalances)],
  shareRebalances: ({ groups }) => [sample(groups.counters.shareRebalances)],
  streamsRebalances: ({ groups }) => [sample(groups.counters.streamsRebalances)],
}

export const collectTransactions: Collectors<typeof TRANSACTIONS> = {
  transactions: ({ transactions }) => Array.from(transactions.counts, ([state, count]) => sample(count, { state })),
  transactionLoadTimeMax: ({ transactions: { loadTimes } }) => [sample(loadTimes.maxMs)],
  transactionLoadTimeAvg: ({ transactions: { loadTimes } }) => [sample(loadTimes.averageMs)],
  unknownDestinationQueueSize: ({ transactions }) => [sample(transactions.unknownDestinationCount)],
  verificationTimeMs: ({ transactionVerifier, clock }) =>
    transactionVerifier.timesMs.samples(NO_LABELS, clock.monotonic()),
  verificationFailures: ({ transactionVerifier }) => [sample(transactionVerifier.failures)],
}

function byState({ groups }: GroupCensus, kind: GroupKind): Sample[] {
  return [...(groups.get(kind) ?? [])].map(([state, count]) => sample(count, { state }))
}

export const collectCluster: Collectors<typeof CLUSTER> = {
  brokerState: sources => [sample(sources.state())],
  activeControllers: sources => [sample(Number(sources.controller()?.isActive ?? false))],
  activeBrokers: sources => [sample(countBrokers(sources, ({ fenced }) => !fenced))],
  fencedBrokers: sources => [sample(countBrokers(sources, ({ fenced }) => fenced))],
  controlledShutdownBrokers: sources => [sample(countBrokers(sources, broker => broker.inControlledShutdown))],
  globalTopics: ({ tally }) => [sample(tally.topics)],
  globalPartitions: ({ tally }) => [sample(tally.partitions)],
  offlinePartitions: ({ tally }) => [sample(tally.offlinePartitions)],
  preferredReplicaImbalance: ({ tally }) => [sample(tally.imbalancedPartitions)],
  metadataErrors: sources => [sample(sources.controller()?.counters.errors ?? 0)],
  uncleanElections: ({ tally }) => [sample(tally.uncleanElections)],
  eligibleElections: ({ tally }) => [sample(tally.eligibleElections)],
  controllerProcessingTimeMs: sources =>
    sources.controller()?.processingTimes.samples(NO_LABELS, sources.clock.monotonic()) ?? [],
  *brokerRegistrationState({ metadata }) {
    for (const [id, broker] of metadata.image.brokers) yield sample(registrationState(broker), { broker: id })
  },
  newActiveControllers: sources => [sample(sources.controller()?.counters.elections ?? 0)],
  lastAppliedRecordOffset: ({ metadata }) => [sample(metadata.image.provenance.offset)],
  lastAppliedRecordTimestamp: ({ metadata }) => [sample(metadata.image.provenance.timestampMs)],
  lastAppliedRecordLagMs: sources => [sample(lagMs(sources))],
  lastCommittedRecordOffset: sources => [sample((sources.controller()?.quorum.highWatermark ?? 0) - 1)],
  brokerLastAppliedRecordOffset: ({ metadata }) => [sample(metadata.image.provenance.offset)],
  brokerLastAppliedRecordTimestamp: ({ metadata }) => [sample(metadata.image.provenance.timestampMs)],
  brokerLastAppliedRecordLagMs: sources => [sample(lagMs(sources))],
  metadataApplyErrors: sources => [sample(sources.controller()?.counters.applyErrors ?? 0)],
  currentControllerId: ({ metadata }) => [sample(metadata.activeControllerId)],
  currentMetadataVersion: ({ metadata }) => [sample(metadata.image.metadataVersion ?? 0)],
  *finalizedLevel({ metadata: { image, kraftVersion } }) {
    const ofQuorum = kraftVersion()
    if (ofQuorum > 0) yield sample(ofQuorum, { featureName: 'kraftVersion' })
    yield sample(image.metadataVersion ?? 0, { featureName: camelCase(METADATA_VERSION) })
    for (const [name, level] of image.features) {
      if (name !== METADATA_VERSION) yield sample(level, { featureName: camelCase(name) })
    }
  },
  snapshotAgeMs: sources => {
    const nowMs = sources.clock.monotonic()
    return [sample(nowMs - (sources.controller()?.lastSnapshotMs ?? nowMs))]
  },
  raftState: sources => [sample(1, { state: sources.controller()?.isActive ? 'leader' : 'unattached' })],
  raftEpoch: sources => [sample(sources.controller()?.quorum.leader.epoch ?? 0)],
  raftLeader: sources => [sample(sources.controller()?.quorum.leader.leaderId ?? -1)],
  raftHighWatermark: sources => [sample(sources.controller()?.quorum.highWatermark ?? 0)],
  raftLogEndOffset: sources => [sample(sources.controller()?.quorum.endOffset ?? 0)],
  raftObservers: sources => {
    const replicas = sources.controller()?.describeQuorum().replicas ?? []
    return [sample(replicas.filter(({ isVoter }) => !isVoter).length)]
  },
  raftVoters: sources => [sample(sources.controller()?.quorum.voters.length ?? 0)],
}

const METADATA_VERSION = 'metadata.version'

/** `share.version` as `shareVersion`. */
function camelCase(feature: string): string {
  return feature.replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** Kafka's numbers. */
function registrationState({ fenced, inControlledShutdown }: BrokerFacts): number {
  if (fenced) return 10
  return inControlledShutdown ? 20 : 30
}

interface BrokerFacts {
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
}

function countBrokers({ metadata }: Sources, isMeant: (broker: BrokerFacts) => boolean): number {
  let count = 0
  for (const broker of metadata.image.brokers.values()) if (isMeant(broker)) count++
  return count
}

function lagMs({ metadata, clock }: Sources): number {
  const { timestampMs } = metadata.image.provenance
  return timestampMs < 0 ? 0 : Math.max(0, clock.now() - timestampMs)
}

export const collectClients: Collectors<typeof CLIENTS> = {
  clientInstances: ({ telemetry }) => [sample(telemetry.instanceCount)],
  unknownSubscriptions: ({ telemetry }) => [sample(telemetry.counters.unknownSubscriptions)],
  telemetryThrottled: ({ telemetry }) => [sample(telemetry.counters.throttled)],
  telemetryPushes: ({ telemetry }) => [sample(telemetry.counters.pushes)],
  telemetryErrors: ({ telemetry }) => [sample(telemetry.counters.errors)],
  clientSeries: ({ telemetry }) => [sample(telemetry.series.size)],
  clientSeriesDropped: ({ telemetry }) => [sample(telemetry.series.dropped)],
}
