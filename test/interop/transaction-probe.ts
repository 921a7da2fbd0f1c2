/**
 * One case of `transaction-errors`: a transactional id, a topic of its own, and all that can be asked about them, each
 * answer as a few words. Producer ids, which differ from run to run, are called A, B and so on as they come up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { batches, decodeRecords, encodeBatch, errorName } from '@ottla/protocol'
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '@ottla/protocol/messages/add-offsets-to-txn'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { DescribeProducersRequest, DescribeProducersResponse } from '@ottla/protocol/messages/describe-producers'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { Probe } from './cases.ts'

const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const ADD = { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse }
const ADD_OFFSETS = { request: AddOffsetsToTxnRequest, response: AddOffsetsToTxnResponse }
const COMMIT = { request: TxnOffsetCommitRequest, response: TxnOffsetCommitResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const SYNC = { request: SyncGroupRequest, response: SyncGroupResponse }
const END = { request: EndTxnRequest, response: EndTxnResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }
const OFFSETS = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const MARKERS = { request: WriteTxnMarkersRequest, response: WriteTxnMarkersResponse }
const PRODUCERS = { request: DescribeProducersRequest, response: DescribeProducersResponse }
const DESCRIBE = { request: DescribeTransactionsRequest, response: DescribeTransactionsResponse }
const LIST = { request: ListTransactionsRequest, response: ListTransactionsResponse }

const BY_NAME = 12
const NO_ID = -1

export interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Of a partition of the case's topic, or of another. */
export interface Place {
  readonly topic?: string
  readonly partition?: number
}

export class TransactionProbe extends Probe {
  readonly topic: string
  readonly group: string
  me: Identity
  readonly #names = new Map<number, string>()

  constructor(bootstrap: string, topic: string) {
    super(bootstrap)
    this.topic = topic
    this.group = `group-${topic}`
    this.me = { transactionalId: topic, producerId: NO_ID, producerEpoch: NO_ID }
  }

  note(what: string, answer: string): void {
    this.notes.lines.push(`${what}: ${answer}`)
  }

  #id(producerId: number): string {
    if (producerId === NO_ID) return '-'
    const name = this.#names.get(producerId) ?? String.fromCharCode('A'.charCodeAt(0) + this.#names.size)
    this.#names.set(producerId, name)
    return name
  }

  // ------------------------------------------------------------------------------------------------- what clients do

  /** Whatever it gets it is from now on. */
  async init(more: Partial<InitProducerIdRequest> = {}, version = 5): Promise<string> {
    const request = { transactionalId: this.me.transactionalId, transactionTimeoutMs: 60_000, ...more }
    const { errorCode, producerId, producerEpoch } = await this.asker().ask(INIT, version, request)
    if (errorCode === 0) this.me = { ...this.me, producerId, producerEpoch }
    return `${errorName(errorCode)} ${this.#id(producerId)}/${producerEpoch}`
  }

  /** Until what was open before has been aborted. */
  async begin(): Promise<string> {
    for (;;) {
      const answer = await this.init()
      if (!answer.startsWith('CONCURRENT')) return answer
      await sleep(20)
    }
  }

  async add(places: readonly Place[], version = 3, more: Partial<Identity> = {}): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = { ...this.me, ...more }
    const response = await this.asker().ask(ADD, version, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: this.#topics(places),
    })
    return this.#added(response.resultsByTopicV3AndBelow)
  }

  /** As brokers ask for one another. */
  async addAsBroker(
    transactions: readonly (Partial<Identity> & { places: readonly Place[] })[],
    verifyOnly: boolean,
    version = 5,
  ): Promise<string> {
    const response = await this.asker().ask(ADD, version, {
      transactions: transactions.map(({ places, ...more }) => ({
        ...this.me,
        ...more,
        verifyOnly,
        topics: this.#topics(places),
      })),
    })
    const results = response.resultsByTransaction.map(
      ({ transactionalId, topicResults }) =>
        `${transactionalId.replace(this.me.transactionalId, 'me')} ${this.#added(topicResults)}`,
    )
    return `${errorName(response.errorCode)} ${results.sort().join('; ')}`
  }

  #topics(places: readonly Place[]) {
    const topics = new Map<string, number[]>()
    for (const { topic = this.topic, partition = 0 } of places)
      topics.set(topic, [...(topics.get(topic) ?? []), partition])
    return [...topics].map(([name, partitions]) => ({ name, partitions }))
  }

  #added(topics: AddPartitionsToTxnResponse['resultsByTopicV3AndBelow']): string {
    const found = topics.flatMap(({ name, resultsByPartition }) =>
      resultsByPartition.map(
        ({ partitionIndex, partitionErrorCode }) =>
          `${this.#topic(name)}-${partitionIndex} ${errorName(partitionErrorCode)}`,
      ),
    )
    return found.sort().join(', ') || 'nothing'
  }

  #topic(name: string): string {
    return name === this.topic ? 't' : name
  }

  async addOffsets(version = 4, more: Partial<Identity> = {}): Promise<string> {
    const request = { ...this.me, ...more, groupId: this.group }
    return errorName((await this.asker().ask(ADD_OFFSETS, version, request)).errorCode)
  }

  async commitOffset(
    committedOffset: number,
    version = 5,
    {
      topic = this.topic,
      partition = 0,
      metadata = '',
      ...more
    }: Place & Partial<Omit<TxnOffsetCommitRequest, 'topics'>> & { metadata?: string } = {},
  ): Promise<string> {
    const partitions = [{ partitionIndex: partition, committedOffset, committedMetadata: metadata }]
    const request = { ...this.me, groupId: this.group, topics: [{ name: topic, partitions }], ...more }
    const { topics } = await this.asker().ask(COMMIT, version, request)
    return topics
      .flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partitionIndex, errorCode }) => `${this.#topic(name)}-${partitionIndex} ${errorName(errorCode)}`,
        ),
      )
      .join(', ')
  }

  /** A member by itself; its assignment it has to give itself. */
  async joinGroup(): Promise<{ memberId: string; generationId: number }> {
    const groupId = this.group
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 }
    return this.asker().ask(JOIN, 3, { groupId, ...timeouts, memberId: '', protocolType: 'consumer', protocols })
  }

  async syncGroup({ memberId, generationId }: { memberId: string; generationId: number }): Promise<void> {
    const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
    await this.asker().ask(SYNC, 2, { groupId: this.group, generationId, memberId, assignments })
  }

  /** What it is told of its next epoch it takes. */
  async endTxn(committed: boolean, version = 5, more: Partial<Identity> = {}): Promise<string> {
    const request = { ...this.me, committed, ...more }
    const { errorCode, producerId, producerEpoch } = await this.asker().ask(END, version, request)
    if (errorCode === 0 && producerId >= 0) this.me = { ...this.me, producerId, producerEpoch }
    return `${errorName(errorCode)} ${this.#id(producerId)}/${producerEpoch}`
  }

  async produce(
    values: readonly (string | null)[],
    version = BY_NAME,
    {
      keys,
      partition = 0,
      isTransactional = true,
      baseSequence = 0,
      ...more
    }: Partial<Identity> & {
      keys?: readonly string[]
      partition?: number
      isTransactional?: boolean
      baseSequence?: number
    } = {},
  ): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = { ...this.me, ...more }
    const records = values.map((value, i) => ({
      key: keys ? Buffer.from(keys[i]!) : null,
      value: value === null ? null : Buffer.from(value),
      timestamp: Date.now(),
    }))
    const bytes = encodeBatch(records, { producerId, producerEpoch, baseSequence, isTransactional })
    const topicData = [{ name: this.topic, partitionData: [{ index: partition, records: bytes }] }]
    const request = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await this.asker().ask(PRODUCE, version, request)
    const { errorCode, baseOffset, logStartOffset } = responses[0]!.partitionResponses[0]!
    return `${errorName(errorCode)} offset=${baseOffset} start=${logStartOffset}`
  }

  /** Two partitions, by as many producers. */
  async produceAs(identities: readonly Partial<Identity>[]): Promise<string> {
    const partitionData = identities.map((more, index) => {
      const { producerId, producerEpoch } = { ...this.me, ...more }
      const header = { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
      return { index, records: encodeBatch([{ value: Buffer.from('x') }], header) }
    })
    const { transactionalId } = this.me
    const topicData = [{ name: this.topic, partitionData }]
    const request = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await this.asker().ask(PRODUCE, BY_NAME, request)
    const found = responses[0]!.partitionResponses.map(({ index, errorCode }) => `${index} ${errorName(errorCode)}`)
    return found.sort().join(', ')
  }

  // --------------------------------------------------------------------------------------------- what others can see

  async markers(
    coordinatorEpoch: number,
    isCommit: boolean,
    {
      version = 2,
      places = [{}],
      transactionVersion = 0,
      ...more
    }: Partial<Identity> & {
      version?: number
      places?: readonly Place[]
      transactionVersion?: number
    } = {},
  ): Promise<string> {
    const { producerId, producerEpoch } = { ...this.me, ...more }
    const topics = this.#topics(places).map(({ name, partitions }) => ({ name, partitionIndexes: partitions }))
    const marker = { producerId, producerEpoch, transactionResult: isCommit, topics, coordinatorEpoch }
    const response = await this.asker().ask(MARKERS, version, { markers: [{ ...marker, transactionVersion }] })
    const found = response.markers.flatMap(({ topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partitionIndex, errorCode }) => `${this.#topic(name)}-${partitionIndex} ${errorName(errorCode)}`,
        ),
      ),
    )
    return found.sort().join(', ') || 'nothing'
  }

  async state(transactionalId = this.me.transactionalId): Promise<string> {
    const { transactionStates } = await this.asker().ask(DESCRIBE, 0, { transactionalIds: [transactionalId] })
    const {
      errorCode,
      transactionState,
      producerId,
      producerEpoch,
      transactionTimeoutMs,
      topics,
      transactionStartTimeMs,
    } = transactionStates[0]!
    if (errorCode !== 0) return errorName(errorCode)
    const places = topics.flatMap(({ topic, partitions }) =>
      partitions.map(partition => `${this.#topic(topic)}-${partition}`),
    )
    const start = transactionStartTimeMs > 0 ? 'now' : transactionStartTimeMs
    const producer = `${this.#id(producerId)}/${producerEpoch} timeout=${transactionTimeoutMs} start=${start}`
    return `${transactionState} ${producer} [${places.sort().join(' ')}]`
  }

  /** Until the markers of whatever was decided are written. */
  async settled(): Promise<string> {
    for (;;) {
      const state = await this.state()
      if (!state.startsWith('Prepare')) return state
      await sleep(20)
    }
  }

  async list(filter: Partial<ListTransactionsRequest>, version = 2): Promise<string> {
    const { errorCode, unknownStateFilters, transactionStates } = await this.asker().ask(LIST, version, filter)
    if (errorCode !== 0) return errorName(errorCode)
    const own = transactionStates
      .filter(({ transactionalId }) => transactionalId.startsWith(this.me.transactionalId))
      .map(
        ({ transactionalId, transactionState }) =>
          `${transactionalId.replace(this.me.transactionalId, 'me')} ${transactionState}`,
      )
    return `${own.sort().join(', ') || 'nothing'} [${unknownStateFilters.join(' ')}]`
  }

  async producers({ topic = this.topic, partition = 0 }: Place = {}): Promise<string> {
    const response = await this.asker().ask(PRODUCERS, 0, { topics: [{ name: topic, partitionIndexes: [partition] }] })
    const { errorCode, errorMessage, activeProducers } = response.topics[0]!.partitions[0]!
    const known = activeProducers.map(producer => {
      const { producerId, producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset, lastTimestamp } =
        producer
      const when = lastTimestamp > 0 ? 'now' : lastTimestamp
      const what = `seq=${lastSequence} coordinator=${coordinatorEpoch} start=${currentTxnStartOffset} last=${when}`
      return `${this.#id(producerId)}/${producerEpoch} ${what}`
    })
    return `${errorName(errorCode)}${errorMessage === null ? '' : ' with words'} [${known.sort().join(', ')}]`
  }

  async read(isolationLevel: 0 | 1, partition = 0): Promise<string> {
    const topics = [{ topic: this.topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }]
    const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel, topics }
    const { responses } = await this.asker().ask(FETCH, BY_NAME, request)
    const { records, lastStableOffset, highWatermark, abortedTransactions } = responses[0]!.partitions[0]!
    const aborted = abortedTransactions?.map(
      ({ producerId, firstOffset }) => `${this.#id(producerId)} from ${firstOffset}`,
    )
    return `${valuesOf(records)} stable=${lastStableOffset} high=${highWatermark} aborted=[${aborted?.join(', ') ?? 'null'}]`
  }

  async committedOffset(requireStable = true): Promise<string> {
    const groups = [{ groupId: this.group, topics: [{ name: this.topic, partitionIndexes: [0] }] }]
    const response = await this.asker().ask(OFFSETS, 9, { groups, requireStable })
    const { errorCode, committedOffset } = response.groups[0]!.topics[0]!.partitions[0]!
    return errorCode ? errorName(errorCode) : String(committedOffset)
  }
}

/** Control records as `[commit]`. */
function valuesOf(records: Uint8Array | null): string {
  const values = [...batches(records ?? new Uint8Array(0), 'skip')].flatMap(batch =>
    decodeRecords(records!, batch).map(({ key, value }) => {
      if (!batch.isControl) return Buffer.from(value ?? []).toString()
      return key![3] === 1 ? '[commit]' : '[abort]'
    }),
  )
  return values.join(' ') || 'nothing'
}
