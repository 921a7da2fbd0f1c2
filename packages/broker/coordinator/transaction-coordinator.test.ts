/** What the facade and the sender of markers make of the machine's work; what it decides is tested in transaction/. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorName } from '@ottla/protocol'
import { ApiError } from '../errors.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'
import { answering, TransactionCluster } from './testing/transaction-cluster.ts'

const MARKED = 'CompleteCommit 1000/1'

/** A transaction of id `t` on two partitions, which has been decided. */
async function committed(cluster: TransactionCluster, ...partitions: number[]): Promise<void> {
  await cluster.until(cluster.init('t'))
  await cluster.until(cluster.add('t', 1000, 0, 'a', ...partitions))
  assert.equal(await cluster.until(cluster.end('t', 1000, 0, true)), 'NONE')
}

test('markers are sent once the decision is committed, and the transaction is complete when all are written', async () => {
  const cluster = await TransactionCluster.start()
  const [log] = cluster.logs
  await cluster.until(cluster.init('t'))
  await cluster.until(cluster.add('t', 1000, 0, 'a', 0, 1))
  log!.commitsAtOnce = false
  const ended = cluster.end('t', 1000, 0, true)
  await cluster.world.advance(60_000)
  assert.equal(await cluster.until(ended), 'COORDINATOR_NOT_AVAILABLE', 'it takes too long for the client')
  assert.deepEqual(cluster.sent, [])
  log!.commit()
  log!.commitsAtOnce = true
  await cluster.world.advance(10)
  const marker = {
    producerId: 1000,
    producerEpoch: 1,
    transactionResult: true,
    topics: [{ name: 'a', partitionIndexes: [0, 1] }],
    coordinatorEpoch: 0,
    transactionVersion: 2,
  }
  assert.deepEqual(cluster.sent, [{ markers: [marker] }])
  assert.equal(await cluster.until(cluster.state('t')), MARKED)
})

test('the next transaction begins as soon as the markers of the last are written', async () => {
  const cluster = await TransactionCluster.start()
  cluster.leaders = async request => {
    await new Promise<void>(resolve => cluster.world.clock.setTimer(7, resolve))
    return answering(request, () => 0)
  }
  await committed(cluster, 0)
  const startMs = cluster.world.clock.monotonic()
  assert.equal(await cluster.until(cluster.add('t', 1000, 1, 'a', 0)), 'NONE')
  assert.equal(cluster.world.clock.monotonic() - startMs, 7)
})

test('it does not wait for long', async () => {
  const cluster = await TransactionCluster.start({ set: ['add.partitions.to.txn.retry.backoff.max.ms=30'] })
  cluster.leaders = () => new Promise(() => {})
  await committed(cluster, 0)
  const startMs = cluster.world.clock.monotonic()
  assert.equal(await cluster.until(cluster.add('t', 1000, 1, 'a', 0)), 'CONCURRENT_TRANSACTIONS')
  assert.equal(cluster.world.clock.monotonic() - startMs, 30)
})

test('what a leader does not take now is tried again, with whoever leads then', async () => {
  const cluster = await TransactionCluster.start()
  const refusals: number[] = [
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.UNKNOWN_SERVER_ERROR,
  ]
  cluster.leaders = request =>
    Promise.resolve(answering(request, (_topic, partition) => (partition === 0 ? 0 : (refusals.shift() ?? 0))))
  await committed(cluster, 0, 1)
  assert.equal(await cluster.until(cluster.state('t')), 'PrepareCommit 1000/1')
  await cluster.world.advance(2000)
  assert.equal(await cluster.until(cluster.state('t')), MARKED)
  const partitions = cluster.sent.map(({ markers }) => markers[0]!.topics[0]!.partitionIndexes)
  assert.deepEqual(partitions, [[0, 1], [1], [1], [1], [1]])
})

test('a leader that can not be reached is tried again; partitions without one wait, and those that are gone do not', async () => {
  const cluster = await TransactionCluster.start()
  const leaders = new Map<number, number | null>([
    [0, 1],
    [1, -1],
    [2, null],
  ])
  cluster.leaderOf = (_topic, partition) => leaders.get(partition)!
  const { leaders: willing } = cluster
  cluster.leaders = () => Promise.reject(new ApiError('NETWORK_EXCEPTION', 'for the test'))
  await committed(cluster, 0, 1, 2)
  await cluster.world.advance(100)
  cluster.leaders = willing
  await cluster.world.advance(3000)
  assert.equal(await cluster.until(cluster.state('t')), 'PrepareCommit 1000/1')
  const { transactions } = cluster
  assert.deepEqual([transactions.unknownDestinationCount, transactions.counts.get('PrepareCommit')], [1, 1])
  leaders.set(1, 2)
  await cluster.world.advance(3000)
  assert.equal(await cluster.until(cluster.state('t')), MARKED)
  assert.deepEqual([transactions.unknownDestinationCount, transactions.counts.get('PrepareCommit')], [0, 0])
})

test('a marker that a later coordinator has overtaken is left alone', async () => {
  const cluster = await TransactionCluster.start()
  cluster.leaders = request => Promise.resolve(answering(request, () => ErrorCode.TRANSACTION_COORDINATOR_FENCED))
  await committed(cluster, 0, 1)
  await cluster.world.advance(60_000)
  assert.equal(cluster.sent.length, 1)
})

test('who takes over has the markers written that the one before may not have', async () => {
  const cluster = await TransactionCluster.start()
  cluster.leaders = () => new Promise(() => undefined)
  await committed(cluster, 0, 1)
  await cluster.world.advance(100)
  const after = await TransactionCluster.start({ logs: cluster.logs })
  await after.transactions.onResignation(0, 3)
  await after.elect(4)
  await after.world.advance(100)
  assert.equal(after.sent.at(-1)!.markers[0]!.coordinatorEpoch, 4)
  assert.equal(await after.until(after.state('t')), MARKED)
})

test('when an append fails the state is what the log has, and what was decided goes on', async () => {
  const cluster = await TransactionCluster.start()
  const [log] = cluster.logs
  let hold = true
  cluster.leaders = request => Promise.resolve(answering(request, () => (hold ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0)))
  await committed(cluster, 0)
  log!.nextAppendError = new ApiError('KAFKA_STORAGE_ERROR', 'for the test')
  assert.equal(errorName((await cluster.until(cluster.init('u'))).errorCode!), 'NOT_COORDINATOR')
  assert.equal(await cluster.until(cluster.state('t')), 'NOT_COORDINATOR')
  await cluster.elect(1)
  assert.equal(await cluster.until(cluster.state('u')), 'TRANSACTIONAL_ID_NOT_FOUND')
  hold = false
  await cluster.world.advance(3000)
  assert.equal(await cluster.until(cluster.state('t')), MARKED)
  log!.nextAppendError = new Error('a bug')
  const failed = cluster.end('t', 1000, 1, false)
  assert.equal(await cluster.until(failed), 'UNKNOWN_SERVER_ERROR')
  assert.equal(await cluster.until(cluster.state('t')), 'COORDINATOR_LOAD_IN_PROGRESS')
  assert.equal(
    errorName((await cluster.transactions.listTransactions(EVERYTHING)).errorCode!),
    'COORDINATOR_LOAD_IN_PROGRESS',
  )
  await cluster.world.advance(200)
  assert.equal(await cluster.until(cluster.state('t')), MARKED)
})

const EVERYTHING = { stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern: null }

test('a node that coordinates nothing says so, and nothing is left when it stops', async () => {
  const cluster = TransactionCluster.create()
  assert.equal(errorName((await cluster.init('t')).errorCode!), 'NOT_COORDINATOR')
  assert.equal(await cluster.add('t', 1, 0, 'a', 0), 'NOT_COORDINATOR')
  assert.equal(await cluster.end('t', 1, 0, true), 'NOT_COORDINATOR')
  assert.equal(await cluster.state('t'), 'NOT_COORDINATOR')
  assert.deepEqual((await cluster.transactions.listTransactions(EVERYTHING)).transactionStates, [])
  await cluster.elect(0)
  cluster.leaders = () => Promise.reject(new Error('for the test'))
  await committed(cluster, 0)
  await cluster.world.advance(5)
  cluster.transactions.close()
  await cluster.world.advance(600_000)
  assert.equal(cluster.world.time!.pending, 0, 'no timer is left')
})

test('markers of many transactions go together', async () => {
  const cluster = await TransactionCluster.start()
  const ids = Array.from({ length: 50 }, (_, i) => `t${i}`)
  const producers = await cluster.until(Promise.all(ids.map(id => cluster.init(id))))
  await cluster.until(Promise.all(ids.map((id, i) => cluster.add(id, producers[i]!.producerId!, 0, 'a', i))))
  await cluster.until(Promise.all(ids.map((id, i) => cluster.end(id, producers[i]!.producerId!, 0, true))))
  await cluster.world.advance(10)
  assert.equal(cluster.sent.length, 1)
  assert.equal(cluster.sent[0]!.markers.length, 50)
})

// ------------------------------------------------------------------------------------------------------------ crashes

type Work = (cluster: TransactionCluster) => Promise<unknown>

/** Everything that the log can say, and nothing that it can't. */
async function knowledge(cluster: TransactionCluster) {
  const listed = await cluster.until(cluster.transactions.listTransactions(EVERYTHING))
  const ids = listed.transactionStates!.map(({ transactionalId }) => transactionalId!).sort()
  return (await cluster.until(cluster.transactions.describeTransactions(ids))).transactionStates
}

const SCRIPT: readonly Work[] = [
  cluster => cluster.until(cluster.init('t')),
  cluster => cluster.until(cluster.add('t', 1000, 0, 'a', 0)),
  cluster => cluster.until(cluster.add('t', 1000, 0, 'b', 3, 4)),
  cluster => cluster.until(cluster.end('t', 1000, 0, true)),
  cluster => cluster.until(cluster.init('t', { producerId: 1000, producerEpoch: 1 })),
  cluster => cluster.until(cluster.add('t', 1000, 2, 'a', 1)),
  // Fenced by a second producer, then at work again.
  cluster => cluster.until(cluster.init('t')),
  cluster => cluster.until(cluster.init('t')),
  // Two in one turn: one batch.
  cluster => cluster.until(Promise.all([cluster.init('u', { timeoutMs: 5000 }), cluster.add('t', 1000, 4, 'a', 2)])),
  cluster => cluster.until(cluster.add('u', 1001, 0, 'b', 0)),
  cluster => cluster.until(cluster.end('t', 1000, 4, false)),
  // An abort of nothing.
  cluster => cluster.until(cluster.end('t', 1000, 5, false)),
  // u times out.
  cluster => cluster.world.advance(20_000),
  cluster => cluster.until(cluster.init('old', { timeoutMs: 10_000 })),
  // Nobody comes back for any of them.
  cluster => cluster.world.advance(700_000_000),
  cluster => cluster.until(cluster.init('new')),
]

/**
 * The state after each append of the script, of how many of them; `isWithheld`: markers are not written before another
 * node takes over, so that decisions stay.
 */
async function crashEverywhere(isWithheld: boolean): Promise<number> {
  const cluster = await TransactionCluster.start()
  const [log] = cluster.logs
  const { leaders } = cluster
  const known = new Map([[0, await knowledge(cluster)]])
  for (const work of SCRIPT) {
    if (isWithheld) cluster.leaders = () => new Promise(() => undefined)
    await work(cluster)
    known.set(log!.batches.length, await knowledge(cluster))
    if (isWithheld) {
      // As another node would: all is loaded, and what was decided goes on.
      cluster.leaders = leaders
      cluster.transactions.onResignation(0, null)
      await cluster.elect(known.size)
    }
    await cluster.world.advance(5)
    known.set(log!.batches.length, await knowledge(cluster))
  }
  for (const [count, expected] of known) {
    const after = TransactionCluster.create({ logs: [MemoryCoordinatorLog.upTo(log!, count)] })
    after.leaders = () => new Promise(() => undefined)
    await after.elect(0)
    assert.deepEqual(await knowledge(after), expected, `after ${count} batches`)
  }
  // Where one piece of work makes two appends, the state between them had no witness.
  return known.size / (log!.batches.length + 1)
}

test('after every append the log says what the coordinator knew', async () => {
  for (const isWithheld of [false, true]) {
    const witnessed = await crashEverywhere(isWithheld)
    assert.ok(witnessed > 0.8, `of all appends ${witnessed}`)
  }
})

test('what was acknowledged is in the log, whenever the coordinator stops', async () => {
  const cluster = await TransactionCluster.start()
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const acknowledged: { readonly batches: number; readonly id: string; readonly producerEpoch: number }[] = []
  for (let i = 0; i < 20; i++) {
    const id = `t${i % 3}`
    void cluster.init(id).then(({ errorCode, producerEpoch = -1 }) => {
      if (errorCode === 0) acknowledged.push({ batches: log!.batches.length, id, producerEpoch })
    })
    if (i % 4 === 1) await cluster.world.advance(1)
    if (i % 6 === 5) log!.commit()
    await cluster.world.advance(0)
  }
  assert.ok(acknowledged.length > 10)
  for (const { batches, id, producerEpoch } of acknowledged) {
    const after = await TransactionCluster.start({ logs: [MemoryCoordinatorLog.upTo(log!, batches)] })
    const state = await after.until(after.state(id))
    assert.ok(Number(state.split('/')[1]) >= producerEpoch, `${id} is ${state}, acknowledged was ${producerEpoch}`)
  }
})
