/**
 * What the managers of the controller work on. They are functions of this state: they read it and return records, and
 * only `Controller` changes it, when records are replayed. The exception are the heartbeats, which are not in the log.
 */
import type { BrokerConfig } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import {
  type BrokerRegistration,
  ELIGIBLE_LEADER_REPLICAS_VERSION,
  featureLevel,
  type MetadataImage,
  type MetadataRecord,
  type ScramMechanism,
} from '../image/index.ts'
import type { BrokerHeartbeats } from './broker-heartbeats.ts'
import type { NodeConfig } from './config-rules.ts'
import type { PartitionIndex } from './partition-index.ts'
import type { TopicNameIndex } from './topic-names.ts'

/** Chance, as `io` gives it. */
export interface ControllerRandom {
  /** Uniform in [0, bound). */
  integer(bound: number): number
  /** Never reserved, never beginning with '-'. */
  uuid(): string
}

export interface ControllerOptions {
  /** As the node was started. */
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly random: ControllerRandom
  /** Written when the log is empty: what `format` left in bootstrap.checkpoint. */
  readonly bootstrapRecords: readonly MetadataRecord[]
  /** The level of kraft.version, which is the quorum's and not in the image. */
  kraftVersion(): number
  /** What is stored of a salted password of SCRAM (RFC 5802). */
  scramKeys(
    mechanism: ScramMechanism,
    saltedPassword: Uint8Array,
  ): { readonly storedKey: Uint8Array; readonly serverKey: Uint8Array }
  /** Whether the node is a voter of the quorum: its configs may be set before it has registered. */
  isVoter(nodeId: number): boolean
}

export interface ControllerState {
  readonly options: ControllerOptions
  readonly nodeConfig: NodeConfig
  /** After everything that was replayed. */
  readonly image: MetadataImage
  readonly partitions: PartitionIndex
  readonly topicNames: TopicNameIndex
  readonly heartbeats: BrokerHeartbeats
  /** By broker: an offset not below the one of its registration. */
  readonly registrationOffsets: ReadonlyMap<number, number>
}

/** What the caller may do: everything, until the authorizer comes. */
export interface Access {
  mayCreateTopic(name: string): boolean
  mayDescribeTopic(name: string): boolean
  mayDescribeTopicConfigs(name: string): boolean
  mayDeleteTopic(name: string): boolean
  mayAlterTopic(name: string): boolean
}

const yes = () => true
export const FULL_ACCESS: Access = {
  mayCreateTopic: yes,
  mayDescribeTopic: yes,
  mayDescribeTopicConfigs: yes,
  mayDeleteTopic: yes,
  mayAlterTopic: yes,
}

/** What comes with a request. */
export interface RequestScope {
  /** Monotonic. */
  readonly nowMs: number
  readonly apiVersion: number
  /** That the first of the returned records will get. */
  readonly nextOffset: number
  readonly access: Access
  /** false: the caller has made and deleted too many partitions for now, and may not have so many more. */
  spendPartitions(count: number): boolean
}

export interface ControllerResult<Response> {
  /** To be appended, then replayed; the response waits until they are committed. */
  readonly records: readonly MetadataRecord[]
  /** All or none: they go into one batch. Others may be split, and make sense up to any of them. */
  readonly isAtomic: boolean
  readonly response: Response
  /** A level of kraft.version that the quorum is to write before the records. */
  readonly kraftVersion?: number
}

/**
 * Throws REQUEST_TIMED_OUT if the request leaves no time, and says no more, as Kafka does. It is for where there is
 * something to decide: what Kafka's controllers see in a request before they queue it, they tell however little time there is.
 */
export function checkDeadline({ timeoutMs }: { readonly timeoutMs: number }): void {
  if (timeoutMs <= 0) throw new ApiError('REQUEST_TIMED_OUT', '')
}

export function metadataVersion({ image }: ControllerState): number {
  if (image.metadataVersion === null) throw new Error('the controller is asked before its log is bootstrapped')
  return image.metadataVersion
}

export function isElrEnabled({ image }: ControllerState): boolean {
  return featureLevel(image, ELIGIBLE_LEADER_REPLICAS_VERSION) > 0
}

/** Neither fenced nor shutting down: may lead, and be in sync. */
export function isActive({ image }: ControllerState, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId)
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

/** Throws STALE_BROKER_EPOCH: the broker has to register again. */
export function currentBroker({ image }: ControllerState, brokerId: number, brokerEpoch: number): BrokerRegistration {
  const broker = image.brokers.get(brokerId)
  if (!broker) throw new ApiError('STALE_BROKER_EPOCH', `broker ${brokerId} is not registered`)
  if (broker.epoch !== brokerEpoch) {
    throw new ApiError('STALE_BROKER_EPOCH', `broker ${brokerId} has broker epoch ${broker.epoch}, not ${brokerEpoch}`)
  }
  return broker
}

/** Throws THROTTLING_QUOTA_EXCEEDED (KIP-599). */
export function spendPartitions(scope: RequestScope, count: number): void {
  if (scope.spendPartitions(count)) return
  throw new ApiError('THROTTLING_QUOTA_EXCEEDED', 'Too many partitions were made or deleted: wait for a while.')
}
