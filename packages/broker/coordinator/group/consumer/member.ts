/** A member of a consumer group: a value that is replaced by its records, never changed. */
import type { ConsumerGroupMemberMetadataValue } from '@ottla/protocol/logrecords/consumer-offsets'
import type { JoinGroupRequest } from '@ottla/protocol/messages/join-group'
import { OWNS_NOTHING, type OwnedPartitions, ownedSince, sameOwned, toPartitions } from './assignment.ts'

/** As records have it. */
export const MemberState = {
  /** It has what it is to have at its epoch. */
  STABLE: 0,
  /** It has to give up partitions before it goes on to the next epoch. */
  UNREVOKED_PARTITIONS: 1,
  /** It waits for partitions that others have not given up yet. */
  UNRELEASED_PARTITIONS: 2,
  /** A later version has written it. */
  UNKNOWN: 127,
} as const
export type MemberState = (typeof MemberState)[keyof typeof MemberState]

/** What a heartbeat says instead of an epoch. */
export const JOINING_EPOCH = 0
export const LEAVING_EPOCH = -1
/** A static member that will be back; also its epoch until then. */
export const AWAY_EPOCH = -2

/** Of a member that speaks the classic protocol in a consumer group. */
export type ClassicMetadata = NonNullable<ConsumerGroupMemberMetadataValue['classicMemberMetadata']>
export type ClassicProtocol = ClassicMetadata['supportedProtocols'][number]

export interface Member {
  readonly id: string
  readonly epoch: number
  readonly previousEpoch: number
  readonly state: MemberState
  /** null: a dynamic member. */
  readonly instanceId: string | null
  readonly rackId: string | null
  /** How long it may take to give up partitions; -1: it has not said. */
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[]
  /** '' or null: none. */
  readonly subscribedTopicRegex: string | null
  /** null: whichever the group has. */
  readonly serverAssignor: string | null
  readonly assigned: OwnedPartitions
  /** Those that it still has and is to give up. */
  readonly pendingRevocation: OwnedPartitions
  /** null: it speaks the consumer protocol. */
  readonly classic: ClassicMetadata | null
}

export function newMember(id: string): Member {
  return {
    id,
    epoch: 0,
    previousEpoch: -1,
    state: MemberState.STABLE,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    assigned: OWNS_NOTHING,
    pendingRevocation: OWNS_NOTHING,
    classic: null,
  }
}

export function isReconciled({ state, epoch }: Member, assignmentEpoch: number): boolean {
  return state === MemberState.STABLE && epoch === assignmentEpoch
}

/** undefined: none. */
export function regexOf(member: Member | undefined): string | undefined {
  return member?.subscribedTopicRegex || undefined
}

/** Sorted, each once. */
export function topicNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}

/** Whether both say the same of themselves: what the member's own record has. */
export function sameMetadata(a: Member, b: Member): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameClassic(a.classic, b.classic)
  )
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i])
}

function sameClassic(a: ClassicMetadata | null, b: ClassicMetadata | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every(({ name, metadata }, i) => {
      const other = b.supportedProtocols[i]!
      return name === other.name && Buffer.compare(metadata, other.metadata) === 0
    })
  )
}

/** Whether both stand at the same point: what the record of the current assignment has. */
export function sameProgress(a: Member, b: Member): boolean {
  return (
    a.epoch === b.epoch &&
    a.previousEpoch === b.previousEpoch &&
    a.state === b.state &&
    sameOwned(a.assigned, b.assigned) &&
    sameOwned(a.pendingRevocation, b.pendingRevocation)
  )
}

/** A static member that says it will be back: its partitions are kept for whoever comes under its instance id. */
export function away(member: Member): Member {
  const partitions = toPartitions(
    [...member.assigned].map(([topicId, owned]) => ({ topicId, partitions: [...owned.keys()] })),
  )
  return { ...member, epoch: AWAY_EPOCH, assigned: ownedSince(partitions, 0), pendingRevocation: OWNS_NOTHING }
}

/** Out of a request: its frame is not to be kept alive by a few bytes, and a name given twice counts once. */
export function classicMetadata({ sessionTimeoutMs, protocols }: JoinGroupRequest): ClassicMetadata {
  const byName = new Map(protocols.map(({ name, metadata }) => [name, { name, metadata: Uint8Array.from(metadata) }]))
  return { sessionTimeoutMs, supportedProtocols: [...byName.values()] }
}
