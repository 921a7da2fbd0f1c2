/**
 * What is counted, and told, of the groups of all shards. A shard that is loaded anew goes on with the same one; what is
 * replayed is not counted.
 */
import type { GroupKind } from './group.ts'

export class GroupCounters {
  offsetCommits = 0
  offsetExpirations = 0
  offsetDeletions = 0
  completedRebalances = 0
  /** Epochs that members' heartbeats have raised; as in Kafka, not those that were raised because a member left. */
  consumerRebalances = 0
  shareRebalances = 0
  streamsRebalances = 0
}

export interface Rebalance {
  readonly group: string
  readonly phase: 'preparing' | 'completed'
  readonly generation: number
  readonly members: number
  /** '' once it is completed. */
  readonly reason: string
}

export interface GroupObserver {
  readonly counters: GroupCounters
  onRebalance(rebalance: Rebalance): void
}

/** What is held at the moment, of one shard or of many. */
export class GroupCensus {
  /** By kind, then by state. */
  readonly groups = new Map<GroupKind, Map<string, number>>()
  offsets = 0

  add(kind: GroupKind, state: string, count: number): void {
    let states = this.groups.get(kind)
    if (!states) {
      states = new Map()
      this.groups.set(kind, states)
    }
    states.set(state, (states.get(state) ?? 0) + count)
  }

  merge(other: GroupCensus): void {
    this.offsets += other.offsets
    for (const [kind, states] of other.groups) for (const [state, count] of states) this.add(kind, state, count)
  }

  count(kind: GroupKind, state?: string): number {
    const states = this.groups.get(kind)
    if (!states) return 0
    return state === undefined ? [...states.values()].reduce((sum, one) => sum + one, 0) : (states.get(state) ?? 0)
  }
}

export function quietObserver(): GroupObserver {
  return { counters: new GroupCounters(), onRebalance: () => undefined }
}
