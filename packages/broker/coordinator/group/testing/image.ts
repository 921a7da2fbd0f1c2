/** A cluster's image with just the topics and brokers that a test is about. */
import { EMPTY_IMAGE, type MetadataImage, PersistentMap, type TopicImage } from '../../../image/index.ts'

/** Number of partitions, or the replicas of each. */
export type TopicOf = Readonly<Record<string, number | readonly (readonly number[])[]>>

export function imageWith(topics: TopicOf, racks: Readonly<Record<number, string>> = {}): MetadataImage {
  let topicsByName = PersistentMap.empty<TopicImage>()
  let topicsById = PersistentMap.empty<TopicImage>()
  for (const [index, [name, partitions]] of Object.entries(topics).entries()) {
    const replicas = typeof partitions === 'number' ? Array.from({ length: partitions }, () => [1]) : partitions
    const topic: TopicImage = { id: topicIdOf(index + 1), name, partitions: replicas.map(partitionOn) }
    topicsByName = topicsByName.set(name, topic)
    topicsById = topicsById.set(topic.id, topic)
  }
  const brokers = new Map(
    Object.entries(racks).map(([id, rack]) => [
      Number(id),
      {
        id: Number(id),
        epoch: 0,
        incarnationId: topicIdOf(0),
        isMigratingZkBroker: false,
        endPoints: [],
        features: [],
        rack,
        fenced: false,
        inControlledShutdown: false,
        logDirs: [],
        cordonedLogDirs: null,
      },
    ]),
  )
  return { ...EMPTY_IMAGE, brokers, topicsByName, topicsById }
}

/** The n-th topic's: its upper half is 1, its lower half n. */
export function topicIdOf(n: number): string {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(1n, 0)
  bytes.writeBigInt64BE(BigInt(n), 8)
  return bytes.toString('base64url')
}

function partitionOn(replicas: readonly number[]) {
  return {
    replicas,
    directories: [],
    isr: replicas,
    removingReplicas: [],
    addingReplicas: [],
    elr: [],
    lastKnownElr: [],
    leader: replicas[0] ?? -1,
    leaderRecoveryState: 0 as const,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }
}
