/**
 * What has become of each record of a topic that a share group reads (KIP-932), as its members were told: who has it and
 * until when, whether it is done with, how often it was delivered. Offsets are told apart by nothing else: a share group is
 * only made where everything is flushed, so that nothing of this is ever forgotten.
 */
import type { Link } from './link.ts'
import type { SimNode } from './node.ts'
import type { PartitionModel } from './partition-model.ts'
import { LOCK_MS } from './setup.ts'
import { demand, type Simulation } from './simulation.ts'

/** Longer than it takes to find out that a lock has run out, and to deliver the record again. */
const SETTLED_MS = 4000

export interface Run {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** A record of its own that a member was given. */
interface Hold {
  readonly actor: string
  readonly link: Link
  readonly untilMs: number
}

class Fate {
  hold: Hold | null = null
  /** Answered for, as accepted or as rejected, at that time. */
  doneMs = Number.POSITIVE_INFINITY
  /** Somebody has said that it is done, and was not answered. */
  isTried = false
  deliveries = 0
}

class SharedPartition {
  readonly model: PartitionModel
  readonly fates = new Map<number, Fate>()
  startOffset = -1
  /** Deliveries that nobody may have heard of. */
  lostFetches = 0
  /** Of the last delivery. */
  deliveredMs = 0
  /** What lies before it must be done with in the end. */
  end = 0

  constructor(model: PartitionModel) {
    this.model = model
  }

  fate(offset: number): Fate {
    let fate = this.fates.get(offset)
    if (!fate) {
      fate = new Fate()
      this.fates.set(offset, fate)
    }
    return fate
  }
}

export class ShareLedger {
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #deliveryCountLimit: number
  /** By name. */
  readonly #partitions = new Map<string, SharedPartition>()
  /** Records that were accepted or rejected, and answered for. */
  done = 0

  constructor(sim: Simulation, node: SimNode) {
    this.#sim = sim
    this.#node = node
    this.#deliveryCountLimit = Number(sim.setup.config['group.share.delivery.count.limit'])
  }

  of(model: PartitionModel): SharedPartition {
    let partition = this.#partitions.get(model.name)
    if (!partition) {
      partition = new SharedPartition(model)
      this.#partitions.set(model.name, partition)
    }
    return partition
  }

  /** Nobody else can have it: its lock runs, and the way of its member is open. */
  isSurelyHeld({ link, untilMs }: Hold): boolean {
    return !link.isClosed && link.life === this.#node.life && this.#sim.time.monotonic() < untilMs
  }

  /** Until it is answered, what it brings is lost. */
  beginFetch(models: readonly PartitionModel[]): void {
    for (const model of models) this.of(model).lostFetches++
  }

  endFetch(models: readonly PartitionModel[]): void {
    for (const model of models) this.of(model).lostFetches--
  }

  onDelivered(
    model: PartitionModel,
    offset: number,
    count: number,
    by: { readonly actor: string; readonly link: Link; readonly sentMs: number },
  ): void {
    const nowMs = this.#sim.time.monotonic()
    const fate = this.of(model).fate(offset)
    const where = `${offset} of ${model.name}`
    const limit = this.#deliveryCountLimit
    demand(count >= 1 && count <= limit, () => `${where} is delivered for the ${count}th time, ${limit} are allowed`)
    demand(fate.doneMs > by.sentMs, () => `${by.actor} was given ${where}, which was done with before it asked`)
    const hold: Hold = { actor: by.actor, link: by.link, untilMs: by.sentMs + LOCK_MS }
    const other = fate.hold
    if (other && nowMs < hold.untilMs) {
      const isFree = !this.isSurelyHeld(other)
      demand(isFree, () => `${by.actor} was given ${where}, which ${other.actor} has until ${other.untilMs}`)
    }
    fate.hold = hold
    fate.deliveries++
    fate.isTried = false
    this.of(model).deliveredMs = nowMs
  }

  /** The member has it no more. Gives until when the node must take what it is about to say of it. */
  giveBack(model: PartitionModel, offset: number, isDone: boolean): number {
    const fate = this.of(model).fate(offset)
    const untilMs = fate.hold && this.isSurelyHeld(fate.hold) ? fate.hold.untilMs : Number.NEGATIVE_INFINITY
    fate.hold = null
    if (isDone) fate.isTried = true
    return untilMs
  }

  /** `isDone`: accepted or rejected. */
  onGivenBack(model: PartitionModel, offset: number, isDone: boolean): void {
    const fate = this.of(model).fate(offset)
    if (!isDone || fate.doneMs < Number.POSITIVE_INFINITY) return
    fate.doneMs = this.#sim.time.monotonic()
    this.done++
  }

  onRefused(model: PartitionModel, offset: number): void {
    this.of(model).fate(offset).isTried = false
  }

  onRenewed(model: PartitionModel, offset: number, sentMs: number): void {
    const fate = this.of(model).fate(offset)
    if (fate.hold) fate.hold = { ...fate.hold, untilMs: sentMs + LOCK_MS }
  }

  /** Of what the state says: where the group begins. -1: nowhere yet. */
  onStart(model: PartitionModel, startOffset: number): void {
    if (startOffset < 0) return
    const partition = this.of(model)
    const before = partition.startOffset
    demand(startOffset >= before, () => `the group begins at ${startOffset} in ${model.name}, after ${before}`)
    partition.startOffset = startOffset
    for (let offset = Math.max(before, 0); offset < startOffset; offset++) this.#checkDone(partition, offset)
  }

  /** All before the end: what is neither accepted nor rejected was delivered, or lost on the way, as often as may be. */
  checkAtLast(model: PartitionModel, startOffset: number, done: readonly Run[]): void {
    this.onStart(model, startOffset)
    const partition = this.of(model)
    for (let offset = Math.max(startOffset, 0); offset < partition.end; offset++) {
      const isDone = done.some(({ firstOffset, lastOffset }) => offset >= firstOffset && offset <= lastOffset)
      demand(isDone, () => `${offset} of ${model.name} is not done with in the end`)
      this.#checkDone(partition, offset)
    }
  }

  #checkDone(partition: SharedPartition, offset: number): void {
    const { doneMs, isTried, deliveries } = partition.fate(offset)
    const isSaid = isTried || doneMs < Number.POSITIVE_INFINITY
    const isTooOften = deliveries + partition.lostFetches >= this.#deliveryCountLimit
    demand(
      isSaid || isTooOften,
      () => `${offset} of ${partition.model.name} is given up after ${deliveries} deliveries`,
    )
  }

  /** Nothing before the end is to come any more, as far as anybody knows who has been asking since then. */
  isSettled(model: PartitionModel, end: number, sinceMs: number): boolean {
    const partition = this.of(model)
    partition.end = Math.max(partition.end, end)
    let isDone = true
    for (let offset = Math.max(partition.startOffset, 0); offset < end; offset++) {
      const { doneMs, isTried, deliveries } = partition.fate(offset)
      if (doneMs < Number.POSITIVE_INFINITY) continue
      isDone = false
      if (!isTried && deliveries + partition.lostFetches < this.#deliveryCountLimit) return false
    }
    return isDone || this.#sim.time.monotonic() > Math.max(sinceMs, partition.deliveredMs) + SETTLED_MS
  }
}
