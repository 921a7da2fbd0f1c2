/**
 * What the node has promised to anybody: topics, their configs, and by partition the records (partition-model.ts). It
 * outlives every life of the node.
 */
import type { RecordInput } from '@ottla/protocol'
import type { CompactedTopic } from './compacted-model.ts'
import { PartitionModel, type SentBatch } from './partition-model.ts'
import type { TopicSetup } from './setup.ts'
import { TransactionModel } from './transaction-model.ts'

export interface TopicModel {
  readonly name: string
  readonly id: string
  readonly traits: Omit<TopicSetup, 'name' | 'partitions' | 'configs' | 'grows'>
  readonly partitions: PartitionModel[]
  /** Not fewer than that many partitions were promised; not more were asked for. */
  maxPartitions: number
  /** What was answered for; a name that is missing is not promised any value. */
  readonly configs: Map<string, string>
  isDeleted: boolean
}

export interface SentHeader {
  readonly source: string
  readonly bytes: Uint8Array
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transaction: TransactionModel | null
}

/** An idempotent producer was told that a batch is out of order; then it must have been there before. */
export interface Dispute {
  readonly batch: SentBatch
  readonly losses: number
}

export class Ledger {
  readonly topics = new Map<string, TopicModel>()
  /** Its records may be gone when later ones have their keys. */
  compacted: CompactedTopic | null = null
  /** Topics that were answered for as deleted, by id. */
  readonly deleted = new Map<string, string>()
  readonly disputes: Dispute[] = []
  readonly sent = new Map<number, SentBatch>()
  /** By transactional id, in the order in which they were begun. */
  readonly transactions = new Map<string, TransactionModel[]>()
  /** Acknowledged batches. */
  acknowledged = 0
  /** Batches that consumers were given. */
  fetches = 0
  #ids = 0

  addTopic(name: string, id: string, traits: TopicModel['traits'], partitions: number): TopicModel {
    const topic: TopicModel = {
      name,
      id,
      traits,
      partitions: [],
      maxPartitions: partitions,
      configs: new Map(),
      isDeleted: false,
    }
    this.topics.set(name, topic)
    this.grow(topic, partitions)
    return topic
  }

  grow(topic: TopicModel, count: number): void {
    const { isDurable, keepsAll, keepsBytes } = topic.traits
    while (topic.partitions.length < count) {
      const name = `${topic.name}-${topic.partitions.length}`
      topic.partitions.push(new PartitionModel({ name, isDurable, keepsAll, keepsBytes }, this.sent))
    }
    topic.maxPartitions = Math.max(topic.maxPartitions, count)
  }

  get partitions(): PartitionModel[] {
    return [...this.topics.values()].flatMap(({ partitions }) => partitions)
  }

  onStart(): void {
    for (const partition of this.partitions) partition.onStart()
  }

  onCrash(powerLoss: boolean): void {
    for (const partition of this.partitions) partition.onCrash(powerLoss)
  }

  addTransaction(transactionalId: string, producer: string): TransactionModel {
    const known = this.transactions.get(transactionalId) ?? []
    const transaction = new TransactionModel(`transaction ${known.length} of ${transactionalId}, by ${producer}`)
    this.transactions.set(transactionalId, [...known, transaction])
    return transaction
  }

  /** The number that the values of the batch's records must begin with. */
  nextId(): number {
    return this.#ids++
  }

  addBatch(id: number, model: PartitionModel, records: readonly RecordInput[], header: SentHeader): SentBatch {
    const batch: SentBatch = { id, model, records, offset: null, start: -1, ...header }
    this.sent.set(id, batch)
    header.transaction?.batches.push(batch)
    return batch
  }
}
