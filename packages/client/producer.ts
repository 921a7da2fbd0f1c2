/**
 * A producer for the commands and tests: records are gathered by partition, until a batch is full or has waited for
 * `lingerMs`; `sender.ts` gets the batches to the brokers, in order.
 *
 * Idempotent unless acks is not -1; transactional as `transactional-producer.ts` has it. What a user's application needs
 * beyond that is the full client's.
 */
import type { Codec, RecordHeader } from '@ottla/protocol'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { KafkaError } from './errors.ts'
import { type Batch, PartitionQueue, type Pending, type RecordMetadata } from './partition-queue.ts'
import { partitionForKey, StickyPartition } from './partitioner.ts'
import { Sender, type SendsInTransaction } from './sender.ts'

export interface ProducerRecord {
  readonly topic: string
  /** If left out: chosen by key, or one at random for a batch's worth of bytes. */
  readonly partition?: number
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds since 1970; now, if left out. */
  readonly timestamp?: number
}

export interface ProducerOptions {
  /** -1 (all), 0 or 1. */
  readonly acks?: number
  readonly codec?: Codec
  readonly lingerMs?: number
  /** A batch is sent when it has grown to this size. */
  readonly batchBytes?: number
  /** `send` waits while this many bytes are on their way. */
  readonly bufferBytes?: number
  readonly deliveryTimeoutMs?: number
  /** Ask the cluster to create a topic that is not there. */
  readonly createTopics?: boolean
  /** Of a TransactionalProducer, which see. */
  readonly transaction?: SendsInTransaction
}

const ALL = -1

interface Waiting {
  readonly record: ProducerRecord
  readonly pending: Pending
}

export class Producer implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #options: Required<Omit<ProducerOptions, 'transaction'>>
  readonly #queues = new Map<string, PartitionQueue>()
  /** By topic: where records without a key go. */
  readonly #sticky = new Map<string, StickyPartition>()
  readonly #sender: Sender
  #bufferedBytes = 0
  #waiting: (() => void)[] = []
  /** By topic: records that could not be appended at once, in the order of `send`. */
  readonly #lines = new Map<string, Waiting[]>()
  readonly #serving = new Set<Promise<void>>()

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    this.#cluster = cluster
    this.#options = {
      acks: ALL,
      codec: 'none',
      lingerMs: 0,
      batchBytes: 64 * 1024,
      bufferBytes: 32 * 1024 * 1024,
      deliveryTimeoutMs: 120_000,
      createTopics: true,
      ...options,
    }
    const { acks, codec } = this.#options
    const { transaction } = options
    const onDone = (batch: Batch) => this.#onDone(batch)
    this.#sender = new Sender(cluster, { acks, codec, onDone, ...(transaction ? { transaction } : {}) })
  }

  /**
   * Resolves when the record is acknowledged as `acks` asks for. Records of one topic keep the order of the calls, also
   * while the topic is being looked up or the buffer is full.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      const next = { record, pending: { resolve, reject } }
      const line = this.#lines.get(record.topic)
      if (line) line.push(next)
      else if (!this.#appendNow(next)) {
        const first = [next]
        this.#lines.set(record.topic, first)
        const serving = this.#serve(record.topic, first).finally(() => this.#serving.delete(serving))
        this.#serving.add(serving)
      }
    })
  }

  /** False: something has to be waited for. */
  #appendNow({ record, pending }: Waiting): boolean {
    const topic = this.#cluster.knownTopic(record.topic)
    if (!topic || this.#bufferedBytes >= this.#options.bufferBytes) return false
    try {
      this.#append(this.#queueFor(record, topic), record, pending)
    } catch (error) {
      pending.reject(error as Error)
    }
    return true
  }

  async #serve(topic: string, line: Waiting[]): Promise<void> {
    for (let batch = line.splice(0); batch.length > 0; batch = line.splice(0)) {
      for (const next of batch) {
        try {
          while (!this.#appendNow(next)) await this.#obstacle(topic)
        } catch (error) {
          next.pending.reject(error as Error)
        }
      }
    }
    this.#lines.delete(topic)
  }

  async #obstacle(topic: string): Promise<void> {
    if (this.#cluster.knownTopic(topic)) await new Promise<void>(resolve => this.#waiting.push(resolve))
    else await this.#cluster.topic(topic, this.#options.createTopics)
  }

  async flush(): Promise<void> {
    for (;;) {
      while (this.#serving.size > 0) await Promise.all(this.#serving)
      const queues = [...this.#queues.values()].filter(({ batches }) => batches.length > 0)
      if (queues.length === 0) return
      for (const queue of queues) {
        for (const batch of queue.batches) batch.isReady = true
        this.#sender.add(queue)
      }
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
  }

  #queueFor(record: ProducerRecord, { partitions }: TopicMetadata): PartitionQueue {
    const partition = this.#partitionOf(record, partitions)
    if (!partitions.some(({ partitionIndex }) => partitionIndex === partition)) {
      throw new KafkaError(3, `topic '${record.topic}' has no partition ${partition}`)
    }
    return this.#queue(record.topic, partition)
  }

  #queue(topic: string, partition: number): PartitionQueue {
    const key = `${topic}-${partition}`
    const known = this.#queues.get(key)
    if (known) return known
    const made = new PartitionQueue(topic, partition)
    this.#queues.set(key, made)
    return made
  }

  #partitionOf(record: ProducerRecord, partitions: TopicMetadata['partitions']): number {
    if (record.partition !== undefined) return record.partition
    if (record.key) return partitionForKey(record.key, partitions.length)
    const sticky = this.#stickyOf(record.topic)
    // What was in the way of leaving the partition, a batch that was not full, may have gone meanwhile.
    if (this.#queue(record.topic, sticky.partition(partitions)).isFull(this.#options.batchBytes))
      sticky.produced(0, true)
    return sticky.partition(partitions)
  }

  #stickyOf(topic: string): StickyPartition {
    let sticky = this.#sticky.get(topic)
    if (!sticky) {
      sticky = new StickyPartition(this.#cluster.world.random, this.#options.batchBytes)
      this.#sticky.set(topic, sticky)
    }
    return sticky
  }

  #append(queue: PartitionQueue, record: ProducerRecord, pending: Pending): void {
    const { clock } = this.#cluster.world
    const { batchBytes, lingerMs, deliveryTimeoutMs } = this.#options
    const input = { ...record, timestamp: record.timestamp ?? clock.now() }
    const last = queue.batches.at(-1)
    const before = last?.sizeInBytes ?? 0
    const batch = queue.append(input, pending, batchBytes, clock.monotonic() + deliveryTimeoutMs)
    const grown = batch === last ? batch.sizeInBytes - before : batch.sizeInBytes
    this.#bufferedBytes += grown
    if (record.partition === undefined && !record.key)
      this.#stickyOf(record.topic).produced(grown, queue.isFull(batchBytes))
    if (batch === last && !batch.isReady) return
    const release = (): void => {
      batch.isReady = true
      this.#sender.add(queue)
    }
    if (batch.isReady || lingerMs <= 0 || queue.batches.length > 1) this.#sender.add(queue)
    if (batch.isReady) return
    if (lingerMs > 0) clock.setTimer(lingerMs, release)
    else clock.nextTurn(release)
  }

  #onDone(batch: Batch): void {
    this.#bufferedBytes -= batch.sizeInBytes
    for (const resume of this.#waiting.splice(0)) resume()
  }
}
