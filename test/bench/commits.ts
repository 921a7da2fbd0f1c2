/**
 * Offset commits a second, beside Apache Kafka where it is at hand: 100 groups commit ten partitions each, over and over,
 * one request a connection on the way at a time. Rounds alternate; the last line is the ratio of the medians.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { decodeResponse } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { BROKERS, type BrokerName, BrokerProcess } from './peers/broker-process.ts'
import { frame, WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 20_292
const GROUPS = 100
const CONNECTIONS = 20
const PARTITIONS = 10
const COMMITS = 30_000
const ROUNDS = 3
const OFFSET_COMMIT_VERSION = 9

function commit(group: number, offset: number): Buffer {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: -1,
    committedMetadata: '',
  }))
  return frame(OffsetCommitRequest, OFFSET_COMMIT_VERSION, {
    groupId: `group-${group}`,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 'commits', partitions }],
  })
}

function check(response: Uint8Array): void {
  const { body } = decodeResponse(OffsetCommitResponse, OFFSET_COMMIT_VERSION, response)
  const answered = body.topics.flatMap(({ partitions }) => partitions)
  const wrong = answered.find(({ errorCode }) => errorCode !== 0)
  if (wrong || answered.length !== PARTITIONS) throw new Error(`commit refused: error ${wrong?.errorCode}`)
}

async function prepare({ port }: BrokerProcess): Promise<void> {
  const client = await WireClient.connect(port)
  const topic = { name: 'commits', numPartitions: PARTITIONS, replicationFactor: 1 }
  const created = await client.send(frame(CreateTopicsRequest, 4, { topics: [topic], timeoutMs: 60_000 }))
  const [answer] = decodeResponse(CreateTopicsResponse, 4, created).body.topics
  if (answer?.errorCode !== 0) throw new Error(`no topic: error ${answer?.errorCode}`)
  for (let tries = 0; ; tries++) {
    const found = await client.send(frame(FindCoordinatorRequest, 3, { key: 'group-0', keyType: 0 }))
    if (decodeResponse(FindCoordinatorResponse, 3, found).body.errorCode === 0) break
    if (tries === 100) throw new Error('no group coordinator')
    await sleep(100)
  }
  // Every partition of the offsets topic that is used is loaded.
  for (let group = 0; group < GROUPS; group++) await settle(client, group)
  client.close()
}

async function settle(client: WireClient, group: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      check(await client.send(commit(group, 0)))
      return
    } catch (error) {
      if (tries === 100) throw error
      await sleep(100)
    }
  }
}

/** Commits a second. */
async function measure({ port }: BrokerProcess): Promise<number> {
  const clients: WireClient[] = []
  while (clients.length < CONNECTIONS) clients.push(await WireClient.connect(port))
  const requests = Array.from({ length: GROUPS }, (_, group) => commit(group, 1))
  let sent = 0
  const startMs = performance.now()
  await Promise.all(
    clients.map(async client => {
      while (sent < COMMITS) check(await client.send(requests[sent++ % GROUPS]!))
    }),
  )
  const seconds = (performance.now() - startMs) / 1000
  for (const client of clients) client.close()
  return COMMITS / seconds
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

const rates = new Map<BrokerName, number[]>(BROKERS.map(name => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, name] of BROKERS.entries()) {
    await using broker = await BrokerProcess.start(name, FIRST_PORT + 10 * i)
    await prepare(broker)
    await measure(broker)
    const rate = await measure(broker)
    rates.get(name)!.push(rate)
    console.log(`round ${round + 1}  ${name}  ${Math.round(rate).toLocaleString('en')} commits/s`)
  }
}
const [ours, theirs] = BROKERS.map(name => median(rates.get(name)!))
if (ours && theirs) console.log(`ratio ${(ours / theirs).toFixed(2)}`)
