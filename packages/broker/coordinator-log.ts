/** A partition of an internal topic, as its coordinator sees it. */
import type { VerificationGuard } from '@ottla/log'
import type {
  CoordinatorLog,
  EndOfTransaction,
  LogChunk,
  TransactionalProducer,
} from './coordinator/coordinator-log.ts'
import type { Partition } from './replica/partition.ts'
import { appendTransactionMarker } from './replica/transaction-marker.ts'
import type { TopicConfigs } from './topic-configs.ts'

export class PartitionCoordinatorLog implements CoordinatorLog {
  readonly #partition: Partition
  readonly #configs: TopicConfigs
  readonly #now: () => number

  /** Throws NOT_LEADER_OR_FOLLOWER or KAFKA_STORAGE_ERROR. `now`: wall clock, milliseconds. */
  constructor(partition: Partition, configs: TopicConfigs, now: () => number) {
    partition.leaderLog(-1)
    this.#partition = partition
    this.#configs = configs
    this.#now = now
  }

  get startOffset(): number {
    return this.#partition.leaderLog(-1).logStartOffset
  }

  get endOffset(): number {
    return this.#partition.leaderLog(-1).logEndOffset
  }

  /** No batch may be larger than a segment either. */
  get maxBatchBytes(): number {
    const { maxMessageBytes, segmentBytes } = this.#configs.get(this.#partition.topic)
    return Math.min(maxMessageBytes, segmentBytes)
  }

  async read(offset: number, maxBytes: number): Promise<LogChunk> {
    return await this.#partition.leaderLog(-1).read(offset, { maxBytes, minOneBatch: true })
  }

  append(batch: Uint8Array, verificationGuard: VerificationGuard | null = null): number {
    const partition = this.#partition
    const { leaderEpoch } = partition
    const { meter } = partition
    meter.add('produceRequests', 1)
    const options = { origin: 'coordinator', leaderEpoch, nowMs: this.#now(), verificationGuard } as const
    const appended = partition.leaderLog(-1).append(batch, options)
    meter.add('bytesIn', batch.length)
    meter.add('messagesIn', appended.lastOffset - appended.firstOffset + 1)
    // A failure reaches the coordinator through whenCommitted, and everybody through the log dir.
    appended.written.then(
      () => partition.onWritten(appended.sizeInBytes),
      error => partition.fail(error),
    )
    return appended.firstOffset
  }

  checkProducer({ producerId, producerEpoch, verificationGuard }: TransactionalProducer): void {
    this.#partition.leaderLog(-1).checkTransactionalProducer(producerId, producerEpoch, verificationGuard)
  }

  endTransaction(end: EndOfTransaction): number {
    return appendTransactionMarker(this.#partition, end, this.#now())
  }

  whenCommitted(offset: number): Promise<void> {
    return this.#partition.whenCommitted(offset)
  }
}
