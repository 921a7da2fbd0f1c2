import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io/memory'
import { errorName } from '@ottla/protocol'
import { metadataRecord } from '../image/index.ts'
import { encodeDataBatches } from './batches.ts'
import {
  checkDeltas,
  contentOf,
  METADATA_DIR,
  nodeConfig,
  openQuorum,
  readLog,
  startNode,
  topicNames,
} from './testing/node.ts'

function startWorld(seed: number) {
  return memoryWorld({ seed, diskLatencyMs: [0, 2] })
}

async function run<T>(world: ReturnType<typeof startWorld>, act: () => Promise<T>): Promise<T> {
  return await world.runUntil(act())
}

test('an empty log is bootstrapped as Apache Kafka does', async () => {
  const world = startWorld(1)
  const node = await run(world, () => startNode(world))
  assert.equal(node.driver.isActive, true)
  checkDeltas(node.deltas)
  await run(world, () => node.close())
  const batches = await run(world, () => readLog(world))
  assert.deepEqual(
    batches[0]!.controls.map(({ type }) => type),
    ['LeaderChange', 'KRaftVersion', 'Voters'],
  )
  const records = batches.slice(1).flatMap(batch => batch.records)
  const feature = (name: string, featureLevel: number) =>
    metadataRecord('FeatureLevelRecord', 0, { name, featureLevel })
  assert.deepEqual(records, [
    metadataRecord('BeginTransactionRecord', 0, { name: 'Bootstrap records' }),
    feature('metadata.version', 30),
    feature('eligible.leader.replicas.version', 1),
    feature('group.version', 1),
    feature('share.version', 1),
    feature('streams.version', 1),
    feature('transaction.version', 2),
    metadataRecord('ConfigRecord', 0, { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '1' }),
    metadataRecord('EndTransactionRecord', 0, {}),
  ])
})

test('an answer comes when it is committed, and after the listeners have seen what it says', async () => {
  const world = startWorld(2)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const created = node.createTopic('a')
  const seen = created.then(() => topicNames(node.driver.image))
  await Promise.resolve()
  assert.deepEqual(topicNames(node.driver.image), [])
  assert.deepEqual(await run(world, () => seen), ['a'])
  assert.ok(node.quorum.highWatermark === node.quorum.endOffset)
  checkDeltas(node.deltas)
})

test('a request that changes nothing waits for what it may have seen', async () => {
  const world = startWorld(3)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const order: string[] = []
  const first = node.createTopic('a').then(error => order.push(error))
  const second = node.createTopic('a').then(error => order.push(error))
  await run(world, () => Promise.all([first, second]))
  assert.deepEqual(order, ['NONE', 'TOPIC_ALREADY_EXISTS'])
  // With nothing pending it is answered at once.
  assert.equal(await node.createTopic('a'), 'TOPIC_ALREADY_EXISTS')
})

test('many requests at once share few flushes', async () => {
  const world = memoryWorld({ seed: 4, diskLatencyMs: { sync: [5, 5] } })
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const start = world.clock.monotonic()
  const errors = await run(world, () => Promise.all(Array.from({ length: 100 }, (_, i) => node.createTopic(`t${i}`))))
  assert.deepEqual(new Set(errors), new Set(['NONE']))
  const elapsed = world.clock.monotonic() - start
  assert.ok(elapsed <= 10.1, `it took ${elapsed} ms`)
})

test('the next start has the same metadata, a new epoch, and shows it in one step', async () => {
  const world = startWorld(5)
  let node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  for (const name of ['a', 'b', 'c']) assert.equal(await run(world, () => node.createTopic(name, 3)), 'NONE')
  assert.equal(await run(world, () => node.deleteTopic('b')), 'NONE')
  assert.equal(await run(world, () => node.setConfig('a', 'retention.ms', '1000')), 'NONE')
  const { image } = node.driver
  assert.equal(image.provenance.epoch, 1)
  await run(world, () => node.close())
  node = await run(world, () => startNode(world))
  assert.deepEqual(contentOf(node.driver.image), contentOf(image))
  assert.deepEqual(node.quorum.leader, { leaderId: 1, epoch: 2 })
  assert.equal(node.deltas.length, 1)
  checkDeltas(node.deltas)
  await run(world, () => node.registerBroker())
  assert.equal(node.driver.image.provenance.epoch, 2)
})

test('a quorum whose voters are configured writes them down when kraft.version goes up, and knows them at the next start', async () => {
  const world = startWorld(15)
  const settings = { 'controller.quorum.voters': '1@localhost:9093' }
  let node = await run(world, () => startNode(world, settings))
  const upgrade = { feature: 'kraft.version', maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 }
  const request = { featureUpdates: [upgrade], timeoutMs: 1000, validateOnly: true }
  assert.equal((await run(world, () => node.driver.request('updateFeatures', request, 2))).errorCode, 0)
  assert.equal(node.quorum.kraftVersion, 0)
  const asked = () => node.driver.request('updateFeatures', { ...request, validateOnly: false }, 2)
  assert.equal((await run(world, asked)).errorCode, 0)
  assert.equal(node.quorum.kraftVersion, 1)
  const { voters, replicas } = node.driver.describeQuorum()
  assert.equal(voters[0]!.voterDirectoryId, replicas[0]!.directoryId)
  await run(world, () => node.close())
  const controls = (await run(world, () => readLog(world, nodeConfig(settings)))).flatMap(batch => batch.controls)
  assert.deepEqual(
    controls.map(({ type }) => type),
    ['LeaderChange', 'KRaftVersion', 'Voters'],
  )
  node = await run(world, () => startNode(world))
  assert.equal(node.quorum.kraftVersion, 1)
  assert.deepEqual(node.quorum.voters, voters)
  await run(world, () => node.close())
})

test('a log that cannot be written ends the leadership: no answer is a false promise', async () => {
  for (const operation of ['write', 'sync'] as const) {
    const world = startWorld(6)
    const node = await run(world, () => startNode(world))
    await run(world, () => node.registerBroker())
    assert.equal(await run(world, () => node.createTopic('a')), 'NONE')
    world.disk.inject({ operation, path: /__cluster_metadata-0/, times: Number.POSITIVE_INFINITY })
    const answers = await run(world, () =>
      Promise.all([node.createTopic('b'), node.createTopic('c'), node.createTopic('a')]),
    )
    assert.deepEqual(answers, ['NOT_CONTROLLER', 'NOT_CONTROLLER', 'NOT_CONTROLLER'])
    assert.equal(await run(world, () => node.createTopic('d')), 'NOT_CONTROLLER')
    assert.deepEqual(topicNames(node.driver.image), ['a'])
    assert.equal(node.failures.length, 1)
    assert.equal(node.driver.isActive, false)
    assert.equal(node.quorum.leader.leaderId, null)
    await run(world, () => node.driver.close())
  }
})

test('resigning takes back what is not committed', async () => {
  const world = startWorld(7)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const answer = node.createTopic('a')
  await Promise.resolve()
  await Promise.resolve()
  node.quorum.resign(1)
  assert.equal(await run(world, () => answer), 'NOT_CONTROLLER')
  assert.deepEqual(topicNames(node.driver.image), [])
  assert.equal(node.failures.length, 0)
})

test('a request that needs more than a batch can hold is refused, and harms nothing', async () => {
  const world = startWorld(8)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  for (let i = 0; i < 300; i++) assert.equal(await run(world, () => node.createTopic(`t${i}`)), 'NONE')
  const { endOffset } = node.quorum
  const value = `${'1:1,'.repeat(8000)}1:1`
  const configs = [{ name: 'follower.replication.throttled.replicas', configOperation: 0, value }]
  const resources = Array.from({ length: 300 }, (_, i) => ({ resourceType: 2, resourceName: `t${i}`, configs }))
  const request = { resources, validateOnly: false }
  const { responses } = await run(world, () => node.driver.request('incrementalAlterConfigs', request, 1))
  const codes = [...responses!].map(({ errorCode = 0 }) => errorName(errorCode))
  assert.deepEqual(codes, new Array(300).fill('POLICY_VIOLATION'))
  assert.equal(node.quorum.endOffset, endOffset)
  assert.equal(await run(world, () => node.createTopic('b')), 'NONE')
  assert.deepEqual(node.failures, [])
})

test('a config value that no record can hold is refused', async () => {
  const world = startWorld(18)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  assert.equal(await run(world, () => node.createTopic('a')), 'NONE')
  const set = (value: string) => run(world, () => node.setConfig('a', 'follower.replication.throttled.replicas', value))
  assert.equal(await set('1:1,'.repeat(9000)), 'INVALID_CONFIG')
  assert.equal(await set(`${'\u00e9'.repeat(20_000)}`), 'INVALID_CONFIG')
})

test('a broker that is not heard of is fenced in time', async () => {
  const world = startWorld(9)
  const node = await run(world, () => startNode(world, { 'broker.session.timeout.ms': '9000' }))
  await run(world, () => node.registerBroker())
  await run(world, () => node.createTopic('a'))
  await world.advance(5000)
  assert.equal(await run(world, () => node.heartbeat()), 'NONE')
  await world.advance(8900)
  assert.equal(node.driver.image.brokers.get(1)?.fenced, false)
  await world.advance(200)
  assert.equal(node.driver.image.brokers.get(1)?.fenced, true)
  assert.equal(node.driver.image.topicsByName.get('a') !== undefined, true)
  assert.equal(await run(world, () => node.heartbeat()), 'NONE')
  assert.equal(node.driver.image.brokers.get(1)?.fenced, false)
})

test('a log that would stand still gets a no-op now and then, and none while it moves', async () => {
  const world = startWorld(10)
  const node = await run(world, () => startNode(world, { 'metadata.max.idle.interval.ms': '500' }))
  const noOps = () => node.deltas.filter(delta => delta.topics.size + delta.brokers.size + delta.features.size === 0)
  const before = noOps().length
  await world.advance(5000)
  const count = noOps().length - before
  assert.ok(count >= 9 && count <= 10, `${count} no-ops in 5 s`)
  await run(world, () => node.registerBroker())
  const then = noOps().length
  for (let i = 0; i < 20; i++) {
    await world.advance(300)
    await run(world, () => node.createTopic(`t${i}`))
  }
  assert.equal(noOps().length, then)
  await run(world, () => node.close())
  await world.advance(5000)
})

test('snapshots are made by bytes, and old segments and snapshots go', async () => {
  const world = startWorld(11)
  const settings = {
    'metadata.log.max.record.bytes.between.snapshots': '5000',
    'metadata.log.segment.bytes': String(8 * 1024 * 1024),
    'metadata.max.retention.bytes': '20000',
    'metadata.max.retention.ms': '-1',
  }
  const node = await run(world, () => startNode(world, settings))
  await run(world, () => node.registerBroker())
  for (let i = 0; i < 300; i++) assert.equal(await run(world, () => node.createTopic(`topic-${i}`, 2)), 'NONE')
  await world.advance(100)
  const snapshots = (await run(world, () => world.disk.list(METADATA_DIR))).map(({ name }) => name)
  const { image } = node.driver
  assert.ok(node.quorum.latestSnapshot!.endOffset > image.provenance.offset - 100)
  assert.equal(snapshots.filter(name => name.endsWith('.checkpoint')).length, 1)
  await run(world, () => node.close())
  const again = await run(world, () => startNode(world, settings))
  assert.deepEqual(contentOf(again.driver.image), contentOf(image))
  assert.equal(again.deltas.length, 1)
  await run(world, () => again.close())
})

test('snapshots are made by time', async () => {
  const world = startWorld(12)
  const node = await run(world, () =>
    startNode(world, { 'metadata.log.max.snapshot.interval.ms': '60000', 'metadata.max.idle.interval.ms': '500' }),
  )
  assert.equal(node.quorum.latestSnapshot?.endOffset, 0)
  await world.advance(59_000)
  assert.equal(node.quorum.latestSnapshot?.endOffset, 0)
  await world.advance(2000)
  const first = node.quorum.latestSnapshot!.endOffset
  assert.ok(first > 0)
  await world.advance(60_000)
  assert.ok(node.quorum.latestSnapshot!.endOffset > first)
})

test('a snapshot that cannot be written is no reason to stop', async () => {
  const world = startWorld(13)
  const settings = { 'metadata.log.max.record.bytes.between.snapshots': '2000' }
  const node = await run(world, () => startNode(world, settings))
  await run(world, () => node.registerBroker())
  const fault = world.disk.inject({
    operation: 'write',
    path: /checkpoint/,
    code: 'ENOSPC',
    times: Number.POSITIVE_INFINITY,
  })
  for (let i = 0; i < 50; i++) assert.equal(await run(world, () => node.createTopic(`a${i}`)), 'NONE')
  await world.advance(100)
  assert.ok(fault.hits > 0)
  assert.equal(node.quorum.latestSnapshot?.endOffset, 0)
  fault.remove()
  for (let i = 0; i < 50; i++) assert.equal(await run(world, () => node.createTopic(`b${i}`)), 'NONE')
  await world.advance(100)
  assert.ok(node.quorum.latestSnapshot!.endOffset > 0)
  const { image } = node.driver
  await run(world, () => node.close())
  const again = await run(world, () => startNode(world, settings))
  assert.deepEqual(contentOf(again.driver.image), contentOf(image))
})

test('a transaction that was left open is aborted at the next start, and nobody has seen it', async () => {
  const world = startWorld(14)
  let node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  await run(world, () => node.createTopic('a'))
  const records = [
    metadataRecord('BeginTransactionRecord', 0, { name: 'half' }),
    metadataRecord('TopicRecord', 0, { name: 'b', topicId: 'aGFsZi1hLXRvcGljX19fXw' }),
  ]
  node.quorum.append(1, records, { isAtomic: true })
  await world.advance(100)
  await run(world, () => node.close())
  node = await run(world, () => startNode(world))
  assert.deepEqual(topicNames(node.driver.image), ['a'])
  checkDeltas(node.deltas)
  assert.equal(await run(world, () => node.createTopic('b')), 'NONE')
  await run(world, () => node.close())
  const batches = await run(world, () => readLog(world))
  const types = batches.flatMap(batch => batch.records.map(({ type }) => type))
  assert.ok(types.includes('AbortTransactionRecord'))
})

test('a record that makes no sense keeps the node from starting', async () => {
  const world = startWorld(15)
  const { quorum, logs } = await run(world, () => openQuorum(world, nodeConfig()))
  const ignore = () => {}
  const listener = {
    onSnapshotBegin: ignore,
    onSnapshotRecords: ignore,
    onSnapshotEnd: ignore,
    onCommitted: ignore,
    onLeaderChange: ignore,
    onFailure: ignore,
  }
  await run(world, () => quorum.start(listener))
  const remove = metadataRecord('RemoveTopicRecord', 0, { topicId: 'bm8tc3VjaC10b3BpY19fXw' })
  quorum.append(1, [remove], { isAtomic: true })
  await run(world, () => quorum.close())
  await run(world, () => logs.close(-1))
  await assert.rejects(
    run(world, () => startNode(world)),
    { name: 'MetadataError', code: 'ERR_BROKEN_RECORD' },
  )
})

test('requests after the end are answered, with NOT_CONTROLLER', async () => {
  const world = startWorld(16)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const last = node.createTopic('a')
  await Promise.resolve()
  const closed = node.close()
  const late = node.createTopic('b')
  assert.equal(await run(world, () => last), 'NONE')
  assert.equal(await run(world, () => late), 'NOT_CONTROLLER')
  await run(world, () => closed)
})

test('a listener that throws is told of, and misses nothing that comes after', async () => {
  const world = startWorld(17)
  const node = await run(world, () => startNode(world))
  await run(world, () => node.registerBroker())
  const push = (node.deltas as unknown[]).push
  ;(node.deltas as unknown[]).push = () => {
    ;(node.deltas as unknown[]).push = push
    throw new Error('no')
  }
  assert.equal(await run(world, () => node.createTopic('a')), 'NONE')
  assert.equal(await run(world, () => node.createTopic('b')), 'NONE')
  assert.deepEqual(node.failures, [])
})

test('records that need not be written as one are split where a batch gets too large', () => {
  const value = 'x'.repeat(30_000)
  const records = Array.from({ length: 600 }, (_, i) =>
    metadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName: `t${i}`, name: 'a', value }),
  )
  const place = { baseOffset: 5, epoch: 1, timestampMs: 0 }
  const batches = [...encodeDataBatches(records, place, false)]
  assert.equal(batches.length, 3)
  assert.equal(batches[0]!.batch.baseOffset, 5)
  assert.equal(batches.at(-1)!.batch.lastOffset, 604)
  assert.deepEqual(
    batches.flatMap(({ batch }) => batch.records),
    records,
  )
  assert.throws(() => [...encodeDataBatches(records, place, true)], { code: 'ERR_TOO_LARGE' })
})
