/**
 * Which transactions the cleaner is inside of as it goes through a log: whether a batch was aborted and goes, and whether a
 * marker may go because nothing is left of what it ended. Markers are met in the order of the log, so a few names suffice.
 * Pure, and crosses threads between two pieces of a log.
 */
import { type BatchHeader, ControlType, RecordCursor } from '@ottla/protocol'
import type { AbortedTransactionEntry } from '../transaction-index.ts'

interface OpenAborted {
  readonly entry: AbortedTransactionEntry
  /** A batch of it was met: its marker stays. */
  wasSeen: boolean
}

/** As it crosses threads. */
export interface CleanedTransactionsState {
  /** By producer id. */
  readonly aborted: ReadonlyMap<number, OpenAborted>
  /** Producers with data in a transaction that was not aborted, and whose marker was not met. */
  readonly committed: ReadonlySet<number>
}

export const NO_TRANSACTIONS: CleanedTransactionsState = { aborted: new Map(), committed: new Set() }

export class CleanedTransactions {
  /** Of this piece, ascending by first offset. */
  readonly #begun: readonly AbortedTransactionEntry[]
  readonly #aborted: Map<number, OpenAborted>
  readonly #committed: Set<number>
  #next = 0
  /** Aborted transactions whose markers were met and stay: what the transaction index is to hold. */
  readonly kept: AbortedTransactionEntry[] = []

  /** `begun`: the aborted transactions that begin in this piece of the log, or began before its first piece. */
  constructor({ aborted, committed }: CleanedTransactionsState, begun: readonly AbortedTransactionEntry[]) {
    this.#aborted = new Map(aborted)
    this.#committed = new Set(committed)
    this.#begun = begun
  }

  state(): CleanedTransactionsState {
    return { aborted: this.#aborted, committed: this.#committed }
  }

  /** True: it was aborted, its records go. */
  onBatch({ isTransactional, producerId, lastOffset }: BatchHeader): boolean {
    this.#advance(lastOffset)
    if (!isTransactional) return false
    const open = this.#aborted.get(producerId)
    if (open) open.wasSeen = true
    else this.#committed.add(producerId)
    return open !== undefined
  }

  /** True: nothing is left of the transaction that it ended, and it may go when its time has come. */
  onControlBatch(header: BatchHeader, bytes: Uint8Array): boolean {
    this.#advance(header.lastOffset)
    const cursor = new RecordCursor(bytes, header)
    // An empty one was cleaned before, and stayed for its producer's epoch.
    if (!cursor.next()) return true
    const { producerId } = header
    const type =
      cursor.keyLength < 4 ? -1 : (cursor.payload[cursor.keyStart + 2]! << 8) | cursor.payload[cursor.keyStart + 3]!
    if (type === ControlType.COMMIT) return !this.#committed.delete(producerId)
    if (type !== ControlType.ABORT) return false
    const open = this.#aborted.get(producerId)
    this.#aborted.delete(producerId)
    if (!open?.wasSeen) return true
    this.kept.push(open.entry)
    return false
  }

  #advance(offset: number): void {
    for (;;) {
      const entry = this.#begun[this.#next]
      if (!entry || entry.firstOffset > offset) return
      this.#next++
      if (!this.#aborted.has(entry.producerId)) this.#aborted.set(entry.producerId, { entry, wasSeen: false })
    }
  }
}
