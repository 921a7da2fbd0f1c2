/**
 * Share groups, asked for by the protocol itself: their members, sessions, what is handed out and what becomes of it, their
 * offsets, and the share coordinator. Every answer has to be Apache Kafka's, which is kept in ../expected/share-groups.txt.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ZERO_UUID } from '@ottla/protocol'
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '@ottla/protocol/messages/delete-share-group-state'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '@ottla/protocol/messages/initialize-share-group-state'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '@ottla/protocol/messages/read-share-group-state-summary'
import { ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '@ottla/protocol/messages/write-share-group-state'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'
import { OFFSETS, type ShareMember, ShareProbe } from '../share-probe.ts'
import { runTopicCases, type TopicCase } from '../topic-probe.ts'

const ALTER = { request: AlterShareGroupOffsetsRequest, response: AlterShareGroupOffsetsResponse }
const DELETE_OFFSETS = { request: DeleteShareGroupOffsetsRequest, response: DeleteShareGroupOffsetsResponse }
const DELETE_GROUPS = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }
const DELETE_RECORDS = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }
const DESCRIBE = { request: ShareGroupDescribeRequest, response: ShareGroupDescribeResponse }
const DESCRIBE_CLASSIC = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const COMMIT = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const FETCH_OFFSETS = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const INITIALIZE = { request: InitializeShareGroupStateRequest, response: InitializeShareGroupStateResponse }
const READ = { request: ReadShareGroupStateRequest, response: ReadShareGroupStateResponse }
const WRITE = { request: WriteShareGroupStateRequest, response: WriteShareGroupStateResponse }
const DELETE_STATE = { request: DeleteShareGroupStateRequest, response: DeleteShareGroupStateResponse }
const SUMMARY = { request: ReadShareGroupStateSummaryRequest, response: ReadShareGroupStateSummaryResponse }

const NO_TOPIC = 'AAAAAAAAAAAAAAAAAAAA_w'
const MAX_SIZE = 3
const LOCK_MS = 1000

const GAP = 0
const ACCEPT = 1
const RELEASE = 2
const REJECT = 3
const RENEW = 4

export async function shareGroups(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'share-groups')
  mkdirSync(folder)
  const settings = {
    'group.share.max.size': MAX_SIZE,
    'group.share.assignment.interval.ms': 0,
    'group.share.min.record.lock.duration.ms': LOCK_MS,
    'group.share.max.share.sessions': 40,
    'offsets.topic.num.partitions': 3,
    'share.coordinator.state.topic.num.partitions': 3,
  }
  const broker = await brokers.start(kind, { folder, settings })
  await prepare(broker.bootstrap)
  await runTopicCases('share-groups', context, broker, CASES, name => new ShareProbe(name, broker.bootstrap))
}

/** Both coordinators' topics are there. */
async function prepare(bootstrap: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const isThere = (keyType: number, key: string) => async () => {
    const { coordinators } = await asker.ask(FIND, 6, { keyType, coordinatorKeys: [key] })
    return coordinators[0]!.errorCode === 0 || undefined
  }
  await poll('the group coordinator', isThere(0, 'any'), 20_000, 100)
  await poll('the share coordinator', isThere(2, `any:${NO_TOPIC}:0`), 20_000, 100)
  // They have been found, but may still be loading what they have.
  await sleep(1000)
  asker.end()
}

type Run = (probe: ShareProbe) => Promise<void>

async function heartbeats(probe: ShareProbe): Promise<void> {
  const a = probe.member('a')
  const topics = { subscribedTopicNames: [probe.topic] }
  await probe.tell('of no group', a.beat({ memberEpoch: 1 }))
  await probe.tell('leaves no group', a.beat({ memberEpoch: -1 }))
  await probe.tell('without a member id', a.beat({ memberId: '', ...topics }))
  await probe.tell('with a blank member id', a.beat({ memberId: ' ', ...topics }))
  await probe.tell('with a long member id', a.beat({ memberId: 'x'.repeat(37), ...topics }))
  await probe.tell('without a group id', a.beat({ groupId: '', ...topics }))
  await probe.tell('with an empty rack', a.beat({ rackId: '', ...topics }))
  await probe.tell('without topics', a.beat())
  await probe.tell('with no topics', a.beat({ subscribedTopicNames: [] }))
  await probe.tell('at epoch -2', a.beat({ memberEpoch: -2 }))
  await probe.tell('joins', a.beat(topics))
  await a.join()
  await probe.tell('stays', a.beat())
  await probe.tell('too far', a.beat({ memberEpoch: 100 }))
  await probe.tell('too far behind', a.beat({ memberEpoch: 1 }))
  await probe.tell('another one', probe.member('b').beat({ memberEpoch: 1 }))
  await probe.tell('a topic that is not there', a.beat({ subscribedTopicNames: [probe.topic, 'nowhere'] }))
  await probe.tell('nothing any more', a.beat({ subscribedTopicNames: [] }))
  await probe.tell('begins anew', a.beat({ memberEpoch: 0, ...topics }))
  await probe.tell('another leaves', probe.member('b').leave())
  await probe.tell('leaves', a.leave())
  await probe.tell('leaves twice', a.leave())
}

async function fullGroup(probe: ShareProbe): Promise<void> {
  const members = ['a', 'b', 'c'].map(name => probe.member(name))
  for (const member of members) await member.join()
  const topics = { subscribedTopicNames: [probe.topic] }
  await probe.tell('one too many', probe.member('d').beat(topics))
  await probe.tell('one that is there', members[0]!.beat({ memberEpoch: 0, ...topics }))
  await members[1]!.leave()
  const { errorCode, memberEpoch } = await probe.member('d').beat(topics)
  await probe.tell('there is room', Promise.resolve({ errorCode, memberEpoch }))
}

async function otherKinds(probe: ShareProbe): Promise<void> {
  const a = probe.member('a')
  await a.join()
  const partitions = [{ partitionIndex: 0, committedOffset: 1 }]
  const topics = [{ name: probe.topic, partitions }]
  await probe.tell('commits', probe.admin().ask(COMMIT, 9, { groupId: probe.group, topics }))
  const groups = [{ groupId: probe.group, topics: [{ name: probe.topic, partitionIndexes: [0] }] }]
  await probe.tell('reads offsets', probe.admin().ask(FETCH_OFFSETS, 9, { groups }))
  await probe.tell('as a classic one', probe.admin().ask(DESCRIBE_CLASSIC, 6, { groups: [probe.group] }))
  const classic = `${probe.group}-classic`
  await probe.admin().ask(COMMIT, 9, { groupId: classic, topics })
  await probe.tell('a classic one', a.beat({ groupId: classic, memberEpoch: 0, subscribedTopicNames: [probe.topic] }))
  await probe.tell('leaves it', a.beat({ groupId: classic, memberEpoch: -1 }))
  await probe.tell('described', describe(probe, [classic, '', 'nowhere']))
  const alter = { groupId: classic, topics: [{ topicName: probe.topic, partitions: [{ partitionIndex: 0 }] }] }
  await probe.tell('altered', probe.admin().ask(ALTER, 0, alter))
  await probe.tell('deleted', probe.admin().ask(DELETE_OFFSETS, 0, { groupId: classic, topics: [] }))
}

function describe(probe: ShareProbe, groupIds: string[]) {
  return probe.admin().ask(DESCRIBE, 1, { groupIds, includeAuthorizedOperations: true })
}

async function described(probe: ShareProbe): Promise<void> {
  const a = probe.member('a')
  await probe.tell('nobody', describe(probe, [probe.group]))
  await a.join()
  await probe.tell('one', describe(probe, [probe.group]))
  await a.leave()
  await probe.tell('empty', describe(probe, [probe.group]))
}

async function sessions(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([5])
  const a = probe.member('a')
  await probe.tell('without a session', a.fetch({ shareSessionEpoch: 1 }))
  await probe.tell('the end of none', a.fetch({ shareSessionEpoch: -1, topics: [] }))
  await probe.tell('acknowledges without one', a.acknowledge([[0, 0, ACCEPT]], { shareSessionEpoch: 1 }))
  await probe.tell('begins with it', a.acknowledge([[0, 0, ACCEPT]], { shareSessionEpoch: 0 }))
  await probe.tell('ends none with it', a.acknowledge([[0, 0, ACCEPT]], { shareSessionEpoch: -1 }))
  await probe.tell('a new one, with acknowledgements', a.fetch({ topics: a.acknowledgements([[0, 0, ACCEPT]]) }))
  await probe.tell('no member', a.fetch({ memberId: null }))
  await probe.tell('an empty member', a.fetch({ memberId: '' }))
  await probe.tell('a long member', a.fetch({ memberId: 'x'.repeat(37) }))
  await probe.tell('no group', a.fetch({ groupId: null }))
  await probe.tell('no group to acknowledge', a.acknowledge([], { groupId: null }))
  await probe.tell('no member to acknowledge', a.acknowledge([], { memberId: null }))
  await probe.tell('records', a.fetchSome())
  await probe.tell('an old epoch', a.fetch({ shareSessionEpoch: a.sessionEpoch - 1 }))
  await probe.tell('a later epoch', a.fetch({ shareSessionEpoch: a.sessionEpoch + 1 }))
  await probe.tell('an old epoch to acknowledge', a.acknowledge([[0, 0, 1]], { shareSessionEpoch: a.sessionEpoch - 1 }))
  await probe.tell('nothing', a.fetch())
  await probe.tell('one more partition', a.fetch(partitionOne(probe)))
  await probe.tell('it is known', a.fetch())
  const forgottenTopicsData = [{ topicId: probe.topicId, partitions: [0] }]
  await probe.tell('one less', a.fetch({ forgottenTopicsData }))
  await probe.tell('acknowledged all the same', a.acknowledge([[0, 1, ACCEPT]]))
  await probe.tell('anew', a.fetch({ shareSessionEpoch: 0, ...partitionOne(probe) }))
  a.sessionEpoch = 1
  await probe.tell('the end', a.fetch({ shareSessionEpoch: -1 }))
  await probe.tell('after the end', a.fetch())
}

function partitionOne({ topicId }: ShareProbe) {
  return { topics: [{ topicId, partitions: [{ partitionIndex: 1 }] }] }
}

async function unknownPartitions(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([3])
  const a = probe.member('a')
  await probe.tell(
    'no partition',
    a.fetch({ topics: [{ topicId: probe.topicId, partitions: [{ partitionIndex: 7 }] }] }),
  )
  a.sessionEpoch = 0
  await probe.tell('records', a.fetchSome())
  const [known] = a.acknowledgements([[0, 0, ACCEPT]])
  const topics = [known!, { ...known!, topicId: NO_TOPIC }, ...a.acknowledgements([[0, 0, ACCEPT]], 7)]
  await probe.tell('acknowledged', a.acknowledge([], { topics: [topics[1]!] }))
  await probe.tell('another', a.acknowledge([], { topics: [topics[2]!] }))
  await probe.tell('one never read', a.acknowledge([], { topics: a.acknowledgements([[0, 0, ACCEPT]], 1) }))
  await probe.tell('on the way', a.fetch({ topics: [topics[0]!, topics[2]!] }))
  await probe.tell('nothing of it', a.acknowledge([], { topics: a.acknowledgements([]) }))
  await probe.tell('nothing at all', a.acknowledge([], { topics: [] }))
}

async function acquisition(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([5, 5, 5, 5, 5, 5, 5, 5])
  const a = probe.member('a')
  const b = probe.member('b')
  await probe.tell('batches are not cut', a.fetchSome({ maxRecords: 7 }))
  await probe.tell('unless it is insisted', b.fetchSome({ maxRecords: 7, shareAcquireMode: 1 }))
  await probe.tell('what is left', a.fetchSome({ maxRecords: 4 }))
  await probe.tell('in small batches', b.fetchSome({ maxRecords: 12, batchSize: 2 }))
  await probe.tell('no records', a.fetch({ maxRecords: 0 }))
  await probe.tell('no bytes', a.fetch({ maxBytes: 0 }))
  await probe.tell('the rest', a.fetch({ maxWaitMs: 100 }))
  await probe.tell('none', b.fetch({ maxWaitMs: 100 }))
}

/** Types of acknowledgement, each on its own record. */
async function acknowledgements(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([10, 10])
  const a = probe.member('a')
  await probe.tell('records', a.fetchSome())
  await probe.tell('all kinds', a.acknowledge([[0, 3, ACCEPT, RELEASE, REJECT, GAP]]))
  await probe.tellOffsets('the offsets')
  await probe.tell('what was released', a.fetchSome())
  await probe.tell('accepted', a.acknowledge([[1, 1, ACCEPT]]))
  await probe.tellOffsets('the offsets then')
  await probe.tell('once more', a.acknowledge([[1, 1, ACCEPT]]))
  await probe.tell('all, and past it', a.acknowledge([[0, 9, ACCEPT]]))
  await probe.tell('in between', a.acknowledge([[12, 13, ACCEPT]]))
  await probe.tell('in between, twice', a.acknowledge([[12, 13, ACCEPT]]))
  await probe.tell('what is partly done', a.acknowledge([[11, 14, ACCEPT]]))
  await probe.tell(
    'the others',
    a.acknowledge([
      [10, 11, ACCEPT],
      [14, 19, ACCEPT],
    ]),
  )
  await probe.tellOffsets('the offsets at the end')
}

async function badAcknowledgements(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([10, 10])
  const a = probe.member('a')
  const b = probe.member('b')
  await a.fetchSome({ maxRecords: 5 })
  await b.fetch({ maxWaitMs: 100, maxRecords: 0 })
  await probe.tell('no type', a.acknowledge([[0, 0]]))
  await probe.tell('too few types', a.acknowledge([[0, 2, ACCEPT, ACCEPT]]))
  await probe.tell('too many types', a.acknowledge([[0, 2, ACCEPT, ACCEPT, ACCEPT, ACCEPT]]))
  await probe.tell('a type of none', a.acknowledge([[0, 0, 5]]))
  await probe.tell('a negative type', a.acknowledge([[0, 0, -1]]))
  await probe.tell('back to front', a.acknowledge([[3, 2, ACCEPT]]))
  await probe.tell(
    'out of order',
    a.acknowledge([
      [4, 5, ACCEPT],
      [0, 1, ACCEPT],
    ]),
  )
  await probe.tell('negative', a.acknowledge([[-5, -1, ACCEPT]]))
  await probe.tell('past what it has', a.acknowledge([[5, 10, ACCEPT]]))
  await probe.tell('what nobody has', a.acknowledge([[15, 16, ACCEPT]]))
  await probe.tell("another's", b.acknowledge([[0, 9, ACCEPT]]))
  await probe.tell("part of another's", b.acknowledge([[0, 3, ACCEPT]]))
  await probe.tell('a renewal unannounced', a.acknowledge([[0, 0, RENEW]]))
  await probe.tell('a renewal too early', a.acknowledge([[0, 0, RENEW]], {}, 1))
  await probe.tell('it still has them', a.acknowledge([[0, 9, ACCEPT]]))
  await probe.tell('on the way, wrong', a.fetch({ topics: a.acknowledgements([[0, 0, 9]]) }))
}

async function renewals(probe: ShareProbe): Promise<void> {
  await probe.begin({ 'share.record.lock.duration.ms': String(LOCK_MS) })
  await probe.produce([4])
  const a = probe.member('a')
  const renewal = (more: object = {}) =>
    a.fetch({
      topics: a.acknowledgements([[0, 1, RENEW]]),
      isRenewAck: true,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 0,
      maxRecords: 0,
      ...more,
    })
  await a.fetchSome()
  for (const name of ['maxWaitMs', 'minBytes', 'maxBytes', 'maxRecords']) await probe.tell(name, renewal({ [name]: 1 }))
  await sleep(LOCK_MS / 2)
  await probe.tell('on the way', renewal())
  await probe.tell('by itself', a.acknowledge([[0, 1, RENEW]], { isRenewAck: true }))
  await sleep((LOCK_MS * 3) / 4)
  await probe.tell('those that were not', probe.member('b').fetchSome())
  await probe.tell('accepted', a.acknowledge([[0, 1, ACCEPT]]))
  await probe.configure({ 'share.renew.acknowledge.enable': 'false' })
  await probe.produce([2])
  await a.fetchSome()
  await probe.tell('not wanted', a.acknowledge([[4, 5, RENEW]], { isRenewAck: true }))
}

async function locks(probe: ShareProbe): Promise<void> {
  await probe.begin({ 'share.record.lock.duration.ms': String(LOCK_MS) })
  await probe.produce([3, 3])
  const a = probe.member('a')
  const b = probe.member('b')
  await probe.tell('records', a.fetchSome({ maxRecords: 3 }))
  await sleep(LOCK_MS + 300)
  await probe.tell('too late', a.acknowledge([[0, 2, ACCEPT]]))
  await probe.tell('for another', b.fetchSome({ maxRecords: 3 }))
  await probe.tell('which is in time', b.acknowledge([[0, 2, ACCEPT]]))
  await probe.tellOffsets('the offsets')
}

async function deliveryLimit(probe: ShareProbe): Promise<void> {
  await probe.begin({ 'share.delivery.count.limit': '3' })
  await probe.produce([4])
  const a = probe.member('a')
  const release = async (what: string, first: number, last: number) => {
    await probe.tell(what, a.fetchSome())
    await a.acknowledge([[first, last, RELEASE]])
    await sleep(50)
  }
  await release('all', 0, 3)
  await release('again', 0, 3)
  for (const offset of [0, 1, 2, 3]) await release(`the last time, ${offset}`, offset, offset)
  await probe.tell('never more', a.fetch({ maxWaitMs: 200 }))
  await probe.tellOffsets('the offsets')
}

async function goodbyes(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([5, 5])
  const a = probe.member('a')
  const b = probe.member('b')
  await a.fetchSome({ maxRecords: 5 })
  await probe.tell('a says good-bye', a.acknowledge([[0, 1, ACCEPT]], { shareSessionEpoch: -1 }))
  await sleep(300)
  await probe.tell('b gets the rest', b.fetchSome({ maxRecords: 3 }))
  b.vanish()
  await sleep(300)
  await probe.tell('b has gone without a word', probe.member('c').fetchSome())
}

async function logStart(probe: ShareProbe): Promise<void> {
  await probe.begin()
  await probe.produce([5, 5, 5])
  const a = probe.member('a')
  await a.fetchSome({ maxRecords: 5 })
  await a.acknowledge([[0, 1, RELEASE]])
  const partitions = [{ partitionIndex: 0, offset: 5 }]
  await probe.admin().ask(DELETE_RECORDS, 2, { topics: [{ name: probe.topic, partitions }], timeoutMs: 5000 })
  await probe.tell('what there is', a.fetchSome())
  await probe.tell('acknowledged, old and new', a.acknowledge([[2, 4, ACCEPT]]))
  await probe.tell('the new', a.acknowledge([[5, 14, ACCEPT]]))
  await probe.tellOffsets('the offsets')
}

const resets: Run = async probe => {
  await probe.produce([3])
  await probe.begin({ 'share.auto.offset.reset': 'latest' })
  const a = probe.member('a')
  await probe.tell('nothing old', a.fetch({ maxWaitMs: 1000 }))
  await probe.produce([2])
  await probe.tell('what came then', a.fetchSome())
  await a.fetch({ shareSessionEpoch: -1 })
}

const durations: Run = async probe => {
  await probe.produce([3])
  await probe.begin({ 'share.auto.offset.reset': 'by_duration:PT1H' })
  await probe.tell('of the last hour', probe.member('a').fetchSome())
}

async function offsets(probe: ShareProbe): Promise<void> {
  const { group, topic } = probe
  const ask = (what: string, topics: { topicName: string; partitions: number[] }[] | null, version = 1) =>
    probe.tell(what, probe.admin().ask(OFFSETS, version, { groups: [{ groupId: group, topics }] }))
  await ask('of no group', [{ topicName: topic, partitions: [0] }])
  await ask('all of no group', null)
  await probe.produce([5])
  await probe.begin()
  await ask('before it has read', [{ topicName: topic, partitions: [0, 1] }])
  const a = probe.member('a')
  await a.fetchSome()
  await a.acknowledge([[1, 2, ACCEPT]])
  await ask('all', null)
  await ask('all, v0', null, 0)
  await ask('none', [])
  await ask('nowhere', [{ topicName: 'nowhere', partitions: [0] }])
}

async function alterOffsets(probe: ShareProbe): Promise<void> {
  const { group, topic } = probe
  const alter = (what: string, topicName: string, partitionIndex: number, startOffset: number, groupId = group) => {
    const topics = [{ topicName, partitions: [{ partitionIndex, startOffset }] }]
    return probe.tell(what, probe.admin().ask(ALTER, 0, { groupId, topics }))
  }
  await probe.produce([10])
  await alter('of no group', topic, 0, 3)
  await probe.tellOffsets('it is there')
  await alter('without an id', topic, 0, 3, '')
  await alter('nowhere', 'nowhere', 0, 3)
  await alter('no partition', topic, 9, 3)
  const a = probe.member('a')
  await a.join()
  await alter('with a member', topic, 0, 5)
  await probe.tell('from there on', a.fetchSome())
  await a.acknowledge([[3, 4, ACCEPT]], { shareSessionEpoch: -1 })
  await a.leave()
  a.sessionEpoch = 0
  a.vanish()
  await poll('the group to be empty', async () => (await probe.groupState()) === 'Empty' || undefined, 5000, 50)
  await alter('back', topic, 0, 1)
  await probe.tellOffsets('the offsets')
  await a.join()
  await probe.tell('once more', a.fetchSome())
}

async function deleteOffsets(probe: ShareProbe): Promise<void> {
  const { group, topic } = probe
  const remove = (what: string, names: string[], groupId = group) =>
    probe.tell(what, probe.admin().ask(DELETE_OFFSETS, 0, { groupId, topics: names.map(topicName => ({ topicName })) }))
  await remove('of no group', [topic])
  await remove('without an id', [topic], '')
  const a = probe.member('a')
  await a.join()
  await remove('with a member', [topic])
  await a.leave()
  await remove('nothing', [])
  await remove('nowhere', ['nowhere'])
  await remove('one that is there, one not', [topic, 'nowhere'])
  await remove('twice', [topic])
  await probe.tellOffsets('the offsets')
}

async function deleteGroups(probe: ShareProbe): Promise<void> {
  const remove = (what: string) => probe.tell(what, probe.admin().ask(DELETE_GROUPS, 2, { groupsNames: [probe.group] }))
  await remove('none')
  await probe.produce([3])
  const a = probe.member('a')
  await probe.configure({ 'share.auto.offset.reset': 'earliest' })
  await a.join()
  await a.fetchSome()
  await a.acknowledge([[0, 2, ACCEPT]], { shareSessionEpoch: -1 })
  await remove('with a member')
  await a.leave()
  await remove('empty')
  await remove('twice')
  await probe.tellOffsets('the offsets')
}

// ------------------------------------------------------------------------------------------------ the share coordinator

async function stateEpochs(probe: ShareProbe): Promise<void> {
  const ask = stateAsker(probe)
  await ask('read', 'read nothing', { leaderEpoch: 0 })
  await ask('write', 'write nothing', { stateEpoch: 0, leaderEpoch: 0, startOffset: 0, stateBatches: [] })
  await ask('delete', 'delete nothing', {})
  await ask('summary', 'nothing', { leaderEpoch: -1 })
  await ask('initialize', 'initialize', { stateEpoch: 2, startOffset: -1 })
  await ask('summary', 'it is there', { leaderEpoch: -1 })
  await ask('initialize', 'an older one', { stateEpoch: 1, startOffset: 5 })
  await ask('read', 'read', { leaderEpoch: 3 })
  const stateBatches = [{ firstOffset: 5, lastOffset: 9, deliveryState: 2, deliveryCount: 1 }]
  const write = { stateEpoch: 2, leaderEpoch: 3, startOffset: 4, deliveryCompleteCount: 5, stateBatches }
  await ask('write', 'write', write)
  await ask('read', 'read again', { leaderEpoch: 3 })
  await ask('write', 'an older leader', { ...write, leaderEpoch: 2 })
  await ask('write', 'an older state', { ...write, stateEpoch: 1 })
  await ask('write', 'a later leader', {
    ...write,
    leaderEpoch: 9,
    stateBatches: [{ ...stateBatches[0]!, firstOffset: 8, lastOffset: 12, deliveryCount: 2 }],
  })
  await ask('read', 'which has not been there', { leaderEpoch: 3 })
  await ask('read', 'is there now', { leaderEpoch: 9 })
  await ask('read', 'is not any more', { leaderEpoch: 3 })
  await ask('read', 'nobody', { leaderEpoch: -1 })
  await ask('summary', 'all in all', { leaderEpoch: -1 })
  await ask('initialize', 'from the beginning', { stateEpoch: 5, startOffset: 1 })
  await ask('summary', 'it begins', { leaderEpoch: -1 })
  await ask('write', 'of before', { ...write, leaderEpoch: 9 })
  await ask('delete', 'delete', {})
  await ask('read', 'gone', { leaderEpoch: 9 })
}

const STATE_APIS = { initialize: INITIALIZE, read: READ, write: WRITE, delete: DELETE_STATE, summary: SUMMARY }

function stateAsker(probe: ShareProbe) {
  return async (api: keyof typeof STATE_APIS, what: string, partition: object, topicId = probe.topicId) => {
    const { request, response } = STATE_APIS[api]
    const topics = [{ topicId, partitions: [{ partition: 0, ...partition }] }]
    const value = { groupId: probe.group, topics } as never
    await probe.tell(what, probe.admin().ask({ request, response }, request.versions.max, value))
  }
}

async function stateErrors(probe: ShareProbe): Promise<void> {
  const ask = stateAsker(probe)
  const values = {
    initialize: { stateEpoch: 1, startOffset: 0 },
    read: { leaderEpoch: 0 },
    write: { stateEpoch: 1, leaderEpoch: 0, startOffset: 0, stateBatches: [] },
    delete: {},
    summary: { leaderEpoch: 0 },
  }
  for (const [api, value] of Object.entries(values) as [keyof typeof values, object][]) {
    await ask(api, `${api}: no topic`, value, NO_TOPIC)
    await ask(api, `${api}: the zero topic`, value, ZERO_UUID)
    await ask(api, `${api}: no partition`, { ...value, partition: 2 })
    await ask(api, `${api}: a negative partition`, { ...value, partition: -1 })
    const { request, response } = STATE_APIS[api]
    const bare = (body: object) => probe.admin().ask({ request, response }, 0, body as never)
    await probe.tell(`${api}: no topics`, bare({ groupId: probe.group, topics: [] }))
    await probe.tell(
      `${api}: no partitions`,
      bare({ groupId: probe.group, topics: [{ topicId: probe.topicId, partitions: [] }] }),
    )
    const topics = [{ topicId: probe.topicId, partitions: [{ partition: 0, ...value }] }]
    await probe.tell(`${api}: no group`, bare({ groupId: '', topics }))
  }
}

async function find(probe: ShareProbe): Promise<void> {
  const key = `${probe.group}:${probe.topicId}:0`
  const keys = [key, `a:${key}`, 'g', 'g:t:0', `g:${probe.topicId}`, `g:${probe.topicId}:x`, `:${probe.topicId}:0`, '']
  const ask = (version: number, coordinatorKeys: string[]) =>
    probe.admin().ask(FIND, version, { keyType: 2, coordinatorKeys })
  await poll(
    'the coordinator',
    async () => (await ask(6, [key])).coordinators[0]!.errorCode === 0 || undefined,
    5000,
    50,
  )
  for (const [i, one] of keys.entries()) {
    const { coordinators } = await ask(6, [one])
    const { errorCode, nodeId } = coordinators[0]!
    await probe.tell(`key ${i}`, Promise.resolve({ errorCode, nodeId }))
  }
  const { coordinators } = await ask(5, [key])
  await probe.tell('v5', Promise.resolve({ errorCode: coordinators[0]!.errorCode }))
}

async function manySessions(probe: ShareProbe): Promise<void> {
  await probe.begin()
  const members: ShareMember[] = []
  for (let i = 0; i < 60; i++) members.push(probe.member(`m${i}`))
  let refused = 0
  for (const member of members) {
    const { errorCode } = await member.fetch({ maxWaitMs: 1, maxRecords: 0 })
    if (errorCode === 133) refused++
  }
  await probe.tell('one too many', Promise.resolve({ isRefused: refused > 0 && refused < 60 ? 'some' : refused }))
  for (const member of members) member.vanish()
  const next = probe.member('next')
  await poll(
    'room',
    async () => (await next.fetch({ maxWaitMs: 1, maxRecords: 0 })).errorCode === 0 || undefined,
    5000,
    50,
  )
}

const runs: Readonly<Record<string, Run>> = {
  heartbeats,
  'a full group': fullGroup,
  'other kinds of groups': otherKinds,
  described,
  sessions,
  'unknown partitions': unknownPartitions,
  acquisition,
  acknowledgements,
  'bad acknowledgements': badAcknowledgements,
  renewals,
  locks,
  'delivery limit': deliveryLimit,
  goodbyes,
  'log start': logStart,
  'from the end': resets,
  'from a time': durations,
  offsets,
  'offsets altered': alterOffsets,
  'offsets deleted': deleteOffsets,
  'groups deleted': deleteGroups,
  'state epochs': stateEpochs,
  'state errors': stateErrors,
  'the coordinator': find,
  'many sessions': manySessions,
}

const CASES: Readonly<Record<string, TopicCase<ShareProbe>>> = Object.fromEntries(
  Object.entries(runs).map(([name, run]) => [name, { run }]),
)
