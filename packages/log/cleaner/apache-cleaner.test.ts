/**
 * The same log, cleaned by ours and by Apache Kafka's own cleaner, is the same: to the byte where nothing is compressed,
 * indexes and the time of the last change included; else by each header and record. Needs Java, and the script that
 * OTTLA_APACHE_KAFKA names.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { nodeWorld, type World } from '@ottla/io'
import { batches, type Codec, decodeRecords, encodeBatch, type RecordInput } from '@ottla/protocol'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../log-config.ts'
import { LogManager } from '../log-manager.ts'
import { marker } from '../testing/batches.ts'
import { AS_CLIENT, AS_COORDINATOR, CLUSTER_ID, TOPIC_ID } from '../testing/logs.ts'
import { CleanerMemory, cleanLog } from './clean-log.ts'
import { DEFAULT_CLEANER_CONFIG } from './cleaner-config.ts'

const ROOT = dirname(dirname(dirname(import.meta.dirname)))
const KAFKA = process.env.OTTLA_APACHE_KAFKA ?? join(ROOT, '../shared/apache-kafka/kafka')
const skip = existsSync(KAFKA) ? false : `no Apache Kafka at ${KAFKA}: set OTTLA_APACHE_KAFKA`
const PROGRAM = join(import.meta.dirname, 'testing/CleanFolder.java')

const DELETE_RETENTION_MS = 60_000
const CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  cleanupPolicy: ['compact'],
  segmentBytes: 20_000,
  indexIntervalBytes: 300,
  deleteRetentionMs: DELETE_RETENTION_MS,
}
const KAFKA_CONFIG = [
  'cleanup.policy=compact',
  'internal.segment.bytes=20000',
  'index.interval.bytes=300',
  `delete.retention.ms=${DELETE_RETENTION_MS}`,
]

/** Batches of one to eight records over 60 keys, some of them tombstones; a third of them by producers, in transactions of which some are aborted. */
async function fill(manager: LogManager, partition: number, codecs: readonly Codec[], nowMs: number): Promise<void> {
  const log = await manager.getOrCreate({ topic: 't', partition }, TOPIC_ID)
  let state = 12345
  const chance = (bound: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % bound
  }
  const sequences = new Map<number, number>()
  const open = new Map<number, number>()
  for (let i = 0; i < 500; i++) {
    const records = Array.from({ length: 1 + chance(8) }, (): RecordInput => {
      const value = chance(6) === 0 ? null : Buffer.from(`value ${i} `.repeat(1 + chance(8)))
      const headers = chance(4) === 0 ? [{ key: 'h', value: Buffer.from('x') }] : []
      return { key: Buffer.from(`key ${chance(60)}`), value, headers, timestamp: nowMs - 10_000 + i - chance(20) }
    })
    const producerId = chance(3) === 0 ? 1 + chance(5) : -1
    const baseSequence = sequences.get(producerId) ?? 0
    const isTransactional = producerId > 0 && producerId < 4
    const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence, isTransactional }
    const codec = codecs[i % codecs.length]!
    log.append(new Uint8Array(encodeBatch(records, { codec, ...producer })), { ...AS_CLIENT, nowMs, leaderEpoch: 1 })
    if (producerId > 0) sequences.set(producerId, baseSequence + records.length)
    if (isTransactional) open.set(producerId, (open.get(producerId) ?? 0) + 1)
    for (const [producerId, count] of open) {
      if (count < 3 && i < 470) continue
      const end = marker({ producerId, isCommit: chance(2) === 0, timestamp: nowMs - 10_000 + i })
      log.append(end, { ...AS_COORDINATOR, nowMs, leaderEpoch: 1 })
      open.delete(producerId)
    }
  }
  log.roll()
  log.append(encodeBatch([{ key: Buffer.from('active'), value: null, timestamp: nowMs }]), { ...AS_CLIENT, nowMs })
  await log.flush()
}

function open(world: World, dir: string): Promise<LogManager> {
  return LogManager.open({
    world,
    logDirs: [dir],
    nodeId: 1,
    clusterId: CLUSTER_ID,
    transactionPartitionVerificationEnable: false,
    cleaner: { ...DEFAULT_CLEANER_CONFIG, enable: false },
  })
}

interface Range {
  readonly firstDirtyOffset: number
  readonly endOffset: number
}

/** Returns up to where it is clean. */
async function cleanOurs(world: World, dir: string, partition: number, range: Range, nowMs: number): Promise<number> {
  const { clock, ...rest } = { ...world, ...pick(world) }
  const at: World = {
    ...rest,
    clock: {
      now: () => nowMs,
      monotonic: () => clock.monotonic(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      nextTurn: callback => clock.nextTurn(callback),
    },
  }
  const manager = await open(world, dir)
  await manager.load({ defaults: CONFIG })
  const log = manager.get({ topic: 't', partition })!
  log.updateHighWatermark(log.logEndOffset)
  const { endOffset } = await cleanLog({
    world: at,
    log,
    range: { ...range, correctsCheckpoint: false },
    config: DEFAULT_CLEANER_CONFIG,
    memory: new CleanerMemory(DEFAULT_CLEANER_CONFIG),
    throttle: async () => {},
    isUnwanted: () => false,
  })
  await manager.close()
  return endOffset
}

function pick({ clock, disk, network, random, workers, logger }: World): World {
  return { clock, disk, network, random, workers, logger }
}

let classPath: string | undefined

function cleanTheirs(dir: string, partition: number, { firstDirtyOffset, endOffset }: Range, nowMs: number): number {
  classPath ??= execFileSync(KAFKA, ['classpath'], { encoding: 'utf8' }).trim()
  const numbers = [firstDirtyOffset, endOffset, nowMs].map(String)
  const args = ['-Xmx256m', '-cp', classPath, PROGRAM, join(dir, `t-${partition}`), ...numbers, ...KAFKA_CONFIG]
  const { status, stdout, stderr } = spawnSync('java', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return Number(stdout.trim().split('\n').at(-1))
}

function filesOf(dir: string, partition: number, suffixes: RegExp): string[] {
  return readdirSync(join(dir, `t-${partition}`))
    .filter(name => suffixes.test(name))
    .sort()
}

function describe(bytes: Uint8Array): object[] {
  return [...batches(bytes)].map(header => {
    const { position, sizeInBytes, crc, ...rest } = header
    return { ...rest, records: decodeRecords(bytes, header) }
  })
}

function compare(ours: string, theirs: string, partition: number): number {
  const isPlain = partition === 0
  const names = filesOf(ours, partition, /\.(log|index|timeindex|txnindex)$/)
  assert.deepEqual(names, filesOf(theirs, partition, /\.(log|index|timeindex|txnindex)$/))
  for (const name of names.toSorted((a, b) => Number(b.endsWith('.log')) - Number(a.endsWith('.log')))) {
    const [a, b] = [ours, theirs].map(dir => readFileSync(join(dir, `t-${partition}`, name))) as [Buffer, Buffer]
    if (name.endsWith('.log')) assert.deepEqual(describe(a), describe(b), name)
    if (isPlain || name.endsWith('txnindex')) assert.equal(a.toString('hex'), b.toString('hex'), name)
    const [x, y] = [ours, theirs].map(dir => statSync(join(dir, `t-${partition}`, name)).mtimeMs) as [number, number]
    if (name.endsWith('.log')) assert.equal(Math.floor(x), Math.floor(y), `${name} was last changed`)
  }
  return names.length
}

test('cleaned as by Apache Kafka', { skip }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ottla-cleaned-'))
  const world = nodeWorld({ logger: { level: 'error' } })
  const [ours, theirs] = [join(scratch, 'ours'), join(scratch, 'theirs')] as const
  try {
    const nowMs = Date.now()
    const manager = await open(world, ours)
    await manager.load({ defaults: CONFIG })
    await fill(manager, 0, ['none'], nowMs)
    await fill(manager, 1, ['none', 'gzip', 'snappy', 'lz4', 'zstd'], nowMs)
    const segments = [0, 1].map(partition => manager.get({ topic: 't', partition })!.segments)
    await manager.close()
    cpSync(ours, theirs, { recursive: true, preserveTimestamps: true })
    for (const partition of [0, 1]) {
      const bases = segments[partition]!.map(({ baseOffset }) => baseOffset)
      assert.ok(bases.length > 3)
      // Half of it; the rest; all of it again, when markers without data get their horizons; and when all are past.
      const [middle, end] = [bases[bases.length >> 1]!, bases.at(-1)!]
      const ranges = [
        [0, middle, nowMs],
        [middle, end, nowMs + 1000],
        [middle, end, nowMs + 2000],
        [0, end, nowMs + 2 * DELETE_RETENTION_MS],
      ] as const
      const counts: number[] = []
      for (const [firstDirtyOffset, endOffset, atMs] of ranges) {
        const range = { firstDirtyOffset, endOffset }
        const cleanTo = await cleanOurs(world, ours, partition, range, atMs)
        assert.equal(cleanTo, cleanTheirs(theirs, partition, range, atMs))
        assert.equal(cleanTo, endOffset)
        counts.push(compare(ours, theirs, partition))
      }
      assert.ok(counts.at(-1)! < counts[0]!, `${counts}`)
    }
  } finally {
    await world.workers.close()
    rmSync(scratch, { recursive: true })
  }
})
