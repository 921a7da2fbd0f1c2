/** The requests that clients send, each with its response. */
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '@ottla/protocol/messages/add-offsets-to-txn'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'

export const apis = {
  addOffsetsToTxn: { request: AddOffsetsToTxnRequest, response: AddOffsetsToTxnResponse },
  addPartitionsToTxn: { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse },
  alterReplicaLogDirs: { request: AlterReplicaLogDirsRequest, response: AlterReplicaLogDirsResponse },
  endTxn: { request: EndTxnRequest, response: EndTxnResponse },
  txnOffsetCommit: { request: TxnOffsetCommitRequest, response: TxnOffsetCommitResponse },
  consumerGroupHeartbeat: { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse },
  createPartitions: { request: CreatePartitionsRequest, response: CreatePartitionsResponse },
  createTopics: { request: CreateTopicsRequest, response: CreateTopicsResponse },
  deleteRecords: { request: DeleteRecordsRequest, response: DeleteRecordsResponse },
  deleteTopics: { request: DeleteTopicsRequest, response: DeleteTopicsResponse },
  describeConfigs: { request: DescribeConfigsRequest, response: DescribeConfigsResponse },
  fetch: { request: FetchRequest, response: FetchResponse },
  findCoordinator: { request: FindCoordinatorRequest, response: FindCoordinatorResponse },
  heartbeat: { request: HeartbeatRequest, response: HeartbeatResponse },
  alterConfigs: { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse },
  initProducerId: { request: InitProducerIdRequest, response: InitProducerIdResponse },
  joinGroup: { request: JoinGroupRequest, response: JoinGroupResponse },
  leaveGroup: { request: LeaveGroupRequest, response: LeaveGroupResponse },
  listOffsets: { request: ListOffsetsRequest, response: ListOffsetsResponse },
  metadata: { request: MetadataRequest, response: MetadataResponse },
  offsetCommit: { request: OffsetCommitRequest, response: OffsetCommitResponse },
  offsetFetch: { request: OffsetFetchRequest, response: OffsetFetchResponse },
  produce: { request: ProduceRequest, response: ProduceResponse },
  describeShareGroupOffsets: { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse },
  readShareGroupState: { request: ReadShareGroupStateRequest, response: ReadShareGroupStateResponse },
  shareAcknowledge: { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse },
  shareFetch: { request: ShareFetchRequest, response: ShareFetchResponse },
  shareGroupHeartbeat: { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse },
  streamsGroupHeartbeat: { request: StreamsGroupHeartbeatRequest, response: StreamsGroupHeartbeatResponse },
  syncGroup: { request: SyncGroupRequest, response: SyncGroupResponse },
} as const

/** Up to this version, topics are named; later ones go by their ids. */
export const LAST_WITH_NAMES = { produce: 12, fetch: 12, offsetCommit: 9, offsetFetch: 7 } as const
