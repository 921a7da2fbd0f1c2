import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetadataLoader, type MetadataRecord, metadataRecord } from '../image/index.ts'
import { ClusterTally } from './cluster-tally.ts'

const TOPIC = 'AAAAAAAAAAAAAAAAAAAAAQ'
const NOBODY = -1

test('topics, partitions and elections are counted as the metadata changes', () => {
  const tally = new ClusterTally()
  const loader = new MetadataLoader()
  let offset = 0
  const apply = (...records: MetadataRecord[]): void => {
    for (const record of records) loader.replay(record, offset++)
    const { published } = loader.settle({ offset: offset - 1, epoch: 1, timestampMs: 0, isBatchAligned: true })
    for (const delta of published) tally.apply(delta)
  }
  const change = (fields: { leader: number; isr?: number[]; eligibleLeaderReplicas?: number[] }) =>
    metadataRecord('PartitionChangeRecord', 2, { topicId: TOPIC, partitionId: 0, ...fields })
  const shown = () => [
    tally.offlinePartitions,
    tally.imbalancedPartitions,
    tally.uncleanElections,
    tally.eligibleElections,
  ]
  const replicas = [1, 2, 3]
  apply(
    metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 30 }),
    metadataRecord('TopicRecord', 0, { name: 't', topicId: TOPIC }),
    metadataRecord('PartitionRecord', 2, { topicId: TOPIC, partitionId: 0, replicas, isr: replicas, leader: 1 }),
  )
  assert.deepEqual([tally.topics, tally.partitions], [1, 1])
  apply(change({ leader: 2, isr: [2, 3] }))
  assert.deepEqual(shown(), [0, 1, 0, 0], 'from among those in sync')
  apply(change({ leader: NOBODY, isr: [], eligibleLeaderReplicas: [3] }))
  assert.deepEqual(shown(), [1, 1, 0, 0])
  apply(change({ leader: 3, isr: [3], eligibleLeaderReplicas: [] }))
  assert.deepEqual(shown(), [0, 1, 0, 1], 'it was not in sync, and lacks nothing')
  apply(change({ leader: 1, isr: [1] }))
  assert.deepEqual(shown(), [0, 0, 1, 1], 'who knows what it lacks')
  apply(metadataRecord('RemoveTopicRecord', 0, { topicId: TOPIC }))
  assert.deepEqual([tally.topics, tally.partitions], [0, 0])
})
