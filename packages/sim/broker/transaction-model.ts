/**
 * One transaction: what its producer has asked for and was told, and what readers have found. A transaction is committed or
 * aborted in all of its partitions, and in the group that it commits offsets to, or in none.
 */
import type { SentBatch } from './partition-model.ts'
import { demand } from './simulation.ts'

export type Decision = 'commit' | 'abort'

export class TransactionModel {
  readonly name: string
  readonly batches: SentBatch[] = []
  /** What it commits for its group; null: nothing. */
  offset: number | null = null
  #isCommitAsked = false
  #told: Decision | null = null
  #found: Decision | null = null

  constructor(name: string) {
    this.name = name
  }

  get told(): Decision | null {
    return this.#told
  }

  get found(): Decision | null {
    return this.#found
  }

  /** Its producer is about to say so. */
  onAsked(decision: Decision): void {
    if (decision === 'commit') this.#isCommitAsked = true
  }

  /** Its producer was answered. */
  onTold(decision: Decision): void {
    this.#told = decision
    this.#check('its producer')
  }

  /** Somebody has read so. */
  onFound(decision: Decision, where: string): void {
    demand(
      this.#found === null || this.#found === decision,
      () => `${this.name}: ${decision} in ${where}, not elsewhere`,
    )
    this.#found = decision
    this.#check(where)
  }

  /** When all transactions have been decided, and all has been read. */
  checkAtLast(): void {
    for (const { id, model } of this.batches) {
      const isMissed = this.#told === 'commit' && this.#found === null
      demand(!isMissed, () => `${this.name} is committed, and nobody has found batch ${id} in ${model.name}`)
    }
  }

  #check(where: string): void {
    const { name } = this
    const isOne = this.#told === null || this.#found === null || this.#told === this.#found
    demand(
      isOne,
      () => `${name}: its producer was told ${this.#told}, and readers have found ${this.#found} (${where})`,
    )
    demand(this.#found !== 'commit' || this.#isCommitAsked, () => `${name}: nobody has asked for a commit (${where})`)
  }
}
