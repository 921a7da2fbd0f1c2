/**
 * Where the replicas of new partitions go. Racks are taken in turn, and within a rack its brokers, each from a random
 * start, the next partition one rack further: so leaders and followers spread evenly, and no two replicas share a rack
 * while there are racks enough. A leader is never placed on a fenced broker, a follower only when the others are used up.
 * The rules are those of Kafka's `StripedReplicaPlacer`.
 */
import { ApiError } from '../errors.ts'
import type { ControllerRandom } from './state.ts'

export interface UsableBroker {
  readonly id: number
  readonly rack: string | null
  readonly fenced: boolean
}

/** Broker ids for each of `count` partitions, the leader first. Throws INVALID_REPLICATION_FACTOR. */
export function placeReplicas(
  brokers: Iterable<UsableBroker>,
  count: number,
  replicationFactor: number,
  random: ControllerRandom,
): number[][] {
  const racks = new RackList(brokers, random)
  if (replicationFactor <= 0) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor must be positive, not ${replicationFactor}.`,
    )
  }
  if (racks.unfencedBrokers === 0) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      'All brokers are fenced, or have all their log directories cordoned.',
    )
  }
  if (replicationFactor > racks.brokers) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is ${replicationFactor}, but only ${racks.brokers} broker(s) can take replicas: they must be registered and have a log directory that is not cordoned.`,
    )
  }
  return Array.from({ length: count }, () => racks.place(replicationFactor))
}

/** Brokers of one rack that are all fenced, or all not. */
class BrokerList {
  readonly #brokers: number[]
  #taken = 0
  #offset: number
  #round = 0

  constructor(brokers: readonly number[], random: ControllerRandom) {
    this.#brokers = brokers.toSorted((a, b) => a - b)
    this.#offset = brokers.length > 0 ? random.integer(brokers.length) : 0
  }

  shuffle(random: ControllerRandom): void {
    shuffle(this.#brokers, random)
  }

  /** null once all were taken in this round; a new round begins one broker further. */
  next(round: number): number | null {
    if (this.#brokers.length === 0) return null
    if (this.#round !== round) {
      this.#round = round
      this.#taken = 0
      this.#offset = (this.#offset + 1) % this.#brokers.length
    }
    if (this.#taken >= this.#brokers.length) return null
    return this.#brokers[(this.#taken++ + this.#offset) % this.#brokers.length]!
  }
}

interface Rack {
  readonly fenced: BrokerList
  readonly unfenced: BrokerList
}

class RackList {
  readonly brokers: number
  readonly unfencedBrokers: number
  readonly #random: ControllerRandom
  readonly #racks: Rack[]
  #round = 0
  #placedSinceShuffle = 0
  #offset: number

  constructor(brokers: Iterable<UsableBroker>, random: ControllerRandom) {
    const all = [...brokers]
    this.brokers = all.length
    this.unfencedBrokers = all.filter(broker => !broker.fenced).length
    this.#random = random
    const names = [...new Set(all.map(broker => broker.rack))].sort(byName)
    this.#racks = names.map(name => {
      const ofRack = all.filter(broker => broker.rack === name)
      const ids = (fenced: boolean) => ofRack.filter(broker => broker.fenced === fenced).map(broker => broker.id)
      return { fenced: new BrokerList(ids(true), random), unfenced: new BrokerList(ids(false), random) }
    })
    this.#offset = names.length > 0 ? random.integer(names.length) : 0
  }

  /** There are enough brokers, and one of them is not fenced. */
  place(replicationFactor: number): number[] {
    // Each broker has led once: mix, so that the same neighbours don't meet again.
    if (this.#placedSinceShuffle === this.unfencedBrokers && this.unfencedBrokers > 1) {
      shuffle(this.#racks, this.#random)
      for (const rack of this.#racks) {
        rack.fenced.shuffle(this.#random)
        rack.unfenced.shuffle(this.#random)
      }
      this.#placedSinceShuffle = 0
    }
    const racks = this.#racks.length
    const start = this.#offset % racks
    let leaderRack = start
    let leader = this.#racks[leaderRack]!.unfenced.next(this.#round)
    while (leader === null) {
      leaderRack = (leaderRack + 1) % racks
      leader = this.#racks[leaderRack]!.unfenced.next(this.#round)
    }
    const replicas = [leader]
    let leaderRackPassed = false
    for (let rack = start; replicas.length < replicationFactor; rack = (rack + 1) % racks) {
      if (rack === leaderRack && !leaderRackPassed) {
        leaderRackPassed = true
        continue
      }
      const { unfenced, fenced } = this.#racks[rack]!
      const follower = unfenced.next(this.#round) ?? fenced.next(this.#round)
      if (follower !== null) replicas.push(follower)
    }
    this.#round++
    this.#placedSinceShuffle++
    this.#offset = start + 1
    return replicas
  }
}

/** Brokers without a rack form one that comes first. */
function byName(left: string | null, right: string | null): number {
  if (left === null || right === null) return left === right ? 0 : left === null ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}

function shuffle(items: unknown[], random: ControllerRandom): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[items[i], items[j]] = [items[j], items[i]]
  }
}
