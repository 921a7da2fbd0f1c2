import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { type MetadataRecord, metadataRecord } from '../image/index.ts'
import type { MetadataBatch } from './batches.ts'
import type { QuorumListener } from './metadata-quorum.ts'
import { snapshotName } from './snapshot-files.ts'
import { METADATA_DIR, nodeConfig, openQuorum, readLog } from './testing/node.ts'

const NO_OP = metadataRecord('NoOpRecord', 0, {})
const ATOMIC = { isAtomic: true }

class Recorder implements QuorumListener {
  readonly events: string[] = []
  readonly records: MetadataRecord[] = []
  onSnapshotBegin({ endOffset }: { endOffset: number }): void {
    this.events.push(`snapshot ${endOffset}`)
  }
  onSnapshotRecords(records: readonly MetadataRecord[]): void {
    this.records.push(...records)
  }
  onSnapshotEnd(): void {
    this.events.push('snapshot ends')
  }
  onCommitted({ baseOffset, lastOffset, records }: MetadataBatch): void {
    this.records.push(...records)
    this.events.push(`${baseOffset}-${lastOffset}`)
  }
  onLeaderChange({ leaderId, epoch }: { leaderId: number | null; epoch: number }): void {
    this.events.push(`leader ${leaderId} in ${epoch}`)
  }
  onFailure(error: Error): void {
    this.events.push(`failed: ${error.name}`)
  }
}

async function start(world: MemoryWorld, settings: Record<string, string> = {}, port = 9093) {
  const { quorum, logs } = await openQuorum(world, nodeConfig(settings), port)
  const recorder = new Recorder()
  const close = async () => {
    await quorum.close()
    await logs.close(-1)
  }
  try {
    await quorum.start(recorder)
  } catch (error) {
    await close()
    throw error
  }
  return { quorum, recorder, close }
}

/** Time goes on for as long as the test takes. */
function testIn(name: string, act: (world: MemoryWorld) => Promise<void>): void {
  test(name, async () => {
    const world = memoryWorld()
    await world.runUntil(act(world))
  })
}

testIn('each start is a new epoch, which begins with who leads it', async world => {
  for (const epoch of [1, 2, 3]) {
    const { quorum, recorder, close } = await start(world)
    assert.deepEqual(quorum.leader, { leaderId: 1, epoch })
    assert.equal(recorder.events.at(-1), `leader 1 in ${epoch}`)
    assert.equal(quorum.append(epoch, [NO_OP, NO_OP], ATOMIC), quorum.endOffset - 1)
    await close()
  }
  const batches = await readLog(world)
  assert.deepEqual(
    batches.map(({ epoch, controls, records }) => [epoch, ...controls.map(c => c.type), ...records.map(r => r.type)]),
    [
      [1, 'LeaderChange', 'KRaftVersion', 'Voters'],
      [1, 'NoOpRecord', 'NoOpRecord'],
      [2, 'LeaderChange'],
      [2, 'NoOpRecord', 'NoOpRecord'],
      [3, 'LeaderChange'],
      [3, 'NoOpRecord', 'NoOpRecord'],
    ],
  )
  const state = (await world.disk.readFile(`${METADATA_DIR}/quorum-state`)).toString()
  assert.deepEqual(JSON.parse(state), {
    leaderId: 1,
    leaderEpoch: 3,
    votedId: -1,
    votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
    data_version: 1,
  })
})

testIn('an epoch that only quorum-state knows of is not used again', async world => {
  await (await start(world)).close()
  const text =
    '{"leaderId":-1,"leaderEpoch":41,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
  await world.disk.writeFileAtomic(`${METADATA_DIR}/quorum-state`, Buffer.from(text))
  const { quorum, close } = await start(world)
  assert.equal(quorum.leader.epoch, 42)
  await close()
})

testIn('a voter that has moved writes where it is now', async world => {
  await (await start(world)).close()
  const { quorum, close } = await start(world, {}, 19093)
  assert.equal(quorum.voters[0]!.endpoints[0]!.port, 19093)
  assert.equal(quorum.kraftVersion, 1)
  await close()
  const types = (await readLog(world)).map(({ controls }) => controls.map(({ type }) => type))
  assert.deepEqual(types, [
    ['LeaderChange', 'KRaftVersion', 'Voters'],
    ['LeaderChange', 'KRaftVersion', 'Voters'],
  ])
  const third = await start(world, {}, 19093)
  assert.equal(third.quorum.endOffset, 7)
  await third.close()
})

testIn('configured voters are in no record, and quorum-state is of the old form', async world => {
  const settings = { 'controller.quorum.voters': '1@localhost:9093' }
  const { quorum, close } = await start(world, settings)
  assert.equal(quorum.kraftVersion, 0)
  assert.deepEqual(
    quorum.voters.map(({ voterId }) => voterId),
    [1],
  )
  await close()
  assert.equal(await world.disk.stat(`${METADATA_DIR}/${snapshotName({ endOffset: 0, epoch: 0 })}`), null)
  const batches = await readLog(world, nodeConfig(settings))
  assert.deepEqual(
    batches.map(({ controls }) => controls.map(({ type }) => type)),
    [['LeaderChange']],
  )
  const state = (await world.disk.readFile(`${METADATA_DIR}/quorum-state`)).toString()
  assert.match(state, /"currentVoters":\[\{"voterId":1\}\],"data_version":0\}$/)
})

testIn('a quorum of several is refused', async world => {
  const settings = { 'controller.quorum.voters': '1@localhost:9093,2@localhost:9094' }
  await assert.rejects(start(world, settings), { code: 'ERR_UNSUPPORTED_QUORUM', message: /nodes 1, 2 vote/ })
})

testIn('a folder of another voter is refused', async world => {
  await (await start(world)).close()
  const properties = (await world.disk.readFile('/data/meta.properties')).toString()
  const other = properties.replace(/directory\.id=.*/, 'directory.id=b3RoZXItZGlyZWN0b3J5XQ')
  await world.disk.writeFileAtomic('/data/meta.properties', Buffer.from(other))
  await assert.rejects(start(world), { code: 'ERR_UNSUPPORTED_QUORUM', message: /directory id/ })
})

testIn('only the leader of the epoch appends', async world => {
  const { quorum, recorder, close } = await start(world)
  assert.throws(() => quorum.append(7, [NO_OP], ATOMIC), { name: 'LogError', code: 'NOT_LEADER_OR_FOLLOWER' })
  quorum.resign(1)
  assert.equal(recorder.events.at(-1), 'leader null in 1')
  assert.throws(() => quorum.append(1, [NO_OP], ATOMIC), { code: 'NOT_LEADER_OR_FOLLOWER' })
  await close()
})

test('what is appended is told when it is on disk, in batches as written', async () => {
  const world = memoryWorld({ diskLatencyMs: { sync: [5, 5] } })
  const { quorum, recorder } = await world.runUntil(start(world))
  const from = recorder.events.length
  assert.equal(quorum.append(1, [NO_OP], ATOMIC), 3)
  assert.equal(quorum.append(1, [NO_OP, NO_OP], ATOMIC), 5)
  assert.equal(quorum.highWatermark, 3)
  await world.advance(4)
  assert.equal(recorder.events.length, from)
  await world.advance(20)
  assert.deepEqual(recorder.events.slice(from), ['3-3', '4-5'])
  assert.equal(quorum.highWatermark, 6)
  const { replicas, leader } = quorum.describe()
  assert.deepEqual(leader, { leaderId: 1, epoch: 1 })
  assert.deepEqual(
    replicas.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset]),
    [[1, 6]],
  )
})

testIn('a snapshot newer than the log takes its place', async world => {
  const first = await start(world)
  for (let i = 0; i < 10; i++) first.quorum.append(1, [NO_OP], ATOMIC)
  await first.quorum.close()
  const topic = metadataRecord('TopicRecord', 0, { name: 'a', topicId: 'kRBbkXYzT1uBB_0O2FeZtQ' })
  await first.quorum.writeSnapshot({ endOffset: 13, epoch: 1 }, 5, [topic])
  await first.close()
  // A folder whose log was lost, or that was fetched in part.
  for (const { name } of await world.disk.list(METADATA_DIR)) {
    if (/\.(log|index|timeindex)$|leader-epoch/.test(name)) await world.disk.remove(`${METADATA_DIR}/${name}`)
  }
  const { quorum, recorder, close } = await start(world)
  assert.deepEqual(recorder.records, [topic])
  assert.deepEqual(recorder.events.slice(0, 2), ['snapshot 13', 'snapshot ends'])
  assert.equal(quorum.leader.epoch, 2)
  assert.equal(quorum.endOffset, 14)
  await close()
})

testIn('a log that does not reach back to the beginning needs a snapshot', async world => {
  const settings = {
    'metadata.max.retention.bytes': '0',
    'metadata.max.retention.ms': '-1',
    'metadata.log.segment.ms': '1000',
  }
  const first = await start(world, settings)
  for (let i = 0; i < 10; i++) {
    await new Promise<void>(resolve => world.clock.setTimer(1001, resolve))
    first.quorum.append(1, [NO_OP], ATOMIC)
  }
  await new Promise<void>(resolve => world.clock.setTimer(1000, resolve))
  await first.quorum.writeSnapshot({ endOffset: 8, epoch: 1 }, 5, [NO_OP])
  await first.close()
  const names = async () => (await world.disk.list(METADATA_DIR)).map(({ name }) => name)
  const snapshot = snapshotName({ endOffset: 8, epoch: 1 })
  assert.deepEqual(
    (await names()).filter(name => name.endsWith('.checkpoint')),
    [snapshot],
  )
  const again = await start(world, settings)
  assert.deepEqual(again.recorder.events.slice(0, 4), ['snapshot 8', 'snapshot ends', '8-8', '9-9'])
  await again.close()
  await world.disk.remove(`${METADATA_DIR}/${snapshot}`)
  await assert.rejects(start(world, settings), { code: 'ERR_BROKEN_FILE', message: /no snapshot/ })
})

testIn('what is not whole is cleared away', async world => {
  await (await start(world)).close()
  const garbage = '00000000000000000005-0000000001-77.checkpoint.part'
  await world.disk.writeFileAtomic(`${METADATA_DIR}/${garbage}`, Buffer.from('half'))
  await (await start(world)).close()
  assert.equal(await world.disk.stat(`${METADATA_DIR}/${garbage}`), null)
})

testIn('a snapshot holds nothing that is not committed', async world => {
  const { quorum, close } = await start(world)
  await assert.rejects(quorum.writeSnapshot({ endOffset: 100, epoch: 1 }, 5, []), /not committed/)
  await close()
})
