/**
 * The transaction coordinator of one partition of `__transaction_state` (KIP-98, 360, 890). Pure: requests and time go
 * in, records, answers and errands come out (shard.ts says what becomes of them). A decision to commit or abort is an
 * errand: its markers are written by others, who say when they are; that makes the transaction complete.
 *
 * Kafka refuses what comes while a record is on its way to the log (CONCURRENT_TRANSACTIONS). Here the state is changed
 * at once and the answer waits, so only a decision that is not complete is in anybody's way.
 */
import type { Completion, CoordinatorShard, Instant } from '../shard.ts'
import { addPartitions, type VerifyCall, verifyPartitions } from './add-partitions.ts'
import { endTransaction, finish, markersWritten } from './end-transaction.ts'
import { abortTimedOut, removeExpired } from './expiry.ts'
import { initProducerId } from './init-producer-id.ts'
import {
  type DescribedTransaction,
  describeTransaction,
  type ListedTransaction,
  type ListFilter,
  listTransactions,
} from './listing.ts'
import type { TransactionRecord } from './records.ts'
import type { MarkerErrand, TransactionRequest, TransactionResponse } from './requests.ts'
import { TransactionStore, type TransactionStoreOptions } from './store.ts'
import { isDecided, type Transaction, type TransactionState } from './transaction.ts'
import { type TransactionEffects, Turn } from './turn.ts'

const ATOMIC = true
const NEVER = Number.POSITIVE_INFINITY

export class TransactionMachine
  implements CoordinatorShard<TransactionRequest, TransactionResponse, TransactionRecord, MarkerErrand>
{
  readonly #store: TransactionStore
  /** On the monotonic clock. Nothing is looked for where there is nothing to find. */
  #abortCheckMs = NEVER
  #expiryCheckMs = NEVER
  /** Where a search goes on; null: none is under way. */
  #unaborted: Iterator<string> | null = null
  #unexpired: Iterator<Transaction> | null = null

  constructor(options: TransactionStoreOptions) {
    this.#store = new TransactionStore(options)
  }

  handle(requestId: number, call: TransactionRequest, now: Instant): TransactionEffects {
    const turn = new Turn(this.#store, now)
    switch (call.api) {
      case 'initProducerId':
        initProducerId(turn, requestId, call.request)
        break
      case 'addPartitions':
        addPartitions(turn, requestId, call.request)
        break
      case 'endTransaction':
        endTransaction(turn, requestId, call.request)
        break
      case 'markersWritten':
        markersWritten(turn, requestId, call.request)
        break
    }
    this.#schedule(now)
    return turn.effects(ATOMIC)
  }

  // ---------------------------------------------------------------------------------------------------------- reads

  /** The error code of each of the partitions. */
  verifyPartitions(call: VerifyCall): (topic: string, partition: number) => number {
    return verifyPartitions(this.#store, call)
  }

  listTransactions(filter: ListFilter, wallMs: number): ListedTransaction[] {
    return listTransactions(this.#store, filter, wallMs)
  }

  describeTransaction(transactionalId: string): DescribedTransaction {
    return describeTransaction(this.#store, transactionalId)
  }

  /** How many transactional ids are in each state. */
  get counts(): ReadonlyMap<TransactionState, number> {
    return this.#store.counts
  }

  /** For tests: everything, as it is. */
  transactions(): Transaction[] {
    return [...this.#store.all()]
  }

  // ----------------------------------------------------------------------------------------------------------- time

  expire(now: Instant): TransactionEffects {
    const turn = new Turn(this.#store, now)
    const { config } = this.#store.options
    if (this.#abortCheckMs <= now.monotonicMs) {
      this.#unaborted ??= this.#store.ongoing.values()
      const isMore = abortTimedOut(turn, this.#unaborted)
      if (!isMore) this.#unaborted = null
      this.#abortCheckMs = now.monotonicMs + (isMore ? 0 : config.abortCheckIntervalMs)
    }
    if (this.#expiryCheckMs <= now.monotonicMs) {
      this.#unexpired ??= this.#store.all()
      const isMore = removeExpired(turn, this.#unexpired)
      if (!isMore) this.#unexpired = null
      this.#expiryCheckMs = now.monotonicMs + (isMore ? 0 : config.expiryCheckIntervalMs)
    }
    this.#schedule(now)
    return turn.effects(!ATOMIC)
  }

  nextDeadlineMs(): number {
    return Math.min(this.#abortCheckMs, this.#expiryCheckMs)
  }

  #schedule({ monotonicMs }: Instant): void {
    const { ongoing, size, options } = this.#store
    const { abortCheckIntervalMs, expiryCheckIntervalMs } = options.config
    if (ongoing.size === 0) this.#abortCheckMs = NEVER
    else if (this.#abortCheckMs === NEVER) this.#abortCheckMs = monotonicMs + abortCheckIntervalMs
    if (size === 0) this.#expiryCheckMs = NEVER
    else if (this.#expiryCheckMs === NEVER) this.#expiryCheckMs = monotonicMs + expiryCheckIntervalMs
  }

  // --------------------------------------------------------------------------------------------------------- the log

  replay(record: TransactionRecord): void {
    this.#store.replay(record)
  }

  /** Nobody's transactions write to this topic. */
  endTransaction(): void {}

  /** Decisions that may not have reached all partitions are told again. */
  onLoaded(now: Instant): TransactionEffects {
    const turn = new Turn(this.#store, now)
    for (const transaction of this.#store.all()) {
      if (isDecided(transaction)) finish(turn, transaction)
    }
    this.#schedule(now)
    return turn.effects(ATOMIC)
  }

  /** Every request is answered when it is made. */
  onUnload(): readonly Completion<TransactionResponse>[] {
    return []
  }
}
