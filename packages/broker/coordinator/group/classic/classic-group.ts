/**
 * A group of the classic protocol: its members, its generation, and the arithmetic over them. What happens when is in
 * rebalance.ts and in the files of the requests.
 *
 *     Empty ──join──> PreparingRebalance ──all joined, or time is up──> CompletingRebalance ──leader's sync──> Stable
 *       ^                   │  ^                                              │                                │
 *       └──nobody is left───┘  └──a member joins, leaves or is lost───────────┴────────────────────────────────┘
 */
import { ErrorCode } from '@ottla/protocol'
import { inJavaOrder } from '../../../java-hash.ts'
import type { Group, OffsetClient } from '../group.ts'
import { NEVER } from '../offset-records.ts'
import type { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import { decodeSubscribedTopics } from './consumer-subscription.ts'
import type { Member, MemberProtocol } from './member.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

const VALID_BEFORE: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
}

/** The protocol type of consumers: the broker understands what they subscribe to. */
const CONSUMER = 'consumer'

export class ClassicGroup implements Group {
  readonly kind = 'classic'
  readonly id: string
  /** Ends the joining of a rebalance. */
  readonly joinTimer: Timer<Turn>
  /** Ends the wait for members' SyncGroup. */
  readonly syncTimer: Timer<Turn>
  generation = 0
  /** null: no member has joined yet. */
  protocolType: string | null = null
  /** What the members agreed on; null in a group without members. */
  protocolName: string | null = null
  leaderId: string | null = null
  /** A member has joined since the initial rebalance was last put off. */
  newMemberAdded = false
  /** How much longer the initial rebalance may be put off, and by how much it was. */
  initialRebalance = { delayMs: 0, remainingMs: 0 }
  #state: GroupState = 'Empty'
  #stateBefore: GroupState | null = null
  #stateTimestampMs: number
  readonly #members = new Map<string, Member>()
  /** Member id by instance id. */
  readonly #staticMembers = new Map<string, string>()
  /** Those that were given an id and are to join with it; the timers end the wait. */
  readonly #pendingJoins = new Map<string, Timer<Turn>>()
  readonly #pendingSyncs = new Set<string>()
  #joinsWaiting = 0
  /** How many members know a protocol. */
  readonly #supporters = new Map<string, number>()
  #subscribedTopics: ReadonlySet<string> | null = null

  constructor(id: string, timers: { join: Timer<Turn>; sync: Timer<Turn> }, stateTimestampMs: number) {
    this.id = id
    this.joinTimer = timers.join
    this.syncTimer = timers.sync
    this.#stateTimestampMs = stateTimestampMs
  }

  // ------------------------------------------------------------------------------------------------------- state

  get state(): GroupState {
    return this.#state
  }

  /** The first rebalance of a group without members waits for more of them. */
  get isInitialRebalance(): boolean {
    return this.#state === 'PreparingRebalance' && this.#stateBefore === 'Empty'
  }

  /** Wall clock; -1: not known, in a record from before Kafka 2.1. */
  get stateTimestampMs(): number {
    return this.#stateTimestampMs
  }

  get canRebalance(): boolean {
    return VALID_BEFORE.PreparingRebalance.includes(this.#state)
  }

  transitionTo(state: GroupState, wallMs: number): void {
    if (!VALID_BEFORE[state].includes(this.#state))
      throw new Error(`group ${this.id} can't go from ${this.#state} to ${state}`)
    this.#stateBefore = this.#state
    this.#state = state
    this.#stateTimestampMs = wallMs
  }

  /** As the log has it. */
  restore(generation: number, protocolType: string | null, protocolName: string | null, leaderId: string | null): void {
    this.generation = generation
    this.protocolType = protocolType
    this.protocolName = protocolName
    const leader = leaderId === null ? undefined : this.#members.get(leaderId)
    this.leaderId = leader?.id ?? this.#members.keys().next().value ?? null
    this.#state = this.#members.size > 0 ? 'Stable' : 'Empty'
    this.#subscribedTopics = this.#computeSubscribedTopics()
  }

  // ----------------------------------------------------------------------------------------------------- members

  get members(): ReadonlyMap<string, Member> {
    return this.#members
  }

  get isEmpty(): boolean {
    return this.#state === 'Empty'
  }

  get isSimple(): boolean {
    return this.isEmpty && this.protocolType === null && this.#pendingJoins.size === 0
  }

  /** Whether the member is who it says it is; NONE if so. */
  checkMember(memberId: string, instanceId: string | null): number {
    if (instanceId !== null) {
      const current = this.staticMemberId(instanceId)
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  staticMemberId(instanceId: string): string | undefined {
    return this.#staticMembers.get(instanceId)
  }

  get joinsWaiting(): number {
    return this.#joinsWaiting
  }

  get hasAllMembersJoined(): boolean {
    return this.#joinsWaiting === this.#members.size && this.#pendingJoins.size === 0
  }

  /** The longest that any member asks for. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0
    for (const member of this.#members.values()) timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs)
    return timeoutMs
  }

  add(member: Member, protocolType: string): void {
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.id)
    if (this.#members.size === 0) this.protocolType = protocolType
    this.leaderId ??= member.id
    this.#members.set(member.id, member)
    this.#count(member, 1)
  }

  /** The member, which is still to be answered and whose timer is still set; undefined if there is none. */
  remove(memberId: string): Member | undefined {
    const member = this.#members.get(memberId)
    if (member) {
      this.#members.delete(memberId)
      this.#count(member, -1)
      if (member.isAwaitingJoin) this.#joinsWaiting--
      if (member.instanceId !== null) this.#staticMembers.delete(member.instanceId)
    }
    if (this.isLeader(memberId)) this.leaderId = this.#members.keys().next().value ?? null
    this.#pendingSyncs.delete(memberId)
    return member
  }

  /** The static member comes back under another id, in the same place. */
  replace(old: Member, member: Member): void {
    this.#members.delete(old.id)
    this.#members.set(member.id, member)
    this.#staticMembers.set(member.instanceId!, member.id)
    if (old.isAwaitingJoin) this.#joinsWaiting--
    if (this.isLeader(old.id)) this.leaderId = member.id
    if (this.#pendingSyncs.delete(old.id)) this.#pendingSyncs.add(member.id)
  }

  update(
    member: Member,
    protocols: readonly MemberProtocol[],
    rebalanceTimeoutMs: number,
    sessionTimeoutMs: number,
  ): void {
    this.#count(member, -1)
    member.protocols = protocols
    this.#count(member, 1)
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
    member.sessionTimeoutMs = sessionTimeoutMs
  }

  /** The request that the member's JoinGroup takes the place of, which will get no other answer; null: none. */
  awaitJoin(member: Member, requestId: number): number | null {
    const before = member.joinRequestId
    if (before === null) this.#joinsWaiting++
    member.joinRequestId = requestId
    return before
  }

  /** The request that is to be answered now; null if the member is not waiting. */
  takeJoin(member: Member): number | null {
    const requestId = member.joinRequestId
    if (requestId === null) return null
    member.joinRequestId = null
    if (this.#members.get(member.id) === member) this.#joinsWaiting--
    return requestId
  }

  /** If the leader has not joined again, one who has takes its place. False: nobody has joined. */
  electLeaderAmongJoined(): boolean {
    if (this.leaderId === null) return false
    if (this.#members.get(this.leaderId)!.isAwaitingJoin) return true
    for (const member of this.#members.values()) {
      if (member.isAwaitingJoin) {
        this.leaderId = member.id
        return true
      }
    }
    return false
  }

  // ---------------------------------------------------------------------------------------------- who is awaited

  isPending(memberId: string): boolean {
    return this.#pendingJoins.has(memberId)
  }

  addPending(memberId: string, timer: Timer<Turn>): void {
    this.#pendingJoins.set(memberId, timer)
  }

  /** Its timer, which is to be cancelled. */
  removePending(memberId: string): Timer<Turn> | undefined {
    const timer = this.#pendingJoins.get(memberId)
    this.#pendingJoins.delete(memberId)
    return timer
  }

  get pendingSyncs(): ReadonlySet<string> {
    return this.#pendingSyncs
  }

  awaitSync(memberId: string): void {
    this.#pendingSyncs.add(memberId)
  }

  synced(memberId: string): void {
    this.#pendingSyncs.delete(memberId)
  }

  clearPendingSyncs(): void {
    this.#pendingSyncs.clear()
  }

  /** All timers of the group. */
  *timers(): Generator<Timer<Turn>, void> {
    yield this.joinTimer
    yield this.syncTimer
    yield* this.#pendingJoins.values()
    for (const member of this.#members.values()) yield member.sessionTimer
  }

  // --------------------------------------------------------------------------------------------------- protocols

  /** Whether a member with these could be in the group: one of them has to be known to all who are. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return (
      protocolType === this.protocolType &&
      protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.#members.size)
    )
  }

  /** Each member votes for its favourite among those that all know. Of equals, the one that Java's table has first. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const [name, supporters] of this.#supporters) if (supporters === this.#members.size) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const name = member.vote(candidates)
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    const ranked = inJavaOrder(votes, ([name]) => name).sort(([, some], [, others]) => others - some)
    return ranked[0]?.[0] ?? ''
  }

  /** The members have joined: the leader is to assign, or nobody is left. */
  beginGeneration(wallMs: number): void {
    this.generation++
    const isEmpty = this.#members.size === 0
    this.protocolName = isEmpty ? null : this.selectProtocol()
    this.#subscribedTopics = this.#computeSubscribedTopics()
    this.transitionTo(isEmpty ? 'Empty' : 'CompletingRebalance', wallMs)
    this.#pendingSyncs.clear()
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER
  }

  /** null: not known, because it is no group of consumers, has not agreed yet, or its bytes make no sense to us. */
  get subscribedTopics(): ReadonlySet<string> | null {
    return this.#subscribedTopics
  }

  /** To be on the safe side, consumers whose subscription is not known are taken to be subscribed to everything. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? this.usesConsumerProtocol
  }

  // ----------------------------------------------------------------------------------------------------- offsets

  /**
   * A transaction may name nobody, whoever is in the group: before version 3 of TxnOffsetCommit it could not. It is not
   * held up by a rebalance either, for it is the producer that is fenced, not the member.
   */
  checkCommit(client: OffsetClient, _apiVersion: number, isTransactional: boolean): number {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = client
    const id = memberId ?? ''
    if (generation < 0 && this.isEmpty) return ErrorCode.NONE
    const claimsMembership = generation >= 0 || id !== '' || groupInstanceId !== null
    if (!claimsMembership) return this.isEmpty || isTransactional ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
    const errorCode = this.checkMember(id, groupInstanceId)
    if (errorCode !== ErrorCode.NONE) return errorCode
    if (generation !== this.generation) return ErrorCode.ILLEGAL_GENERATION
    // It has joined and is about to get another assignment: what it commits may be somebody else's by now.
    const isHeldUp = !isTransactional && this.#state === 'CompletingRebalance'
    return isHeldUp ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
  }

  /** Whoever may read may ask. */
  checkFetch(): number {
    return ErrorCode.NONE
  }

  /** What members that are no consumers subscribe to can't be told, so nothing can be taken from under them. */
  checkOffsetDelete(): number {
    return this.isEmpty || this.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  checkDelete(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  /**
   * For a group that has lost its members, since then; for consumers that commit without a group, and for topics that a
   * group does not read any more, since the commit.
   */
  unusedSince(commitTimestampMs: number): number | null {
    if (this.protocolType === null) return commitTimestampMs
    if (this.isEmpty) return this.#stateTimestampMs === NEVER ? commitTimestampMs : this.#stateTimestampMs
    return this.#state === 'Stable' && this.#subscribedTopics ? commitTimestampMs : null
  }

  #computeSubscribedTopics(): ReadonlySet<string> | null {
    if (!this.usesConsumerProtocol) return null
    if (this.#members.size === 0) return new Set()
    if (this.protocolName === null) return null
    const topics = new Set<string>()
    for (const member of this.#members.values()) {
      const subscribed = decodeSubscribedTopics(member.metadata(this.protocolName))
      if (!subscribed) return null
      for (const topic of subscribed) topics.add(topic)
    }
    return topics
  }

  #count(member: Member, difference: 1 | -1): void {
    for (const { name } of member.protocols) {
      const supporters = (this.#supporters.get(name) ?? 0) + difference
      if (supporters === 0) this.#supporters.delete(name)
      else this.#supporters.set(name, supporters)
    }
  }
}
