/** What the members hold while an assignment is being made. */
import type { Partitions } from '../consumer/assignment.ts'
import type { Subscriber } from './assignor.ts'

/** Which partitions are somebody's. */
export class Taken {
  readonly #topics = new Map<string, Uint8Array>()
  readonly #partitionCount: (topicId: string) => number

  constructor(partitionCount: (topicId: string) => number) {
    this.#partitionCount = partitionCount
  }

  /** False: there is no such partition, or somebody has it. */
  take(topicId: string, partition: number): boolean {
    const partitions = this.of(topicId)
    if (partitions[partition] !== 0) return false
    partitions[partition] = 1
    return true
  }

  release(topicId: string, partition: number): void {
    this.of(topicId)[partition] = 0
  }

  /** By partition: 0 if nobody has it. */
  of(topicId: string): Uint8Array {
    let partitions = this.#topics.get(topicId)
    if (!partitions) {
      partitions = new Uint8Array(this.#partitionCount(topicId))
      this.#topics.set(topicId, partitions)
    }
    return partitions
  }
}

/** One member's: what it had before, copied at the first change. */
export class Hand {
  #partitions: Partitions
  readonly #own = new Map<string, Set<number>>()
  #isCopied = false
  #size: number

  private constructor(partitions: Partitions, size: number) {
    this.#partitions = partitions
    this.#size = size
  }

  /** What of it is of the member's topics, is there, and is nobody's yet; it is marked as taken. */
  static of({ assigned, topics }: Subscriber, taken: Taken): Hand {
    let size = 0
    for (const partitions of assigned.values()) size += partitions.size
    const hand = new Hand(assigned, size)
    for (const [topicId, partitions] of assigned) {
      for (const partition of partitions) {
        if (!topics.has(topicId) || !taken.take(topicId, partition)) hand.remove(topicId, partition)
      }
    }
    return hand
  }

  get partitions(): Partitions {
    return this.#partitions
  }

  get size(): number {
    return this.#size
  }

  add(topicId: string, partition: number): void {
    const partitions = this.#owned(topicId)
    partitions.add(partition)
    this.#size++
  }

  remove(topicId: string, partition: number): void {
    const partitions = this.#owned(topicId)
    partitions.delete(partition)
    if (partitions.size === 0) this.#own.delete(topicId)
    this.#size--
  }

  /** Gives the rest back. */
  shrinkTo(size: number, taken: Taken): void {
    if (this.#size <= size) return
    const all = [...this.#partitions].flatMap(([topicId, partitions]) =>
      [...partitions].map(p => [topicId, p] as const),
    )
    for (const [topicId, partition] of all.slice(size)) {
      this.remove(topicId, partition)
      taken.release(topicId, partition)
    }
  }

  #owned(topicId: string): Set<number> {
    if (!this.#isCopied) {
      for (const [id, partitions] of this.#partitions) this.#own.set(id, new Set(partitions))
      this.#partitions = this.#own
      this.#isCopied = true
    }
    let partitions = this.#own.get(topicId)
    if (!partitions) {
      partitions = new Set()
      this.#own.set(topicId, partitions)
    }
    return partitions
  }
}
