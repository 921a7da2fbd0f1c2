/** A share group from the first heartbeat to its end, as a client sees it; what it has done is there after the broker has stopped. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ErrorCode, encodeBatch } from '@ottla/protocol'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import { type InProcess, inProcess } from './in-process.ts'

const acknowledgeApi = { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse }
const configsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const fetchApi = { request: ShareFetchRequest, response: ShareFetchResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const heartbeatApi = { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse }
const offsetsApi = { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse }
const produceApi = { request: ProduceRequest, response: ProduceResponse }

const GROUP = 'queue'
const GROUP_RESOURCE = 32
const ACCEPT = 1
const RELEASE = 2
const FINAL_EPOCH = -1

type Range = readonly [firstOffset: number, lastOffset: number]

/** A member of the group, and its share session with partition 0 of `a`. */
class Member {
  readonly #open: InProcess
  readonly #id: string
  readonly #topicId: string
  #memberEpoch = 0
  #sessionEpoch = 0

  constructor(open: InProcess, id: string, topicId: string) {
    this.#open = open
    this.#id = id
    this.#topicId = topicId
  }

  /** How many partitions it has. */
  async heartbeat(): Promise<number> {
    const response = await this.#open.send(heartbeatApi, {
      groupId: GROUP,
      memberId: this.#id,
      memberEpoch: this.#memberEpoch,
      subscribedTopicNames: ['a'],
    })
    if (response.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return 0
    assert.equal(response.errorCode, 0, response.errorMessage ?? '')
    this.#memberEpoch = response.memberEpoch
    return response.assignment?.topicPartitions.flatMap(({ partitions }) => partitions).length ?? 0
  }

  /** Asks until there is something: ranges of offsets with how often they have been delivered. */
  async acquire(maxRecords = 500): Promise<[...Range, deliveryCount: number][]> {
    for (;;) {
      const isNew = this.#sessionEpoch === 0
      const response = await this.#open.send(fetchApi, {
        groupId: GROUP,
        memberId: this.#id,
        shareSessionEpoch: this.#sessionEpoch++,
        maxWaitMs: 2000,
        minBytes: 1,
        maxBytes: 1_000_000,
        maxRecords,
        batchSize: maxRecords,
        topics: isNew ? [{ topicId: this.#topicId, partitions: [{ partitionIndex: 0 }] }] : [],
      })
      assert.equal(response.errorCode, 0, response.errorMessage ?? '')
      const acquired = response.responses.flatMap(({ partitions }) => partitions.flatMap(one => one.acquiredRecords))
      if (acquired.length === 0) continue
      return acquired.map(({ firstOffset, lastOffset, deliveryCount }) => [firstOffset, lastOffset, deliveryCount])
    }
  }

  async acknowledge([firstOffset, lastOffset]: Range, type: number): Promise<void> {
    const acknowledgementBatches = [{ firstOffset, lastOffset, acknowledgeTypes: [type] }]
    const response = await this.#open.send(acknowledgeApi, {
      groupId: GROUP,
      memberId: this.#id,
      shareSessionEpoch: this.#sessionEpoch++,
      topics: [{ topicId: this.#topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches }] }],
    })
    assert.deepEqual([response.errorCode, response.responses[0]!.partitions[0]!.errorCode], [0, 0])
  }

  async close(): Promise<void> {
    await this.#open.send(acknowledgeApi, { groupId: GROUP, memberId: this.#id, shareSessionEpoch: FINAL_EPOCH })
    await this.#open.send(heartbeatApi, { groupId: GROUP, memberId: this.#id, memberEpoch: -1 })
  }
}

async function joined(open: InProcess, id: string): Promise<Member> {
  const topicId = await open.topicId('a')
  const find = { keyType: 2, coordinatorKeys: [`${GROUP}:${topicId}:0`] }
  for (const request of [find, { keyType: 0, coordinatorKeys: [GROUP] }]) {
    const { coordinators } = await open.send(findApi, request)
    assert.equal(coordinators[0]!.errorCode, 0)
  }
  const member = new Member(open, id, topicId)
  for (;;) if ((await member.heartbeat()) > 0) return member
}

async function fromTheStart(open: InProcess): Promise<void> {
  const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }]
  const resources = [{ resourceType: GROUP_RESOURCE, resourceName: GROUP, configs }]
  const { responses } = await open.send(configsApi, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0)
}

async function produce(open: InProcess, count: number, index = 0): Promise<void> {
  const topicId = await open.topicId('a')
  const records = encodeBatch(Array.from({ length: count }, () => ({ value: Buffer.from('x') })))
  const topicData = [{ topicId, partitionData: [{ index, records }] }]
  const { responses } = await open.send(produceApi, { acks: -1, timeoutMs: 1000, topicData })
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0)
}

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
    const { responses } = await open.send(fetchApi, {
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
