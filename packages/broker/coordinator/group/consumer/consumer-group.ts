/**
 * A group of the consumer protocol (KIP-848): its members, what each is to have and has, and the arithmetic over them.
 * Only its records change it (kind.ts); which records are written when is in the files of the requests.
 *
 *     group epoch        goes up whenever who is subscribed to what, or the topics, have changed
 *     assignment epoch   the group epoch that the target assignment was made for
 *     member epoch       the assignment epoch that the member has come to
 */
import { ErrorCode } from '@ottla/protocol'
import type { Group, OffsetClient } from '../group.ts'
import type { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import { NO_PARTITIONS, type OwnedPartitions, type Partitions } from './assignment.ts'
import { Counts } from './counts.ts'
import { isReconciled, type Member, regexOf } from './member.ts'

export type GroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/** The topics that a regular expression stood for when it was last looked up. */
export interface ResolvedRegex {
  readonly topics: readonly string[]
  /** Of the metadata image that they were looked up in. */
  readonly version: number
  readonly timestampMs: number
}

/**
 * `session`: it must be heard of; `rebalance`: it must have given up partitions; `join` and `sync`: a member of the classic
 * protocol must have joined again, and asked for its assignment.
 */
export type MemberTimer = 'session' | 'rebalance' | 'join' | 'sync'

interface Subscribers {
  byName: number
  /** Regular expressions, not members. */
  byRegex: number
}

/** Where members of the old protocol begin to say which epoch they commit for. */
const MEMBER_EPOCH_SINCE = 9

/** A lookup of the topics of all regular expressions that is under way. */
export interface RegexRefresh {
  readonly timer: Timer<Turn>
  readonly names: Iterator<string>
  readonly patterns: ReadonlyMap<string, { readonly matches: (name: string) => boolean; readonly topics: string[] }>
  /** Of the image that the names are of. */
  readonly version: number
  readonly startedMs: number
}

export class ConsumerGroup implements Group {
  readonly kind = 'consumer'
  readonly protocolType = 'consumer'
  readonly id: string
  /** A member's 0 says that it joins, so no epoch is. */
  epoch = 1
  metadataHash = 0n
  /** -1: there is none. */
  assignmentEpoch = -1
  /** When the target assignment was made, wall clock; 0: not known. */
  assignmentTimestampMs = 0
  /** Left by Kafka 4.0 or before, and to be removed. */
  hasPartitionMetadataRecord = false
  /** Topics have changed, or nobody has looked since the group was loaded. */
  isMetadataStale = true
  /** The image that had the last new topic. */
  newTopicsVersion = -1
  /** While regular expressions are being looked up. */
  regexRefresh: RegexRefresh | null = null

  readonly #members = new Map<string, Member>()
  readonly #targets = new Map<string, Partitions>()
  readonly #timers = new Map<string, Partial<Record<MemberTimer, Timer<Turn>>>>()
  /** Member id by instance id. */
  readonly #staticMembers = new Map<string, string>()
  /** topic id → partition → id of the member that has it, or is to give it up. */
  readonly #owners = new Map<string, Map<number, string>>()
  readonly #subscribers = new Map<string, Subscribers>()
  readonly #resolved = new Map<string, ResolvedRegex>()
  readonly #regexes = new Counts()
  readonly #assignors = new Counts()
  /** Of the classic protocol, by name. */
  readonly #protocols = new Counts()
  #classicMembers = 0

  constructor(id: string) {
    this.id = id
  }

  // ------------------------------------------------------------------------------------------------------- state

  get state(): GroupState {
    if (this.isEmpty) return 'Empty'
    if (this.epoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.#members.values()) if (!isReconciled(member, this.assignmentEpoch)) return 'Reconciling'
    return 'Stable'
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  // ----------------------------------------------------------------------------------------------------- members

  get members(): ReadonlyMap<string, Member> {
    return this.#members
  }

  get classicMembers(): number {
    return this.#classicMembers
  }

  staticMember(instanceId: string | null): Member | undefined {
    const id = instanceId === null ? undefined : this.#staticMembers.get(instanceId)
    return id === undefined ? undefined : this.#members.get(id)
  }

  setMember(member: Member): void {
    const before = this.#members.get(member.id)
    this.#count(before, -1)
    this.#disown(before)
    this.#members.set(member.id, member)
    this.#count(member, 1)
    this.#own(member.id, member.assigned)
    this.#own(member.id, member.pendingRevocation)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.id)
  }

  removeMember(id: string): void {
    const member = this.#members.get(id)
    if (!member) return
    this.#count(member, -1)
    this.#disown(member)
    this.#members.delete(id)
    const { instanceId } = member
    if (instanceId !== null && this.#staticMembers.get(instanceId) === id) this.#staticMembers.delete(instanceId)
  }

  #count(member: Member | undefined, difference: 1 | -1): void {
    if (!member) return
    for (const name of member.subscribedTopicNames) this.#countSubscribers(name, 'byName', difference)
    this.#regexes.add(regexOf(member), difference)
    this.#assignors.add(member.serverAssignor ?? undefined, difference)
    if (!member.classic) return
    this.#classicMembers += difference
    for (const { name } of member.classic.supportedProtocols) this.#protocols.add(name, difference)
  }

  // ------------------------------------------------------------------------------------------------- partitions

  targetOf(memberId: string): Partitions {
    return this.#targets.get(memberId) ?? NO_PARTITIONS
  }

  /** By member. */
  get targets(): ReadonlyMap<string, Partitions> {
    return this.#targets
  }

  setTarget(memberId: string, target: Partitions): void {
    this.#targets.set(memberId, target)
  }

  removeTarget(memberId: string): void {
    this.#targets.delete(memberId)
  }

  /** undefined: anybody may have it. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition)
  }

  /** Of what a member waits for, somebody else still has something. */
  isWaitingForOthers(member: Member): boolean {
    for (const [topicId, partitions] of this.targetOf(member.id)) {
      const mine = member.assigned.get(topicId)
      for (const partition of partitions) {
        if (!mine?.has(partition) && this.ownerOf(topicId, partition) !== undefined) return true
      }
    }
    return false
  }

  #own(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      let owners = this.#owners.get(topicId)
      if (!owners) {
        owners = new Map()
        this.#owners.set(topicId, owners)
      }
      for (const partition of partitions.keys()) owners.set(partition, memberId)
    }
  }

  #disown(member: Member | undefined): void {
    if (!member) return
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId)
        if (!owners) continue
        for (const partition of partitions.keys()) {
          if (owners.get(partition) === member.id) owners.delete(partition)
        }
        if (owners.size === 0) this.#owners.delete(topicId)
      }
    }
  }

  // ----------------------------------------------------------------------------------------------- subscriptions

  /** Of all members, those that their regular expressions stand for among them. */
  get subscribedTopics(): Iterable<string> {
    return this.#subscribers.keys()
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscribers.has(topic)
  }

  /** All members are subscribed to the same. */
  get isHomogeneous(): boolean {
    const { size } = this.#members
    if (this.#regexes.size === 0) {
      for (const { byName } of this.#subscribers.values()) if (byName !== size) return false
      return true
    }
    if (this.#regexes.first() !== size) return false
    for (const { byName, byRegex } of this.#subscribers.values()) if (byName > 0 || byRegex !== 1) return false
    return true
  }

  /** Of these, what most members ask for; the first one serves if nobody asks for any. */
  assignor(known: readonly string[]): string {
    return this.#assignors.most(known) ?? known[0]!
  }

  /** Whether a member of the classic protocol with these could be in the group. */
  supportsClassic(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (protocolType !== this.protocolType) return false
    return protocols.some(({ name }) => this.#protocols.of(name) === this.#classicMembers)
  }

  #countSubscribers(topic: string, by: keyof Subscribers, difference: 1 | -1): void {
    const count = this.#subscribers.get(topic) ?? { byName: 0, byRegex: 0 }
    count[by] += difference
    if (count.byName + count.byRegex > 0) this.#subscribers.set(topic, count)
    else this.#subscribers.delete(topic)
  }

  // ----------------------------------------------------------------------------------------- regular expressions

  /** Of the members. */
  get regexes(): Iterable<string> {
    return this.#regexes.keys()
  }

  get regexCount(): number {
    return this.#regexes.size
  }

  regexSubscribers(regex: string): number {
    return this.#regexes.of(regex)
  }

  get resolvedRegexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#resolved
  }

  setResolvedRegex(regex: string, resolved: ResolvedRegex | null): void {
    for (const topic of this.#resolved.get(regex)?.topics ?? []) this.#countSubscribers(topic, 'byRegex', -1)
    if (!resolved) {
      this.#resolved.delete(regex)
      return
    }
    for (const topic of resolved.topics) this.#countSubscribers(topic, 'byRegex', 1)
    this.#resolved.set(regex, resolved)
  }

  /** By name, and by regular expression. One that has not been looked up yet stands for nothing. */
  topicsOf(member: Member): readonly string[] {
    const regex = regexOf(member)
    const resolved = regex === undefined ? undefined : this.#resolved.get(regex)?.topics
    if (!resolved?.length) return member.subscribedTopicNames
    if (member.subscribedTopicNames.length === 0) return resolved
    return [...new Set([...member.subscribedTopicNames, ...resolved])]
  }

  // ------------------------------------------------------------------------------------------------------ timers

  /** Made at the first call. */
  timer(memberId: string, which: MemberTimer, make: () => Timer<Turn>): Timer<Turn> {
    let timers = this.#timers.get(memberId)
    if (!timers) {
      timers = {}
      this.#timers.set(memberId, timers)
    }
    timers[which] ??= make()
    return timers[which]
  }

  timerIfMade(memberId: string, which: MemberTimer): Timer<Turn> | undefined {
    return this.#timers.get(memberId)?.[which]
  }

  /** The member is gone; what is returned is to be cancelled. */
  takeTimers(memberId: string): readonly Timer<Turn>[] {
    const timers = this.#timers.get(memberId)
    this.#timers.delete(memberId)
    return timers ? Object.values(timers) : []
  }

  *timers(): Generator<Timer<Turn>, void> {
    for (const timers of this.#timers.values()) yield* Object.values(timers)
    if (this.regexRefresh) yield this.regexRefresh.timer
  }

  // ----------------------------------------------------------------------------------------------------- offsets

  checkCommit(client: OffsetClient, apiVersion: number, isTransactional: boolean): number {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch } = client
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE
    if (isTransactional && epoch === -1 && !memberId && groupInstanceId === null) return ErrorCode.NONE
    const member = this.#members.get(memberId ?? '')
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    if (!isTransactional && !member.classic && apiVersion < MEMBER_EPOCH_SINCE) return ErrorCode.UNSUPPORTED_VERSION
    return epoch > member.epoch ? stale(member) : ErrorCode.NONE
  }

  /** One that has not heard of its new epoch yet may still commit what it has had since before. */
  checkCommitOf(client: OffsetClient, topicId: string, partition: number): number {
    const { memberId, generationIdOrMemberEpoch: epoch } = client
    const member = this.#members.get(memberId ?? '')
    if (!member || epoch >= member.epoch) return ErrorCode.NONE
    const since = member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
    return since === undefined || epoch < since ? stale(member) : ErrorCode.NONE
  }

  checkFetch({ memberId, generationIdOrMemberEpoch: epoch }: OffsetClient): number {
    if (memberId === null && epoch < 0) return ErrorCode.NONE
    const member = this.#members.get(memberId ?? '')
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    return epoch === member.epoch ? ErrorCode.NONE : stale(member)
  }

  checkOffsetDelete(): number {
    return ErrorCode.NONE
  }

  checkDelete(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  unusedSince(commitTimestampMs: number): number {
    return commitTimestampMs
  }
}

function stale(member: Member): number {
  return member.classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH
}
