import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changedTopics, DeltaBuilder, type MetadataDelta, mergeDeltas } from './delta.ts'
import { EMPTY_IMAGE, type MetadataImage, type Provenance } from './image.ts'
import { MetadataLoader } from './loader.ts'
import { PersistentMap } from './persistent-map.ts'
import { type MetadataRecord, metadataRecord } from './records.ts'
import { snapshotRecords } from './snapshot-records.ts'
import { recordHistory, steps, testUuid } from './testing/record-history.ts'

function at(offset: number): Provenance {
  return { offset, epoch: 1, timestampMs: 1000 + offset, isBatchAligned: true }
}

/** In batches that end where `cuts` say (modulo the length). */
function replay(records: readonly MetadataRecord[], cuts: readonly number[] = []): MetadataImage {
  const loader = new MetadataLoader()
  for (const [offset, record] of records.entries()) {
    loader.replay(record, offset)
    if (cuts.some(cut => cut % records.length === offset)) loader.settle(at(offset))
  }
  loader.settle(at(records.length - 1))
  return loader.image
}

/** Plain and ordered, for deepEqual. */
function plain(value: unknown): unknown {
  if (value instanceof PersistentMap || value instanceof Map) {
    return [...value]
      .map(([key, item]) => [key, plain(item)] as const)
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  }
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

test('an image depends on the records, not on how they were batched', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat()), (drawn, cuts) => {
      const records = recordHistory(drawn)
      assert.deepEqual(plain(replay(records, cuts)), plain(replay(records)))
    }),
    { numRuns: 200 },
  )
})

test('the records of a snapshot make the same image, and the same snapshot again', () => {
  fc.assert(
    fc.property(steps, drawn => {
      const image = replay(recordHistory(drawn))
      const snapshot = [...snapshotRecords(image)]
      const again = { ...replay(snapshot), provenance: image.provenance }
      assert.deepEqual(plain(again), plain(image))
      assert.deepEqual([...snapshotRecords(again)].map(plain).sort(byText), snapshot.map(plain).sort(byText))
    }),
    { numRuns: 300 },
  )
})

function byText(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1
}

test('a delta names everything that changed, also when merged from several', () => {
  fc.assert(
    fc.property(steps, steps, fc.array(fc.nat()), (before, after, cuts) => {
      const first = recordHistory(before)
      const records = recordHistory([...before, ...after]).slice(first.length)
      const loader = new MetadataLoader(replay(first))
      const deltas: MetadataDelta[] = []
      for (const [i, record] of records.entries()) {
        loader.replay(record, first.length + i)
        if (cuts.some(cut => cut % records.length === i)) deltas.push(...loader.settle(at(first.length + i)).published)
      }
      deltas.push(...loader.settle(at(first.length + records.length)).published)
      assertNamesAllChanges(deltas.reduce(mergeDeltas))
    }),
    { numRuns: 200 },
  )
})

function assertNamesAllChanges(delta: MetadataDelta): void {
  const { base, image } = delta
  const maps = ['brokers', 'controllers', 'configs', 'clientQuotas', 'acls', 'scram', 'delegationTokens'] as const
  for (const name of maps) {
    const [then, now, keys] = [base[name], image[name], delta[name]] as const
    for (const key of new Set<unknown>([...then.keys(), ...now.keys()])) {
      if ((keys as ReadonlySet<unknown>).has(key)) continue
      assert.equal(now.get(key as never), then.get(key as never), `${name} ${key} changed unseen`)
    }
  }
  const seen = new Map([...changedTopics(delta)].map(topic => [topic.id, topic]))
  for (const id of new Set([...base.topicsById.keys(), ...image.topicsById.keys()])) {
    const [then, now] = [base.topicsById.get(id) ?? null, image.topicsById.get(id) ?? null]
    const topic = seen.get(id)
    assert.deepEqual([topic?.before ?? then, topic?.after ?? now], [then, now])
    const partitions = new Set([...(then?.partitions.keys() ?? []), ...(now?.partitions.keys() ?? [])])
    for (const partitionId of partitions) {
      const change = topic?.partitions.find(partition => partition.partitionId === partitionId)
      const [was, is] = [then?.partitions[partitionId] ?? null, now?.partitions[partitionId] ?? null]
      if (was === is) assert.equal(change, undefined)
      else assert.deepEqual([change?.before, change?.after], [was, is])
    }
  }
  for (const topic of image.topicsById.values()) assert.equal(image.topicsByName.get(topic.name), topic)
  assert.equal(image.topicsByName.size, image.topicsById.size)
}

test('a transaction is shown when it ends, and never if it is aborted', () => {
  const begin = metadataRecord('BeginTransactionRecord', 0, { name: 'test' })
  const topic = (n: number) => metadataRecord('TopicRecord', 0, { name: `t${n}`, topicId: testUuid('topic', n) })
  const loader = new MetadataLoader()
  const names = (delta: MetadataDelta | undefined) => [...(delta?.image.topicsByName.keys() ?? ['nothing'])].sort()
  loader.replay(topic(0), 0)
  loader.replay(begin, 1)
  loader.replay(topic(1), 2)
  const opened = loader.settle(at(2))
  assert.deepEqual(opened.published.map(names), [['t0']], 'what came before the transaction is shown')
  assert.deepEqual(names(opened.applied.at(-1)), ['t0', 't1'])
  assert.equal(loader.transactionOffset, 1)
  loader.replay(topic(2), 3)
  assert.deepEqual(loader.settle(at(3)).published, [])
  loader.replay(metadataRecord('EndTransactionRecord', 0, {}), 4)
  const ended = loader.settle(at(4)).published.reduce(mergeDeltas)
  assert.deepEqual([...ended.topics.keys()].sort(), [testUuid('topic', 1), testUuid('topic', 2)])
  assert.equal(ended.base, opened.published.at(-1)!.image)
  assert.equal(loader.transactionOffset, null)

  loader.replay(begin, 5)
  loader.replay(topic(3), 6)
  loader.settle(at(6))
  assert.equal(loader.image.topicsByName.size, 4)
  loader.replay(metadataRecord('AbortTransactionRecord', 0, { reason: null }), 7)
  loader.replay(topic(3), 8)
  const aborted = loader.settle(at(8))
  assert.deepEqual(
    aborted.published.map(delta => delta.topics.size),
    [0, 1],
  )
  assert.equal(aborted.published[0]!.base, ended.image)
  assert.equal(aborted.published[1]!.base, aborted.published[0]!.image)
  assert.equal(loader.image.topicsByName.size, 4)
  assert.equal(loader.image.provenance.offset, 8)
})

test('a record that makes no sense is an error, never skipped', () => {
  const topicId = testUuid('topic', 1)
  const topic = metadataRecord('TopicRecord', 0, { name: 'a', topicId })
  const broker = metadataRecord('RegisterBrokerRecord', 4, { brokerId: 1, brokerEpoch: 7, logDirs: [] })
  const partition = { topicId, partitionId: 0, replicas: [1], directories: [testUuid('dir', 1)] }
  const cases: readonly [RegExp, ...MetadataRecord[]][] = [
    [/one of that name/, topic, metadataRecord('TopicRecord', 0, { name: 'a', topicId: testUuid('topic', 2) })],
    [/another topic has/, topic, metadataRecord('TopicRecord', 0, { name: 'b', topicId })],
    [/no topic with id/, metadataRecord('PartitionRecord', 2, partition)],
    [/partition 1, but no partition 0/, topic, metadataRecord('PartitionRecord', 2, { ...partition, partitionId: 1 })],
    [/partition -1/, topic, metadataRecord('PartitionRecord', 2, { ...partition, partitionId: -1 })],
    [/1 directories for 0/, topic, metadataRecord('PartitionRecord', 2, { ...partition, replicas: [] })],
    [/recovery state 7/, topic, metadataRecord('PartitionRecord', 2, { ...partition, leaderRecoveryState: 7 })],
    [/no partition 3/, topic, metadataRecord('PartitionChangeRecord', 2, { topicId, partitionId: 3 })],
    [/no topic with id/, metadataRecord('RemoveTopicRecord', 0, { topicId })],
    [/no topic x/, metadataRecord('ClearElrRecord', 0, { topicName: 'x' })],
    [/not registered/, metadataRecord('UnfenceBrokerRecord', 0, { id: 1, epoch: 7 })],
    [/epoch 7, not 8/, broker, metadataRecord('FenceBrokerRecord', 0, { id: 1, epoch: 8 })],
    [
      /unknown fenced 2/,
      broker,
      metadataRecord('BrokerRegistrationChangeRecord', 0, { brokerId: 1, brokerEpoch: 7, fenced: 2 }),
    ],
    [/no ACL/, metadataRecord('RemoveAccessControlEntryRecord', 0, { id: testUuid('acl', 1) })],
    [/levels 7 to 31/, metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 32 })],
    [/levels 0 to 0/, metadataRecord('FeatureLevelRecord', 0, { name: 'time.travel', featureLevel: 1 })],
    [/EndTransaction|did not begin/, metadataRecord('EndTransactionRecord', 0, {})],
    [/did not begin/, metadataRecord('AbortTransactionRecord', 0, { reason: null })],
  ]
  for (const [message, ...records] of cases) {
    assert.throws(() => replay(records), { name: 'MetadataError', message })
  }
})

test('a batch of 1,000 partitions applies in a few ms, and a small one does not pay for many topics', () => {
  const many = new DeltaBuilder(EMPTY_IMAGE)
  for (let n = 0; n < 20_000; n++)
    many.replay(metadataRecord('TopicRecord', 0, { name: `t${n}`, topicId: testUuid('t', n) }))
  const { image } = many.build(at(0))
  const create = (partitions: number, n: number) => {
    const topicId = testUuid('new', n)
    const records = [metadataRecord('TopicRecord', 0, { name: `new${n}`, topicId })]
    for (let partitionId = 0; partitionId < partitions; partitionId++) {
      const where = { replicas: [1, 2, 3], isr: [1, 2, 3], directories: [1, 2, 3].map(id => testUuid('dir', id)) }
      records.push(metadataRecord('PartitionRecord', 2, { topicId, partitionId, ...where, leader: 1 }))
    }
    return records
  }
  const fastest = (partitions: number) => {
    const times = Array.from({ length: 15 }, (_, n) => {
      const records = create(partitions, n)
      const begun = process.hrtime.bigint()
      const builder = new DeltaBuilder(image)
      for (const record of records) builder.replay(record)
      builder.build(at(1))
      return Number(process.hrtime.bigint() - begun) / 1e6
    })
    return Math.min(...times)
  }
  // Bounds with room for a slow machine: what they catch is a cost that grows with the number of topics.
  assert.ok(fastest(1000) < 20, `1,000 partitions took ${fastest(1000)} ms`)
  assert.ok(fastest(1) < 1, `1 partition among 20,000 topics took ${fastest(1)} ms`)
})
