/**
 * The loggers of a broker, whose levels can be changed while it runs (KIP-412). Each has the name of the class of Apache
 * Kafka that does the same work, so that what is written for Kafka works here: kafka.server.ReplicaManager=DEBUG.
 */
import type { Logger } from '@ottla/io'

export const LOGGERS = {
  broker: 'kafka.server.BrokerServer',
  lifecycle: 'org.apache.kafka.server.BrokerLifecycleManager',
  server: 'kafka.network.SocketServer',
  throttles: 'org.apache.kafka.server.quota.ClientQuotaManager$ThrottledChannelReaper',
  router: 'kafka.server.KafkaRequestHandler',
  requests: 'kafka.server.KafkaApis',
  metadata: 'kafka.server.metadata.BrokerMetadataPublisher',
  format: 'kafka.server.ControllerServer',
  controller: 'org.apache.kafka.controller.QuorumController',
  quorum: 'org.apache.kafka.raft.KafkaRaftClient',
  replica: 'kafka.server.ReplicaManager',
  log: 'kafka.log.LogManager',
  groups: 'org.apache.kafka.coordinator.group.GroupCoordinatorService',
  transactions: 'kafka.coordinator.transaction.TransactionCoordinator',
  txnMarkers: 'kafka.coordinator.transaction.TransactionMarkerChannelManager',
  shares: 'kafka.server.share.SharePartitionManager',
  shareCoordinator: 'org.apache.kafka.coordinator.share.ShareCoordinatorService',
} as const

export type LoggerName = (typeof LOGGERS)[keyof typeof LOGGERS]

/** What all others come under, so that they can be changed together. */
const ANCESTORS = ['kafka', 'org.apache.kafka'] as const

/** They are all there from the start, whether they have been used or not. */
export function nameLoggers(logger: Logger): void {
  for (const name of [...ANCESTORS, ...Object.values(LOGGERS)]) logger.named(name)
}
