/**
 * A share group (KIP-932): its members with what they subscribe to and are assigned, and of which partitions the share
 * coordinator keeps its state. Members agree on nothing: each is given what the target says as soon as it asks.
 */
import { ErrorCode } from '@ottla/protocol'
import type { Group } from '../group.ts'
import type { GroupStore } from '../group-store.ts'
import { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import { NO_PARTITIONS, type Partitions } from './partitions.ts'

export interface ShareMember {
  readonly id: string
  readonly epoch: number
  readonly previousEpoch: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopicNames: ReadonlySet<string>
  readonly assigned: Partitions
}

/** Of which there is a state, or will be. */
export interface StateTopic {
  readonly name: string
  readonly partitions: ReadonlySet<number>
}

/** By topic id. */
export interface StatePartitions {
  /** The share coordinator has been asked, and has not answered yet. */
  readonly initializing: ReadonlyMap<string, StateTopic>
  readonly initialized: ReadonlyMap<string, StateTopic>
  /** Topic names; what is there of them is going. */
  readonly deleting: ReadonlyMap<string, string>
}

export const NO_STATE: StatePartitions = { initializing: new Map(), initialized: new Map(), deleting: new Map() }

/** Of a member that goes. */
export const LEAVE_EPOCH = -1
const FIRST_EPOCH = 1

export class ShareGroup implements Group {
  readonly kind = 'share'
  readonly protocolType = 'share'
  readonly id: string
  /** Grows when members, what they subscribe to, or topics change. */
  epoch = FIRST_EPOCH
  metadataHash = 0n
  /** The epoch that the target was computed for, and when, by the wall clock; 0: not known. */
  assignmentEpoch = FIRST_EPOCH
  assignmentTimestampMs = 0
  /** What members are to have; some don't know it yet. */
  readonly target = new Map<string, Partitions>()
  /** Topics may have changed since this epoch was reached; null: they have not. */
  topicsAreKnown = false
  /** null: nothing has ever been asked of the share coordinator. */
  statePartitions: StatePartitions | null = null
  /** On the monotonic clock; null: before the group was loaded. */
  stateChangedMs: number | null = null
  readonly #members = new Map<string, ShareMember>()
  readonly #sessions = new Map<string, Timer<Turn>>()
  /** How many members subscribe to a topic. */
  readonly #subscribers = new Map<string, number>()

  constructor(id: string) {
    this.id = id
  }

  // ----------------------------------------------------------------------------------------------------- members

  get members(): ReadonlyMap<string, ShareMember> {
    return this.#members
  }

  get subscribers(): ReadonlyMap<string, number> {
    return this.#subscribers
  }

  setMember(member: ShareMember): void {
    this.#count(this.#members.get(member.id), -1)
    this.#members.set(member.id, member)
    this.#count(member, 1)
  }

  removeMember(id: string): void {
    this.#count(this.#members.get(id), -1)
    this.#members.delete(id)
  }

  #count(member: ShareMember | undefined, by: number): void {
    for (const topic of member?.subscribedTopicNames ?? []) {
      const count = (this.#subscribers.get(topic) ?? 0) + by
      if (count > 0) this.#subscribers.set(topic, count)
      else this.#subscribers.delete(topic)
    }
  }

  /** Made when it is first asked for. */
  session(memberId: string, onTimeout: (turn: Turn) => void): Timer<Turn> {
    const known = this.#sessions.get(memberId)
    if (known) return known
    const timer = new Timer<Turn>(onTimeout)
    this.#sessions.set(memberId, timer)
    return timer
  }

  endSession(store: GroupStore, memberId: string): void {
    const timer = this.#sessions.get(memberId)
    if (timer) store.timers.cancel(timer)
    this.#sessions.delete(memberId)
  }

  // ---------------------------------------------------------------------------------------------- as any other group

  get state(): string {
    return this.isEmpty ? 'Empty' : 'Stable'
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  // It has no offsets of its own to commit: consumers that do are told that there is no such group.
  checkCommit(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND
  }

  /** It never has any: a reader is told so of each partition, and of no error. */
  checkFetch(): number {
    return ErrorCode.NONE
  }

  checkOffsetDelete(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND
  }

  checkDelete(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscribers.has(topic)
  }

  unusedSince(): number | null {
    return null
  }

  timers(): Iterable<Timer<Turn>> {
    return this.#sessions.values()
  }
}

export function newMember(id: string): ShareMember {
  return {
    id,
    epoch: 0,
    previousEpoch: -1,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: new Set(),
    assigned: NO_PARTITIONS,
  }
}
