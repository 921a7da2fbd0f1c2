/**
 * The coordinators of this node, and what lies between them: transactions are verified by whoever appends their batches,
 * and their ends are written into partitions, some of which are the group coordinator's.
 */
import type { World } from '@ottla/io'
import type { PartitionLog } from '@ottla/log'
import { ErrorCode, type ErrorName, errorName } from '@ottla/protocol'
import type { TxnOffsetCommitRequest } from '@ottla/protocol/messages/txn-offset-commit'
import type { BrokerConfig } from './config/index.ts'
import type { CoordinatorLog, TransactionalProducer } from './coordinator/coordinator-log.ts'
import { GroupCoordinator, OFFSETS_TOPIC } from './coordinator/group-coordinator.ts'
import { SHARE_GROUP_STATE_TOPIC } from './coordinator/share-coordinator.ts'
import type { TopicPartitions } from './coordinator/transaction/transaction.ts'
import { type PartitionCode, TRANSACTION_TOPIC, TransactionCoordinator } from './coordinator/transaction-coordinator.ts'
import {
  type TransactionalWriter,
  TransactionVerifier,
  type VerificationSupport,
} from './coordinator/transaction-verifier.ts'
import { PartitionCoordinatorLog } from './coordinator-log.ts'
import { ApiError } from './errors.ts'
import type { GroupConfigs } from './group-configs.ts'
import { LOGGERS, type LoggerName } from './loggers.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { Windows } from './metrics/index.ts'
import { type ProducerIdBlock, ProducerIds } from './producer-ids.ts'
import type { Partition } from './replica/partition.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import type { ShareServices } from './share-services.ts'
import type { TopicConfigs } from './topic-configs.ts'
import { TxnMarkers } from './txn-markers.ts'

export interface CoordinatorsOptions {
  readonly nodeId: number
  readonly worldOf: (logger: LoggerName) => World
  /** As it is now. */
  readonly config: () => BrokerConfig
  readonly metricsWindows: Windows
  readonly metadata: MetadataCache
  readonly replicas: ReplicaManager
  readonly topicConfigs: TopicConfigs
  readonly groupConfigs: GroupConfigs
  readonly shares: ShareServices
  /** From the controller. */
  readonly allocateProducerIds: () => Promise<ProducerIdBlock>
}

const TRANSACTION_VERSION = 'transaction.version'
/** Of whoever writes without being asked for a version: what the verifier adds is of transaction version 2. */
const ADDED_BY_WRITE = { apiVersion: 5, transactionVersion: 2 }
const ADDS_SINCE = 5
const ABORTABLE_SINCE = 4
const NO_SEQUENCE = -1
const NO_LEADER = -1

export class Coordinators {
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly transactionVerifier: TransactionVerifier
  readonly txnMarkers: TxnMarkers
  readonly #options: CoordinatorsOptions

  constructor(options: CoordinatorsOptions) {
    this.#options = options
    const { worldOf, config, metadata, replicas, metricsWindows } = options
    this.groups = this.#makeGroups()
    this.txnMarkers = new TxnMarkers(worldOf(LOGGERS.txnMarkers), metadata, replicas, this.groups)
    this.transactions = this.#makeTransactions()
    const ask = this.#askCoordinator.bind(this)
    const { clock } = worldOf(LOGGERS.transactions)
    this.transactionVerifier = new TransactionVerifier({ clock, config, metricsWindows, ask })
  }

  /** Of a partition of an internal topic; null: this node does not lead it any more. */
  onLeadership(topic: string, partition: number, leaderEpoch: number | null): void {
    const coordinator = this.#coordinatorOf(topic)
    if (leaderEpoch === null) coordinator.onResignation(partition, null)
    else void coordinator.onElection(partition, leaderEpoch)
  }

  #coordinatorOf(topic: string) {
    if (topic === TRANSACTION_TOPIC) return this.transactions
    return topic === SHARE_GROUP_STATE_TOPIC ? this.#options.shares.coordinator : this.groups
  }

  onTopicsDeleted(topics: Parameters<GroupCoordinator['onTopicsDeleted']>[0]): void {
    this.groups.onTopicsDeleted(topics)
    this.#options.shares.coordinator.onTopicsDeleted(topics)
  }

  close(): void {
    this.groups.close()
    this.transactions.close()
  }

  // -------------------------------------------------------------------------------------------------------- making

  #makeGroups(): GroupCoordinator {
    const { worldOf, config, metadata, groupConfigs, shares } = this.#options
    return new GroupCoordinator({
      world: worldOf(LOGGERS.groups),
      config: config(),
      topics: metadata,
      image: () => metadata.image,
      configOf: groupId => groupConfigs.get(groupId),
      persister: shares.persister,
      endOffset: (topicId, partition) => shares.endOffset(topicId, partition),
      partitionCount: () => metadata.topic(OFFSETS_TOPIC)?.partitions.length ?? config().offsetsTopicNumPartitions,
      openLog: partition => this.#openLog(OFFSETS_TOPIC, partition),
      verifyTransaction: (partition, request, apiVersion) => this.#verifyCommit(partition, request, apiVersion),
    })
  }

  #makeTransactions(): TransactionCoordinator {
    const { worldOf, config, metadata, nodeId, allocateProducerIds } = this.#options
    return new TransactionCoordinator({
      world: worldOf(LOGGERS.transactions),
      config: config(),
      partitionCount: () =>
        metadata.topic(TRANSACTION_TOPIC)?.partitions.length ?? config().transactionStateLogNumPartitions,
      openLog: partition => this.#openLog(TRANSACTION_TOPIC, partition),
      transactionVersion: () => metadata.image.features.get(TRANSACTION_VERSION) ?? 0,
      producerIds: new ProducerIds(allocateProducerIds),
      markers: {
        leaderOf: (topic, partition) => metadata.topic(topic)?.partitions[partition]?.leader ?? null,
        send: (leader, request) => {
          // As the leader itself answers who is asked too early, or too late.
          if (leader !== nodeId) return Promise.reject(new ApiError('NOT_LEADER_OR_FOLLOWER', `node ${leader} leads`))
          return this.txnMarkers.write(request)
        },
      },
    })
  }

  #replica(topicName: string, partition: number): Partition {
    const topic = this.#options.metadata.topic(topicName)
    if (!topic) throw new ApiError('NOT_LEADER_OR_FOLLOWER', `${topicName} is gone`)
    return this.#options.replicas.get(topic.id, partition)
  }

  #openLog(topic: string, partition: number): CoordinatorLog {
    const { topicConfigs, worldOf } = this.#options
    const { clock } = worldOf(LOGGERS.groups)
    return new PartitionCoordinatorLog(this.#replica(topic, partition), topicConfigs, () => clock.now())
  }

  // -------------------------------------------------------------------------------------------------- transactions

  /** Every coordinator is on this node, or on none that can be asked. */
  async #askCoordinator(
    writer: TransactionalWriter,
    partitions: TopicPartitions,
    adds: boolean,
  ): Promise<PartitionCode> {
    const { metadata, nodeId } = this.#options
    const topic = metadata.topic(TRANSACTION_TOPIC)
    const leader = topic?.partitions[this.transactions.partitionFor(writer.transactionalId)]?.leader ?? NO_LEADER
    if (leader !== nodeId) return () => ErrorCode.COORDINATOR_NOT_AVAILABLE
    if (!adds) return this.transactions.verifyPartitions({ ...writer, partitions })
    const { apiVersion, transactionVersion } = ADDED_BY_WRITE
    const errorCode = await this.transactions.addPartitions({ ...writer, partitions, transactionVersion }, apiVersion)
    return () => errorCode
  }

  /** Of the partition of the offsets topic that a group's offsets are to be written to. */
  async #verifyCommit(
    partition: number,
    { transactionalId, producerId, producerEpoch }: TxnOffsetCommitRequest,
    apiVersion: number,
  ): Promise<TransactionalProducer> {
    const log = (): PartitionLog => this.#replica(OFFSETS_TOPIC, partition).leaderLog(-1)
    const written = { topic: OFFSETS_TOPIC, partition, baseSequence: NO_SEQUENCE, log }
    const writer = { transactionalId, producerId, producerEpoch }
    const [verdict] = await this.transactionVerifier.verify(writer, [written], supportOf(apiVersion))
    const { errorCode, guard } = verdict!
    if (errorCode !== ErrorCode.NONE)
      throw new ApiError(errorName(errorCode) as ErrorName, `${transactionalId} can't write to ${OFFSETS_TOPIC}`)
    return { producerId, producerEpoch, verificationGuard: guard }
  }
}

/** By the version of TxnOffsetCommit. */
function supportOf(apiVersion: number): VerificationSupport {
  if (apiVersion >= ADDS_SINCE) return 'adds'
  return apiVersion >= ABORTABLE_SINCE ? 'abortable' : 'legacy'
}
