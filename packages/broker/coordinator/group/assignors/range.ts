/**
 * Each topic is cut into ranges, as many as it has subscribers, in the order of the members: static ones first, by their
 * instance id. So members get the same numbers of all topics that have equally many partitions, and can join them.
 */
import type { Assignment, AssignorInput, Subscriber } from './assignor.ts'

export function assignRanges({ members, partitionCount }: AssignorInput): Assignment {
  const sorted = [...members].sort(byName)
  const subscribers = new Map<string, number>()
  for (const { topics } of sorted) {
    for (const topicId of topics) subscribers.set(topicId, (subscribers.get(topicId) ?? 0) + 1)
  }
  /** Subscribers of the topic that have had their range. */
  const served = new Map<string, number>()
  const assignment = new Map<string, ReadonlyMap<string, ReadonlySet<number>>>()
  for (const { id, topics } of sorted) {
    const mine = new Map<string, ReadonlySet<number>>()
    for (const topicId of topics) {
      const place = served.get(topicId) ?? 0
      served.set(topicId, place + 1)
      const range = rangeOf(partitionCount(topicId), subscribers.get(topicId)!, place)
      if (range.size > 0) mine.set(topicId, range)
    }
    assignment.set(id, mine)
  }
  return assignment
}

/** The first ones get one more if it does not come out even. */
function rangeOf(partitions: number, members: number, place: number): ReadonlySet<number> {
  const quota = Math.floor(partitions / members)
  const extra = partitions % members
  const start = place * quota + Math.min(place, extra)
  const end = start + quota + (place < extra ? 1 : 0)
  return new Set(Array.from({ length: end - start }, (_, i) => start + i))
}

function byName(a: Subscriber, b: Subscriber): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
