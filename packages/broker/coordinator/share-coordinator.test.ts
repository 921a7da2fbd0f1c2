/** What the facade makes of requests and of failures; what the states do is tested in share/. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import { ApiError } from '../errors.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'
import { request, ShareCluster, TOPIC_ID } from './testing/share-cluster.ts'

const codes = (response: { results: { partitions: { errorCode: number }[] }[] }) =>
  response.results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))

test('a share partition belongs to the partition that every Kafka broker reckons', async () => {
  const cluster = await ShareCluster.start(Array.from({ length: 50 }, () => new MemoryCoordinatorLog()))
  // Reckoned with java.lang.String.hashCode.
  assert.equal(cluster.shares.partitionFor('g:AAAAAAAAAAAAAAAAAAAAAQ:0'), 23)
  assert.equal(cluster.shares.partitionFor('polygenelubricants'), 0)
})

test('a request that names no group or no partition is answered with nothing', async () => {
  const { shares } = await ShareCluster.start()
  const partition = { partition: 0, leaderEpoch: 0 }
  const nothing = { results: [] }
  assert.deepEqual(await shares.readShareGroupState({ ...request(partition), groupId: '' }), nothing)
  const topics = [...request(partition).topics, { topicId: TOPIC_ID, partitions: [] }]
  assert.deepEqual(await shares.readShareGroupState({ groupId: 'g', topics }), nothing)
  assert.deepEqual(await shares.deleteShareGroupState({ groupId: 'g', topics }), nothing)
  assert.deepEqual(await shares.readShareGroupState({ groupId: 'g', topics: [] }), nothing)
})

test('a topic of which no partition is to be initialized is left out, and the others are not', async () => {
  const cluster = await ShareCluster.start()
  const topics = [
    { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitions: [] },
    ...request({ partition: 0, stateEpoch: 1, startOffset: 0 }).topics,
  ]
  const { results } = await cluster.until(cluster.shares.initializeShareGroupState({ groupId: 'g', topics }))
  assert.deepEqual(
    results.map(({ topicId, partitions }) => [topicId, partitions.length]),
    [[TOPIC_ID, 1]],
  )
})

test('a partition that is written twice has what came last, and is told once', async () => {
  const cluster = await ShareCluster.start()
  await cluster.until(cluster.initialize())
  const written = { stateEpoch: -1, leaderEpoch: -1, deliveryCompleteCount: 0, stateBatches: [], partition: 0 }
  const { topics } = request({ ...written, startOffset: 3 }, { ...written, startOffset: 5, stateEpoch: 0 })
  const { results } = await cluster.until(cluster.shares.writeShareGroupState({ groupId: 'g', topics }))
  assert.deepEqual(codes({ results }), [ErrorCode.FENCED_STATE_EPOCH])
  assert.equal(await cluster.startOffset(), 3)
})

test('each partition of a request gets its own answer, with all that the api has', async () => {
  const cluster = await ShareCluster.start()
  const { shares } = cluster
  const many = [0, 1, 3].map(partition => ({ partition, stateEpoch: 1, startOffset: 5 }))
  const { NONE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST } = ErrorCode
  assert.deepEqual(codes(await cluster.until(shares.initializeShareGroupState(request(...many)))), [
    NONE,
    NONE,
    UNKNOWN_TOPIC_OR_PARTITION,
  ])
  const read = await cluster.until(shares.readShareGroupState(request({ partition: 1, leaderEpoch: 2 })))
  const partition = { partition: 1, errorCode: NONE, errorMessage: null }
  const partitions = [{ ...partition, stateEpoch: 1, startOffset: 5, stateBatches: [] }]
  assert.deepEqual(read, { results: [{ topicId: TOPIC_ID, partitions }] })
  const summary = await cluster.until(shares.readShareGroupStateSummary(request({ partition: 1, leaderEpoch: -1 })))
  assert.deepEqual(summary.results[0]!.partitions, [
    { ...partition, stateEpoch: 1, leaderEpoch: 2, startOffset: 5, deliveryCompleteCount: 0 },
  ])
  assert.deepEqual(codes(await cluster.until(cluster.write(6, 2))), [INVALID_REQUEST])
  assert.deepEqual(codes(await cluster.until(shares.deleteShareGroupState(request({ partition: 0 })))), [NONE])
  assert.equal(await cluster.startOffset(0), -INVALID_REQUEST)
})

test('when an append fails who waits is told, and the state is what the log has', async () => {
  const log = new MemoryCoordinatorLog()
  const cluster = await ShareCluster.start([log])
  await cluster.until(cluster.initialize())
  log.nextAppendError = new ApiError('NOT_ENOUGH_REPLICAS', 'for the test')
  const response = await cluster.until(cluster.write(7))
  assert.deepEqual(codes(response), [ErrorCode.COORDINATOR_NOT_AVAILABLE])
  assert.equal(response.results[0]!.partitions[0]!.errorMessage, 'Unable to write share group state: for the test')
  assert.equal(await cluster.startOffset(), -ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  await cluster.world.advance(200)
  assert.equal(await cluster.startOffset(), 0)
  cluster.shares.onResignation(0, 1)
  assert.equal(await cluster.startOffset(), -ErrorCode.NOT_COORDINATOR)
})

test('records that newer ones replace are deleted', async () => {
  const log = new MemoryCoordinatorLog()
  const cluster = await ShareCluster.start([log], ['share.coordinator.snapshot.update.records.per.snapshot=2'])
  const prune = () => cluster.world.advance(300_001)
  await cluster.until(cluster.initialize())
  await prune()
  assert.deepEqual(cluster.deleted, new Map())
  for (const offset of [1, 2, 3, 4]) await cluster.until(cluster.write(offset))
  await prune()
  // Offsets: 0 initialized, 1 and 2 updates, 3 a snapshot, 4 an update; 5 the snapshot of what has become cold.
  assert.ok(cluster.deleted.get(0)! >= 3)
  cluster.deleted.clear()
  await prune()
  await prune()
  assert.ok(cluster.deleted.size <= 1, 'nothing is deleted twice')
  cluster.shares.close()
})
