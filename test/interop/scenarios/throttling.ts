/**
 * Quotas of bytes with clients that nobody here wrote: Java's producer and consumer and librdkafka's producer, held to so many
 * bytes a second, get that within a tenth. A client may use at once what ten windows hold, so that a first run uses this
 * up, and a second is measured.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { NODE_ID, type RunningBroker } from '../brokers.ts'
import type { Context } from '../context.ts'
import type { Java } from '../java.ts'
import { poll, run } from '../process.ts'
import type { Report } from '../report.ts'

const PRODUCE_RATE = 200_000
const FETCH_RATE = 2_000_000
const RECORD_BYTES = 1000
/** What a request has beside the values of its records. */
const OVERHEAD = 1.02
const SECONDS = 12

export async function throttling(context: Context): Promise<void> {
  const { kit, report } = context
  if (!kit.java) {
    report.skip('throttling', 'Java or Apache Kafka is missing')
    return
  }
  const broker = await context.brokers.start(context.kind, { folder: join(kit.scratch, 'throttling') })
  const throttled = new Throttled(kit.java, broker)
  await throttled.tool('topics', '--create --topic limited --partitions 1')
  await report.check("throttling/Java's producer", async () => {
    await throttled.limit('perf-producer-client', 'producer_byte_rate', PRODUCE_RATE)
    const count = (PRODUCE_RATE * SECONDS) / RECORD_BYTES
    await throttled.produce(count)
    within(report, await throttled.produce(count), PRODUCE_RATE)
  })
  const hasKcat = (await run(['kcat', '-V']).catch(() => null))?.code === 0
  if (!hasKcat) report.skip("throttling/librdkafka's producer", 'kcat is missing')
  else
    await report.check("throttling/librdkafka's producer", async () => {
      await throttled.limit('limited-kcat', 'producer_byte_rate', PRODUCE_RATE)
      await throttled.kcat((PRODUCE_RATE * SECONDS) / RECORD_BYTES)
      within(report, await throttled.kcat((PRODUCE_RATE * SECONDS) / RECORD_BYTES), PRODUCE_RATE)
    })
  await report.check("throttling/Java's consumer", async () => {
    await throttled.unlimit('perf-producer-client', 'producer_byte_rate')
    await throttled.produce((FETCH_RATE * SECONDS) / RECORD_BYTES)
    await throttled.limit('perf-consumer-client', 'consumer_byte_rate', FETCH_RATE)
    const count = (FETCH_RATE * SECONDS) / RECORD_BYTES
    await throttled.consume(count)
    within(report, await throttled.consume(count), FETCH_RATE)
  })
  await broker.stop()
}

function within(report: Report, actual: number, limit: number): void {
  const share = (actual / limit) * 100
  report.note(`${share.toFixed(1)} % of ${limit} bytes a second`)
  assert.ok(share > 90 && share < 110, `${share.toFixed(1)} % of the limit`)
}

class Throttled {
  readonly #java: Java
  readonly #broker: RunningBroker

  constructor(java: Java, broker: RunningBroker) {
    this.#java = java
    this.#broker = broker
  }

  async tool(name: string, words: string): Promise<string> {
    const args = [...words.split(' '), '--bootstrap-server', this.#broker.bootstrap]
    const { code, stdout, stderr } = await this.#java.tool(name, args)
    assert.equal(code, 0, stderr || stdout)
    return stdout
  }

  async limit(clientId: string, quota: string, rate: number): Promise<void> {
    const entity = `--entity-type clients --entity-name ${clientId}`
    await this.tool('configs', `--alter ${entity} --add-config ${quota}=${rate}`)
    const isSet = async () => (await this.tool('configs', `--describe ${entity}`)).includes(`${quota}=`) || undefined
    await poll('the quota', isSet, 10_000, 200)
  }

  async unlimit(clientId: string, quota: string): Promise<void> {
    await this.tool('configs', `--alter --entity-type clients --entity-name ${clientId} --delete-config ${quota}`)
  }

  /** Bytes a second. */
  async produce(count: number): Promise<number> {
    const words = `--topic limited --num-records ${count} --record-size ${RECORD_BYTES} --throughput -1`
    const output = await this.tool('producer-perf-test', `${words} --command-property client.id=perf-producer-client`)
    const rates = [...output.matchAll(/([\d.]+) records\/sec/g)].map(match => Number(match[1]))
    return rates.at(-1)! * RECORD_BYTES * OVERHEAD
  }

  async consume(count: number): Promise<number> {
    const words = `--topic limited --num-records ${count} --hide-header --timeout 60000 --group g${NODE_ID}-${performance.now()}`
    const output = await this.tool('consumer-perf-test', words)
    const [, , megabytes, , , , , fetchMs] = output.trim().split('\n').at(-1)!.split(', ')
    return (Number(megabytes) * 1024 * 1024 * OVERHEAD) / (Number(fetchMs) / 1000)
  }

  async kcat(count: number): Promise<number> {
    const input = `${'x'.repeat(RECORD_BYTES)}\n`.repeat(count)
    const startMs = performance.now()
    // Large requests would be throttled for seconds, and leave nothing to measure but the last of them.
    const settings = ['-X', 'client.id=limited-kcat', '-X', 'batch.num.messages=20']
    const args = ['-P', '-b', this.#broker.bootstrap, '-t', 'limited', ...settings]
    const { code, stderr } = await run(['kcat', ...args], { input, timeoutMs: 120_000 })
    assert.equal(code, 0, stderr)
    return (count * RECORD_BYTES * OVERHEAD) / ((performance.now() - startMs) / 1000)
  }
}
