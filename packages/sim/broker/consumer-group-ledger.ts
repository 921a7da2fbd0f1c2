/**
 * Who owns which partitions in consumer groups (KIP-848), as their members know it. A member owns what it was given until
 * it says that it has given it up, unless the coordinator may have taken it for dead: then it may not know yet that
 * somebody else owns it.
 */
import type { SimNode } from './node.ts'
import { SESSION_TIMEOUT_MS } from './setup.ts'
import { demand, type Simulation } from './simulation.ts'

export const REBALANCE_TIMEOUT_MS = 700

/** A heartbeat without an answer: it may have been taken, or still be on its way. */
interface Lost {
  readonly life: number
  /** What it said that the member has; null: nothing of that. */
  readonly owned: ReadonlySet<string> | null
}

/** One member, as far as it knows itself. */
export class Membership {
  readonly actor: string
  readonly group: string
  id = ''
  /** 0: it has not been let in. */
  epoch = 0
  /** The topics that it has asked for. */
  topics: readonly string[] = []
  /** By name; since which epoch it has had each, or some later one. */
  owned: ReadonlyMap<string, number> = new Map()
  /** What it is to have. */
  told: ReadonlySet<string> = new Set()
  /** What was not flushed is lost: the coordinator may know an older story until the member joins again. */
  isDoubtful = false
  lost: readonly Lost[] = []
  /** It has had its id before it began anew, and partitions with it. */
  isAgain = false
  /** The coordinator has heard of it no earlier than then. */
  #heardMs = 0
  /** It has been giving up partitions for no longer than since then. */
  #calmMs = 0

  constructor(actor: string, group: string) {
    this.actor = actor
    this.group = group
  }

  /** As another member, or as the same one from the beginning. */
  restart(id: string): void {
    this.isAgain = id === this.id
    if (!this.isAgain) this.lost = []
    this.id = id
    this.epoch = 0
    this.owned = new Map()
    this.told = new Set()
    this.isDoubtful = false
  }

  /** It does not have them any more: to be said with the next heartbeat. */
  giveUp(): void {
    this.owned = new Map([...this.owned].filter(([partition]) => this.told.has(partition)))
  }

  get mustGiveUp(): boolean {
    return [...this.owned.keys()].some(partition => !this.told.has(partition))
  }

  /** `isTold`: what it is to have. If it is not, it may have to give up what it doesn't know of, where an answer was lost. */
  onHeard(sentMs: number, isTold: boolean): void {
    this.#heardMs = sentMs
    if (!this.mustGiveUp && (isTold || this.lost.length === 0)) this.#calmMs = sentMs
  }

  /** It can't be taken for dead yet. */
  isInTime(nowMs: number): boolean {
    return nowMs < Math.min(this.#heardMs + SESSION_TIMEOUT_MS, this.#calmMs + REBALANCE_TIMEOUT_MS)
  }

  /** The coordinator knows it as it knows itself. */
  isSure(nowMs: number): boolean {
    return this.epoch > 0 && !this.isDoubtful && this.lost.length === 0 && this.isInTime(nowMs)
  }

  /** Nobody else may have it. */
  surelyOwns(partition: string, nowMs: number): boolean {
    if (!this.owned.has(partition) || this.isDoubtful || !this.isInTime(nowMs)) return false
    return this.lost.every(({ owned }) => owned === null || owned.has(partition))
  }
}

export class ConsumerGroupLedger {
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #members = new Map<string, Membership[]>()
  /** The highest epoch that anybody was told. */
  readonly #epochs = new Map<string, number>()
  readonly #rested = new Set<string>()
  readonly #migrating = new Set<string>()

  constructor(sim: Simulation, node: SimNode) {
    this.#sim = sim
    this.#node = node
  }

  add(actor: string, group: string): Membership {
    const member = new Membership(actor, group)
    this.#members.set(group, [...(this.#members.get(group) ?? []), member])
    return member
  }

  /** A group that has become a classic one, and lost its members, makes room for a new one, as in Kafka: 0. */
  epochOf(group: string): number {
    return this.#migrating.has(group) ? 0 : (this.#epochs.get(group) ?? 0)
  }

  /** Some of its members speak the classic protocol. */
  migrates(group: string): void {
    this.#migrating.add(group)
  }

  onCrash(powerLoss: boolean): void {
    if (!powerLoss || this.#sim.setup.isDurable) return
    this.#epochs.clear()
    for (const members of this.#members.values()) for (const member of members) member.isDoubtful = true
  }

  /** An answer without an error; `assigned`: null: as before. Gives what the member has got with it. */
  onTold(
    member: Membership,
    epoch: number,
    assigned: ReadonlySet<string> | null,
    asked: { readonly sentMs: number; readonly groupEpoch: number; readonly isStatic: boolean },
  ): string[] {
    const { group, actor } = member
    const isJoin = member.epoch === 0
    const least = isJoin ? Math.max(1, asked.groupEpoch) : member.epoch
    const isBack = epoch < least && !member.isDoubtful && !this.#node.hasDiskFault
    demand(!isBack, () => `${actor} in ${group} was told epoch ${epoch}, after ${least}`)
    if (!member.isDoubtful) this.#epochs.set(group, Math.max(this.epochOf(group), epoch))
    const told = assigned ?? member.told
    const given = [...told].filter(partition => !member.owned.has(partition))
    let since = member.lost.length > 0 ? member.epoch : epoch
    // It may have had them before.
    if (isJoin && (asked.isStatic || member.isAgain)) since = 0
    member.epoch = epoch
    member.told = told
    member.owned = new Map([...member.owned, ...given.map(partition => [partition, since] as const)])
    member.onHeard(asked.sentMs, assigned !== null)
    for (const partition of given) this.#checkOwner(member, partition)
    return given
  }

  #checkOwner(member: Membership, partition: string): void {
    const nowMs = this.#sim.time.monotonic()
    if (this.#node.hasDiskFault || !member.surelyOwns(partition, nowMs)) return
    for (const other of this.#members.get(member.group)!) {
      demand(
        other === member || !other.surelyOwns(partition, nowMs),
        () =>
          `${partition} of ${member.group} was given to ${member.actor} in epoch ${member.epoch}, and ${other.actor} owns it ` +
          `in epoch ${other.epoch}`,
      )
    }
  }

  /** From then on once: all that anybody has asked for is somebody's, and all are at one epoch. */
  isAtRest(group: string, partitionsOf: (topic: string) => readonly string[]): boolean {
    if (this.#rested.has(group)) return true
    const members = this.#members.get(group)!
    const owned = new Set(members.flatMap(member => [...member.owned.keys()]))
    const wanted = new Set(members.flatMap(({ topics }) => topics))
    const isOne = members.every(member => member.epoch === members[0]!.epoch && member.epoch > 0 && !member.mustGiveUp)
    const isAll = [...wanted].every(topic => partitionsOf(topic).every(partition => owned.has(partition)))
    if (isOne && isAll) this.#rested.add(group)
    return isOne && isAll
  }
}
