/** What an assignor of the broker is: it says who of a group is to have which partitions. Pure, and the same for the same. */
import type { Partitions } from '../consumer/assignment.ts'

export interface Subscriber {
  readonly id: string
  /** null: a dynamic member. */
  readonly instanceId: string | null
  /** Ids of topics that there are. */
  readonly topics: ReadonlySet<string>
  /** What it was to have so far. No partition is two members'. */
  readonly assigned: Partitions
}

export interface AssignorInput {
  readonly members: readonly Subscriber[]
  /** All members are subscribed to the same topics. */
  readonly isHomogeneous: boolean
  /** Number of partitions. */
  readonly partitionCount: (topicId: string) => number
}

/** By member id; who is left out gets nothing. */
export type Assignment = ReadonlyMap<string, Partitions>

export type Assignor = (input: AssignorInput) => Assignment
