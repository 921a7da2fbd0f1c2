/**
 * Producers: without acknowledgement, with it, and idempotent ones that send again what was not answered, in order, until
 * it is, sometimes more often than they should.
 */
import { CODECS, encodeBatch, type RecordInput, ZERO_UUID } from '@ottla/protocol'
import { Actor, type ActorOptions } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import type { TopicModel } from './ledger.ts'
import { type Link, NoAnswer } from './link.ts'
import type { SentBatch } from './partition-model.ts'
import { pick } from './setup.ts'
import { demand, Violation } from './simulation.ts'
import type { TransactionModel } from './transaction-model.ts'

const LATEST_PRODUCE = 13
const FIRST_WITH_ZSTD = 7
const MAX_IN_FLIGHT = 5
/** Small enough that lz4 is always made by the same implementation, so that a seed gives the same bytes. */
const MAX_RECORDS = 6
const MAX_VALUE_BYTES = 300

export const ACKS = [0, 1, -1] as const
export type Acks = (typeof ACKS)[number]

interface Identity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly sequence: number
}

const NOBODY: Identity = { producerId: -1, producerEpoch: -1, sequence: -1 }

export abstract class Producer extends Actor {
  protected readonly version: number
  protected readonly transactionalId: string | null = null

  constructor(options: ActorOptions) {
    super(options)
    this.version = FIRST_WITH_ZSTD + this.random.integer(LATEST_PRODUCE - FIRST_WITH_ZSTD + 1)
  }

  protected choosePartition(): { topic: TopicModel; partition: number } {
    const topics = [...this.ledger.topics.values()].filter(({ name, isDeleted }) => !isDeleted && !isPassing(name))
    const topic = pick(this.random, topics)
    return { topic, partition: this.random.integer(topic.partitions.length) }
  }

  protected makeBatch(
    topic: TopicModel,
    partition: number,
    source: string,
    identity: Identity,
    transaction: TransactionModel | null = null,
  ): SentBatch {
    const id = this.ledger.nextId()
    const records = makeRecords(id, this.random, this.links.world.clock.now())
    const { producerId, producerEpoch, sequence: baseSequence } = identity
    const codec = pick(this.random, CODECS)
    const isTransactional = transaction !== null
    const bytes = encodeBatch(records, { codec, producerId, producerEpoch, baseSequence, isTransactional })
    return this.ledger.addBatch(id, topic.partitions[partition]!, records, {
      source,
      bytes,
      producerId,
      producerEpoch,
      baseSequence,
      transaction,
    })
  }

  protected request(topic: TopicModel, partition: number, batch: SentBatch, acks: Acks) {
    const byId = this.version > LAST_WITH_NAMES.produce
    // The node owns what it receives, and writes offsets into it.
    const records = Uint8Array.from(batch.bytes)
    return {
      transactionalId: this.transactionalId,
      acks,
      timeoutMs: 5000,
      topicData: [
        {
          name: topic.name,
          topicId: byId ? topic.id : ZERO_UUID,
          partitionData: [{ index: partition, records }],
        },
      ],
    }
  }

  /** The answer for one batch; null if there is none. */
  protected async send(link: Link, topic: TopicModel, partition: number, batch: SentBatch, acks: Acks) {
    try {
      const request = this.request(topic, partition, batch, acks)
      const { responses } = await link.send(apis.produce, request, this.version)
      const answers = responses.flatMap(({ partitionResponses }) => partitionResponses)
      demand(answers.length === 1, () => `${this.name}: ${answers.length} answers for one partition`)
      return answers[0]!
    } catch (error) {
      if (error instanceof NoAnswer) return null
      throw error
    }
  }
}

/** Topics that an admin makes and deletes: they have a writer of their own. */
export function isPassing(name: string): boolean {
  return name.startsWith('passing')
}

export function makeRecords(id: number, random: Actor['random'], timestamp: number): RecordInput[] {
  return Array.from({ length: 1 + random.integer(MAX_RECORDS) }, (_, i) => ({
    key: random.chance(0.5) ? null : Buffer.from(`key ${random.integer(10)}`),
    value: Buffer.concat([Buffer.from(`${id}.${i}:`), random.bytes(random.integer(MAX_VALUE_BYTES))]),
    headers: random.chance(0.3) ? [{ key: 'header', value: random.bytes(3) }] : [],
    timestamp,
  }))
}

/** Sends each batch once, some at a time. */
export class PlainProducer extends Producer {
  readonly #acks: Acks

  constructor(options: ActorOptions, acks: Acks) {
    super(options)
    this.#acks = acks
  }

  protected override async step(): Promise<void> {
    const { topic, partition } = this.choosePartition()
    const model = topic.partitions[partition]!
    const link = await this.links.get()
    const source = `${this.name} on connection ${link.number}`
    const asked = model.snapshot
    const count = 1 + this.random.integer(3)
    const batches = Array.from({ length: count }, () => this.makeBatch(topic, partition, source, NOBODY))
    this.maybeImpatient()
    if (this.#acks === 0) {
      for (const batch of batches)
        await link.sendOneWay(apis.produce, this.request(topic, partition, batch, 0), this.version)
      return
    }
    await Promise.all(
      batches.map(async batch => {
        const answer = await this.send(link, topic, partition, batch, this.#acks)
        if (!answer) return
        if (answer.errorCode !== 0) {
          this.expectError(answer.errorCode, `batch ${batch.id} to ${model.name}`)
          return
        }
        this.ledger.acknowledged++
        model.onAcknowledged(batch, answer.baseOffset, asked)
      }),
    )
  }

  protected override async finish(): Promise<void> {
    if (this.#acks !== 0) for (let i = 0; i < 3; i++) await this.insist(() => this.step())
  }
}

interface Stream {
  readonly topic: TopicModel
  readonly partition: number
  nextSequence: number
  /** The last ones that were acknowledged, as many as the node must know again. */
  recent: SentBatch[]
}

export class IdempotentProducer extends Producer {
  #identity: { readonly producerId: number; readonly producerEpoch: number; readonly losses: number } | null = null
  #streams = new Map<string, Stream>()

  protected override async step(): Promise<void> {
    await this.#sendWindow(1 + this.random.integer(MAX_IN_FLIGHT))
  }

  protected override async finish(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.#sendWindow(2)
  }

  async #sendWindow(count: number): Promise<void> {
    const identity = await this.#identify()
    const { topic, partition } = this.choosePartition()
    const stream = this.#stream(topic, partition)
    const source = `${this.name} as ${identity.producerId}:${identity.producerEpoch}`
    let unresolved = Array.from({ length: count }, () => {
      const batch = this.makeBatch(topic, partition, source, { ...identity, sequence: stream.nextSequence })
      stream.nextSequence += batch.records.length
      return batch
    })
    while (unresolved.length > 0) {
      const left = await this.#attempt(stream, unresolved)
      if (left === null) return
      unresolved = left
      if (unresolved.length > 0) await this.sim.pause(this.random.between(5, 60))
    }
    await this.#sendOldAgain(stream)
  }

  /** What has to be sent again; null: the node says that the first of it can't be next, and all of it is given up. */
  async #attempt(stream: Stream, batches: readonly SentBatch[]): Promise<SentBatch[] | null> {
    const { topic, partition } = stream
    const model = topic.partitions[partition]!
    const link = await this.links.get()
    const asked = model.snapshot
    this.maybeImpatient()
    const twice = this.random.chance(0.1) ? [pick(this.random, batches)] : []
    const answers = await Promise.all([...batches, ...twice].map(batch => this.send(link, topic, partition, batch, -1)))
    const left: SentBatch[] = []
    for (const [i, batch] of batches.entries()) {
      const answer = answers[i]
      if (!answer) left.push(batch)
      else if (answer.errorCode === 0) {
        this.ledger.acknowledged++
        model.onAcknowledged(batch, answer.baseOffset, asked)
        stream.recent = [...stream.recent, batch].slice(-MAX_IN_FLIGHT)
      } else {
        const code = this.expectError(answer.errorCode, `batch ${batch.id}`, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
        if (code === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && left.length === 0) {
          this.#dispute(batch, stream)
          return null
        }
        left.push(batch)
      }
    }
    const again = answers[batches.length]
    if (again?.errorCode === 0) model.onAcknowledged(twice[0]!, again.baseOffset, asked)
    return left
  }

  /** One of the last five, which the node must know again; after a restart it may know only the very last of them. */
  async #sendOldAgain(stream: Stream): Promise<void> {
    const { topic, partition } = stream
    const model = topic.partitions[partition]!
    if (stream.recent.length === 0 || !this.random.chance(0.1)) return
    const link = await this.links.get()
    const asked = model.snapshot
    const batch = pick(this.random, stream.recent)
    const answer = await this.send(link, topic, partition, batch, -1)
    if (answer?.errorCode === 0) model.onAcknowledged(batch, answer.baseOffset, asked)
    else if (answer) this.expectError(answer.errorCode, `old batch ${batch.id}`, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  }

  #dispute(batch: SentBatch, stream: Stream): void {
    const { losses } = this.#identity!
    this.say(`gives up batch ${batch.id} and what follows: ${stream.topic.name}-${stream.partition} is elsewhere`)
    this.ledger.disputes.push({ batch, losses })
    this.#identity = null
    this.#streams = new Map()
  }

  async #identify() {
    while (!this.#identity) {
      const { losses } = this.node
      const request = { transactionalId: null, transactionTimeoutMs: 2 ** 31 - 1 }
      const answer = await this.insist(() => this.links.ask(apis.initProducerId, request))
      if (answer.errorCode === 0) {
        const { producerId, producerEpoch } = answer
        this.#checkIsNew(producerId)
        this.#identity = { producerId, producerEpoch, losses }
      } else {
        this.expectError(answer.errorCode, 'InitProducerId', 'COORDINATOR_LOAD_IN_PROGRESS')
        await this.sim.pause(this.random.between(5, 50))
      }
    }
    return this.#identity
  }

  #checkIsNew(producerId: number): void {
    for (const batch of this.ledger.sent.values()) {
      if (batch.producerId === producerId)
        throw new Violation(`producer id ${producerId} was given to ${this.name}, and to ${batch.source} before`)
    }
    this.say(`is producer ${producerId}`)
  }

  #stream(topic: TopicModel, partition: number): Stream {
    const name = `${topic.id}-${partition}`
    let stream = this.#streams.get(name)
    if (!stream) {
      stream = { topic, partition, nextSequence: 0, recent: [] }
      this.#streams.set(name, stream)
    }
    return stream
  }
}
