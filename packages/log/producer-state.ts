/**
 * All producers of a log: sequence numbers, epochs, and the transactions that are open or decided but not replicated.
 * Pure: it never reads the log or the clock. Snapshot files are the log's matter; what is in them is
 * producer-snapshot.ts's.
 */
import { LogError } from './errors.ts'
import { type CompletedTransaction, ProducerAppend } from './producer-append.ts'
import { type BatchSequence, NO_OFFSET, ProducerEntry } from './producer-entry.ts'
import type { AppendOrigin, ProducerDescription } from './types.ts'
import { VerificationEntry, type VerificationGuard } from './verification.ts'

/** How long a transaction may be open past its largest timeout before it counts as forgotten. */
const LATE_TRANSACTION_BUFFER_MS = 5 * 60 * 1000

export interface ProducerStateConfig {
  readonly producerIdExpirationMs: number
  readonly transactionMaxTimeoutMs: number
  /** May change. */
  readonly transactionVerification: boolean
}

interface Transaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker; -1 while the transaction is open. */
  lastOffset: number
}

export class ProducerState {
  readonly #config: ProducerStateConfig
  readonly #producers = new Map<number, ProducerEntry>()
  readonly #verifications = new Map<number, VerificationEntry>()
  /** Open ones, ascending by first offset; as a rule a handful. */
  #ongoing: Transaction[] = []
  /** Decided ones whose marker is at or above the high watermark, ascending by first offset. */
  #unreplicated: Transaction[] = []
  /** The state is what the log up to here has made of it. */
  endOffset = 0

  constructor(config: ProducerStateConfig) {
    this.#config = config
  }

  get size(): number {
    return this.#producers.size
  }

  get isEmpty(): boolean {
    return this.#producers.size === 0 && this.#unreplicated.length === 0
  }

  entries(): Iterable<ProducerEntry> {
    return this.#producers.values()
  }

  get(producerId: number): ProducerEntry | null {
    return this.#producers.get(producerId) ?? null
  }

  describe(): ProducerDescription[] {
    return Array.from(this.#producers.values(), entry => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }))
  }

  /** Forgets everything; the log begins, or is to be read again, at `offset`. */
  clear(offset: number): void {
    this.#producers.clear()
    this.#verifications.clear()
    this.#ongoing = []
    this.#unreplicated = []
    this.endOffset = offset
  }

  /** From a snapshot: what was expired at `nowMs` is left out. */
  load(entries: readonly ProducerEntry[], endOffset: number, nowMs: number): void {
    this.clear(endOffset)
    for (const entry of entries) {
      if (entry.isExpired(nowMs, this.#config.producerIdExpirationMs)) continue
      this.#producers.set(entry.producerId, entry)
      if (entry.currentTxnFirstOffset !== NO_OFFSET) this.#begin(entry.producerId, entry.currentTxnFirstOffset)
    }
  }

  findDuplicate(producerId: number, epoch: number, firstSequence: number, lastSequence: number): BatchSequence | null {
    return this.#producers.get(producerId)?.findDuplicate(epoch, firstSequence, lastSequence) ?? null
  }

  prepare(producerId: number, origin: AppendOrigin): ProducerAppend {
    const current = this.#producers.get(producerId) ?? new ProducerEntry(producerId)
    return new ProducerAppend(current, origin, this.#verifications.get(producerId) ?? null)
  }

  update(append: ProducerAppend): void {
    const { updated, startedTransactions } = append
    const current = this.#producers.get(updated.producerId)
    if (current) current.update(updated)
    else this.#producers.set(updated.producerId, updated)
    for (const firstOffset of startedTransactions) this.#begin(updated.producerId, firstOffset)
  }

  removeExpired(nowMs: number): void {
    const { producerIdExpirationMs } = this.#config
    for (const entry of this.#producers.values()) {
      if (entry.isExpired(nowMs, producerIdExpirationMs)) this.#producers.delete(entry.producerId)
    }
    for (const [producerId, entry] of this.#verifications) {
      if (nowMs - entry.startedMs >= producerIdExpirationMs) this.#verifications.delete(producerId)
    }
  }

  // --------------------------------------------------------------------------------------------------- transactions

  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#producers.get(producerId)
    return entry !== undefined && entry.currentTxnFirstOffset !== NO_OFFSET && entry.producerEpoch === producerEpoch
  }

  /** Begin of the first transaction that is open, or whose marker is not replicated; -1: there is none. */
  get firstUnstableOffset(): number {
    const ongoing = this.#ongoing[0]?.firstOffset ?? NO_OFFSET
    const unreplicated = this.#unreplicated[0]?.firstOffset ?? NO_OFFSET
    if (ongoing === NO_OFFSET || unreplicated === NO_OFFSET) return Math.max(ongoing, unreplicated)
    return Math.min(ongoing, unreplicated)
  }

  /**
   * The last stable offset once `completed` is, as the transaction index wants it. Where many batches are appended at once,
   * transactions that begin after the marker are known already, which Kafka's followers take for the next that is open.
   */
  lastStableOffsetAfter({ producerId, lastOffset }: CompletedTransaction): number {
    const next = this.#ongoing.find(transaction => transaction.producerId !== producerId)
    return Math.min(next?.firstOffset ?? Number.POSITIVE_INFINITY, lastOffset + 1)
  }

  complete({ firstOffset, lastOffset }: CompletedTransaction): void {
    const index = this.#ongoing.findIndex(transaction => transaction.firstOffset === firstOffset)
    const transaction = this.#ongoing[index]
    if (!transaction) throw new Error(`no transaction began at ${firstOffset}`)
    this.#ongoing.splice(index, 1)
    transaction.lastOffset = lastOffset
    insertByFirstOffset(this.#unreplicated, transaction)
  }

  /** Markers below `offset` are replicated (or deleted): what they decided is stable. */
  onReplicated(offset: number): void {
    if (this.#unreplicated.length === 0) return
    this.#unreplicated = this.#unreplicated.filter(transaction => transaction.lastOffset >= offset)
  }

  hasLateTransaction(nowMs: number): boolean {
    const oldest = this.#ongoing[0]
    const lastTimestamp = oldest ? (this.#producers.get(oldest.producerId)?.lastTimestamp ?? -1) : -1
    return (
      lastTimestamp > 0 && nowMs - lastTimestamp > this.#config.transactionMaxTimeoutMs + LATE_TRANSACTION_BUFFER_MS
    )
  }

  #begin(producerId: number, firstOffset: number): void {
    insertByFirstOffset(this.#ongoing, { producerId, firstOffset, lastOffset: NO_OFFSET })
  }

  // --------------------------------------------------------------------------------------------------- verification

  startVerification(
    producerId: number,
    producerEpoch: number,
    sequence: number,
    supportsEpochBump: boolean,
    nowMs: number,
  ): VerificationGuard | null {
    this.checkNotFenced(producerId, producerEpoch)
    if (this.hasOngoingTransaction(producerId, producerEpoch)) return null
    let entry = this.#verifications.get(producerId)
    if (!entry) {
      entry = new VerificationEntry(producerId, producerEpoch, sequence, supportsEpochBump, nowMs)
      this.#verifications.set(producerId, entry)
    }
    entry.seen(producerEpoch, sequence)
    return entry.guard
  }

  /** A transactional batch of a client or the coordinator: its transaction is open, or was verified to be. */
  checkVerified(
    producerId: number,
    producerEpoch: number,
    isControl: boolean,
    guard: VerificationGuard | null | undefined,
  ): void {
    if (this.hasOngoingTransaction(producerId, producerEpoch)) return
    if (isControl) return
    this.checkNotFenced(producerId, producerEpoch)
    if (!this.#config.transactionVerification) return
    if (!guard || this.#verifications.get(producerId)?.guard !== guard) {
      throw new LogError('INVALID_TXN_STATE', `producer ${producerId} has no transaction open on this partition`)
    }
  }

  /** A transactional batch was appended: what was verified is used up, unless it was for the transaction after this one. */
  endVerification(producerId: number, producerEpoch: number, isControl: boolean): void {
    const entry = this.#verifications.get(producerId)
    if (!entry) return
    const isForNext = entry.supportsEpochBump && isControl && entry.epoch === producerEpoch
    if (!isForNext) this.#verifications.delete(producerId)
  }

  /** Throws INVALID_PRODUCER_EPOCH. */
  checkNotFenced(producerId: number, producerEpoch: number): void {
    const entry = this.#producers.get(producerId)
    if (entry && producerEpoch < entry.producerEpoch) {
      throw new LogError(
        'INVALID_PRODUCER_EPOCH',
        `producer ${producerId} has epoch ${producerEpoch}, ${entry.producerEpoch} was seen`,
      )
    }
  }
}

function insertByFirstOffset(transactions: Transaction[], transaction: Transaction): void {
  let at = transactions.length
  while (at > 0 && transactions[at - 1]!.firstOffset > transaction.firstOffset) at--
  transactions.splice(at, 0, transaction)
}
