/**
 * The cluster as the metadata log tells it up to one offset: an immutable value that shares structure with the ones
 * before and after it. Brokers serve requests from it, the controller decides on it, snapshots are written from it.
 * `delta.ts` makes the next one; `snapshot-records.ts` turns one into records.
 */
import type { AccessControlEntryRecord, DelegationTokenRecord, UserScramCredentialRecord } from '@ottla/protocol'
import type { PartitionRegistration } from './partition.ts'
import { PersistentMap } from './persistent-map.ts'
import type { BrokerRegistration, ControllerRegistration } from './registrations.ts'

/** How far the log has been read. */
export interface Provenance {
  /** Last offset that is contained; -1 for none. */
  readonly offset: number
  /** Leader epoch of that offset. */
  readonly epoch: number
  /** Append time of its batch. */
  readonly timestampMs: number
  /** The next offset begins a batch: a snapshot may end here. */
  readonly isBatchAligned: boolean
}

export interface TopicImage {
  readonly id: string
  readonly name: string
  /** By partition id: there are no gaps. */
  readonly partitions: readonly PartitionRegistration[]
}

export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const
export type ConfigResourceType = (typeof ConfigResourceType)[keyof typeof ConfigResourceType]

/** `configOperation` of IncrementalAlterConfigs. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigResource {
  readonly type: number
  /** `''` of type BROKER: the default of the whole cluster. */
  readonly name: string
}

export interface ConfigImage extends ConfigResource {
  readonly values: ReadonlyMap<string, string>
}

export const QuotaEntityType = { user: 'user', clientId: 'client-id', ip: 'ip' } as const

export const QuotaKey = {
  /** Bytes a second. */
  producerByteRate: 'producer_byte_rate',
  consumerByteRate: 'consumer_byte_rate',
  /** 100: all of one thread. */
  requestPercentage: 'request_percentage',
  /** Partitions made or deleted a second. */
  controllerMutationRate: 'controller_mutation_rate',
  /** Connections a second, of an ip. */
  connectionCreationRate: 'connection_creation_rate',
} as const
export type QuotaKey = (typeof QuotaKey)[keyof typeof QuotaKey]

export const ScramMechanism = { SCRAM_SHA_256: 1, SCRAM_SHA_512: 2 } as const
export type ScramMechanism = (typeof ScramMechanism)[keyof typeof ScramMechanism]

export interface QuotaEntityPart {
  /** `user`, `client-id` or `ip`. */
  readonly entityType: string
  /** null: the default of that type. */
  readonly entityName: string | null
}

export interface ClientQuotaImage {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

export interface MetadataImage {
  readonly provenance: Provenance
  /** null: the log does not say yet; only in a log that has not been bootstrapped. */
  readonly metadataVersion: number | null
  /** Finalized levels above 0, without metadata.version and kraft.version. */
  readonly features: ReadonlyMap<string, number>
  readonly brokers: ReadonlyMap<number, BrokerRegistration>
  readonly controllers: ReadonlyMap<number, ControllerRegistration>
  readonly topicsById: PersistentMap<TopicImage>
  readonly topicsByName: PersistentMap<TopicImage>
  /** By `configKey`. */
  readonly configs: PersistentMap<ConfigImage>
  /** By `quotaKey`. */
  readonly clientQuotas: PersistentMap<ClientQuotaImage>
  /** First of the next block; -1 if none was ever handed out. */
  readonly nextProducerId: number
  /** By id. */
  readonly acls: PersistentMap<AccessControlEntryRecord>
  /** By `scramKey`. */
  readonly scram: PersistentMap<UserScramCredentialRecord>
  /** By token id. */
  readonly delegationTokens: PersistentMap<DelegationTokenRecord>
}

export const EMPTY_IMAGE: MetadataImage = {
  provenance: { offset: -1, epoch: -1, timestampMs: -1, isBatchAligned: true },
  metadataVersion: null,
  features: new Map(),
  brokers: new Map(),
  controllers: new Map(),
  topicsById: PersistentMap.empty(),
  topicsByName: PersistentMap.empty(),
  configs: PersistentMap.empty(),
  clientQuotas: PersistentMap.empty(),
  nextProducerId: -1,
  acls: PersistentMap.empty(),
  scram: PersistentMap.empty(),
  delegationTokens: PersistentMap.empty(),
}

export function configKey({ type, name }: ConfigResource): string {
  return `${type}:${name}`
}

export function scramKey(mechanism: number, user: string): string {
  return `${mechanism}:${user}`
}

/** The same whatever the order of the parts. */
export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(entity.map(part => [part.entityType, part.entityName]).sort())
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

/** What was set for the resource itself; empty if nothing was. */
export function configsOf(image: MetadataImage, resource: ConfigResource): ReadonlyMap<string, string> {
  return image.configs.get(configKey(resource))?.values ?? NO_CONFIGS
}

/** 0: not finalized. Not for kraft.version, which is not part of the image. */
export function featureLevel(image: MetadataImage, name: string): number {
  return image.features.get(name) ?? 0
}

export function partitionOf(image: MetadataImage, topicId: string, partitionId: number): PartitionRegistration | null {
  return image.topicsById.get(topicId)?.partitions[partitionId] ?? null
}
