/**
 * How long a consumer group takes to settle, beside Apache Kafka where it is at hand: 1,000 members of the consumer
 * protocol join one group over a topic of 1,000 partitions; it ends when each has the partition that it is to have. Members
 * beat every 500 ms, and at once when they have news to tell.
 */
import { setTimeout as sleep } from 'node:timers/promises'
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
import { compare, median } from './peers/rounds.ts'
import { connectAll, until, WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 24_292
const MEMBERS = 1000
const PARTITIONS = 1000
const CONNECTIONS = 100
const SAMPLES = 3
const BEAT_MS = 500
const CONFIGS = [
  `group.consumer.min.heartbeat.interval.ms=${BEAT_MS}`,
  `group.consumer.heartbeat.interval.ms=${BEAT_MS}`,
  'offsets.topic.num.partitions=1',
  'offsets.topic.replication.factor=1',
]

const BEAT = { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse }
const DESCRIBE = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }

async function prepare(port: number): Promise<void> {
  const client = await WireClient.connect(port)
  const topics = [{ name: 't', numPartitions: PARTITIONS, replicationFactor: 1 }]
  await client.ask(CREATE, 7, { topics, timeoutMs: 60_000 })
  await until('a group coordinator', async () => {
    const { coordinators } = await client.ask(FIND, 4, { coordinatorKeys: ['consumers-0'] })
    return coordinators[0]!.errorCode === 0
  })
  client.close()
}

type Owned = NonNullable<ConsumerGroupHeartbeatRequest['topicPartitions']>

/** Until it has one partition at the group's last epoch and `isOver`. */
async function consume(
  client: WireClient,
  groupId: string,
  memberId: string,
  isOver: () => boolean,
  held: Map<string, number>,
) {
  let epoch = 0
  let owned: Owned = []
  let hasNews = true
  while (!isOver()) {
    const joining = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'] }
    const sent = hasNews ? { topicPartitions: owned } : {}
    const request = { groupId, memberId, memberEpoch: epoch, ...sent, ...(epoch === 0 ? joining : {}) }
    const response: ConsumerGroupHeartbeatResponse = await client.ask(BEAT, 1, request)
    if (response.errorCode !== 0) throw new Error(`${memberId}: error ${response.errorCode}`)
    hasNews = response.assignment !== null
    epoch = response.memberEpoch
    if (response.assignment) owned = response.assignment.topicPartitions
    held.set(memberId, owned.flatMap(({ partitions }) => partitions).length)
    if (!hasNews || owned.length === 0) await sleep(BEAT_MS)
  }
}

/** Milliseconds. */
async function settle(port: number, round: number): Promise<number> {
  const groupId = `consumers-${round}`
  const clients = await connectAll(port, CONNECTIONS)
  const held = new Map<string, number>()
  let isOver = false
  const startedMs = performance.now()
  const members = Array.from({ length: MEMBERS }, (_, i) =>
    consume(clients[i % clients.length]!, groupId, `member-${i}`, () => isOver, held),
  )
  const all = Promise.all(members)
  const admin = await WireClient.connect(port)
  for (;;) {
    await Promise.race([sleep(20), all])
    const isEach = held.size === MEMBERS && [...held.values()].every(count => count === PARTITIONS / MEMBERS)
    if (isEach && (await admin.ask(DESCRIBE, 1, { groupIds: [groupId] })).groups[0]!.groupState === 'Stable') break
  }
  const tookMs = performance.now() - startedMs
  isOver = true
  await all
  for (const client of [admin, ...clients]) client.close()
  return tookMs
}

await compare({
  unit: 'ms',
  firstPort: FIRST_PORT,
  configs: CONFIGS,
  async measure({ port }) {
    await prepare(port)
    const samples: number[] = []
    for (let i = 0; i < SAMPLES; i++) samples.push(await settle(port, i))
    return median(samples)
  },
})
