/**
 * A consumer of some partitions: long polls, in fetch sessions or without, at positions that only go forward. What it is
 * given goes to the ledger.
 */
import { batches, errorName, ZERO_UUID } from '@ottla/protocol'
import { Actor, type ActorOptions } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import type { TopicModel } from './ledger.ts'
import type { Link } from './link.ts'
import type { PartitionModel, Snapshot } from './partition-model.ts'
import { isPassing } from './producer.ts'
import { pick } from './setup.ts'
import { demand } from './simulation.ts'

interface Subscription {
  readonly topic: TopicModel
  readonly partition: number
  readonly model: PartitionModel
  position: number
  /** What the node knows of it in the session; null: nothing. */
  sentPosition: number | null
}

const FIRST_FETCH = 4
const FIRST_WITH_SESSIONS = 7
const LATEST_FETCH = 18
const EARLIEST = -2n
const LATEST = -1n
const NO_SESSION = -1
const NEW_SESSION = 0
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

interface FetchedPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null
  readonly records: unknown
}

export class Consumer extends Actor {
  readonly #version: number
  readonly #usesSessions: boolean
  /** Reads what is committed, and nothing else. */
  readonly #isCommittedOnly: boolean
  #maxBytes: number
  readonly #subscriptions: Subscription[] = []
  #sessionId = 0
  #sessionEpoch = NO_SESSION
  #sessionLink = -1

  constructor(options: ActorOptions) {
    super(options)
    this.#version = FIRST_FETCH + this.random.integer(LATEST_FETCH - FIRST_FETCH + 1)
    this.#usesSessions = this.#version >= FIRST_WITH_SESSIONS && this.random.chance(0.7)
    this.#isCommittedOnly = this.random.chance(0.5)
    this.#maxBytes = pick(this.random, [1, 500, 5000, 1 << 20])
  }

  protected override async step(): Promise<void> {
    this.#subscribe()
    if (this.random.chance(0.02)) this.#startOver()
    await this.#fetch(pick(this.random, [0, 20, 200]), pick(this.random, [0, 1, 1000]))
  }

  /** To the end of all of them. */
  protected override async finish(): Promise<void> {
    this.#subscribe(true)
    this.#maxBytes = 1 << 20
    const ends = new Map(this.#subscriptions.map(({ model }) => [model, model.promisedEnd]))
    while (this.#subscriptions.some(({ model, position }) => position < ends.get(model)!)) {
      await this.insist(() => this.#fetch(20, 1))
      await this.sim.pause(1)
    }
  }

  #subscribe(all = false): void {
    for (const topic of this.ledger.topics.values()) {
      if (topic.isDeleted || isPassing(topic.name)) continue
      for (const [partition, model] of topic.partitions.entries()) {
        if (this.#subscriptions.some(known => known.model === model)) continue
        if (!all && !this.random.chance(0.5)) continue
        this.#subscriptions.push({ topic, partition, model, position: 0, sentPosition: null })
      }
    }
  }

  /** Somewhere, as a new consumer does. */
  #startOver(): void {
    if (this.#subscriptions.length === 0) return
    const subscription = pick(this.random, this.#subscriptions)
    subscription.position = this.random.integer(subscription.model.promisedEnd + 1)
  }

  async #fetch(maxWaitMs: number, minBytes: number): Promise<void> {
    const link = await this.links.get()
    const asked = new Map<Subscription, Snapshot & { position: number }>()
    for (const subscription of this.#subscriptions) {
      // What a loss of power took is read again: not by choice, but the log is another one.
      subscription.position = Math.min(subscription.position, subscription.model.promisedEnd)
      asked.set(subscription, { ...subscription.model.snapshot, position: subscription.position })
    }
    const request = this.#request(link, maxWaitMs, minBytes)
    this.maybeImpatient()
    const answer = await link.send(apis.fetch, request, this.#version)
    if (answer.errorCode !== 0) {
      const lost = ['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH'] as const
      this.expectError(answer.errorCode, 'Fetch', ...(this.#usesSessions ? lost : []))
      this.#sessionEpoch = NO_SESSION
      return
    }
    this.#onSession(answer.sessionId)
    for (const { topic, topicId, partitions } of answer.responses) {
      for (const part of partitions) {
        const subscription = this.#find(topic, topicId, part.partitionIndex)
        demand(!!subscription, () => `${this.name} was given ${topic}-${part.partitionIndex}, which it did not ask for`)
        await this.#onPart(subscription, part, asked.get(subscription)!)
      }
    }
  }

  #request(link: Link, maxWaitMs: number, minBytes: number) {
    const isolationLevel = this.#isCommittedOnly ? READ_COMMITTED : READ_UNCOMMITTED
    const common = {
      replicaId: -1,
      isolationLevel,
      maxWaitMs,
      minBytes,
      maxBytes: pick(this.random, [this.#maxBytes, 1 << 20]),
    }
    const isNew = this.#sessionEpoch <= NEW_SESSION || this.#sessionLink !== link.number
    if (!this.#usesSessions || isNew) for (const subscription of this.#subscriptions) subscription.sentPosition = null
    if (this.#usesSessions && isNew) {
      this.#sessionEpoch = NEW_SESSION
      this.#sessionId = 0
    }
    this.#sessionLink = link.number
    const changed = this.#subscriptions.filter(({ position, sentPosition }) => position !== sentPosition)
    for (const subscription of changed) subscription.sentPosition = subscription.position
    const byId = this.#version > LAST_WITH_NAMES.fetch
    const topics = changed.map(({ topic, partition, position }) => ({
      topic: topic.name,
      topicId: byId ? topic.id : ZERO_UUID,
      partitions: [{ partition, fetchOffset: position, partitionMaxBytes: this.#maxBytes }],
    }))
    const session = this.#usesSessions ? { sessionId: this.#sessionId, sessionEpoch: this.#sessionEpoch } : {}
    return { ...common, ...session, topics }
  }

  #onSession(sessionId: number): void {
    if (!this.#usesSessions) return
    if (this.#sessionEpoch === NEW_SESSION) {
      this.#sessionId = sessionId
      // 0: the node has no place for one.
      this.#sessionEpoch = sessionId === 0 ? NO_SESSION : 1
      return
    }
    demand(sessionId === this.#sessionId, () => `${this.name} is in session ${this.#sessionId}, not ${sessionId}`)
    this.#sessionEpoch++
  }

  async #onPart(
    subscription: Subscription,
    part: FetchedPartition,
    asked: Snapshot & { position: number },
  ): Promise<void> {
    const { model } = subscription
    if (part.errorCode !== 0) {
      const code = this.expectError(part.errorCode, `Fetch of ${model.name}`, 'OFFSET_OUT_OF_RANGE')
      if (code !== 'OFFSET_OUT_OF_RANGE') return
      model.onOutOfRange(asked.position, asked)
      await this.#seek(subscription)
      return
    }
    const records = toBytes(part.records)
    const { highWatermark, logStartOffset } = part
    const next = model.onFetched({ position: asked.position, highWatermark, logStartOffset, records }, asked)
    demand(
      next >= asked.position,
      () => `${this.name} was led back in ${model.name}, from ${asked.position} to ${next}`,
    )
    if (this.#isCommittedOnly) this.#checkCommitted(model, part, records)
    if (records.length > 0) this.ledger.fetches++
    subscription.position = next
  }

  /** Nothing of a transaction that is open; of each that was read it is known whether it was aborted. */
  #checkCommitted(model: PartitionModel, part: FetchedPartition, records: Uint8Array): void {
    const { lastStableOffset, highWatermark, abortedTransactions } = part
    demand(
      lastStableOffset <= highWatermark,
      () => `${model.name} is stable up to ${lastStableOffset}, and ends at ${highWatermark}`,
    )
    const coming = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborted = new Set<number>()
    for (const { baseOffset, lastOffset, producerId, isControl } of batches(records)) {
      demand(lastOffset < lastStableOffset, () => `${model.name}: ${lastOffset} was read, above ${lastStableOffset}`)
      while (coming.length > 0 && coming[0]!.firstOffset <= lastOffset) aborted.add(coming.shift()!.producerId)
      if (isControl) aborted.delete(producerId)
      const transaction = model.batchAt(baseOffset)?.transaction
      transaction?.onFound(aborted.has(producerId) ? 'abort' : 'commit', `what ${this.name} has read of ${model.name}`)
    }
  }

  /** After a position that is gone: on at the begin, or at the end that it is past. */
  async #seek(subscription: Subscription): Promise<void> {
    const { topic, partition, model } = subscription
    const link = await this.links.get()
    const offsets: number[] = []
    for (const timestamp of [EARLIEST, LATEST]) {
      const asked = model.snapshot
      const partitions = [{ partitionIndex: partition, timestamp }]
      const answer = await link.send(apis.listOffsets, { replicaId: -1, topics: [{ name: topic.name, partitions }] })
      const { errorCode, offset } = answer.topics[0]!.partitions[0]!
      if (errorCode !== 0) {
        this.expectError(errorCode, `ListOffsets of ${model.name}`)
        return
      }
      if (timestamp === EARLIEST) model.onBegin(offset, asked)
      else model.onEnd(offset, asked)
      offsets.push(offset)
    }
    const [start, end] = offsets as [number, number]
    demand(start <= end, () => `${model.name} begins at ${start} and ends at ${end}`)
    subscription.position = Math.min(Math.max(subscription.position, start), end)
  }

  #find(topic: string, topicId: string, partition: number): Subscription | undefined {
    const byId = this.#version > LAST_WITH_NAMES.fetch
    return this.#subscriptions.find(
      known => known.partition === partition && (byId ? known.topic.id === topicId : known.topic.name === topic),
    )
  }
}

function toBytes(records: unknown): Uint8Array {
  return records instanceof Uint8Array ? records : new Uint8Array(0)
}

export function isOutOfRange(errorCode: number): boolean {
  return errorName(errorCode) === 'OFFSET_OUT_OF_RANGE'
}
