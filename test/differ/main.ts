/**
 * `npm run differ`: asks Apache Kafka 4.3 and Ottla the same by chance, and tells where the answers are not the same.
 * README.md says how to read what it prints.
 *
 *     node test/differ/main.ts [--area NAME]... [--seeds N] [--from M] [--seed S] [--trace]
 *                              [--kafka HOST:PORT] [--ottla HOST:PORT]
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Brokers, type Settings } from '../interop/brokers.ts'
import { cacheFolder, setUpJava } from '../interop/setup.ts'
import type { Area } from './area.ts'
import { admin } from './areas/admin.ts'
import { classic } from './areas/classic.ts'
import { consumer } from './areas/consumer.ts'
import { records } from './areas/records.ts'
import { share } from './areas/share.ts'
import { streams } from './areas/streams.ts'
import { transactions } from './areas/transactions.ts'
import { Campaign } from './campaign.ts'
import type { Pair } from './run.ts'

const AREAS: readonly Area[] = [admin, records, transactions, classic, consumer, share, streams]

const USAGE = `npm run differ -- [--area NAME]... [--seeds N] [--from M] [--seed S] [--trace] [--kafka HOST:PORT] [--ottla HOST:PORT]
NAME: ${AREAS.map(({ name }) => name).join(', ')}; all of them if there is none`

/** One partition of each internal topic, so that nothing waits long for the first coordinator. */
const SETTINGS: Settings = {
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  'auto.create.topics.enable': 'false',
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        area: { type: 'string', multiple: true, default: [] },
        seeds: { type: 'string', default: '100' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        kafka: { type: 'string' },
        ottla: { type: 'string' },
      },
    })
    const unknown = values.area.find(asked => !AREAS.some(({ name }) => name === asked))
    if (unknown !== undefined) throw new Error(`--area ${unknown}: there is none`)
    const areas = AREAS.filter(({ name }) => values.area.length === 0 || values.area.includes(name))
    const from = Number(values.seed ?? values.from)
    const count = values.seed === undefined ? Number(values.seeds) : 1
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) throw new Error('seeds are numbers')
    return { ...values, areas, from, count }
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

type Options = ReturnType<typeof readOptions>

async function runArea(area: Area, bootstraps: Pair<string>, { from, count, trace }: Options): Promise<boolean> {
  const campaign = new Campaign(area, bootstraps, trace)
  const start = performance.now()
  await campaign.prepare()
  let alike = 0
  try {
    for (let seed = from; seed < from + count; seed++) if (await campaign.seed(seed)) alike++
  } finally {
    campaign.end()
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(`\n${area.name}: ${alike} of ${count} seeds alike, ${campaign.steps} steps, ${seconds} s`)
  for (const [why, times] of campaign.excused) console.log(`  ${times} excused: ${why}`)
  for (const [kind, times] of [...campaign.found].sort(([, a], [, b]) => b - a)) console.log(`  ${times} ${kind}`)
  return alike === count
}

async function main(options: Options): Promise<boolean> {
  const settings = Object.assign({}, SETTINGS, ...options.areas.map(area => area.settings)) as Settings
  const cache = cacheFolder()
  const scratch = join(cache, `differ-${process.pid}`)
  mkdirSync(scratch, { recursive: true })
  const java = options.kafka === undefined ? await setUpJava(cache).catch((error: Error) => error) : null
  if (java instanceof Error) {
    console.log(`skipped: there is no Apache Kafka here. ${java.message.replaceAll(/\s+/g, ' ').slice(0, 300)}`)
    return true
  }
  const brokers = new Brokers(java)
  const start = async (kind: 'kafka' | 'ottla') =>
    options[kind] ?? (await brokers.start(kind, { folder: join(scratch, kind), settings })).bootstrap
  try {
    const bootstraps = [await start('kafka'), await start('ottla')] as const
    let isAlike = true
    for (const area of options.areas) isAlike = (await runArea(area, bootstraps, options)) && isAlike
    return isAlike
  } finally {
    await brokers.stopAll()
    rmSync(scratch, { recursive: true, force: true })
  }
}

process.exit((await main(readOptions())) ? 0 : 1)
