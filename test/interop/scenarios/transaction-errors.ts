/**
 * The transaction coordinator's edges, asked for by the protocol itself: unknown ids, stale epochs, each API in each state
 * and in versions old and new, partitions that were never added, markers that nobody may write. Every answer has to be
 * Apache Kafka's, which is kept in ../expected/transaction-errors.txt; one check a case, each with an id of its own.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { TransactionProbe } from '../transaction-probe.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const GROUP = 0
const TRANSACTION = 1
const ABORT_CHECK_MS = 200

export async function transactionErrors(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'transaction-errors')
  mkdirSync(folder)
  const settings = {
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.num.partitions': 3,
    'offset.metadata.max.bytes': 8,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': ABORT_CHECK_MS,
  }
  const broker = await brokers.start(kind, { folder, settings })
  await prepare(broker.bootstrap)
  await runCases('transaction-errors', context, broker, CASES, name => {
    return new TransactionProbe(broker.bootstrap, topicOf(name))
  })
}

function topicOf(name: string): string {
  return name.replaceAll(/[^a-z0-9]+/g, '-')
}

/** A topic of two partitions for each case, and coordinators that are there. */
async function prepare(bootstrap: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const topics = Object.keys(CASES).map(name => ({ name: topicOf(name), numPartitions: 2, replicationFactor: 1 }))
  await asker.ask(CREATE, 7, { topics, timeoutMs: 10_000 })
  for (const keyType of [GROUP, TRANSACTION]) {
    for (;;) {
      const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: ['any'], keyType })
      if (coordinators[0]!.errorCode === 0) break
      await sleep(100)
    }
  }
  asker.end()
  // All partitions are loaded once each has answered.
  const probe = new TransactionProbe(bootstrap, 'setup')
  for (let i = 0; i < 30; i++) {
    probe.me = { ...probe.me, transactionalId: `setup-${i}` }
    while (!(await probe.init()).startsWith('NONE')) await sleep(50)
  }
  probe.end()
}

/** By the messages' own names: the versions in which an answer changed its form or its words. */
const CASES: Record<string, (probe: TransactionProbe) => Promise<void>> = {
  async 'init: what is refused'(p) {
    p.note('no id, which is not none', await p.init({ transactionalId: '' }))
    p.note('timeout 0', await p.init({ transactionTimeoutMs: 0 }))
    p.note('timeout -1', await p.init({ transactionTimeoutMs: -1 }))
    p.note('timeout too long', await p.init({ transactionTimeoutMs: 900_001 }))
    p.note('an id without an epoch', await p.init({ producerId: 5 }))
    p.note('an epoch without an id', await p.init({ producerEpoch: 5 }))
    p.note('nothing is there', await p.state())
    p.note('a producer that nobody knows is new', await p.init({ producerId: 123_456, producerEpoch: 3 }))
    p.note('another id', await p.init({ producerId: 123_456, producerEpoch: 0 }))
    p.note('another epoch', await p.init({ producerId: p.me.producerId, producerEpoch: 7 }))
    p.note('another epoch, v3', await p.init({ producerId: p.me.producerId, producerEpoch: 7 }, 3))
    p.note('v0', await p.init({}, 0))
    p.note('without a transactional id', (await p.init({ transactionalId: null })).split('/')[1]!)
  },

  async 'init: a producer goes on'(p) {
    p.note('first', await p.init())
    const old = p.me
    const again = { producerId: old.producerId, producerEpoch: old.producerEpoch }
    p.note('goes on', await p.init(again))
    p.note('the answer was lost', await p.init(again))
    p.note('goes on again', await p.init({ producerId: p.me.producerId, producerEpoch: p.me.producerEpoch }))
    p.note('too late', await p.init(again))
    const last = { producerId: p.me.producerId, producerEpoch: p.me.producerEpoch }
    p.note('another one', await p.init())
    p.note('fenced', await p.init(last))
  },

  async 'init: with an open transaction'(p) {
    await p.init()
    const old = p.me
    p.note('write', await p.produce(['a']))
    p.note('another producer', await p.init())
    p.note('aborted', await p.settled())
    p.note('the old one writes', await p.produce(['b'], 12, { ...old, baseSequence: 1 }))
    p.note('to another partition', await p.produce(['b'], 12, { ...old, partition: 1 }))
    p.note('v9', await p.produce(['b'], 9, { ...old, partition: 1 }))
    p.note('the old one commits', await p.endTxn(true, 5, old))
    p.note('v4', await p.endTxn(true, 4, old))
    p.note('v1', await p.endTxn(true, 1, old))
    p.note('and adds', await p.add([{}], 3, old))
    p.note('v1', await p.add([{}], 1, old))
    p.note('adds offsets', await p.addOffsets(4, old))
    p.note('v1', await p.addOffsets(1, old))
    p.note('commits offsets', await p.commitOffset(1, 5, old))
    p.note('v4', await p.commitOffset(1, 4, old))
    p.note('v3', await p.commitOffset(1, 3, old))
    p.note('goes on', await p.init({ producerId: old.producerId, producerEpoch: old.producerEpoch }))
    p.note('the new one', await p.begin())
    p.note('the old one goes on', await p.init({ producerId: old.producerId, producerEpoch: old.producerEpoch }))
    p.note('what is there', await p.read(1))
  },

  async 'add partitions: what is refused'(p) {
    p.note('an unknown id', await p.add([{}]))
    await p.init()
    p.note('no id', await p.add([{}], 3, { transactionalId: '' }))
    p.note('another producer', await p.add([{}], 3, { producerId: 123_456 }))
    p.note('an epoch of the future', await p.add([{}], 3, { producerEpoch: 9 }))
    p.note('v1', await p.add([{}], 1, { producerEpoch: 9 }))
    p.note('no such topic', await p.add([{ topic: 'none' }]))
    p.note('one of each', await p.add([{}, { partition: 7 }, { topic: 'none' }]))
    p.note('an internal topic', await p.add([{ topic: '__consumer_offsets' }, {}]))
    p.note('nothing', await p.add([]))
    p.note('state', await p.state())
    p.note('one', await p.add([{}]))
    p.note('again', await p.add([{}]))
    p.note('both', await p.add([{}, { partition: 1 }], 0))
    p.note('state', await p.state())
  },

  async 'add partitions: as brokers do'(p) {
    const other = `${p.topic}-2`
    p.note('an unknown id', await p.addAsBroker([{ places: [{}] }], false))
    p.note('verify an unknown id', await p.addAsBroker([{ places: [{}] }], true, 4))
    await p.init()
    p.note('verify', await p.addAsBroker([{ places: [{}] }], true))
    p.note('v4', await p.addAsBroker([{ places: [{}] }], true, 4))
    p.note('add', await p.addAsBroker([{ places: [{}] }], false))
    p.note('verify', await p.addAsBroker([{ places: [{}, { partition: 1 }] }], true))
    p.note('another producer', await p.addAsBroker([{ places: [{}], producerId: 123_456 }], true))
    p.note('another epoch', await p.addAsBroker([{ places: [{}], producerEpoch: 7 }], true))
    p.note('no such partition', await p.addAsBroker([{ places: [{ partition: 9 }, {}] }], true))
    p.note('no id', await p.addAsBroker([{ places: [{}], transactionalId: '' }], true))
    p.note('add with no id', await p.addAsBroker([{ places: [{}], transactionalId: '' }], false))
    const many = [{ places: [{ partition: 1 }] }, { places: [{}], transactionalId: other }]
    p.note('two transactions', await p.addAsBroker(many, false))
    p.note('an internal topic', await p.addAsBroker([{ places: [{ topic: '__consumer_offsets' }] }], false))
    p.note('state', await p.state())
  },

  async 'end: with epochs of transactions'(p) {
    p.note('an unknown id', await p.endTxn(true))
    p.note('no id', await p.endTxn(true, 5, { transactionalId: '' }))
    await p.init()
    p.note('another producer', await p.endTxn(true, 5, { producerId: 123_456 }))
    p.note('an epoch of the future', await p.endTxn(true, 5, { producerEpoch: 9 }))
    p.note('commit nothing', await p.endTxn(true))
    p.note('an epoch before the first', await p.endTxn(false, 5, { producerEpoch: -1 }))
    p.note('abort nothing', await p.endTxn(false))
    p.note('is', await p.settled())
    p.note('abort nothing again', await p.endTxn(false))
    await p.settled()
    await p.produce(['a'])
    const before = p.me
    p.note('the epoch before', await p.endTxn(true, 5, { producerEpoch: before.producerEpoch - 1 }))
    p.note('commit', await p.endTxn(true))
    p.note('is', await p.settled())
    p.note('commit again', await p.endTxn(true, 5, before))
    p.note('or abort', await p.endTxn(false, 5, before))
    p.note('commit with the next epoch', await p.endTxn(true))
    p.note('abort with the next epoch', await p.endTxn(false))
    p.note('is', await p.settled())
    p.note('long ago', await p.endTxn(true, 5, before))
    const aborted = p.me
    await p.produce(['b'])
    p.note('abort', await p.endTxn(false))
    await p.settled()
    p.note('abort again', await p.endTxn(false, 5, aborted))
    p.note('or commit', await p.endTxn(true, 5, aborted))
    p.note('what is there', await p.read(1))
    p.note('producers', await p.producers())
  },

  async 'end: as before'(p) {
    p.note('an unknown id', await p.endTxn(true, 4))
    p.note('no id', await p.endTxn(true, 4, { transactionalId: '' }))
    await p.init()
    p.note('another producer', await p.endTxn(true, 4, { producerId: 123_456 }))
    p.note('an epoch of the future', await p.endTxn(true, 4, { producerEpoch: 9 }))
    p.note('v1', await p.endTxn(true, 1, { producerEpoch: 9 }))
    p.note('commit nothing', await p.endTxn(true, 4))
    p.note('abort nothing', await p.endTxn(false, 4))
    await p.add([{}])
    await p.produce(['a'], 11)
    p.note('commit', await p.endTxn(true, 4))
    p.note('is', await p.settled())
    p.note('commit again', await p.endTxn(true, 0))
    p.note('or abort', await p.endTxn(false, 4))
    await p.add([{}])
    p.note('abort without a write', await p.endTxn(false, 4))
    p.note('is', await p.settled())
    p.note('abort again', await p.endTxn(false, 4))
    p.note('or commit', await p.endTxn(true, 4))
    await p.add([{}])
    p.note('write', await p.produce(['b'], 11, { baseSequence: 1 }))
    p.note('a new client ends what an old one began', await p.endTxn(true, 5))
    p.note('is', await p.settled())
    p.note('an old client ends what a new one began', await p.produce(['c']))
    p.note('with the epoch that stays', await p.endTxn(true, 4))
    p.note('is', await p.settled())
    p.note('what is there', await p.read(1))
  },

  async 'produce: what was never added'(p) {
    p.note('an unknown id', await p.produce(['a'], 12, { producerId: 123_456, producerEpoch: 0 }))
    await p.init()
    for (const version of [9, 10, 11, 12]) p.note(`v${version}`, await p.produce(['a'], version))
    p.note('state', await p.state())
    p.note('another partition, v11', await p.produce(['a'], 11, { partition: 1 }))
    p.note('by another producer', await p.produce(['a'], 12, { producerId: 123_456, partition: 1 }))
    p.note('with an epoch of the future', await p.produce(['a'], 12, { producerEpoch: 9, partition: 1 }))
    p.note('v11', await p.produce(['a'], 11, { producerEpoch: 9, partition: 1 }))
    p.note('two producers in one request', await p.produceAs([{}, { producerId: 123_456 }]))
    p.note('two epochs in one request', await p.produceAs([{}, { producerEpoch: 9 }]))
    p.note('not of the transaction', await p.produce(['b'], 12, { isTransactional: false, baseSequence: 1 }))
    p.note('not of one, elsewhere', await p.produce(['b'], 12, { isTransactional: false, partition: 1 }))
    p.note('the next batch', await p.produce(['c'], 12, { baseSequence: 1 }))
    p.note('the same once more', await p.produce(['c'], 12, { baseSequence: 1 }))
    p.note('a gap', await p.produce(['d'], 12, { baseSequence: 5 }))
    const before = p.me
    p.note('commit', await p.endTxn(true))
    await p.settled()
    p.note('too late', await p.produce(['e'], 12, { ...before, baseSequence: 2 }))
    p.note('v11', await p.produce(['e'], 11, { ...before, baseSequence: 2 }))
    p.note('too late, and the same once more', await p.produce(['c'], 12, { ...before, baseSequence: 1 }))
    p.note('v11 in the next epoch', await p.produce(['f'], 11))
    p.note('a first batch that is none', await p.produce(['g'], 12, { baseSequence: 3 }))
    p.note('the first batch', await p.produce(['g']))
    p.note('what is there', await p.read(1))
    p.note('producers', await p.producers())
    p.note('the other partition', await p.producers({ partition: 1 }))
  },

  async 'produce: sequence numbers of a new client'(p) {
    await p.init()
    p.note('not the first', await p.produce(['a'], 12, { baseSequence: 4 }))
    p.note('the first', await p.produce(['b']))
    await p.endTxn(true)
    await p.settled()
    p.note('not the first of the next epoch', await p.produce(['a'], 12, { baseSequence: 1 }))
    p.note('an old client', await p.add([{ partition: 1 }]))
    p.note('may begin anywhere', await p.produce(['a'], 11, { baseSequence: 4, partition: 1 }))
  },

  async 'offsets: what is refused'(p) {
    p.note('an unknown id', await p.commitOffset(1, 5, { producerId: 123_456, producerEpoch: 0 }))
    p.note('v3', await p.commitOffset(1, 3, { producerId: 123_456, producerEpoch: 0 }))
    await p.init()
    for (const version of [0, 2, 3, 4]) p.note(`v${version}, never added`, await p.commitOffset(1, version))
    p.note('no group', await p.commitOffset(1, 5, { groupId: '' }))
    p.note('no such topic', await p.commitOffset(1, 5, { topic: 'none' }))
    p.note('no such partition', await p.commitOffset(1, 5, { partition: 7 }))
    p.note('another producer', await p.commitOffset(1, 5, { producerId: 123_456 }))
    p.note('an epoch of the future', await p.commitOffset(1, 5, { producerEpoch: 9 }))
    p.note('state', await p.state())
    p.note('a generation of no group', await p.commitOffset(1, 5, { generationId: 1, memberId: 'm' }))
    p.note('words that are too long', await p.commitOffset(1, 5, { metadata: '123456789' }))
    p.note('nothing', await p.committedOffset())
    p.note('v5', await p.commitOffset(1))
    p.note('is', await p.committedOffset())
    p.note('without asking for what is stable', await p.committedOffset(false))
    p.note('a generation of an empty group', await p.commitOffset(1, 5, { generationId: 1, memberId: 'm' }))
    p.note('a member of an empty group', await p.commitOffset(2, 5, { memberId: 'm' }))
    p.note('an instance of an empty group', await p.commitOffset(3, 5, { groupInstanceId: 'i' }))
    const before = p.me
    p.note('commit', await p.endTxn(true))
    await p.settled()
    p.note('is', await p.committedOffset())
    p.note('too late', await p.commitOffset(4, 5, before))
    p.note('v4', await p.commitOffset(4, 4, before))
    p.note('v3 in the next epoch', await p.commitOffset(4, 3))
    p.note('and abort', await p.commitOffset(5))
    await p.endTxn(false)
    await p.settled()
    p.note('is', await p.committedOffset())
  },

  async 'offsets: of a group that has members'(p) {
    await p.init()
    const { memberId, generationId } = await p.joinGroup()
    const member = { memberId, generationId }
    p.note('nobody, before the assignment', await p.commitOffset(1, 0))
    p.note('the member, before the assignment', await p.commitOffset(2, 5, member))
    await p.syncGroup(member)
    for (const version of [0, 2, 3, 4, 5]) p.note(`nobody, v${version}`, await p.commitOffset(3, version))
    for (const version of [3, 4, 5]) p.note(`the member, v${version}`, await p.commitOffset(4, version, member))
    p.note('another generation', await p.commitOffset(5, 5, { memberId, generationId: 9 }))
    p.note('no generation', await p.commitOffset(5, 5, { memberId }))
    p.note('no member', await p.commitOffset(5, 5, { generationId }))
    p.note('another member', await p.commitOffset(5, 5, { memberId: 'm', generationId }))
    p.note('an instance', await p.commitOffset(5, 5, { ...member, groupInstanceId: 'i' }))
    p.note('commit', await p.endTxn(true))
    await p.settled()
    p.note('is', await p.committedOffset())
  },

  async 'offsets: as before'(p) {
    p.note('an unknown id', await p.addOffsets())
    await p.init()
    p.note('no id', await p.addOffsets(4, { transactionalId: '' }))
    p.note('another producer', await p.addOffsets(4, { producerId: 123_456 }))
    p.note('an epoch of the future', await p.addOffsets(4, { producerEpoch: 9 }))
    p.note('v1', await p.addOffsets(1, { producerEpoch: 9 }))
    p.note('add', await p.addOffsets(3))
    p.note('add again', await p.addOffsets(0))
    p.note('commit an offset', await p.commitOffset(7, 0))
    p.note('another', await p.commitOffset(8, 3))
    p.note('is', await p.committedOffset())
    p.note('commit', await p.endTxn(true, 3))
    await p.settled()
    p.note('is', await p.committedOffset())
  },

  async 'markers: of nobody, and out of order'(p) {
    await p.init()
    await p.init()
    p.note('no such topic', await p.markers(0, false, { places: [{ topic: 'none' }] }))
    p.note('no producer', await p.markers(0, false, { producerId: -1 }))
    p.note('no epoch', await p.markers(0, false, { producerEpoch: -1 }))
    p.note('no such partition', await p.markers(0, false, { places: [{ partition: 9 }, {}] }))
    p.note('of nothing', await p.markers(0, false))
    p.note('nowhere', await p.markers(0, false, { places: [] }))
    p.note('known since', await p.producers())
    await p.produce(['a'])
    p.note('open', await p.producers())
    p.note('an epoch before', await p.markers(0, false, { producerEpoch: p.me.producerEpoch - 1 }))
    p.note('a coordinator before', await p.markers(-1, false))
    p.note('the same epoch, transaction version 2', await p.markers(0, false, { transactionVersion: 2 }))
    p.note('the same epoch, v1', await p.markers(3, false, { version: 1 }))
    p.note('closed', await p.producers())
    p.note('a coordinator before', await p.markers(2, false))
    p.note('the same epoch again, transaction version 2', await p.markers(3, false, { transactionVersion: 2 }))
    p.note('the coordinator still believes', await p.state())
    p.note('the next batch', await p.produce(['b'], 12, { baseSequence: 1 }))
    p.note('the first', await p.produce(['b']))
    p.note('commit', (await p.endTxn(true)).split(' ')[0]!)
    p.note('what is there', await p.read(1))
  },

  async 'describe, list'(p) {
    p.note('an unknown id', await p.state())
    p.note('no id', await p.state(''))
    p.note('no such topic', await p.producers({ topic: 'none' }))
    p.note('no topic can be called so', await p.producers({ topic: 'a b' }))
    p.note('no such partition', await p.producers({ partition: 9 }))
    await p.init({ transactionTimeoutMs: 12_345 })
    p.note('empty', await p.state())
    await p.add([{ partition: 1 }, {}])
    p.note('ongoing', await p.state())
    p.note('list', await p.list({}))
    p.note('by state', await p.list({ stateFilters: ['Ongoing'] }))
    p.note('by another', await p.list({ stateFilters: ['Empty', 'CompleteCommit'] }))
    p.note('by all that there are', await p.list({ stateFilters: ['Dead', 'PrepareEpochFence', 'PrepareAbort'] }))
    p.note('by one that there is not', await p.list({ stateFilters: ['ongoing', 'Odd'] }))
    p.note('by producer', await p.list({ producerIdFilters: [p.me.producerId] }))
    p.note('by another', await p.list({ producerIdFilters: [123_456] }, 0))
    p.note('by age', await p.list({ durationFilter: 3_600_000 }))
    p.note('by age 0', await p.list({ durationFilter: 0 }, 1))
    p.note('by age -5', await p.list({ durationFilter: -5 }, 1))
    p.note('by expression', await p.list({ transactionalIdPattern: 'desc.*' }))
    p.note('by a part', await p.list({ transactionalIdPattern: 'desc' }))
    p.note('by nothing', await p.list({ transactionalIdPattern: '' }))
    p.note('by one that is none', await p.list({ transactionalIdPattern: '(' }))
    p.note('by one of Perl', await p.list({ transactionalIdPattern: '(?=d).*' }))
  },

  async 'time-outs'(p) {
    await p.init({ transactionTimeoutMs: 300 })
    const before = p.me
    await p.produce(['a'])
    while ((await p.state()).startsWith('Ongoing')) await sleep(50)
    p.note('is', await p.settled())
    p.note('commit', await p.endTxn(true, 5, before))
    p.note('abort', await p.endTxn(false, 5, before))
    p.note('commit, v4', await p.endTxn(true, 4, before))
    p.note('write', await p.produce(['b'], 12, { ...before, baseSequence: 1 }))
    p.note('go on', await p.init({ producerId: before.producerId, producerEpoch: before.producerEpoch }))
    p.note('what is there', await p.read(1))
    p.note('producers', await p.producers())
  },

  async 'epochs are used up'(p) {
    await p.init()
    const ask = () => p.init()
    while (p.me.producerEpoch < 32_760)
      await Promise.all(Array.from({ length: Math.min(200, 32_760 - p.me.producerEpoch) }, ask))
    while (p.me.producerEpoch < 32_765) await p.init()
    p.note('the last but one', await p.state())
    await p.produce(['a'])
    p.note('commit', await p.endTxn(true))
    await p.settled()
    await p.produce(['b'])
    const last = p.me
    p.note('commit with the last', await p.endTxn(true))
    p.note('is', await p.settled())
    p.note('commit again', await p.endTxn(true, 5, last))
    p.note('or abort', await p.endTxn(false, 5, last))
    p.note('write with the last', await p.produce(['c'], 12, last))
    p.note('write with the new id', await p.produce(['c']))
    p.note('abort', await p.endTxn(false))
    await p.settled()
    p.note('what is there', await p.read(1))
    p.note('producers', await p.producers())
  },
}
