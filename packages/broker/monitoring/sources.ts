/** Where the numbers are. `broker.ts` makes it. */
import type { Clock, Disk } from '@ottla/io'
import type { LogManager } from '@ottla/log'
import type { GroupCoordinator } from '../coordinator/group-coordinator.ts'
import type { TransactionCoordinator } from '../coordinator/transaction-coordinator.ts'
import type { TransactionVerifier } from '../coordinator/transaction-verifier.ts'
import type { MetadataCache } from '../metadata-cache.ts'
import type { RequestMetrics, TopicMetrics } from '../metrics/index.ts'
import type { ControllerDriver } from '../quorum/controller-driver.ts'
import type { Quotas } from '../quota/index.ts'
import type { FetchSessionCache } from '../replica/fetch-session.ts'
import type { ReplicaManager } from '../replica/replica-manager.ts'
import type { Server } from '../server/server.ts'
import type { Services } from '../services.ts'
import type { ShareServices } from '../share-services.ts'
import type { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { TopicConfigs } from '../topic-configs.ts'
import type { ClusterTally } from './cluster-tally.ts'

export interface Sources {
  readonly clock: Clock
  readonly disk: Disk
  readonly topics: TopicMetrics
  readonly requests: RequestMetrics
  readonly server: Server
  readonly quotas: Quotas
  readonly shares: ShareServices
  readonly replicas: ReplicaManager
  readonly logs: LogManager
  readonly topicConfigs: TopicConfigs
  readonly fetchSessions: FetchSessionCache
  readonly waitingFetches: Services['waitingFetches']
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly transactionVerifier: TransactionVerifier
  readonly metadata: MetadataCache
  readonly tally: ClusterTally
  readonly telemetry: ClientTelemetry
  /** null until it has started. */
  controller(): ControllerDriver | null
  /** Places of replicas that the controller has not been told yet. */
  assignmentCount(): number
  /** See health.ts. */
  state(): number
}
