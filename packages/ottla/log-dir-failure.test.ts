/** What clients see of a node that has lost one of its log dirs, until it is started again with the dir in order. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io'
import { encodeBatch, errorName } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { Command, run } from './testing/command.ts'
import { DATA_DIR, DiskClient, METADATA_DIR, OWN_METADATA_DIR, startNode, THIRD_DIR } from './testing/disk-workload.ts'

const WITH_NAMES = 12
const PARTITIONS = 4
/** Enough for what goes on behind a request, and much less than the time between two heartbeats. */
const SOON_MS = 250

let observers = 0

class Observer extends DiskClient {
  readonly #clock: MemoryWorld['clock']

  constructor(world: MemoryWorld) {
    super(world.neighbor(`client ${++observers}`), 'node', () => false)
    this.#clock = world.clock
  }

  async create(name: string, numPartitions = PARTITIONS): Promise<string> {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await this.send(CreateTopicsRequest, CreateTopicsResponse, { topics: [topic] })
    return errorName(topics[0]!.errorCode)
  }

  async produce(name: string, index: number): Promise<string> {
    const records = encodeBatch([{ value: Buffer.alloc(1000), timestamp: this.#clock.now() }])
    const topicData = [{ name, partitionData: [{ index, records }] }]
    const request = { acks: -1, timeoutMs: 1000, topicData }
    const { responses } = await this.send(ProduceRequest, ProduceResponse, request, WITH_NAMES)
    return errorName(responses[0]!.partitionResponses[0]!.errorCode)
  }

  produceAll(name: string): Promise<string[]> {
    return Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => this.produce(name, partition)))
  }

  async delete(name: string): Promise<string> {
    const request = { topics: [{ name }], timeoutMs: 1000 }
    const { responses } = await this.send(DeleteTopicsRequest, DeleteTopicsResponse, request)
    return errorName(responses[0]!.errorCode)
  }

  async fetch(topic: string, partition: number, { fetchOffset = 0, maxWaitMs = 0, minBytes = 0 } = {}) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs, minBytes, maxBytes: 1 << 20, topics: [{ topic, partitions }] }
    const { responses } = await this.send(FetchRequest, FetchResponse, request, WITH_NAMES)
    const { errorCode, highWatermark } = responses[0]!.partitions[0]!
    return { error: errorName(errorCode), highWatermark }
  }

  /** `error, leader, offline replicas` of each partition. */
  async metadata(name: string): Promise<string[]> {
    const { topics } = await this.send(MetadataRequest, MetadataResponse, { topics: [{ name }] })
    const byNumber = topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    return byNumber.map(({ errorCode, leaderId, offlineReplicas }) => {
      return [errorName(errorCode), leaderId, ...offlineReplicas].join()
    })
  }

  async logDirs(name: string): Promise<Map<string, { error: string; partitions: number[] }>> {
    const { results } = await this.send(DescribeLogDirsRequest, DescribeLogDirsResponse, { topics: null })
    return new Map(
      results.map(({ logDir, errorCode, topics }) => {
        const partitions = topics.find(topic => topic.name === name)?.partitions ?? []
        return [logDir, { error: errorName(errorCode), partitions: partitions.map(each => each.partitionIndex).sort() }]
      }),
    )
  }
}

/** For good. */
function fillDataDir(world: MemoryWorld): void {
  const path = (path: string): boolean => path.startsWith(DATA_DIR)
  world.disk.inject({ operation: 'write', code: 'ENOSPC', path, times: Number.POSITIVE_INFINITY })
}

function failures(world: MemoryWorld): object[] {
  return world.log.lines.filter(({ level }) => level === 'error').map(({ message, fields }) => ({ message, ...fields }))
}

/** A node that has been stopped, with a record in each partition of its topic `t`; `lost` are those of the data dir. */
async function withTopic() {
  const world = memoryWorld({ name: 'node' })
  let lost: number[] = []
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      await client.create('t')
      await client.produceAll('t')
      lost = (await client.logDirs('t')).get(DATA_DIR)!.partitions
      await client.pause(SOON_MS)
      await broker.close()
    })(),
  )
  world.crash()
  return { restarted: world.restart(), lost, of: byDir(lost) }
}

/** For each partition the answer of those in the data dir, which is lost, or of those that are kept. */
function byDir(lost: readonly number[]) {
  return (inLost: string, inKept: string) =>
    Array.from({ length: PARTITIONS }, (_, partition) => (lost.includes(partition) ? inLost : inKept))
}

test('what lies in a log dir that fails has no leader, and the rest is served', async () => {
  let world = memoryWorld({ name: 'node' })
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      await client.create('t')
      assert.deepEqual(await client.produceAll('t'), Array(PARTITIONS).fill('NONE'))
      const before = await client.logDirs('t')
      const lost = before.get(DATA_DIR)!.partitions
      const kept = before.get(METADATA_DIR)!.partitions
      assert.deepEqual([lost.length, kept.length], [2, 2])
      await client.pause(SOON_MS) // the controller is told where they lie

      fillDataDir(world)
      assert.equal(await client.produce('t', lost[0]!), 'KAFKA_STORAGE_ERROR')
      await client.pause(SOON_MS)
      const of = byDir(lost)
      assert.deepEqual(await client.produceAll('t'), of('KAFKA_STORAGE_ERROR', 'NONE'))
      assert.deepEqual(await client.metadata('t'), of('LEADER_NOT_AVAILABLE,-1,1', 'NONE,1'))
      assert.deepEqual(await client.fetch('t', lost[0]!), { error: 'KAFKA_STORAGE_ERROR', highWatermark: -1 })
      assert.deepEqual(await client.fetch('t', kept[0]!), { error: 'NONE', highWatermark: 2 })
      const dirs = await client.logDirs('t')
      assert.deepEqual(dirs.get(DATA_DIR), { error: 'KAFKA_STORAGE_ERROR', partitions: [] })
      assert.deepEqual(dirs.get(METADATA_DIR), { error: 'NONE', partitions: kept })

      assert.equal(await client.create('later'), 'NONE')
      assert.deepEqual(await client.produceAll('later'), Array(PARTITIONS).fill('NONE'))
      assert.equal(failures(world).length, 1, JSON.stringify(failures(world)))
      assert.match(JSON.stringify(failures(world)), /A log dir has failed and is offline.*\/second.*ENOSPC/)
      await broker.close()
    })(),
  )
  world.crash()
  world = world.restart()
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      assert.deepEqual(await client.metadata('t'), Array(PARTITIONS).fill('NONE,1'))
      assert.deepEqual(await client.produceAll('t'), Array(PARTITIONS).fill('NONE'))
      for (const partition of [0, 1, 2, 3]) {
        const { highWatermark } = await client.fetch('t', partition)
        assert.ok(highWatermark >= 2, `${partition}: ${highWatermark}`)
      }
      await broker.close()
    })(),
  )
})

test('a node starts without a log dir that cannot be used, and has no leader for what lies there', async () => {
  const { restarted, of } = await withTopic()
  let world = restarted
  world.disk.inject({ operation: 'lock', path: /second/ })
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      assert.deepEqual(await client.metadata('t'), of('LEADER_NOT_AVAILABLE,-1,1', 'NONE,1'))
      assert.deepEqual(await client.produceAll('t'), of('KAFKA_STORAGE_ERROR', 'NONE'))
      assert.equal((await client.logDirs('t')).get(DATA_DIR)!.error, 'KAFKA_STORAGE_ERROR')
      await broker.close()
    })(),
  )
  world.crash()
  world = world.restart()
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      assert.deepEqual(await client.produceAll('t'), Array(PARTITIONS).fill('NONE'))
      assert.deepEqual(await client.metadata('t'), Array(PARTITIONS).fill('NONE,1'))
      await broker.close()
    })(),
  )
})

test('who waits for records of a log dir that fails is told at once', async () => {
  const world = memoryWorld({ name: 'node' })
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const [client, waiter] = [new Observer(world), new Observer(world)]
      await client.create('t')
      await client.produceAll('t')
      const [lost] = (await client.logDirs('t')).get(DATA_DIR)!.partitions
      const beganMs = world.clock.monotonic()
      const waiting = waiter.fetch('t', lost!, { fetchOffset: 1, maxWaitMs: 20_000, minBytes: 1 })
      await client.pause(1000)
      fillDataDir(world)
      assert.equal(await client.produce('t', lost!), 'KAFKA_STORAGE_ERROR')
      assert.equal((await waiting).error, 'KAFKA_STORAGE_ERROR')
      assert.ok(world.clock.monotonic() - beganMs < 1100)
      await broker.close()
    })(),
  )
})

test('a topic that was deleted while its log dir was offline stays so, and a new one of its name is itself', async () => {
  let world = memoryWorld({ name: 'node' })
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      for (const name of ['gone', 'again']) {
        await client.create(name)
        for (let i = 0; i < 3; i++) await client.produceAll(name)
      }
      const [lost] = (await client.logDirs('gone')).get(DATA_DIR)!.partitions
      await client.pause(SOON_MS)
      fillDataDir(world)
      await client.produce('gone', lost!)
      assert.equal(await client.delete('gone'), 'NONE')
      assert.equal(await client.delete('again'), 'NONE')
      assert.equal(await client.create('again'), 'NONE')
      assert.deepEqual(await client.produceAll('again'), Array(PARTITIONS).fill('NONE'))
      await client.pause(SOON_MS)
      await broker.close()
    })(),
  )
  world.crash()
  world = world.restart()
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      for (const partition of [0, 1, 2, 3]) {
        assert.deepEqual(await client.fetch('again', partition), { error: 'NONE', highWatermark: 1 })
        assert.equal((await client.fetch('gone', partition)).error, 'UNKNOWN_TOPIC_OR_PARTITION')
      }
      assert.deepEqual(await client.metadata('again'), Array(PARTITIONS).fill('NONE,1'))
      await broker.close()
    })(),
  )
})

test('the metadata log has a dir of its own where metadata.log.dir says so, and does not move by itself', async () => {
  let world = memoryWorld({ name: 'node' })
  await world.runUntil(
    (async () => {
      const broker = await startNode(world, OWN_METADATA_DIR)
      const client = new Observer(world)
      await client.create('t')
      await client.produceAll('t')
      const dirs = await client.logDirs('t')
      assert.deepEqual([...dirs.keys()], [METADATA_DIR, DATA_DIR], 'no partitions in the dir of the metadata log')
      await broker.close()
      const names = async (dir: string) => (await world.disk.list(dir)).map(({ name }) => name)
      assert.ok(!(await names(METADATA_DIR)).includes('__cluster_metadata-0'))
      const own = ['.lock', '__cluster_metadata-0', 'bootstrap.checkpoint', 'meta.properties']
      assert.deepEqual(await names(THIRD_DIR), own)
    })(),
  )
  world.crash()
  world = world.restart()
  await world.runUntil(
    (async () => {
      const elsewhere = startNode(world, { 'metadata.log.dir': DATA_DIR, 'log.dirs': `${DATA_DIR},${THIRD_DIR}` })
      await assert.rejects(elsewhere, /\/third holds a metadata log, and metadata\.log\.dir is \/second/)
      const broker = await startNode(world, OWN_METADATA_DIR)
      const client = new Observer(world)
      assert.deepEqual(await client.metadata('t'), Array(PARTITIONS).fill('NONE,1'))
      assert.deepEqual(await client.fetch('t', 1), { error: 'NONE', highWatermark: 1 })
      await broker.close()
    })(),
  )
})

/** As Apache Kafka does it: the controller learns where they lie now, and lets nobody lead them before the next start. */
test('a log dir that comes back empty is a new one, in which its partitions begin anew', async () => {
  const { restarted, lost, of } = await withTopic()
  let world = restarted
  await world.disk.remove(DATA_DIR)
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      await client.pause(SOON_MS)
      assert.deepEqual(await client.metadata('t'), of('LEADER_NOT_AVAILABLE,-1', 'NONE,1'))
      await broker.close()
    })(),
  )
  world.crash()
  world = world.restart()
  await world.runUntil(
    (async () => {
      const broker = await startNode(world)
      const client = new Observer(world)
      assert.deepEqual(await client.metadata('t'), Array(PARTITIONS).fill('NONE,1'))
      for (const partition of [0, 1, 2, 3]) {
        const highWatermark = lost.includes(partition) ? 0 : 1
        assert.deepEqual(await client.fetch('t', partition), { error: 'NONE', highWatermark })
      }
      assert.deepEqual(await client.produceAll('t'), Array(PARTITIONS).fill('NONE'))
      await broker.close()
    })(),
  )
})

test('without its only log dir the process ends with code 1, and its last line says why', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ottla-log-dir-'))
  const data = join(scratch, 'data')
  const node = new Command(['start', '--data', data, '--port', '0'])
  try {
    await node.says(/^127\.0\.0\.1:\d+$/m)
    const [server] = /127\.0\.0\.1:\d+/.exec(node.stdout)!
    // No root is needed, nor kept out: where the folder was there is a file.
    renameSync(data, join(scratch, 'elsewhere'))
    writeFileSync(data, '')
    const { code } = await run(['topic', 'create', 't', '-b', server])
    assert.ok(code === 0 || code === 1, `${code}`)
    const { code: nodeCode, stderr } = await node.finished
    assert.equal(nodeCode, 1, stderr)
    const last = stderr.trimEnd().split('\n').at(-1)!
    assert.ok(last.startsWith('ottla: the broker has stopped: ') && last.includes(`log dir ${data} has failed`), last)
  } finally {
    node.child.kill('SIGKILL')
    rmSync(scratch, { recursive: true })
  }
})
