/**
 * A group of the streams protocol (KIP-1071): its members, its topology, and what everybody is to have. Records change it
 * (kind.ts), requests and time decide which (heartbeat.ts, membership.ts).
 *
 *     group epoch ──an assignment──> assignment epoch ──each member takes its tasks──> member epochs
 */
import { ErrorCode } from '@ottla/protocol'
import type { Group, OffsetClient } from '../group.ts'
import type { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import { isReconciledTo, type Member } from './member.ts'
import { TaskOwners } from './task-owners.ts'
import { NO_TASKS, type Tasks } from './tasks.ts'
import type { Topology } from './topology.ts'

export type StreamsGroupState = 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable'

/** Timers of one member; not set unless something is due. */
export interface MemberTimers {
  readonly session: Timer<Turn>
  /** It has to have revoked by then. */
  readonly rebalance: Timer<Turn>
}

const ADMIN_EPOCH = -1
/** What members of these groups commit with. */
const COMMITS_BY_EPOCH_SINCE = 9

export class StreamsGroup implements Group {
  readonly kind = 'streams'
  readonly protocolType = 'streams'
  readonly id: string

  // --------------------------------------------------------------------------------------------- from records

  epoch = 1
  metadataHash = 0n
  /** Of the topology whose topics were all found to be as they should; -1: none. */
  validatedTopologyEpoch = 0
  /** What the last assignment went by. */
  assignmentConfigs: ReadonlyMap<string, string> = new Map()
  topology: Topology | null = null
  assignmentEpoch = 1
  /** Wall clock; 0: never, or not known. */
  assignmentTimestampMs = 0
  readonly owners = new TaskOwners()
  readonly #members = new Map<string, Member>()
  readonly #targets = new Map<string, Tasks>()

  // ------------------------------------------------------------------------------- lost with the node, as in Kafka

  /** The topology with the topics as they were when it was last looked at; null: not since it was loaded. */
  configured: ConfiguredTopology | null = null
  /** Topics have changed since then. */
  isMetadataStale = true
  /** Goes up with each change of what members with an endpoint have. */
  endpointEpoch = 0
  /** A member that wants all of the application to end. */
  #shutdownRequestedBy: string | null = null
  /** Ends the wait of a new group for more members. */
  readonly initialDelay: Timer<Turn>
  readonly #timers = new Map<string, MemberTimers>()

  constructor(id: string, initialDelay: Timer<Turn>) {
    this.id = id
    this.initialDelay = initialDelay
  }

  // ------------------------------------------------------------------------------------------------------- state

  get state(): StreamsGroupState {
    if (this.isEmpty) return 'Empty'
    if (this.topology?.epoch !== this.validatedTopologyEpoch) return 'NotReady'
    if (this.epoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.#members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  get shutdownRequestedBy(): string | null {
    return this.#shutdownRequestedBy
  }

  /** The first one counts. */
  requestShutdown(memberId: string): void {
    this.#shutdownRequestedBy ??= memberId
  }

  // ----------------------------------------------------------------------------------------------------- members

  get members(): ReadonlyMap<string, Member> {
    return this.#members
  }

  setMember(member: Member): void {
    const before = this.#members.get(member.id)
    if (before) this.owners.remove(before)
    this.owners.add(member)
    this.#members.set(member.id, member)
  }

  /** Returns its timers, for they have to be cancelled. */
  removeMember(memberId: string): MemberTimers | undefined {
    const member = this.#members.get(memberId)
    if (member) this.owners.remove(member)
    this.#members.delete(memberId)
    if (this.isEmpty) this.#shutdownRequestedBy = null
    const timers = this.#timers.get(memberId)
    this.#timers.delete(memberId)
    return timers
  }

  get targets(): ReadonlyMap<string, Tasks> {
    return this.#targets
  }

  targetOf(memberId: string): Tasks {
    return this.#targets.get(memberId) ?? NO_TASKS
  }

  setTarget(memberId: string, tasks: Tasks): void {
    this.#targets.set(memberId, tasks)
  }

  removeTarget(memberId: string): void {
    this.#targets.delete(memberId)
  }

  // ------------------------------------------------------------------------------------------------------ timers

  timersOf(memberId: string, make: () => MemberTimers): MemberTimers {
    let timers = this.#timers.get(memberId)
    if (!timers) {
      timers = make()
      this.#timers.set(memberId, timers)
    }
    return timers
  }

  *timers(): Iterable<Timer<Turn>> {
    yield this.initialDelay
    for (const { session, rebalance } of this.#timers.values()) {
      yield session
      yield rebalance
    }
  }

  // ----------------------------------------------------------------------------------------------------- offsets

  checkCommit(client: OffsetClient, apiVersion: number, isTransactional: boolean): number {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch } = client
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE
    const isAnonymous = epoch === ADMIN_EPOCH && !memberId && groupInstanceId === null
    // Producers of a transaction need not say who they are.
    if (isTransactional && isAnonymous) return ErrorCode.NONE
    const member = this.#members.get(memberId ?? '')
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    if (!isTransactional && apiVersion < COMMITS_BY_EPOCH_SINCE) return ErrorCode.UNSUPPORTED_VERSION
    return epoch > member.epoch ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.NONE
  }

  /** A member may be an epoch behind, as long as the task has been its own since then. */
  checkCommitOf(client: OffsetClient, _topicId: string, partition: number, topic: string): number {
    const { memberId, generationIdOrMemberEpoch: epoch } = client
    const member = this.#members.get(memberId ?? '')
    if (!member || epoch === member.epoch) return ErrorCode.NONE
    const subtopologyId = this.topology?.readerOf(topic)?.subtopologyId ?? ''
    const assignedIn =
      member.assigned.active.get(subtopologyId)?.get(partition) ??
      member.pendingRevocation.active.get(subtopologyId)?.get(partition)
    return assignedIn === undefined || epoch < assignedIn ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.NONE
  }

  checkFetch({ memberId, generationIdOrMemberEpoch: epoch }: OffsetClient): number {
    if (memberId === null && epoch < 0) return ErrorCode.NONE
    const member = this.#members.get(memberId ?? '')
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    return member.epoch === epoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH
  }

  checkOffsetDelete(): number {
    return ErrorCode.NONE
  }

  checkDelete(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  isSubscribedTo(topic: string): boolean {
    return !this.isEmpty && this.topology?.readerOf(topic) !== undefined
  }

  unusedSince(commitTimestampMs: number): number {
    return commitTimestampMs
  }
}
