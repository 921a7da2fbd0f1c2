/**
 * Compaction beside Apache Kafka: `node test/bench/compaction.ts [--records 10000000] [--keys 1000000] [--rounds 1] [--port N]`.
 * Each broker in turn is given the same keyed records and left alone; then its topic may be cleaned, and it is measured how
 * long that takes, from the change of the topic's config to the checkpoint, and how long a paced producer to another topic
 * waits for its acknowledgements meanwhile. Ratios of one run count; the machine's speed does not.
 *
 * Ottla is what `npm run build` made, Apache Kafka what the script that OTTLA_APACHE_KAFKA names runs.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { alterConfigs, Cluster, createTopic, ResourceType } from '@ottla/client'
import { nodeWorld } from '@ottla/io'
import { encodeBatch, type RecordInput } from '@ottla/protocol'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'

const ROOT = dirname(dirname(import.meta.dirname))
const KAFKA = process.env.OTTLA_APACHE_KAFKA ?? join(ROOT, '../shared/apache-kafka/kafka')
const OTTLA = join(ROOT, 'dist/ottla/bin/ottla.js')

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000000' },
    keys: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '1' },
    port: { type: 'string', default: '19392' },
  },
})
const RECORDS = Number(values.records)
const KEYS = Number(values.keys)
const PORT = Number(values.port)

const VALUE_BYTES = 100
const RECORDS_A_BATCH = 128
const REQUESTS_IN_FLIGHT = 5
const PACE_MS = 5
const QUIET_MS = 10_000
const TOPIC = 'compacted'
const PACED = 'paced'
/** By name: the last version in which topics have one. */
const MAX_VERSION = 12
const SETTINGS = ['log.cleaner.backoff.ms=100', 'offsets.topic.replication.factor=1']

interface Broker {
  readonly child: ChildProcess
  readonly dir: string
}

interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

interface Result {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly quiet: Latencies
  readonly busy: Latencies
  readonly bytesBefore: number
  readonly bytesAfter: number
}

function pairs(settings: readonly string[]): string[] {
  return settings.flatMap(setting => ['--set', setting])
}

function command(name: 'ottla' | 'kafka', dir: string): string[] {
  if (name === 'kafka') return [KAFKA, 'server', dir, String(PORT), ...SETTINGS]
  const args = ['start', '--data', dir, '--port', String(PORT), '--log-level', 'warn', ...pairs(SETTINGS)]
  return [process.execPath, OTTLA, ...args]
}

async function start(name: 'ottla' | 'kafka', dir: string): Promise<Broker> {
  const [program, ...args] = command(name, dir)
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  for await (const line of createInterface({ input: child.stdout! })) {
    if (/^ready|^127\.0\.0\.1:\d+$/.test(line)) return { child, dir }
  }
  throw new Error(`${name} did not start`)
}

async function stop({ child }: Broker): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  process.kill(-child.pid!, 'SIGTERM')
  await ended
}

/** Of the broker and all that it has started: user and system time. */
function cpuSeconds(group: number): number {
  let ticks = 0
  for (const path of globSync('/proc/[0-9]*/stat')) {
    try {
      const fields = readFileSync(path, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(fields[2]) === group) ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks / 100
}

function connect(): Cluster {
  const world = nodeWorld({ logger: { level: 'error' } })
  return new Cluster({ world, bootstrapServers: [{ host: '127.0.0.1', port: PORT }] })
}

async function produce(cluster: Cluster, topic: string, records: Uint8Array): Promise<void> {
  const connection = cluster.knownLeader(topic, 0) ?? (await cluster.leader(topic, 0))
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const api = { request: ProduceRequest, response: ProduceResponse }
  const request = { acks: -1, timeoutMs: 30_000, topicData }
  const response = await connection.send(api, request, { maxVersion: MAX_VERSION })
  const { errorCode } = response.responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`error ${errorCode} from ${topic}`)
}

/** The same for every broker: keys at random, values that differ. */
async function fill(cluster: Cluster): Promise<void> {
  let state = 1
  const random = (bound: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
  const inFlight = new Set<Promise<void>>()
  for (let sent = 0; sent < RECORDS; sent += RECORDS_A_BATCH) {
    const timestamp = Date.now()
    const records = Array.from({ length: Math.min(RECORDS_A_BATCH, RECORDS - sent) }, (_, i): RecordInput => {
      const key = Buffer.from(`key-${String(random(KEYS)).padStart(9, '0')}`)
      return { key, value: Buffer.alloc(VALUE_BYTES, `value ${sent + i} `), timestamp }
    })
    const request = produce(cluster, TOPIC, encodeBatch(records)).finally(() => inFlight.delete(request))
    inFlight.add(request)
    if (inFlight.size >= REQUESTS_IN_FLIGHT) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
}

/** Sends a small batch every few milliseconds, however long the last ones take, until it is told to stop. */
async function pace(cluster: Cluster, until: { isOver: boolean }): Promise<Latencies> {
  const samples: number[] = []
  const waiting = new Set<Promise<void>>()
  const value = Buffer.alloc(VALUE_BYTES, 'x')
  for (let due = performance.now(); !until.isOver; due += PACE_MS) {
    const now = performance.now()
    if (due > now) await sleep(due - now)
    const timestamp = Date.now()
    const batch = encodeBatch(Array.from({ length: 10 }, () => ({ key: value.subarray(0, 8), value, timestamp })))
    const dueAt = due
    const request = produce(cluster, PACED, batch).then(() => {
      samples.push(performance.now() - dueAt)
      waiting.delete(request)
    })
    waiting.add(request)
  }
  await Promise.all(waiting)
  samples.sort((a, b) => a - b)
  const at = (part: number): number => samples[Math.min(samples.length - 1, Math.floor(samples.length * part))]!
  return { p50: at(0.5), p99: at(0.99), max: samples.at(-1)! }
}

function isCleaned(dir: string): boolean {
  const [path] = globSync(`${dir}/{,data/}cleaner-offset-checkpoint`)
  const line = path && new RegExp(`^${TOPIC} 0 (\\d+)$`, 'm').exec(readFileSync(path, 'utf8'))
  return Number(line?.[1] ?? 0) > 0
}

function bytesOf(dir: string): number {
  return globSync(`${dir}/{,data/}${TOPIC}-0/*.log`).reduce((sum, path) => sum + statSync(path).size, 0)
}

async function measure(name: 'ottla' | 'kafka'): Promise<Result> {
  const dir = mkdtempSync(join(tmpdir(), `compaction-${name}-`))
  const broker = await start(name, dir)
  const cluster = connect()
  try {
    const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '104857600', 'min.cleanable.dirty.ratio': '1' }
    const topic = { partitions: 1, replicationFactor: 1 }
    await createTopic(cluster, { name: TOPIC, ...topic, configs: new Map(Object.entries(configs)) })
    await createTopic(cluster, { name: PACED, ...topic, configs: new Map() })
    await fill(cluster)
    const bytesBefore = bytesOf(dir)
    const rest = { isOver: false }
    const quietly = pace(cluster, rest)
    await sleep(QUIET_MS)
    rest.isOver = true
    const quiet = await quietly
    const work = { isOver: false }
    const busily = pace(cluster, work)
    const cpuBefore = cpuSeconds(broker.child.pid!)
    const began = performance.now()
    await alterConfigs(cluster, ResourceType.topic, TOPIC, [{ name: 'min.cleanable.dirty.ratio', value: '0.01' }])
    while (!isCleaned(dir)) await sleep(20)
    const seconds = (performance.now() - began) / 1000
    const cpu = cpuSeconds(broker.child.pid!) - cpuBefore
    work.isOver = true
    return { seconds, cpuSeconds: cpu, quiet, busy: await busily, bytesBefore, bytesAfter: bytesOf(dir) }
  } finally {
    await cluster.close()
    await stop(broker)
    rmSync(dir, { recursive: true, force: true })
  }
}

function row(name: string, { seconds, cpuSeconds, quiet, busy, bytesBefore, bytesAfter }: Result): string {
  const ms = ({ p50, p99, max }: Latencies): string => [p50, p99, max].map(each => each.toFixed(1)).join(' / ')
  const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0)
  const speed = `${(RECORDS / seconds / 1e6).toFixed(2)} M/s`
  const size = `${mib(bytesBefore)} → ${mib(bytesAfter)}`
  return `| ${name} | ${seconds.toFixed(1)} s | ${speed} | ${cpuSeconds.toFixed(1)} s | ${ms(quiet)} | ${ms(busy)} | ${size} |`
}

if (!existsSync(KAFKA)) {
  console.log(`left out: no Apache Kafka at ${KAFKA}`)
  process.exit(0)
}
if (spawnSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { stdio: 'inherit' }).status !== 0) process.exit(1)
console.log(`${RECORDS} records of ${KEYS} keys; latencies of a producer every ${PACE_MS} ms: p50 / p99 / max in ms`)
console.log('| | cleaned in | records | CPU | producer before | producer during | MiB |')
console.log('|---|---:|---:|---:|---:|---:|---:|')
for (let round = 0; round < Number(values.rounds); round++) {
  const ottla = await measure('ottla')
  console.log(row('ottla', ottla))
  const kafka = await measure('kafka')
  console.log(row('kafka', kafka))
  const ratio = (a: number, b: number): string => (a / b).toFixed(2)
  console.log(
    `| ottla / kafka | speed ${ratio(kafka.seconds, ottla.seconds)} | | CPU ${ratio(ottla.cpuSeconds, kafka.cpuSeconds)} | p99 ${ratio(ottla.quiet.p99, kafka.quiet.p99)} | p99 ${ratio(ottla.busy.p99, kafka.busy.p99)} | |`,
  )
}
