/**
 * A producer for the commands and tests: records are gathered by partition for `lingerMs`, each partition has one batch
 * on its way at a time, so that order holds across retries, and batches for one broker share a request.
 *
 * Idempotent unless acks is not -1. What a user's application needs beyond that is the full client's.
 */
import { BatchBuilder, type Codec, type RecordHeader } from '@ottla/protocol'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { check, KafkaError } from './errors.ts'
import { partitionForKey, StickyPartition } from './partitioner.ts'
import { isRetriable, pause, retry } from './retry.ts'

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

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 with acks=0. */
  readonly offset: number
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
}

const produceApi = { request: ProduceRequest, response: ProduceResponse }
const initProducerIdApi = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const ALL = -1
const NO_TRANSACTIONS_BUT_TOPIC_NAMES = 12

interface Pending {
  readonly resolve: (metadata: RecordMetadata) => void
  readonly reject: (error: Error) => void
}

interface Waiting {
  readonly record: ProducerRecord
  readonly pending: Pending
}

interface Batch {
  readonly builder: BatchBuilder
  readonly pending: Pending[]
  baseSequence: number
  readonly deadlineMs: number
}

class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly batches: Batch[] = []
  nextSequence = 0
  inFlight = false
  scheduled = false

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }
}

export class Producer implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #options: Required<ProducerOptions>
  readonly #queues = new Map<string, PartitionQueue>()
  /** By topic: where records without a key go. */
  readonly #sticky = new Map<string, StickyPartition>()
  #producerId: Promise<{ id: number; epoch: number }> | null = null
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
    while (this.#serving.size > 0) await Promise.all(this.#serving)
    if (![...this.#queues.values()].some(queue => queue.batches.length > 0)) return
    await new Promise<void>(resolve => {
      this.#waiting.push(resolve)
      for (const queue of this.#queues.values()) this.#schedule(queue, 0)
    })
    await this.flush()
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
    if (this.#isFull(this.#queue(record.topic, sticky.partition(partitions)))) sticky.produced(0, true)
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

  /** The next record begins a batch. */
  #isFull({ batches, inFlight }: PartitionQueue): boolean {
    const last = batches.at(-1)
    return !last || (inFlight && batches.length === 1) || last.builder.sizeInBytes >= this.#options.batchBytes
  }

  #append(queue: PartitionQueue, record: ProducerRecord, pending: Pending): void {
    const input = { ...record, timestamp: record.timestamp ?? this.#cluster.world.clock.now() }
    let batch = queue.batches.at(-1)
    if (!batch || this.#isFull(queue) || batch.builder.sizeWith(input) > this.#options.batchBytes) {
      const deadlineMs = this.#cluster.world.clock.monotonic() + this.#options.deliveryTimeoutMs
      batch = { builder: new BatchBuilder(), pending: [], baseSequence: -1, deadlineMs }
      queue.batches.push(batch)
    }
    const before = batch.builder.sizeInBytes
    batch.builder.append(input)
    batch.pending.push(pending)
    const grown = batch.builder.sizeInBytes - before
    this.#bufferedBytes += grown
    if (record.partition === undefined && !record.key) this.#stickyOf(record.topic).produced(grown, this.#isFull(queue))
    const isDue = queue.batches.length > 1 || this.#isFull(queue)
    this.#schedule(queue, isDue ? 0 : this.#options.lingerMs)
  }

  #schedule(queue: PartitionQueue, delayMs: number): void {
    if (queue.inFlight || queue.scheduled || queue.batches.length === 0) return
    queue.scheduled = true
    const start = () => {
      queue.scheduled = false
      if (!queue.inFlight && queue.batches.length > 0) this.#drain(queue)
    }
    if (delayMs > 0) this.#cluster.world.clock.setTimer(delayMs, start)
    else this.#cluster.world.clock.nextTurn(start)
  }

  async #drain(queue: PartitionQueue): Promise<void> {
    queue.inFlight = true
    const batch = queue.batches[0]!
    try {
      const baseOffset = await this.#deliver(queue, batch)
      batch.pending.forEach(({ resolve }, i) => {
        resolve({ topic: queue.topic, partition: queue.partition, offset: baseOffset < 0 ? -1 : baseOffset + i })
      })
    } catch (error) {
      this.#onFailure(queue, batch, error)
    }
    queue.batches.shift()
    queue.inFlight = false
    this.#bufferedBytes -= batch.builder.sizeInBytes
    for (const resume of this.#waiting.splice(0)) resume()
    this.#schedule(queue, 0)
  }

  /** What follows must not be refused for the gap that this batch leaves in the sequence. */
  #onFailure(queue: PartitionQueue, batch: Batch, error: unknown): void {
    if (error instanceof KafkaError && !isRetriable(error)) {
      // It was refused: its numbers are free again.
      if (batch.baseSequence >= 0) queue.nextSequence = batch.baseSequence
    } else {
      // It may be in the log. Of a new producer any number is taken.
      this.#producerId = null
    }
    for (const { reject } of batch.pending) reject(error as Error)
  }

  async #deliver(queue: PartitionQueue, batch: Batch): Promise<number> {
    const { clock } = this.#cluster.world
    for (let pauseMs = 20; ; pauseMs = Math.min(1000, pauseMs * 2)) {
      try {
        return await this.#sendOnce(queue, batch)
      } catch (error) {
        if (!isRetriable(error) || clock.monotonic() + pauseMs > batch.deadlineMs) throw error
        this.#cluster.forgetTopic(queue.topic)
        await pause(clock, pauseMs)
      }
    }
  }

  async #sendOnce(queue: PartitionQueue, batch: Batch): Promise<number> {
    const { acks, codec } = this.#options
    const producer = acks === ALL ? await this.#identity() : null
    if (producer && batch.baseSequence < 0) {
      batch.baseSequence = queue.nextSequence
      queue.nextSequence = (queue.nextSequence + batch.builder.count) % 2 ** 31
    }
    const records = batch.builder.build({
      codec,
      ...(producer ? { producerId: producer.id, producerEpoch: producer.epoch, baseSequence: batch.baseSequence } : {}),
    })
    const connection = await this.#cluster.leader(queue.topic, queue.partition)
    const response = await connection.send(
      produceApi,
      {
        acks,
        timeoutMs: 30_000,
        topicData: [{ name: queue.topic, partitionData: [{ index: queue.partition, records }] }],
      },
      { maxVersion: NO_TRANSACTIONS_BUT_TOPIC_NAMES, oneWay: acks === 0 },
    )
    if (acks === 0) return -1
    const result = response.responses[0]!.partitionResponses[0]!
    check(result.errorCode, `produce to ${queue.topic}-${queue.partition}`, result.errorMessage)
    return result.baseOffset
  }

  #identity(): Promise<{ id: number; epoch: number }> {
    this.#producerId ??= retry(this.#cluster.world.clock, async () => {
      const connection = await this.#cluster.any()
      const response = await connection.send(initProducerIdApi, { transactionalId: null, transactionTimeoutMs: 60_000 })
      check(response.errorCode, 'producer id')
      return { id: response.producerId, epoch: response.producerEpoch }
    })
    this.#producerId.catch(() => {
      this.#producerId = null
    })
    return this.#producerId
  }
}
