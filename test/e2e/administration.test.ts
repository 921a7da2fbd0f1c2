/** What administration does to a broker that goes on serving. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch, errorName } from '@ottla/protocol'
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '@ottla/protocol/messages/describe-user-scram-credentials'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { type InProcess, inProcess } from './in-process.ts'

const produceApi = { request: ProduceRequest, response: ProduceResponse }

async function produces(open: InProcess, topicId: string): Promise<string> {
  const records = encodeBatch([{ value: Buffer.from('x') }])
  const topicData = [{ topicId, partitionData: [{ index: 0, records }] }]
  const { responses } = await open.send(produceApi, { acks: -1, timeoutMs: 1000, topicData })
  return errorName(responses[0]!.partitionResponses[0]!.errorCode)
}

test('a broker that is alive and unregistered registers again, and leads what it led', async () => {
  await using open = await inProcess({ topics: ['a'], config: { 'broker.heartbeat.interval.ms': 50 } })
  const topicId = await open.topicId('a')
  assert.equal(await produces(open, topicId), 'NONE')
  const api = { request: UnregisterBrokerRequest, response: UnregisterBrokerResponse }
  assert.equal((await open.send(api, { brokerId: 1 })).errorCode, 0)
  const { clock } = open.cluster.world
  const patienceMs = clock.monotonic() + 5000
  let outcome = ''
  while (outcome !== 'NONE') {
    assert.ok(clock.monotonic() < patienceMs, `still ${outcome}`)
    outcome = await produces(open, topicId)
  }
})

test('a reassignment to where a partition is already is done at once, and harms nothing', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const topicId = await open.topicId('a')
  const api = { request: AlterPartitionReassignmentsRequest, response: AlterPartitionReassignmentsResponse }
  const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, replicas: [1] }] }]
  const { responses } = await open.send(api, { topics })
  assert.equal(responses[0]!.partitions[0]!.errorCode, 0)
  assert.equal(await produces(open, topicId), 'NONE')
})

test('users of SCRAM are stored and told', async () => {
  await using open = await inProcess()
  const alterApi = { request: AlterUserScramCredentialsRequest, response: AlterUserScramCredentialsResponse }
  const describeApi = { request: DescribeUserScramCredentialsRequest, response: DescribeUserScramCredentialsResponse }
  const user = {
    name: 'u',
    mechanism: 2,
    iterations: 5000,
    salt: Buffer.from('salt'),
    saltedPassword: Buffer.from('p'),
  }
  assert.equal((await open.send(alterApi, { upsertions: [user] })).results[0]!.errorCode, 0)
  const { results } = await open.send(describeApi, { users: [{ name: 'u' }] })
  assert.deepEqual(results[0]!.credentialInfos, [{ mechanism: 2, iterations: 5000 }])
})

test('the quorum tells its epoch, its log, and where its voter listens', async () => {
  await using open = await inProcess()
  const api = { request: DescribeQuorumRequest, response: DescribeQuorumResponse }
  const { topics, nodes } = await open.send(api, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  })
  const [partition] = topics[0]!.partitions
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition!
  assert.deepEqual([leaderId, leaderEpoch, observers], [1, 1, []])
  assert.equal(currentVoters.length, 1)
  assert.ok(currentVoters[0]!.logEndOffset >= highWatermark && highWatermark > 0)
  assert.deepEqual(
    nodes.map(({ nodeId, listeners }) => [nodeId, listeners.length]),
    [[1, 1]],
  )
})
