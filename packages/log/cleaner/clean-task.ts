/**
 * What worker threads do for the cleaner: one piece of a log at a time, so that others get their turn. All that is large is
 * handed over and back, never copied. Loaded by name (see clean-log.ts), also from the published bundle.
 */
import { transferring } from '@ottla/io/transfer'
import type { AbortedTransactionEntry } from '../transaction-index.ts'
import { type Filtered, type FilterOptions, filterBatches, indexBatches } from './filter.ts'
import { LastRecords, type LastRecordsState } from './last-records.ts'
import { OffsetMap, type OffsetMapState } from './offset-map.ts'
import { CleanedTransactions, type CleanedTransactionsState } from './transactions.ts'

/** Whole batches at the begin of a piece of memory. */
interface Piece {
  readonly memory: ArrayBuffer
  readonly length: number
  readonly map: OffsetMapState
  readonly transactions: CleanedTransactionsState
  readonly begun: readonly AbortedTransactionEntry[]
}

export interface IndexTask extends Piece {
  readonly startOffset: number
}

export interface IndexTaskResult {
  readonly memory: ArrayBuffer
  readonly map: OffsetMapState
  readonly transactions: CleanedTransactionsState
  readonly isFull: boolean
}

export function indexPiece(task: IndexTask): IndexTaskResult {
  const { memory, length, startOffset } = task
  const map = new OffsetMap(task.map)
  const transactions = new CleanedTransactions(task.transactions, task.begun)
  const isFull = !indexBatches(new Uint8Array(memory, 0, length), startOffset, map, transactions)
  const result = { memory, map: map.state(), transactions: transactions.state(), isFull }
  return transferring(result, [memory, result.map.memory])
}

export interface FilterTask extends Piece {
  readonly lastRecords: LastRecordsState
  readonly options: FilterOptions
}

export interface FilterTaskResult extends Filtered {
  readonly memory: ArrayBuffer
  readonly map: OffsetMapState
  readonly transactions: CleanedTransactionsState
  readonly lastRecords: LastRecordsState
  readonly kept: readonly AbortedTransactionEntry[]
}

export function filterPiece(task: FilterTask): FilterTaskResult {
  const { memory, length, lastRecords, options } = task
  const map = new OffsetMap(task.map)
  const transactions = new CleanedTransactions(task.transactions, task.begun)
  const filtered = filterBatches(
    new Uint8Array(memory, 0, length),
    map,
    transactions,
    new LastRecords(lastRecords),
    options,
  )
  const result = {
    ...filtered,
    memory,
    map: map.state(),
    transactions: transactions.state(),
    lastRecords,
    kept: transactions.kept,
  }
  return transferring(result, [
    memory,
    filtered.bytes.buffer,
    filtered.batches.buffer,
    lastRecords.buffer,
    result.map.memory,
  ])
}
