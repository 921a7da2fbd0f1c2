/**
 * The assignor `simple` of share groups (KIP-932, KIP-1263): every partition goes to at least one member, each to as many as are
 * needed for everybody to have one. Partitions are shared out evenly, and what a member has it keeps as far as it can.
 * Where all subscribe to the same topics their partitions are one pool; otherwise each topic is one, for its subscribers.
 */
import type { Partitions } from './partitions.ts'

export interface Subscriber {
  readonly id: string
  /** Ids of topics that are there. */
  readonly topicIds: ReadonlySet<string>
  /** Until now. */
  readonly assigned: Partitions
}

/** `assignable`: partitions that may be assigned, in order, by topic id. By member. */
export function assignSimply(
  members: readonly Subscriber[],
  assignable: ReadonlyMap<string, readonly number[]>,
): Map<string, Partitions> {
  const result = new Map<string, Map<string, Set<number>>>(members.map(({ id }) => [id, new Map()]))
  for (const pool of poolsOf(members, assignable)) {
    for (const [id, keys] of shareOut(pool)) {
      for (const { topicId, partition } of keys) add(result.get(id)!, topicId, partition)
    }
  }
  return result
}

interface TopicPartition {
  readonly topicId: string
  readonly partition: number
}

interface Pool {
  readonly members: readonly Subscriber[]
  readonly partitions: readonly TopicPartition[]
}

function poolsOf(members: readonly Subscriber[], assignable: ReadonlyMap<string, readonly number[]>): Pool[] {
  const topicIds = new Set(members.flatMap(member => [...member.topicIds]))
  const partitionsOf = (topicId: string) => (assignable.get(topicId) ?? []).map(partition => ({ topicId, partition }))
  const isHomogeneous = members.every(member => member.topicIds.size === topicIds.size)
  if (isHomogeneous) return [{ members, partitions: [...topicIds].flatMap(partitionsOf) }]
  return [...topicIds].map(topicId => ({
    members: members.filter(member => member.topicIds.has(topicId)),
    partitions: partitionsOf(topicId),
  }))
}

class Share {
  readonly id: string
  /** How many partitions it is to have. */
  readonly wanted: number
  readonly partitions: Set<TopicPartition>

  constructor(id: string, wanted: number, partitions: Set<TopicPartition>) {
    this.id = id
    this.wanted = wanted
    this.partitions = partitions
  }

  get isFull(): boolean {
    return this.partitions.size >= this.wanted
  }
}

function shareOut({ members, partitions }: Pool): Map<string, ReadonlySet<TopicPartition>> {
  if (partitions.length === 0) return new Map()
  /** How many members a partition is to have. */
  const sharing = Math.ceil(members.length / partitions.length)
  const evenly = (sharing * partitions.length) / members.length
  const shares = members.map(({ id, assigned }, i) => {
    const wanted = Math.ceil(evenly * (i + 1)) - Math.ceil(evenly * i)
    const kept = partitions.filter(({ topicId, partition }) => assigned.get(topicId)?.has(partition))
    return new Share(id, wanted, new Set(kept.slice(Math.max(0, kept.length - wanted))))
  })
  const sharers = new Map(partitions.map(key => [key, new Set<Share>()]))
  for (const share of shares) for (const key of share.partitions) sharers.get(key)!.add(share)
  for (const [key, having] of sharers) {
    for (const share of [...having].slice(0, Math.max(0, having.size - sharing))) {
      having.delete(share)
      share.partitions.delete(key)
    }
  }
  fill(shares, sharers, sharing)
  return new Map(shares.map(({ id, partitions: keys }) => [id, keys]))
}

/** Goes round among those who have not got enough, partition by partition. */
function fill(shares: readonly Share[], sharers: ReadonlyMap<TopicPartition, Set<Share>>, sharing: number): void {
  let unfilled = shares.filter(share => !share.isFull)
  let turn = 0
  for (const [key, having] of sharers) {
    for (let tried = 0; having.size < sharing && tried < unfilled.length; ) {
      turn %= unfilled.length
      const share = unfilled[turn]!
      if (having.has(share)) {
        tried++
        turn++
        continue
      }
      having.add(share)
      share.partitions.add(key)
      tried = 0
      if (share.isFull) unfilled = unfilled.toSpliced(turn, 1)
      else turn++
    }
  }
}

function add(partitions: Map<string, Set<number>>, topicId: string, partition: number): void {
  const numbers = partitions.get(topicId)
  if (numbers) numbers.add(partition)
  else partitions.set(topicId, new Set([partition]))
}
