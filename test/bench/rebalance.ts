/**
 * How long a rebalance of 100 members of the classic protocol takes, beside Apache Kafka where it is at hand: from the first
 * JoinGroup to the last SyncGroup's answer. Median of many in one broker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeToBytes } from '@ottla/protocol'
import { ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import type { BrokerProcess } from './peers/broker-process.ts'
import { compare, median } from './peers/rounds.ts'
import { connectAll, until, type WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 25_292
const MEMBERS = 100
const SAMPLES = 100
const BEAT_MS = 500
const GROUP = 'classics'
const UNKNOWN_MEMBER_ID = 25
const MEMBER_ID_REQUIRED = 79
const CONFIGS = ['group.initial.rebalance.delay.ms=2000', 'offsets.topic.replication.factor=1']

const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const HEARTBEAT = { request: HeartbeatRequest, response: HeartbeatResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const SYNC = { request: SyncGroupRequest, response: SyncGroupResponse }

/** What it says changes at every rebalance, as a consumer's may: so it is one. */
function subscription(generation: number): Buffer {
  const userData = Buffer.from(`${generation}`.padEnd(100))
  const body = encodeToBytes(ConsumerProtocolSubscription, 1, { topics: ['t'], userData })
  return Buffer.from([0, 1, ...body])
}

interface Classic {
  readonly client: WireClient
  id: string
  generation: number
}

async function joinOnce(member: Classic, groupId: string) {
  const ask = () =>
    member.client.ask(JOIN, 9, {
      groupId,
      memberId: member.id,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(member.generation) }],
    })
  let response = await ask()
  if (response.errorCode === MEMBER_ID_REQUIRED) {
    member.id = response.memberId
    response = await ask()
  }
  member.id = response.memberId
  member.generation = response.generationId
  return response
}

/** Until all are in one generation. A member that is too late for it calls the others back, as their heartbeats tell. */
async function rebalance(members: readonly Classic[], groupId: string): Promise<void> {
  const synced = new Map<Classic, number>()
  const { promise: done, resolve } = Promise.withResolvers<void>()
  let isDone = false
  const enter = async (member: Classic): Promise<void> => {
    synced.delete(member)
    const { leader, members: joined } = await joinOnce(member, groupId)
    const assignments =
      leader === member.id ? joined.map(({ memberId }) => ({ memberId, assignment: Buffer.alloc(40) })) : []
    const { id: memberId, generation: generationId, client } = member
    const sync = { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments }
    const { errorCode } = await client.ask(SYNC, 5, sync)
    if (errorCode === UNKNOWN_MEMBER_ID) member.id = ''
    if (errorCode !== 0) return enter(member)
    synced.set(member, generationId)
    if (synced.size === members.length && new Set(synced.values()).size === 1) {
      isDone = true
      resolve()
    }
    while (!isDone) {
      await Promise.race([done, sleep(BEAT_MS)])
      const beat = isDone ? null : await client.ask(HEARTBEAT, 4, { groupId, memberId, generationId })
      if (beat && beat.errorCode !== 0) return enter(member)
    }
  }
  await Promise.all(members.map(enter))
}

/** Milliseconds. */
async function measure({ port }: BrokerProcess): Promise<number> {
  const clients = await connectAll(port, MEMBERS)
  await until('a group coordinator', async () => {
    const { coordinators } = await clients[0]!.ask(FIND, 4, { coordinatorKeys: [GROUP] })
    return coordinators[0]!.errorCode === 0
  })
  const members = clients.map(client => ({ client, id: '', generation: -1 }))
  // The first one waits for all of them.
  await rebalance(members, GROUP)
  const samples: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const startedMs = performance.now()
    await rebalance(members, GROUP)
    samples.push(performance.now() - startedMs)
  }
  for (const client of clients) client.close()
  return median(samples)
}

await compare({ unit: 'ms', firstPort: FIRST_PORT, configs: CONFIGS, measure })
