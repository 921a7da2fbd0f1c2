/**
 * JoinGroup, SyncGroup, Heartbeat and LeaveGroup: requests of the classic protocol go to classic groups, and to consumer
 * groups that have members of both protocols.
 */
import type { HeartbeatRequest } from '@ottla/protocol/messages/heartbeat'
import type { JoinGroupRequest } from '@ottla/protocol/messages/join-group'
import type { LeaveGroupRequest } from '@ottla/protocol/messages/leave-group'
import type { SyncGroupRequest } from '@ottla/protocol/messages/sync-group'
import { joinGroup as joinClassicGroup } from './classic/join.ts'
import {
  heartbeat as beatInClassicGroup,
  leaveGroup as leaveClassicGroup,
  syncGroup as syncClassicGroup,
} from './classic/membership.ts'
import {
  beatInConsumerGroup,
  joinConsumerGroup,
  leaveConsumerGroup,
  syncConsumerGroup,
} from './consumer/classic-members.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { kindOf } from './kinds.ts'
import type { Caller } from './requests.ts'
import type { Turn } from './turn.ts'

export function joinGroup(turn: Turn, requestId: number, request: JoinGroupRequest, caller: Caller): void {
  const group = consumerGroup(turn, request.groupId)
  if (group && !group.isEmpty) {
    joinConsumerGroup(turn, requestId, group, request, caller)
    return
  }
  // Without members it can become whatever is joined; it goes though the member may be one that nobody knows.
  if (group) for (const tombstone of kindOf(group).tombstones(group)) turn.apply(tombstone)
  joinClassicGroup(turn, requestId, request, caller)
}

export function syncGroup(turn: Turn, requestId: number, request: SyncGroupRequest): void {
  const group = consumerGroup(turn, request.groupId)
  if (group) syncConsumerGroup(turn, requestId, group, request)
  else syncClassicGroup(turn, requestId, request)
}

export function heartbeat(turn: Turn, requestId: number, request: HeartbeatRequest): void {
  const group = consumerGroup(turn, request.groupId)
  if (group) beatInConsumerGroup(turn, requestId, group, request)
  else beatInClassicGroup(turn, requestId, request)
}

export function leaveGroup(turn: Turn, requestId: number, request: LeaveGroupRequest): void {
  const group = consumerGroup(turn, request.groupId)
  if (group) leaveConsumerGroup(turn, requestId, group, request)
  else leaveClassicGroup(turn, requestId, request)
}

function consumerGroup({ store }: Turn, id: string): ConsumerGroup | undefined {
  const group = store.groups.get(id)
  return group instanceof ConsumerGroup ? group : undefined
}
