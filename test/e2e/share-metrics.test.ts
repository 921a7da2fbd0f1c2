/** What a scrape tells of share groups: what members got and gave back, who waits, and what goes when they go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { inProcess } from './in-process.ts'
import { ACCEPT, fromTheStart, GROUP, joined, produce, RELEASE, shareFetchApi } from './share-member.ts'

const deleteApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const PARTITION = { group: GROUP, topic: 'a', partition: 0 }

test('records that are acquired, acknowledged, and given back', async () => {
  await using open = await inProcess({ topics: ['a'], config: { 'group.share.assignment.interval.ms': 0 } })
  const { metrics } = open.cluster
  const of = (name: string, labels = {}) => metrics.value(`kafka_server_${name}`, labels)
  await fromTheStart(open)
  await produce(open, 5)
  await produce(open, 3)
  const a = await joined(open, 'a')
  assert.ok(of('group_coordinator_metrics_share_group_rebalance_count')! >= 1)
  assert.deepEqual(await a.acquire(5), [[0, 4, 1]])
  assert.deepEqual(await a.acquire(), [[5, 7, 1]])
  const inFlight = () =>
    ['message', 'batch'].map(of => metrics.value(`kafka_server_sharepartitionmetrics_inflight${of}count`, PARTITION))
  assert.deepEqual(inFlight(), [8, 2])
  await a.acknowledge([0, 4], ACCEPT)
  await a.acknowledge([5, 7], RELEASE)
  assert.deepEqual(inFlight(), [3, 1])
  const acknowledged = (ackType: string) => of('sharegroupmetrics_recordacknowledgements_total', { ackType })
  assert.deepEqual(['Accept', 'Release', 'Reject', 'Renew'].map(acknowledged), [5, 3, 0, 0])
  const batches = (suffix: string) => of(`sharepartitionmetrics_inflightbatchmessagecount_${suffix}`, PARTITION)
  assert.deepEqual([batches('sum'), batches('count')], [8, 2])

  const topic = { topic: 'a' }
  const requests = (kind: string) => of(`brokertopicmetrics_${kind}requests_total`, topic)
  assert.ok(requests('totalsharefetch')! >= 2)
  assert.ok(requests('totalfetch')! >= 2, 'what is read for them is read')
  assert.equal(requests('totalshareacknowledgement'), 2)
  assert.equal(requests('failedsharefetch'), 0)
  assert.equal(requests('failedshareacknowledgement'), 0)
  assert.ok(of('brokertopicmetrics_bytesout_total', topic)! > 100)

  assert.equal(of('sharesessioncache_sharesessionscount'), 1)
  assert.equal(of('sharesessioncache_sharepartitionscount'), 1)
  assert.equal(of('sharegroupmetrics_partitionloadtimems_count'), 1)
  const fetches = of('sharegroupmetrics_requesttopicpartitionsfetchratio_count', { group: GROUP })!
  assert.ok(fetches >= 2)
  assert.ok(of('sharegroupmetrics_requesttopicpartitionsfetchratio_sum', { group: GROUP })! >= 200)
  assert.ok(of('sharegroupmetrics_topicpartitionsacquiretimems_count', { group: GROUP })! >= 2)
  const locked = of('sharepartitionmetrics_fetchlocktimems_count', PARTITION)!
  assert.ok(locked >= 2)
  const ratio = of('sharepartitionmetrics_fetchlockratio_sum', PARTITION)!
  assert.ok(ratio > 0 && ratio <= 100 * locked)

  assert.equal(of('share_coordinator_metrics_num_partitions', { state: 'active' }), 50)
  assert.equal(of('share_coordinator_metrics_write_total'), 2)
  assert.ok(of('share_coordinator_metrics_write_latency_max')! >= of('share_coordinator_metrics_write_latency_avg')!)
  assert.ok(of('share_coordinator_metrics_partition_load_time_max')! >= 0)

  await open.send(deleteApi, { topics: [{ name: 'a' }], timeoutMs: 5000 }, 6)
  const text = [...metrics.text()].join('')
  assert.ok(!text.includes('topic="a"') && !text.includes(`group="${GROUP}"`), 'all of it goes with the topic')
  assert.deepEqual(['Accept', 'Release'].map(acknowledged), [5, 3])
})

test('who waits for records, until it has waited long enough, or its connection is lost', async () => {
  await using open = await inProcess({ topics: ['a'] })
  const { metrics, world } = open.cluster
  const delayed = (name: string) =>
    metrics.value(`kafka_server_delayedoperationpurgatory_${name}`, { delayedOperation: 'ShareFetch' })
  await joined(open, 'a')
  const topicId = await open.topicId('a')
  const member = await open.connect('member')
  const fetch = (shareSessionEpoch: number, maxWaitMs: number) =>
    member.send(shareFetchApi, {
      ...{ groupId: GROUP, memberId: 'a', shareSessionEpoch, maxWaitMs, minBytes: 1 },
      ...{ maxBytes: 1_000_000, maxRecords: 500, batchSize: 500 },
      topics: shareSessionEpoch === 0 ? [{ topicId, partitions: [{ partitionIndex: 0 }] }] : [],
    })
  await fetch(0, 10)
  const expired = 'kafka_server_delayedsharefetchmetrics_expires_total'
  assert.equal(metrics.value(expired), 1)
  const waiting = fetch(1, 60_000)
  waiting.catch(() => undefined)
  const turn = () => new Promise<void>(resolve => world.clock.nextTurn(resolve))
  while (delayed('numdelayedoperations') === 0) await turn()
  assert.deepEqual([delayed('numdelayedoperations'), delayed('purgatorysize')], [1, 1])
  member.close()
  while (delayed('purgatorysize') !== 0) await turn()
  assert.equal(delayed('numdelayedoperations'), 0)
  assert.equal(metrics.value(expired), 1)
  assert.equal(metrics.value('kafka_server_sharesessioncache_sharesessionevictions_total'), 1)
  assert.equal(metrics.value('kafka_server_sharesessioncache_sharesessionscount'), 0)
  const text = [...metrics.text()].join('')
  assert.ok(!text.includes(`group="${GROUP}"`), 'nobody of the group is here any more')
})
