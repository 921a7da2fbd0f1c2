/** What can be asked of a share coordinator's machine about one share partition, and what it answers. */
import type { StateBatch } from './state-batches.ts'

export interface SharePartitionId {
  readonly groupId: string
  readonly topicId: string
  readonly partition: number
}

/** How a share partition is called in Kafka: by this the partition of `__share_group_state` is found, too. */
export function sharePartitionName({ groupId, topicId, partition }: SharePartitionId): string {
  return `${groupId}:${topicId}:${partition}`
}

export interface PartitionResult {
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

export interface ReadResult extends PartitionResult {
  readonly stateEpoch: number
  readonly startOffset: number
  readonly stateBatches: readonly StateBatch[]
}

export interface SummaryResult extends PartitionResult {
  readonly stateEpoch: number
  readonly leaderEpoch: number
  readonly startOffset: number
  readonly deliveryCompleteCount: number
}

/** Epochs of -1 are not compared. */
export interface InitializeRequest {
  readonly stateEpoch: number
  /** -1: to be found by share.auto.offset.reset when the partition is first read. */
  readonly startOffset: number
}

export interface WriteRequest {
  readonly stateEpoch: number
  readonly leaderEpoch: number
  readonly startOffset: number
  readonly deliveryCompleteCount: number
  readonly stateBatches: readonly StateBatch[]
}

export interface ReadRequest {
  readonly leaderEpoch: number
}

interface Apis {
  initialize: [InitializeRequest, PartitionResult]
  /** Remembers the leader epoch, so that an older leader can't write any more. */
  read: [ReadRequest, ReadResult]
  write: [WriteRequest, PartitionResult]
  delete: [null, PartitionResult]
}

export type ShareApi = keyof Apis
export type RequestOf<Api extends ShareApi> = Apis[Api][0]
export type ResponseOf<Api extends ShareApi> = Apis[Api][1]

export type ShareRequest = {
  [Api in ShareApi]: { readonly api: Api; readonly id: SharePartitionId; readonly request: RequestOf<Api> }
}[ShareApi]
export type ShareResponse = ResponseOf<ShareApi>
