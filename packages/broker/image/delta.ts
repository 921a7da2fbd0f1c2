/**
 * From one image to the next: `DeltaBuilder` takes records in log order and gives the image after them, together with
 * the keys of what they touched, so that a listener looks only at what may have changed. A record that makes no sense
 * (an unknown topic, another broker epoch, a gap in the partitions) is an error and never skipped: a node that went on
 * would disagree with the others from then on.
 *
 * Cost: a few µs a record, and nothing for what is not touched. Transactions are `loader.ts`'s part.
 */
import type {
  BrokerRegistrationChangeRecord,
  ClientQuotaRecord,
  ConfigRecord,
  FeatureLevelRecord,
  RemoveTopicRecord,
  UserScramCredentialRecord,
} from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import { checkRecordedLevel, KRAFT_VERSION, METADATA_VERSION } from './features.ts'
import {
  ConfigResourceType,
  configKey,
  type MetadataImage,
  type Provenance,
  quotaKey,
  scramKey,
  type TopicImage,
} from './image.ts'
import type { PartitionRegistration } from './partition.ts'
import type { MetadataRecord } from './records.ts'
import {
  type BrokerRegistration,
  brokerRegistration,
  changedRegistration,
  controllerRegistration,
} from './registrations.ts'
import { TopicsBuilder } from './topics-builder.ts'
import { TrackedMap, TrackedTrie } from './tracked.ts'

/**
 * Two images and the keys of all that differs between them (some may be equal after all). What happened to a key is
 * seen by looking it up in both: `changedTopics` does it for topics.
 */
export interface MetadataDelta {
  readonly base: MetadataImage
  readonly image: MetadataImage
  /** By topic id: the partitions that were touched. */
  readonly topics: ReadonlyMap<string, ReadonlySet<number>>
  readonly brokers: ReadonlySet<number>
  readonly controllers: ReadonlySet<number>
  /** Feature names, metadata.version included. */
  readonly features: ReadonlySet<string>
  /** Keys as in the image. */
  readonly configs: ReadonlySet<string>
  readonly clientQuotas: ReadonlySet<string>
  readonly acls: ReadonlySet<string>
  readonly scram: ReadonlySet<string>
  readonly delegationTokens: ReadonlySet<string>
}

/** A topic before and after; what exists on one side only is null on the other. */
export interface TopicDelta {
  readonly id: string
  readonly name: string
  readonly before: TopicImage | null
  readonly after: TopicImage | null
  /** The partitions that were touched; of a topic that came or went, all. */
  readonly partitions: readonly PartitionDelta[]
}

export interface PartitionDelta {
  readonly partitionId: number
  readonly before: PartitionRegistration | null
  readonly after: PartitionRegistration | null
}

export function* changedTopics({ base, image, topics }: MetadataDelta): Generator<TopicDelta, void> {
  for (const [id, touched] of topics) {
    const before = base.topicsById.get(id) ?? null
    const after = image.topicsById.get(id) ?? null
    if (before === after) continue
    const ids = before && after ? touched : (before ?? after)!.partitions.keys()
    const partitions: PartitionDelta[] = []
    for (const partitionId of ids) {
      const then = before?.partitions[partitionId] ?? null
      const now = after?.partitions[partitionId] ?? null
      if (then !== now) partitions.push({ partitionId, before: then, after: now })
    }
    yield { id, name: (after ?? before)!.name, before, after, partitions }
  }
}

/** One delta for two that follow each other. */
export function mergeDeltas(first: MetadataDelta, second: MetadataDelta): MetadataDelta {
  if (first.image !== second.base) throw new Error('deltas that do not follow each other cannot be merged')
  const topics = new Map(first.topics)
  for (const [id, touched] of second.topics) topics.set(id, union(topics.get(id) ?? new Set(), touched))
  return {
    base: first.base,
    image: second.image,
    topics,
    brokers: union(first.brokers, second.brokers),
    controllers: union(first.controllers, second.controllers),
    features: union(first.features, second.features),
    configs: union(first.configs, second.configs),
    clientQuotas: union(first.clientQuotas, second.clientQuotas),
    acls: union(first.acls, second.acls),
    scram: union(first.scram, second.scram),
    delegationTokens: union(first.delegationTokens, second.delegationTokens),
  }
}

function union<T>(left: ReadonlySet<T>, right: ReadonlySet<T>): ReadonlySet<T> {
  if (left.size === 0) return right
  return right.size === 0 ? left : new Set([...left, ...right])
}

/** Leads back from the delta's image to its base, at a later place in the log: what an aborted transaction does. */
export function revertedDelta(delta: MetadataDelta, provenance: Provenance): MetadataDelta {
  return { ...delta, base: delta.image, image: { ...delta.base, provenance } }
}

/** Of no use after `build`, or after it has thrown. */
export class DeltaBuilder {
  readonly #base: MetadataImage
  readonly #topics: TopicsBuilder
  readonly #features: TrackedMap<string, number>
  readonly #brokers: TrackedMap<number, BrokerRegistration>
  readonly #controllers: TrackedMap<number, ReturnType<typeof controllerRegistration>>
  readonly #configs
  readonly #clientQuotas
  readonly #acls
  readonly #scram
  readonly #delegationTokens
  #metadataVersion: number | null
  #nextProducerId: number

  constructor(base: MetadataImage) {
    this.#base = base
    this.#topics = new TopicsBuilder(base)
    this.#features = new TrackedMap(base.features)
    this.#brokers = new TrackedMap(base.brokers)
    this.#controllers = new TrackedMap(base.controllers)
    this.#configs = new TrackedTrie(base.configs)
    this.#clientQuotas = new TrackedTrie(base.clientQuotas)
    this.#acls = new TrackedTrie(base.acls)
    this.#scram = new TrackedTrie(base.scram)
    this.#delegationTokens = new TrackedTrie(base.delegationTokens)
    this.#metadataVersion = base.metadataVersion
    this.#nextProducerId = base.nextProducerId
  }

  /** Throws a MetadataError. */
  replay(record: MetadataRecord): void {
    switch (record.type) {
      case 'TopicRecord':
        this.#topics.create(record.value)
        break
      case 'PartitionRecord':
        this.#topics.setPartition(record.value)
        break
      case 'PartitionChangeRecord':
        this.#topics.changePartition(record.value)
        break
      case 'RemoveTopicRecord':
        this.#removeTopic(record.value)
        break
      case 'ClearElrRecord':
        this.#topics.clearElr(record.value)
        break
      case 'ConfigRecord':
        this.#setConfig(record.value)
        break
      case 'FeatureLevelRecord':
        this.#setFeature(record.value)
        break
      case 'ProducerIdsRecord':
        this.#setNextProducerId(record.value.nextProducerId)
        break
      case 'ClientQuotaRecord':
        this.#setQuota(record.value)
        break
      case 'NoOpRecord':
      case 'ZkMigrationStateRecord':
        break
      default:
        this.#replayNodeOrCredential(record)
        break
    }
  }

  #replayNodeOrCredential(record: MetadataRecord): void {
    switch (record.type) {
      case 'RegisterBrokerRecord':
        this.#brokers.set(record.value.brokerId, brokerRegistration(record.value))
        break
      case 'UnregisterBrokerRecord':
        this.#broker(record.value.brokerId, record.value.brokerEpoch)
        this.#brokers.delete(record.value.brokerId)
        break
      case 'BrokerRegistrationChangeRecord':
        this.#changeBroker(record.value)
        break
      case 'FenceBrokerRecord':
        this.#setFenced(record.value.id, record.value.epoch, true)
        break
      case 'UnfenceBrokerRecord':
        this.#setFenced(record.value.id, record.value.epoch, false)
        break
      case 'RegisterControllerRecord':
        this.#controllers.set(record.value.controllerId, controllerRegistration(record.value))
        break
      case 'AccessControlEntryRecord':
        this.#acls.set(record.value.id, record.value)
        break
      case 'RemoveAccessControlEntryRecord':
        if (!this.#acls.delete(record.value.id)) throw broken(`there is no ACL ${record.value.id} to remove`)
        break
      case 'UserScramCredentialRecord':
        this.#setScram(record.value)
        break
      case 'RemoveUserScramCredentialRecord':
        this.#scram.delete(scramKey(record.value.mechanism, record.value.name))
        break
      case 'DelegationTokenRecord':
        this.#delegationTokens.set(record.value.tokenId, record.value)
        break
      case 'RemoveDelegationTokenRecord':
        this.#delegationTokens.delete(record.value.tokenId)
        break
      default:
        throw broken(`a ${record.type} cannot be here`)
    }
  }

  #removeTopic({ topicId }: RemoveTopicRecord): void {
    const name = this.#topics.remove(topicId)
    this.#configs.delete(configKey({ type: ConfigResourceType.TOPIC, name }))
  }

  #setConfig({ resourceType, resourceName, name, value }: ConfigRecord): void {
    const resource = { type: resourceType, name: resourceName }
    const key = configKey(resource)
    const values = new Map(this.#configs.get(key)?.values)
    if (value === null) values.delete(name)
    else values.set(name, value)
    if (values.size > 0) this.#configs.set(key, { ...resource, values })
    else this.#configs.touch(key).delete(key)
  }

  #setFeature({ name, featureLevel }: FeatureLevelRecord): void {
    // Some versions of Kafka wrote it here too, but what counts is the control record of the quorum (KAFKA-18979).
    if (name === KRAFT_VERSION) return
    checkRecordedLevel(name, featureLevel, true)
    this.#features.touch(name)
    if (name === METADATA_VERSION) this.#metadataVersion = featureLevel
    else if (featureLevel === 0) this.#features.delete(name)
    else this.#features.set(name, featureLevel)
  }

  #setNextProducerId(nextProducerId: number): void {
    if (nextProducerId <= this.#nextProducerId) {
      throw broken(`the next producer id goes from ${this.#nextProducerId} to ${nextProducerId}`)
    }
    this.#nextProducerId = nextProducerId
  }

  #setQuota({ entity, key: name, value, remove }: ClientQuotaRecord): void {
    const key = quotaKey(entity)
    const values = new Map(this.#clientQuotas.get(key)?.values)
    if (remove) values.delete(name)
    else values.set(name, value)
    if (values.size > 0) this.#clientQuotas.set(key, { entity, values })
    else this.#clientQuotas.touch(key).delete(key)
  }

  /** Decoded bytes are views on a whole batch, which must not be kept alive by them. */
  #setScram(record: UserScramCredentialRecord): void {
    const own = {
      ...record,
      salt: new Uint8Array(record.salt),
      storedKey: new Uint8Array(record.storedKey),
      serverKey: new Uint8Array(record.serverKey),
    }
    this.#scram.set(scramKey(record.mechanism, record.name), own)
  }

  #changeBroker(record: BrokerRegistrationChangeRecord): void {
    const registration = this.#broker(record.brokerId, record.brokerEpoch)
    this.#brokers.set(record.brokerId, changedRegistration(registration, record))
  }

  #setFenced(id: number, epoch: number, fenced: boolean): void {
    const registration = this.#broker(id, epoch)
    if (registration.fenced !== fenced) this.#brokers.set(id, { ...registration, fenced })
  }

  #broker(id: number, epoch: number): BrokerRegistration {
    const registration = this.#brokers.get(id)
    if (!registration) throw broken(`broker ${id} is not registered`)
    if (registration.epoch !== epoch) throw broken(`broker ${id} has epoch ${registration.epoch}, not ${epoch}`)
    return registration
  }

  build(provenance: Provenance): MetadataDelta {
    const { topics, topicsById, topicsByName } = this.#topics.build()
    const image: MetadataImage = {
      provenance,
      metadataVersion: this.#metadataVersion,
      features: this.#features.done(),
      brokers: this.#brokers.done(),
      controllers: this.#controllers.done(),
      topicsById,
      topicsByName,
      configs: this.#configs.done(),
      clientQuotas: this.#clientQuotas.done(),
      nextProducerId: this.#nextProducerId,
      acls: this.#acls.done(),
      scram: this.#scram.done(),
      delegationTokens: this.#delegationTokens.done(),
    }
    return {
      base: this.#base,
      image,
      topics,
      features: this.#features.keys,
      brokers: this.#brokers.keys,
      controllers: this.#controllers.keys,
      configs: this.#configs.keys,
      clientQuotas: this.#clientQuotas.keys,
      acls: this.#acls.keys,
      scram: this.#scram.keys,
      delegationTokens: this.#delegationTokens.keys,
    }
  }
}

function broken(message: string): MetadataError {
  return new MetadataError('ERR_BROKEN_RECORD', message)
}
