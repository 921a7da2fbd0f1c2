/** What the facade makes of a request and an answer, version by version; what the groups do is tested in group/. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ZERO_UUID } from '@ottla/protocol'
import { partitionFor } from './partition-for.ts'
import { codeName, GroupCluster, TOPIC_ID } from './testing/group-cluster.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'

const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg'

test('a group belongs to the partition that every Kafka broker reckons', () => {
  // java.lang.String.hashCode: "polygenelubricants" is the least int, whose absolute value Kafka takes to be 0.
  const cases: [string, number][] = [
    ['', 0],
    ['a', 47],
    ['my-group', 12],
    ['polygenelubricants', 0],
    ['Grüße-日本', 3],
    ['😀', 49],
  ]
  for (const [groupId, partition] of cases) assert.equal(partitionFor(groupId, 50), partition, groupId)
})

test('requests without a group id, or with an impossible session timeout, are refused', async () => {
  const cluster = GroupCluster.create()
  const { groups, call } = cluster
  const joins = [{ groupId: '' }, { sessionTimeoutMs: 999 }, { sessionTimeoutMs: 1_800_001 }]
  const codes = await Promise.all(joins.map(async request => codeName((await cluster.join(request)).errorCode)))
  assert.deepEqual(codes, ['INVALID_GROUP_ID', 'INVALID_SESSION_TIMEOUT', 'INVALID_SESSION_TIMEOUT'])
  const member = { groupId: '', memberId: '', groupInstanceId: null, generationId: 1 }
  const sync = { ...member, protocolType: 'consumer', protocolName: 'range', assignments: [] }
  const refused = [
    await groups.heartbeat(member, call(4)),
    await groups.leaveGroup({ ...member, members: [] }, call(5)),
    await groups.syncGroup(sync, call(5)),
    await groups.offsetDelete({ groupId: '', topics: [] }, call(0)),
  ]
  assert.deepEqual(new Set(refused.map(({ errorCode }) => codeName(errorCode))), new Set(['INVALID_GROUP_ID']))
  const nameless = await groups.syncGroup({ ...sync, groupId: 'g', protocolName: null }, call(5))
  assert.equal(codeName(nameless.errorCode), 'INCONSISTENT_GROUP_PROTOCOL')
})

test('no protocol is null from version 7 of JoinGroup on, and empty before', async () => {
  const cluster = await GroupCluster.start()
  const join = async (version: number) =>
    (await cluster.until(cluster.join({ memberId: 'nobody' }, version))).protocolName
  assert.deepEqual([await join(6), await join(7), await join(9)], ['', null, null])
  assert.equal((await cluster.until(cluster.join({}, 3))).protocolName, 'range')
})

test('before version 3 LeaveGroup is about one member, whose error is the error', async () => {
  const cluster = await GroupCluster.start()
  const memberId = await cluster.settle('g')
  const leave = (memberId: string, version: number) =>
    cluster.until(cluster.groups.leaveGroup({ groupId: 'g', memberId, members: [] }, cluster.call(version)))
  assert.deepEqual(await leave('nobody', 2), { errorCode: 25 })
  assert.deepEqual(await leave(memberId, 0), { errorCode: 0 })
  const members = [{ memberId, groupInstanceId: null, reason: null }]
  const batched = await cluster.until(
    cluster.groups.leaveGroup({ groupId: 'none', memberId: '', members }, cluster.call(5)),
  )
  assert.deepEqual(batched, { errorCode: 0, members: [{ memberId, groupInstanceId: null, errorCode: 25 }] })
})

test('offsets are committed for what there is, by name or by id', async () => {
  const cluster = await GroupCluster.start()
  const topic = (name: string, topicId: string, ...partitions: number[]) => ({
    name,
    topicId,
    partitions: partitions.map(partitionIndex => ({ partitionIndex, committedOffset: 5 })),
  })
  const codesOf = async (version: number, ...topics: ReturnType<typeof topic>[]) => {
    const response = await cluster.until(cluster.commit(0, { topics }, version))
    return response.topics!.map(({ name, topicId, partitions }) => [
      version >= 10 ? topicId : name,
      ...partitions!.map(({ partitionIndex, errorCode }) => `${partitionIndex} ${codeName(errorCode)}`),
    ])
  }
  assert.deepEqual(await codesOf(9, topic('t', ZERO_UUID, 0, 3, 1, -1), topic('nosuch', ZERO_UUID, 0)), [
    ['t', '3 UNKNOWN_TOPIC_OR_PARTITION', '-1 UNKNOWN_TOPIC_OR_PARTITION', '0 NONE', '1 NONE'],
    ['nosuch', '0 UNKNOWN_TOPIC_OR_PARTITION'],
  ])
  assert.deepEqual(await codesOf(10, topic('', TOPIC_ID, 2, 9), topic('', OTHER_ID, 0)), [
    [TOPIC_ID, '9 UNKNOWN_TOPIC_OR_PARTITION', '2 NONE'],
    [OTHER_ID, '0 UNKNOWN_TOPIC_ID'],
  ])
  assert.deepEqual(await codesOf(9, topic('nosuch', ZERO_UUID, 0)), [['nosuch', '0 UNKNOWN_TOPIC_OR_PARTITION']])
})

test('offsets are fetched one group at a time, or many, by name or by id, all or some', async () => {
  const cluster = await GroupCluster.start()
  await cluster.until(cluster.commit(5))
  const { groups, call } = cluster
  const found = { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }
  const nothing = { ...found, committedOffset: -1 }
  const base = { groupId: 'g', topics: null, groups: [], requireStable: false }
  const one = await cluster.until(
    groups.offsetFetch({ ...base, topics: [{ name: 't', partitionIndexes: [0] }] }, call(7)),
  )
  assert.deepEqual(one, { errorCode: 0, topics: [{ name: 't', topicId: ZERO_UUID, partitions: [found] }] })
  const all = await cluster.until(groups.offsetFetch(base, call(2)))
  assert.deepEqual(all.topics, [{ name: 't', topicId: ZERO_UUID, partitions: [found] }])
  const byId = (groupId: string, topics: { topicId: string }[] | null) => ({
    groupId,
    memberId: null,
    memberEpoch: -1,
    topics: topics?.map(({ topicId }) => ({ name: '', topicId, partitionIndexes: [0] })) ?? null,
  })
  const wanted = [
    byId('g', [{ topicId: OTHER_ID }, { topicId: TOPIC_ID }]),
    byId('g', null),
    byId('none', [{ topicId: TOPIC_ID }]),
  ]
  const many = await cluster.until(groups.offsetFetch({ ...base, groupId: '', groups: wanted }, call(10)))
  assert.deepEqual(many.groups, [
    {
      groupId: 'g',
      topics: [
        { name: 't', topicId: TOPIC_ID, partitions: [found] },
        { name: '', topicId: OTHER_ID, partitions: [{ ...nothing, errorCode: 100 }] },
      ],
      errorCode: 0,
    },
    { groupId: 'g', topics: [{ name: 't', topicId: TOPIC_ID, partitions: [found] }], errorCode: 0 },
    { groupId: 'none', topics: [{ name: 't', topicId: TOPIC_ID, partitions: [nothing] }], errorCode: 0 },
  ])
})

test('an OffsetFetch that fails says so where its version has a place for it', async () => {
  const { groups, call } = GroupCluster.create()
  const topics = [{ name: 't', partitionIndexes: [4] }]
  const request = { groupId: 'g', topics, groups: [], requireStable: false }
  const partition = { partitionIndex: 4, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 16 }
  const oldest = await groups.offsetFetch(request, call(1))
  assert.deepEqual(oldest, { errorCode: 0, topics: [{ name: 't', topicId: ZERO_UUID, partitions: [partition] }] })
  assert.deepEqual(await groups.offsetFetch(request, call(2)), { errorCode: 16, topics: [] })
  const group = { groupId: 'g', memberId: null, memberEpoch: -1, topics: null }
  const batched = await groups.offsetFetch({ ...request, groups: [group] }, call(8))
  assert.deepEqual(batched.groups, [{ groupId: 'g', topics: [], errorCode: 16 }])
})

test('offsets are deleted where the topic is there, and an error of the group is the error', async () => {
  const cluster = await GroupCluster.start()
  await cluster.until(cluster.commit(5))
  const topics = [
    { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 7 }] },
    { name: 'nosuch', partitions: [{ partitionIndex: 0 }] },
  ]
  const deleted = await cluster.until(cluster.groups.offsetDelete({ groupId: 'g', topics }, cluster.call(0)))
  assert.deepEqual(deleted, {
    errorCode: 0,
    topics: [
      {
        name: 't',
        partitions: [
          { partitionIndex: 7, errorCode: 3 },
          { partitionIndex: 0, errorCode: 0 },
        ],
      },
      { name: 'nosuch', partitions: [{ partitionIndex: 0, errorCode: 3 }] },
    ],
  })
  assert.equal(await cluster.until(cluster.fetch()), -1)
  const none = await cluster.until(cluster.groups.offsetDelete({ groupId: 'none', topics }, cluster.call(0)))
  assert.deepEqual(none, { errorCode: 69 })
})

test('groups of all partitions are listed, described and deleted together', async () => {
  const logs = Array.from({ length: 4 }, () => new MemoryCoordinatorLog())
  const cluster = GroupCluster.create({ logs })
  const names = ['a', 'b', 'c', 'd', 'e']
  assert.ok(new Set(names.map(name => cluster.groups.partitionFor(name))).size > 2)
  const elsewhere = cluster.groups.partitionFor('e')
  const here = [0, 1, 2, 3].filter(partition => partition !== elsewhere)
  await cluster.until(Promise.all(here.map(partition => cluster.groups.onElection(partition, 0))))
  const mine = names.filter(name => cluster.groups.partitionFor(name) !== elsewhere)
  for (const groupId of mine) await cluster.until(cluster.commit(1, { groupId }))
  const listed = await cluster.until(cluster.groups.listGroups({ statesFilter: [], typesFilter: [] }))
  assert.deepEqual(listed.groups!.map(({ groupId }) => groupId).sort(), mine)
  const request = { groups: names, includeAuthorizedOperations: false }
  const described = await cluster.until(cluster.groups.describeGroups(request, cluster.call(6)))
  const states = described.groups!.map(({ groupId, errorCode, groupState }) => [
    groupId,
    groupState ?? codeName(errorCode),
  ])
  assert.deepEqual(
    states,
    names.map(name => [name, mine.includes(name) ? 'Empty' : 'NOT_COORDINATOR']),
  )
  const deleted = await cluster.until(
    cluster.groups.deleteGroups({ groupsNames: ['e', 'a', 'b', 'a', 'zzz'] }, cluster.call(2)),
  )
  assert.deepEqual(new Set(deleted.results!.map(({ groupId }) => groupId)), new Set(['e', 'a', 'b', 'zzz']))
  assert.equal(deleted.results!.find(({ groupId }) => groupId === 'e')!.errorCode, 16)
})
