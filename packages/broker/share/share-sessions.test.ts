import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNews, rotated, type SessionRequest, type ShareSession, ShareSessions } from './share-sessions.ts'

const at = (...numbers: number[]) => numbers.map(partition => ({ topicId: 'T', partition }))

function request(epoch: number, more: Partial<SessionRequest> = {}): SessionRequest {
  return {
    groupId: 'g',
    memberId: 'm',
    epoch,
    connectionId: 1,
    wanted: [],
    forgotten: [],
    hasAcknowledgements: false,
    ...more,
  }
}

function planned(sessions: ShareSessions, epoch: number, more: Partial<SessionRequest> = {}): number[] {
  return sessions.plan(request(epoch, more)).partitions.map(({ partition }) => partition)
}

const NOTHING = { hasRecords: false, hasFailed: false }
const RECORDS = { hasRecords: true, hasFailed: false }
const FAILURE = { hasRecords: false, hasFailed: true }

function opened(...partitions: number[]): [ShareSessions, ShareSession] {
  const sessions = new ShareSessions(10)
  sessions.plan(request(0, { wanted: at(...partitions) }))
  return [sessions, sessions.get('g', 'm')!]
}

test('a session has what was named and not forgotten', () => {
  const sessions = new ShareSessions(10)
  assert.deepEqual(planned(sessions, 0, { wanted: at(0, 1) }), [0, 1])
  assert.deepEqual(planned(sessions, 1, { wanted: at(2, 1) }), [0, 1, 2])
  assert.deepEqual(planned(sessions, 2, { forgotten: at(1, 7) }), [0, 2])
  assert.deepEqual(planned(sessions, -1), [])
  assert.ok(sessions.get('g', 'm'), 'until it has been answered')
})

test('what is read begins elsewhere each time', () => {
  assert.deepEqual(rotated([0, 1, 2], 0), [0, 1, 2])
  assert.deepEqual(rotated([0, 1, 2], 1), [1, 2, 0])
  assert.deepEqual(rotated([0, 1, 2], 5), [2, 0, 1])
  assert.deepEqual(rotated([], 1), [])
})

test('a session does not begin with something twice, and ends the one before all the same', () => {
  const [sessions] = opened(0)
  assert.throws(() => sessions.plan(request(0, { wanted: at(1, 2, 1) })), { code: 'UNKNOWN_SERVER_ERROR' })
  assert.equal(sessions.get('g', 'm'), undefined)
  sessions.plan(request(0, { wanted: at(0) }))
  assert.deepEqual(planned(sessions, 1, { wanted: at(1, 0, 1) }), [0, 1])
})

test('an epoch that is not the next one is refused, and counts for nothing', () => {
  const [sessions] = opened(0)
  for (const epoch of [2, 5, -2]) {
    assert.throws(() => sessions.plan(request(epoch)), { code: 'INVALID_SHARE_SESSION_EPOCH' })
    assert.throws(() => sessions.touch('g', 'm', epoch), { code: 'INVALID_SHARE_SESSION_EPOCH' })
  }
  sessions.touch('g', 'm', 1)
  assert.deepEqual(planned(sessions, 2), [0])
  assert.throws(() => sessions.touch('g', 'm', 0), { code: 'INVALID_SHARE_SESSION_EPOCH' })
})

test('after the last epoch comes the first', () => {
  const [sessions, session] = opened(0)
  session.epoch = 0x7fff_ffff
  sessions.touch('g', 'm', 0x7fff_ffff)
  assert.equal(session.epoch, 1)
})

test('there is no session that nobody has begun', () => {
  const [sessions] = opened(0)
  assert.throws(() => sessions.plan(request(1, { memberId: 'other' })), { code: 'SHARE_SESSION_NOT_FOUND' })
  assert.throws(() => sessions.touch('other', 'm', -1), { code: 'SHARE_SESSION_NOT_FOUND' })
  const acknowledging = request(0, { hasAcknowledgements: true })
  assert.throws(() => sessions.plan(acknowledging), { code: 'INVALID_REQUEST' })
  assert.ok(sessions.get('g', 'm'), 'what was refused has ended nothing')
})

test('beginning anew takes the place of the old session', () => {
  const sessions = new ShareSessions(1)
  sessions.plan(request(0, { wanted: at(0) }))
  assert.deepEqual(planned(sessions, 0, { wanted: at(1) }), [1])
  assert.equal(sessions.size, 1)
  assert.throws(() => sessions.plan(request(0, { memberId: 'other' })), { code: 'SHARE_SESSION_LIMIT_REACHED' })
  assert.ok(sessions.remove('g', 'm'))
  assert.equal(sessions.hasMembers('g'), false)
  assert.equal(sessions.remove('g', 'm'), undefined)
  assert.deepEqual(planned(sessions, 0, { memberId: 'other', wanted: at(1) }), [1])
})

test('group and member are two names, whatever they hold', () => {
  const sessions = new ShareSessions(10)
  sessions.plan(request(0, { groupId: 'a', memberId: 'bc' }))
  assert.equal(sessions.get('ab', 'c'), undefined)
})

test('a response has what is new, what has records, and what has failed until that is over', () => {
  const [sessions, session] = opened(0)
  const [known, added] = at(0, 1)
  assert.equal(isNews(session, known!, NOTHING), false)
  sessions.plan(request(1, { wanted: [added!] }))
  assert.equal(isNews(session, added!, NOTHING), true)
  assert.equal(isNews(session, added!, NOTHING), false)
  assert.equal(isNews(session, known!, RECORDS), true)
  assert.equal(isNews(session, known!, FAILURE), true)
  assert.equal(isNews(session, known!, FAILURE), true)
  assert.equal(isNews(session, known!, NOTHING), true)
  assert.equal(isNews(session, known!, NOTHING), false)
})

test('a partition that had records waits until others had their turn', () => {
  const [sessions, session] = opened(0, 1, 2)
  isNews(session, at(0)[0]!, RECORDS)
  assert.deepEqual(planned(sessions, 1), [1, 2, 0])
})
