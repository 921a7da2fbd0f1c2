/** One call of the transaction machine: what it works on, the moment it happens at, and what comes out of it. */
import { ErrorCode } from '@ottla/protocol'
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

  /** Why the log can't have the transaction's records, if so. To find out when they are appended would cost a reload. */
  checkWritable(transaction: Transaction): number {
    const { maxBatchBytes, transactionVersion } = this.store.options
    // A cluster that does not know of newer clients can't write down that one was here.
    if (transaction.clientTransactionVersion > 0 && transactionVersion() === 0) return ErrorCode.UNSUPPORTED_VERSION
    const isTooLarge = BATCH_OVERHEAD_BYTES + maxBytesOf(transaction) > maxBatchBytes()
    return isTooLarge ? ErrorCode.UNKNOWN_SERVER_ERROR : ErrorCode.NONE
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
