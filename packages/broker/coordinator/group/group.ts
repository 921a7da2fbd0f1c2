/**
 * What a group of any kind is to those who do not mind which: offsets are committed to it, it expires, it is listed and
 * deleted. What only one kind does is in that kind's folder, and what a kind does in its time is listed in kind.ts.
 */
import type { Timer } from './timers.ts'

/** As ListGroups spells them. */
export type GroupKind = 'classic' | 'consumer' | 'share' | 'streams'

/** Who says that it commits or fetches offsets for a group. */
export interface OffsetClient {
  /** '' or null: it is no member. */
  readonly memberId: string | null
  readonly groupInstanceId: string | null
  /** -1: as an administrator or a consumer without a group does. */
  readonly generationIdOrMemberEpoch: number
}

export interface Group {
  readonly id: string
  readonly kind: GroupKind
  /** As ListGroups names it. */
  readonly state: string
  /** null: no member has said it yet. */
  readonly protocolType: string | null
  /** Without members. */
  readonly isEmpty: boolean
  /** It was made to hold offsets, and no record in the log speaks of it; left out where a kind has none such. */
  readonly isSimple?: boolean

  // Each gives an error code, NONE if it may.
  checkCommit(client: OffsetClient, apiVersion: number, isTransactional: boolean): number
  /** Of one partition, after `checkCommit`; left out where it is all the same. */
  checkCommitOf?(client: OffsetClient, topicId: string, partition: number, topic: string): number
  checkFetch(client: OffsetClient): number
  /** Of offsets of topics that it is not subscribed to. */
  checkOffsetDelete(): number
  checkDelete(): number

  /** To be on the safe side, what is not known counts as subscribed to. */
  isSubscribedTo(topic: string): boolean
  /** Since when an offset that was committed then counts as unused, wall clock; null: none of them does now. */
  unusedSince(commitTimestampMs: number): number | null
  /** All that are its own. */
  timers(): Iterable<Timer<never>>
}
