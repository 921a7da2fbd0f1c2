/**
 * A node on two simulated log dirs (the metadata log lies in the first, or in a third) and a client that makes it use them in every way
 * there is: topics come and go, batches go to logs that flush, roll and expire, a group commits, checkpoints and
 * metadata snapshots are written, the node stops in order. The client keeps a ledger of what was acknowledged, and `check`
 * holds a later life of the node against it.
 */
import assert from 'node:assert/strict'
import { Broker, developerDefaults, loadConfig, resolveBrokerConfig } from '@ottla/broker'
import { type Api, BrokerConnection, RequestTimeoutError } from '@ottla/client'
import type { MemoryWorld } from '@ottla/io'
import {
  batches,
  decodeRecords,
  type ErrorName,
  encodeBatch,
  errorName,
  type Init,
  type Message,
} from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'

export const METADATA_DIR = '/first'
export const DATA_DIR = '/second'
/** Where the metadata log lies with `OWN_METADATA_DIR`. */
export const THIRD_DIR = '/third'
export const OWN_METADATA_DIR = { 'metadata.log.dir': THIRD_DIR }

const PORT = 9092
const GROUP = 'readers'
const ROUNDS = 5
const EARLIEST = -2n
const WITH_NAMES = { produce: 12, fetch: 12, offsetCommit: 9, offsetFetch: 7 }

const SETTINGS = {
  'log.dirs': `${METADATA_DIR},${DATA_DIR}`,
  'offsets.topic.num.partitions': '2',
  'metadata.log.max.record.bytes.between.snapshots': '2000',
  'metadata.max.retention.bytes': '1',
  'log.initial.task.delay.ms': '50',
  'log.flush.offset.checkpoint.interval.ms': '100',
  'log.flush.start.offset.checkpoint.interval.ms': '100',
  'replica.high.watermark.checkpoint.interval.ms': '100',
  'log.retention.check.interval.ms': '100',
  'log.segment.delete.delay.ms': '50',
}

interface Topic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** With as many partitions that each log dir gets some of each. */
const TOPICS: readonly Topic[] = [
  { name: 'plain', partitions: 4, configs: { 'segment.ms': '60' } },
  { name: 'flushed', partitions: 2, configs: { 'flush.messages': '1' } },
  { name: 'short', partitions: 2, configs: { 'segment.ms': '30', 'retention.bytes': '300' } },
]

/** What a client may be told while a log dir, or the metadata log, is out of order. */
const REFUSALS: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'KAFKA_STORAGE_ERROR',
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_CONTROLLER',
])

export function startNode(world: MemoryWorld, settings: Readonly<Record<string, string>> = {}): Promise<Broker> {
  const defaults = developerDefaults({ dataDir: METADATA_DIR, host: world.name, port: PORT })
  const set = Object.entries({ ...SETTINGS, ...settings }).map(([key, value]) => `${key}=${value}`)
  return Broker.start({ world, config: resolveBrokerConfig(loadConfig({ set, defaults }).raw) })
}

/** The node's process has ended: nothing is answered any more, and that is no fault of the client's. */
export class NodeGone extends Error {}

export class Ledger {
  /** By `topic-partition`. */
  readonly acknowledged = new Map<string, Map<number, string>>()
  /** Values, and where they were sent to. */
  readonly sent = new Map<string, string>()
  readonly created = new Set<string>()
  readonly deleted = new Set<string>()
  /** Every refusal, once. */
  readonly refusals = new Set<string>()
  committed = -1
  attempted = -1
  /** Somebody has begun to change it, and nobody was told how that ended. */
  readonly doubtful = new Set<string>()
}

type Answered<Response extends Message> = Awaited<ReturnType<typeof BrokerConnection.prototype.send<Message, Response>>>

export class DiskClient {
  readonly ledger: Ledger
  readonly #world: MemoryWorld
  readonly #host: string
  readonly #isNodeGone: () => boolean
  #connection: BrokerConnection | null = null

  constructor(world: MemoryWorld, host: string, isNodeGone: () => boolean, ledger = new Ledger()) {
    this.ledger = ledger
    this.#world = world
    this.#host = host
    this.#isNodeGone = isNodeGone
  }

  /** Goes on whatever it is told; ends early only when the node's process has. */
  async work(): Promise<void> {
    for (const topic of TOPICS) await this.#create(topic)
    for (let round = 0; round < ROUNDS; round++) {
      await this.#produceAll()
      await this.#commit()
      await this.pause(70)
      if (round === 1) await this.#create({ name: 'passing', partitions: 2, configs: {} })
      if (round === 2) await this.#read('plain', 0, 0)
      if (round === 3) await this.#delete('passing')
    }
    await this.#produceAll()
  }

  /** The same in a later life of the node. */
  async goOn(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await this.#produceAll()
      await this.#commit()
      await this.pause(70)
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#world.clock.setTimer(ms, resolve)
    })
  }

  // ------------------------------------------------------------------------------------------------------- requests

  /** Every request is answered. Only a node that has ended may close the connection. */
  async send<Req extends Message, Res extends Message>(
    request: Req,
    response: Res,
    value: Init<Req>,
    maxVersion = Number.POSITIVE_INFINITY,
  ): Promise<Answered<Res>> {
    try {
      this.#connection ??= await BrokerConnection.connect({
        world: this.#world,
        host: this.#host,
        port: PORT,
        clientId: 'ledger',
      })
      const api: Api<Req, Res> = { request, response }
      return (await this.#connection.send(api, value, { maxVersion })) as Answered<Res>
    } catch (error) {
      if (error instanceof RequestTimeoutError || !this.#isNodeGone()) throw error
      throw new NodeGone(`${request.name}: the node is gone`, { cause: error })
    }
  }

  /** Whether it was done; what it may be refused with is documented, anything else is a bug. */
  #wasDone(what: string, errorCode: number): boolean {
    if (errorCode === 0) return true
    const name = errorName(errorCode)
    assert.ok(REFUSALS.has(name as ErrorName), `${what} was refused with ${name}`)
    this.ledger.refusals.add(`${what}: ${name}`)
    return false
  }

  async #create({ name, partitions: numPartitions, configs }: Topic): Promise<void> {
    this.ledger.doubtful.add(name)
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: entries }
    const { topics } = await this.send(CreateTopicsRequest, CreateTopicsResponse, { topics: [topic] })
    if (this.#wasDone('CreateTopics', topics[0]!.errorCode)) this.ledger.created.add(name)
    this.ledger.doubtful.delete(name)
  }

  async #delete(name: string): Promise<void> {
    this.ledger.doubtful.add(name)
    const request = { topics: [{ name }], timeoutMs: 1000 }
    const { responses } = await this.send(DeleteTopicsRequest, DeleteTopicsResponse, request)
    if (!this.#wasDone('DeleteTopics', responses[0]!.errorCode)) return
    this.ledger.deleted.add(name)
    this.ledger.doubtful.delete(name)
  }

  async #produceAll(): Promise<void> {
    const targets = TOPICS.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ name, partition })),
    )
    await Promise.all(targets.map(({ name, partition }) => this.#produce(name, partition, 1 + (partition % 2))))
  }

  async #produce(topic: string, partition: number, count: number): Promise<void> {
    const place = `${topic}-${partition}`
    const first = this.ledger.sent.size
    const values = Array.from({ length: count }, (_, i) => `${place} record ${first + i}`.padEnd(100, '.'))
    for (const value of values) this.ledger.sent.set(value, place)
    const timestamp = this.#world.clock.now()
    const records = encodeBatch(values.map(value => ({ value: Buffer.from(value), timestamp })))
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    // What one replica holds is all there is: what is acknowledged with 1 is worth as much.
    const request = { acks: partition % 2 === 0 ? -1 : 1, timeoutMs: 5000, topicData }
    const { responses } = await this.send(ProduceRequest, ProduceResponse, request, WITH_NAMES.produce)
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (!this.#wasDone('Produce', errorCode)) return
    const acknowledged = this.ledger.acknowledged.get(place) ?? new Map<number, string>()
    for (const [i, value] of values.entries()) acknowledged.set(baseOffset + i, value)
    this.ledger.acknowledged.set(place, acknowledged)
  }

  async #commit(): Promise<void> {
    if (!(await this.#findCoordinator())) return
    const committedOffset = this.ledger.attempted + 1
    this.ledger.attempted = committedOffset
    const topics = [{ name: 'plain', partitions: [{ partitionIndex: 0, committedOffset }] }]
    const request = { groupId: GROUP, topics }
    for (let tries = 0; tries < 20; tries++) {
      const response = await this.send(OffsetCommitRequest, OffsetCommitResponse, request, WITH_NAMES.offsetCommit)
      const { errorCode } = response.topics[0]!.partitions[0]!
      if (errorName(errorCode) === 'COORDINATOR_LOAD_IN_PROGRESS') await this.pause(5)
      else if (this.#wasDone('OffsetCommit', errorCode)) {
        this.ledger.committed = committedOffset
        return
      } else return
    }
  }

  async #findCoordinator(): Promise<boolean> {
    for (let tries = 0; tries < 20; tries++) {
      const request = { keyType: 0, coordinatorKeys: [GROUP] }
      const { coordinators } = await this.send(FindCoordinatorRequest, FindCoordinatorResponse, request)
      const { errorCode } = coordinators[0]!
      if (errorCode === 0) return true
      // Its topic is made when it is first asked for.
      if (errorName(errorCode) !== 'COORDINATOR_NOT_AVAILABLE') this.#wasDone('FindCoordinator', errorCode)
      await this.pause(5)
    }
    this.ledger.refusals.add('FindCoordinator: COORDINATOR_NOT_AVAILABLE')
    return false
  }

  async #read(topic: string, partition: number, fetchOffset: number) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics: [{ topic, partitions }] }
    const { responses } = await this.send(FetchRequest, FetchResponse, request, WITH_NAMES.fetch)
    const found = responses[0]!.partitions[0]!
    if (errorName(found.errorCode) !== 'OFFSET_OUT_OF_RANGE') this.#wasDone('Fetch', found.errorCode)
    return found
  }

  // ---------------------------------------------------------------------------------------------------------- checks

  /**
   * Of the node's next life, when its disk is well again: all that was acknowledged is there, and nothing that nobody sent.
   * `mayLack`: folders of which a sync has failed, so that the disk may have lost what was in the page cache.
   */
  async check(ledger: Ledger, mayLack: (folder: string) => boolean): Promise<void> {
    const { topics } = await this.send(MetadataRequest, MetadataResponse, { topics: null })
    const names = new Set(topics.map(({ name }) => name))
    for (const name of ledger.created) {
      if (!ledger.deleted.has(name) && !ledger.doubtful.has(name)) assert.ok(names.has(name), `${name} is lost`)
    }
    for (const name of ledger.deleted) assert.ok(!names.has(name), `${name} was deleted, and is back`)
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        assert.equal(errorName(errorCode), 'NONE', `${name}-${partitionIndex}`)
        if (TOPICS.some(topic => topic.name === name))
          await this.#checkPartition(ledger, name!, partitionIndex, mayLack)
      }
    }
    if (ledger.committed >= 0) await this.#checkCommit(ledger, mayLack)
  }

  async #checkPartition(
    ledger: Ledger,
    topic: string,
    partition: number,
    mayLack: (folder: string) => boolean,
  ): Promise<void> {
    const place = `${topic}-${partition}`
    const { logStartOffset, values: found } = await this.#readAll(topic, partition)
    const acknowledged = ledger.acknowledged.get(place) ?? new Map<number, string>()
    const seen = new Set<string>()
    for (const [offset, value] of found) {
      assert.equal(ledger.sent.get(value), place, `${place} holds «${value}» at ${offset}, which nobody sent there`)
      assert.ok(!seen.has(value), `${place} holds «${value}» twice`)
      seen.add(value)
    }
    if (topic !== 'short') assert.equal(logStartOffset, 0, `${place} has lost its begin`)
    for (const [offset, value] of acknowledged) {
      if (offset < logStartOffset || (topic !== 'flushed' && mayLack(place) && !seen.has(value))) continue
      assert.equal(found.get(offset), value, `${place} at ${offset}`)
    }
  }

  async #readAll(topic: string, partition: number) {
    for (;;) {
      const logStartOffset = await this.#earliest(topic, partition)
      const values = await this.#readFrom(topic, partition, logStartOffset)
      if (values) return { logStartOffset, values }
    }
  }

  async #earliest(topic: string, partition: number): Promise<number> {
    const partitions = [{ partitionIndex: partition, timestamp: EARLIEST }]
    const request = { replicaId: -1, topics: [{ name: topic, partitions }] }
    const { topics } = await this.send(ListOffsetsRequest, ListOffsetsResponse, request)
    const { errorCode, offset } = topics[0]!.partitions[0]!
    assert.equal(errorName(errorCode), 'NONE', `${topic}-${partition}`)
    return offset
  }

  /** null: its begin was deleted meanwhile. */
  async #readFrom(topic: string, partition: number, from: number): Promise<Map<number, string> | null> {
    const values = new Map<number, string>()
    for (let next = from; ; ) {
      const { errorCode, records, highWatermark } = await this.#read(topic, partition, next)
      if (topic === 'short' && errorName(errorCode) === 'OFFSET_OUT_OF_RANGE') return null
      assert.equal(errorName(errorCode), 'NONE', `${topic}-${partition} at ${next}`)
      if (next >= highWatermark) return values
      const bytes = records as Uint8Array
      for (const batch of batches(bytes)) {
        for (const { offset, value } of decodeRecords(bytes, batch)) values.set(offset, Buffer.from(value!).toString())
        next = batch.lastOffset + 1
      }
    }
  }

  async #checkCommit(ledger: Ledger, mayLack: (folder: string) => boolean): Promise<void> {
    assert.ok(await this.#findCoordinator(), 'no coordinator is found')
    const topics = [{ name: 'plain', partitionIndexes: [0] }]
    for (;;) {
      const request = { groupId: GROUP, topics }
      const response = await this.send(OffsetFetchRequest, OffsetFetchResponse, request, WITH_NAMES.offsetFetch)
      if (errorName(response.errorCode) === 'COORDINATOR_LOAD_IN_PROGRESS') {
        await this.pause(5)
        continue
      }
      assert.equal(errorName(response.errorCode), 'NONE')
      const { committedOffset } = response.topics[0]!.partitions[0]!
      if (mayLack('__consumer_offsets-0') || mayLack('__consumer_offsets-1')) return
      const range = `${ledger.committed} to ${ledger.attempted}`
      const isRight = committedOffset >= ledger.committed && committedOffset <= ledger.attempted
      assert.ok(isRight, `committed is ${committedOffset}, where ${range} was expected`)
      return
    }
  }
}
