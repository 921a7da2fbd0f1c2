/** A share group from the first heartbeat to its end, as a client sees it; what it has done is there after the broker has stopped. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import { type InProcess, inProcess } from './in-process.ts'
import { ACCEPT, fromTheStart, GROUP, joined, produce, RELEASE, shareFetchApi } from './share-member.ts'

const dirsApi = { request: DescribeLogDirsRequest, response: DescribeLogDirsResponse }
const moveApi = { request: AlterReplicaLogDirsRequest, response: AlterReplicaLogDirsResponse }
const offsetsApi = { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse }

async function startOffset(open: InProcess): Promise<number> {
  const groups = [{ groupId: GROUP, topics: [{ topicName: 'a', partitions: [0] }] }]
  const response = await open.send(offsetsApi, { groups })
  return response.groups[0]!.topics[0]!.partitions[0]!.startOffset
}

test('a fetch is answered by the share partition that is loaded first, and the next one by the other', async () => {
  const config = { 'group.share.assignment.interval.ms': 0, 'num.partitions': 2 }
  await using open = await inProcess({ topics: ['a'], config })
  await fromTheStart(open)
  for (const partition of [0, 1]) await produce(open, 5, partition)
  await joined(open, 'one')
  const topicId = await open.topicId('a')
  const partitions = [{ partitionIndex: 0 }, { partitionIndex: 1 }]
  const found: number[][] = []
  for (const shareSessionEpoch of [0, 1]) {
    const { responses } = await open.send(shareFetchApi, {
      groupId: GROUP,
      memberId: 'one',
      shareSessionEpoch,
      maxWaitMs: 2000,
      minBytes: 1,
      maxBytes: 1_000_000,
      maxRecords: 500,
      batchSize: 500,
      topics: shareSessionEpoch === 0 ? [{ topicId, partitions }] : [],
    })
    const answers = responses.flatMap(response => response.partitions)
    found.push(answers.filter(one => one.acquiredRecords.length > 0).map(one => one.partitionIndex))
  }
  assert.deepEqual(found, [[0], [1]])
})

test('records go to one member at a time, and again to another if they are released', async () => {
  await using open = await inProcess({ topics: ['a'], config: { 'group.share.assignment.interval.ms': 0 } })
  await fromTheStart(open)
  await produce(open, 5)
  await produce(open, 5)
  const [a, b] = [await joined(open, 'a'), await joined(open, 'b')]
  assert.deepEqual(await a.acquire(5), [[0, 4, 1]])
  assert.deepEqual(await b.acquire(5), [[5, 9, 1]])
  await a.acknowledge([0, 4], RELEASE)
  assert.deepEqual(await b.acquire(), [[0, 4, 2]])
  await b.close()
  assert.deepEqual(await a.acquire(), [
    [0, 4, 3],
    [5, 9, 2],
  ])
})

test('a member that waits gets what is produced then', async () => {
  await using open = await inProcess({ topics: ['a'] })
  await fromTheStart(open)
  const a = await joined(open, 'a')
  const producer = await open.connect('producer')
  const acquired = a.acquire()
  await produce({ ...open, send: (api, value) => producer.send(api, value) }, 3)
  assert.deepEqual(await acquired, [[0, 2, 1]])
  producer.close()
})

test('a member that waits does not notice that the log moves to another log dir', async () => {
  await using open = await inProcess({ topics: ['a'], config: { 'log.dirs': '/a,/b' } })
  await fromTheStart(open)
  await produce(open, 2)
  const a = await joined(open, 'a')
  assert.deepEqual(await a.acquire(), [[0, 1, 1]])
  const other = await open.connect('other')
  const acquired = a.acquire()
  for (const path of ['/a', '/b']) {
    const { results } = await other.send(moveApi, { dirs: [{ path, topics: [{ name: 'a', partitions: [0] }] }] })
    assert.equal(results[0]!.partitions[0]!.errorCode, 0)
    for (let isMoving = true; isMoving; ) {
      const described = await other.send(dirsApi, { topics: [{ topic: 'a', partitions: [0] }] })
      isMoving = described.results.some(({ topics }) => topics.some(one => one.partitions.some(p => p.isFutureKey)))
    }
  }
  await produce({ ...open, send: (api, value) => other.send(api, value) }, 3)
  assert.deepEqual(await acquired, [[2, 4, 1]])
  other.close()
})

test('what was acknowledged is not delivered after the broker has stopped and started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ottla-share-'))
  try {
    {
      await using open = await inProcess({ topics: ['a'], folder })
      await fromTheStart(open)
      await produce(open, 10)
      const a = await joined(open, 'a')
      assert.deepEqual(await a.acquire(), [[0, 9, 1]])
      await a.acknowledge([0, 2], ACCEPT)
      await a.acknowledge([5, 6], ACCEPT)
      await a.acknowledge([7, 8], RELEASE)
    }
    await using open = await inProcess({ folder })
    const b = await joined(open, 'b')
    const acquired = await b.acquire()
    // Whether the end of the connection has given back what it had, or that of the broker came first, counts are chance.
    const offsets = acquired.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
    assert.deepEqual(offsets, [3, 4, 7, 8, 9])
    await b.acknowledge([3, 4], ACCEPT)
    await b.acknowledge([7, 9], ACCEPT)
    await produce(open, 1)
    assert.deepEqual(await b.acquire(), [[10, 10, 1]])
    await b.acknowledge([10, 10], ACCEPT)
    assert.equal(await startOffset(open), 10)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
