/** Who may lead a partition now, and what changes for many partitions when a broker comes, goes, or loses a log dir. */
import { DirectoryId, directoryOf, hasOnlineDirectory, type MetadataRecord, type TopicImage } from '../image/index.ts'
import { type PartitionChange, partitionChangeRecord } from './partition-change.ts'
import type { TopicIdPartition } from './partition-index.ts'
import { type ControllerState, isActive, isElrEnabled, metadataVersion } from './state.ts'

/** A broker to add or remove as the records will have it, while the image still says otherwise. */
export interface BrokerChange {
  /** Leaves ISR and leadership. */
  readonly remove?: number
  /** May lead from now on. */
  readonly add?: number
  /** Leaves ISR, ELR and leadership. */
  readonly uncleanShutdown?: number
  /** Log dirs that have just failed: nobody leads from them. */
  readonly lostDirs?: readonly string[]
}

/** Of the given partitions, those that the change of a broker touches. */
export function leaderAndIsrUpdates(
  state: ControllerState,
  partitions: Iterable<TopicIdPartition>,
  { remove, add, uncleanShutdown, lostDirs = [] }: BrokerChange,
): MetadataRecord[] {
  const isAcceptable = (id: number) => id !== remove && id !== uncleanShutdown && (id === add || isActive(state, id))
  const records: MetadataRecord[] = []
  const rules = new Map<string, ReturnType<typeof topicRules>>()
  for (const { topicId, partitionId } of partitions) {
    const topic = state.image.topicsById.get(topicId)!
    const partition = topic.partitions[partitionId]!
    let ofTopic = rules.get(topicId)
    if (!ofTopic) {
      ofTopic = topicRules(state, topic)
      rules.set(topicId, ofTopic)
    }
    const isInLostDir = (id: number) => lostDirs.includes(directoryOf(partition, id) ?? '')
    const mayLead = (id: number) => isAcceptable(id) && !isInLostDir(id)
    const record = partitionChangeRecord({
      ...changeOf(state, topic, partitionId, ofTopic, mayLead),
      isr: partition.isr.filter(id => id !== remove && id !== uncleanShutdown),
      ...(uncleanShutdown === undefined ? {} : { uncleanShutdownReplicas: [uncleanShutdown] }),
    })
    if (record) records.push(record)
  }
  return records
}

/** The part of a change that does not depend on what is wanted, with the election that the topic's configs allow. */
export function changeOf(
  state: ControllerState,
  topic: TopicImage,
  partitionId: number,
  rules: ReturnType<typeof topicRules> = topicRules(state, topic),
  isAcceptable: (brokerId: number) => boolean = id => isActive(state, id),
): PartitionChange {
  const partition = topic.partitions[partitionId]!
  return {
    topicId: topic.id,
    partitionId,
    partition,
    isAcceptableLeader: id => isAcceptable(id) && isReplicaOnline(state, id, directoryOf(partition, id)),
    defaultDirectory: id => defaultDirectory(state, id),
    metadataVersion: metadataVersion(state),
    elrEnabled: isElrEnabled(state),
    ...rules,
  }
}

function isReplicaOnline({ image }: ControllerState, brokerId: number, directoryId: string | null): boolean {
  const broker = image.brokers.get(brokerId)
  return broker !== undefined && directoryId !== null && hasOnlineDirectory(broker, directoryId)
}

/** What the configs of a topic say about its elections. */
export function topicRules({ nodeConfig, image }: ControllerState, { name, partitions }: TopicImage) {
  const { minInsyncReplicas, uncleanLeaderElectionEnable } = nodeConfig.topicConfig(image, name)
  return {
    minIsr: Math.min(minInsyncReplicas, partitions[0]?.replicas.length ?? minInsyncReplicas),
    election: uncleanLeaderElectionEnable ? ('unclean' as const) : ('online' as const),
  }
}

/** Where a new replica goes: the only log dir, or wherever the broker will choose. */
export function defaultDirectory({ image }: ControllerState, brokerId: number): string {
  const broker = image.brokers.get(brokerId)
  if (!broker) return DirectoryId.UNASSIGNED
  if (broker.logDirs.length === 0) return DirectoryId.MIGRATING
  return broker.logDirs.length === 1 ? broker.logDirs[0]! : DirectoryId.UNASSIGNED
}
