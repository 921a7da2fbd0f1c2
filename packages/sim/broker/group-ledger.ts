/**
 * What groups were told: who leads a generation, who was given what in it, which offsets are committed. Generations are
 * told apart by the node's life: one that was not complete when the node went may have its number again.
 */
import { errorName } from '@ottla/protocol'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { ConsumerGroupLedger } from './consumer-group-ledger.ts'
import type { LinkMaker } from './link.ts'
import type { SimNode } from './node.ts'
import { ShareLedger } from './share-ledger.ts'
import { demand, type Simulation } from './simulation.ts'

export interface Commit {
  readonly offset: number
  readonly metadata: string
  readonly life: number
  readonly losses: number
  /** Of which client, and which of its connections. */
  readonly link: string
}

interface Generation {
  leader: string | null
  /** By partition, the actor that was given it. */
  readonly owners: Map<string, string>
  /** By member id, what the leader decided. */
  decided: Map<string, string> | null
}

const NOTHING: Commit = { offset: -1, metadata: '', life: -1, losses: 0, link: '' }
const COORDINATOR_BUSY: ReadonlySet<string> = new Set([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
])

/** One partition's committed offset: all that it may be. */
class Committed {
  possible: readonly Commit[] = [NOTHING]
  /** All that were ever tried, in their order. */
  readonly tried: Commit[] = []
  /** Power was lost, and commits were not flushed: until the next one is answered for, it may be anything. */
  isDoubtful = false
}

export class GroupLedger {
  readonly consumers: ConsumerGroupLedger
  readonly shares: ShareLedger
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #generations = new Map<string, Generation>()
  readonly #newest = new Map<string, number>()
  readonly #committed = new Map<string, Map<string, Committed>>()
  #offsets = 0
  acknowledged = 0

  constructor(sim: Simulation, node: SimNode) {
    this.#sim = sim
    this.#node = node
    this.consumers = new ConsumerGroupLedger(sim, node)
    this.shares = new ShareLedger(sim, node)
  }

  onCrash(powerLoss: boolean): void {
    this.consumers.onCrash(powerLoss)
    if (!powerLoss || this.#sim.setup.isDurable) return
    for (const partitions of this.#committed.values())
      for (const committed of partitions.values()) committed.isDoubtful = true
  }

  // ---------------------------------------------------------------------------------------------------- generations

  onJoined(group: string, generationId: number, leader: string, hasStatic: boolean): void {
    // A coordinator whose log has failed goes back to what is written.
    if (this.#node.hasDiskFault) return
    const generation = this.#generation(group, generationId)
    const isSame = generation.leader === null || generation.leader === leader || hasStatic
    demand(isSame, () => `generation ${generationId} of ${group} has two leaders, ${generation.leader} and ${leader}`)
    generation.leader = leader
    const name = this.#name(group, '')
    this.#newest.set(name, Math.max(this.#newest.get(name) ?? 0, generationId))
  }

  onDecided(group: string, generationId: number, assignments: ReadonlyMap<string, string>): void {
    this.#generation(group, generationId).decided = new Map(assignments)
  }

  /** `assigned`: as the leader wrote it, partitions separated by commas. */
  onAssigned(group: string, generationId: number, memberId: string, actor: string, assigned: string): void {
    if (this.#node.hasDiskFault) return
    const generation = this.#generation(group, generationId)
    const decided = generation.decided?.get(memberId)
    demand(
      decided === undefined || decided === assigned,
      () =>
        `${memberId} was given '${assigned}' in generation ${generationId} of ${group}, and '${decided}' was decided`,
    )
    for (const partition of assigned.split(',').filter(Boolean)) {
      const owner = generation.owners.get(partition) ?? actor
      demand(
        owner === actor,
        () => `${partition} belongs to ${owner} and to ${actor} in generation ${generationId} of ${group}`,
      )
      generation.owners.set(partition, actor)
    }
  }

  /** The newest generation of this life that anybody has joined. */
  newest(group: string): number {
    return this.#newest.get(this.#name(group, '')) ?? -1
  }

  #generation(group: string, generationId: number): Generation {
    const name = this.#name(group, String(generationId))
    let generation = this.#generations.get(name)
    if (!generation) {
      generation = { leader: null, owners: new Map(), decided: null }
      this.#generations.set(name, generation)
    }
    return generation
  }

  #name(group: string, generationId: string): string {
    return `${this.#node.life}/${group}/${generationId}`
  }

  // --------------------------------------------------------------------------------------------------------- commits

  /** A commit that is about to be sent: from now on it may be found. */
  attempt(group: string, partition: string, link: string): Commit {
    const { life, losses } = this.#node
    const offset = this.#offsets++
    const commit = { offset, metadata: `commit ${offset}`, life, losses, link }
    const committed = this.#find(group, partition)
    committed.possible = [...committed.possible, commit]
    committed.tried.push(commit)
    return commit
  }

  onCommitted(group: string, partition: string, commit: Commit): void {
    const isDurable = this.#sim.setup.isDurable
    if (!isDurable && commit.losses !== this.#node.losses) return
    const committed = this.#find(group, partition)
    // Of those that were sent before, one may still come if it went another way and the node has not been gone since.
    committed.possible = committed.possible.filter(
      other =>
        other === commit || (other.life >= commit.life && (other.link !== commit.link || other.offset > commit.offset)),
    )
    committed.isDoubtful = false
    this.acknowledged++
  }

  onRefused(group: string, partition: string, commit: Commit): void {
    const committed = this.#find(group, partition)
    committed.possible = committed.possible.filter(other => other !== commit)
  }

  /** Whether it may be found, asked before and after. */
  possible(group: string, partition: string): readonly Commit[] {
    return this.#find(group, partition).possible
  }

  isDoubtful(group: string, partition: string): boolean {
    return this.#find(group, partition).isDoubtful
  }

  async audit(links: LinkMaker): Promise<void> {
    for (const [group, partitions] of this.#committed) await this.check(links, group, [...partitions.keys()])
  }

  /** `partitions`: `topic-partition`. Throws a violation or `NoAnswer`. */
  async check(links: LinkMaker, group: string, partitions: readonly string[]): Promise<void> {
    if (partitions.length === 0) return
    for (;;) {
      const before = new Map(partitions.map(name => [name, this.possible(group, name)]))
      const doubtful = new Set(partitions.filter(name => this.isDoubtful(group, name)))
      const tries = new Map(partitions.map(name => [name, this.#find(group, name).tried.length]))
      const topics = partitions.map(name => {
        const at = name.lastIndexOf('-')
        return { name: name.slice(0, at), partitionIndexes: [Number(name.slice(at + 1))] }
      })
      const answer = await links.ask(apis.offsetFetch, { groupId: group, topics }, LAST_WITH_NAMES.offsetFetch)
      const code = errorName(answer.errorCode)
      if (code === 'NONE') {
        for (const { name, partitions: parts } of answer.topics) {
          for (const part of parts) {
            const partition = `${name}-${part.partitionIndex}`
            if (doubtful.has(partition)) continue
            // It may have come and been replaced since.
            const meanwhile = this.#find(group, partition).tried.slice(tries.get(partition))
            this.#checkFound(group, partition, part, [...before.get(partition)!, ...meanwhile])
          }
        }
        return
      }
      const isBusy = COORDINATOR_BUSY.has(code)
      demand(isBusy || this.#node.hasDiskFault, () => `OffsetFetch of ${group} was answered with ${code}`)
      if (this.#node.hasDiskFault) return
      await this.#sim.pause(20)
    }
  }

  #checkFound(
    group: string,
    partition: string,
    found: { committedOffset: number; metadata: string | null },
    before: readonly Commit[],
  ): void {
    if (this.isDoubtful(group, partition)) return
    const after = this.possible(group, partition)
    const isRight = [...before, ...after].some(
      ({ offset, metadata }) => offset === found.committedOffset && metadata === (found.metadata ?? ''),
    )
    demand(isRight, () => {
      const expected = after.map(({ offset }) => offset).join(', ')
      return `${group} has committed ${found.committedOffset} '${found.metadata}' for ${partition}, not ${expected}`
    })
  }

  #find(group: string, partition: string): Committed {
    let partitions = this.#committed.get(group)
    if (!partitions) {
      partitions = new Map()
      this.#committed.set(group, partitions)
    }
    let committed = partitions.get(partition)
    if (!committed) {
      committed = new Committed()
      partitions.set(partition, committed)
    }
    return committed
  }
}
