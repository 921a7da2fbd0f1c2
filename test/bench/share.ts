/**
 * Records a second that a share group reads, beside Apache Kafka where it is at hand: six members on three partitions, two
 * on each, every one of them fetching with the acknowledgements of what it got before, as the Java client does.
 */

import { encodeBatch } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import type { BrokerProcess } from './peers/broker-process.ts'
import { compare } from './peers/rounds.ts'
import { until, WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 23_292
const PARTITIONS = 3
const MEMBERS = 6
const BATCHES = 600
const BATCH_RECORDS = 500
const RECORD_BYTES = 100
const GROUP_RESOURCE = 32
const ACCEPT = 1

const COORDINATORS = ['offsets.topic.replication.factor=1', 'share.coordinator.state.topic.replication.factor=1']
const CONFIGS = [...COORDINATORS, 'share.coordinator.state.topic.min.isr=1', 'group.share.assignment.interval.ms=0']

const create = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const find = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const configure = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const produce = { request: ProduceRequest, response: ProduceResponse }
const fetch = { request: ShareFetchRequest, response: ShareFetchResponse }
const heartbeat = { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse }

/** A topic with all records, and the members of the group that reads it: the topic's id. */
async function prepare(client: WireClient, group: string): Promise<string> {
  const topic = { name: group, numPartitions: PARTITIONS, replicationFactor: 1 }
  const { topics } = await client.ask(create, 7, { topics: [topic], timeoutMs: 60_000 })
  const { topicId } = topics[0]!
  for (const [keyType, key] of [
    [0, group],
    [2, `${group}:${topicId}:0`],
  ] as const) {
    await until('a coordinator', async () => {
      const { coordinators } = await client.ask(find, 6, { keyType, coordinatorKeys: [key] })
      return coordinators[0]!.errorCode === 0
    })
  }
  const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }]
  const resources = [{ resourceType: GROUP_RESOURCE, resourceName: group, configs }]
  await client.ask(configure, 1, { resources, validateOnly: false })
  const value = Buffer.alloc(RECORD_BYTES, 'x')
  const records = encodeBatch(Array.from({ length: BATCH_RECORDS }, () => ({ value })))
  for (let i = 0; i < BATCHES; i++) {
    const topicData = [{ topicId, partitionData: [{ index: i % PARTITIONS, records }] }]
    await until('room for records', async () => {
      const { responses } = await client.ask(produce, 13, { acks: -1, timeoutMs: 10_000, topicData })
      return responses[0]!.partitionResponses[0]!.errorCode === 0
    })
  }
  for (let i = 0; i < MEMBERS; i++) await join(client, group, `member-${i}`)
  return topicId
}

async function join(client: WireClient, groupId: string, memberId: string): Promise<void> {
  let memberEpoch = 0
  await until('an assignment', async () => {
    const request = { groupId, memberId, memberEpoch, subscribedTopicNames: [groupId] }
    const response = await client.ask(heartbeat, 1, request)
    if (response.errorCode !== 0) return false
    memberEpoch = response.memberEpoch
    return (response.assignment?.topicPartitions.length ?? 0) > 0
  })
}

type Acquired = readonly { readonly firstOffset: number; readonly lastOffset: number }[]

/** Reads until all of the group have read everything. */
async function consume(port: number, group: string, topicId: string, index: number, left: { count: number }) {
  const client = await WireClient.connect(port)
  const partitionIndex = index % PARTITIONS
  let before: Acquired = []
  for (let shareSessionEpoch = 0; left.count > 0; shareSessionEpoch++) {
    const acknowledgementBatches = before.map(({ firstOffset, lastOffset }) => ({
      firstOffset,
      lastOffset,
      acknowledgeTypes: [ACCEPT],
    }))
    const isNamed = shareSessionEpoch === 0 || acknowledgementBatches.length > 0
    const response = await client.ask(fetch, 2, {
      groupId: group,
      memberId: `member-${index}`,
      shareSessionEpoch,
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 50_000_000,
      maxRecords: BATCH_RECORDS,
      batchSize: BATCH_RECORDS,
      topics: isNamed ? [{ topicId, partitions: [{ partitionIndex, acknowledgementBatches }] }] : [],
    })
    if (response.errorCode !== 0) throw new Error(`fetch refused: error ${response.errorCode}`)
    const partitions = response.responses.flatMap(topic => topic.partitions)
    const wrong = partitions.find(({ errorCode, acknowledgeErrorCode }) => errorCode || acknowledgeErrorCode)
    if (wrong) throw new Error(`errors ${wrong.errorCode} and ${wrong.acknowledgeErrorCode}`)
    before = partitions.flatMap(({ acquiredRecords }) => acquiredRecords)
    for (const { firstOffset, lastOffset } of before) left.count -= lastOffset - firstOffset + 1
  }
  client.close()
}

/** Records a second. */
async function measure({ port }: BrokerProcess, group: string): Promise<number> {
  const client = await WireClient.connect(port)
  const topicId = await prepare(client, group)
  const left = { count: BATCHES * BATCH_RECORDS }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: MEMBERS }, (_, i) => consume(port, group, topicId, i, left)))
  const seconds = (performance.now() - startMs) / 1000
  client.close()
  return (BATCHES * BATCH_RECORDS) / seconds
}

await compare({
  unit: 'records/s',
  firstPort: FIRST_PORT,
  configs: CONFIGS,
  async measure(broker) {
    await measure(broker, 'warm-up')
    return measure(broker, 'measured')
  },
})
