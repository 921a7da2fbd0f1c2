/**
 * Share groups, wired: the share coordinator on its topic, the way to it, and the share partitions of this node. Members
 * and what they are assigned are the group coordinator's.
 */
import type { World } from '@ottla/io'
import type { AutoTopics } from './auto-topics.ts'
import { type BrokerConfig, parseDuration } from './config/index.ts'
import { SHARE_GROUP_STATE_TOPIC, ShareCoordinator } from './coordinator/share-coordinator.ts'
import { PartitionCoordinatorLog } from './coordinator-log.ts'
import { ApiError } from './errors.ts'
import type { GroupConfigs } from './group-configs.ts'
import { LOGGERS, type LoggerName } from './loggers.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { Windows } from './metrics/index.ts'
import type { Partition } from './replica/partition.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import { LocalPersister } from './share/local-persister.ts'
import { SharePartitionManager } from './share/share-partition-manager.ts'
import type { OffsetReset } from './share/start-offset.ts'
import type { TopicConfigs } from './topic-configs.ts'

export interface ShareServicesOptions {
  readonly worldOf: (logger: LoggerName) => World
  readonly config: BrokerConfig
  readonly metadata: MetadataCache
  readonly replicas: ReplicaManager
  readonly topicConfigs: TopicConfigs
  readonly groupConfigs: GroupConfigs
  readonly autoTopics: AutoTopics
  readonly metricsWindows: Windows
}

export class ShareServices {
  readonly coordinator: ShareCoordinator
  readonly persister: LocalPersister
  readonly partitions: SharePartitionManager
  readonly #options: ShareServicesOptions

  constructor(options: ShareServicesOptions) {
    const { worldOf, config, metadata, replicas, groupConfigs, autoTopics, metricsWindows } = options
    const world = worldOf(LOGGERS.shares)
    this.#options = options
    this.coordinator = this.#makeCoordinator()
    this.persister = new LocalPersister({
      coordinator: this.coordinator,
      clock: world.clock,
      createTopic: async () => {
        if (!metadata.topic(SHARE_GROUP_STATE_TOPIC)) await autoTopics.create(SHARE_GROUP_STATE_TOPIC)
      },
    })
    this.partitions = new SharePartitionManager({
      world,
      replicas,
      persister: this.persister,
      maxSessions: config.groupShareMaxShareSessions,
      metricsWindows,
      limits: groupId => {
        const own = groupConfigs.get(groupId)
        return {
          deliveryCountLimit: own.shareDeliveryCountLimit,
          maxRecordLocks: own.sharePartitionMaxRecordLocks,
          recordLockDurationMs: own.shareRecordLockDurationMs,
          isRenewEnabled: own.shareRenewAcknowledgeEnable,
        }
      },
      offsetReset: groupId => offsetResetOf(groupConfigs.get(groupId).shareAutoOffsetReset),
    })
  }

  #makeCoordinator(): ShareCoordinator {
    const { worldOf, config, metadata, topicConfigs, metricsWindows } = this.#options
    const world = worldOf(LOGGERS.shareCoordinator)
    return new ShareCoordinator({
      metricsWindows,
      world,
      config,
      topics: metadata,
      partitionCount: () =>
        metadata.topic(SHARE_GROUP_STATE_TOPIC)?.partitions.length ?? config.shareCoordinatorStateTopicNumPartitions,
      openLog: partition =>
        new PartitionCoordinatorLog(this.#stateReplica(partition), topicConfigs, () => world.clock.now()),
      deleteRecords: (partition, beforeOffset) =>
        void this.#stateReplica(partition).leaderLog(-1).deleteRecords(beforeOffset),
    })
  }

  #stateReplica(partition: number): Partition {
    const { metadata, replicas } = this.#options
    const topic = metadata.topic(SHARE_GROUP_STATE_TOPIC)
    if (!topic) throw new ApiError('NOT_LEADER_OR_FOLLOWER', `${SHARE_GROUP_STATE_TOPIC} is gone`)
    return replicas.get(topic.id, partition)
  }

  /** Up to where consumers see records of a partition. */
  async endOffset(topicId: string, partition: number): Promise<number> {
    const replica = this.#options.replicas.get(topicId, partition)
    await replica.ready
    return replica.leaderLog(-1).highWatermark
  }

  close(): void {
    this.partitions.close()
    this.coordinator.close()
  }
}

const BY_DURATION = 'by_duration:'

/** What the configuration has checked. */
function offsetResetOf(text: string): OffsetReset {
  if (text === 'earliest' || text === 'latest') return text
  return { byDurationMs: parseDuration(text.slice(BY_DURATION.length))! }
}
