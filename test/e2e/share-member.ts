/** A member of a share group over the wire, and what it takes for there to be one. */
import assert from 'node:assert/strict'
import { ErrorCode, encodeBatch } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import type { InProcess } from './in-process.ts'

const acknowledgeApi = { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse }
const configsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
export const shareFetchApi = { request: ShareFetchRequest, response: ShareFetchResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const heartbeatApi = { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse }
const produceApi = { request: ProduceRequest, response: ProduceResponse }

export const GROUP = 'queue'
export const ACCEPT = 1
export const RELEASE = 2
const GROUP_RESOURCE = 32
const FINAL_EPOCH = -1
const NOT_YET: ReadonlySet<number> = new Set([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR])

/** Of an in-process broker, or of any other. */
export type Network = Pick<InProcess, 'send' | 'topicId'>

type Range = readonly [firstOffset: number, lastOffset: number]

/** A member of the group, and its share session with partition 0 of `a`. */
export class Member {
  readonly #open: Network
  readonly #id: string
  readonly #topicId: string
  #memberEpoch = 0
  #sessionEpoch = 0

  constructor(open: Network, id: string, topicId: string) {
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
    if (NOT_YET.has(response.errorCode)) return 0
    assert.equal(response.errorCode, 0, response.errorMessage ?? '')
    this.#memberEpoch = response.memberEpoch
    return response.assignment?.topicPartitions.flatMap(({ partitions }) => partitions).length ?? 0
  }

  /** Asks until there is something: ranges of offsets with how often they have been delivered. */
  async acquire(maxRecords = 500): Promise<[...Range, deliveryCount: number][]> {
    for (;;) {
      const isNew = this.#sessionEpoch === 0
      const response = await this.#open.send(shareFetchApi, {
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
      const parts = response.responses.flatMap(({ partitions }) => partitions)
      assert.ok(parts.every(({ errorCode }) => errorCode === 0))
      const acquired = parts.flatMap(one => one.acquiredRecords)
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

export async function joined(open: Network, id: string): Promise<Member> {
  const topicId = await open.topicId('a')
  const find = { keyType: 2, coordinatorKeys: [`${GROUP}:${topicId}:0`] }
  for (const request of [find, { keyType: 0, coordinatorKeys: [GROUP] }]) {
    const find = async () => (await open.send(findApi, request)).coordinators[0]!.errorCode
    while ((await find()) !== 0);
  }
  const member = new Member(open, id, topicId)
  for (;;) if ((await member.heartbeat()) > 0) return member
}

export async function fromTheStart(open: Network): Promise<void> {
  const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }]
  const resources = [{ resourceType: GROUP_RESOURCE, resourceName: GROUP, configs }]
  const { responses } = await open.send(configsApi, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0)
}

export async function produce(open: Network, count: number, index = 0): Promise<void> {
  const topicId = await open.topicId('a')
  const records = encodeBatch(Array.from({ length: count }, () => ({ value: Buffer.from('x') })))
  const topicData = [{ topicId, partitionData: [{ index, records }] }]
  const { responses } = await open.send(produceApi, { acks: -1, timeoutMs: 1000, topicData })
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0)
}
