/** The current image, with the questions that handlers ask of it. Replaced as a whole when the controller's records are committed. */
import {
  type BrokerRegistration,
  EMPTY_IMAGE,
  type Endpoint,
  isOnlineDirectory,
  KRAFT_VERSION,
  METADATA_VERSION,
  type MetadataImage,
  type PartitionRegistration,
  supportedFeatures,
  type TopicImage,
} from './image/index.ts'

export interface NodeEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export class MetadataCache {
  readonly clusterId: string
  readonly #unstableFeatures: boolean
  #image: MetadataImage = EMPTY_IMAGE
  activeControllerId = -1
  /** The level of kraft.version, which is the quorum's and not in the image. */
  kraftVersion: () => number = () => 0

  /** `unstableFeatures`: unstable.feature.versions.enable */
  constructor(clusterId: string, unstableFeatures = false) {
    this.clusterId = clusterId
    this.#unstableFeatures = unstableFeatures
  }

  get image(): MetadataImage {
    return this.#image
  }

  publish(image: MetadataImage): void {
    this.#image = image
  }

  topic(name: string): TopicImage | undefined {
    return this.#image.topicsByName.get(name)
  }

  topicById(id: string): TopicImage | undefined {
    return this.#image.topicsById.get(id)
  }

  topics(): Iterable<TopicImage> {
    return this.#image.topicsByName.values()
  }

  isAlive(brokerId: number): boolean {
    const broker = this.#image.brokers.get(brokerId)
    return broker !== undefined && !broker.fenced
  }

  /** Of a live broker; null if it is not there, is fenced, or has no such listener. */
  endpoint(brokerId: number, listenerName: string): NodeEndpoint | null {
    const broker = this.#image.brokers.get(brokerId)
    return broker && !broker.fenced ? nodeEndpoint(broker, listenerName) : null
  }

  aliveBrokers(listenerName: string): NodeEndpoint[] {
    return this.brokers(listenerName).filter(broker => !broker.isFenced)
  }

  brokers(listenerName: string): (NodeEndpoint & { readonly isFenced: boolean })[] {
    const found = []
    for (const broker of this.#image.brokers.values()) {
      const endpoint = nodeEndpoint(broker, listenerName)
      if (endpoint) found.push({ ...endpoint, isFenced: broker.fenced })
    }
    return found
  }

  controllers(listenerName: string): (NodeEndpoint & { readonly isFenced: boolean })[] {
    const found = []
    for (const { id, endPoints } of this.#image.controllers.values()) {
      const endpoint = endPoints.find(({ name }) => name === listenerName)
      if (endpoint) found.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false })
    }
    return found
  }

  isReplicaOnline({ replicas, directories }: PartitionRegistration, brokerId: number, listenerName: string): boolean {
    if (!this.endpoint(brokerId, listenerName)) return false
    const directory = directories[replicas.indexOf(brokerId)]
    const { logDirs } = this.#image.brokers.get(brokerId)!
    return directory === undefined || isOnlineDirectory(directory, logDirs)
  }

  /** For ApiVersions: what this software supports and what the cluster has finalized. */
  features() {
    const { image } = this
    const finalized = [...image.features].filter(([, level]) => level > 0).map(([name, level]) => ({ name, level }))
    if (image.metadataVersion !== null) finalized.push({ name: METADATA_VERSION, level: image.metadataVersion })
    const kraftVersion = this.kraftVersion()
    if (kraftVersion > 0) finalized.push({ name: KRAFT_VERSION, level: kraftVersion })
    return {
      supported: [...supportedFeatures(this.#unstableFeatures)].map(([name, { min, max }]) => ({
        name,
        minVersion: min,
        maxVersion: max,
      })),
      finalized,
      finalizedEpoch: image.provenance.offset,
    }
  }
}

function nodeEndpoint(broker: BrokerRegistration, listenerName: string): NodeEndpoint | null {
  const endpoint: Endpoint | undefined = broker.endPoints.find(({ name }) => name === listenerName)
  return endpoint ? { nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack } : null
}
