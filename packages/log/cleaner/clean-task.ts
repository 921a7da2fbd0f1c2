/**
 * What worker threads do for the cleaner: one piece of a log at a time, so that others get their turn. All that is large is
 * shared, or handed over, never copied. Loaded by name (see clean-log.ts), also from the published bundle.
 */
import { transferring } from '@ottla/io/transfer'
import type { AbortedTransactionEntry } from '../transaction-index.ts'
import { type Filtered, type FilterOptions, filterBatches, indexBatches } from './filter.ts'
import { LastRecords, type LastRecordsState } from './last-records.ts'
import { OffsetMap, type OffsetMapState } from './offset-map.ts'
import { CleanedTransactions, type CleanedTransactionsState } from './transactions.ts'

interface Piece {
  /** Whole batches. */
  readonly bytes: Uint8Array
  readonly map: OffsetMapState
  readonly transactions: CleanedTransactionsState
  readonly begun: readonly AbortedTransactionEntry[]
}

export interface IndexTask extends Piece {
  readonly startOffset: number
}

export interface IndexTaskResult {
  readonly map: OffsetMapState
  readonly transactions: CleanedTransactionsState
  readonly isFull: boolean
}

export function indexPiece(task: IndexTask): IndexTaskResult {
  const map = new OffsetMap(task.map)
  const transactions = new CleanedTransactions(task.transactions, task.begun)
  const isFull = !indexBatches(task.bytes, task.startOffset, map, transactions)
  return { map: map.state(), transactions: transactions.state(), isFull }
}

export interface FilterTask extends Piece {
  readonly lastRecords: LastRecordsState
  readonly options: FilterOptions
}

export interface FilterTaskResult extends Filtered {
  readonly transactions: CleanedTransactionsState
  readonly kept: readonly AbortedTransactionEntry[]
}

export function filterPiece({ bytes, lastRecords, options, ...task }: FilterTask): FilterTaskResult {
  const transactions = new CleanedTransactions(task.transactions, task.begun)
  const filtered = filterBatches(bytes, new OffsetMap(task.map), transactions, new LastRecords(lastRecords), options)
  const result = { ...filtered, transactions: transactions.state(), kept: transactions.kept }
  const own = [filtered.bytes.buffer, filtered.batches.buffer].filter(buffer => buffer instanceof ArrayBuffer)
  return transferring(result, own)
}
