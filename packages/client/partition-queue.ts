/** What waits for one partition, in the order of `send`: batches on their way, batches that may go, and one being filled. */
import { addToSequence, BatchBuilder, type RecordInput } from '@ottla/protocol'

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 with acks=0. */
  readonly offset: number
}

export interface Pending {
  readonly resolve: (metadata: RecordMetadata) => void
  readonly reject: (error: Error) => void
}

export interface ProducerIdentity {
  readonly id: number
  readonly epoch: number
}

export class Batch {
  readonly builder = new BatchBuilder()
  readonly pending: Pending[] = []
  readonly deadlineMs: number
  /** It is full, or has waited long enough. It is filled until it is sent, all the same. */
  isReady = false
  /** Sent before: its bytes stay as they are. */
  isClosed = false
  /** By which the broker knows it again when it is sent again. */
  numbers: { readonly producer: ProducerIdentity; readonly baseSequence: number } | null = null

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs
  }

  get sizeInBytes(): number {
    return this.builder.sizeInBytes
  }
}

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly batches: Batch[] = []
  /** The first so many are on their way, while nothing has failed. */
  inFlight = 0
  /** One has failed: what was sent behind it has to come back before anything is sent again. */
  isRecovering = false
  /** One was refused: at the end of that the others get new numbers. */
  mustRenumber = false
  /** Waits before it tries again, or for its leader. */
  isHeld = false
  pauseMs = 0
  #nextSequence = 0
  /** Whose number that is. */
  #numbered: ProducerIdentity | null = null
  /** Behind the last batch that is known to be in the log. */
  #knownSequence = 0
  /** Of that batch. */
  #knownProducer: ProducerIdentity | null = null

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The next record begins a batch. */
  isFull(batchBytes: number): boolean {
    const last = this.batches.at(-1)
    return !last || last.isClosed || last.sizeInBytes >= batchBytes
  }

  append(record: RecordInput, pending: Pending, batchBytes: number, deadlineMs: number): Batch {
    let batch = this.batches.at(-1)
    if (!batch || this.isFull(batchBytes) || batch.builder.sizeWith(record) > batchBytes) {
      if (batch) batch.isReady = true
      batch = new Batch(deadlineMs)
      this.batches.push(batch)
    }
    batch.builder.append(record)
    batch.pending.push(pending)
    if (batch.sizeInBytes >= batchBytes) batch.isReady = true
    return batch
  }

  /**
   * The next that may be sent; at most `maxInFlight` are at one time. Of a producer that it has not heard of a broker
   * takes any number, also one that leaves a gap: until it has, there is one at a time.
   */
  next(maxInFlight: number, producer: ProducerIdentity | null): Batch | null {
    const limit = producer === this.#knownProducer ? maxInFlight : 1
    if (this.isRecovering || this.isHeld || this.inFlight >= limit) return null
    const batch = this.batches[this.inFlight]
    return batch?.isReady ? batch : null
  }

  /** Once, when it is sent for the first time. */
  number(batch: Batch, producer: ProducerIdentity): void {
    if (batch.numbers) return
    // Another epoch of the same producer has to begin at 0; another producer may.
    if (producer !== this.#numbered) this.#nextSequence = 0
    this.#numbered = producer
    batch.numbers = { producer, baseSequence: this.#nextSequence }
    this.#nextSequence = addToSequence(this.#nextSequence, batch.builder.count)
  }

  /** It is in the log. */
  onWritten(batch: Batch): void {
    this.remove(batch)
    this.pauseMs = 0
    if (!batch.numbers) return
    this.#knownSequence = addToSequence(batch.numbers.baseSequence, batch.builder.count)
    this.#knownProducer = batch.numbers.producer
  }

  /** Those behind one that is not in the log take its numbers, or there would be a gap. */
  renumber(): void {
    this.mustRenumber = false
    for (const batch of this.batches) batch.numbers = null
    this.#nextSequence = this.#knownSequence
    this.#numbered = this.#knownProducer
  }

  remove(batch: Batch): void {
    this.batches.splice(this.batches.indexOf(batch), 1)
  }
}
