/**
 * Records in internal topics that no coordinator has written: of unknown types and versions, cut off, contradicting what is
 * before them. They are written by the client id that may do so, between two good records; then the broker is restarted,
 * and what its coordinators answer, whether they skip such a record or refuse its partition, has to be Apache Kafka's, which
 * is kept in ../expected/internal-topics.txt. Each case has a partition of the internal topic to itself.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ErrorCode, encodeBatch, encodeCoordinatorKey, encodeCoordinatorValue, type Init } from '@ottla/protocol'
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import {
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from '@ottla/protocol/logrecords/share-group-state'
import { TransactionLogKey, TransactionLogValue } from '@ottla/protocol/logrecords/transaction-state'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '@ottla/protocol/messages/describe-transactions'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import { Probe, runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'

const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const DESCRIBE = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const FETCH = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }
const READ = { request: ReadShareGroupStateRequest, response: ReadShareGroupStateResponse }
const TRANSACTIONS = { request: DescribeTransactionsRequest, response: DescribeTransactionsResponse }

/** Nobody else may write to internal topics. */
const WRITER = '__admin_client'
const PARTITIONS = 50
const TOPIC = 'internal-topics'
const PATIENCE_MS = 30_000
/** Longer than any pause between two coordinators' loading. */
const SETTLED_MS = 3000
const UNKNOWN_TYPE = 99

interface LogRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** Both in the partition of the case. */
interface Ids {
  readonly id: string
  /** Of what is written behind the records of the case. */
  readonly later: string
}

/** One internal topic: what a case there is about, and what tells how it went. */
interface Kind {
  readonly topic: string
  readonly keyType: number
  /** What FindCoordinator asks for, and what the partition hangs on. */
  coordinatorKey(id: string): string
  /** The good records around those of the case. */
  before(id: string): LogRecord
  after(ids: Ids): LogRecord
  tell(probe: Probe, ids: Ids): Promise<void>
  /** Whether the coordinator of the id's partition answers, and with which error. */
  ask(asker: Asker, id: string): Promise<number>
}

// ------------------------------------------------------------------------------------------------- __consumer_offsets

const OFFSET_COMMIT = 1
const GROUP_METADATA = 2
const CONSUMER_GROUP_METADATA = 3
const CONSUMER_MEMBER = 5
const CONSUMER_ASSIGNMENT = 8

function offsetKey(group: string, partition: number): Uint8Array {
  return encodeCoordinatorKey(OFFSET_COMMIT, OffsetCommitKey, { group, topic: TOPIC, partition })
}

function offsetValue(offset: number, version = 3): Uint8Array {
  const commitTimestamp = Date.now()
  return encodeCoordinatorValue(OffsetCommitValue, version, { offset: offset, metadata: '', commitTimestamp })
}

const GROUPS: Kind = {
  topic: '__consumer_offsets',
  keyType: 0,
  coordinatorKey: id => id,
  before: id => ({ key: offsetKey(id, 0), value: offsetValue(5) }),
  after: ({ id }) => ({ key: offsetKey(id, 1), value: offsetValue(6) }),

  async tell(probe, { id }) {
    const group = { groupId: id, memberId: null, memberEpoch: -1, topics: null }
    const fetched = () => probe.asker().ask(FETCH, 9, { groups: [group], requireStable: true })
    await probe.notes.tell('offsets', fetched())
    await probe.notes.tell('describe', probe.asker().ask(DESCRIBE, 6, { groups: [id] }))
    const partitions = [{ partitionIndex: 2, committedOffset: 7 }]
    const commit = { groupId: id, generationIdOrMemberEpoch: -1, topics: [{ name: TOPIC, partitions }] }
    await probe.notes.tell('commit', probe.asker().ask(COMMIT, 9, commit))
    await probe.notes.tell('offsets again', fetched())
  },

  async ask(asker, id) {
    return (await asker.ask(DESCRIBE, 5, { groups: [id] })).groups[0]!.errorCode
  },
}

const OF_GROUPS: Record<string, (id: string) => readonly LogRecord[]> = {
  'a key of a type that nobody knows': id => [{ key: typed(UNKNOWN_TYPE, offsetKey(id, 0)), value: offsetValue(9) }],
  'a key of a negative type': id => [{ key: typed(-1, offsetKey(id, 0)), value: offsetValue(9) }],
  'its tombstone': id => [{ key: typed(UNKNOWN_TYPE, offsetKey(id, 0)), value: null }],
  'a key of one byte': () => [{ key: Buffer.of(0), value: offsetValue(9) }],
  'a key of no bytes': () => [{ key: Buffer.of(), value: offsetValue(9) }],
  'a key that ends too early': id => [{ key: offsetKey(id, 0).subarray(0, -2), value: offsetValue(9) }],
  'a key with bytes behind it': id => [{ key: Buffer.concat([offsetKey(id, 0), Buffer.of(1)]), value: offsetValue(9) }],
  'a value of a version that nobody knows': id => [{ key: offsetKey(id, 0), value: typed(77, offsetValue(9)) }],
  'a value of a negative version': id => [{ key: offsetKey(id, 0), value: typed(-1, offsetValue(9)) }],
  'a value that ends too early': id => [{ key: offsetKey(id, 0), value: offsetValue(9).subarray(0, -3) }],
  'a value of no bytes': id => [{ key: offsetKey(id, 0), value: Buffer.of() }],
  'a value with bytes behind it': id => [
    { key: offsetKey(id, 0), value: Buffer.concat([offsetValue(9), Buffer.alloc(3)]) },
  ],
  'an offset that is negative': id => [{ key: offsetKey(id, 0), value: offsetValue(-7) }],
  'a tombstone of an offset that is not there': id => [{ key: offsetKey(id, 9), value: null }],
  'a tombstone of a group that is not there': id => [{ key: groupKey(id), value: null }],
  'a group that is full of nothing': id => [{ key: groupKey(id), value: groupValue({}) }],
  'a leader who is no member': id => [{ key: groupKey(id), value: groupValue({ leader: 'nobody', generation: 3 }) }],
  'a member whose group is not there': id => [memberOf(id)],
  'an assignment whose member is not there': id => [assignmentOf(id, 'nobody')],
  'the end of a member whose group is not there': id => [{ ...memberOf(id), value: null }],
  'the end of an assignment whose group is not there': id => [{ ...assignmentOf(id, 'nobody'), value: null }],
  'the end of a group that has members': id => [epochOf(id), memberOf(id), { ...epochOf(id), value: null }],
  'a consumer group over a classic one': id => [{ key: groupKey(id), value: groupValue({}) }, epochOf(id)],
  'a classic group over a consumer group': id => [epochOf(id), { key: groupKey(id), value: groupValue({}) }],
}

function groupKey(group: string): Uint8Array {
  return encodeCoordinatorKey(GROUP_METADATA, GroupMetadataKey, { group })
}

function groupValue(more: Init<typeof GroupMetadataValue>): Uint8Array {
  const value = { protocolType: 'consumer', generation: 1, protocol: null, leader: null, members: [], ...more }
  return encodeCoordinatorValue(GroupMetadataValue, 3, value)
}

function epochOf(groupId: string): LogRecord {
  const key = encodeCoordinatorKey(CONSUMER_GROUP_METADATA, ConsumerGroupMetadataKey, { groupId })
  return { key, value: encodeCoordinatorValue(ConsumerGroupMetadataValue, 0, { epoch: 4 }) }
}

function memberOf(groupId: string): LogRecord {
  const key = encodeCoordinatorKey(CONSUMER_MEMBER, ConsumerGroupMemberMetadataKey, { groupId, memberId: 'm' })
  const value = { clientId: 'c', clientHost: 'h', subscribedTopicNames: [TOPIC], rebalanceTimeoutMs: 1000 }
  return { key, value: encodeCoordinatorValue(ConsumerGroupMemberMetadataValue, 0, value) }
}

function assignmentOf(groupId: string, memberId: string): LogRecord {
  const key = encodeCoordinatorKey(CONSUMER_ASSIGNMENT, ConsumerGroupCurrentMemberAssignmentKey, { groupId, memberId })
  const value = { memberEpoch: 4, previousMemberEpoch: 3, state: 0 }
  return { key, value: encodeCoordinatorValue(ConsumerGroupCurrentMemberAssignmentValue, 0, value) }
}

// ------------------------------------------------------------------------------------------------ __transaction_state

function transactionKey(transactionalId: string): Uint8Array {
  return encodeCoordinatorKey(0, TransactionLogKey, { transactionalId })
}

/** Empty, of one producer, whose epoch tells which record came last. */
function transactionValue(producerEpoch: number, more: Init<typeof TransactionLogValue> = {}): Uint8Array {
  const times = { transactionLastUpdateTimestampMs: Date.now(), transactionStartTimestampMs: Date.now() }
  const value = { producerId: 777_000, producerEpoch, transactionTimeoutMs: 60_000, transactionStatus: 0, ...times }
  return encodeCoordinatorValue(TransactionLogValue, 1, { ...value, transactionPartitions: null, ...more })
}

const TRANSACTION_KIND: Kind = {
  topic: '__transaction_state',
  keyType: 1,
  coordinatorKey: id => id,
  before: id => ({ key: transactionKey(id), value: transactionValue(5) }),
  after: ({ later }) => ({ key: transactionKey(later), value: transactionValue(6) }),

  async tell(probe, { id, later }) {
    const request = { transactionalIds: [id, later] }
    await probe.notes.tell('describe', probe.asker().ask(TRANSACTIONS, 0, request))
    const init = { transactionalId: id, transactionTimeoutMs: 60_000 }
    const { errorCode, producerEpoch } = await probe.asker().ask(INIT, 4, init)
    await probe.notes.tell('init', { errorCode, producerEpoch })
  },

  async ask(asker, id) {
    return (await asker.ask(TRANSACTIONS, 0, { transactionalIds: [id] })).transactionStates[0]!.errorCode
  },
}

const OF_TRANSACTIONS: Record<string, (id: string) => readonly LogRecord[]> = {
  'a key of a version that nobody knows': id => [{ key: typed(9, transactionKey(id)), value: transactionValue(9) }],
  'a value of a version that nobody knows': id => [{ key: transactionKey(id), value: typed(9, transactionValue(9)) }],
  'an empty one that has partitions': id => [
    {
      key: transactionKey(id),
      value: transactionValue(9, { transactionPartitions: [{ topic: TOPIC, partitionIds: [0] }] }),
    },
  ],
  'an open one without partitions': id => [
    { key: transactionKey(id), value: transactionValue(9, { transactionStatus: 1, transactionPartitions: [] }) },
  ],
  'a tombstone of what is not there': id => [{ key: transactionKey(`${id}-x`), value: null }],
}

/**
 * Where Apache Kafka stops reading and goes on with what it has: transactions behind the record are forgotten, and nobody
 * ends them. We refuse the partition, as for groups.
 */
const OF_BROKEN_TRANSACTIONS: Record<string, (id: string) => readonly LogRecord[]> = {
  'a key that ends too early': id => [{ key: transactionKey(id).subarray(0, -2), value: transactionValue(9) }],
  'a value that ends too early': id => [{ key: transactionKey(id), value: transactionValue(9).subarray(0, -9) }],
  'a value of no bytes': id => [{ key: transactionKey(id), value: Buffer.of() }],
  'a state that nobody knows': id => [
    { key: transactionKey(id), value: transactionValue(9, { transactionStatus: 44 }) },
  ],
  'a state that is dead': id => [{ key: transactionKey(id), value: transactionValue(9, { transactionStatus: 6 }) }],
}

// ------------------------------------------------------------------------------------------------ __share_group_state

let topicId = ''

function shareKey(type: number, groupId: string, partition: number): Uint8Array {
  const schema = type === 0 ? ShareSnapshotKey : ShareUpdateKey
  return encodeCoordinatorKey(type, schema, { groupId, topicId, partition })
}

function snapshot(startOffset: number, more: Init<typeof ShareSnapshotValue> = {}): Uint8Array {
  const value = { snapshotEpoch: 1, stateEpoch: 1, leaderEpoch: 0, startOffset: startOffset }
  return encodeCoordinatorValue(ShareSnapshotValue, 0, { ...value, ...more })
}

function update(startOffset: number, snapshotEpoch = 1): Uint8Array {
  const value = { snapshotEpoch, leaderEpoch: 0, startOffset: startOffset }
  return encodeCoordinatorValue(ShareUpdateValue, 0, value)
}

const SHARES: Kind = {
  topic: '__share_group_state',
  keyType: 2,
  coordinatorKey: id => `${id}:${topicId}:0`,
  before: id => ({ key: shareKey(0, id, 0), value: snapshot(5) }),
  after: ({ later }) => ({ key: shareKey(0, later, 0), value: snapshot(6) }),

  async tell(probe, { id, later }) {
    probe.notes.name(topicId, 'T')
    const topics = [{ topicId, partitions: [{ partition: 0, leaderEpoch: 0 }] }]
    await probe.notes.tell('read', probe.asker().ask(READ, 0, { groupId: id, topics }))
    await probe.notes.tell('read what is behind it', probe.asker().ask(READ, 0, { groupId: later, topics }))
  },

  async ask(asker, id) {
    const topics = [{ topicId, partitions: [{ partition: 0, leaderEpoch: 0 }] }]
    return (await asker.ask(READ, 0, { groupId: id, topics })).results[0]!.partitions[0]!.errorCode
  },
}

const OF_SHARES: Record<string, (id: string) => readonly LogRecord[]> = {
  'a key of a type that nobody knows': id => [{ key: typed(UNKNOWN_TYPE, shareKey(0, id, 0)), value: snapshot(9) }],
  'a key that ends too early': id => [{ key: shareKey(0, id, 0).subarray(0, -2), value: snapshot(9) }],
  'a value of a version that nobody knows': id => [{ key: shareKey(0, id, 0), value: typed(9, snapshot(9)) }],
  'a value that ends too early': id => [{ key: shareKey(0, id, 0), value: snapshot(9).subarray(0, -9) }],
  'an update': id => [{ key: shareKey(1, id, 0), value: update(9) }],
  'an update without a snapshot': id => [{ key: shareKey(1, `${id}-x`, 0), value: update(9) }],
  'an update of an older snapshot': id => [{ key: shareKey(1, id, 0), value: update(9, 0) }],
  'an update of a later snapshot': id => [{ key: shareKey(1, id, 0), value: update(9, 7) }],
  'the tombstone of an update': id => [{ key: shareKey(1, id, 0), value: null }],
  'a batch in a state that nobody knows': id => [
    {
      key: shareKey(0, id, 0),
      value: snapshot(9, { stateBatches: [{ firstOffset: 9, lastOffset: 12, deliveryState: 7, deliveryCount: 1 }] }),
    },
  ],
}

// ----------------------------------------------------------------------------------------------------------- the run

/** As if the bytes were of another type or version. */
function typed(type: number, bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes)
  changed.writeInt16BE(type)
  return changed
}

interface Case extends Ids {
  /** Here the answers are known to differ. */
  readonly isRefusedByUs: boolean
  readonly name: string
  readonly kind: Kind
  readonly partition: number
  readonly records: readonly LogRecord[]
}

/** Each in a partition that no case before it has. */
function plan(): Case[] {
  const kinds: readonly [Kind, Record<string, (id: string) => readonly LogRecord[]>][] = [
    [GROUPS, OF_GROUPS],
    [TRANSACTION_KIND, { ...OF_TRANSACTIONS, ...OF_BROKEN_TRANSACTIONS }],
    [SHARES, OF_SHARES],
  ]
  return kinds.flatMap(([kind, cases]) =>
    Object.entries(cases).map(([name, records], partition) => {
      const id = idIn(kind, partition, 'case')
      const later = idIn(kind, partition, 'later')
      const isRefusedByUs = kind === TRANSACTION_KIND && name in OF_BROKEN_TRANSACTIONS
      return { name: `${kind.topic}: ${name}`, kind, id, later, partition, records: records(id), isRefusedByUs }
    }),
  )
}

function idIn(kind: Kind, partition: number, prefix: string): string {
  for (let i = 0; ; i++) {
    const id = `${prefix}-${i}`
    if (Math.abs(hashCode(kind.coordinatorKey(id))) % PARTITIONS === partition) return id
  }
}

/** Java's, of a string. */
function hashCode(text: string): number {
  return [...text].reduce((hash, character) => (Math.imul(hash, 31) + character.charCodeAt(0)) | 0, 0)
}

export async function internalTopics(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'internal-topics')
  const settings = {
    'offsets.topic.num.partitions': PARTITIONS,
    'transaction.state.log.num.partitions': PARTITIONS,
    'share.coordinator.state.topic.num.partitions': PARTITIONS,
  }
  const first = await brokers.start(kind, { folder, settings })
  await createTopic(first.bootstrap)
  const cases = plan()
  for (const planned of cases) {
    const { kind, id, partition, records } = planned
    await untilCoordinated(first.bootstrap, kind, id)
    await write(first.bootstrap, kind.topic, partition, [kind.before(id), ...records, kind.after(planned)])
  }
  await first.stop()
  const second = await brokers.start(kind, { folder, settings })
  await untilSettled(second.bootstrap, cases)
  const bodies = cases.map(({ name, kind: topicKind, id, later, isRefusedByUs }) => {
    const body = async (probe: Probe) => {
      probe.notes.name(id, 'ID')
      probe.notes.name(later, 'LATER')
      if (!isRefusedByUs) await topicKind.tell(probe, { id, later })
      else if (kind === 'ottla') assert.equal(await topicKind.ask(probe.asker(), later), ErrorCode.NOT_COORDINATOR)
      else assert.equal(await topicKind.ask(probe.asker(), later), ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    }
    return [name, body] as const
  })
  await runCases('internal-topics', context, second, Object.fromEntries(bodies), () => new Probe(second.bootstrap))
}

async function createTopic(bootstrap: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const topics = [{ name: TOPIC, numPartitions: 3, replicationFactor: 1 }]
  topicId = (await asker.ask(CREATE, 7, { topics, timeoutMs: 10_000 })).topics[0]!.topicId
  asker.end()
}

/** Until the internal topic is there. */
async function untilCoordinated(bootstrap: string, kind: Kind, id: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const request = { coordinatorKeys: [kind.coordinatorKey(id)], keyType: kind.keyType }
  const isThere = async () => (await asker.ask(FIND, 6, request)).coordinators[0]!.errorCode === 0 || undefined
  await poll(kind.topic, isThere, PATIENCE_MS, 50)
  asker.end()
}

async function write(bootstrap: string, name: string, index: number, records: readonly LogRecord[]): Promise<void> {
  const asker = new Asker(WRITER, bootstrap)
  const topicData = [{ name, partitionData: [{ index, records: encodeBatch(records) }] }]
  const isWritten = async () => {
    const { responses } = await asker.ask(PRODUCE, 9, { acks: -1, timeoutMs: 10_000, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode === 0 || undefined
  }
  await poll(`${name}-${index}`, isWritten, PATIENCE_MS, 50)
  asker.end()
}

/** A partition that has not begun to load answers as one that can't: until none has changed its answer for a while. */
async function untilSettled(bootstrap: string, cases: readonly Case[]): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  let before = ''
  let sinceMs = 0
  const isSettled = async () => {
    const errors: number[] = []
    for (const { kind, id } of cases) errors.push(await kind.ask(asker, id))
    const now = errors.join(' ')
    if (now !== before || errors.includes(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)) sinceMs = performance.now()
    before = now
    return performance.now() - sinceMs > SETTLED_MS || undefined
  }
  await poll('coordinators', isSettled, PATIENCE_MS, 100)
  asker.end()
}
