/** The runtime, with the group coordinator on it: what is batched, what waits, and what happens when the log fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchBuilder,
  decodeRecords,
  ErrorCode,
  encodeBatch,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  verifyBatch,
} from '@ottla/protocol'
import { OffsetCommitKey, OffsetCommitValue } from '@ottla/protocol/logrecords/consumer-offsets'
import { ApiError } from '../errors.ts'
import { codeName, GroupCluster, TOPIC_ID } from './testing/group-cluster.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'

const commitCode = (response: Awaited<ReturnType<GroupCluster['commit']>>) =>
  codeName(response.topics![0]!.partitions![0]!.errorCode)

test('records of one turn are one batch, and answers come when it is committed', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const commits = ['a', 'b', 'c'].map((groupId, i) => cluster.commit(i, { groupId }))
  const answered: unknown[] = []
  for (const commit of commits) commit.then(response => answered.push(commitCode(response)))
  await cluster.world.advance(1)
  assert.equal(log!.batches.length, 1)
  assert.equal(decodeRecords(log!.batches[0]!.bytes, verifyBatch(log!.batches[0]!.bytes)).length, 3)
  assert.deepEqual(answered, [])
  log!.commit()
  await cluster.until(Promise.all(commits))
  assert.deepEqual(answered, ['NONE', 'NONE', 'NONE'])
})

test("batches are as Kafka's coordinators write them", async () => {
  const cluster = await GroupCluster.start({ set: ['offsets.topic.compression.codec=1'] })
  await cluster.until(cluster.commit(7))
  const { bytes } = cluster.logs[0]!.batches[0]!
  const batch = verifyBatch(bytes)
  const { magic, codec, producerId, producerEpoch, baseSequence, isTransactional, timestampType } = batch
  assert.deepEqual(
    { magic, codec, producerId, producerEpoch, baseSequence, isTransactional, timestampType },
    {
      magic: 2,
      codec: 'gzip',
      producerId: -1,
      producerEpoch: -1,
      baseSequence: 0,
      isTransactional: false,
      timestampType: 'CreateTime',
    },
  )
  const [record] = decodeRecords(bytes, batch)
  assert.equal(record!.timestamp, cluster.world.clock.now())
})

test('what is read waits for what was written before it', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const commit = cluster.commit(5)
  const fetch = cluster.fetch()
  let isFetched = false
  void fetch.then(() => {
    isFetched = true
  })
  await cluster.world.advance(100)
  assert.equal(isFetched, false)
  log!.commit()
  await cluster.until(commit)
  assert.equal(await cluster.until(fetch), 5)
  log!.commitsAtOnce = true
  assert.equal(await cluster.until(cluster.fetch()), 5)
})

test('an answer waits so long for its records, and what they say stays', async () => {
  const cluster = await GroupCluster.start({ set: ['offsets.commit.timeout.ms=3000'] })
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const commit = cluster.commit(5)
  await cluster.world.advance(1000)
  const fetch = cluster.fetch()
  await cluster.world.advance(2000)
  assert.equal(commitCode(await cluster.until(commit)), 'COORDINATOR_NOT_AVAILABLE')
  await cluster.world.advance(1000)
  assert.equal(await cluster.until(fetch), 'NOT_COORDINATOR')
  log!.commit()
  assert.equal(await cluster.until(cluster.fetch()), 5)
  assert.equal(log!.batches.length, 1)
})

test('when an append fails all who wait are told, and the state is what the log has', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.commit(1))
  const memberId = await cluster.settle('other')
  const parked = cluster.join({ groupId: 'parked', memberId: '', groupInstanceId: 'i' })
  await cluster.world.advance(50)
  log!.nextAppendError = new ApiError('MESSAGE_TOO_LARGE', 'too large for the test')
  const commits = [cluster.commit(2), cluster.commit(3, { groupId: 'new' })]
  for (const commit of commits) assert.equal(commitCode(await cluster.until(commit)), 'UNKNOWN_SERVER_ERROR')
  // Group 'parked' was alone in an initial rebalance without delay, so it has been answered; a heartbeat is not refused.
  assert.equal((await cluster.until(parked)).errorCode, ErrorCode.NONE)
  assert.equal(commitCode(await cluster.until(cluster.commit(4))), 'COORDINATOR_LOAD_IN_PROGRESS')
  const beat = { groupId: 'other', memberId, generationId: 1, groupInstanceId: null }
  assert.equal((await cluster.groups.heartbeat(beat, cluster.call(4))).errorCode, ErrorCode.NONE)
  await cluster.world.advance(200)
  assert.equal(await cluster.until(cluster.fetch()), 1)
  assert.equal(await cluster.until(cluster.fetch('new')), -1)
  assert.equal((await cluster.until(cluster.groups.heartbeat(beat, cluster.call(4)))).errorCode, ErrorCode.NONE)
  const { generationId } = await cluster.until(cluster.join({ groupId: 'parked', groupInstanceId: 'i' }))
  assert.equal(generationId, 1, 'the generation that was never assigned is gone')
})

test('who waits for others to join is told to look for the coordinator when the state is lost', async () => {
  const cluster = await GroupCluster.start({ set: ['group.initial.rebalance.delay.ms=3000'] })
  const join = cluster.join({ groupInstanceId: 'i' })
  await cluster.world.advance(10)
  cluster.logs[0]!.nextAppendError = new Error('a bug')
  assert.equal(commitCode(await cluster.until(cluster.commit(1, { groupId: 'x' }))), 'UNKNOWN_SERVER_ERROR')
  assert.equal(codeName((await join).errorCode), 'NOT_COORDINATOR')
})

test('a node that has lost its leadership coordinates nothing until it is elected again', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.commit(1))
  log!.nextAppendError = new ApiError('NOT_LEADER_OR_FOLLOWER', 'for the test')
  assert.equal(commitCode(await cluster.until(cluster.commit(2))), 'NOT_COORDINATOR')
  await cluster.world.advance(10_000)
  assert.equal(await cluster.until(cluster.fetch()), 'NOT_COORDINATOR')
  await cluster.until(cluster.groups.onElection(0, 0))
  assert.equal(await cluster.until(cluster.fetch()), 'NOT_COORDINATOR', 'the same epoch is no news')
  await cluster.until(cluster.groups.onElection(0, 1))
  assert.equal(await cluster.until(cluster.fetch()), 1)
})

test('what is appended may turn out not to be committed', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const commit = cluster.commit(1)
  await cluster.world.advance(1)
  log!.fail(new ApiError('KAFKA_STORAGE_ERROR', 'the disk has failed'))
  assert.equal(commitCode(await cluster.until(commit)), 'NOT_COORDINATOR')
  assert.equal(await cluster.until(cluster.fetch()), 'NOT_COORDINATOR')
})

test('a log that somebody else writes to is read again', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.commit(1))
  log!.append(encodeBatch([offsetRecord('foreign', 9)]))
  assert.equal(commitCode(await cluster.until(cluster.commit(2))), 'NOT_COORDINATOR')
  await cluster.world.advance(200)
  assert.equal(await cluster.until(cluster.fetch()), 2, 'it was written, after all')
  assert.equal(await cluster.until(cluster.fetch('foreign')), 9)
  assert.equal(commitCode(await cluster.until(cluster.commit(3))), 'NONE')
})

test('many records that need not stay together are spread over batches, those of a commit are not', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  log!.maxBatchBytes = 500
  for (let i = 0; i < 20; i++) await cluster.until(cluster.commit(i, { groupId: `group-${i}` }))
  const before = log!.batches.length
  cluster.groups.onTopicsDeleted([{ name: 't', id: TOPIC_ID }])
  await cluster.world.advance(1)
  const tombstones = log!.batches.slice(before)
  assert.ok(tombstones.length > 1)
  assert.ok(tombstones.every(({ bytes }) => bytes.length <= 500))
  assert.equal(await cluster.until(cluster.fetch('group-3')), -1)
  const partitions = Array.from({ length: 9 }, () => ({ partitionIndex: 0, committedOffset: 1 }))
  const large = await cluster.until(cluster.commit(0, { topics: [{ name: 't', topicId: TOPIC_ID, partitions }] }))
  assert.equal(commitCode(large), 'UNKNOWN_SERVER_ERROR')
  assert.equal(await cluster.until(cluster.fetch('g')), -1, 'refused before the state had changed')
})

// ----------------------------------------------------------------------------------------------------- transactions

test('what a transaction commits is a batch of its own, between what came before and after it', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  const inTransaction = cluster.commitInTransaction(2, 7, { groupId: 'b' })
  await cluster.until(Promise.all([cluster.commit(1, { groupId: 'a' }), inTransaction]))
  const commit = cluster.commit(3, { groupId: 'c' })
  const ended = cluster.endTransaction(7, true)
  await cluster.until(Promise.all([commit, ended, cluster.commit(4, { groupId: 'd' })]))
  const headers = log!.batches.map(({ bytes }) => verifyBatch(bytes))
  assert.deepEqual(
    headers.map(({ producerId, isTransactional, isControl, count }) => [producerId, isTransactional, isControl, count]),
    [
      [-1, false, false, 1],
      [7, true, false, 1],
      [-1, false, false, 1],
      [7, true, true, 1],
      [-1, false, false, 1],
    ],
  )
  const offsets = await cluster.until(Promise.all(['a', 'b', 'c', 'd'].map(groupId => cluster.fetch(groupId, true))))
  assert.deepEqual(offsets, [1, 2, 3, 4])
})

test('offsets of a transaction wait for its end, and those written later count', async () => {
  const cluster = await GroupCluster.start()
  await cluster.until(cluster.commit(1))
  await cluster.until(cluster.commitInTransaction(2, 7))
  assert.equal(await cluster.until(cluster.fetch('g', true)), 'UNSTABLE_OFFSET_COMMIT')
  assert.equal(await cluster.until(cluster.fetch()), 1)
  await cluster.until(cluster.commit(3))
  await cluster.until(cluster.endTransaction(7, true))
  assert.equal(await cluster.until(cluster.fetch('g', true)), 3)
  await cluster.until(cluster.commitInTransaction(4, 8))
  await cluster.until(cluster.endTransaction(8, true))
  assert.equal(await cluster.until(cluster.fetch('g', true)), 4)
})

test('a producer that the log refuses changes nothing, and costs nobody anything', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.commit(1))
  log!.lowestEpoch = 5
  assert.equal(commitCode(await cluster.until(cluster.commitInTransaction(2, 7))), 'INVALID_PRODUCER_EPOCH')
  await assert.rejects(cluster.until(cluster.endTransaction(7, true)), { code: 'INVALID_PRODUCER_EPOCH' })
  assert.equal(await cluster.until(cluster.fetch('g', true)), 1)
  assert.equal(log!.batches.length, 1)
  assert.equal(commitCode(await cluster.until(cluster.commitInTransaction(2, 7, { producerEpoch: 5 }))), 'NONE')
  await cluster.until(cluster.endTransaction(7, true, 5))
  assert.equal(await cluster.until(cluster.fetch('g', true)), 2)
  cluster.groups.onResignation(0, null)
  await assert.rejects(cluster.endTransaction(7, true, 5), { code: 'NOT_COORDINATOR' })
})

test('a marker is acknowledged when it is committed', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.commitInTransaction(2, 7))
  log!.commitsAtOnce = false
  let isDone = false
  const ended = cluster.endTransaction(7, true).then(() => {
    isDone = true
  })
  await cluster.world.advance(100)
  assert.equal(isDone, false)
  log!.commit()
  await cluster.until(ended)
  assert.equal(await cluster.until(cluster.fetch('g', true)), 2)
})

// ---------------------------------------------------------------------------------------------------------- loading

function offsetRecord(group: string, offset: number, topic = 't') {
  const value = { offset, leaderEpoch: -1, metadata: '', commitTimestamp: 1 }
  return {
    key: encodeCoordinatorKey(1, OffsetCommitKey, { group, topic, partition: 0 }),
    value: encodeCoordinatorValue(OffsetCommitValue, 4, value),
  }
}

function marker(type: 0 | 1) {
  return { key: Uint8Array.of(0, 0, 0, type), value: Uint8Array.of(0, 0, 0, 0, 0, 0) }
}

test('while it loads a partition says so, and afterwards it knows what the log does', async () => {
  const log = new MemoryCoordinatorLog()
  log.append(encodeBatch([offsetRecord('a', 1), offsetRecord('b', 2)]))
  const inTransaction = { producerId: 7, producerEpoch: 0, isTransactional: true }
  log.append(encodeBatch([offsetRecord('a', 10)], inTransaction))
  log.append(encodeBatch([offsetRecord('b', 20)], { ...inTransaction, producerId: 8 }))
  log.append(encodeBatch([marker(1)], { ...inTransaction, isControl: true }))
  log.append(encodeBatch([marker(0)], { ...inTransaction, producerId: 8, isControl: true }))
  const cluster = GroupCluster.create({ logs: [log] })
  assert.equal(await cluster.fetch('a'), 'NOT_COORDINATOR')
  const loaded = cluster.groups.onElection(0, 4)
  const listed = cluster.groups.listGroups({ statesFilter: [], typesFilter: [] })
  assert.equal(await cluster.fetch('a'), 'COORDINATOR_LOAD_IN_PROGRESS')
  assert.equal(codeName((await listed).errorCode), 'COORDINATOR_LOAD_IN_PROGRESS')
  await cluster.until(loaded)
  assert.equal(await cluster.until(cluster.fetch('a')), 10)
  assert.equal(await cluster.until(cluster.fetch('b')), 2)
})

test('records of kinds that are not served are left alone, and named once', async () => {
  const log = new MemoryCoordinatorLog()
  const foreign = {
    key: Uint8Array.of(0, 9, 0, 1, 99),
    value: Uint8Array.of(0, 0, 9),
  }
  const later = { key: Uint8Array.of(0x7f, 0), value: null }
  log.append(encodeBatch([foreign, offsetRecord('a', 1), later, foreign, { ...foreign, value: null }]))
  const cluster = await GroupCluster.start({ logs: [log] })
  assert.equal(await cluster.until(cluster.fetch('a')), 1)
  const warned = cluster.world.log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.unknown)
  assert.deepEqual(warned, ['type 9', 'type 32512'])
})

test('a log that can not be read leaves the partition without a coordinator', async () => {
  const log = new MemoryCoordinatorLog()
  log.append(encodeBatch([{ key: Uint8Array.of(0, 1, 0), value: null }]))
  const cluster = await GroupCluster.start({ logs: [log] })
  assert.equal(await cluster.fetch(), 'NOT_COORDINATOR')
  const [line] = cluster.world.log.lines.filter(({ level }) => level === 'error')
  assert.match(line!.message, /could not be loaded/)
})

test('a partition that goes while it is loaded stays away', async () => {
  const log = new MemoryCoordinatorLog()
  const builder = new BatchBuilder()
  for (let i = 0; i < 5000; i++) builder.append(offsetRecord(`group-${i}`, i))
  log.append(builder.build())
  log.append(encodeBatch([offsetRecord('a', 1)]))
  const cluster = GroupCluster.create({ logs: [log] })
  const loaded = cluster.groups.onElection(0, 1)
  cluster.groups.onResignation(0, 2)
  await cluster.until(loaded)
  assert.equal(await cluster.fetch('a'), 'NOT_COORDINATOR')
  cluster.groups.onResignation(0, 3)
  await cluster.until(cluster.groups.onElection(0, 4))
  cluster.groups.onResignation(0, 3)
  assert.equal(await cluster.until(cluster.fetch('a')), 1, 'an older epoch takes nothing away')
})

test('whoever waits when the node stops is told', async () => {
  const cluster = await GroupCluster.start({ set: ['group.initial.rebalance.delay.ms=3000'] })
  const join = cluster.join({ groupInstanceId: 'i' })
  cluster.logs[0]!.commitsAtOnce = false
  const commit = cluster.commit(1, { groupId: 'x' })
  await cluster.world.advance(1)
  cluster.groups.close()
  assert.equal(codeName((await join).errorCode), 'NOT_COORDINATOR')
  assert.equal(commitCode(await commit), 'NOT_COORDINATOR')
  assert.equal(await cluster.fetch(), 'NOT_COORDINATOR')
  await cluster.world.advance(600_000)
  assert.equal(cluster.world.time!.pending, 0, 'no timer is left')
})

test('members that are not heard of are removed in time', async () => {
  const cluster = await GroupCluster.start()
  const memberId = await cluster.settle('g')
  const beat = { groupId: 'g', memberId, generationId: 1, groupInstanceId: null }
  for (let i = 0; i < 5; i++) {
    await cluster.world.advance(9000)
    assert.equal((await cluster.until(cluster.groups.heartbeat(beat, cluster.call(4)))).errorCode, ErrorCode.NONE)
  }
  await cluster.world.advance(10_000)
  const { errorCode } = await cluster.until(cluster.groups.heartbeat(beat, cluster.call(4)))
  assert.equal(codeName(errorCode), 'UNKNOWN_MEMBER_ID')
})
