import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../errors.ts'
import { readBatchHeader, verifyBatch } from './batch.ts'
import { type ControlRecord, decodeControlRecord, encodeEndTxnMarker, encodeQuorumControl } from './control.ts'
import { decodeRecords } from './record.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const COMMIT_KEY = bytes(0, 0, 0, 1)
const LEADER_KEY = bytes(0, 0, 0, 2)

test('types that nobody knows yet are passed over, later versions are read as far as they are known', () => {
  assert.deepEqual(decodeControlRecord({ key: bytes(0, 0, 0, 99), value: null }), { type: 'UNKNOWN', id: 99 })
  assert.deepEqual(decodeControlRecord({ key: bytes(0, 7, 0, 1, 5), value: bytes(0, 9, 0, 0, 0, 3, 1, 2) }), {
    type: 'COMMIT',
    coordinatorEpoch: 3,
  })
  // leaderId 5, no voters, then what version 9 might have.
  const later = bytes(0, 9, 0, 0, 0, 5, 1, 1, 0, 42, 42)
  const record = decodeControlRecord({ key: LEADER_KEY, value: later })
  assert.deepEqual(record, {
    type: 'LEADER_CHANGE',
    message: { version: 9, leaderId: 5, voters: [], grantingVoters: [] },
  })
})

test('keys and values that nobody writes are errors', () => {
  const broken: Record<string, { key: Uint8Array | null; value: Uint8Array | null }> = {
    'no key': { key: null, value: bytes(0, 0, 0, 0, 0, 1) },
    'a short key': { key: bytes(0, 0, 0), value: bytes(0, 0, 0, 0, 0, 1) },
    'a negative key version': { key: bytes(0xff, 0xff, 0, 1), value: bytes(0, 0, 0, 0, 0, 1) },
    'no value': { key: COMMIT_KEY, value: null },
    'a short value': { key: COMMIT_KEY, value: bytes(0, 0, 0, 0) },
    'a long value': { key: COMMIT_KEY, value: bytes(0, 0, 0, 0, 0, 1, 0) },
    'a negative version': { key: COMMIT_KEY, value: bytes(0xff, 0xff, 0, 0, 0, 1) },
    'a cut message': { key: LEADER_KEY, value: bytes(0, 0, 0, 0) },
    'voters without end': { key: LEADER_KEY, value: bytes(0, 0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f) },
  }
  for (const [what, record] of Object.entries(broken)) {
    assert.throws(() => decodeControlRecord(record), ProtocolError, what)
  }
})

test('several control records share a batch, as at the head of a snapshot', () => {
  const records = [
    { type: 'SNAPSHOT_HEADER', message: { lastContainedLogTimestamp: 5 } },
    { type: 'KRAFT_VERSION', message: { kRaftVersion: 1 } },
    { type: 'KRAFT_VOTERS', message: { voters: [] } },
  ] as const
  const batch = encodeQuorumControl(records, { baseOffset: 0, timestamp: 10, partitionLeaderEpoch: 3 })
  const header = verifyBatch(batch)
  assert.deepEqual([header.isControl, header.isTransactional, header.count, header.lastOffset], [true, false, 3, 2])
  assert.deepEqual(decodeRecords(batch, header).map(decodeControlRecord), [
    { type: 'SNAPSHOT_HEADER', message: { version: 0, lastContainedLogTimestamp: 5 } },
    { type: 'KRAFT_VERSION', message: { version: 0, kRaftVersion: 1 } },
    { type: 'KRAFT_VOTERS', message: { version: 0, voters: [] } },
  ] satisfies ControlRecord[])
})

test('a marker has no sequence and the epochs that it was given', () => {
  const options = { timestamp: 1, producerId: 7, producerEpoch: 3, coordinatorEpoch: 12, partitionLeaderEpoch: 5 }
  const header = readBatchHeader(encodeEndTxnMarker('ABORT', options))
  assert.deepEqual(
    [header.producerId, header.producerEpoch, header.baseSequence, header.partitionLeaderEpoch, header.isTransactional],
    [7, 3, -1, 5, true],
  )
})
