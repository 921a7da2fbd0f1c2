/**
 * Fetch and what else asks a partition for offsets, at and past all edges: offsets, epochs, sessions, special timestamps,
 * topics that are not there, in versions with and without ids. Every answer has to be Apache Kafka's, which is kept in
 * ../expected/read-errors.txt; one check a case, each with a topic of its own: offsets 0 to 8 in three batches, of which
 * the first two are deleted.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBatch, type Init, ZERO_UUID } from '@ottla/protocol'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@ottla/protocol/messages/offset-for-leader-epoch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import type { Context } from '../context.ts'
import { runTopicCases, type TopicCase, TopicProbe } from '../topic-probe.ts'

const DELETE_RECORDS = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }
const EPOCH_END = { request: OffsetForLeaderEpochRequest, response: OffsetForLeaderEpochResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }
const OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }

const NOBODY = 'AAAAAAAAAAAAAAAAAAAA_w'
const TIME = 1_700_000_000_000
const MAX = Number.MAX_SAFE_INTEGER

type FetchTopics = NonNullable<Init<typeof FetchRequest>['topics']>
type FetchPartition = NonNullable<FetchTopics[number]['partitions']>[number]
type Fetched = { errorCode: number; sessionId: number }

class Probe extends TopicProbe {
  /** Three batches of three records, a second apart. */
  async fill(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const records = [0, 1, 2].map(n => ({ value: Buffer.from(`${i}-${n}`), timestamp: TIME + (3 * i + n) * 1000 }))
      const partitionData = [{ index: 0, records: encodeBatch(records) }]
      const topicData = [{ name: this.topic, partitionData }]
      await this.asker().ask(PRODUCE, 12, { acks: -1, timeoutMs: 5000, topicData })
    }
    await this.asker().ask(DELETE_RECORDS, 2, { topics: this.partitions({ offset: 2 }), timeoutMs: 5000 })
  }

  /** The topic with partition 0, in requests that call it `name` and `partitionIndex`. */
  partitions<T extends object>(more: T, partitionIndex = 0) {
    return [{ name: this.topic, partitions: [{ partitionIndex, ...more }] }]
  }

  wanted(version: number, partition: Partial<FetchPartition> = {}, topic = {}): FetchTopics {
    const one = { partition: 0, fetchOffset: 2, partitionMaxBytes: 1_000_000, ...partition }
    return [{ ...(version >= 13 ? { topicId: this.topicId } : { topic: this.topic }), ...topic, partitions: [one] }]
  }

  /** Answered at once, whatever there is. */
  async fetch(what: string, version: number, more: Init<typeof FetchRequest> = {}, client?: string): Promise<Fetched> {
    const me = version >= 15 ? {} : { replicaId: -1 }
    const request = { ...me, maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, topics: this.wanted(version), ...more }
    const response = await this.asker(client).ask(FETCH, version, request)
    if (response.sessionId !== 0) this.notes.nameOnce(response.sessionId, 'S')
    await this.tell(what, Promise.resolve(response))
    return response
  }

  async offset(what: string, version: number, timestamp: number | bigint, more: object = {}, request: object = {}) {
    const topics = this.partitions({ timestamp: BigInt(timestamp), ...more })
    await this.tell(what, this.asker().ask(OFFSETS, version, { replicaId: -1, topics, ...request }))
  }

  async epochEnd(what: string, version: number, leaderEpoch: number, more: object = {}, request: object = {}) {
    const topics = [{ topic: this.topic, partitions: [{ partition: 0, leaderEpoch, ...more }] }]
    await this.tell(what, this.asker().ask(EPOCH_END, version, { topics, ...request }))
  }

  async deleteTo(what: string, offset: number, version = 2, partitionIndex = 0, name = this.topic) {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
    await this.tell(what, this.asker().ask(DELETE_RECORDS, version, { topics, timeoutMs: 1000 }))
  }
}

export async function readErrors(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'read-errors')
  mkdirSync(folder)
  const broker = await brokers.start(kind, { folder, settings: { 'auto.create.topics.enable': 'false' } })
  // Nothing but DeleteRecords may move the begin of a log here.
  const filled = Object.entries(CASES).map(([name, { configs, run }]) => {
    const all = async (p: Probe) => {
      await p.fill()
      await run(p)
    }
    return [name, { configs: { 'retention.ms': '-1', ...configs }, run: all }]
  })
  await runTopicCases(
    'read-errors',
    context,
    broker,
    Object.fromEntries(filled),
    name => new Probe(name, broker.bootstrap),
  )
}

const EACH_FETCH = [4, 5, 6, 7, 9, 11, 12, 13, 15, 17, 18]

const CASES: Record<string, TopicCase<Probe>> = {
  'fetch: offsets': {
    async run(p) {
      for (const offset of [-2, -1, 0, 1, 2, 3, 7, 8, 9, 10, 1_000_000, MAX]) {
        await p.fetch(`from ${offset}`, 13, { topics: p.wanted(13, { fetchOffset: offset }) })
      }
      for (const version of EACH_FETCH) {
        await p.fetch(`v${version}`, version)
        await p.fetch(`v${version}, too low`, version, { topics: p.wanted(version, { fetchOffset: 0 }) })
        await p.fetch(`v${version}, at the end`, version, { topics: p.wanted(version, { fetchOffset: 9 }) })
      }
      await p.fetch('an empty partition', 13, { topics: p.wanted(13, { partition: 1, fetchOffset: 0 }) })
      await p.fetch('past an empty partition', 13, { topics: p.wanted(13, { partition: 1, fetchOffset: 1 }) })
    },
  },
  'fetch: sizes': {
    async run(p) {
      await p.fetch('one byte of a partition', 13, { topics: p.wanted(13, { partitionMaxBytes: 1 }) })
      await p.fetch('no byte of a partition', 13, { topics: p.wanted(13, { partitionMaxBytes: 0 }) })
      await p.fetch('one byte', 13, { maxBytes: 1 })
      await p.fetch('no byte', 13, { maxBytes: 0 })
      await p.fetch('no byte is enough', 13, { minBytes: 0 })
      await p.fetch('more than there is', 13, { minBytes: 1_000_000, maxWaitMs: 50 })
      await p.fetch('a negative wait', 13, { minBytes: 1_000_000, maxWaitMs: -1 })
      await p.fetch('two batches', 13, { topics: p.wanted(13, { fetchOffset: 3, partitionMaxBytes: 200 }) })
    },
  },
  'fetch: isolation': {
    async run(p) {
      for (const version of [4, 11, 12, 13]) {
        for (const isolationLevel of [0, 1]) {
          await p.fetch(`level ${isolationLevel}, v${version}`, version, { isolationLevel })
          const topics = p.wanted(version, { fetchOffset: 99 })
          await p.fetch(`level ${isolationLevel}, v${version}, past the end`, version, { isolationLevel, topics })
        }
      }
    },
  },
  'fetch: leader epochs': {
    async run(p) {
      for (const version of [9, 12, 13]) {
        for (const currentLeaderEpoch of [-2, -1, 0, 1, 7]) {
          const topics = p.wanted(version, { currentLeaderEpoch })
          await p.fetch(`epoch ${currentLeaderEpoch}, v${version}`, version, { topics })
        }
      }
      await p.fetch('epoch 7, v16', 16, { topics: p.wanted(16, { currentLeaderEpoch: 7 }) })
      await p.fetch('epoch 7 and too low', 13, { topics: p.wanted(13, { currentLeaderEpoch: 7, fetchOffset: 0 }) })
      for (const lastFetchedEpoch of [-2, -1, 0, 1, 7]) {
        await p.fetch(`last epoch ${lastFetchedEpoch}`, 13, { topics: p.wanted(13, { lastFetchedEpoch }) })
        const topics = p.wanted(13, { lastFetchedEpoch, fetchOffset: 50 })
        await p.fetch(`last epoch ${lastFetchedEpoch}, past the end`, 13, { topics })
        const low = p.wanted(13, { lastFetchedEpoch, fetchOffset: 0 })
        await p.fetch(`last epoch ${lastFetchedEpoch}, too low`, 13, { topics: low })
      }
    },
  },
  'fetch: topics and partitions that are not there': {
    async run(p) {
      await p.fetch('no such name', 12, { topics: p.wanted(12, {}, { topic: 'nobody' }) })
      await p.fetch('no such name, v4', 4, { topics: p.wanted(4, {}, { topic: 'nobody' }) })
      await p.fetch('no name', 12, { topics: p.wanted(12, {}, { topic: '' }) })
      await p.fetch('no such id', 13, { topics: p.wanted(13, {}, { topicId: NOBODY }) })
      await p.fetch('no id', 13, { topics: p.wanted(13, {}, { topicId: ZERO_UUID }) })
      for (const version of [4, 12, 13]) {
        for (const partition of [2, -1]) {
          await p.fetch(`partition ${partition}, v${version}`, version, { topics: p.wanted(version, { partition }) })
        }
      }
      await p.fetch('no such id beside a good one', 13, {
        topics: [...p.wanted(13, {}, { topicId: NOBODY }), ...p.wanted(13)],
        minBytes: 1000,
        maxWaitMs: 2000,
      })
      await p.fetch('no topics', 13, { topics: [] })
      await p.fetch('no topics, v4', 4, { topics: [] })
      await p.fetch('no partitions', 13, { topics: [{ topicId: p.topicId, partitions: [] }] })
    },
  },
  'fetch: as a follower that is none': {
    async run(p) {
      for (const version of [11, 12, 13]) await p.fetch(`v${version}`, version, { replicaId: 99 })
      await p.fetch('v15', 15, { replicaState: { replicaId: 99, replicaEpoch: 1 } })
      await p.fetch('v15, no such partition', 15, {
        replicaState: { replicaId: 99, replicaEpoch: 1 },
        topics: p.wanted(15, { partition: 5 }),
      })
      await p.fetch('the debugging consumer', 13, { replicaId: -2 })
    },
  },
  'fetch sessions': {
    async run(p) {
      const { sessionId } = await p.fetch('a new one', 13, { sessionEpoch: 0 })
      await p.fetch('nothing new', 13, { sessionId, sessionEpoch: 1, topics: p.wanted(13, { fetchOffset: 9 }) })
      await p.fetch('nothing asked', 13, { sessionId, sessionEpoch: 2, topics: [] })
      await p.fetch('read again', 13, { sessionId, sessionEpoch: 3, topics: p.wanted(13, { fetchOffset: 5 }) })
      await p.fetch('an older epoch', 13, { sessionId, sessionEpoch: 1, topics: [] })
      await p.fetch('a later epoch', 13, { sessionId, sessionEpoch: 9, topics: [] })
      await p.fetch('after both', 13, { sessionId, sessionEpoch: 4, topics: [] })
      await p.fetch('by name', 12, { sessionId, sessionEpoch: 5, topics: [] })
      await p.fetch('another partition', 13, {
        sessionId,
        sessionEpoch: 5,
        topics: p.wanted(13, { partition: 1, fetchOffset: 0 }),
      })
      const bad = p.wanted(13, { partition: 7 })
      await p.fetch('a partition that is not there', 13, { sessionId, sessionEpoch: 6, topics: bad })
      await p.fetch('it is told again', 13, { sessionId, sessionEpoch: 7, topics: [] })
      const forget = (...partitions: number[]) => [{ topicId: p.topicId, partitions }]
      await p.fetch('forgotten', 13, { sessionId, sessionEpoch: 8, topics: [], forgottenTopicsData: forget(7, 1, 55) })
      const unknown = p.wanted(13, {}, { topicId: NOBODY })
      await p.fetch('a topic that is not there', 13, { sessionId, sessionEpoch: 9, topics: unknown })
      await p.fetch('too low', 13, { sessionId, sessionEpoch: 10, topics: p.wanted(13, { fetchOffset: 0 }) })
      await p.fetch('and again', 13, { sessionId, sessionEpoch: 11, topics: [] })
      const closing = [...forget(0), { topicId: NOBODY, partitions: [0] }]
      await p.fetch('all forgotten', 13, { sessionId, sessionEpoch: 12, topics: [], forgottenTopicsData: closing })
      await p.fetch('which closes it', 13, { sessionId, sessionEpoch: 13, topics: [] })
    },
  },
  'fetch sessions: begin and end': {
    async run(p) {
      await p.fetch('nobody has it', 13, { sessionId: 123_456, sessionEpoch: 1, topics: [] })
      await p.fetch('nobody has it, v7', 7, { sessionId: 123_456, sessionEpoch: 1, topics: [] })
      await p.fetch('no id but an epoch', 13, { sessionId: 0, sessionEpoch: 5, topics: [] })
      await p.fetch('no session', 13, { sessionEpoch: -1 })
      await p.fetch('an empty one', 13, { sessionEpoch: 0, topics: [] })
      await p.fetch('a negative epoch', 13, { sessionId: 5, sessionEpoch: -2, topics: [] })
      const { sessionId } = await p.fetch('a new one', 13, { sessionEpoch: 0 })
      const { sessionId: next } = await p.fetch('replaced', 13, { sessionId, sessionEpoch: 0 })
      await p.fetch('the old one', 13, { sessionId, sessionEpoch: 1, topics: [] })
      await p.fetch('the new one', 13, { sessionId: next, sessionEpoch: 1, topics: [] })
      await p.fetch('from another connection', 13, { sessionId: next, sessionEpoch: 2, topics: [] }, 'other')
      await p.fetch('closed', 13, { sessionId: next, sessionEpoch: -1, topics: [] })
      await p.fetch('which ends it', 13, { sessionId: next, sessionEpoch: 3, topics: [] })
      const { sessionId: named } = await p.fetch('by name', 12, { sessionEpoch: 0 })
      await p.fetch('then by id', 13, { sessionId: named, sessionEpoch: 1, topics: [] })
      const bad = p.wanted(12, {}, { topic: 'nobody' })
      await p.fetch('a name that is not there', 12, { sessionId: named, sessionEpoch: 1, topics: bad })
    },
  },
  'list offsets: timestamps': {
    async run(p) {
      for (const version of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) {
        for (const timestamp of [-1, -2, -3, -4, -5, -6, -7]) {
          await p.offset(`${timestamp}, v${version}`, version, timestamp)
        }
      }
      for (const [what, timestamp] of Object.entries({
        'before all': 0,
        'of a deleted record': TIME,
        'of the first': TIME + 2000,
        'between two': TIME + 3500,
        'of the last': TIME + 8000,
        'after all': TIME + 8001,
      })) {
        await p.offset(what, 7, timestamp)
      }
      await p.offset('the largest', 7, 2n ** 63n - 1n)
      await p.offset('the smallest', 7, -(2n ** 63n))
    },
  },
  'list offsets: epochs': {
    async run(p) {
      for (const currentLeaderEpoch of [-2, -1, 0, 1, 7]) {
        for (const timestamp of [-1, -2, TIME]) {
          await p.offset(`${timestamp}, epoch ${currentLeaderEpoch}`, 7, timestamp, { currentLeaderEpoch })
        }
      }
      await p.offset('epoch 7, v4', 4, -1, { currentLeaderEpoch: 7 })
    },
  },
  'list offsets: who asks': {
    async run(p) {
      for (const isolationLevel of [0, 1]) {
        for (const timestamp of [-1, -2, -3, TIME + 8000]) {
          await p.offset(`level ${isolationLevel}, ${timestamp}`, 7, timestamp, {}, { isolationLevel })
        }
      }
      for (const replicaId of [-2, 0, 1, 99]) {
        for (const timestamp of [-1, -2])
          await p.offset(`replica ${replicaId}, ${timestamp}`, 7, timestamp, {}, { replicaId })
      }
    },
  },
  'list offsets: what is not there': {
    async run(p) {
      for (const version of [1, 7, 11]) {
        for (const partitionIndex of [2, -1]) {
          await p.offset(`partition ${partitionIndex}, v${version}`, version, -1, { partitionIndex })
        }
        const partitions = [{ partitionIndex: 0, timestamp: -1n }]
        await p.offset(`no such topic, v${version}`, version, -1, {}, { topics: [{ name: 'nobody', partitions }] })
        await p.offset(`no name, v${version}`, version, -1, {}, { topics: [{ name: '', partitions }] })
        await p.offset(`no topics, v${version}`, version, -1, {}, { topics: [] })
        const twice = [...partitions, { partitionIndex: 0, timestamp: -2n }, { partitionIndex: 1, timestamp: -2n }]
        await p.offset(`twice, v${version}`, version, -1, {}, { topics: [{ name: p.topic, partitions: twice }] })
      }
      await p.offset('an empty partition', 7, -1, { partitionIndex: 1 })
      await p.offset('the largest time of an empty partition', 7, -3, { partitionIndex: 1 })
      await p.offset('a time in an empty partition', 7, TIME, { partitionIndex: 1 })
    },
  },
  'list offsets: where broker decides the time': {
    configs: { 'message.timestamp.type': 'LogAppendTime' },
    async run(p) {
      await p.offset('before all', 7, TIME)
      await p.offset('after all', 7, 2n ** 60n)
    },
  },
  'offsets for leader epochs': {
    async run(p) {
      for (const version of [2, 3, 4]) {
        for (const leaderEpoch of [-2, -1, 0, 1, 7]) {
          await p.epochEnd(`epoch ${leaderEpoch}, v${version}`, version, leaderEpoch)
        }
        for (const currentLeaderEpoch of [-1, 0, 1, 7]) {
          await p.epochEnd(`current epoch ${currentLeaderEpoch}, v${version}`, version, 0, { currentLeaderEpoch })
        }
        await p.epochEnd(`no such partition, v${version}`, version, 0, { partition: 4 })
        const topics = [{ topic: 'nobody', partitions: [{ partition: 0, leaderEpoch: 0 }] }]
        await p.epochEnd(`no such topic, v${version}`, version, 0, {}, { topics })
        await p.epochEnd(`no topics, v${version}`, version, 0, {}, { topics: [] })
        await p.epochEnd(`an empty partition, v${version}`, version, 0, { partition: 1 })
      }
      for (const replicaId of [-1, 1, 99]) await p.epochEnd(`replica ${replicaId}`, 4, 0, {}, { replicaId })
    },
  },
  'delete records': {
    async run(p) {
      for (const offset of [-2, -3, 0, 1, 2, 3, 5, 10, 1_000_000, MAX]) await p.deleteTo(`${offset}`, offset)
      await p.offset('where it begins', 7, -2)
      for (const version of [0, 1, 2]) await p.deleteTo(`6, v${version}`, 6, version)
      await p.deleteTo('9, the end', 9)
      await p.deleteTo('10, past it', 10)
      await p.deleteTo('-1, all', -1)
      await p.offset('where it begins', 7, -2)
      await p.fetch('below it', 13)
      await p.deleteTo('an empty partition', 0, 2, 1)
      await p.deleteTo('all of an empty partition', -1, 2, 1)
      await p.deleteTo('past an empty partition', 1, 2, 1)
    },
  },
  'delete records: what is not there': {
    async run(p) {
      await p.deleteTo('no such partition', 1, 2, 5)
      await p.deleteTo('a negative partition', 1, 2, -1)
      await p.deleteTo('no such topic', 1, 2, 0, 'nobody')
      await p.deleteTo('no name', 1, 2, 0, '')
      await p.deleteTo('the metadata log', 1, 2, 0, '__cluster_metadata')
      const none = { topics: [], timeoutMs: 1000 }
      await p.tell('no topics', p.asker().ask(DELETE_RECORDS, 2, none))
      const good = { name: p.topic, partitions: [{ partitionIndex: 0, offset: 3 }] }
      const bad = { name: 'nobody', partitions: [{ partitionIndex: 0, offset: 3 }] }
      await p.tell('beside a good one', p.asker().ask(DELETE_RECORDS, 2, { topics: [bad, good], timeoutMs: 1000 }))
      await p.tell('no time', p.asker().ask(DELETE_RECORDS, 2, { topics: p.partitions({ offset: 4 }), timeoutMs: 0 }))
    },
  },
  'delete records: what is kept for its keys': {
    configs: { 'cleanup.policy': 'compact,delete' },
    async run(p) {
      await p.deleteTo('compacted and deleted', 0)
    },
  },
}
