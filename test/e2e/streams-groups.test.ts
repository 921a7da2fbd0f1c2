/** Streams groups over the wire: internal topics are made for them, or not, and they stay over a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, type Init } from '@ottla/protocol'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import { type InProcess, inProcess, metadataApi } from './in-process.ts'

const heartbeatApi = { request: StreamsGroupHeartbeatRequest, response: StreamsGroupHeartbeatResponse }
const describeApi = { request: StreamsGroupDescribeRequest, response: StreamsGroupDescribeResponse }
const configsApi = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const changeApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }

const CONFIG = { 'group.streams.initial.rebalance.delay.ms': 0, 'group.streams.assignment.interval.ms': 0 }
const MISSING_INTERNAL_TOPICS = 3
const TOPIC = 2
const GROUP = 32

function joining(
  changelogConfigs: Readonly<Record<string, string>>,
  memberId = 'm',
): Init<typeof StreamsGroupHeartbeatRequest> {
  const topicConfigs = Object.entries(changelogConfigs).map(([key, value]) => ({ key, value }))
  return {
    groupId: 'g',
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 10_000,
    processId: memberId,
    topology: {
      epoch: 0,
      subtopologies: [
        {
          subtopologyId: '0',
          sourceTopics: ['in'],
          stateChangelogTopics: [{ name: 'g-store-changelog', partitions: 0, replicationFactor: 0, topicConfigs }],
        },
      ],
    },
    activeTasks: [],
    standbyTasks: [],
    warmupTasks: [],
  }
}

/** A coordinator that is there, and topic `in` of two partitions. */
async function start(config = {}): Promise<InProcess> {
  const node = await inProcess({ config: { ...CONFIG, ...config }, topics: [{ name: 'in', partitions: 2 }] })
  await node.send(findApi, { coordinatorKeys: ['g'] })
  return node
}

async function untilAssigned(node: InProcess, memberId = 'm', memberEpoch = 2) {
  for (;;) {
    const answer = await node.send(heartbeatApi, { groupId: 'g', memberId, memberEpoch })
    assert.equal(answer.errorCode, ErrorCode.NONE)
    if (answer.activeTasks) return answer
    memberEpoch = answer.memberEpoch
  }
}

test('a changelog is made with the configs that the application asks for, and then there are tasks', async () => {
  await using node = await start()
  const joined = await node.send(heartbeatApi, joining({ 'cleanup.policy': 'compact', 'segment.bytes': '52428800' }))
  assert.deepEqual(
    joined.status?.map(({ statusCode }) => statusCode),
    [MISSING_INTERNAL_TOPICS],
  )
  assert.deepEqual(joined.activeTasks, [])
  const { activeTasks, memberEpoch } = await untilAssigned(node)
  assert.deepEqual(activeTasks, [{ subtopologyId: '0', partitions: [0, 1] }])
  assert.equal(memberEpoch, 3)
  const { topics } = await node.send(metadataApi, {
    topics: [{ name: 'g-store-changelog' }],
    allowAutoTopicCreation: false,
  })
  assert.equal(topics[0]!.partitions.length, 2)
  const configurationKeys = ['cleanup.policy', 'segment.bytes']
  const resources = [{ resourceType: TOPIC, resourceName: 'g-store-changelog', configurationKeys }]
  const { results } = await node.send(configsApi, { resources })
  assert.deepEqual(results[0]!.configs.map(({ value }) => value).sort(), ['52428800', 'compact'])
})

test('a topic that cannot be made is told, and made when it can be', async () => {
  await using node = await start({
    'group.streams.min.heartbeat.interval.ms': 1,
    'group.streams.heartbeat.interval.ms': 1,
  })
  await node.send(heartbeatApi, joining({ 'no.such.config': '1' }))
  let detail = ''
  while (!detail.includes('Creation failed')) {
    const { status } = await node.send(heartbeatApi, { groupId: 'g', memberId: 'm', memberEpoch: 2 })
    detail = status![0]!.statusDetail
  }
  assert.match(detail, /g-store-changelog \(.*no\.such\.config.*\)/)
})

test('the configuration of a group is its own, and a new number of copies assigns anew', async () => {
  await using node = await start()
  for (const memberId of ['m', 'n']) {
    await node.send(heartbeatApi, joining({}, memberId))
    if (memberId === 'm') await untilAssigned(node)
  }
  const configs = [{ name: 'streams.num.standby.replicas', value: '1', configOperation: 0 }]
  await node.send(changeApi, { resources: [{ resourceType: GROUP, resourceName: 'g', configs }] })
  const epochs = new Map([
    ['m', 3],
    ['n', 4],
  ])
  const has = new Map<string, StreamsGroupHeartbeatResponse>()
  for (let round = 0; round < 6; round++) {
    for (const [memberId, memberEpoch] of epochs) {
      const { activeTasks = [], standbyTasks = [] } = has.get(memberId) ?? {}
      const owned = { activeTasks: activeTasks ?? [], standbyTasks: standbyTasks ?? [], warmupTasks: [] }
      const answer = await node.send(heartbeatApi, { groupId: 'g', memberId, memberEpoch, ...owned })
      assert.equal(answer.errorCode, ErrorCode.NONE, `${answer.errorMessage}`)
      epochs.set(memberId, answer.memberEpoch)
      if (answer.activeTasks) has.set(memberId, answer)
    }
  }
  const { groups } = await node.send(describeApi, { groupIds: ['g'] })
  assert.equal(groups[0]!.groupState, 'Stable')
  const rebalances = 'kafka_server_group_coordinator_metrics_streams_group_rebalance_count'
  assert.ok(node.cluster.metrics.value(rebalances)! >= 3, 'two members came, and then the number of copies')
  const tasks = groups[0]!.members.map(({ assignment }) => [assignment.activeTasks, assignment.standbyTasks])
  const task = (partition: number) => [{ subtopologyId: '0', partitions: [partition] }]
  assert.deepEqual(tasks.sort(), [
    [task(0), task(1)],
    [task(1), task(0)],
  ])
})

test('where the protocol is off, nobody gets in', async () => {
  await using node = await start({ 'group.coordinator.rebalance.protocols': 'classic,consumer' })
  const { errorCode, errorMessage } = await node.send(heartbeatApi, joining({}))
  assert.deepEqual([errorCode, errorMessage], [ErrorCode.UNSUPPORTED_VERSION, null])
  const { groups } = await node.send(describeApi, { groupIds: ['g', 'h'] })
  assert.deepEqual(
    groups.map(group => group.errorCode),
    [ErrorCode.UNSUPPORTED_VERSION, ErrorCode.UNSUPPORTED_VERSION],
  )
})
