/** Apache Kafka's own tool reads what we write. Needs Java and the script that OTTLA_APACHE_KAFKA names. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { nodeWorld } from '@ottla/io'
import { DEFAULT_LOG_CONFIG } from './log-config.ts'
import { LogManager } from './log-manager.ts'
import { batch, marker } from './testing/batches.ts'
import { AS_CLIENT, AS_COORDINATOR, AS_REPLICA, CLUSTER_ID, TOPIC_ID } from './testing/logs.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const KAFKA = process.env.OTTLA_APACHE_KAFKA ?? join(ROOT, '../shared/apache-kafka/kafka')
const skip = existsSync(KAFKA) ? false : `no Apache Kafka at ${KAFKA}: set OTTLA_APACHE_KAFKA`

/** In the follower's log, as in one whose leader has compacted its own. */
const HOLES = ['  3 is followed by 10', '  11 is followed by 500']

function dump(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(KAFKA, ['dump-log', ...args], { encoding: 'utf8' })
  assert.equal(status, 0)
  // What it finds wrong it tells on the error stream, and succeeds. That a file does not begin with offset 0 is no fault.
  const complaints = stderr
    .split('\n')
    .filter(line => line && !/^Non-consecutive offsets in|^ {2}-1 is followed/.test(line))
  assert.deepEqual(complaints, args.includes('--deep-iteration') ? HOLES : [])
  return stdout
}

/** 400 batches of all codecs, some by a producer in transactions of which every other is aborted; and a follower's holes. */
async function writeLogs(dir: string): Promise<void> {
  const world = nodeWorld({ logger: { level: 'error' } })
  const options = { world, logDirs: [dir], nodeId: 1, clusterId: CLUSTER_ID }
  const manager = await LogManager.open({ ...options, transactionPartitionVerificationEnable: false })
  await manager.load({ defaults: { ...DEFAULT_LOG_CONFIG, segmentBytes: 8000, indexIntervalBytes: 300 } })
  const log = await manager.getOrCreate({ topic: 't', partition: 0 }, TOPIC_ID)
  const nowMs = world.clock.now()
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  let sequence = 0
  for (let i = 0; i < 400; i++) {
    const values = Array.from({ length: 1 + (i % 5) }, (_, n) => `${i}.${n} `.repeat(12))
    const timestamp = nowMs + i - (i % 7) * 3
    const leaderEpoch = Math.floor(i / 150)
    const isTransactional = i % 40 >= 20
    const producer = isTransactional ? { producerId: 2, sequence, isTransactional } : {}
    log.append(batch({ values, timestamp, codec: codecs[i % 5]!, ...producer }), { ...AS_CLIENT, nowMs, leaderEpoch })
    if (isTransactional) sequence += values.length
    if (i % 40 !== 39) continue
    const end = marker({ producerId: 2, isCommit: i % 80 === 39, timestamp, coordinatorEpoch: i })
    log.append(end, { ...AS_COORDINATOR, nowMs, leaderEpoch })
  }
  const follower = await manager.getOrCreate({ topic: 't', partition: 1 }, TOPIC_ID)
  for (const baseOffset of [3, 10, 11, 500, 2 ** 32]) {
    follower.append(batch({ baseOffset, timestamp: nowMs, leaderEpoch: 2 }), { ...AS_REPLICA, leaderEpoch: 2, nowMs })
  }
  await manager.close(5)
}

test('dump-log accepts segments, indexes, transaction indexes and snapshots', { skip }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ottla-dump-'))
  try {
    await writeLogs(dir)
    const files = (suffix: string): string =>
      ['t-0', 't-1']
        .flatMap(folder => readdirSync(join(dir, folder)).map(name => join(dir, folder, name)))
        .filter(path => path.endsWith(suffix))
        .sort()
        .join(',')
    const segments = files('.log').split(',')
    assert.ok(segments.length > 5)
    const dumped = dump('--deep-iteration', '--files', files('.log'))
    assert.equal(dumped.match(/isvalid: true/g)?.length, 400 + 10 + 5)
    assert.doesNotMatch(dumped, /isvalid: false|invalid bytes/)
    assert.match(
      dump('--index-sanity-check', '--files', `${files('.index')},${files('.timeindex')}`),
      /passed sanity check/,
    )
    dump('--verify-index-only', '--files', `${files('.index')},${files('.timeindex')}`)
    const aborted = dump('--files', files('.txnindex'))
    assert.equal(aborted.match(/producerId: 2/g)?.length, 5)
    assert.match(dump('--files', files('.snapshot')), /producerId: 2 producerEpoch: 0 coordinatorEpoch: 399/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
