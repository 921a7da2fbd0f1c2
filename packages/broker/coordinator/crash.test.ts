/**
 * Crash safety: a run of group work is stopped after every batch that it has written, the log is loaded by a new
 * coordinator, and what that one knows is what the first one knew at that moment.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupCluster, TOPIC_ID } from './testing/group-cluster.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'

type Work = (cluster: GroupCluster) => Promise<unknown>

const GROUPS = ['g', 'static', 'lone', 'gone', 'new']

const leave = (groupId: string, groupInstanceId: string): Work => {
  const request = { groupId, memberId: '', members: [{ memberId: '', groupInstanceId, reason: null }] }
  return cluster => cluster.until(cluster.groups.leaveGroup(request, cluster.call(5)))
}
const commit = (groupId: string, offset: number, more = {}): Work => {
  return cluster => cluster.until(cluster.commit(offset, { groupId, ...more }))
}
const joinStatic = (groupId: string, groupInstanceId: string): Work => {
  return cluster => cluster.until(cluster.join({ groupId, groupInstanceId }))
}

const SCRIPT: readonly Work[] = [
  commit('lone', 1),
  cluster => cluster.settle('g', Uint8Array.of(1, 2)),
  commit('lone', 2, { retentionTimeMs: 3_600_000 }),
  joinStatic('static', 'i'),
  async cluster => {
    const { memberId } = await cluster.until(cluster.join({ groupId: 'static', groupInstanceId: 'i' }))
    const sync = { groupId: 'static', generationId: 2, memberId: memberId!, groupInstanceId: 'i' }
    const assignments = [{ memberId: memberId!, assignment: Uint8Array.of(3) }]
    const request = { ...sync, protocolType: 'consumer', protocolName: 'range', assignments }
    return cluster.until(cluster.groups.syncGroup(request, cluster.call(5)))
  },
  // Restarted: it takes its own place.
  joinStatic('static', 'i'),
  joinStatic('static', 'i'),
  commit('gone', 7),
  cluster => cluster.until(cluster.commitInTransaction(100, 7, { groupId: 'lone' })),
  cluster => cluster.until(cluster.commitInTransaction(200, 8, { groupId: 'lone' })),
  cluster => cluster.until(cluster.commitInTransaction(300, 9, { groupId: 'new' })),
  cluster => cluster.until(cluster.endTransaction(7, true)),
  cluster => cluster.until(cluster.endTransaction(8, false)),
  // Two in one turn: one batch.
  cluster =>
    cluster.until(Promise.all([cluster.commit(8, { groupId: 'gone' }), cluster.commit(3, { groupId: 'lone' })])),
  cluster => cluster.until(cluster.groups.deleteGroups({ groupsNames: ['gone', 'g'] }, cluster.call(2))),
  cluster => cluster.until(cluster.endTransaction(9, true)),
  commit('gone', 9),
  leave('static', 'i'),
  // The dynamic member of g goes silent.
  cluster => cluster.world.advance(11_000),
  cluster => cluster.until(cluster.groups.deleteGroups({ groupsNames: ['g'] }, cluster.call(2))),
  async cluster => {
    cluster.groups.onTopicsDeleted([{ name: 't', id: TOPIC_ID }])
    await cluster.world.advance(1)
  },
]

/** Everything that a group's clients could find out, where the group is at rest. */
async function knowledge(cluster: GroupCluster) {
  const { groups } = await cluster.until(cluster.groups.listGroups({ statesFilter: [], typesFilter: [] }))
  const names = groups!.map(({ groupId }) => groupId!).sort()
  const request = { groups: GROUPS, includeAuthorizedOperations: false }
  const described = await cluster.until(cluster.groups.describeGroups(request, cluster.call(6)))
  const atRest = described.groups!.filter(
    ({ groupState }) => groupState !== 'PreparingRebalance' && groupState !== 'CompletingRebalance',
  )
  const offsets = await cluster.until(Promise.all(GROUPS.map(groupId => allOffsets(cluster, groupId))))
  return { names, atRest, offsets }
}

function allOffsets(cluster: GroupCluster, groupId: string) {
  const group = { groupId, memberId: null, memberEpoch: -1, topics: null }
  return cluster.groups.offsetFetch(
    { groupId: '', topics: null, groups: [group], requireStable: true },
    cluster.call(9),
  )
}

test('after every batch the log says what the coordinator knew', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  const known = new Map([[0, await knowledge(cluster)]])
  for (const work of SCRIPT) {
    await work(cluster)
    known.set(log!.batches.length, await knowledge(cluster))
  }
  assert.ok(known.size >= SCRIPT.length, `${known.size} moments of ${log!.batches.length + 1}`)
  for (let count = 0; count <= log!.batches.length; count++) {
    const expected = known.get(count)
    // Within one piece of work there may be two batches; the state between them had no witness.
    if (!expected) continue
    const after = await GroupCluster.start({ logs: [MemoryCoordinatorLog.upTo(log!, count)] })
    const actual = await knowledge(after)
    const resting = new Set(expected.atRest.map(({ groupId }) => groupId))
    const atRest = actual.atRest.filter(({ groupId }) => resting.has(groupId))
    assert.deepEqual({ ...actual, atRest }, expected, `after ${count} batches`)
  }
})

test('what was acknowledged is in the log, whenever the coordinator stops', async () => {
  const cluster = await GroupCluster.start()
  const [log] = cluster.logs
  log!.commitsAtOnce = false
  const acknowledged: { readonly batches: number; readonly groupId: string; readonly offset: number }[] = []
  for (let i = 0; i < 20; i++) {
    const groupId = `group-${i % 3}`
    const acknowledge = () => acknowledged.push({ batches: log!.batches.length, groupId, offset: i })
    void cluster.commit(i, { groupId }).then(acknowledge)
    if (i % 4 === 1) await cluster.world.advance(1)
    if (i % 6 === 5) log!.commit()
    await cluster.world.advance(0)
  }
  assert.ok(acknowledged.length > 10)
  for (const { batches, groupId, offset } of acknowledged) {
    const after = await GroupCluster.start({ logs: [MemoryCoordinatorLog.upTo(log!, batches)] })
    const fetched = await after.until(after.fetch(groupId))
    assert.ok(Number(fetched) >= offset, `${groupId} is at ${fetched}, acknowledged was ${offset}`)
  }
})
