/** The state of one partition of `__transaction_state`: its transactional ids, and which of them have a transaction. */
import type { TransactionConfig } from './config.ts'
import { fromValue, type TransactionRecord } from './records.ts'
import type { Transaction, TransactionState } from './transaction.ts'

/** What is worth an operator's while; the broker's logger is one. */
export interface TransactionLog {
  info(message: string, fields: Readonly<Record<string, string | number>>): void
}

export interface TransactionStoreOptions {
  readonly config: TransactionConfig
  /** The finalized level of `transaction.version`. */
  readonly transactionVersion: () => number
  /** A producer id that nobody has; null: none is at hand. */
  readonly takeProducerId: () => number | null
  /** What a batch in the log may take. */
  readonly maxBatchBytes: () => number
  readonly log: TransactionLog
}

export class TransactionStore {
  readonly options: TransactionStoreOptions
  readonly #transactions = new Map<string, Transaction>()
  readonly #ongoing = new Set<string>()
  readonly #counts = new Map<TransactionState, number>()

  constructor(options: TransactionStoreOptions) {
    this.options = options
  }

  get size(): number {
    return this.#transactions.size
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#transactions.get(transactionalId)
  }

  all(): MapIterator<Transaction> {
    return this.#transactions.values()
  }

  /** Ids that have a transaction which nobody has decided. */
  get ongoing(): ReadonlySet<string> {
    return this.#ongoing
  }

  /** How many are in each state. */
  get counts(): ReadonlyMap<TransactionState, number> {
    return this.#counts
  }

  #count(transaction: Transaction | undefined, change: 1 | -1): void {
    if (transaction) this.#counts.set(transaction.state, (this.#counts.get(transaction.state) ?? 0) + change)
  }

  put(transaction: Transaction): void {
    const { transactionalId, state } = transaction
    this.#count(this.#transactions.get(transactionalId), -1)
    this.#count(transaction, 1)
    this.#transactions.set(transactionalId, transaction)
    if (state === 'Ongoing') this.#ongoing.add(transactionalId)
    else this.#ongoing.delete(transactionalId)
  }

  remove(transactionalId: string): void {
    this.#count(this.#transactions.get(transactionalId), -1)
    this.#transactions.delete(transactionalId)
    this.#ongoing.delete(transactionalId)
  }

  replay({ transactionalId, value }: TransactionRecord): void {
    if (value) this.put(fromValue(transactionalId, value))
    else this.remove(transactionalId)
  }
}
