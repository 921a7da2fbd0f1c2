/** What a partition of an internal topic lets its coordinator write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { developerDefaults, loadConfig, resolveBrokerConfig } from './config/index.ts'
import { PartitionCoordinatorLog } from './coordinator-log.ts'
import { EMPTY_IMAGE } from './image/index.ts'
import { openReplicas } from './replica/testing/replicas.ts'
import { TopicConfigs } from './topic-configs.ts'

test('no batch is larger than a message may be, or a segment', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const defaults = developerDefaults({ dataDir: '/data' })
  const largest = (messageBytes: number, segmentBytes: number) => {
    const set = [`message.max.bytes=${messageBytes}`, `log.segment.bytes=${segmentBytes}`]
    const configs = new TopicConfigs(resolveBrokerConfig(loadConfig({ set, defaults }).raw), () => EMPTY_IMAGE)
    return new PartitionCoordinatorLog(partition, configs, () => 0).maxBatchBytes
  }
  assert.equal(largest(1_500_000, 2_000_000), 1_500_000)
  assert.equal(largest(3_000_000, 2_000_000), 2_000_000)
})
