/**
 * Every API that a broker advertises, in every version: a valid request is answered, without an error, in bytes that
 * decode to the last one. (The connection's decoder refuses what is left over or missing.)
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { committedOffsets } from '@ottla/client'
import { ErrorCode, encodeBatch, type Message, ZERO_UUID } from '@ottla/protocol'
import { AddRaftVoterRequest, AddRaftVoterResponse } from '@ottla/protocol/messages/add-raft-voter'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { AlterConfigsRequest, AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { CreateAclsRequest, CreateAclsResponse } from '@ottla/protocol/messages/create-acls'
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from '@ottla/protocol/messages/create-delegation-token'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteAclsRequest, DeleteAclsResponse } from '@ottla/protocol/messages/delete-acls'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '@ottla/protocol/messages/delete-share-group-state'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeAclsRequest, DescribeAclsResponse } from '@ottla/protocol/messages/describe-acls'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from '@ottla/protocol/messages/describe-delegation-token'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '@ottla/protocol/messages/describe-topic-partitions'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '@ottla/protocol/messages/describe-user-scram-credentials'
import { ElectLeadersRequest, ElectLeadersResponse } from '@ottla/protocol/messages/elect-leaders'
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from '@ottla/protocol/messages/expire-delegation-token'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '@ottla/protocol/messages/get-telemetry-subscriptions'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '@ottla/protocol/messages/initialize-share-group-state'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { ListConfigResourcesRequest, ListConfigResourcesResponse } from '@ottla/protocol/messages/list-config-resources'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/list-partition-reassignments'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@ottla/protocol/messages/offset-for-leader-epoch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { PushTelemetryRequest, PushTelemetryResponse } from '@ottla/protocol/messages/push-telemetry'
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '@ottla/protocol/messages/read-share-group-state-summary'
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '@ottla/protocol/messages/remove-raft-voter'
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@ottla/protocol/messages/renew-delegation-token'
import { SaslAuthenticateRequest, SaslAuthenticateResponse } from '@ottla/protocol/messages/sasl-authenticate'
import { SaslHandshakeRequest, SaslHandshakeResponse } from '@ottla/protocol/messages/sasl-handshake'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '@ottla/protocol/messages/write-share-group-state'
import { type InProcess, inProcess, metadataApi } from './in-process.ts'
import { TRANSACTION_CASES } from './transaction-cases.ts'

/** What a valid request looks like in a version; `errors`: codes that are right for it all the same. */
interface Case {
  readonly request: Message
  readonly response: Message
  readonly errors?: readonly number[]
  value(version: number, seen: { readonly topicId: string; readonly serial: number }): object
}

const UNKNOWN_MEMBER_ID = 25
const NON_EMPTY_GROUP = 68
const GROUP_ID_NOT_FOUND = 69
const ILLEGAL_SASL_STATE = 34
const SECURITY_DISABLED = 54
const DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64
const MEMBER_ID_REQUIRED = 79
const SHARE_SESSION_NOT_FOUND = 122
const UNKNOWN_SUBSCRIPTION_ID = 117
const LOG_DIR_NOT_FOUND = 57
const ELECTION_NOT_NEEDED = 84
const BROKER_ID_NOT_REGISTERED = 102
const TOPIC = 2
const group = 'g'

const CASES: readonly Case[] = [
  {
    request: ProduceRequest,
    response: ProduceResponse,
    value: (version, { topicId }) => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          ...(version >= 13 ? { topicId } : { name: 'a' }),
          partitionData: [{ index: 0, records: encodeBatch([{ value: Buffer.from('x') }]) }],
        },
      ],
    }),
  },
  {
    request: FetchRequest,
    response: FetchResponse,
    value: (version, { topicId }) => ({
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        {
          ...(version >= 13 ? { topicId } : { topic: 'a' }),
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
        },
      ],
    }),
  },
  {
    request: ListOffsetsRequest,
    response: ListOffsetsResponse,
    value: () => ({ replicaId: -1, topics: [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1n }] }] }),
  },
  { ...metadataApi, value: version => ({ topics: version === 0 ? [] : [{ name: 'a' }] }) },
  {
    request: OffsetCommitRequest,
    response: OffsetCommitResponse,
    value: (version, { topicId }) => ({
      groupId: group,
      topics: [
        {
          ...(version >= 10 ? { topicId } : { name: 'a' }),
          partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
        },
      ],
    }),
  },
  {
    request: OffsetFetchRequest,
    response: OffsetFetchResponse,
    value: (version, { topicId }) =>
      version < 8
        ? { groupId: group, topics: [{ name: 'a', partitionIndexes: [0, 1] }] }
        : {
            groups: [
              { groupId: group, topics: [{ ...(version >= 10 ? { topicId } : { name: 'a' }), partitionIndexes: [0] }] },
            ],
          },
  },
  {
    request: DescribeAclsRequest,
    response: DescribeAclsResponse,
    errors: [SECURITY_DISABLED],
    value: () => ({ resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }),
  },
  {
    request: CreateAclsRequest,
    response: CreateAclsResponse,
    errors: [SECURITY_DISABLED],
    value: () => ({ creations: [{ resourceType: 2, resourceName: 'a', operation: 3, permissionType: 3 }] }),
  },
  {
    request: DeleteAclsRequest,
    response: DeleteAclsResponse,
    errors: [SECURITY_DISABLED],
    value: () => ({ filters: [{ resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }] }),
  },
  {
    request: SaslHandshakeRequest,
    response: SaslHandshakeResponse,
    errors: [ILLEGAL_SASL_STATE],
    value: () => ({ mechanism: 'PLAIN' }),
  },
  {
    request: SaslAuthenticateRequest,
    response: SaslAuthenticateResponse,
    errors: [ILLEGAL_SASL_STATE],
    value: () => ({}),
  },
  {
    request: CreateDelegationTokenRequest,
    response: CreateDelegationTokenResponse,
    errors: [DELEGATION_TOKEN_REQUEST_NOT_ALLOWED],
    value: () => ({}),
  },
  {
    request: RenewDelegationTokenRequest,
    response: RenewDelegationTokenResponse,
    errors: [DELEGATION_TOKEN_REQUEST_NOT_ALLOWED],
    value: () => ({}),
  },
  {
    request: ExpireDelegationTokenRequest,
    response: ExpireDelegationTokenResponse,
    errors: [DELEGATION_TOKEN_REQUEST_NOT_ALLOWED],
    value: () => ({}),
  },
  {
    request: DescribeDelegationTokenRequest,
    response: DescribeDelegationTokenResponse,
    errors: [DELEGATION_TOKEN_REQUEST_NOT_ALLOWED],
    value: () => ({}),
  },
  {
    request: FindCoordinatorRequest,
    response: FindCoordinatorResponse,
    value: version => (version >= 4 ? { coordinatorKeys: [group] } : { key: group }),
  },
  {
    request: JoinGroupRequest,
    response: JoinGroupResponse,
    errors: [MEMBER_ID_REQUIRED],
    value: (version, { serial }) => ({
      groupId: `joined-${serial}`,
      sessionTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(6) }],
      ...(version >= 1 ? { rebalanceTimeoutMs: 10_000 } : {}),
    }),
  },
  {
    request: HeartbeatRequest,
    response: HeartbeatResponse,
    errors: [UNKNOWN_MEMBER_ID],
    value: () => ({ groupId: group, generationId: 0, memberId: 'm' }),
  },
  {
    request: LeaveGroupRequest,
    response: LeaveGroupResponse,
    errors: [UNKNOWN_MEMBER_ID],
    value: version => ({ groupId: group, ...(version >= 3 ? { members: [{ memberId: 'm' }] } : { memberId: 'm' }) }),
  },
  {
    request: SyncGroupRequest,
    response: SyncGroupResponse,
    errors: [UNKNOWN_MEMBER_ID],
    value: () => ({ groupId: group, generationId: 0, memberId: 'm', protocolType: 'consumer', protocolName: 'range' }),
  },
  {
    request: DescribeGroupsRequest,
    response: DescribeGroupsResponse,
    value: version => ({ groups: [group], ...(version >= 3 ? { includeAuthorizedOperations: true } : {}) }),
  },
  {
    request: ListGroupsRequest,
    response: ListGroupsResponse,
    value: version => ({
      ...(version >= 4 ? { statesFilter: ['Empty'] } : {}),
      ...(version >= 5 ? { typesFilter: ['classic'] } : {}),
    }),
  },
  {
    request: ApiVersionsRequest,
    response: ApiVersionsResponse,
    value: version => (version >= 3 ? { clientSoftwareName: 'test', clientSoftwareVersion: '1' } : {}),
  },
  {
    request: CreateTopicsRequest,
    response: CreateTopicsResponse,
    value: version => ({ topics: [{ name: `made-${version}`, numPartitions: 1, replicationFactor: 1 }] }),
  },
  {
    request: DeleteTopicsRequest,
    response: DeleteTopicsResponse,
    value: version => {
      const name = `doomed-${version}`
      return { timeoutMs: 1000, ...(version >= 6 ? { topics: [{ name }] } : { topicNames: [name] }) }
    },
  },
  {
    request: DeleteRecordsRequest,
    response: DeleteRecordsResponse,
    value: () => ({ timeoutMs: 1000, topics: [{ name: 'a', partitions: [{ partitionIndex: 1, offset: -1 }] }] }),
  },
  {
    request: InitProducerIdRequest,
    response: InitProducerIdResponse,
    value: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
  },
  {
    request: OffsetForLeaderEpochRequest,
    response: OffsetForLeaderEpochResponse,
    value: () => ({ topics: [{ topic: 'a', partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
  },
  {
    request: DescribeConfigsRequest,
    response: DescribeConfigsResponse,
    value: version => ({
      resources: [
        { resourceType: TOPIC, resourceName: 'a', configurationKeys: null },
        { resourceType: 4, resourceName: '1', configurationKeys: ['num.partitions'] },
      ],
      includeSynonyms: true,
      ...(version >= 3 ? { includeDocumentation: true } : {}),
    }),
  },
  {
    request: AlterConfigsRequest,
    response: AlterConfigsResponse,
    value: () => ({
      resources: [{ resourceType: TOPIC, resourceName: 'a', configs: [{ name: 'retention.ms', value: '1000000' }] }],
    }),
  },
  {
    request: AlterReplicaLogDirsRequest,
    response: AlterReplicaLogDirsResponse,
    errors: [LOG_DIR_NOT_FOUND],
    value: () => ({ dirs: [{ path: '/nowhere', topics: [{ name: 'a', partitions: [0] }] }] }),
  },
  {
    request: DescribeLogDirsRequest,
    response: DescribeLogDirsResponse,
    value: version => ({ topics: version % 2 === 0 ? null : [{ topic: 'a', partitions: [0, 1] }] }),
  },
  {
    request: CreatePartitionsRequest,
    response: CreatePartitionsResponse,
    value: version => ({ timeoutMs: 1000, topics: [{ name: 'growing', count: version + 2, assignments: null }] }),
  },
  {
    request: DeleteGroupsRequest,
    response: DeleteGroupsResponse,
    errors: [GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP],
    value: () => ({ groupsNames: ['nobody'] }),
  },
  {
    request: IncrementalAlterConfigsRequest,
    response: IncrementalAlterConfigsResponse,
    value: () => ({
      resources: [
        {
          resourceType: TOPIC,
          resourceName: 'a',
          configs: [{ name: 'retention.ms', configOperation: 0, value: '2000000' }],
        },
      ],
    }),
  },
  {
    request: OffsetDeleteRequest,
    response: OffsetDeleteResponse,
    value: () => ({ groupId: group, topics: [{ name: 'a', partitions: [{ partitionIndex: 0 }] }] }),
  },
  {
    request: ElectLeadersRequest,
    response: ElectLeadersResponse,
    errors: [ELECTION_NOT_NEEDED],
    value: () => ({ topicPartitions: [{ topic: 'a', partitions: [0, 1] }] }),
  },
  {
    request: AlterPartitionReassignmentsRequest,
    response: AlterPartitionReassignmentsResponse,
    value: () => ({ topics: [{ name: 'a', partitions: [{ partitionIndex: 0, replicas: [1] }] }] }),
  },
  {
    request: ListPartitionReassignmentsRequest,
    response: ListPartitionReassignmentsResponse,
    value: () => ({ topics: [{ name: 'a', partitionIndexes: [0] }] }),
  },
  {
    request: DescribeClientQuotasRequest,
    response: DescribeClientQuotasResponse,
    value: () => ({ components: [{ entityType: 'user', matchType: 2, match: null }], strict: true }),
  },
  {
    request: AlterClientQuotasRequest,
    response: AlterClientQuotasResponse,
    value: version => ({
      entries: [
        {
          entity: [{ entityType: 'user', entityName: 'u' }],
          ops: [{ key: 'producer_byte_rate', value: 1000 + version, remove: false }],
        },
      ],
      validateOnly: false,
    }),
  },
  {
    request: DescribeUserScramCredentialsRequest,
    response: DescribeUserScramCredentialsResponse,
    value: () => ({ users: null }),
  },
  {
    request: AlterUserScramCredentialsRequest,
    response: AlterUserScramCredentialsResponse,
    value: () => ({
      upsertions: [
        { name: 'u', mechanism: 1, iterations: 4096, salt: Buffer.from('s'), saltedPassword: Buffer.from('p') },
      ],
    }),
  },
  {
    request: DescribeQuorumRequest,
    response: DescribeQuorumResponse,
    value: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
  },
  {
    request: UpdateFeaturesRequest,
    response: UpdateFeaturesResponse,
    value: () => ({ featureUpdates: [{ feature: 'group.version', maxVersionLevel: 1 }] }),
  },
  {
    request: UnregisterBrokerRequest,
    response: UnregisterBrokerResponse,
    errors: [BROKER_ID_NOT_REGISTERED],
    value: () => ({ brokerId: 9 }),
  },
  {
    request: AddRaftVoterRequest,
    response: AddRaftVoterResponse,
    errors: [ErrorCode.INVALID_REQUEST],
    value: () => ({ clusterId: null, voterId: 9, timeoutMs: 1000 }),
  },
  {
    request: RemoveRaftVoterRequest,
    response: RemoveRaftVoterResponse,
    errors: [ErrorCode.INVALID_REQUEST],
    value: () => ({ clusterId: null, voterId: 9 }),
  },
  { request: ListConfigResourcesRequest, response: ListConfigResourcesResponse, value: () => ({}) },
  { request: DescribeClusterRequest, response: DescribeClusterResponse, value: () => ({}) },
  ...TRANSACTION_CASES,
  {
    request: ConsumerGroupHeartbeatRequest,
    response: ConsumerGroupHeartbeatResponse,
    value: version => ({
      groupId: 'consumers',
      memberId: version === 0 ? '' : 'member',
      memberEpoch: 0,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: ['a'],
      topicPartitions: [],
    }),
  },
  {
    request: ConsumerGroupDescribeRequest,
    response: ConsumerGroupDescribeResponse,
    value: () => ({ groupIds: ['consumers'] }),
  },
  {
    request: DescribeTopicPartitionsRequest,
    response: DescribeTopicPartitionsResponse,
    value: () => ({ topics: [{ name: 'a' }] }),
  },
  { request: GetTelemetrySubscriptionsRequest, response: GetTelemetrySubscriptionsResponse, value: () => ({}) },
  {
    request: PushTelemetryRequest,
    response: PushTelemetryResponse,
    // What nobody asked for is refused, as in Kafka.
    value: () => ({ clientInstanceId: 'AQIDBAUGBwgJCgsMDQ4PEA', subscriptionId: 1 }),
    errors: [UNKNOWN_SUBSCRIPTION_ID],
  },
  {
    request: StreamsGroupHeartbeatRequest,
    response: StreamsGroupHeartbeatResponse,
    value: () => ({
      groupId: 'streams',
      memberId: 'm',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      topology: { epoch: 0, subtopologies: [{ subtopologyId: '0', sourceTopics: ['a'] }] },
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      processId: 'p',
    }),
  },
  {
    request: StreamsGroupDescribeRequest,
    response: StreamsGroupDescribeResponse,
    value: () => ({ groupIds: ['streams'] }),
  },
  // ------------------------------------------------------------------------------------------------ share groups
  {
    request: ShareGroupHeartbeatRequest,
    response: ShareGroupHeartbeatResponse,
    value: (_version, { serial }) => ({
      groupId: `shared-${serial}`,
      memberId: 'm',
      memberEpoch: 0,
      subscribedTopicNames: ['a'],
    }),
  },
  {
    request: ShareGroupDescribeRequest,
    response: ShareGroupDescribeResponse,
    errors: [GROUP_ID_NOT_FOUND],
    value: () => ({ groupIds: ['nobody'], includeAuthorizedOperations: true }),
  },
  {
    request: ShareFetchRequest,
    response: ShareFetchResponse,
    value: (version, { topicId, serial }) => ({
      groupId: group,
      memberId: `m${serial}`,
      shareSessionEpoch: 0,
      maxWaitMs: 0,
      maxBytes: 1000,
      maxRecords: 1,
      batchSize: 1,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, ...(version === 0 ? { partitionMaxBytes: 1000 } : {}) }] }],
    }),
  },
  {
    request: ShareAcknowledgeRequest,
    response: ShareAcknowledgeResponse,
    errors: [SHARE_SESSION_NOT_FOUND],
    value: () => ({ groupId: group, memberId: 'm', shareSessionEpoch: 1, topics: [] }),
  },
  {
    request: DescribeShareGroupOffsetsRequest,
    response: DescribeShareGroupOffsetsResponse,
    value: version => ({
      groups: [{ groupId: 'nobody', topics: version === 0 ? [{ topicName: 'a', partitions: [0] }] : null }],
    }),
  },
  {
    request: AlterShareGroupOffsetsRequest,
    response: AlterShareGroupOffsetsResponse,
    value: () => ({
      groupId: 'altered',
      topics: [{ topicName: 'a', partitions: [{ partitionIndex: 0, startOffset: 1 }] }],
    }),
  },
  {
    request: DeleteShareGroupOffsetsRequest,
    response: DeleteShareGroupOffsetsResponse,
    errors: [GROUP_ID_NOT_FOUND],
    value: () => ({ groupId: 'nobody', topics: [{ topicName: 'a' }] }),
  },
  {
    request: InitializeShareGroupStateRequest,
    response: InitializeShareGroupStateResponse,
    value: (_version, { topicId }) => ({
      groupId: 'kept',
      topics: [{ topicId, partitions: [{ partition: 0, stateEpoch: 1, startOffset: 0 }] }],
    }),
  },
  {
    request: ReadShareGroupStateRequest,
    response: ReadShareGroupStateResponse,
    value: (_version, { topicId }) => ({
      groupId: 'kept',
      topics: [{ topicId, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    }),
  },
  {
    request: WriteShareGroupStateRequest,
    response: WriteShareGroupStateResponse,
    value: (version, { topicId }) => ({
      groupId: 'kept',
      topics: [
        {
          topicId,
          partitions: [
            {
              partition: 0,
              stateEpoch: 1,
              leaderEpoch: 0,
              startOffset: 1,
              ...(version >= 1 ? { deliveryCompleteCount: 1 } : {}),
              stateBatches: [{ firstOffset: 2, lastOffset: 3, deliveryState: 2, deliveryCount: 1 }],
            },
          ],
        },
      ],
    }),
  },
  {
    request: ReadShareGroupStateSummaryRequest,
    response: ReadShareGroupStateSummaryResponse,
    value: (_version, { topicId }) => ({
      groupId: 'kept',
      topics: [{ topicId, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    }),
  },
  {
    request: DeleteShareGroupStateRequest,
    response: DeleteShareGroupStateResponse,
    value: (_version, { topicId }) => ({ groupId: 'kept', topics: [{ topicId, partitions: [{ partition: 0 }] }] }),
  },
]

/** Error codes anywhere in a response. */
function errorsIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return []
  const own = 'errorCode' in value && value.errorCode !== 0 ? [value.errorCode as number] : []
  return [...own, ...Object.values(value).flatMap(errorsIn)]
}

async function broker(): Promise<InProcess> {
  const doomed = [1, 2, 3, 4, 5, 6].map(version => `doomed-${version}`)
  return inProcess({ topics: [{ name: 'a', partitions: 2 }, { name: 'growing', partitions: 1 }, ...doomed] })
}

test('each advertised API has its case here, and nothing else is served', async () => {
  await using open = await broker()
  const advertised = [...open.connection.versions.keys()].sort((a, b) => a - b)
  assert.deepEqual(
    CASES.map(({ request }) => request.key).sort((a, b) => a - b),
    advertised,
  )
})

test('every version of every API answers a valid request', async () => {
  await using open = await broker()
  const topicId = await open.topicId('a')
  assert.notEqual(topicId, ZERO_UUID)
  // The first to look for a coordinator has the offsets topic created, and waits for it.
  await committedOffsets(open.client, group, null)
  let serial = 0
  let exchanges = 0
  for (const { request, response, value, errors = [] } of CASES) {
    const range = open.connection.versions.get(request.key)!
    for (let version = Math.max(range.min, request.versions.min); version <= range.max; version++) {
      const what = `${request.name} version ${version}`
      const answer: object = await open
        .send({ request, response }, value(version, { topicId, serial: serial++ }), version)
        .catch((cause: unknown) => assert.fail(`${what}: ${cause}`))
      const unexpected = errorsIn(answer).filter(code => !errors.includes(code))
      assert.deepEqual(unexpected, [], what)
      exchanges++
    }
  }
  assert.ok(exchanges > 130, `${exchanges} exchanges`)
})

test('an API that is not served closes the connection', async () => {
  await using open = await broker()
  const { AllocateProducerIdsRequest, AllocateProducerIdsResponse } = await import(
    '@ottla/protocol/messages/allocate-producer-ids'
  )
  const api = { request: AllocateProducerIdsRequest, response: AllocateProducerIdsResponse }
  await assert.rejects(open.send(api, { brokerId: 1 }), { code: 'ERR_UNSUPPORTED_VERSION' })
})
