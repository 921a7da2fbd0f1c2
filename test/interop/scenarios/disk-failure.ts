/**
 * A disk that gets full under load, of two log dirs or the only one. What lies in a data dir goes offline, as
 * DescribeLogDirs and Metadata tell, and the rest is served; without the metadata log, or without any log dir, the process ends
 * with code 1 and says why. When there is room again, the next start has all that was acknowledged: to librdkafka, whose
 * idempotent producer goes on through it all, and to a client of our own that asks one thing at a time.
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { batches, decodeRecords, encodeBatch, errorName } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { freePort, NODE_ID, type RunningBroker, type Settings } from '../brokers.ts'
import type { Client } from '../clients.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { Child, poll, tail } from '../process.ts'
import { MIB, SmallDisk } from '../small-disk.ts'

const TOPIC = 'disk'
const PARTITIONS = 4
const RECORDS = 24_000
const RECORD_BYTES = 1024
const SMALL_MIB = 8
const LARGE_MIB = 128
const GROUPS = Array.from({ length: 8 }, (_, i) => `disk-${i}`)
const COMMITTED = 42
const PATIENCE_MS = 30_000

const produceApi = { request: ProduceRequest, response: ProduceResponse }
const fetchApi = { request: FetchRequest, response: FetchResponse }
const metadataApi = { request: MetadataRequest, response: MetadataResponse }
const logDirsApi = { request: DescribeLogDirsRequest, response: DescribeLogDirsResponse }
const createApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const commitApi = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const committedApi = { request: OffsetFetchRequest, response: OffsetFetchResponse }

export async function diskFailure(context: Context): Promise<void> {
  const { report, kit } = context
  const missing = await SmallDisk.missing()
  const client = kit.clients.find(({ name }) => name === 'confluent-kafka')
  if (missing !== null || !client) {
    report.skip('disk-failure', missing ?? 'its load needs confluent-kafka')
    return
  }
  for (const ending of ['stopped', 'killed'] as const) {
    await new DataDirFull(context, client, `disk-failure/data dir, then ${ending}`, ending).run()
  }
  await new NodeFull(context, client, 'disk-failure/metadata dir', ['small', 'large']).run()
  await new NodeFull(context, client, 'disk-failure/only dir', ['small']).run()
}

/** One node on a small disk, a large one, or both: the first has the metadata log. */
class Bench {
  readonly context: Context
  readonly client: Client
  readonly name: string
  readonly folder: string
  /** What is acknowledged: by `partition/offset`, the value. */
  readonly acknowledged = new Map<string, string>()
  disk!: SmallDisk
  broker!: RunningBroker
  readonly #dirs: readonly ('small' | 'large')[]
  #port = 0
  #asker: Asker | null = null

  constructor(context: Context, client: Client, name: string, dirs: readonly ('small' | 'large')[]) {
    this.context = context
    this.client = client
    this.name = name
    this.folder = join(context.kit.scratch, name.replaceAll(/\W+/g, '-'))
    this.#dirs = dirs
  }

  dir(which: 'small' | 'large'): string {
    return join(this.folder, which)
  }

  async start(settings: Settings = {}): Promise<void> {
    this.#asker?.end()
    this.#asker = null
    const logDirs = this.#dirs.map(which => this.dir(which))
    this.broker = await this.context.brokers.start(this.context.kind, {
      folder: logDirs[0]!,
      port: this.#port,
      within: this.disk.within,
      settings: { 'log.dirs': logDirs.join(), 'offsets.topic.num.partitions': 4, ...settings },
    })
  }

  async close(): Promise<void> {
    this.#asker?.end()
    await this.broker?.kill()
    await this.disk?.unmount()
  }

  /** Connected anew where the connection is gone. */
  get asker(): Asker {
    if (!this.#asker || this.#asker.isClosed) this.#asker = new Asker('disk', this.broker.bootstrap)
    return this.#asker
  }

  /** A broker with a topic and what groups have committed. */
  async prepare(): Promise<void> {
    for (const which of ['small', 'large'] as const) mkdirSync(this.dir(which), { recursive: true })
    this.disk = await SmallDisk.mount(this.dir('small'), SMALL_MIB)
    this.#port = await freePort()
    await this.start()
    await this.createTopic(TOPIC)
    await this.allLead()
    await this.commitAll()
  }

  step(what: string, body: () => Promise<void>): Promise<boolean> {
    return this.context.report.check(`${this.name}: ${what}`, body)
  }

  // ----------------------------------------------------------------------------------------------------------- asking

  async createTopic(name: string): Promise<string> {
    const topic = { name, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await this.asker.ask(createApi, 7, { topics: [topic], timeoutMs: 10_000 })
    return errorName(topics[0]!.errorCode)
  }

  /** Which partitions of the topic lie in which log dir; `offline` those whose error is KAFKA_STORAGE_ERROR. */
  async logDirs(): Promise<{ partitions: Map<string, number[]>; offline: string[] }> {
    const { results } = await this.asker.ask(logDirsApi, 4, { topics: null })
    const partitions = results.map(({ logDir, topics }) => {
      const found = topics.find(({ name }) => name === TOPIC)?.partitions ?? []
      return [logDir, found.map(({ partitionIndex }) => partitionIndex).sort()] as const
    })
    const failed = results.filter(({ errorCode }) => errorName(errorCode) === 'KAFKA_STORAGE_ERROR')
    return { partitions: new Map(partitions), offline: failed.map(({ logDir }) => logDir) }
  }

  /** `error leader offline-replicas` by partition. */
  async leaders(topic = TOPIC): Promise<string[]> {
    const { topics } = await this.asker.ask(metadataApi, 9, {
      topics: [{ name: topic }],
      allowAutoTopicCreation: false,
    })
    return topics[0]!.partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ errorCode, leaderId, offlineReplicas }) =>
        `${errorName(errorCode)} ${leaderId} ${offlineReplicas}`.trim(),
      )
  }

  /** Until every partition of the topic has its leader. */
  async allLead(topic = TOPIC): Promise<void> {
    const expected = Array(PARTITIONS).fill(`NONE ${NODE_ID}`).join()
    await this.until(
      `leaders of ${topic}`,
      () => this.leaders(topic),
      leaders => leaders.join() === expected,
    )
  }

  /** One record; keeps what is acknowledged. */
  async produce(index: number, value: string): Promise<string> {
    const records = encodeBatch([{ value: Buffer.from(value), timestamp: Date.now() }])
    const topicData = [{ name: TOPIC, partitionData: [{ index, records }] }]
    const { responses } = await this.asker.ask(produceApi, 9, { acks: -1, timeoutMs: 5000, topicData })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode === 0) this.acknowledged.set(`${index}/${baseOffset}`, value)
    return errorName(errorCode)
  }

  async produceEach(what: string): Promise<string[]> {
    const answers: string[] = []
    for (let index = 0; index < PARTITIONS; index++) answers.push(await this.produce(index, `${what} ${index}`))
    return answers
  }

  async commit(groupId: string): Promise<string> {
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: COMMITTED }] }]
    const response = await this.asker.ask(commitApi, 8, { groupId, topics })
    return errorName(response.topics[0]!.partitions[0]!.errorCode)
  }

  async committed(groupId: string): Promise<number | string> {
    const topics = [{ name: TOPIC, partitionIndexes: [0] }]
    const response = await this.asker.ask(committedApi, 7, { groupId, topics })
    return response.errorCode === 0 ? response.topics[0]!.partitions[0]!.committedOffset : errorName(response.errorCode)
  }

  async coordinator(groupId: string): Promise<string> {
    const { coordinators } = await this.asker.ask(findApi, 4, { keyType: 0, coordinatorKeys: [groupId] })
    return errorName(coordinators[0]!.errorCode)
  }

  /** Until the answer is what is wanted. */
  async until<T>(what: string, ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
    let last: T | undefined
    try {
      return await poll(
        what,
        async () => {
          last = await ask()
          return isRight(last) ? last : undefined
        },
        PATIENCE_MS,
      )
    } catch (error) {
      throw new Error(`${(error as Error).message}; last ${JSON.stringify(last)}\n${this.broker.logTail()}`)
    }
  }

  async commitAll(): Promise<void> {
    for (const group of GROUPS) {
      await this.until(
        `a coordinator for ${group}`,
        () => this.coordinator(group),
        error => error === 'NONE',
      )
      await this.until(
        `a commit of ${group}`,
        () => this.commit(group),
        error => error === 'NONE',
      )
    }
  }

  // ------------------------------------------------------------------------------------------------------------ load

  /** librdkafka, with more than the small disk takes. */
  load(): Load {
    const file = `${this.folder}.jsonl`
    const lines = Array.from({ length: RECORDS }, (_, i) => {
      const key = Buffer.from(String(i)).toString('base64')
      const value = Buffer.from(loadValue(i)).toString('base64')
      return `${JSON.stringify({ key, value, headers: [], timestamp: Date.now() })}\n`
    })
    writeFileSync(file, lines.join(''))
    const batch = { topic: TOPIC, codec: 'none', acks: -1, idempotent: true }
    const args = { bootstrap: this.broker.bootstrap, batches: [batch], records: file, timeoutS: 90 }
    return new Load(new Child([...this.client.command, 'produce', JSON.stringify(args)]))
  }

  // ---------------------------------------------------------------------------------------------------------- reading

  async readAll(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (let partition = 0; partition < PARTITIONS; partition++) await this.#readPartition(partition, found)
    return found
  }

  async #readPartition(partition: number, found: Map<string, string>): Promise<void> {
    for (let next = 0; ; ) {
      const partitions = [{ partition, fetchOffset: next, partitionMaxBytes: 4 * MIB }]
      const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 4 * MIB, topics: [{ topic: TOPIC, partitions }] }
      const { responses } = await this.asker.ask(fetchApi, 11, request)
      const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
      assert.equal(errorName(errorCode), 'NONE', `partition ${partition} at ${next}`)
      if (next >= highWatermark) return
      const bytes = records as Uint8Array
      for (const batch of batches(bytes, 'skip')) {
        for (const { offset, value } of decodeRecords(bytes, batch)) {
          found.set(`${partition}/${offset}`, Buffer.from(value!).toString())
        }
        next = batch.lastOffset + 1
      }
    }
  }

  /** Nothing acknowledged is missing or changed; nothing is there twice, or was sent by nobody. */
  async checkRecords(load: Load): Promise<void> {
    const found = await this.readAll()
    const lost = [...this.acknowledged, ...load.acknowledged].filter(([place, value]) => found.get(place) !== value)
    assert.deepEqual(lost.slice(0, 3), [], `${lost.length} records are not where they were acknowledged`)
    const values = [...found.values()]
    assert.equal(new Set(values).size, values.length, 'some records are there twice')
    const unknown = values.filter(value => !value.startsWith('load ') && !value.startsWith('asker '))
    assert.deepEqual(unknown, [])
    this.context.report.note(
      `${this.name}: ${load.acknowledged.size} acknowledged to librdkafka, ${this.acknowledged.size} to us, ${found.size} kept`,
    )
  }

  async checkCommits(): Promise<void> {
    for (const group of GROUPS) {
      await this.until(
        `the coordinator of ${group}`,
        () => this.coordinator(group),
        error => error === 'NONE',
      )
      await this.until(
        `what ${group} committed`,
        () => this.committed(group),
        offset => offset === COMMITTED,
      )
    }
  }
}

const loadValue = (index: number): string => `load ${index} `.padEnd(RECORD_BYTES, '0123456789abcdef')

class Load {
  readonly child: Child
  #seen = 0
  readonly #acknowledged = new Map<string, string>()

  constructor(child: Child) {
    this.child = child
  }

  /** So far. */
  get acknowledged(): ReadonlyMap<string, string> {
    const { lines } = this.child
    for (; this.#seen < lines.length; this.#seen++) {
      const line = JSON.parse(lines[this.#seen]!) as { index?: number; partition?: number; offset?: number }
      if (line.index !== undefined) this.#acknowledged.set(`${line.partition}/${line.offset}`, loadValue(line.index))
    }
    return this.#acknowledged
  }

  /** All were acknowledged, sooner or later. */
  async done(): Promise<void> {
    await this.child.until(
      'the end of the load',
      () => this.child.lines.find(line => /"(done|error)"/.test(line)),
      120_000,
    )
    assert.deepEqual(JSON.parse(this.child.lines.at(-1)!), { topic: TOPIC, done: RECORDS })
  }
}

/** Errors of a broker's log, and what follows a line of them. */
function errorsOf(broker: RunningBroker): string[] {
  return broker.logLines().filter(line => / (ERROR|FATAL) /i.test(line))
}

class DataDirFull {
  readonly #bench: Bench
  readonly #ending: 'stopped' | 'killed'

  constructor(context: Context, client: Client, name: string, ending: 'stopped' | 'killed') {
    this.#bench = new Bench(context, client, name, ['large', 'small'])
    this.#ending = ending
  }

  async run(): Promise<void> {
    const bench = this.#bench
    if (!bench.context.report.wants(bench.name)) return
    let load: Load | undefined
    try {
      await bench.prepare()
      const { partitions } = await bench.logDirs()
      const lost = partitions.get(bench.dir('small'))!
      load = bench.load()
      await this.#failure(load, lost)
      await this.#recovery(load)
    } finally {
      await load?.child.stop('SIGKILL')
      await bench.close()
    }
  }

  async #failure(load: Load, lost: readonly number[]): Promise<void> {
    const bench = this.#bench
    const of = (inLost: string, inKept: string) => {
      return Array.from({ length: PARTITIONS }, (_, i) => (lost.includes(i) ? inLost : inKept))
    }
    const isOf = (expected: string[]) => (answer: string[]) => answer.join() === expected.join()
    let tries = 0
    await bench.step('its partitions answer KAFKA_STORAGE_ERROR, the others go on', async () => {
      assert.equal(lost.length, PARTITIONS / 2)
      const expected = of('KAFKA_STORAGE_ERROR', 'NONE')
      await bench.until('the answers', () => bench.produceEach(`asker ${++tries}`), isOf(expected))
      const before = load.acknowledged.size
      if (before < RECORDS / 2) {
        await load.child.until('more acknowledgements', () => load.acknowledged.size > before || undefined, PATIENCE_MS)
      }
    })
    await bench.step('DescribeLogDirs and Metadata tell', async () => {
      const { offline, partitions } = await bench.logDirs()
      assert.deepEqual(offline, [bench.dir('small')])
      assert.deepEqual(partitions.get(bench.dir('small')), [])
      const expected = of(`LEADER_NOT_AVAILABLE -1 ${NODE_ID}`, `NONE ${NODE_ID}`)
      await bench.until('leaders', () => bench.leaders(), isOf(expected))
    })
    await bench.step('groups whose log lies there have no coordinator, others go on', async () => {
      const expected = ['COORDINATOR_NOT_AVAILABLE', 'NONE']
      const ask = () => Promise.all(GROUPS.map(group => bench.coordinator(group)))
      const found = await bench.until('coordinators', ask, each => [...new Set(each)].sort().join() === expected.join())
      for (const [i, group] of GROUPS.entries()) {
        if (found[i] === 'NONE') assert.equal(await bench.commit(group), 'NONE')
        else assert.match(await bench.commit(group), /^(NOT_COORDINATOR|COORDINATOR_NOT_AVAILABLE)$/)
      }
    })
    await bench.step('a new topic gets a place', async () => {
      assert.equal(await bench.createTopic('later'), 'NONE')
      await bench.allLead('later')
    })
    if (bench.context.kind === 'ottla') {
      await bench.step('one error names the dir and the cause', async () => {
        const errors = errorsOf(bench.broker)
        assert.equal(errors.length, 1, errors.join('\n'))
        assert.ok(errors[0]!.includes(bench.dir('small')) && errors[0]!.includes('ENOSPC'), errors[0])
      })
    }
  }

  async #recovery(load: Load): Promise<void> {
    const bench = this.#bench
    await bench.step(`${this.#ending}, with room again, it has all that was acknowledged`, async () => {
      await (this.#ending === 'killed' ? bench.broker.kill() : bench.broker.stop())
      if (this.#ending === 'stopped') assert.equal(await bench.broker.ended(), stoppedCode(bench.context))
      await bench.disk.free(LARGE_MIB)
      await bench.start()
      await bench.allLead()
      await bench.checkCommits()
      await load.done()
      await bench.checkRecords(load)
      assert.deepEqual(await bench.produceEach('asker again'), Array(PARTITIONS).fill('NONE'))
    })
  }
}

/** Java tells of a signal that it has heeded. */
function stoppedCode({ kind }: Context): string {
  return kind === 'kafka' ? 'code 143' : 'code 0'
}

/** The metadata log, or all there is, lies on the small disk. */
class NodeFull {
  readonly #bench: Bench

  constructor(context: Context, client: Client, name: string, dirs: readonly ('small' | 'large')[]) {
    this.#bench = new Bench(context, client, name, dirs)
  }

  async run(): Promise<void> {
    const bench = this.#bench
    if (!bench.context.report.wants(bench.name)) return
    let load: Load | undefined
    try {
      await bench.prepare()
      load = bench.load()
      await bench.step('the process ends with code 1, and says why', () => this.#ends())
      await bench.step('nor does it start without room', () => this.#doesNotStart())
      await bench.step('with room again, it has all that was acknowledged', async () => {
        await bench.disk.free(LARGE_MIB)
        await bench.start()
        await bench.checkCommits()
        await load!.done()
        await bench.checkRecords(load!)
      })
      await bench.step('full when it is stopped: it stops, and nothing is lost', async () => {
        bench.disk.fill()
        await bench.broker.stop()
        const ended = await bench.broker.ended()
        assert.match(ended, /^code (1|143)$/, bench.broker.logTail())
        bench.context.report.note(`${bench.name}: it ended with ${ended}`)
        await bench.disk.free(LARGE_MIB)
        await bench.start()
        await bench.checkCommits()
        await bench.checkRecords(load!)
      })
      await bench.step('full when a topic is created: it ends the same way', async () => {
        bench.disk.fill()
        const created: string[] = []
        await this.#createUntilItEnds(created)
        await this.#ends()
        await bench.disk.free(LARGE_MIB)
        await bench.start()
        for (const name of created) {
          await bench.allLead(name)
        }
        await bench.checkRecords(load!)
      })
    } finally {
      await load?.child.stop('SIGKILL')
      await bench.close()
    }
  }

  async #ends(): Promise<void> {
    const { broker, context, dir } = this.#bench
    const late = new Promise<string>(resolve => setTimeout(resolve, PATIENCE_MS, 'still running'))
    assert.equal(await Promise.race([broker.ended(), late]), 'code 1', broker.logTail())
    if (context.kind !== 'ottla') return
    const last = broker.logLines().at(-1)!
    assert.ok(last.includes(dir.call(this.#bench, 'small')) && last.includes('ENOSPC'), last)
  }

  async #doesNotStart(): Promise<void> {
    const bench = this.#bench
    bench.disk.fill()
    await assert.rejects(bench.start(), ({ message }: Error) => {
      if (bench.context.kind === 'ottla') assert.match(message, /\/small.*ENOSPC/, tail(message))
      return true
    })
  }

  async #createUntilItEnds(created: string[]): Promise<void> {
    const { broker } = this.#bench
    for (let i = 0; i < 200 && broker.isAlive(); i++) {
      const name = `more-${i}`
      const answer = await this.#bench.createTopic(name).catch((error: Error) => error.message)
      if (answer === 'NONE') created.push(name)
    }
  }
}
