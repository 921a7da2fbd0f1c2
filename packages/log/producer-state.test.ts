import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogError } from './errors.ts'
import type { ProducerBatch, TransactionMarker } from './producer-append.ts'
import { ProducerEntry, sequenceAfter, sequenceBefore } from './producer-entry.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import type { AppendOrigin } from './types.ts'

const HOUR_MS = 3_600_000

function newState(transactionVerification = false): ProducerState {
  return new ProducerState({
    producerIdExpirationMs: HOUR_MS,
    transactionMaxTimeoutMs: 60_000,
    transactionVerification,
  })
}

let offset = 0

function dataBatch(spec: Partial<ProducerBatch> & { count?: number } = {}): ProducerBatch {
  const { count = 1, baseSequence = 0 } = spec
  const baseOffset = spec.baseOffset ?? offset
  offset = baseOffset + count
  return {
    producerId: 1,
    producerEpoch: 0,
    lastSequence: sequenceAfter(baseSequence, count - 1),
    maxTimestamp: 1000,
    isTransactional: false,
    ...spec,
    baseSequence,
    baseOffset,
    lastOffset: baseOffset + count - 1,
  }
}

function append(state: ProducerState, batch: ProducerBatch, origin: AppendOrigin = 'client'): void {
  const plan = state.prepare(batch.producerId, origin)
  plan.appendData(batch)
  state.update(plan)
}

function end(
  state: ProducerState,
  isCommit: boolean,
  { epoch = 0, coordinatorEpoch = 0, version = 0, origin = 'coordinator' as AppendOrigin, producerId = 1 } = {},
) {
  const marker: TransactionMarker = { isCommit, coordinatorEpoch, timestamp: 2000 }
  const plan = state.prepare(producerId, origin)
  const completed = plan.appendMarker(marker, dataBatch({ producerId, producerEpoch: epoch }), version)
  state.update(plan)
  const lastStableOffset = completed && state.lastStableOffsetAfter(completed)
  if (completed) state.complete(completed)
  return { completed, lastStableOffset }
}

function failsWith(code: string, action: () => unknown): void {
  assert.throws(action, error => error instanceof LogError && error.code === code, code)
}

test('sequence numbers go round', () => {
  assert.equal(sequenceAfter(0x7fffffff, 1), 0)
  assert.equal(sequenceAfter(0x7ffffffe, 5), 3)
  assert.equal(sequenceBefore(3, 5), 0x7ffffffe)
  fc.assert(
    fc.property(fc.nat(0x7fffffff), fc.nat(1000), (sequence, count) => {
      assert.equal(sequenceBefore(sequenceAfter(sequence, count), count), sequence)
    }),
  )
})

test('batches must follow each other, and the last five may be repeated', () => {
  const state = newState()
  offset = 100
  for (let i = 0; i < 7; i++) append(state, dataBatch({ baseSequence: i * 10, count: 10 }))
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => append(state, dataBatch({ baseSequence: 71 })))
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => append(state, dataBatch({ baseSequence: 60 })))
  assert.equal(state.findDuplicate(1, 0, 10, 19), null)
  assert.equal(state.findDuplicate(1, 0, 20, 29)?.lastOffset, 129)
  assert.equal(state.findDuplicate(1, 0, 60, 69)?.lastOffset, 169)
  assert.equal(state.findDuplicate(1, 0, 60, 68), null)
  assert.equal(state.findDuplicate(1, 1, 60, 69), null)
  assert.equal(state.findDuplicate(2, 0, 60, 69), null)
})

test('a sequence may go on past 2^31 - 1', () => {
  const state = newState()
  append(state, dataBatch({ baseSequence: 0x7ffffffe, count: 2 }))
  append(state, dataBatch({ baseSequence: 0, count: 1 }))
  append(state, dataBatch({ baseSequence: 1, count: 1 }))
  assert.equal(state.get(1)!.lastSequence, 1)
})

test('of a producer that is not known any sequence is taken', () => {
  const state = newState()
  append(state, dataBatch({ baseSequence: 4711 }))
  assert.equal(state.get(1)!.lastSequence, 4711)
})

test('a new epoch begins at 0, an old one is fenced', () => {
  const state = newState()
  append(state, dataBatch({ producerEpoch: 3, baseSequence: 5 }))
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => append(state, dataBatch({ producerEpoch: 4, baseSequence: 6 })))
  append(state, dataBatch({ producerEpoch: 4, baseSequence: 0 }))
  assert.equal(state.findDuplicate(1, 3, 5, 5), null)
  failsWith('INVALID_PRODUCER_EPOCH', () => append(state, dataBatch({ producerEpoch: 3, baseSequence: 6 })))
  // A follower takes what its leader has taken.
  append(state, dataBatch({ producerEpoch: 3, baseSequence: 99 }), 'replication')
  // The coordinator's own writes are not counted, but its epochs are.
  append(state, dataBatch({ producerEpoch: 3, baseSequence: -1 }), 'coordinator')
})

test('several batches of one append are checked in their order, and change nothing if one is refused', () => {
  const state = newState()
  append(state, dataBatch({ baseSequence: 0 }))
  const plan = state.prepare(1, 'client')
  plan.appendData(dataBatch({ baseSequence: 1 }))
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => plan.appendData(dataBatch({ baseSequence: 3 })))
  assert.equal(state.get(1)!.lastSequence, 0)
})

test('the first unstable offset is where the first open or unreplicated transaction begins', () => {
  const state = newState()
  assert.equal(state.firstUnstableOffset, -1)
  append(state, dataBatch({ producerId: 1, baseOffset: 10, isTransactional: true }))
  append(state, dataBatch({ producerId: 2, baseOffset: 20, isTransactional: true }))
  assert.equal(state.firstUnstableOffset, 10)
  assert.equal(state.hasOngoingTransaction(1, 0), true)
  assert.equal(state.hasOngoingTransaction(1, 1), false)
  offset = 30
  const { completed, lastStableOffset } = end(state, false)
  assert.deepEqual(completed, { producerId: 1, firstOffset: 10, lastOffset: 30, isAborted: true })
  assert.equal(lastStableOffset, 20)
  assert.equal(state.firstUnstableOffset, 10)
  state.onReplicated(30)
  assert.equal(state.firstUnstableOffset, 10)
  state.onReplicated(31)
  assert.equal(state.firstUnstableOffset, 20)
  offset = 40
  assert.equal(end(state, true, { producerId: 2 }).lastStableOffset, 41)
  state.onReplicated(41)
  assert.equal(state.firstUnstableOffset, -1)
})

test('a marker without a transaction leaves no trace', () => {
  const state = newState()
  assert.equal(end(state, false).completed, null)
  assert.equal(state.firstUnstableOffset, -1)
})

test('a producer in a transaction writes nothing beside it', () => {
  const state = newState()
  append(state, dataBatch({ isTransactional: true, baseSequence: 0 }))
  failsWith('INVALID_TXN_STATE', () => append(state, dataBatch({ baseSequence: 1 })))
})

test('markers are fenced by producer epoch and coordinator epoch', () => {
  const state = newState()
  append(state, dataBatch({ producerEpoch: 2, isTransactional: true }))
  failsWith('INVALID_PRODUCER_EPOCH', () => end(state, true, { epoch: 1 }))
  end(state, true, { epoch: 2, coordinatorEpoch: 5 })
  append(state, dataBatch({ producerEpoch: 2, baseSequence: 1, isTransactional: true }))
  failsWith('TRANSACTION_COORDINATOR_FENCED', () => end(state, true, { epoch: 2, coordinatorEpoch: 4 }))
  assert.ok(end(state, true, { epoch: 2, coordinatorEpoch: 4, origin: 'replication' }).completed)
})

test('with transaction version 2 the marker has the next epoch, and may come again', () => {
  const state = newState()
  append(state, dataBatch({ producerEpoch: 2, isTransactional: true }))
  failsWith('INVALID_PRODUCER_EPOCH', () => end(state, true, { epoch: 2, version: 2 }))
  assert.ok(end(state, true, { epoch: 3, version: 2 }).completed)
  assert.equal(end(state, true, { epoch: 3, version: 2 }).completed, null)
  append(state, dataBatch({ producerEpoch: 3, isTransactional: true }))
  failsWith('INVALID_PRODUCER_EPOCH', () => end(state, true, { epoch: 3, version: 2 }))
})

test('a transaction must have been verified, and the guard is good for one', () => {
  const state = newState(true)
  failsWith('INVALID_TXN_STATE', () => state.checkVerified(1, 0, false, null))
  const guard = state.startVerification(1, 0, 0, false, 0)
  assert.ok(guard)
  assert.equal(state.startVerification(1, 0, 0, false, 0), guard)
  failsWith('INVALID_TXN_STATE', () => state.checkVerified(1, 0, false, null))
  state.checkVerified(1, 0, false, guard)
  // An abort marker comes between the answer and the append.
  state.endVerification(1, 0, true)
  failsWith('INVALID_TXN_STATE', () => state.checkVerified(1, 0, false, guard))
  const second = state.startVerification(1, 0, 0, false, 0)
  state.checkVerified(1, 0, false, second)
  append(state, dataBatch({ isTransactional: true }))
  state.endVerification(1, 0, false)
  assert.equal(state.startVerification(1, 0, 1, false, 0), null)
  state.checkVerified(1, 0, false, null)
})

test('what was verified for the next transaction outlives the marker of the one before', () => {
  const state = newState(true)
  append(state, dataBatch({ producerEpoch: 4, isTransactional: true }), 'replication')
  const guard = state.startVerification(1, 5, 0, true, 0)
  state.endVerification(1, 5, true)
  end(state, true, { epoch: 5, version: 2 })
  state.checkVerified(1, 5, false, guard)
  failsWith('INVALID_PRODUCER_EPOCH', () => state.startVerification(1, 4, 0, true, 0))
})

test('of the requests in flight the one with the lowest sequence comes first', () => {
  const state = newState(true)
  state.startVerification(1, 0, 5, false, 0)
  state.startVerification(1, 0, 2, false, 0)
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => append(state, dataBatch({ baseSequence: 5, isTransactional: true })))
  append(state, dataBatch({ baseSequence: 2, isTransactional: true }))
})

test('a producer that bumps its epoch, and of whom nothing is known, begins at 0', () => {
  const state = newState(true)
  state.startVerification(1, 0, 3, true, 0)
  failsWith('OUT_OF_ORDER_SEQUENCE_NUMBER', () => append(state, dataBatch({ baseSequence: 3, isTransactional: true })))
})

test('producers expire, but not in a transaction', () => {
  const state = newState()
  append(state, dataBatch({ producerId: 1, maxTimestamp: 1000 }))
  append(state, dataBatch({ producerId: 2, maxTimestamp: 1000, isTransactional: true }))
  append(state, dataBatch({ producerId: 3, maxTimestamp: 1001 }))
  state.startVerification(4, 0, 0, false, 1000)
  state.removeExpired(1000 + HOUR_MS)
  assert.deepEqual(
    state.describe().map(({ producerId }) => producerId),
    [2, 3],
  )
  assert.equal(state.hasLateTransaction(1000 + 60_000 + 300_000), false)
  assert.equal(state.hasLateTransaction(1001 + 60_000 + 300_000), true)
})

test('a snapshot holds each producer with its last batch', () => {
  const state = newState()
  append(state, dataBatch({ producerId: 1, baseSequence: 0, count: 3 }))
  append(state, dataBatch({ producerId: 1, baseSequence: 3, count: 2 }))
  append(state, dataBatch({ producerId: 2 ** 40, producerEpoch: 7, isTransactional: true }))
  end(state, true, { producerId: 3, coordinatorEpoch: 9 })
  const bytes = encodeSnapshot(state.entries())
  const loaded = newState()
  loaded.load(decodeSnapshot(bytes), 50, 1000)
  assert.deepEqual(loaded.describe(), state.describe())
  assert.equal(loaded.firstUnstableOffset, state.firstUnstableOffset)
  assert.equal(loaded.endOffset, 50)
  assert.ok(loaded.findDuplicate(1, 0, 3, 4))
  assert.equal(loaded.findDuplicate(1, 0, 0, 2), null)
  // Those that have expired since are left out.
  loaded.load(decodeSnapshot(bytes), 50, 1000 + 2 * HOUR_MS)
  assert.deepEqual(
    loaded.describe().map(({ producerId }) => producerId),
    [2 ** 40],
  )
})

test('snapshots as Apache Kafka 4.3.1 writes them', () => {
  const idle =
    '0001a4f4598300000001000000000000000000000000258f000000000000258f0000008c000001a1fd154731ffffffffffffffffffffffff'
  const open =
    '0001360b026a0000000100000000000000010003000006ef000000000000252000000093000001a1fd15c524000000000000000000001e31'
  const [first] = decodeSnapshot(Buffer.from(idle, 'hex'))
  assert.deepEqual([first!.producerId, first!.lastSequence, first!.currentTxnFirstOffset], [0, 9615, -1])
  const [second] = decodeSnapshot(Buffer.from(open, 'hex'))
  assert.deepEqual([second!.producerId, second!.producerEpoch, second!.currentTxnFirstOffset], [1, 3, 0x1e31])
  assert.equal(Buffer.from(encodeSnapshot([first!])).toString('hex'), idle)
  assert.equal(Buffer.from(encodeSnapshot([second!])).toString('hex'), open)
})

test('a snapshot that was damaged is not believed', () => {
  const entry = new ProducerEntry(5)
  entry.addBatch(0, { lastSequence: 1, lastOffset: 1, offsetDelta: 1, timestamp: 5 })
  const bytes = encodeSnapshot([entry])
  for (let i = 0; i < bytes.length; i++) {
    const damaged = bytes.slice()
    damaged[i]! ^= 0x10
    assert.throws(() => decodeSnapshot(damaged), Error, `byte ${i}`)
    assert.throws(() => decodeSnapshot(bytes.subarray(0, i)), Error, `${i} bytes`)
  }
})
