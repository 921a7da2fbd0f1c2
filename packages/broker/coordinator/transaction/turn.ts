/** One call of the transaction machine: what it works on, the moment it happens at, and what comes out of it. */
import type { Completion, Effects, Instant } from '../shard.ts'
import { maxBytesOf, type TransactionRecord, tombstone, transactionRecord } from './records.ts'
import type { MarkerErrand, TransactionResponse } from './requests.ts'
import type { TransactionStore } from './store.ts'
import type { Transaction } from './transaction.ts'

/** A batch's header. */
const BATCH_OVERHEAD_BYTES = 61

export type TransactionEffects = Effects<TransactionResponse, TransactionRecord, MarkerErrand>

export class Turn {
  readonly store: TransactionStore
  readonly now: Instant
  readonly #records: TransactionRecord[] = []
  readonly #completions: Completion<TransactionResponse>[] = []
  readonly #errands: MarkerErrand[] = []

  constructor(store: TransactionStore, now: Instant) {
    this.store = store
    this.now = now
  }

  get recordCount(): number {
    return this.#records.length
  }

  /** Makes the change, and makes it last. */
  put(transaction: Transaction): void {
    this.store.put(transaction)
    this.#records.push(transactionRecord(transaction, this.store.options.transactionVersion()))
  }

  remove(transactionalId: string): void {
    this.store.remove(transactionalId)
    this.#records.push(tombstone(transactionalId))
  }

  /** Whether the log will take the transaction's records. To find out when they are appended would cost a reload. */
  fits(transaction: Transaction): boolean {
    return BATCH_OVERHEAD_BYTES + maxBytesOf(transaction) <= this.store.options.maxBatchBytes()
  }

  send(errand: MarkerErrand): void {
    this.#errands.push(errand)
  }

  complete(requestId: number, response: TransactionResponse): void {
    this.#completions.push({ requestId, response })
  }

  effects(isAtomic: boolean): TransactionEffects {
    return { records: this.#records, completions: this.#completions, errands: this.#errands, isAtomic }
  }
}
