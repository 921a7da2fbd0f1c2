/** `ottla perf …`: a load, and what came of it while it runs and at the end. */
import { fetchAll, listOffsets, Producer, Timestamp } from '@ottla/client'
import type { Codec } from '@ottla/protocol'
import { CommandError, printRecord } from '../cli/output.ts'
import { type ConnectOptions, untilInterrupted, withCluster } from './connect.ts'

interface ProduceOptions extends ConnectOptions {
  readonly json?: boolean
  readonly records: number
  readonly size: number
  readonly rate?: number
  readonly batchSize: number
  readonly linger: number
  readonly codec: Codec
  readonly acks: 'all' | '1' | '0'
}

const ACKS = { all: -1, '1': 1, '0': 0 } as const
const PROGRESS_MS = 1000
/** Records that are handed to the producer between two looks at the clock. */
const STEP = 500

export async function produce(topic: string, options: ProduceOptions): Promise<void> {
  const { records, size, rate, batchSize, linger, codec, acks } = options
  const interrupted = untilInterrupted()
  await withCluster(options, async cluster => {
    await using producer = new Producer(cluster, { codec, acks: ACKS[acks], batchBytes: batchSize, lingerMs: linger })
    await cluster.topic(topic, true)
    const latencies = new Latencies()
    const progress = new Progress('produced', records, size, options.json === true)
    const startedMs = performance.now()
    let failure: unknown = null
    let sent = 0
    while (sent < records && !failure && !interrupted.aborted) {
      const due = rate ? Math.min(records, Math.ceil(((performance.now() - startedMs) / 1000) * rate)) : records
      const end = Math.min(due, sent + STEP)
      const step: Promise<unknown>[] = []
      for (; sent < end; sent++)
        step.push(sendOne(producer, topic, payload(size, sent), latencies).catch(error => (failure ??= error)))
      // Waiting for the last one is what holds the loop back when the producer's buffer is full.
      await (rate || step.length === 0
        ? new Promise(resolve => setTimeout(resolve, 1))
        : Promise.race([step.at(-1), immediately()]))
      progress.show(latencies.count)
    }
    await producer.flush()
    progress.end()
    if (failure) throw failure
    const seconds = (performance.now() - startedMs) / 1000
    printRecord({ records: sent, ...rates(sent, sent * size, seconds), ...latencies.summary() }, options)
  })
}

async function sendOne(producer: Producer, topic: string, value: Uint8Array, latencies: Latencies): Promise<void> {
  const startedMs = performance.now()
  await producer.send({ topic, value })
  latencies.add(performance.now() - startedMs)
}

function immediately(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function payload(size: number, seed: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = 65 + ((seed * 31 + i * 7) % 26)
  return bytes
}

interface ConsumeOptions extends ConnectOptions {
  readonly json?: boolean
  readonly records: number
  readonly fetchSize: number
}

export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const interrupted = untilInterrupted()
  await withCluster(options, async cluster => {
    const partitions = (await cluster.topic(topic)).partitions.map(({ partitionIndex }) => partitionIndex)
    const offsets = await listOffsets(cluster, topic, partitions, Timestamp.earliest)
    const ends = await listOffsets(cluster, topic, partitions, Timestamp.latest)
    const there = partitions.reduce((sum, partition) => sum + ends.get(partition)! - offsets.get(partition)!, 0)
    if (there < options.records)
      throw new CommandError(`topic ${topic} has ${there} records, fewer than ${options.records}`)
    const positions = partitions.map(partition => ({ topic, partition, offset: offsets.get(partition)! }))
    const progress = new Progress('consumed', options.records, 0, options.json === true)
    const startedMs = performance.now()
    let records = 0
    let bytes = 0
    for await (const fetched of fetchAll(cluster, positions, {
      partitionMaxBytes: options.fetchSize,
      signal: interrupted,
    })) {
      for (const { records: batch } of fetched) {
        records += batch.length
        for (const { key, value } of batch) bytes += (key?.length ?? 0) + (value?.length ?? 0)
      }
      progress.show(records)
      if (records >= options.records) break
    }
    progress.end()
    printRecord({ records, ...rates(records, bytes, (performance.now() - startedMs) / 1000) }, options)
  })
}

function rates(records: number, bytes: number, seconds: number) {
  return {
    seconds: Number(seconds.toFixed(3)),
    'records/s': Math.round(records / seconds),
    'MiB/s': Number((bytes / 1024 / 1024 / seconds).toFixed(1)),
  }
}

/** Latencies by tenths of a millisecond: memory does not grow with the number of records. */
class Latencies {
  readonly #buckets = new Map<number, number>()
  count = 0
  #sum = 0
  #max = 0

  add(ms: number): void {
    const bucket = Math.round(ms * 10)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
    this.count++
    this.#sum += ms
    this.#max = Math.max(this.#max, ms)
  }

  summary() {
    const sorted = [...this.#buckets].sort(([a], [b]) => a - b)
    const at = (quantile: number) => {
      let left = Math.ceil(this.count * quantile)
      for (const [bucket, count] of sorted) {
        left -= count
        if (left <= 0) return bucket / 10
      }
      return 0
    }
    return {
      'average ms': Number((this.#sum / Math.max(1, this.count)).toFixed(2)),
      'p50 ms': at(0.5),
      'p95 ms': at(0.95),
      'p99 ms': at(0.99),
      'max ms': Number(this.#max.toFixed(1)),
    }
  }
}

/** A line that is written over on a terminal; nothing elsewhere. */
class Progress {
  readonly #what: string
  readonly #total: number
  readonly #size: number
  readonly #isShown: boolean
  #nextMs = performance.now() + PROGRESS_MS
  #lastCount = 0
  #lastMs = performance.now()

  constructor(what: string, total: number, size: number, json: boolean) {
    this.#what = what
    this.#total = total
    this.#size = size
    this.#isShown = process.stderr.isTTY === true && !json
  }

  show(count: number): void {
    const nowMs = performance.now()
    if (!this.#isShown || nowMs < this.#nextMs) return
    const perSecond = ((count - this.#lastCount) / (nowMs - this.#lastMs)) * 1000
    const done = Math.min(1, count / this.#total)
    const bar = '█'.repeat(Math.round(done * 30)).padEnd(30, '░')
    const mib = this.#size > 0 ? `, ${((perSecond * this.#size) / 1024 / 1024).toFixed(1)} MiB/s` : ''
    process.stderr.write(`\r${bar} ${this.#what} ${count} of ${this.#total}, ${Math.round(perSecond)}/s${mib}   `)
    this.#lastCount = count
    this.#lastMs = nowMs
    this.#nextMs = nowMs + PROGRESS_MS
  }

  end(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[K')
  }
}
