/** What members of streams groups are told when the coordinator is not there, or its log can't be written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { ApiError } from '../errors.ts'
import { codeName, GroupCluster } from './testing/group-cluster.ts'

function joining(memberId: string, more: Partial<StreamsGroupHeartbeatRequest> = {}): StreamsGroupHeartbeatRequest {
  return {
    groupId: 'g',
    memberId,
    memberEpoch: 0,
    endpointInformationEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 10_000,
    topology: { epoch: 0, subtopologies: [] },
    activeTasks: [],
    standbyTasks: [],
    warmupTasks: [],
    processId: 'p',
    userEndpoint: null,
    clientTags: null,
    taskOffsets: null,
    taskEndOffsets: null,
    shutdownApplication: false,
    ...more,
  }
}

async function beat(cluster: GroupCluster, request: StreamsGroupHeartbeatRequest) {
  const answer = await cluster.until(cluster.groups.streams.heartbeat(request, cluster.call(0)))
  return { ...answer, error: codeName(answer.errorCode) }
}

async function describe(cluster: GroupCluster, ...groupIds: string[]) {
  const request = { groupIds, includeAuthorizedOperations: false }
  const { groups } = await cluster.until(cluster.groups.streams.describe(request))
  return groups!.map(group => `${group.groupId} ${codeName(group.errorCode)} ${group.groupState ?? ''}`.trimEnd())
}

test('a heartbeat is answered when its records are committed', async () => {
  const cluster = await GroupCluster.start({ set: ['group.streams.initial.rebalance.delay.ms=0'] })
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  let isAnswered = false
  const answer = cluster.groups.streams.heartbeat(joining('a'), cluster.call(0)).finally(() => {
    isAnswered = true
  })
  await cluster.world.advance(100)
  assert.equal(isAnswered, false)
  assert.equal(log!.batches.length, 1)
  log!.commit()
  assert.equal((await cluster.until(answer)).memberEpoch, 2)
  assert.deepEqual(await describe(cluster, 'g', 'h', ''), [
    'g NONE Stable',
    'h GROUP_ID_NOT_FOUND',
    ' INVALID_GROUP_ID',
  ])
})

test('a request that makes no sense does not reach the coordinator', async () => {
  const cluster = GroupCluster.create()
  assert.equal((await beat(cluster, joining(''))).error, 'INVALID_REQUEST')
  assert.equal((await beat(cluster, joining('a', { instanceId: 'i' }))).error, 'INVALID_REQUEST')
  assert.equal((await beat(cluster, joining('a'))).error, 'NOT_COORDINATOR')
  assert.deepEqual(await describe(cluster, 'g'), ['g NOT_COORDINATOR'])
})

test('when the append fails the member is told, and joins again from what the log has', async () => {
  const cluster = await GroupCluster.start({ set: ['group.streams.initial.rebalance.delay.ms=0'] })
  const [log] = cluster.logs
  await beat(cluster, joining('a'))
  log!.nextAppendError = new ApiError('NOT_ENOUGH_REPLICAS', 'for the test')
  assert.equal((await beat(cluster, joining('b'))).error, 'COORDINATOR_NOT_AVAILABLE')
  assert.equal((await beat(cluster, joining('b'))).error, 'COORDINATOR_LOAD_IN_PROGRESS')
  await cluster.world.advance(200)
  const { error, memberEpoch } = await beat(cluster, joining('a', { memberEpoch: 2, topology: null }))
  assert.deepEqual([error, memberEpoch], ['NONE', 2])
  assert.equal((await beat(cluster, joining('b', { memberEpoch: 3, topology: null }))).error, 'UNKNOWN_MEMBER_ID')
})

test('an assignment that the log would not take is refused before anything has changed', async () => {
  const cluster = await GroupCluster.start({ set: ['group.streams.initial.rebalance.delay.ms=0'] })
  const [log] = cluster.logs
  log!.maxBatchBytes = 600
  const subtopologies = Array.from({ length: 10 }, (_, i) => ({
    subtopologyId: `${i}`,
    sourceTopics: ['a topic that is not there but has a long name'],
    sourceTopicRegex: [],
    stateChangelogTopics: [],
    repartitionSinkTopics: [],
    repartitionSourceTopics: [],
    copartitionGroups: [],
  }))
  const { error } = await beat(cluster, joining('a', { topology: { epoch: 0, subtopologies } }))
  assert.equal(error, 'UNKNOWN_SERVER_ERROR')
  assert.deepEqual(await describe(cluster, 'g'), ['g GROUP_ID_NOT_FOUND'])
  assert.equal(log!.batches.length, 0)
})

test('sessions run out on the clock of the world', async () => {
  const cluster = await GroupCluster.start({ set: ['group.streams.initial.rebalance.delay.ms=0'] })
  await beat(cluster, joining('a'))
  await cluster.world.advance(44_999)
  assert.deepEqual(await describe(cluster, 'g'), ['g NONE Stable'])
  await cluster.world.advance(1)
  assert.deepEqual(await describe(cluster, 'g'), ['g NONE Empty'])
})
