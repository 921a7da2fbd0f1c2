/**
 * Sends the batches of a producer: those of all partitions that one broker leads in one request, several requests at a
 * time. An idempotent producer has several batches of a partition on their way, too; when one fails, those behind it are
 * sent again after it, so that order holds.
 */
import { type Codec, ErrorCode } from '@ottla/protocol'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { check, KafkaError } from './errors.ts'
import type { Batch, PartitionQueue, ProducerIdentity } from './partition-queue.ts'
import { isRetriable, retry } from './retry.ts'

export interface SenderOptions {
  readonly acks: number
  readonly codec: Codec
  /** The batch is acknowledged, or given up. */
  readonly onDone: (batch: Batch) => void
  readonly transaction?: SendsInTransaction
}

/** What a transactional producer has to say to what it sends. */
export interface SendsInTransaction {
  readonly transactionalId: string
  /** null: there is no transaction. */
  readonly identity: ProducerIdentity | null
  /** A partition joins by being written to (KIP-890). */
  readonly joinsByWriting: boolean
  /** Resolves when the partition is in the transaction; null: it is. */
  join(topic: string, partition: number): Promise<void> | null
}

const produceApi = { request: ProduceRequest, response: ProduceResponse }
const initProducerIdApi = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const ALL = -1
const WITH_TOPIC_NAMES = 12
/** The last before partitions join a transaction by being written to. */
const WITH_JOINED_PARTITIONS = 11
const REQUEST_TIMEOUT_MS = 30_000
/** Of one connection; as many batches of a producer a broker remembers of each partition. */
const MAX_IN_FLIGHT = 5
/** As much as Java's producer puts into a request, and one batch in any case. */
const MAX_REQUEST_BYTES = 1024 * 1024
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000
/** The broker and this producer don't agree on what was written: another identity begins anew. */
const OUT_OF_STEP: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
])

interface Sending {
  readonly queue: PartitionQueue
  readonly batch: Batch
}

interface Result {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly baseOffset: number
}

export class Sender {
  readonly #cluster: Cluster
  readonly #options: SenderOptions
  readonly #maxInFlight: number
  /** In the order in which they became so. */
  readonly #ready = new Set<PartitionQueue>()
  readonly #requests = new Map<BrokerConnection, number>()
  #identity: ProducerIdentity | null = null
  #asking: Promise<void> | null = null
  #isScheduled = false

  constructor(cluster: Cluster, options: SenderOptions) {
    this.#cluster = cluster
    this.#options = options
    // Without sequence numbers, one that is sent again would come behind its followers.
    this.#maxInFlight = options.acks === ALL ? MAX_IN_FLIGHT : 1
  }

  /** A batch of it may be ready. */
  add(queue: PartitionQueue): void {
    this.#ready.add(queue)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#cluster.world.clock.nextTurn(() => {
      this.#isScheduled = false
      while (this.#sendReady()) {}
    })
  }

  /** At most one request to each broker; false if there was none to send. */
  #sendReady(): boolean {
    const requests = new Map<BrokerConnection, { sendings: Sending[]; sizeInBytes: number }>()
    for (const queue of this.#ready) {
      const batch = queue.next(this.#maxInFlight, this.#identity)
      const connection = batch && this.#connectionFor(queue)
      if (!batch || !connection) {
        this.#ready.delete(queue)
        continue
      }
      if ((this.#requests.get(connection) ?? 0) >= MAX_IN_FLIGHT) continue
      const request = requests.get(connection) ?? { sendings: [], sizeInBytes: 0 }
      if (request.sendings.length > 0 && request.sizeInBytes + batch.sizeInBytes > MAX_REQUEST_BYTES) continue
      request.sendings.push({ queue, batch })
      request.sizeInBytes += batch.sizeInBytes
      requests.set(connection, request)
    }
    for (const [connection, { sendings }] of requests) this.#send(connection, sendings)
    return requests.size > 0
  }

  /** null: the queue is added again when what it needs is known. */
  #connectionFor(queue: PartitionQueue): BrokerConnection | null {
    const { acks, transaction } = this.#options
    if (transaction) {
      this.#identity = transaction.identity
      const joining = transaction.join(queue.topic, queue.partition)
      if (joining) {
        this.#hold(queue, joining)
        return null
      }
    }
    if (acks === ALL && !this.#identity) {
      this.#hold(queue, this.#askIdentity())
      return null
    }
    const known = this.#cluster.knownLeader(queue.topic, queue.partition)
    if (!known) this.#hold(queue, this.#cluster.leader(queue.topic, queue.partition))
    return known
  }

  #hold(queue: PartitionQueue, need: Promise<unknown>): void {
    const batch = queue.batches[queue.inFlight]!
    queue.isHeld = true
    const release = (): void => {
      queue.isHeld = false
    }
    need.then(
      () => {
        release()
        this.add(queue)
      },
      error => {
        release()
        queue.inFlight++
        this.#onError({ queue, batch }, error)
        this.#settle(queue)
      },
    )
  }

  #askIdentity(): Promise<void> {
    this.#asking ??= retry(this.#cluster.world.clock, async () => {
      const connection = await this.#cluster.any()
      const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
      const response = await connection.send(initProducerIdApi, request)
      check(response.errorCode, 'producer id')
      this.#identity = { id: response.producerId, epoch: response.producerEpoch }
    }).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  #send(connection: BrokerConnection, sendings: readonly Sending[]): void {
    const { acks, transaction } = this.#options
    this.#requests.set(connection, (this.#requests.get(connection) ?? 0) + 1)
    const topics = new Map<string, { index: number; records: Uint8Array }[]>()
    for (const { queue, batch } of sendings) {
      // Behind those that are ready, too, so that one that always is does not keep them waiting.
      this.#ready.delete(queue)
      this.#ready.add(queue)
      queue.inFlight++
      batch.isClosed = true
      if (this.#identity) queue.number(batch, this.#identity)
      const partitions = topics.get(queue.topic) ?? []
      partitions.push({ index: queue.partition, records: this.#build(batch) })
      topics.set(queue.topic, partitions)
    }
    const topicData = [...topics].map(([name, partitionData]) => ({ name, partitionData }))
    const maxVersion = transaction && !transaction.joinsByWriting ? WITH_JOINED_PARTITIONS : WITH_TOPIC_NAMES
    const options = { maxVersion, oneWay: acks === 0 }
    const transactionalId = transaction?.transactionalId ?? null
    connection.send(produceApi, { transactionalId, acks, timeoutMs: REQUEST_TIMEOUT_MS, topicData }, options).then(
      response => this.#onAnswer(connection, sendings, acks === 0 ? null : response),
      error => this.#onAnswer(connection, sendings, error as Error),
    )
  }

  #build({ builder, numbers }: Batch): Uint8Array {
    const { codec, transaction } = this.#options
    if (!numbers) return builder.build({ codec })
    const { producer, baseSequence } = numbers
    const isTransactional = transaction !== undefined
    return builder.build({
      codec,
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence,
      isTransactional,
    })
  }

  /** null: none was to come. */
  #onAnswer(connection: BrokerConnection, sendings: readonly Sending[], answer: ProduceResponse | Error | null): void {
    const left = this.#requests.get(connection)! - 1
    if (left === 0) this.#requests.delete(connection)
    else this.#requests.set(connection, left)
    const results = answer === null || answer instanceof Error ? null : resultsOf(answer)
    for (const sending of sendings) {
      const { queue } = sending
      if (answer === null) this.#onWritten(sending, -1)
      else if (answer instanceof Error) this.#onError(sending, answer)
      else this.#onResult(sending, results!.get(`${queue.topic}-${queue.partition}`))
      this.#settle(queue)
      this.#ready.add(queue)
    }
    // Others may have waited for the connection.
    this.#schedule()
  }

  #onResult(sending: Sending, result: Result | undefined): void {
    const { topic, partition } = sending.queue
    const code = result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
    if (code === ErrorCode.NONE) this.#onWritten(sending, result!.baseOffset)
    // It came a second time, so long ago that nobody knows where the first went.
    else if (code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) this.#onWritten(sending, -1)
    else this.#onError(sending, new KafkaError(code, `produce to ${topic}-${partition}`, result?.errorMessage))
  }

  #onWritten({ queue, batch }: Sending, baseOffset: number): void {
    queue.inFlight--
    queue.onWritten(batch)
    batch.pending.forEach(({ resolve }, i) => {
      resolve({ topic: queue.topic, partition: queue.partition, offset: baseOffset < 0 ? -1 : baseOffset + i })
    })
    this.#options.onDone(batch)
  }

  #onError({ queue, batch }: Sending, error: Error): void {
    queue.inFlight--
    const isOutOfStep = error instanceof KafkaError && OUT_OF_STEP.has(error.errorCode)
    const follows = isOutOfStep && queue.isRecovering
    queue.isRecovering = true
    if ((isRetriable(error) || follows) && this.#hasTime(queue, batch)) {
      if (!follows) this.#cluster.forgetTopic(queue.topic)
      return
    }
    // What was refused is not in the log; of anything else nobody knows, and a new producer may use any numbers.
    if (isOutOfStep || !(error instanceof KafkaError) || isRetriable(error)) this.#identity = null
    queue.remove(batch)
    queue.mustRenumber = true
    for (const { reject } of batch.pending) reject(error)
    this.#options.onDone(batch)
  }

  #hasTime({ pauseMs }: PartitionQueue, { deadlineMs }: Batch): boolean {
    return this.#cluster.world.clock.monotonic() + pauseMs <= deadlineMs
  }

  /** All that was sent behind a failure has come back. */
  #settle(queue: PartitionQueue): void {
    if (!queue.isRecovering || queue.inFlight > 0) return
    queue.isRecovering = false
    if (queue.mustRenumber) queue.renumber()
    queue.pauseMs = Math.min(MAX_PAUSE_MS, queue.pauseMs === 0 ? FIRST_PAUSE_MS : 2 * queue.pauseMs)
    queue.isHeld = true
    this.#cluster.world.clock.setTimer(queue.pauseMs, () => {
      queue.isHeld = false
      this.add(queue)
    })
  }
}

function resultsOf({ responses }: ProduceResponse): Map<string, Result> {
  const results = new Map<string, Result>()
  for (const { name, partitionResponses } of responses) {
    for (const result of partitionResponses) results.set(`${name}-${result.index}`, result)
  }
  return results
}
