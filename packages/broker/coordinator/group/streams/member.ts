/** A member of a streams group: what it says of itself, and what it was given. A value that is replaced, never changed. */
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { Caller } from '../requests.ts'
import { type AssignedTasks, NOTHING_ASSIGNED } from './tasks.ts'

/** As records have it. Whatever else stands there is from a later Kafka. */
export const MemberState = {
  STABLE: 1,
  /** It is to give up tasks, and has not said yet that it has. */
  UNREVOKED_TASKS: 2,
  /** Tasks that it is to get are still with others. */
  UNRELEASED_TASKS: 3,
} as const

export const JOIN_EPOCH = 0
export const LEAVE_EPOCH = -1

/** Where the application of a member answers questions about its state. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What a member says of itself. */
export interface MemberMetadata {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly topologyEpoch: number
  /** Members of one process share its state directories: no two of them can have the same task. */
  readonly processId: string
  readonly userEndpoint: Endpoint | null
  readonly clientTags: ReadonlyMap<string, string>
}

export interface MemberProgress {
  readonly epoch: number
  readonly previousEpoch: number
  /** One of MemberState, or a number that this version doesn't know. */
  readonly state: number
  readonly assigned: AssignedTasks
  readonly pendingRevocation: AssignedTasks
}

export interface Member extends MemberMetadata, MemberProgress {
  readonly id: string
}

export function newMember(id: string): Member {
  return {
    id,
    epoch: 0,
    previousEpoch: 0,
    state: MemberState.STABLE,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topologyEpoch: -1,
    processId: '',
    userEndpoint: null,
    clientTags: new Map(),
    assigned: NOTHING_ASSIGNED,
    pendingRevocation: NOTHING_ASSIGNED,
  }
}

export function isReconciledTo({ state, epoch }: Member, assignmentEpoch: number): boolean {
  return state === MemberState.STABLE && epoch === assignmentEpoch
}

/** The member with what a heartbeat says of it; what the heartbeat leaves out stays. */
export function withMetadata(member: Member, request: StreamsGroupHeartbeatRequest, caller: Caller): Member {
  const { rackId, rebalanceTimeoutMs, topology, processId, userEndpoint, clientTags } = request
  return {
    ...member,
    rackId: rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    topologyEpoch: topology?.epoch ?? member.topologyEpoch,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    processId: processId ?? member.processId,
    userEndpoint: userEndpoint ?? member.userEndpoint,
    clientTags: clientTags ? new Map(clientTags.map(({ key, value }) => [key, value])) : member.clientTags,
  }
}

export function hasSameMetadata(a: MemberMetadata, b: MemberMetadata): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.topologyEpoch === b.topologyEpoch &&
    a.processId === b.processId &&
    a.userEndpoint?.host === b.userEndpoint?.host &&
    a.userEndpoint?.port === b.userEndpoint?.port &&
    sameTags(a.clientTags, b.clientTags)
  )
}

function sameTags(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}

export function tagsInOrder(tags: ReadonlyMap<string, string>): { key: string; value: string }[] {
  return [...tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value }))
}
