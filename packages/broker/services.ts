/** What handlers may use of the broker. `broker.ts` makes it. */
import type { World } from '@ottla/io'
import type { AutoTopics } from './auto-topics.ts'
import type { BrokerConfig } from './config/index.ts'
import type { ControllerApiName, ControllerRequest, ControllerResponse } from './controller/index.ts'
import type { GroupCoordinator } from './coordinator/group-coordinator.ts'
import type { TransactionCoordinator } from './coordinator/transaction-coordinator.ts'
import type { TransactionVerifier } from './coordinator/transaction-verifier.ts'
import type { GroupConfigs } from './group-configs.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { QuorumDescription } from './quorum/index.ts'
import type { PartitionQuota, Quotas } from './quota/index.ts'
import type { FetchSessionCache } from './replica/fetch-session.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import type { ShareServices } from './share-services.ts'
import type { StreamsTopics } from './streams-topics.ts'
import type { ClientTelemetry } from './telemetry/client-telemetry.ts'
import type { TopicConfigs } from './topic-configs.ts'
import type { TxnMarkers } from './txn-markers.ts'

export interface ApiVersionRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** The way to the active controller, wherever it is. Resolves when what it decided is committed. */
export interface ControllerClient {
  request<Name extends ControllerApiName>(
    name: Name,
    request: ControllerRequest<Name>,
    apiVersion: number,
    caller?: { readonly quota?: PartitionQuota },
  ): Promise<ControllerResponse<Name>>
}

export interface Services {
  readonly world: World
  /** Changes with the dynamic configs: read it anew for each request. */
  readonly config: BrokerConfig
  readonly metadata: MetadataCache
  readonly topicConfigs: TopicConfigs
  readonly controller: ControllerClient
  describeQuorum(): QuorumDescription
  readonly replicas: ReplicaManager
  readonly fetchSessions: FetchSessionCache
  /** Fetch requests that wait for data, and how many have waited for as long as they may. */
  readonly waitingFetches: { count: number; readonly expired: { consumer: number; follower: number } }
  readonly telemetry: ClientTelemetry
  readonly groups: GroupCoordinator
  readonly groupConfigs: GroupConfigs
  readonly shares: ShareServices
  readonly quotas: Quotas
  readonly transactions: TransactionCoordinator
  readonly transactionVerifier: TransactionVerifier
  readonly txnMarkers: TxnMarkers
  readonly autoTopics: AutoTopics
  readonly streamsTopics: StreamsTopics
  /** What a listener serves, as ApiVersions tells it. */
  apis(listenerName: string): ApiVersionRange[]
  isControllerListener(listenerName: string): boolean
}
