import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '@ottla/io/memory'
import { decodeFromBytes, ErrorCode, encodeToBytes } from '@ottla/protocol'
import { FetchRequest, type FetchResponse } from '@ottla/protocol/messages/fetch'
import { type FetchPartition, type FetchPlan, FetchSessionCache, isNews, nextEpoch } from './fetch-session.ts'

const WITH_NAMES = 12
const WITH_IDS = 13
const MINUTES_MS = 60_000

interface Wanted {
  readonly sessionId?: number
  readonly epoch: number
  /** `topic:partition` with an offset, or without one at 0. */
  readonly fetch?: Readonly<Record<string, number>> | readonly string[]
  readonly forget?: readonly string[]
  readonly replicaId?: number
}

/** As it comes off the wire, with all fields. */
function request({ sessionId = 0, epoch, fetch = [], forget = [], replicaId = -1 }: Wanted): FetchRequest {
  const offsets = Object.entries<number>(Array.isArray(fetch) ? Object.fromEntries(fetch.map(key => [key, 0])) : fetch)
  const split = (key: string): [topic: string, partition: number] => {
    const [topic = '', partition] = key.split(':')
    return [topic, Number(partition)]
  }
  const bytes = encodeToBytes(FetchRequest, WITH_NAMES, {
    replicaId,
    maxWaitMs: 0,
    minBytes: 0,
    sessionId,
    sessionEpoch: epoch,
    topics: offsets.map(([key, fetchOffset]) => {
      const [topic, partition] = split(key)
      return { topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 100 }] }
    }),
    forgottenTopicsData: forget.map(key => {
      const [topic, partition] = split(key)
      return { topic, partitions: [partition] }
    }),
  })
  return decodeFromBytes(FetchRequest, WITH_NAMES, bytes)
}

class Sessions {
  readonly cache: FetchSessionCache
  nowMs = 0

  constructor(maxSessions = 10) {
    this.cache = new FetchSessionCache(maxSessions, new SeededRandom(1))
  }

  plan(wanted: Wanted, version = WITH_NAMES): FetchPlan {
    return this.cache.plan(request(wanted), version, () => undefined, this.nowMs)
  }

  /** Id of a new session; 0 if there was no room. */
  create(partitions: number, replicaId = -1): number {
    const fetch = Array.from({ length: partitions }, (_, i) => `t:${i}`)
    return this.plan({ epoch: 0, fetch, replicaId }).sessionId
  }

  isThere(sessionId: number): boolean {
    // Epoch 99 is right in no test: whether the id or the epoch is wrong tells whether it is there.
    return this.plan({ sessionId, epoch: 99 }).errorCode === ErrorCode.INVALID_FETCH_SESSION_EPOCH
  }
}

function keys(plan: FetchPlan): string[] {
  return [...plan.partitions].map(({ topic, partition }) => `${topic}:${partition}`)
}

function offsets(plan: FetchPlan): Record<string, number> {
  return Object.fromEntries([...plan.partitions].map(p => [`${p.topic}:${p.partition}`, p.fetchOffset]))
}

test('epoch -1 is a full fetch that remembers nothing, and ends the session it names', () => {
  const sessions = new Sessions()
  const plan = sessions.plan({ epoch: -1, fetch: ['a:0', 'b:1'] })
  assert.deepEqual([plan.sessionId, plan.incremental, plan.errorCode], [0, false, 0])
  assert.deepEqual(keys(plan), ['a:0', 'b:1'])
  const id = sessions.create(1)
  sessions.plan({ sessionId: id, epoch: -1 })
  assert.equal(sessions.cache.size, 0)
})

test('epoch 0 makes a session, in place of the one it names, even without partitions', () => {
  const sessions = new Sessions()
  const first = sessions.plan({ epoch: 0, fetch: ['a:0'] })
  assert.ok(first.sessionId > 0)
  assert.equal(first.incremental, false)
  const second = sessions.plan({ sessionId: first.sessionId, epoch: 0, fetch: ['b:0'] })
  assert.notEqual(second.sessionId, first.sessionId)
  assert.equal(sessions.isThere(first.sessionId), false)
  const empty = sessions.plan({ epoch: 0 })
  assert.ok(empty.sessionId > 0)
  assert.equal(sessions.cache.size, 2)
  assert.equal(sessions.plan({ sessionId: empty.sessionId, epoch: 1 }).sessionId, 0, 'and has ended if it stays empty')
  assert.equal(sessions.cache.size, 1)
})

test('an incremental fetch names what changed, and fetches all', () => {
  const sessions = new Sessions()
  const { sessionId } = sessions.plan({ epoch: 0, fetch: { 'a:0': 1, 'a:1': 2, 'b:0': 3 } })
  const same = sessions.plan({ sessionId, epoch: 1 })
  assert.deepEqual([same.incremental, same.sessionId], [true, sessionId])
  assert.deepEqual(offsets(same), { 'a:0': 1, 'a:1': 2, 'b:0': 3 })
  const moved = sessions.plan({ sessionId, epoch: 2, fetch: { 'a:1': 20, 'c:0': 4 } })
  assert.deepEqual(offsets(moved), { 'a:0': 1, 'a:1': 20, 'b:0': 3, 'c:0': 4 })
  const fewer = sessions.plan({ sessionId, epoch: 3, forget: ['a:0', 'b:0', 'nobody:7'] })
  assert.deepEqual(offsets(fewer), { 'a:1': 20, 'c:0': 4 })
})

test('a session whose partitions are all forgotten is gone', () => {
  const sessions = new Sessions()
  const { sessionId } = sessions.plan({ epoch: 0, fetch: ['a:0'] })
  const plan = sessions.plan({ sessionId, epoch: 1, forget: ['a:0'] })
  assert.deepEqual([plan.errorCode, plan.sessionId, keys(plan)], [0, 0, []])
  assert.equal(sessions.isThere(sessionId), false)
})

test('errors: an unknown session, a wrong epoch, names where there were ids', () => {
  const sessions = new Sessions()
  const { sessionId } = sessions.plan({ epoch: 0, fetch: ['a:0'] })
  assert.equal(sessions.plan({ sessionId: sessionId + 1, epoch: 1 }).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  assert.equal(sessions.plan({ sessionId: 0, epoch: 1 }).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  assert.equal(sessions.plan({ sessionId, epoch: 2 }).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  assert.equal(sessions.plan({ sessionId, epoch: 1 }, WITH_IDS).errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  for (const refused of [sessions.plan({ sessionId, epoch: 7 })])
    assert.deepEqual([refused.sessionId, keys(refused)], [0, []])
  assert.equal(sessions.plan({ sessionId, epoch: 1 }).errorCode, 0, 'none of that has moved the epoch')
  assert.equal(
    sessions.plan({ sessionId, epoch: 1 }).errorCode,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    'a request sent again is refused',
  )
})

test('after the last epoch comes 1', () => {
  assert.equal(nextEpoch(1), 2)
  assert.equal(nextEpoch(0x7ffffffe), 0x7fffffff)
  assert.equal(nextEpoch(0x7fffffff), 1)
})

test('a partition that had data goes to the end of the line', () => {
  const sessions = new Sessions()
  const { sessionId } = sessions.plan({ epoch: 0, fetch: ['a:0', 'a:1', 'a:2'] })
  const plan = sessions.plan({ sessionId, epoch: 1 })
  const [first] = [...plan.partitions]
  sessions.cache.sentData(sessionId, first!)
  assert.deepEqual(keys(sessions.plan({ sessionId, epoch: 2 })), ['a:1', 'a:2', 'a:0'])
  assert.deepEqual(
    keys(sessions.plan({ sessionId, epoch: 3, fetch: { 'a:2': 9, 'b:0': 0 } })),
    ['a:1', 'a:2', 'a:0', 'b:0'],
    'to be named again is not to lose the place',
  )
})

test('a topic id that is not known yet gets its name when it is', () => {
  const cache = new FetchSessionCache(10, new SeededRandom(1))
  const topicId = new SeededRandom(2).uuid()
  const of = (sessionId: number, sessionEpoch: number): FetchRequest => ({
    ...request({ sessionId, epoch: sessionEpoch }),
    topics: sessionEpoch > 0 ? [] : [{ ...request({ epoch: 0, fetch: ['x:0'] }).topics[0]!, topic: '', topicId }],
  })
  const before = cache.plan(of(0, 0), WITH_IDS, () => undefined, 0)
  assert.deepEqual(keys(before), [':0'])
  const after = cache.plan(of(before.sessionId, 1), WITH_IDS, id => (id === topicId ? 'late' : undefined), 0)
  assert.deepEqual(keys(after), ['late:0'])
})

// ---------------------------------------------------------------------------------------------------------- eviction

test('full: nobody gives way to a newcomer at first', () => {
  const sessions = new Sessions(2)
  const [a, b] = [sessions.create(1), sessions.create(1)]
  assert.equal(sessions.create(50), 0)
  assert.ok(sessions.isThere(a) && sessions.isThere(b))
})

test('a session that nobody has used for two minutes gives way', () => {
  const sessions = new Sessions(2)
  const [used, unused] = [sessions.create(5), sessions.create(5)]
  sessions.nowMs = 1 * MINUTES_MS
  sessions.plan({ sessionId: used, epoch: 1 })
  sessions.nowMs = 2 * MINUTES_MS + 1
  assert.ok(sessions.create(1) > 0)
  assert.deepEqual([sessions.isThere(used), sessions.isThere(unused)], [true, false])
})

test('one of more than two minutes gives way to a larger one, not to an equal one', () => {
  const sessions = new Sessions(2)
  const [small, large] = [sessions.create(3), sessions.create(6)]
  sessions.nowMs = 3 * MINUTES_MS
  for (const sessionId of [small, large]) sessions.plan({ sessionId, epoch: 1 })
  assert.equal(sessions.create(2), 0)
  assert.equal(sessions.create(3), 0)
  assert.ok(sessions.create(4) > 0)
  assert.deepEqual([sessions.isThere(small), sessions.isThere(large)], [false, true])
})

test("a follower's takes the place of a consumer's, never the other way", () => {
  const sessions = new Sessions(2)
  const consumer = sessions.create(100)
  const follower = sessions.create(1, 5)
  const second = sessions.create(1, 6)
  assert.ok(second > 0, 'at once, and however small')
  assert.deepEqual([sessions.isThere(consumer), sessions.isThere(follower)], [false, true])
  sessions.nowMs = 3 * MINUTES_MS
  for (const sessionId of [follower, second]) sessions.plan({ sessionId, epoch: 1 })
  assert.equal(sessions.create(100), 0)
})

test('with no slots there are no sessions, and every fetch is whole', () => {
  const sessions = new Sessions(0)
  const plan = sessions.plan({ epoch: 0, fetch: ['a:0'] })
  assert.deepEqual([plan.sessionId, keys(plan)], [0, ['a:0']])
})

// -------------------------------------------------------------------------------------------------------------- news

type Answer = FetchResponse['responses'][number]['partitions'][number]

test('what is news: data, errors, and watermarks that the peer has not been told', () => {
  const [partition] = [...new Sessions().plan({ epoch: 0, fetch: ['a:0'] }).partitions] as [FetchPartition]
  const answer = (changes: Partial<Answer> = {}): Answer =>
    ({
      errorCode: 0,
      highWatermark: 5,
      logStartOffset: 0,
      preferredReadReplica: -1,
      divergingEpoch: { epoch: -1, endOffset: -1 },
      ...changes,
    }) as Answer
  const story: [what: string, answer: Answer, bytes: number, news: boolean][] = [
    ['the first time', answer(), 0, true],
    ['nothing new', answer(), 0, false],
    ['data', answer(), 100, true],
    ['nothing after it', answer(), 0, false],
    ['a high watermark', answer({ highWatermark: 6 }), 0, true],
    ['a log start', answer({ highWatermark: 6, logStartOffset: 2 }), 0, true],
    ['nothing again', answer({ highWatermark: 6, logStartOffset: 2 }), 0, false],
    ['an error', answer({ errorCode: 6, highWatermark: -1, logStartOffset: -1 }), 0, true],
    ['the same error', answer({ errorCode: 6, highWatermark: -1, logStartOffset: -1 }), 0, true],
    ['the end of it', answer({ highWatermark: 6, logStartOffset: 2 }), 0, true],
    ['a replica to ask', answer({ highWatermark: 6, logStartOffset: 2, preferredReadReplica: 3 }), 0, true],
    [
      'another history',
      answer({ highWatermark: 6, logStartOffset: 2, divergingEpoch: { epoch: 1, endOffset: 3 } }),
      0,
      true,
    ],
    ['nothing at last', answer({ highWatermark: 6, logStartOffset: 2 }), 0, false],
  ]
  for (const [what, given, bytes, news] of story) assert.equal(isNews(partition, given, bytes), news, what)
})
