/** The requests that the controller answers: who decides, and what the response is when the request fails as a whole. */
import type { Init } from '@ottla/protocol'
import type { AllocateProducerIdsResponse } from '@ottla/protocol/messages/allocate-producer-ids'
import type { AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import type { AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import type { AlterPartitionResponse } from '@ottla/protocol/messages/alter-partition'
import type { AssignReplicasToDirsResponse } from '@ottla/protocol/messages/assign-replicas-to-dirs'
import type { BrokerHeartbeatResponse } from '@ottla/protocol/messages/broker-heartbeat'
import type { BrokerRegistrationResponse } from '@ottla/protocol/messages/broker-registration'
import type { ControllerRegistrationResponse } from '@ottla/protocol/messages/controller-registration'
import type { ListPartitionReassignmentsResponse } from '@ottla/protocol/messages/list-partition-reassignments'
import type { UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import type { UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { alterPartition, assignReplicasToDirs } from './alter-partition.ts'
import { brokerHeartbeat, registerBroker, registerController, unregisterBroker } from './brokers.ts'
import { alterClientQuotas } from './client-quotas.ts'
import { alterConfigs, incrementalAlterConfigs } from './configs.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteTopics } from './delete-topics.ts'
import { electLeaders } from './elect-leaders.ts'
import { updateFeatures } from './features.ts'
import type { Outcome } from './outcome.ts'
import { allocateProducerIds } from './producer-ids.ts'
import { alterPartitionReassignments, listPartitionReassignments } from './reassignments.ts'
import { alterUserScramCredentials } from './scram-credentials.ts'
import type { ControllerResult, ControllerState, RequestScope } from './state.ts'

interface ControllerApi<Request, Response> {
  /** Throws an ApiError if the request fails as a whole. */
  handle(state: ControllerState, request: Request, scope: RequestScope): ControllerResult<Response>
  failed(request: Request, outcome: Outcome): Response
}

function api<Request, Response>(
  handle: ControllerApi<Request, Response>['handle'],
  failed: (request: Request, outcome: Outcome) => Response,
): ControllerApi<Request, Response> {
  return { handle, failed }
}

const codeOnly = (_: unknown, { errorCode }: Outcome) => ({ errorCode })
const codeAndMessage = (_: unknown, outcome: Outcome) => outcome

/** By the name of the API. */
export const CONTROLLER_APIS = {
  createTopics: api(createTopics, ({ topics }, outcome) => ({
    topics: topics.map(({ name }) => ({ name, ...outcome })),
  })),
  deleteTopics: api(deleteTopics, ({ topics, topicNames }, outcome) => ({
    responses: [
      ...topicNames.map(name => ({ name, ...outcome })),
      ...topics.map(({ name, topicId }) => ({ name, topicId, ...outcome })),
    ],
  })),
  createPartitions: api(createPartitions, ({ topics }, outcome) => ({
    results: topics.map(({ name }) => ({ name, ...outcome })),
  })),
  alterConfigs: api(
    alterConfigs,
    ({ resources }, outcome): Init<typeof AlterConfigsResponse> => ({
      responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...outcome })),
    }),
  ),
  incrementalAlterConfigs: api(incrementalAlterConfigs, ({ resources }, outcome) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...outcome })),
  })),
  alterClientQuotas: api(
    alterClientQuotas,
    ({ entries }, outcome): Init<typeof AlterClientQuotasResponse> => ({
      entries: entries.map(({ entity }) => ({ entity, ...outcome })),
    }),
  ),
  alterUserScramCredentials: api(alterUserScramCredentials, ({ deletions, upsertions }, outcome) => ({
    results: Array.from(new Set([...deletions, ...upsertions].map(({ name }) => name)), user => ({ user, ...outcome })),
  })),
  electLeaders: api(electLeaders, ({ topicPartitions }, outcome) => ({
    errorCode: outcome.errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => ({ partitionId, ...outcome })),
    })),
  })),
  alterPartitionReassignments: api(alterPartitionReassignments, ({ topics }, outcome) => ({
    ...outcome,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...outcome })),
    })),
  })),
  listPartitionReassignments: api(
    listPartitionReassignments,
    codeAndMessage as () => Init<typeof ListPartitionReassignmentsResponse>,
  ),
  updateFeatures: api(updateFeatures, codeAndMessage as () => Init<typeof UpdateFeaturesResponse>),
  alterPartition: api(alterPartition, codeOnly as () => Init<typeof AlterPartitionResponse>),
  assignReplicasToDirs: api(assignReplicasToDirs, codeOnly as () => Init<typeof AssignReplicasToDirsResponse>),
  allocateProducerIds: api(allocateProducerIds, codeOnly as () => Init<typeof AllocateProducerIdsResponse>),
  brokerRegistration: api(registerBroker, codeOnly as () => Init<typeof BrokerRegistrationResponse>),
  brokerHeartbeat: api(brokerHeartbeat, codeOnly as () => Init<typeof BrokerHeartbeatResponse>),
  unregisterBroker: api(unregisterBroker, codeAndMessage as () => Init<typeof UnregisterBrokerResponse>),
  controllerRegistration: api(registerController, codeAndMessage as () => Init<typeof ControllerRegistrationResponse>),
}

export type ControllerApiName = keyof typeof CONTROLLER_APIS
export type ControllerRequest<Name extends ControllerApiName> = Parameters<(typeof CONTROLLER_APIS)[Name]['handle']>[1]
export type ControllerResponse<Name extends ControllerApiName> = ReturnType<(typeof CONTROLLER_APIS)[Name]['failed']>
