/** Every script of Apache Kafka 4.3, and what stands for it here; a tool is loaded when it is run. */
import type { Tool } from './declaration.ts'
import { MISSING, missingTool } from './missing.ts'

export interface ToolEntry {
  readonly load: () => Promise<Tool>
}

const WORKING: Readonly<Record<string, ToolEntry>> = {
  'kafka-server-start': { load: async () => (await import('./kafka-server-start.ts')).kafkaServerStart },
  'kafka-server-stop': { load: async () => (await import('./kafka-server-stop.ts')).kafkaServerStop },
  'kafka-run-class': { load: async () => (await import('./kafka-run-class.ts')).kafkaRunClass },
  'kafka-storage': { load: async () => (await import('./kafka-storage.ts')).kafkaStorage },
  'kafka-topics': { load: async () => (await import('./kafka-topics.ts')).kafkaTopics },
  'kafka-configs': { load: async () => (await import('./kafka-configs.ts')).kafkaConfigs },
  'kafka-consumer-groups': { load: async () => (await import('./kafka-consumer-groups.ts')).kafkaConsumerGroups },
  'kafka-share-groups': { load: async () => (await import('./kafka-share-groups.ts')).kafkaShareGroups },
  'kafka-streams-groups': { load: async () => (await import('./kafka-streams-groups.ts')).kafkaStreamsGroups },
  'kafka-streams-application-reset': {
    load: async () => (await import('./kafka-streams-application-reset.ts')).kafkaStreamsApplicationReset,
  },
  'kafka-groups': { load: async () => (await import('./kafka-groups.ts')).kafkaGroups },
  'kafka-get-offsets': { load: async () => (await import('./kafka-get-offsets.ts')).kafkaGetOffsets },
  'kafka-delete-records': { load: async () => (await import('./kafka-delete-records.ts')).kafkaDeleteRecords },
  'kafka-log-dirs': { load: async () => (await import('./kafka-log-dirs.ts')).kafkaLogDirs },
  'kafka-features': { load: async () => (await import('./kafka-features.ts')).kafkaFeatures },
  'kafka-metadata-shell': { load: async () => (await import('./kafka-metadata-shell.ts')).kafkaMetadataShell },
  'kafka-metadata-quorum': { load: async () => (await import('./kafka-metadata-quorum.ts')).kafkaMetadataQuorum },
  'kafka-leader-election': { load: async () => (await import('./kafka-leader-election.ts')).kafkaLeaderElection },
  'kafka-reassign-partitions': {
    load: async () => (await import('./kafka-reassign-partitions.ts')).kafkaReassignPartitions,
  },
  'kafka-transactions': { load: async () => (await import('./kafka-transactions.ts')).kafkaTransactions },
  'kafka-client-metrics': { load: async () => (await import('./kafka-client-metrics.ts')).kafkaClientMetrics },
  'kafka-cluster': { load: async () => (await import('./kafka-cluster.ts')).kafkaCluster },
  'kafka-broker-api-versions': {
    load: async () => (await import('./kafka-broker-api-versions.ts')).kafkaBrokerApiVersions,
  },
  'kafka-dump-log': { load: async () => (await import('./kafka-dump-log.ts')).kafkaDumpLog },
  'kafka-console-producer': { load: async () => (await import('./kafka-console-producer.ts')).kafkaConsoleProducer },
  'kafka-console-consumer': { load: async () => (await import('./kafka-console-consumer.ts')).kafkaConsoleConsumer },
  'kafka-e2e-latency': { load: async () => (await import('./kafka-e2e-latency.ts')).kafkaE2eLatency },
  'kafka-replica-verification': {
    load: async () => (await import('./kafka-replica-verification.ts')).kafkaReplicaVerification,
  },
  'kafka-console-share-consumer': {
    load: async () => (await import('./kafka-console-share-consumer.ts')).kafkaConsoleShareConsumer,
  },
  'kafka-share-consumer-perf-test': {
    load: async () => (await import('./kafka-share-consumer-perf-test.ts')).kafkaShareConsumerPerfTest,
  },
  'kafka-verifiable-share-consumer': {
    load: async () => (await import('./kafka-verifiable-share-consumer.ts')).kafkaVerifiableShareConsumer,
  },
  'kafka-consumer-perf-test': {
    load: async () => (await import('./kafka-consumer-perf-test.ts')).kafkaConsumerPerfTest,
  },
  'kafka-producer-perf-test': {
    load: async () => (await import('./kafka-producer-perf-test.ts')).kafkaProducerPerfTest,
  },
  'kafka-verifiable-consumer': {
    load: async () => (await import('./kafka-verifiable-consumer.ts')).kafkaVerifiableConsumer,
  },
  'kafka-verifiable-producer': {
    load: async () => (await import('./kafka-verifiable-producer.ts')).kafkaVerifiableProducer,
  },
}

/** By name. */
export const TOOLS: Readonly<Record<string, ToolEntry>> = Object.fromEntries(
  [
    ...Object.entries(WORKING),
    ...Object.keys(MISSING).map((name): [string, ToolEntry] => [name, { load: async () => missingTool(name) }]),
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
)
