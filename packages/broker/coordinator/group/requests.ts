/** What can be asked of a group machine, and what it answers. Reads are plain methods of the machine. */
import type { Init } from '@ottla/protocol'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import type { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import type { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import type { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import type { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import type { TxnOffsetCommitRequest } from '@ottla/protocol/messages/txn-offset-commit'
import type { Refused, ShareGroupApis } from './share/requests.ts'
import type { StreamsHeartbeatAnswer } from './streams/requests.ts'

/** Who asks. */
export interface Caller {
  readonly apiVersion: number
  readonly clientId: string
  /** As Kafka prints an address: `/127.0.0.1`. */
  readonly clientHost: string
}

interface Apis extends ShareGroupApis {
  joinGroup: [JoinGroupRequest, Init<typeof JoinGroupResponse>]
  syncGroup: [SyncGroupRequest, Init<typeof SyncGroupResponse>]
  heartbeat: [HeartbeatRequest, Init<typeof HeartbeatResponse>]
  /** With `members`, also where the version has but one `memberId`. */
  leaveGroup: [LeaveGroupRequest, Init<typeof LeaveGroupResponse>]
  consumerGroupHeartbeat: [ConsumerGroupHeartbeatRequest, Init<typeof ConsumerGroupHeartbeatResponse>]
  /** With both name and id of each topic, whatever the version; topics and partitions exist. */
  offsetCommit: [OffsetCommitRequest, Init<typeof OffsetCommitResponse>]
  /** As offsetCommit; the records have to be a part of the producer's transaction. */
  txnOffsetCommit: [TxnOffsetCommitRequest & Pick<OffsetCommitRequest, 'topics'>, Pick<OffsetCommitResponse, 'topics'>]
  offsetDelete: [OffsetDeleteRequest, Init<typeof OffsetDeleteResponse>]
  /** A request that makes sense by itself: see streams/heartbeat-request.ts. */
  streamsGroupHeartbeat: [StreamsGroupHeartbeatRequest, StreamsHeartbeatAnswer]
  deleteGroups: [DeleteGroupsRequest, Init<typeof DeleteGroupsResponse>]
}

export type GroupApi = keyof Apis
export type RequestOf<Api extends GroupApi> = Apis[Api][0]
export type ResponseOf<Api extends GroupApi> = Apis[Api][1]

export type GroupRequest = {
  [Api in GroupApi]: { readonly api: Api; readonly request: RequestOf<Api>; readonly caller: Caller }
}[GroupApi]
export type GroupResponse = ResponseOf<GroupApi> | Refused
