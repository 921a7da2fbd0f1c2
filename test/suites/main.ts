/**
 * `npm run suites`: runs the test suites of clients, which their authors wrote against Apache Kafka, against our broker.
 * Each of their tests has to come to what it came to against Apache Kafka, which expected/ keeps. README.md tells more.
 *
 *     node test/suites/main.ts [NAME]... [--broker ottla|kafka] [--record] [--keep]
 */
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BrokerKind, Brokers, freePort } from '../interop/brokers.ts'
import type { Java } from '../interop/java.ts'
import { cacheFolder, setUpJava } from '../interop/setup.ts'
import { franzGo } from './franz-go.ts'
import { kafkaGo } from './kafka-go.ts'
import { kafkaPython } from './kafka-python.ts'
import { librdkafka } from './librdkafka.ts'
import { compare, format, type Outcomes, parse } from './outcomes.ts'
import { sarama } from './sarama.ts'
import type { Suite } from './suite.ts'

const SUITES: readonly Suite[] = [franzGo, kafkaPython, sarama, kafkaGo, librdkafka]

const USAGE = `npm run suites -- [NAME]... [--broker ottla|kafka] [--record] [--keep]
NAME: ${SUITES.map(({ name }) => name).join(', ')}; all of them if there is none`

interface Options {
  readonly kind: BrokerKind
  readonly suites: readonly Suite[]
  readonly record: boolean
  readonly keep: boolean
}

function readOptions(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        broker: { type: 'string', default: 'ottla' },
        record: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    })
    const { broker: kind, record, keep } = values
    if (kind !== 'ottla' && kind !== 'kafka') throw new Error(`--broker ${kind}: it is ottla or kafka`)
    if (record && kind !== 'kafka') throw new Error('--record keeps what Apache Kafka comes to: use --broker kafka')
    const unknown = positionals.find(asked => !SUITES.some(({ name }) => name === asked))
    if (unknown !== undefined) throw new Error(`${unknown}: there is no such suite`)
    const suites = SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    return { kind, suites, record, keep }
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

/** Its broker is a new one, on an empty folder. */
async function runSuite(suite: Suite, brokers: Brokers, { kind, keep }: Options): Promise<Outcomes> {
  const cache = join(cacheFolder(), 'suites', suite.name)
  mkdirSync(cache, { recursive: true })
  const prepared = await suite.prepare(cache)
  const folder = join(cache, `run-${process.pid}`)
  const port = suite.port ?? (await freePort())
  const broker = await brokers.start(kind, {
    folder: join(folder, 'data'),
    port,
    settings: suite.settings?.(port) ?? {},
  })
  const log = createWriteStream(join(cache, `${kind}.log`))
  try {
    const outcomes = await prepared.run(`127.0.0.1:${port}`, text => log.write(text))
    if (!broker.isAlive()) throw new Error(`the broker has ended\n${broker.logTail()}`)
    if (outcomes.size === 0) throw new Error('no test has told what it came to')
    return outcomes
  } finally {
    await broker.stop()
    await new Promise<void>(resolve => log.end(resolve))
    console.log(`      all they said is in ${log.path}`)
    if (!keep) rmSync(folder, { recursive: true, force: true })
  }
}

/** Prints what is different. Whether nothing is, but for a reason. */
function judge(suite: Suite, outcomes: Outcomes, { record }: Options): boolean {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const outcome of outcomes.values()) counts[outcome]++
  console.log(`      ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in the suite`)
  const path = join(import.meta.dirname, 'expected', `${suite.name}.txt`)
  if (record) {
    writeFileSync(path, format(outcomes))
    return true
  }
  if (!existsSync(path)) {
    console.log(`DIFFERENT nothing is expected of ${suite.name} yet: --broker kafka --record`)
    return false
  }
  const { different, known, stale } = compare(parse(readFileSync(path, 'utf8')), outcomes, suite.reasons)
  for (const line of known) console.log(`known ${line}`)
  for (const line of different) console.log(`DIFFERENT ${line}`)
  for (const name of stale) console.log(`STALE ${name}: no test is called so`)
  return different.length === 0 && stale.length === 0
}

async function main(options: Options): Promise<boolean> {
  let java: Java | null = null
  if (options.kind === 'kafka') {
    const folder = join(cacheFolder())
    mkdirSync(folder, { recursive: true })
    java = await setUpJava(folder)
  }
  const brokers = new Brokers(java)
  const tally = { same: 0, different: 0, leftOut: 0 }
  try {
    for (const suite of options.suites) {
      const start = performance.now()
      console.log(`\n${suite.name}: ${suite.source}`)
      const missing = (await suite.missing?.()) ?? null
      if (missing !== null) {
        console.log(`left out  ${suite.name}: ${missing}`)
        tally.leftOut++
        continue
      }
      const isSame = await runSuite(suite, brokers, options).then(
        outcomes => judge(suite, outcomes, options),
        error => {
          console.log(`DIFFERENT ${suite.name} could not be run: ${(error as Error).message}`)
          return false
        },
      )
      tally[isSame ? 'same' : 'different']++
      console.log(
        `${isSame ? 'same' : 'different'}  ${suite.name}  ${((performance.now() - start) / 1000).toFixed(0)} s`,
      )
    }
  } finally {
    await brokers.stopAll()
    await java?.stop()
  }
  console.log(`\n${tally.same} passed, ${tally.different} failed, ${tally.leftOut} skipped`)
  return tally.different === 0
}

process.exit((await main(readOptions())) ? 0 : 1)
