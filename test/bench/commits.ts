/**
 * Offset commits a second, beside Apache Kafka where it is at hand: 100 groups commit ten partitions each, over and over,
 * one request a connection on the way at a time.
 */

import { decodeResponse } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import type { BrokerProcess } from './peers/broker-process.ts'
import { compare } from './peers/rounds.ts'
import { connectAll, frame, until, WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 20_292
const GROUPS = 100
const CONNECTIONS = 20
const PARTITIONS = 10
const COMMITS = 30_000
const OFFSET_COMMIT_VERSION = 9

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }

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

function isTaken(response: Uint8Array): boolean {
  const { body } = decodeResponse(OffsetCommitResponse, OFFSET_COMMIT_VERSION, response)
  const answered = body.topics.flatMap(({ partitions }) => partitions)
  return answered.length === PARTITIONS && answered.every(({ errorCode }) => errorCode === 0)
}

async function prepare({ port }: BrokerProcess): Promise<void> {
  const client = await WireClient.connect(port)
  const topic = { name: 'commits', numPartitions: PARTITIONS, replicationFactor: 1 }
  const { topics } = await client.ask(CREATE, 4, { topics: [topic], timeoutMs: 60_000 })
  if (topics[0]!.errorCode !== 0) throw new Error(`no topic: error ${topics[0]!.errorCode}`)
  await until('a group coordinator', async () => {
    return (await client.ask(FIND, 3, { key: 'group-0', keyType: 0 })).errorCode === 0
  })
  // Every partition of the offsets topic that is used is loaded.
  for (let group = 0; group < GROUPS; group++) {
    await until('a commit', async () => isTaken(await client.send(commit(group, 0))))
  }
  client.close()
}

/** Commits a second. */
async function measure({ port }: BrokerProcess): Promise<number> {
  const clients = await connectAll(port, CONNECTIONS)
  const requests = Array.from({ length: GROUPS }, (_, group) => commit(group, 1))
  let sent = 0
  const startMs = performance.now()
  await Promise.all(
    clients.map(async client => {
      while (sent < COMMITS) {
        if (!isTaken(await client.send(requests[sent++ % GROUPS]!))) throw new Error('commit refused')
      }
    }),
  )
  const seconds = (performance.now() - startMs) / 1000
  for (const client of clients) client.close()
  return COMMITS / seconds
}

await compare({
  unit: 'commits/s',
  firstPort: FIRST_PORT,
  async measure(broker) {
    await prepare(broker)
    await measure(broker)
    return measure(broker)
  },
})
