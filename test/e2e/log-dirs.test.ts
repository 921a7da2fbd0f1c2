/** Replicas that move between log dirs, and dirs that take no more of them, as administration sees it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorName } from '@ottla/protocol'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { type InProcess, inProcess } from './in-process.ts'

const alterApi = { request: AlterReplicaLogDirsRequest, response: AlterReplicaLogDirsResponse }
const describeApi = { request: DescribeLogDirsRequest, response: DescribeLogDirsResponse }
const createTopicsApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const configsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const coordinatorApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const commitApi = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const offsetsApi = { request: OffsetFetchRequest, response: OffsetFetchResponse }

const BROKER = 4
const SET = 0

function open(topics: readonly string[]): Promise<InProcess> {
  return inProcess({ topics: [...topics], config: { 'log.dirs': '/a,/b', 'offsets.topic.num.partitions': 1 } })
}

async function placesOf({ send }: InProcess): Promise<ReadonlyMap<string, readonly string[]>> {
  const { results } = await send(describeApi, { topics: null })
  return new Map(
    results.map(({ logDir, topics }) => [
      logDir,
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, isFutureKey }) => `${name}-${partitionIndex}${isFutureKey ? '*' : ''}`),
      ),
    ]),
  )
}

async function dirOf(cluster: InProcess, partition: string): Promise<string> {
  return [...(await placesOf(cluster))].find(([, partitions]) => partitions.includes(partition))![0]
}

async function move({ send }: InProcess, path: string, name: string, partition = 0): Promise<string> {
  const { results } = await send(alterApi, { dirs: [{ path, topics: [{ name, partitions: [partition] }] }] })
  assert.deepEqual(
    results.map(({ topicName, partitions }) => [topicName, partitions.map(({ partitionIndex }) => partitionIndex)]),
    [[name, [partition]]],
  )
  return errorName(results[0]!.partitions[0]!.errorCode)
}

async function untilIn(cluster: InProcess, dir: string, partition: string): Promise<void> {
  for (let tries = 0; (await dirOf(cluster, partition)) !== dir; tries++) {
    assert.ok(tries < 1000, `${partition} has not come to ${dir}`)
    await new Promise<void>(resolve => void cluster.cluster.world.clock.setTimer(5, resolve))
  }
}

async function cordon({ send }: InProcess, value: string): Promise<void> {
  const configs = [{ name: 'cordoned.log.dirs', configOperation: SET, value }]
  const { responses } = await send(configsApi, { resources: [{ resourceType: BROKER, resourceName: '1', configs }] })
  assert.equal(responses[0]!.errorCode, 0)
}

test('a replica moves, with the groups that it coordinates', async () => {
  await using cluster = await open(['t'])
  const group = { groupId: 'g', memberId: '', generationIdOrMemberEpoch: -1 }
  await cluster.send(coordinatorApi, { coordinatorKeys: ['g'], keyType: 0 })
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: '' }]
  const committed = await cluster.send(commitApi, { ...group, topics: [{ name: 't', partitions }] }, 9)
  assert.equal(committed.topics[0]!.partitions[0]!.errorCode, 0)
  for (const partition of ['t-0', '__consumer_offsets-0']) {
    const to = (await dirOf(cluster, partition)) === '/a' ? '/b' : '/a'
    assert.equal(await move(cluster, to, partition.slice(0, -2)), 'NONE')
    await untilIn(cluster, to, partition)
  }
  const { groups } = await cluster.send(offsetsApi, { groups: [{ groupId: 'g', topics: null }] }, 9)
  assert.equal(groups[0]!.errorCode, 0)
  assert.equal(groups[0]!.topics[0]!.partitions[0]!.committedOffset, 7)
})

test('what can not be moved, or not there', async () => {
  const [longest, tooLong] = ['x'.repeat(213), 'x'.repeat(214)]
  await using cluster = await open(['t', longest, tooLong])
  for (const dir of ['/a', '/b', '/c']) assert.equal(await move(cluster, dir, tooLong), 'INVALID_TOPIC_EXCEPTION')
  for (const dir of ['/a', '/b']) assert.equal(await move(cluster, dir, longest), 'NONE')
  assert.equal(await move(cluster, '/c', 't'), 'LOG_DIR_NOT_FOUND')
  assert.equal(await move(cluster, '/a', 'nobody'), 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal(await move(cluster, '/a', 't', 9), 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal(await move(cluster, await dirOf(cluster, 't-0'), 't'), 'NONE')
  await cordon(cluster, '/a')
  assert.equal(await move(cluster, '/a', 't'), 'INVALID_REPLICA_ASSIGNMENT')
})

test('a cordoned dir takes no new replicas; when all are, the broker takes none', async () => {
  await using cluster = await open([])
  const create = async (name: string) => {
    const topics = [{ name, numPartitions: 4, replicationFactor: 1 }]
    return (await cluster.send(createTopicsApi, { topics, timeoutMs: 1000 })).topics[0]!.errorCode
  }
  await cordon(cluster, '/b')
  assert.equal(await create('t'), 0)
  const { results } = await cluster.send(describeApi, { topics: null })
  assert.deepEqual(
    results.map(({ logDir, isCordoned, topics }) => [logDir, isCordoned, topics.length]),
    [
      ['/a', false, 1],
      ['/b', true, 0],
    ],
  )
  await cordon(cluster, '*')
  assert.equal(await create('u'), ErrorCode.INVALID_REPLICATION_FACTOR)
  await cordon(cluster, '')
  assert.equal(await create('v'), 0)
})
