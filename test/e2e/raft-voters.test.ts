/** Voters of the metadata quorum are neither added nor removed on a node that is alone; why is told as Kafka tells it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorName } from '@ottla/protocol'
import { AddRaftVoterRequest, AddRaftVoterResponse } from '@ottla/protocol/messages/add-raft-voter'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '@ottla/protocol/messages/remove-raft-voter'
import { type InProcess, inProcess } from './in-process.ts'

const add = { request: AddRaftVoterRequest, response: AddRaftVoterResponse }
const remove = { request: RemoveRaftVoterRequest, response: RemoveRaftVoterResponse }
const describe = { request: DescribeQuorumRequest, response: DescribeQuorumResponse }
const OTHER = 'MkU3OEVBNTcwNTJENDM2Qg'
const listeners = [{ name: 'CONTROLLER', host: '127.0.0.1', port: 9 }]
const other = { clusterId: null, voterId: 2, voterDirectoryId: OTHER, listeners, timeoutMs: 1000 }

async function outcome(answer: Promise<{ errorCode: number; errorMessage: string | null }>): Promise<string> {
  const { errorCode, errorMessage } = await answer
  return `${errorName(errorCode)} ${errorMessage}`
}

async function ownKey(node: InProcess): Promise<{ clusterId: null; voterId: number; voterDirectoryId: string }> {
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await node.send(describe, { topics })
  const { replicaId, replicaDirectoryId } = answer.topics[0]!.partitions[0]!.currentVoters[0]!
  return { clusterId: null, voterId: replicaId, voterDirectoryId: replicaDirectoryId }
}

test('a voter that is not there cannot be removed, and neither can the last', async () => {
  await using node = await inProcess()
  const own = await ownKey(node)
  const voters = `[ReplicaKey(id=1, directoryId=${own.voterDirectoryId})]`
  for (const voter of [own, { ...own, voterId: 2 }, { ...own, voterDirectoryId: OTHER }]) {
    const key = `ReplicaKey(id=${voter.voterId}, directoryId=${voter.voterDirectoryId})`
    const expected = `VOTER_NOT_FOUND Cannot remove voter ${key} from the set of voters ${voters}`
    assert.equal(await outcome(node.send(remove, voter)), expected)
  }
  const nobody = "INVALID_REQUEST Remove voter request didn't include a valid voter"
  assert.equal(await outcome(node.send(remove, { clusterId: null, voterId: 1 })), nobody)
  assert.match(
    await outcome(node.send(remove, { ...own, clusterId: 'another' })),
    /^INCONSISTENT_CLUSTER_ID The given id/,
  )
})

test('a voter is not added that has not caught up, that votes already, or that cannot be reached', async () => {
  await using node = await inProcess()
  const own = await ownKey(node)
  for (const version of [0, 1]) {
    const lagging = `REQUEST_TIMED_OUT Aborted add voter operation for ReplicaKey(id=2, directoryId=${OTHER}) since it is lagging behind`
    assert.equal(await outcome(node.send(add, other, version)), lagging)
  }
  const twice = node.send(add, { ...other, voterId: 1 })
  const voters = `[ReplicaKey(id=1, directoryId=${own.voterDirectoryId})]`
  const expected = `DUPLICATE_VOTER The voter id for ReplicaKey(id=1, directoryId=${OTHER}) is already part of the set of voters ${voters}.`
  assert.equal(await outcome(twice), expected)
  assert.match(
    await outcome(node.send(add, { ...other, listeners: [] })),
    /^INVALID_REQUEST .* default listener CONTROLLER$/,
  )
  assert.match(
    await outcome(node.send(add, { ...other, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
    /^INVALID_REQUEST/,
  )
})

test('where the voters are configured, they are not changed at all', async () => {
  await using node = await inProcess({ config: { 'controller.quorum.voters': '1@127.0.0.1:9093' } })
  const why = (what: string) =>
    `UNSUPPORTED_VERSION Cluster doesn't support ${what} voter because the kraft.version feature is 0`
  assert.equal(await outcome(node.send(add, other)), why('adding'))
  assert.equal(
    await outcome(node.send(remove, { clusterId: null, voterId: 2, voterDirectoryId: OTHER })),
    why('removing'),
  )
})
