/** A member of a classic group. */
import type { Init } from '@ottla/protocol'
import type { DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import type { JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import type { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'

/** A way to assign partitions that a member knows, and what it tells the leader for it. Opaque bytes. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface MemberInit {
  readonly id: string
  /** null: a dynamic member. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** The one it likes best first. */
  readonly protocols: readonly MemberProtocol[]
  readonly assignment: Uint8Array
}

export const NO_ASSIGNMENT = new Uint8Array(0)

export class Member {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimer: Timer<Turn>
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Uint8Array
  /** The JoinGroup that waits for the rebalance to complete; changed through the group, which counts them. */
  joinRequestId: number | null = null
  /** The SyncGroup that waits for the leader's. */
  syncRequestId: number | null = null
  /** It has not been told its member id yet, so it can't send heartbeats. */
  isNew = false

  constructor(init: MemberInit, sessionTimer: Timer<Turn>) {
    this.id = init.id
    this.instanceId = init.instanceId
    this.clientId = init.clientId
    this.clientHost = init.clientHost
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs
    this.sessionTimeoutMs = init.sessionTimeoutMs
    this.protocols = init.protocols
    this.assignment = init.assignment
    this.sessionTimer = sessionTimer
  }

  /** A static member, restarted: the same under another id. */
  successor(id: string, sessionTimer: Timer<Turn>): Member {
    const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols, assignment } = this
    return new Member(
      { id, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols, assignment },
      sessionTimer,
    )
  }

  get isStatic(): boolean {
    return this.instanceId !== null
  }

  get isAwaitingJoin(): boolean {
    return this.joinRequestId !== null
  }

  get isAwaitingSync(): boolean {
    return this.syncRequestId !== null
  }

  /** Whoever waits for an answer can't send heartbeats; a new member may be gone without our knowing. */
  get countsAsAlive(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync)
  }

  /** What it said for a protocol that all members know. */
  metadata(protocolName: string): Uint8Array {
    const protocol = this.protocols.find(({ name }) => name === protocolName)
    if (!protocol) throw new Error(`member ${this.id} does not know protocol ${protocolName}`)
    return protocol.metadata
  }

  /** Same protocols, in the same order, with the same metadata: rejoining changes nothing. */
  hasProtocols(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const mine = this.protocols[i]!
        return name === mine.name && Buffer.compare(metadata, mine.metadata) === 0
      })
    )
  }

  /** Its favourite of the candidates. */
  vote(candidates: ReadonlySet<string>): string {
    const favourite = this.protocols.find(({ name }) => candidates.has(name))
    if (!favourite) throw new Error(`member ${this.id} knows none of the candidate protocols`)
    return favourite.name
  }

  asJoined(protocolName: string): NonNullable<Init<typeof JoinGroupResponse>['members']>[number] {
    return { memberId: this.id, groupInstanceId: this.instanceId, metadata: this.metadata(protocolName) }
  }

  /** `protocolName` null: the group has not agreed on one, so there is nothing to show. */
  describe(protocolName: string | null): DescribedMember {
    return {
      memberId: this.id,
      groupInstanceId: this.instanceId,
      clientId: this.clientId,
      clientHost: this.clientHost,
      memberMetadata: protocolName === null ? NO_ASSIGNMENT : this.metadata(protocolName),
      memberAssignment: this.assignment,
    }
  }
}

export type DescribedMember = DescribeGroupsResponse['groups'][number]['members'][number]

/** Out of a request: its frame is not to be kept alive by a few bytes, and a name given twice counts once. */
export function ownProtocols(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  const byName = new Map(protocols.map(({ name, metadata }) => [name, { name, metadata: Uint8Array.from(metadata) }]))
  return [...byName.values()]
}
