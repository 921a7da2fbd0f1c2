/**
 * How fast groups settle, from outside and beside Apache Kafka where its script is at hand: `node test/bench/groups.ts`.
 *
 *     consumer   1,000 members of the consumer protocol join one group over a topic of 1,000 partitions; ends when each has
 *                the partition that it is to have. Members beat every 500 ms, and at once when they have news to tell.
 *     classic    a rebalance of 100 members of the classic protocol: from the first JoinGroup to the last SyncGroup's answer
 *
 * Milliseconds; medians of several rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { Asker } from '../interop/prober.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const KAFKA = process.env.OTTLA_APACHE_KAFKA ?? join(dirname(ROOT), 'shared/apache-kafka/kafka')
const BEAT_MS = 500
const UNKNOWN_MEMBER_ID = 25
const SETTINGS = {
  'group.consumer.min.heartbeat.interval.ms': BEAT_MS,
  'group.consumer.heartbeat.interval.ms': BEAT_MS,
  'group.initial.rebalance.delay.ms': 2000,
  'offsets.topic.num.partitions': 1,
}
const MEMBERS = 1000
const PARTITIONS = 1000
const CLASSIC_MEMBERS = 100
const CLASSIC_ROUNDS = 30
const CONSUMER_ROUNDS = 3

const BEAT = { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse }
const DESCRIBE = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const HEARTBEAT = { request: HeartbeatRequest, response: HeartbeatResponse }
const JOIN = { request: JoinGroupRequest, response: JoinGroupResponse }
const SYNC = { request: SyncGroupRequest, response: SyncGroupResponse }

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

async function start(kind: string, folder: string): Promise<{ bootstrap: string; child: ChildProcess }> {
  const port = await freePort()
  const settings = Object.entries({ ...SETTINGS, 'offsets.topic.replication.factor': 1 }).map(pair => pair.join('='))
  const ottla = [join(ROOT, 'packages/ottla/bin/ottla.js'), 'start', '--data', folder, '--port', String(port)]
  const set = settings.flatMap(setting => ['--set', setting])
  const child =
    kind === 'ottla'
      ? spawn(process.execPath, [...ottla, '--log-level', 'warn', ...set], { stdio: ['ignore', 'inherit', 'inherit'] })
      : spawn(KAFKA, ['server', folder, String(port), ...settings], { stdio: 'ignore' })
  const bootstrap = `127.0.0.1:${port}`
  const topics = [{ name: 't', numPartitions: PARTITIONS, replicationFactor: 1 }]
  for (let tries = 0; ; tries++) {
    const asker = new Asker('setup', bootstrap)
    try {
      await asker.ask(CREATE, 7, { topics, timeoutMs: 30_000 })
      const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: ['g'] })
      if (coordinators[0]!.errorCode === 0) return { bootstrap, child }
    } catch (error) {
      if (tries > 300) throw error
    } finally {
      asker.end()
    }
    await sleep(200)
  }
}

// ---------------------------------------------------------------------------------------------------------- consumer

type Owned = NonNullable<ConsumerGroupHeartbeatRequest['topicPartitions']>

/** Until it has one partition at the group's last epoch and `isOver`. */
async function consume(
  asker: Asker,
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
    const response: ConsumerGroupHeartbeatResponse = await asker.ask(BEAT, 1, request)
    if (response.errorCode !== 0) throw new Error(`${memberId}: error ${response.errorCode}`)
    hasNews = response.assignment !== null
    epoch = response.memberEpoch
    if (response.assignment) owned = response.assignment.topicPartitions
    held.set(memberId, owned.flatMap(({ partitions }) => partitions).length)
    if (!hasNews || owned.length === 0) await sleep(BEAT_MS)
  }
}

async function settle(bootstrap: string, round: number): Promise<number> {
  const groupId = `consumers-${round}`
  const askers = Array.from({ length: 100 }, (_, i) => new Asker(`c${i}`, bootstrap))
  const held = new Map<string, number>()
  let isOver = false
  const startedMs = performance.now()
  const members = Array.from({ length: MEMBERS }, (_, i) =>
    consume(askers[i % askers.length]!, groupId, `member-${i}`, () => isOver, held),
  )
  const all = Promise.all(members)
  const admin = new Asker('admin', bootstrap)
  for (;;) {
    await Promise.race([sleep(20), all])
    const isEach = held.size === MEMBERS && [...held.values()].every(count => count === PARTITIONS / MEMBERS)
    if (isEach && (await admin.ask(DESCRIBE, 1, { groupIds: [groupId] })).groups[0]!.groupState === 'Stable') break
  }
  const tookMs = performance.now() - startedMs
  isOver = true
  await all
  for (const asker of [admin, ...askers]) asker.end()
  return tookMs
}

// ----------------------------------------------------------------------------------------------------------- classic

interface Classic {
  readonly asker: Asker
  id: string
  generation: number
}

async function joinOnce(member: Classic, groupId: string) {
  const ask = () =>
    member.asker.ask(JOIN, 9, {
      groupId,
      memberId: member.id,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      // What it says changes at every rebalance, as a consumer's does: so it is one.
      protocols: [{ name: 'range', metadata: Buffer.from(`${member.generation}`.padEnd(200)) }],
    })
  let response = await ask()
  if (response.errorCode === 79) {
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
    const { id: memberId, generation: generationId, asker } = member
    const sync = { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments }
    const { errorCode } = await asker.ask(SYNC, 5, sync)
    if (errorCode === UNKNOWN_MEMBER_ID) member.id = ''
    if (errorCode !== 0) return enter(member)
    synced.set(member, generationId)
    if (synced.size === members.length && new Set(synced.values()).size === 1) {
      isDone = true
      resolve()
    }
    while (!isDone) {
      await Promise.race([done, sleep(BEAT_MS)])
      const beat = isDone ? null : await asker.ask(HEARTBEAT, 4, { groupId, memberId, generationId })
      if (beat && beat.errorCode !== 0) return enter(member)
    }
  }
  await Promise.all(members.map(enter))
}

async function classic(bootstrap: string): Promise<number> {
  const groupId = 'classics'
  const members = Array.from({ length: CLASSIC_MEMBERS }, (_, i) => ({
    asker: new Asker(`c${i}`, bootstrap),
    id: '',
    generation: -1,
  }))
  // The first rebalance waits for all of them.
  await rebalance(members, groupId)
  const samples: number[] = []
  for (let round = 0; round < CLASSIC_ROUNDS; round++) {
    const startedMs = performance.now()
    await rebalance(members, groupId)
    samples.push(performance.now() - startedMs)
  }
  for (const { asker } of members) asker.end()
  return median(samples)
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1]!
}

const kinds = ['ottla', ...(existsSync(KAFKA) ? ['kafka'] : [])]
console.log(`| | consumer: ${MEMBERS} members, ${PARTITIONS} partitions | classic: ${CLASSIC_MEMBERS} members |`)
console.log('|---|---:|---:|')
for (const kind of kinds) {
  const folder = mkdtempSync(join(tmpdir(), `ottla-groups-${kind}-`))
  const { bootstrap, child } = await start(kind, folder)
  try {
    const rebalanceMs = await classic(bootstrap)
    const settled: number[] = []
    for (let round = 0; round < CONSUMER_ROUNDS; round++) settled.push(await settle(bootstrap, round))
    console.log(`| ${kind} | ${median(settled).toFixed(0)} | ${rebalanceMs.toFixed(1)} |`)
  } finally {
    child.kill('SIGTERM')
    await new Promise(resolve => child.once('exit', resolve))
    rmSync(folder, { recursive: true, force: true })
  }
}
