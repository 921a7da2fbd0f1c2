/** What can be asked of the group machine about share groups, and what it answers: a member of requests.ts of all groups. */
import type { Init } from '@ottla/protocol'
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import type { DeleteShareGroupStateRequest } from '@ottla/protocol/messages/delete-share-group-state'
import type { InitializeShareGroupStateRequest } from '@ottla/protocol/messages/initialize-share-group-state'
import type { ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@ottla/protocol/messages/share-group-heartbeat'

import type { ApiError } from '../../../errors.ts'

export interface Caller {
  readonly clientId: string
  readonly clientHost: string
}

export interface HeartbeatResult {
  readonly response: ShareGroupHeartbeatResponse
  /** What the share coordinator is to be asked for; it is not waited for. */
  readonly initialize: InitializeShareGroupStateRequest | null
}

export interface AlterResult {
  readonly responses: AlterShareGroupOffsetsResponse['responses']
  readonly initialize: InitializeShareGroupStateRequest
}

export interface DeleteOffsetsResult {
  /** Of what can't be deleted. */
  readonly refused: DeletedTopic[]
  readonly remove: DeleteShareGroupStateRequest | null
}

export interface DeleteStateResult {
  /** null: there is none, or it is no share group. */
  readonly remove: DeleteShareGroupStateRequest | null
}

export interface Done {
  readonly done: true
}

export type DeletedTopic = DeleteShareGroupOffsetsResponse['responses'][number]
export type DescribedShareGroup = Init<typeof ShareGroupDescribeResponse>['groups'] extends
  | readonly (infer Described)[]
  | undefined
  ? Described
  : never

/** Which partitions, of one group. */
export interface StateTopicsRequest {
  readonly groupId: string
  readonly topics: ReadonlyMap<string, readonly number[]>
}

export interface ShareGroupApis {
  shareGroupHeartbeat: [ShareGroupHeartbeatRequest, HeartbeatResult]
  /** The share coordinator has done what it was asked for. */
  initializedShareGroupState: [StateTopicsRequest, Done]
  /** It could not. */
  uninitializedShareGroupState: [StateTopicsRequest, Done]
  alterShareGroupOffsets: [AlterShareGroupOffsetsRequest, AlterResult]
  deleteShareGroupOffsets: [DeleteShareGroupOffsetsRequest, DeleteOffsetsResult]
  deletedShareGroupOffsets: [StateTopicsRequest, Done]
  /** All of its state, before the group itself. */
  deleteShareGroupState: [{ readonly groupId: string }, DeleteStateResult]
}

/** The facade makes a response of it that fits the API. */
export interface Refused {
  readonly refused: ApiError
}
