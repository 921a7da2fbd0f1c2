/**
 * Takes in each committed change of the metadata and tells the rooms that it concerns: replicas, logs, configurations,
 * coordinators. Runs to its end without waiting, so that the rooms never see half of a change; what takes time (opening
 * a log, loading a coordinator) goes on behind it.
 */
import type { Logger } from '@ottla/io'
import { applyDynamicConfigs, type BrokerConfig, unhonouredTopicConfigs } from './config/index.ts'
import type { GroupConfigs } from './group-configs.ts'
import {
  ConfigResourceType,
  changedTopics,
  configKey,
  configsOf,
  directoryOf,
  METADATA_VERSION,
  type MetadataDelta,
  type MetadataImage,
  type PartitionRegistration,
  type TopicDelta,
} from './image/index.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { Partition } from './replica/partition.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import type { TopicConfigs } from './topic-configs.ts'

export interface PublisherOptions {
  readonly nodeId: number
  readonly logger: Logger
  readonly metadata: MetadataCache
  readonly replicas: ReplicaManager
  readonly topicConfigs: TopicConfigs
  readonly groupConfigs: GroupConfigs
  readonly config: BrokerConfig
  /** Leadership of a partition of an internal topic has come, changed (epoch), or gone (null). */
  readonly onCoordinatorPartition: (topic: string, partition: number, leaderEpoch: number | null) => void
  readonly onTopicsDeleted: (topics: readonly { readonly id: string; readonly name: string }[]) => void
  /** Names of topics that have come, gone, or changed. */
  readonly onTopicsChanged: (topics: ReadonlySet<string>) => void
  /** It has gone up or down: what could not be told the controller before may be told now. */
  readonly onMetadataVersion: () => void
  readonly onQuotasChanged: (delta: MetadataDelta) => void
  readonly onReconfigured: (config: BrokerConfig) => void
}

const COORDINATED: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

export class Publisher {
  readonly #options: PublisherOptions
  #config: BrokerConfig
  #hasBegun = false

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#config = options.config
  }

  /** The logs are loaded: the replicas of the image are opened, and from now on those of each change. */
  begin(): void {
    this.#hasBegun = true
    for (const { id, name, partitions } of this.#options.metadata.topics()) {
      for (const [partition, after] of partitions.entries()) {
        if (after.replicas.includes(this.#options.nodeId)) this.#assign({ id, name }, partition, after, after)
      }
    }
  }

  publish(delta: MetadataDelta): void {
    const { metadata } = this.#options
    metadata.publish(delta.image)
    this.#applyConfigs(delta)
    if (delta.clientQuotas.size > 0) this.#options.onQuotasChanged(delta)
    if (!this.#hasBegun) return
    if (delta.features.has(METADATA_VERSION)) this.#options.onMetadataVersion()
    const deleted: { id: string; name: string }[] = []
    const changed = new Set<string>()
    for (const topic of changedTopics(delta)) {
      changed.add(topic.name)
      if (!topic.after) deleted.push({ id: topic.id, name: topic.name })
      this.#applyTopic(topic)
    }
    if (deleted.length > 0) this.#options.onTopicsDeleted(deleted)
    if (changed.size > 0) this.#options.onTopicsChanged(changed)
  }

  #applyTopic(topic: TopicDelta): void {
    const { replicas, topicConfigs, nodeId } = this.#options
    if (!topic.after) {
      topicConfigs.forget(topic.name)
      for (const { partitionId, before } of topic.partitions) {
        if (before?.leader === nodeId) this.#coordinate(topic.name, partitionId, null)
      }
      void replicas.removeTopic(topic.id)
      return
    }
    for (const { partitionId, before, after } of topic.partitions) {
      if (!after?.replicas.includes(nodeId)) {
        if (before?.replicas.includes(nodeId)) void replicas.remove(topic.id, partitionId)
        continue
      }
      this.#assign(topic, partitionId, before, after)
    }
  }

  #assign(
    topic: { readonly id: string; readonly name: string },
    partition: number,
    before: PartitionRegistration | null,
    after: PartitionRegistration,
  ): void {
    const { nodeId, replicas } = this.#options
    const assigned = replicas.assign({
      topic: topic.name,
      topicId: topic.id,
      partition,
      leaderId: after.leader,
      leaderEpoch: after.leaderEpoch,
      replicas: after.replicas,
      isr: after.isr,
      directoryId: directoryOf(after, nodeId),
      isNew: before === null,
    })
    if (!COORDINATED.has(topic.name)) return
    const leads = after.leader === nodeId
    void assigned.ready.then(() => this.#coordinate(topic.name, partition, leads ? after.leaderEpoch : null))
  }

  /** What coordinates there begins anew when its log is another: see `ReplicaMoves`. */
  setCoordinating({ topic, partition, isLeader, leaderEpoch }: Partition, isOn: boolean): void {
    this.#coordinate(topic, partition, isOn && isLeader ? leaderEpoch : null)
  }

  #coordinate(topic: string, partition: number, leaderEpoch: number | null): void {
    if (COORDINATED.has(topic)) this.#options.onCoordinatorPartition(topic, partition, leaderEpoch)
  }

  #applyConfigs(delta: MetadataDelta): void {
    if (delta.configs.size === 0) return
    const { nodeId } = this.#options
    const own = configKey({ type: ConfigResourceType.BROKER, name: String(nodeId) })
    const all = configKey({ type: ConfigResourceType.BROKER, name: '' })
    if (delta.configs.has(own) || delta.configs.has(all)) this.#reconfigureBroker(delta.image)
    for (const key of delta.configs) {
      const config = delta.image.configs.get(key) ?? delta.base.configs.get(key)
      if (config?.type === ConfigResourceType.TOPIC) this.#reconfigureTopic(config.name)
      if (config?.type === ConfigResourceType.GROUP) this.#options.groupConfigs.forget(config.name)
    }
  }

  #reconfigureBroker(image: MetadataImage): void {
    const { nodeId, logger, topicConfigs, groupConfigs, replicas, onReconfigured } = this.#options
    const cluster = configsOf(image, { type: ConfigResourceType.BROKER, name: '' })
    const own = configsOf(image, { type: ConfigResourceType.BROKER, name: String(nodeId) })
    const { config, ignored } = applyDynamicConfigs(this.#config, cluster, own)
    for (const reason of ignored) logger.warn('a dynamic config is ignored', { reason })
    this.#config = config
    topicConfigs.reconfigure(config)
    groupConfigs.reconfigure(config)
    for (const log of replicas.logs.logs) log.reconfigure(topicConfigs.get(log.topic))
    onReconfigured(config)
  }

  #reconfigureTopic(topic: string): void {
    const { topicConfigs, replicas, logger } = this.#options
    topicConfigs.forget(topic)
    for (const reason of unhonouredTopicConfigs(topicConfigs.overrides(topic))) logger.warn(reason, { topic })
    const config = topicConfigs.get(topic)
    for (const log of replicas.logs.logs) if (log.topic === topic) log.reconfigure(config)
  }
}
