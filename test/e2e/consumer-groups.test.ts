/** Groups of the consumer protocol, over the wire: members share, a group sets its own times, and the protocol can be off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { type InProcess, inProcess } from './in-process.ts'

const BEAT = { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse }
const DESCRIBE = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const ALTER = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const GROUP = 32
const UNSUPPORTED_VERSION = 35

const AT_ONCE = { 'group.consumer.assignment.interval.ms': 0 }

async function withTopic(config: Record<string, string | number>): Promise<InProcess> {
  const node = await inProcess({ config })
  await node.send(CREATE, { topics: [{ name: 't', numPartitions: 4, replicationFactor: 1 }], timeoutMs: 5000 })
  await node.send(FIND, { coordinatorKeys: ['g'] })
  return node
}

function join(node: InProcess, memberId: string) {
  const subscription = { rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['t'], topicPartitions: [] }
  return node.send(BEAT, { groupId: 'g', memberId, memberEpoch: 0, ...subscription })
}

test('members share what there is, one giving up before another gets', async () => {
  await using node = await withTopic(AT_ONCE)
  const first = await join(node, 'a')
  assert.deepEqual(first.assignment?.topicPartitions[0]?.partitions, [0, 1, 2, 3])
  const second = await join(node, 'b')
  assert.deepEqual([second.memberEpoch, second.assignment?.topicPartitions], [first.memberEpoch + 1, []])
  const told = await node.send(BEAT, { groupId: 'g', memberId: 'a', memberEpoch: first.memberEpoch })
  assert.equal(told.assignment?.topicPartitions[0]?.partitions.length, 2)
  const topicPartitions = told.assignment?.topicPartitions ?? []
  const done = await node.send(BEAT, { groupId: 'g', memberId: 'a', memberEpoch: told.memberEpoch, topicPartitions })
  assert.equal(done.memberEpoch, second.memberEpoch)
  const got = await node.send(BEAT, { groupId: 'g', memberId: 'b', memberEpoch: second.memberEpoch })
  assert.equal(got.assignment?.topicPartitions[0]?.partitions.length, 2)
  const { groups } = await node.send(DESCRIBE, { groupIds: ['g'], includeAuthorizedOperations: true })
  assert.equal(groups[0]?.groupState, 'Stable')
  assert.ok(groups[0].authorizedOperations > 0)
  const rebalances = 'kafka_server_group_coordinator_metrics_consumer_group_rebalance_count'
  assert.equal(node.cluster.metrics.value(rebalances), 2)
  await node.send(BEAT, { groupId: 'g', memberId: 'a', memberEpoch: -1 })
  assert.equal(node.cluster.metrics.value(rebalances), 2, 'as in Kafka, who goes is not counted')
})

test('a group says for itself how often its members report', async () => {
  await using node = await withTopic(AT_ONCE)
  const configs = [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value: '7000' }]
  const { responses } = await node.send(ALTER, { resources: [{ resourceType: GROUP, resourceName: 'g', configs }] })
  assert.equal(responses[0]?.errorCode, 0)
  assert.equal((await join(node, 'a')).heartbeatIntervalMs, 7000)
})

test('the protocol can be off', async () => {
  await using node = await withTopic({ 'group.coordinator.rebalance.protocols': 'classic' })
  const { errorCode, errorMessage } = await join(node, 'a')
  assert.deepEqual([errorCode, errorMessage], [UNSUPPORTED_VERSION, null])
  const { groups } = await node.send(DESCRIBE, { groupIds: ['g'], includeAuthorizedOperations: false })
  assert.equal(groups[0]?.errorCode, UNSUPPORTED_VERSION)
})
