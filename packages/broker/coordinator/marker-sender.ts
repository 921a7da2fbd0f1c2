/**
 * Sends the markers of decided transactions to the leaders of their partitions, until all of them have written them. One
 * request at a time to each node, with all that has come together meanwhile; what can't be written now is tried again,
 * with whoever leads then.
 */
import type { Clock, Logger, Timer } from '@ottla/io'
import { ErrorCode, errorName } from '@ottla/protocol'
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import type { MarkerErrand, MarkersWrittenCall } from './transaction/requests.ts'
import { type TopicPartitions, topicPartitions } from './transaction/transaction.ts'

/** The way to the partitions, on whatever node they are. */
export interface MarkerTransport {
  /** null: there is no such partition, or not any more; -1: nobody leads it now. */
  leaderOf(topic: string, partition: number): number | null
  send(nodeId: number, request: WriteTxnMarkersRequest): Promise<WriteTxnMarkersResponse>
}

export interface MarkerSenderOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: MarkerTransport
  /** As which this node leads the partition of `__transaction_state`; null: it does not. */
  readonly coordinatorEpochOf: (partition: number) => number | null
  /** These have their markers, or need none. */
  readonly onWritten: (partition: number, call: MarkersWrittenCall) => void
}

/** What is to be written on one node for one decision. */
interface Job {
  /** Of `__transaction_state`. */
  readonly partition: number
  readonly errand: MarkerErrand
  readonly partitions: TopicPartitions
  readonly attempt: number
}

interface Outbox {
  readonly jobs: Job[]
  isSending: boolean
}

interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

const NO_LEADER = -1
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2000
const MARKERS_A_REQUEST = 1000

/** The leader will take them later, or another one will. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
])
/** A later decision of the same id, or a later coordinator, has been there. */
const OVERTAKEN: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.TRANSACTION_COORDINATOR_FENCED,
])
/** The partition can't have anything of a transaction in it. */
const POINTLESS: ReadonlySet<number> = new Set([
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  ErrorCode.UNSUPPORTED_VERSION,
])

export class MarkerSender {
  readonly #options: MarkerSenderOptions
  /** By partition of `__transaction_state` and transactional id: what is not in here is not wanted any more. */
  readonly #wanted = new Map<number, Map<string, MarkerErrand>>()
  readonly #outboxes = new Map<number, Outbox>()
  readonly #pauses = new Set<Timer>()
  #unknownDestinationCount = 0

  constructor(options: MarkerSenderOptions) {
    this.#options = options
  }

  /** In the place of what was to be done for the same id. */
  add(partition: number, errand: MarkerErrand): void {
    const wanted = this.#wanted.get(partition) ?? new Map<string, MarkerErrand>()
    this.#wanted.set(partition, wanted)
    wanted.set(errand.transactionalId, errand)
    this.#dispatch({ partition, errand, partitions: errand.partitions, attempt: 0 })
  }

  /** Another node, or a new shard, will see to the decisions of this partition. */
  forget(partition: number): void {
    this.#wanted.delete(partition)
  }

  close(): void {
    this.#wanted.clear()
    for (const pause of this.#pauses) pause.cancel()
    this.#pauses.clear()
    this.#unknownDestinationCount = 0
  }

  /** Decisions that wait for partitions to have a leader. */
  get unknownDestinationCount(): number {
    return this.#unknownDestinationCount
  }

  #isWanted({ partition, errand }: Job): boolean {
    return this.#wanted.get(partition)?.get(errand.transactionalId) === errand
  }

  #dispatch(job: Job): void {
    const byLeader = new Map<number | null, TopicPartition[]>()
    for (const at of each(job.partitions)) {
      const leader = this.#options.transport.leaderOf(at.topic, at.partition)
      const found = byLeader.get(leader)
      if (found) found.push(at)
      else byLeader.set(leader, [at])
    }
    for (const [leader, found] of byLeader) {
      const part = { ...job, partitions: together(found) }
      // What was deleted needs no marker.
      if (leader === null) this.#done(part)
      else if (leader === NO_LEADER) this.#awaitLeader(part)
      else this.#enqueue(leader, part)
    }
  }

  #enqueue(nodeId: number, job: Job): void {
    const outbox = this.#outboxes.get(nodeId) ?? { jobs: [], isSending: false }
    this.#outboxes.set(nodeId, outbox)
    outbox.jobs.push(job)
    if (outbox.isSending) return
    outbox.isSending = true
    // Those of this turn together.
    this.#options.clock.nextTurn(() => void this.#empty(nodeId, outbox))
  }

  async #empty(nodeId: number, outbox: Outbox): Promise<void> {
    while (outbox.jobs.length > 0) {
      const jobs = outbox.jobs.splice(0, MARKERS_A_REQUEST).filter(job => this.#isWanted(job))
      if (jobs.length > 0) await this.#send(nodeId, jobs)
    }
    outbox.isSending = false
  }

  async #send(nodeId: number, jobs: readonly Job[]): Promise<void> {
    const { transport, coordinatorEpochOf, logger } = this.#options
    const markers = jobs.map(({ partition, errand, partitions }) => ({
      producerId: errand.producerId,
      producerEpoch: errand.producerEpoch,
      transactionResult: errand.isCommit,
      topics: [...partitions].map(([name, ids]) => ({ name, partitionIndexes: [...ids] })),
      coordinatorEpoch: coordinatorEpochOf(partition) ?? -1,
      transactionVersion: errand.transactionVersion,
    }))
    try {
      const response = await transport.send(nodeId, { markers })
      const codes = codesOf(response)
      for (const job of jobs) this.#take(job, codes)
    } catch (error) {
      logger.warn('transaction markers could not be sent', { nodeId, markers: jobs.length, error: error as Error })
      for (const job of jobs) this.#retry(job)
    }
  }

  #take(job: Job, codes: ReadonlyMap<string, number>): void {
    const { transactionalId, producerId } = job.errand
    const written: TopicPartition[] = []
    const again: TopicPartition[] = []
    for (const { topic, partition } of each(job.partitions)) {
      const code = codes.get(keyOf(producerId, topic, partition)) ?? ErrorCode.UNKNOWN_SERVER_ERROR
      if (code === ErrorCode.NONE || POINTLESS.has(code)) written.push({ topic, partition })
      else if (OVERTAKEN.has(code)) {
        this.#options.logger.info('a transaction marker is refused for good', {
          transactionalId,
          partition: `${topic}-${partition}`,
          code: errorName(code),
        })
        if (this.#isWanted(job)) this.#wanted.get(job.partition)?.delete(transactionalId)
        return
      } else {
        if (!RETRIABLE.has(code)) this.#warn(job, `${topic}-${partition}`, code)
        again.push({ topic, partition })
      }
    }
    if (written.length > 0) this.#done({ ...job, partitions: together(written) })
    if (again.length > 0) this.#retry({ ...job, partitions: together(again) })
  }

  #warn({ errand, attempt }: Job, partition: string, code: number): void {
    const fields = { transactionalId: errand.transactionalId, partition, code: errorName(code), attempt }
    this.#options.logger.error('a transaction marker could not be written', fields)
  }

  #done(job: Job): void {
    if (!this.#isWanted(job)) return
    const { transactionalId, producerId, producerEpoch } = job.errand
    this.#options.onWritten(job.partition, {
      transactionalId,
      producerId,
      producerEpoch,
      partitions: job.partitions,
    })
  }

  #awaitLeader(job: Job): void {
    this.#unknownDestinationCount++
    this.#retry(job, () => {
      this.#unknownDestinationCount--
    })
  }

  #retry(job: Job, onPaused: () => void = () => undefined): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** job.attempt, LONGEST_PAUSE_MS)
    const pause = this.#options.clock.setTimer(pauseMs, () => {
      this.#pauses.delete(pause)
      onPaused()
      if (this.#isWanted(job)) this.#dispatch({ ...job, attempt: job.attempt + 1 })
    })
    this.#pauses.add(pause)
  }
}

function* each(partitions: TopicPartitions): Generator<TopicPartition> {
  for (const [topic, ids] of partitions) for (const partition of ids) yield { topic, partition }
}

function together(found: readonly TopicPartition[]): TopicPartitions {
  return topicPartitions(found.map(({ topic, partition }) => ({ name: topic, partitions: [partition] })))
}

function keyOf(producerId: number, topic: string, partition: number): string {
  return `${producerId} ${topic} ${partition}`
}

function codesOf({ markers }: WriteTxnMarkersResponse): ReadonlyMap<string, number> {
  const codes = new Map<string, number>()
  for (const { producerId, topics } of markers) {
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions)
        codes.set(keyOf(producerId, name, partitionIndex), errorCode)
    }
  }
  return codes
}
