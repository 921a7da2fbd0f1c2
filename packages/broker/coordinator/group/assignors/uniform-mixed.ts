/**
 * The uniform assignor where members are subscribed to different topics. What nobody has goes to the subscriber with the
 * least, topics that leave the least choice first; then partitions move from the one with the most to the one with the
 * least of the same topic, as long as that makes the difference smaller.
 */
import type { Assignment, AssignorInput } from './assignor.ts'
import { Hand, Taken } from './hand.ts'

/** Each round about halves what is still uneven; most groups are even after the first. */
const MAX_ROUNDS = 16

interface Topic {
  readonly id: string
  /** Indexes of members. */
  readonly subscribers: number[]
  /** Index of the member that has it; -1: nobody. */
  readonly owners: Int32Array
}

export function assignUniformlyMixed({ members, partitionCount }: AssignorInput): Assignment {
  const taken = new Taken(partitionCount)
  const hands = members.map(member => Hand.of(member, taken))
  const topics = sortedTopics({ members, partitionCount, isHomogeneous: false })
  for (const topic of topics) {
    for (const member of topic.subscribers) {
      for (const partition of hands[member]!.partitions.get(topic.id) ?? []) topic.owners[partition] = member
    }
  }
  for (const topic of topics) giveOut(topic, hands)
  const contested = topics.filter(({ subscribers }) => subscribers.length > 1)
  let hasMoved = true
  for (let round = 0; hasMoved && round < MAX_ROUNDS; round++) {
    hasMoved = false
    for (const topic of contested) if (balance(topic, hands)) hasMoved = true
  }
  return new Map(members.map(({ id }, i) => [id, hands[i]!.partitions]))
}

/** Those with the most partitions for each subscriber first, then those with the fewest subscribers. */
function sortedTopics({ members, partitionCount }: AssignorInput): Topic[] {
  const topics = new Map<string, Topic>()
  for (const [index, member] of members.entries()) {
    for (const id of member.topics) {
      let topic = topics.get(id)
      if (!topic) {
        topic = { id, subscribers: [], owners: new Int32Array(partitionCount(id)).fill(-1) }
        topics.set(id, topic)
      }
      topic.subscribers.push(index)
    }
  }
  const load = ({ owners, subscribers }: Topic) => owners.length / subscribers.length
  return [...topics.values()].sort(
    (a, b) => load(b) - load(a) || a.subscribers.length - b.subscribers.length || (a.id < b.id ? -1 : 1),
  )
}

function giveOut(topic: Topic, hands: readonly Hand[]): void {
  const levels = new Levels(topic.subscribers, hands)
  for (const [partition, owner] of topic.owners.entries()) {
    if (owner !== -1) continue
    const member = levels.least()
    topic.owners[partition] = member
    hands[member]!.add(topic.id, partition)
    levels.changed(member)
  }
}

/** Returns whether a partition has moved. */
function balance(topic: Topic, hands: readonly Hand[]): boolean {
  const owned = new Map<number, number[]>()
  for (const [partition, owner] of topic.owners.entries()) {
    const mine = owned.get(owner)
    if (mine) mine.push(partition)
    else owned.set(owner, [partition])
  }
  const takers = new Levels(topic.subscribers, hands)
  const givers = new Levels([...owned.keys()], hands)
  let hasMoved = false
  while (owned.size > 0) {
    const most = givers.most()
    const least = takers.least()
    if (most === undefined || hands[most]!.size - hands[least]!.size <= 1) break
    const mine = owned.get(most)!
    const partition = mine.pop()!
    hands[most]!.remove(topic.id, partition)
    hands[least]!.add(topic.id, partition)
    topic.owners[partition] = least
    const theirs = owned.get(least)
    if (theirs) theirs.push(partition)
    else owned.set(least, [partition])
    if (mine.length === 0) givers.leave(most)
    for (const member of [most, least]) {
      takers.changed(member)
      if (owned.get(member)!.length > 0) givers.changed(member)
    }
    hasMoved = true
  }
  return hasMoved
}

/** Members by how much they hold: finding the least and the most takes no search. */
class Levels {
  readonly #hands: readonly Hand[]
  /** By size. An entry whose member holds something else by now is passed over. */
  readonly #levels: number[][] = []
  readonly #gone = new Set<number>()
  #lowest = 0

  constructor(members: readonly number[], hands: readonly Hand[]) {
    this.#hands = hands
    for (const member of members) this.#level(hands[member]!.size).push(member)
    this.#lowest = 0
  }

  least(): number {
    for (; this.#lowest < this.#levels.length; this.#lowest++) {
      const level = this.#levels[this.#lowest] ?? []
      const at = level.findIndex(member => this.#hands[member]!.size === this.#lowest)
      if (at > 0) level.splice(0, at)
      if (at >= 0) return level[0]!
      level.length = 0
    }
    throw new Error('a topic without subscribers has no partitions to give out')
  }

  /** undefined: nobody has anything. */
  most(): number | undefined {
    for (let size = this.#levels.length - 1; size > 0; size--) {
      const level = this.#levels[size] ?? []
      const at = level.findLastIndex(member => !this.#gone.has(member) && this.#hands[member]!.size === size)
      if (at >= 0) {
        level.length = at + 1
        return level[at]
      }
      this.#levels.length = size
    }
    return undefined
  }

  /** It holds more or less than before. */
  changed(member: number): void {
    this.#gone.delete(member)
    const { size } = this.#hands[member]!
    this.#level(size).push(member)
    this.#lowest = Math.min(this.#lowest, size)
  }

  /** It has nothing to give any more. */
  leave(member: number): void {
    this.#gone.add(member)
  }

  #level(size: number): number[] {
    this.#levels[size] ??= []
    return this.#levels[size]
  }
}
