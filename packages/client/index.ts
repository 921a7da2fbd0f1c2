/** A small client for the commands and tests of Ottla; it speaks to any Kafka broker of version 2.8 or later. */
export * from './admin/index.ts'
export { byTopic, partitionName, type TopicPartition } from './ask.ts'
export { Cluster, type ClusterNode, type ClusterOptions, type CoordinatorKind, type TopicMetadata } from './cluster.ts'
export { type Api, type BrokerAddress, BrokerConnection, type SendOptions } from './connection.ts'
export type { AssignorName } from './consumer/classic-assignors.ts'
export { ConsumerMember, type ConsumerMemberOptions } from './consumer/consumer-member.ts'
export {
  GroupConsumer,
  type GroupConsumerListener,
  type GroupConsumerOptions,
  NoOffsetError,
  type PolledPartition,
} from './consumer/group-consumer.ts'
export {
  ConnectionError,
  KafkaError,
  type Outcome,
  RequestTimeoutError,
  UnsupportedVersionError,
} from './errors.ts'
export {
  type ConsumerRecord,
  type FetchedPartition,
  type FetchOptions,
  fetchAll,
  fetchOnce,
  type Position,
} from './fetcher.ts'
export { type Assignment, commitOffsets, committedOffsets, GroupMember, type TopicPartitions } from './group-member.ts'
export { type FoundOffset, findOffsets, listOffsets, Timestamp } from './offsets.ts'
export type { RecordMetadata } from './partition-queue.ts'
export { Producer, type ProducerOptions, type ProducerRecord } from './producer.ts'
export { fetchFromReplica, type ReplicaData, type ReplicaFetchOptions } from './replica-fetcher.ts'
export { AcknowledgeType } from './share/acknowledgements.ts'
export { ShareConsumer, type ShareConsumerOptions } from './share/share-consumer.ts'
export type { Acknowledged, ShareRecord } from './share/share-session.ts'
export { TransactionalProducer, type TransactionalProducerOptions } from './transactional-producer.ts'
