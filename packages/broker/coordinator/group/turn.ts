/**
 * One call of the group machine: what it works on, the moment it happens at, and what comes out of it. Everything that
 * changes a group takes the turn it happens in.
 */
import type { Completion, Effects, Instant, Whole } from '../shard.ts'
import type { GroupStore } from './group-store.ts'
import { type GroupRecord, maxBytesOf } from './records.ts'
import type { GroupResponse } from './requests.ts'

/** A batch's header. */
const BATCH_OVERHEAD_BYTES = 61

interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

const NOBODY: Producer = { producerId: -1, producerEpoch: -1 }

export class Turn {
  readonly store: GroupStore
  readonly now: Instant
  readonly #records: GroupRecord[] = []
  readonly #completions: Completion<GroupResponse>[] = []
  readonly #wholes: Whole[] = []

  constructor(store: GroupStore, now: Instant) {
    this.store = store
    this.now = now
  }

  get recordCount(): number {
    return this.#records.length
  }

  /** Makes last what has been changed already. */
  emit(record: GroupRecord): void {
    this.#records.push(record)
    this.store.nextOffset++
  }

  /** Makes the change that the record stands for, and makes it last; or has it wait for the end of a transaction. */
  apply(record: GroupRecord, { producerId, producerEpoch }: Producer = NOBODY): void {
    this.store.apply(record, { offset: this.store.nextOffset, producerId, producerEpoch })
    this.emit(record)
  }

  /** The records of `work` are one change: even where others may go into several batches, they go into one. */
  atomically(work: () => void): void {
    const start = this.#records.length
    work()
    const end = this.#records.length
    if (end - start > 1) this.#wholes.push({ start, end })
  }

  /**
   * Whether the log will take the records, which have to be in one batch. To find out only when they are appended would
   * cost every group of the partition its place: the state would have to be loaded anew.
   */
  fits(records: readonly GroupRecord[]): boolean {
    let bytes = BATCH_OVERHEAD_BYTES
    for (const record of records) bytes += maxBytesOf(record)
    return bytes <= this.store.maxBatchBytes
  }

  complete(requestId: number, response: GroupResponse): void {
    this.#completions.push({ requestId, response })
  }

  effects(isAtomic: boolean): Effects<GroupResponse, GroupRecord> {
    return { records: this.#records, completions: this.#completions, isAtomic, wholes: this.#wholes }
  }
}
