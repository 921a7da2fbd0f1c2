/** Assignors of classic groups, as Java's of the same names share partitions out among members. */

export interface Subscriber {
  readonly memberId: string
  /** Of a static member. */
  readonly instanceId: string | null
  readonly topics: readonly string[]
}

export interface TopicPartitionList {
  topic: string
  partitions: number[]
}

/** Partitions by member; `partitionsOf`: by topic, in order. */
type Assignor = (
  members: readonly Subscriber[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
) => Map<string, TopicPartitionList[]>

export type AssignorName = 'range' | 'roundrobin'

export const ASSIGNORS: Readonly<Record<AssignorName, Assignor>> = { range, roundrobin }

/** Static members come first, by their instance, the others by their id. */
function inOrder(members: readonly Subscriber[]): Subscriber[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...members].sort((a, b) => {
    if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
    if (a.instanceId !== null || b.instanceId !== null) return a.instanceId !== null ? -1 : 1
    return compare(a.memberId, b.memberId)
  })
}

/** Topic by topic, consecutive partitions to members in order. */
function range(members: readonly Subscriber[], partitionsOf: ReadonlyMap<string, readonly number[]>) {
  const given = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartitionList[]]))
  for (const [topic, ids] of partitionsOf) {
    const subscribed = inOrder(members.filter(({ topics }) => topics.includes(topic)))
    const each = Math.floor(ids.length / subscribed.length)
    const extra = ids.length % subscribed.length
    let next = 0
    subscribed.forEach(({ memberId }, i) => {
      const count = each + (i < extra ? 1 : 0)
      if (count > 0) given.get(memberId)!.push({ topic, partitions: ids.slice(next, next + count) })
      next += count
    })
  }
  return given
}

/** Partition by partition to one member after another, past those who have not subscribed to the topic. */
function roundrobin(members: readonly Subscriber[], partitionsOf: ReadonlyMap<string, readonly number[]>) {
  const ring = inOrder(members)
  const given = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartitionList[]]))
  let at = 0
  for (const topic of [...partitionsOf.keys()].sort()) {
    if (!ring.some(({ topics }) => topics.includes(topic))) continue
    for (const partition of partitionsOf.get(topic)!) {
      while (!ring[at % ring.length]!.topics.includes(topic)) at++
      const own = given.get(ring[at++ % ring.length]!.memberId)!
      const known = own.find(one => one.topic === topic)
      if (known) known.partitions.push(partition)
      else own.push({ topic, partitions: [partition] })
    }
  }
  return given
}
