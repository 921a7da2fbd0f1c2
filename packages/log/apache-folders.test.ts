/**
 * Folders that Apache Kafka 4.3.1 left (fixtures/make-apache-folders.sh): `killed` is what was there after kill -9,
 * `clean` what Kafka's own recovery made of it. Ours has to make the same of it, byte for byte.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { DEFAULT_LOG_CONFIG } from './log-config.ts'
import { LogManager } from './log-manager.ts'
import type { PartitionLog } from './partition-log.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import type { ReadResult } from './types.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const CONFIG = { ...DEFAULT_LOG_CONFIG, segmentBytes: 12_000, indexIntervalBytes: 500, segmentIndexBytes: 1200 }

type Files = ReadonlyMap<string, Buffer>

function filesOf(folder: string): Files {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(join(FIXTURES, folder), { recursive: true, encoding: 'utf8' })) {
    const path = join(FIXTURES, folder, name)
    if (statSync(path).isFile()) files.set(name, readFileSync(path))
  }
  return files
}

async function worldWith(files: Files): Promise<MemoryWorld> {
  const world = memoryWorld({ logLevel: 'warn' })
  for (const [name, bytes] of files) {
    await world.disk.makeDirectory(join('/data', name, '..'))
    await world.disk.writeFileAtomic(`/data/${name}`, bytes)
  }
  return world
}

async function open(world: MemoryWorld): Promise<LogManager> {
  const manager = await world.runUntil(LogManager.open({ world, logDirs: ['/data'], nodeId: 1 }))
  await world.runUntil(manager.load({ defaults: CONFIG }))
  return manager
}

function endOffsets(): Map<string, number> {
  const lines = readFileSync(join(FIXTURES, 'apache-clean', 'end-offsets'), 'utf8')
    .trim()
    .split('\n')
  return new Map(
    lines.map(line => {
      const [topic, partition, offset] = line.split(':')
      return [`${topic}-${partition}`, Number(offset)]
    }),
  )
}

async function readAll(log: PartitionLog): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result: ReadResult = await log.read(offset, { maxBytes: 3000, minOneBatch: true })
    assert.ok(result.nextOffset > offset)
    chunks.push(...result.chunks)
    offset = result.nextOffset
  }
  return Buffer.concat(chunks)
}

function logBytes(files: Files, folder: string): Buffer {
  const names = [...files.keys()].filter(name => name.startsWith(`${folder}/`) && name.endsWith('.log')).sort()
  return Buffer.concat(names.map(name => files.get(name)!))
}

for (const state of ['clean', 'killed'] as const) {
  test(`a folder of Apache Kafka's, ${state}: offsets, records, producers and transactions`, async () => {
    const files = filesOf(`apache-${state}`)
    const world = await worldWith(files)
    const manager = await open(world)
    assert.equal(manager.clusterId, 'MkU3OEVBNTcwNTJENDM2Qk')
    if (state === 'clean') assert.ok(manager.previousBrokerEpoch > 0)
    else assert.equal(manager.previousBrokerEpoch, -1)
    for (const [folder, endOffset] of endOffsets()) {
      const [topic, partition] = [folder.slice(0, -2), Number(folder.slice(-1))]
      const log = manager.get({ topic, partition })!
      assert.equal(log.logEndOffset, endOffset)
      assert.ok(files.get(`${folder}/partition.metadata`)!.toString().endsWith(log.topicId!))
      assert.ok((await readAll(log)).equals(logBytes(files, folder)))
      const first = await log.offsetForTimestamp(0)
      assert.equal(first?.offset, 0)
      const latest = await log.maxTimestampOffset()
      assert.equal((await log.offsetForTimestamp(latest!.timestamp))?.offset, latest!.offset)
    }
    const log = manager.get({ topic: 'transactions', partition: 0 })!
    log.updateHighWatermark(log.logEndOffset)
    const undecided = log.activeProducers().find(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)!
    assert.equal(log.lastStableOffset, undecided.currentTxnStartOffset)
    assert.equal((await log.abortedTransactions(0, log.logEndOffset)).length, 1)
    assert.deepEqual(
      world.log.lines.map(line => line.message),
      [],
    )
  })
}

test('recovery makes the same indexes and snapshots as Apache Kafka’s', async () => {
  const world = await worldWith(filesOf('apache-killed'))
  const manager = await open(world)
  await world.runUntil(manager.close(1))
  let compared = 0
  for (const [name, wanted] of filesOf('apache-clean')) {
    if (!/\.(log|index|timeindex|txnindex|snapshot)$|partition.metadata$/.test(name)) continue
    const made = await world.disk.readFile(`/data/${name}`)
    // Kafka writes producers in the order of a hash table.
    if (name.endsWith('.snapshot')) assert.deepEqual(producersIn(made), producersIn(wanted), name)
    else assert.ok(made.equals(wanted), name)
    compared++
  }
  assert.ok(compared > 35)
})

function producersIn(snapshot: Uint8Array): object[] {
  return decodeSnapshot(snapshot).sort((a, b) => a.producerId - b.producerId)
}

test('a clean stop leaves a folder as Apache Kafka left it', async () => {
  const files = filesOf('apache-clean')
  const world = await worldWith(files)
  await world.runUntil((await open(world)).close(1))
  for (const [name, before] of files) {
    // The order of lines is that of a hash table; and epochs in which nothing was written are not kept.
    if (/checkpoint$|cleanshutdown$/.test(name)) continue
    assert.ok((await world.disk.readFile(`/data/${name}`)).equals(before), name)
  }
  // The folder was stripped of the internal topics.
  const sorted = (bytes: Buffer): string[] =>
    bytes
      .toString()
      .split('\n')
      .slice(2)
      .sort()
      .filter(line => line !== '' && !line.startsWith('__'))
  for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
    assert.deepEqual(sorted(await world.disk.readFile(`/data/${name}`)), sorted(files.get(name)!), name)
  }
})
